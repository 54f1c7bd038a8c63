//! The chain of trust as a small graph, as it was seen at one moment.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::dns::Name;
use crate::dnssec::KeyId;
use crate::workflow::{SignerId, State};

/// The chain at one moment: what the parent names, and what each provider serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChainGraph {
    /// The DS records at the parent; several values that are served at once are taken together.
    pub ds: Vec<DsNode>,
    /// Whether the parent proves that there is no DS.
    pub no_ds: bool,
    /// The providers.
    pub providers: Vec<ProviderNode>,
}

/// A DS record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DsNode {
    /// The tag of the key that it names.
    pub tag: u16,
    /// The key, `tag/algorithm/fingerprint`; none: nobody serves it.
    pub key: Option<String>,
    /// Its digest type.
    pub digest: u8,
}

/// A provider with its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderNode {
    /// Its name.
    pub name: String,
    /// Whether the delegation leads to it.
    pub delegated: bool,
    /// The keys in its DNSKEY RRset.
    pub keys: Vec<KeyNode>,
    /// The tags of signatures by keys that are not in its DNSKEY RRset.
    pub strange_signers: Vec<u16>,
    /// Whether some of its data is unsigned.
    pub unsigned: bool,
    /// Its servers do not all show the same keys.
    pub mixed: bool,
}

/// A key in a DNSKEY RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyNode {
    /// `tag/algorithm/fingerprint`.
    pub key: String,
    /// Its tag.
    pub tag: u16,
    /// Its algorithm.
    pub algorithm: u8,
    /// Whether it has the SEP flag.
    pub sep: bool,
    /// Whose key it is.
    pub owner: Option<String>,
    /// Whether it signs the DNSKEY RRset here.
    pub signs_keys: bool,
    /// Whether it signs data here.
    pub signs_data: bool,
    /// Whether a DS record names it.
    pub named: bool,
}

/// The chain as the state's last sweeps show it.
pub(super) fn chain_graph(state: &State) -> ChainGraph {
    let Some(servers) = &state.servers else {
        return ChainGraph::default();
    };
    let zone = &servers.topology.zone;
    let now = state.snapshot();
    let delegated: BTreeSet<&Name> = now.parent_ns.values.keys().flatten().collect();
    let mut ds: BTreeSet<DsNode> = BTreeSet::new();
    let mut named: BTreeSet<&KeyId> = BTreeSet::new();
    for record in now.ds.values.keys().flatten() {
        let key = state.pool.iter().find(|(_, key)| record.matches(zone, key));
        named.extend(key.map(|(id, _)| id));
        ds.insert(DsNode {
            tag: record.tag,
            key: key.map(|(id, _)| id.to_string()),
            digest: record.digest_type,
        });
    }
    let mut providers = Vec::new();
    for (name, at) in &now.providers {
        let mut keys: BTreeMap<&KeyId, KeyNode> = BTreeMap::new();
        for set in at.dnskey.values.keys() {
            for id in &set.keys {
                let node = keys.entry(id).or_insert_with(|| KeyNode {
                    key: id.to_string(),
                    tag: id.key().tag(),
                    algorithm: id.key().algorithm,
                    sep: id.key().is_sep(),
                    owner: state.owners.get(id).cloned(),
                    signs_keys: false,
                    signs_data: false,
                    named: named.contains(id),
                });
                node.signs_keys |= set.signed_by.contains(id);
            }
        }
        let mut strange = BTreeSet::new();
        for signer in at.data.values.keys().flatten() {
            match signer {
                SignerId::Key(id) => match keys.get_mut(id) {
                    Some(node) => node.signs_data = true,
                    None => {
                        strange.insert(id.key().tag());
                    }
                },
                SignerId::Unknown { tag, .. } => {
                    strange.insert(*tag);
                }
            }
        }
        let hosts = servers.providers.get(name).into_iter().flatten();
        let mut keys: Vec<KeyNode> = keys.into_values().collect();
        // Own keys first, entry points before the others.
        keys.sort_by_key(|key| (key.owner.as_deref() != Some(name), !key.sep, key.tag));
        providers.push(ProviderNode {
            name: name.clone(),
            delegated: hosts.clone().any(|host| delegated.contains(&host.name)),
            keys,
            strange_signers: strange.into_iter().collect(),
            unsigned: at.data.values.keys().any(BTreeSet::is_empty),
            mixed: at.dnskey.values.len() > 1,
        });
    }
    ChainGraph {
        no_ds: now.ds.values.keys().any(BTreeSet::is_empty),
        ds: ds.into_iter().collect(),
        providers,
    }
}

impl ChainGraph {
    /// The same in words, a line for the parent and one for each provider.
    pub fn words(&self) -> Vec<String> {
        let ds = match (&self.ds[..], self.no_ds) {
            ([], true) => "the parent proves that there is no DS".to_owned(),
            ([], false) => "no DS answer that verifies was seen".to_owned(),
            (some, _) => {
                let tags: Vec<String> = some.iter().map(|ds| ds.tag.to_string()).collect();
                format!("DS at the parent names {}", tags.join(", "))
            }
        };
        let mut lines = vec![ds];
        lines.extend(self.providers.iter().map(ProviderNode::words));
        lines
    }
}

impl ProviderNode {
    fn words(&self) -> String {
        let tags = |pick: fn(&KeyNode) -> bool| -> String {
            let tags: Vec<String> = self
                .keys
                .iter()
                .filter(|key| pick(key))
                .map(|key| key.tag.to_string())
                .collect();
            if tags.is_empty() {
                "none".to_owned()
            } else {
                tags.join(", ")
            }
        };
        let mut line = format!(
            "{} ({}): DNSKEY {}, signed by {}; data signed by {}",
            self.name,
            if self.delegated {
                "delegated"
            } else {
                "not delegated"
            },
            tags(|_| true),
            tags(|key| key.signs_keys),
            tags(|key| key.signs_data),
        );
        if !self.strange_signers.is_empty() {
            let tags: Vec<String> = self.strange_signers.iter().map(u16::to_string).collect();
            line.push_str(&format!(", and by {}, not in its DNSKEY RRset", tags.join(", ")));
        }
        if self.unsigned {
            line.push_str("; some data unsigned");
        }
        if self.mixed {
            line.push_str("; its servers do not all show the same keys");
        }
        line
    }
}
