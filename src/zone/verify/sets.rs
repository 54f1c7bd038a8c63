//! Every RRset of a node and every signature over it.

use super::body::Rec;
use super::nodes::Flags;
use super::{Findings, Severity, Verifier, set_of, types_of};
use crate::dns::{Name, Rtype};

/// The fixed part of an RRSIG's RDATA.
pub(super) const FIXED: usize = 18;

/// Room that is used again for each RRset.
#[derive(Default)]
pub(super) struct Work {
    pub(super) owner: Vec<u8>,
    pub(super) data: Vec<u8>,
}

/// One RRset where it is judged.
pub(super) struct Subject<'a, 's> {
    pub(super) node: usize,
    pub(super) rtype: Rtype,
    pub(super) set: &'s [Rec<'a>],
    pub(super) labels: usize,
}

impl Verifier<'_> {
    /// Judges the RRsets of a node: which have to be signed, and with what they are.
    pub(super) fn check_sets(
        &self,
        node: usize,
        flags: Flags,
        records: &[Rec<'_>],
        work: &mut Work,
        findings: &mut Findings,
    ) {
        let key = self.body.key(node);
        self.body.wire(key, &mut work.owner);
        let signatures = set_of(records, Rtype::RRSIG);
        self.check_form(node, flags, records, findings);
        if flags.has(Flags::BELOW_DNAME) {
            // It is never answered with, and signers leave it out.
            return;
        }
        for rtype in types_of(records).filter(|rtype| *rtype != Rtype::RRSIG) {
            let set = set_of(records, rtype);
            self.check_ttls(node, rtype, set, findings);
            let signed = covering(signatures, rtype).next().is_some();
            if !is_signed_here(flags, rtype) {
                if signed {
                    let text = || unsigned_words(flags).to_owned();
                    self.error(findings, "signed-not-authoritative", node, Some(rtype), text);
                }
                continue;
            }
            let subject = Subject {
                node,
                rtype,
                set,
                labels: self.labels(key),
            };
            self.check_set(&subject, signatures, work, findings);
        }
        for signature in signatures {
            match covered(signature) {
                None => self.error(findings, "rrsig-form", node, Some(Rtype::RRSIG), || {
                    "the record is shorter than a signature can be".to_owned()
                }),
                Some(rtype) if set_of(records, rtype).is_empty() || rtype == Rtype::RRSIG => {
                    self.error(findings, "rrsig-covers-nothing", node, Some(rtype), || {
                        "there is a signature and no such record".to_owned()
                    });
                }
                Some(_) => {}
            }
        }
    }

    fn labels(&self, key: &[u8]) -> usize {
        let below = key.iter().filter(|octet| **octet == 0).count();
        // The asterisk does not count (RFC 4034 section 3.1.3); as a key it is the last label.
        let wildcard = key.ends_with(b"*\0") && (key.len() == 2 || key.ends_with(b"\0*\0"));
        below + self.apex().label_count() - usize::from(wildcard)
    }

    /// An RRset that has to be signed.
    fn check_set(
        &self,
        subject: &Subject<'_, '_>,
        signatures: &[Rec<'_>],
        work: &mut Work,
        findings: &mut Findings,
    ) {
        let (node, rtype) = (subject.node, subject.rtype);
        let mut good: u64 = 0;
        let mut signed = 0;
        let mut by = [0u64; 4];
        for signature in covering(signatures, rtype) {
            signed += 1;
            match self.check_signature(subject, signature, work) {
                Ok(algorithm) => {
                    good += 1;
                    if let Some(word) = by.get_mut(usize::from(algorithm / 64)) {
                        *word |= 1 << (algorithm % 64);
                    }
                }
                Err((severity, code, text)) => self.add(findings, severity, code, node, Some(rtype), || text),
            }
        }
        findings.good_signatures += good;
        if signed == 0 {
            self.error(findings, "not-signed", node, Some(rtype), || {
                "there is no signature".to_owned()
            });
            return;
        }
        for algorithm in &self.algorithms {
            let has = by
                .get(usize::from(algorithm / 64))
                .is_some_and(|word| word & (1 << (algorithm % 64)) != 0);
            if has {
                continue;
            }
            let can = self
                .keys
                .iter()
                .any(|key| key.key.algorithm == *algorithm && key.can_check());
            if can {
                self.error(findings, "no-good-signature", node, Some(rtype), || {
                    format!("no good signature of algorithm {algorithm}, of which the zone has a key (RFC 4035 section 2.2)")
                });
            } else {
                self.add(
                    findings,
                    Severity::Unknown,
                    "cannot-check",
                    node,
                    Some(rtype),
                    || format!("this build cannot check signatures of algorithm {algorithm}"),
                );
            }
        }
    }

    pub(super) fn error(
        &self,
        findings: &mut Findings,
        code: &'static str,
        node: usize,
        rtype: Option<Rtype>,
        text: impl FnOnce() -> String,
    ) {
        self.add(findings, Severity::Error, code, node, rtype, text);
    }

    pub(super) fn add(
        &self,
        findings: &mut Findings,
        severity: Severity,
        code: &'static str,
        node: usize,
        rtype: Option<Rtype>,
        text: impl FnOnce() -> String,
    ) {
        findings.add(severity, code, || self.name(node), rtype, text);
    }

    pub(super) fn name(&self, node: usize) -> Name {
        self.body.name(self.body.key(node))
    }
}

/// Whether the zone signs that type at such an owner (RFC 4035 section 2.2).
fn is_signed_here(flags: Flags, rtype: Rtype) -> bool {
    if flags.has(Flags::BELOW_CUT) {
        // NSEC3 owners lie below the apex alone, and below a cut only by chance.
        return rtype == Rtype::NSEC3;
    }
    !flags.has(Flags::CUT) || matches!(rtype, Rtype::DS | Rtype::NSEC)
}

fn unsigned_words(flags: Flags) -> &'static str {
    if flags.has(Flags::BELOW_CUT) {
        "glue is not signed: the zone does not speak for it (RFC 4035 section 2.2)"
    } else {
        "of a delegation only DS and NSEC are signed (RFC 4035 section 2.2)"
    }
}

fn covered(signature: &Rec<'_>) -> Option<Rtype> {
    let octets = signature.rdata.get(..FIXED)?.first_chunk::<2>()?;
    Some(Rtype(u16::from_be_bytes(*octets)))
}

/// The signatures over a type.
fn covering<'r, 'a>(signatures: &'r [Rec<'a>], rtype: Rtype) -> impl Iterator<Item = &'r Rec<'a>> {
    signatures
        .iter()
        .filter(move |signature| covered(signature) == Some(rtype))
}
