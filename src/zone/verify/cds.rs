//! CDS and CDNSKEY: what they ask of the parent must not break the delegation (RFC 7344 section 4.1, RFC 8078).

use std::collections::BTreeSet;

use super::body::Rec;
use super::{Findings, Severity, Verifier, set_of};
use crate::dns::Rtype;
use crate::dnssec::{Dnskey, Ds};

impl Verifier<'_> {
    pub(super) fn check_cds(&self, records: &[Rec<'_>], findings: &mut Findings) {
        let cds: Vec<Ds> = set_of(records, Rtype::CDS)
            .iter()
            .filter_map(|record| Ds::from_rdata(record.rdata))
            .collect();
        let cdnskey: Vec<Dnskey> = set_of(records, Rtype::CDNSKEY)
            .iter()
            .filter_map(|record| Dnskey::from_rdata(record.rdata))
            .collect();
        let mut add = |severity, code, rtype, text: &str| {
            findings.add(
                severity,
                code,
                || self.apex().clone(),
                Some(rtype),
                || text.to_owned(),
            );
        };
        // Algorithm 0 asks for the DS records to be taken away; it stands alone.
        for (rtype, deletes, count) in [
            (Rtype::CDS, cds.iter().any(|ds| ds.algorithm == 0), cds.len()),
            (
                Rtype::CDNSKEY,
                cdnskey.iter().any(|key| key.algorithm == 0),
                cdnskey.len(),
            ),
        ] {
            if deletes && count > 1 {
                add(
                    Severity::Error,
                    "cds-delete-not-alone",
                    rtype,
                    "a request to remove the DS records stands beside others (RFC 8078 section 4)",
                );
            } else if deletes {
                add(
                    Severity::Warning,
                    "cds-delete",
                    rtype,
                    "it asks the parent to remove the DS records: the zone becomes insecure",
                );
            }
        }
        let cds: Vec<&Ds> = cds.iter().filter(|ds| ds.algorithm != 0).collect();
        let cdnskey: Vec<&Dnskey> = cdnskey.iter().filter(|key| key.algorithm != 0).collect();
        if !cds.is_empty() && !cdnskey.is_empty() {
            let has_ds = |key: &&Dnskey| cds.iter().any(|ds| ds.matches(self.apex(), key));
            let has_key = |ds: &&Ds| cdnskey.iter().any(|key| ds.matches(self.apex(), key));
            if !cdnskey.iter().all(has_ds) || !cds.iter().all(|ds| has_key(ds) || !known(ds)) {
                add(
                    Severity::Error,
                    "cds-cdnskey-differ",
                    Rtype::CDS,
                    "CDS and CDNSKEY name different keys (RFC 7344 section 4)",
                );
            }
        }
        let signers = self.signers_of(records, Rtype::DNSKEY);
        let of_cds = cds
            .iter()
            .any(|ds| signers.iter().any(|key| ds.matches(self.apex(), key)));
        let of_cdnskey = cdnskey
            .iter()
            .any(|key| signers.iter().any(|signer| signer.id() == key.id()));
        for (rtype, empty, found) in [
            (Rtype::CDS, cds.is_empty(), of_cds),
            (Rtype::CDNSKEY, cdnskey.is_empty(), of_cdnskey),
        ] {
            if !empty && !found {
                add(
                    Severity::Error,
                    "cds-breaks",
                    rtype,
                    "none of them is a key that signs the DNSKEY RRset here: as DS records they would break the delegation (RFC 7344 section 4.1)",
                );
            }
        }
        self.check_authority(records, &signers, findings);
    }

    /// They are signed with a key that the parent's DS records name already (RFC 7344 section 4.1); without anchors, with
    /// one that signs the DNSKEY RRset.
    fn check_authority(&self, records: &[Rec<'_>], of_keys: &[Dnskey], findings: &mut Findings) {
        let vouched: BTreeSet<_> = of_keys
            .iter()
            .filter(|key| {
                self.anchors
                    .is_none_or(|set| set.iter().any(|ds| ds.matches(self.apex(), key)))
            })
            .map(Dnskey::id)
            .collect();
        for rtype in [Rtype::CDS, Rtype::CDNSKEY] {
            if set_of(records, rtype).is_empty() {
                continue;
            }
            let signers = self.signers_of(records, rtype);
            if !signers.is_empty() && !signers.iter().any(|key| vouched.contains(&key.id())) {
                findings.add(Severity::Error, "cds-signer", || self.apex().clone(), Some(rtype), || {
                    "signed by no key that the parent can know: it has to be one that signs the DNSKEY RRset (RFC 7344 section 4.1)".to_owned()
                });
            }
        }
    }
}

/// Whether the digest can be made here.
fn known(ds: &Ds) -> bool {
    matches!(ds.digest_type, 1 | 2 | 4)
}
