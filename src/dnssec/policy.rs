//! What validators make of algorithms and digests, as of 2026, and what this build can check itself.

use hickory_proto::dnssec::Algorithm;
use serde::{Deserialize, Serialize};

use super::{Dnskey, Ds, DsSet};

/// More iterations than this in an NSEC3 make the answer insecure (RFC 9276 section 3.2 leaves the number open).
pub const NSEC3_ITERATION_LIMIT: u16 = 100;

/// Fewer bits in an RSA modulus than this cannot be checked by this build, though some validators still do.
pub const RSA_LEAST_BITS: usize = 1024;

/// More bits in an RSA modulus than this cannot be checked by this build (RFC 3110 stops at 4096).
pub const RSA_MOST_BITS: usize = 8192;

/// The day of the documents and registries that the tables follow: RFC 9904, 9905 and 9906, and the registry of
/// algorithms of that day.
pub const AS_OF: &str = "2026-08-10";

/// How an algorithm or a digest is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// Validators check it, and so does this build.
    Checked,
    /// Validators treat it as unknown: where nothing else is left, the zone is insecure (RFC 4035 section 5.2).
    TreatedAsInsecure,
    /// Validators check it, but this build cannot: where nothing else decides, the verdict is indeterminate.
    OnlyElsewhere,
}

/// Whose rules hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Today's validators (2026): RFC 9904 with the changes of RFC 9905 and RFC 9906.
    #[default]
    #[serde(rename = "2026")]
    Year2026,
    /// All that this build can check, for captures of an earlier time: algorithms 5 and 7 count as well.
    Then,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyRow {
    /// The number in the IANA registry.
    pub number: u8,
    /// The mnemonic.
    pub name: &'static str,
    /// How it is treated in 2026.
    pub support: Support,
    /// The document that says so.
    pub rfc: &'static str,
}

const fn row(number: u8, name: &'static str, support: Support, rfc: &'static str) -> PolicyRow {
    PolicyRow {
        number,
        name,
        support,
        rfc,
    }
}

/// Signing algorithms. What is not listed is treated as insecure.
pub const ALGORITHMS: &[PolicyRow] = &[
    row(1, "RSAMD5", Support::TreatedAsInsecure, "RFC 9904"),
    row(3, "DSA", Support::TreatedAsInsecure, "RFC 9904"),
    row(5, "RSASHA1", Support::TreatedAsInsecure, "RFC 9905 section 2"),
    row(6, "DSA-NSEC3-SHA1", Support::TreatedAsInsecure, "RFC 9904"),
    row(
        7,
        "RSASHA1-NSEC3-SHA1",
        Support::TreatedAsInsecure,
        "RFC 9905 section 2",
    ),
    row(8, "RSASHA256", Support::Checked, "RFC 9904"),
    row(10, "RSASHA512", Support::Checked, "RFC 9904"),
    row(12, "ECC-GOST", Support::TreatedAsInsecure, "RFC 9906"),
    row(13, "ECDSAP256SHA256", Support::Checked, "RFC 9904"),
    row(14, "ECDSAP384SHA384", Support::Checked, "RFC 9904"),
    row(15, "ED25519", Support::Checked, "RFC 9904"),
    row(16, "ED448", Support::OnlyElsewhere, "RFC 9904"),
    row(17, "SM2SM3", Support::TreatedAsInsecure, "RFC 9563"),
    row(23, "ECC-GOST12", Support::TreatedAsInsecure, "RFC 9558"),
    row(253, "PRIVATEDNS", Support::TreatedAsInsecure, "RFC 4034"),
    row(254, "PRIVATEOID", Support::TreatedAsInsecure, "RFC 4034"),
];

/// DS digests. What is not listed is treated as insecure.
pub const DIGESTS: &[PolicyRow] = &[
    row(1, "SHA-1", Support::Checked, "RFC 9904"),
    row(2, "SHA-256", Support::Checked, "RFC 9904"),
    row(3, "GOST R 34.11-94", Support::TreatedAsInsecure, "RFC 9906"),
    row(4, "SHA-384", Support::Checked, "RFC 9904"),
    row(5, "GOST R 34.11-2012", Support::TreatedAsInsecure, "RFC 9558"),
    row(6, "SM3", Support::TreatedAsInsecure, "RFC 9563"),
];

