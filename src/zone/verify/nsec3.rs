//! The NSEC3 chains: each name and each empty non-terminal has its hash in each, with the right types, and each hash names
//! the next (RFC 5155 sections 3 and 7.1).

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::body::{Body, Rec};
use super::nodes::Flags;
use super::nsec::{encode, types_here, types_words};
use super::{Findings, Leftover, Severity, Verifier, set_of};
use crate::dns::{Name, Rtype};
use crate::dnssec::policy::NSEC3_ITERATION_LIMIT;

/// Octets of a SHA-1 hash.
const HASH: usize = 20;
/// So many chains are checked; a zone has one, and two while it changes its parameters.
const MOST_CHAINS: usize = 4;
/// The name itself, in [`Hashed::depth`].
const WHOLE: u16 = u16::MAX;

/// Hash algorithm, iterations and salt of a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Params {
    algorithm: u8,
    iterations: u16,
    salt: Vec<u8>,
    /// Whether an NSEC3PARAM record at the apex says that the chain is complete.
    announced: bool,
}

impl Params {
    fn can_hash(&self) -> bool {
        self.algorithm == 1 && self.iterations <= NSEC3_ITERATION_LIMIT
    }

    fn hash(&self, name: &[u8]) -> [u8; HASH] {
        let once = |octets: &[u8]| {
            let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
            context.update(octets);
            context.update(&self.salt);
            let digest = context.finish();
            let mut out = [0; HASH];
            out.iter_mut()
                .zip(digest.as_ref())
                .for_each(|(to, from)| *to = *from);
            out
        };
        let mut digest = once(name);
        for _ in 0..self.iterations {
            digest = once(&digest);
        }
        digest
    }
}

/// The hash of a name that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hashed {
    chain: u8,
    hash: [u8; HASH],
    node: u32,
    /// How much of the node's key is the name: an empty non-terminal above it, or [`WHOLE`].
    depth: u16,
}

/// One NSEC3 record of a chain.
struct Link<'a> {
    owner: [u8; HASH],
    next: &'a [u8],
    opt_out: bool,
    bitmap: &'a [u8],
    node: usize,
    record: Rec<'a>,
}

