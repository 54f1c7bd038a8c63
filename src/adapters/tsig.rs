//! TSIG (RFC 8945) as a client: requests are signed, answers are believed only with a good MAC.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use domain::base::iana::Rtype;
use domain::base::message_builder::AdditionalBuilder;
use domain::base::{Message as Wire, ToName};
use domain::rdata::tsig::Time48;
use domain::tsig::{Algorithm, ClientSequence, ClientTransaction, Key, KeyName, ValidationError};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use zeroize::Zeroize;

use crate::dns::{Name, Rcode};
use crate::moment::Moment;

/// The MAC algorithms that are offered.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub enum TsigAlgorithm {
    /// hmac-sha256
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// hmac-sha384
    #[serde(rename = "hmac-sha384")]
    HmacSha384,
    /// hmac-sha512
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
}

impl TsigAlgorithm {
    fn native(self) -> Algorithm {
        match self {
            TsigAlgorithm::HmacSha256 => Algorithm::Sha256,
            TsigAlgorithm::HmacSha384 => Algorithm::Sha384,
            TsigAlgorithm::HmacSha512 => Algorithm::Sha512,
        }
    }
}

impl fmt::Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TsigAlgorithm::HmacSha256 => "hmac-sha256",
            TsigAlgorithm::HmacSha384 => "hmac-sha384",
            TsigAlgorithm::HmacSha512 => "hmac-sha512",
        })
    }
}

impl FromStr for TsigAlgorithm {
    type Err = TsigKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim_end_matches('.').to_ascii_lowercase().as_str() {
            "hmac-sha256" => Ok(TsigAlgorithm::HmacSha256),
            "hmac-sha384" => Ok(TsigAlgorithm::HmacSha384),
            "hmac-sha512" => Ok(TsigAlgorithm::HmacSha512),
            _ => Err(TsigKeyError::Algorithm(text.to_owned())),
        }
    }
}

/// Why there is no key. Never shows the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TsigKeyError {
    /// An algorithm that is not offered.
    #[error("TSIG algorithm '{0}' (expected hmac-sha256, hmac-sha384 or hmac-sha512)")]
    Algorithm(String),
    /// The secret is no base64.
    #[error(
        "the secret of TSIG key {0} is not base64 (expected what `tsig-keygen` prints between the quotes)"
    )]
    NotBase64(Name),
    /// The secret is empty.
    #[error("the secret of TSIG key {0} is empty")]
    Empty(Name),
    /// The name cannot be a key's name.
    #[error("'{0}' cannot name a TSIG key")]
    Name(Name),
}

/// A TSIG key; its octets are wiped when the last copy goes.
#[derive(Clone)]
pub struct TsigKey {
    name: Name,
    algorithm: TsigAlgorithm,
    secret: Arc<SecretSlice<u8>>,
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({} {})", self.name, self.algorithm)
    }
}

impl TsigKey {
    /// From the secret as tools print it: base64.
    ///
    /// # Errors
    /// If it is no base64, or empty.
    pub fn new(name: Name, algorithm: TsigAlgorithm, secret: &SecretString) -> Result<TsigKey, TsigKeyError> {
        let text = secret.expose_secret().trim();
        let mut octets = BASE64
            .decode(text.as_bytes())
            .map_err(|_| TsigKeyError::NotBase64(name.clone()))?;
        let key = Self::from_octets(name, algorithm, &octets);
        octets.zeroize();
        key
    }

    /// From the octets of the secret.
    ///
    /// # Errors
    /// If there are none.
    pub fn from_octets(name: Name, algorithm: TsigAlgorithm, octets: &[u8]) -> Result<TsigKey, TsigKeyError> {
        if octets.is_empty() {
            return Err(TsigKeyError::Empty(name));
        }
        let key = TsigKey {
            name,
            algorithm,
            secret: Arc::new(SecretSlice::from(octets.to_vec())),
        };
        key.native().map(|_| key)
    }

