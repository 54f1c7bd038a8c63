//! A key that is taken apart once, for many signatures.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::policy::{can_check, rsa_bits, rsa_parts};
use super::{Dnskey, SignatureFault};

/// A DNSKEY ready to verify octets with: what a signature covers is put together by the caller.
#[derive(Clone)]
pub struct PreparedKey {
    /// The key.
    pub key: Dnskey,
    /// Its tag.
    pub tag: u16,
    form: Form,
}

#[derive(Clone)]
enum Form {
    Rsa {
        exponent: Vec<u8>,
        modulus: Vec<u8>,
        parameters: &'static RsaParameters,
    },
    Curve {
        point: Vec<u8>,
        algorithm: &'static dyn VerificationAlgorithm,
    },
    Unusable(SignatureFault),
}

impl std::fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedKey({:?})", self.key)
    }
}

impl PreparedKey {
    /// Takes a key apart. One that cannot be used says so at each signature.
    pub fn new(key: &Dnskey) -> PreparedKey {
        PreparedKey {
            key: key.clone(),
            tag: key.tag(),
            form: form(key),
        }
    }

    /// Whether this build can check signatures of this key at all.
    pub fn can_check(&self) -> bool {
        !matches!(
            self.form,
            Form::Unusable(SignatureFault::CannotCheck(_) | SignatureFault::KeySize(_))
        )
    }

    /// Verifies a signature over `data` (RFC 4034 section 3.1.8.1 says what that is).
    ///
    /// # Errors
    /// If the key cannot be used or the signature does not match. The flags, the window and the owner are not looked at.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
        let verified = match &self.form {
            Form::Rsa {
                exponent,
                modulus,
                parameters,
            } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(parameters, data, signature),
            Form::Curve { point, algorithm } => {
                UnparsedPublicKey::new(*algorithm, point).verify(data, signature)
            }
            Form::Unusable(fault) => return Err(fault.clone()),
        };
        verified.map_err(|_| SignatureFault::BadSignature)
    }
}

fn form(key: &Dnskey) -> Form {
    let parameters = match key.algorithm {
        5 | 7 => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        8 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        10 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        13 => return curve(&ECDSA_P256_SHA256_FIXED, &[4], key),
        14 => return curve(&ECDSA_P384_SHA384_FIXED, &[4], key),
        15 => return curve(&ED25519, &[], key),
        other => return Form::Unusable(SignatureFault::CannotCheck(other)),
    };
    let Some((exponent, modulus)) = rsa_parts(key) else {
        return Form::Unusable(SignatureFault::BadSignature);
    };
    if !can_check(key) {
        return Form::Unusable(SignatureFault::KeySize(rsa_bits(key).unwrap_or(0)));
    }
    let trim = |octets: &[u8]| octets.iter().copied().skip_while(|octet| *octet == 0).collect();
    Form::Rsa {
        exponent: trim(exponent),
        modulus: trim(modulus),
        parameters,
    }
}

fn curve(algorithm: &'static dyn VerificationAlgorithm, head: &[u8], key: &Dnskey) -> Form {
    Form::Curve {
        point: [head, &key.public_key].concat(),
        algorithm,
    }
}
