//! Signed zones, made by the tools of others.

use std::path::Path;
use std::process::Command;

use unbroken::dns::{Name, Record, Rtype, parse_records};

/// Everything that a verifier has to tell apart: delegations with and without DS, glue, wildcards, empty non-terminals, a
/// DNAME, an RRset of several records, an escaped label.
pub(crate) const PLAIN: &str = "\
$TTL 300
@ 300 SOA ns1 host 7 7200 3600 1209600 300
@ NS ns1
@ NS ns2
@ MX 10 mail
@ TXT \"one\" \"two\"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
ns2 A 192.0.2.2
mail A 192.0.2.3
www CNAME mail
*.wild TXT \"any\"
a.b.deep A 192.0.2.4
c.b.deep A 192.0.2.5
x\\.y TXT \"dot\"
old DNAME new.test.
plain NS ns.plain
plain NS ns.other.test.
ns.plain A 192.0.2.9
secure NS ns.secure
secure DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
ns.secure A 192.0.2.10
in.lone NS ns.other.test.
";

pub(crate) fn apex() -> Name {
    Name::parse("shop.test").unwrap()
}

/// How a zone is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) algorithm: &'static str,
    /// More arguments of dnssec-signzone.
    pub(crate) arguments: &'static [&'static str],
}

pub(crate) const NSEC: How = How {
    algorithm: "ECDSAP256SHA256",
    arguments: &[],
};

pub(crate) const NSEC3: How = How {
    algorithm: "ECDSAP256SHA256",
    arguments: &["-3", "-", "-H", "0"],
};

/// Runs a tool; its exit status and all that it said.
pub(crate) fn tool(dir: &Path, program: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|error| {
            panic!("{program} (of bind9-utils, bind9-dnsutils, ldnsutils or knot-dnssecutils): {error}")
        });
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn must(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let (code, said) = tool(dir, program, arguments);
    assert_eq!(code, Some(0), "{program} {arguments:?}: {said}");
    said
}

/// The zone `text`, signed by BIND's tools.
pub(crate) fn signed(text: &str, how: How) -> Vec<Record> {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("plain"), text).unwrap();
    for flags in [&["-f", "KSK"][..], &[]] {
        let bits: &[&str] = if how.algorithm.starts_with("RSA") {
            &["-b", "2048"]
        } else {
            &[]
        };
        must(
            dir,
            "dnssec-keygen",
            &[&["-q", "-a", how.algorithm], bits, flags, &["shop.test"]].concat(),
        );
    }
    let arguments = [
        &[
            "-S",
            "-P",
            "-O",
            "full",
            "-e",
            "now+864000",
            "-d",
            ".",
            "-o",
            "shop.test",
            "-f",
            "signed",
        ][..],
        how.arguments,
        &["plain"],
    ];
    must(dir, "dnssec-signzone", &arguments.concat());
    let text = std::fs::read_to_string(dir.join("signed")).unwrap();
    parse_records(&text, &apex(), 300).unwrap()
}

/// The zone, signed by ldns with a ZONEMD record.
pub(crate) fn signed_by_ldns(text: &str, arguments: &[&str]) -> Vec<Record> {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("plain"), format!("$ORIGIN shop.test.\n{text}")).unwrap();
    let key = |flags: &[&str]| {
        let said = must(
            dir,
            "ldns-keygen",
            &[flags, &["-a", "ECDSAP256SHA256", "shop.test"]].concat(),
        );
        said.lines().last().unwrap().trim().to_owned()
    };
    let (ksk, zsk) = (key(&["-k"]), key(&[]));
    let all = [&["-f", "signed"][..], arguments, &["plain", &ksk, &zsk]];
    must(dir, "ldns-signzone", &all.concat());
    let text = std::fs::read_to_string(dir.join("signed")).unwrap();
    parse_records(&text, &apex(), 300).unwrap()
}

/// A master file of records.
pub(crate) fn text(records: &[Record]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

pub(crate) fn at(name: &str, rtype: Rtype) -> impl Fn(&Record) -> bool {
    let name = if name == "@" {
        apex()
    } else {
        Name::parse(&format!("{name}.shop.test")).unwrap()
    };
    move |record: &Record| record.name == name && record.rtype == rtype
}

/// The signatures over a type at a name.
pub(crate) fn over(name: &str, rtype: Rtype) -> impl Fn(&Record) -> bool {
    let here = at(name, Rtype::RRSIG);
    move |record: &Record| here(record) && record.rdata.starts_with(&rtype.0.to_be_bytes())
}
