//! A plan: the ordered changes of a move, frozen. No wait is written in it; the gates derive every one.

use std::collections::BTreeSet;
use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::facts::Fact;
use crate::dns::Name;
use crate::evidence::Place;
use crate::moment::Moment;

/// What the whole plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Purpose {
    /// `signer` becomes a member of the group.
    Join {
        /// The newcomer.
        signer: String,
    },
    /// `signer` stops being one.
    Leave {
        /// The leaver.
        signer: String,
    },
    /// `to` joins, and after a soak `from` leaves.
    Migrate {
        /// The old provider.
        from: String,
        /// The new one.
        to: String,
    },
    /// `from` alone is left for `to` alone, and in between the zone is delegated without DS: insecure, on purpose.
    Fallback {
        /// The old provider, the only signer.
        from: String,
        /// The new one.
        to: String,
    },
}

impl Purpose {
    /// Who is left; none: nobody.
    pub fn leaver(&self) -> Option<&str> {
        match self {
            Purpose::Join { .. } => None,
            Purpose::Leave { signer } => Some(signer),
            Purpose::Migrate { from, .. } | Purpose::Fallback { from, .. } => Some(from),
        }
    }

    /// Whether old and new sign side by side (RFC 8901): only then have their keys to go together.
    pub fn is_multi_signer(&self) -> bool {
        !matches!(self, Purpose::Fallback { .. })
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purpose::Join { signer } => write!(f, "join {signer}"),
            Purpose::Leave { signer } => write!(f, "leave {signer}"),
            Purpose::Migrate { from, to } => write!(f, "migrate from {from} to {to}"),
            Purpose::Fallback { from, to } => {
                write!(f, "fall back from {from} to {to}, insecure in between")
            }
        }
    }
}

/// Names one step within its plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a step changes. Each is a state to reach, so doing it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Intent {
    /// The DNSKEY RRset at `at` holds every key of `of` that signs data there (RFC 8901 section 4.2.2, Model 2).
    ShareKeys {
        /// Where the keys go.
        at: String,
        /// Whose keys.
        of: Vec<String>,
    },
    /// The DNSKEY RRset at `at` holds no key of `of` any more.
    DropKeys {
        /// Where they are removed.
        at: String,
        /// Whose keys.
        of: String,
    },
    /// CDS and CDNSKEY at `at` list the secure entry points of all of `of`, or no signer publishes any.
    PublishCds {
        /// Where.
        at: String,
        /// Whose keys.
        of: Vec<String>,
    },
    /// Neither CDS nor CDNSKEY at `at`: a parent that follows them has nothing to make a DS RRset of.
    WithdrawCds {
        /// Where.
        at: String,
    },
    /// No DS RRset at all: the zone is insecure from here on.
    RemoveDs {
        /// Whose keys the next DS RRset names: they are authenticated before this one goes.
        next: Vec<String>,
    },
    /// The DS RRset names the secure entry points of all of `of`; those of `without` are gone.
    SetDs {
        /// Whose keys are named.
        of: Vec<String>,
        /// Whose are not any more.
        without: Vec<String>,
        /// Whether there is none before, so that nothing of `without` is left to go.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        anew: bool,
    },
    /// The apex NS RRset at `at` names the servers of `of`.
    SetApexNs {
        /// Where.
        at: String,
        /// Whose servers.
        of: Vec<String>,
    },
    /// The delegation names the servers of `of`.
    SetParentNs {
        /// Whose servers.
        of: Vec<String>,
    },
    /// Nothing changes; every sweep in that time must be without a fault.
    Soak {
        /// How long, seconds.
        seconds: u64,
    },
    /// `provider` is not needed by any cache any more: it may be switched off.
    Retire {
        /// Which.
        provider: String,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// What it changes.
    #[serde(flatten)]
    pub intent: Intent,
    /// Why it stands here, for people.
    pub why: String,
    /// How to go back from here, for people.
    pub undo: String,
    /// The steps that must have been proven before.
    pub after: BTreeSet<StepId>,
    /// Whether a person must approve it first.
    #[serde(default)]
    pub approval: bool,
}

/// How CDS and CDNSKEY are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CdsPolicy {
    /// The union at every signer if any signer publishes them, else none at every signer.
    #[default]
    Auto,
    /// The union at every signer.
    Union,
    /// None at every signer.
    None,
}

/// A signer: a provider as the plan knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Its name in the settings.
    pub name: String,
    /// Its name servers.
    pub name_servers: BTreeSet<Name>,
    /// The largest TTL of its data, seconds, where it was read or told; sampled answers raise it.
    pub max_ttl: u32,
    /// Whether a person carries out its changes.
    pub manual: bool,
    /// Whether it lets nobody edit its own apex NS RRset, so that it names itself for as long as it serves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apex_ns_fixed: bool,
    /// Whether it signs each answer from what it holds: no re-sign could drop anything.
    #[serde(default)]
    pub signs_live: bool,
}

/// What the gates are judged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRules {
    /// Every TTL counts as at least this, seconds (resolvers with a minimum TTL).
    pub ttl_floor: u32,
    /// Added to every moment at which a version leaves the caches, seconds (anycast, clocks).
    pub margin: u32,
    /// NS and data may be used that much longer, seconds (RFC 8767).
    pub stale: u32,
    /// A change that is not seen for that long after it was accepted is tried again, seconds.
    pub patience: u32,
}

