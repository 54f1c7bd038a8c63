//! Two copies of a zone, one beside the other.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::contents::{Contents, Mark, RecordDigest};
use crate::dns::Ttl;

/// So many differences are named; all are counted.
pub const MOST_NAMED: usize = 8;

/// Which copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "difference")]
pub enum Difference {
    /// One copy alone has a record.
    Only {
        /// Which.
        side: Side,
        /// Its digest.
        digest: RecordDigest,
        /// `name ttl type rdata`, where it was read again to be named.
        record: Option<String>,
    },
    /// Both have a record, with different TTLs.
    Ttl {
        /// Seconds in the first.
        left: Ttl,
        /// Seconds in the second.
        right: Ttl,
        /// Its digest.
        digest: RecordDigest,
        /// The record as the first copy has it, where it was read again to be named.
        record: Option<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |record: &Option<String>, digest: &RecordDigest| {
            record
                .clone()
                .unwrap_or_else(|| format!("(a record with digest {digest})"))
        };
        match self {
            Difference::Only { side, digest, record } => {
                let mark = if *side == Side::Left { '-' } else { '+' };
                write!(f, "{mark} {}", words(record, digest))
            }
            Difference::Ttl {
                left,
                right,
                digest,
                record,
            } => write!(f, "~ {} (TTL {left} and {right})", words(record, digest)),
        }
    }
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Records that the first copy alone has.
    pub only_left: u64,
    /// Records that the second copy alone has.
    pub only_right: u64,
    /// Records that both have, with different TTLs.
    pub ttls: u64,
    /// The first differences, those of the records before those of the TTLs.
    pub first: Vec<Difference>,
}

impl Comparison {
    /// Whether names, types and data are the same.
    pub fn is_equal(&self) -> bool {
        self.only_left == 0 && self.only_right == 0
    }
}

/// Compares two copies. Both are sorted, so this walks them once, side by side.
pub fn compare(left: &Contents, right: &Contents) -> Comparison {
    let mut out = Comparison::default();
    let mut ttls = Vec::new();
    walk(left, right, |pair| match pair {
        (Some(only), None) => {
            out.only_left += 1;
            note(&mut out.first, || only_at(Side::Left, left, only));
        }
        (None, Some(only)) => {
            out.only_right += 1;
            note(&mut out.first, || only_at(Side::Right, right, only));
        }
        (Some(a), Some(b)) if a.ttl != b.ttl => {
            out.ttls += 1;
            note(&mut ttls, || Difference::Ttl {
                left: a.ttl,
                right: b.ttl,
                digest: a.digest,
                record: left.record(&a.digest).map(ToString::to_string),
            });
        }
        _ => {}
    });
    ttls.truncate(MOST_NAMED.saturating_sub(out.first.len()));
    out.first.extend(ttls);
    out
}

/// The differences of two copies before they have names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Records that the first copy alone has.
    pub only_left: u64,
    /// Records that the second copy alone has.
    pub only_right: u64,
    /// Records that both have, with different TTLs.
    pub ttls: u64,
    pub(super) left: Vec<Mark>,
    pub(super) right: Vec<Mark>,
    /// The TTL in the second copy beside the mark in the first.
    pub(super) both: Vec<(Mark, Ttl)>,
    /// Whether there are more than were kept.
    pub more: bool,
}

impl Differences {
    /// Whether there is none, in TTLs neither.
    pub fn is_empty(&self) -> bool {
        self.only_left + self.only_right + self.ttls == 0
    }
}

/// All differences of two copies; at most `most` of each kind are kept, all are counted.
pub fn differences(left: &Contents, right: &Contents, most: usize) -> Differences {
    let mut out = Differences::default();
    let mut more = false;
    walk(left, right, |pair| match pair {
        (Some(only), None) => {
            out.only_left += 1;
            more |= !keep(&mut out.left, *only, most);
        }
        (None, Some(only)) => {
            out.only_right += 1;
            more |= !keep(&mut out.right, *only, most);
        }
        (Some(a), Some(b)) if a.ttl != b.ttl => {
            out.ttls += 1;
            more |= !keep(&mut out.both, (*a, b.ttl), most);
        }
        _ => {}
    });
    out.more = more;
    out
}

fn keep<T>(list: &mut Vec<T>, item: T, most: usize) -> bool {
    let room = list.len() < most;
    if room {
        list.push(item);
    }
    room
}

/// The digests of the first differences: what a second reading has to name.
pub fn to_name(comparison: &Comparison) -> BTreeSet<RecordDigest> {
    comparison
        .first
        .iter()
        .map(|difference| match difference {
            Difference::Only { digest, .. } | Difference::Ttl { digest, .. } => *digest,
        })
        .collect()
}

