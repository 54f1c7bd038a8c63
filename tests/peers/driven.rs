//! Moves that `unbroken` drives.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::deeds::{Deed, Phase, Who, carry_out};
use crate::lab::{Lab, Setup, until};
use crate::oracle::verdict::NO_ENTRY;
use crate::product::{self, expect_done};
use crate::served::{ds_served, has_ds, has_keys, keys_at, names_are};
use crate::servers::Kind;
use crate::zone::TTL;

/// A move from one provider to another, and what happens on the way.
pub(crate) struct Move<'a> {
    pub(crate) from: Kind,
    pub(crate) to: Kind,
    pub(crate) setup: Setup,
    /// How long both serve the zone, in seconds.
    pub(crate) soak: u64,
    pub(crate) deeds: &'a [(Phase, Deed)],
}

impl Move<'_> {
    /// Where the old provider signs anew once it holds the newcomer's keys, that is awaited.
    fn resign(&self) -> Duration {
        if self.deeds.contains(&(Phase::Keys, Deed::Resign(Who::Old))) {
            Duration::from_secs(100)
        } else {
            Duration::ZERO
        }
    }

    /// Plans and runs it; nobody may notice, and afterwards only the new provider may be left.
    pub(crate) fn drive(&self) -> Result<()> {
        let mut lab = Lab::start(&[self.from, self.to], self.setup)?;
        product::prepare(&lab, &[self.from], Duration::from_secs(self.soak), self.resign())?;
        let begun = Instant::now();
        let (from, to) = (self.from.label(), self.to.label());
        product::plan(&lab, &["migrate", "--from", from, "--to", to])?;
        let run = product::run(&lab)?;
        let outcome = carry_out(&mut lab, run, self.deeds)?;
        // For whoever keeps the lab's directory.
        fs::write(lab.settings.dir().join("run.log"), &outcome.stdout)?;
        expect_done(&lab, &["run"], &outcome)?;
        // Started again after its end, it has nothing to do and says so.
        expect_done(&lab, &["run", "again"], &product::run(&lab)?.finish()?)?;
        println!("planned and run in {:.1} s", begun.elapsed().as_secs_f32());
        expect_evidence(&lab)?;
        expect_group(&lab, &[1])?;
        lab.signers[0].server.stop();
        std::thread::sleep(Duration::from_secs(3));
        lab.expect_clean()
    }
}

/// A move that a person began: the old provider got the newcomer's keys and the registry its DS, and a moment later `unbroken`
/// is asked to go on. Nobody may notice: what was served before is in the caches.
pub(crate) fn begun(from: Kind, to: Kind, setup: Setup) -> Result<()> {
    let mut lab = Lab::start(&[from, to], setup)?;
    for key in &lab.newcomer().signing {
        lab.leaver().server.add_key(key)?;
    }
    lab.registry.add_ds(&lab.newcomer().ds)?;
    until("what was done by hand is served", || {
        Ok(has_keys(lab.leaver(), lab.newcomer())? && has_ds(lab.newcomer())?)
    })?;
    product::prepare(&lab, &[from], Duration::from_secs(6), Duration::ZERO)?;
    let begun = Instant::now();
    let plan = product::plan(&lab, &["migrate", "--from", from.label(), "--to", to.label()])?;
    fs::write(lab.settings.dir().join("plan.log"), &plan)?;
    ensure!(
        plan.contains("warning [begun]") && plan.contains("done already"),
        "the plan does not say what was found:\n{plan}"
    );
    let outcome = product::run(&lab)?.finish()?;
    fs::write(lab.settings.dir().join("run.log"), &outcome.stdout)?;
    expect_done(&lab, &["run"], &outcome)?;
    ensure!(
        !outcome.stdout.contains("step   05-ds-add"),
        "the DS was added again:\n{}",
        outcome.stdout
    );
    println!("planned and run in {:.1} s", begun.elapsed().as_secs_f32());
    expect_group(&lab, &[1])?;
    lab.signers[0].server.stop();
    std::thread::sleep(Duration::from_secs(3));
    lab.expect_clean()
}

