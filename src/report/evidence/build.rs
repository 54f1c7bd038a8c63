//! From what a journal comes to, and what is known of its bundle, to the report.

use super::controls::controls;
use super::findings::{Broken, broken, findings};
use super::gather::Gathered;
use super::keys::{approvals, inventory};
use super::limits::limits;
use super::picture::picture;
use super::steps::{steps, waits};
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
use crate::workflow::{Plan, PlannedInsecure, Traced, options, timeline};

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
    // What stands before the plan's entry belongs to an earlier plan.
    let since = gathered.plans.last().map_or(0, |(told, _)| told.entry);
    let planned = plan.as_ref().map(|plan| {
        let steps = steps(plan, since, gathered);
        let waits = waits(plan, since, gathered);
        let picture = picture(plan, gathered, &judged.traced, &sources, &steps, &waits);
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
        chain: chain(gathered, since),
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
fn chain(gathered: &Gathered, since: u64) -> Vec<ChainAt> {
    let mut out: Vec<ChainAt> = Vec::new();
    if let Some((told, graph)) = &gathered.opening {
        out.push(ChainAt {
            title: "before anything was changed".to_owned(),
            at: told.at,
            entry: told.entry,
            graph: graph.clone(),
        });
    }
    let own = gathered.proven.iter().filter(|(told, _)| told.entry > since);
    for (told, (proven, graph)) in own {
        match out.last_mut() {
            Some(last) if last.graph == *graph => {
                if last.title.starts_with("after ") {
                    last.title.push_str(&format!(", {}", proven.step));
                }
            }
            _ => out.push(ChainAt {
                title: format!("after {}", proven.step),
                at: proven.as_of,
                entry: told.entry,
                graph: graph.clone(),
            }),
        }
    }
    out
}

fn left_out(gathered: &Gathered) -> Vec<String> {
    let mut out = Vec::new();
    let earlier = gathered.plans.len().saturating_sub(1);
    if earlier > 0 {
        out.push(format!(
            "{earlier} earlier plans: their steps and waits are in the journal, and what was seen while they were under way is in the picture and the tables"
        ));
    }
    out
}
