//! The picture over time, as data: lanes, bars, marks.

use super::gather::{Gathered, Ref};
use super::versions::{Lanes, Sources, versions};
use super::view::{Mark, MarkKind, Picture, Service, Standing, StepRow, WaitRow};
use crate::evidence::Place;
use crate::moment::Moment;
use crate::workflow::{Decision, Plan, Traced};

/// So many stretches in which nobody looked are drawn.
const MOST_BLANKS: usize = 20;

pub(super) fn picture(
    plan: &Plan,
    gathered: &Gathered,
    traced: &Traced,
    sources: &Sources<'_>,
    steps: &[&StepRow],
    waits: &[&WaitRow],
) -> Picture {
    let Some((from, until)) = gathered.observed else {
        return Picture::default();
    };
    let (from, until) = (from.floor_seconds(), until.ceil_seconds());
    let lanes = Lanes::of(plan);
    let rows = versions(plan, traced, &lanes, sources);
    Picture {
        from: rows.iter().map(|row| row.from).min().unwrap_or(from).min(from),
        until,
        service: service(plan, gathered, &lanes, (from, until)),
        versions: rows,
        marks: marks(gathered, steps, waits, until),
        lanes: lanes.lanes,
    }
}

fn service(plan: &Plan, gathered: &Gathered, lanes: &Lanes, (from, until): (i64, i64)) -> Vec<Service> {
    let mut out = Vec::new();
    for signer in &plan.signers {
        let own = |place: &Place| matches!(place, Place::Provider(name) if *name == signer.name);
        let watched: Vec<_> = gathered
            .coverage
            .watched()
            .into_iter()
            .filter(|one| own(&one.place))
            .collect();
        let Some(lane) = lanes.answer(&signer.name).filter(|_| !watched.is_empty()) else {
            continue;
        };
        let stretch = |standing, words, from, until| Service {
            lane: Some(lane),
            standing,
            words,
            from,
            until,
        };
        let words = format!("{} addresses asked", watched.len());
        out.push(stretch(Standing::Holds, words, from, until));
        for one in watched {
            for outage in &one.outages {
                out.push(stretch(
                    Standing::Fails,
                    format!("{} ({}): {}", one.server, one.address, outage.why),
                    outage.from.floor_seconds(),
                    outage.until.map_or(until, Moment::ceil_seconds),
                ));
            }
        }
    }
    out.extend(unseen(plan, gathered, lanes, until));
    out.extend(blanks(&gathered.pauses));
    out
}

/// Time in which no address of a place answered: what it served then is not known.
fn unseen(plan: &Plan, gathered: &Gathered, lanes: &Lanes, end: i64) -> Vec<Service> {
    let places = std::iter::once(Place::Parent).chain(
        plan.signers
            .iter()
            .map(|signer| Place::Provider(signer.name.clone())),
    );
    let mut out = Vec::new();
    for place in places {
        let watched = gathered
            .coverage
            .watched()
            .into_iter()
            .filter(|one| one.place == place);
        let silent = watched.map(|one| {
            let spans = one.outages.iter().map(|outage| {
                let until = outage.until.map_or(end, Moment::ceil_seconds);
                (outage.from.floor_seconds(), until)
            });
            spans.collect::<Vec<_>>()
        });
        let at = match &place {
            Place::Provider(name) => Some(name.as_str()),
            _ => None,
        };
        for (from, until) in silent.reduce(|a, b| both(&a, &b)).unwrap_or_default() {
            out.extend(lanes.served_by(at).map(|lane| Service {
                lane: Some(lane),
                standing: Standing::Unknown,
                words: "no address answered: not observed".to_owned(),
                from,
                until,
            }));
        }
    }
    out
}

/// The time that lies in a span of each of two lists.
fn both(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    a.iter()
        .flat_map(|(from, until)| b.iter().map(move |(f, u)| (*from.max(f), *until.min(u))))
        .filter(|(from, until)| from < until)
        .collect()
}

/// Pauses between sweeps that are far longer than nearly all of them.
fn blanks(pauses: &[(Moment, Moment)]) -> Vec<Service> {
    let length = |pause: &(Moment, Moment)| pause.1.since(pause.0).as_secs();
    let mut lengths: Vec<u64> = pauses.iter().map(length).collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() * 95 / 100).copied().unwrap_or(0);
    let mut long: Vec<&(Moment, Moment)> = pauses
        .iter()
        .filter(|pause| length(pause) > 2 * usual.max(1))
        .collect();
    long.sort_by_key(|pause| std::cmp::Reverse(length(pause)));
    long.into_iter()
        .take(MOST_BLANKS)
        .map(|(from, until)| Service {
            lane: None,
            standing: Standing::Unknown,
            words: "nobody looked".to_owned(),
            from: from.floor_seconds(),
            until: until.ceil_seconds(),
        })
        .collect()
}

