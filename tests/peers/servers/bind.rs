//! BIND as a provider: it signs by `dnssec-policy` in the zone itself, so that an update can add foreign DNSKEYs.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::update::{Updater, product_settings};
use super::{Kind, Provider, Role};
use crate::lab::until;
use crate::oracle::signed::Key;
use crate::probe;
use crate::process::{Daemon, tool};
use crate::settings::Settings;
use crate::zone::{self, TSIG_NAME, TTL, ZONE};

/// A running BIND with the zone.
pub(crate) struct Bind {
    daemon: Daemon,
    updater: Updater,
    dir: PathBuf,
    key_file: String,
}

impl Bind {
    pub(crate) fn start(settings: &Settings, rsa: bool) -> Result<Self> {
        let dir = settings.subdir("bind")?;
        fs::create_dir_all(dir.join("keys"))?;
        fs::write(dir.join("named.conf"), configuration(settings, &dir, rsa))?;
        fs::write(dir.join("zone"), zone::child(Kind::Bind.name_server()))?;
        let mut daemon = Daemon::start(&dir, "named", &["-g", "-n", "1", "-c", "named.conf"])?;
        daemon.until("the zone is served signed", || probe::is_signed(zone::BIND))?;
        Ok(Self {
            daemon,
            updater: Updater::new(settings, zone::BIND, ZONE),
            dir,
            key_file: settings.key_file().display().to_string(),
        })
    }

    /// Tells the running server something.
    fn control(&self, words: &[&str]) -> Result<String> {
        let server = zone::BIND.to_string();
        let common = ["-s", &server, "-k", &self.key_file, "-y", TSIG_NAME];
        tool(&self.dir, "rndc", &[&common[..], words].concat(), "")
    }

    /// As its operator has to before a KSK is rolled: BIND is told that the DS is there, and takes its time to believe it.
    /// It would take out the old key at once otherwise.
    fn knows_of_ds(&self, tag: &str) -> Result<()> {
        self.control(&["dnssec", "-checkds", "-key", tag, "published", ZONE])?;
        until("BIND counts on the DS", || {
            let state = self.state(tag, "ds")?;
            Ok(state.contains("rumoured") || state.contains("omnipresent"))
        })
    }

    /// Waits until BIND takes a ZSK and its signatures to be in every cache; one that is rolled before is taken out at once.
    fn counts_on(&self, tag: &str) -> Result<()> {
        until("BIND counts on the ZSK", || {
            let settled = |what| Ok::<bool, anyhow::Error>(self.state(tag, what)?.contains("omnipresent"));
            Ok(settled("dnskey")? && settled("zone rrsig")?)
        })
    }

    /// What BIND says of a key: the line of its status that begins so.
    fn state(&self, tag: &str, what: &str) -> Result<String> {
        let status = self.control(&["dnssec", "-status", ZONE])?;
        let own = status.split("\nkey: ").find(|part| part.starts_with(tag));
        let begins = format!("- {what}:");
        let line = own.and_then(|part| part.lines().find(|line| line.trim_start().starts_with(&begins)));
        Ok(line.unwrap_or_default().to_owned())
    }
}

impl Provider for Bind {
    fn add_key(&self, key: &Key) -> Result<()> {
        self.updater.add_key(key)
    }

    fn remove_key(&self, key: &Key) -> Result<()> {
        self.updater.remove_key(key)
    }

    fn set_name_servers(&self, before: &[&str], names: &[&str]) -> Result<()> {
        self.updater.set_name_servers(before, names)
    }

    fn roll(&self, role: Role, old: &Key) -> Result<()> {
        let tag = old.tag().to_string();
        match role {
            Role::Ksk => self.knows_of_ds(&tag)?,
            Role::Zsk => self.counts_on(&tag)?,
        }
        self.control(&["dnssec", "-rollover", "-key", &tag, ZONE])
            .map(drop)
    }

    fn resign(&self) -> Result<()> {
        self.control(&["sign", ZONE]).map(drop)
    }

    fn restart(&mut self) -> Result<()> {
        self.daemon.restart()?;
        self.daemon
            .until("the zone is served again", || probe::is_signed(zone::BIND))
    }

    fn product_settings(&self) -> String {
        product_settings(Kind::Bind, "bind")
    }

    fn stop(&mut self) {
        self.daemon.stop();
    }
}

/// The options of every BIND of the lab.
pub(super) fn preamble(settings: &Settings, dir: &Path, address: Ipv4Addr) -> String {
    let (key, dir) = (settings.bind_key(), dir.display());
    format!(
        r#"{key}
options {{
  directory "{dir}";
  listen-on port 53 {{ {address}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  lock-file none;
  recursion no;
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  allow-transfer {{ key "{TSIG_NAME}"; }};
}};
controls {{ inet {address} port 953 allow {{ any; }} keys {{ "{TSIG_NAME}"; }}; }};
"#
    )
}

/// A new ZSK signs after the DNSKEY RRset's TTL and the two delays: time enough to copy it elsewhere.
fn configuration(settings: &Settings, dir: &Path, rsa: bool) -> String {
    let algorithm = if rsa { "rsasha256 2048" } else { "ecdsap256sha256" };
    format!(
        r#"{preamble}
dnssec-policy "lab" {{
  keys {{
    ksk lifetime unlimited algorithm {algorithm};
    zsk lifetime unlimited algorithm {algorithm};
  }};
  dnskey-ttl {TTL};
  max-zone-ttl 5;
  zone-propagation-delay 1;
  publish-safety 5;
  retire-safety 1;
}};
zone "shop.test" {{
  type primary;
  file "zone";
  dnssec-policy "lab";
  inline-signing no;
  key-directory "keys";
  update-policy {{ grant {TSIG_NAME} zonesub ANY; }};
}};
"#,
        preamble = preamble(settings, dir, zone::BIND),
    )
}
