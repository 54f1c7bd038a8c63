//! What is expected: the DS and NS RRsets and the keys, as they were when they were first seen, accepted by a person, or
//! changed in a way that was announced.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::drift::{ds_words, words};
use super::seen::{At, Seen, Silence};
use super::vigil::Vigil;
use super::{Code, Subject, WatchRules};
use crate::dns::Name;
use crate::dnssec::{DsSet, KeyId, Status};
use crate::workflow::plan::led_to;
use crate::workflow::state::State;
use crate::workflow::timeline::asked_signers;

/// What is expected from here on. What is not set was not seen yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The DS RRset.
    pub ds: Option<DsSet>,
    /// The delegation.
    pub parent_ns: Option<BTreeSet<Name>>,
    /// The NS RRset at each provider.
    pub apex_ns: BTreeMap<String, BTreeSet<Name>>,
    /// The keys in the DNSKEY RRset at each provider.
    pub keys: BTreeMap<String, BTreeSet<KeyId>>,
    /// Why, in words: what is new, and what speaks for it.
    pub why: String,
    /// The person who accepted it; none: the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Baseline {
    /// What `former` expected of the DS RRset goes on to be expected, where there is none now.
    pub fn keep_ds_of(&mut self, former: Option<&Baseline>) {
        let expected = former.and_then(|former| former.ds.as_ref());
        if let (Some(now), Some(expected)) = (&mut self.ds, expected)
            && now.is_empty()
        {
            now.clone_from(expected);
        }
    }
}

/// A change that nothing speaks for.
#[derive(Clone, Debug)]
pub(super) struct Unexplained {
    pub(super) code: Code,
    pub(super) subject: Subject,
    pub(super) text: String,
    /// Not every server answered, so that what speaks for it may be missing.
    pub(super) unsure: bool,
}

/// The last sweep against what is expected.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// What is expected from here on, if that is new.
    pub(super) explained: Option<Baseline>,
    pub(super) unexplained: Vec<Unexplained>,
}

/// What is expected from here on by itself, if the last sweep shows something new that is explained.
pub fn explained(state: &State) -> Option<Baseline> {
    let vigil = state.watch.as_ref()?;
    judge(state, &Seen::of(state)?, vigil).explained
}

/// All that the last sweep shows as what is expected; none where servers disagree or are silent.
pub fn accept(state: &State, why: &str, by: Option<String>) -> Option<Baseline> {
    let seen = Seen::of(state)?;
    let counts = |one: &Silence| {
        one.provider
            .as_ref()
            .is_none_or(|name| seen.delegated.contains(name))
    };
    if seen.silent.iter().any(counts) {
        return None;
    }
    let one = |sets: &BTreeSet<BTreeSet<Name>>| single(sets).cloned();
    let mut baseline = Baseline {
        ds: Some(single(&seen.ds)?.clone()),
        parent_ns: Some(one(&seen.parent_ns)?),
        why: why.to_owned(),
        by,
        ..Baseline::default()
    };
    for (name, at) in seen.members() {
        baseline.apex_ns.insert(name.clone(), one(&at.apex_ns)?);
        let sets: BTreeSet<_> = at.key_sets.iter().map(|set| set.keys.clone()).collect();
        baseline.keys.insert(name.clone(), single(&sets)?.clone());
    }
    Some(baseline)
}

fn single<T: Ord>(values: &BTreeSet<T>) -> Option<&T> {
    values.first().filter(|_| values.len() == 1)
}

/// Compares the last sweep with what is expected.
pub(super) fn judge(state: &State, seen: &Seen, vigil: &Vigil) -> Judged {
    let mut judge = Judge {
        seen,
        rules: &vigil.rules,
        old: vigil.baseline.clone().unwrap_or_default(),
        new: vigil.baseline.clone().unwrap_or_default(),
        why: Vec::new(),
        unexplained: Vec::new(),
    };
    judge.ds();
    judge.parent_ns();
    let expected = judge.new.parent_ns.clone().unwrap_or_default();
    let led = led_to(&asked_signers(state), &expected);
    for (name, at) in seen.members() {
        if led.contains(name) {
            judge.apex_ns(name, at);
            judge.keys(name, at);
        }
    }
    let first = vigil.baseline.is_none();
    let mut explained = (judge.new != judge.old || first).then_some(judge.new);
    if let Some(baseline) = &mut explained {
        let why = judge.why.join("; ");
        baseline.why = if first {
            format!("what the first look showed: {why}")
        } else {
            why
        };
        baseline.by = None;
    }
    Judged {
        explained,
        unexplained: judge.unexplained,
    }
}

struct Judge<'a> {
    seen: &'a Seen,
    rules: &'a WatchRules,
    old: Baseline,
    new: Baseline,
    why: Vec<String>,
    unexplained: Vec<Unexplained>,
}

