//! Resolvers, simulated second by second. Knows nothing of the code under test: it reads the page that defines the rules.
//!
//! A resolver may fetch anything at any second at which it is served by someone whom it can come to know, and holds it from
//! that second to the end of the second one TTL later. `Resolvers` are all of them at once: for each version the seconds at
//! which somebody can fetch it.

use std::collections::BTreeMap;

/// Seconds that are simulated. A set of them is a `u128`.
pub(crate) const SECONDS: usize = 128;

pub(crate) type Seconds = u128;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    ParentNs(Vec<usize>),
    ApexNs(usize, Vec<usize>),
    Ds(Vec<(usize, u8)>),
    Dnskey(usize, Vec<usize>, Vec<usize>),
    Data(usize, Vec<usize>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) what: What,
    pub(crate) from: usize,
    pub(crate) until: Option<usize>,
    pub(crate) ttl: usize,
    pub(crate) valid: Option<(usize, usize)>,
}

impl Served {
    pub(crate) fn place(&self) -> Option<usize> {
        match self.what {
            What::ParentNs(_) | What::Ds(_) => None,
            What::ApexNs(at, _) | What::Dnskey(at, ..) | What::Data(at, _) => Some(at),
        }
    }

    pub(crate) fn names(&self) -> &[usize] {
        match &self.what {
            What::ParentNs(names) | What::ApexNs(_, names) => names,
            _ => &[],
        }
    }

    pub(crate) fn is_served(&self, second: usize) -> bool {
        self.from <= second && self.until.is_none_or(|until| second < until)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) providers: usize,
    /// Algorithm of each key.
    pub(crate) keys: Vec<u8>,
    pub(crate) floor: usize,
    pub(crate) stale: usize,
    pub(crate) sticky: bool,
}

/// What fails: rule, class, left, right, provider, missing. Versions are named by identity.
pub(crate) type Tag = (
    &'static str,
    Option<String>,
    Option<usize>,
    Option<usize>,
    Option<usize>,
    Option<&'static str>,
);

pub(crate) fn classes(world: &World) -> Vec<String> {
    let mut algorithms = world.keys.clone();
    algorithms.sort();
    algorithms.dedup();
    let mut all: Vec<String> = ["all-lenient", "all-strict", "no-sha1", "no-digest-4"]
        .map(String::from)
        .into();
    all.extend(algorithms.iter().map(|a| format!("only-{a}")));
    all
}

fn understands(class: &str, algorithm: u8) -> bool {
    match class {
        "no-sha1" => algorithm != 5 && algorithm != 7,
        _ => class
            .strip_prefix("only-")
            .is_none_or(|only| only == algorithm.to_string()),
    }
}

/// The records of a DS RRset that a class goes by.
fn useful(world: &World, class: &str, records: &[(usize, u8)]) -> Vec<(usize, u8)> {
    let digests: &[u8] = if class == "no-digest-4" {
        &[1, 2]
    } else {
        &[1, 2, 4]
    };
    let known: Vec<(usize, u8)> = records
        .iter()
        .copied()
        .filter(|&(key, digest)| understands(class, world.keys[key]) && digests.contains(&digest))
        .collect();
    let has = |d: u8| known.iter().any(|&(_, digest)| digest == d);
    known
        .iter()
        .copied()
        .filter(|&(_, digest)| {
            if class == "all-strict" {
                match digest {
                    4 => true,
                    2 => !has(4),
                    _ => !has(4) && !has(2),
                }
            } else {
                digest != 1 || !(has(2) || has(4))
            }
        })
        .collect()
}

/// Whether a chain from DS through DNSKEY is missing.
pub(crate) fn ds_dnskey_fails(
    world: &World,
    class: &str,
    ds: &[(usize, u8)],
    keys: &[usize],
    signed: &[usize],
) -> bool {
    let useful = useful(world, class, ds);
    let matches = |only: Option<u8>| {
        useful.iter().any(|(key, _)| {
            keys.contains(key) && signed.contains(key) && only.is_none_or(|a| world.keys[*key] == a)
        })
    };
    if useful.is_empty() {
        false
    } else if class == "all-strict" {
        useful.iter().any(|&(key, _)| !matches(Some(world.keys[key])))
    } else {
        !matches(None)
    }
}

/// Whether data fails against a DNSKEY RRset that was validated under a DS.
pub(crate) fn dnskey_data_fails(
    world: &World,
    class: &str,
    ds: &[(usize, u8)],
    keys: &[usize],
    signed: &[usize],
) -> bool {
    let useful = useful(world, class, ds);
    let verifies = |only: Option<u8>| {
        keys.iter().any(|key| {
            signed.contains(key)
                && understands(class, world.keys[*key])
                && only.is_none_or(|a| world.keys[*key] == a)
        })
    };
    if useful.is_empty() || keys.is_empty() {
        false
    } else if class == "all-strict" {
        useful.iter().any(|&(key, _)| !verifies(Some(world.keys[key])))
    } else {
        !verifies(None)
    }
}

