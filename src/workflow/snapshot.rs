//! What is served now, by place, and whose key is whose.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::facts::{Fact, Served, SignerId, Unclear};
use super::ledger::{Ledger, Stream, StreamKey};
use crate::dns::{Name, Rtype};
use crate::dnssec::{Dnskey, Ds, DsSet, KeyId};
use crate::evidence::Place;

/// The values that the streams of one question at one place say now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now<T: Ord> {
    /// Each value with the largest TTL seen for it; one where all servers agree.
    pub values: BTreeMap<T, u32>,
    /// Servers whose latest observation was no answer.
    pub unclear: Vec<(Name, Unclear)>,
}

impl<T: Ord> Default for Now<T> {
    fn default() -> Self {
        Now {
            values: BTreeMap::new(),
            unclear: Vec::new(),
        }
    }
}

impl<T: Ord> Now<T> {
    /// The value, if every server answered and all agree.
    pub fn agreed(&self) -> Option<&T> {
        match (self.values.len(), self.unclear.is_empty()) {
            (1, true) => self.values.keys().next(),
            _ => None,
        }
    }

    /// Whether every server answered, at least one, and each value passes.
    pub fn all(&self, passes: impl Fn(&T) -> bool) -> bool {
        self.unclear.is_empty() && !self.values.is_empty() && self.values.keys().all(passes)
    }

    /// The largest TTL of any value now served, seconds.
    pub fn ttl(&self) -> u32 {
        self.values.values().copied().max().unwrap_or(0)
    }
}

/// A DNSKEY RRset: its keys and those that sign it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeySet {
    /// The keys in it.
    pub keys: BTreeSet<KeyId>,
    /// With which it verifies.
    pub signed_by: BTreeSet<KeyId>,
}

/// What a provider publishes about its own keys for a parent to follow (RFC 7344).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// Its CDS records.
    pub ds: DsSet,
    /// The keys that its CDS or CDNSKEY records name.
    pub keys: BTreeSet<KeyId>,
}

/// One provider as its servers show it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtProvider {
    /// The apex NS RRset.
    pub apex_ns: Now<BTreeSet<Name>>,
    /// The DNSKEY RRset.
    pub dnskey: Now<KeySet>,
    /// The signers of each RRset and proof asked for.
    pub data: Now<BTreeSet<SignerId>>,
    /// The CDS RRset.
    pub cds: Now<DsSet>,
    /// The CDNSKEY RRset.
    pub cdnskey: Now<BTreeSet<Dnskey>>,
    /// The addresses in its copy of name servers whose names lie within the zone.
    pub addresses: Addresses,
}

/// Addresses of hosts, by host and type (A or AAAA).
pub type Addresses = BTreeMap<(Name, Rtype), Now<BTreeSet<IpAddr>>>;

/// Everything that is served now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The DS RRset at the parent's servers.
    pub ds: Now<DsSet>,
    /// The delegation.
    pub parent_ns: Now<BTreeSet<Name>>,
    /// The addresses in the delegation of name servers whose names lie within the zone.
    pub glue: Addresses,
    /// Each provider.
    pub providers: BTreeMap<String, AtProvider>,
    /// To whom each key belongs.
    pub owners: BTreeMap<KeyId, String>,
}

impl Snapshot {
    /// Reads the latest of every stream.
    pub fn of(ledger: &Ledger, zone: &Name, owners: &BTreeMap<KeyId, String>) -> Snapshot {
        let mut snapshot = Snapshot {
            owners: owners.clone(),
            ..Snapshot::default()
        };
        for (key, stream) in ledger.streams() {
            match &key.place {
                Place::Parent => snapshot.at_parent(key, stream),
                Place::Provider(name) => {
                    let at = snapshot.providers.entry(name.clone()).or_default();
                    at.take(key, stream, zone);
                }
                Place::Ancestor(_) => {}
            }
        }
        snapshot
    }

    fn at_parent(&mut self, key: &StreamKey, stream: &Stream) {
        if key.rtype == Rtype::DS {
            gather(&mut self.ds, stream, |fact| match fact {
                Fact::Ds(set) => Some(set.clone()),
                _ => None,
            });
        } else {
            gather(&mut self.parent_ns, stream, |fact| match fact {
                Fact::ParentNs(names) => Some(names.clone()),
                _ => None,
            });
            gather_addresses(&mut self.glue, stream);
        }
    }

