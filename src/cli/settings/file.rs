//! The settings file as it is written: types that say where each value stands. [`super::resolve`] checks them together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::text::{ByReference, Located, Period, ServerAddress, table};
use crate::adapters::{Profile, TsigAlgorithm};
use crate::dns::Name;

/// The settings of `unbroken`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "unbroken.toml")]
pub(super) struct File {
    /// The zones, by name.
    #[serde(default)]
    pub(super) zone: BTreeMap<Located<String>, ZoneTable>,
    /// The DNS providers, by a short name of your choice.
    #[serde(default)]
    pub(super) provider: BTreeMap<Located<String>, ProviderTable>,
    /// The registrars, registries or parent zones, by a short name of your choice.
    #[serde(default)]
    pub(super) parent: BTreeMap<Located<String>, ParentTable>,
    /// How to look.
    #[serde(default)]
    pub(super) observe: ObserveTable,
    /// Whom to tell of what happens in a run.
    pub(super) notify: Option<Located<NotifyTable>>,
    /// How journals are sealed, so that evidence can be checked by others.
    pub(super) seal: Option<SealTable>,
    /// What this machine's clock is held against.
    #[serde(default)]
    pub(super) clock: ClockTable,
    /// What `unbroken watch` raises an alarm on.
    #[serde(default)]
    pub(super) watch: WatchTable,
}

/// How journals are sealed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SealTable {
    /// The key that `unbroken audit keygen` wrote.
    pub(super) key: Located<ByReference>,
    /// A time stamping authority (RFC 3161) that is asked for a token over each seal: an `https:` or `http:` URL.
    pub(super) tsa: Option<Located<String>>,
}

/// What this machine's clock is held against.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockTable {
    /// NTP servers, `HOST` or `HOST:PORT`, that `run`, `step` and `watch` ask at the beginning and each hour. Default: none.
    #[serde(default)]
    pub(super) ntp: Vec<Located<String>>,
}

/// A zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ZoneTable {
    /// The providers that sign the zone now.
    pub(super) signers: Vec<Located<String>>,
    /// Who changes DS and NS at the parent.
    pub(super) parent: Located<String>,
    /// A file with DS or DNSKEY records to trust, in presentation format. Default: the IANA root's, compiled in.
    pub(super) anchors: Option<Located<PathBuf>>,
    /// Whether the group publishes CDS and CDNSKEY: as it does now (`auto`), the union everywhere, or none anywhere.
    #[serde(default)]
    pub(super) cds: CdsPolicy,
    /// How long both providers serve side by side, healthy, before one of them leaves.
    pub(super) soak: Option<Period>,
    /// For how long a provider's next re-sign is awaited, with the newcomer's keys in its DNSKEY RRset, before a person is
    /// asked. `"0s"`: it is not awaited.
    pub(super) resign: Option<Period>,
    /// Which steps wait for `unbroken approve`.
    #[serde(default)]
    pub(super) approve: BTreeSet<ApproveKind>,
    /// The largest TTL in the zone, seconds: needed where the provider's driver cannot read the zone.
    pub(super) max_ttl: Option<Located<u32>>,
    /// Whether `unbroken fallback`, which leaves the zone without DS for some days, is refused. Default: false.
    #[serde(default)]
    pub(super) never_insecure: bool,
    /// Names to ask for besides the apex. Default: found by the tool.
    #[serde(default)]
    pub(super) probes: ProbesTable,
}

/// Whether CDS and CDNSKEY are published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CdsPolicy {
    /// The union at every signer if one of them publishes any now, else none.
    #[default]
    Auto,
    /// The union at every signer.
    Union,
    /// None at every signer.
    None,
}

/// A kind of step that waits for a person's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApproveKind {
    /// Changes of the DS RRset.
    Ds,
    /// Changes of NS RRsets, at the parent and at the providers.
    Ns,
    /// Changes at the parent.
    Parent,
    /// Every step.
    All,
}

