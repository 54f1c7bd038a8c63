//! The root: signed once, served by NSD.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::probe;
use crate::process::{Daemon, tool};
use crate::settings::Settings;
use crate::wire::{Name, rtype};
use crate::zone::{self, ROOT};

/// The running root.
pub(crate) struct Root {
    _daemon: Daemon,
    anchor: String,
}

impl Root {
    /// Signs the root zone with new keys and serves it.
    pub(crate) fn start(settings: &Settings, ds: &[String]) -> Result<Self> {
        let dir = settings.subdir("root")?;
        fs::write(dir.join("root.zone"), zone::root(ds))?;
        let key = ["-q", "-a", "ECDSAP256SHA256", "."];
        tool(&dir, "dnssec-keygen", &key, "")?;
        tool(&dir, "dnssec-keygen", &[&["-f", "KSK"], &key[..]].concat(), "")?;
        tool(
            &dir,
            "dnssec-signzone",
            &["-S", "-q", "-o", ".", "-f", "root.signed", "root.zone"],
            "",
        )?;
        fs::write(dir.join("nsd.conf"), configuration(&dir))?;
        let mut daemon = Daemon::start(&dir, "nsd", &["-d", "-c", "nsd.conf"])?;
        let apex = Name::of(".");
        daemon.until("the zone is served", || {
            probe::has_records(ROOT, &apex, rtype::DNSKEY)
        })?;
        Ok(Self {
            _daemon: daemon,
            anchor: anchor(&dir)?,
        })
    }

    /// The RDATA of the root's KSK as text.
    pub(crate) fn anchor(&self) -> &str {
        &self.anchor
    }
}

fn configuration(dir: &Path) -> String {
    format!(
        "server:\n  ip-address: {ROOT}\n  port: 53\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  \
         database: \"\"\n  zonesdir: \"{dir}\"\n  pidfile: \"{dir}/nsd.pid\"\n  xfrdfile: \"{dir}/xfrd\"\n  \
         zonelistfile: \"{dir}/zones\"\n  xfrdir: \"{dir}\"\n  cookie-secret-file: \"{dir}/cookies\"\n\
         remote-control:\n  control-enable: no\n\
         zone:\n  name: \".\"\n  zonefile: \"root.signed\"\n",
        dir = dir.display(),
    )
}

/// Finds the KSK among the key files: `. IN DNSKEY 257 3 13` and the key in one or more pieces.
fn anchor(dir: &Path) -> Result<String> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "key") {
            let text = fs::read_to_string(&path)?;
            if let Some((_, key)) = text.split_once("DNSKEY 257 3 13 ") {
                return Ok(format!("257 3 13 {}", key.split_whitespace().collect::<String>()));
            }
        }
    }
    None.context("dnssec-keygen left no KSK")
}