fn marks(gathered: &Gathered, steps: &[&StepRow], waits: &[&WaitRow], end: i64) -> Vec<Mark> {
    let mut out = Vec::new();
    let moment = |kind, label: String, words: String, at: i64, entry| Mark {
        kind,
        label,
        reason: String::new(),
        words,
        from: at,
        until: at,
        entry,
    };
    out.extend(proven_steps(gathered, steps));
    for wait in waits {
        let shown = |at: Moment| gathered.shown(&wait.last, at);
        let from = gathered.shown(&wait.first, wait.first.at).floor_seconds();
        let until = wait
            .taken
            .or(wait.dropped)
            .map(|at| shown(at).ceil_seconds())
            .or(wait.opens)
            .unwrap_or(end);
        out.push(Mark {
            kind: MarkKind::Gate,
            label: wait.number.to_string(),
            reason: reason(wait),
            words: format!("step {} waits: {}", wait.step, wait.why),
            from,
            until: until.clamp(from, end.max(from)),
            entry: wait.first.entry,
        });
    }
    for (told, approval) in &gathered.approvals {
        let words = format!("{} approved by {}", approval.what, approval.by);
        let at = gathered.shown(told, told.at).floor_seconds();
        out.push(moment(MarkKind::Approval, "ok".to_owned(), words, at, told.entry));
    }
    out.extend(faults(gathered, end));
    out.sort_by_key(|mark| (mark.kind, mark.from, mark.until));
    out
}

/// What a gate waits for last, in a few words.
fn reason(wait: &WaitRow) -> String {
    let last = wait.sums.iter().max_by_key(|sum| sum.leaves);
    last.map_or_else(|| wait.why.clone(), |sum| format!("{} in caches", sum.version))
}

/// Steps that the same sweep showed to be done are one mark.
fn proven_steps(gathered: &Gathered, steps: &[&StepRow]) -> Vec<Mark> {
    let mut done: Vec<(i64, u64, &StepRow)> = steps
        .iter()
        .copied()
        .filter_map(|step| {
            let (at, entry) = step.proven?;
            let shown = gathered.shown(&Ref { entry, at }, at);
            Some((shown.floor_seconds(), entry, step))
        })
        .collect();
    // Of one moment they stay in the order of their plans.
    done.sort_by_key(|(at, _, _)| *at);
    let mut out: Vec<Mark> = Vec::new();
    for together in done.chunk_by(|a, b| a.0 == b.0 && a.2.number + 1 == b.2.number) {
        let (Some((at, entry, first)), Some((_, _, last))) = (together.first(), together.last()) else {
            continue;
        };
        let words: Vec<String> = together
            .iter()
            .map(|(_, _, step)| format!("step {} seen to be done: {}", step.step, step.title))
            .collect();
        out.push(Mark {
            kind: MarkKind::Step,
            label: match together.len() {
                1 => first.number.to_string(),
                _ => format!("{}–{}", first.number, last.number),
            },
            reason: String::new(),
            words: words.join("; "),
            from: *at,
            until: *at,
            entry: *entry,
        });
    }
    out
}

fn faults(gathered: &Gathered, end: i64) -> Vec<Mark> {
    let mut out = Vec::new();
    let mut add = |label: &str, words: String, from: i64, until: i64, entry| {
        out.push(Mark {
            kind: MarkKind::Fault,
            label: label.to_owned(),
            reason: String::new(),
            words,
            from,
            until: until.max(from),
            entry,
        });
    };
    for (at, (told, failing)) in gathered.failing.iter().enumerate() {
        if failing.mixtures.is_empty() {
            continue;
        }
        let until = gathered
            .failing
            .get(at + 1)
            .map_or(end, |(next, _)| gathered.shown(next, next.at).ceil_seconds());
        add(
            "mix",
            failing.to_string(),
            told.at.floor_seconds(),
            until,
            told.entry,
        );
    }
    for (told, changed) in &gathered.changed {
        let at = gathered.shown(told, told.at).floor_seconds();
        add("keys", changed.to_string(), at, at, told.entry);
    }
    for (told, jump) in &gathered.clocks {
        let at = gathered.shown(told, told.at).floor_seconds();
        add("clock", jump.to_string(), at, at, told.entry);
    }
    for (told, decision) in &gathered.decisions {
        if let Decision::Halt { what, .. } = decision {
            let at = gathered.shown(told, told.at).floor_seconds();
            add("halt", what.clone(), at, at, told.entry);
        }
    }
    out
}
