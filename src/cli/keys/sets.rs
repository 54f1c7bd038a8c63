//! DNSKEY sets: from files, and as people and programs see them.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{Context, Failure, Tone};
use crate::dns::{Name, Rtype, parse_records};
use crate::dnssec::Dnskey;
use crate::evidence::hash_line;

/// Keys of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeySet {
    pub(super) zone: Name,
    pub(super) keys: BTreeSet<Dnskey>,
}

impl KeySet {
    /// The union of what the files hold.
    pub(super) fn read_all(files: &[PathBuf]) -> Result<KeySet, Failure> {
        let mut union: Option<KeySet> = None;
        for path in files {
            let set = KeySet::read(path)?;
            match &mut union {
                None => union = Some(set),
                Some(union) if union.zone == set.zone => union.keys.extend(set.keys),
                Some(union) => {
                    return Err(Failure::usage(format!(
                        "{}: keys of {}, and those before are of {}",
                        path.display(),
                        set.zone,
                        union.zone
                    ))
                    .hint("give files of one zone"));
                }
            }
        }
        union.ok_or_else(|| Failure::usage("no file was given"))
    }

    /// What one file holds; signatures in it are passed over.
    pub(super) fn read(path: &Path) -> Result<KeySet, Failure> {
        let fail = |what: String| {
            Failure::usage(format!("{}: {what}", path.display()))
                .hint("expected DNSKEY records in presentation format, one a line, as dig prints them")
        };
        let text = read_text(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
        let mut set: Option<KeySet> = None;
        for record in parse_records(&text, &Name::root(), 0).map_err(|error| fail(error.to_string()))? {
            if record.rtype == Rtype::RRSIG {
                continue;
            }
            if record.rtype != Rtype::DNSKEY {
                return Err(fail(format!("holds a record {} {}", record.name, record.rtype)));
            }
            let key = Dnskey::from_rdata(&record.rdata)
                .ok_or_else(|| fail("a DNSKEY record is too short".to_owned()))?;
            let set = set.get_or_insert_with(|| KeySet {
                zone: record.name.clone(),
                keys: BTreeSet::new(),
            });
            if set.zone != record.name {
                return Err(fail(format!("holds keys of {} and of {}", set.zone, record.name)));
            }
            set.keys.insert(key);
        }
        set.ok_or_else(|| fail("holds no DNSKEY record".to_owned()))
    }

    /// The SHA-256 over the RDATA of all keys in canonical order, in groups that can be read aloud.
    pub(super) fn fingerprint(&self) -> String {
        let mut octets = Vec::new();
        let mut rdatas: Vec<Vec<u8>> = self.keys.iter().map(Dnskey::rdata).collect();
        rdatas.sort();
        rdatas.iter().for_each(|rdata| octets.extend_from_slice(rdata));
        let digits = hash_line(&octets);
        let groups: Vec<&str> = (0..8)
            .filter_map(|group| digits.get(group * 4..group * 4 + 4))
            .collect();
        groups.join("-")
    }

    /// For people.
    pub(super) fn print(&self, context: &Context) {
        for key in &self.keys {
            let line = format!("{:<30} {}", key.id().to_string(), description(key));
            context.out.line(line.trim_end());
        }
        context.out.line(format!(
            "{} of {}: set {}",
            counted(self.keys.len(), "key"),
            self.zone,
            context.out.paint(Tone::Strong, self.fingerprint())
        ));
    }

    /// For programs.
    pub(super) fn document(&self) -> Value {
        json!({
            "zone": self.zone,
            "set": self.fingerprint(),
            "keys": self.keys.iter().map(|key| key_value(&self.zone, key)).collect::<Vec<_>>(),
        })
    }
}

/// One key for programs.
pub(super) fn key_value(zone: &Name, key: &Dnskey) -> Value {
    json!({
        "id": key.id().to_string(),
        "tag": key.tag(),
        "algorithm": key.algorithm,
        "flags": key.flags,
        "sep": key.is_sep(),
        "revoked": key.is_revoked(),
        "record": format!("{zone} IN DNSKEY {key}"),
    })
}

/// What the flags and the algorithm say.
pub(super) fn description(key: &Dnskey) -> String {
    let mut words = vec![format!("flags {}", key.flags)];
    if key.is_sep() {
        words.push("SEP".to_owned());
    }
    if key.is_revoked() {
        words.push("REVOKED".to_owned());
    }
    if !key.is_zone_key() {
        words.push("no zone key".to_owned());
    }
    words.push(algorithm_name(key.algorithm));
    words.join(", ")
}

/// The registry's name of an algorithm.
pub(super) fn algorithm_name(algorithm: u8) -> String {
    let word = match algorithm {
        5 => "RSASHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        other => return format!("algorithm {other}"),
    };
    word.to_owned()
}

/// `1 key`, `2 keys`.
pub(super) fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn read_text(path: &Path) -> std::io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        Ok(text)
    } else {
        std::fs::read_to_string(path)
    }
}