    /// The key's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> TsigAlgorithm {
        self.algorithm
    }

    fn native(&self) -> Result<Key, TsigKeyError> {
        let fail = || TsigKeyError::Name(self.name.clone());
        let wire = domain::base::Name::from_slice(self.name.wire()).map_err(|_| fail())?;
        let name: KeyName = wire.try_to_name().map_err(|_| fail())?;
        Key::new(
            self.algorithm.native(),
            self.secret.expose_secret(),
            name,
            None,
            None,
        )
        .map_err(|_| fail())
    }

    /// Signs a request that has one answer.
    ///
    /// # Errors
    /// If the message has no room for the signature.
    pub fn sign(
        &self,
        mut message: AdditionalBuilder<Vec<u8>>,
        now: Moment,
    ) -> Result<(Vec<u8>, TsigTransaction), TsigError> {
        let key = self
            .native()
            .map_err(|error| TsigError::Local(error.to_string()))?;
        let transaction = ClientTransaction::request(key, &mut message, time48(now))
            .map_err(|_| TsigError::Local("no room for the signature".to_owned()))?;
        Ok((
            message.finish(),
            TsigTransaction {
                transaction,
                key: self.clone(),
            },
        ))
    }

    /// Signs a request that has a sequence of answers (a zone transfer).
    ///
    /// # Errors
    /// If the message has no room for the signature.
    pub fn sign_sequence(
        &self,
        mut message: AdditionalBuilder<Vec<u8>>,
        now: Moment,
    ) -> Result<(Vec<u8>, TsigSequence), TsigError> {
        let key = self
            .native()
            .map_err(|error| TsigError::Local(error.to_string()))?;
        let sequence = ClientSequence::request(key, &mut message, time48(now))
            .map_err(|_| TsigError::Local("no room for the signature".to_owned()))?;
        Ok((
            message.finish(),
            TsigSequence {
                sequence,
                key: self.clone(),
            },
        ))
    }
}

/// A signed request that waits for its answer.
pub struct TsigTransaction {
    transaction: ClientTransaction<Key>,
    key: TsigKey,
}

impl TsigTransaction {
    /// Checks the MAC and the time of `answer`; gives the message without the TSIG record.
    ///
    /// # Errors
    /// If the answer is not signed, not signed well, or says that the request was not.
    pub fn verify(&self, answer: Vec<u8>, now: Moment) -> Result<Vec<u8>, TsigError> {
        let mut message = read(answer)?;
        let rcode = rcode_of(&message);
        self.transaction
            .answer(&mut message, time48(now))
            .map_err(|error| explain(error, &self.key, rcode, now))?;
        Ok(message.into_octets())
    }
}

/// A signed request and its answers so far.
pub struct TsigSequence {
    sequence: ClientSequence<Key>,
    key: TsigKey,
}

impl TsigSequence {
    /// Checks the next message; gives it without the TSIG record.
    ///
    /// # Errors
    /// As [`TsigTransaction::verify`], and if more than 99 messages in a row are unsigned.
    pub fn verify(&mut self, answer: Vec<u8>, now: Moment) -> Result<Vec<u8>, TsigError> {
        let mut message = read(answer)?;
        let rcode = rcode_of(&message);
        self.sequence
            .answer(&mut message, time48(now))
            .map_err(|error| explain(error, &self.key, rcode, now))?;
        Ok(message.into_octets())
    }

    /// Checks that the last message was signed; until then nothing of the sequence is authentic.
    ///
    /// # Errors
    /// If it was not.
    pub fn finish(self) -> Result<(), TsigError> {
        self.sequence.done().map_err(|_| TsigError::UnsignedEnd)
    }
}

/// What of a message may be kept: the identifier set to zero, and no TSIG record at its end, since a MAC lets a weak secret be
/// guessed. Tells whether there was one; none where it is no whole message.
pub(super) fn without_tsig(octets: &[u8]) -> Option<(Vec<u8>, bool)> {
    let message = Wire::from_octets(octets).ok()?;
    let mut section = message.additional().ok()?;
    let (mut end, mut last) = (section.pos(), None);
    while let Some(record) = section.next() {
        last = Some((end, record.ok()?.rtype()));
        end = section.pos();
    }
    let signed = last.filter(|(_, rtype)| *rtype == Rtype::TSIG);
    let mut out = octets.get(..signed.map_or(end, |(start, _)| start))?.to_vec();
    out.get_mut(..2)?.fill(0);
    if signed.is_some() {
        let count = message.header_counts().arcount().saturating_sub(1);
        out.get_mut(10..12)?.copy_from_slice(&count.to_be_bytes());
    }
    Some((out, signed.is_some()))
}

