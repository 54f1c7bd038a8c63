//! Tokens of time stamping authorities (RFC 3161): the request, and reading what was answered. The authority's signature is
//! not checked here; `openssl ts -verify` does that.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use ring::digest;

use crate::moment::Moment;

/// So many octets an answer may have.
pub const LARGEST_TOKEN: usize = 64 << 10;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// `TimeStampReq` up to the imprint: version 1, SHA-256 with NULL parameters.
const BEFORE_IMPRINT: [u8; 24] = [
    0x30, 0x43, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
    0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
];

/// Why an answer is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Larger than [`LARGEST_TOKEN`].
    #[error("it has {0} octets, and {LARGEST_TOKEN} are the most that are read")]
    Large(usize),
    /// It is not DER of the form of RFC 3161.
    #[error("it is no answer of a time stamping authority (RFC 3161): {0}")]
    Form(&'static str),
    /// The authority said no.
    #[error("the authority granted nothing: status {status}{said}")]
    Rejected {
        /// `PKIStatus`.
        status: u64,
        /// Its words, with a colon before them; empty where there are none.
        said: String,
    },
}

/// What a token states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// `genTime`, down to the millisecond.
    pub time: Moment,
    /// `accuracy`, microseconds to either side; none: the authority states none.
    pub accuracy: Option<u64>,
    /// The object identifier of the hash.
    pub algorithm: String,
    /// `hashedMessage`.
    pub imprint: Vec<u8>,
    /// The octets of the nonce.
    pub nonce: Option<Vec<u8>>,
    /// The authority's policy, an object identifier.
    pub policy: String,
}

/// A `TimeStampReq` over `data` with SHA-256 that asks for the authority's certificate (section 2.4.1); with the octets of its
/// nonce, which are `random` but for the first two bits.
pub fn stamp_request(data: &[u8], random: [u8; 8]) -> (Vec<u8>, [u8; 8]) {
    let mut nonce = random;
    // A positive INTEGER of just so many octets.
    nonce[0] = (nonce[0] & 0x3f) | 0x40;
    let mut out = BEFORE_IMPRINT.to_vec();
    out.extend_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out.extend_from_slice(&[0x02, 0x08]);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&[0x01, 0x01, 0xff]);
    (out, nonce)
}

impl Token {
    /// Reads a `TimeStampResp` (section 2.4.2), DER.
    ///
    /// # Errors
    /// If it is too large, of another form, or a refusal.
    pub fn read(octets: &[u8]) -> Result<Token, StampError> {
        if octets.len() > LARGEST_TOKEN {
            return Err(StampError::Large(octets.len()));
        }
        let mut whole = Parts::of(octets)?;
        let mut answer = whole.sequence("it is no sequence")?;
        whole.end()?;
        granted(answer.sequence("it has no status")?)?;
        let mut content = answer.sequence("it has no token")?;
        answer.end()?;
        if content.identifier()? != SIGNED_DATA {
            return Err(StampError::Form("what it holds is not signed"));
        }
        let mut signed = content.inside(0)?.sequence("it has no signed data")?;
        signed.value(Tag::Integer, "the signed data has no version")?;
        signed.value(Tag::Set, "the signed data has no digest algorithms")?;
        let mut inner = signed.sequence("the signed data has no content")?;
        if inner.identifier()? != TST_INFO {
            return Err(StampError::Form("what is signed is no time stamp"));
        }
        let stamp = inner
            .inside(0)?
            .value(Tag::OctetString, "the time stamp is not there")?;
        let mut stamp = Parts::of(stamp)?;
        let info = stamp.sequence("the time stamp is no sequence")?;
        stamp.end()?;
        info_of(info)
    }

    /// Whether it is over `data`; none where the hash is none of SHA-256, SHA-384 and SHA-512.
    pub fn is_over(&self, data: &[u8]) -> Option<bool> {
        let algorithm = [
            (SHA256, &digest::SHA256),
            (SHA384, &digest::SHA384),
            (SHA512, &digest::SHA512),
        ]
        .into_iter()
        .find(|(id, _)| id.to_string() == self.algorithm)?
        .1;
        Some(digest::digest(algorithm, data).as_ref() == self.imprint)
    }
}

/// `PKIStatusInfo`: granted, or granted with modifications.
fn granted(mut info: Parts<'_>) -> Result<(), StampError> {
    let status = number(info.value(Tag::Integer, "it has no status")?)?;
    if status <= 1 {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(texts) = info.optional(Tag::Sequence) {
        for text in Parts::of(texts)?.elements {
            said.push_str(": ");
            // It goes to a terminal.
            said.extend(
                String::from_utf8_lossy(text.value())
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200),
            );
            if said.len() > 400 {
                break;
            }
        }
    }
    Err(StampError::Rejected { status, said })
}

/// `TSTInfo`.
fn info_of(mut info: Parts<'_>) -> Result<Token, StampError> {
    if number(info.value(Tag::Integer, "the time stamp has no version")?)? != 1 {
        return Err(StampError::Form("the time stamp is of another version than 1"));
    }
    let policy = info.identifier()?.to_string();
    let mut imprint = info.sequence("the time stamp has no imprint")?;
    let algorithm = imprint
        .sequence("the imprint has no algorithm")?
        .identifier()?
        .to_string();
    let hashed = imprint
        .value(Tag::OctetString, "the imprint has no hash")?
        .to_vec();
    info.value(Tag::Integer, "the time stamp has no serial number")?;
    let time = time_of(info.value(Tag::GeneralizedTime, "the time stamp has no time")?)?;
    let accuracy = match info.optional(Tag::Sequence) {
        Some(octets) => Some(accuracy_of(Parts::of(octets)?)?),
        None => None,
    };
    info.optional(Tag::Boolean);
    let nonce = info.optional(Tag::Integer).map(<[u8]>::to_vec);
    Ok(Token {
        time,
        accuracy,
        algorithm,
        imprint: hashed,
        nonce,
        policy,
    })
}

