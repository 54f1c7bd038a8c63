//! What was expected against what was seen. Each point can fail.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Serialize;

use super::expect::{Expected, Reaction};
use super::ground::Ground;
use super::seen::{Foretold, Seen};
use super::stage::End;
use crate::lab::{CrowdReport, Failure, Held, Policy, World};
use crate::runner::Ending;
use crate::workflow::Mixture;

/// One point of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What has to be.
    pub what: String,
    /// Whether it was.
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

/// All points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether every point holds.
    pub as_expected: bool,
    /// The points.
    pub checks: Vec<Check>,
}

pub(in crate::lab) fn judge(
    expected: &Expected,
    ground: &Ground,
    ends: &[End],
    crowd: &CrowdReport,
) -> Verdict {
    let mut checks = ground.with(|seen| {
        let mut checks = vec![Check {
            what: "the harm was done".to_owned(),
            holds: !seen.told.is_empty(),
            seen: format!("{} deeds", seen.told.len()),
        }];
        checks.extend(reaction(expected, seen, ends));
        checks.extend(expected.says.iter().map(|words| said(words, seen)));
        checks
    });
    checks.extend(crowd_checks(expected, ground, crowd));
    Verdict {
        as_expected: checks.iter().all(|check| check.holds),
        checks,
    }
}

fn reaction(expected: &Expected, seen: &Seen, ends: &[End]) -> Vec<Check> {
    let halted = ends
        .iter()
        .filter(|end| matches!(end, End::Ended(Ending::Halted(_))))
        .count();
    let failed = ends.iter().filter(|end| matches!(end, End::Failed)).count();
    let unasked = Check {
        what: "it goes on by itself: no halt, no stop".to_owned(),
        holds: halted == 0 && failed == 0,
        seen: format!("{halted} halts, {failed} stops {}", seen.halts.join("; ")),
    };
    let mut checks = vec![match expected.reaction {
        Reaction::Waits | Reaction::Replans | Reaction::Foretells => unasked,
        Reaction::Halts => Check {
            what: "it halts and says what is safe, until when, and what to do".to_owned(),
            holds: halted > 0 && failed == 0 && ends.iter().all(is_whole),
            seen: format!("{halted} halts, {failed} stops"),
        },
        Reaction::Refuses => Check {
            what: "the plan is refused".to_owned(),
            holds: matches!(ends, [End::Refused]) && !seen.refusals.is_empty(),
            seen: seen.refusals.join("; "),
        },
        Reaction::Stops => Check {
            what: "it stops, and says that it is safe to run again".to_owned(),
            holds: failed > 0 && halted == 0,
            seen: seen.errors.join("; "),
        },
    }];
    checks.push(match expected.reaction {
        Reaction::Refuses => Check {
            what: "nothing is changed".to_owned(),
            holds: seen.acts.is_empty(),
            seen: format!("{} changes", seen.acts.len()),
        },
        reaction => ended(reaction, ends),
    });
    if expected.reaction == Reaction::Waits {
        checks.push(Check {
            what: "it waits".to_owned(),
            holds: !seen.waits.is_empty(),
            seen: format!("{} waits", seen.waits.len()),
        });
    }
    if expected.reaction == Reaction::Replans {
        checks.push(Check {
            what: "it is recorded that a step is taken again or that keys changed".to_owned(),
            holds: !seen.replans.is_empty(),
            seen: seen.replans.join("; "),
        });
    }
    checks
}

/// A halt with all of its parts.
fn is_whole(end: &End) -> bool {
    match end {
        End::Ended(Ending::Halted(crate::workflow::Decision::Halt {
            what,
            safe,
            by,
            choices,
        })) => !what.is_empty() && !safe.is_empty() && !by.why.is_empty() && !choices.is_empty(),
        _ => true,
    }
}

fn ended(reaction: Reaction, ends: &[End]) -> Check {
    let foretells = reaction == Reaction::Foretells;
    let (holds, seen) = match ends.last() {
        Some(End::Ended(Ending::Complete(ended))) => (ended.continuous != foretells, {
            let word = if ended.continuous {
                "continuous"
            } else {
                "NOT continuous"
            };
            format!("complete, {word} {}", ended.conflicts.join("; "))
        }),
        other => (false, format!("{other:?}")),
    };
    let what = if foretells {
        "the move ends, and the verdict says that it was not continuous"
    } else {
        "the move ends, and every mixture that a cache could hold validated"
    };
    Check {
        what: what.to_owned(),
        holds,
        seen,
    }
}

