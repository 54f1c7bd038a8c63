//! Proofs by NSEC3.

use std::collections::BTreeMap;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::bitmap::TypeBitmap;
use super::nsec::{lacks_ds, lacks_type};
use super::{Fact, Fault, Proof, Status};
use crate::dns::{Name, Rrset, Rtype};
use crate::dnssec::policy::NSEC3_ITERATION_LIMIT;

const RFC_NSEC3: &str = "RFC 5155 section 8";

/// Octets of a SHA-1 hash.
const HASH: usize = 20;

/// Hash algorithm, iterations and salt.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Params {
    algorithm: u8,
    iterations: u16,
    salt: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Nsec3 {
    owner: Vec<u8>,
    next: Vec<u8>,
    opt_out: bool,
    types: TypeBitmap,
}

/// The NSEC3 records of one answer that share the parameters of the first (RFC 5155 section 8.2).
#[derive(Debug)]
pub(super) struct Nsec3Set {
    zone: Name,
    params: Option<Params>,
    records: Vec<Nsec3>,
    /// More iterations than this, and the proof makes the answer insecure.
    most_iterations: u32,
}

/// The hash of a name (RFC 5155 section 5).
pub(super) fn hash(name: &Name, salt: &[u8], iterations: u16) -> Vec<u8> {
    let once = |octets: &[u8]| {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(octets);
        context.update(salt);
        context.finish()
    };
    let mut digest = once(name.wire());
    for _ in 0..iterations {
        digest = once(digest.as_ref());
    }
    digest.as_ref().to_vec()
}

/// Hashes names once each, within a limit.
struct Hasher<'a> {
    params: &'a Params,
    known: BTreeMap<Name, Vec<u8>>,
    left: &'a mut u32,
}

impl Hasher<'_> {
    fn hash(&mut self, name: &Name) -> Result<Vec<u8>, Fault> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        if *self.left == 0 {
            return Err(Fault {
                status: Status::Indeterminate,
                code: "work-limit",
                text: "too many names would have to be hashed".to_owned(),
                rfc: "CVE-2023-50868",
            });
        }
        *self.left -= 1;
        let digest = hash(name, &self.params.salt, self.params.iterations);
        self.known.insert(name.clone(), digest.clone());
        Ok(digest)
    }
}

/// A closest encloser with the record that covers the next closer name (RFC 5155 section 8.3).
struct Encloser<'a> {
    name: Name,
    next_closer: &'a Nsec3,
}

impl Nsec3Set {
    pub(super) fn new(zone: &Name) -> Nsec3Set {
        Nsec3Set {
            zone: zone.clone(),
            params: None,
            records: Vec::new(),
            most_iterations: NSEC3_ITERATION_LIMIT.into(),
        }
    }

