//! What a change has to wait for: the versions that caches may still hold.

use std::collections::BTreeMap;

use super::check::Shown;
use super::class::Class;
use super::earliest::Because;
use super::found::{Found, Rule};
use super::model::NONE;
use super::rules::World;
use super::span::{NEVER, Span, Tick, second};

/// Versions that stood in the way at any moment that was tried: by entry and rule, when they leave and for which classes.
#[derive(Debug, Default)]
pub(super) struct Blockers {
    met: BTreeMap<(u32, Rule), (Tick, Vec<u32>)>,
}

impl Blockers {
    /// Takes note of the conflicts that the change adds if it is made within the moments of `world`. Entries from `begun` on
    /// are the change's own.
    pub(super) fn learn(&mut self, world: &World<'_>, added: &[Found], begun: usize) {
        for found in added {
            for (entry, leaves) in blocking(world, found, begun) {
                let (latest, classes) = self
                    .met
                    .entry((entry, found.tag.rule))
                    .or_insert((leaves, Vec::new()));
                *latest = leaves.max(*latest);
                if found.tag.class != NONE && !classes.contains(&found.tag.class) {
                    classes.push(found.tag.class);
                }
            }
        }
    }

    /// Those that have left at the moment `at`, the last to leave first.
    pub(super) fn list(&self, at: Tick, classes: &[Class], shown: &mut Shown<'_>) -> Vec<Because> {
        let mut list: Vec<_> = self.met.iter().filter(|(_, (leaves, _))| *leaves <= at).collect();
        list.sort_by_key(|&((entry, rule), &(leaves, _))| (std::cmp::Reverse(leaves), *rule, *entry));
        list.into_iter()
            .filter_map(|(&(entry, rule), (leaves, numbers))| {
                let mut names: Vec<Class> = numbers
                    .iter()
                    .filter_map(|&n| classes.get(n as usize).copied())
                    .collect();
                names.sort_unstable();
                Some(Because {
                    version: shown.version(entry)?,
                    leaves_caches_at: second(*leaves),
                    rule,
                    classes: names,
                })
            })
            .collect()
    }
}

/// The entries whose leaving ends a conflict, and when they leave. What the change begins, what is still served without end
/// and what leaves only as the change is made are none.
fn blocking(world: &World<'_>, found: &Found, begun: usize) -> Vec<(u32, Tick)> {
    let tag = found.tag;
    let mut candidates = match tag.rule {
        Rule::DsDnskey | Rule::DsData => {
            vec![
                (tag.left, leaves(world, tag.left, found)),
                (tag.right, leaves(world, tag.right, found)),
            ]
        }
        Rule::DnskeyData => {
            let data = leaves(world, tag.right, found);
            let trusted = leaves(world, tag.left, found);
            // Trust ends with the conflict, unless it is the data that ends it.
            let trusted = if found.span.until < data {
                found.span.until
            } else {
                trusted
            };
            vec![(tag.left, trusted), (tag.right, data)]
        }
        Rule::NoServer => vec![(tag.left, naming_ends(world, tag.left, tag.provider, found))],
        Rule::Gap if tag.provider != NONE => {
            let entries = world.entries.iter().enumerate();
            entries
                .filter(|(_, entry)| entry.is_ns())
                .filter(|(_, e)| world.model.ns[e.value as usize].contains(tag.provider as usize))
                .map(|(n, _)| (n as u32, naming_ends(world, n as u32, tag.provider, found)))
                .filter(|&(_, ends)| ends == found.span.until)
                .collect()
        }
        Rule::Gap | Rule::Expired => Vec::new(),
    };
    candidates.retain(|&(entry, ends)| (entry as usize) < begun && ends < NEVER && ends & 1 == 0);
    if tag.rule != Rule::Gap {
        candidates.sort_unstable_by_key(|&(_, ends)| ends);
        candidates.truncate(1);
    }
    candidates
}

/// When an entry that is live at a conflict's beginning has left every cache.
fn leaves(world: &World<'_>, entry: u32, found: &Found) -> Tick {
    last_end(
        world.parts_of(entry).iter().map(|part| part.live),
        found.span.from,
    )
}

/// When an NS entry that names a provider at a conflict's beginning does so no more.
fn naming_ends(world: &World<'_>, entry: u32, provider: u32, found: &Found) -> Tick {
    let ttl = world.entries[entry as usize].ttl;
    let spans = world.named_by(entry, provider);
    last_end(spans.iter().map(|span| span.prolonged(ttl)), found.span.until - 1)
}

fn last_end(live: impl Iterator<Item = Span>, at: Tick) -> Tick {
    live.filter(|span| span.contains(at))
        .map(|span| span.until)
        .max()
        .unwrap_or(NEVER)
}
