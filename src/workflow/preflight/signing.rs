//! Whether each signer signs as a signer of a Model 2 group must, and how it proves absence.

use super::{Finding, refuse, warn};
use crate::evidence::Place;
use crate::workflow::plan::Plan;
use crate::workflow::snapshot::Snapshot;
use crate::workflow::state::State;

/// More iterations than this and BIND's resolver gives up (RFC 9276 section 3.2 lets others do so above 0).
const MOST_ITERATIONS: u16 = 50;

/// Own keys, a signed DNSKEY RRset, signed data.
pub(super) fn signing(plan: &Plan, now: &Snapshot) -> Vec<Finding> {
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

/// The iterations of NSEC3, as its records in negative answers say.
pub(super) fn hashing(state: &State, plan: &Plan) -> Vec<Finding> {
    let most = |name: &str| {
        state
            .ledger
            .streams()
            .filter(|(key, _)| matches!(&key.place, Place::Provider(provider) if provider == name))
            .filter_map(|(_, stream)| stream.shape.nsec3_iterations)
            .max()
            .unwrap_or(0)
    };
    let judge = |name: &str| {
        let iterations = most(name);
        let text = format!("{name} hashes names {iterations} times more than once (NSEC3 iterations)");
        let remedy = "set them to 0 with an empty salt there, or use NSEC (RFC 9276 section 3.1)";
        match iterations {
            0 => None,
            1..=MOST_ITERATIONS => Some(warn("nsec3-iterations", text, remedy)),
            _ => Some(refuse(
                "nsec3-iterations",
                format!("{text}; validators take such denials for insecure or fail"),
                remedy,
            )),
        }
    };
    plan.signers
        .iter()
        .filter_map(|signer| judge(&signer.name))
        .collect()
}
