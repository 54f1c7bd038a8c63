//! The result of a verification: what holds, what fails, what was not observed, and the limits of all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::Value;

use super::findings::Finding;
use super::stamps::Stamp;
use crate::dns::{Name, Rtype};
use crate::dnssec::Status;
use crate::evidence::{BlobId, Ends, Place};
use crate::moment::Moment;

/// So many NTP servers are named.
const MOST_SERVERS: usize = 64;

/// The version of this form.
pub const VERDICT_FORMAT: u64 = 1;

/// How far to go, and how far was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Hashes, chain, manifest, seals, blobs.
    Hashes,
    /// Everything.
    Full,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Everything that was checked holds.
    Holds,
    /// Nothing fails, but something that matters cannot be told.
    Open,
    /// Something does not hold.
    Fails,
}

/// What a bundle comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// [`VERDICT_FORMAT`].
    pub format: u64,
    /// In one word.
    pub verdict: Word,
    /// How far was gone: what the word is about.
    pub depth: Depth,
    /// The zone, as the journal tells.
    pub zone: Option<Name>,
    /// The SHA-256 of `MANIFEST.json`, which fixes everything else; none for a folder of the state.
    pub bundle: Option<String>,
    /// The journal.
    pub journal: JournalSeen,
    /// How it ends.
    pub ending: Ending,
    /// What the chain was judged from.
    pub anchors: AnchorsUsed,
    /// The seals.
    pub seals: Vec<SealSeen>,
    /// Tokens of time stamping authorities. The authority's signature is not checked here: the command that does is given with each.
    pub stamps: Vec<Stamp>,
    /// The messages.
    pub blobs: BlobsSeen,
    /// The answers, each judged anew.
    pub answers: AnswersJudged,
    /// The decisions, each made anew.
    pub decisions: DecisionsReplayed,
    /// Whether every mixture of answers that a cache could hold validated.
    pub continuity: Continuity,
    /// When the parent delegated the zone without DS.
    pub insecure: Vec<Insecure>,
    /// What was seen of each server address, and what was not.
    pub servers: Vec<ServerSeen>,
    /// How far the clock can be trusted.
    pub clock: Clock,
    /// Who approved what.
    pub approvals: Vec<ApprovalSeen>,
    /// What this evidence cannot show, in words.
    pub limits: Vec<String>,
    /// What was found, the gravest first; of one code at most a hundred.
    pub findings: Vec<Finding>,
    /// How many findings there are of each code.
    pub counts: BTreeMap<&'static str, usize>,
}

/// The journal in short.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JournalSeen {
    /// Entries whose place in the chain is borne out.
    pub entries: u64,
    /// Octets of them.
    pub octets: u64,
    /// The SHA-256 of the last of them.
    pub head: String,
    /// The root of the tree over them.
    pub root: String,
    /// When the first was written.
    pub first: Option<Moment>,
    /// When the last was written.
    pub last: Option<Moment>,
    /// The programs that wrote it.
    pub programs: Vec<String>,
    /// From where they looked.
    pub vantages: Vec<String>,
    /// Who started them, as the operating system said.
    pub operators: Vec<String>,
}

/// How the journal ends.
#[derive(Clone, Debug, Serialize)]
pub struct Ending {
    /// With the end of a plan, in the middle of one, or without any.
    pub ends: Ends,
    /// Whether something shows that it once was longer.
    pub cut: bool,
    /// Entries up to this one are under a good seal of a key that was given; 0: none are.
    pub sealed: u64,
    /// Entries up to this one are under a good seal of a key that came with the bundle.
    pub self_sealed: u64,
}

/// What the chain of trust was judged from.
#[derive(Clone, Debug, Serialize)]
pub struct AnchorsUsed {
    /// Whether they were given, or the IANA root compiled in.
    pub given: bool,
    /// The zones that they are for.
    pub zones: Vec<Name>,
    /// Whether the journal names the same; none: it names none.
    pub same_as_journal: Option<bool>,
}

/// A key that a seal is signed with.
#[derive(Clone, Debug, Serialize)]
pub struct SealKey {
    /// `name+hash+base64`.
    pub key: String,
    /// The SHA-256 of the public key.
    pub fingerprint: String,
    /// Whether it was given by whoever verifies; otherwise it came with the bundle and proves only that one key made all.
    pub given: bool,
}

