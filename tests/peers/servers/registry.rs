//! The registry of `test.`: Knot DNS, which signs by itself and takes NS and DS of the child by RFC 2136.

use std::fs;

use anyhow::Result;

use super::knot::preamble;
use super::update::{Updater, tsig_settings};
use crate::probe;
use crate::process::Daemon;
use crate::settings::Settings;
use crate::wire::{Name, rtype};
use crate::zone::{self, PARENT, REGISTRY, TSIG_NAME, TTL, ZONE};

/// The running registry.
pub(crate) struct Registry {
    _daemon: Daemon,
    updater: Updater,
}

impl Registry {
    /// Starts it with the child delegated to one name server.
    pub(crate) fn start(settings: &Settings, name_server: &str, ds: &[String]) -> Result<Self> {
        let dir = settings.subdir("registry")?;
        fs::create_dir_all(dir.join("db"))?;
        let configuration = format!(
            "{preamble}\
             acl:\n  - id: read\n    key: {TSIG_NAME}\n    action: [transfer, query]\n  \
             - id: delegation\n    key: {TSIG_NAME}\n    action: update\n    update-type: [NS, DS]\n    \
             update-owner: name\n    update-owner-name: [shop]\n\
             policy:\n  - id: lab\n    algorithm: ecdsap256sha256\n    zsk-lifetime: 0\n    ksk-lifetime: 0\n    \
             dnskey-ttl: 60\n\
             zone:\n  - domain: {PARENT}\n    storage: {dir}\n    file: test.zone\n    acl: [read, delegation]\n    \
             dnssec-signing: on\n    dnssec-policy: lab\n    zonefile-load: difference\n    zonefile-sync: -1\n    \
             journal-content: all\n",
            preamble = preamble(settings, &dir, REGISTRY),
            dir = dir.display(),
        );
        fs::write(dir.join("knot.conf"), configuration)?;
        fs::write(dir.join("test.zone"), zone::parent(name_server, ds))?;
        let mut daemon = Daemon::start(&dir, "knotd", &["-c", "knot.conf"])?;
        let apex = Name::of(PARENT);
        daemon.until("the zone is served", || {
            probe::has_records(REGISTRY, &apex, rtype::DNSKEY)
        })?;
        Ok(Self {
            _daemon: daemon,
            updater: Updater::new(settings, REGISTRY, PARENT),
        })
    }

    /// Adds records to the child's DS RRset.
    pub(crate) fn add_ds(&self, records: &[String]) -> Result<()> {
        self.updater
            .send(&each(records, |ds| format!("add {ZONE} {TTL} DS {ds}")))
    }

    /// Takes records out of it.
    pub(crate) fn remove_ds(&self, records: &[String]) -> Result<()> {
        self.updater
            .send(&each(records, |ds| format!("delete {ZONE} DS {ds}")))
    }

    /// Makes these names the child's delegation, which were `before`.
    pub(crate) fn set_name_servers(&self, before: &[&str], names: &[&str]) -> Result<()> {
        self.updater.set_name_servers(before, names)
    }

    /// The registry as a table of the settings file of `unbroken`.
    pub(crate) fn product_settings() -> String {
        format!(
            "[parent.registry]\ndriver = \"rfc2136\"\nserver = \"{REGISTRY}:53\"\n{}",
            tsig_settings()
        )
    }
}

fn each(records: &[String], change: impl Fn(&String) -> String) -> Vec<String> {
    records.iter().map(change).collect()
}
