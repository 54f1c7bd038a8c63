//! Absolute domain names in canonical (lower) case.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use domain::base::Name as Wire;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An absolute domain name, 1 to 255 octets of wire form, letters folded to lower case (RFC 4034 section 6.2).
///
/// Its order is the canonical order of RFC 4034 section 6.1.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Arc<[u8]>);

/// Why a text or a string of octets is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a domain name: {reason}")]
pub struct NameError {
    text: String,
    reason: String,
}

impl Name {
    /// The root.
    pub fn root() -> Name {
        Name(Arc::from([0u8].as_slice()))
    }

    /// Reads presentation form; a missing final dot is added, since every name here is absolute.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let absolute = Wire::<Vec<u8>>::vec_from_str(text).map_err(|error| NameError {
            text: text.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self::fold(absolute.as_slice()))
    }

    /// Takes uncompressed wire form.
    pub fn from_wire(octets: &[u8]) -> Result<Name, NameError> {
        Wire::from_octets(octets)
            .map(|name| Self::fold(name.as_slice()))
            .map_err(|error| NameError {
                text: data_encoding::HEXLOWER.encode(octets),
                reason: error.to_string(),
            })
    }

    fn fold(wire: &[u8]) -> Name {
        Name(wire.iter().map(u8::to_ascii_lowercase).collect())
    }

    /// Uncompressed wire form in lower case.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels from the left, without the root label.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let length = usize::from(*rest.first()?);
            if length == 0 {
                return None;
            }
            let label = rest.get(1..=length)?;
            rest = rest.get(length + 1..)?;
            Some(label)
        })
    }

    /// How many labels there are, the root label not counted (as the Labels field of an RRSIG counts, but with `*`).
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The name without its leftmost label; none for the root.
    pub fn parent(&self) -> Option<Name> {
        let length = usize::from(*self.0.first()?);
        if length == 0 {
            return None;
        }
        self.0.get(length + 1..).map(|rest| Name(Arc::from(rest)))
    }

    /// The last `count` labels; the name itself where it has no more than that.
    pub fn suffix(&self, count: usize) -> Name {
        match self.label_count() <= count {
            true => self.clone(),
            false => Name(Arc::from(self.tail(count))),
        }
    }

    /// The wire form of the last `count` labels.
    fn tail(&self, count: usize) -> &[u8] {
        let mut rest: &[u8] = &self.0;
        for _ in count..self.label_count() {
            let length = rest.first().map_or(0, |length| usize::from(*length));
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        rest
    }

    /// Where each label begins, and how many there are: a name of 255 octets has at most 127.
    fn starts(&self) -> ([u8; 128], usize) {
        let (mut starts, mut count, mut at) = ([0; 128], 0, 0usize);
        while let (Some(length), Some(slot)) = (
            self.0.get(at).filter(|length| **length > 0),
            starts.get_mut(count),
        ) {
            *slot = u8::try_from(at).unwrap_or(u8::MAX);
            count += 1;
            at += usize::from(*length) + 1;
        }
        (starts, count)
    }

    fn label_at(&self, at: u8) -> &[u8] {
        let at = usize::from(at);
        let length = self.0.get(at).map_or(0, |length| usize::from(*length));
        self.0.get(at + 1..=at + length).unwrap_or_default()
    }

    /// Whether this name is `other` or lies below it.
    pub fn is_at_or_below(&self, other: &Name) -> bool {
        let (mine, theirs) = (self.label_count(), other.label_count());
        mine >= theirs && self.tail(theirs) == &*other.0
    }

    /// Whether the leftmost label is the asterisk (RFC 4592 section 2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// `label` put in front.
    ///
    /// # Errors
    /// If the label is empty or longer than 63 octets, or the name would exceed 255 octets.
    pub fn prepend(&self, label: &[u8]) -> Result<Name, NameError> {
        let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
        let mut wire = vec![length];
        wire.extend_from_slice(label);
        wire.extend_from_slice(&self.0);
        Self::from_wire(&wire)
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        let ((mine, count), (theirs, others)) = (self.starts(), other.starts());
        for (a, b) in mine[..count].iter().rev().zip(theirs[..others].iter().rev()) {
            let order = self.label_at(*a).cmp(other.label_at(*b));
            if order != Ordering::Equal {
                return order;
            }
        }
        count.cmp(&others)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Wire::from_octets(&self.0[..]) {
            Ok(wire) => fmt::Display::fmt(&wire.fmt_with_dot(), f),
            Err(_) => f.write_str("(invalid name)"),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Name::parse(text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Name::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn folds_case_and_adds_the_dot() {
        assert_eq!(name("Shop.TEST").to_string(), "shop.test.");
        assert_eq!(name(".").to_string(), ".");
        assert_eq!(name("a\\.b.test.").label_count(), 2);
    }

    #[test]
    fn the_canonical_order_of_rfc_4034_6_1() {
        let sorted = [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "Z.a.example.",
            "zABC.a.EXAMPLE.",
            "z.example.",
            "\\001.z.example.",
            "*.z.example.",
            "\\200.z.example.",
        ];
        let mut names: Vec<Name> = sorted.iter().rev().map(|text| name(text)).collect();
        names.sort();
        assert_eq!(names, sorted.iter().map(|text| name(text)).collect::<Vec<_>>());
    }

    #[test]
    fn suffixes_and_subdomains() {
        assert!(name("www.shop.test").is_at_or_below(&name("shop.test")));
        assert!(name("shop.test").is_at_or_below(&Name::root()));
        assert!(!name("xshop.test").is_at_or_below(&name("shop.test")));
        assert_eq!(name("a.b.c").suffix(2), name("b.c"));
        assert_eq!(name("test").parent(), Some(Name::root()));
        assert_eq!(Name::root().parent(), None);
    }

    #[test]
    fn refuses_what_is_no_name() {
        assert!(Name::parse("a..b").is_err());
        assert!(Name::parse(&"a".repeat(64)).is_err());
        assert!(Name::from_wire(b"\x03ab").is_err());
        assert!(name("test").prepend(b"").is_err());
        assert_eq!(name("test").prepend(b"*").unwrap(), name("*.test"));
    }
}
