//! The question "was it, and will it be, continuous?".

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::found::Found;
use super::model::{Model, NONE};
use super::options::Options;
use super::report::{Conflict, Report, Witness};
use super::rules::World;
use super::span::{end_second, second};
use super::timeline::Timeline;
use super::version::Version;
use super::witness::fetches;

/// Finds every conflict of a timeline.
///
/// Takes `O(n log n)` in the number of versions, plus the number of pairs of values that are cached at the same time, plus
/// the number of conflicts. The timeline should be valid ([`Timeline::validate`]): a key that it does not list counts as one
/// that every resolver supports, a provider that it does not list as another provider.
///
/// ```
/// use unbroken::continuity::{check, DsRef, Options, Timeline, Value, Version};
///
/// let mut timeline = Timeline::new("shop.test.", ["a"], [("k", 13)]);
/// let a = || vec!["a".to_string()];
/// let k = || vec!["k".to_string()];
/// timeline.versions = vec![
///     Version::new(Value::ParentNs { providers: a() }, 0, None, 300),
///     Version::new(Value::ApexNs { at: "a".into(), providers: a() }, 0, None, 300),
///     Version::new(Value::Ds { records: vec![DsRef { key: "k".into(), digest: 2 }] }, 0, None, 300),
///     Version::new(Value::Dnskey { at: "a".into(), keys: k(), signed_by: k() }, 0, None, 300),
///     Version::new(Value::Data { at: "a".into(), signed_by: k() }, 0, None, 300),
/// ];
/// assert!(check(&timeline, &Options::default()).continuous);
///
/// timeline.versions[4].value = Value::Data { at: "a".into(), signed_by: vec![] };
/// assert!(!check(&timeline, &Options::default()).continuous);
/// ```
pub fn check(timeline: &Timeline, options: &Options) -> Report {
    let model = Model::new(timeline, None, options);
    let mut world = World::new(&model, &model.entries, options.mode, options.sticky_bounded);
    let found = world.conflicts();
    let mut shown = Shown::new(timeline, &model, Vec::new());
    let mut conflicts = shown.conflicts(&world, &found);
    let mut sticky = false;
    if options.sticky_bounded {
        let letter = World::new(&model, &model.entries, options.mode, false).conflicts();
        sticky = found != letter;
        shown.mark_sticky(&mut conflicts, &found, &letter);
    }
    sort(&mut conflicts);
    Report {
        continuous: conflicts.is_empty(),
        conflicts: conflicts.into_iter().map(|(_, conflict)| conflict).collect(),
        not_checked: not_checked(timeline),
        classes: model.classes.clone(),
        ttl_floor: options.ttl_floor,
        stale: options.stale,
        mode: options.mode,
        sticky,
        form: timeline.form,
    }
}

/// When each provider is reachable: by its name `[from, until)` in Unix seconds, in order; no end: still.
///
/// A provider is reachable while a live NS version names it, beginning with the parent.
pub fn reachable(timeline: &Timeline, options: &Options) -> BTreeMap<String, Vec<(i64, Option<i64>)>> {
    let model = Model::new(timeline, None, options);
    let world = World::new(&model, &model.entries, options.mode, options.sticky_bounded);
    let spans = |number: usize| {
        let number = u32::try_from(number).unwrap_or(NONE);
        let of = world.reach.of(number).iter();
        of.map(|span| (second(span.from), end_second(span.until)))
            .collect()
    };
    let named = model.providers.iter().enumerate();
    named
        .map(|(number, name)| (name.clone(), spans(number)))
        .collect()
}

/// What a verdict says nothing about.
pub(super) fn not_checked(timeline: &Timeline) -> Vec<String> {
    let mut list = Vec::new();
    if timeline.versions.is_empty() {
        list.push("anything: the timeline has no versions");
    }
    if timeline
        .versions
        .iter()
        .any(|version| version.value.is_signed() && version.valid.is_none())
    {
        list.push("signature windows");
    }
    list.extend(["zone contents", "CDS, CDNSKEY and CSYNC"]);
    list.into_iter().map(str::to_owned).collect()
}

/// In the order in which conflicts begin, then by rule, class and versions.
pub(super) fn sort(conflicts: &mut [(Found, Conflict)]) {
    conflicts.sort_by_key(|(found, _)| (found.span.from, found.tag));
}

/// Gives numbers their names back.
pub(super) struct Shown<'a> {
    timeline: &'a Timeline,
    model: &'a Model,
    /// Versions that are not in the timeline: they follow its entries.
    begun: Vec<Arc<Version>>,
    made: Vec<Option<Arc<Version>>>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(timeline: &'a Timeline, model: &'a Model, begun: Vec<Arc<Version>>) -> Self {
        Shown {
            timeline,
            model,
            begun,
            made: vec![None; model.entries.len()],
        }
    }

    /// The version of an entry, as it stands in the timeline or the change.
    pub(super) fn version(&mut self, entry: u32) -> Option<Arc<Version>> {
        if entry == NONE {
            return None;
        }
        let entry = entry as usize;
        let Some(slot) = self.made.get_mut(entry) else {
            return self.begun.get(entry - self.made.len()).cloned();
        };
        if slot.is_none() {
            let source = self.model.sources.get(entry)?;
            *slot = Some(Arc::new(self.timeline.versions.get(*source)?.clone()));
        }
        slot.clone()
    }

    pub(super) fn conflicts(&mut self, world: &World<'_>, found: &[Found]) -> Vec<(Found, Conflict)> {
        found
            .iter()
            .map(|found| (*found, self.conflict(world, found)))
            .collect()
    }

    fn conflict(&mut self, world: &World<'_>, found: &Found) -> Conflict {
        let tag = found.tag;
        let provider = self.model.providers.get(tag.provider as usize).cloned();
        Conflict {
            rule: tag.rule,
            class: self.model.classes.get(tag.class as usize).copied(),
            from: second(found.span.from),
            until: end_second(found.span.until),
            left: self.version(tag.left),
            right: self.version(tag.right),
            third: self.version(found.third),
            provider,
            missing: tag.missing,
            witness: Witness {
                at: second(found.span.from),
                fetched: fetches(world, found)
                    .into_iter()
                    .filter_map(|(entry, at)| Some((self.version(entry)?, second(at))))
                    .collect(),
            },
            sticky: false,
        }
    }

    /// Marks what is otherwise by the letter.
    pub(super) fn mark_sticky(&self, conflicts: &mut [(Found, Conflict)], found: &[Found], letter: &[Found]) {
        if found == letter {
            return;
        }
        let known: HashSet<_> = letter
            .iter()
            .map(|f| (f.tag, f.span.from, f.span.until))
            .collect();
        for (found, conflict) in conflicts {
            conflict.sticky = !known.contains(&(found.tag, found.span.from, found.span.until));
        }
    }
}
