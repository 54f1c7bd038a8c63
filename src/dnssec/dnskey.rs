//! DNSKEY records and the identity of a key.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dns::{Name, Record, Rtype, Ttl};

/// The zone bit (RFC 4034 section 2.1.1).
const ZONE: u16 = 0x0100;
/// The revoke bit (RFC 5011 section 3).
const REVOKE: u16 = 0x0080;
/// The secure entry point bit: a hint only (RFC 4034 section 2.1.1).
const SEP: u16 = 0x0001;

/// The RDATA of a DNSKEY (RFC 4034 section 2) or CDNSKEY (RFC 7344).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dnskey {
    /// The flags field.
    pub flags: u16,
    /// Must be 3 for a key that is used.
    pub protocol: u8,
    /// The algorithm number.
    pub algorithm: u8,
    /// The public key in the form of its algorithm.
    #[serde(with = "base64_octets")]
    pub public_key: Vec<u8>,
}

impl Dnskey {
    /// Reads RDATA; none where it has fewer than four octets.
    pub fn from_rdata(rdata: &[u8]) -> Option<Dnskey> {
        let (head, key) = rdata.split_first_chunk::<4>()?;
        Some(Dnskey {
            flags: u16::from_be_bytes([head[0], head[1]]),
            protocol: head[2],
            algorithm: head[3],
            public_key: key.to_vec(),
        })
    }

    /// Wire form.
    pub fn rdata(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.public_key.len());
        out.extend_from_slice(&self.flags.to_be_bytes());
        out.push(self.protocol);
        out.push(self.algorithm);
        out.extend_from_slice(&self.public_key);
        out
    }

    /// The DNSKEY record of this key at `zone`.
    pub fn record(&self, zone: &Name, ttl: Ttl) -> Record {
        Record::new(zone.clone(), Rtype::DNSKEY, ttl, self.rdata())
    }

    /// The key tag (RFC 4034 appendix B; algorithm 1 counts as B.1 says). A tag is a hint, never an identity.
    pub fn tag(&self) -> u16 {
        if self.algorithm == 1 {
            let key = &self.public_key;
            return match key
                .len()
                .checked_sub(3)
                .and_then(|start| key.get(start..start + 2))
            {
                Some(octets) => u16::from_be_bytes([octets[0], octets[1]]),
                None => 0,
            };
        }
        let [high, low] = self.flags.to_be_bytes();
        let head = [high, low, self.protocol, self.algorithm];
        let sum: u32 = head
            .iter()
            .chain(&self.public_key)
            .enumerate()
            .map(|(index, octet)| u32::from(*octet) << (8 * ((index + 1) % 2)))
            .fold(0u32, u32::wrapping_add);
        (sum.wrapping_add(sum >> 16) & 0xffff) as u16
    }

    /// Whether the zone bit is set, the protocol is 3 and the key is not revoked: it may verify data of its zone.
    pub fn is_usable(&self) -> bool {
        self.flags & ZONE != 0 && self.protocol == 3 && !self.is_revoked()
    }

    /// The zone bit.
    pub fn is_zone_key(&self) -> bool {
        self.flags & ZONE != 0
    }

    /// The SEP bit, a hint only.
    pub fn is_sep(&self) -> bool {
        self.flags & SEP != 0
    }

    /// The REVOKE bit.
    pub fn is_revoked(&self) -> bool {
        self.flags & REVOKE != 0
    }

    /// What makes this key itself: all of its content but the REVOKE bit.
    pub fn id(&self) -> KeyId {
        KeyId::of(Dnskey {
            flags: self.flags & !REVOKE,
            ..self.clone()
        })
    }
}

/// The identity of a key: flags without REVOKE, protocol, algorithm and public key, never the tag alone. Copies share it.
#[derive(Clone)]
pub struct KeyId(Arc<Identity>);

struct Identity {
    key: Dnskey,
    /// `tag/algorithm/fingerprint`, once it was asked for.
    name: OnceLock<String>,
}

impl KeyId {
    fn of(key: Dnskey) -> KeyId {
        let name = OnceLock::new();
        KeyId(Arc::new(Identity { key, name }))
    }

    /// The key, not revoked.
    pub fn key(&self) -> &Dnskey {
        &self.0.key
    }

    /// The first 16 hexadecimal digits of the SHA-256 of the RDATA.
    pub fn fingerprint(&self) -> String {
        let name = self.name();
        name.rsplit_once('/').map_or(name, |(_, last)| last).to_owned()
    }

    /// `tag/algorithm/fingerprint`: short, and unlike a tag alone it names one key.
    pub fn name(&self) -> &str {
        self.0.name.get_or_init(|| {
            let key = self.key();
            let hash = digest(&SHA256, &key.rdata());
            let mut hex = data_encoding::HEXLOWER.encode(hash.as_ref());
            hex.truncate(16);
            format!("{}/{}/{hex}", key.tag(), key.algorithm)
        })
    }
}

impl PartialEq for KeyId {
    fn eq(&self, other: &KeyId) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.key() == other.key()
    }
}

impl Eq for KeyId {}

impl PartialOrd for KeyId {
    fn partial_cmp(&self, other: &KeyId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeyId {
    fn cmp(&self, other: &KeyId) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.key().cmp(other.key())
    }
}

impl Hash for KeyId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.key().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeyId, D::Error> {
        Dnskey::deserialize(deserializer).map(KeyId::of)
    }
}

/// As [`KeyId::name`].
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Presentation format of the RDATA.
impl fmt::Display for Dnskey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.flags,
            self.protocol,
            self.algorithm,
            BASE64.encode(&self.public_key)
        )
    }
}

impl fmt::Debug for Dnskey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dnskey({} flags {})", self.id(), self.flags)
    }
}

mod base64_octets {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}
