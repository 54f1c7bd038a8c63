//! The verifier: takes a bundle line by line, and says in the end what it comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::answers::Reach;
use super::findings::{Finding, Findings, Gravity};
use super::intake::{Intake, Taken};
use super::judging::{BlobSource, Judging};
use super::replay::Replay;
use super::seals::{self, GivenSeal, Keys, Seal};
use super::stamps::{self, Stamp};
use super::verdict::{
    AnchorsUsed, BlobsSeen, Continuity, Depth, Ending, Insecure, JournalSeen, VERDICT_FORMAT, Verdict, Word,
};
use crate::continuity::reachable;
use crate::dnssec::{Anchors, Memo};
use crate::evidence::{
    BUNDLE_FORMAT, BlobId, BlobsPart, Ends, EntryError, FilePart, Manifest, VerifierKey, hash_line,
};
use crate::moment::Moment;
use crate::workflow::{
    CdsPolicy, Event, GateRules, InsecureStretch, Plan, Purpose, Signer, State, ended, insecure_stretches,
    options, timeline,
};

/// What is verified, apart from the journal and the blobs themselves, and what it is verified against.
#[derive(Clone, Debug)]
pub struct Given {
    /// The anchors that the chain is judged from.
    pub anchors: Anchors,
    /// Whether somebody gave them; otherwise they are the compiled-in ones.
    pub anchors_given: bool,
    /// The keys that seals have to be signed with.
    pub seal_keys: Vec<VerifierKey>,
    /// The octets of the manifest; none: it is no bundle but a folder of the state.
    pub manifest: Option<Vec<u8>>,
    /// Every other file with its size and hash.
    pub files: BTreeMap<String, FilePart>,
    /// The seals among them, and the tokens over seals: `seals/…checkpoint` and `seals/…tsr`.
    pub seals: Vec<GivenSeal>,
    /// The octets of `seals/keys`, if there is such a file.
    pub keys: Option<Vec<u8>>,
    /// The blobs that are there, with their sizes.
    pub blobs: BTreeMap<BlobId, u64>,
    /// A memory of verifications, for whoever verifies many bundles of the same answers.
    pub memo: Memo,
}

/// Is shown an event: the entry's number, when it was written, the event, and the state that it leads to.
pub type Seen<'a> = &'a mut dyn FnMut(u64, Moment, &Event, &State);

/// A verification under way: lines are taken in, answers judged, decisions made again.
pub struct Verifier {
    intake: Intake,
    judging: Judging,
    replay: Replay,
    given: Given,
    sealed: Vec<Seal>,
    stamps: Vec<Stamp>,
}

impl Verifier {
    /// Begins.
    pub fn new(given: Given, depth: Depth) -> Verifier {
        let mut findings = Findings::default();
        let sealed = seals::read(&given.seals, &mut findings);
        let stamps = stamps::read(&given.seals, &mut findings);
        let memo = if given.memo.is_remembering() {
            given.memo.clone()
        } else {
            Memo::remembering()
        };
        Verifier {
            intake: Intake::new(sealed.iter().map(|seal| seal.checkpoint.size).collect()),
            judging: Judging::new(given.anchors.clone(), memo.clone(), depth, findings),
            replay: Replay::new(memo, depth),
            given,
            sealed,
            stamps,
        }
    }

    /// Its parts, for whoever has them work side by side: each entry goes through all three, in the order of the journal.
    pub fn parts(&mut self) -> (&mut Intake, &mut Judging, &mut Replay) {
        (&mut self.intake, &mut self.judging, &mut self.replay)
    }

    /// Takes the next line with its newline, and the line after it (`None` at the end); `octets` gives a blob's, unchecked.
    /// Says whether to go on: after a break in the chain nothing that follows can be placed.
    ///
    /// # Errors
    /// If the line is of another format: the bundle has to be read by another version.
    pub fn take(
        &mut self,
        raw: &[u8],
        next: Option<&[u8]>,
        octets: BlobSource<'_>,
    ) -> Result<bool, EntryError> {
        self.take_seen(raw, next, octets, &mut |_, _, _, _| ())
    }

