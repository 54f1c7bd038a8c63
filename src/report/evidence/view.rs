//! What a report shows, as plain values: text, JSON and HTML are made of this and of nothing else.

use serde::Serialize;

use super::chain::ChainGraph;
use super::coverage::Watched;
use super::gather::{Ref, Source};
use crate::moment::Moment;

/// The version of the report's JSON.
pub const REPORT_FORMAT: u32 = 1;

/// How something stands. Unknown is never success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was checked and holds.
    Holds,
    /// It was not checked, or cannot be told.
    Unknown,
    /// It was checked and does not hold.
    Fails,
}

impl Standing {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Holds => "holds",
            Standing::Unknown => "not to be told",
            Standing::Fails => "does not hold",
        }
    }
}

/// What a check is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The evidence: if it fails, nothing that follows is proven.
    #[default]
    Evidence,
    /// The zone as it was served: if it fails, the evidence shows just that.
    Zone,
}

/// One thing that was checked on the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// About what.
    pub about: About,
    /// How it stands.
    pub standing: Standing,
    /// Figures, or what is wrong and where.
    pub detail: String,
    /// The entry that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The SHA-256 of the message that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
}

/// A time stamp by others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TimeStamp {
    /// What it states, and what of it was checked.
    pub text: String,
    /// The line that verifies it.
    pub command: String,
}

/// What is known of the bundle itself: a report says no more than this bears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Assurance {
    /// The hash that names the bundle.
    pub bundle: Option<String>,
    /// The hash of the journal's last line.
    pub head: String,
    /// The fingerprints of the keys that sealed it, as far as their seals were verified.
    pub seal_keys: Vec<String>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// Time stamps by others.
    pub time_stamps: Vec<TimeStamp>,
    /// What NTP servers said of the clock, if any were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntp: Option<String>,
    /// From which anchors the chain was judged.
    pub anchors: String,
    /// Figures of the verification: title and text.
    pub facts: Vec<(String, String)>,
    /// What is good to know and no fault.
    pub remarks: Vec<String>,
    /// What was seen from elsewhere, where it was merged into the bundle.
    pub vantages: Vec<VantageRow>,
    /// Why continuity proves nothing, though no mixture of what was seen fails: the answers do not validate from the anchors.
    pub unproven: Option<String>,
    /// Whether something shows that the journal once was longer.
    pub cut: bool,
    /// Whether it holds no plan: what was watched stands for itself, and has no end to wait for.
    pub planless: bool,
}

/// The first screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The whole.
    pub standing: Standing,
    /// In one sentence.
    pub sentence: String,
    /// Why, unless it holds.
    pub reasons: Vec<String>,
    /// Whether every mixture of what was seen validates, apart from the bundle's own state.
    pub continuous: Standing,
}

/// Who ran it, where, with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Custody {
    /// Program and version of each start.
    pub programs: Vec<String>,
    /// From where was looked.
    pub vantages: Vec<String>,
    /// Who started it, as the operating system said.
    pub operators: Vec<String>,
    /// Who approved something.
    pub persons: Vec<String>,
    /// How often the program was started.
    pub starts: usize,
}

/// The figures of the first screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Entries of the journal.
    pub entries: u64,
    /// Sweeps.
    pub sweeps: u64,
    /// Questions about the zone.
    pub questions: u64,
    /// Answers to them.
    pub answers: u64,
    /// Addresses asked.
    pub addresses: usize,
    /// Versions seen.
    pub versions: usize,
    /// The longest time in which nothing was seen of some address, seconds.
    pub longest_unobserved: Option<u64>,
    /// Of which address, and when.
    pub longest_where: Option<String>,
    /// The shortest TTL seen, seconds.
    pub shortest_ttl: Option<u32>,
}

