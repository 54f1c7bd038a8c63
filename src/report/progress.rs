//! A run as it goes, a line for each thing that happens.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::plan::change_lines;
use super::span::{clock_time, spell};
use crate::dnssec::Status;
use crate::moment::Moment;
use crate::ports::Applied;
use crate::workflow::{
    Alarm, By, Compared, Copied, Decision, Event, Intent, Phase, ServerVerdict, State, assess,
    fresh_verdicts, insecure_now, own_cds_waiver,
};

/// One line for people and one document for programs, of the same thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// What kind: `step`, `said`, `done`, `wait`, `person`, `halt`, `keys`, `chain`, `zone`, `clock`, `stamp`, `ntp`, `failing`,
    /// `expect`, `alarm`, `over`, `pause`, `end`.
    pub event: &'static str,
    /// In words.
    pub text: String,
    /// The details.
    pub detail: Value,
}

/// Turns what a run records into lines, and leaves out what was said before.
#[derive(Debug, Default)]
pub struct Progress {
    chain: String,
    copies: String,
    waiting: Option<Decision>,
}

impl Progress {
    /// The lines for an entry that was appended.
    pub fn recorded(&mut self, at: Moment, event: &Event, state: &State) -> Vec<Line> {
        let line = |event, text: String, detail| {
            vec![Line {
                at,
                event,
                text,
                detail,
            }]
        };
        match event {
            Event::Servers(servers) => {
                let count: usize = servers
                    .providers
                    .values()
                    .flatten()
                    .map(|server| server.addresses.len())
                    .sum();
                let text = format!(
                    "{} under {}: {} addresses of the parent, {count} of the providers",
                    servers.topology.zone,
                    servers.topology.parent,
                    servers
                        .topology
                        .parent_servers
                        .iter()
                        .map(|server| server.addresses.len())
                        .sum::<usize>(),
                );
                line("zone", text, Value::Null)
            }
            Event::Plan(plan) => {
                let text = format!(
                    "{} in {} steps, plan {}",
                    plan.purpose,
                    plan.steps.len(),
                    short(&plan.hash())
                );
                line("zone", text, json!({ "plan": plan.hash() }))
            }
            Event::Keys(keys) => {
                let tags: Vec<String> = keys.keys.iter().map(|key| key.key().tag().to_string()).collect();
                let text = format!(
                    "{} of {} authentic: {}",
                    tags.join(", "),
                    keys.provider,
                    keys.channel
                );
                line("keys", text, json!(keys))
            }
            Event::Intent(intended) => {
                let title = state
                    .plan
                    .as_ref()
                    .and_then(|plan| plan.step(&intended.step).map(|step| step.intent.title()))
                    .unwrap_or_default();
                let mut lines = line(
                    "step",
                    format!("{}: {title}", intended.step),
                    json!({ "step": intended.step }),
                );
                for change in intended.changes.iter().flat_map(change_lines) {
                    lines.push(Line {
                        at,
                        event: "step",
                        text: format!("  {change}"),
                        detail: Value::Null,
                    });
                }
                lines
            }
            Event::Outcome(done) => done
                .results
                .iter()
                .map(|result| {
                    let text = match result {
                        Ok(Applied::Accepted { said }) => format!("accepted: {said}"),
                        Ok(Applied::Manual { instructions }) => format!("for a person:\n{instructions}"),
                        Err(error) => format!("failed: {error}"),
                    };
                    Line {
                        at,
                        event: "said",
                        text: format!("  {text}"),
                        detail: json!({ "step": done.step }),
                    }
                })
                .collect(),
            Event::Proven(proven) => {
                self.waiting = None;
                let step = state.plan.as_ref().and_then(|plan| plan.step(&proven.step));
                let what = match step.map(|step| &step.intent) {
                    Some(Intent::Soak { .. }) => "over, without a fault".to_owned(),
                    Some(Intent::Retire { provider }) => {
                        format!("no cache needs {provider} any more; it may be switched off")
                    }
                    Some(Intent::WithdrawCds { at }) if state.approvals.contains_key(&own_cds_waiver(at)) => {
                        "left to a person's word".to_owned()
                    }
                    _ => "seen at every server".to_owned(),
                };
                line(
                    "done",
                    format!("{}: {what}", proven.step),
                    json!({ "step": proven.step }),
                )
            }
            Event::Contents(compared) => {
                let text = copies_text(compared);
                if text == self.copies {
                    return Vec::new();
                }
                self.copies.clone_from(&text);
                line("zone", text, json!(compared))
            }
            Event::Approval(approval) => line(
                "person",
                format!("{} approved by {} {}", approval.what, approval.by, approval.note),
                json!(approval),
            ),
            Event::Changed(changed) => line("keys", changed.to_string(), json!(changed)),
            Event::Clock(jump) => line("clock", jump.to_string(), json!(jump)),
            Event::Failing(failing) => line("failing", failing.to_string(), json!(failing)),
            Event::Accepted(baseline) => {
                let by = baseline.by.as_ref().map(|by| format!(" (accepted by {by})"));
                let text = format!(
                    "expected from here on: {}{}",
                    baseline.why,
                    by.unwrap_or_default()
                );
                line("expect", text, json!(baseline))
            }
            Event::Alarm(alarm) => alarm_line(at, alarm),
            Event::Note(note) => match note.get("watch-paused").and_then(Value::as_str) {
                Some(who) => line(
                    "pause",
                    format!("the watch rests while a plan is driven: {who}"),
                    note.clone(),
                ),
                None => beside(note).map_or_else(Vec::new, |(event, text)| line(event, text, note.clone())),
            },
            Event::End(ended) => {
                let planned = state.insecure.iter().any(|planned| planned.plan == ended.plan);
                let text = if ended.continuous && planned {
                    "every mixture of answers that a cache could hold validated, or was insecure as planned"
                        .to_owned()
                } else if ended.continuous {
                    "every mixture of answers that a cache could hold validated".to_owned()
                } else {
                    format!("NOT continuous: {}", ended.conflicts.join("; "))
                };
                line("end", text, json!(ended))
            }
            _ => Vec::new(),
        }
    }