/// A version that nobody here saw, taken to have been served until the first sweep: somebody began the move before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumed {
    /// Whose servers.
    pub place: Place,
    /// What they may have said.
    pub fact: Fact,
    /// For how long a cache may hold it, seconds.
    pub ttl: u32,
}

/// A frozen plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// 1.
    pub format: u32,
    /// The zone.
    pub zone: Name,
    /// The zone that delegates it.
    pub parent: Name,
    /// What for.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// All providers that take part, the old group first.
    pub signers: Vec<Signer>,
    /// The group before.
    pub before: Vec<String>,
    /// The group afterwards.
    pub after: Vec<String>,
    /// Digest types of new DS records: those of the present set without SHA-1 (continuity: one set for all keys).
    pub digest_types: BTreeSet<u8>,
    /// CDS and CDNSKEY.
    pub cds: CdsPolicy,
    /// How the gates are judged.
    pub rules: GateRules,
    /// A provider that names itself in an apex NS RRset which nobody can edit is taken to be forgotten one TTL of that RRset
    /// after nothing else names it; what holds only so needs an approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticky_bounded: bool,
    /// Before resolvers are led to a newcomer, its keys must have outlived a re-sign at every member; for so many seconds
    /// that is awaited before a person is asked. None: it is not awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resign: Option<u64>,
    /// When it was made.
    pub made: Moment,
    /// The hash of the plan that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// What cannot be known and is taken for the worst: versions that may have been served until the first sweep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<Assumed>,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The SHA-256 of the plan's JSON, hexadecimal: what a person approves.
    pub fn hash(&self) -> String {
        // Plain data with string keys always serializes.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        data_encoding::HEXLOWER.encode(digest(&SHA256, &bytes).as_ref())
    }

    /// The signer of that name.
    pub fn signer(&self, name: &str) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.name == name)
    }

    /// The providers that the name server `host` leads to: one as a rule, several where its addresses are those of several.
    pub fn owners_of<'a>(&'a self, host: &'a Name) -> impl Iterator<Item = &'a Signer> {
        self.signers
            .iter()
            .filter(|signer| signer.name_servers.contains(host))
    }

    /// The names of the providers that these name servers lead to; a host that nobody runs leads nowhere.
    pub fn led_to<'a>(&self, hosts: impl IntoIterator<Item = &'a Name>) -> BTreeSet<String> {
        led_to(&self.signers, hosts)
    }

    /// The name servers that lead to these providers and to no other: what is to name them and nobody else.
    pub fn hosts_for(&self, of: &[String]) -> BTreeSet<Name> {
        let mut hosts = self.name_servers(of);
        hosts.retain(|host| self.owners_of(host).all(|owner| of.contains(&owner.name)));
        hosts
    }

    /// The name servers of these providers.
    pub fn name_servers(&self, of: &[String]) -> BTreeSet<Name> {
        self.signers
            .iter()
            .filter(|signer| of.contains(&signer.name))
            .flat_map(|signer| signer.name_servers.iter().cloned())
            .collect()
    }

    /// The step of that name.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }
}

/// The names of those of `signers` that these name servers lead to.
pub(super) fn led_to<'a>(signers: &[Signer], hosts: impl IntoIterator<Item = &'a Name>) -> BTreeSet<String> {
    let hosts: BTreeSet<&Name> = hosts.into_iter().collect();
    signers
        .iter()
        .filter(|signer| signer.name_servers.iter().any(|host| hosts.contains(host)))
        .map(|signer| signer.name.clone())
        .collect()
}

impl Intent {
    /// In a few words, for people.
    pub fn title(&self) -> String {
        match self {
            Intent::ShareKeys { at, of } => format!(
                "put the data-signing keys of {} into the DNSKEY RRset at {at}",
                of.join(", ")
            ),
            Intent::DropKeys { at, of } => format!("remove the keys of {of} from the DNSKEY RRset at {at}"),
            Intent::PublishCds { at, of } => format!(
                "CDS and CDNSKEY at {at}: the union of {}, or none anywhere",
                of.join(", ")
            ),
            Intent::WithdrawCds { at } => format!("no CDS and no CDNSKEY at {at}"),
            Intent::RemoveDs { .. } => {
                "remove the whole DS RRset at the parent: the zone is insecure".to_owned()
            }
            Intent::SetDs { of, without, anew } if without.is_empty() || *anew => {
                format!("DS at the parent for the keys of {}", of.join(", "))
            }
            Intent::SetDs { without, .. } => format!("remove the DS of {} at the parent", without.join(", ")),
            Intent::SetApexNs { at, of } => format!("apex NS at {at} names {}", of.join(" and ")),
            Intent::SetParentNs { of } => format!("the delegation names {}", of.join(" and ")),
            Intent::Soak { seconds } => format!("soak for {seconds} s: sweeps without a fault"),
            Intent::Retire { provider } => format!("{provider} may be switched off"),
        }
    }

    /// The provider at which it changes something; none for the parent and for what changes nothing.
    pub fn place(&self) -> Option<&str> {
        match self {
            Intent::ShareKeys { at, .. }
            | Intent::DropKeys { at, .. }
            | Intent::PublishCds { at, .. }
            | Intent::WithdrawCds { at }
            | Intent::SetApexNs { at, .. } => Some(at),
            _ => None,
        }
    }

    /// Whether the registrar or registry has to act.
    pub fn at_parent(&self) -> bool {
        matches!(
            self,
            Intent::SetDs { .. } | Intent::RemoveDs { .. } | Intent::SetParentNs { .. }
        )
    }
}