    /// The same; `seen` is shown each event that was verified, with its entry, its time and the state that it leads to.
    ///
    /// # Errors
    /// As [`Verifier::take`].
    pub fn take_seen(
        &mut self,
        raw: &[u8],
        next: Option<&[u8]>,
        octets: BlobSource<'_>,
        seen: Seen<'_>,
    ) -> Result<bool, EntryError> {
        match self.intake.take(raw, next)? {
            Taken::Entry(mut entry) => {
                self.judging.take(&mut entry, octets);
                self.replay.take(&mut entry, seen);
                self.intake.put_back(entry);
                Ok(true)
            }
            Taken::Unread => Ok(true),
            Taken::End => Ok(false),
        }
    }

    /// What it comes to, after the last line.
    pub fn finish(self) -> Verdict {
        self.finish_with_state().0
    }

    /// The same, with the state that the journal comes to.
    pub fn finish_with_state(mut self) -> (Verdict, State) {
        let part = self.intake.finish();
        let read = std::mem::take(&mut self.intake.findings);
        self.judging.findings.absorb(read);
        let made = std::mem::take(&mut self.replay.findings);
        self.judging.findings.absorb(made);
        if self.intake.torn {
            self.torn_end();
        }
        let manifest = self.check_manifest();
        let (seals, sealed, self_sealed) = self.check_seals();
        stamps::hold_against(&self.stamps, &seals, &mut self.judging.findings);
        let blobs = self.check_blobs();
        let (mut continuity, reach, insecure) = self.continuity();
        let Judging {
            answers,
            mut findings,
            mut clock,
            depth,
            own_anchors,
            zone,
            approvals,
            programs,
            vantages,
            operators,
            ..
        } = self.judging;
        clock.backwards = self.intake.backwards;
        let journal = JournalSeen {
            entries: part.entries,
            octets: part.octets,
            head: part.head,
            root: part.root,
            first: self.intake.first,
            last: self.intake.last,
            programs,
            vantages,
            operators,
        };
        let (last, least) = (answers.last, answers.clock);
        (clock.after_inception, clock.before_expiration) = least;
        let same = own_anchors.as_ref().map(|own| *own == self.given.anchors);
        if same == Some(false) {
            let text = if self.given.anchors_given {
                "the run went by other trust anchors than those given here; the answers were judged from those given here"
            } else {
                "the run went by other trust anchors than the IANA root. What came with the bundle proves nothing: if you have \
                 its anchors from elsewhere, give them with --anchors"
            };
            findings.push(Finding::remark("anchors-differ", text));
        }
        if clock.after_inception.is_some_and(|margin| margin < 0) {
            findings.push(Finding::remark("clock", "a signature was seen before it began"));
        }
        let (answers, gaps) = answers.finish(reach.as_ref(), &mut findings);
        let unproven = answers.secure == 0
            || (answers.insecure > 0 && insecure.is_empty())
            || (same == Some(false) && answers.indeterminate > 0);
        if (answers.chain_is_broken() || unproven) && continuity.continuous == Some(true) {
            continuity.continuous = None;
            let text =
                "what was served does not validate from these anchors, so that mixtures of it prove nothing";
            findings.push(Finding::open("continuity-unjudged", text));
        }
        let servers = gaps.into_servers(last);
        let cut = findings.has("cut") || manifest == Compared::Shorter;
        let ends = part.ends;
        if ends == Ends::UnderWay && depth == Depth::Full {
            findings.push(Finding::open(
                "not-ended",
                "the plan has no end in this journal: it was under way, or the end was cut off",
            ));
        }
        let word = match findings.worst() {
            Some(Gravity::Fails) => Word::Fails,
            Some(Gravity::Open) => Word::Open,
            _ => Word::Holds,
        };
        let limits = limits(&journal, &continuity);
        let (findings, counts) = findings.into_parts();
        let verdict = Verdict {
            format: VERDICT_FORMAT,
            verdict: word,
            depth,
            zone,
            bundle: self.given.manifest.as_deref().map(hash_line),
            journal,
            ending: Ending {
                ends,
                cut,
                sealed,
                self_sealed,
            },
            anchors: AnchorsUsed {
                given: self.given.anchors_given,
                zones: self.given.anchors.iter().map(|(zone, _)| zone.clone()).collect(),
                same_as_journal: same,
            },
            seals,
            stamps: self.stamps,
            blobs,
            answers,
            decisions: self.replay.counts,
            continuity,
            insecure,
            servers,
            clock,
            approvals,
            limits,
            findings,
            counts,
        };
        (verdict, self.replay.state)
    }