/// A person named the newcomer at the parent, and nothing else was done: it is broken, and both judges see it. `unbroken` repairs
/// it first; what was broken stays in caches for two TTLs at most (a DS, and a DNSKEY RRset that it vouched for), and nothing
/// that is done afterwards breaks anything.
pub(crate) fn repaired(from: Kind, to: Kind, setup: Setup) -> Result<()> {
    let mut lab = Lab::start(&[from, to], setup)?;
    let (old, new) = (from.name_server(), to.name_server());
    product::prepare(&lab, &[from], Duration::from_secs(6), Duration::ZERO)?;
    let begun = Instant::now();
    lab.registry.set_name_servers(&[old], &[old, new])?;
    lab.oracle.fault_within(NO_ENTRY, begun, Duration::from_secs(5))?;
    let plan = product::plan(&lab, &["migrate", "--from", from.label(), "--to", to.label()])?;
    fs::write(lab.settings.dir().join("plan.log"), &plan)?;
    ensure!(
        plan.contains("warning [broken-now]") && plan.contains("step 05-ds-add repairs it"),
        "the plan does not say what is broken:\n{plan}"
    );
    let mut run = product::run(&lab)?;
    until("it is repaired", || {
        Ok(run.has_ended()? || has_ds(lab.newcomer())?)
    })?;
    std::thread::sleep(2 * Duration::from_secs(u64::from(TTL) + 1));
    let then = lab.oracle.findings().faulty;
    ensure!(then > 0, "the oracle saw nothing");
    let outcome = run.finish()?;
    fs::write(lab.settings.dir().join("run.log"), &outcome.stdout)?;
    // The move is done, and the verdict says what it found.
    ensure!(
        outcome.code == Some(1) && outcome.stdout.contains("NOT continuous"),
        "the run ended with {:?}:\n{}\n{}",
        outcome.code,
        outcome.stdout,
        outcome.stderr
    );
    expect_group(&lab, &[1])?;
    lab.signers[0].server.stop();
    std::thread::sleep(Duration::from_secs(3));
    let faulty = lab.oracle.findings().faulty;
    ensure!(
        faulty == then,
        "{} faulty mixtures long after the repair\n{}",
        faulty - then,
        lab.verdicts()
    );
    println!("{}", lab.verdicts());
    Ok(())
}

/// Two algorithms that no group can have together: without DS in between, which a person approves. Nobody fails at any time; no
/// answer is insecure before the DS goes, nor when the proof that there is none has left the caches.
pub(crate) fn fallback(from: Kind, to: Kind, setup: Setup) -> Result<()> {
    let mut lab = Lab::start(&[from, to], setup)?;
    product::prepare(&lab, &[from], Duration::ZERO, Duration::ZERO)?;
    let begun = Instant::now();
    let plan = product::fallback(&lab, from, to)?;
    fs::write(lab.settings.dir().join("plan.log"), &plan)?;
    ensure!(
        plan.contains("INSECURE, on purpose"),
        "the plan does not say it:\n{plan}"
    );
    let run = product::run(&lab)?;
    let word = |step: String| until("the step can be approved", || product::approve(&lab, &step));
    // Both signers make CDS of their own keys, and the registry of this lab follows none.
    word(format!("own-cds-at-{}", to.label()))?;
    word(format!("own-cds-at-{}", from.label()))?;
    ensure!(
        lab.unbound.tally().unauthenticated == 0 && has_ds(lab.leaver())?,
        "insecure before it was approved"
    );
    lab.oracle.allow_insecure();
    word("04-ds-remove-all".to_owned())?;
    let outcome = run.finish()?;
    fs::write(lab.settings.dir().join("run.log"), &outcome.stdout)?;
    expect_done(&lab, &["run"], &outcome)?;
    println!("planned and run in {:.1} s", begun.elapsed().as_secs_f32());
    let sentence = product::audited(&lab)?;
    ensure!(
        sentence.contains("insecure as planned from") && sentence.contains("(approved by ann at"),
        "the report says: {sentence}"
    );
    expect_group(&lab, &[1])?;
    lab.signers[0].server.stop();
    // The registry's proof of an absent DS is kept no longer than this.
    std::thread::sleep(2 * Duration::from_secs(u64::from(TTL) + 1));
    let settled = lab.unbound.tally();
    ensure!(settled.unauthenticated > 0, "it was never insecure: {settled}");
    std::thread::sleep(Duration::from_secs(4));
    let findings = lab.oracle.findings();
    let tally = lab.unbound.finish();
    println!("{findings}\n{tally}");
    ensure!(
        tally.unauthenticated == settled.unauthenticated && tally.authenticated > settled.authenticated,
        "insecure for longer: {settled}, then {tally}"
    );
    findings.expect_clean()?;
    tally.expect_answers()
}

