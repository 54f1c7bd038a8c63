//! From what a journal comes to, and what is known of its bundle, to the report.

use super::chain::ChainGraph;
use super::controls::controls;
use super::findings::{Broken, broken, findings};
use super::gather::{Gathered, Told};
use super::keys::{approvals, inventory};
use super::limits::limits;
use super::picture::picture;
use super::steps::{MOST_EARLIER, Span, earlier, steps, waits};
use super::verdict::{Known, verdict};
use super::versions::Sources;
use super::view::{
    Assurance, ChainAt, Custody, EvidenceReport, Figures, InsecureRow, Picture, PlannedRow, REPORT_FORMAT,
    StepRow, WaitRow,
};
use crate::audit::standing;
use crate::continuity::check;
use crate::evidence::Place;
use crate::moment::Moment;
use crate::workflow::{Plan, PlannedInsecure, Proven, Traced, options, timeline};

/// What the checker says of everything that was seen.
#[derive(Default)]
struct Judged {
    traced: Traced,
    broken: Vec<Broken>,
    continuous: Option<bool>,
    not_checked: Vec<String>,
    unjudged: Option<String>,
}

/// What follows from the plan.
#[derive(Default)]
struct Planned {
    steps: Vec<StepRow>,
    waits: Vec<WaitRow>,
    picture: Picture,
}

/// The report of what was gathered. `assurance` says how far the bundle itself was verified.
pub fn evidence_report(gathered: &Gathered, assurance: Assurance) -> EvidenceReport {
    let steps_of = gathered.state.plan_in_force();
    // Without a plan, whoever was looked at is judged as one group.
    let plan = steps_of.clone().or_else(|| standing(&gathered.state));
    let sources = Sources::of_ledger(gathered);
    let judged = plan
        .as_ref()
        .map_or_else(unjudged, |plan| judge(plan, gathered, &sources));
    let earlier = earlier(gathered);
    let planned = plan.as_ref().map(|plan| {
        let span = Span::last(gathered);
        let steps = steps(plan, span, gathered);
        let waits = waits(plan, span, gathered);
        let all_steps = earlier.iter().flat_map(|one| &one.steps).chain(&steps);
        let all_waits = earlier.iter().flat_map(|one| &one.waits).chain(&waits);
        let (all_steps, all_waits): (Vec<_>, Vec<_>) = (all_steps.collect(), all_waits.collect());
        let picture = picture(plan, gathered, &judged.traced, &sources, &all_steps, &all_waits);
        Planned {
            steps,
            waits,
            picture,
        }
    });
    let planned = planned.unwrap_or_default();
    let figures = figures(gathered, &planned.picture);
    let proven = planned.steps.iter().filter(|step| step.proven.is_some()).count();
    let verdict = verdict(&Known {
        gathered,
        assurance: &assurance,
        broken: &judged.broken,
        continuous: judged.continuous,
        steps: (proven, planned.steps.len()),
        unjudged: judged.unjudged.clone(),
    });
    let (keys, ds) = inventory(gathered);
    let servers = gathered.state.servers.as_ref();
    EvidenceReport {
        format: REPORT_FORMAT,
        zone: zone(plan.as_ref(), gathered),
        parent: servers.map(|servers| servers.topology.parent.to_string()),
        purpose: steps_of.as_ref().map(|plan| plan.purpose.to_string()),
        plan: gathered.state.plan_hash.clone(),
        verdict,
        observed: gathered.observed,
        custody: custody(gathered),
        insecure: gathered
            .insecure
            .iter()
            .map(|absence| InsecureRow {
                from: absence.from,
                until: absence.until,
                entry: absence.entry,
                planned: gathered.planned(absence).map(planned_row),
            })
            .collect(),
        chain: chain(gathered),
        findings: findings(gathered, &judged.broken, &assurance),
        keys,
        ds,
        approvals: approvals(gathered),
        servers: gathered.coverage.watched().into_iter().cloned().collect(),
        limits: limits(plan.as_ref(), gathered, &assurance, &figures, &judged.not_checked),
        not_checked: judged.not_checked,
        controls: controls(),
        left_out: left_out(gathered),
        picture: planned.picture,
        steps: planned.steps,
        waits: planned.waits,
        earlier,
        figures,
        assurance,
    }
}

fn planned_row(planned: &PlannedInsecure) -> PlannedRow {
    PlannedRow {
        plan: planned.plan.clone(),
        step: planned.step.to_string(),
        by: planned.approval.by.clone(),
        at: planned.approved,
        note: planned.approval.note.clone(),
    }
}

fn unjudged() -> Judged {
    Judged {
        unjudged: Some("no server was ever looked for, so there is nothing to judge".to_owned()),
        ..Judged::default()
    }
}

