//! Where no waiting helps: whatever is made next breaks something for as long as the zone is served as it is.

use std::time::Duration;

use super::decide::View;
use super::decision::Decision;
use super::outlook::Outlook;
use super::plan::Step;
use super::state::Progress;
use crate::moment::Moment;

/// A server that relapses, or an operator who is in the middle of something, may mend it within a day.
const LONG: Duration = Duration::from_secs(86_400);

impl Decision {
    /// Since when no waiting helps, once this is decided at `at`, if it was so since `before`. To look or to compare in between
    /// changes nothing, nor does the halt.
    pub(super) fn dead_end(&self, before: Option<Moment>, at: Moment) -> Option<Moment> {
        match self {
            Decision::Wait { .. } if never(self).is_some() => before.or(Some(at)),
            Decision::Look { .. } | Decision::Compare { .. } | Decision::Halt { .. } => before,
            _ => None,
        }
    }
}

impl View<'_> {
    /// A halt, if every step that could follow has a gate that never opens, and has had for [`LONG`] or for as long as the plan is
    /// patient. While a server is unheard, or one step waits for a moment, an answer or a person, things may still change by
    /// themselves.
    pub(super) fn dead_end(&self, ready: &[(usize, Decision)]) -> Option<Decision> {
        let closed: Vec<String> = ready.iter().map(|(_, one)| never(one)).collect::<Option<_>>()?;
        let patience = LONG.max(Duration::from_secs(self.plan.rules.patience.into()));
        let since = self.state.dead_end?;
        if closed.is_empty() || self.sweep.started < since + patience {
            return None;
        }
        let Outlook { safe, by } = self.outlook();
        let mut choices = vec![
            format!(
                "something was changed that this plan does not know of, or is broken: see at which server, and by which \
                 record, with unbroken check {}; mend that there, then run again: the next sweep sees it, and the gate is \
                 asked anew",
                self.plan.zone
            ),
            "if it was meant so, make another plan from what is served now, with a --state folder of its own"
                .to_owned(),
        ];
        choices.extend(
            self.latest()
                .map(|step| format!("or go back from step {}: {}", step.id, step.undo)),
        );
        Some(Decision::Halt {
            what: format!("no waiting helps since {since}: {}", closed.join("; ")),
            safe,
            by,
            choices,
        })
    }

    /// The step that was proven last.
    fn latest(&self) -> Option<&Step> {
        let proven = |step: &&Step| match self.state.progress(&step.id) {
            Progress::Proven(at) => Some(*at),
            _ => None,
        };
        let steps = self.plan.steps.iter().filter(|step| proven(step).is_some());
        steps.max_by_key(proven)
    }
}

fn never(decision: &Decision) -> Option<String> {
    match decision {
        Decision::Wait {
            step,
            gate: Some(gate),
            ..
        } => gate.never.as_ref().map(|why| format!("step {step}: {why}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::Anchors;
    use crate::workflow::{Event, Jump, State};

    /// A clock that jumps a day ahead has not waited a day.
    #[test]
    fn it_moves_with_the_clock() {
        let at = Moment::from_seconds;
        let mut state = State::new(Anchors::iana_root());
        state.dead_end = Some(at(1_000));
        let jump = Jump {
            from: at(2_000),
            to: at(88_400),
        };
        state.apply(at(88_400), &Event::Clock(jump), &|_| None);
        assert_eq!(state.dead_end, Some(at(87_400)));
    }
}
