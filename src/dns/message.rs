//! Reading whole DNS messages.

use std::collections::HashMap;

use domain::base::opt::AllOptData;
use domain::base::wire::{FormError, ParseError};
use domain::base::{Message as Wire, MessageBuilder, ParsedName};
use domain::dep::octseq::Parser;

use super::record::canonical_rdata;
use super::{Name, Record, Rrset, Rtype, rrsets};

/// A response code with the extended bits of EDNS (RFC 6891 section 6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Rcode = Rcode(0);
    /// The server could not read the question.
    pub const FORMERR: Rcode = Rcode(1);
    /// The server failed.
    pub const SERVFAIL: Rcode = Rcode(2);
    /// The name does not exist.
    pub const NXDOMAIN: Rcode = Rcode(3);
    /// Not implemented.
    pub const NOTIMP: Rcode = Rcode(4);
    /// Refused by policy.
    pub const REFUSED: Rcode = Rcode(5);
    /// An RRset that should not exist does (RFC 2136).
    pub const YXRRSET: Rcode = Rcode(7);
    /// An RRset that should exist does not (RFC 2136).
    pub const NXRRSET: Rcode = Rcode(8);
    /// Not authoritative, or not authorised (RFC 2136, RFC 8945).
    pub const NOTAUTH: Rcode = Rcode(9);
    /// A name is outside the zone (RFC 2136).
    pub const NOTZONE: Rcode = Rcode(10);
}

impl std::fmt::Display for Rcode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            6 => "YXDOMAIN",
            7 => "YXRRSET",
            8 => "NXRRSET",
            9 => "NOTAUTH",
            10 => "NOTZONE",
            16 => "BADVERS",
            other => return write!(f, "RCODE{other}"),
        };
        f.write_str(word)
    }
}

/// The header bits that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// A response, not a query.
    pub response: bool,
    /// Authoritative answer.
    pub authoritative: bool,
    /// Truncated: the whole answer has to be asked for over TCP.
    pub truncated: bool,
    /// Recursion available.
    pub recursion_available: bool,
}

/// The question of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: Rtype,
}

/// What the OPT record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edns {
    /// The largest UDP payload that the sender takes, in octets.
    pub udp_size: u16,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// The info code of the first Extended DNS Error (RFC 8914), if any.
    pub extended_error: Option<u16>,
}

/// A message, read whole. Records whose RDATA violates their type's form are kept with the octets as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The identifier.
    pub id: u16,
    /// Header bits.
    pub flags: Flags,
    /// The operation: 0 query, 4 notify, 5 update.
    pub opcode: u8,
    /// The response code with its extended bits.
    pub rcode: Rcode,
    /// The first question.
    pub question: Option<Question>,
    /// The answer section (prerequisites in an UPDATE).
    pub answer: Vec<Record>,
    /// The authority section (updates in an UPDATE).
    pub authority: Vec<Record>,
    /// The additional section without OPT and TSIG.
    pub additional: Vec<Record>,
    /// The OPT record.
    pub edns: Option<Edns>,
}

/// Why octets are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Fewer than 12 octets, or more than 65535.
    #[error("a message of {0} octets (expected 12 to 65535)")]
    Length(usize),
    /// A section does not parse.
    #[error("the {section} section does not parse: {reason}")]
    Section {
        /// Which section.
        section: &'static str,
        /// The codec's words.
        reason: String,
    },
}

/// Octets of the header.
const HEADER: usize = 12;
/// No honest message needs more records; a hostile one costs a bounded amount of work.
const MAX_RECORDS: usize = 20_000;

impl Message {
    /// Reads a message of 12 to 65535 octets.
    ///
    /// # Errors
    /// If the header, a question, a name or a record's frame does not parse, or there are more than 20,000 records.
    /// Not checked: whether the answer belongs to a question that was asked.
    pub fn parse(octets: &[u8]) -> Result<Message, MessageError> {
        if octets.len() > usize::from(u16::MAX) {
            return Err(MessageError::Length(octets.len()));
        }
        let wire = Wire::from_slice(octets).map_err(|_| MessageError::Length(octets.len()))?;
        let header = wire.header();
        let question = match wire.question().next() {
            None => None,
            Some(Err(error)) => return Err(section_error("question", error)),
            Some(Ok(question)) => Some(Question {
                name: parsed_name(question.qname()).ok_or_else(|| section_error("question", "bad name"))?,
                rtype: Rtype(question.qtype().to_int()),
            }),
        };
        let edns = read_edns(wire);
        let counts = wire.header_counts();
        let mut parser = Parser::from_ref(octets);
        parser
            .advance(HEADER)
            .map_err(|error| section_error("header", error))?;
        for _ in 0..counts.qdcount() {
            ParsedName::skip(&mut parser).map_err(|error| section_error("question", error))?;
            parser
                .advance(4)
                .map_err(|error| section_error("question", error))?;
        }
        let owners = &mut Owners::default();
        let answer = section("answer", &mut parser, counts.ancount(), owners)?;
        let authority = section("authority", &mut parser, counts.nscount(), owners)?;
        let additional = section("additional", &mut parser, counts.arcount(), owners)?;
        let rcode = Rcode(wire.opt_rcode().to_int());
        Ok(Message {
            id: header.id(),
            flags: Flags {
                response: header.qr(),
                authoritative: header.aa(),
                truncated: header.tc(),
                recursion_available: header.ra(),
            },
            opcode: header.opcode().to_int(),
            rcode,
            question,
            answer,
            authority,
            additional,
            edns,
        })
    }