/// `YYYYMMDDhhmmss[.f…]Z` (section 2.4.2).
fn time_of(octets: &[u8]) -> Result<Moment, StampError> {
    let wrong = StampError::Form("its time is none");
    let text = std::str::from_utf8(octets)
        .ok()
        .and_then(|text| text.strip_suffix('Z'));
    let (whole, fraction) = match text {
        Some(text) => text.split_once('.').unwrap_or((text, "0")),
        None => return Err(wrong),
    };
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if whole.len() != 14 || fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(wrong);
    }
    let part = |from: usize, to: usize| whole.get(from..to).unwrap_or_default();
    let text = format!(
        "{}-{}-{}T{}:{}:{}.{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14),
        fraction.get(..9).unwrap_or(fraction)
    );
    text.parse().map_err(|_| wrong)
}

/// Microseconds of an `Accuracy`.
fn accuracy_of(mut parts: Parts<'_>) -> Result<u64, StampError> {
    let mut read = |tag: Tag| parts.optional(tag).map_or(Ok(0), number);
    let seconds = read(Tag::Integer)?;
    let millis = read(numbered(0, false))?;
    let micros = read(numbered(1, false))?;
    Ok(seconds
        .saturating_mul(1_000_000)
        .saturating_add(millis.saturating_mul(1_000))
        .saturating_add(micros))
}

/// The value of an INTEGER that is not negative and has at most 63 bits.
fn number(octets: &[u8]) -> Result<u64, StampError> {
    match octets {
        [first, ..] if *first < 0x80 && octets.len() <= 8 => {
            Ok(octets.iter().fold(0, |sum, octet| (sum << 8) | u64::from(*octet)))
        }
        _ => Err(StampError::Form("a number in it is out of bounds")),
    }
}

const fn numbered(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(number),
    }
}

/// The elements of a constructed value, taken one by one.
struct Parts<'a> {
    elements: std::vec::IntoIter<AnyRef<'a>>,
}

impl<'a> Parts<'a> {
    fn of(octets: &'a [u8]) -> Result<Parts<'a>, StampError> {
        let broken = |_| StampError::Form("it is not DER");
        let mut reader = SliceReader::new(octets).map_err(broken)?;
        let mut elements = Vec::new();
        while !reader.is_finished() {
            elements.push(AnyRef::decode(&mut reader).map_err(broken)?);
        }
        Ok(Parts {
            elements: elements.into_iter(),
        })
    }

    fn optional(&mut self, tag: Tag) -> Option<&'a [u8]> {
        let next = *self.elements.as_slice().first()?;
        if next.tag() != tag {
            return None;
        }
        self.elements.next();
        Some(next.value())
    }

    fn value(&mut self, tag: Tag, missing: &'static str) -> Result<&'a [u8], StampError> {
        self.optional(tag).ok_or(StampError::Form(missing))
    }

    fn sequence(&mut self, missing: &'static str) -> Result<Parts<'a>, StampError> {
        Parts::of(self.value(Tag::Sequence, missing)?)
    }

    /// What is explicitly tagged so.
    fn inside(&mut self, number: u32) -> Result<Parts<'a>, StampError> {
        Parts::of(self.value(numbered(number, true), "a part of it is not there")?)
    }

    fn identifier(&mut self) -> Result<ObjectIdentifier, StampError> {
        let octets = self.value(Tag::ObjectIdentifier, "an identifier is not there")?;
        ObjectIdentifier::from_bytes(octets).map_err(|_| StampError::Form("an identifier is none"))
    }

    fn end(&self) -> Result<(), StampError> {
        match self.elements.as_slice() {
            [] => Ok(()),
            _ => Err(StampError::Form("something follows it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_der_of_the_right_length() {
        for random in [[0; 8], [0xff; 8]] {
            let (octets, nonce) = stamp_request(b"abc", random);
            let mut parts = Parts::of(&octets).unwrap().sequence("").unwrap();
            assert_eq!(parts.value(Tag::Integer, "").unwrap(), [1]);
            parts.sequence("").unwrap();
            assert_eq!(parts.value(Tag::Integer, "").unwrap(), nonce);
            assert_eq!(parts.value(Tag::Boolean, "").unwrap(), [0xff]);
            parts.end().unwrap();
            assert!((0x40..0x80).contains(&nonce[0]));
        }
    }

    #[test]
    fn times_with_and_without_fractions() {
        let read = |text: &str| time_of(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(read("20261124100000Z").unwrap(), "2026-11-24T10:00:00Z");
        assert_eq!(read("20261124100000.1239Z").unwrap(), "2026-11-24T10:00:00.123Z");
        for bad in [
            "",
            "Z",
            "20261324100000Z",
            "20261124100000",
            "20261124100000.Z",
            "2026112410000-Z",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_bounded() {
        assert_eq!(number(&[0x01, 0x00]), Ok(256));
        assert!(number(&[]).is_err() && number(&[0x80]).is_err() && number(&[0; 9]).is_err());
    }

    #[test]
    fn a_refusal_is_told_without_control_characters() {
        let refusal = b"\x30\x0b\x30\x09\x02\x01\x02\x30\x04\x0c\x02\x1bx";
        let error = Token::read(refusal).unwrap_err();
        assert_eq!(error.to_string(), "the authority granted nothing: status 2: x");
        assert_eq!(
            Token::read(&[0; LARGEST_TOKEN + 1]),
            Err(StampError::Large(LARGEST_TOKEN + 1))
        );
    }
}
