//! What kind of answer a message is by its form alone.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::dns::{CLASS_IN, Message, Name, Rcode, Record, Rtype};
use crate::dnssec::Rrsig;

/// The form of an answer, before any validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// An authoritative answer with data (or an alias) for the name.
    Positive,
    /// An authoritative answer that says that the name lacks the type.
    NoData,
    /// An authoritative answer that says that there is no such name.
    NxDomain,
    /// A pointer to a zone below.
    Referral,
    /// The server does not answer with authority for this zone: no AA, or a pointer upwards.
    Lame,
    /// REFUSED.
    Refused,
    /// SERVFAIL.
    ServFail,
    /// Another code.
    OtherError(Rcode),
}

/// The form of `answer` to a question for `qname` and `qtype` towards a server of `zone`.
///
/// An alias (CNAME at the name, DNAME above it) counts as data, whatever the code says of its target (RFC 6604).
pub fn classify(qname: &Name, qtype: Rtype, zone: &Name, answer: &Message) -> Form {
    match answer.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        Rcode::SERVFAIL => return Form::ServFail,
        Rcode::REFUSED => return Form::Refused,
        other => return Form::OtherError(other),
    }
    if has_data(qname, qtype, answer) {
        return authoritative(Form::Positive, answer);
    }
    if answer.rcode == Rcode::NXDOMAIN {
        return authoritative(Form::NxDomain, answer);
    }
    if cut_below(qname, zone, answer).is_some() {
        return Form::Referral;
    }
    authoritative(Form::NoData, answer)
}

fn authoritative(form: Form, answer: &Message) -> Form {
    if answer.flags.authoritative && answer.flags.response {
        form
    } else {
        Form::Lame
    }
}

fn has_data(qname: &Name, qtype: Rtype, answer: &Message) -> bool {
    in_class(&answer.answer).any(|record| {
        let at_name = record.name == *qname
            && (record.rtype == qtype || record.rtype == Rtype::CNAME || qtype == Rtype::ANY);
        at_name || record.rtype == Rtype::DNAME && qname != &record.name && qname.is_at_or_below(&record.name)
    })
}

/// The delegation that the authority section points to: NS strictly below `zone`, at or above `qname`, and no SOA.
pub(super) fn cut_below(qname: &Name, zone: &Name, answer: &Message) -> Option<Name> {
    if in_class(&answer.authority).any(|record| record.rtype == Rtype::SOA) {
        return None;
    }
    in_class(&answer.authority)
        .find(|record| {
            record.rtype == Rtype::NS
                && record.name != *zone
                && record.name.is_at_or_below(zone)
                && qname.is_at_or_below(&record.name)
        })
        .map(|record| record.name.clone())
}

/// The zone strictly below `zone` that the records about `name` come from, where a server serves both.
///
/// All signatures at the name are made by that zone, or its SOA comes with a denial.
pub(super) fn child_zone(name: &Name, zone: &Name, answer: &Message) -> Option<Name> {
    let below = |other: &Name| other != zone && other.is_at_or_below(zone) && name.is_at_or_below(other);
    let mut signers: Vec<Name> = in_class(&answer.answer)
        .filter(|record| record.rtype == Rtype::RRSIG && record.name == *name)
        .filter_map(|record| Rrsig::from_rdata(&record.rdata, record.ttl))
        .map(|signature| signature.signer)
        .collect();
    if !signers.is_empty() {
        return if signers.iter().all(below) {
            signers.pop()
        } else {
            None
        };
    }
    in_class(&answer.authority)
        .filter(|record| record.rtype == Rtype::SOA)
        .map(|record| record.name.clone())
        .find(below)
}

fn in_class(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| record.class == CLASS_IN)
}

/// Why nothing can be concluded from an answer of this form; none where it may be judged.
pub(in crate::dnssec) fn unusable(form: Form, zone: &Name, answer: &Message) -> Option<Reason> {
    let (code, text) = match form {
        Form::ServFail => ("servfail", "the server answered SERVFAIL".to_owned()),
        Form::Refused => ("refused", "the server answered REFUSED".to_owned()),
        Form::OtherError(rcode) => ("error-answer", format!("the server answered {rcode}")),
        _ if !answer.flags.response => ("not-a-response", "the message is no response".to_owned()),
        _ if answer.flags.truncated => ("truncated", "the answer is truncated".to_owned()),
        _ => return None,
    };
    Some(Reason::new(code, zone, text, "RFC 4035 section 4.3"))
}

/// The server had no authority: a remark where the data validates all the same, else the reason for knowing nothing.
pub(super) fn lame(zone: &Name) -> Reason {
    Reason::new(
        "lame",
        zone,
        "the server does not answer with authority for this zone",
        "RFC 1035 section 4.1.1",
    )
}
