//! RSA as in the textbook, for keys of 512 bits, which the library refuses: is this the signature of these octets?

use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use unbroken::dns::{Name, Rrset};
use unbroken::dnssec::{Dnskey, Rrsig, signed_data};

/// DigestInfo of SHA-1 and SHA-256 (RFC 8017 section 9.2, note 1).
const SHA1_INFO: [u8; 15] = [0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14];
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20,
];

/// Whether `signature` is that of `key` over the octets that we sign for this RRset.
pub(crate) fn holds(rrset: &Rrset, signature: &Rrsig, key: &Dnskey, zone: &Name) -> bool {
    let (hash, info): (&Algorithm, &[u8]) = match key.algorithm {
        5 | 7 => (&SHA1_FOR_LEGACY_USE_ONLY, &SHA1_INFO),
        8 => (&SHA256, &SHA256_INFO),
        other => panic!("no RSA with algorithm {other}"),
    };
    assert_eq!((&signature.signer, signature.tag), (zone, key.tag()));
    let data = signed_data(rrset, signature).unwrap();
    let (exponent, modulus) = key.public_key[1..].split_at(usize::from(key.public_key[0]));
    let digest = digest(hash, &data);
    let tail = [&[0], info, digest.as_ref()].concat();
    let mut expected = vec![0xff; modulus.len()];
    expected[..2].copy_from_slice(&[0, 1]);
    let at = modulus.len() - tail.len();
    expected[at..].copy_from_slice(&tail);
    power(&signature.signature, exponent, modulus) == expected
}

/// `base` to the power of `exponent`, modulo `modulus`: all with the highest octet first.
fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut result = vec![0; modulus.len()];
    *result.last_mut().unwrap() = 1;
    for bit in bits(exponent) {
        result = times(&result, &result, modulus);
        if bit {
            result = times(&result, base, modulus);
        }
    }
    result
}

fn times(a: &[u8], b: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut result = vec![0; modulus.len()];
    for bit in bits(a) {
        result = plus(&result, &result, modulus);
        if bit {
            result = plus(&result, b, modulus);
        }
    }
    result
}

/// The sum of two numbers below the modulus, modulo it.
fn plus(a: &[u8], b: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut sum = vec![0_u16; a.len()];
    let mut carry = 0;
    for at in (0..a.len()).rev() {
        let value = u16::from(a[at]) + u16::from(b[at]) + carry;
        [carry, sum[at]] = value.to_be_bytes().map(u16::from);
    }
    if carry == 1
        || sum
            .iter()
            .copied()
            .ge(modulus.iter().map(|octet| u16::from(*octet)))
    {
        let mut borrow = 0;
        for at in (0..sum.len()).rev() {
            let value = 0x100 + sum[at] - u16::from(modulus[at]) - borrow;
            (borrow, sum[at]) = (1 - (value >> 8), value & 0xff);
        }
    }
    sum.into_iter().map(|value| value as u8).collect()
}

fn bits(octets: &[u8]) -> impl Iterator<Item = bool> {
    octets
        .iter()
        .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1))
}

#[test]
fn small_numbers() {
    assert_eq!(power(&[0, 4], &[13], &[1, 241]), [1, 189]);
    assert_eq!(times(&[200], &[200], &[251]), [91]);
    assert_eq!(plus(&[250], &[250], &[251]), [249]);
}
