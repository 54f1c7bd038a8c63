//! What the last sweep shows: only answers to its own questions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::dns::{Name, Rtype};
use crate::dnssec::{Dnskey, DsSet, KeyId};
use crate::evidence::Place;
use crate::workflow::assess::{ServerVerdict, assess_streams};
use crate::workflow::facts::{Fact, SignerId, Unclear};
use crate::workflow::ledger::{Stream, StreamKey};
use crate::workflow::snapshot::KeySet;
use crate::workflow::state::{LastSweep, State};
use crate::workflow::timeline::asked_signers;

/// A question that got no usable answer.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    pub(super) provider: Option<String>,
    pub(super) server: Name,
    pub(super) address: SocketAddr,
    pub(super) question: String,
    pub(super) why: Unclear,
}

/// The newest beginning and the first end of the signatures that a server shows, Unix seconds.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) server: Name,
    pub(super) newest: i64,
    /// The end that comes first, and how long that signature is valid in all.
    pub(super) ends: i64,
    pub(super) life: i64,
}

/// One provider.
#[derive(Clone, Debug, Default)]
pub(super) struct At {
    pub(super) apex_ns: BTreeSet<BTreeSet<Name>>,
    pub(super) key_sets: BTreeSet<KeySet>,
    /// The signers of each RRset and proof.
    pub(super) data: BTreeSet<BTreeSet<SignerId>>,
    pub(super) cds: BTreeSet<DsSet>,
    pub(super) cdnskey: BTreeSet<BTreeSet<Dnskey>>,
    pub(super) serials: BTreeMap<SocketAddr, (Name, u32)>,
    pub(super) signed: BTreeMap<SocketAddr, Signed>,
}

impl At {
    /// Every key in a DNSKEY RRset here.
    pub(super) fn keys(&self) -> BTreeSet<&KeyId> {
        self.key_sets.iter().flat_map(|set| &set.keys).collect()
    }

    /// Whether the key signs a DNSKEY RRset here.
    pub(super) fn signs_keys(&self, key: &KeyId) -> bool {
        self.key_sets.iter().any(|set| set.signed_by.contains(key))
    }

    /// Whether the key signs data here.
    pub(super) fn signs_data(&self, key: &KeyId) -> bool {
        let signer = SignerId::Key(key.clone());
        self.data.iter().any(|signers| signers.contains(&signer))
    }

    /// Whether some data verifies with this key and with no other of its algorithm that signs nothing but data (at BIND the
    /// KSK alone signs CDS).
    pub(super) fn needs(&self, key: &KeyId) -> bool {
        let other = |signer: &SignerId| match signer {
            SignerId::Key(id) => {
                id != key && id.key().algorithm == key.key().algorithm && !self.signs_keys(id)
            }
            SignerId::Unknown { .. } => false,
        };
        let signer = SignerId::Key(key.clone());
        let mut signed = self.data.iter().filter(|signers| signers.contains(&signer));
        signed.any(|signers| !self.signs_keys(key) || !signers.iter().any(other))
    }
}

/// What the last sweep shows.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) zone: Name,
    pub(super) ds: BTreeSet<DsSet>,
    pub(super) parent_ns: BTreeSet<BTreeSet<Name>>,
    pub(super) providers: BTreeMap<String, At>,
    /// The providers that the delegation leads to.
    pub(super) delegated: BTreeSet<String>,
    pub(super) verdicts: Vec<ServerVerdict>,
    pub(super) silent: Vec<Silence>,
}

/// The chain of trust at every server by the answers of the last sweep alone.
pub fn fresh_verdicts(state: &State) -> Vec<ServerVerdict> {
    Seen::of(state).map(|seen| seen.verdicts).unwrap_or_default()
}

/// The name servers in the delegation by the answers of the last sweep alone; several RRsets together where they differ.
pub fn fresh_delegation(state: &State) -> BTreeSet<Name> {
    let seen = Seen::of(state);
    seen.into_iter()
        .flat_map(|seen| seen.parent_ns)
        .flatten()
        .collect()
}

