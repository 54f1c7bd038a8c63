//! Every signature of an RRset against every key that it may mean: what each pair came to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::policy::NSEC3_ITERATION_LIMIT;
use super::verify::verify_remembering;
use super::{Dnskey, KeyId, Memo, Rrsig, SignatureFault};
use crate::dns::{Name, Rrset, Ttl};

/// One signature with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The key that was tried.
    pub key: KeyId,
    /// The signature's Labels field.
    pub labels: u8,
    /// The TTL that was signed, seconds.
    pub original_ttl: Ttl,
    /// Whom the signature names as its signer.
    pub signer: Name,
    /// The signature's window in Unix seconds, both ends included.
    pub window: (i64, i64),
    /// Whether the octets verify, the time aside.
    pub octets: Result<(), SignatureFault>,
    /// Whether the window holds the moment of judgement.
    pub timely: Result<(), SignatureFault>,
}

/// All attempts on one RRset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// Pairs of signature and key with the same tag and algorithm.
    pub attempts: Vec<Attempt>,
    /// Tag and algorithm of the signatures for which no key was at hand.
    pub orphans: BTreeSet<(u16, u8)>,
    /// Pairs that were not tried because the budget was spent.
    pub untried: usize,
}

impl Signers {
    /// The keys with which the RRset verifies, the time aside.
    pub fn keys(&self) -> BTreeSet<KeyId> {
        self.attempts
            .iter()
            .filter(|a| a.octets.is_ok())
            .map(|a| a.key.clone())
            .collect()
    }

    /// The keys with which the RRset verifies at the moment of judgement.
    pub fn timely_keys(&self) -> BTreeSet<KeyId> {
        self.attempts
            .iter()
            .filter(|a| a.octets.is_ok() && a.timely.is_ok())
            .map(|a| a.key.clone())
            .collect()
    }

    /// The part of time in which every good signature is valid; none without a good signature.
    pub fn window(&self) -> Option<(i64, i64)> {
        self.attempts
            .iter()
            .filter(|a| a.octets.is_ok())
            .map(|a| a.window)
            .reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)))
    }
}

/// The work that one judgement may cost (CVE-2023-50387).
#[derive(Clone, Debug)]
pub struct Budget {
    /// Verifications left.
    pub verifications: u32,
    /// Keys tried for one tag and algorithm.
    pub keys_per_tag: usize,
    /// Signatures tried of one RRset.
    pub signatures_per_rrset: usize,
    /// Hashes of NSEC3 left.
    pub nsec3_hashes: u32,
    /// Iterations of an NSEC3 record above which a proof makes the answer insecure (RFC 9276 section 3.2).
    pub nsec3_iterations: u32,
    /// What was worked out before; by default nothing is remembered.
    pub memo: Memo,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            verifications: 64,
            keys_per_tag: 4,
            signatures_per_rrset: 8,
            nsec3_hashes: 24,
            nsec3_iterations: NSEC3_ITERATION_LIMIT.into(),
            memo: Memo::default(),
        }
    }
}

/// Judges every signature of `rrset` with the keys of its tag and algorithm at the Unix time `at`.
///
/// Repeated signatures count once. Keys are tried in the given order, signatures in the order of the RRset.
pub fn judge_rrset<'a>(
    rrset: &Rrset,
    keys: impl IntoIterator<Item = &'a Dnskey> + Clone,
    zone: &Name,
    at: i64,
    budget: &mut Budget,
) -> Signers {
    let mut by_tag: BTreeMap<(u16, u8), Vec<&Dnskey>> = BTreeMap::new();
    for key in keys {
        by_tag.entry((key.tag(), key.algorithm)).or_default().push(key);
    }
    let mut signers = Signers::default();
    let mut seen: HashSet<&Rrsig> = HashSet::new();
    let mut tried_signatures = 0;
    for signature in &rrset.signatures {
        if !seen.insert(signature) {
            continue;
        }
        let Some(candidates) = by_tag.get(&(signature.tag, signature.algorithm)) else {
            signers.orphans.insert((signature.tag, signature.algorithm));
            continue;
        };
        let allowed = if tried_signatures < budget.signatures_per_rrset {
            budget
                .keys_per_tag
                .min(usize::try_from(budget.verifications).unwrap_or(usize::MAX))
                .min(candidates.len())
        } else {
            0
        };
        tried_signatures += 1;
        signers.untried += candidates.len() - allowed;
        for key in candidates.iter().take(allowed) {
            budget.verifications = budget.verifications.saturating_sub(1);
            signers
                .attempts
                .push(attempt(rrset, signature, key, zone, at, &budget.memo));
        }
    }
    signers
}

fn attempt(rrset: &Rrset, signature: &Rrsig, key: &Dnskey, zone: &Name, at: i64, memo: &Memo) -> Attempt {
    let window = signature.window(at);
    let inside = at.clamp(window.0, window.1.max(window.0));
    let timely = if at > window.1 {
        Err(SignatureFault::Expired(at - window.1))
    } else if at < window.0 {
        Err(SignatureFault::NotYetValid(window.0 - at))
    } else {
        Ok(())
    };
    Attempt {
        key: key.id(),
        labels: signature.labels,
        original_ttl: signature.original_ttl,
        signer: signature.signer.clone(),
        window,
        octets: verify_remembering(rrset, signature, key, zone, inside, memo),
        timely,
    }
}
