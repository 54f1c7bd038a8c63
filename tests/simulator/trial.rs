//! A random move and the verdict on it.

use super::dice::Dice;
use super::earliest::{Clockwork, Timing};
use super::judge::{Conflict, Lives, Version, judge, versions};
use super::play::{Exit, Played, Workshop, play};
use super::resolvers::{Found, ask};
use super::scenario::Scenario;
use super::world::World;
use super::wrong::Wrong;
use super::zones::Zone;

/// What one move came to.
#[derive(Default)]
pub(crate) struct Verdict {
    /// What must not be, in words; empty if all is well.
    pub(crate) wrong: Vec<String>,
    /// How it ended, in a word.
    pub(crate) end: &'static str,
    /// Why it halted, and in which move.
    pub(crate) halt: Option<(String, u64)>,
    pub(crate) mixtures: u64,
    pub(crate) asked: u64,
    pub(crate) timings: Vec<Timing>,
    pub(crate) sweeps: u64,
    pub(crate) kills: u64,
    pub(crate) entries: u64,
    /// Whether a declared fault broke the zone for somebody.
    pub(crate) broke: bool,
    /// And whether a resolver that asked at random met it.
    pub(crate) met: bool,
    pub(crate) rolled: bool,
    pub(crate) silences: u64,
    pub(crate) faulted: bool,
    /// Simulated seconds.
    pub(crate) lasted: i64,
}

/// Plays a scenario, judges it, and plays it again without its kills if it has any.
pub(crate) fn trial(scenario: &Scenario, workshop: &Workshop, wrong: Option<Wrong>) -> Verdict {
    let played = play(scenario, workshop, wrong);
    let mut verdict = Verdict {
        end: match &played.exit {
            Exit::Complete(_) => "complete",
            Exit::Halted(_) => "halted",
            Exit::Refused(_) => "refused",
            Exit::Endless => "endless",
            Exit::Failed(_) => "failed",
        },
        halt: match &played.exit {
            Exit::Halted(what) => Some((kind_of(what), scenario.seed)),
            _ => None,
        },
        sweeps: played.world.sweeps.len() as u64,
        kills: played.processes as u64 - 1,
        entries: played.entries as u64,
        lasted: played.ended / 1_000 - super::world::START,
        rolled: played.world.rolled.is_some(),
        silences: played
            .world
            .blanks
            .iter()
            .filter(|blank| blank.server.is_some())
            .count() as u64,
        faulted: played.world.faulted.is_some(),
        ..Verdict::default()
    };
    verdict.judge(&played);
    if scenario.is_sound() {
        verdict.sound(&played);
        if played.processes > 1 {
            verdict.same_end(&played, &play(&scenario.without_kills(), workshop, wrong));
        }
    } else {
        verdict.declared(&played);
    }
    verdict
}

/// Copies as the plan's rules count them.
fn lives(world: &World) -> Lives {
    let rules = &world.scenario.rules;
    Lives {
        floor: 1_000 * i64::from(rules.ttl_floor),
        stale: 1_000 * i64::from(rules.stale),
    }
}

impl Verdict {
    /// All that must be the same each time.
    pub(crate) fn shape(&self) -> String {
        let steps: Vec<String> = self
            .timings
            .iter()
            .map(|timing| format!("{} {}", timing.step, timing.slack))
            .collect();
        format!(
            "{} {:?} {} mixtures, {} sweeps, {} kills, {} entries, {} s, {steps:?}",
            self.end, self.wrong, self.mixtures, self.sweeps, self.kills, self.entries, self.lasted
        )
    }

    /// What resolvers met: all mixtures, and some resolvers that ask at random, who must find nothing else.
    fn judge(&mut self, played: &Played) {
        let world = &played.world;
        let served = versions(world, lives(world), i64::MAX, |_, until| until);
        let judged = judge(&served);
        self.mixtures = judged.mixtures;
        let until = world.now + 2_000 * world.scenario.longest_wait() + 1_000;
        let mut dice = Dice::new(world.scenario.seed ^ 0x7265_736f_6c76_6572);
        let Found { validated, failures } = ask(world, &mut dice, 3, 24, until);
        self.asked = validated + failures.len() as u64;
        self.met = !failures.is_empty();
        self.broke = !judged.conflicts.is_empty();
        if let Some((last, _)) = world.sweeps.last()
            && !world.scenario.is_sound()
        {
            // What comes after its last look is beyond what it can name.
            let seen = judge(&versions(world, lives(world), *last, |_, until| until));
            self.broke = !seen.conflicts.is_empty();
        }
        if !judged.conflicts.is_empty() {
            if world.scenario.is_sound() {
                let words = |conflict| words(&served, conflict);
                self.wrong.extend(judged.conflicts.iter().map(words));
            }
        } else if let Some(failure) = failures.first() {
            let word = format!("a resolver failed and the judge did not see it: {failure}");
            self.wrong.push(word);
        }
    }

    /// Without a declared fault: complete, continuous, in time.
    fn sound(&mut self, played: &Played) {
        match &played.exit {
            Exit::Complete(ended) if ended.continuous => {}
            Exit::Complete(ended) => self
                .wrong
                .push(format!("not continuous, it says: {:?}", ended.conflicts)),
            other => self.wrong.push(format!("{other:?}")),
        }
        let Some(plan) = &played.world.plan else { return };
        match Clockwork::new(&played.world, plan, lives(&played.world)).timings() {
            Ok(timings) => self.timings = timings,
            Err(why) => self.wrong.push(why),
        }
    }

    /// Whatever a declared fault breaks, the program names it or stops.
    fn declared(&mut self, played: &Played) {
        match &played.exit {
            Exit::Halted(why) | Exit::Refused(why) => assert!(!why.is_empty()),
            Exit::Complete(ended) if !self.broke || !ended.conflicts.is_empty() => {}
            Exit::Complete(_) => self
                .wrong
                .push("resolvers failed, and it says that all was continuous".to_owned()),
            Exit::Endless => self.wrong.push("it waits for ever".to_owned()),
            Exit::Failed(why) => self.wrong.push(why.clone()),
        }
    }

    fn same_end(&mut self, killed: &Played, whole: &Played) {
        let (there, here) = (&killed.world.masters, &whole.world.masters);
        if std::mem::discriminant(&killed.exit) != std::mem::discriminant(&whole.exit) {
            self.wrong
                .push(format!("after kills {:?}, without {:?}", killed.exit, whole.exit));
        } else if there != here {
            let differ = |(a, b): (&Zone, &Zone)| (a != b).then(|| format!("{a:?} without kills {b:?}"));
            let list: Vec<String> = there.iter().zip(here).filter_map(differ).collect();
            self.wrong.push(format!("another end: {}", list.join("; ")));
        }
    }
}

/// What happened, without what is of this move alone.
fn kind_of(what: &str) -> String {
    let words = what.split(": ").next().unwrap_or_default();
    let of_this_move = |word: &&str| word.contains(char::is_numeric) || word.contains('.');
    let kept: Vec<&str> = words
        .split(' ')
        .map(|word| if of_this_move(&word) { "…" } else { word })
        .collect();
    kept.join(" ")
}

fn words(served: &[Version], conflict: &Conflict) -> String {
    format!(
        "{} from {} until {} ms: {:?} against {:?}",
        conflict.rule, conflict.from, conflict.until, served[conflict.left], served[conflict.right]
    )
}
