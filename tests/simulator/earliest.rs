//! Whether each change came in time: not before it was safe, and not later than it had to.
//!
//! For each change that the program made, the first moment is looked for, by trying, at which it would have been safe in the
//! true world, once everything that had to come before it was shown everywhere. What the program cannot know is counted as
//! it must count it: a server that was silent served its last answer until it spoke again.

use super::judge::{Conflict, Judged, Lives, STILL, Version, What, judge, versions, whats};
use super::world::{Act, REGISTRY, World};
use super::zones::Zone;
use unbroken::dns::Rtype;
use unbroken::workflow::{Intent, Plan, Step, StepId};

/// Whole seconds are rounded up twice: where a version ends, and where the gate opens.
const ROUNDING: i64 = 2_000;

/// What one change came to.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    pub(crate) step: StepId,
    /// Milliseconds after the first moment at which it was due.
    pub(crate) slack: i64,
    /// What of it is neither margin nor the time that sweeps took, as a part of the observation interval.
    pub(crate) part: f64,
    /// Nothing was silent, nobody was killed, and it was the first try.
    pub(crate) plain: bool,
}

pub(crate) struct Clockwork<'a> {
    world: &'a World,
    plan: &'a Plan,
    lives: Lives,
    adopted: i64,
    /// The longest that a sweep took, and how long the program may sleep.
    longest_sweep: i64,
    interval: i64,
    margin: i64,
    /// From when on a provider showed a new key, and when it was at all the others.
    restoring: Option<(i64, i64)>,
}

