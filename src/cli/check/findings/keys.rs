//! The keys of all servers side by side: the invariant of RFC 8901, algorithms, sizes, tags.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Severity, answering, group, joined, weigh};
use crate::cli::check::report::{Report, Server};
use crate::cli::check::signers::signers;
use crate::dnssec::policy::{self, Advice};
use crate::dnssec::{KeyId, Status};

impl Found {
    pub(super) fn keys(&mut self, report: &Report) {
        self.shared(report);
        self.one_signer(report);
        self.quality(report);
        self.tags(report);
        if report.chain.status == Status::Secure {
            self.algorithms(report);
        }
    }

    /// Every key that signs data anywhere must be in every server's DNSKEY RRset.
    fn shared(&mut self, report: &Report) {
        // One server of the parent with a DS RRset is enough for resolvers to hold it, whatever the others say.
        let secured = !report.chain.ds.is_empty();
        let mut lacking: BTreeMap<(&KeyId, bool), Places> = BTreeMap::new();
        for signs in &report.servers {
            for key in &signs.data_signers {
                for holds in &report.servers {
                    if holds.keys.as_ref().is_some_and(|keys| !keys.contains(key)) {
                        let led = signs.reached && holds.reached;
                        let (at, not_at) = lacking.entry((key, led)).or_default();
                        at.insert(signs.label());
                        not_at.insert(holds.label());
                    }
                }
            }
        }
        for ((key, led), (at, not_at)) in lacking {
            self.add(
                if secured && led {
                    Severity::Broken
                } else {
                    Severity::Warning
                },
                "key-not-shared",
                not_at,
                format!(
                    "key {key} signs data at {}, and is not in the DNSKEY RRset here",
                    joined(&at)
                ),
                "add the key to every signer's DNSKEY RRset before both are asked (RFC 8901 section 4.2)",
            );
        }
    }

    /// The servers of one signer ought to show the same.
    fn one_signer(&mut self, report: &Report) {
        for signer in signers(&report.servers) {
            let servers: Vec<&Server> = signer
                .iter()
                .filter_map(|index| report.servers.get(*index))
                .collect();
            let sets = group(servers.iter().copied(), |server| server.keys.as_ref());
            if sets.len() > 1 {
                let told: Vec<String> = sets
                    .iter()
                    .map(|(keys, at)| {
                        let tags = keys.iter().map(|key| key.key().tag());
                        format!("{} at {}", joined(tags), at.join(", "))
                    })
                    .collect();
                self.add(
                    Severity::Warning,
                    "dnskey-differs",
                    [],
                    format!(
                        "servers of one signer show different DNSKEY RRsets: {}",
                        told.join("; ")
                    ),
                    "wait and run this again: a server lags; if it stays so, its zone transfers fail",
                );
            }
            let serials = group(servers.iter().copied(), |server| server.serial);
            if serials.len() > 1 {
                let told: Vec<String> = serials
                    .iter()
                    .map(|(serial, at)| format!("{serial} at {}", at.join(", ")))
                    .collect();
                self.add(
                    Severity::Warning,
                    "serials",
                    [],
                    format!("SOA serials of one signer differ: {}", told.join("; ")),
                    "wait and run this again: a server lags; if it stays so, its zone transfers fail",
                );
            }
        }
    }

    /// Algorithms and key sizes by today's rules.
    fn quality(&mut self, report: &Report) {
        for server in answering(report) {
            for key in server.keys.iter().flatten() {
                let dnskey = key.key();
                let (tag, algorithm) = (dnskey.tag(), dnskey.algorithm);
                let name = policy::algorithm_name(algorithm)
                    .map_or_else(|| algorithm.to_string(), |name| format!("{algorithm} {name}"));
                match policy::signing(algorithm) {
                    Advice::MustNot => self.add(
                        Severity::Warning,
                        "algorithm-forbidden",
                        [server.label()],
                        format!(
                            "key {tag} has algorithm {name}, which must not be used to sign (as of {})",
                            policy::AS_OF
                        ),
                        "roll to algorithm 13: validators take the zone as insecure (RFC 9904, RFC 9905)",
                    ),
                    Advice::NotRecommended => self.add(
                        Severity::Remark,
                        "algorithm-not-recommended",
                        [server.label()],
                        format!(
                            "key {tag} has algorithm {name}, which is not recommended for signing (as of {})",
                            policy::AS_OF
                        ),
                        "algorithm 13 at the next rollover (RFC 9904)",
                    ),
                    Advice::Fine => {}
                }
                if let Some(bits) = policy::rsa_bits(dnskey).filter(|bits| *bits < LEAST_RSA) {
                    self.add(
                        Severity::Warning,
                        "key-small",
                        [server.label()],
                        format!("key {tag} is RSA with {bits} bits"),
                        "at least 2048 bits, or algorithm 13; below 1024 some validators fail",
                    );
                }
            }
            for key in server.dnskeys.iter().filter(|key| key.is_revoked()) {
                self.add(
                    Severity::Remark,
                    "key-revoked",
                    [server.label()],
                    format!("key {} is revoked (RFC 5011)", key.tag()),
                    "take it out when whoever trusts it by hand has seen it",
                );
            }
        }
    }

    /// Validators try few keys of one tag and algorithm (CVE-2023-50387).
    fn tags(&mut self, report: &Report) {
        let mut by_tag: BTreeMap<(u8, u16), BTreeSet<&KeyId>> = BTreeMap::new();
        for key in report
            .servers
            .iter()
            .flat_map(|server| server.keys.iter().flatten())
        {
            by_tag
                .entry((key.key().algorithm, key.key().tag()))
                .or_default()
                .insert(key);
        }
        for ((algorithm, tag), keys) in by_tag.iter().filter(|(_, keys)| keys.len() > 1) {
            self.add(
                Severity::Warning,
                "key-tag-clash",
                [],
                format!("{} keys have algorithm {algorithm} and tag {tag}: {}", keys.len(), joined(keys)),
                "let one signer make a new key: validators limit how many keys of one tag they try (CVE-2023-50387)",
            );
        }
    }

    /// A strict validator wants a path for every algorithm in the DS RRset (RFC 4035 section 2.2).
    fn algorithms(&mut self, report: &Report) {
        let wanted: BTreeSet<u8> = report.chain.ds.iter().flatten().map(|ds| ds.algorithm).collect();
        for server in answering(report) {
            for algorithm in &wanted {
                let has = |keys: &BTreeSet<KeyId>| keys.iter().any(|key| key.key().algorithm == *algorithm);
                if !has(&server.key_signers) || !has(&server.data_signers) {
                    self.add(
                        weigh(server, Severity::Warning),
                        "algorithm",
                        [server.label()],
                        format!("it does not sign with algorithm {algorithm}, which the DS RRset names"),
                        "validators that insist on every algorithm fail: let all signers use the same",
                    );
                }
            }
        }
    }
}

/// Where a key signs, and where it is lacking.
type Places = (BTreeSet<String>, BTreeSet<String>);

/// Fewer bits than this are warned of.
const LEAST_RSA: usize = 2048;