    fn torn_end(&mut self) {
        let text = "its last line is not whole: its writing was interrupted, or the end was cut off";
        let finding = match self.given.manifest {
            Some(_) => Finding::fails("line-torn", text),
            None => Finding::remark("line-torn", text),
        };
        let entry = self.intake.roots.entries + 1;
        self.judging.findings.push(finding.at(entry).of("journal.ndjson"));
    }

    /// Makes the manifest again and compares.
    fn check_manifest(&mut self) -> Compared {
        let Some(octets) = &self.given.manifest else {
            self.judging.findings.push(Finding::remark(
                "no-manifest",
                "it is a folder of the state: nothing outside the journal says where it ends, and nothing vouches for its last line",
            ));
            return Compared::Absent;
        };
        let read = match Manifest::decode(octets) {
            Ok(read) => read,
            Err(error) => {
                self.judging
                    .findings
                    .push(Finding::fails("manifest", error.to_string()).of("MANIFEST.json"));
                return Compared::Other;
            }
        };
        let journal = self.intake.summary.journal();
        let mut blobs = BlobsPart::default();
        let there = |id: &&BlobId| !self.judging.missing.contains(*id);
        for id in self.named().iter().filter(there) {
            blobs.count += 1;
            blobs.octets += self.given.blobs.get(id).copied().unwrap_or(0);
        }
        let made = Manifest {
            format: BUNDLE_FORMAT,
            zone: self.judging.zone.clone().unwrap_or_else(|| read.zone.clone()),
            journal,
            blobs,
            files: self.given.files.clone(),
        };
        if made.encode().is_ok_and(|made| made == *octets) {
            return Compared::Same;
        }
        let shorter = read.journal.entries > made.journal.entries;
        // After a break in the chain the rest of the journal is not known.
        let mut differences = file_differences(&read, &made);
        if !self.intake.broken {
            differences.extend(differences_of(&read, &made, shorter));
        }
        if differences.is_empty() && !self.intake.broken {
            let text = "it says the right things in another form than the one that it can have";
            differences.push(Finding::fails("manifest-form", text).of("MANIFEST.json"));
        }
        for finding in differences {
            self.judging.findings.push(finding);
        }
        if shorter && !self.intake.broken {
            Compared::Shorter
        } else {
            Compared::Other
        }
    }

    fn check_seals(&mut self) -> (Vec<super::verdict::SealSeen>, u64, u64) {
        let keys = Keys::new(
            &self.given.seal_keys,
            self.given.keys.as_deref(),
            &mut self.judging.findings,
        );
        let sealed = std::mem::take(&mut self.sealed);
        if self.intake.broken {
            self.judging.findings.push(Finding::remark(
                "seals-unchecked",
                "the seals after the break cannot be checked",
            ));
        }
        let reached = |seal: &&Seal| !self.intake.broken || seal.checkpoint.size <= self.intake.roots.entries;
        let (within, _): (Vec<Seal>, Vec<Seal>) = sealed.into_iter().partition(|seal| reached(&seal));
        let (seen, sealed, self_sealed) = seals::check(
            &within,
            &keys,
            self.judging.zone.as_ref(),
            &self.intake.roots,
            &mut self.judging.findings,
        );
        if keys.any_given() && sealed == 0 {
            self.judging.findings.push(Finding::fails(
                "seal-missing",
                "no good seal of the given key is over this journal",
            ));
        } else if seen.is_empty() {
            self.judging.findings.push(Finding::remark(
                "not-sealed",
                "nothing is sealed: whoever can write the bundle can have written all of it but the signatures in the answers",
            ));
        } else if !keys.any_given() {
            self.judging.findings.push(Finding::remark(
                "seal-key-unknown",
                "the seals were checked with a key that came with the bundle: compare its fingerprint, or give the key with --seal-key",
            ));
        } else if sealed < self.intake.roots.entries {
            let text = format!(
                "entries {} to {} are under no seal",
                sealed + 1,
                self.intake.roots.entries
            );
            self.judging.findings.push(Finding::remark("unsealed-end", text));
        }
        (seen, sealed, self_sealed)
    }

