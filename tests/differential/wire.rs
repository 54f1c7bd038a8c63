//! Messages as octets: a plain encoder, so that damaged ones can be sent.

use unbroken::dns::{Message, Record};

/// Wire form without compression, with an OPT record.
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
    let sections: [&Vec<Record>; 3] = [&message.answer, &message.authority, &message.additional];
    for (index, section) in sections.iter().enumerate() {
        let opt = usize::from(index == 2);
        out.extend(u16::try_from(section.len() + opt).unwrap().to_be_bytes());
    }
    if let Some(question) = &message.question {
        out.extend(question.name.wire());
        out.extend(question.rtype.0.to_be_bytes());
        out.extend(1u16.to_be_bytes());
    }
    for record in sections.into_iter().flatten() {
        out.extend(record.name.wire());
        out.extend(record.rtype.0.to_be_bytes());
        out.extend(record.class.to_be_bytes());
        out.extend(record.ttl.to_be_bytes());
        out.extend(u16::try_from(record.rdata.len()).unwrap().to_be_bytes());
        out.extend(&record.rdata);
    }
    // OPT: 1232 octets, DO.
    out.extend([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
    out
}
