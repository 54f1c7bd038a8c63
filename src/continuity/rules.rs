//! The rules: every conflict of a timeline, by sweeps over the ends of intervals.

use super::bits::Bits;
use super::found::{Found, Rule, Tag, stretches};
use super::join::{Item, overlaps};
use super::model::{Entry, Model, NONE};
use super::options::Mode;
use super::reach::Reach;
use super::span::{NEVER, Span, Tick, inside, later, merge, outside};
use super::trust::KeyPath;
use super::version::Kind;

/// A part of a version's service in which its place was reachable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) entry: u32,
    pub(super) served: Span,
    pub(super) live: Span,
}

/// A timeline with all its intervals worked out.
pub(super) struct World<'m> {
    pub(super) model: &'m Model,
    pub(super) entries: &'m [Entry],
    pub(super) reach: Reach,
    /// In the order of the entries.
    pub(super) parts: Vec<Part>,
    /// Where each entry's parts begin in `parts`.
    first: Vec<usize>,
    mode: Mode,
    ds: Vec<Part>,
    dnskey: Vec<Part>,
    data: Vec<Part>,
    /// For each part in `dnskey`: the DS entries under which it is in force, and when.
    trust: Vec<Vec<(u32, Span)>>,
}

impl<'m> World<'m> {
    /// Works out reachability and live times. `entries` are the model's, or the same after a change.
    pub(super) fn new(model: &'m Model, entries: &'m [Entry], mode: Mode, sticky_bounded: bool) -> Self {
        let reach = Reach::new(model, entries, sticky_bounded);
        let mut parts = Vec::with_capacity(entries.len());
        let mut first = Vec::with_capacity(entries.len() + 1);
        let mut spans = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            first.push(parts.len());
            reach.parts(entry, &mut spans);
            parts.extend(spans.drain(..).map(|served| Part {
                entry: number as u32,
                served,
                live: served.prolonged(entry.ttl),
            }));
        }
        first.push(parts.len());
        let of = |kind: Kind| -> Vec<Part> {
            parts
                .iter()
                .filter(|part| entries[part.entry as usize].kind == kind)
                .copied()
                .collect()
        };
        let (ds, dnskey, data) = (of(Kind::Ds), of(Kind::Dnskey), of(Kind::Data));
        let trust = vec![Vec::new(); dnskey.len()];
        World {
            model,
            entries,
            reach,
            parts,
            first,
            mode,
            ds,
            dnskey,
            data,
            trust,
        }
    }

    /// All conflicts: stretches in the order of their tags.
    pub(super) fn conflicts(&mut self) -> Vec<Found> {
        let mut found = Vec::new();
        self.ds_dnskey(&mut found);
        self.dnskey_data(&mut found);
        self.ds_data(&mut found);
        self.no_server(&mut found);
        self.expired(&mut found);
        self.gaps(&mut found);
        stretches(found, self.entries)
    }

    /// The parts of one entry.
    pub(super) fn parts_of(&self, entry: u32) -> &[Part] {
        let at = entry as usize;
        match (self.first.get(at), self.first.get(at + 1)) {
            (Some(&from), Some(&until)) => &self.parts[from..until],
            _ => &[],
        }
    }

    /// When an NS entry can be fetched as one that names a provider.
    pub(super) fn named_by(&self, entry: u32, provider: u32) -> Vec<Span> {
        let parts = self.parts_of(entry).iter().map(|part| part.served);
        self.reach
            .named_by(&self.entries[entry as usize], provider, parts)
    }

    fn entry(&self, part: &Part) -> &'m Entry {
        &self.entries[part.entry as usize]
    }

    fn items(&self, parts: &[Part], value: impl Fn(&Entry) -> u32) -> Vec<Item> {
        parts
            .iter()
            .map(|part| Item {
                span: part.live,
                value: value(self.entry(part)),
            })
            .collect()
    }

    /// Rule `ds-dnskey`; and which DNSKEY parts are in force under which DS.
    fn ds_dnskey(&mut self, found: &mut Vec<Found>) {
        let (model, mode) = (self.model, self.mode);
        let (ds, dnskey) = (
            self.items(&self.ds, |e| e.value),
            self.items(&self.dnskey, |e| e.value),
        );
        let mut trust = std::mem::take(&mut self.trust);
        overlaps(
            &ds,
            &dnskey,
            |ds, _| model.demands.is_secure(ds),
            |l, r| {
                let (ds, key) = (self.ds[l], self.dnskey[r]);
                let (ds_entry, key_entry) = (self.entry(&ds), self.entry(&key));
                let set = &model.key_sets[key_entry.value as usize];
                if !set.keys.is_empty() {
                    trust[r].push((ds.entry, in_force(&ds, &key, key_entry.ttl)));
                }
                for class in 0..model.classes.len() {
                    let paths = model.paths(class, ds_entry);
                    if paths.iter().all(|path| path.enters(set)) {
                        continue;
                    }
                    let tag = Tag {
                        left: ds.entry,
                        right: key.entry,
                        ..tag(Rule::DsDnskey, class)
                    };
                    let spans = match mode {
                        Mode::AnyMixture => [ds.live.meet(key.live), None],
                        Mode::FetchTime => [ds.live.meet(key.served), ds.served.meet(key.live)],
                    };
                    found.extend(spans.into_iter().flatten().map(|span| Found {
                        tag,
                        span,
                        third: NONE,
                    }));
                }
            },
        );
        self.trust = trust;
    }

    /// Rule `dnskey-data`.
    fn dnskey_data(&self, found: &mut Vec<Found>) {
        let model = self.model;
        let (keys, data) = (
            self.items(&self.dnskey, |e| e.value),
            self.items(&self.data, |e| e.value),
        );
        let shared = |k: u32, d: u32| {
            model.key_sets[k as usize]
                .keys
                .intersection(&model.signers[d as usize])
        };
        overlaps(
            &keys,
            &data,
            |k, d| !model.key_sets[k as usize].keys.is_empty() && model.demands.may_reject(&shared(k, d)),
            |l, r| {
                let (key, data) = (self.dnskey[l], self.data[r]);
                let shared = shared(self.entry(&key).value, self.entry(&data).value);
                self.rejected(&key, &self.trust[l], &data, &shared, found);
            },
        );
    }

    fn rejected(
        &self,
        key: &Part,
        trust: &[(u32, Span)],
        data: &Part,
        shared: &Bits,
        found: &mut Vec<Found>,
    ) {
        let counted = match self.mode {
            Mode::AnyMixture => data.live,
            Mode::FetchTime => data.served,
        };
        for &(ds, in_force) in trust {
            let Some(span) = in_force.meet(counted) else {
                continue;
            };
            for class in 0..self.model.classes.len() {
                let paths = self.model.paths(class, &self.entries[ds as usize]);
                if !paths.iter().all(|path: &KeyPath| path.verifies(shared)) {
                    let tag = Tag {
                        left: key.entry,
                        right: data.entry,
                        ..tag(Rule::DnskeyData, class)
                    };
                    found.push(Found { tag, span, third: ds });
                }
            }
        }
    }

    /// Rule `ds-data`.
    fn ds_data(&self, found: &mut Vec<Found>) {
        let model = self.model;
        let ds = self.items(&self.ds, |e| e.value);
        let data = self.items(&self.data, |e| e.value);
        overlaps(
            &ds,
            &data,
            |ds, data| model.demands.is_secure(ds) && model.signers[data as usize].is_empty(),
            |l, r| {
                let (ds, data) = (self.ds[l], self.data[r]);
                let counted = match self.mode {
                    Mode::AnyMixture => data.live,
                    Mode::FetchTime => data.served,
                };
                let Some(span) = ds.live.meet(counted) else { return };
                for class in 0..model.classes.len() {
                    if !model.paths(class, self.entry(&ds)).is_empty() {
                        let tag = Tag {
                            left: ds.entry,
                            right: data.entry,
                            ..tag(Rule::DsData, class)
                        };
                        found.push(Found {
                            tag,
                            span,
                            third: NONE,
                        });
                    }
                }
            },
        );
    }

    /// Rule `no-server`: reachable or not, data counts as long as it is served.
    fn no_server(&self, found: &mut Vec<Found>) {
        let serving = self.served_by_provider(Kind::Data);
        let mut holes = Vec::new();
        for (number, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.is_ns()) {
            let number = number as u32;
            for provider in self.model.ns[entry.value as usize].iter() {
                for fetched in self.named_by(number, provider as u32) {
                    outside(fetched.prolonged(entry.ttl), &serving[provider], &mut holes);
                }
                let tag = Tag {
                    left: number,
                    provider: provider as u32,
                    ..Tag::of(Rule::NoServer)
                };
                found.extend(holes.drain(..).map(|span| Found {
                    tag,
                    span,
                    third: NONE,
                }));
            }
        }
    }

    /// Rule `expired`.
    fn expired(&self, found: &mut Vec<Found>) {
        let mut holes = Vec::new();
        for part in &self.parts {
            let Some((from, until)) = self.entry(part).valid else {
                continue;
            };
            match Span::new(from, until) {
                Some(valid) => outside(part.served, &[valid], &mut holes),
                None => holes.push(part.served),
            }
            let tag = Tag {
                left: part.entry,
                ..Tag::of(Rule::Expired)
            };
            found.extend(holes.drain(..).map(|span| Found {
                tag,
                span,
                third: NONE,
            }));
        }
    }

    /// Rule `gap`, from the beginning of the timeline on.
    fn gaps(&self, found: &mut Vec<Found>) {
        let Some(start) = self.entries.iter().map(|entry| entry.from).min() else {
            return;
        };
        let Some(all) = Span::new(start, NEVER) else {
            return;
        };
        let mut holes = Vec::new();
        for kind in [Kind::ParentNs, Kind::Ds] {
            let mut served: Vec<Span> = self
                .entries
                .iter()
                .filter(|e| e.kind == kind)
                .filter_map(Entry::served)
                .collect();
            merge(&mut served);
            outside(all, &served, &mut holes);
            let tag = Tag {
                missing: Some(kind),
                ..Tag::of(Rule::Gap)
            };
            found.extend(holes.drain(..).map(|span| Found {
                tag,
                span,
                third: NONE,
            }));
        }
        for kind in [Kind::ApexNs, Kind::Dnskey] {
            for (provider, served) in self.served_by_provider(kind).iter().enumerate() {
                for span in inside(all, self.reach.of(provider as u32)) {
                    outside(span, served, &mut holes);
                }
                let tag = Tag {
                    missing: Some(kind),
                    provider: provider as u32,
                    ..Tag::of(Rule::Gap)
                };
                found.extend(holes.drain(..).map(|span| Found {
                    tag,
                    span,
                    third: NONE,
                }));
            }
        }
    }

    /// When each provider serves any version of a kind, asked or not.
    fn served_by_provider(&self, kind: Kind) -> Vec<Vec<Span>> {
        let mut served = vec![Vec::new(); self.model.providers.len()];
        for entry in self.entries.iter().filter(|entry| entry.kind == kind) {
            served[entry.at as usize].extend(entry.served());
        }
        served.iter_mut().for_each(merge);
        served
    }

    /// Every moment that the conflicts were computed from: the answer cannot depend on any other.
    pub(super) fn moments(&self, out: &mut Vec<Tick>) {
        for entry in self.entries {
            out.extend([entry.from, entry.until]);
            out.extend(entry.valid.into_iter().flat_map(|(from, until)| [from, until]));
        }
        for part in &self.parts {
            out.extend([part.served.from, part.served.until, part.live.until]);
        }
        out.extend(self.reach.moments());
        if self.reach.is_bounded() {
            for (number, entry) in self
                .entries
                .iter()
                .enumerate()
                .filter(|(_, e)| e.kind == Kind::ApexNs)
            {
                let own = self.named_by(number as u32, entry.at);
                out.extend(own.iter().map(|span| span.prolonged(entry.ttl).until));
            }
        }
        out.extend(
            self.trust
                .iter()
                .flatten()
                .flat_map(|(_, span)| [span.from, span.until]),
        );
    }
}

fn tag(rule: Rule, class: usize) -> Tag {
    Tag {
        class: class as u32,
        ..Tag::of(rule)
    }
}

/// When a DNSKEY part is in force under a DS that it meets: from when both can be held, until the last copy that was
/// validated under the DS has run out. A validated copy outlives the DS.
pub(super) fn in_force(ds: &Part, key: &Part, ttl: Tick) -> Span {
    Span {
        from: key.served.from.max(ds.served.from),
        until: later(key.served.until.min(ds.live.until), ttl),
    }
}
