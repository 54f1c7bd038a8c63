//! Where a copy of a zone comes from, and reading it into a sink.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::Reading;
use super::meter::Meter;
use crate::adapters::{
    NetTransport, SecretRef, SystemClock, Transfer, TsigAlgorithm, TsigKey, ZoneFile, ZoneFileError,
};
use crate::cli::crew::{Reach, reach};
use crate::cli::{Context, Failure};
use crate::dns::master::{MasterReader, RawRecord};
use crate::dns::{Name, OwnerSet, Rtype};
use crate::ports::{DriverError, FailureClass, Provider};
use crate::zone::{Ignore, Sink};

/// A copy of a zone, as it was named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A master file.
    File(PathBuf),
    /// A transfer.
    Axfr {
        /// From whom.
        server: SocketAddr,
        /// Of what.
        zone: Name,
    },
    /// What a provider of the settings holds.
    Provider {
        /// Its name there.
        name: String,
        /// The zone.
        zone: Name,
    },
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix("axfr://") {
            return axfr(rest).ok_or_else(|| {
                format!("'{text}' is no axfr://SERVER[:PORT]/ZONE (SERVER is an address; IPv6 in brackets)")
            });
        }
        // A path that exists is a path, whatever is in its name.
        if Path::new(text).exists() {
            return Ok(Source::File(PathBuf::from(text)));
        }
        match text.split_once(':') {
            Some((name, zone)) if is_provider(name) && !zone.contains('/') => Ok(Source::Provider {
                name: name.to_owned(),
                zone: Name::parse(zone).map_err(|error| error.to_string())?,
            }),
            _ => Ok(Source::File(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Axfr { server, zone } => write!(f, "axfr://{server}/{zone}"),
            Source::Provider { name, zone } => write!(f, "{name}:{zone}"),
        }
    }
}

fn axfr(rest: &str) -> Option<Source> {
    let (server, zone) = rest.split_once('/')?;
    let server = match server.parse::<SocketAddr>() {
        Ok(server) => server,
        Err(_) => {
            let bare = server
                .strip_prefix('[')
                .and_then(|inner| inner.strip_suffix(']'))
                .unwrap_or(server);
            SocketAddr::new(bare.parse::<IpAddr>().ok()?, 53)
        }
    };
    Some(Source::Axfr {
        server,
        zone: Name::parse(zone).ok()?,
    })
}

fn is_provider(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// A TSIG key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// The MAC.
    pub algorithm: TsigAlgorithm,
    /// The key's name.
    pub name: Name,
}

pub(super) fn parse_key(text: &str) -> Result<KeyName, String> {
    let (algorithm, name) = text.split_once(':').unwrap_or(("hmac-sha256", text));
    Ok(KeyName {
        algorithm: algorithm.parse().map_err(|error| format!("{error}"))?,
        name: Name::parse(name).map_err(|error| error.to_string())?,
    })
}

pub(super) fn parse_secret(text: &str) -> Result<SecretRef, String> {
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(SecretRef::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Ok(SecretRef::File(PathBuf::from(path))),
        // What was given may be the secret itself: it is not shown.
        _ => Err(
            "expected env:NAME or file:PATH; the secret itself may not stand on a command line".to_owned(),
        ),
    }
}

/// What a reader may pass over undecoded; a sink has to expect it all the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish<'a> {
    /// These types.
    pub(super) without: Option<&'a Ignore>,
    /// All other owners.
    pub(super) only: Option<OwnerSet>,
}

/// A copy that can be read, more than once.
pub(super) struct Copy {
    /// As it was named.
    pub(super) label: String,
    from: From,
    /// The zone, where the address says it.
    zone: Option<Name>,
    most_generated: u64,
}

enum From {
    File(ZoneFile),
    Transfer(Transfer, NetTransport),
    Driver(Arc<dyn Provider>),
}

impl Copy {
    /// Reads secrets and settings that it needs; asks nothing of the network.
    pub(super) async fn open(source: &Source, reading: &Reading, context: &Context) -> Result<Copy, Failure> {
        let (from, zone) = match source {
            Source::File(path) => {
                let file = ZoneFile::new(path, reading.include.clone());
                file.size().map_err(wrong_file)?;
                (From::File(file), None)
            }
            Source::Axfr { server, zone } => {
                let tsig = match (&reading.tsig, &reading.tsig_secret) {
                    (Some(key), Some(secret)) => Some(read_key(key, secret).await?),
                    _ => None,
                };
                let transfer = Transfer {
                    server: *server,
                    zone: zone.clone(),
                    tsig,
                };
                (
                    From::Transfer(transfer, NetTransport::new(context.observe_settings()?.addresses)),
                    Some(zone.clone()),
                )
            }
            Source::Provider { name, zone } => {
                let settings = context.settings()?;
                let from = match reach(&settings, name, zone).await? {
                    Reach::Transfer(transfer) => {
                        From::Transfer(transfer, NetTransport::new(settings.observe.addresses.clone()))
                    }
                    Reach::Driver(driver) => From::Driver(driver),
                };
                (from, Some(zone.clone()))
            }
        };
        Ok(Copy {
            label: source.to_string(),
            from,
            zone,
            most_generated: reading.most_generated,
        })
    }

    /// What is to be read, octets; 0 where that is not known before.
    pub(super) fn size(&self) -> u64 {
        match &self.from {
            From::File(file) => file.size().unwrap_or(0),
            _ => 0,
        }
    }