/// The chains that the zone has, those of the NSEC3PARAM records first. `apex` are the records of the apex.
pub(super) fn params(body: &Body, flags: &[Flags], apex: &[Rec<'_>]) -> Vec<Params> {
    let mut out: Vec<Params> = Vec::new();
    for record in set_of(apex, Rtype::NSEC3PARAM) {
        // Flags other than 0: the chain is being made or taken away (RFC 5155 section 4.1.2).
        if record.rdata.get(1) == Some(&0) {
            out.extend(read_params(record.rdata, true));
        }
    }
    let mut records = Vec::new();
    for node in (0..body.nodes()).filter(|node| flags.get(*node).is_some_and(|flags| flags.has(Flags::HASH)))
    {
        if out.len() >= MOST_CHAINS {
            break;
        }
        body.records_of(node, &mut records);
        for record in set_of(&records, Rtype::NSEC3) {
            let same = |known: &Params| read_params(record.rdata, known.announced).as_ref() == Some(known);
            if !out.iter().any(same) {
                out.extend(read_params(record.rdata, false));
            }
        }
    }
    out.truncate(MOST_CHAINS);
    out
}

fn read_params(rdata: &[u8], announced: bool) -> Option<Params> {
    let (head, rest) = rdata.split_first_chunk::<5>()?;
    let [algorithm, _, high, low, salt] = *head;
    Some(Params {
        algorithm,
        iterations: u16::from_be_bytes([high, low]),
        salt: rest.get(..usize::from(salt))?.to_vec(),
        announced,
    })
}

impl Verifier<'_> {
    /// Hashes a name, and the empty non-terminals between it and the name before it.
    pub(super) fn hash(&self, node: usize, left: &mut Leftover) {
        if !self.params.iter().any(Params::can_hash) {
            return;
        }
        let key = self.body.key(node);
        let mut depths = vec![WHOLE];
        depths.extend(self.empty_above(node, key));
        let mut wire = Vec::new();
        for depth in depths {
            let part = if depth == WHOLE {
                key
            } else {
                key.get(..usize::from(depth)).unwrap_or_default()
            };
            self.body.wire(part, &mut wire);
            for (chain, params) in self
                .params
                .iter()
                .enumerate()
                .filter(|(_, params)| params.can_hash())
            {
                left.hashes.push(Hashed {
                    chain: chain as u8,
                    hash: params.hash(&wire),
                    node: u32::try_from(node).unwrap_or(u32::MAX),
                    depth,
                });
            }
        }
    }

    /// Empty non-terminals that this node is the first below: how much of its key each is.
    fn empty_above(&self, node: usize, key: &[u8]) -> Vec<u16> {
        let before = (0..node)
            .rev()
            .find(|index| self.flags(*index).is_authoritative());
        let before = before.map_or(&[][..], |before| self.body.key(before));
        let common = key.iter().zip(before).take_while(|(a, b)| a == b).count();
        let ends = key.iter().enumerate().filter(|(_, octet)| **octet == 0);
        ends.map(|(index, _)| index + 1)
            .filter(|end| *end > common && *end < key.len())
            .filter_map(|end| u16::try_from(end).ok())
            .collect()
    }

    /// Both kinds of chain as a whole.
    pub(super) fn check_chains(&self, hashes: &mut [Hashed], findings: &mut Findings) {
        let apex = || self.apex().clone();
        if !self.has_nsec && self.params.is_empty() {
            findings.add(Severity::Error, "denial-missing", apex, None, || {
                "there is neither NSEC nor NSEC3: that a name or type does not exist cannot be proven"
                    .to_owned()
            });
            return;
        }
        hashes.sort_unstable();
        let links = self.links(findings);
        for (chain, (params, links)) in self.params.iter().zip(&links).enumerate() {
            if !params.can_hash() {
                let (severity, text) = if params.algorithm == 1 {
                    (
                        Severity::Error,
                        format!(
                            "{} iterations: validators take the zone as insecure (RFC 9276 section 3.2); the chain is not checked",
                            params.iterations
                        ),
                    )
                } else {
                    (
                        Severity::Unknown,
                        format!(
                            "hash algorithm {} is not known here; the chain is not checked",
                            params.algorithm
                        ),
                    )
                };
                findings.add(severity, "nsec3-iterations", apex, Some(Rtype::NSEC3), || text);
                continue;
            }
            if params.iterations > 0 || !params.salt.is_empty() {
                findings.add(
                    Severity::Warning,
                    "nsec3-parameters",
                    apex,
                    Some(Rtype::NSEC3),
                    || {
                        format!(
                            "{} iterations and a salt of {} octets; RFC 9276 section 3.1 asks for none",
                            params.iterations,
                            params.salt.len()
                        )
                    },
                );
            }
            if !params.announced {
                findings.add(Severity::Error, "nsec3param-missing", apex, Some(Rtype::NSEC3PARAM), || {
                    "there are NSEC3 records with parameters that no NSEC3PARAM record announces: servers do not find the chain".to_owned()
                });
                continue;
            }
            let own = hashes.partition_point(|hashed| usize::from(hashed.chain) < chain)
                ..hashes.partition_point(|hashed| usize::from(hashed.chain) <= chain);
            self.check_chain(links, hashes.get(own).unwrap_or_default(), findings);
        }
    }

    /// The NSEC3 records by chain, each sorted by hash.
    fn links(&self, findings: &mut Findings) -> Vec<Vec<Link<'_>>> {
        let mut out: Vec<Vec<Link<'_>>> = self.params.iter().map(|_| Vec::new()).collect();
        let mut records = Vec::new();
        let mut wire = Vec::new();
        for node in 0..self.body.nodes() {
            if !self.flags(node).has(Flags::HASH) {
                continue;
            }
            self.body.records_of(node, &mut records);
            self.body.wire(self.body.key(node), &mut wire);
            let owner = owner_hash(&wire, self.apex());
            for record in set_of(&records, Rtype::NSEC3) {
                let parsed = owner.and_then(|owner| link(owner, node, *record));
                let chain = self
                    .params
                    .iter()
                    .position(|known| read_params(record.rdata, known.announced).as_ref() == Some(known));
                match (parsed, chain.and_then(|chain| out.get_mut(chain))) {
                    (Some(link), Some(links)) => links.push(link),
                    (_, None) => {
                        self.error(findings, "nsec3-chains", node, Some(Rtype::NSEC3), || {
                            format!("more than {MOST_CHAINS} chains, or parameters that do not parse")
                        });
                    }
                    (None, _) => self.error(findings, "nsec3-form", node, Some(Rtype::NSEC3), || {
                        "its owner or its next hash is none of SHA-1".to_owned()
                    }),
                }
            }
        }
        // Nodes are sorted by the text of the hash, which sorts as the hash does; letters other than hash digits aside.
        out.iter_mut()
            .for_each(|links| links.sort_by_key(|link| link.owner));
        out
    }

    fn check_chain(&self, links: &[Link<'_>], hashes: &[Hashed], findings: &mut Findings) {
        for (index, link) in links.iter().enumerate() {
            let following = links.get(index + 1).or_else(|| links.first());
            if following.is_some_and(|following| following.owner != link.next) {
                self.error(findings, "nsec3-next", link.node, Some(Rtype::NSEC3), || {
                    format!(
                        "it says that {} comes next, and {} does",
                        base32(link.next),
                        following.map_or_else(String::new, |following| base32(&following.owner))
                    )
                });
            }
            self.check_negative_ttl(link.node, &link.record, findings);
        }
        let (mut a, mut b) = (0, 0);
        loop {
            match (links.get(a), hashes.get(b)) {
                (None, None) => return,
                (Some(link), Some(hashed)) if link.owner == hashed.hash => {
                    self.check_types(link, hashed, findings);
                    // Two records of one hash were told apart by their data already: the chain does not close.
                    a += 1;
                    b += 1;
                }
                (Some(link), None) => {
                    self.extra(link, findings);
                    a += 1;
                }
                (Some(link), Some(hashed)) if link.owner < hashed.hash => {
                    self.extra(link, findings);
                    a += 1;
                }
                (_, Some(hashed)) => {
                    let before = if a == 0 { links.last() } else { links.get(a - 1) };
                    if !(before.is_some_and(|link| link.opt_out) && self.may_opt_out(hashed)) {
                        self.error(
                            findings,
                            "nsec3-missing",
                            hashed.node as usize,
                            Some(Rtype::NSEC3),
                            || {
                                format!(
                                    "{} exists, and its hash {} is not in the chain",
                                    self.name_of(hashed),
                                    base32(&hashed.hash)
                                )
                            },
                        );
                    }
                    b += 1;
                }
            }
        }
    }

    fn extra(&self, link: &Link<'_>, findings: &mut Findings) {
        self.error(findings, "nsec3-extra", link.node, Some(Rtype::NSEC3), || {
            "it is the hash of no name of the zone".to_owned()
        });
    }

    fn check_types(&self, link: &Link<'_>, hashed: &Hashed, findings: &mut Findings) {
        let mut types = Vec::new();
        if hashed.depth == WHOLE {
            let mut records = Vec::new();
            let node = hashed.node as usize;
            self.body.records_of(node, &mut records);
            types.extend(types_here(self.flags(node), &records));
        }
        if link.bitmap == encode(&types).as_slice() {
            return;
        }
        // Beside an NSEC chain, that type may be shown or not.
        let without: Vec<Rtype> = types
            .iter()
            .copied()
            .filter(|rtype| *rtype != Rtype::NSEC)
            .collect();
        if link.bitmap != encode(&without).as_slice() {
            self.error(findings, "nsec3-types", link.node, Some(Rtype::NSEC3), || {
                format!(
                    "for {} {}",
                    self.name_of(hashed),
                    types_words(link.bitmap, &without)
                )
            });
        }
    }

    /// Whether an opt-out span may leave a name out: a delegation without DS, or an empty non-terminal above nothing else
    /// (RFC 5155 section 7.1, erratum 3441).
    fn may_opt_out(&self, hashed: &Hashed) -> bool {
        let node = hashed.node as usize;
        if hashed.depth == WHOLE {
            return self.flags(node).is_insecure_cut();
        }
        let prefix = self
            .body
            .key(node)
            .get(..usize::from(hashed.depth))
            .unwrap_or_default();
        (node..self.body.nodes())
            .take_while(|index| self.body.key(*index).starts_with(prefix))
            .filter(|index| self.flags(*index).is_authoritative())
            .all(|index| self.flags(index).is_insecure_cut())
    }

    fn name_of(&self, hashed: &Hashed) -> Name {
        let key = self.body.key(hashed.node as usize);
        let depth = usize::from(hashed.depth).min(key.len());
        self.body.name(key.get(..depth).unwrap_or_default())
    }
}

fn base32(hash: &[u8]) -> String {
    data_encoding::BASE32HEX_NOPAD.encode(hash).to_ascii_lowercase()
}

/// The hash that is the first label of an NSEC3 owner directly below the apex.
fn owner_hash(wire: &[u8], apex: &Name) -> Option<[u8; HASH]> {
    let (length, rest) = wire.split_first()?;
    let (label, above) = rest.split_at_checked(usize::from(*length))?;
    if above != apex.wire() {
        return None;
    }
    let octets = data_encoding::BASE32HEX_NOPAD
        .decode(&label.to_ascii_uppercase())
        .ok()?;
    octets.try_into().ok()
}

fn link(owner: [u8; HASH], node: usize, record: Rec<'_>) -> Option<Link<'_>> {
    let salt = usize::from(*record.rdata.get(4)?);
    let rest = record.rdata.get(5 + salt..)?;
    let (length, rest) = rest.split_first()?;
    let (next, bitmap) = rest.split_at_checked(usize::from(*length))?;
    (next.len() == HASH).then_some(Link {
        owner,
        next,
        opt_out: record.rdata.get(1)? & 1 != 0,
        bitmap,
        node,
        record,
    })
}