/// What went wrong with a signed exchange, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TsigError {
    /// The server does not take the key.
    #[error(
        "{rcode}, TSIG error BADKEY: the server does not know a key named {name} with {algorithm}, or does not let it do this (name, algorithm and access rules of the key on the server)"
    )]
    BadKey {
        /// The key.
        name: Name,
        /// Its algorithm.
        algorithm: TsigAlgorithm,
        /// What the server said.
        rcode: Rcode,
    },
    /// The server could not verify the request.
    #[error(
        "{rcode}, TSIG error BADSIG: the server knows a key named {name}, but not with this secret (compare the secrets)"
    )]
    BadSig {
        /// The key.
        name: Name,
        /// What the server said.
        rcode: Rcode,
    },
    /// The clocks differ too much.
    #[error(
        "TSIG error BADTIME: this machine's clock says {ours}, the server's {theirs}, more than 300 seconds apart (set the clocks)"
    )]
    BadTime {
        /// The time here.
        ours: Moment,
        /// The time there.
        theirs: Moment,
    },
    /// An answer without a signature.
    #[error(
        "the answer, {rcode}, is not signed: anybody could have sent it (does the server know key {name}, and is it asked directly?)"
    )]
    Unsigned {
        /// The response code.
        rcode: Rcode,
        /// The key.
        name: Name,
    },
    /// The MAC of the answer is wrong, or of another key.
    #[error("the answer's signature is not good ({reason}): it is not believed")]
    Forged {
        /// The codec's words.
        reason: String,
    },
    /// The answer's signature is good but from another time.
    #[error(
        "the answer's signature is good but was not made now: an old answer, or clocks that differ by more than 300 seconds"
    )]
    Stale,
    /// A sequence whose end is not signed.
    #[error("the last message of the transfer is not signed: it is not believed")]
    UnsignedEnd,
    /// Nothing was sent.
    #[error("the request cannot be signed: {0}")]
    Local(String),
}

impl TsigError {
    /// Whether the server itself said, before it looked at the request's content, that it did not take the signature.
    pub fn refused_by_server(&self) -> bool {
        matches!(
            self,
            TsigError::BadKey { .. } | TsigError::BadSig { .. } | TsigError::BadTime { .. }
        )
    }
}

fn read(answer: Vec<u8>) -> Result<Wire<Vec<u8>>, TsigError> {
    Wire::from_octets(answer).map_err(|_| TsigError::Forged {
        reason: "shorter than a header".to_owned(),
    })
}

fn rcode_of(message: &Wire<Vec<u8>>) -> Rcode {
    Rcode(u16::from(message.header().rcode().to_int()))
}

fn time48(now: Moment) -> Time48 {
    Time48::from_u64(u64::try_from(now.floor_seconds()).unwrap_or(0))
}

fn explain(error: ValidationError, key: &TsigKey, rcode: Rcode, now: Moment) -> TsigError {
    let name = key.name.clone();
    match error {
        ValidationError::ServerBadKey => TsigError::BadKey {
            name,
            algorithm: key.algorithm,
            rcode,
        },
        ValidationError::ServerBadSig => TsigError::BadSig { name, rcode },
        ValidationError::ServerBadTime { server, .. } => TsigError::BadTime {
            ours: now,
            theirs: Moment::from_seconds(i64::try_from(u64::from(server)).unwrap_or(0)),
        },
        ValidationError::ServerUnsigned => TsigError::Unsigned { rcode, name },
        ValidationError::BadTime => TsigError::Stale,
        other => TsigError::Forged {
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_base64_of_at_least_one_octet_and_are_never_shown() {
        let name = Name::parse("lab").unwrap();
        let make = |text: &str| {
            let secret = SecretString::from(text.to_owned());
            TsigKey::new(name.clone(), TsigAlgorithm::HmacSha512, &secret)
        };
        let key = make(" c2VjcmV0\n").unwrap();
        assert_eq!(format!("{key:?}"), "TsigKey(lab. hmac-sha512)");
        let error = make("not base64!").unwrap_err();
        assert!(matches!(error, TsigKeyError::NotBase64(_)));
        assert!(!error.to_string().contains("not base64!"));
        assert!(matches!(make(""), Err(TsigKeyError::Empty(_))));
    }

    #[test]
    fn algorithms_by_name() {
        assert_eq!("HMAC-SHA256.".parse(), Ok(TsigAlgorithm::HmacSha256));
        assert_eq!(TsigAlgorithm::HmacSha384.to_string(), "hmac-sha384");
        for old in ["hmac-md5", "hmac-sha1", "sha256"] {
            assert!(old.parse::<TsigAlgorithm>().is_err());
        }
    }
}
