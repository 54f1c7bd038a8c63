//! Messages for tests: a plain encoder without compression.

use super::{Flags, Message, Name, Question, Rcode, Record, Rtype, parse_records};

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Records from text; TTL 300 where none is given.
pub(crate) fn records(text: &str) -> Vec<Record> {
    parse_records(text, &Name::root(), 300).unwrap()
}

/// An authoritative answer.
pub(crate) fn message(qname: &str, rtype: Rtype, answer: Vec<Record>, authority: Vec<Record>) -> Message {
    Message {
        id: 7,
        flags: Flags {
            response: true,
            authoritative: true,
            ..Flags::default()
        },
        opcode: 0,
        rcode: Rcode::NOERROR,
        question: Some(Question {
            name: name(qname),
            rtype,
        }),
        answer,
        authority,
        additional: Vec::new(),
        edns: None,
    }
}

/// Wire form.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(message.id.to_be_bytes());
    let flags = u16::from(message.flags.response) << 15
        | u16::from(message.opcode) << 11
        | u16::from(message.flags.authoritative) << 10
        | u16::from(message.flags.truncated) << 9
        | u16::from(message.flags.recursion_available) << 7
        | message.rcode.0 & 15;
    out.extend(flags.to_be_bytes());
    out.extend(u16::from(message.question.is_some()).to_be_bytes());
    for section in [&message.answer, &message.authority, &message.additional] {
        out.extend(u16::try_from(section.len()).unwrap().to_be_bytes());
    }
    if let Some(question) = &message.question {
        out.extend(question.name.wire());
        out.extend(question.rtype.0.to_be_bytes());
        out.extend(1u16.to_be_bytes());
    }
    for record in [&message.answer, &message.authority, &message.additional]
        .into_iter()
        .flatten()
    {
        out.extend(record.name.wire());
        out.extend(record.rtype.0.to_be_bytes());
        out.extend(record.class.to_be_bytes());
        out.extend(record.ttl.to_be_bytes());
        out.extend(u16::try_from(record.rdata.len()).unwrap().to_be_bytes());
        out.extend(&record.rdata);
    }
    out
}
