//! What the RFCs print: key tags, digests, signatures, hashes, and whole answers with what a validator makes of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

mod keys;
mod resigned;
mod rfc4035;
mod rfc5155;
mod rfc9102;
mod textbook;

use unbroken::dns::{Flags, Message, Name, Rcode, Record, parse_records};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// An authoritative answer.
fn message(rcode: Rcode, answer: &str, authority: &[&str]) -> Message {
    let read = |text: &str| -> Vec<Record> { parse_records(text, &Name::root(), 3600).unwrap() };
    Message {
        id: 0,
        flags: Flags {
            response: true,
            authoritative: true,
            ..Flags::default()
        },
        opcode: 0,
        rcode,
        question: None,
        answer: read(answer),
        authority: read(&authority.concat()),
        additional: Vec::new(),
        edns: None,
    }
}