fn said(words: &str, seen: &Seen) -> Check {
    let all = [
        &seen.waits,
        &seen.halts,
        &seen.refusals,
        &seen.errors,
        &seen.replans,
        &seen.notes,
    ];
    let found = all.into_iter().flatten().find(|said| said.contains(words));
    Check {
        what: format!("it says \"{words}\""),
        holds: found.is_some(),
        seen: found.cloned().unwrap_or_default(),
    }
}

fn crowd_checks(expected: &Expected, ground: &Ground, crowd: &CrowdReport) -> Vec<Check> {
    let count = format!(
        "{} questions, {} failed, {} unreachable, {} insecure",
        crowd.asked(),
        crowd.failed(),
        crowd.unreachable(),
        crowd.insecure()
    );
    let asked = Check {
        what: "the crowd asked".to_owned(),
        holds: crowd.validated() > 0,
        seen: count.clone(),
    };
    if expected.reaction != Reaction::Foretells {
        let well = Check {
            what: "no resolver failed".to_owned(),
            holds: crowd.failed() + crowd.unreachable() + crowd.insecure() == 0,
            seen: first_failures(crowd),
        };
        return vec![asked, well];
    }
    let foretold = ground.with(|seen| seen.foretold.clone());
    let strange: Vec<String> = crowd
        .resolvers
        .iter()
        .flat_map(|resolver| resolver.failures.iter().map(move |failure| (resolver, failure)))
        .filter(|(resolver, failure)| {
            let strict = Policy::all().iter().any(|p| p.name == resolver.name && p.strict);
            !foretold
                .iter()
                .any(|one| fits(&ground.world, one, failure, strict))
        })
        .map(|(resolver, failure)| format!("{}: {failure}", resolver.name))
        .collect();
    vec![
        asked,
        Check {
            what: "resolvers failed".to_owned(),
            holds: crowd.failed() > 0,
            seen: count,
        },
        Check {
            what: "the checker had named a mixture before the first resolver failed".to_owned(),
            holds: !foretold.is_empty(),
            seen: foretold
                .first()
                .map(|one| one.mixture.to_string())
                .unwrap_or_default(),
        },
        Check {
            what: "each failure is a mixture that the checker had named before: rule, class, pair and time"
                .to_owned(),
            holds: strange.is_empty(),
            seen: strange.into_iter().take(3).collect::<Vec<_>>().join("; "),
        },
    ]
}

fn first_failures(crowd: &CrowdReport) -> String {
    crowd
        .resolvers
        .iter()
        .flat_map(|resolver| {
            let failures = resolver.failures.iter().map(ToString::to_string);
            failures
                .chain(resolver.silences.iter().cloned())
                .map(|text| format!("{}: {text}", resolver.name))
        })
        .take(3)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Whether a failure is the mixture that was foretold: told before it, the same rule, a class that holds for the resolver,
/// the same pair, and within its time.
fn fits(world: &World, foretold: &Foretold, failure: &Failure, strict: bool) -> bool {
    let Mixture {
        rule,
        class,
        from,
        until,
        left,
        right,
        ..
    } = &foretold.mixture;
    let second = failure.at.floor_seconds();
    let in_time = foretold.at <= failure.at && *from <= second && until.is_none_or(|until| second <= until);
    let of_class = class
        .as_deref()
        .is_none_or(|class| class == if strict { "all-strict" } else { "all-lenient" });
    let (first, second) = match (&failure.ds, &failure.dnskey, &failure.data) {
        (Some(ds), Some(dnskey), None) if rule == "ds-dnskey" => (ds, dnskey),
        (_, Some(dnskey), Some(data)) if rule == "dnskey-data" => (dnskey, data),
        _ => return false,
    };
    let pair =
        fits_side(world, &left.at, &left.tags, first) && fits_side(world, &right.at, &right.tags, second);
    in_time && of_class && pair
}

/// The same provider, and the same keys by their tags.
fn fits_side(world: &World, at: &Option<String>, tags: &BTreeSet<u16>, held: &Held) -> bool {
    let place = at.as_ref().is_none_or(|name| {
        held.from
            .is_some_and(|from: SocketAddr| world.addresses(name).contains(&from))
    });
    place && tags_of(&held.what) == *tags
}

/// `DS shop.test. 4711/13/2`: the tags.
fn tags_of(what: &str) -> BTreeSet<u16> {
    what.split(' ')
        .filter_map(|word| word.split_once('/')?.0.parse().ok())
        .collect()
}
