//! What a former attempt at a step means now: wait, look, try again, ask a person, or give up.

use std::time::Duration;

use super::decide::{View, wait};
use super::decision::Decision;
use super::outlook::Outlook;
use super::plan::{Intent, Purpose, Step};
use super::state::{Said, Try};
use super::target::{Target, target};
use crate::dns::Record;
use crate::ports::FailureClass;

/// How often a step is tried before a person has to look.
const TRIES: u32 = 8;

impl View<'_> {
    /// What a former attempt at this step means now; none: try (again).
    pub(super) fn after_try(&self, step: &Step, last: &Try, wanted: &Target) -> Option<Decision> {
        let patience = self.patience(last.tries);
        // Only a sweep that began after the attempt can tell what came of it.
        if self.sweep.started < last.at {
            return Some(Decision::Look {
                why: format!("step {} was tried; now see what came of it", step.id),
            });
        }
        let rested = self.sweep.started >= last.at + patience;
        let again = (last.at + patience).ceil_seconds();
        let unsupported = matches!(last.said, Some(Said::Failed(FailureClass::Unsupported, _)));
        if (rested || unsupported)
            && let Some(asked) = self.own_cds(step, last)
        {
            return Some(asked);
        }
        match &last.said {
            // More is wanted now than the person was told, as when a provider took another key into use.
            Some(Said::Manual(_)) if !self.was_told(wanted, last) => None,
            Some(Said::Manual(instructions)) => Some(Decision::Person {
                what: step.id.0.clone(),
                text: instructions.join("\n"),
                approve: false,
            }),
            _ if last.tries >= TRIES => Some(self.given_up(step, last)),
            Some(Said::Failed(class @ (FailureClass::Auth | FailureClass::Unsupported), said)) => {
                Some(self.refused(step, *class, said))
            }
            Some(Said::Failed(_, said)) if !rested => {
                Some(wait(step, Some(again), format!("tried, and {said}")))
            }
            None if !rested => {
                let why = "tried, and nobody knows what came of it; not seen at every server";
                Some(wait(step, Some(again), why.to_owned()))
            }
            _ if !rested => Some(wait(
                step,
                Some(again),
                "done, as the other side says; not yet seen at every server".to_owned(),
            )),
            _ => None,
        }
    }

    /// Whether all that is missing was in the changes of a former attempt.
    fn was_told(&self, wanted: &Target, last: &Try) -> bool {
        let within = |some: &[Record], all: &[Record]| {
            some.iter()
                .all(|record| all.iter().any(|told| told.rdata == record.rdata))
        };
        wanted.changes(&self.plan.zone, self.now).iter().all(|change| {
            last.changes.iter().any(|told| {
                told.rtype == change.rtype
                    && within(&change.add, &told.add)
                    && within(&change.remove, &told.remove)
            })
        })
    }

    /// Twice as long after each try: what is only slow to show (a registry that publishes once an hour) is no failure.
    fn patience(&self, tries: u32) -> Duration {
        let longer = 1u64 << tries.saturating_sub(1).min(TRIES);
        Duration::from_secs(u64::from(self.plan.rules.patience).saturating_mul(longer))
    }

    fn given_up(&self, step: &Step, last: &Try) -> Decision {
        let said = match &last.said {
            Some(Said::Failed(_, said)) => said.clone(),
            Some(_) => "the other side says yes every time, and no server shows it".to_owned(),
            None => "nobody knows what came of the last attempt".to_owned(),
        };
        let Outlook { safe, by } = self.outlook();
        Decision::Halt {
            what: format!("step {} was tried {} times: {said}", step.id, last.tries),
            safe,
            by,
            choices: vec![
                format!(
                    "find out at {} why it does not take effect, mend it, and run again: the step is repeated safely",
                    self.whose(step)
                ),
                self.do_it_by_hand(step),
                format!("or go back from here: {}", step.undo),
            ],
        }
    }

    /// The other side will not do it as things are: credentials, or it cannot do it at all.
    fn refused(&self, step: &Step, class: FailureClass, said: &str) -> Decision {
        let Outlook { safe, by } = self.outlook();
        let mend = match class {
            FailureClass::Auth => format!(
                "the credentials for {} are refused: mend them where the settings say that they are read from",
                self.whose(step)
            ),
            _ => format!(
                "let {} take such changes; or set it to `driver = \"manual\"` in the settings, and a person makes them",
                self.whose(step)
            ),
        };
        Decision::Halt {
            what: format!("step {} cannot be done: {said}", step.id),
            safe: format!("nothing of this step is known to have been changed, and {safe}"),
            by,
            choices: [
                format!("{mend}. Then run again: the step is repeated safely"),
                self.do_it_by_hand(step),
            ]
            .into_iter()
            .chain(self.other_way(step))
            .collect(),
        }
    }

    /// What is left where a provider takes no foreign keys.
    fn other_way(&self, step: &Step) -> Option<String> {
        match (&step.intent, &self.plan.purpose) {
            (Intent::ShareKeys { .. }, Purpose::Migrate { from, to }) if self.plan.before.len() == 1 => {
                Some(format!(
                    "or give this plan up, take out what it placed, and leave the multi-signer way, with an insecure time in \
                     between: unbroken fallback --from {from} --to {to} --zone {}, with a --state folder of its own",
                    self.plan.zone
                ))
            }
            _ => None,
        }
    }

    fn whose(&self, step: &Step) -> String {
        step.intent
            .place()
            .map_or_else(|| "the registrar or registry".to_owned(), str::to_owned)
    }

    fn do_it_by_hand(&self, step: &Step) -> String {
        let what = match target(self.plan, &step.intent, self.now) {
            Ok(wanted) => self.by_hand(&wanted),
            Err(missing) => format!("(not yet: {missing})"),
        };
        format!(
            "or do it by hand ({}), then run again: the next sweep sees it and the plan goes on {what}",
            step.intent.title()
        )
    }
}