/// A seal.
#[derive(Clone, Debug, Serialize)]
pub struct SealSeen {
    /// The file in the bundle.
    pub file: String,
    /// Which journal it is over.
    pub origin: String,
    /// How many entries it is over.
    pub entries: u64,
    /// When the last of them was written.
    pub at: Option<Moment>,
    /// Whether the root is that of these entries; none: there are not so many.
    pub root: Option<bool>,
    /// The keys whose signatures on it are good.
    pub keys: Vec<SealKey>,
}

/// The messages.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BlobsSeen {
    /// How many the journal names.
    pub named: usize,
    /// How many are there.
    pub there: usize,
    /// Octets of those.
    pub octets: u64,
}

/// Outcomes that are no answer.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct NotAnswered {
    /// Nothing came in time.
    pub timeout: u64,
    /// No route from there.
    pub no_route: u64,
    /// The connection failed.
    pub failed: u64,
    /// A message that is no answer to be judged: an error code, lame, truncated.
    pub useless: u64,
}

/// The answers, each judged at the time at which it was recorded.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AnswersJudged {
    /// Sweeps.
    pub sweeps: u64,
    /// Questions asked.
    pub observations: u64,
    /// Distinct messages among the answers.
    pub distinct: usize,
    /// How many verdicts were worked out: one for each message under each chain in each stretch of time.
    pub judged: u64,
    /// Secure, from the anchor down.
    pub secure: u64,
    /// Insecure: a proof says that there is no DS.
    pub insecure: u64,
    /// Bogus, where resolvers are led.
    pub bogus: u64,
    /// Bogus, where no resolver was led: a provider that is prepared, or that was left.
    pub bogus_unreached: u64,
    /// Not to be told.
    pub indeterminate: u64,
    /// Delegations, which nobody signs.
    pub unsigned: u64,
    /// No answers.
    pub unanswered: NotAnswered,
    /// The octets are missing or altered.
    pub unreadable: u64,
    /// What was not secure, one line for each message and reason.
    pub odd: Vec<Odd>,
}

impl AnswersJudged {
    /// Whether the parent's or an ancestor's answers do not validate: nothing below can be trusted then.
    pub fn chain_is_broken(&self) -> bool {
        let above = |one: &Odd| !matches!(one.place, Place::Provider(_)) && one.verdict == Status::Bogus;
        self.odd.iter().any(above)
    }
}

/// Answers that were not secure.
#[derive(Clone, Debug, Serialize)]
pub struct Odd {
    /// Whose server.
    pub place: Place,
    /// The server.
    pub server: Name,
    /// Its address.
    pub address: SocketAddr,
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// The message.
    pub blob: BlobId,
    /// The verdict on it.
    pub verdict: Status,
    /// Why.
    pub codes: Vec<String>,
    /// Whether the message says no more than that there is no answer.
    pub useless: bool,
    /// The first such entry.
    pub entry: u64,
    /// From when to when.
    pub from: Moment,
    /// The last time.
    pub to: Moment,
    /// How often.
    pub times: u64,
    /// How often of these resolvers were led there.
    pub reached: u64,
}

/// The decisions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DecisionsReplayed {
    /// How many the journal holds.
    pub recorded: u64,
    /// How many of them are what the recorded facts lead to.
    pub same: u64,
    /// How many rest on what a provider's channel said, which the journal does not hold.
    pub outside: u64,
    /// How many are others.
    pub differ: u64,
    /// Moments at which nothing new was decided, checked too.
    pub unchanged: u64,
    /// Acts, each with a decision before it.
    pub acts: u64,
}

/// Continuity.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Continuity {
    /// Whether no mixture failed; none: nothing could be judged.
    pub continuous: Option<bool>,
    /// What failed, in words.
    pub conflicts: Vec<String>,
    /// What was not checked.
    pub not_checked: Vec<String>,
    /// What the journal's own `end` says; none: there is no end.
    pub claimed: Option<bool>,
    /// From the first sweep.
    pub from: Option<Moment>,
    /// To the last sweep.
    pub to: Option<Moment>,
}

