//! Knot DNS as a provider: incremental DNSKEY management lets foreign keys stay in the zone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::update::{Updater, product_settings};
use super::{Kind, Provider, Role};
use crate::oracle::signed::Key;
use crate::probe;
use crate::process::{Daemon, tool};
use crate::settings::Settings;
use crate::zone::{self, TSIG_NAME, TTL, ZONE};

/// A running Knot DNS with the zone.
pub(crate) struct Knot {
    daemon: Daemon,
    updater: Updater,
    dir: PathBuf,
}

impl Knot {
    pub(crate) fn start(settings: &Settings, nsec3: bool, rsa: bool) -> Result<Self> {
        let dir = settings.subdir("knot")?;
        fs::create_dir_all(dir.join("db"))?;
        fs::write(dir.join("knot.conf"), configuration(settings, &dir, nsec3, rsa))?;
        fs::write(dir.join("shop.test.zone"), zone::child(Kind::Knot.name_server()))?;
        let mut daemon = Daemon::start(&dir, "knotd", &["-c", "knot.conf"])?;
        daemon.until("the zone is served signed", || probe::is_signed(zone::KNOT))?;
        Ok(Self {
            daemon,
            updater: Updater::new(settings, zone::KNOT, ZONE),
            dir,
        })
    }

    /// Tells the running server something.
    fn control(&self, words: &[&str]) -> Result<()> {
        tool(&self.dir, "knotc", &[&["-c", "knot.conf"], words].concat(), "").map(drop)
    }
}

impl Provider for Knot {
    fn add_key(&self, key: &Key) -> Result<()> {
        self.updater.add_key(key)
    }

    fn remove_key(&self, key: &Key) -> Result<()> {
        self.updater.remove_key(key)
    }

    fn set_name_servers(&self, before: &[&str], names: &[&str]) -> Result<()> {
        self.updater.set_name_servers(before, names)
    }

    fn roll(&self, role: Role, _: &Key) -> Result<()> {
        let role = match role {
            Role::Ksk => "ksk",
            Role::Zsk => "zsk",
        };
        self.control(&["zone-key-rollover", ZONE, role])
    }

    fn resign(&self) -> Result<()> {
        self.control(&["zone-sign", ZONE])
    }

    fn restart(&mut self) -> Result<()> {
        self.daemon.restart()?;
        self.daemon
            .until("the zone is served again", || probe::is_signed(zone::KNOT))
    }

    fn product_settings(&self) -> String {
        product_settings(Kind::Knot, "knot")
    }

    fn stop(&mut self) {
        self.daemon.stop();
    }
}

/// What every Knot DNS of the lab has in common.
pub(super) fn preamble(settings: &Settings, dir: &Path, address: std::net::Ipv4Addr) -> String {
    format!(
        "server:\n  rundir: {dir}\n  listen: {address}@53\n  udp-workers: 1\n  tcp-workers: 1\n  \
         background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n  storage: {dir}/db\n{key}",
        dir = dir.display(),
        key = settings.knot_key(),
    )
}

/// A new ZSK signs after the DNSKEY RRset's TTL and the propagation delay: time enough to copy it elsewhere.
fn configuration(settings: &Settings, dir: &Path, nsec3: bool, rsa: bool) -> String {
    format!(
        "{preamble}\
         acl:\n  - id: lab\n    key: {TSIG_NAME}\n    action: [transfer, update, query]\n\
         policy:\n  - id: lab\n    algorithm: {algorithm}\n    zsk-lifetime: 0\n    ksk-lifetime: 0\n    \
         dnskey-ttl: {TTL}\n    propagation-delay: 6\n    delete-delay: 1d\n    dnskey-management: incremental\n    \
         cds-cdnskey-publish: always\n    nsec3: {nsec3}\n    nsec3-iterations: 0\n    nsec3-salt-length: 0\n\
         zone:\n  - domain: {ZONE}\n    storage: {dir}\n    file: shop.test.zone\n    acl: lab\n    \
         dnssec-signing: on\n    dnssec-policy: lab\n    zonefile-load: difference\n    zonefile-sync: -1\n    \
         journal-content: all\n",
        preamble = preamble(settings, dir, zone::KNOT),
        algorithm = if rsa { "rsasha256" } else { "ecdsap256sha256" },
        nsec3 = if nsec3 { "on" } else { "off" },
        dir = dir.display(),
    )
}
