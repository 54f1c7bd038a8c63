//! Record types by number and mnemonic.

use std::fmt;
use std::str::FromStr;

use domain::base::iana::Rtype as Iana;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A record type (RFC 1035 section 3.2.2 and the IANA registry); unknown ones are written `TYPE12345` (RFC 3597).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rtype(pub u16);

macro_rules! rtypes {
    ($($name:ident = $value:expr),* $(,)?) => {
        impl Rtype {
            $(#[doc = concat!("The type ", stringify!($name), ".")] pub const $name: Rtype = Rtype($value);)*
        }
    };
}

rtypes! {
    A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, MX = 15, TXT = 16, AAAA = 28, SRV = 33, DNAME = 39, OPT = 41,
    DS = 43, RRSIG = 46, NSEC = 47, DNSKEY = 48, NSEC3 = 50, NSEC3PARAM = 51, CDS = 59, CDNSKEY = 60, CSYNC = 62,
    ZONEMD = 63, NXNAME = 128, TSIG = 250, IXFR = 251, AXFR = 252, ANY = 255,
}

impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Iana::from_int(self.0), f)
    }
}

/// A word that is no record type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a record type (expected a mnemonic such as A, or TYPE12345)")]
pub struct UnknownType(String);

impl FromStr for Rtype {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Iana::from_str(text)
            .map(|t| Rtype(t.to_int()))
            .map_err(|_| UnknownType(text.to_owned()))
    }
}

impl Serialize for Rtype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rtype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnemonics_and_numbers() {
        assert_eq!(Rtype::DNSKEY.to_string(), "DNSKEY");
        assert_eq!("cdnskey".parse::<Rtype>().unwrap(), Rtype::CDNSKEY);
        assert_eq!("TYPE65280".parse::<Rtype>().unwrap(), Rtype(65280));
        assert_eq!(Rtype(65280).to_string(), "TYPE65280");
        assert!("NOSUCH".parse::<Rtype>().is_err());
    }
}