    pub(super) fn allow_iterations(&mut self, most: u32) {
        self.most_iterations = most;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Takes the record of an RRset in; malformed ones, unknown hashes and flags, and other parameters are left out.
    pub(super) fn add(&mut self, rrset: &Rrset) {
        if rrset.name.parent().as_ref() != Some(&self.zone) {
            return;
        }
        let (Some(label), [rdata]) = (rrset.name.labels().next(), rrset.rdatas.as_slice()) else {
            return;
        };
        let Some((params, record)) = read(label, rdata) else {
            return;
        };
        if *self.params.get_or_insert_with(|| params.clone()) == params {
            self.records.push(record);
        }
    }

    fn hasher<'a>(&'a self, left: &'a mut u32) -> Result<Hasher<'a>, Fault> {
        let params = self
            .params
            .as_ref()
            .ok_or_else(|| Fault::bogus("denial-missing", "no NSEC3 record", RFC_NSEC3))?;
        if u32::from(params.iterations) > self.most_iterations {
            return Err(Fault {
                status: Status::Insecure,
                code: "nsec3-iterations",
                text: format!(
                    "{} iterations, and the limit is {}: validators take this as insecure",
                    params.iterations, self.most_iterations
                ),
                rfc: "RFC 9276 section 3.2",
            });
        }
        Ok(Hasher {
            params,
            known: BTreeMap::new(),
            left,
        })
    }

    fn matching(&self, name: &Name, hasher: &mut Hasher<'_>) -> Result<Option<&Nsec3>, Fault> {
        let hash = hasher.hash(name)?;
        Ok(self.records.iter().find(|record| record.owner == hash))
    }

    fn covering(&self, name: &Name, hasher: &mut Hasher<'_>) -> Result<Option<&Nsec3>, Fault> {
        let hash = hasher.hash(name)?;
        Ok(self.records.iter().find(|record| record.covers(&hash)))
    }

    /// The closest encloser of `qname`, which does not exist itself.
    fn encloser(&self, qname: &Name, hasher: &mut Hasher<'_>) -> Result<Encloser<'_>, Fault> {
        let missing = |name: &Name| {
            Fault::bogus(
                "denial-encloser-missing",
                format!("no NSEC3 record matches a name above {name}"),
                "RFC 5155 section 8.3",
            )
        };
        if !qname.is_at_or_below(&self.zone) {
            return Err(missing(qname));
        }
        let mut next_closer = qname.clone();
        while next_closer != self.zone {
            let Some(name) = next_closer.parent() else { break };
            if let Some(record) = self.matching(&name, hasher)? {
                if record.types.hides_descendants() {
                    return Err(Fault::bogus(
                        "denial-ancestor-delegation",
                        format!("the NSEC3 record of {name} may not speak about {qname} below it"),
                        "RFC 5155 section 8.3",
                    ));
                }
                let next_closer = self.covering(&next_closer, hasher)?.ok_or_else(|| {
                    Fault::bogus(
                        "denial-name-not-covered",
                        format!("no NSEC3 record covers {next_closer}"),
                        "RFC 5155 section 8.3",
                    )
                })?;
                return Ok(Encloser { name, next_closer });
            }
            next_closer = name;
        }
        Err(missing(qname))
    }

    pub(super) fn no_name(&self, qname: &Name, left: &mut u32) -> Proof {
        let hasher = &mut self.hasher(left)?;
        if let Some(record) = self.matching(qname, hasher)? {
            if record.types.has(Rtype::NXNAME) {
                return Ok(Fact::NxName);
            }
            return Err(Fault::bogus(
                "denial-name-exists",
                format!("an NSEC3 record says that {qname} exists"),
                "RFC 5155 section 8.4",
            ));
        }
        let encloser = self.encloser(qname, hasher)?;
        let wildcard = wildcard_of(&encloser.name)?;
        if self.covering(&wildcard, hasher)?.is_none() {
            return Err(Fault::bogus(
                "denial-wildcard-not-covered",
                format!("no NSEC3 record covers {wildcard}"),
                "RFC 5155 section 8.4",
            ));
        }
        Ok(encloser.fact())
    }

    pub(super) fn no_data(&self, qname: &Name, qtype: Rtype, left: &mut u32) -> Proof {
        let hasher = &mut self.hasher(left)?;
        if let Some(record) = self.matching(qname, hasher)? {
            return lacks_type(&record.types, qname, qtype, true);
        }
        let encloser = self.encloser(qname, hasher)?;
        let wildcard = wildcard_of(&encloser.name)?;
        if let Some(record) = self.matching(&wildcard, hasher)? {
            let fact = lacks_type(&record.types, &wildcard, qtype, false)?;
            return Ok(if encloser.next_closer.opt_out {
                Fact::OptOut
            } else {
                fact
            });
        }
        // Under opt-out the name may be an insecure delegation, or an empty non-terminal above one (erratum 3441).
        if encloser.next_closer.opt_out {
            return Ok(Fact::OptOut);
        }
        Err(Fault::bogus(
            "denial-name-not-matched",
            format!("no NSEC3 record matches {qname} or {wildcard}"),
            "RFC 5155 section 8.5",
        ))
    }

    pub(super) fn no_closer(&self, qname: &Name, labels: usize, left: &mut u32) -> Proof {
        let hasher = &mut self.hasher(left)?;
        let next_closer = qname.suffix(labels + 1);
        match self.covering(&next_closer, hasher)? {
            Some(record) if record.opt_out => Ok(Fact::OptOut),
            Some(_) => Ok(Fact::Proven),
            None => Err(Fault::bogus(
                "wildcard-not-proven",
                format!("no NSEC3 record covers {next_closer}"),
                "RFC 5155 section 8.8",
            )),
        }
    }

    pub(super) fn no_ds(&self, cut: &Name, left: &mut u32) -> Proof {
        let hasher = &mut self.hasher(left)?;
        if let Some(record) = self.matching(cut, hasher)? {
            return lacks_ds(&record.types, cut);
        }
        let encloser = self.encloser(cut, hasher)?;
        if encloser.next_closer.opt_out {
            return Ok(Fact::OptOut);
        }
        Err(Fault::bogus(
            "no-delegation",
            format!("the proof says that {cut} does not exist"),
            "RFC 5155 section 8.9",
        ))
    }
}

impl Encloser<'_> {
    fn fact(&self) -> Fact {
        if self.next_closer.opt_out {
            Fact::OptOut
        } else {
            Fact::Proven
        }
    }
}

impl Nsec3 {
    /// Whether `hash` lies strictly between owner and next; the last record of the zone wraps around.
    fn covers(&self, hash: &[u8]) -> bool {
        let (owner, next) = (self.owner.as_slice(), self.next.as_slice());
        if owner < next {
            owner < hash && hash < next
        } else {
            hash > owner || hash < next
        }
    }
}

fn wildcard_of(encloser: &Name) -> Result<Name, Fault> {
    encloser.prepend(b"*").map_err(|_| {
        Fault::bogus(
            "denial-wildcard-not-covered",
            format!("no wildcard fits below {encloser}"),
            RFC_NSEC3,
        )
    })
}

/// The type bitmap of an NSEC3 record's RDATA (RFC 5155 section 3.2).
pub(super) fn types(rdata: &[u8]) -> Option<TypeBitmap> {
    let (head, rest) = rdata.split_first_chunk::<5>()?;
    let (_, rest) = rest.split_at_checked(usize::from(head[4]))?;
    let (length, rest) = rest.split_first()?;
    TypeBitmap::read(rest.get(usize::from(*length)..)?)
}

/// Reads RDATA (RFC 5155 section 3.2); none for another hash than SHA-1 or a flag other than opt-out (section 8.2).
fn read(label: &[u8], rdata: &[u8]) -> Option<(Params, Nsec3)> {
    let owner = data_encoding::BASE32HEX_NOPAD
        .decode(&label.to_ascii_uppercase())
        .ok()?;
    let (head, rest) = rdata.split_first_chunk::<5>()?;
    let [algorithm, flags, high, low, salt_length] = *head;
    let (salt, rest) = rest.split_at_checked(usize::from(salt_length))?;
    let (length, rest) = rest.split_first()?;
    let (next, bitmap) = rest.split_at_checked(usize::from(*length))?;
    if algorithm != 1 || flags & 0xfe != 0 || owner.len() != HASH || next.len() != HASH {
        return None;
    }
    let params = Params {
        algorithm,
        iterations: u16::from_be_bytes([high, low]),
        salt: salt.to_vec(),
    };
    let record = Nsec3 {
        owner,
        next: next.to_vec(),
        opt_out: flags & 1 != 0,
        types: TypeBitmap::read(bitmap)?,
    };
    Some((params, record))
}
