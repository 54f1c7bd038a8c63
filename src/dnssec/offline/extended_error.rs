//! Reasons as Extended DNS Errors.

use serde::Serialize;

/// An Extended DNS Error (RFC 8914 section 4 and its IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ExtendedError {
    /// The info code.
    pub code: u16,
    /// Its purpose in the registry's words.
    pub name: &'static str,
}

const fn error(code: u16, name: &'static str) -> Option<ExtendedError> {
    Some(ExtendedError { code, name })
}

/// The Extended DNS Error that fits the reason of that code best, if one does.
pub fn extended_error(code: &str) -> Option<ExtendedError> {
    match code {
        "signature-unsupported" | "cannot-check-algorithm" => error(1, "Unsupported DNSKEY Algorithm"),
        "ds-unsupported" => error(2, "Unsupported DS Digest Type"),
        "not-captured" | "cannot-check-key-size" | "work-limit" => error(5, "DNSSEC Indeterminate"),
        "signature-expired" => error(7, "Signature Expired"),
        "signature-not-yet-valid" => error(8, "Signature Not Yet Valid"),
        "dnskey-missing" | "ds-no-key" | "ds-digest-mismatch" | "signature-no-key" => {
            error(9, "DNSKEY Missing")
        }
        "signature-missing" => error(10, "RRSIGs Missing"),
        "key-no-zone-bit" => error(11, "No Zone Key Bit Set"),
        "denial-missing" => error(12, "NSEC Missing"),
        "servfail" | "error-answer" | "lame" => error(22, "No Reachable Authority"),
        "refused" => error(20, "Not Authoritative"),
        "no-answer" => error(23, "Network Error"),
        "nsec3-iterations" => error(27, "Unsupported NSEC3 Iterations Value"),
        "ds-sha1-outranked"
        | "ds-alias"
        | "ds-from-wildcard"
        | "dname-wrong-cname"
        | "dnskey-not-signed-by-ds-key"
        | "key-protocol"
        | "key-revoked"
        | "no-delegation"
        | "signature-invalid"
        | "signature-of-nothing"
        | "signature-unreadable"
        | "signature-wrong-labels"
        | "signature-wrong-signer"
        | "signature-wrong-type"
        | "wildcard-not-proven" => error(6, "DNSSEC Bogus"),
        other if other.starts_with("denial-") && other != "denial-opt-out" && other != "denial-ttl" => {
            error(6, "DNSSEC Bogus")
        }
        _ => None,
    }
}
