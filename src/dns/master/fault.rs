//! Why a master file was refused.

use super::LONGEST_ENTRY;
use crate::dns::Rtype;

/// Why an entry was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A part that is not of its form.
    #[error("'{text}' is no {what}")]
    Field {
        /// What was expected.
        what: &'static str,
        /// What stands there.
        text: String,
    },
    /// A part is missing.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// More than the type takes.
    #[error("'{0}' is more than the type takes")]
    Trailing(String),
    /// No type of that name.
    #[error("'{0}' is no record type (expected a mnemonic such as A, or TYPE12345)")]
    Type(String),
    /// A class other than IN.
    #[error("class {0}: only zones of class IN are read")]
    Class(String),
    /// RDATA of a type that the `domain` crate reads.
    #[error("{rtype}: {reason}")]
    Rdata {
        /// The type.
        rtype: Rtype,
        /// The crate's words.
        reason: String,
    },
    /// RFC 3597 form whose length is wrong.
    #[error("{told} octets are announced and {found} are there")]
    Length {
        /// As it stands.
        told: u16,
        /// As counted.
        found: usize,
    },
    /// RFC 3597 form of a known type that is not of that type's form.
    #[error("these octets are no {0} record")]
    Form(Rtype),
    /// RDATA beyond 65,535 octets.
    #[error("the record data is longer than a record can be")]
    TooLong,
    /// A relative name without an origin.
    #[error("'{0}' is a relative name, and there is no $ORIGIN above it (name the zone with --zone)")]
    NoOrigin(String),
    /// No TTL given and none to take over.
    #[error("there is no TTL, no $TTL above, and no record with one before it")]
    NoTtl,
    /// The first entry has no owner.
    #[error("there is no owner, and no record before it whose owner it could share")]
    NoOwner,
    /// A closing parenthesis too many.
    #[error("a parenthesis is closed that was not opened")]
    Unopened,
    /// A parenthesis that is never closed.
    #[error("the parenthesis opened in line {0} is never closed")]
    Unclosed(u64),
    /// A quotation mark that is not closed on its line.
    #[error("a quotation mark is not closed on its line")]
    OpenQuote,
    /// A backslash as the last octet of a line.
    #[error("a backslash ends the line")]
    EscapedEnd,
    /// An entry beyond the limit.
    #[error(
        "the entry is longer than {LONGEST_ENTRY} octets (a parenthesis or quotation mark that is not closed?)"
    )]
    LongEntry,
    /// An unknown directive.
    #[error("'{0}' is no directive (expected $ORIGIN, $TTL, $INCLUDE or $GENERATE)")]
    Directive(String),
    /// More generated records than allowed.
    #[error("$GENERATE makes more than {0} records in all, which is the limit")]
    Generated(u64),
    /// `$GENERATE` where it is not wanted.
    #[error("$GENERATE is not carried out here")]
    NoGenerate,
}

/// Where, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct MasterError {
    /// The line at which the entry, or the fault in it, stands; counted from 1.
    pub line: u64,
    /// What is wrong.
    pub fault: Fault,
}
