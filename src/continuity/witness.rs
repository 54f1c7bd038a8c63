//! A resolver that fails: what it fetched, and when. Every conflict has one.

use super::found::{Found, Rule};
use super::model::NONE;
use super::rules::{World, in_force};
use super::span::{Span, Tick};

/// The last second before an end, as a tick.
const SECOND: Tick = 2;

/// The fetches that lead a resolver into a conflict at its beginning: entry and moment, in the order in which a resolver
/// uses them.
pub(super) fn fetches(world: &World<'_>, found: &Found) -> Vec<(u32, Tick)> {
    let at = found.span.from;
    let tag = found.tag;
    match tag.rule {
        Rule::DsDnskey | Rule::DsData => [tag.left, tag.right]
            .iter()
            .filter_map(|&entry| latest(world, entry, at))
            .collect(),
        Rule::DnskeyData => {
            let mut all = trusted(world, found.third, tag.left, at).map_or(Vec::new(), Vec::from);
            all.extend(latest(world, tag.right, at));
            all
        }
        Rule::NoServer => {
            let ttl = world.entries[tag.left as usize].ttl;
            let spans = world.named_by(tag.left, tag.provider);
            latest_in(spans.into_iter(), ttl, at)
                .map(|moment| (tag.left, moment))
                .into_iter()
                .collect()
        }
        Rule::Expired => vec![(tag.left, at)],
        Rule::Gap => Vec::new(),
    }
}

/// The latest fetch of an entry that is still cached at a moment.
fn latest(world: &World<'_>, entry: u32, at: Tick) -> Option<(u32, Tick)> {
    if entry == NONE {
        return None;
    }
    let ttl = world.entries[entry as usize].ttl;
    let parts = world.parts_of(entry).iter().map(|part| part.served);
    latest_in(parts, ttl, at).map(|moment| (entry, moment))
}

fn latest_in(spans: impl Iterator<Item = Span>, ttl: Tick, at: Tick) -> Option<Tick> {
    spans
        .filter(|span| span.prolonged(ttl).contains(at))
        .map(|span| at.min(span.until - SECOND).max(span.from))
        .max()
}

/// The latest fetch of a DNSKEY RRset that a resolver validated under a DS, and still trusts at a moment.
fn trusted(world: &World<'_>, ds: u32, dnskey: u32, at: Tick) -> Option<[(u32, Tick); 2]> {
    let [ds_part] = world.parts_of(ds) else {
        return None;
    };
    let ttl = world.entries[dnskey as usize].ttl;
    let fetched = world
        .parts_of(dnskey)
        .iter()
        .filter(|part| part.live.meet(ds_part.live).is_some())
        .filter(|part| in_force(ds_part, part, ttl).contains(at))
        .map(|part| {
            at.min(part.served.until.min(ds_part.live.until) - SECOND)
                .max(part.served.from)
        })
        .max()?;
    let validated = fetched.max(ds_part.served.from);
    Some([
        (ds, validated.min(ds_part.served.until - SECOND)),
        (dnskey, fetched),
    ])
}