impl ApproveKind {
    /// As in the settings.
    pub fn word(self) -> &'static str {
        match self {
            ApproveKind::Ds => "ds",
            ApproveKind::Ns => "ns",
            ApproveKind::Parent => "parent",
            ApproveKind::All => "all",
        }
    }
}

/// Names to ask for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbesTable {
    /// A name and a type with an answer: `"www.shop.test. A"`.
    pub(super) positive: Option<Located<String>>,
    /// A name that exists and a type that it does not have: `"shop.test. LOC"`.
    pub(super) no_data: Option<Located<String>>,
    /// A name that does not exist.
    #[schemars(with = "Option<String>")]
    pub(super) no_name: Option<Located<Name>>,
    /// A name that only a wildcard answers.
    #[schemars(with = "Option<String>")]
    pub(super) wildcard: Option<Located<Name>>,
}

/// What a provider's or parent's driver is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DriverName {
    Rfc2136,
    PowerDns,
    Manual,
}

impl DriverName {
    pub(super) fn word(self) -> &'static str {
        match self {
            DriverName::Rfc2136 => "rfc2136",
            DriverName::PowerDns => "powerdns",
            DriverName::Manual => "manual",
        }
    }
}

/// A DNS provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    /// How to talk to it: `rfc2136` (updates with TSIG), `powerdns` (its HTTP API), `manual` (you do it, unbroken watches).
    pub(super) driver: Located<DriverName>,
    /// The host names of its servers for this zone. Two providers share one only where each says which of its addresses are
    /// its own.
    #[schemars(with = "Vec<HostForm>")]
    pub(super) name_servers: Vec<Located<Host>>,
    /// It lets nobody edit its own apex NS RRset, so that it names itself for as long as it serves. Leaving it takes
    /// `unbroken plan --sticky bounded`. Default: false.
    #[serde(default)]
    pub(super) apex_ns_fixed: bool,
    /// rfc2136: `bind`, `knot` or `generic`.
    pub(super) profile: Option<Located<Profile>>,
    /// rfc2136: the address for updates, transfers and authenticated reads, port 53 unless given.
    #[schemars(with = "Option<String>")]
    pub(super) server: Option<Located<ServerAddress>>,
    /// rfc2136: the key that signs the messages.
    pub(super) tsig: Option<Located<TsigTable>>,
    /// powerdns: where its API listens, such as `https://pdns.example:8081`.
    pub(super) url: Option<Located<String>>,
    /// powerdns: the API key.
    pub(super) api_key: Option<Located<ByReference>>,
    /// powerdns: the server's identifier in the API. Default: `localhost`.
    pub(super) server_id: Option<Located<String>>,
    /// powerdns: allow `http://` to an address that is not loopback. The API key is then readable on the way.
    pub(super) insecure_http: Option<Located<bool>>,
}

/// A name server: its name, and where only some of its addresses are this provider's, which.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: Name,
    pub(super) addresses: Vec<ServerAddress>,
}

