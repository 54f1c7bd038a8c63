//! Every RRset of a node and every signature over it.

use std::collections::BTreeSet;

use super::body::Rec;
use super::nodes::Flags;
use super::{Findings, Severity, Verifier, set_of, types_of};
use crate::dns::{CLASS_IN, Name, Rtype};
use crate::dnssec::Rrsig;
use crate::dnssec::policy::rsa_bits;

/// The fixed part of an RRSIG's RDATA.
const FIXED: usize = 18;

/// Room that is used again for each RRset.
#[derive(Default)]
pub(super) struct Work {
    owner: Vec<u8>,
    data: Vec<u8>,
}

/// One RRset where it is judged.
struct Subject<'a, 's> {
    node: usize,
    rtype: Rtype,
    set: &'s [Rec<'a>],
    labels: usize,
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

    /// What may not stand beside what.
    fn check_form(&self, node: usize, flags: Flags, records: &[Rec<'_>], findings: &mut Findings) {
        let has = |rtype| set_of(records, rtype);
        if flags.has(Flags::BELOW_DNAME) {
            self.error(findings, "below-dname", node, None, || {
                "it lies below a DNAME, which answers for it (RFC 6672 section 2.4)".to_owned()
            });
        }
        if !has(Rtype::CNAME).is_empty() {
            let beside = types_of(records)
                .find(|rtype| !matches!(*rtype, Rtype::CNAME | Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3));
            if let Some(other) = beside {
                self.error(findings, "cname-and-other", node, Some(Rtype::CNAME), || {
                    format!("beside it stands {other} (RFC 2181 section 10.1)")
                });
            }
        }
        for single in [Rtype::CNAME, Rtype::DNAME, Rtype::NSEC] {
            if has(single).len() > 1 {
                self.error(findings, "several-records", node, Some(single), || {
                    format!("a name has at most one {single} record")
                });
            }
        }
        if flags.has(Flags::DS) && !flags.has(Flags::CUT) {
            self.error(findings, "ds-without-delegation", node, Some(Rtype::DS), || {
                "DS records stand at a delegation and nowhere else (RFC 4035 section 2.4)".to_owned()
            });
        }
        if !flags.has(Flags::APEX) {
            for apex_only in [
                Rtype::SOA,
                Rtype::DNSKEY,
                Rtype::NSEC3PARAM,
                Rtype::CDS,
                Rtype::CDNSKEY,
                Rtype::ZONEMD,
            ] {
                if !has(apex_only).is_empty() && flags.is_authoritative() {
                    self.error(findings, "apex-type-elsewhere", node, Some(apex_only), || {
                        "it belongs to the apex only".to_owned()
                    });
                }
            }
        }
        if flags.has(Flags::BELOW_CUT) && flags.has(Flags::NSEC) {
            self.error(findings, "nsec-extra", node, Some(Rtype::NSEC), || {
                "it lies below a delegation, where the zone denies nothing (RFC 4035 section 2.3)".to_owned()
            });
        }
        for ds in has(Rtype::DS) {
            self.check_ds(node, ds.rdata, findings);
        }
    }

    fn check_ds(&self, node: usize, rdata: &[u8], findings: &mut Findings) {
        let wanted = match rdata.get(3) {
            Some(1) => Some(20),
            Some(2 | 3 | 5 | 6) => Some(32),
            Some(4) => Some(48),
            _ => None,
        };
        let found = rdata.len().saturating_sub(4);
        if rdata.len() < 4 || wanted.is_some_and(|wanted| wanted != found) {
            self.error(findings, "ds-form", node, Some(Rtype::DS), || {
                format!("a digest of {found} octets is none of its type")
            });
        } else if wanted.is_none() {
            self.add(
                findings,
                Severity::Warning,
                "ds-unknown-digest",
                node,
                Some(Rtype::DS),
                || {
                    format!(
                        "digest type {} is not known here",
                        rdata.get(3).copied().unwrap_or(0)
                    )
                },
            );
        }
    }

    fn check_ttls(&self, node: usize, rtype: Rtype, set: &[Rec<'_>], findings: &mut Findings) {
        let ttls: BTreeSet<u32> = set.iter().map(|record| record.ttl).collect();
        if ttls.len() > 1 {
            self.error(findings, "ttl-differs", node, Some(rtype), || {
                format!("the TTLs of one RRset are {ttls:?} (RFC 2181 section 5.2)")
            });
        }
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

    /// One signature; gives its algorithm if it is good.
    fn check_signature(
        &self,
        subject: &Subject<'_, '_>,
        signature: &Rec<'_>,
        work: &mut Work,
    ) -> Result<u8, (Severity, &'static str, String)> {
        let error = |code, text: String| Err((Severity::Error, code, text));
        let rdata = signature.rdata;
        let Some((fixed, rest)) = rdata.split_first_chunk::<FIXED>() else {
            return error(
                "rrsig-form",
                "the record is shorter than a signature can be".to_owned(),
            );
        };
        let signer = self.apex().wire();
        let Some(octets) = rest.strip_prefix(signer) else {
            let name = Rrsig::from_rdata(rdata, 0)
                .map_or_else(|| "nobody".to_owned(), |rrsig| rrsig.signer.to_string());
            return error(
                "rrsig-signer",
                format!("signed by {name}, not by the zone (RFC 4035 section 2.2)"),
            );
        };
        let [
            _,
            _,
            algorithm,
            labels,
            t0,
            t1,
            t2,
            t3,
            e0,
            e1,
            e2,
            e3,
            i0,
            i1,
            i2,
            i3,
            k0,
            k1,
        ] = *fixed;
        let tag = u16::from_be_bytes([k0, k1]);
        let ttl = subject.set.iter().map(|record| record.ttl).max().unwrap_or(0);
        let original = u32::from_be_bytes([t0, t1, t2, t3]);
        if usize::from(labels) != subject.labels {
            return error(
                "rrsig-labels",
                format!("{labels} labels are signed, the owner has {}", subject.labels),
            );
        }
        if signature.ttl != ttl {
            return error(
                "rrsig-ttl",
                format!(
                    "the signature's TTL is {}, the RRset's {ttl} (RFC 4034 section 3)",
                    signature.ttl
                ),
            );
        }
        if original != ttl {
            return error(
                "original-ttl",
                format!("a TTL of {original} is signed, the RRset has {ttl} (RFC 4034 section 3.1.4)"),
            );
        }
        let window = |expiration: [u8; 4], inception: [u8; 4]| {
            let near = |stamp: u32| self.at + i64::from(stamp.wrapping_sub(self.at as u32) as i32);
            (
                near(u32::from_be_bytes(inception)),
                near(u32::from_be_bytes(expiration)),
            )
        };
        let (inception, expiration) = window([e0, e1, e2, e3], [i0, i1, i2, i3]);
        if inception > self.at {
            return error(
                "rrsig-not-yet-valid",
                format!(
                    "by key {tag}: not valid before {} s from now",
                    inception - self.at
                ),
            );
        }
        if expiration < self.at {
            return error(
                "rrsig-expired",
                format!("by key {tag}: expired {} s ago", self.at - expiration),
            );
        }
        self.check_octets(subject, fixed, octets, (tag, algorithm), original, work)
    }

    fn check_octets(
        &self,
        subject: &Subject<'_, '_>,
        fixed: &[u8; FIXED],
        octets: &[u8],
        (tag, algorithm): (u16, u8),
        original: u32,
        work: &mut Work,
    ) -> Result<u8, (Severity, &'static str, String)> {
        let keys = || {
            self.keys
                .iter()
                .filter(|key| key.tag == tag && key.key.algorithm == algorithm)
        };
        if keys().next().is_none() {
            return Err((
                Severity::Warning,
                "rrsig-unknown-key",
                format!("the DNSKEY RRset has no key {tag} of algorithm {algorithm}"),
            ));
        }
        work.data.clear();
        work.data.extend_from_slice(fixed);
        work.data.extend_from_slice(self.apex().wire());
        for record in subject.set {
            work.data.extend_from_slice(&work.owner);
            work.data.extend_from_slice(&subject.rtype.0.to_be_bytes());
            work.data.extend_from_slice(&CLASS_IN.to_be_bytes());
            work.data.extend_from_slice(&original.to_be_bytes());
            // It came in with a length of 16 bits.
            work.data
                .extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
            work.data.extend_from_slice(record.rdata);
        }
        let mut fault = None;
        for key in keys() {
            // A revoked key may sign the key set alone (RFC 5011 section 2.1).
            let usable = key.key.is_usable() || (subject.rtype == Rtype::DNSKEY && key.key.is_zone_key());
            if !usable {
                fault = Some((
                    Severity::Error,
                    "rrsig-bad",
                    format!(
                        "key {tag} may not sign: flags {}, protocol {}",
                        key.key.flags, key.key.protocol
                    ),
                ));
                continue;
            }
            if !key.can_check() {
                let text = match rsa_bits(&key.key) {
                    Some(bits) => format!("this build cannot check an RSA key of {bits} bits"),
                    None => format!("this build cannot check algorithm {algorithm}"),
                };
                fault = Some((Severity::Unknown, "cannot-check", text));
                continue;
            }
            match key.verify(&work.data, octets) {
                Ok(()) if key.key.is_revoked() => return Ok(0),
                Ok(()) => return Ok(algorithm),
                Err(_) => {
                    fault = Some((
                        Severity::Error,
                        "rrsig-bad",
                        format!("the signature by key {tag} does not match the data"),
                    ));
                }
            }
        }
        Err(fault.unwrap_or((Severity::Error, "rrsig-bad", "no key fits".to_owned())))
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