    /// The lines for a decision: what is waited for, and the chain where it changed.
    pub fn decided(&mut self, at: Moment, decision: &Decision, state: &State) -> Vec<Line> {
        let mut lines: Vec<Line> = self.chain_line(at, state).into_iter().collect();
        if self.waiting.as_ref().is_some_and(|last| last.same_as(decision)) {
            return lines;
        }
        // A look or a comparison in between does not end a wait.
        if !matches!(decision, Decision::Look { .. } | Decision::Compare { .. }) {
            self.waiting = Some(decision.clone());
        }
        let event = match decision {
            Decision::Wait { .. } => "wait",
            Decision::Person { .. } => "person",
            Decision::Halt { .. } => "halt",
            _ => return lines,
        };
        lines.push(Line {
            at,
            event,
            text: decision_text(decision, at),
            detail: json!(decision),
        });
        lines
    }

    fn chain_line(&mut self, at: Moment, state: &State) -> Option<Line> {
        let verdicts = match &state.watch {
            Some(_) => fresh_verdicts(state),
            None => assess(state, at),
        };
        let mut text = chain_text(&verdicts);
        if let Some(planned) = insecure_now(state) {
            text.push_str(&format!(
                " (insecure as planned: step {}, approved by {})",
                planned.step, planned.approval.by
            ));
        }
        if text == self.chain || verdicts.is_empty() {
            return None;
        }
        self.chain.clone_from(&text);
        Some(Line {
            at,
            event: "chain",
            text,
            detail: json!(verdicts),
        })
    }
}

/// An alarm, with what to do about it where it begins.
fn alarm_line(at: Moment, alarm: &Alarm) -> Vec<Line> {
    let code = alarm.code;
    let (event, text) = match alarm.phase {
        Phase::Begin => (
            "alarm",
            format!("[{code}] {}\n  what to do: {}", alarm.text, code.remedy()),
        ),
        Phase::Over => (
            "over",
            format!("[{code}] over since the last look: {}", alarm.text),
        ),
    };
    let mut detail = json!(alarm);
    if let (Phase::Begin, Some(fields)) = (alarm.phase, detail.as_object_mut()) {
        fields.insert("remedy".to_owned(), json!(code.remedy()));
    }
    vec![Line {
        at,
        event,
        text,
        detail,
    }]
}

/// What a comparison of all copies came to, in words.
fn copies_text(compared: &Compared) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, copy) in &compared.copies {
        parts.push(match copy {
            Copied::Read { records, .. } => {
                format!("{name} holds {records} records besides what it makes itself")
            }
            Copied::Unread { .. } => format!("the contents at {name} cannot be read"),
        });
    }
    for pair in &compared.pairs {
        let both = format!("{} and {}", pair.left, pair.right);
        parts.push(match (pair.comparison.is_equal(), pair.comparison.ttls) {
            (true, 0) => format!("{both} are equal"),
            (true, ttls) => format!("{both} are equal but for {ttls} TTLs"),
            (false, _) => format!("{both} DIFFER: {}", pair.words()),
        });
    }
    parts.join("; ")
}