    fn named(&self) -> BTreeSet<BlobId> {
        let mut named = self.judging.others.clone();
        named.extend(self.judging.answers.taken().map(|(id, _)| id.clone()));
        named.extend(self.judging.missing.iter().cloned());
        named
    }

    fn check_blobs(&mut self) -> BlobsSeen {
        let named = self.named();
        let unnamed = self.given.blobs.keys().filter(|id| !named.contains(*id));
        // A folder of the state may hold what a crash left before its entry was written.
        let gravity = |finding: &str, text: &str| match self.given.manifest {
            Some(_) => Finding::fails("blob-unnamed", text),
            None => Finding::remark("blob-unnamed", finding),
        };
        if !self.intake.broken {
            for id in unnamed.cloned().collect::<Vec<_>>() {
                let finding = gravity("no entry names it", "no entry names it: it was added");
                self.judging
                    .findings
                    .push(finding.of(format!("blobs/{id}")).on(id));
            }
        }
        BlobsSeen {
            named: named.len(),
            there: self.given.blobs.len(),
            octets: self.given.blobs.values().sum(),
        }
    }

    fn continuity(&mut self) -> (Continuity, Option<Reach>, Vec<Insecure>) {
        let mut out = Continuity {
            claimed: self.judging.claimed,
            from: self.judging.answers.first,
            to: self.judging.answers.last,
            ..Continuity::default()
        };
        if self.judging.depth != Depth::Full {
            return (out, None, Vec::new());
        }
        let mut state = self.replay.state.clone();
        if state.plan.is_none() {
            state.plan = standing(&state).map(Arc::new);
        }
        let Some(plan) = state
            .plan_in_force()
            .filter(|_| self.judging.answers.first.is_some())
        else {
            let text = "nothing in this journal can be judged: no look, or nothing that says which servers are asked";
            self.judging
                .findings
                .push(Finding::open("continuity-unjudged", text));
            return (out, None, Vec::new());
        };
        match ended(&state) {
            Ok(made) => {
                out.continuous = Some(made.continuous);
                out.conflicts = made.conflicts;
                out.not_checked = made.not_checked;
            }
            Err(error) => self
                .judging
                .findings
                .push(Finding::open("continuity-unjudged", error.to_string())),
        }
        for conflict in &out.conflicts {
            self.judging
                .findings
                .push(Finding::fails("not-continuous", conflict.clone()));
        }
        let traced = timeline(&plan, &state.ledger, &state.pool);
        let reach = reachable(&traced.timeline, &options(&plan));
        let insecure = insecure(&state);
        for stretch in &insecure {
            let to = stretch
                .to
                .map_or("the end of the record".to_owned(), |to| to.to_string());
            let text = format!(
                "the parent delegated without DS from {} to {to}; {}",
                stretch.from,
                whose(stretch)
            );
            self.judging.findings.push(Finding::remark("insecure-time", text));
        }
        (out, Some(reach), insecure)
    }
}

/// What came of comparing the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Absent,
    Same,
    Shorter,
    Other,
}

/// The files of two manifests.
fn file_differences(read: &Manifest, made: &Manifest) -> Vec<Finding> {
    let mut out = Vec::new();
    for (name, part) in &read.files {
        let finding = match made.files.get(name) {
            None => Finding::fails("file-missing", "the manifest lists it, and it is not there"),
            Some(own) if own != part => {
                Finding::fails("file-altered", "its octets are not those that the manifest lists")
            }
            Some(_) => continue,
        };
        out.push(finding.of(name));
    }
    for name in made.files.keys().filter(|name| !read.files.contains_key(*name)) {
        let text = "it is there, and the manifest does not list it";
        out.push(Finding::fails("file-added", text).of(name));
    }
    out
}

