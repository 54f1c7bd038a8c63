//! Other validators: delv, Unbound, drill.

use std::fmt;
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use unbroken::dns::{Message, Name, QueryOptions, Rcode, Rtype, query_message};

use crate::process::{Server, free_port, output};
use crate::world::World;

/// What a validator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Secure,
    Insecure,
    /// Bogus, or a failure that it does not tell from that.
    Fails,
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Says::Secure => "secure",
            Says::Insecure => "insecure",
            Says::Fails => "fails",
        })
    }
}

/// BIND's delv.
pub(crate) fn delv(world: &World, port: u16, name: &Name, rtype: Rtype) -> (Says, String) {
    let file = world.path("delv.anchors");
    if !file.exists() {
        let words: Vec<&str> = world.anchor.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "DNSKEY").unwrap();
        let key = words[at + 4..].concat();
        let text = format!(
            "trust-anchors {{ . static-key {} {} {} \"{key}\"; }};\n",
            words[at + 1],
            words[at + 2],
            words[at + 3]
        );
        std::fs::write(&file, text).unwrap();
    }
    let file = file.display().to_string();
    let port = port.to_string();
    let (name, rtype) = (name.to_string(), rtype.to_string());
    let arguments = ["@127.0.0.1", "-p", &port, "-a", &file, "+root=.", &name, &rtype];
    let (_, text) = output(world.dir.path(), "delv", &arguments, Duration::from_secs(20));
    // An alias leads to several parts; the worst counts.
    let says = if text.contains("resolution failed") {
        // A good denial is told as a failure of resolution, and a validated one says so.
        if text.contains("negative response, fully validated") {
            Says::Secure
        } else if text.contains("negative response, unsigned answer") {
            Says::Insecure
        } else {
            Says::Fails
        }
    } else if text.contains("unsigned answer") {
        Says::Insecure
    } else if text.contains("fully validated") {
        Says::Secure
    } else {
        Says::Fails
    };
    (says, text)
}

/// An Unbound that asks one port for everything.
pub(crate) struct Unbound {
    port: u16,
    _server: Server,
}

impl Unbound {
    pub(crate) fn start(world: &World, upstream: u16) -> Unbound {
        let dir = world.path(&format!("unbound-{upstream}"));
        std::fs::create_dir_all(&dir).unwrap();
        let port = free_port();
        let place = dir.display();
        let anchor = world.path("anchor.key").display().to_string();
        let text = format!(
            "server:\n  interface: 127.0.0.1@{port}\n  do-ip6: no\n  username: \"\"\n  chroot: \"\"\n  directory: \"{place}\"\n  \
            pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  num-threads: 1\n  do-not-query-localhost: no\n  \
            trust-anchor-file: \"{anchor}\"\n  module-config: \"validator iterator\"\n  qname-minimisation: no\n  aggressive-nsec: no\n  \
            val-max-restart: 0\n  prefetch: no\n  val-log-level: 2\n  harden-referral-path: no\n  harden-below-nxdomain: no\n  \
            outbound-msg-retry: 1\n  edns-buffer-size: 1232\n  use-caps-for-id: no\n  rrset-roundrobin: no\n  minimal-responses: no\n  \
            infra-host-ttl: 1\n  local-zone: \"test.\" nodefault\nremote-control:\n  control-enable: no\nforward-zone:\n  name: \".\"\n  \
            forward-addr: 127.0.0.1@{upstream}\n"
        );
        std::fs::write(dir.join("unbound.conf"), text).unwrap();
        let mut server = Server::start(&dir, "unbound", &["-d", "-c", "unbound.conf"]);
        let ready = query_message(
            1,
            &Name::parse("version.bind.").unwrap(),
            Rtype::TXT,
            QueryOptions::default(),
        );
        server.until("Unbound answers", || {
            exchange(port, &ready, Duration::from_millis(100)).is_some()
        });
        Unbound {
            port,
            _server: server,
        }
    }

    pub(crate) fn ask(&self, name: &Name, rtype: Rtype) -> (Says, String) {
        let options = QueryOptions {
            recursion: true,
            ..QueryOptions::default()
        };
        let query = query_message(9, name, rtype, options);
        let Some(octets) = exchange(self.port, &query, Duration::from_secs(20)) else {
            return (Says::Fails, "no answer".to_owned());
        };
        let message = Message::parse(&octets).unwrap();
        // AD is the bit 5 of the second half of the flags.
        let authentic = octets[3] & 0x20 != 0;
        let says = match message.rcode {
            Rcode::NOERROR | Rcode::NXDOMAIN if authentic => Says::Secure,
            Rcode::NOERROR | Rcode::NXDOMAIN => Says::Insecure,
            _ => Says::Fails,
        };
        let error = message.edns.and_then(|edns| edns.extended_error);
        (says, format!("{} {error:?}", message.rcode))
    }
}

fn exchange(port: u16, query: &[u8], limit: Duration) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(limit)).unwrap();
    let deadline = Instant::now() + limit;
    socket.send(query).ok()?;
    let mut octets = vec![0; 4096];
    while Instant::now() < deadline {
        let length = socket.recv(&mut octets).ok()?;
        if octets[..2] == query[..2] {
            octets.truncate(length);
            return Some(octets);
        }
    }
    None
}

/// ldns, by drill's chase of signatures.
pub(crate) fn drill(world: &World, port: u16, name: &Name, rtype: Rtype) -> (Says, String) {
    let port = port.to_string();
    let (name, rtype) = (name.to_string(), rtype.to_string());
    let anchor = world.path("anchor.key").display().to_string();
    let arguments = ["-S", "-k", &anchor, "-p", &port, &name, &rtype, "@127.0.0.1"];
    let (_, text) = output(world.dir.path(), "drill", &arguments, Duration::from_secs(20));
    let says = if text.contains("Chase successful") {
        Says::Secure
    } else {
        Says::Fails
    };
    (says, text)
}

#[allow(dead_code, reason = "shown when a scenario fails")]
pub(crate) fn log(dir: &Path, upstream: u16) -> String {
    std::fs::read_to_string(dir.join(format!("unbound-{upstream}/unbound.log"))).unwrap_or_default()
}
