//! The registry of `test.`: Knot DNS or BIND, which signs by itself and takes NS and DS of the child by RFC 2136.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::update::{Updater, tsig_settings};
use super::{Kind, bind, knot};
use crate::probe;
use crate::process::Daemon;
use crate::settings::Settings;
use crate::wire::Name;
use crate::zone::{self, PARENT, REGISTRY, TSIG_NAME, TTL, ZONE};

/// The running registry.
pub(crate) struct Registry {
    daemon: Daemon,
    updater: Updater,
}

impl Registry {
    /// Starts it with the child delegated to one name server.
    pub(crate) fn start(settings: &Settings, kind: Kind, name_server: &str, ds: &[String]) -> Result<Self> {
        let dir = settings.subdir("registry")?;
        fs::write(dir.join("test.zone"), zone::parent(name_server, ds))?;
        let daemon = match kind {
            Kind::Knot => start_knot(settings, &dir)?,
            Kind::Bind => start_bind(settings, &dir)?,
            Kind::PowerDns => bail!("PowerDNS has no role as a registry here"),
        };
        let mut registry = Self {
            daemon,
            updater: Updater::new(settings, REGISTRY, PARENT),
        };
        registry.until_served()?;
        Ok(registry)
    }

    fn until_served(&mut self) -> Result<()> {
        let child = Name::of(ZONE);
        self.daemon.until("the zone is served", || {
            probe::is_signed_apex(REGISTRY, &Name::of(PARENT)) && probe::is_delegated(REGISTRY, &child)
        })
    }

    /// Ends it, starts it again, and waits until it serves its zone.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.daemon.restart()?;
        self.until_served()
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

fn start_knot(settings: &Settings, dir: &Path) -> Result<Daemon> {
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
        preamble = knot::preamble(settings, dir, REGISTRY),
        dir = dir.display(),
    );
    fs::write(dir.join("knot.conf"), configuration)?;
    Daemon::start(dir, "knotd", &["-c", "knot.conf"])
}

fn start_bind(settings: &Settings, dir: &Path) -> Result<Daemon> {
    fs::create_dir_all(dir.join("keys"))?;
    let configuration = format!(
        r#"{preamble}
dnssec-policy "lab" {{
  keys {{
    ksk lifetime unlimited algorithm ecdsap256sha256;
    zsk lifetime unlimited algorithm ecdsap256sha256;
  }};
  dnskey-ttl 60;
}};
zone "test" {{
  type primary;
  file "test.zone";
  dnssec-policy "lab";
  inline-signing no;
  key-directory "keys";
  update-policy {{ grant {TSIG_NAME} name {ZONE} NS DS; }};
}};
"#,
        preamble = bind::preamble(settings, dir, REGISTRY),
    );
    fs::write(dir.join("named.conf"), configuration)?;
    Daemon::start(dir, "named", &["-g", "-n", "1", "-c", "named.conf"])
}
