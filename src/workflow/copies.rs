//! The providers' copies of the zone: what was read of them, and whether they agree.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::dns::Name;
use crate::moment::Moment;
use crate::zone::Comparison;

/// How old a comparison may be while resolvers are led to more than one signer, and before a step that leads them.
pub(super) const FRESH: Duration = Duration::from_secs(3_600);
/// What a person approves who knows of contents that cannot be read.
pub const CONTENTS_WAIVER: &str = "contents";

/// One provider's copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "copy")]
pub enum Copied {
    /// It was read.
    Read {
        /// How many records count.
        records: u64,
        /// One digest of them all, TTLs aside.
        digest: String,
        /// The first of what could not be read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unreadable: Vec<String>,
        /// How many those are.
        #[serde(default)]
        unreadable_count: u64,
        /// Names with records that are worth something only while they are signed, the first ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dane: Vec<Name>,
    },
    /// It was not.
    Unread {
        /// Why.
        why: String,
        /// Whether it never can be; else a later attempt may do better.
        lasting: bool,
    },
}

/// Two copies, compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The provider of the first.
    pub left: String,
    /// The provider of the second.
    pub right: String,
    /// What the comparison came to.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// One look at all copies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// By provider.
    pub copies: BTreeMap<String, Copied>,
    /// Each two that were read.
    pub pairs: Vec<Pair>,
}

/// The latest look, and since when copies differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The latest look.
    pub compared: Compared,
    /// When it was recorded.
    pub at: Moment,
    /// After how many sweeps.
    pub(super) sweep: u64,
    differ_since: BTreeMap<(String, String), Moment>,
}

impl Copies {
    /// After one more look.
    pub(super) fn after(former: Option<&Copies>, compared: &Compared, at: Moment, sweep: u64) -> Copies {
        let mut differ_since = former.map(|f| f.differ_since.clone()).unwrap_or_default();
        for pair in &compared.pairs {
            let key = (pair.left.clone(), pair.right.clone());
            if pair.comparison.is_equal() {
                differ_since.remove(&key);
            } else {
                differ_since.entry(key).or_insert(at);
            }
        }
        Copies {
            compared: compared.clone(),
            at,
            sweep,
            differ_since,
        }
    }

    /// Whether another look found the same, and no copies that differ: then nothing is another but how old it is.
    pub(super) fn is_confirmed_by(&self, compared: &Compared) -> bool {
        self.compared == *compared && compared.pairs.iter().all(|pair| pair.comparison.is_equal())
    }

    /// The clock was set by so much, milliseconds.
    pub(super) fn shift(&mut self, millis: i64) {
        self.at = self.at.moved(millis);
        for since in self.differ_since.values_mut() {
            *since = since.moved(millis);
        }
    }

    /// The pairs of signers of `plan`.
    pub(super) fn pairs<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Pair> {
        let member = |name: &str| plan.signer(name).is_some();
        self.compared
            .pairs
            .iter()
            .filter(move |pair| member(&pair.left) && member(&pair.right))
    }

    /// The pairs that differ, each with the moment since which they were seen to.
    pub(super) fn differing<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Pair, Moment)> {
        self.pairs(plan)
            .filter(|pair| !pair.comparison.is_equal())
            .map(|pair| {
                let key = (pair.left.clone(), pair.right.clone());
                (pair, self.differ_since.get(&key).copied().unwrap_or(self.at))
            })
    }

    /// The signers of `plan` whose contents are not known whole, why, and whether that lasts.
    pub(super) fn unknown(&self, plan: &Plan) -> Vec<(String, String, bool)> {
        plan.signers
            .iter()
            .filter_map(|signer| {
                let (why, lasting) = match self.compared.copies.get(&signer.name) {
                    None => ("it was not read yet".to_owned(), false),
                    Some(Copied::Unread { why, lasting }) => (why.clone(), *lasting),
                    Some(Copied::Read {
                        unreadable,
                        unreadable_count,
                        ..
                    }) if *unreadable_count > 0 => (
                        format!(
                            "{unreadable_count} RRsets are of no standard type: {}",
                            unreadable.join(", ")
                        ),
                        true,
                    ),
                    Some(Copied::Read { .. }) => return None,
                };
                Some((signer.name.clone(), why, lasting))
            })
            .collect()
    }
}

impl Pair {
    /// The difference in words: how many, and the first of them.
    pub fn words(&self) -> String {
        let Comparison {
            only_left,
            only_right,
            first,
            ..
        } = &self.comparison;
        let list: Vec<String> = first.iter().map(ToString::to_string).collect();
        format!(
            "{only_left} records are at {} alone (-), {only_right} at {} alone (+): {}",
            self.left,
            self.right,
            list.join("; ")
        )
    }
}
