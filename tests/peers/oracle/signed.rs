//! Keys, signatures and signed RRsets: RFC 4034, with the signed bytes built here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, HEXUPPER};
use ring::digest::{SHA256, SHA384, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::wire::{Name, Record, rtype, u16_at, u32_at};

/// A DNSKEY.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    rdata: Vec<u8>,
}

impl Key {
    /// From RDATA; none where it is not a usable zone key (RFC 4034 section 2.1: zone flag, protocol 3; RFC 5011: not revoked).
    fn of(rdata: &[u8]) -> Option<Self> {
        let flags = u16_at(rdata, 0)?;
        let usable = flags & 0x0100 != 0 && flags & 0x0080 == 0 && *rdata.get(2)? == 3 && rdata.len() > 4;
        usable.then(|| Self {
            rdata: rdata.to_vec(),
        })
    }

    /// Its algorithm.
    pub(crate) fn algorithm(&self) -> u8 {
        self.rdata[3]
    }

    /// Its tag (RFC 4034 appendix B).
    pub(crate) fn tag(&self) -> u16 {
        let sum: u32 = self
            .rdata
            .iter()
            .enumerate()
            .map(|(at, &octet)| {
                if at % 2 == 0 {
                    u32::from(octet) << 8
                } else {
                    u32::from(octet)
                }
            })
            .sum();
        ((sum + (sum >> 16)) & 0xffff) as u16
    }

    /// The RDATA as text.
    pub(crate) fn text(&self) -> String {
        let flags = u16::from_be_bytes([self.rdata[0], self.rdata[1]]);
        format!(
            "{flags} 3 {} {}",
            self.algorithm(),
            BASE64.encode(&self.rdata[4..])
        )
    }

    /// The RDATA of its DS, by SHA-256.
    fn ds(&self, zone: &Name) -> Vec<u8> {
        let mut ds = self.tag().to_be_bytes().to_vec();
        ds.extend([self.algorithm(), 2]);
        ds.extend(digest(&SHA256, &[zone.wire(), &self.rdata].concat()).as_ref());
        ds
    }

    /// The RDATA of its DS as text.
    pub(crate) fn ds_text(&self, zone: &Name) -> String {
        ds_text(&self.ds(zone))
    }

    /// Whether a DS of the zone is about this key.
    pub(crate) fn is_named_by(&self, ds: &[u8], zone: &Name) -> bool {
        let algorithm = match ds.get(3) {
            Some(2) => &SHA256,
            Some(4) => &SHA384,
            _ => return false,
        };
        u16_at(ds, 0) == Some(self.tag())
            && ds[2] == self.algorithm()
            && ds[4..] == *digest(algorithm, &[zone.wire(), &self.rdata].concat()).as_ref()
    }

    /// Whether it made this signature over these bytes. Algorithms 8, 13 and 15; others never verify here.
    fn made(&self, signature: &[u8], message: &[u8]) -> bool {
        let public = &self.rdata[4..];
        match self.algorithm() {
            // RFC 3110 section 2; an exponent of more than 255 octets is nobody's.
            8 => public
                .split_first()
                .and_then(|(&length, rest)| rest.split_at_checked(usize::from(length)))
                .is_some_and(|(e, n)| {
                    RsaPublicKeyComponents { n, e }
                        .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                        .is_ok()
                }),
            13 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], public].concat())
                .verify(message, signature)
                .is_ok(),
            15 => UnparsedPublicKey::new(&ED25519, public)
                .verify(message, signature)
                .is_ok(),
            _ => false,
        }
    }
}

/// A DS as text: tag, algorithm, digest type, digest.
pub(crate) fn ds_text(ds: &[u8]) -> String {
    let tag = u16_at(ds, 0).unwrap_or_default();
    format!("{tag} {} {} {}", ds[2], ds[3], HEXUPPER.encode(&ds[4..]))
}

/// The fields of an RRSIG.
struct Signature<'a> {
    covered: u16,
    algorithm: u8,
    labels: u8,
    original_ttl: u32,
    expiration: u32,
    inception: u32,
    tag: u16,
    signer: Name,
    /// All but the signature itself, as it is signed.
    head: &'a [u8],
    value: &'a [u8],
}

impl<'a> Signature<'a> {
    fn of(rdata: &'a [u8]) -> Option<Self> {
        let mut end = 18;
        loop {
            let len = usize::from(*rdata.get(end)?);
            end += 1 + len;
            if len == 0 {
                break;
            }
        }
        Some(Self {
            covered: u16_at(rdata, 0)?,
            algorithm: rdata[2],
            labels: rdata[3],
            original_ttl: u32_at(rdata, 4)?,
            expiration: u32_at(rdata, 8)?,
            inception: u32_at(rdata, 12)?,
            tag: u16_at(rdata, 16)?,
            signer: Name::from_wire(&rdata[18..end]),
            head: &rdata[..end],
            value: &rdata[end..],
        })
    }

    /// Whether its window is open (serial arithmetic, RFC 4034 section 3.1.5).
    fn is_current(&self) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs() as u32);
        now.wrapping_sub(self.inception) as i32 >= 0 && self.expiration.wrapping_sub(now) as i32 >= 0
    }
}

/// An RRset with the signatures that came with it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rrset {
    pub(crate) name: Name,
    pub(crate) rtype: u16,
    /// The longest that a cache may keep it: the smallest of the TTLs served and the original TTLs signed.
    pub(crate) ttl: u32,
    pub(crate) rdatas: BTreeSet<Vec<u8>>,
    signatures: BTreeSet<Vec<u8>>,
}

