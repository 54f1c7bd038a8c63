//! The exhaustive judge: every two (and three) versions that were truly served and that one cache can hold at one moment.
//!
//! It knows what every server served at every millisecond, and nothing of the code under test. It is written from the page
//! that defines continuity (docs/continuity.md): a copy may be fetched at any moment of service from a provider that some
//! live NS RRset names, and is held for its TTL.

use std::collections::BTreeMap;

use super::keys::{Keys, PROVIDERS};
use super::world::{REGISTRY, World, named};
use super::zones::{DsKeys, Zone};

/// Still served.
pub(crate) const STILL: i64 = i64::MAX / 4;

/// What is served; providers in sets have a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    ParentNs(u64),
    Ds(DsKeys),
    ApexNs(usize, u64),
    /// Keys, and which of them sign the RRset.
    Dnskey(usize, Keys, Keys),
    Data(usize, Keys),
}

/// A version: what was served in a stretch of time, in milliseconds, and for how long a copy is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) what: What,
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) life: i64,
}

/// How long copies live beyond their TTL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lives {
    /// Every TTL counts as at least this, milliseconds.
    pub(crate) floor: i64,
    /// NS and data may be used that much longer, milliseconds.
    pub(crate) stale: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) rule: &'static str,
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

type Span = (i64, i64);

fn meet(a: Span, b: Span) -> Option<Span> {
    let span = (a.0.max(b.0), a.1.min(b.1));
    (span.0 < span.1).then_some(span)
}

fn merge(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans.drain(..) {
        match out.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => out.push(span),
        }
    }
    *spans = out;
}

fn later(at: i64, by: i64) -> i64 {
    if at >= STILL { STILL } else { at + by }
}

/// What an operator's zone makes its server serve, with the TTL of a copy in seconds.
pub(crate) fn whats(world: &World, operator: usize, zone: &Zone) -> Vec<(What, u32)> {
    let addresses = world.scenario.address_ttl;
    let names = named(zone);
    if operator == REGISTRY {
        return vec![
            (What::ParentNs(names), zone.ns_ttl.max(addresses)),
            (What::Ds(zone.ds), zone.key_ttl),
        ];
    }
    if !zone.serving {
        return Vec::new();
    }
    let at = operator - 1;
    vec![
        (What::ApexNs(at, names), zone.ns_ttl.max(addresses)),
        (What::Dnskey(at, zone.dnskeys(), zone.key_signers), zone.key_ttl),
        (What::Data(at, zone.data_signers), zone.largest_ttl()),
    ]
}

/// Everything that was served up to `cut`, in milliseconds. `ended` says when a stretch of service at a server counts as over
/// that ended there in truth.
pub(crate) fn versions(
    world: &World,
    lives: Lives,
    cut: i64,
    ended: impl Fn(usize, i64) -> i64,
) -> Vec<Version> {
    let mut stretches: BTreeMap<(What, i64), Vec<Span>> = BTreeMap::new();
    for (number, server) in world.servers.iter().enumerate() {
        for (place, (from, zone)) in server.served.iter().enumerate() {
            if *from > cut {
                break;
            }
            let next = server
                .served
                .get(place + 1)
                .map(|(from, _)| *from)
                .filter(|from| *from <= cut);
            let until = next.map_or(STILL, |until| ended(number, until));
            let until = if until > cut { STILL } else { until };
            for (what, ttl) in whats(world, server.operator, zone) {
                let life = lives.of(what, ttl);
                stretches.entry((what, life)).or_default().push((*from, until));
            }
        }
    }
    let mut out = Vec::new();
    for ((what, life), mut spans) in stretches {
        merge(&mut spans);
        out.extend(spans.into_iter().map(|(from, until)| Version {
            what,
            from,
            until,
            life,
        }));
    }
    out
}

impl Lives {
    pub(crate) fn of(self, what: What, ttl: u32) -> i64 {
        let life = (1_000 * i64::from(ttl)).max(self.floor);
        match what {
            What::Ds(_) | What::Dnskey(..) => life,
            _ => life + self.stale,
        }
    }
}

/// A part of a version's service in which somebody could ask for it.
#[derive(Clone, Copy, Debug)]
struct Part {
    version: usize,
    served: Span,
    live: Span,
}

/// All that is judged at once.
pub(crate) struct Judged {
    pub(crate) conflicts: Vec<Conflict>,
    /// How many mixtures of two there were.
    pub(crate) mixtures: u64,
    /// Every moment at which anything ends.
    pub(crate) ends: Vec<i64>,
}

/// Whether a DNSKEY RRset is entered from a DS RRset, for every class of resolvers: those that take any digest, those that
/// take the highest alone, and those that do not know SHA-384.
fn enters(ds: DsKeys, keys: Keys) -> bool {
    let any = keys & (ds.sha256 | ds.sha384) != 0;
    let each = |named: Keys| named == 0 || keys & named != 0;
    any && each(ds.sha384) && each(ds.sha256)
}

