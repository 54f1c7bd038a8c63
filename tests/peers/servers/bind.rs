//! BIND as a provider: it signs by `dnssec-policy` in the zone itself, so that an update can add foreign DNSKEYs.

use std::fs;

use anyhow::Result;

use super::update::{Updater, product_settings};
use super::{Kind, Provider};
use crate::oracle::signed::Key;
use crate::probe;
use crate::process::Daemon;
use crate::settings::Settings;
use crate::zone::{self, TSIG_NAME, TTL, ZONE};

/// A running BIND with the zone.
pub(crate) struct Bind {
    daemon: Daemon,
    updater: Updater,
}

impl Bind {
    pub(crate) fn start(settings: &Settings) -> Result<Self> {
        let dir = settings.subdir("bind")?;
        fs::create_dir_all(dir.join("keys"))?;
        fs::write(dir.join("named.conf"), configuration(settings))?;
        fs::write(dir.join("zone"), zone::child(Kind::Bind.name_server()))?;
        let mut daemon = Daemon::start(&dir, "named", &["-g", "-n", "1", "-c", "named.conf"])?;
        daemon.until("the zone is served signed", || probe::is_signed(zone::BIND))?;
        Ok(Self {
            daemon,
            updater: Updater::new(settings, zone::BIND, ZONE),
        })
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

    fn product_settings(&self) -> String {
        product_settings(Kind::Bind, "bind")
    }

    fn stop(&mut self) {
        self.daemon.stop();
    }
}

fn configuration(settings: &Settings) -> String {
    let key = settings.bind_key();
    let dir = settings.dir().join("bind");
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
controls {{ }};
dnssec-policy "lab" {{
  keys {{
    ksk lifetime unlimited algorithm ecdsap256sha256;
    zsk lifetime unlimited algorithm ecdsap256sha256;
  }};
  dnskey-ttl {TTL};
  max-zone-ttl 5;
  zone-propagation-delay 1;
  publish-safety 1;
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
        dir = dir.display(),
        address = zone::BIND,
    )
}