/// A stretch of time without DS at the parent.
#[derive(Clone, Debug, Serialize)]
pub struct Insecure {
    /// The earliest moment at which it may have begun.
    pub from: Moment,
    /// The latest moment at which it may have ended; none: it lasts.
    pub to: Option<Moment>,
    /// The step that planned it, and a person approved; none: nobody did.
    pub planned_by: Option<String>,
    /// The hash of its plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Who approved it, as the journal says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Moment>,
    /// The reason given, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What was seen of a server address.
#[derive(Clone, Debug, Serialize)]
pub struct ServerSeen {
    /// Whose server.
    pub place: Place,
    /// Its name.
    pub server: Name,
    /// Its address.
    pub address: SocketAddr,
    /// Questions that it was asked.
    pub asked: u64,
    /// Answers that were judged.
    pub answered: u64,
    /// The longest stretch in which some question had no answer from it, whole seconds rounded up, from the earlier answer
    /// to when the next question went out; the end of the record counts.
    pub longest_unobserved: u64,
    /// When that stretch began and ended.
    pub unobserved_from: Option<Moment>,
    /// Its end.
    pub unobserved_to: Option<Moment>,
    /// The shortest TTL that its answers showed, seconds; none: it never answered.
    pub shortest_ttl: Option<u32>,
    /// Whether a wrong answer may have come and left every cache unseen: the stretch is longer than the shortest TTL.
    pub could_hide: bool,
}

/// The clock jumped.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct JumpSeen {
    /// The entry.
    pub entry: u64,
    /// What it would have shown.
    pub from: Moment,
    /// What it showed.
    pub to: Moment,
}

/// What is known of the clock of the machine that looked.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Clock {
    /// Recorded jumps.
    pub jumps: Vec<JumpSeen>,
    /// The least time, in seconds, from a signature's inception to when it was seen. So much the clock may have been ahead, at
    /// most, without any signature being older than it seems.
    pub after_inception: Option<i64>,
    /// The least time, in seconds, from when a signature was seen to its expiration. So much it may have been behind without
    /// an expired signature having passed for a good one.
    pub before_expiration: Option<i64>,
    /// Entries that were written earlier than the one before, without a recorded jump.
    pub backwards: u64,
    /// What NTP servers said; none: none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntp: Option<NtpSeen>,
}

/// The clock against NTP, as it is recorded. Plain NTP is not authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NtpSeen {
    /// The servers that answered.
    pub servers: BTreeSet<String>,
    /// Readings.
    pub readings: u64,
    /// How often there was none.
    pub failed: u64,
    /// The offset that was furthest from zero, milliseconds: what had to be added to the clock.
    pub largest_offset: Option<i64>,
    /// There and back of that reading, milliseconds: the offset may be off by half of it.
    pub round_trip: u64,
    /// The entry of that reading.
    pub entry: Option<u64>,
}

impl NtpSeen {
    /// Takes a note, if it is about NTP.
    pub(super) fn take(seen: &mut Option<NtpSeen>, entry: u64, note: &Value) {
        if note.get("ntp-failed").is_some() {
            seen.get_or_insert_default().failed += 1;
            return;
        }
        let (Some(server), Some(offset)) = (
            note.get("ntp").and_then(Value::as_str),
            note.get("offset").and_then(Value::as_i64),
        ) else {
            return;
        };
        let seen = seen.get_or_insert_default();
        seen.readings += 1;
        if seen.servers.len() < MOST_SERVERS {
            seen.servers.insert(server.to_owned());
        }
        if seen
            .largest_offset
            .is_none_or(|most| offset.unsigned_abs() > most.unsigned_abs())
        {
            seen.largest_offset = Some(offset);
            seen.round_trip = note.get("round_trip").and_then(Value::as_u64).unwrap_or(0);
            seen.entry = Some(entry);
        }
    }
}

/// Somebody's word.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovalSeen {
    /// The entry.
    pub entry: u64,
    /// When.
    pub at: Moment,
    /// What.
    pub what: String,
    /// Who, as recorded: nobody signs an approval.
    pub by: String,
    /// Why, if said.
    pub note: String,
    /// The hash of the plan.
    pub plan: String,
}
