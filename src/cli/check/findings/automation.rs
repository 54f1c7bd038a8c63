//! CDS and CDNSKEY: what a parent that polls would do, or would refuse to do (RFC 7344, RFC 8078, RFC 9975).

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Severity, answering, group, joined, led_to};
use crate::cli::check::report::{Report, Server};
use crate::dns::Name;
use crate::dnssec::{Dnskey, Ds, DsSet, KeyId, Policy, Status};

/// What one server asks of the parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    /// Tag and algorithm of each key.
    keys: BTreeSet<(u16, u8)>,
    /// To take all DS records away.
    delete: bool,
}

impl Asked {
    fn cds(set: &DsSet) -> Asked {
        Asked {
            keys: set
                .iter()
                .filter(|ds| ds.algorithm != 0)
                .map(|ds| (ds.tag, ds.algorithm))
                .collect(),
            delete: set.iter().any(|ds| ds.algorithm == 0),
        }
    }

    fn cdnskey(set: &BTreeSet<Dnskey>) -> Asked {
        Asked {
            keys: set
                .iter()
                .filter(|key| key.algorithm != 0)
                .map(|key| (key.tag(), key.algorithm))
                .collect(),
            delete: set.iter().any(|key| key.algorithm == 0),
        }
    }

    fn words(&self) -> String {
        if self.delete {
            "delete".to_owned()
        } else if self.keys.is_empty() {
            "none".to_owned()
        } else {
            joined(self.keys.iter().map(|(tag, _)| tag))
        }
    }
}

impl Found {
    pub(super) fn automation(&mut self, report: &Report) {
        self.consistency(report);
        for server in answering(report) {
            self.of_server(server, report);
        }
        self.consequence(report);
    }

    /// A key that one answer names has to be in all of them, or the parent must change nothing (RFC 9975).
    fn consistency(&mut self, report: &Report) {
        let by_cds = told(&group(led_to(report), |server| {
            server.cds.as_ref().map(Asked::cds)
        }));
        let by_cdnskey = told(&group(led_to(report), |server| {
            server.cdnskey.as_ref().map(Asked::cdnskey)
        }));
        let both = by_cds == by_cdnskey;
        for (word, told) in [
            (if both { "CDS and CDNSKEY name" } else { "CDS names" }, by_cds),
            ("CDNSKEY names", by_cdnskey.filter(|_| !both)),
        ] {
            if let Some(told) = told {
                self.add(
                    Severity::Warning,
                    "cds-differs",
                    [],
                    format!("the servers ask different things of the parent: {word} {told}"),
                    "the union of all signers' keys at every signer, or none: a parent that polls changes nothing (RFC 9975) or drops a DS",
                );
            }
        }
    }

    fn of_server(&mut self, server: &Server, report: &Report) {
        let (Some(cds), Some(cdnskey)) = (&server.cds, &server.cdnskey) else {
            return;
        };
        let (by_cds, by_cdnskey) = (Asked::cds(cds), Asked::cdnskey(cdnskey));
        let at = || [server.label()];
        let deletes = by_cds.delete || by_cdnskey.delete;
        if (by_cds.delete && cds.len() > 1) || (by_cdnskey.delete && cdnskey.len() > 1) {
            self.add(
                Severity::Warning,
                "cds-delete-not-alone",
                at(),
                "a request to remove the DS records stands beside others (RFC 8078 section 4)",
                "publish either the request alone or the keys alone",
            );
        } else if deletes {
            self.add(
                Severity::Warning,
                "cds-delete",
                at(),
                "it asks the parent to remove the DS records: the zone becomes insecure (RFC 8078 section 4)",
                "take the request out, unless the zone is to become insecure",
            );
        }
        let signer = server.cds_signers.iter().any(|key| vouched(report, key));
        let asks = !cds.is_empty() || !cdnskey.is_empty();
        if asks && !signer && report.chain.status == Status::Secure {
            self.add(
                Severity::Warning,
                "cds-signer",
                at(),
                "its CDS and CDNSKEY are signed by no key that the DS RRset names: the parent must not act (RFC 7344 section 4.1)",
                "let a key that the DS RRset names sign them",
            );
        }
        if cds.is_empty() || cdnskey.is_empty() || deletes {
            return;
        }
        let named = |ds: &Ds| cdnskey.iter().any(|key| ds.matches(&report.zone, key));
        let digested = |key: &Dnskey| cds.iter().any(|ds| ds.matches(&report.zone, key));
        if !cds.iter().filter(|ds| known(ds)).all(named) || !cdnskey.iter().all(digested) {
            self.add(
                Severity::Warning,
                "cds-cdnskey-differ",
                at(),
                format!("CDS names {}, CDNSKEY {}", by_cds.words(), by_cdnskey.words()),
                "both have to name the same keys (RFC 7344 section 4, RFC 9975)",
            );
        }
    }

