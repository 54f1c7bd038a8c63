//! Names, types, records, RRsets, canonical form and order, reading raw messages. Pure.
//!
//! Everything that enters from the network comes through [`Message::parse`]; RDATA is held in the canonical form of
//! RFC 4034 section 6.2 (names uncompressed and, where that section says so, in lower case), so equality of bytes is
//! equality of records.

pub mod master;
mod message;
mod name;
mod owners;
mod query;
mod record;
mod rrset;
mod rtype;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod text;

pub use master::{MasterError, MasterReader, RawRecord};
pub use message::{Edns, Flags, Message, MessageError, Question, Rcode, with_id, without_id};
pub use name::{Name, NameError};
pub use owners::{OwnerHash, OwnerSet};
pub use query::{QueryOptions, query_message};
pub use record::{CLASS_IN, Record, Ttl};
pub use rrset::{Rrset, rrsets};
pub use rtype::Rtype;
pub use text::{ZoneTextError, parse_records};
