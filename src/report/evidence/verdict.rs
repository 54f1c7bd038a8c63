//! The verdict in one sentence. It never says more than was verified.

use super::findings::Broken;
use super::gather::Gathered;
use super::view::{About, Assurance, Check, Standing, Verdict};
use crate::moment::Moment;
use crate::report::{clock_time, spell};

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
    let insecure = !known.gathered.insecure.is_empty();
    let checks = known.assurance.checks.iter().map(|check| check.standing);
    let worst = checks.max().unwrap_or(Standing::Unknown);
    let over = known.gathered.state.ended || known.assurance.planless;
    let unless = |good: bool, otherwise| if good { Standing::Holds } else { otherwise };
    let standing = worst
        .max(continuous)
        .max(unless(over, Standing::Unknown))
        .max(unless(!known.assurance.cut && !insecure, Standing::Fails));
    Verdict {
        standing,
        sentence: known.sentence(continuous),
        reasons: known.reasons(),
        continuous,
    }
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
            self.insecure(),
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

    fn insecure(&self) -> String {
        match &self.gathered.insecure[..] {
            [] => "no insecure time".to_owned(),
            [(from, until, _), rest @ ..] => {
                let until = until.map_or_else(|| "the end".to_owned(), |at: Moment| clock_time(at, true));
                let more = if rest.is_empty() { "" } else { ", and again" };
                format!("WITHOUT DNSSEC from {} to {until}{more}", clock_time(*from, true))
            }
        }
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
