//! A timeline as a table (RFC 4180).

use crate::continuity::Value;
use crate::moment::Moment;
use crate::workflow::Traced;

/// The heads of the columns.
pub const CSV_HEAD: &str =
    "kind,at,from,until,ttl,leaves_caches,value,signed_by,last_seen,server,address\r\n";

/// One row a version, in the order of time. `until` is empty while it is served; `leaves_caches` is the end of service and one
/// TTL.
pub fn rows(traced: &Traced) -> String {
    let mut versions: Vec<_> = traced.timeline.versions.iter().zip(&traced.seen).collect();
    versions.sort_by_key(|(version, _)| {
        (
            version.from,
            version.value.kind().name(),
            version.value.at().unwrap_or(""),
        )
    });
    let time = |seconds: i64| Moment::from_seconds(seconds).to_string();
    let mut out = String::new();
    for (version, seen) in versions {
        let (value, signed_by) = words(&version.value);
        let leaves = version.until.map(|until| time(until + i64::from(version.ttl)));
        let cells = [
            version.value.kind().name().to_owned(),
            version.value.at().unwrap_or("parent").to_owned(),
            time(version.from),
            version.until.map(time).unwrap_or_default(),
            version.ttl.to_string(),
            leaves.unwrap_or_default(),
            value,
            signed_by,
            seen.as_ref()
                .map(|seen| seen.last_seen.to_string())
                .unwrap_or_default(),
            seen.as_ref()
                .map(|seen| seen.server.to_string())
                .unwrap_or_default(),
            seen.as_ref()
                .map(|seen| seen.address.to_string())
                .unwrap_or_default(),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn words(value: &Value) -> (String, String) {
    match value {
        Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
            (providers.join(" "), String::new())
        }
        Value::Ds { records } => {
            let records: Vec<String> = records
                .iter()
                .map(|record| format!("{}/digest-{}", record.key, record.digest))
                .collect();
            (records.join(" "), String::new())
        }
        Value::Dnskey { keys, signed_by, .. } => (keys.join(" "), signed_by.join(" ")),
        Value::Data { signed_by, .. } => (String::new(), signed_by.join(" ")),
    }
}

/// A cell. What a spreadsheet would take for a formula gets an apostrophe: names come from other people's zones.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    };
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_and_no_formula() {
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("a\r\nb"), "\"a\r\nb\"");
    }
}