    /// The provider's own keys that are in its DNSKEY RRset at any of its servers.
    pub fn own_keys(&self, provider: &str) -> BTreeSet<KeyId> {
        self.providers
            .get(provider)
            .into_iter()
            .flat_map(|at| at.dnskey.values.keys())
            .flat_map(|set| set.keys.iter())
            .filter(|key| self.owners.get(*key).is_some_and(|owner| owner == provider))
            .cloned()
            .collect()
    }

    /// The keys with which a provider's data verifies, found from signatures and never from flags.
    pub fn data_signers(&self, provider: &str) -> BTreeSet<KeyId> {
        self.providers
            .get(provider)
            .into_iter()
            .flat_map(|at| at.data.values.keys())
            .flatten()
            .filter_map(|signer| match signer {
                SignerId::Key(key) => Some(key.clone()),
                SignerId::Unknown { .. } => None,
            })
            .collect()
    }

    /// The keys that every other signer must hold: those that are needed to verify data, and those that sign nothing yet
    /// (pre-published), for they may sign data next.
    ///
    /// A key that signs the DNSKEY RRset stays at home unless some RRset (at BIND: CDS) verifies with no other key of its
    /// algorithm.
    pub fn exported(&self, provider: &str) -> BTreeSet<KeyId> {
        let key_signers = self.key_signers(provider);
        let own = self.own_keys(provider);
        let mut out: BTreeSet<KeyId> = own
            .iter()
            .filter(|key| !key_signers.contains(*key))
            .chain(self.data_signers(provider).intersection(&own))
            .cloned()
            .collect();
        for key in &key_signers {
            if out.contains(key) && self.is_dispensable(provider, key, &out) {
                out.remove(key);
            }
        }
        out
    }

    /// Whether every RRset that `key` signs verifies with another of `kept` of the same algorithm too.
    fn is_dispensable(&self, provider: &str, key: &KeyId, kept: &BTreeSet<KeyId>) -> bool {
        let other = |signer: &SignerId| match signer {
            SignerId::Key(id) => id != key && kept.contains(id) && id.key().algorithm == key.key().algorithm,
            SignerId::Unknown { .. } => false,
        };
        self.providers
            .get(provider)
            .into_iter()
            .flat_map(|at| at.data.values.keys())
            .filter(|signers| signers.contains(&SignerId::Key(key.clone())))
            .all(|signers| signers.iter().any(other))
    }

    fn key_signers(&self, provider: &str) -> BTreeSet<KeyId> {
        let own = self.own_keys(provider);
        self.providers
            .get(provider)
            .into_iter()
            .flat_map(|at| at.dnskey.values.keys())
            .flat_map(|set| set.signed_by.iter())
            .filter(|key| own.contains(*key))
            .cloned()
            .collect()
    }

    /// The keys that the DS RRset has to name for a provider: those that sign its DNSKEY RRset; where a SEP flag tells
    /// them apart from a ZSK that signs it too, only those with the flag.
    pub fn entry_points(&self, provider: &str) -> BTreeSet<KeyId> {
        let signing = self.key_signers(provider);
        let flagged: BTreeSet<KeyId> = signing.iter().filter(|key| key.key().is_sep()).cloned().collect();
        if flagged.is_empty() { signing } else { flagged }
    }

    /// The DS records that name a provider's entry points, with the digest types given.
    pub fn ds_of(&self, zone: &Name, provider: &str, digest_types: &BTreeSet<u8>) -> DsSet {
        self.ds_naming(zone, &self.entry_points(provider), digest_types)
    }

    /// The DS records that name these keys, with the digest types given.
    pub fn ds_naming(&self, zone: &Name, keys: &BTreeSet<KeyId>, digest_types: &BTreeSet<u8>) -> DsSet {
        keys.iter()
            .flat_map(|key| {
                digest_types
                    .iter()
                    .filter_map(|digest| Ds::of(zone, key.key(), *digest))
            })
            .collect()
    }

