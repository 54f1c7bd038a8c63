//! ZONEMD: the digest over the whole zone (RFC 8976).

use std::collections::BTreeSet;

use ring::digest::{Algorithm, Context, SHA384, SHA512};

use super::body::{Body, Rec};
use super::{Findings, Severity, set_of};
use crate::dns::{CLASS_IN, Rtype};

/// The scheme of RFC 8976 section 2.2.2: all records in canonical order.
const SIMPLE: u8 = 1;

/// Checks every ZONEMD record; `apex` are the records of the apex.
pub(super) fn check(body: &Body, apex: &[Rec<'_>], findings: &mut Findings) {
    let records = set_of(apex, Rtype::ZONEMD);
    let mut add = |severity, code, text: String| {
        findings.add(
            severity,
            code,
            || body.apex().clone(),
            Some(Rtype::ZONEMD),
            || text,
        );
    };
    let serial = set_of(apex, Rtype::SOA).first().and_then(|soa| {
        soa.rdata
            .len()
            .checked_sub(20)
            .and_then(|at| soa.rdata.get(at..at + 4))
    });
    let mut kinds = BTreeSet::new();
    let (mut matching, mut tried) = (false, false);
    let mut faults = Vec::new();
    for record in records {
        let Some((head, digest)) = record.rdata.split_first_chunk::<6>() else {
            add(
                Severity::Error,
                "zonemd-form",
                "the record is too short".to_owned(),
            );
            continue;
        };
        if !kinds.insert((head[4], head[5])) {
            add(
                Severity::Error,
                "zonemd-form",
                "two records have the same scheme and hash (RFC 8976 section 2)".to_owned(),
            );
            continue;
        }
        let algorithm = match (head[4], head[5]) {
            (SIMPLE, 1) => &SHA384,
            (SIMPLE, 2) => &SHA512,
            _ => continue,
        };
        tried = true;
        if head.get(..4) != serial {
            faults.push("its serial is not that of the SOA");
        } else if body_digest(body, algorithm).as_ref() != digest {
            faults.push("the digest does not match the zone");
        } else {
            matching = true;
        }
    }
    // One that matches is enough (RFC 8976 section 4).
    if tried && !matching {
        for fault in faults {
            add(Severity::Error, "zonemd-mismatch", fault.to_owned());
        }
    } else if !faults.is_empty() {
        add(
            Severity::Warning,
            "zonemd-mismatch",
            format!("another one matches, but of this one {}", faults.join("; ")),
        );
    }
    if !records.is_empty() && !tried {
        add(
            Severity::Unknown,
            "zonemd-unknown",
            "its scheme and hash are not known here: it was not checked".to_owned(),
        );
    }
}

/// Every record in canonical form and order, but the ZONEMD records at the apex and their signatures (RFC 8976 section
/// 3.3.1.1).
fn body_digest(body: &Body, algorithm: &'static Algorithm) -> ring::digest::Digest {
    let mut context = Context::new(algorithm);
    let (mut records, mut wire, mut head) = (Vec::new(), Vec::new(), Vec::new());
    for node in 0..body.nodes() {
        let key = body.key(node);
        body.records_of(node, &mut records);
        body.wire(key, &mut wire);
        for record in &records {
            let covers_digest =
                record.rtype == Rtype::RRSIG && record.rdata.starts_with(&Rtype::ZONEMD.0.to_be_bytes());
            if key.is_empty() && (record.rtype == Rtype::ZONEMD || covers_digest) {
                continue;
            }
            head.clear();
            head.extend_from_slice(&wire);
            head.extend_from_slice(&record.rtype.0.to_be_bytes());
            head.extend_from_slice(&CLASS_IN.to_be_bytes());
            head.extend_from_slice(&record.ttl.to_be_bytes());
            // It came in with a length of 16 bits.
            head.extend_from_slice(&(record.rdata.len() as u16).to_be_bytes());
            context.update(&head);
            context.update(record.rdata);
        }
    }
    context.finish()
}
