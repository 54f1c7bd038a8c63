//! One signature over one RRset.

use super::body::Rec;
use super::sets::{FIXED, Subject, Work};
use super::{Severity, Verifier};
use crate::dns::{CLASS_IN, Rtype};
use crate::dnssec::Rrsig;
use crate::dnssec::policy::rsa_bits;

impl Verifier<'_> {
    /// One signature; gives its algorithm if it is good.
    pub(super) fn check_signature(
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
}
