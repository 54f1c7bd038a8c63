//! What servers say, as octets, made once for each content and shared by all moves of a thread.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use unbroken::dns::{Name, Record, Rrset, Rtype};
use unbroken::evidence::{BlobId, Blobs};

use super::keys::{Keys, PARENT, bit, bunch, members};
use super::zones::{DsKeys, Hosts, Zone, host_name};

/// Signatures are made anew so often, and are valid for twice as long, seconds.
const RENEWAL: i64 = 30 * 86_400;
/// Beyond that all are made again.
const ROOM: usize = 60_000;

/// An answer without its question's name, down to what its octets depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Says {
    Keys {
        keys: Keys,
        signers: Keys,
        ttl: u32,
    },
    Names {
        hosts: Hosts,
        signers: Keys,
        ttl: u32,
    },
    Cds {
        named: DsKeys,
        signers: Keys,
        ttl: u32,
    },
    Cdnskey {
        keys: Keys,
        signers: Keys,
        ttl: u32,
    },
    Data {
        rtype: Rtype,
        signers: Keys,
        ttl: u32,
    },
    Absence {
        rtype: Rtype,
        signers: Keys,
        ttl: u32,
        hashed: bool,
    },
    NoName {
        signers: Keys,
        ttl: u32,
        hashed: bool,
    },
    Ds {
        named: DsKeys,
        ttl: u32,
    },
    Delegation {
        hosts: Hosts,
        ttl: u32,
        glue: u32,
    },
    Refused {
        rtype: Rtype,
    },
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An apex RRset, or the delegation.
    Apex(Rtype),
    /// A name that has an address.
    Host,
    /// A name that does not exist.
    NoName,
}

/// Octets under their name.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) id: BlobId,
    pub(crate) blobs: Blobs,
}

#[derive(Default)]
pub(crate) struct Desk {
    kept: HashMap<(Says, i64), Answer>,
    /// How many answers were made and how many only handed out.
    pub(crate) made: u64,
    pub(crate) reused: u64,
}

impl Desk {
    /// What a provider's server says. `hashed`: it proves absence with NSEC3.
    pub(crate) fn provider(&mut self, zone: &Zone, asked: Asked, hashed: bool, at: i64) -> Answer {
        let signers = zone.data_signers;
        let (ttl, absent) = (zone.negative_ttl, |rtype| Says::Absence {
            rtype,
            signers,
            ttl: zone.negative_ttl,
            hashed,
        });
        // CDS and CDNSKEY must be signed by a key that the DS names (RFC 7344 section 4.1).
        let both = zone.data_signers | zone.key_signers;
        let says = match asked {
            Asked::Apex(rtype) if !zone.serving => Says::Refused { rtype },
            Asked::Host | Asked::NoName if !zone.serving => Says::Refused { rtype: Rtype::A },
            Asked::Host => Says::Data {
                rtype: Rtype::A,
                signers,
                ttl: zone.data_ttl,
            },
            Asked::NoName => Says::NoName { signers, ttl, hashed },
            Asked::Apex(Rtype::SOA) => Says::Data {
                rtype: Rtype::SOA,
                signers,
                ttl,
            },
            Asked::Apex(Rtype::NS) => Says::Names {
                hosts: zone.hosts,
                signers,
                ttl: zone.ns_ttl,
            },
            Asked::Apex(Rtype::DNSKEY) => Says::Keys {
                keys: zone.dnskeys(),
                signers: zone.key_signers,
                ttl: zone.key_ttl,
            },
            Asked::Apex(Rtype::CDS) if !zone.ds.is_empty() => Says::Cds {
                named: zone.ds,
                signers: both,
                ttl: zone.key_ttl,
            },
            Asked::Apex(Rtype::CDNSKEY) if zone.cdnskey != 0 => Says::Cdnskey {
                keys: zone.cdnskey,
                signers: both,
                ttl: zone.key_ttl,
            },
            Asked::Apex(rtype) => absent(rtype),
        };
        self.answer(says, at)
    }

