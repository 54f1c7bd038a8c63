//! What may stand at a name, signatures aside.

use std::collections::BTreeSet;

use super::body::Rec;
use super::nodes::Flags;
use super::{Findings, Severity, Verifier, set_of, types_of};
use crate::dns::Rtype;

impl Verifier<'_> {
    /// What may not stand beside what.
    pub(super) fn check_form(&self, node: usize, flags: Flags, records: &[Rec<'_>], findings: &mut Findings) {
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

    pub(super) fn check_ttls(&self, node: usize, rtype: Rtype, set: &[Rec<'_>], findings: &mut Findings) {
        let ttls: BTreeSet<u32> = set.iter().map(|record| record.ttl).collect();
        if ttls.len() > 1 {
            self.error(findings, "ttl-differs", node, Some(rtype), || {
                format!("the TTLs of one RRset are {ttls:?} (RFC 2181 section 5.2)")
            });
        }
    }
}