    /// What the DS RRset would become, and whether that would break a server.
    fn consequence(&mut self, report: &Report) {
        let present: BTreeSet<(u16, u8)> = report
            .ds
            .iter()
            .map(|row| (row.ds.tag, row.ds.algorithm))
            .collect();
        if present.is_empty() || report.chain.status != Status::Secure {
            return;
        }
        for (wanted, at) in group(led_to(report), wanted) {
            let asked = Asked::cds(&wanted);
            if wanted.is_empty() || asked.delete || asked.keys == present {
                continue;
            }
            let dropped: Vec<u16> = present.difference(&asked.keys).map(|(tag, _)| *tag).collect();
            let added: Vec<u16> = asked.keys.difference(&present).map(|(tag, _)| *tag).collect();
            let broken: Vec<String> = led_to(report)
                .filter(|server| server.verdict == Status::Secure && !holds(&report.zone, server, &wanted))
                .map(Server::label)
                .collect();
            let changes: Vec<String> = [("drop", dropped), ("add", added)]
                .into_iter()
                .filter(|(_, tags)| !tags.is_empty())
                .map(|(verb, tags)| format!("{verb} DS {}", joined(tags)))
                .collect();
            let what = format!("a parent that polls would {}", changes.join(" and "));
            if broken.is_empty() {
                self.add(
                    Severity::Remark,
                    "cds-not-ds",
                    at,
                    what,
                    "nothing in a rollover; else let CDS and CDNSKEY name the keys of the DS RRset, at every signer",
                );
            } else {
                self.add(
                    Severity::Warning,
                    "cds-breaks",
                    at,
                    format!("{what}, which makes {} bogus", broken.join(", ")),
                    "put the keys of all signers into CDS and CDNSKEY at every signer, or take both out, at once",
                );
            }
        }
    }
}

/// Who asks what, where not all ask the same.
fn told(sets: &BTreeMap<Asked, Vec<String>>) -> Option<String> {
    let told: Vec<String> = sets
        .iter()
        .map(|(asked, at)| format!("{} at {}", asked.words(), at.join(", ")))
        .collect();
    (told.len() > 1).then(|| told.join("; "))
}

/// The DS RRset that a server asks for: its CDS, else SHA-256 of its CDNSKEY.
fn wanted(server: &Server) -> Option<DsSet> {
    let (cds, cdnskey) = (server.cds.as_ref()?, server.cdnskey.as_ref()?);
    if !cds.is_empty() || cdnskey.is_empty() {
        return Some(cds.clone());
    }
    let zone = &server.zone;
    Some(cdnskey.iter().filter_map(|key| Ds::of(zone, key, 2)).collect())
}

/// Whether a key that signs the server's DNSKEY RRset is named by a useful record of the set.
fn holds(zone: &Name, server: &Server, set: &DsSet) -> bool {
    let useful = Policy::default().sort_ds(set).useful;
    server
        .key_signers
        .iter()
        .any(|key| useful.iter().any(|ds| ds.matches(zone, key.key())))
}

/// Whether the DS RRset names the key.
fn vouched(report: &Report, key: &KeyId) -> bool {
    report.ds.iter().any(|row| row.key.as_ref() == Some(key))
}

/// Whether the digest can be made here.
fn known(ds: &Ds) -> bool {
    matches!(ds.digest_type, 1 | 2 | 4)
}
