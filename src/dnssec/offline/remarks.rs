//! What is worth knowing about an answer though it changes no verdict.

use crate::dns::{Name, Rrset, Rtype};
use crate::dnssec::{AnswerVerdict, Reason, Signers};

/// Less life of a signature than this, in seconds, is worth a remark.
const SHORT: i64 = 86_400;

/// Remarks on the RRsets of an answer.
pub(super) fn remarks(zone: &Name, found: &AnswerVerdict, at: i64) -> Vec<Reason> {
    let mut out = Vec::new();
    let soa = found
        .rrsets
        .iter()
        .find(|(rrset, _)| rrset.rtype == Rtype::SOA)
        .and_then(|(rrset, _)| {
            let minimum = rrset.rdatas.first()?.last_chunk::<4>()?;
            Some(rrset.ttl.min(u32::from_be_bytes(*minimum)))
        });
    for (rrset, signers) in &found.rrsets {
        out.extend(above_signed(zone, rrset, signers));
        out.extend(ends_soon(zone, rrset, signers, at));
        if matches!(rrset.rtype, Rtype::NSEC | Rtype::NSEC3)
            && let Some(most) = soa
            && rrset.ttl > most
        {
            let text = format!(
                "{} {} has TTL {}, and the lesser of SOA TTL and minimum is {most}",
                rrset.name, rrset.rtype, rrset.ttl
            );
            out.push(
                Reason::new("denial-ttl", zone, text, "RFC 9077 section 3").of(&rrset.name, rrset.rtype),
            );
        }
        out.extend(parameters(zone, rrset));
    }
    out
}

/// A cache may not keep an RRset longer than its signed TTL.
fn above_signed(zone: &Name, rrset: &Rrset, signers: &Signers) -> Option<Reason> {
    let signed = signers
        .attempts
        .iter()
        .filter(|attempt| attempt.octets.is_ok())
        .map(|attempt| attempt.original_ttl)
        .max()?;
    (rrset.ttl > signed).then(|| {
        let text = format!(
            "{} {} came with TTL {}, above the signed {signed}: validators cut it",
            rrset.name, rrset.rtype, rrset.ttl
        );
        Reason::new("ttl-above-signed", zone, text, "RFC 4035 section 5.3.3").of(&rrset.name, rrset.rtype)
    })
}

fn ends_soon(zone: &Name, rrset: &Rrset, signers: &Signers, at: i64) -> Option<Reason> {
    let last = signers
        .attempts
        .iter()
        .filter(|attempt| attempt.octets.is_ok() && attempt.timely.is_ok())
        .map(|attempt| attempt.window.1)
        .max()?;
    let left = last.saturating_sub(at);
    (left < SHORT).then(|| {
        let text = format!(
            "the last good signature of {} {} ends in {left} s",
            rrset.name, rrset.rtype
        );
        Reason::new("signature-ends-soon", zone, text, "RFC 6781 section 4.4.2").of(&rrset.name, rrset.rtype)
    })
}

/// NSEC3 with iterations or a salt.
fn parameters(zone: &Name, rrset: &Rrset) -> Option<Reason> {
    if rrset.rtype != Rtype::NSEC3 {
        return None;
    }
    let [_, _, high, low, salt, ..] = rrset.rdatas.first()?.as_slice() else {
        return None;
    };
    let iterations = u16::from_be_bytes([*high, *low]);
    (iterations > 0 || *salt > 0).then(|| {
        let text = format!("NSEC3 with {iterations} iterations and {salt} octets of salt; 0 and 0 are best");
        Reason::new("nsec3-parameters", zone, text, "RFC 9276 section 3.1")
    })
}