/// A name server as it is written, for the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its form counts")]
enum HostForm {
    /// Its name.
    Name(String),
    /// A host whose addresses are those of several providers.
    Shared {
        /// Its name.
        name: String,
        /// Those of its addresses that are this provider's.
        addresses: Vec<String>,
    },
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Host, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            name: Name,
            addresses: Vec<ServerAddress>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Host;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a host name, or { name = \"HOST.\", addresses = [\"192.0.2.1\"] }")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Host, E> {
                let name = Name::parse(text).map_err(E::custom)?;
                Ok(Host {
                    name,
                    addresses: Vec::new(),
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Host, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Host {
                    name: fields.name,
                    addresses: fields.addresses,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A registrar, registry or parent zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParentTable {
    /// How to talk to it: `rfc2136` or `manual`.
    pub(super) driver: Located<DriverName>,
    /// rfc2136: the address for updates, port 53 unless given.
    #[schemars(with = "Option<String>")]
    pub(super) server: Option<Located<ServerAddress>>,
    /// rfc2136: the key that signs the messages.
    pub(super) tsig: Option<Located<TsigTable>>,
}

/// Whom to tell of what happens in a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyTable {
    /// Of what. Default: all five.
    pub(super) on: Option<Vec<Occasion>>,
    /// A program and its arguments; it gets the document on stdin.
    pub(super) command: Option<Located<Vec<String>>>,
    /// An HTTPS address that takes the document as a POST.
    pub(super) webhook: Option<WebhookTable>,
}

/// An HTTPS address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookTable {
    /// The address, `https://`, or `http://` to this machine.
    pub(super) url: Located<String>,
    /// The key of the HMAC-SHA256 in the header `X-Unbroken-Signature`.
    pub(super) hmac_secret: Option<Located<ByReference>>,
}

/// What is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// A person must decide.
    Halt,
    /// A person has to do something, or approve it.
    Person,
    /// A step is done and seen.
    Step,
    /// The plan is carried out.
    End,
    /// Something is wrong with a zone that is watched, or is not any more.
    Alarm,
}

/// A TSIG key (RFC 8945).
#[derive(Debug, JsonSchema)]
pub(super) struct TsigTable {
    /// The key's name.
    #[schemars(with = "String")]
    pub(super) name: Name,
    /// The algorithm.
    pub(super) algorithm: TsigAlgorithm,
    /// The secret, base64.
    pub(super) secret: Located<ByReference>,
}

impl<'de> Deserialize<'de> for TsigTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            name: Name,
            algorithm: TsigAlgorithm,
            secret: Located<ByReference>,
        }
        let fields: Fields = table(
            deserializer,
            "a TSIG key is a table: { name = \"KEY.\", algorithm = \"hmac-sha256\", secret = { env = \"NAME\" } }",
        )?;
        Ok(TsigTable {
            name: fields.name,
            algorithm: fields.algorithm,
            secret: fields.secret,
        })
    }
}

/// What `unbroken watch` raises an alarm on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchTable {
    /// Signatures that end sooner than this. Default: the shorter of three days and a fifth of the time for which they are valid.
    pub(super) expires_within: Option<Period>,
    /// A server whose newest signature is older than this. Default: not looked at.
    pub(super) resign_within: Option<Period>,
    /// For how long signers, and servers of one signer, may differ. Default: `1h`.
    pub(super) settle: Option<Period>,
    /// For how long a server may be silent or lame. Default: `10m`.
    pub(super) silent_for: Option<Period>,
    /// Which new keys: those that nothing announced (`unexpected`), or `every` one.
    #[serde(default)]
    pub(super) new_keys: NewKeys,
    /// Codes of alarms that are not wanted.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) ignore: Option<Located<Vec<String>>>,
}

/// Which new keys are an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewKeys {
    /// Those that nothing announced: neither published before they sign, nor in CDS or CDNSKEY.
    #[default]
    Unexpected,
    /// Every one.
    Every,
}

/// How to look.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ObserveTable {
    /// What the place is called from which this looks: 1 to 64 of the characters a-z A-Z 0-9 - _ . Default: the machine's name.
    pub(super) vantage: Option<Located<String>>,
    /// Addresses of root servers to begin at. Default: the real ones.
    #[schemars(with = "Vec<String>")]
    #[serde(default)]
    pub(super) roots: Vec<ServerAddress>,
    /// What stands for an address: labs, tests, tunnels.
    #[schemars(with = "BTreeMap<String, String>")]
    #[serde(default)]
    pub(super) addresses: BTreeMap<ServerAddress, ServerAddress>,
    /// Between sweeps while something is awaited; five times that at rest. Default: `60s`.
    pub(super) interval: Option<Located<Period>>,
    /// Every TTL counts as at least this, for resolvers with a minimum of their own. Default: `60s`.
    pub(super) ttl_floor: Option<Period>,
    /// Added to every wait, for clock errors and servers that were not seen. Default: `5s`.
    pub(super) margin: Option<Period>,
    /// The most questions a second to one server address. Default: 5.
    pub(super) qps: Option<Located<u32>>,
    /// How long to wait for one answer. Default: `3s`.
    pub(super) timeout: Option<Located<Period>>,
}