    /// What a registry's server says.
    pub(crate) fn registry(&mut self, zone: &Zone, rtype: Rtype, glue: u32, at: i64) -> Answer {
        let says = match rtype {
            Rtype::DS => Says::Ds {
                named: zone.ds,
                ttl: zone.key_ttl,
            },
            _ => Says::Delegation {
                hosts: zone.hosts,
                ttl: zone.ns_ttl,
                glue,
            },
        };
        self.answer(says, at)
    }

    /// The parent's own DNSKEY RRset.
    pub(crate) fn parent_keys(&mut self, ttl: u32, at: i64) -> Answer {
        let says = Says::Keys {
            keys: bit(PARENT),
            signers: bit(PARENT),
            ttl,
        };
        self.answer(says, at)
    }

    fn answer(&mut self, says: Says, at: i64) -> Answer {
        let period = at.div_euclid(RENEWAL);
        if let Some(kept) = self.kept.get(&(says, period)) {
            self.reused += 1;
            return kept.clone();
        }
        if self.kept.len() >= ROOM {
            self.kept.clear();
        }
        self.made += 1;
        let octets = Draft::new(period).write(says);
        let mut blobs = Blobs::default();
        let id = blobs.insert(&octets);
        let answer = Answer { id, blobs };
        self.kept.insert((says, period), answer.clone());
        answer
    }
}

#[derive(Default)]
struct Draft {
    window: (i64, i64),
    authoritative: bool,
    rcode: u8,
    question: Option<(Name, Rtype)>,
    answer: Vec<Record>,
    authority: Vec<Record>,
    additional: Vec<Record>,
}

impl Draft {
    fn new(period: i64) -> Draft {
        let begin = period * RENEWAL;
        Draft {
            window: (begin - 3_600, begin + 2 * RENEWAL),
            authoritative: true,
            ..Draft::default()
        }
    }

    fn write(mut self, says: Says) -> Vec<u8> {
        let zone = &bunch().zone;
        let apex = |rtype, ttl, rdatas| rrset(zone, rtype, ttl, rdatas);
        match says {
            Says::Keys { keys, signers, ttl } => {
                let owner = if keys == bit(PARENT) {
                    &bunch().parent
                } else {
                    zone
                };
                self.put(rrset(owner, Rtype::DNSKEY, ttl, bunch().dnskeys(keys)), signers);
            }
            Says::Names { hosts, signers, ttl } => self.put(apex(Rtype::NS, ttl, names(hosts)), signers),
            Says::Cds { named, signers, ttl } => self.put(apex(Rtype::CDS, ttl, ds(named)), signers),
            Says::Cdnskey { keys, signers, ttl } => {
                self.put(apex(Rtype::CDNSKEY, ttl, bunch().dnskeys(keys)), signers);
            }
            Says::Data { rtype, signers, ttl } if rtype == Rtype::SOA => {
                self.put(apex(rtype, ttl, vec![soa(ttl)]), signers)
            }
            Says::Data { rtype, signers, ttl } => {
                let set = rrset(&below(b"www"), rtype, ttl, vec![vec![192, 0, 2, 80]]);
                self.put(set, signers);
            }
            Says::Absence {
                rtype,
                signers,
                ttl,
                hashed,
            } => {
                self.question = Some((zone.clone(), rtype));
                self.deny(signers, ttl, hashed);
            }
            Says::NoName { signers, ttl, hashed } => {
                self.question = Some((below(b"unbroken-does-not-exist"), Rtype::A));
                self.rcode = 3;
                self.deny(signers, ttl, hashed);
            }
            Says::Ds { named, ttl } => self.put(apex(Rtype::DS, ttl, ds(named)), bit(PARENT)),
            Says::Delegation { hosts, ttl, glue } => {
                self.question = Some((zone.clone(), Rtype::NS));
                self.authoritative = false;
                let set = apex(Rtype::NS, ttl, names(hosts));
                self.authority.extend(set.records());
                self.additional.extend(members(hosts).map(|host| {
                    Record::new(host_name(host), Rtype::A, glue, address(host).octets().to_vec())
                }));
            }
            Says::Refused { rtype } => {
                self.question = Some((zone.clone(), rtype));
                self.authoritative = false;
                self.rcode = 5;
            }
        }
        self.octets()
    }