/// The verdicts by provider: `a: 2 of 2 secure; b: 1 of 2 secure, ns2.b. bogus (why)`.
pub fn chain_text(verdicts: &[ServerVerdict]) -> String {
    let mut by_provider: BTreeMap<&str, Vec<&ServerVerdict>> = BTreeMap::new();
    for verdict in verdicts {
        by_provider.entry(&verdict.provider).or_default().push(verdict);
    }
    let one = |(provider, verdicts): (&str, Vec<&ServerVerdict>)| {
        let delegated = verdicts.iter().any(|verdict| verdict.delegated);
        let secure = verdicts
            .iter()
            .filter(|verdict| verdict.status == Status::Secure)
            .count();
        let led = if delegated { "" } else { ", not delegated" };
        let text = format!("{provider}: {secure} of {} secure{led}", verdicts.len());
        if verdicts.iter().all(|verdict| verdict.status == Status::Insecure) {
            return format!("{provider}: insecure, the parent proves that there is no DS{led}");
        }
        match verdicts.iter().find(|verdict| verdict.status != Status::Secure) {
            None => text,
            // Before it joins and after it left, no DS names its keys: that is as it should be.
            Some(bad) if !delegated && bad.status == Status::Bogus => {
                format!("{provider}: not delegated, outside the chain")
            }
            Some(bad) => {
                let word = format!("{:?}", bad.status).to_lowercase();
                format!("{text} ({} {word}: {})", bad.server, bad.why)
            }
        }
    };
    by_provider.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A decision in words.
pub fn decision_text(decision: &Decision, now: Moment) -> String {
    match decision {
        Decision::Wait {
            step,
            until: Some(until),
            why,
            ..
        } => {
            let at = Moment::from_seconds(*until);
            format!(
                "{step}: until {} (in {}): {why}",
                clock_time(at, true),
                spell(at.since(now))
            )
        }
        Decision::Wait {
            step,
            until: None,
            why,
            ..
        } => format!("{step}: {why}"),
        Decision::Person {
            what,
            text,
            approve: true,
        } => {
            format!("{what} waits for a person: {text}\n  unbroken approve {what}")
        }
        Decision::Person {
            what,
            text,
            approve: false,
        } => format!("{what} waits for a person:\n{text}"),
        Decision::Halt {
            what,
            safe,
            by,
            choices,
        } => halt_text(what, safe, by, choices, now),
        Decision::Act { step, .. } => format!("{step}: may be taken now"),
        Decision::Look { why } => why.clone(),
        Decision::Authenticate { provider, keys } => {
            format!("keys of {provider} must be authenticated: {}", keys.join(", "))
        }
        Decision::Compare { providers, why } => {
            format!("the copies at {} are compared: {why}", providers.join(", "))
        }
        Decision::Proven { step } => format!("{step}: done"),
        Decision::Complete => "every step is done and seen".to_owned(),
    }
}

/// What happened, what is safe, until when, what to do: in that order, for somebody who was woken by it.
fn halt_text(what: &str, safe: &str, by: &By, choices: &[String], now: Moment) -> String {
    let mut out = what.to_owned();
    // Journals of older versions lack these.
    if !safe.is_empty() {
        out.push_str(&format!("\n  safe now:   {safe}"));
    }
    if !by.why.is_empty() {
        let when = match by.at.map(Moment::from_seconds) {
            Some(at) if at > now => format!("{} (in {}), ", clock_time(at, true), spell(at.since(now))),
            _ => String::new(),
        };
        out.push_str(&format!("\n  by when:    {when}{}", by.why));
    }
    out.push_str("\n  what to do:");
    for choice in choices {
        out.push_str(&format!("\n  - {choice}"));
    }
    out
}

impl Line {
    /// As a person reads it.
    pub fn show(&self, date: bool) -> String {
        format!("{}  {:<6} {}", clock_time(self.at, date), self.event, self.text)
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// What came of what goes on beside a run: time stamps and readings of NTP.
fn beside(note: &Value) -> Option<(&'static str, String)> {
    let text = |key: &str| note.get(key).and_then(Value::as_str);
    let said = text("said").unwrap_or("no reason is recorded");
    if let Some(seal) = text("stamp-failed") {
        return Some(("stamp", format!("no time stamp for {seal}: {said}")));
    }
    if let Some(server) = text("ntp-failed") {
        return Some(("ntp", format!("no time from {server}: {said}")));
    }
    let (server, offset) = (text("ntp")?, note.get("offset")?.as_i64()?);
    Some(("ntp", format!("{server} says that this clock is {}", off(offset))))
}

/// How far a clock is off, for people; `millis` is what has to be added to it.
pub fn off(millis: i64) -> String {
    match millis {
        0 => "right to the millisecond".to_owned(),
        behind if behind > 0 => format!("{behind} ms behind"),
        ahead => format!("{} ms ahead", ahead.unsigned_abs()),
    }
}