/// The rest of two manifests: what was read, and what the bundle comes to.
fn differences_of(read: &Manifest, made: &Manifest, shorter: bool) -> Vec<Finding> {
    let mut out = Vec::new();
    if read.journal != made.journal {
        let text = format!(
            "it says {} entries with the head {}, and the journal has {} with the head {}",
            read.journal.entries, read.journal.head, made.journal.entries, made.journal.head
        );
        out.push(Finding::fails(
            if shorter { "cut" } else { "manifest-journal" },
            text,
        ));
    }
    if read.blobs != made.blobs {
        let text = format!(
            "it says {} blobs of {} octets, and the journal names {} of {} that are there and whole",
            read.blobs.count, read.blobs.octets, made.blobs.count, made.blobs.octets
        );
        out.push(Finding::fails("manifest-blobs", text));
    }
    if read.zone != made.zone {
        let text = format!("it says {}, and the journal {}", read.zone, made.zone);
        out.push(Finding::fails("manifest-zone", text));
    }
    out.into_iter()
        .map(|finding| finding.of("MANIFEST.json"))
        .collect()
}

/// When the parent proved that there is no DS.
fn insecure(state: &State) -> Vec<Insecure> {
    let told = |stretch: InsecureStretch| {
        let planned = stretch.planned.and_then(|index| state.insecure.get(index));
        let approval = planned.map(|planned| &planned.approval);
        Insecure {
            from: stretch.from,
            to: stretch.until,
            planned_by: planned.map(|planned| planned.step.to_string()),
            plan: planned.map(|planned| planned.plan.clone()),
            approved_by: approval.map(|approval| approval.by.clone()),
            approved_at: planned.map(|planned| planned.approved),
            note: approval
                .map(|approval| approval.note.clone())
                .filter(|note| !note.is_empty()),
        }
    };
    insecure_stretches(state).into_iter().map(told).collect()
}

/// Who wanted it, in words.
fn whose(stretch: &Insecure) -> String {
    match (
        &stretch.planned_by,
        &stretch.plan,
        &stretch.approved_by,
        stretch.approved_at,
    ) {
        (Some(step), Some(plan), Some(by), Some(at)) => format!(
            "as step {step} of plan {} wanted, approved by {by} at {at}",
            plan.get(..12).unwrap_or(plan)
        ),
        _ => "nobody planned it".to_owned(),
    }
}

/// A plan of no steps over the providers that were looked at, for a journal without one.
pub fn standing(state: &State) -> Option<Plan> {
    let servers = state.servers.as_ref()?;
    let signers: Vec<Signer> = servers
        .providers
        .iter()
        .map(|(name, hosts)| Signer {
            name: name.clone(),
            name_servers: hosts.iter().map(|host| host.name.clone()).collect(),
            max_ttl: 0,
            manual: true,
            apex_ns_fixed: false,
            signs_live: false,
        })
        .collect();
    let group: Vec<String> = signers.iter().map(|signer| signer.name.clone()).collect();
    Some(Plan {
        format: 1,
        zone: servers.topology.zone.clone(),
        parent: servers.topology.parent.clone(),
        purpose: Purpose::Join {
            signer: group.first().cloned().unwrap_or_default(),
        },
        signers,
        before: group.clone(),
        after: group,
        digest_types: BTreeSet::from([2]),
        cds: CdsPolicy::Auto,
        rules: GateRules {
            ttl_floor: 0,
            margin: 0,
            stale: 0,
            patience: 0,
        },
        sticky_bounded: false,
        resign: None,
        made: state.ledger.began().unwrap_or_default(),
        replaces: None,
        assumed: Vec::new(),
        steps: Vec::new(),
    })
}

/// What no evidence of this kind can show.
fn limits(journal: &JournalSeen, continuity: &Continuity) -> Vec<String> {
    let from = if journal.vantages.is_empty() {
        "nowhere".to_owned()
    } else {
        journal.vantages.join(", ")
    };
    let mut out = vec![
        "between two looks nobody looked: for each server address the longest such stretch is given, with the shortest TTL that \
         could have come and gone in it"
            .to_owned(),
        format!(
            "one address may be many machines (anycast): what was seen is what answered at {from}; what others answered \
             elsewhere was not seen"
        ),
        "the times are those of the clock of the machine that looked, held against the windows of the signatures; a seal \
         proves an order, and a time only with a token of a time stamping authority, whose signature is not checked here"
            .to_owned(),
        "an approval is recorded as it was said: nobody signs it".to_owned(),
        "that whoever has the seal key did not write a second journal: only witnesses or a time stamp show that".to_owned(),
    ];
    out.extend(
        continuity
            .not_checked
            .iter()
            .map(|what| format!("not checked: {what}")),
    );
    out
}