/// A version, as it is drawn and listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionRow {
    /// Its number in the picture.
    pub number: usize,
    /// The lane.
    pub lane: usize,
    /// In words.
    pub words: String,
    /// What stands in its bar.
    pub label: String,
    /// Served from, Unix seconds (a bound to the side of caution).
    pub from: i64,
    /// Until, Unix seconds; none: still.
    pub until: Option<i64>,
    /// When the last copy leaves the caches, Unix seconds; none: it is still served.
    pub gone: Option<i64>,
    /// Seconds, as it counts.
    pub ttl: u32,
    /// When and at which server it was last seen.
    pub last_seen: Option<Moment>,
    /// That server.
    pub server: Option<String>,
    /// The answer that showed it first.
    pub source: Option<Source>,
}

/// A row of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Whose: `parent test.`, `provider a`.
    pub group: String,
    /// What: `DS`, `NS`, `DNSKEY`, `signatures`, `resolvers led here`, `servers answer`.
    pub title: String,
}

/// A mark or a stretch below the lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Its row.
    pub kind: MarkKind,
    /// What stands at it.
    pub label: String,
    /// What stands beside that where there is room: what a gate waits for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// In words.
    pub words: String,
    /// From, Unix seconds.
    pub from: i64,
    /// Until, Unix seconds; the same for a moment.
    pub until: i64,
    /// The entry.
    pub entry: u64,
}

/// The rows below the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// A step that was seen to be done.
    Step,
    /// A gate that was shut.
    Gate,
    /// A person's word.
    Approval,
    /// Something that went wrong.
    Fault,
}

impl MarkKind {
    /// The row's title.
    pub fn title(self) -> &'static str {
        match self {
            MarkKind::Step => "steps proven",
            MarkKind::Gate => "gates shut",
            MarkKind::Approval => "approvals",
            MarkKind::Fault => "faults",
        }
    }
}

/// Whether the servers of a provider answered, and time in which nobody looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// The lane; none: all of them.
    pub lane: Option<usize>,
    /// How it stands: unknown where nobody looked.
    pub standing: Standing,
    /// In words.
    pub words: String,
    /// From, Unix seconds.
    pub from: i64,
    /// Until.
    pub until: i64,
}

/// The picture over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// The first second shown.
    pub from: i64,
    /// The last one.
    pub until: i64,
    /// The rows.
    pub lanes: Vec<Lane>,
    /// The bars.
    pub versions: Vec<VersionRow>,
    /// Answering and silent servers, and time in which nobody looked.
    pub service: Vec<Service>,
    /// What stands below.
    pub marks: Vec<Mark>,
}

/// The chain at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainAt {
    /// `before anything was changed`, or after which steps.
    pub title: String,
    /// When it was seen.
    pub at: Moment,
    /// The entry.
    pub entry: u64,
    /// The graph.
    pub graph: ChainGraph,
}

/// A step, plan and fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRow {
    /// Its place in the plan, from 1.
    pub number: usize,
    /// Its name.
    pub step: String,
    /// What it does.
    pub title: String,
    /// Why it stands there.
    pub why: String,
    /// How to go back.
    pub undo: String,
    /// The steps that must be proven before.
    pub after: Vec<String>,
    /// Its earliest moment as forecast when the plan was made, if it could be told.
    pub planned: Option<Moment>,
    /// Each attempt.
    pub attempts: Vec<Attempt>,
    /// When it was seen to be done: the beginning of that sweep, and the entry.
    pub proven: Option<(Moment, u64)>,
}

/// One attempt at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The entry with the intent.
    pub intent: Ref,
    /// The changes, a line each.
    pub changes: Vec<String>,
    /// The entry with the outcome; none: nobody knows what came of it.
    pub outcome: Option<Ref>,
    /// What the other side said.
    pub said: Vec<String>,
    /// What went over its channel.
    pub calls: Vec<Call>,
}

