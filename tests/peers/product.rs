//! Calls of `unbroken` in a lab.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::hidden::{both, holder};
use crate::lab::Lab;
use crate::process::{Outcome, Running};
use crate::servers::Kind;
use crate::servers::registry::Registry;
use crate::zone::{ROOT, ZONE};

/// The longest that a look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// The longest that a move may take; with TTLs of a few seconds it is a fraction of this.
const RUN_LIMIT: Duration = Duration::from_secs(150);
/// What `unbroken` is told to add to every wait. Unbound counts in whole seconds, so it may hold an answer for up to a
/// second longer than its TTL; the sweeps' own delay covers most of that.
const MARGIN: &str = "0s";

/// Writes the settings: who signs now, all providers, the registry, and TTLs as they are; whether the old provider's next
/// re-sign is awaited.
pub(crate) fn prepare(lab: &Lab, group: &[Kind], soak: Duration, resign: Duration) -> Result<()> {
    let group: Vec<String> = group.iter().map(|kind| format!("\"{}\"", kind.label())).collect();
    let providers: Vec<String> = lab
        .signers
        .iter()
        .map(|signer| signer.server.product_settings())
        .collect();
    let settings = format!(
        "[zone.\"{ZONE}\"]\nsigners = [{}]\nsoak = \"{}s\"\nresign = \"{}s\"\nparent = \"registry\"\nanchors = \"anchors.ds\"\n\n{}\n{}\n\
         [observe]\nroots = [\"{ROOT}\"]\ninterval = \"1s\"\nqps = 50\nttl_floor = \"0s\"\nmargin = \"{MARGIN}\"\n",
        group.join(", "),
        soak.as_secs(),
        resign.as_secs(),
        providers.join("\n"),
        Registry::product_settings(),
    );
    let dir = lab.settings.dir();
    fs::write(dir.join("anchors.ds"), format!(". 60 IN DNSKEY {}\n", lab.anchor))?;
    fs::write(dir.join("unbroken.toml"), settings)?;
    Ok(())
}

/// Plans, which has to succeed; gives what was printed.
pub(crate) fn plan(lab: &Lab, playbook: &[&str]) -> Result<String> {
    let args = [&["plan", "--zone", ZONE], playbook].concat();
    let outcome = begin(lab, &args, LOOK_LIMIT)?.finish()?;
    expect_done(lab, &args, &outcome)?;
    Ok(outcome.stdout)
}

/// Plans to fall back, which has to succeed; gives what was printed.
pub(crate) fn fallback(lab: &Lab, from: Kind, to: Kind) -> Result<String> {
    let args = [
        "fallback",
        "--zone",
        ZONE,
        "--from",
        from.label(),
        "--to",
        to.label(),
    ];
    let outcome = begin(lab, &args, LOOK_LIMIT)?.finish()?;
    expect_done(lab, &args, &outcome)?;
    Ok(outcome.stdout)
}

/// A person says yes to a step; whether the plan has it.
pub(crate) fn approve(lab: &Lab, step: &str) -> Result<bool> {
    let args = ["approve", step, "--zone", ZONE, "--yes", "--by", "ann"];
    Ok(begin(lab, &args, LOOK_LIMIT)?.finish()?.code == Some(0))
}

/// What came of the whole, as an auditor is told: the first sentence. The bundle verifies, and no secret is in it.
pub(crate) fn audited(lab: &Lab) -> Result<String> {
    for args in [
        &["audit", "bundle", "--zone", ZONE, "--out", "shop.tar"][..],
        &["audit", "verify", "shop.tar", "--anchors", "anchors.ds"],
    ] {
        let outcome = begin(lab, args, LOOK_LIMIT)?.finish()?;
        expect_done(lab, args, &outcome)?;
    }
    let secrets = both(lab.settings.secret());
    let held = holder(&lab.settings.dir().join("shop.tar"), &secrets);
    ensure!(held.is_none(), "a secret is in {held:?}");
    let args = ["audit", "report", "shop.tar", "--anchors", "anchors.ds"];
    let outcome = begin(lab, &args, LOOK_LIMIT)?.finish()?;
    expect_done(lab, &args, &outcome)?;
    let sentence = outcome.stdout.lines().nth(1).map(str::to_owned);
    sentence.context("a report without a sentence")
}

/// Whether a run has seen that a step is done whose name begins so.
pub(crate) fn has_proven(lab: &Lab, step: &str) -> Result<bool> {
    let path = format!("state/{}/journal.ndjson", ZONE.trim_end_matches('.'));
    let journal = fs::read_to_string(lab.settings.dir().join(path))?;
    let begin = format!(r#""kind":"proven","body":{{"step":"{step}"#);
    Ok(journal.contains(&begin))
}

/// Begins to carry the plan out.
pub(crate) fn run(lab: &Lab) -> Result<Running> {
    begin(lab, &["run", "--yes", "--zone", ZONE], RUN_LIMIT)
}

/// Looks once with `check`: it has to find that the zone holds where no code is given, else that it does not, for
/// exactly these reasons.
pub(crate) fn check(lab: &Lab, codes: &[&str]) -> Result<()> {
    let outcome = begin(lab, &["check", ZONE, "--json"], LOOK_LIMIT)?.finish()?;
    let report: Value = serde_json::from_str(&outcome.stdout)
        .with_context(|| format!("check --json ({:?}): {}", outcome.code, outcome.stderr))?;
    let findings = report["findings"]
        .as_array()
        .context("check --json without findings")?;
    let found: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding["severity"] == "broken")
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    ensure!(
        found == codes.iter().copied().collect() && outcome.code == Some(i32::from(!codes.is_empty())),
        "check ended with {:?} and found {found:?}, not {codes:?}:\n{findings:#?}",
        outcome.code
    );
    Ok(())
}

/// Fails with what the program said unless it ended well.
pub(crate) fn expect_done(lab: &Lab, args: &[&str], outcome: &Outcome) -> Result<()> {
    ensure!(
        outcome.code == Some(0),
        "unbroken {} ended with {:?} (124: not in time):\n{}\n{}\nMeanwhile:\n{}",
        args.join(" "),
        outcome.code,
        last_lines(&outcome.stdout),
        last_lines(&outcome.stderr),
        lab.verdicts(),
    );
    Ok(())
}

/// Starts the program in the lab's directory, with the settings and a journal there.
fn begin(lab: &Lab, args: &[&str], limit: Duration) -> Result<Running> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbroken"));
    command
        .args(args)
        .args(["--settings", "unbroken.toml", "--state", "state"])
        .current_dir(lab.settings.dir())
        .env("LAB_TSIG", lab.settings.secret());
    Running::begin(command, limit, "")
}

/// The end of what the program printed.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
