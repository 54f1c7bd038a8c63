//! PowerDNS as a provider: one CSK, changed through its HTTP API.

use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Kind, Provider, Role};
use crate::oracle::signed::Key;
use crate::probe;
use crate::process::{Daemon, tool};
use crate::settings::Settings;
use crate::zone::{self, TTL, ZONE};

/// Where the API listens; each lab has a network of its own.
const API: ([u8; 4], u16) = ([127, 0, 0, 1], 8081);

/// The table definitions that come with the SQLite backend, if it is installed.
pub(crate) fn schema() -> Option<&'static Path> {
    let places = [
        "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql",
        "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql",
    ];
    places.into_iter().map(Path::new).find(|path| path.is_file())
}

/// A running PowerDNS with the zone.
pub(crate) struct PowerDns {
    daemon: Daemon,
    dir: PathBuf,
    api_key: String,
    /// The foreign keys in the zone: the API replaces the whole set.
    foreign: RefCell<Vec<String>>,
}

impl PowerDns {
    pub(crate) fn start(settings: &Settings) -> Result<Self> {
        let dir = settings.subdir("powerdns")?;
        // Any secret will do; the product is told to read it from this file.
        let api_key = settings.secret().to_owned();
        fs::write(dir.join("api.key"), &api_key)?;
        fs::write(dir.join("pdns.conf"), configuration(&dir, &api_key))?;
        fs::write(dir.join("zone"), zone::child(Kind::PowerDns.name_server()))?;
        let tables = fs::read_to_string(schema().context("pdns-backend-sqlite3 is not installed")?)?;
        tool(&dir, "sqlite3", &["pdns.sqlite3"], &tables)?;
        prepare_zone(&dir, settings)?;
        let config = format!("--config-dir={}", dir.display());
        let mut daemon = Daemon::start(&dir, "pdns_server", &[&config])?;
        daemon.until("the zone is served signed", || probe::is_signed(zone::POWERDNS))?;
        let server = Self {
            daemon,
            dir,
            api_key,
            foreign: RefCell::default(),
        };
        server.request("GET", &Value::Null)?;
        Ok(server)
    }

    /// Replaces a whole RRset at the apex; without content, deletes it.
    fn replace(&self, rtype: &str, contents: &[String]) -> Result<()> {
        let records: Vec<Value> = contents
            .iter()
            .map(|content| json!({ "content": content }))
            .collect();
        let change = if records.is_empty() { "DELETE" } else { "REPLACE" };
        let rrset =
            json!({ "name": ZONE, "type": rtype, "ttl": TTL, "changetype": change, "records": records });
        self.request("PATCH", &json!({ "rrsets": [rrset] }))
    }

    /// One HTTP request about the zone, on a connection of its own.
    fn request(&self, method: &str, body: &Value) -> Result<()> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from(API), Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "{method} /api/v1/servers/localhost/zones/{ZONE} HTTP/1.0\r\nHost: localhost\r\n\
             X-API-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.api_key,
            body.len(),
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let status = reply.split(' ').nth(1).unwrap_or_default();
        ensure!(
            status.starts_with('2'),
            "PowerDNS refused {method} {body}: {reply}"
        );
        Ok(())
    }
}

impl Provider for PowerDns {
    fn add_key(&self, key: &Key) -> Result<()> {
        self.foreign.borrow_mut().push(key.text());
        self.replace("DNSKEY", &self.foreign.borrow())
    }

    fn remove_key(&self, key: &Key) -> Result<()> {
        self.foreign.borrow_mut().retain(|text| *text != key.text());
        self.replace("DNSKEY", &self.foreign.borrow())
    }

    fn set_name_servers(&self, _before: &[&str], names: &[&str]) -> Result<()> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.replace("NS", &names)
    }

    fn roll(&self, _: Role, _: &Key) -> Result<()> {
        bail!("PowerDNS rolls no key by itself")
    }

    fn resign(&self) -> Result<()> {
        // It signs each answer anew in any case.
        let config = format!("--config-dir={}", self.dir.display());
        tool(&self.dir, "pdnsutil", &[&config, "rectify-zone", ZONE], "").map(drop)
    }

    fn restart(&mut self) -> Result<()> {
        self.daemon.restart()?;
        self.daemon
            .until("the zone is served again", || probe::is_signed(zone::POWERDNS))
    }

    fn product_settings(&self) -> String {
        format!(
            "[provider.c]\ndriver = \"powerdns\"\nurl = \"http://127.0.0.1:{}\"\n\
             api_key = {{ file = \"powerdns/api.key\" }}\nname_servers = [\"{}\"]\n",
            API.1,
            Kind::PowerDns.name_server(),
        )
    }

    fn stop(&mut self) {
        self.daemon.stop();
    }
}

/// Imports and signs the zone before the server starts.
fn prepare_zone(dir: &Path, settings: &Settings) -> Result<()> {
    let config = format!("--config-dir={}", dir.display());
    let steps: [&[&str]; 7] = [
        &["load-zone", ZONE, "zone"],
        &["add-zone-key", ZONE, "ksk", "active", "published", "ecdsa256"],
        &["set-publish-cds", ZONE, "2"],
        &["set-publish-cdnskey", ZONE],
        &["import-tsig-key", "lab", "hmac-sha256", settings.secret()],
        &["activate-tsig-key", ZONE, "lab", "primary"],
        &["rectify-zone", ZONE],
    ];
    for step in steps {
        tool(dir, "pdnsutil", &[&[config.as_str()], step].concat(), "")?;
    }
    Ok(())
}

fn configuration(dir: &Path, api_key: &str) -> String {
    let (address, port) = (SocketAddr::from(API).ip(), API.1);
    format!(
        "launch=gsqlite3\ngsqlite3-database={dir}/pdns.sqlite3\ngsqlite3-pragma-synchronous=0\n\
         gsqlite3-dnssec=yes\nlocal-address={dns}\nlocal-port=53\nsocket-dir={dir}\n\
         daemon=no\nguardian=no\ndisable-syslog=yes\nloglevel=4\nsetuid=\nsetgid=\n\
         receiver-threads=1\ndistributor-threads=1\nsecurity-poll-suffix=\nallow-axfr-ips=\n\
         api=yes\napi-key={api_key}\nwebserver=yes\nwebserver-address={address}\nwebserver-port={port}\n\
         webserver-allow-from=127.0.0.0/8\ndirect-dnskey=yes\ndefault-publish-cds=2\ndefault-publish-cdnskey=1\n\
         cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\ndnssec-key-cache-ttl=0\nzone-cache-refresh-interval=0\n",
        dir = dir.display(),
        dns = zone::POWERDNS,
    )
}
