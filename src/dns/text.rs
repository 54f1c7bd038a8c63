//! Records in presentation format (RFC 1035 section 5, every DNSSEC type).

use super::{CLASS_IN, MasterReader, Name, Record};

/// Why a text is no list of records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ZoneTextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What was wrong.
    pub reason: String,
}

/// Reads records in presentation format; `origin` completes relative names, `default_ttl` stands where none is given.
///
/// # Errors
/// The first line that does not parse. `$INCLUDE` and `$GENERATE` are refused.
pub fn parse_records(text: &str, origin: &Name, default_ttl: u32) -> Result<Vec<Record>, ZoneTextError> {
    let mut reader = MasterReader::new(origin)
        .default_ttl(default_ttl)
        .generating(None);
    let mut out = Vec::new();
    let mut bad = None;
    let read = reader.read(text.as_bytes(), true, |raw| match Name::from_wire(raw.owner) {
        Ok(name) => out.push(Record {
            name,
            rtype: raw.rtype,
            class: CLASS_IN,
            ttl: raw.ttl,
            rdata: raw.rdata.to_vec(),
        }),
        Err(error) => {
            bad.get_or_insert((raw.line, error.to_string()));
        }
    });
    let progress = read.map_err(|error| refused(error.line, error.fault.to_string()))?;
    if let Some(include) = progress.include {
        return Err(refused(include.line, "$INCLUDE is not followed here".to_owned()));
    }
    match bad {
        Some((line, reason)) => Err(refused(line, reason)),
        None => Ok(out),
    }
}

fn refused(line: u64, reason: String) -> ZoneTextError {
    ZoneTextError {
        line: usize::try_from(line).unwrap_or(usize::MAX),
        reason,
    }
}