/// One call over the channel of a provider or parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// What was asked of whom, with the HTTP status if there was one.
    pub with: String,
    /// The SHA-256 of what was sent, as far as it was kept.
    pub sent: Option<String>,
    /// The SHA-256 of what came back, as far as it was kept.
    pub received: Option<String>,
    /// Why nothing came back, or why it was not believed or not kept.
    pub said: Option<String>,
}

/// A wait with its arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitRow {
    /// For which step.
    pub step: String,
    /// Its number in the plan, from 1.
    pub number: usize,
    /// The first decision to wait.
    pub first: Ref,
    /// The last one, whose figures stand here.
    pub last: Ref,
    /// How often it was derived anew.
    pub times: usize,
    /// Why, in words.
    pub why: String,
    /// The first second at which the step might be taken, Unix time.
    pub opens: Option<i64>,
    /// When it was taken or seen to be done.
    pub taken: Option<Moment>,
    /// When another plan took the place of this one before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Moment>,
    /// The sums.
    pub sums: Vec<Sum>,
}

/// A plan that another one followed, with what came of it as long as it was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EarlierPlan {
    /// Its hash.
    pub plan: String,
    /// What it was for.
    pub purpose: String,
    /// The entry that holds it.
    pub adopted: Ref,
    /// The entry that holds the next one.
    pub replaced: Ref,
    /// Whether it was carried out before that.
    pub ended: bool,
    /// The steps.
    pub steps: Vec<StepRow>,
    /// The waits.
    pub waits: Vec<WaitRow>,
}

/// One sum: what must leave every cache, and when it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The version.
    pub version: String,
    /// When it was last seen.
    pub last_seen: Option<Moment>,
    /// At which server.
    pub server: Option<String>,
    /// Its TTL in seconds, as it counts.
    pub ttl: u32,
    /// Until when a resolver could fetch it, Unix seconds, with the margin of the plan: it is no longer served then, or no
    /// name server record that a cache may hold leads there any more. [`Sum::leaves`] less the TTL.
    pub fetched_until: i64,
    /// When the last copy leaves the caches, Unix seconds.
    pub leaves: i64,
    /// The rule that would break before.
    pub rule: String,
    /// Nobody saw it: it is assumed.
    pub assumed: bool,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingRow {
    /// `conflict`, `fault`, `outage`, `keys`, `clock`, `contents`, `bundle`.
    pub kind: &'static str,
    /// In words.
    pub text: String,
    /// From when, Unix seconds.
    pub from: Option<i64>,
    /// Until when.
    pub until: Option<i64>,
    /// The entry that says it.
    pub entry: Option<u64>,
    /// The messages that bear it out, SHA-256.
    pub evidence: Vec<String>,
}

/// A key of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    /// The tag: a hint, no identity.
    pub tag: u16,
    /// The algorithm number.
    pub algorithm: u8,
    /// The flags field.
    pub flags: u16,
    /// The SHA-256 of the RDATA, whole.
    pub sha256: String,
    /// Whose key it is.
    pub owner: Option<String>,
    /// What it was seen doing.
    pub role: String,
    /// Where it was seen in a DNSKEY RRset: provider, from, until (Unix seconds).
    pub shown: Vec<(String, i64, Option<i64>)>,
    /// How it was authenticated, and in which entry; none: it was not, and went nowhere.
    pub authenticated: Option<(String, u64)>,
    /// What went over the channel that vouched for it.
    pub calls: Vec<Call>,
    /// Which steps put it, or a DS of it, somewhere else, and who approved the plan.
    pub used_by: Vec<String>,
}

/// A DS record of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DsRow {
    /// The record's data in presentation format.
    pub text: String,
    /// The key that it names, `tag/algorithm/fingerprint`; none: nobody served it.
    pub key: Option<String>,
    /// Whose key that is.
    pub owner: Option<String>,
    /// Stretches in which the parent served it, Unix seconds.
    pub shown: Vec<(i64, Option<i64>)>,
    /// Which step put it there; none: it was there before, or somebody else did.
    pub by: Option<String>,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApprovalRow {
    /// The entry.
    pub said: Ref,
    /// What was approved.
    pub what: String,
    /// By whom, as recorded.
    pub by: String,
    /// Their note.
    pub note: String,
    /// The plan that it holds for.
    pub plan: String,
}

