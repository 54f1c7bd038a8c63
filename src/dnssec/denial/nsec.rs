//! Proofs by NSEC.

use super::bitmap::TypeBitmap;
use super::{Fact, Fault, Proof};
use crate::dns::{Name, Rrset, Rtype};

const RFC_NSEC: &str = "RFC 4035 section 5.4";
const RFC_ANCESTOR: &str = "RFC 6840 section 4.1";

/// The type bitmap of an NSEC record's RDATA (RFC 4034 section 4.1).
pub(super) fn types(rdata: &[u8]) -> Option<TypeBitmap> {
    TypeBitmap::read(rdata.get(wire_length(rdata)?..)?)
}

/// An NSEC record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nsec {
    owner: Name,
    next: Name,
    types: TypeBitmap,
}

impl Nsec {
    /// Reads the one record of the RRset; none where it is malformed or there are several (no name has two).
    pub(super) fn read(rrset: &Rrset) -> Option<Nsec> {
        let [rdata] = rrset.rdatas.as_slice() else {
            return None;
        };
        let end = wire_length(rdata)?;
        Some(Nsec {
            owner: rrset.name.clone(),
            next: Name::from_wire(rdata.get(..end)?).ok()?,
            types: TypeBitmap::read(rdata.get(end..)?)?,
        })
    }

    /// Whether `name` lies strictly between owner and next; the last record of the zone wraps around to its apex.
    fn covers(&self, name: &Name, zone: &Name) -> bool {
        if !name.is_at_or_below(zone) || *name <= self.owner {
            return false;
        }
        if self.next > self.owner {
            *name < self.next
        } else {
            self.next == *zone
        }
    }

    /// Whether `name`, which is covered, is an empty non-terminal.
    fn shows_empty(&self, name: &Name) -> bool {
        self.next != *name && self.next.is_at_or_below(name)
    }
}

fn wire_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let length = usize::from(*octets.get(at)?);
        at += length + 1;
        if length > 63 || at > 255 {
            return None;
        }
        if length == 0 {
            return Some(at);
        }
    }
}

/// The record that covers `name`, fit to speak about it.
fn covering<'a>(nsecs: &'a [Nsec], zone: &Name, name: &Name, code: &'static str) -> Result<&'a Nsec, Fault> {
    let found = nsecs
        .iter()
        .find(|nsec| nsec.covers(name, zone))
        .ok_or_else(|| Fault::bogus(code, format!("no NSEC record covers {name}"), RFC_NSEC))?;
    if name.is_at_or_below(&found.owner) && found.types.hides_descendants() {
        return Err(Fault::bogus(
            "denial-ancestor-delegation",
            format!(
                "the NSEC record of {} may not speak about {name} below it",
                found.owner
            ),
            RFC_ANCESTOR,
        ));
    }
    Ok(found)
}

/// The closest encloser of a name that `nsec` covers: owner and next exist, and so do the names above them.
fn closest_encloser(nsec: &Nsec, name: &Name) -> Name {
    let left = common_labels(&nsec.owner, name);
    let right = common_labels(&nsec.next, name);
    name.suffix(left.max(right))
}

/// How many labels two names share at the end.
fn common_labels(a: &Name, b: &Name) -> usize {
    let a: Vec<&[u8]> = a.labels().collect();
    let b: Vec<&[u8]> = b.labels().collect();
    a.iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count()
}

fn wildcard_of(encloser: &Name) -> Result<Name, Fault> {
    encloser.prepend(b"*").map_err(|_| {
        Fault::bogus(
            "denial-wildcard-not-covered",
            format!("no wildcard fits below {encloser}"),
            RFC_NSEC,
        )
    })
}

/// `qname` and the wildcard at its closest encloser do not exist.
pub(super) fn no_name(nsecs: &[Nsec], zone: &Name, qname: &Name) -> Proof {
    if let Some(nsec) = nsecs.iter().find(|nsec| nsec.owner == *qname) {
        return if nsec.types.has(Rtype::NXNAME) {
            Ok(Fact::NxName)
        } else {
            Err(Fault::bogus(
                "denial-name-exists",
                format!("the NSEC record of {qname} says that the name exists"),
                RFC_NSEC,
            ))
        };
    }
    let nsec = covering(nsecs, zone, qname, "denial-name-not-covered")?;
    if nsec.shows_empty(qname) {
        return Err(Fault::bogus(
            "denial-name-exists",
            format!("{qname} is an empty non-terminal, so it exists"),
            RFC_NSEC,
        ));
    }
    let wildcard = wildcard_of(&closest_encloser(nsec, qname))?;
    let above = covering(nsecs, zone, &wildcard, "denial-wildcard-not-covered")?;
    if above.shows_empty(&wildcard) {
        return Err(Fault::bogus(
            "denial-wildcard-not-covered",
            format!("{wildcard} is an empty non-terminal, so it exists"),
            RFC_NSEC,
        ));
    }
    Ok(Fact::Proven)
}