pub(crate) fn is_secure(world: &World, class: &str, ds: &[(usize, u8)]) -> bool {
    !useful(world, class, ds).is_empty()
}

/// The seconds from the one to the other, both included.
fn bits(from: usize, to: usize) -> Seconds {
    if from >= SECONDS {
        return 0;
    }
    (Seconds::MAX << from) & (Seconds::MAX >> (SECONDS - 1 - to.min(SECONDS - 1)))
}

/// The seconds at which a version is served.
fn served(version: &Served) -> Seconds {
    match version.until {
        Some(until) if until <= version.from => 0,
        Some(until) => bits(version.from, until - 1),
        None => bits(version.from, SECONDS),
    }
}

fn members(seconds: Seconds) -> impl Iterator<Item = usize> {
    (0..SECONDS).filter(move |second| seconds >> second & 1 == 1)
}

fn lifetime(world: &World, version: &Served) -> usize {
    let ttl = version.ttl.max(world.floor);
    match version.what {
        What::Ds(_) | What::Dnskey(..) => ttl,
        _ => ttl + world.stale,
    }
}

pub(crate) struct Resolvers<'a> {
    pub(crate) world: &'a World,
    /// Versions with their identity.
    pub(crate) versions: &'a [(usize, Served)],
    served: Vec<Seconds>,
    ttls: Vec<usize>,
    /// By version: the seconds at which somebody fetches it.
    pub(crate) fetched: Vec<Seconds>,
    /// By version: the seconds at which somebody holds it.
    pub(crate) held: Vec<Seconds>,
    /// By provider: the seconds at which somebody can ask it.
    pub(crate) asked: Vec<Seconds>,
    /// By provider: the seconds at which somebody knows it from elsewhere than itself.
    pub(crate) elsewhere: Vec<Seconds>,
}

impl<'a> Resolvers<'a> {
    pub(crate) fn run(world: &'a World, versions: &'a [(usize, Served)]) -> Self {
        let none = vec![0; world.providers];
        let mut all = Resolvers {
            world,
            versions,
            served: versions.iter().map(|(_, version)| served(version)).collect(),
            ttls: versions
                .iter()
                .map(|(_, version)| lifetime(world, version))
                .collect(),
            fetched: vec![0; versions.len()],
            held: Vec::new(),
            asked: none.clone(),
            elsewhere: none,
        };
        for second in 0..SECONDS {
            // Within a second resolvers go on from server to server until they learn nothing new.
            while all.live_through(second) {}
        }
        all.held = (0..versions.len()).map(|v| all.kept(v, all.fetched[v])).collect();
        all
    }

    pub(crate) fn ttl(&self, version: usize) -> usize {
        self.ttls[version]
    }

    fn kept(&self, version: usize, fetched: Seconds) -> Seconds {
        let ttl = self.ttl(version);
        members(fetched).fold(0, |held, second| held | bits(second, second + ttl))
    }

    fn live_through(&mut self, second: usize) -> bool {
        let mut learnt = false;
        let now: Seconds = 1 << second;
        for version in 0..self.versions.len() {
            let served = &self.versions[version].1;
            let can = served.place().is_none_or(|place| self.asked[place] & now != 0);
            if can && self.served[version] & now != 0 && self.fetched[version] & now == 0 {
                self.fetched[version] |= now;
                learnt = true;
            }
        }
        for version in 0..self.versions.len() {
            let served = &self.versions[version].1;
            let recent = bits(second.saturating_sub(self.ttl(version)), second);
            for &name in served.names() {
                let own = served.place() == Some(name);
                let mut copies = self.fetched[version] & recent;
                if own && self.world.sticky {
                    copies &= self.elsewhere[name];
                }
                if copies == 0 {
                    continue;
                }
                if !own && self.elsewhere[name] & now == 0 {
                    self.elsewhere[name] |= now;
                    learnt = true;
                }
                if self.asked[name] & now == 0 {
                    self.asked[name] |= now;
                    learnt = true;
                }
            }
        }
        learnt
    }

    /// When somebody trusts a DNSKEY RRset that was validated under a DS: it was fetched, both were held at some later or
    /// the same second, and since then it is trusted for the rest of its own TTL.
    pub(crate) fn trusted(&self, ds: usize, dnskey: usize) -> Seconds {
        let mut trusted = 0;
        for fetched in members(self.fetched[dnskey]) {
            let end = fetched + self.ttl(dnskey);
            let validated = (fetched..=end.min(SECONDS - 1)).find(|second| self.held[ds] >> second & 1 == 1);
            if let Some(validated) = validated {
                trusted |= bits(validated, end);
            }
        }
        trusted
    }

