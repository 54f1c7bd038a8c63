//! What providers, registry and accidents do while a move is under way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::lab::{Lab, Signer, until};
use crate::oracle::signed::Key;
use crate::probe;
use crate::process::{Outcome, Running};
use crate::product;
use crate::served::{delegation_is, has_ds, has_keys, keys_at};
use crate::servers::Role;
use crate::wire::{Name, rtype};
use crate::zone::{REGISTRY, ZONE};

/// The longest that a move may be on its way to its next phase.
const PHASE_LIMIT: Duration = Duration::from_secs(60);
/// Until the clock shows another second than now.
const ANOTHER_SECOND: Duration = Duration::from_millis(1_100);

/// How far a move is, as everybody can see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The old provider serves the new one's keys.
    Keys,
    /// The parent serves the new one's DS.
    Ds,
    /// The parent names both.
    Both,
    /// The parent names the new one only.
    Leaving,
    /// The old one's DS is gone.
    Last,
}

/// Somebody that a deed befalls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Old,
    New,
    Registry,
}

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// A server ends and starts again.
    Restart(Who),
    /// A provider makes its signatures anew.
    Resign(Who),
    /// A provider rolls a key.
    Roll(Who, Role),
}

impl Phase {
    fn is_reached(self, lab: &Lab) -> Result<bool> {
        let (old, new) = (lab.leaver(), lab.newcomer());
        match self {
            Self::Keys => has_keys(old, new),
            Self::Ds => has_ds(new),
            Self::Both => delegation_is(&[old.kind.name_server(), new.kind.name_server()]),
            Self::Leaving => delegation_is(&[new.kind.name_server()]),
            Self::Last => Ok(!has_ds(old)?),
        }
    }
}

/// Lets each thing happen as soon as the move is in its phase, and waits for the end of the run.
pub(crate) fn carry_out(lab: &mut Lab, mut run: Running, deeds: &[(Phase, Deed)]) -> Result<Outcome> {
    for &(phase, deed) in deeds {
        let deadline = Instant::now() + PHASE_LIMIT;
        while !phase.is_reached(lab)? {
            if run.has_ended()? {
                let outcome = run.finish()?;
                ensure!(outcome.code != Some(0), "the run ended before {phase:?}");
                return Ok(outcome);
            }
            ensure!(
                Instant::now() < deadline,
                "the move does not reach {phase:?}\n{}",
                lab.verdicts()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let begun = Instant::now();
        perform(lab, deed).with_context(|| format!("{phase:?}, {deed:?}\n{}", lab.verdicts()))?;
        println!(
            "{phase:?}, {deed:?}: {:.2} s{}",
            begun.elapsed().as_secs_f32(),
            if run.has_ended()? { ", the run is over" } else { "" }
        );
    }
    run.finish()
}

fn perform(lab: &mut Lab, deed: Deed) -> Result<()> {
    match deed {
        Deed::Restart(Who::Registry) => lab.oracle.without(REGISTRY, || lab.registry.restart()),
        Deed::Restart(who) => {
            let signer = &mut lab.signers[index(who)?];
            lab.oracle
                .without(signer.kind.address(), || signer.server.restart())
        }
        Deed::Resign(who) => {
            // Servers that restart blind the run for a while: what it first sees signed anew is no re-sign to it.
            until("the run has seen the newcomer's keys", || {
                product::has_proven(lab, "01-keys-at-")
            })?;
            // Signatures tell whole seconds: in the second of the last ones, nobody could see that these are new.
            std::thread::sleep(ANOTHER_SECOND);
            lab.signers[index(who)?].server.resign()
        }
        Deed::Roll(who, role) => {
            let index = index(who)?;
            let key = match role {
                Role::Zsk => roll_zsk(lab, index)?,
                Role::Ksk => {
                    let ds = roll_ksk(&lab.signers[index])?;
                    lab.signers[index].ds.extend([ds]);
                    return Ok(());
                }
            };
            lab.signers[index].signing.push(key);
            Ok(())
        }
    }
}

fn index(who: Who) -> Result<usize> {
    match who {
        Who::Old => Ok(0),
        Who::New => Ok(1),
        Who::Registry => bail!("the registry's keys are not looked at"),
    }
}

/// The provider rolls its ZSK; before the new one signs, everybody else has to serve it.
fn roll_zsk(lab: &Lab, index: usize) -> Result<Key> {
    let signer = &lab.signers[index];
    let old = signer.signing.first().context("no key signs")?;
    let key = publish(signer, Role::Zsk, old)?;
    let published = Instant::now();
    let (mut mirrored, mut asked) = (None, published);
    until("the new ZSK signs alone", || {
        let everywhere = || -> Result<bool> {
            for at in &lab.signers {
                if !keys_at(at)?.contains(&key) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if mirrored.is_none() && everywhere()? {
            mirrored = Some(published.elapsed());
        }
        // At first BIND signs with both, and it keeps old signatures until something makes it sign again.
        if asked.elapsed() > Duration::from_secs(1) {
            signer.server.resign()?;
            asked = Instant::now();
        }
        Ok(signs(signer, rtype::SOA, &key)? && !signs(signer, rtype::SOA, old)?)
    })?;
    let mirrored = mirrored.context("the new ZSK signs alone, and others do not serve it")?;
    let signed = published.elapsed();
    ensure!(
        Phase::Both.is_reached(lab)?,
        "the roll took longer than both were asked"
    );
    println!(
        "new ZSK {} at {}: at the others after {:.2} s, signs alone after {:.2} s",
        key.tag(),
        signer.kind.program(),
        mirrored.as_secs_f32(),
        signed.as_secs_f32()
    );
    Ok(key)
}

/// The provider rolls its KSK: the new one signs the DNSKEY RRset beside the old one, which stays for now. Gives the DS that
/// the new one needs.
fn roll_ksk(signer: &Signer) -> Result<String> {
    let zone = Name::of(ZONE);
    let old = keys_at(signer)?
        .into_iter()
        .find(|key| signer.ds.contains(&key.ds_text(&zone)))
        .context("no key fits the DS")?;
    let key = publish(signer, Role::Ksk, &old)?;
    until("the new KSK signs", || signs(signer, rtype::DNSKEY, &key))?;
    println!(
        "new KSK {} at {} beside {}",
        key.tag(),
        signer.kind.program(),
        old.tag()
    );
    Ok(key.ds_text(&zone))
}

/// Begins a roll, and waits for the new key.
fn publish(signer: &Signer, role: Role, old: &Key) -> Result<Key> {
    let before = keys_at(signer)?;
    signer.server.roll(role, old)?;
    let mut new = None;
    until("a new key is published", || {
        new = keys_at(signer)?.into_iter().find(|key| !before.contains(key));
        Ok(new.is_some())
    })?;
    new.context("a new key")
}

/// Whether a key signs an RRset at the apex.
fn signs(signer: &Signer, rtype: u16, key: &Key) -> Result<bool> {
    let zone = Name::of(ZONE);
    Ok(probe::rrset(signer.kind.address(), &zone, rtype)?.is_signed_by(key, &zone))
}
