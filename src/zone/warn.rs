//! What will bite in a move, of two copies that were compared.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::named::{DifferenceKind, Existence, NamedDifference, Namer};
use super::{Contents, Longest};
use crate::dns::{Name, Rtype, Ttl};

/// A warning: it does not change whether the copies are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable word.
    pub code: &'static str,
    /// Where.
    pub name: Name,
    /// What, and why it matters.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "! {} {}: {}", self.name, self.code, self.text)
    }
}

fn warning(code: &'static str, name: &Name, text: impl Into<String>) -> Warning {
    Warning {
        code,
        name: name.clone(),
        text: text.into(),
    }
}

fn list(types: &BTreeSet<Rtype>) -> String {
    if types.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<String> = types.iter().map(ToString::to_string).collect();
    words.join(" ")
}

/// Names that differ in whether they exist: for these the names above them have to be looked for in both copies.
pub fn names_above(apex: &Name, found: &[NamedDifference], left: &Namer, right: &Namer) -> BTreeSet<Name> {
    let mut out = BTreeSet::new();
    for name in names(found) {
        if left.types_at(name).is_empty() == right.types_at(name).is_empty() {
            continue;
        }
        let mut above = name.parent();
        while let Some(next) = above {
            if next == *apex || !next.is_at_or_below(apex) {
                break;
            }
            above = next.parent();
            out.insert(next);
        }
    }
    out
}

fn names(found: &[NamedDifference]) -> BTreeSet<&Name> {
    found
        .iter()
        .filter(|difference| matches!(difference.kind, DifferenceKind::Only(_)))
        .map(|difference| &difference.record.name)
        .collect()
}

/// Warnings of the differences: types at a name, wildcards.
pub fn warn_of_differences(found: &[NamedDifference], left: &Namer, right: &Namer) -> Vec<Warning> {
    let mut out = Vec::new();
    for name in names(found) {
        let (here, there) = (left.types_at(name), right.types_at(name));
        if here != there {
            out.push(warning(
                "types-differ",
                name,
                format!(
                    "the first copy has {}, the second {}: a resolver that holds one signer's NSEC or NSEC3 answers \
                     for the other with it (RFC 8198)",
                    list(&here),
                    list(&there)
                ),
            ));
        }
        if name.is_wildcard() {
            out.push(warning(
                "wildcard-differs",
                name,
                "names below it are answered differently, and a cached answer of one copy may stand for the other",
            ));
        }
    }
    out
}

/// Warnings of names above others that exist in one copy only.
pub fn warn_of_existence(asked: &BTreeSet<Name>, left: &Existence, right: &Existence) -> Vec<Warning> {
    let which = |name: &Name| match (left.has(name), right.has(name)) {
        (true, false) => Some("first"),
        (false, true) => Some("second"),
        _ => None,
    };
    asked
        .iter()
        .filter_map(|name| {
            let copy = which(name)?;
            Some(warning(
                "empty-non-terminal-differs",
                name,
                format!(
                    "it exists in the {copy} copy alone, as a name above others: one signer answers with no data, the \
                     other that there is no such name"
                ),
            ))
        })
        .collect()
}

/// Warnings of each copy as a whole. `max_ttl`: what the plan takes as the largest TTL, seconds.
pub fn warn_of_copies(apex: &Name, left: &Contents, right: &Contents, max_ttl: Option<Ttl>) -> Vec<Warning> {
    let mut out = Vec::new();
    for (copy, contents) in [("first", left), ("second", right)] {
        if contents.apex_types.contains(&Rtype::CNAME) {
            out.push(warning(
                "apex-cname",
                apex,
                format!(
                    "the {copy} copy has a CNAME at the apex, beside which no SOA and no DNSKEY may stand"
                ),
            ));
        }
        if contents.unreadable_count > 0 {
            out.push(warning(
                "unreadable",
                apex,
                format!(
                    "{} RRsets of the {copy} copy are of no standard type: {}; what is served in their place has to be \
                     compared by hand",
                    contents.unreadable_count,
                    contents.unreadable.join(", ")
                ),
            ));
        }
        if !contents.private_types.is_empty() {
            out.push(warning(
                "private-type",
                apex,
                format!(
                    "the {copy} copy has {}, of the range for private use (such as an ALIAS): another provider need not \
                     know what it means",
                    list(&contents.private_types)
                ),
            ));
        }
        if let (Some(most), Some(Longest { ttl, name, rtype })) = (max_ttl, &contents.longest)
            && *ttl > most
        {
            out.push(warning(
                "ttl-above-plan",
                name,
                format!("{rtype} has a TTL of {ttl} s in the {copy} copy, and the plan takes {most} s as the largest"),
            ));
        }
    }
    out.extend(apex_addresses(apex, left, right));
    out
}

/// Addresses at the apex of one copy alone: often what an ALIAS of the other comes to.
fn apex_addresses(apex: &Name, left: &Contents, right: &Contents) -> Option<Warning> {
    let has = |contents: &Contents| {
        contents.apex_types.contains(&Rtype::A) || contents.apex_types.contains(&Rtype::AAAA)
    };
    let (copy, other) = match (has(left), has(right)) {
        (true, false) => ("first", "second"),
        (false, true) => ("second", "first"),
        _ => return None,
    };
    Some(warning(
        "apex-addresses",
        apex,
        format!(
            "the {copy} copy alone has addresses at the apex: does the {other} make them from an ALIAS or by flattening a CNAME?"
        ),
    ))
}
