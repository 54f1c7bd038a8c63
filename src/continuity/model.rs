//! A timeline made ready for arithmetic: names are numbers, equal values are one, times are ticks.

use std::collections::HashMap;
use std::hash::Hash;

use super::bits::Bits;
use super::class::Class;
use super::options::Options;
use super::span::{NEVER, Span, Tick, length, tick};
use super::timeline::{Change, Timeline};
use super::trust::{Demands, KeyPath};
use super::version::{Kind, Value, Version};

/// Stands for "none" where a number of a version or a provider is expected.
pub(super) const NONE: u32 = u32::MAX;

/// A version with numbers in place of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// The provider, or [`NONE`] for the parent.
    pub(super) at: u32,
    /// Which value among those of its kind.
    pub(super) value: u32,
    pub(super) from: Tick,
    pub(super) until: Tick,
    /// As it counts: with floor and stale.
    pub(super) ttl: Tick,
    /// As it is stated: two versions are equal only if this is.
    pub(super) stated_ttl: u32,
    pub(super) valid: Option<(Tick, Tick)>,
}

/// A DNSKEY value: its keys, and those of them that sign it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeySet {
    pub(super) keys: Bits,
    signed_by: Bits,
    /// Both in it and signing it.
    pub(super) chain: Bits,
}

/// Numbers for values: equal ones get the same.
#[derive(Debug)]
struct Intern<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Hash + Eq + Clone> Intern<T> {
    fn new() -> Self {
        Intern {
            numbers: HashMap::new(),
            values: Vec::new(),
        }
    }

    fn number(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.values.len()).unwrap_or(NONE);
        *self.numbers.entry(value).or_insert_with_key(|value| {
            self.values.push(value.clone());
            next
        })
    }
}

/// The timeline, and the versions that a change would begin.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) classes: Vec<Class>,
    /// Names of the providers, by number.
    pub(super) providers: Vec<String>,
    /// The distinct versions.
    pub(super) entries: Vec<Entry>,
    /// For each entry, its first version in the timeline.
    pub(super) sources: Vec<usize>,
    /// What a change begins, without a beginning.
    pub(super) begun: Vec<Entry>,
    /// The providers that each NS value names.
    pub(super) ns: Vec<Bits>,
    pub(super) key_sets: Vec<KeySet>,
    /// The signers of each data value.
    pub(super) signers: Vec<Bits>,
    pub(super) demands: Demands,
}

impl Model {
    /// Numbers a timeline and the versions that a change begins.
    ///
    /// Names that the timeline does not list are taken as they come: a provider of its own, a key of an algorithm that
    /// every resolver supports. Only a timeline that was never validated has such.
    pub(super) fn new(timeline: &Timeline, change: Option<&Change>, options: &Options) -> Model {
        let mut names = Names::new(timeline);
        let begun = change.map_or(&[][..], |change| &change.begin);
        let values = || {
            timeline
                .versions
                .iter()
                .map(|v| &v.value)
                .chain(begun.iter().map(|v| &v.value))
        };
        values().for_each(|value| names.meet(value));
        let mut tables = Tables::new(&names);

        let mut entries: Intern<Entry> = Intern::new();
        let mut sources = Vec::new();
        for (source, version) in timeline.versions.iter().enumerate() {
            let entry = tables.entry(version, options);
            if entries.number(entry) as usize == sources.len() {
                sources.push(source);
            }
        }
        let begun = begun
            .iter()
            .map(|new| tables.entry(&new.beginning(0), options))
            .collect();

        let classes = match &options.classes {
            None => timeline.classes(),
            Some(chosen) => {
                let mut classes = chosen.clone();
                classes.sort_unstable();
                classes.dedup();
                classes
            }
        };
        let demands = Demands::new(&classes, &names.algorithms, &tables.ds.values);
        Model {
            classes,
            providers: names.providers.iter().map(|&name| name.to_owned()).collect(),
            entries: entries.values,
            sources,
            begun,
            ns: tables.ns.values,
            key_sets: tables.key_sets.values,
            signers: tables.data.values,
            demands,
        }
    }

    /// What a DS entry demands of a class: nothing if it is insecure.
    pub(super) fn paths(&self, class: usize, ds: &Entry) -> &[KeyPath] {
        self.demands.of(class, ds.value)
    }
}

/// Names of providers and keys, numbered as they are met.
struct Names<'a> {
    timeline: &'a Timeline,
    provider_numbers: HashMap<&'a str, usize>,
    providers: Vec<&'a str>,
    key_numbers: HashMap<&'a str, usize>,
    /// The algorithm of each key, if it is known.
    algorithms: Vec<Option<u8>>,
}