    /// The zone: as the address says, or the owner of the first SOA in the file.
    pub(super) fn zone(&self, given: Option<&Name>) -> Result<Name, Failure> {
        let (file, zone) = match (&self.from, &self.zone) {
            (_, Some(zone)) if given.is_none_or(|given| given == zone) => return Ok(zone.clone()),
            (_, Some(zone)) => {
                return Err(Failure::usage(format!(
                    "{} is a copy of {zone}, which is not what --zone says",
                    self.label
                )));
            }
            (From::File(file), None) => (file, given),
            _ => return Err(Failure::usage("the zone has to be named").hint("name it with --zone ZONE")),
        };
        if let Some(zone) = zone {
            return Ok(zone.clone());
        }
        let mut apex = None;
        file.read(
            MasterReader::without_origin().generating(Some(self.most_generated)),
            |raw: RawRecord<'_>| {
                if raw.rtype == Rtype::SOA {
                    apex = Name::from_wire(raw.owner).ok();
                }
                apex.is_none()
            },
            |_| (),
        )
        .map_err(wrong_file)?;
        apex.ok_or_else(|| {
            Failure::usage(format!("{}: there is no SOA in it", self.label))
                .hint("name the zone with --zone ZONE")
        })
    }

    /// Reads it into a sink, which comes back, with the number of records that were passed over undecoded.
    pub(super) async fn read<S: Sink + Send + 'static>(
        &self,
        zone: &Name,
        wish: Wish<'_>,
        mut sink: S,
        meter: &Meter,
    ) -> Result<(S, u64), Failure> {
        match &self.from {
            From::File(file) => {
                let mut reader = MasterReader::new(zone).generating(Some(self.most_generated));
                if let Some(ignore) = wish.without {
                    reader = reader.skipping(&ignore.everywhere, &ignore.at_apex, zone);
                }
                if let Some(owners) = wish.only {
                    reader = reader.only(owners);
                }
                let (file, meter) = (file.clone(), meter.clone());
                let task = tokio::task::spawn_blocking(move || {
                    let read = file.read(
                        reader,
                        |raw| {
                            sink.record(raw.owner, raw.rtype, raw.ttl, raw.rdata);
                            true
                        },
                        |octets| meter.set(octets),
                    );
                    read.map(|reader| (sink, reader.skipped()))
                });
                task.await
                    .map_err(|error| Failure::new(crate::cli::Exit::Fault, error.to_string()))?
                    .map_err(wrong_file)
            }
            From::Transfer(transfer, transport) => {
                let clock = SystemClock;
                transfer
                    .run(transport, &clock, &mut |record| sink.add(&record))
                    .await
                    .map_err(|error| refused(&self.label, error.class, &error.to_string()))?;
                Ok((sink, 0))
            }
            From::Driver(driver) => {
                driver
                    .contents(&mut sink)
                    .await
                    .map_err(|error: DriverError| refused(&self.label, error.class, &error.said))?;
                Ok((sink, 0))
            }
        }
    }

    /// Whether records come with their signatures.
    pub(super) fn has_signatures(&self) -> bool {
        !matches!(self.from, From::Driver(_))
    }
}

fn refused(label: &str, class: FailureClass, said: &str) -> Failure {
    let failure = Failure::refused(format!("{label}: {said}"));
    match class {
        FailureClass::Refused | FailureClass::Auth => failure.hint(
            "does the server let this address or key transfer the zone? --tsig and --tsig-secret name a key",
        ),
        _ => failure,
    }
}

fn wrong_file(error: ZoneFileError) -> Failure {
    Failure::usage(error.to_string())
}

async fn read_key(key: &KeyName, secret: &SecretRef) -> Result<TsigKey, Failure> {
    let resolved = secret
        .resolve(Path::new("."))
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(warning) = resolved.warning {
        tracing::warn!("{warning}");
    }
    TsigKey::new(key.name.clone(), key.algorithm, &resolved.secret)
        .map_err(|error| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_as_they_are_written() {
        let parse = |text: &str| text.parse::<Source>();
        for (text, shown) in [
            ("axfr://192.0.2.1/shop.test", "axfr://192.0.2.1:53/shop.test."),
            ("axfr://192.0.2.1:5300/.", "axfr://192.0.2.1:5300/."),
            ("axfr://[2001:db8::1]/x", "axfr://[2001:db8::1]:53/x."),
            ("axfr://[2001:db8::1]:5300/x", "axfr://[2001:db8::1]:5300/x."),
            ("a:shop.test", "a:shop.test."),
            ("zones/shop.zone", "zones/shop.zone"),
            ("c:/zones/shop.zone", "c:/zones/shop.zone"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
        for wrong in [
            "axfr://192.0.2.1",
            "axfr://ns.test/x",
            "axfr:///x",
            "axfr://192.0.2.1/a..b",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_by_reference_only() {
        assert_eq!(parse_secret("env:KEY"), Ok(SecretRef::Env("KEY".to_owned())));
        let refused = parse_secret("c2VjcmV0").unwrap_err();
        assert!(!refused.contains("c2VjcmV0"));
        assert_eq!(parse_key("lab").unwrap().algorithm, TsigAlgorithm::HmacSha256);
        assert!(parse_key("hmac-md5:lab").is_err());
    }
}
