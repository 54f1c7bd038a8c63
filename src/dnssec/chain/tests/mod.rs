//! Good answers, and each damaged in one way.

mod answers;
mod hostile;
mod keys;
mod parents;
mod signatures;

use super::*;
use crate::dns::testing::{encode, message, name, records};
use crate::dns::{Message, Name, Rcode, Record, Rrset, Rtype, rrsets};
use crate::dnssec::testing::{NOW, Zone};
use crate::dnssec::{Anchors, Dnskey, Ds, DsSet, Rrsig, SignatureFault};

fn codes(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.code).collect()
}

fn keys_of(zone: &Zone, ds: &DsSet, answer: &Message) -> KeysVerdict {
    judge_dnskey(&zone.apex, ds, answer, NOW, &mut Budget::default())
}

fn answer_of(zone: &Zone, qname: &str, qtype: Rtype, answer: &Message) -> AnswerVerdict {
    judge_answer(
        &name(qname),
        qtype,
        &zone.apex,
        &zone.keys(),
        answer,
        NOW,
        &mut Budget::default(),
    )
}

fn shop() -> Zone {
    Zone::new("shop.test.")
}

const A: &str = "www.shop.test. 300 IN A 192.0.2.1\n";

const PROOF: &str =
    "a.shop.test. NSEC m.shop.test. A RRSIG NSEC\nshop.test. NSEC a.shop.test. NS SOA RRSIG NSEC\n";

/// A key that validators may still check, but not this build.
fn short_rsa() -> Dnskey {
    Dnskey {
        flags: 256,
        protocol: 3,
        algorithm: 8,
        public_key: [&[3, 1, 0, 1][..], &[0x81; 64]].concat(),
    }
}
