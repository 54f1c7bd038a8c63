//! The same moves, driven by `unbroken` itself.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::lab::Lab;
use crate::probe;
use crate::process::finish;
use crate::servers::Kind;
use crate::servers::registry::Registry;
use crate::wire::{Name, rtype};
use crate::zone::{REGISTRY, ROOT, ZONE};

/// The longest that planning may take.
const PLAN_LIMIT: Duration = Duration::from_secs(30);
/// The longest that a move may take; with TTLs of a few seconds it is a fraction of this.
const RUN_LIMIT: Duration = Duration::from_secs(120);
/// What `unbroken` is told to add to every wait. Unbound counts in whole seconds, so it may hold an answer for up to a
/// second longer than its TTL; the sweeps' own delay covers most of that.
const MARGIN: &str = "0s";

/// Plans and runs a move; nobody may notice, and afterwards only the new provider may be left.
pub(crate) fn migrate(old: Kind, new: Kind) -> Result<()> {
    let mut lab = Lab::start(old, new, false)?;
    fs::write(
        lab.settings.dir().join("anchors.ds"),
        format!(". 60 IN DNSKEY {}\n", lab.anchor),
    )?;
    fs::write(lab.settings.dir().join("unbroken.toml"), settings(&lab))?;

    let begun = Instant::now();
    unbroken(
        &lab,
        &["plan", "migrate", "--from", old.label(), "--to", new.label()],
        PLAN_LIMIT,
    )?;
    unbroken(&lab, &["run", "--yes"], RUN_LIMIT)?;
    // Started again after its end, it has nothing to do and says so.
    unbroken(&lab, &["run", "--yes"], PLAN_LIMIT)?;
    println!("planned and run in {:.1} s", begun.elapsed().as_secs_f32());

    expect_moved(&lab)?;
    lab.old.server.stop();
    std::thread::sleep(Duration::from_secs(3));
    lab.expect_clean()
}

/// Calls the program in the lab's directory, with the settings and a journal there; it has to succeed.
fn unbroken(lab: &Lab, args: &[&str], limit: Duration) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbroken"));
    command
        .args(args)
        .args(["--zone", ZONE, "--settings", "unbroken.toml", "--state", "state"])
        .current_dir(lab.settings.dir())
        .env("LAB_TSIG", lab.settings.secret());
    let outcome = finish(command, limit, "")?;
    ensure!(
        outcome.code == Some(0),
        "unbroken {} ended with {:?} (124: not within {limit:?}):\n{}\n{}\nMeanwhile:\n{}",
        args.join(" "),
        outcome.code,
        last_lines(&outcome.stdout),
        last_lines(&outcome.stderr),
        lab.verdicts(),
    );
    Ok(())
}

/// The settings file: both providers, the registry, and TTLs as they are.
fn settings(lab: &Lab) -> String {
    format!(
        "[zone.\"{ZONE}\"]\nsigners = [\"{}\"]\nsoak = \"3s\"\nparent = \"registry\"\nanchors = \"anchors.ds\"\n\n{}\n{}\n{}\n\
         [observe]\nroots = [\"{ROOT}\"]\ninterval = \"1s\"\nqps = 50\nttl_floor = \"0s\"\nmargin = \"{MARGIN}\"\n",
        lab.old.kind.label(),
        lab.old.server.product_settings(),
        lab.new.server.product_settings(),
        Registry::product_settings(),
    )
}

/// Asks the parent and the new provider: only the latter's names, DS and keys may be there.
fn expect_moved(lab: &Lab) -> Result<()> {
    let zone = Name::of(ZONE);
    let findings = lab.oracle.findings();
    ensure!(
        findings.reachable == [lab.new.kind.label()],
        "still reachable: {:?}",
        findings.reachable
    );
    let ds = probe::rrset(REGISTRY, &zone, rtype::DS)?;
    let served: Vec<String> = ds
        .rdatas
        .iter()
        .map(|rdata| crate::oracle::signed::ds_text(rdata))
        .collect();
    ensure!(served == lab.new.ds, "the DS RRset at the parent is {served:?}");
    let keys = probe::rrset(lab.new.kind.address(), &zone, rtype::DNSKEY)?.keys();
    ensure!(
        lab.old.signing.iter().all(|key| !keys.contains(key)),
        "an old key is still served"
    );
    Ok(())
}

/// The end of what the program printed.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
