//! The verdict in one sentence. It never says more than was verified.

use super::findings::Broken;
use super::gather::{Absence, Gathered};
use super::view::{About, Assurance, Check, Standing, Verdict};
use crate::moment::Moment;
use crate::report::{clock_time, spell};
use crate::workflow::PlannedInsecure;

/// Everything that the sentence is made of.
pub(super) struct Known<'a> {
    pub(super) gathered: &'a Gathered,
    pub(super) assurance: &'a Assurance,
    pub(super) broken: &'a [Broken],
    /// Whether the checker was asked at all, and what it said.
    pub(super) continuous: Option<bool>,
    /// Steps proven, of how many.
    pub(super) steps: (usize, usize),
    /// Why the checker could not be asked.
    pub(super) unjudged: Option<String>,
}

pub(super) fn verdict(known: &Known<'_>) -> Verdict {
    let continuous = match known.continuous {
        _ if known.broken.iter().any(|one| !one.gap) => Standing::Fails,
        Some(true) if known.assurance.unproven.is_none() => Standing::Holds,
        _ => Standing::Unknown,
    };
    let insecure = known.unplanned().next().is_some();
    let checks = known.assurance.checks.iter().map(|check| check.standing);
    let worst = checks.max().unwrap_or(Standing::Unknown);
    let over = known.gathered.state.ended || known.assurance.planless;
    let alike = known.assurance.vantages.iter().all(|one| one.others == 0);
    let unless = |good: bool, otherwise| if good { Standing::Holds } else { otherwise };
    let standing = worst
        .max(continuous)
        .max(unless(over && alike, Standing::Unknown))
        .max(unless(!known.assurance.cut && !insecure, Standing::Fails));
    Verdict {
        standing,
        sentence: known.sentence(continuous),
        reasons: known.reasons(),
        continuous,
    }
}

fn span(absence: &Absence) -> String {
    let until = absence
        .until
        .map_or_else(|| "the end".to_owned(), |at| clock_time(at, true));
    format!("from {} to {until}", clock_time(absence.from, true))
}

impl Known<'_> {
    fn failed(&self) -> Option<&Check> {
        let mut checks = self.assurance.checks.iter();
        checks.find(|check| check.standing == Standing::Fails && check.about == About::Evidence)
    }

    fn sentence(&self, continuous: Standing) -> String {
        if let Some(check) = self.failed() {
            return format!(
                "This bundle does not verify ({}: {}); what follows is what it says, and is not proven.",
                check.what, check.detail
            );
        }
        let Some((from, until)) = self.gathered.observed else {
            return "Nothing was observed, so nothing can be said.".to_owned();
        };
        let span = format!("From {} to {}", clock_time(from, true), clock_time(until, true));
        let said = match continuous {
            Standing::Holds if self.planned().next().is_some() => {
                let planned = self.as_planned();
                let held = "at all other times every mixture of answers that a cache could hold validated";
                return format!(
                    "{span}: {planned}; {held}; {}; {}.{}",
                    self.unobserved(),
                    self.insecure(true),
                    self.rest()
                );
            }
            Standing::Holds => "every mixture of answers that a cache could hold validated".to_owned(),
            Standing::Fails => {
                let count = self.broken.iter().filter(|one| !one.gap).count();
                let mixtures = if count == 1 { "a mixture" } else { "mixtures" };
                format!("{mixtures} of answers that a cache could hold did NOT validate ({count} found)")
            }
            Standing::Unknown => {
                "it cannot be told whether every mixture of answers that a cache could hold validated"
                    .to_owned()
            }
        };
        format!(
            "{span} {said}; {}; {}.{}",
            self.unobserved(),
            self.insecure(false),
            self.rest()
        )
    }

    fn unobserved(&self) -> String {
        match self.gathered.coverage.longest() {
            Some((watched, stretch)) => format!(
                "longest unobserved stretch {} ({})",
                spell(std::time::Duration::from_secs(stretch.seconds())),
                watched.server
            ),
            None => "looked at only once".to_owned(),
        }
    }

    /// `told`: what was planned is in the sentence already.
    fn insecure(&self, told: bool) -> String {
        let mut unplanned = self.unplanned();
        match (unplanned.next(), self.planned().next()) {
            (None, None) => "no insecure time".to_owned(),
            (None, Some(_)) if told => "no insecure time that was not planned and approved".to_owned(),
            (None, Some(_)) => self.as_planned(),
            (Some(stretch), _) => {
                let more = if unplanned.next().is_some() {
                    ", and again"
                } else {
                    ""
                };
                format!("WITHOUT DNSSEC {}{more}, and nobody planned it", span(stretch))
            }
        }
    }

    /// Insecure time that a plan wanted and a person approved.
    fn planned(&self) -> impl Iterator<Item = (&Absence, &PlannedInsecure)> {
        let stretches = self.gathered.insecure.iter();
        stretches.filter_map(|stretch| Some((stretch, self.gathered.planned(stretch)?)))
    }

    /// All other.
    fn unplanned(&self) -> impl Iterator<Item = &Absence> {
        let stretches = self.gathered.insecure.iter();
        stretches.filter(|stretch| self.gathered.planned(stretch).is_none())
    }

    fn as_planned(&self) -> String {
        let told: Vec<String> = self
            .planned()
            .map(|(stretch, planned)| {
                format!(
                    "insecure as planned {} (approved by {} at {})",
                    span(stretch),
                    planned.approval.by,
                    clock_time(planned.approved, true)
                )
            })
            .collect();
        told.join(", and ")
    }

    /// What the sentence may not pass over.
    fn rest(&self) -> String {
        let mut out = String::new();
        if let Some(why) = &self.assurance.unproven {
            out.push_str(&format!(" Not proven: {why}."));
        }
        if self.assurance.cut {
            out.push_str(" The journal was cut off at its end.");
        }
        if !self.gathered.state.ended {
            let (done, all) = self.steps;
            out.push_str(&match all {
                _ if self.assurance.planless => " There was no plan; this is what was watched.".to_owned(),
                _ => format!(" The plan is not at its end: {done} of {all} steps are proven."),
            });
        }
        let others = self.assurance.vantages.iter().filter(|one| one.others > 0);
        let others: Vec<&str> = others.map(|one| one.name.as_str()).collect();
        if !others.is_empty() {
            out.push_str(&format!(
                " From elsewhere other answers were seen: {}.",
                others.join(", ")
            ));
        }
        let unchecked: Vec<&str> = self
            .assurance
            .checks
            .iter()
            .filter(|check| check.standing == Standing::Unknown && check.about == About::Evidence)
            .map(|check| check.what.as_str())
            .collect();
        if !unchecked.is_empty() {
            out.push_str(&format!(" Not to be told: {}.", unchecked.join(", ")));
        }
        out
    }

    fn reasons(&self) -> Vec<String> {
        let mut out: Vec<String> = self
            .assurance
            .checks
            .iter()
            .filter(|check| check.standing != Standing::Holds)
            .map(|check| format!("{} {}: {}", check.what, check.standing.word(), check.detail))
            .collect();
        out.extend(self.unjudged.clone());
        out.extend(self.broken.iter().map(|one| {
            let until = one.until.map_or_else(
                || "with no end".to_owned(),
                |until| format!("until {}", Moment::from_seconds(until)),
            );
            format!("from {} {until}: {}", Moment::from_seconds(one.from), one.text)
        }));
        out.truncate(12);
        out
    }
}
