//! What many moves came to.

use std::collections::BTreeMap;
use std::fmt;

use super::trial::Verdict;

/// A thousandth of an observation interval.
const STEP: f64 = 1_000.0;
/// Eight intervals and all beyond.
const STEPS: usize = 8_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) moves: u64,
    pub(crate) complete: u64,
    halted: u64,
    /// What happened at the halts, how often, and in which move first.
    pub(crate) halts: BTreeMap<String, (u64, u64)>,
    refused: u64,
    endless: u64,
    pub(crate) kills: u64,
    pub(crate) rolls: u64,
    pub(crate) silences: u64,
    faults: u64,
    /// Declared faults that broke the zone, and those of them that a resolver met that asked at random.
    pub(crate) broke: u64,
    pub(crate) broke_for_somebody: u64,
    sweeps: u64,
    entries: u64,
    mixtures: u64,
    asked: u64,
    simulated: i64,
    changes: u64,
    /// Changes by how long after their due moment they came, in thousandths of an interval.
    plain: Slack,
    others: Slack,
}

#[derive(Clone, Debug)]
struct Slack {
    count: u64,
    steps: Vec<u64>,
    most: f64,
}

impl Default for Slack {
    fn default() -> Slack {
        Slack {
            count: 0,
            steps: vec![0; STEPS + 1],
            most: 0.0,
        }
    }
}

impl Slack {
    fn add(&mut self, part: f64) {
        let step = (part.max(0.0) * STEP).ceil() as usize;
        self.steps[step.min(STEPS)] += 1;
        self.count += 1;
        self.most = self.most.max(part);
    }

    /// Below which so many of a thousand are.
    fn quantile(&self, thousandths: u64) -> f64 {
        let wanted = (self.count * thousandths).div_ceil(1_000);
        let mut seen = 0;
        let at = self.steps.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        at.unwrap_or(0) as f64 / STEP
    }
}

impl Figures {
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        self.moves += 1;
        match verdict.end {
            "complete" => self.complete += 1,
            "halted" => self.halted += 1,
            "refused" => self.refused += 1,
            "endless" => self.endless += 1,
            _ => {}
        }
        if let Some((what, seed)) = &verdict.halt {
            let (count, first) = self.halts.entry(what.clone()).or_insert((0, *seed));
            *count += 1;
            *first = (*first).min(*seed);
        }
        self.kills += verdict.kills;
        self.rolls += u64::from(verdict.rolled);
        self.silences += verdict.silences;
        self.faults += u64::from(verdict.faulted);
        self.broke += u64::from(verdict.broke);
        self.broke_for_somebody += u64::from(verdict.broke && verdict.met);
        self.sweeps += verdict.sweeps;
        self.entries += verdict.entries;
        self.mixtures += verdict.mixtures;
        self.asked += verdict.asked;
        self.simulated += verdict.lasted;
        for timing in &verdict.timings {
            self.changes += 1;
            let slack = if timing.plain {
                &mut self.plain
            } else {
                &mut self.others
            };
            slack.add(timing.part);
        }
    }
}

impl fmt::Display for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} changes: median {:.3}, 99 % {:.3}, largest {:.3} intervals after the due moment",
            self.count,
            self.quantile(500),
            self.quantile(990),
            self.most
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} moves: {} complete, {} halted, {} refused, {} waiting for ever; {:.0} simulated days",
            self.moves,
            self.complete,
            self.halted,
            self.refused,
            self.endless,
            self.simulated as f64 / 86_400.0
        )?;
        for (what, (count, first)) in &self.halts {
            writeln!(f, "    {count} halts: {what} (such as seed {first})")?;
        }
        writeln!(
            f,
            "{} kills, {} key rolls, {} silent servers, {} declared faults, of which {} broke the zone ({} for a resolver that asked at random)",
            self.kills, self.rolls, self.silences, self.faults, self.broke, self.broke_for_somebody
        )?;
        writeln!(
            f,
            "{} sweeps, {} journal entries, {} mixtures of versions judged, {} answers validated by resolvers at random",
            self.sweeps, self.entries, self.mixtures, self.asked
        )?;
        writeln!(f, "undisturbed, {}", self.plain)?;
        write!(f, "after a failure, a silence, a kill or a roll, {}", self.others)
    }
}
