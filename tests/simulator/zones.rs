//! What operators hold: plain values, cheap to copy and to compare.

use std::sync::OnceLock;

use unbroken::dns::{Name, Rtype};
use unbroken::ports::RrsetChange;

use super::keys::{Keys, PROVIDERS, bit, bunch};

/// Name servers that a provider can have.
pub(crate) const SERVERS: usize = 3;

/// A set of name servers, a bit each.
pub(crate) type Hosts = u64;

pub(crate) fn host(provider: usize, server: usize) -> Hosts {
    1 << (provider * SERVERS + server)
}

pub(crate) fn hosts_of(provider: usize, servers: usize) -> Hosts {
    (0..servers).map(|server| host(provider, server)).sum()
}

/// The providers that a set of name servers leads to.
pub(crate) fn owners(hosts: Hosts) -> impl Iterator<Item = usize> {
    (0..PROVIDERS).filter(move |provider| hosts & hosts_of(*provider, SERVERS) != 0)
}

pub(crate) fn provider_name(provider: usize) -> String {
    ["a", "b", "c", "d"][provider].to_owned()
}

pub(crate) fn host_name(number: usize) -> Name {
    host_names()[number].clone()
}

fn host_names() -> &'static [Name] {
    static NAMES: OnceLock<Vec<Name>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let name = |number: usize| {
            let (provider, server) = (number / SERVERS, number % SERVERS + 1);
            Name::parse(&format!("ns{server}.prov{}.test.", provider_name(provider))).unwrap()
        };
        (0..PROVIDERS * SERVERS).map(name).collect()
    })
}

pub(crate) fn host_number(name: &Name) -> Option<usize> {
    host_names().iter().position(|host| host == name)
}

/// Keys that DS or CDS records name, by digest type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DsKeys {
    pub(crate) sha256: Keys,
    pub(crate) sha384: Keys,
}

impl DsKeys {
    pub(crate) fn is_empty(self) -> bool {
        self.sha256 | self.sha384 == 0
    }

    fn of(&mut self, digest: u8) -> &mut Keys {
        if digest == 4 {
            &mut self.sha384
        } else {
            &mut self.sha256
        }
    }
}

/// One operator's zone: the registry's part about the zone, or a provider's copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Zone {
    /// NS: of the delegation, or of the apex.
    pub(crate) hosts: Hosts,
    pub(crate) ns_ttl: u32,
    /// DS at the registry, CDS at a provider.
    pub(crate) ds: DsKeys,
    /// TTL of DS, or of DNSKEY, CDS and CDNSKEY.
    pub(crate) key_ttl: u32,
    pub(crate) cdnskey: Keys,
    /// The provider's own keys that it publishes.
    pub(crate) own: Keys,
    /// Keys of others that were placed there.
    pub(crate) foreign: Keys,
    pub(crate) key_signers: Keys,
    pub(crate) data_signers: Keys,
    pub(crate) data_ttl: u32,
    pub(crate) negative_ttl: u32,
    /// It serves the zone at all.
    pub(crate) serving: bool,
}

impl Zone {
    pub(crate) fn dnskeys(&self) -> Keys {
        self.own | self.foreign
    }

    /// The largest TTL of anything that is signed by the keys that sign data.
    pub(crate) fn largest_ttl(&self) -> u32 {
        let announced = if self.ds.is_empty() && self.cdnskey == 0 {
            0
        } else {
            self.key_ttl
        };
        self.data_ttl
            .max(self.ns_ttl)
            .max(self.negative_ttl)
            .max(announced)
    }

    /// Carries out a change, as a difference. A provider's own keys stay, whatever it says.
    pub(crate) fn change(&mut self, change: &RrsetChange) {
        for record in &change.add {
            self.put(change.rtype, &record.rdata, true);
        }
        for record in &change.remove {
            self.put(change.rtype, &record.rdata, false);
        }
    }

    fn put(&mut self, rtype: Rtype, rdata: &[u8], there: bool) {
        let set = |bits: &mut u64, which: u64| {
            if there {
                *bits |= which;
            } else {
                *bits &= !which;
            }
        };
        match rtype {
            Rtype::NS => {
                let name = Name::from_wire(rdata).unwrap();
                set(&mut self.hosts, 1 << host_number(&name).unwrap());
            }
            Rtype::DNSKEY => {
                let key = bit(bunch().of_dnskey(rdata));
                if self.own & key == 0 {
                    set(&mut self.foreign, key);
                }
            }
            Rtype::CDNSKEY => set(&mut self.cdnskey, bit(bunch().of_dnskey(rdata))),
            Rtype::DS | Rtype::CDS => {
                let (key, digest) = bunch().of_ds(rdata);
                set(self.ds.of(digest), bit(key));
            }
            other => panic!("a change of {other}"),
        }
    }

    /// Whether the RRset is exactly what a change expects, as a registry with compare-and-swap checks.
    pub(crate) fn is_as_expected(&self, change: &RrsetChange) -> bool {
        let mut expected = Zone {
            hosts: 0,
            ds: DsKeys::default(),
            ..*self
        };
        for record in &change.expect {
            expected.put(change.rtype, &record.rdata, true);
        }
        match change.rtype {
            Rtype::NS => expected.hosts == self.hosts,
            _ => expected.ds == self.ds,
        }
    }

    /// Whether a change has nothing left to do here.
    pub(crate) fn shows(&self, change: &RrsetChange) -> bool {
        let mut after = *self;
        after.change(change);
        after == *self
    }
}