impl<'a> Names<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        let mut names = Names {
            timeline,
            provider_numbers: HashMap::new(),
            providers: Vec::new(),
            key_numbers: HashMap::new(),
            algorithms: Vec::new(),
        };
        timeline
            .providers
            .iter()
            .for_each(|name| names.add_provider(name));
        timeline.keys.keys().for_each(|name| names.add_key(name));
        names
    }

    fn add_provider(&mut self, name: &'a str) {
        let next = self.providers.len();
        if *self.provider_numbers.entry(name).or_insert(next) == next {
            self.providers.push(name);
        }
    }

    fn add_key(&mut self, name: &'a str) {
        let next = self.algorithms.len();
        if *self.key_numbers.entry(name).or_insert(next) == next {
            self.algorithms
                .push(self.timeline.keys.get(name).map(|key| key.algorithm));
        }
    }

    fn meet(&mut self, value: &'a Value) {
        if let Some(at) = value.at() {
            self.add_provider(at);
        }
        match value {
            Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
                providers.iter().for_each(|name| self.add_provider(name));
            }
            Value::Ds { records } => records.iter().for_each(|ds| self.add_key(&ds.key)),
            Value::Dnskey { keys, signed_by, .. } => {
                keys.iter().chain(signed_by).for_each(|key| self.add_key(key));
            }
            Value::Data { signed_by, .. } => signed_by.iter().for_each(|key| self.add_key(key)),
        }
    }
}

/// The values met so far, by kind.
struct Tables<'n, 'a> {
    names: &'n Names<'a>,
    ns: Intern<Bits>,
    ds: Intern<Vec<(usize, u8)>>,
    key_sets: Intern<KeySet>,
    data: Intern<Bits>,
}

impl<'n, 'a> Tables<'n, 'a> {
    fn new(names: &'n Names<'a>) -> Self {
        Tables {
            names,
            ns: Intern::new(),
            ds: Intern::new(),
            key_sets: Intern::new(),
            data: Intern::new(),
        }
    }

    fn entry(&mut self, version: &Version, options: &Options) -> Entry {
        let at = version
            .value
            .at()
            .and_then(|at| self.names.provider_numbers.get(at));
        let mut ttl = u64::from(version.ttl.max(options.ttl_floor));
        if matches!(version.value.kind(), Kind::ParentNs | Kind::ApexNs | Kind::Data) {
            ttl += u64::from(options.stale);
        }
        Entry {
            kind: version.value.kind(),
            at: at.map_or(NONE, |&at| u32::try_from(at).unwrap_or(NONE)),
            value: self.value(&version.value),
            from: tick(version.from),
            until: version.until.map_or(NEVER, tick),
            ttl: length(ttl),
            stated_ttl: version.ttl,
            valid: version.valid.map(|(from, until)| (tick(from), tick(until))),
        }
    }

    fn value(&mut self, value: &Value) -> u32 {
        match value {
            Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
                let known = &self.names.provider_numbers;
                let members = providers
                    .iter()
                    .filter_map(|name| known.get(name.as_str()).copied());
                self.ns.number(Bits::of(known.len(), members))
            }
            Value::Ds { records } => {
                let known = &self.names.key_numbers;
                let mut set: Vec<(usize, u8)> = records
                    .iter()
                    .filter_map(|ds| Some((*known.get(ds.key.as_str())?, ds.digest)))
                    .collect();
                set.sort_unstable();
                set.dedup();
                self.ds.number(set)
            }
            Value::Dnskey { keys, signed_by, .. } => {
                let (keys, signed_by) = (self.keys(keys), self.keys(signed_by));
                let chain = keys.intersection(&signed_by);
                self.key_sets.number(KeySet {
                    keys,
                    signed_by,
                    chain,
                })
            }
            Value::Data { signed_by, .. } => {
                let signers = self.keys(signed_by);
                self.data.number(signers)
            }
        }
    }

    fn keys(&self, names: &[String]) -> Bits {
        let known = &self.names.key_numbers;
        Bits::of(
            known.len(),
            names.iter().filter_map(|name| known.get(name.as_str()).copied()),
        )
    }
}

impl Entry {
    /// When it is served: half-open, and `None` if it never is.
    pub(super) fn served(&self) -> Option<Span> {
        Span::new(self.from, self.until)
    }

    pub(super) fn is_ns(&self) -> bool {
        matches!(self.kind, Kind::ParentNs | Kind::ApexNs)
    }
}
