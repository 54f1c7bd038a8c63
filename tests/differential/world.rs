//! Zones that BIND, Knot DNS and ldns sign, and an NSD that serves all of them.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use unbroken::dns::{Message, Name, QueryOptions, Rtype, query_message};

use crate::process::{Server, free_port, output, run};
use crate::signer::Signer;

/// The signed zones below `test.`, and who signs them: BIND with NSEC and algorithm 13; BIND with NSEC3, opt-out and
/// algorithm 8; Knot DNS with NSEC3 and algorithm 15; ldns with NSEC3 and algorithm 14; ldns with NSEC and algorithm 13.
pub(crate) const CHILDREN: [&str; 5] = ["b1.test.", "b3.test.", "kn.test.", "ld.test.", "ln.test."];

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    port: u16,
    _nsd: Server,
    known: Mutex<HashMap<(Name, Rtype), Message>>,
    /// Keys of zones that BIND signs, to sign anew what was changed.
    pub(crate) signers: HashMap<String, Vec<Signer>>,
    /// The root's DNSKEY record.
    pub(crate) anchor: String,
}

fn child(zone: &str, other: &str) -> String {
    format!(
        "$TTL 300\n$ORIGIN {zone}\n@ SOA ns root 1 3600 900 86400 300\n@ NS ns\n@ MX 10 www\n@ MX 10 mid\nns A 127.0.0.1\nwww A 192.0.2.1\n\
        www A 192.0.2.2\nwww TXT \"one\" \"two\"\n*.wild A 192.0.2.3\n*.wild TXT \"wild\"\na.ent TXT \"below\"\nalias CNAME www\n\
        far CNAME www.{other}\nd DNAME target\nx.target A 192.0.2.4\nins NS ns.ins\nns.ins A 127.0.0.1\nmid A 192.0.2.5\nzz A 192.0.2.6\n"
    )
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).unwrap();
}

fn key_of(text: String) -> String {
    text.lines().last().unwrap_or_default().trim().to_owned()
}

/// Signs with BIND: the DS records, and the keys.
fn bind(dir: &Path, zone: &str, algorithm: &[&str], options: &[&str]) -> (String, Vec<String>) {
    let file = file(zone);
    let ksk = key_of(run(
        dir,
        "dnssec-keygen",
        &[&["-q", "-f", "KSK"], algorithm, &[zone]].concat(),
    ));
    let zsk = key_of(run(dir, "dnssec-keygen", &[&["-q"], algorithm, &[zone]].concat()));
    let keys: String = [&ksk, &zsk]
        .iter()
        .map(|key| format!("$INCLUDE {key}.key\n"))
        .collect();
    let text = std::fs::read_to_string(dir.join(&file)).unwrap();
    write(dir, &file, &format!("{text}{keys}"));
    let signed = format!("{file}.signed");
    let arguments = [
        &["-q", "-O", "full", "-e", "+2592000", "-o", zone, "-f", &signed],
        options,
        &[&file, &zsk],
    ]
    .concat();
    let arguments: Vec<&str> = [&["-k", &ksk][..], &arguments].concat();
    run(dir, "dnssec-signzone", &arguments);
    let ds = run(dir, "dnssec-dsfromkey", &["-2", &format!("{ksk}.key")]);
    (ds, vec![ksk, zsk])
}

fn ldns(dir: &Path, zone: &str, algorithm: &str, options: &[&str]) -> String {
    let file = file(zone);
    let ksk = key_of(run(dir, "ldns-keygen", &["-k", "-a", algorithm, zone]));
    let zsk = key_of(run(dir, "ldns-keygen", &["-a", algorithm, zone]));
    let signed = format!("{file}.signed");
    run(
        dir,
        "ldns-signzone",
        &[&["-o", zone, "-f", &signed], options, &[&file, &zsk, &ksk]].concat(),
    );
    run(dir, "dnssec-dsfromkey", &["-2", &format!("{ksk}.key")])
}