/// A DS set sorted by what can be done with its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortedDs {
    /// Algorithm and digest are checked: a chain may be built on these. Digests in upper case.
    pub useful: DsSet,
    /// Only other validators can check these.
    pub elsewhere: DsSet,
    /// SHA-1 beside a better digest: not used (RFC 4509 section 3).
    pub outranked: DsSet,
    /// Treated as unknown.
    pub unsupported: DsSet,
}

impl Policy {
    /// How a signing algorithm is treated.
    pub fn algorithm(self, number: u8) -> Support {
        match (self, number) {
            (Policy::Then, 5 | 7) => Support::Checked,
            _ => look_up(ALGORITHMS, number),
        }
    }

    /// How a DS digest type is treated.
    pub fn digest(self, number: u8) -> Support {
        look_up(DIGESTS, number)
    }

    /// Sorts a DS set. SHA-1 gives way where any record that can be checked has SHA-256 or SHA-384 (RFC 4509 section 3).
    pub fn sort_ds(self, set: &DsSet) -> SortedDs {
        let mut sorted = SortedDs::default();
        for ds in set {
            let record = Ds {
                digest: ds.digest.to_ascii_uppercase(),
                ..ds.clone()
            };
            match (self.algorithm(ds.algorithm), self.digest(ds.digest_type)) {
                (Support::Checked, Support::Checked) => sorted.useful.insert(record),
                (Support::TreatedAsInsecure, _) | (_, Support::TreatedAsInsecure) => {
                    sorted.unsupported.insert(record)
                }
                _ => sorted.elsewhere.insert(record),
            };
        }
        if sorted.useful.iter().any(|ds| ds.digest_type != 1) {
            let (old, kept) = sorted.useful.into_iter().partition(|ds| ds.digest_type == 1);
            sorted.outranked = old;
            sorted.useful = kept;
        }
        sorted
    }
}

/// The mnemonic of a signing algorithm, if it is one of the table.
pub fn algorithm_name(number: u8) -> Option<&'static str> {
    ALGORITHMS
        .iter()
        .find(|row| row.number == number)
        .map(|row| row.name)
}

fn look_up(table: &[PolicyRow], number: u8) -> Support {
    table
        .iter()
        .find(|row| row.number == number)
        .map_or(Support::TreatedAsInsecure, |row| row.support)
}

/// What today's rules say of signing with an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// RECOMMENDED or MAY.
    Fine,
    /// NOT RECOMMENDED.
    NotRecommended,
    /// MUST NOT.
    MustNot,
}

/// Whether a zone may be signed with an algorithm: the column "Use for DNSSEC Signing" of the registry (RFC 9904 with the
/// changes of RFC 9905 and RFC 9906), as of [`AS_OF`]. What is not in the registry's list of usable ones must not.
pub fn signing(number: u8) -> Advice {
    match number {
        8 | 13..=17 | 23 | 253 | 254 => Advice::Fine,
        10 => Advice::NotRecommended,
        _ => Advice::MustNot,
    }
}

/// The bits of an RSA modulus (RFC 3110 section 2); none for other algorithms and malformed keys.
pub fn rsa_bits(key: &Dnskey) -> Option<usize> {
    rsa_parts(key).map(|(_, modulus)| bit_length(modulus))
}

/// Whether this build can check signatures with this key at all.
pub(super) fn can_check(key: &Dnskey) -> bool {
    if !Algorithm::from_u8(key.algorithm).is_supported() {
        return false;
    }
    match rsa_parts(key) {
        // The library takes public exponents of up to 33 bits.
        Some((exponent, modulus)) => {
            (RSA_LEAST_BITS..=RSA_MOST_BITS).contains(&bit_length(modulus)) && bit_length(exponent) <= 33
        }
        None => true,
    }
}

/// Exponent and modulus.
pub(super) fn rsa_parts(key: &Dnskey) -> Option<(&[u8], &[u8])> {
    if !matches!(key.algorithm, 1 | 5 | 7 | 8 | 10) {
        return None;
    }
    let (first, rest) = key.public_key.split_first()?;
    let (length, rest) = match first {
        0 => {
            let (octets, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*octets)), rest)
        }
        _ => (usize::from(*first), rest),
    };
    (length > 0 && rest.len() > length).then(|| rest.split_at(length))
}

fn bit_length(octets: &[u8]) -> usize {
    match octets.iter().position(|octet| *octet != 0) {
        Some(at) => (octets.len() - at) * 8 - octets[at].leading_zeros() as usize,
        None => 0,
    }
}
