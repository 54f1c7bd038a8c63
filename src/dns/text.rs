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
                    line: lines_before(text, file.current_offset().saturating_sub(prologue.len())),
                    reason: "$INCLUDE is not followed here".to_owned(),
                });
            }
            Ok(Some(Entry::Record(record))) => out.push(to_record(record)?),
            Err(error) => return Err(zone_error(&error.to_string(), text)),
        }
    }
}

/// How many lines are begun in the first `offset` octets.
fn lines_before(text: &str, offset: usize) -> usize {
    let read = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    read.trim_ascii_end()
        .iter()
        .filter(|octet| **octet == b'\n')
        .count()
        + 1
}

/// The reader's errors begin with `line:column: `; our one-line prologue is taken off again.
fn zone_error(said: &str, text: &str) -> ZoneTextError {
    let mut parts = said.splitn(3, ':');
    let mut number = || parts.next().and_then(|word| word.trim().parse::<usize>().ok());
    let (Some(line), Some(column)) = (number(), number()) else {
        return ZoneTextError {
            line: 0,
            reason: said.to_owned(),
        };
    };
    let line = line.saturating_sub(1);
    // After the last word of a line the reader stands at the start of the next one already.
    let stands_at_fault = column > 1 || begins_badly(text.lines().nth(line.saturating_sub(1)));
    ZoneTextError {
        line: if stands_at_fault {
            line
        } else {
            line.saturating_sub(1).max(1)
        },
        reason: parts.next().unwrap_or(said).trim().to_owned(),
    }
}

/// Whether the first octet of a line can be what an error is about.
fn begins_badly(line: Option<&str>) -> bool {
    let first = line.and_then(|line| line.bytes().next());
    first.is_some_and(|octet| matches!(octet, b'\\' | b')' | b'"') || !octet.is_ascii_graphic())
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
        // RFC 2181 section 8, as for records from the network.
        ttl: if record.ttl().as_secs() > i32::MAX as u32 {
            0
        } else {
            record.ttl().as_secs()
        },
        rdata,
    })
}
