//! DS against DNSKEY: which record names which key, at which server, by which digest.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Severity, joined, led_to};
use crate::cli::check::report::{DsRow, Problem, Report};
use crate::dnssec::policy::{self, Support};
use crate::dnssec::{Policy, Status};

impl Found {
    pub(super) fn delegation_signer(&mut self, report: &Report) {
        if report.ds.is_empty() || report.chain.status != Status::Secure {
            return;
        }
        // An address without a route is the only one that may be left out: its host has another, as a rule.
        let everything = led_to(report).next().is_some()
            && report
                .servers
                .iter()
                .filter(|server| server.reached && server.problem != Some(Problem::NoRoute))
                .all(|server| server.keys.is_some());
        for row in &report.ds {
            self.unused(row, everything);
        }
        self.digests(report);
    }

    /// A record that no key answers to, or whose key signs nowhere.
    fn unused(&mut self, row: &DsRow, everything: bool) {
        let ds = &row.ds;
        let policy = Policy::default();
        if policy.algorithm(ds.algorithm) == Support::TreatedAsInsecure
            || policy.digest(ds.digest_type) == Support::TreatedAsInsecure
        {
            self.add(
                Severity::Warning,
                "ds-unsupported",
                [],
                format!(
                    "DS {}: validators do not know its algorithm ({}) or digest type ({}), or must not use it (as of {})",
                    ds.tag,
                    ds.algorithm,
                    ds.digest_type,
                    policy::AS_OF
                ),
                "replace it: SHA-256, and a key of algorithm 13 (RFC 9904)",
            );
        } else if row.key.is_none() && everything {
            self.add(
                Severity::Warning,
                "ds-orphan",
                [],
                format!(
                    "DS {} (digest type {}) names a key that no server has",
                    ds.tag, ds.digest_type
                ),
                "take it out, unless it was put in ahead of a rollover; a wrong digest shows in the same way",
            );
        } else if row.key.is_some() && row.signs_at.is_empty() && everything {
            self.add(
                Severity::Warning,
                "ds-key-silent",
                row.held_at.iter().cloned(),
                format!("DS {} names a key that signs the DNSKEY RRset nowhere", ds.tag),
                "nothing in a rollover; else let the key sign, or take the DS record out",
            );
        }
    }

    /// Every key needs the same digest types, and not SHA-1 (RFC 4509 section 3, RFC 9905).
    fn digests(&mut self, report: &Report) {
        let mut by_key: BTreeMap<(u16, u8), BTreeSet<u8>> = BTreeMap::new();
        for row in &report.ds {
            by_key
                .entry((row.ds.tag, row.ds.algorithm))
                .or_default()
                .insert(row.ds.digest_type);
        }
        let old: Vec<u16> = by_key
            .iter()
            .filter(|(_, types)| types.contains(&1))
            .map(|((tag, _), _)| *tag)
            .collect();
        if !old.is_empty() {
            self.add(
                Severity::Warning,
                "ds-sha1",
                [],
                format!("DS records with SHA-1 digests: {}", joined(old)),
                "SHA-1 must not be used for a delegation any more (RFC 9904, RFC 9905): SHA-256 in its place",
            );
        }
        let types: BTreeSet<&BTreeSet<u8>> = by_key.values().collect();
        if types.len() > 1 {
            let told: Vec<String> = by_key
                .iter()
                .map(|((tag, _), types)| format!("{tag} has {}", joined(types)))
                .collect();
            self.add(
                Severity::Warning,
                "ds-mixed-digests",
                [],
                format!("keys have DS records of different digest types: {}", told.join("; ")),
                "the same types for every key: a resolver may go by the strongest type alone (RFC 4509 section 3)",
            );
        }
    }
}
