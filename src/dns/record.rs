//! One resource record, its RDATA in canonical form.

use std::fmt;

use domain::base::iana::Rtype as Iana;
use domain::base::name::FlattenInto;
use domain::base::rdata::{ComposeRecordData, ParseRecordData};
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt};
use domain::base::{Name as WireName, ParsedName};
use domain::dep::octseq::Parser;
use domain::rdata::ZoneRecordData;
use serde::{Deserialize, Serialize};

use super::{Name, Rtype};

/// A time to live in seconds, 0 to 2^31 - 1 (RFC 2181 section 8; values above count as 0 there).
pub type Ttl = u32;

/// The class IN.
pub const CLASS_IN: u16 = 1;

/// A resource record of class IN unless `class` says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// The owner name.
    pub name: Name,
    /// The type.
    pub rtype: Rtype,
    /// The class, 1 for IN.
    pub class: u16,
    /// Seconds.
    pub ttl: Ttl,
    /// Uncompressed RDATA in the canonical form of RFC 4034 section 6.2 as changed by RFC 6840 section 5.1; the octets as
    /// received where the type's form was violated.
    #[serde(with = "hex_octets")]
    pub rdata: Vec<u8>,
}

impl Record {
    /// A record of class IN.
    pub fn new(name: Name, rtype: Rtype, ttl: Ttl, rdata: Vec<u8>) -> Record {
        Record {
            name,
            rtype,
            class: CLASS_IN,
            ttl,
            rdata,
        }
    }

    /// The RDATA in presentation form (RFC 3597 form for unknown types and for what does not parse).
    pub fn rdata_text(&self) -> String {
        rdata_text(self.rtype, &self.rdata)
    }

    /// The domain name that is the whole RDATA (NS, CNAME, DNAME, PTR), if it is one.
    pub fn target(&self) -> Option<Name> {
        Name::from_wire(&self.rdata).ok()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} IN {} {}",
            self.name,
            self.ttl,
            self.rtype,
            self.rdata_text()
        )
    }
}

type Parsed<'a> = ZoneRecordData<&'a [u8], ParsedName<&'a [u8]>>;

/// RDATA at `parser` (limited to its length) in canonical form, or `None` where it violates the form of its type.
pub(super) fn canonical_rdata(rtype: Rtype, parser: &mut Parser<'_, [u8]>) -> Option<Vec<u8>> {
    let data = Parsed::parse_rdata(Iana::from_int(rtype.0), parser).ok()??;
    if parser.remaining() != 0 {
        return None;
    }
    let mut out = Vec::new();
    data.compose_canonical_rdata(&mut out).ok()?;
    Some(out)
}

fn rdata_text(rtype: Rtype, rdata: &[u8]) -> String {
    let mut parser = Parser::from_ref(rdata);
    let iana = Iana::from_int(rtype.0);
    match Parsed::parse_rdata(iana, &mut parser) {
        Ok(Some(ZoneRecordData::Unknown(_))) => generic_text(rdata),
        Ok(Some(data)) if parser.remaining() == 0 => {
            let flat: Result<ZoneRecordData<Vec<u8>, WireName<Vec<u8>>>, _> = data.try_flatten_into();
            match flat {
                Ok(flat) => flat.display_zonefile(DisplayKind::Simple).to_string(),
                Err(_) => generic_text(rdata),
            }
        }
        _ => generic_text(rdata),
    }
}

/// The form of RFC 3597 section 5.
fn generic_text(rdata: &[u8]) -> String {
    let digits = data_encoding::HEXUPPER.encode(rdata);
    format!("\\# {} {digits}", rdata.len()).trim_end().to_owned()
}

mod hex_octets {
    use data_encoding::HEXLOWER;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}