/// Knot DNS signs as it serves; the zone is taken from it by transfer.
fn knot(dir: &Path, zone: &str) -> String {
    let port = free_port();
    let place = dir.display();
    let file = file(zone);
    std::fs::create_dir_all(dir.join("knot")).unwrap();
    write(
        dir,
        "knot.conf",
        &format!(
            "server:\n  listen: 127.0.0.1@{port}\n  rundir: {place}\ndatabase:\n  storage: {place}/knot\nacl:\n  - id: all\n    \
            address: 127.0.0.1\n    action: transfer\npolicy:\n  - id: p\n    algorithm: ed25519\n    nsec3: on\n    \
            nsec3-iterations: 0\n    nsec3-salt-length: 8\ntemplate:\n  - id: default\n    storage: {place}\nzone:\n  - domain: {zone}\n    \
            file: {file}\n    zonefile-sync: -1\n    journal-content: none\n    zonefile-load: whole\n    dnssec-signing: on\n    \
            dnssec-policy: p\n    acl: all\n"
        ),
    );
    let mut server = Server::start(dir, "knotd", &["-c", "knot.conf"]);
    let port = port.to_string();
    let axfr = [
        "@127.0.0.1",
        "-p",
        &port,
        zone,
        "AXFR",
        "+noall",
        "+answer",
        "+time=2",
        "+tries=1",
    ];
    let mut text = String::new();
    server.until("Knot DNS has signed", || {
        text = output(dir, "dig", &axfr, Duration::from_secs(3)).1;
        text.contains("NSEC3PARAM")
    });
    let records: Vec<&str> = text.lines().filter(|line| !line.starts_with(';')).collect();
    // The SOA stands at both ends of a transfer.
    write(
        dir,
        &format!("{file}.signed"),
        &format!("{}\n", records[..records.len() - 1].join("\n")),
    );
    run(dir, "keymgr", &["-c", "knot.conf", zone, "ds"])
        .lines()
        .filter(|line| line.split_whitespace().nth(4) == Some("2"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn file(zone: &str) -> String {
    format!("{}zone", if zone == "." { "root." } else { zone })
}

impl World {
    pub(crate) fn start() -> World {
        let dir = tempfile::Builder::new()
            .prefix("unbroken-d")
            .tempdir_in("/tmp")
            .unwrap();
        let at = dir.path();
        for (index, zone) in CHILDREN.iter().enumerate() {
            let other = CHILDREN[(index + 1) % CHILDREN.len()];
            write(at, &file(zone), &child(zone, other));
        }
        let p256 = ["-a", "ECDSAP256SHA256"];
        let mut delegations = String::new();
        let mut signers = HashMap::new();
        let (ds, keys) = bind(at, CHILDREN[0], &p256, &[]);
        delegations.push_str(&ds);
        signers.insert(CHILDREN[0].to_owned(), Signer::read_all(at, &keys));
        let rsa = ["-a", "RSASHA256", "-b", "2048"];
        delegations.push_str(&bind(at, CHILDREN[1], &rsa, &["-3", "-", "-H", "0", "-A"]).0);
        delegations.push_str(&knot(at, CHILDREN[2]));
        delegations.push_str(&ldns(
            at,
            CHILDREN[3],
            "ECDSAP384SHA384",
            &["-n", "-t", "0", "-s", "aabbccdd"],
        ));
        delegations.push_str(&ldns(at, CHILDREN[4], "ECDSAP256SHA256", &[]));
        for zone in CHILDREN {
            delegations.push_str(&format!("{zone} NS ns.{zone}\nns.{zone} A 127.0.0.1\n"));
        }
        let soa = "$TTL 300\n@ SOA ns.test. root.test. 1 3600 900 86400 300\n@ NS ns.test.\n";
        write(
            at,
            &file("test."),
            &format!("{soa}ns.test. A 127.0.0.1\nplain.test. NS ns.test.\n{delegations}"),
        );
        let (ds, keys) = bind(at, "test.", &p256, &[]);
        signers.insert("test.".to_owned(), Signer::read_all(at, &keys));
        write(
            at,
            &file("."),
            &format!("{soa}test. NS ns.test.\nns.test. A 127.0.0.1\n{ds}"),
        );
        let (_, keys) = bind(at, ".", &p256, &[]);
        signers.insert(".".to_owned(), Signer::read_all(at, &keys));
        let anchor = std::fs::read_to_string(at.join(format!("{}.key", keys[0])))
            .unwrap()
            .lines()
            .find(|line| !line.starts_with(';'))
            .unwrap()
            .to_owned();
        write(at, "anchor.key", &format!("{anchor}\n"));
        let port = free_port();
        let nsd = serve(at, port);
        World {
            dir,
            port,
            _nsd: nsd,
            known: Mutex::new(HashMap::new()),
            signers,
            anchor,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What NSD answers, undamaged.
    pub(crate) fn honest(&self, name: &Name, rtype: Rtype) -> Message {
        let question = (name.clone(), rtype);
        if let Some(known) = self.known.lock().unwrap().get(&question) {
            return known.clone();
        }
        let found = ask(self.port, name, rtype).unwrap();
        self.known.lock().unwrap().insert(question, found.clone());
        found
    }
}

/// One question over TCP.
fn ask(port: u16, name: &Name, rtype: Rtype) -> std::io::Result<Message> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let query = query_message(7, name, rtype, QueryOptions::default());
    let mut framed = u16::try_from(query.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(query);
    stream.write_all(&framed)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut octets)?;
    Ok(Message::parse(&octets).unwrap())
}

fn serve(dir: &Path, port: u16) -> Server {
    let place = dir.display();
    let mut conf = format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{place}\"\n  pidfile: \"\"\n  \
        database: \"\"\n  zonelistfile: \"{place}/zone.list\"\n  xfrdfile: \"{place}/xfrd.state\"\n  xfrdir: \"{place}\"\n  \
        server-count: 1\nremote-control:\n  control-enable: no\n"
    );
    let mut zones: Vec<(String, String)> = [".", "test."]
        .iter()
        .chain(&CHILDREN)
        .map(|zone| ((*zone).to_owned(), format!("{}.signed", file(zone))))
        .collect();
    for zone in CHILDREN
        .iter()
        .map(|child| format!("ins.{child}"))
        .chain(["plain.test.".to_owned()])
    {
        let name = file(&zone);
        let text = format!(
            "$TTL 300\n$ORIGIN {zone}\n@ SOA ns root 1 3600 900 86400 300\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.9\n"
        );
        write(dir, &name, &text);
        zones.push((zone, name));
    }
    for (zone, file) in zones {
        conf.push_str(&format!("zone:\n  name: \"{zone}\"\n  zonefile: \"{file}\"\n"));
    }
    write(dir, "nsd.conf", &conf);
    let mut server = Server::start(dir, "nsd", &["-d", "-c", "nsd.conf"]);
    let root = Name::root();
    server.until("NSD answers", || {
        ask(port, &root, Rtype::SOA).is_ok_and(|message| !message.answer.is_empty())
    });
    server
}