    /// An RRset with its signatures in the answer section.
    fn put(&mut self, set: Rrset, signers: Keys) {
        self.question = Some((set.name.clone(), set.rtype));
        self.answer.extend(set.records());
        self.answer.extend(signatures(&set, signers, self.window));
    }

    /// The proofs need not cover the question: what the product reads of them is who signs them and for how long they hold.
    fn deny(&mut self, signers: Keys, ttl: u32, hashed: bool) {
        let zone = &bunch().zone;
        let (owner, rtype, rdata) = if hashed {
            let mut rdata = vec![1, 0, 0, 0, 0, 20];
            rdata.extend([0x5a; 20]);
            rdata.extend([0, 6, 0x22, 0, 0, 0, 0, 0x02]);
            (below(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"), Rtype::NSEC3, rdata)
        } else {
            let mut rdata = below(b"www").wire().to_vec();
            rdata.extend([0, 7, 0x22, 0, 0, 0, 0, 0x03, 0x80]);
            (zone.clone(), Rtype::NSEC, rdata)
        };
        for set in [
            rrset(zone, Rtype::SOA, ttl, vec![soa(ttl)]),
            rrset(&owner, rtype, ttl, vec![rdata]),
        ] {
            self.authority.extend(set.records());
            self.authority.extend(signatures(&set, signers, self.window));
        }
    }

    /// The message (RFC 1035 section 4) with EDNS, names uncompressed.
    fn octets(self) -> Vec<u8> {
        let mut out = vec![0, 0, 0x80, self.rcode];
        if self.authoritative {
            out[2] |= 0x04;
        }
        let counts = [
            self.question.iter().len(),
            self.answer.len(),
            self.authority.len(),
            self.additional.len() + 1,
        ];
        for count in counts {
            out.extend(u16::try_from(count).unwrap().to_be_bytes());
        }
        if let Some((name, rtype)) = &self.question {
            out.extend_from_slice(name.wire());
            out.extend(rtype.0.to_be_bytes());
            out.extend(1u16.to_be_bytes());
        }
        for record in self.answer.iter().chain(&self.authority).chain(&self.additional) {
            out.extend_from_slice(record.name.wire());
            out.extend(record.rtype.0.to_be_bytes());
            out.extend(record.class.to_be_bytes());
            out.extend(record.ttl.to_be_bytes());
            out.extend(u16::try_from(record.rdata.len()).unwrap().to_be_bytes());
            out.extend_from_slice(&record.rdata);
        }
        // OPT with 1232 octets and the DO bit.
        out.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
        out
    }
}

fn signatures(set: &Rrset, signers: Keys, window: (i64, i64)) -> Vec<Record> {
    let signed = |key| {
        let zone = if key == PARENT {
            &bunch().parent
        } else {
            &bunch().zone
        };
        bunch().key(key).sign(set, zone, window)
    };
    members(signers).map(signed).collect()
}

fn rrset(name: &Name, rtype: Rtype, ttl: u32, mut rdatas: Vec<Vec<u8>>) -> Rrset {
    rdatas.sort();
    Rrset {
        name: name.clone(),
        rtype,
        ttl,
        rdatas,
        signatures: Vec::new(),
        broken_signatures: 0,
    }
}

fn names(hosts: Hosts) -> Vec<Vec<u8>> {
    members(hosts)
        .map(|host| host_name(host).wire().to_vec())
        .collect()
}

pub(crate) fn ds(named: DsKeys) -> Vec<Vec<u8>> {
    let of = |keys, digest| members(keys).map(move |key| bunch().ds(key, digest));
    of(named.sha256, 2).chain(of(named.sha384, 4)).collect()
}

pub(crate) fn below(label: &[u8]) -> Name {
    bunch().zone.prepend(label).unwrap()
}

pub(crate) fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, u8::try_from(host).unwrap() + 10)
}

fn soa(minimum: u32) -> Vec<u8> {
    let mut rdata = host_name(0).wire().to_vec();
    rdata.extend_from_slice(below(b"hostmaster").wire());
    for number in [1, 3_600, 600, 1_209_600, minimum] {
        rdata.extend(number.to_be_bytes());
    }
    rdata
}
