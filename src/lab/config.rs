//! What a lab is made of.

use std::time::Duration;

use super::LabError;
use super::keys::ECDSA_P256;
use crate::dns::{Name, Record, Ttl, parse_records};
use crate::moment::Moment;

/// How a provider signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerKind {
    /// One key signs keys, another the data.
    KskZsk,
    /// One key signs all.
    Csk,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Its name in settings, lower-case letters and digits: its servers are `ns1.prov<name>.<parent>` and `ns2...`.
    pub name: String,
    /// How it signs.
    pub signer: SignerKind,
    /// NSEC3 in place of NSEC.
    pub nsec3: bool,
    /// The DNSSEC algorithm, 13 or 15.
    pub algorithm: u8,
    /// It publishes CDS and CDNSKEY of its own keys.
    pub publish_cds: bool,
    /// Its servers have names within the zone, `ns1.prov<name>.<zone>`, whose addresses every copy holds.
    pub in_zone: bool,
    /// Somebody else's server, `ns.third<name>.<parent>`, serves the zone too, from its primary.
    pub third_party: bool,
}

impl ProviderConfig {
    /// KSK and ZSK, NSEC, algorithm 13, CDS published.
    pub fn new(name: &str) -> ProviderConfig {
        ProviderConfig {
            name: name.to_owned(),
            signer: SignerKind::KskZsk,
            nsec3: false,
            algorithm: ECDSA_P256,
            publish_cds: true,
            in_zone: false,
            third_party: false,
        }
    }
}

/// TTLs in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttls {
    /// The zone's data; none keeps what the records say.
    pub data: Option<Ttl>,
    /// DNSKEY, CDS, CDNSKEY at the providers.
    pub dnskey: Ttl,
    /// The NS RRset at the apex.
    pub apex_ns: Ttl,
    /// The delegation NS RRset at the parent.
    pub parent_ns: Ttl,
    /// The DS RRset at the parent.
    pub ds: Ttl,
    /// The SOA, its last field, and so every denial.
    pub negative: Ttl,
    /// Addresses of name servers.
    pub addresses: Ttl,
    /// Everything at the root, and the parent's own apex and denials.
    pub above: Ttl,
}

impl Ttls {
    /// A second or two, for a move before one's eyes.
    pub const fn short() -> Ttls {
        Ttls {
            data: Some(1),
            dnskey: 2,
            apex_ns: 2,
            parent_ns: 2,
            ds: 2,
            negative: 1,
            addresses: 2,
            above: 2,
        }
    }

    /// As they are under a large top-level domain.
    pub const fn real() -> Ttls {
        Ttls {
            data: Some(3_600),
            dnskey: 3_600,
            apex_ns: 86_400,
            parent_ns: 172_800,
            ds: 86_400,
            negative: 900,
            addresses: 172_800,
            above: 86_400,
        }
    }
}

/// How long changes take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// From an update at the registry until its servers publish it.
    pub registry: Duration,
    /// From a change at a primary until its secondary serves it.
    pub secondary: Duration,
}

/// All of a lab.
#[derive(Clone, Debug)]
pub struct LabConfig {
    /// The zone that moves, at least two labels.
    pub zone: Name,
    /// Its unsigned records. SOA and apex NS are made anew for each provider; DNSSEC records are left out.
    pub records: Vec<Record>,
    /// The providers, one at least. All serve the zone from the start.
    pub providers: Vec<ProviderConfig>,
    /// Names of the providers to which the zone is delegated at the start; none: the first alone.
    pub delegated: Vec<String>,
    /// TTLs.
    pub ttls: Ttls,
    /// Delays.
    pub delays: Delays,
    /// How long signatures are valid.
    pub validity: Duration,
    /// How long after it was made a provider makes a signature anew; none: at half of its validity.
    pub renewal: Option<Duration>,
    /// When the world begins.
    pub now: Moment,
}

/// The zone that is used when nobody brings one.
const BUILT_IN: &str = "\
@             IN MX    10 mail
@             IN TXT   \"v=spf1 mx -all\"
www           IN A     198.51.100.10
www           IN AAAA  2001:db8::10
mail          IN A     198.51.100.25
shop          IN CNAME www
*.wild        IN A     198.51.100.77
deep.down.ent IN TXT   \"two empty names above\"
ent2.ent      IN A     198.51.100.99
branch        IN NS    ns.branch
ns.branch     IN A     198.51.100.53
";

impl LabConfig {
    /// The built-in zone `shop.test.`, providers `a` and `b` with KSK and ZSK, TTLs of a second or two.
    ///
    /// # Errors
    /// Never for the built-in zone (a test holds it to that).
    pub fn built_in(now: Moment) -> Result<LabConfig, LabError> {
        let zone = Name::parse("shop.test.").map_err(|error| LabError::Name(error.to_string()))?;
        Self::with_zone_text(zone, BUILT_IN, now)
    }

    /// The same lab with a person's own zone in presentation format.
    ///
    /// # Errors
    /// If the text does not parse.
    pub fn with_zone_text(zone: Name, text: &str, now: Moment) -> Result<LabConfig, LabError> {
        let records = parse_records(text, &zone, 3_600)?;
        Ok(LabConfig {
            zone,
            records,
            providers: vec![ProviderConfig::new("a"), ProviderConfig::new("b")],
            delegated: Vec::new(),
            ttls: Ttls::short(),
            delays: Delays::default(),
            validity: Duration::from_secs(14 * 86_400),
            renewal: None,
            now,
        })
    }
}
