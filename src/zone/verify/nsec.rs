//! The NSEC chain: each name of the zone has one, it names the next, and its types are those that are there (RFC 4034
//! section 4, RFC 4035 section 2.3).

use super::body::Rec;
use super::nodes::Flags;
use super::{Findings, Severity, Verifier, set_of, types_of};
use crate::dns::Rtype;

impl Verifier<'_> {
    pub(super) fn check_nsec(&self, node: usize, flags: Flags, records: &[Rec<'_>], findings: &mut Findings) {
        let Some(nsec) = set_of(records, Rtype::NSEC).first() else {
            self.error(findings, "nsec-missing", node, Some(Rtype::NSEC), || {
                "every name that has records has an NSEC record".to_owned()
            });
            return;
        };
        let Some(end) = name_length(nsec.rdata) else {
            self.error(findings, "nsec-form", node, Some(Rtype::NSEC), || {
                "its next name is none".to_owned()
            });
            return;
        };
        let (next, bitmap) = nsec.rdata.split_at(end);
        let mut wanted = Vec::new();
        let following = self.next_authoritative(node);
        self.body.wire(self.body.key(following), &mut wanted);
        if !next.eq_ignore_ascii_case(&wanted) {
            self.error(findings, "nsec-next", node, Some(Rtype::NSEC), || {
                let named = crate::dns::Name::from_wire(next)
                    .map_or_else(|_| "nothing".to_owned(), |name| name.to_string());
                format!(
                    "it says that {named} comes next, and {} does",
                    self.name(following)
                )
            });
        }
        let types: Vec<Rtype> = types_here(flags, records).collect();
        if bitmap != encode(&types).as_slice() {
            self.error(findings, "nsec-types", node, Some(Rtype::NSEC), || {
                types_words(bitmap, &types)
            });
        }
        self.check_negative_ttl(node, nsec, findings);
    }

    /// RFC 9077 section 3.
    pub(super) fn check_negative_ttl(&self, node: usize, record: &Rec<'_>, findings: &mut Findings) {
        if let Some(ttl) = self.negative_ttl
            && record.ttl != ttl
        {
            self.add(
                findings,
                Severity::Warning,
                "denial-ttl",
                node,
                Some(record.rtype),
                || {
                    format!(
                        "its TTL is {}, the lesser of the SOA's TTL and minimum is {ttl} (RFC 9077)",
                        record.ttl
                    )
                },
            );
        }
    }
}

/// The types that a denial has to show: of a delegation only what the parent speaks for.
pub(super) fn types_here(flags: Flags, records: &[Rec<'_>]) -> impl Iterator<Item = Rtype> {
    types_of(records).filter(move |rtype| {
        !flags.has(Flags::CUT) || matches!(*rtype, Rtype::NS | Rtype::DS | Rtype::RRSIG | Rtype::NSEC)
    })
}

pub(super) fn name_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let length = usize::from(*octets.get(at)?);
        at += length + 1;
        if length == 0 {
            return Some(at);
        }
        if length > 63 || at > 254 {
            return None;
        }
    }
}

/// The bitmap of sorted types (RFC 4034 section 4.1.2), of which there is exactly one form.
pub(super) fn encode(types: &[Rtype]) -> Vec<u8> {
    let mut out = Vec::new();
    for window in types.chunk_by(|a, b| a.0 / 256 == b.0 / 256) {
        let mut octets = [0u8; 32];
        let mut length = 0u8;
        for rtype in window {
            let low = (rtype.0 % 256) as u8;
            if let Some(octet) = octets.get_mut(usize::from(low / 8)) {
                *octet |= 0x80 >> (low % 8);
            }
            length = length.max(low / 8 + 1);
        }
        let number = window.first().map_or(0, |first| (first.0 / 256) as u8);
        out.extend_from_slice(&[number, length]);
        out.extend_from_slice(octets.get(..usize::from(length)).unwrap_or_default());
    }
    out
}

/// What a bitmap shows and ought to show.
pub(super) fn types_words(bitmap: &[u8], wanted: &[Rtype]) -> String {
    let mut shown = Vec::new();
    let mut rest = bitmap;
    while let Some(([window, length], tail)) = rest.split_first_chunk::<2>() {
        let Some((octets, after)) = tail.split_at_checked(usize::from(*length)) else {
            return "its type bitmap does not parse".to_owned();
        };
        for (index, octet) in octets.iter().enumerate() {
            for bit in 0..8u16 {
                if octet & (0x80 >> bit) != 0 {
                    shown.push(Rtype(u16::from(*window) * 256 + (index as u16 % 32) * 8 + bit));
                }
            }
        }
        rest = after;
    }
    let words = |types: &[Rtype]| {
        let words: Vec<String> = types.iter().map(ToString::to_string).collect();
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(" ")
        }
    };
    if shown == wanted {
        return "its type bitmap is not in its one form".to_owned();
    }
    format!("it shows {}, and {} is there", words(&shown), words(wanted))
}