/// A group grows to three and shrinks to two.
pub(crate) fn three() -> Result<()> {
    let kinds = [Kind::Bind, Kind::Knot, Kind::PowerDns];
    let setup = Setup {
        nsec3: true,
        registry: Kind::Knot,
        rsa_at: None,
    };
    let mut lab = Lab::start(&kinds, setup)?;
    let (a, b, c) = (0, 1, 2);
    let steps: [(&[usize], &str, &[usize]); 3] = [
        (&[a], "join b", &[a, b]),
        (&[a, b], "join c", &[a, b, c]),
        (&[a, b, c], "leave a", &[b, c]),
    ];
    for (before, playbook, after) in steps {
        let group: Vec<Kind> = before.iter().map(|&index| kinds[index]).collect();
        product::prepare(&lab, &group, Duration::ZERO, Duration::ZERO)?;
        let begun = Instant::now();
        let words: Vec<&str> = playbook.split(' ').collect();
        product::plan(&lab, &words)?;
        let outcome = product::run(&lab)?.finish()?;
        expect_done(&lab, &["run", "after", playbook], &outcome)?;
        println!(
            "{playbook}: planned and run in {:.1} s",
            begun.elapsed().as_secs_f32()
        );
        expect_group(&lab, after)?;
    }
    expect_evidence(&lab)?;
    lab.signers[a].server.stop();
    std::thread::sleep(Duration::from_secs(3));
    lab.expect_clean()
}

/// Whoever was not there comes to the same from the bundle alone.
fn expect_evidence(lab: &Lab) -> Result<()> {
    let sentence = product::audited(lab)?;
    ensure!(
        sentence.contains("every mixture of answers that a cache could hold validated")
            && sentence.contains("no insecure time"),
        "the report says: {sentence}"
    );
    Ok(())
}

/// Exactly these providers may be named, have a DS, and have their keys in each other's DNSKEY RRsets.
fn expect_group(lab: &Lab, members: &[usize]) -> Result<()> {
    let group: Vec<_> = members.iter().map(|&index| &lab.signers[index]).collect();
    let labels: Vec<&str> = group.iter().map(|signer| signer.kind.label()).collect();
    let names: Vec<&str> = group.iter().map(|signer| signer.kind.name_server()).collect();
    until("only the group is asked", || {
        let mut reachable = lab.oracle.findings().reachable;
        reachable.sort_unstable();
        Ok(reachable == labels)
    })?;
    let ds: BTreeSet<String> = group.iter().flat_map(|signer| signer.ds.clone()).collect();
    let served = ds_served()?;
    ensure!(served == ds, "the DS RRset at the parent is {served:?}");
    for at in &group {
        let keys = keys_at(at)?;
        for (index, of) in lab.signers.iter().enumerate() {
            let wanted = members.contains(&index);
            ensure!(
                of.signing.iter().all(|key| keys.contains(key) == wanted),
                "keys of {} at {}: they should {}be there",
                of.kind.program(),
                at.kind.program(),
                if wanted { "" } else { "not " }
            );
        }
    }
    if members.len() == lab.signers.len() {
        ensure!(names_are(lab, &names)?, "not everybody names the group");
    }
    Ok(())
}
