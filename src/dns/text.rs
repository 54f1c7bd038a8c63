//! Records in presentation format (RFC 1035 section 5, every DNSSEC type).

use domain::base::name::FlattenInto;
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};

use super::{Name, Record, Rtype};

/// Why a text is no list of records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ZoneTextError {
    /// The line, counted from 1 (0: not known).
    pub line: usize,
    /// What was wrong.
    pub reason: String,
}

/// Reads records in presentation format; `origin` completes relative names, `default_ttl` stands where none is given.
///
/// # Errors
/// The first line that does not parse. `$INCLUDE` is refused.
pub fn parse_records(text: &str, origin: &Name, default_ttl: u32) -> Result<Vec<Record>, ZoneTextError> {
    let mut file = Zonefile::with_capacity(text.len() + 32);
    // A $TTL in front gives records without a TTL one; the text's own $TTL overrides it.
    let prologue = format!("$TTL {default_ttl}\n");
    file.extend_from_slice(prologue.as_bytes());
    file.extend_from_slice(text.as_bytes());
    file.extend_from_slice(b"\n");
    let wire_origin =
        domain::base::Name::bytes_from_str(&origin.to_string()).map_err(|error| ZoneTextError {
            line: 0,
            reason: error.to_string(),
        })?;
    file.set_origin(wire_origin);
    file.set_default_class(domain::base::iana::Class::IN);
    let mut out = Vec::new();
    loop {
        match file.next_entry() {
            Ok(None) => return Ok(out),
            Ok(Some(Entry::Include { .. })) => {
                return Err(ZoneTextError {
                    line: 0,
                    reason: "$INCLUDE is not followed here".to_owned(),
                });
            }
            Ok(Some(Entry::Record(record))) => out.push(to_record(record)?),
            Err(error) => return Err(zone_error(&error.to_string())),
        }
    }
}

/// The reader's errors begin with `line:column: `; our one-line prologue is taken off again.
fn zone_error(text: &str) -> ZoneTextError {
    let mut parts = text.splitn(3, ':');
    let line = parts.next().and_then(|word| word.trim().parse::<usize>().ok());
    match line {
        Some(line) => ZoneTextError {
            line: line.saturating_sub(1),
            reason: parts.nth(1).unwrap_or(text).trim().to_owned(),
        },
        None => ZoneTextError {
            line: 0,
            reason: text.to_owned(),
        },
    }
}

fn to_record(record: domain::zonefile::inplace::ScannedRecord) -> Result<Record, ZoneTextError> {
    let fail = |reason: String| ZoneTextError { line: 0, reason };
    let owner: domain::base::Name<Vec<u8>> = record
        .owner()
        .clone()
        .try_flatten_into()
        .map_err(|_| fail("owner name too long".to_owned()))?;
    let mut rdata = Vec::new();
    record
        .data()
        .compose_canonical_rdata(&mut rdata)
        .map_err(|_| fail("record data too long".to_owned()))?;
    Ok(Record {
        name: Name::from_wire(owner.as_slice()).map_err(|error| fail(error.to_string()))?,
        rtype: Rtype(record.rtype().to_int()),
        class: record.class().to_int(),
        ttl: record.ttl().as_secs(),
        rdata,
    })
}