impl<'a> Clockwork<'a> {
    pub(crate) fn new(world: &'a World, plan: &'a Plan, lives: Lives) -> Clockwork<'a> {
        let mut clockwork = Clockwork {
            world,
            plan,
            lives,
            adopted: plan.made.millis(),
            restoring: None,
            longest_sweep: world
                .sweeps
                .iter()
                .map(|(from, until)| until - from)
                .max()
                .unwrap_or(0),
            interval: 1_000 * world.scenario.interval,
            margin: 1_000 * i64::from(world.scenario.rules.margin),
        };
        clockwork.restoring = clockwork.restored();
        clockwork
    }

    /// A step that is undone stands in the way of all others: when that was, and until when.
    fn restored(&self) -> Option<(i64, i64)> {
        let again = self.world.acts.iter().filter(|act| act.again && act.tries == 0);
        let until = again.map(|act| self.shown_after(act)).max()?;
        Some((self.world.rolled?, until))
    }

    /// The timing of every change, or what is wrong with it.
    pub(crate) fn timings(&self) -> Result<Vec<Timing>, String> {
        self.world.acts.iter().map(|act| self.timing(act)).collect()
    }

    fn timing(&self, act: &Act) -> Result<Timing, String> {
        let step = self
            .plan
            .step(&act.step)
            .ok_or("a step that is not in the plan")?;
        let mut ready = if act.again {
            self.undone_at(act)?
        } else {
            self.before(step)
        };
        if let Some(said) = self.world.approved.get(&act.step.0) {
            ready = ready.max(*said);
        }
        if let Some(tried) = act.tried {
            let longer = 1i64 << (act.tries - 1).min(8);
            ready = ready.max(tried + 1_000 * i64::from(self.world.scenario.rules.patience) * longer);
        }
        let due = self.safe_from(act, ready)?;
        let slack = act.at - due;
        let (mut ended, mut blank) = self.spoken(due, None);
        if let Some((from, until)) = self.restoring
            && !act.again
            && from <= ended + self.interval + self.margin
            && ended < until
        {
            blank = true;
            ended = self.spoken(until, None).0;
        }
        let told = self.margin + self.sweeping(due, act.at) + self.longest_sweep;
        let allowed = ended + self.interval + told + ROUNDING;
        if act.at > allowed {
            return Err(format!(
                "{} came at {} ms, due at {due} ms (with silences {ended} ms): {} ms too late",
                act.step,
                act.at,
                act.at - allowed
            ));
        }
        Ok(Timing {
            step: act.step.clone(),
            slack,
            part: (slack - told).max(0) as f64 / self.interval as f64,
            plain: !blank && act.tries == 0,
        })
    }

    /// How long sweeps took in that time.
    fn sweeping(&self, from: i64, until: i64) -> i64 {
        let sweeps = self.world.sweeps.iter();
        sweeps
            .map(|sweep| (sweep.1.min(until) - sweep.0.max(from)).max(0))
            .sum()
    }

    /// The moment from which everything is shown that has to come before a step.
    fn before(&self, step: &Step) -> i64 {
        let shown = step.after.iter().filter_map(|before| self.plan.step(before));
        shown
            .map(|before| self.shown(before))
            .max()
            .unwrap_or(self.adopted)
            .max(self.adopted)
    }

    /// The moment from which every server that has to shows what a step changed.
    fn shown(&self, step: &Step) -> i64 {
        let before = self.before(step);
        if let Intent::Soak { seconds } = step.intent {
            return before + 1_000 * i64::try_from(seconds).unwrap();
        }
        // A later try may want more than the first: a provider took another key into use in the meantime.
        let acts = self.world.acts.iter();
        let acts = acts.filter(|act| act.step == step.id && !act.again);
        acts.map(|act| self.shown_after(act))
            .max()
            .map_or(before, |shown| shown.max(before))
    }

    /// The moment from which every server that has to shows what a change wanted.
    fn shown_after(&self, first: &Act) -> i64 {
        let operator = operator(&first.intent);
        let mut shown = first.at;
        for (number, server) in self.world.servers.iter().enumerate() {
            if server.operator != operator {
                continue;
            }
            let done = |zone: &Zone| shows(zone, &first.changes);
            // What it showed long before the change does not count.
            let since = if done(server.at(first.at)) {
                first.at
            } else {
                let mut later = server.served.iter().filter(|(from, _)| *from > first.at);
                later
                    .find(|(_, zone)| done(zone))
                    .map_or(STILL, |(from, _)| *from)
            };
            shown = shown.max(self.spoken(since, Some(number)).0);
        }
        shown
    }

    /// What was done is undone only by a provider that replaces a key, as far as moves without a fault go.
    fn undone_at(&self, act: &Act) -> Result<i64, String> {
        let rolled = self
            .world
            .rolled
            .ok_or_else(|| format!("{} was undone", act.step))?;
        let roll = self.world.scenario.roll.as_ref().ok_or("no roll")?;
        let lags = &self.world.operator(roll.provider + 1).lags;
        Ok(rolled + 1_000 * lags.iter().max().unwrap())
    }

    /// The first moment from `at` on at which a server can have been asked, if it (or any, or the program) was silent around
    /// then; and whether it was.
    fn spoken(&self, at: i64, server: Option<usize>) -> (i64, bool) {
        let mut at = at;
        let mut silent = false;
        let window = self.interval + self.margin + 2 * self.longest_sweep + ROUNDING;
        loop {
            let next = self
                .world
                .blanks
                .iter()
                .filter(|blank| blank.server.is_none() || server.is_none() || blank.server == server)
                .filter(|blank| blank.from <= at.saturating_add(window) && blank.until > at)
                .map(|blank| blank.until)
                .max();
            let Some(next) = next else {
                return (at, silent);
            };
            silent = true;
            at = next;
        }
    }

    /// The first moment, not before `ready`, at which the change is safe.
    fn safe_from(&self, act: &Act, ready: i64) -> Result<i64, String> {
        let known = versions(self.world, self.lives, act.at, |server, until| {
            self.spoken(until, Some(server)).0
        });
        let base = judge(&known);
        let effect = self.effect(act, &known);
        if !self.is_safe(&known, &base, &effect, act.at) {
            // What counts is the truth; the program may know less.
            let truly = versions(self.world, self.lives, act.at, |_, until| until);
            if !self.is_safe(&truly, &judge(&truly), &self.effect(act, &truly), act.at) {
                return Err(format!("{} came too early, at {} ms", act.step, act.at));
            }
            return Ok(act.at);
        }
        let mut moments: Vec<i64> = base.ends.clone();
        moments.retain(|moment| *moment > ready && *moment < act.at);
        moments.push(ready.min(act.at));
        moments.sort_unstable();
        moments.dedup();
        // A later moment is never less safe.
        let first = moments.partition_point(|moment| !self.is_safe(&known, &base, &effect, *moment));
        Ok(moments.get(first).copied().unwrap_or(act.at))
    }

    fn is_safe(&self, known: &[Version], base: &Judged, effect: &Effect, at: i64) -> bool {
        [false, true].into_iter().all(|instead| {
            let mut after = known.to_vec();
            for number in &effect.end {
                if instead {
                    after[*number].until = at;
                }
            }
            after.extend(effect.begin.iter().map(|begin| Version { from: at, ..*begin }));
            let found = judge(&after).conflicts;
            found
                .iter()
                .all(|conflict| is_known(&base.conflicts, conflict, at))
        })
    }

    /// The versions that end and begin if the change takes place.
    fn effect(&self, act: &Act, known: &[Version]) -> Effect {
        let operator = operator(&act.intent);
        let mut begin: Vec<Version> = Vec::new();
        let mut add = |what, ttl| {
            let version = Version {
                what,
                from: 0,
                until: STILL,
                life: self.lives.of(what, ttl),
            };
            if !begin.contains(&version) {
                begin.push(version);
            }
        };
        let mut gone: Option<usize> = None;
        let servers = self.world.servers.iter();
        for server in servers.filter(|server| server.operator == operator) {
            let mut zone = *server.at(act.at);
            for change in &act.changes {
                zone.change(change);
            }
            match act.changes.first().map(|change| change.rtype) {
                None => {}
                // A parent that follows it may act on it at once.
                Some(Rtype::CDS | Rtype::CDNSKEY) if zone.ds.is_empty() => {}
                Some(Rtype::CDS | Rtype::CDNSKEY) => add(What::Ds(zone.ds), self.world.scenario.ds_ttl),
                Some(rtype) => {
                    for (what, ttl) in whats(self.world, operator, &zone) {
                        if is_of(what, rtype) {
                            add(what, ttl);
                        }
                    }
                }
            }
        }
        if let Intent::Retire { provider } = &act.intent {
            gone = Some(super::drivers::provider_of(provider));
        }
        let ends = |version: &Version| {
            let replaced = begin.iter().any(|new| {
                same_place(new.what, version.what)
                    && !begin
                        .iter()
                        .any(|new| new.what == version.what && new.life == version.life)
            });
            let retired = gone.is_some() && place(version.what) == gone;
            version.until >= STILL && (replaced || retired)
        };
        let end = (0..known.len()).filter(|number| ends(&known[*number])).collect();
        Effect { end, begin }
    }
}

