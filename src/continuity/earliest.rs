//! The question "from when on may I make this change?".
//!
//! The moment of the change is looked for among the moments at which the answer can turn at all. Every end of an interval
//! either stands still or moves along with the change, by the same distance; so while none that moves passes one that stands,
//! the conflicts of the changed timeline stay the same but for their ends. The search judges such a moment, then all those
//! up to the next one at once (see [`super::span`]), and never steps through seconds.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::blockers::Blockers;
use super::check::{Shown, not_checked, sort};
use super::class::Class;
use super::error::TimelineError;
use super::found::{Found, Rule, added};
use super::model::{Entry, Model};
use super::options::{Mode, Options};
use super::report::Conflict;
use super::rules::World;
use super::span::{NEVER, Tick, second, tick};
use super::timeline::{Change, Timeline};
use super::version::{TimeForm, Version};

/// What has to leave every cache before a change is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The version that some resolver may still hold.
    pub version: Arc<Version>,
    /// The first moment at which none does (for a DNSKEY RRset: none trusts it), Unix seconds.
    pub leaves_caches_at: i64,
    /// What the change would violate before.
    pub rule: Rule,
    /// For which classes; empty for a rule that concerns none.
    pub classes: Vec<Class>,
}

/// What `earliest` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earliest {
    /// The first whole second, not before `now`, at which the change adds no conflict; `None`: waiting does not help.
    pub earliest: Option<i64>,
    /// If it is made then: the first moment from which there is no conflict at all; `None`: there is none.
    pub clean_from: Option<i64>,
    /// What the wait is for, the last to leave first. Empty if there is none.
    pub because: Vec<Because>,
    /// If it is made then: the conflicts at or after it, all of which the unchanged timeline has too. If waiting does not
    /// help: the conflicts that the change adds.
    pub remaining: Vec<Conflict>,
    /// Why waiting does not help.
    pub reason: Option<String>,
    /// What was not looked at.
    pub not_checked: Vec<String>,
    /// The TTL floor used, seconds.
    pub ttl_floor: u32,
    /// How much longer NS and data were taken to live, seconds.
    pub stale: u32,
    /// Which mixtures counted.
    pub mode: Mode,
    /// The answer holds only because of [`Options::sticky_bounded`].
    pub sticky: bool,
    /// How times are written.
    pub form: TimeForm,
}

impl Earliest {
    /// The documented object.
    pub fn to_json(&self) -> Json {
        let time = |at: Option<i64>| at.map_or(Json::Null, |at| self.form.json(at));
        let because: Vec<Json> = self
            .because
            .iter()
            .map(|b| {
                json!({
                    "version": b.version.to_json(self.form),
                    "leaves_caches_at": self.form.json(b.leaves_caches_at),
                    "rule": b.rule,
                    "classes": b.classes,
                })
            })
            .collect();
        let remaining: Vec<Json> = self.remaining.iter().map(|c| c.to_json(self.form)).collect();
        let mut object = Map::new();
        object.insert("earliest".into(), time(self.earliest));
        object.insert("clean_from".into(), time(self.clean_from));
        object.insert("because".into(), because.into());
        object.insert("remaining".into(), remaining.into());
        if let Some(reason) = &self.reason {
            object.insert("reason".into(), reason.as_str().into());
        }
        object.insert("not_checked".into(), json!(self.not_checked));
        object.insert("ttl_floor".into(), self.ttl_floor.into());
        object.insert("stale".into(), self.stale.into());
        object.insert("mode".into(), self.mode.to_string().into());
        if self.sticky {
            object.insert("sticky".into(), true.into());
        }
        object.into()
    }
}

impl Serialize for Earliest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(to)
    }
}

/// Finds the first whole second, not before `now` (Unix seconds), at which a change adds no conflict: from then on the
/// changed timeline has no (rule, class, left, right, provider, moment) that the unchanged one does not have too. A version
/// that the change ends stays the same version.
///
/// # Errors
/// [`TimelineError`] if the timeline or the change is not valid, or the change ends a version that the timeline does not have
/// or that is not served at any moment from `now` on.
pub fn earliest(
    timeline: &Timeline,
    change: &Change,
    now: i64,
    options: &Options,
) -> Result<Earliest, TimelineError> {
    timeline.validate()?;
    change.validate(timeline)?;
    let model = Model::new(timeline, Some(change), options);
    let search = Search::new(timeline, &model, change, now, options, options.sticky_bounded)?;
    let outcome = search.run();
    let mut answer = search.answer(timeline, change, &outcome);
    if options.sticky_bounded {
        let letter = Search::new(timeline, &model, change, now, options, false)?;
        let by_letter = letter.answer(timeline, change, &letter.run());
        answer.sticky = (answer.earliest, answer.clean_from) != (by_letter.earliest, by_letter.clean_from);
    }
    Ok(answer)
}

