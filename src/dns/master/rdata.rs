//! RDATA in presentation format to canonical wire form: the types that fill zones here, all others by the `domain` crate.

use std::net::{Ipv4Addr, Ipv6Addr};

use domain::base::rdata::ComposeRecordData;
use domain::dep::octseq::Parser;
use domain::zonefile::inplace::{Entry, Zonefile};

use super::Fault;
use super::fields::{self, base32, base64, hex, name, number, seconds, shown, string};
use crate::dns::Rtype;
use crate::dns::record::canonical_rdata;

/// The words of RDATA, with the place of each.
pub(super) struct Words<'a> {
    pub(super) text: &'a [u8],
    pub(super) spans: &'a [(usize, usize)],
    pub(super) origin: &'a [u8],
    next: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a [u8], spans: &'a [(usize, usize)], origin: &'a [u8]) -> Words<'a> {
        Words {
            text,
            spans,
            origin,
            next: 0,
        }
    }

    fn peek(&self) -> Option<&'a [u8]> {
        let (from, to) = *self.spans.get(self.next)?;
        self.text.get(from..to)
    }

    fn take(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        let word = self.peek().ok_or(Fault::Missing(what))?;
        self.next += 1;
        Ok(word)
    }

    fn rest(&mut self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let text = self.text;
        let spans = self.spans.get(self.next..).unwrap_or_default();
        self.next = self.spans.len();
        spans.iter().filter_map(move |(from, to)| text.get(*from..*to))
    }

    fn name(&mut self, fold: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
        let word = self.take("domain name")?;
        name(word, self.origin, fold, out)
    }

    fn short(&mut self, what: &'static str, out: &mut Vec<u8>) -> Result<(), Fault> {
        let value: u16 = number(self.take(what)?, what)?;
        out.extend_from_slice(&value.to_be_bytes());
        Ok(())
    }

    fn octet(&mut self, what: &'static str, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.push(number(self.take(what)?, what)?);
        Ok(())
    }

    fn finish(&self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(Fault::Trailing(shown(word))),
        }
    }
}

/// Puts the canonical RDATA of a record of type `rtype` into `out`.
pub(super) fn rdata(rtype: Rtype, words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.clear();
    if words.peek() == Some(b"\\#") {
        return generic(rtype, words, out);
    }
    match rtype {
        Rtype::A => {
            let word = words.take("address")?;
            out.extend_from_slice(&address::<Ipv4Addr>(word, "IPv4 address")?.octets());
        }
        Rtype::AAAA => {
            let word = words.take("address")?;
            out.extend_from_slice(&address::<Ipv6Addr>(word, "IPv6 address")?.octets());
        }
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME => words.name(true, out)?,
        Rtype::MX => {
            words.short("preference", out)?;
            words.name(true, out)?;
        }
        Rtype::SRV => {
            for what in ["priority", "weight", "port"] {
                words.short(what, out)?;
            }
            words.name(true, out)?;
        }
        Rtype::TXT => {
            words.peek().ok_or(Fault::Missing("string"))?;
            for word in words.rest() {
                string(word, out)?;
            }
        }
        Rtype::SOA => soa(words, out)?,
        Rtype::DS | Rtype::CDS => {
            words.short("key tag", out)?;
            algorithm(words.take("algorithm")?, out)?;
            words.octet("digest type", out)?;
            joined(words, "digest", hex, out)?;
        }
        Rtype::DNSKEY | Rtype::CDNSKEY => {
            words.short("flags", out)?;
            words.octet("protocol", out)?;
            algorithm(words.take("algorithm")?, out)?;
            joined(words, "public key", base64, out)?;
        }
        Rtype::RRSIG => rrsig(words, out)?,
        Rtype::NSEC => {
            // Its next name is not folded (RFC 6840 section 5.1).
            words.name(false, out)?;
            types(words, out)?;
        }
        Rtype::NSEC3 => nsec3(words, out)?,
        _ => return foreign(rtype, words, out),
    }
    words.finish()?;
    if out.len() > usize::from(u16::MAX) {
        return Err(Fault::TooLong);
    }
    Ok(())
}

