//! What a crowd asks about a zone.

use super::dice::Dice;
use super::zone::Zone;
use crate::dns::{Name, Rtype};

/// Made-up names are drawn from so many, so that some are in caches.
const MADE_UP: usize = 32;
/// A type that no zone here has.
const ABSENT: Rtype = Rtype(29);

/// The questions that a zone can answer, by kind.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// Answered with records.
    pub positive: Vec<(Name, Rtype)>,
    /// Answered through an alias.
    pub aliases: Vec<(Name, Rtype)>,
    /// The name exists, the type does not.
    pub no_data: Vec<(Name, Rtype)>,
    /// Below these, made-up names are answered by a wildcard.
    pub wildcards: Vec<(Name, Rtype)>,
    /// Below this, made-up names do not exist (or a wildcard at the apex answers).
    pub apex: Option<Name>,
}

impl Questions {
    /// Reads them from a zone.
    pub fn of(zone: &Zone) -> Questions {
        let mut out = Questions {
            apex: Some(zone.apex().clone()),
            ..Questions::default()
        };
        for name in zone.owners() {
            if zone.cut(name).is_some() {
                continue;
            }
            for rtype in zone.types(name) {
                out.sort_in(name, rtype);
            }
            if !name.is_wildcard() && *name != *zone.apex() {
                out.no_data.push((name.clone(), ABSENT));
            }
        }
        out.no_data.push((zone.apex().clone(), ABSENT));
        out
    }

    fn sort_in(&mut self, name: &Name, rtype: Rtype) {
        match (name.is_wildcard(), rtype) {
            (_, Rtype::NS | Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY | Rtype::NSEC3PARAM) => {}
            (true, _) => self.wildcards.extend(name.parent().map(|parent| (parent, rtype))),
            (false, Rtype::CNAME) => self.aliases.push((name.clone(), Rtype::A)),
            (false, _) => self.positive.push((name.clone(), rtype)),
        }
    }

    /// One of them, each kind as often as any other.
    pub(super) fn draw(&self, dice: &mut Dice) -> Option<(Name, Rtype)> {
        let kinds = [&self.positive, &self.aliases, &self.no_data, &self.wildcards];
        let filled: Vec<usize> = (0..kinds.len())
            .filter(|index| kinds.get(*index).is_some_and(|kind| !kind.is_empty()))
            .collect();
        // One more than there are kinds: a name that does not exist.
        let drawn = dice.below(filled.len() + 1);
        let label = format!("x{}", dice.below(MADE_UP));
        let Some(kind) = filled
            .get(drawn)
            .and_then(|index| kinds.get(*index).map(|kind| (index, kind)))
        else {
            let name = self.apex.as_ref()?.prepend(label.as_bytes()).ok()?;
            return Some((name, Rtype::A));
        };
        let (index, kind) = kind;
        let (name, rtype) = dice.pick(kind)?.clone();
        if *index == 3 {
            return Some((name.prepend(label.as_bytes()).ok()?, rtype));
        }
        Some((name, rtype))
    }
}
