//! The settings: read once, checked together, then passed on as plain values.
//!
//! A command sees only [`Settings`]; nothing later asks the environment again, except for a secret at the moment that it
//! is needed.

mod error;
mod file;
mod pinned;
mod resolve;
mod secret;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

pub use error::{Place, SettingsError};
pub use file::{ApproveKind, CdsPolicy, NewKeys, Occasion};
pub use pinned::{PinnedKeys, pinned_path};
pub use secret::Secret;
pub use text::{Period, PeriodError, ServerAddress};

pub use crate::adapters::{Profile, SecretRef, TsigAlgorithm};
use crate::dns::{Name, Rtype, Ttl};
use crate::dnssec::Anchors;
use crate::workflow::Code;

/// Everything that a person decided beforehand. Serialised, it is what the journal keeps: it holds references to
/// secrets, and no secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// The file.
    pub path: PathBuf,
    /// The zones.
    pub zones: BTreeMap<Name, ZoneSettings>,
    /// The providers by name.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// The parents by name.
    pub parents: BTreeMap<String, ParentSettings>,
    /// How to look.
    pub observe: ObserveSettings,
    /// Whom to tell of what happens in a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotifySettings>,
    /// How journals are sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<SealSettings>,
    /// NTP servers to hold this machine's clock against.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ntp: Vec<NtpServer>,
    /// What a watch raises an alarm on.
    #[serde(skip_serializing_if = "WatchSettings::is_default")]
    pub watch: WatchSettings,
}

/// How journals are sealed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SealSettings {
    /// The key.
    pub key: Secret,
    /// Who is asked for time stamps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsa: Option<TsaSettings>,
}

/// A time stamping authority.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TsaSettings {
    /// Its address. A path may hold a token of its own, so that no journal gets it.
    #[serde(skip)]
    pub url: String,
    /// The host in it.
    pub host: String,
}

/// An NTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What a watch raises an alarm on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchSettings {
    /// Signatures that end sooner than this; none: the shorter of three days and a fifth of the time for which they are valid.
    pub expires_within: Option<Period>,
    /// A server whose newest signature is older than this; none: it is not looked at.
    pub resign_within: Option<Period>,
    /// For how long signers, and servers of one signer, may differ.
    pub settle: Period,
    /// For how long a server may be silent or lame.
    pub silent_for: Period,
    /// Which new keys.
    pub new_keys: NewKeys,
    /// What is no alarm.
    pub ignore: BTreeSet<Code>,
}

impl Default for WatchSettings {
    fn default() -> Self {
        WatchSettings {
            expires_within: None,
            resign_within: None,
            settle: Period::seconds(3_600),
            silent_for: Period::seconds(600),
            new_keys: NewKeys::Unexpected,
            ignore: BTreeSet::new(),
        }
    }
}

impl WatchSettings {
    /// Journals of settings without it stay as they were.
    fn is_default(&self) -> bool {
        *self == WatchSettings::default()
    }
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZoneSettings {
    /// The providers that sign it now, each of them in [`Settings::providers`].
    pub signers: Vec<String>,
    /// Who changes DS and NS; in [`Settings::parents`].
    pub parent: String,
    /// What is trusted.
    #[serde(serialize_with = "anchor_lines")]
    pub anchors: Anchors,
    /// Whether CDS and CDNSKEY are published.
    pub cds: CdsPolicy,
    /// How long both providers serve side by side before one leaves.
    pub soak: Period,
    /// For how long a provider's next re-sign is awaited before a person is asked.
    pub resign: Period,
    /// Which steps wait for a person.
    pub approve: BTreeSet<ApproveKind>,
    /// The largest TTL in the zone, where a person gave it.
    pub max_ttl: Option<Ttl>,
    /// Whether a plan with insecure time is refused.
    pub never_insecure: bool,
    /// Names to ask for besides the apex, where a person gave them.
    pub probes: ProbeSettings,
}

/// Names to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeSettings {
    /// A name and type with an answer.
    pub positive: Option<(Name, Rtype)>,
    /// A name that exists and a type that it does not have.
    pub no_data: Option<(Name, Rtype)>,
    /// A name that does not exist.
    pub no_name: Option<Name>,
    /// A name that only a wildcard answers.
    pub wildcard: Option<Name>,
}

/// A DNS provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProviderSettings {
    /// The host names of its servers.
    pub name_servers: Vec<Name>,
    /// Of hosts that lead to several providers: which addresses are this one's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own_addresses: BTreeMap<Name, Vec<SocketAddr>>,
    /// Whether its own apex NS RRset can be edited by nobody.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub apex_ns_fixed: bool,
    /// How to talk to it.
    #[serde(flatten)]
    pub driver: ProviderDriver,
}

/// How to talk to a provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "driver", rename_all = "lowercase")]
pub enum ProviderDriver {
    /// Updates, transfers and reads with TSIG.
    Rfc2136 {
        /// Which software.
        profile: Profile,
        /// The address.
        server: SocketAddr,
        /// The key.
        tsig: Tsig,
    },
    /// The HTTP API of PowerDNS.
    PowerDns {
        /// Where it listens.
        url: String,
        /// The API key.
        api_key: Secret,
        /// The server's identifier.
        server_id: String,
    },
    /// A person does it.
    Manual,
}

/// A registrar, registry or parent zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "driver", rename_all = "lowercase")]
pub enum ParentSettings {
    /// Updates with TSIG.
    Rfc2136 {
        /// The address.
        server: SocketAddr,
        /// The key.
        tsig: Tsig,
    },
    /// A person does it.
    Manual,
}