fn address<A: std::str::FromStr>(word: &[u8], what: &'static str) -> Result<A, Fault> {
    std::str::from_utf8(word)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Fault::Field {
            what,
            text: shown(word),
        })
}

fn soa(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.name(true, out)?;
    words.name(true, out)?;
    let serial: u32 = number(words.take("serial")?, "serial")?;
    out.extend_from_slice(&serial.to_be_bytes());
    for what in ["refresh", "retry", "expire", "minimum"] {
        out.extend_from_slice(&seconds(words.take(what)?)?.to_be_bytes());
    }
    Ok(())
}

/// Mnemonics of the IANA registry of DNSSEC algorithm numbers (RFC 4034 appendix A.1 and later).
const ALGORITHMS: [(&str, u8); 15] = [
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("NSEC3RSASHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
];

/// A number, or a mnemonic.
fn algorithm(word: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let number = number::<u8>(word, "algorithm").or_else(|fault| {
        let known = ALGORITHMS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        known.map(|(_, number)| *number).ok_or(fault)
    })?;
    out.push(number);
    Ok(())
}

/// The rest of the words as one text, which blanks may cut anywhere.
fn joined(
    words: &mut Words<'_>,
    what: &'static str,
    decode: impl Fn(&[u8], &'static str, &mut Vec<u8>) -> Result<(), Fault>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let first = words.take(what)?;
    if words.peek().is_none() {
        return decode(first, what, out);
    }
    let mut whole = first.to_vec();
    words.rest().for_each(|word| whole.extend_from_slice(word));
    decode(&whole, what, out)
}

fn rrsig(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let covered = record_type(words.take("type covered")?)?;
    out.extend_from_slice(&covered.0.to_be_bytes());
    algorithm(words.take("algorithm")?, out)?;
    words.octet("labels", out)?;
    let original: u32 = seconds(words.take("original TTL")?)?;
    out.extend_from_slice(&original.to_be_bytes());
    for what in ["expiration", "inception"] {
        out.extend_from_slice(&fields::moment(words.take(what)?)?.to_be_bytes());
    }
    words.short("key tag", out)?;
    words.name(true, out)?;
    joined(words, "signature", base64, out)
}

fn nsec3(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.octet("hash algorithm", out)?;
    words.octet("flags", out)?;
    words.short("iterations", out)?;
    let salt = words.take("salt")?;
    counted(out, |out| {
        if salt == b"-" {
            Ok(())
        } else {
            hex(salt, "salt", out)
        }
    })?;
    let next = words.take("next hashed owner")?;
    counted(out, |out| base32(next, "next hashed owner", out))?;
    types(words, out)
}

/// Appends what `fill` appends, with its length in one octet before it.
fn counted(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>) -> Result<(), Fault> {
    let length_at = out.len();
    out.push(0);
    fill(out)?;
    let length = u8::try_from(out.len() - length_at - 1).map_err(|_| Fault::TooLong)?;
    if let Some(place) = out.get_mut(length_at) {
        *place = length;
    }
    Ok(())
}

/// The rest of the words as a type bitmap (RFC 4034 section 4.1.2).
fn types(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut low = [0u8; 32];
    let mut high: Vec<u16> = Vec::new();
    for word in words.rest() {
        let number = record_type(word)?.0;
        match low.get_mut(usize::from(number / 8)) {
            Some(octet) => *octet |= 0x80 >> (number % 8),
            None => high.push(number),
        }
    }
    block(0, &low, out);
    high.sort_unstable();
    for window in high.chunk_by(|a, b| a / 256 == b / 256) {
        let mut octets = [0u8; 32];
        for number in window {
            if let Some(octet) = octets.get_mut(usize::from(number % 256 / 8)) {
                *octet |= 0x80 >> (number % 8);
            }
        }
        let number = window.first().map_or(0, |first| first / 256);
        block(u8::try_from(number).unwrap_or(u8::MAX), &octets, out);
    }
    Ok(())
}

fn block(window: u8, octets: &[u8; 32], out: &mut Vec<u8>) {
    if let Some(last) = octets.iter().rposition(|octet| *octet != 0) {
        out.push(window);
        out.push(u8::try_from(last + 1).unwrap_or(32));
        out.extend_from_slice(octets.get(..=last).unwrap_or_default());
    }
}

/// The form of RFC 3597 section 5, of a known type too.
fn generic(rtype: Rtype, words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.take("\\#")?;
    let length: u16 = number(words.take("length")?, "length")?;
    let mut whole = Vec::new();
    words.rest().for_each(|word| whole.extend_from_slice(word));
    let mut octets = Vec::new();
    hex(&whole, "RDATA in hexadecimal", &mut octets)?;
    if octets.len() != usize::from(length) {
        return Err(Fault::Length {
            told: length,
            found: octets.len(),
        });
    }
    let canonical =
        canonical_rdata(rtype, &mut Parser::from_ref(octets.as_slice())).ok_or(Fault::Form(rtype))?;
    out.extend_from_slice(&canonical);
    Ok(())
}

/// Types read by `domain` whose words may be names: MD, MF, MB, MG, MR, MINFO, RP, AFSDB, RT, PX, KX, NAPTR, IPSECKEY,
/// SVCB, HTTPS, LP.
const HOLD_NAMES: [u16; 16] = [3, 4, 7, 8, 9, 14, 17, 18, 21, 26, 35, 36, 45, 64, 65, 107];

/// A type that is not read here: an entry of its own for the reader of `domain`. Parentheses and comments are gone by
/// now (a parenthesis that is never closed makes that reader panic).
fn foreign(rtype: Rtype, words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut entry = format!(". 0 IN {rtype}").into_bytes();
    let root = [0];
    let known: &[u8] = if words.origin.is_empty() {
        &root
    } else {
        words.origin
    };
    let origin = domain::base::Name::from_octets(known.to_vec().into()).map_err(|_| Fault::TooLong)?;
    for word in words.rest() {
        entry.push(b' ');
        // That reader takes `@` in RDATA for a label.
        if word == b"@" && HOLD_NAMES.contains(&rtype.0) {
            entry.extend_from_slice(origin.fmt_with_dot().to_string().as_bytes());
        } else {
            entry.extend_from_slice(word);
        }
    }
    entry.push(b'\n');
    let mut file = Zonefile::with_capacity(entry.len());
    file.extend_from_slice(&entry);
    if !words.origin.is_empty() {
        file.set_origin(origin);
    }
    let fail = |said: &str| {
        // Its errors begin with line and column of the entry that was made here.
        let reason = said.splitn(3, ':').nth(2).unwrap_or(said).trim().to_owned();
        Fault::Rdata { rtype, reason }
    };
    match file.next_entry() {
        Ok(Some(Entry::Record(record))) => record
            .data()
            .compose_canonical_rdata(out)
            .map_err(|_| Fault::TooLong),
        Ok(_) => Err(fail("nothing is there")),
        Err(error) => Err(fail(&error.to_string())),
    }
}

/// A mnemonic, or `TYPE12345`.
pub(super) fn record_type(word: &[u8]) -> Result<Rtype, Fault> {
    match word {
        b"A" => return Ok(Rtype::A),
        b"AAAA" => return Ok(Rtype::AAAA),
        b"NS" => return Ok(Rtype::NS),
        b"MX" => return Ok(Rtype::MX),
        b"TXT" => return Ok(Rtype::TXT),
        b"CNAME" => return Ok(Rtype::CNAME),
        b"DS" => return Ok(Rtype::DS),
        b"RRSIG" => return Ok(Rtype::RRSIG),
        b"NSEC" => return Ok(Rtype::NSEC),
        b"NSEC3" => return Ok(Rtype::NSEC3),
        _ => {}
    }
    std::str::from_utf8(word)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Fault::Type(shown(word)))
}
