//! One little internet: root, registry, two providers with the zone, and the two judges.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::isolation;
use crate::oracle::Oracle;
use crate::oracle::signed::{Key, Rrset};
use crate::probe;
use crate::servers::registry::Registry;
use crate::servers::root::Root;
use crate::servers::{Kind, Provider};
use crate::settings::Settings;
use crate::unbound::Unbound;
use crate::wire::{Name, rtype};
use crate::zone::{PARENT, REGISTRY, TTL, ZONE};

/// A provider of the lab, and the keys that it made for the zone.
pub(crate) struct Signer {
    pub(crate) kind: Kind,
    pub(crate) server: Box<dyn Provider>,
    /// Those that sign the zone's data.
    pub(crate) signing: Vec<Key>,
    /// Those that sign the DNSKEY RRset, as DS records.
    pub(crate) ds: Vec<String>,
}

impl Signer {
    fn start(kind: Kind, settings: &Settings, setup: Setup) -> Result<Self> {
        let server = kind.start(settings, setup.nsec3, setup.rsa_at == Some(kind))?;
        let apex = Name::of(ZONE);
        let keys = probe::rrset(kind.address(), &apex, rtype::DNSKEY)?;
        let soa = probe::rrset(kind.address(), &apex, rtype::SOA)?;
        let made = |set: &Rrset| -> Vec<Key> {
            keys.keys()
                .into_iter()
                .filter(|key| set.is_signed_by(key, &apex))
                .collect()
        };
        let signing = made(&soa);
        let ds: Vec<String> = made(&keys).iter().map(|key| key.ds_text(&apex)).collect();
        ensure!(
            !signing.is_empty() && !ds.is_empty(),
            "the zone at {kind:?} is not signed by its keys"
        );
        Ok(Self {
            kind,
            server,
            signing,
            ds,
        })
    }
}

/// What differs from lab to lab besides the providers.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// Whether Knot DNS denies with NSEC3; everybody else has NSEC.
    pub(crate) nsec3: bool,
    /// What the registry runs.
    pub(crate) registry: Kind,
    /// Who signs with RSASHA256; everybody else has ECDSAP256SHA256.
    pub(crate) rsa_at: Option<Kind>,
}

/// The whole lab. The first provider is the delegated one; the others have the same zone, signed with keys of their own.
pub(crate) struct Lab {
    pub(crate) signers: Vec<Signer>,
    pub(crate) registry: Registry,
    pub(crate) oracle: Oracle,
    pub(crate) unbound: Unbound,
    pub(crate) settings: Settings,
    pub(crate) anchor: String,
    _root: Root,
}

impl Lab {
    /// Starts everything in the directory of the running scenario, and lets the judges begin.
    pub(crate) fn start(providers: &[Kind], setup: Setup) -> Result<Self> {
        let begun = Instant::now();
        let settings = Settings::new(&isolation::directory()?)?;
        let signers = providers
            .iter()
            .map(|kind| Signer::start(*kind, &settings, setup))
            .collect::<Result<Vec<_>>>()?;
        let first = signers.first().context("a lab without providers")?;
        let registry = Registry::start(&settings, setup.registry, first.kind.name_server(), &first.ds)?;
        let parent = Name::of(PARENT);
        let keys = probe::rrset(REGISTRY, &parent, rtype::DNSKEY)?;
        let entry: Vec<String> = keys
            .keys()
            .iter()
            .filter(|key| keys.is_signed_by(key, &parent))
            .map(|key| key.ds_text(&parent))
            .collect();
        let root = Root::start(&settings, &entry)?;
        let anchor = root.anchor().to_owned();
        let unbound = Unbound::start(&settings, &anchor)?;
        let oracle = Oracle::start(&anchor, providers.to_vec())?;
        println!("started in {:.1} s", begun.elapsed().as_secs_f32());
        Ok(Self {
            signers,
            registry,
            oracle,
            unbound,
            settings,
            anchor,
            _root: root,
        })
    }

    /// The provider that is delegated at first.
    pub(crate) fn leaver(&self) -> &Signer {
        &self.signers[0]
    }

    /// The provider that comes next.
    pub(crate) fn newcomer(&self) -> &Signer {
        &self.signers[1]
    }

    /// What both judges have seen so far.
    pub(crate) fn verdicts(&self) -> String {
        let findings = self.oracle.findings();
        let mut text = format!("{findings}\n{}", self.unbound.tally());
        for fault in &findings.faults {
            text.push_str(&format!("\nfault: {}", fault.text));
        }
        text
    }

    /// Ends the judges; both have to be content.
    pub(crate) fn expect_clean(self) -> Result<()> {
        let findings = self.oracle.findings();
        let tally = self.unbound.finish();
        println!("{findings}\n{tally}");
        findings.expect_clean()?;
        tally.expect_clean()
    }
}

/// Waits until something holds that is asked of the servers.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(25);
    while !holds().with_context(|| format!("while waiting until {what}"))? {
        ensure!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Waits until nothing that was served before now can be in a cache: one second more than the TTL, since Unbound counts
/// in whole seconds, and a margin for a slow machine. Two lives: a name server that was taken out is asked for one TTL
/// more, and what it said then is held for another.
pub(crate) fn outlast_caches(lives: u32) {
    std::thread::sleep(Duration::from_secs(u64::from(TTL + 1)) * lives + Duration::from_millis(500));
}