fn operator(intent: &Intent) -> usize {
    intent
        .place()
        .map_or(REGISTRY, |name| super::drivers::provider_of(name) + 1)
}

struct Effect {
    end: Vec<usize>,
    begin: Vec<Version>,
}

fn shows(zone: &Zone, changes: &[unbroken::ports::RrsetChange]) -> bool {
    changes.iter().all(|change| zone.shows(change))
}

/// Whether a conflict was there without the change too, as far as it lies at or after it.
fn is_known(known: &[Conflict], conflict: &Conflict, at: i64) -> bool {
    let from = conflict.from.max(at);
    from >= conflict.until
        || known.iter().any(|old| {
            (old.rule, old.left, old.right) == (conflict.rule, conflict.left, conflict.right)
                && old.from <= from
                && old.until >= conflict.until
        })
}

fn place(what: What) -> Option<usize> {
    match what {
        What::ParentNs(_) | What::Ds(_) => None,
        What::ApexNs(at, _) | What::Dnskey(at, ..) | What::Data(at, _) => Some(at),
    }
}

fn same_place(a: What, b: What) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b) && place(a) == place(b)
}

fn is_of(what: What, rtype: Rtype) -> bool {
    match what {
        What::ParentNs(_) | What::ApexNs(..) => rtype == Rtype::NS,
        What::Ds(_) => rtype == Rtype::DS,
        What::Dnskey(..) => rtype == Rtype::DNSKEY,
        What::Data(..) => false,
    }
}
