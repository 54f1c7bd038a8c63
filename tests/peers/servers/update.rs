//! RFC 2136 by way of `nsupdate`.

use std::net::Ipv4Addr;

use anyhow::Result;

use super::Kind;
use crate::oracle::signed::Key;
use crate::process::tool;
use crate::settings::Settings;
use crate::zone::{TSIG_NAME, TTL, ZONE};

/// A place to send updates to: a server and one of its zones.
pub(super) struct Updater {
    dir: std::path::PathBuf,
    key_file: String,
    server: Ipv4Addr,
    zone: &'static str,
}

impl Updater {
    pub(super) fn new(settings: &Settings, server: Ipv4Addr, zone: &'static str) -> Self {
        let key_file = settings.key_file().display().to_string();
        Self {
            dir: settings.dir().to_owned(),
            key_file,
            server,
            zone,
        }
    }

    /// Sends one update, which the server has to accept.
    pub(super) fn send(&self, changes: &[String]) -> Result<()> {
        let mut input = format!("server {} 53\nzone {}\n", self.server, self.zone);
        for change in changes {
            input.push_str(&format!("update {change}\n"));
        }
        input.push_str("send\n");
        tool(&self.dir, "nsupdate", &["-t", "10", "-k", &self.key_file], &input).map(drop)
    }

    pub(super) fn add_key(&self, key: &Key) -> Result<()> {
        self.send(&[format!("add {ZONE} {TTL} DNSKEY {}", key.text())])
    }

    pub(super) fn remove_key(&self, key: &Key) -> Result<()> {
        self.send(&[format!("delete {ZONE} DNSKEY {}", key.text())])
    }

    /// Adds what is missing before it deletes what is too much: the last NS of an apex cannot be deleted.
    pub(super) fn set_name_servers(&self, before: &[&str], names: &[&str]) -> Result<()> {
        let new = names.iter().filter(|name| !before.contains(name));
        let gone = before.iter().filter(|name| !names.contains(name));
        let changes: Vec<String> = new
            .map(|name| format!("add {ZONE} {TTL} NS {name}"))
            .chain(gone.map(|name| format!("delete {ZONE} NS {name}")))
            .collect();
        self.send(&changes)
    }
}

/// An RFC 2136 provider as a table of the settings file of `unbroken`.
pub(super) fn product_settings(kind: Kind, profile: &str) -> String {
    format!(
        "[provider.{}]\ndriver = \"rfc2136\"\nprofile = \"{profile}\"\nserver = \"{}:53\"\n{}name_servers = [\"{}\"]\n",
        kind.label(),
        kind.address(),
        tsig_settings(),
        kind.name_server(),
    )
}

/// The TSIG key as a line of the settings file: its secret comes from the environment.
pub(super) fn tsig_settings() -> String {
    format!(
        "tsig = {{ name = \"{TSIG_NAME}\", algorithm = \"hmac-sha256\", secret = {{ env = \"LAB_TSIG\" }} }}\n"
    )
}
