//! What stands against a plan before anything is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::assess::assess;
use super::plan::{Plan, Purpose};
use super::snapshot::Snapshot;
use super::state::State;
use crate::dnssec::{DsSet, KeyId, Status};
use crate::evidence::Place;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The plan is refused.
    Refuse,
    /// A person should know.
    Warn,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// A stable code.
    pub code: String,
    /// What is so.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Refuse => "refused",
            Severity::Warn => "warning",
        };
        write!(
            f,
            "{word} [{}]: {}\n    remedy: {}",
            self.code, self.text, self.remedy
        )
    }
}

fn refuse(code: &str, text: impl Into<String>, remedy: &str) -> Finding {
    Finding {
        severity: Severity::Refuse,
        code: code.to_owned(),
        text: text.into(),
        remedy: remedy.to_owned(),
    }
}

fn warn(code: &str, text: impl Into<String>, remedy: &str) -> Finding {
    Finding {
        severity: Severity::Warn,
        ..refuse(code, text, remedy)
    }
}

/// Everything found against `plan`, given what was seen.
pub fn preflight(state: &State, plan: &Plan) -> Vec<Finding> {
    let now = state.snapshot();
    let mut findings = Vec::new();
    findings.extend(membership(plan));
    findings.extend(chain(state));
    findings.extend(answers(state));
    findings.extend(servers(state, plan));
    findings.extend(signing(plan, now));
    findings.extend(delegation(plan, now));
    findings.extend(digests(plan, now));
    findings.extend(algorithms(plan, now));
    findings.extend(tags(now));
    findings.extend(largest_ttls(state, plan));
    findings
}

fn membership(plan: &Plan) -> Option<Finding> {
    let (member, stranger) = match &plan.purpose {
        Purpose::Join { signer } => (None, Some(signer)),
        Purpose::Leave { signer } => (Some(signer), None),
        Purpose::Migrate { from, to } => (Some(from), Some(to)),
    };
    if let Some(name) = member.filter(|name| !plan.before.contains(name)) {
        let text = format!("{name} is not a signer of {} in the settings", plan.zone);
        return Some(refuse("not-a-member", text, "name a provider of `signers`"));
    }
    if let Some(name) = stranger.filter(|name| plan.before.contains(name)) {
        let text = format!("{name} is a signer of {} already", plan.zone);
        return Some(refuse(
            "already-a-member",
            text,
            "name a provider that is not in `signers`",
        ));
    }
    if plan.after.is_empty() {
        return Some(refuse(
            "last-signer",
            "no signer would be left",
            "join another signer first, or migrate",
        ));
    }
    None
}

fn chain(state: &State) -> Option<Finding> {
    let fault = state.upstream.fault()?;
    Some(refuse(
        "chain-above",
        fault,
        "check the trust anchors and the zones above; nothing can be proven below them",
    ))
}

fn answers(state: &State) -> Vec<Finding> {
    let Some(sweep) = &state.last_sweep else {
        return vec![refuse(
            "not-observed",
            "nothing was asked yet",
            "run it where the servers can be reached",
        )];
    };
    let mut by_server: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, server, rtype, why) in &sweep.unclear {
        if matches!(why, super::facts::Unclear::NoRoute(_)) {
            continue;
        }
        let whose = match place {
            Place::Provider(name) => format!("{server} of {name}"),
            _ => format!("{server} of the parent"),
        };
        by_server
            .entry(whose)
            .or_default()
            .push(format!("{rtype}: {why}"));
    }
    let mut out: Vec<Finding> = by_server
        .into_iter()
        .map(|(server, faults)| {
            refuse(
                "no-answer",
                format!("{server} did not answer as it should: {}", faults.join("; ")),
                "mend the server, or take it out of the delegation and the settings",
            )
        })
        .collect();
    let blind: Vec<String> = sweep
        .blind
        .iter()
        .map(|spot| spot.server.to_string())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if !blind.is_empty() {
        out.push(warn(
            "blind-spot",
            format!("some addresses of {} cannot be reached from here", blind.join(", ")),
            "run from a place with that address family, or waive it once: unbroken approve --zone ZONE blind-spots",
        ));
    }
    out
}

fn servers(state: &State, plan: &Plan) -> Vec<Finding> {
    let Some(sweep) = &state.last_sweep else {
        return Vec::new();
    };
    assess(state, sweep.ended)
        .into_iter()
        .filter(|verdict| plan.before.contains(&verdict.provider))
        .filter(|verdict| matches!(verdict.status, Status::Bogus | Status::Insecure))
        .map(|verdict| {
            let word = if verdict.status == Status::Bogus {
                "bogus"
            } else {
                "insecure"
            };
            refuse(
                &format!("{word}-now"),
                format!(
                    "{} ({}) at {}: {}",
                    verdict.server, verdict.address, verdict.provider, verdict.why
                ),
                "a move starts from a zone that validates at every server: repair it first",
            )
        })
        .collect()
}