/// `qname`, or the wildcard that answers for it, exists without `qtype`.
pub(super) fn no_data(nsecs: &[Nsec], zone: &Name, qname: &Name, qtype: Rtype) -> Proof {
    if let Some(nsec) = nsecs.iter().find(|nsec| nsec.owner == *qname) {
        return lacks_type(&nsec.types, qname, qtype, true);
    }
    let nsec = covering(nsecs, zone, qname, "denial-name-not-covered")?;
    if nsec.shows_empty(qname) {
        return Ok(Fact::Proven);
    }
    let wildcard = wildcard_of(&closest_encloser(nsec, qname))?;
    if let Some(nsec) = nsecs.iter().find(|nsec| nsec.owner == wildcard) {
        return lacks_type(&nsec.types, &wildcard, qtype, false);
    }
    let above = covering(nsecs, zone, &wildcard, "denial-wildcard-missing")?;
    if above.shows_empty(&wildcard) {
        return Ok(Fact::Proven);
    }
    Err(Fault::bogus(
        "denial-name-does-not-exist",
        format!("the proof says that {qname} does not exist, the answer says that it does"),
        RFC_NSEC,
    ))
}

/// The name of `types` has neither `qtype` nor a CNAME, seen from the right side of a zone cut.
pub(super) fn lacks_type(types: &TypeBitmap, owner: &Name, qtype: Rtype, may_be_compact: bool) -> Proof {
    if may_be_compact && types.has(Rtype::NXNAME) {
        return Ok(Fact::NxName);
    }
    if types.has(qtype) || qtype == Rtype::ANY {
        return Err(Fault::bogus(
            "denial-type-exists",
            format!("the proof says that {owner} has {qtype}"),
            RFC_NSEC,
        ));
    }
    if types.has(Rtype::CNAME) {
        return Err(Fault::bogus(
            "denial-cname-exists",
            format!("the proof says that {owner} has a CNAME, which ought to be the answer"),
            "RFC 6840 section 4.3",
        ));
    }
    match (qtype, types.is_delegation(), types.has(Rtype::SOA)) {
        (Rtype::DS, _, true) if !owner.is_root() => Err(Fault::bogus(
            "denial-child-side",
            format!("the proof comes from the apex of {owner}, not from its parent"),
            "RFC 4035 section 5.2",
        )),
        (Rtype::DS, _, _) | (_, false, _) => Ok(Fact::Proven),
        _ => Err(Fault::bogus(
            "denial-ancestor-delegation",
            format!("{owner} is delegated, so its parent may not speak about {qtype} there"),
            RFC_ANCESTOR,
        )),
    }
}

/// Nothing closer to `qname` than the wildcard below the name of `labels` labels exists.
pub(super) fn no_closer(nsecs: &[Nsec], zone: &Name, qname: &Name, labels: usize) -> Proof {
    let nsec = covering(nsecs, zone, qname, "wildcard-not-proven")?;
    if nsec.shows_empty(qname) || closest_encloser(nsec, qname).label_count() != labels {
        return Err(Fault::bogus(
            "wildcard-not-proven",
            format!("a name closer to {qname} than the wildcard exists"),
            "RFC 4035 section 5.3.4",
        ));
    }
    Ok(Fact::Proven)
}

/// The NSEC record at `cut` shows a delegation without DS.
pub(super) fn no_ds(nsecs: &[Nsec], cut: &Name) -> Proof {
    match nsecs.iter().find(|nsec| nsec.owner == *cut) {
        Some(nsec) => lacks_ds(&nsec.types, cut),
        None => Err(Fault::bogus(
            "no-delegation",
            format!("no NSEC record of {cut} shows a delegation"),
            "RFC 4035 section 5.2",
        )),
    }
}

/// NS without SOA and without DS.
pub(super) fn lacks_ds(types: &TypeBitmap, cut: &Name) -> Proof {
    lacks_type(types, cut, Rtype::DS, false)?;
    if types.is_delegation() {
        Ok(Fact::Proven)
    } else {
        Err(Fault::bogus(
            "no-delegation",
            format!("the proof says that {cut} is not delegated"),
            "RFC 4035 section 5.2",
        ))
    }
}