/// Until when the answer of [`earliest`] stays what it is for a later `now`, exclusive, Unix seconds: where the change has to
/// wait, up to the moment that it waits for; where it may be made at once, as long as it may be made at once.
///
/// # Errors
/// As [`earliest`].
pub fn lasts(
    timeline: &Timeline,
    change: &Change,
    now: i64,
    options: &Options,
) -> Result<i64, TimelineError> {
    timeline.validate()?;
    change.validate(timeline)?;
    let model = Model::new(timeline, Some(change), options);
    let search = Search::new(timeline, &model, change, now, options, options.sticky_bounded)?;
    if search.last < NEVER {
        // What can be made for some time only is asked anew each time.
        return Ok(now);
    }
    Ok(match search.run().at {
        None => i64::MAX,
        Some(at) if second(at) > now => second(at),
        Some(at) => search.open_until(at),
    })
}

/// So many moments at which an answer can turn are looked at.
const TURNS: usize = 64;

/// One search: the unchanged world, and what the change does to it.
struct Search<'a> {
    model: &'a Model,
    options: &'a Options,
    sticky_bounded: bool,
    /// Conflicts of the unchanged timeline.
    known: Vec<Found>,
    /// Moments of the unchanged timeline, sorted.
    moments: Vec<Tick>,
    /// Entries that end.
    ends: Vec<usize>,
    /// The first and the last moment at which the change can be made.
    first: Tick,
    last: Tick,
}

/// What a search comes to.
struct Outcome {
    at: Option<Tick>,
    /// The moment whose conflicts show why not, if there is no `at`.
    tried: Tick,
    blockers: Blockers,
}

impl<'a> Search<'a> {
    fn new(
        timeline: &Timeline,
        model: &'a Model,
        change: &Change,
        now: i64,
        options: &'a Options,
        sticky_bounded: bool,
    ) -> Result<Self, TimelineError> {
        let mut ends = Vec::new();
        let (mut first, mut last) = (tick(now), NEVER);
        for (number, version) in change.end.iter().enumerate() {
            let place = || format!("end[{number}]");
            let entry = find(timeline, model, version)
                .ok_or_else(|| TimelineError::NoSuchVersion { place: place() })?;
            let Entry { from, until, .. } = model.entries[entry];
            first = first.max(from);
            last = if until < NEVER { last.min(until - 2) } else { last };
            if first > last {
                return Err(TimelineError::NotServed { place: place(), now });
            }
            ends.push(entry);
        }
        for (number, version) in change.begin.iter().enumerate() {
            let Some(until) = version.until else { continue };
            last = last.min(tick(until));
            if first > last {
                let from = second(first);
                let place = format!("begin[{number}]");
                return Err(TimelineError::EndsBeforeItBegins { place, from, until });
            }
        }
        let mut world = World::new(model, &model.entries, options.mode, sticky_bounded);
        let known = world.conflicts();
        let mut moments = Vec::new();
        world.moments(&mut moments);
        moments.sort_unstable();
        moments.dedup();
        Ok(Search {
            model,
            options,
            sticky_bounded,
            known,
            moments,
            ends,
            first,
            last,
        })
    }

    fn run(&self) -> Outcome {
        let mut blockers = Blockers::default();
        let mut at = self.first;
        loop {
            if self.adds_nothing(at) {
                return Outcome {
                    at: Some(at),
                    tried: at,
                    blockers,
                };
            }
            let entries = self.changed(at + 1);
            let mut world = self.world(&entries);
            let found = world.conflicts();
            let new: Vec<Found> = added(&found, &self.known, at + 1).collect();
            let next = self.next(&world, at);
            let room = next.is_none_or(|next| next > at + 2) && at + 2 <= self.last;
            if new.is_empty() && room {
                return Outcome {
                    at: Some(at + 2),
                    tried: at + 2,
                    blockers,
                };
            }
            blockers.learn(&world, &new, self.model.entries.len());
            match next {
                Some(next) if next <= self.last => at = next,
                _ => {
                    return Outcome {
                        at: None,
                        tried: (at + 2).min(self.last),
                        blockers,
                    };
                }
            }
        }
    }

    /// The first second after `at`, at which the change adds nothing, from which it may add something.
    fn open_until(&self, mut at: Tick) -> i64 {
        for _ in 0..TURNS {
            let entries = self.changed(at + 1);
            let mut world = self.world(&entries);
            let found = world.conflicts();
            if added(&found, &self.known, at + 1).next().is_some() {
                return second(at) + 1;
            }
            match self.next(&world, at) {
                None => return i64::MAX,
                Some(next) if self.adds_nothing(next) => at = next,
                Some(next) => return second(next),
            }
        }
        second(at) + 1
    }