fn signing(plan: &Plan, now: &Snapshot) -> Vec<Finding> {
    let mut out = Vec::new();
    for signer in &plan.signers {
        let name = &signer.name;
        let own = now.own_keys(name);
        let data = now.data_signers(name);
        if data.is_empty() || own.is_empty() {
            out.push(refuse(
                "not-signing",
                format!("{name} was not seen to serve the zone signed with keys of its own"),
                "import the zone there and turn signing on first; nobody is led to it yet",
            ));
        } else if now.entry_points(name).is_empty() {
            out.push(refuse(
                "no-key-signer",
                format!("no key of {name} signs its DNSKEY RRset"),
                "a Model 2 signer signs its own DNSKEY RRset (RFC 8901 section 2.1.2)",
            ));
        }
        let unsigned = now
            .providers
            .get(name)
            .is_some_and(|at| at.data.values.keys().any(|signers| signers.is_empty()));
        if unsigned {
            out.push(refuse(
                "unsigned-data",
                format!("{name} serves an RRset or a denial without a signature"),
                "let it sign the whole zone first",
            ));
        }
    }
    out
}

fn delegation(plan: &Plan, now: &Snapshot) -> Vec<Finding> {
    let Some(named) = now.parent_ns.agreed() else {
        return vec![refuse(
            "parent-disagrees",
            "the parent's servers do not agree on the delegation, or did not answer",
            "wait until they do",
        )];
    };
    named
        .iter()
        .filter(|host| plan.owner_of(host).is_none())
        .map(|host| {
            refuse(
                "unknown-name-server",
                format!("the delegation names {host}, which no provider in the settings runs"),
                "add it to `name_servers` of the provider that feeds it, or remove it from the delegation",
            )
        })
        .collect()
}

fn digests(plan: &Plan, now: &Snapshot) -> Option<Finding> {
    let Some(set) = now.ds.agreed() else {
        return Some(refuse(
            "ds-unknown",
            "the parent's servers do not agree on the DS RRset",
            "wait until they do",
        ));
    };
    if set.is_empty() {
        return None;
    }
    if plan.digest_types.is_empty() {
        return Some(refuse(
            "sha1-only",
            "every DS record is SHA-1",
            "replace it by SHA-256 (digest type 2) at the registrar first",
        ));
    }
    let mut by_key: BTreeMap<(u16, u8), BTreeSet<u8>> = BTreeMap::new();
    for ds in set.iter().filter(|ds| ds.digest_type != 1) {
        by_key
            .entry((ds.tag, ds.algorithm))
            .or_default()
            .insert(ds.digest_type);
    }
    let kinds: BTreeSet<&BTreeSet<u8>> = by_key.values().collect();
    (kinds.len() > 1).then(|| {
        refuse(
            "mixed-digests",
            format!("DS records with different digest types: {}", list(set)),
            "give every key DS records of the same digest types: resolvers may use only the strongest (RFC 4509 section 3)",
        )
    })
}

fn list(set: &DsSet) -> String {
    set.iter()
        .map(|ds| format!("{} {} {}", ds.tag, ds.algorithm, ds.digest_type))
        .collect::<Vec<_>>()
        .join(", ")
}

fn algorithms(plan: &Plan, now: &Snapshot) -> Option<Finding> {
    let of =
        |name: &str| -> BTreeSet<u8> { now.own_keys(name).iter().map(|key| key.key().algorithm).collect() };
    let sets: Vec<(String, BTreeSet<u8>)> = plan
        .signers
        .iter()
        .map(|s| (s.name.clone(), of(&s.name)))
        .filter(|(_, set)| !set.is_empty())
        .collect();
    let first = sets.first()?;
    let other = sets.iter().find(|(_, set)| *set != first.1)?;
    Some(refuse(
        "algorithms-differ",
        format!(
            "{} signs with algorithms {:?}, {} with {:?}",
            first.0, first.1, other.0, other.1
        ),
        "all signers of a group use the same algorithms (RFC 8901 section 4): make new keys at the newcomer, 13 is common to all",
    ))
}

/// A leave waits for the largest TTL that a leaver served; sampled answers alone would miss some.
fn largest_ttls(state: &State, plan: &Plan) -> Vec<Finding> {
    plan.signers
        .iter()
        .filter(|signer| signer.max_ttl == 0 && !state.max_ttl.contains_key(&signer.name))
        .map(|signer| {
            refuse(
                "max-ttl-unknown",
                format!("the zone at {} could not be read, so the largest TTL in it is not known", signer.name),
                "give `max_ttl` in the zone's settings (seconds, the largest TTL of any record), or let the zone be transferred",
            )
        })
        .collect()
}

fn tags(now: &Snapshot) -> Vec<Finding> {
    let mut seen: BTreeMap<(u8, u16), &KeyId> = BTreeMap::new();
    let mut out = Vec::new();
    for key in now.owners.keys() {
        let place = (key.key().algorithm, key.key().tag());
        if let Some(other) = seen.insert(place, key) {
            out.push(refuse(
                "key-tag-clash",
                format!("two keys have algorithm {} and tag {}: {other} and {key}", place.0, place.1),
                "let one provider make a new key: validators limit how many keys of one tag they try (CVE-2023-50387)",
            ));
        }
    }
    out
}