    /// What a provider publishes as CDS and CDNSKEY about its own keys.
    pub fn announced(&self, zone: &Name, provider: &str) -> Announced {
        let own = self.own_keys(provider);
        let Some(at) = self.providers.get(provider) else {
            return Announced::default();
        };
        let cds = at.cds.values.keys().flatten();
        let ds: DsSet = cds
            .filter(|ds| own.iter().any(|key| ds.matches(zone, key.key())))
            .cloned()
            .collect();
        let named = |key: &KeyId| {
            let mut cdnskey = at.cdnskey.values.keys().flatten();
            cdnskey.any(|one| one.id() == *key) || ds.iter().any(|ds| ds.matches(zone, key.key()))
        };
        let keys = own.iter().filter(|key| named(key)).cloned().collect();
        Announced { ds, keys }
    }

    /// Whether a provider shows more keys of its own than it needs: two for one task, or one that signs nothing
    /// (published before its time, or not yet gone).
    pub fn is_rolling(&self) -> bool {
        self.providers.keys().any(|provider| {
            let (keys, data) = (self.key_signers(provider), self.data_signers(provider));
            let points = self.entry_points(provider);
            let own = self.own_keys(provider);
            let idle = own.iter().any(|key| !keys.contains(key) && !data.contains(key));
            idle || points.len() > 1 || own.difference(&points).count() > 1
        })
    }

    /// Whether a DS record names a key of this provider.
    pub fn names_key_of(&self, zone: &Name, ds: &Ds, provider: &str) -> bool {
        self.owners
            .iter()
            .any(|(key, owner)| owner == provider && ds.matches(zone, key.key()))
    }
}

impl AtProvider {
    fn take(&mut self, key: &StreamKey, stream: &Stream, zone: &Name) {
        if key.name == *zone {
            match key.rtype {
                Rtype::NS => gather(&mut self.apex_ns, stream, |fact| match fact {
                    Fact::ApexNs(names) => Some(names.clone()),
                    _ => None,
                }),
                Rtype::DNSKEY => gather(&mut self.dnskey, stream, |fact| match fact {
                    Fact::Dnskey { keys, signed_by } => Some(KeySet {
                        keys: keys.clone(),
                        signed_by: signed_by.clone(),
                    }),
                    _ => None,
                }),
                Rtype::CDS => gather(&mut self.cds, stream, |fact| match fact {
                    Fact::Cds(set) => Some(set.clone()),
                    _ => None,
                }),
                Rtype::CDNSKEY => gather(&mut self.cdnskey, stream, |fact| match fact {
                    Fact::Cdnskey(set) => Some(set.clone()),
                    _ => None,
                }),
                _ => {}
            }
        }
        gather_addresses(&mut self.addresses, stream);
        gather(&mut self.data, stream, |fact| match fact {
            Fact::Data { signed_by } => Some(signed_by.clone()),
            _ => None,
        });
    }
}

fn gather_addresses(into: &mut Addresses, stream: &Stream) {
    let facts = stream.current().into_iter().flat_map(|run| run.facts.iter());
    for Served { fact, ttl } in facts {
        if let Fact::Addresses {
            host,
            rtype,
            addresses,
        } = fact
        {
            let now = into.entry((host.clone(), *rtype)).or_default();
            let held = now.values.entry(addresses.clone()).or_insert(0);
            *held = (*held).max(*ttl);
        }
    }
}

fn gather<T: Ord>(now: &mut Now<T>, stream: &Stream, pick: impl Fn(&Fact) -> Option<T>) {
    // An address that cannot be reached from here is a blind spot: stated, waived by a person, and no fault of the server.
    if let Some(why) = stream
        .unclear
        .as_ref()
        .filter(|why| !matches!(why, Unclear::NoRoute(_)))
    {
        now.unclear.push((stream.server.clone(), why.clone()));
    }
    let Some(run) = stream.current() else {
        return;
    };
    for Served { fact, ttl } in run.facts.iter() {
        if let Some(value) = pick(fact) {
            let held = now.values.entry(value).or_insert(0);
            *held = (*held).max(*ttl);
        }
    }
}
