//! Moves by hand: the right order, and four wrong ones.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::lab::{Lab, Setup, outlast_caches, until};
use crate::oracle::verdict::{NO_ENTRY, NO_KEY};
use crate::product;
use crate::served::{has_ds, has_keys, names_are};
use crate::servers::Kind;

/// How soon the oracle has to see a fault: a few polls, also on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);
/// How long Unbound may take to come upon it.
const IN_TIME: Duration = Duration::from_secs(40);

/// A registry on Knot DNS, and NSEC everywhere.
const PLAIN: Setup = Setup {
    nsec3: false,
    registry: Kind::Knot,
    rsa_at: None,
};

/// A wrong order of steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    /// The newcomer's name server is announced before its keys and its DS.
    NamesFirst,
    /// Keys and names without the newcomer's DS.
    DsMissing,
    /// The old provider's ZSK leaves the new one's DNSKEY RRset while the old one still serves.
    ZskWithdrawn,
    /// The old provider's DS leaves the parent while the old one still serves.
    DsWithdrawn,
}

impl Wrong {
    /// What the oracle has to find.
    fn complaints(self) -> &'static [&'static str] {
        match self {
            Self::NamesFirst => &[NO_ENTRY, NO_KEY],
            Self::DsMissing | Self::DsWithdrawn => &[NO_ENTRY],
            Self::ZskWithdrawn => &[NO_KEY],
        }
    }

    /// What `unbroken check` has to call it.
    fn codes(self) -> &'static [&'static str] {
        match self {
            Self::NamesFirst => &["bogus", "key-not-shared"],
            Self::DsMissing | Self::DsWithdrawn => &["bogus"],
            Self::ZskWithdrawn => &["key-not-shared"],
        }
    }
}

/// Joins the new provider and leaves the old one; nobody may notice.
pub(crate) fn right_order(old: Kind, new: Kind) -> Result<()> {
    // A chain of NSEC at one and of NSEC3 at the other provider is no fault.
    let mut lab = Lab::start(&[old, new], Setup { nsec3: true, ..PLAIN })?;
    join(&lab)?;
    // Two signers with two sets of keys, and two kinds of denial: `unbroken check` finds nothing broken.
    product::prepare(&lab, &[old, new], Duration::ZERO, Duration::ZERO)?;
    product::check(&lab, &[])?;
    leave(&lab)?;
    lab.signers[0].server.stop();
    std::thread::sleep(Duration::from_secs(3));
    ensure!(
        lab.oracle.findings().reachable == [lab.newcomer().kind.label()],
        "the old provider is still reachable"
    );
    lab.expect_clean()
}

/// Makes one mistake in a move from BIND to Knot, behind the product's back; the oracle has to see it at once, and
/// `unbroken check` to name it at its first sweep.
pub(crate) fn wrong_order(wrong: Wrong) -> Result<()> {
    let lab = Lab::start(&[Kind::Bind, Kind::Knot], PLAIN)?;
    prepare(&lab, wrong)?;
    let before = lab.oracle.findings();
    ensure!(
        before.faults.is_empty(),
        "a fault before the mistake was made: {}",
        before.faults[0].text
    );
    product::prepare(&lab, &[Kind::Bind], Duration::ZERO, Duration::ZERO)?;
    product::check(&lab, &[])?;
    let begun = Instant::now();
    err(&lab, wrong)?;
    let acted = Instant::now();
    product::check(&lab, wrong.codes())?;
    println!(
        "{wrong:?}: named by check {:.2} s after the last act",
        acted.elapsed().as_secs_f32()
    );
    for complaint in wrong.complaints() {
        let fault = lab.oracle.fault_within(complaint, begun, AT_ONCE)?;
        println!(
            "{wrong:?}: seen by the oracle {:.2} s after the last act: {}",
            fault.at.saturating_duration_since(acted).as_secs_f32(),
            fault.text
        );
    }
    // Whether Unbound meets the data of a withdrawn ZSK is left to chance; it keeps validated answers.
    if wrong != Wrong::ZskWithdrawn {
        lab.unbound.servfail_within(IN_TIME)?;
        println!(
            "{wrong:?}: seen by Unbound {:.2} s after the last act",
            acted.elapsed().as_secs_f32()
        );
    }
    println!("{}", lab.verdicts());
    Ok(())
}

/// The right steps that come before the mistake.
fn prepare(lab: &Lab, wrong: Wrong) -> Result<()> {
    match wrong {
        Wrong::NamesFirst => Ok(()),
        Wrong::DsMissing => exchange_keys(lab),
        Wrong::ZskWithdrawn | Wrong::DsWithdrawn => join(lab),
    }
}

/// The mistake.
fn err(lab: &Lab, wrong: Wrong) -> Result<()> {
    match wrong {
        Wrong::NamesFirst | Wrong::DsMissing => announce(lab),
        Wrong::ZskWithdrawn => lab
            .leaver()
            .signing
            .iter()
            .try_for_each(|key| lab.newcomer().server.remove_key(key)),
        Wrong::DsWithdrawn => lab.registry.remove_ds(&lab.leaver().ds),
    }
}

/// Keys, DS, names; each followed by the wait for what it replaced.
fn join(lab: &Lab) -> Result<()> {
    exchange_keys(lab)?;
    lab.registry.add_ds(&lab.newcomer().ds)?;
    until("the DS of both are at the parent", || {
        Ok(has_ds(lab.leaver())? && has_ds(lab.newcomer())?)
    })?;
    outlast_caches(1);
    announce(lab)?;
    outlast_caches(1);
    Ok(())
}

/// Names, DS, keys; each followed by the wait for what it replaced.
fn leave(lab: &Lab) -> Result<()> {
    let (old, new) = (lab.leaver().kind.name_server(), lab.newcomer().kind.name_server());
    lab.registry.set_name_servers(&[old, new], &[new])?;
    for signer in [lab.leaver(), lab.newcomer()] {
        signer.server.set_name_servers(&[old, new], &[new])?;
    }
    until("the old name server is gone", || names_are(lab, &[new]))?;
    outlast_caches(2);
    lab.registry.remove_ds(&lab.leaver().ds)?;
    until("the old DS is gone", || Ok(!has_ds(lab.leaver())?))?;
    outlast_caches(1);
    for key in &lab.leaver().signing {
        lab.newcomer().server.remove_key(key)?;
    }
    until("the old keys are gone", || {
        Ok(!has_keys(lab.newcomer(), lab.leaver())?)
    })?;
    outlast_caches(1);
    Ok(())
}

/// Puts the keys that sign data at one provider into the other's DNSKEY RRset, both ways.
fn exchange_keys(lab: &Lab) -> Result<()> {
    for (at, from) in [(lab.leaver(), lab.newcomer()), (lab.newcomer(), lab.leaver())] {
        for key in &from.signing {
            at.server.add_key(key)?;
        }
        until("the other's keys are served", || has_keys(at, from))?;
    }
    outlast_caches(1);
    Ok(())
}

/// Names both providers at the parent and at both of them.
fn announce(lab: &Lab) -> Result<()> {
    let (old, new) = (lab.leaver().kind.name_server(), lab.newcomer().kind.name_server());
    let both = [old, new];
    lab.leaver().server.set_name_servers(&[old], &both)?;
    lab.newcomer().server.set_name_servers(&[new], &both)?;
    lab.registry.set_name_servers(&[old], &both)?;
    until("both name servers are announced", || names_are(lab, &both))
}