/// A TSIG key, its secret by reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tsig {
    /// The key's name.
    pub name: Name,
    /// The algorithm.
    pub algorithm: TsigAlgorithm,
    /// The secret.
    pub secret: Secret,
}

/// Whom to tell of what happens in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotifySettings {
    /// Of what.
    pub on: BTreeSet<Occasion>,
    /// A program and its arguments.
    pub command: Option<Vec<String>>,
    /// An HTTPS address.
    pub webhook: Option<WebhookSettings>,
}

/// An HTTPS address that is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebhookSettings {
    /// The address. It may hold a token of the receiver, so that no journal gets it.
    #[serde(skip)]
    pub url: String,
    /// The host in it.
    pub host: String,
    /// What signs the documents.
    pub hmac_secret: Option<Secret>,
}

/// How to look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObserveSettings {
    /// What the place is called from which this looks; none: the machine's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vantage: Option<String>,
    /// Root servers to begin at; empty: the real ones.
    pub roots: Vec<SocketAddr>,
    /// What stands for an address.
    #[serde(serialize_with = "address_texts")]
    pub addresses: BTreeMap<SocketAddr, SocketAddr>,
    /// Between sweeps while something is awaited.
    pub interval: Period,
    /// Every TTL counts as at least this.
    pub ttl_floor: Period,
    /// Added to every wait.
    pub margin: Period,
    /// The most questions a second to one address.
    pub qps: u32,
    /// For one answer.
    pub timeout: Period,
}

impl Default for ObserveSettings {
    fn default() -> Self {
        ObserveSettings {
            vantage: None,
            roots: Vec::new(),
            addresses: BTreeMap::new(),
            interval: Period::seconds(60),
            ttl_floor: Period::seconds(60),
            margin: Period::seconds(5),
            qps: 5,
            timeout: Period::seconds(3),
        }
    }
}

impl Settings {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column. Secrets are not read here.
    pub fn load(path: &Path) -> Result<Settings, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            SettingsError::new(Place::whole(path), format!("cannot be read: {error}"))
                .hint("`unbroken init` writes a first settings file")
        })?;
        Self::parse(path, &text)
    }

    /// Checks `text`, the content of `path`. Relative paths in it start at the folder of `path`.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Settings, SettingsError> {
        resolve::resolve(path, text)
    }

    /// The file that is meant: `explicit`, or `unbroken.toml` here, or that of the user; none where there is none.
    pub fn find(explicit: Option<&Path>) -> Option<PathBuf> {
        if let Some(path) = explicit {
            return Some(path.to_path_buf());
        }
        let here = PathBuf::from("unbroken.toml");
        let user = config_home().map(|dir| dir.join("unbroken").join("unbroken.toml"));
        std::iter::once(here)
            .chain(user)
            .find(|candidate| candidate.is_file())
    }

    /// The folder of the file; `keys/` lies in it.
    pub fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    /// The settings of a zone.
    ///
    /// # Errors
    /// If there are none.
    pub fn zone(&self, zone: &Name) -> Result<&ZoneSettings, SettingsError> {
        self.zones.get(zone).ok_or_else(|| {
            SettingsError::new(
                Place::whole(&self.path),
                format!("there is no [zone.\"{zone}\"] in it"),
            )
            .hint(format!(
                "zones in it: {}",
                listed(self.zones.keys().map(Name::to_string))
            ))
        })
    }

    /// A provider.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn provider(&self, name: &str) -> Result<&ProviderSettings, SettingsError> {
        self.providers.get(name).ok_or_else(|| {
            SettingsError::new(
                Place::whole(&self.path),
                format!("there is no [provider.{name}] in it"),
            )
            .hint(format!(
                "providers in it: {}",
                listed(self.providers.keys().cloned())
            ))
        })
    }

    /// The parent of a zone.
    ///
    /// # Errors
    /// If the zone or its parent is not in the settings.
    pub fn parent_of(&self, zone: &Name) -> Result<(&str, &ParentSettings), SettingsError> {
        let name = &self.zone(zone)?.parent;
        let parent = self.parents.get(name).ok_or_else(|| {
            SettingsError::new(
                Place::whole(&self.path),
                format!("there is no [parent.{name}] in it"),
            )
        })?;
        Ok((name, parent))
    }

    /// The keys that a person pinned for a provider of a zone, if there is such a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is not what `unbroken keys pin` writes.
    pub fn pinned(&self, zone: &Name, provider: &str) -> Result<Option<PinnedKeys>, SettingsError> {
        PinnedKeys::load(&pinned_path(self.folder(), zone, provider), zone)
    }

    /// What the journal keeps of the settings. No secret is in it.
    pub fn redacted(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The JSON schema of the file.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(file::File).to_value()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// `$XDG_CONFIG_HOME`, or `~/.config`.
fn config_home() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config")
}

/// The folder for state that nobody chose: `$XDG_STATE_HOME/unbroken`, or `~/.local/state/unbroken`.
pub fn default_state() -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("unbroken"))
}

fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    set.or_else(|| std::env::home_dir().map(|home| home.join(below_home)))
}

/// Names for a person.
fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn anchor_lines<S: Serializer>(anchors: &Anchors, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        anchors
            .iter()
            .flat_map(|(zone, set)| set.iter().map(move |ds| format!("{zone} IN DS {ds}"))),
    )
}

fn address_texts<S: Serializer>(
    map: &BTreeMap<SocketAddr, SocketAddr>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(from, to)| (from.to_string(), to.to_string())))
}