impl Rrset {
    /// The RRsets of a section of a message.
    pub(crate) fn group(records: &[Record]) -> Vec<Self> {
        let mut sets: BTreeMap<(Name, u16), Self> = BTreeMap::new();
        for record in records {
            let covered = match record.rtype {
                rtype::RRSIG => u16_at(&record.rdata, 0).unwrap_or_default(),
                other => other,
            };
            let set = sets
                .entry((record.owner.clone(), covered))
                .or_insert_with(|| Self {
                    name: record.owner.clone(),
                    rtype: covered,
                    ttl: record.ttl,
                    rdatas: BTreeSet::new(),
                    signatures: BTreeSet::new(),
                });
            set.ttl = set.ttl.min(record.ttl);
            if record.rtype == rtype::RRSIG {
                let original = u32_at(&record.rdata, 4).unwrap_or_default();
                set.ttl = set.ttl.min(original);
                set.signatures.insert(record.rdata.clone());
            } else {
                set.rdatas.insert(record.rdata.clone());
            }
        }
        sets.into_values().collect()
    }

    /// A proven absence, for as long as it may be remembered.
    pub(crate) fn absent(name: Name, rtype: u16, ttl: u32) -> Self {
        Self {
            name,
            rtype,
            ttl,
            rdatas: BTreeSet::new(),
            signatures: BTreeSet::new(),
        }
    }

    /// The usable keys in a DNSKEY RRset.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.rdatas.iter().filter_map(|rdata| Key::of(rdata)).collect()
    }

    /// The tags of the keys that claim to have signed it.
    pub(crate) fn signer_tags(&self) -> BTreeSet<u16> {
        self.signatures
            .iter()
            .filter_map(|rdata| u16_at(rdata, 16))
            .collect()
    }

    /// Whether its name was made from a wildcard.
    pub(crate) fn is_expanded(&self) -> bool {
        let labels = self.name.signed_labels();
        self.signatures
            .iter()
            .filter_map(|rdata| rdata.get(3))
            .any(|&signed| usize::from(signed) < labels)
    }

    /// Whether all its signatures are within their windows.
    pub(crate) fn is_current(&self) -> bool {
        self.signatures
            .iter()
            .all(|rdata| Signature::of(rdata).is_some_and(|signature| signature.is_current()))
    }

    /// Whether this key of the zone made one of the signatures.
    pub(crate) fn is_signed_by(&self, key: &Key, zone: &Name) -> bool {
        !self.rdatas.is_empty()
            && self
                .signatures
                .iter()
                .filter_map(|rdata| Signature::of(rdata))
                .any(|signature| {
                    signature.covered == self.rtype
                        && signature.signer == *zone
                        && signature.algorithm == key.algorithm()
                        && signature.tag == key.tag()
                        && self
                            .signed_bytes(&signature)
                            .is_some_and(|bytes| key.made(signature.value, &bytes))
                })
    }

    /// What a signature is made over (RFC 4034 section 3.1.8.1), if it can be over this RRset at all.
    fn signed_bytes(&self, signature: &Signature<'_>) -> Option<Vec<u8>> {
        let labels = self.name.signed_labels();
        let signed = usize::from(signature.labels);
        let owner = match signed.cmp(&labels) {
            std::cmp::Ordering::Equal => self.name.clone(),
            std::cmp::Ordering::Less => self.name.wildcard(signed),
            std::cmp::Ordering::Greater => return None,
        };
        let mut bytes = signature.head.to_vec();
        // The set is ordered as octet strings, shorter first where one begins the other: the canonical order.
        for rdata in &self.rdatas {
            bytes.extend(owner.wire());
            bytes.extend(self.rtype.to_be_bytes());
            bytes.extend(1u16.to_be_bytes());
            bytes.extend(signature.original_ttl.to_be_bytes());
            bytes.extend((rdata.len() as u16).to_be_bytes());
            bytes.extend(rdata);
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6605 section 6.1: a P-256 key, its DS, and its signature over one address.
    #[test]
    fn rfc_6605_example() {
        let zone = Name::of("example.net.");
        let base64 = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
        let mut key = vec![1, 1, 3, 13];
        key.extend(base64(
            "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
        ));
        let key = Key::of(&key).unwrap();
        assert_eq!(key.tag(), 55648);
        let ds = key.ds(&zone);
        assert_eq!(
            ds_text(&ds),
            "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17"
        );
        assert!(key.is_named_by(&ds, &zone));

        // A 13 3 3600, 2010-09-09 10:04:39 to 2010-08-12 10:04:39, tag 55648.
        let mut rrsig = vec![0, 1, 13, 3];
        for field in [3600u32, 1_284_026_679, 1_281_607_479] {
            rrsig.extend(field.to_be_bytes());
        }
        rrsig.extend(55648u16.to_be_bytes());
        rrsig.extend(zone.wire());
        rrsig.extend(base64(
            "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
        ));
        let name = Name::of("www.example.net.");
        let record = |rtype, rdata| Record {
            owner: name.clone(),
            rtype,
            ttl: 3600,
            rdata,
        };
        let set = |address: Vec<u8>| {
            Rrset::group(&[record(rtype::A, address), record(rtype::RRSIG, rrsig.clone())]).remove(0)
        };
        assert!(set(vec![192, 0, 2, 1]).is_signed_by(&key, &zone));
        assert!(!set(vec![192, 0, 2, 2]).is_signed_by(&key, &zone));
        assert!(!set(vec![192, 0, 2, 1]).is_current());
    }
}