    fn adds_nothing(&self, at: Tick) -> bool {
        let entries = self.changed(at);
        let found = self.world(&entries).conflicts();
        added(&found, &self.known, at).next().is_none()
    }

    fn world<'e>(&'e self, entries: &'e [Entry]) -> World<'e> {
        World::new(self.model, entries, self.options.mode, self.sticky_bounded)
    }

    /// The entries after the change, made at `at`. What begins follows the model's entries, in the order of the change.
    fn changed(&self, at: Tick) -> Vec<Entry> {
        let model = self.model;
        let mut entries = model.entries.clone();
        for &end in &self.ends {
            entries[end].until = at;
        }
        for (number, begun) in model.begun.iter().enumerate() {
            let mut new = Entry {
                from: at,
                ..begun.clone()
            };
            // Versions that are equal are one: then nothing ends, or begins again.
            if let Some(same) = model.entries.iter().position(|entry| *entry == new) {
                entries[same].until = new.until;
                new.until = at;
            } else if model.begun[..number].contains(begun) {
                new.until = at;
            }
            entries.push(new);
        }
        entries
    }

    /// The next moment after `at` at which anything can turn. `world` is that of the moments in between.
    fn next(&self, world: &World<'_>, at: Tick) -> Option<Tick> {
        let mut moments = Vec::new();
        world.moments(&mut moments);
        let is_moving = |moment: &Tick| moment & 1 == 1;
        let mut moving: Vec<Tick> = moments.iter().copied().filter(is_moving).collect();
        moments.retain(|moment| !is_moving(moment) && *moment > at && *moment < NEVER);
        moments.sort_unstable();
        moving.sort_unstable();
        moving.dedup();
        let ahead = |fixed: &[Tick], moment: Tick| {
            let next = fixed.get(fixed.partition_point(|&fixed| fixed < moment)).copied();
            next.filter(|&next| next < NEVER).map(|next| next - moment + 1)
        };
        let steps = moving
            .iter()
            .flat_map(|&m| [ahead(&moments, m), ahead(&self.moments, m)]);
        steps.flatten().min().map(|step| at + step)
    }

    fn answer(&self, timeline: &Timeline, change: &Change, outcome: &Outcome) -> Earliest {
        let entries = self.changed(outcome.tried);
        let mut world = self.world(&entries);
        let mut found = world.conflicts();
        let mut clean_from = None;
        let reason = match outcome.at {
            Some(at) => {
                let end = found.iter().map(|found| found.span.until).fold(at, Tick::max);
                clean_from = (end < NEVER).then(|| second(end));
                found.retain(|found| found.span.until > at);
                None
            }
            None => {
                found = added(&found, &self.known, outcome.tried).collect();
                Some(self.reason(&found, timeline.form))
            }
        };
        let begun: Vec<Arc<Version>> = change
            .begin
            .iter()
            .map(|new| Arc::new(new.beginning(second(outcome.tried))))
            .collect();
        let mut shown = Shown::new(timeline, self.model, begun);
        let mut remaining = shown.conflicts(&world, &found);
        sort(&mut remaining);
        let because = match outcome.at {
            Some(at) => outcome.blockers.list(at, &self.model.classes, &mut shown),
            None => Vec::new(),
        };
        Earliest {
            earliest: outcome.at.map(second),
            clean_from,
            because,
            remaining: remaining.into_iter().map(|(_, conflict)| conflict).collect(),
            reason,
            not_checked: not_checked(timeline),
            ttl_floor: self.options.ttl_floor,
            stale: self.options.stale,
            mode: self.options.mode,
            sticky: false,
            form: timeline.form,
        }
    }

    fn reason(&self, added: &[Found], form: TimeForm) -> String {
        let mut rules: Vec<&str> = added.iter().map(|found| found.tag.rule.name()).collect();
        rules.sort_unstable();
        rules.dedup();
        let rules = rules.join(", ");
        if self.last < NEVER {
            let last = form.text(second(self.last));
            return format!(
                "it can be made no later than {last}, and until then it adds conflicts ({rules})"
            );
        }
        format!("it adds conflicts ({rules}) whenever it is made; waiting does not help")
    }
}

/// The entry of a version that a change names.
fn find(timeline: &Timeline, model: &Model, version: &Version) -> Option<usize> {
    let source = timeline.versions.iter().position(|other| other == version)?;
    model.sources.binary_search(&source).ok()
}