fn judge(plan: &Plan, gathered: &Gathered, sources: &Sources<'_>) -> Judged {
    let traced = timeline(plan, &gathered.state.ledger, &gathered.state.pool);
    if let Err(error) = traced.timeline.validate() {
        return Judged {
            unjudged: Some(format!("the checker refuses the timeline: {error}")),
            traced,
            ..Judged::default()
        };
    }
    let report = check(&traced.timeline, &options(plan));
    let mut not_checked = report.not_checked.clone();
    if !plan.assumed.is_empty() {
        not_checked.push("what was served before the first look".to_owned());
    }
    Judged {
        broken: broken(&report.conflicts, &traced, sources),
        continuous: Some(report.continuous),
        not_checked,
        unjudged: None,
        traced,
    }
}

fn zone(plan: Option<&Plan>, gathered: &Gathered) -> String {
    let planned = plan.map(|plan| plan.zone.to_string());
    let seen = gathered.state.servers.as_ref();
    planned
        .or_else(|| seen.map(|servers| servers.topology.zone.to_string()))
        .unwrap_or_else(|| "(no zone is named)".to_owned())
}

fn custody(gathered: &Gathered) -> Custody {
    let mut custody = Custody {
        starts: gathered.begins.len(),
        ..Custody::default()
    };
    let note = |list: &mut Vec<String>, word: &str| {
        if !word.is_empty() && !list.iter().any(|held| held == word) {
            list.push(word.to_owned());
        }
    };
    for (_, begin) in &gathered.begins {
        note(&mut custody.programs, &begin.program);
        note(&mut custody.vantages, &begin.vantage);
        note(&mut custody.operators, &begin.by);
    }
    for (_, approval) in &gathered.approvals {
        note(&mut custody.persons, &approval.by);
    }
    custody
}

fn figures(gathered: &Gathered, picture: &Picture) -> Figures {
    let longest = gathered.coverage.longest();
    Figures {
        entries: gathered.entries,
        sweeps: gathered.sweeps,
        questions: gathered.coverage.questions,
        answers: gathered.coverage.answers,
        addresses: gathered.coverage.watched().len(),
        versions: picture.versions.len(),
        longest_unobserved: longest.map(|(_, stretch)| stretch.seconds()),
        longest_where: longest.map(|(watched, stretch)| {
            let whose = match &watched.place {
                Place::Parent => "the parent".to_owned(),
                Place::Provider(name) => format!("provider {name}"),
                Place::Ancestor(zone) => zone.to_string(),
            };
            let from = Moment::from_seconds(stretch.from.floor_seconds());
            format!("{} of {whose}, from {from}", watched.server)
        }),
        shortest_ttl: shortest_ttl(gathered),
    }
}

fn shortest_ttl(gathered: &Gathered) -> Option<u32> {
    let runs = gathered
        .state
        .ledger
        .streams()
        .flat_map(|(_, stream)| &stream.runs);
    runs.flat_map(|run| run.facts.iter())
        .map(|served| served.ttl)
        .min()
}

/// The chain at first, and after each step at which it was seen to be another; steps without a change are named with it.
fn chain(gathered: &Gathered) -> Vec<ChainAt> {
    let mut out: Vec<ChainAt> = Vec::new();
    if let Some((told, graph)) = &gathered.opening {
        out.push(ChainAt {
            title: "before anything was changed".to_owned(),
            at: told.at,
            entry: told.entry,
            graph: graph.clone(),
        });
    }
    for together in gathered.proven.chunk_by(|(_, (_, a)), (_, (_, b))| a == b) {
        let Some((told, (proven, graph))) = together.first() else {
            continue;
        };
        if out.last().is_none_or(|last| last.graph != *graph) {
            out.push(ChainAt {
                title: after(together, gathered),
                at: proven.as_of,
                entry: told.entry,
                graph: graph.clone(),
            });
        }
    }
    out
}

/// After which steps; of which plan, where there is more than one: steps of two plans may have one name.
fn after(proven: &[Told<(Proven, ChainGraph)>], gathered: &Gathered) -> String {
    let plan = |entry: u64| {
        let adopted = gathered.plans.iter().map(|(told, _)| told.entry);
        adopted.rev().find(|adopted| *adopted < entry)
    };
    let of_one = proven.chunk_by(|(a, _), (b, _)| plan(a.entry) == plan(b.entry));
    let named: Vec<String> = of_one
        .map(|together| {
            let steps: Vec<String> = together
                .iter()
                .map(|(_, (proven, _))| proven.step.to_string())
                .collect();
            let own = together.first().and_then(|(told, _)| plan(told.entry));
            match own.filter(|_| gathered.plans.len() > 1) {
                Some(entry) => format!("{} of the plan in entry {entry}", steps.join(", ")),
                None => steps.join(", "),
            }
        })
        .collect();
    format!("after {}", named.join(", "))
}

fn left_out(gathered: &Gathered) -> Vec<String> {
    let earlier = gathered.plans.len().saturating_sub(1 + MOST_EARLIER);
    let text = format!(
        "{earlier} more plans, the first ones: their steps and waits are in the journal, and what was seen while they were in force is in the picture and the tables"
    );
    (earlier > 0).then_some(text).into_iter().collect()
}