    /// The RRsets of the answer section.
    pub fn answer_rrsets(&self) -> Vec<Rrset> {
        rrsets(&self.answer)
    }

    /// The RRsets of the authority section.
    pub fn authority_rrsets(&self) -> Vec<Rrset> {
        rrsets(&self.authority)
    }
}

fn section_error(section: &'static str, reason: impl ToString) -> MessageError {
    MessageError::Section {
        section,
        reason: reason.to_string(),
    }
}

fn parsed_name(name: impl domain::base::ToName) -> Option<Name> {
    let flat: domain::base::Name<Vec<u8>> = name.try_to_name().ok()?;
    Name::from_wire(flat.as_slice()).ok()
}

fn read_edns(wire: &Wire<[u8]>) -> Option<Edns> {
    let opt = wire.opt()?;
    let extended_error = opt
        .opt()
        .iter::<AllOptData<_, _>>()
        .flatten()
        .find_map(|option| match option {
            AllOptData::ExtendedError(error) => Some(error.code().to_int()),
            _ => None,
        });
    Some(Edns {
        udp_size: opt.udp_payload_size(),
        dnssec_ok: opt.dnssec_ok(),
        extended_error,
    })
}

fn section(
    label: &'static str,
    parser: &mut Parser<'_, [u8]>,
    count: u16,
    owners: &mut Owners,
) -> Result<Vec<Record>, MessageError> {
    let mut out = Vec::new();
    for _ in 0..count {
        let record = read_record(parser, owners).map_err(|error| section_error(label, error))?;
        if out.len() >= MAX_RECORDS {
            return Err(section_error(label, "too many records"));
        }
        if !matches!(record.rtype, Rtype::OPT | Rtype::TSIG) {
            out.push(record);
        }
    }
    Ok(out)
}

/// Owners that are nothing but a pointer, by the place that it points to: thousands of records may share one long name.
#[derive(Debug, Default)]
struct Owners(HashMap<u16, Name>);

impl Owners {
    fn read(&mut self, parser: &mut Parser<'_, [u8]>) -> Result<Name, ParseError> {
        const POINTER: u16 = 0xc000;
        let first = parser.peek(2)?;
        let pointer = first
            .first_chunk()
            .map(|octets| u16::from_be_bytes(*octets))
            .filter(|octets| octets & POINTER == POINTER);
        if let Some(known) = pointer.and_then(|pointer| self.0.get(&pointer)) {
            parser.advance(2)?;
            return Ok(known.clone());
        }
        let owner = ParsedName::parse(parser)?;
        let name = parsed_name(owner).ok_or(ParseError::Form(FormError::new("bad owner name")))?;
        if let Some(pointer) = pointer {
            self.0.insert(pointer, name.clone());
        }
        Ok(name)
    }
}

fn read_record(parser: &mut Parser<'_, [u8]>, owners: &mut Owners) -> Result<Record, ParseError> {
    let name = owners.read(parser)?;
    let rtype = Rtype(parser.parse_u16_be()?);
    let class = parser.parse_u16_be()?;
    let ttl = parser.parse_u32_be()?;
    let length = usize::from(parser.parse_u16_be()?);
    // Names in RDATA may point back into the message, so this parser still sees all of it.
    let mut limited = parser.parse_parser(length)?;
    let raw = limited.peek(length)?.to_vec();
    let rdata = canonical_rdata(rtype, &mut limited).unwrap_or(raw);
    // RFC 2181 section 8: a TTL with the top bit set counts as zero.
    let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
    Ok(Record {
        name,
        rtype,
        class,
        ttl,
        rdata,
    })
}

/// The octets with this identifier.
pub fn with_id(octets: &[u8], id: u16) -> Vec<u8> {
    let mut message = octets.to_vec();
    if let Some(head) = message.first_chunk_mut::<2>() {
        *head = id.to_be_bytes();
    }
    message
}

/// A copy of a message with its identifier set to zero, so that equal answers are equal octets.
pub fn without_id(octets: &[u8]) -> Vec<u8> {
    let mut copy = octets.to_vec();
    for octet in copy.iter_mut().take(2) {
        *octet = 0;
    }
    copy
}

/// Starts an empty message for building.
pub(super) fn builder() -> Option<MessageBuilder<Vec<u8>>> {
    MessageBuilder::from_target(Vec::new()).ok()
}
