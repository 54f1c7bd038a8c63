//! DNS messages, read and written here from the bytes up, so that the judges share no code with what they judge.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};

/// Numbers of the record types that are used here.
pub(crate) mod rtype {
    pub(crate) const A: u16 = 1;
    pub(crate) const NS: u16 = 2;
    pub(crate) const CNAME: u16 = 5;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const MX: u16 = 15;
    pub(crate) const OPT: u16 = 41;
    pub(crate) const DS: u16 = 43;
    pub(crate) const RRSIG: u16 = 46;
    pub(crate) const NSEC: u16 = 47;
    pub(crate) const DNSKEY: u16 = 48;
    pub(crate) const NSEC3: u16 = 50;
}

/// Response codes that are used here.
pub(crate) mod rcode {
    pub(crate) const NOERROR: u8 = 0;
    pub(crate) const SERVFAIL: u8 = 2;
    pub(crate) const NXDOMAIN: u8 = 3;
}

/// A name in wire form, uncompressed and in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(Vec<u8>);

impl Name {
    /// From text without escapes.
    pub(crate) fn of(text: &str) -> Self {
        let mut wire = Vec::new();
        for label in text.split('.').filter(|label| !label.is_empty()) {
            wire.push(label.len() as u8);
            wire.extend(label.to_ascii_lowercase().bytes());
        }
        wire.push(0);
        Self(wire)
    }

    /// From an uncompressed wire form that was read from a message before.
    pub(crate) fn from_wire(wire: &[u8]) -> Self {
        Self(wire.to_ascii_lowercase())
    }

    /// The wire form.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels, leftmost first, without the root's.
    fn labels(&self) -> Vec<&[u8]> {
        let mut rest = self.0.as_slice();
        let mut labels = Vec::new();
        while let Some((&len, tail)) = rest.split_first() {
            if len == 0 {
                break;
            }
            let (label, next) = tail.split_at(len as usize);
            labels.push(label);
            rest = next;
        }
        labels
    }

    /// How many labels it has, not counting the root or a leading asterisk (the count of an RRSIG's labels field).
    pub(crate) fn signed_labels(&self) -> usize {
        self.labels()
            .iter()
            .filter(|label| **label != b"*".as_slice())
            .count()
    }

    /// The wildcard that stands `keep` labels below the root.
    pub(crate) fn wildcard(&self, keep: usize) -> Self {
        let labels = self.labels();
        let mut wire = vec![1, b'*'];
        for label in &labels[labels.len().saturating_sub(keep)..] {
            wire.push(label.len() as u8);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        Self(wire)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.labels() {
            write!(f, "{}.", String::from_utf8_lossy(label))?;
        }
        if self.0.len() == 1 {
            f.write_str(".")
        } else {
            Ok(())
        }
    }
}

/// A record, its RDATA uncompressed and in canonical form (RFC 4034 section 6.2, RFC 6840 section 5.1).
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) owner: Name,
    pub(crate) rtype: u16,
    pub(crate) ttl: u32,
    pub(crate) rdata: Vec<u8>,
}

/// A response, taken apart.
pub(crate) struct Message {
    pub(crate) id: u16,
    pub(crate) authoritative: bool,
    pub(crate) truncated: bool,
    pub(crate) authenticated: bool,
    pub(crate) rcode: u8,
    pub(crate) answer: Vec<Record>,
    pub(crate) authority: Vec<Record>,
}

impl Message {
    /// Reads a whole message.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let id = reader.u16()?;
        let [high, low] = reader.u16()?.to_be_bytes();
        ensure!(high & 0x80 != 0, "not a response");
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        for _ in 0..counts[0] {
            reader.name()?;
            reader.take(4)?;
        }
        let answer = reader.records(counts[1])?;
        let authority = reader.records(counts[2])?;
        Ok(Self {
            id,
            authoritative: high & 0x04 != 0,
            truncated: high & 0x02 != 0,
            authenticated: low & 0x20 != 0,
            rcode: low & 0x0f,
            answer,
            authority,
        })
    }
}

/// Who a query is meant for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// An authoritative server: recursion is not asked for.
    Authority,
    /// A validating resolver: recursion and its verdict (AD) are asked for.
    Resolver,
}

/// A query with the DNSSEC OK bit and a payload size of 1232.
pub(crate) fn query(id: u16, name: &Name, rtype: u16, audience: Audience) -> Vec<u8> {
    let flags: u16 = if audience == Audience::Resolver { 0x0120 } else { 0 };
    let mut out = Vec::with_capacity(64);
    for field in [id, flags, 1, 0, 0, 1] {
        out.extend(field.to_be_bytes());
    }
    out.extend(name.wire());
    out.extend(rtype.to_be_bytes());
    out.extend(1u16.to_be_bytes());
    out.push(0);
    out.extend(self::rtype::OPT.to_be_bytes());
    out.extend(1232u16.to_be_bytes());
    out.extend([0, 0, 0x80, 0, 0, 0]);
    out
}

/// Two octets of RDATA as a number, if they are there.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Four octets of RDATA as a number, if they are there.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A place in a message.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let taken = self
            .bytes
            .get(self.at..self.at + len)
            .context("the message is cut short")?;
        self.at += len;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16> {
        u16_at(self.take(2)?, 0).context("two octets")
    }

    /// A name, following compression pointers, which may only lead backwards.
    fn name(&mut self) -> Result<Name> {
        let mut wire = Vec::new();
        let mut at = self.at;
        let mut followed = false;
        loop {
            let len = *self.bytes.get(at).context("a name is cut short")?;
            if len & 0xc0 == 0xc0 {
                let target = usize::from(u16_at(self.bytes, at).context("half a pointer")? & 0x3fff);
                ensure!(target < at, "a name points forward");
                if !followed {
                    self.at = at + 2;
                    followed = true;
                }
                at = target;
                continue;
            }
            ensure!(
                len < 64 && wire.len() + usize::from(len) < 255,
                "a name is too long"
            );
            let end = at + 1 + usize::from(len);
            let label = self.bytes.get(at..end).context("a label is cut short")?;
            wire.extend(label.to_ascii_lowercase());
            at = end;
            if len == 0 {
                break;
            }
        }
        if !followed {
            self.at = at;
        }
        Ok(Name(wire))
    }

    fn records(&mut self, count: u16) -> Result<Vec<Record>> {
        (0..count).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Result<Record> {
        let owner = self.name()?;
        let rtype = self.u16()?;
        self.u16()?;
        let ttl = u32_at(self.take(4)?, 0).context("a TTL")?;
        let len = usize::from(self.u16()?);
        let end = self.at + len;
        let rdata = self.rdata(rtype, end)?;
        if self.at != end {
            bail!("the RDATA of a record of type {rtype} has the wrong length");
        }
        Ok(Record {
            owner,
            rtype,
            ttl,
            rdata,
        })
    }

    /// RDATA: fixed octets, names in lower case, and the rest as it stands.
    fn rdata(&mut self, rtype: u16, end: usize) -> Result<Vec<u8>> {
        let (fixed, names) = match rtype {
            rtype::NS | rtype::CNAME => (0, 1),
            rtype::SOA => (0, 2),
            rtype::MX => (2, 1),
            rtype::RRSIG => (18, 1),
            _ => (0, 0),
        };
        let mut rdata = self.take(fixed)?.to_vec();
        for _ in 0..names {
            rdata.extend(self.name()?.wire());
        }
        let rest = end
            .checked_sub(self.at)
            .context("a name is longer than its RDATA")?;
        rdata.extend(self.take(rest)?);
        Ok(rdata)
    }
}