    /// When a name server that some copy of a version names may be asked for by its holder.
    pub(crate) fn named(&self, version: usize, provider: usize) -> Seconds {
        let mut copies = self.fetched[version];
        if self.world.sticky && self.versions[version].1.place() == Some(provider) {
            copies &= self.elsewhere[provider];
        }
        self.kept(version, copies)
    }

    /// All that fails, and when.
    pub(crate) fn failures(&self) -> BTreeMap<Tag, Seconds> {
        let mut all: BTreeMap<Tag, Seconds> = BTreeMap::new();
        let mut fail = |tag: Tag, seconds: Seconds| {
            if seconds != 0 {
                *all.entry(tag).or_default() |= seconds;
            }
        };
        self.signature_failures(&mut fail);
        self.server_failures(&mut fail);
        all
    }

    fn signature_failures(&self, fail: &mut impl FnMut(Tag, Seconds)) {
        let classes = classes(self.world);
        for (d, (left, ds)) in self.versions.iter().enumerate() {
            let What::Ds(records) = &ds.what else { continue };
            for (v, (right, other)) in self.versions.iter().enumerate() {
                let together = self.held[d] & self.held[v];
                for class in classes.iter().filter(|_| together != 0) {
                    let tag = |rule| (rule, Some(class.clone()), Some(*left), Some(*right), None, None);
                    match &other.what {
                        What::Dnskey(_, keys, signed)
                            if ds_dnskey_fails(self.world, class, records, keys, signed) =>
                        {
                            fail(tag("ds-dnskey"), together);
                        }
                        What::Data(_, signed)
                            if signed.is_empty() && is_secure(self.world, class, records) =>
                        {
                            fail(tag("ds-data"), together);
                        }
                        _ => {}
                    }
                }
            }
            for k in 0..self.versions.len() {
                self.data_failures(records, d, k, &classes, fail);
            }
        }
    }

    fn data_failures(
        &self,
        records: &[(usize, u8)],
        d: usize,
        k: usize,
        classes: &[String],
        fail: &mut impl FnMut(Tag, Seconds),
    ) {
        let (left, dnskey) = &self.versions[k];
        let What::Dnskey(_, keys, _) = &dnskey.what else {
            return;
        };
        let trusted = self.trusted(d, k);
        for (r, (right, data)) in self.versions.iter().enumerate() {
            let What::Data(_, signed) = &data.what else {
                continue;
            };
            let together = trusted & self.held[r];
            for class in classes.iter().filter(|_| together != 0) {
                if dnskey_data_fails(self.world, class, records, keys, signed) {
                    fail(
                        (
                            "dnskey-data",
                            Some(class.clone()),
                            Some(*left),
                            Some(*right),
                            None,
                            None,
                        ),
                        together,
                    );
                }
            }
        }
    }

    fn server_failures(&self, fail: &mut impl FnMut(Tag, Seconds)) {
        let start = self.versions.iter().map(|(_, v)| v.from).min().unwrap_or(SECONDS);
        // The seconds at which nobody serves anything of a kind.
        let silent = |test: &dyn Fn(&What) -> bool| -> Seconds {
            let all = self
                .versions
                .iter()
                .zip(&self.served)
                .filter(|((_, v), _)| test(&v.what));
            !all.fold(0, |set, (_, served)| set | served)
        };
        let gap = |test: &dyn Fn(&What) -> bool| silent(test) & bits(start, SECONDS);
        for (n, (left, ns)) in self.versions.iter().enumerate() {
            for &p in ns.names() {
                let silent = silent(&|what| matches!(what, What::Data(at, _) if *at == p));
                fail(
                    ("no-server", None, Some(*left), None, Some(p), None),
                    silent & self.named(n, p),
                );
            }
            if let Some((from, until)) = ns.valid {
                let valid = if from < until { bits(from, until - 1) } else { 0 };
                fail(
                    ("expired", None, Some(*left), None, None, None),
                    self.fetched[n] & !valid,
                );
            }
        }
        fail(
            ("gap", None, None, None, None, Some("parent_ns")),
            gap(&|what| matches!(what, What::ParentNs(_))),
        );
        fail(
            ("gap", None, None, None, None, Some("ds")),
            gap(&|what| matches!(what, What::Ds(_))),
        );
        for p in 0..self.world.providers {
            let ns = gap(&|what| matches!(what, What::ApexNs(at, _) if *at == p));
            fail(
                ("gap", None, None, None, Some(p), Some("apex_ns")),
                ns & self.asked[p],
            );
            let keys = gap(&|what| matches!(what, What::Dnskey(at, ..) if *at == p));
            fail(
                ("gap", None, None, None, Some(p), Some("dnskey")),
                keys & self.asked[p],
            );
        }
    }
}
