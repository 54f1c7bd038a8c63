//! Keys that a person looked at and took for good: `keys/<zone>/<provider>.dnskey` beside the settings.
//!
//! DNSKEY records in presentation format, one a line; comment lines say who, when and from where.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{Place, SettingsError};
use crate::adapters::journal::zone_dir;
use crate::dns::{Name, Rtype, parse_records};
use crate::dnssec::Dnskey;
use crate::moment::Moment;

/// The content of such a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedKeys {
    /// The zone.
    pub zone: Name,
    /// The keys.
    pub keys: BTreeSet<Dnskey>,
    /// Who pinned them, in their own words.
    pub by: Option<String>,
    /// When.
    pub at: Option<Moment>,
    /// Where the keys were seen.
    pub source: Option<String>,
}

/// Where the keys of a provider are pinned. `folder` is that of the settings file.
pub fn pinned_path(folder: &Path, zone: &Name, provider: &str) -> PathBuf {
    zone_dir(&folder.join("keys"), zone).join(format!("{provider}.dnskey"))
}

const BY: &str = "; pinned-by: ";
const AT: &str = "; pinned-at: ";
const SOURCE: &str = "; source: ";

impl PinnedKeys {
    /// Reads a file; none where there is none.
    ///
    /// # Errors
    /// If it cannot be read, does not parse, or holds something else than DNSKEY records of `zone`.
    pub fn load(path: &Path, zone: &Name) -> Result<Option<PinnedKeys>, SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, zone).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SettingsError::new(
                Place::whole(path),
                format!("cannot be read: {error}"),
            )),
        }
    }

    /// Reads `text`, the content of `path`.
    ///
    /// # Errors
    /// As [`PinnedKeys::load`].
    pub fn parse(path: &Path, text: &str, zone: &Name) -> Result<PinnedKeys, SettingsError> {
        let fail = |what: String| SettingsError::new(Place::whole(path), what);
        let mut keys = BTreeSet::new();
        for record in parse_records(text, zone, 0).map_err(|error| fail(error.to_string()))? {
            if record.rtype != Rtype::DNSKEY || record.name != *zone {
                return Err(fail(format!(
                    "only DNSKEY records of {zone} belong here, not {} {}",
                    record.name, record.rtype
                )));
            }
            let key = Dnskey::from_rdata(&record.rdata)
                .ok_or_else(|| fail("a DNSKEY record is too short".to_owned()))?;
            keys.insert(key);
        }
        if keys.is_empty() {
            return Err(fail("no DNSKEY record in it".to_owned()));
        }
        let comment = |mark: &str| text.lines().find_map(|line| line.strip_prefix(mark));
        Ok(PinnedKeys {
            zone: zone.clone(),
            keys,
            by: comment(BY).map(str::to_owned),
            at: comment(AT).and_then(|text| text.parse().ok()),
            source: comment(SOURCE).map(str::to_owned),
        })
    }

    /// The content of the file.
    pub fn text(&self) -> String {
        let mut out = format!(
            "; Keys of {} that a person compared with what the provider says and pinned.\n",
            self.zone
        );
        let lines = [
            (BY, self.by.clone()),
            (AT, self.at.map(|at| at.to_string())),
            (SOURCE, self.source.clone()),
        ];
        for (mark, value) in lines {
            if let Some(value) = value {
                // A comment ends with its line.
                let _ = writeln!(out, "{mark}{}", value.replace(['\n', '\r'], " "));
            }
        }
        for key in &self.keys {
            let _ = writeln!(out, "; key {}", key.id());
            let _ = writeln!(out, "{} IN DNSKEY {key}", self.zone);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        let zone = Name::parse("shop.test").unwrap();
        let key = |octet| Dnskey {
            flags: 257,
            protocol: 3,
            algorithm: 13,
            public_key: vec![octet; 64],
        };
        let pinned = PinnedKeys {
            zone: zone.clone(),
            keys: [key(1), key(2)].into(),
            by: Some("ann\nshop.test. IN DNSKEY 0 0 0 AA==".to_owned()),
            at: Some(Moment::from_seconds(1_795_000_000)),
            source: Some("192.0.2.1 over plain DNS".to_owned()),
        };
        let read = PinnedKeys::parse(Path::new("p"), &pinned.text(), &zone).unwrap();
        assert_eq!((&read.keys, read.at), (&pinned.keys, pinned.at));
        assert_eq!(read.by.as_deref(), Some("ann shop.test. IN DNSKEY 0 0 0 AA=="));
    }

    #[test]
    fn refuses_what_does_not_belong() {
        let zone = Name::parse("shop.test").unwrap();
        let error = |text| {
            PinnedKeys::parse(Path::new("p"), text, &zone)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(error("; nothing\n"), "p: no DNSKEY record in it");
        assert_eq!(
            error("shop.test. IN A 192.0.2.1\n"),
            "p: only DNSKEY records of shop.test. belong here, not shop.test. A"
        );
        assert!(error("other.test. IN DNSKEY 257 3 13 AAAA\n").contains("not other.test. DNSKEY"));
        assert!(error("shop.test. IN DNSKEY 257 3 13 !\n").starts_with("p: line 1:"));
        let file = pinned_path(Path::new("cfg"), &zone, "b");
        assert_eq!(file, Path::new("cfg/keys/shop.test/b.dnskey"));
    }
}
