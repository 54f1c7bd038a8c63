//! TSIG at the server's side (RFC 8945), hmac-sha256.

use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use domain::base::message_builder::{AdditionalBuilder, PushError};
use domain::base::{Message as Wire, MessageBuilder, StaticCompressor};
use domain::rdata::tsig::Time48;
use domain::tsig::{Algorithm, Key, KeyName, ServerSequence};
use ring::rand::{SecureRandom, SystemRandom};

use super::LabError;
use crate::dns::Name;
use crate::moment::Moment;

/// A key for updates, transfers and authenticated reads. Made anew for each world; of no use anywhere else.
#[derive(Clone)]
pub struct TsigSecret {
    /// The key's name.
    pub name: Name,
    /// The algorithm's name in settings files.
    pub algorithm: &'static str,
    /// The secret, base64.
    pub secret: String,
    pub(super) key: Arc<Key>,
}

/// Shows no secret.
impl std::fmt::Debug for TsigSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TsigSecret({} {})", self.name, self.algorithm)
    }
}

impl TsigSecret {
    /// A new random key of 256 bits.
    ///
    /// # Errors
    /// If the system gives no randomness or the name does not fit.
    pub fn generate(name: Name) -> Result<TsigSecret, LabError> {
        let mut octets = [0u8; 32];
        SystemRandom::new()
            .fill(&mut octets)
            .map_err(|_| LabError::Randomness)?;
        let key_name = KeyName::from_str(&name.to_string()).map_err(|_| LabError::Name(name.to_string()))?;
        let key = Key::new(Algorithm::Sha256, &octets, key_name, None, None)
            .map_err(|_| LabError::Name(name.to_string()))?;
        Ok(TsigSecret {
            name,
            algorithm: "hmac-sha256",
            secret: BASE64.encode(&octets),
            key: Arc::new(key),
        })
    }
}

/// Signs the messages of one answer.
pub(super) struct Signer {
    sequence: ServerSequence<Arc<Key>>,
    now: Time48,
}

impl Signer {
    /// Octets that the TSIG record takes.
    pub(super) fn room(&self) -> usize {
        usize::from(self.sequence.key().compose_len())
    }

    /// Adds the TSIG record of the next message.
    pub(super) fn sign(
        &mut self,
        message: &mut AdditionalBuilder<StaticCompressor<Vec<u8>>>,
    ) -> Result<(), PushError> {
        self.sequence.answer(message, self.now)
    }
}

/// What a request's TSIG record comes to.
pub(super) enum Checked {
    /// There is none.
    Unsigned,
    /// It holds; answers are to be signed.
    Signed(Box<Signer>),
    /// It does not; these octets say so.
    Bad(Option<Vec<u8>>),
}

/// Checks the TSIG record of a request.
pub(super) fn check(secret: &TsigSecret, octets: &[u8], now: Moment) -> Checked {
    let Ok(mut message) = Wire::from_octets(octets.to_vec()) else {
        return Checked::Bad(None);
    };
    let seconds = u64::try_from(now.floor_seconds()).unwrap_or(0);
    let now = Time48::from_u64(seconds & 0xffff_ffff_ffff);
    match ServerSequence::request(&secret.key, &mut message, now) {
        Ok(None) => Checked::Unsigned,
        Ok(Some(sequence)) => Checked::Signed(Box::new(Signer { sequence, now })),
        Err(error) => Checked::Bad(
            Wire::from_octets(octets)
                .ok()
                .and_then(|original| {
                    let builder = MessageBuilder::from_target(Vec::new()).ok()?;
                    error.build_message(&original, builder).ok()
                })
                .map(AdditionalBuilder::finish),
        ),
    }
}