fn note(list: &mut Vec<Difference>, make: impl FnOnce() -> Difference) {
    if list.len() < MOST_NAMED {
        list.push(make());
    }
}

fn only_at(side: Side, copy: &Contents, mark: &Mark) -> Difference {
    Difference::Only {
        side,
        digest: mark.digest,
        record: copy.record(&mark.digest).map(ToString::to_string),
    }
}

fn walk<'a>(
    left: &'a Contents,
    right: &'a Contents,
    mut each: impl FnMut((Option<&'a Mark>, Option<&'a Mark>)),
) {
    let (mut a, mut b) = (left.marks.iter().peekable(), right.marks.iter().peekable());
    loop {
        let order = match (a.peek(), b.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(x), Some(y)) => x.digest.cmp(&y.digest),
        };
        each(match order {
            Ordering::Less => (a.next(), None),
            Ordering::Greater => (None, b.next()),
            Ordering::Equal => (a.next(), b.next()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Name, parse_records};
    use crate::zone::{Collector, Ignore, Sink};

    fn copy(text: &str, wanted: &BTreeSet<RecordDigest>) -> Contents {
        let apex = Name::parse("shop.test").unwrap();
        let mut collector = Collector::new(apex.clone()).naming(wanted);
        for record in parse_records(text, &apex, 60).unwrap() {
            collector.add(&record);
        }
        collector.finish()
    }

    /// Compares, and reads again to name what differs.
    fn differences(left: &str, right: &str) -> (Comparison, Vec<String>) {
        let none = BTreeSet::new();
        let found = compare(&copy(left, &none), &copy(right, &none));
        let wanted = to_name(&found);
        let named = compare(&copy(left, &wanted), &copy(right, &wanted));
        let words = named.first.iter().map(ToString::to_string).collect();
        (named, words)
    }

    const BASE: &str =
        "@ SOA ns. h. 1 2 3 4 5\n@ NS ns1.a.\nwww A 192.0.2.1\nwww A 192.0.2.2\nx TXT \"a\" \"b\"\n";

    #[test]
    fn spelling_order_and_what_a_signer_makes_do_not_count() {
        let other = "x TXT a b\nWWW.shop.TEST. 60 IN A 192.0.2.2\nwww A 192.0.2.1\nwww A 192.0.2.1\n\
                     @ SOA other. h. 9 9 9 9 9\n@ NS ns1.b.\n@ NSEC3PARAM 1 0 0 -\n\
                     @ TYPE65534 \\# 5 0D00010001\nwww NSEC x A\n";
        let (found, words) = differences(BASE, other);
        assert!(found.is_equal() && words.is_empty(), "{words:?}");
        let none = BTreeSet::new();
        assert_eq!(copy(BASE, &none).digest(), copy(other, &none).digest());
        assert_eq!((copy(other, &none).len(), copy(other, &none).passed_over), (3, 5));
    }

    #[test]
    fn names_types_data_and_ttls_are_told() {
        let (found, words) = differences(
            BASE,
            "www A 192.0.2.1\nwww 90 A 192.0.2.2\nx TXT \"a b\"\nsub NS ns.sub\n",
        );
        assert_eq!((found.only_left, found.only_right, found.ttls), (1, 2, 1));
        assert!(
            words.contains(&"- x.shop.test. 60 IN TXT \"a\" \"b\"".to_owned()),
            "{words:?}"
        );
        assert!(
            words.contains(&"+ sub.shop.test. 60 IN NS ns.sub.shop.test.".to_owned()),
            "{words:?}"
        );
        assert_eq!(words[3], "~ www.shop.test. 60 IN A 192.0.2.2 (TTL 60 and 90)");
    }

    #[test]
    fn many_differences_are_counted_and_few_are_named() {
        let text: String = (0..500).map(|n| format!("n{n} A 192.0.2.1\n")).collect();
        let (found, words) = differences(&text, "");
        assert_eq!((found.only_left, words.len()), (500, MOST_NAMED));
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(serde_json::from_value::<Comparison>(json).unwrap(), found);
    }

    #[test]
    fn with_nothing_ignored_the_apex_counts_too() {
        let apex = Name::parse("shop.test").unwrap();
        let mut collector = Collector::new(apex.clone()).ignoring(Ignore::nothing());
        for record in parse_records(BASE, &apex, 60).unwrap() {
            collector.add(&record);
        }
        collector.unreadable("shop.test. ALIAS".to_owned());
        let contents = collector.finish();
        assert_eq!((contents.len(), contents.unreadable_count), (5, 1));
    }
}
