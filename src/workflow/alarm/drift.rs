//! Signers of one zone, and servers of one signer, that say different things for longer than a change takes to get around.

use std::collections::BTreeSet;

use super::conditions::Found;
use super::seen::Seen;
use super::{Code, Subject};
use crate::dnssec::{Dnskey, DsSet, KeyId};
use crate::workflow::state::State;

impl Found<'_> {
    pub(super) fn drift(&mut self, state: &State, seen: &Seen) {
        self.keys(seen);
        self.cds(seen);
        self.serials(seen);
        self.contents(state, seen);
    }

    /// Every key that signs data, or may do so next, must be in every signer's DNSKEY RRset (RFC 8901 section 4.2). A key
    /// that signs nothing but its own DNSKEY RRset stays at home, and so does one that waits to do so.
    fn keys(&mut self, seen: &Seen) {
        let exported: BTreeSet<(&String, &KeyId)> = seen
            .members()
            .flat_map(|(name, at)| at.keys().into_iter().map(move |key| (name, at, key)))
            .filter(|(_, at, key)| at.needs(key) || (!at.signs_keys(key) && !key.key().is_sep()))
            .map(|(name, _, key)| (name, key))
            .collect();
        for (home, key) in exported {
            let lacking: Vec<&str> = seen
                .members()
                .filter(|(_, at)| at.key_sets.iter().any(|set| !set.keys.contains(key)))
                .map(|(name, _)| name.as_str())
                .collect();
            if lacking.is_empty() {
                continue;
            }
            let subject = Subject {
                provider: Some(home.clone()),
                key: Some(key.clone()),
                ..Subject::default()
            };
            let text = format!(
                "key {key} of {home} is not in every DNSKEY RRset at {}",
                lacking.join(", ")
            );
            self.add(Code::KeysDrift, subject, self.rules.settle, text);
        }
    }

    fn cds(&mut self, seen: &Seen) {
        let cds: BTreeSet<&DsSet> = seen.members().flat_map(|(_, at)| &at.cds).collect();
        let cdnskey: BTreeSet<&BTreeSet<Dnskey>> = seen.members().flat_map(|(_, at)| &at.cdnskey).collect();
        let mut differ = |what: &str, count: usize, sets: Vec<String>| {
            if count < 2 {
                return;
            }
            let subject = Subject {
                what: Some(what.to_owned()),
                ..Subject::default()
            };
            let text = format!(
                "{what} sets differ between the signers: {}",
                sets.join(" against ")
            );
            self.add(Code::CdsDrift, subject, self.rules.settle, text);
        };
        differ("CDS", cds.len(), cds.iter().map(|set| ds_words(set)).collect());
        let keys = |set: &&BTreeSet<Dnskey>| words(set.iter().map(|key| key.tag().to_string()));
        differ("CDNSKEY", cdnskey.len(), cdnskey.iter().map(keys).collect());
    }

    fn serials(&mut self, seen: &Seen) {
        for (provider, at) in seen.members() {
            let different: BTreeSet<u32> = at.serials.values().map(|(_, serial)| *serial).collect();
            if different.len() < 2 {
                continue;
            }
            let list = at
                .serials
                .iter()
                .map(|(address, (server, serial))| format!("{serial} at {server} {address}"));
            let subject = Subject {
                provider: Some(provider.clone()),
                ..Subject::default()
            };
            let text = format!(
                "the servers of {provider} have different serials: {}",
                words(list)
            );
            self.add(Code::SoaDrift, subject, self.rules.settle, text);
        }
    }

    /// Where the copies are read, as the journal has it.
    fn contents(&mut self, state: &State, seen: &Seen) {
        let Some(copies) = &state.copies else { return };
        let member = |name: &String| seen.delegated.contains(name);
        for pair in &copies.compared.pairs {
            if pair.comparison.is_equal() || !member(&pair.left) || !member(&pair.right) {
                continue;
            }
            let subject = Subject {
                what: Some(format!("{} and {}", pair.left, pair.right)),
                ..Subject::default()
            };
            let text = format!(
                "the copies at {} and {} differ: {}",
                pair.left,
                pair.right,
                pair.words()
            );
            self.add(Code::ContentsDrift, subject, self.rules.settle, text);
        }
    }
}

/// A DS or CDS set by its key tags and digest types.
pub(super) fn ds_words(set: &DsSet) -> String {
    words(set.iter().map(|ds| format!("{}/{}", ds.tag, ds.digest_type)))
}

pub(super) fn words(list: impl Iterator<Item = String>) -> String {
    let list: Vec<String> = list.collect();
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}
