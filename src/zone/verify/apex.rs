//! The apex: SOA, NS, the keys and what vouches for them.

use super::body::{Body, Rec};
use super::{Findings, Severity, Verifier, set_of, zonemd};
use crate::dns::{Rtype, Ttl};
use crate::dnssec::{Dnskey, Ds};

/// What is read of the apex before anything is judged.
pub(super) struct Apex {
    pub(super) keys: Vec<Dnskey>,
    pub(super) negative_ttl: Option<Ttl>,
}

impl Apex {
    /// Reads it; `records` holds the records of the apex afterwards.
    pub(super) fn read<'a>(body: &'a Body, records: &mut Vec<Rec<'a>>) -> Apex {
        records.clear();
        if body.key(0).is_empty() {
            body.records_of(0, records);
        }
        let negative_ttl = set_of(records, Rtype::SOA).first().and_then(|soa| {
            let minimum = u32::from_be_bytes(*soa.rdata.last_chunk::<4>()?);
            Some(minimum.min(soa.ttl))
        });
        Apex {
            keys: set_of(records, Rtype::DNSKEY)
                .iter()
                .filter_map(|record| Dnskey::from_rdata(record.rdata))
                .collect(),
            negative_ttl,
        }
    }
}

impl Verifier<'_> {
    pub(super) fn check_apex(&self, findings: &mut Findings) {
        let mut records = Vec::new();
        Apex::read(self.body, &mut records);
        let mut add = |severity, code, rtype: Rtype, text: String| {
            findings.add(severity, code, || self.apex().clone(), Some(rtype), || text);
        };
        match set_of(&records, Rtype::SOA).len() {
            0 => add(
                Severity::Error,
                "soa-missing",
                Rtype::SOA,
                "the zone has no SOA record".to_owned(),
            ),
            1 => {}
            _ => add(
                Severity::Error,
                "several-records",
                Rtype::SOA,
                "the zone has more than one SOA record".to_owned(),
            ),
        }
        if set_of(&records, Rtype::NS).is_empty() {
            add(
                Severity::Error,
                "ns-missing",
                Rtype::NS,
                "the zone has no NS records".to_owned(),
            );
        }
        if self.algorithms.is_empty() {
            let text =
                "the zone has no key that may sign it: it is not signed, and nothing else was verified";
            add(Severity::Error, "dnskey-missing", Rtype::DNSKEY, text.to_owned());
        } else {
            self.check_keys(&records, findings);
            self.check_cds(&records, findings);
        }
        zonemd::check(self.body, &records, findings);
    }

    /// The keys sign themselves, and fit the anchors (RFC 4035 section 5, RFC 6840 section 5.11).
    fn check_keys(&self, records: &[Rec<'_>], findings: &mut Findings) {
        let signers = self.signers_of(records, Rtype::DNSKEY);
        let apex = || self.apex().clone();
        let rtype = Some(Rtype::DNSKEY);
        // Of other faults of these signatures the RRset's own findings tell.
        for key in self.keys.iter().filter(|key| key.key.is_revoked()) {
            let signs = signers.iter().any(|signer| signer.id() == key.key.id());
            if !signs {
                findings.add(Severity::Warning, "revoked-not-signing", apex, rtype, || {
                    format!("key {} is revoked, but does not sign the set: no validator drops it (RFC 5011 section 2.1)", key.tag)
                });
            }
        }
        let mut entry_points = self
            .keys
            .iter()
            .filter(|key| key.key.is_sep() && key.key.is_usable())
            .peekable();
        if !signers.is_empty()
            && entry_points.peek().is_some()
            && !entry_points.any(|key| signers.contains(&key.key))
        {
            findings.add(Severity::Error, "dnskey-sep-not-signing", apex, rtype, || {
                "no key with the SEP flag signs the DNSKEY RRset".to_owned()
            });
        }
        let Some(anchors) = self.anchors else { return };
        let vouched = |ds: &Ds| {
            signers
                .iter()
                .any(|key| key.is_usable() && ds.matches(self.apex(), key))
        };
        if !anchors.iter().any(vouched) {
            findings.add(Severity::Error, "anchor-mismatch", apex, rtype, || {
                "no key that signs the DNSKEY RRset matches the anchors".to_owned()
            });
        }
        for ds in anchors
            .iter()
            .filter(|ds| !self.algorithms.contains(&ds.algorithm))
        {
            findings.add(Severity::Error, "ds-algorithm-without-key", apex, rtype, || {
                format!(
                    "the anchors have algorithm {}, of which the zone has no key (RFC 6840 section 5.11)",
                    ds.algorithm
                )
            });
        }
    }

    /// The keys with which the RRset of that type at the apex is signed well.
    pub(super) fn signers_of(&self, records: &[Rec<'_>], rtype: Rtype) -> Vec<Dnskey> {
        let rrset = crate::dns::Rrset {
            name: self.apex().clone(),
            rtype,
            ttl: set_of(records, rtype)
                .iter()
                .map(|record| record.ttl)
                .max()
                .unwrap_or(0),
            rdatas: set_of(records, rtype)
                .iter()
                .map(|record| record.rdata.to_vec())
                .collect(),
            signatures: Vec::new(),
            broken_signatures: 0,
        };
        let mut out = Vec::new();
        for record in set_of(records, Rtype::RRSIG) {
            let Some(signature) = crate::dnssec::Rrsig::from_rdata(record.rdata, record.ttl) else {
                continue;
            };
            if signature.type_covered != rtype || signature.signer != *self.apex() {
                continue;
            }
            let Some(data) = crate::dnssec::signed_data(&rrset, &signature) else {
                continue;
            };
            let (from, until) = signature.window(self.at);
            let fits = self.keys.iter().filter(|key| {
                (key.tag, key.key.algorithm) == (signature.tag, signature.algorithm)
                    && (from..=until).contains(&self.at)
                    && key.verify(&data, &signature.signature).is_ok()
            });
            out.extend(fits.map(|key| key.key.clone()));
        }
        out
    }
}