impl Judge<'_> {
    /// A DS RRset that is exactly what every signer announces as CDS is what a parent that polls would serve (RFC 7344).
    fn ds(&mut self) {
        let Some(old) = self.old.ds.clone() else {
            if let Some(set) = single(&self.seen.ds) {
                self.new.ds = Some(set.clone());
                self.why.push(format!("the DS RRset is {}", ds_words(set)));
            }
            return;
        };
        let announced: BTreeSet<&DsSet> = self.seen.members().flat_map(|(_, at)| &at.cds).collect();
        let unheard = self.seen.members().any(|(_, at)| at.cds.is_empty());
        for set in self.seen.ds.iter().filter(|set| **set != old) {
            if !set.is_empty() && !unheard && single(&announced).is_some_and(|announced| *announced == set) {
                if self.seen.ds.len() == 1 {
                    self.new.ds = Some(set.clone());
                    self.why.push(format!(
                        "the DS RRset is {} now, as every signer announced in CDS, and was {}",
                        ds_words(set),
                        ds_words(&old)
                    ));
                }
                continue;
            }
            let text = if set.is_empty() {
                format!("the DS RRset ({}) is gone: the zone is insecure", ds_words(&old))
            } else {
                format!(
                    "the DS RRset is {} and was {}; no CDS announced it",
                    ds_words(set),
                    ds_words(&old)
                )
            };
            self.unexplained.push(Unexplained {
                code: Code::DsChanged,
                subject: Subject {
                    what: Some(ds_words(set)),
                    ..Subject::default()
                },
                text,
                // A signer that was not heard may have announced it.
                unsure: unheard && !set.is_empty(),
            });
        }
    }

    fn parent_ns(&mut self) {
        let sets = self.seen.parent_ns.clone();
        let old = self.old.parent_ns.clone();
        if let Some(set) = self.names(&sets, old, None) {
            self.new.parent_ns = Some(set);
        }
    }

    fn apex_ns(&mut self, provider: &str, at: &At) {
        let old = self.old.apex_ns.get(provider).cloned();
        if let Some(set) = self.names(&at.apex_ns, old, Some(provider)) {
            self.new.apex_ns.insert(provider.to_owned(), set);
        }
    }

    /// NS RRsets against the one expected; gives it where it is seen for the first time.
    fn names(
        &mut self,
        sets: &BTreeSet<BTreeSet<Name>>,
        old: Option<BTreeSet<Name>>,
        provider: Option<&str>,
    ) -> Option<BTreeSet<Name>> {
        let list = |set: &BTreeSet<Name>| words(set.iter().map(ToString::to_string));
        let place = provider.map_or_else(
            || "the delegation".to_owned(),
            |name| format!("the apex at {name}"),
        );
        let Some(old) = old else {
            let set = single(sets)?;
            self.why.push(format!("{place} names {}", list(set)));
            return Some(set.clone());
        };
        for set in sets.iter().filter(|set| **set != old) {
            self.unexplained.push(Unexplained {
                code: Code::NsChanged,
                subject: Subject {
                    provider: provider.map(str::to_owned),
                    what: Some(list(set)),
                    ..Subject::default()
                },
                text: format!("{place} names {} and named {}", list(set), list(&old)),
                unsure: false,
            });
        }
        None
    }

    fn keys(&mut self, provider: &str, at: &At) {
        if at.key_sets.is_empty() {
            return;
        }
        let shown: BTreeSet<KeyId> = at.keys().into_iter().cloned().collect();
        let Some(old) = self.old.keys.get(provider).cloned() else {
            self.why.push(format!("{provider} has keys {}", tags(&shown)));
            self.new.keys.insert(provider.to_owned(), shown);
            return;
        };
        let mut now = old.clone();
        let silent = |name: &str| {
            self.seen
                .silent
                .iter()
                .any(|one| one.provider.as_deref() == Some(name))
        };
        if !silent(provider) {
            let gone: BTreeSet<KeyId> = old.difference(&shown).cloned().collect();
            if !gone.is_empty() {
                now.retain(|key| !gone.contains(key));
                self.why.push(format!("{} of {provider} went", tags(&gone)));
            }
        }
        for key in shown.difference(&old) {
            match self.speaks_for(provider, at, key) {
                Ok(why) => {
                    now.insert(key.clone());
                    self.why.push(format!("key {key} appeared at {provider}: {why}"));
                }
                Err((why, unsure)) => self.unexplained.push(Unexplained {
                    code: Code::NewKey,
                    subject: Subject {
                        provider: Some(provider.to_owned()),
                        key: Some(key.clone()),
                        ..Subject::default()
                    },
                    text: format!("key {key} appeared at {provider}: {why}"),
                    unsure,
                }),
            }
        }
        self.new.keys.insert(provider.to_owned(), now);
    }

    /// What speaks for a new key, or what does not, and whether that may be because not all was seen.
    fn speaks_for(&self, provider: &str, at: &At, key: &KeyId) -> Result<String, (String, bool)> {
        let elsewhere = self.old.keys.iter().find(|(_, keys)| keys.contains(key));
        if let Some((name, _)) = elsewhere {
            return Ok(format!("it is known from {name}"));
        }
        let mut own = self.seen.verdicts.iter().filter(|one| one.provider == provider);
        if let Some(bad) = own.find(|one| one.status != Status::Secure) {
            let unsure = bad.status == Status::Indeterminate;
            return Err((
                format!("and the chain of trust there does not vouch for it: {}", bad.why),
                unsure,
            ));
        }
        if self.rules.every_key {
            return Err(("every new key is told of, as the settings say".to_owned(), false));
        }
        let signs_data = self.seen.providers.values().any(|at| at.signs_data(key));
        if !signs_data && !at.signs_keys(key) {
            return Ok("published before it signs anything, under the chain of trust".to_owned());
        }
        let in_cdnskey = at.cdnskey.iter().flatten().any(|one| one.id() == *key);
        let in_cds = || {
            let mut sets = at.cds.iter().flatten();
            sets.any(|ds| ds.matches(&self.seen.zone, key.key()))
        };
        if in_cdnskey || in_cds() {
            return Ok("announced in CDS or CDNSKEY, under the chain of trust".to_owned());
        }
        let what = if signs_data { "data" } else { "the DNSKEY RRset" };
        Err((
            format!("it signs {what} at once, and nothing announced it"),
            false,
        ))
    }
}

fn tags(keys: &BTreeSet<KeyId>) -> String {
    words(keys.iter().map(|key| key.key().tag().to_string()))
}
