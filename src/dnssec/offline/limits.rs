//! The work that one verdict may cost.

use serde::Serialize;

use crate::dnssec::Budget;
use crate::dnssec::policy::NSEC3_ITERATION_LIMIT;

/// Limits of the work for one verdict (CVE-2023-50387, CVE-2023-50868). What is over a limit is named in the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Signatures checked for one answer, aliases within it included.
    pub verifications: u32,
    /// Signatures checked in all, with every answer that is tried.
    pub total_verifications: u32,
    /// Keys tried for one tag and algorithm.
    pub keys_per_tag: u32,
    /// Signatures tried of one RRset.
    pub signatures_per_rrset: u32,
    /// Names hashed for NSEC3 for one answer.
    pub nsec3_hashes: u32,
    /// Names hashed in all.
    pub total_nsec3_hashes: u32,
    /// Iterations of an NSEC3 record above which a proof makes the answer insecure (RFC 9276 section 3.2).
    pub nsec3_iterations: u32,
    /// Different answers to one question that are tried.
    pub answers: u32,
    /// Aliases followed.
    pub aliases: u32,
    /// DS records of one set that are used.
    pub ds_records: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            verifications: 64,
            total_verifications: 256,
            keys_per_tag: 4,
            signatures_per_rrset: 8,
            nsec3_hashes: 24,
            total_nsec3_hashes: 192,
            nsec3_iterations: NSEC3_ITERATION_LIMIT.into(),
            answers: 16,
            aliases: 16,
            ds_records: 24,
        }
    }
}

/// The names of the limits, as [`Limits::set`] takes them.
pub const LIMIT_NAMES: [&str; 10] = [
    "verifications",
    "total-verifications",
    "keys-per-tag",
    "signatures-per-rrset",
    "nsec3-hashes",
    "total-nsec3-hashes",
    "nsec3-iterations",
    "answers",
    "aliases",
    "ds-records",
];

impl Limits {
    /// Sets the limit of that name; whether there is one.
    pub fn set(&mut self, name: &str, value: u32) -> bool {
        let field = match name {
            "verifications" => &mut self.verifications,
            "total-verifications" => &mut self.total_verifications,
            "keys-per-tag" => &mut self.keys_per_tag,
            "signatures-per-rrset" => &mut self.signatures_per_rrset,
            "nsec3-hashes" => &mut self.nsec3_hashes,
            "total-nsec3-hashes" => &mut self.total_nsec3_hashes,
            "nsec3-iterations" => &mut self.nsec3_iterations,
            "answers" => &mut self.answers,
            "aliases" => &mut self.aliases,
            "ds-records" => &mut self.ds_records,
            _ => return false,
        };
        *field = value;
        true
    }

    /// What one answer may cost, when so much is left of the whole.
    pub(super) fn budget(&self, spent: Spent) -> Budget {
        Budget {
            verifications: self
                .verifications
                .min(self.total_verifications.saturating_sub(spent.verifications)),
            keys_per_tag: self.keys_per_tag as usize,
            signatures_per_rrset: self.signatures_per_rrset as usize,
            nsec3_hashes: self
                .nsec3_hashes
                .min(self.total_nsec3_hashes.saturating_sub(spent.nsec3_hashes)),
            nsec3_iterations: self.nsec3_iterations,
            ..Budget::default()
        }
    }
}

/// The work that a verdict did cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Signatures checked.
    pub verifications: u32,
    /// Names hashed.
    pub nsec3_hashes: u32,
}
