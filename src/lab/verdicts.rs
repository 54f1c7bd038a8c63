//! Verdicts on signatures, remembered: the cryptography of one key, one RRset and one signature is done once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{Context, SHA256};

use crate::dns::{Name, Rrset};
use crate::dnssec::{Dnskey, Rrsig, SignatureFault, signed_data, verify_rrset};

/// So many verdicts are kept; beyond that all are made again.
const ROOM: usize = 65_536;

/// By the hash of what was judged.
type Known = HashMap<[u8; 32], Result<(), SignatureFault>>;

/// Shared between all resolvers of a crowd.
#[derive(Clone, Default)]
pub(super) struct Verdicts(Arc<Mutex<Known>>);

impl Verdicts {
    /// Verifies as [`verify_rrset`] does.
    pub(super) fn verify(
        &self,
        rrset: &Rrset,
        signature: &Rrsig,
        key: &Dnskey,
        zone: &Name,
        at: i64,
    ) -> Result<(), SignatureFault> {
        let (inception, expiration) = signature.window(at);
        if at > expiration {
            return Err(SignatureFault::Expired(at - expiration));
        }
        if at < inception {
            return Err(SignatureFault::NotYetValid(inception - at));
        }
        let Some(place) = place(rrset, signature, key, zone) else {
            return verify_rrset(rrset, signature, key, zone, at);
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = known.get(&place) {
            return verdict.clone();
        }
        let verdict = verify_rrset(rrset, signature, key, zone, at);
        if known.len() >= ROOM {
            known.clear();
        }
        known.insert(place, verdict.clone());
        verdict
    }
}

/// Everything that the verdict depends on but the time.
fn place(rrset: &Rrset, signature: &Rrsig, key: &Dnskey, zone: &Name) -> Option<[u8; 32]> {
    let data = signed_data(rrset, signature)?;
    let mut context = Context::new(&SHA256);
    let key = key.rdata();
    for part in [
        zone.wire(),
        rrset.name.wire(),
        key.as_slice(),
        signature.signature.as_slice(),
        data.as_slice(),
    ] {
        // Lengths in front, so that no two lists of parts run together.
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().ok()
}