pub(crate) fn judge(versions: &[Version]) -> Judged {
    let reach = reach(versions);
    let mut ds = Vec::new();
    let (mut dnskey, mut data, mut ns) = (Vec::new(), Vec::new(), Vec::new());
    let mut serving: Vec<Vec<Span>> = vec![Vec::new(); PROVIDERS];
    for (number, version) in versions.iter().enumerate() {
        let whole: Span = (version.from, version.until);
        if whole.0 >= whole.1 {
            continue;
        }
        let part = |served: Span| Part {
            version: number,
            served,
            live: (served.0, later(served.1, version.life)),
        };
        let parts = |at: usize, to: &mut Vec<Part>| {
            to.extend(reach[at].iter().filter_map(|span| meet(whole, *span)).map(part));
        };
        match version.what {
            What::ParentNs(_) => ns.push(part(whole)),
            What::Ds(_) => ds.push(part(whole)),
            What::ApexNs(at, _) => parts(at, &mut ns),
            What::Dnskey(at, ..) => parts(at, &mut dnskey),
            What::Data(at, _) => {
                serving[at].push(whole);
                parts(at, &mut data);
            }
        }
    }
    let mut judged = Judged {
        conflicts: Vec::new(),
        mixtures: 0,
        ends: Vec::new(),
    };
    for part in ds.iter().chain(&dnskey).chain(&data).chain(&ns) {
        judged.ends.extend([part.served.1, part.live.1]);
    }
    judged.ends.extend(reach.iter().flatten().map(|span| span.1));
    serving.iter_mut().for_each(merge);
    for key in &dnskey {
        judged.key(versions, key, &ds, &data);
    }
    for names in &ns {
        judged.names(versions, names, &serving);
    }
    judged
}

impl Judged {
    fn add(&mut self, rule: &'static str, left: usize, right: usize, span: Span) {
        self.conflicts.push(Conflict {
            rule,
            left,
            right,
            from: span.0,
            until: span.1,
        });
    }

    /// A DNSKEY RRset beside each DS RRset, and, while it is trusted, beside all data.
    fn key(&mut self, versions: &[Version], key: &Part, ds: &[Part], data: &[Part]) {
        let What::Dnskey(_, keys, signers) = versions[key.version].what else {
            return;
        };
        let mut trusted: Option<Span> = None;
        for named in ds {
            let (What::Ds(records), Some(both)) = (versions[named.version].what, meet(named.live, key.live))
            else {
                continue;
            };
            self.mixtures += 1;
            if records.is_empty() {
                continue;
            }
            if !enters(records, keys & signers) {
                self.add("ds-dnskey", named.version, key.version, both);
            }
            // Validated once, a copy is trusted for its own TTL, even when the DS has gone.
            let last = key.served.1.min(named.live.1);
            let span = (both.0, later(last, versions[key.version].life));
            trusted = Some(trusted.map_or(span, |old| (old.0.min(span.0), old.1.max(span.1))));
        }
        let Some(trusted) = trusted else { return };
        self.ends.push(trusted.1);
        for signed in data {
            let (What::Data(_, by), Some(both)) = (versions[signed.version].what, meet(signed.live, trusted))
            else {
                continue;
            };
            self.mixtures += 1;
            if keys & by == 0 {
                self.add("dnskey-data", key.version, signed.version, both);
            }
        }
    }

    /// Whoever is named has to serve the zone.
    fn names(&mut self, versions: &[Version], names: &Part, serving: &[Vec<Span>]) {
        let (What::ParentNs(who) | What::ApexNs(_, who)) = versions[names.version].what else {
            return;
        };
        for provider in (0..PROVIDERS).filter(|provider| who >> provider & 1 == 1) {
            self.mixtures += 1;
            let mut at = names.live.0;
            for span in &serving[provider] {
                if span.0 <= at {
                    at = at.max(span.1);
                }
            }
            if at < names.live.1 {
                self.add("no-server", names.version, names.version, (at, names.live.1));
            }
        }
    }
}

/// When each provider can be asked: while a live NS RRset names it, beginning with the parent's.
fn reach(versions: &[Version]) -> Vec<Vec<Span>> {
    let mut reach: Vec<Vec<Span>> = vec![Vec::new(); PROVIDERS];
    let name = |reach: &mut Vec<Vec<Span>>, who: u64, span: Span| {
        for provider in (0..PROVIDERS).filter(|provider| who >> provider & 1 == 1) {
            reach[provider].push(span);
            merge(&mut reach[provider]);
        }
    };
    for version in versions {
        if let What::ParentNs(who) = version.what
            && version.from < version.until
        {
            name(
                &mut reach,
                who,
                (version.from, later(version.until, version.life)),
            );
        }
    }
    loop {
        let before = reach.clone();
        for version in versions {
            let What::ApexNs(at, who) = version.what else {
                continue;
            };
            for span in before[at].clone() {
                if let Some(mut served) = meet(span, (version.from, version.until)) {
                    if who >> at & 1 == 1 {
                        // Whoever asks a provider that names itself learns again to ask it, for as long as it says so.
                        served.1 = version.until;
                    }
                    name(&mut reach, who, (served.0, later(served.1, version.life)));
                }
            }
        }
        if reach == before {
            return reach;
        }
    }
}