/// A limit of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// In a few words.
    pub title: String,
    /// The whole.
    pub text: String,
}

/// A row of the table of controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlRow {
    /// The catalogue.
    pub catalogue: &'static str,
    /// The control.
    pub control: &'static str,
    /// What it asks for, in our words.
    pub asks: &'static str,
    /// Which part of the bundle bears on it.
    pub supports: &'static str,
    /// What of it this bundle does not show.
    pub not_covered: &'static str,
}

/// What was seen from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VantageRow {
    /// Its name.
    pub name: String,
    /// What looked.
    pub program: String,
    /// When it first asked.
    pub from: Option<Moment>,
    /// When its last answer was there.
    pub until: Option<Moment>,
    /// Sweeps.
    pub sweeps: usize,
    /// Questions.
    pub asked: usize,
    /// Answers to them.
    pub answers: usize,
    /// Results that told neither what was asked nor what came back: they are not among the questions.
    pub untold: usize,
    /// Answers to questions that the journal asked too.
    pub compared: usize,
    /// Questions to addresses that the journal never asked.
    pub elsewhere: usize,
    /// The longest time between two answers of one address to one question, seconds.
    pub longest: Option<u64>,
    /// How many answers say what the journal was not told: by any server, or by the same address before and after.
    pub others: usize,
    /// The first of them.
    pub first_others: Vec<FindingRow>,
}

/// Time without DNSSEC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InsecureRow {
    /// From when.
    pub from: Moment,
    /// Until when; none: to the end.
    pub until: Option<Moment>,
    /// The entry that saw it begin.
    pub entry: u64,
    /// The plan that wanted it, and who approved that; none: nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedRow>,
}

/// Time without DNSSEC on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedRow {
    /// The plan's hash.
    pub plan: String,
    /// The step that took the DS away.
    pub step: String,
    /// Who approved it, as the journal says.
    pub by: String,
    /// When that was recorded.
    pub at: Moment,
    /// The reason given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A whole report.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceReport {
    /// [`REPORT_FORMAT`].
    pub format: u32,
    /// The zone.
    pub zone: String,
    /// The parent.
    pub parent: Option<String>,
    /// What the plan was for; none: there was none.
    pub purpose: Option<String>,
    /// The plan's hash.
    pub plan: Option<String>,
    /// The first screen.
    pub verdict: Verdict,
    /// What was seen, from and until.
    pub observed: Option<(Moment, Moment)>,
    /// Who.
    pub custody: Custody,
    /// What is known of the bundle.
    pub assurance: Assurance,
    /// Figures.
    pub figures: Figures,
    /// Time without DNSSEC.
    pub insecure: Vec<InsecureRow>,
    /// The picture.
    pub picture: Picture,
    /// The chain, step by step.
    pub chain: Vec<ChainAt>,
    /// The steps.
    pub steps: Vec<StepRow>,
    /// The waits.
    pub waits: Vec<WaitRow>,
    /// The plans before it, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierPlan>,
    /// What was found.
    pub findings: Vec<FindingRow>,
    /// The keys.
    pub keys: Vec<KeyRow>,
    /// The DS records.
    pub ds: Vec<DsRow>,
    /// The approvals.
    pub approvals: Vec<ApprovalRow>,
    /// The addresses.
    pub servers: Vec<Watched>,
    /// The limits.
    pub limits: Vec<Limit>,
    /// What was not checked, as the checker says.
    pub not_checked: Vec<String>,
    /// The controls.
    pub controls: Vec<ControlRow>,
    /// What did not fit into one of the lists above, in words.
    pub left_out: Vec<String>,
}