fn is_fresh(stream: &Stream, sweep: &LastSweep) -> bool {
    stream.asked >= sweep.started
}

impl Seen {
    /// None before the first sweep.
    pub(super) fn of(state: &State) -> Option<Seen> {
        let (servers, sweep) = (state.servers.as_ref()?, state.last_sweep.as_ref()?);
        let mut seen = Seen {
            zone: servers.topology.zone.clone(),
            ds: BTreeSet::new(),
            parent_ns: BTreeSet::new(),
            providers: BTreeMap::new(),
            delegated: BTreeSet::new(),
            verdicts: Vec::new(),
            silent: Vec::new(),
        };
        for name in servers.providers.keys() {
            seen.providers.entry(name.clone()).or_default();
        }
        for (key, stream) in state.ledger.streams().filter(|(_, one)| is_fresh(one, sweep)) {
            seen.take(key, stream);
        }
        let hosts: BTreeSet<Name> = seen.parent_ns.iter().flatten().cloned().collect();
        seen.delegated = crate::workflow::plan::led_to(&asked_signers(state), &hosts);
        let sets: Vec<&DsSet> = seen.ds.iter().collect();
        // An address to which there is no route from here has no verdict.
        seen.verdicts = assess_streams(state, sweep.ended, &sets, &hosts, |stream| {
            is_fresh(stream, sweep) && !matches!(stream.unclear, Some(Unclear::NoRoute(_)))
        });
        Some(seen)
    }

    fn take(&mut self, key: &StreamKey, stream: &Stream) {
        let provider = match &key.place {
            Place::Provider(name) => Some(name.clone()),
            _ => None,
        };
        match &stream.unclear {
            // An address that cannot be reached from here is a blind spot, and no fault of the server.
            Some(Unclear::NoRoute(_)) => return,
            Some(why) => {
                self.silent.push(Silence {
                    provider,
                    server: stream.server.clone(),
                    address: key.address,
                    question: format!("{} {}", key.name, key.rtype),
                    why: why.clone(),
                });
                return;
            }
            None => {}
        }
        let facts = stream.current().into_iter().flat_map(|run| run.facts.iter());
        for served in facts {
            match (&served.fact, &provider) {
                (Fact::Ds(set), None) => {
                    self.ds.insert(set.clone());
                }
                (Fact::ParentNs(names), None) => {
                    self.parent_ns.insert(names.clone());
                }
                (fact, Some(name)) => self.providers.entry(name.clone()).or_default().take(fact),
                _ => {}
            }
        }
        if let Some(name) = provider {
            let at = self.providers.entry(name).or_default();
            at.note(key, stream);
        }
    }

    /// The providers that the delegation leads to.
    pub(super) fn members(&self) -> impl Iterator<Item = (&String, &At)> {
        self.providers
            .iter()
            .filter(|(name, _)| self.delegated.contains(*name))
    }
}

impl At {
    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::ApexNs(names) => {
                self.apex_ns.insert(names.clone());
            }
            Fact::Dnskey { keys, signed_by } => {
                self.key_sets.insert(KeySet {
                    keys: keys.clone(),
                    signed_by: signed_by.clone(),
                });
            }
            Fact::Data { signed_by } => {
                self.data.insert(signed_by.clone());
            }
            Fact::Cds(set) => {
                self.cds.insert(set.clone());
            }
            Fact::Cdnskey(set) => {
                self.cdnskey.insert(set.clone());
            }
            Fact::ParentNs(_) | Fact::Ds(_) | Fact::Addresses { .. } => {}
        }
    }

    fn note(&mut self, key: &StreamKey, stream: &Stream) {
        if let (Rtype::SOA, Some(serial)) = (key.rtype, stream.serial) {
            self.serials.insert(key.address, (stream.server.clone(), serial));
        }
        let Some((from, until)) = stream.window else {
            return;
        };
        let held = self.signed.entry(key.address).or_insert_with(|| Signed {
            server: stream.server.clone(),
            newest: from,
            ends: until,
            life: until - from,
        });
        held.newest = held.newest.max(from);
        if until < held.ends {
            (held.ends, held.life) = (until, until - from);
        }
    }
}
