//! What `check` answers, and how it is written down.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::class::Class;
use super::found::Rule;
use super::options::Mode;
use super::version::{Kind, TimeForm, Version};

/// One conflict: for a stretch of time, some resolver may hold answers that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What is violated.
    pub rule: Rule,
    /// For which resolvers; `None` for rules that concern no class.
    pub class: Option<Class>,
    /// The first moment, Unix seconds.
    pub from: i64,
    /// The first moment after it, Unix seconds; `None`: it never ends by itself.
    pub until: Option<i64>,
    /// The version on the left of the rule.
    pub left: Option<Arc<Version>>,
    /// The version on its right.
    pub right: Option<Arc<Version>>,
    /// For [`Rule::DnskeyData`]: the DS RRset under which the DNSKEY RRset was validated.
    pub third: Option<Arc<Version>>,
    /// For [`Rule::NoServer`] and [`Rule::Gap`]: the provider that has to serve something.
    pub provider: Option<String>,
    /// For [`Rule::Gap`]: what nobody serves.
    pub missing: Option<Kind>,
    /// A resolver that fails.
    pub witness: Witness,
    /// This stretch is as it is only because of [`super::Options::sticky_bounded`].
    pub sticky: bool,
}

/// A resolver that fails: what it fetched, and when it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// When it fails, Unix seconds: the first moment of the conflict.
    pub at: i64,
    /// What it fetched, each with the moment in Unix seconds. A copy fetched within second `s` with a TTL of `t` counts as
    /// held to the end of second `s + t`.
    pub fetched: Vec<(Arc<Version>, i64)>,
}

/// What `check` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// No conflict for any of the classes looked at.
    pub continuous: bool,
    /// The conflicts, in the order in which they begin.
    pub conflicts: Vec<Conflict>,
    /// What was not looked at.
    pub not_checked: Vec<String>,
    /// The classes looked at.
    pub classes: Vec<Class>,
    /// The TTL floor used, seconds.
    pub ttl_floor: u32,
    /// How much longer NS and data were taken to live, seconds.
    pub stale: u32,
    /// Which mixtures counted.
    pub mode: Mode,
    /// The verdict, or the extent of a conflict, holds only because of [`super::Options::sticky_bounded`].
    pub sticky: bool,
    /// How times are written.
    pub form: TimeForm,
}

impl Conflict {
    /// The documented object, with times in the given form.
    pub fn to_json(&self, form: TimeForm) -> Json {
        let version = |v: &Option<Arc<Version>>| v.as_ref().map_or(Json::Null, |v| v.to_json(form));
        let mut object = Map::new();
        object.insert("rule".into(), self.rule.name().into());
        object.insert(
            "class".into(),
            self.class.map_or(Json::Null, |class| class.to_string().into()),
        );
        object.insert("from".into(), form.json(self.from));
        object.insert(
            "until".into(),
            self.until.map_or(Json::Null, |until| form.json(until)),
        );
        object.insert("left".into(), version(&self.left));
        object.insert("right".into(), version(&self.right));
        if self.third.is_some() {
            object.insert("third".into(), version(&self.third));
        }
        if let Some(provider) = &self.provider {
            object.insert("provider".into(), provider.as_str().into());
        }
        if let Some(missing) = self.missing {
            object.insert("missing".into(), missing.name().into());
        }
        object.insert("witness".into(), self.witness.to_json(form));
        if self.sticky {
            object.insert("sticky".into(), true.into());
        }
        object.into()
    }
}

impl Witness {
    fn to_json(&self, form: TimeForm) -> Json {
        let fetched: Vec<Json> = self
            .fetched
            .iter()
            .map(|(version, at)| json!({ "version": version.to_json(form), "at": form.json(*at) }))
            .collect();
        json!({ "at": form.json(self.at), "fetched": fetched })
    }
}

impl Report {
    /// The documented object.
    pub fn to_json(&self) -> Json {
        let conflicts: Vec<Json> = self.conflicts.iter().map(|c| c.to_json(self.form)).collect();
        let mut object = Map::new();
        object.insert("continuous".into(), self.continuous.into());
        object.insert("conflicts".into(), conflicts.into());
        object.insert("not_checked".into(), json!(self.not_checked));
        object.insert("classes".into(), json!(self.classes));
        object.insert("ttl_floor".into(), self.ttl_floor.into());
        object.insert("stale".into(), self.stale.into());
        object.insert("mode".into(), self.mode.to_string().into());
        if self.sticky {
            object.insert("sticky".into(), true.into());
        }
        object.into()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(to)
    }
}
