//! What each owner is: the apex, data of the zone, a zone cut, what lies below one, an NSEC3 owner.

use super::body::{Body, Rec};
use super::set_of;
use crate::dns::Rtype;

/// What is known of an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const APEX: Flags = Flags(1);
    /// NS records below the apex: another zone begins here.
    pub(super) const CUT: Flags = Flags(2);
    /// Below a cut: glue, or what a parent may not say.
    pub(super) const BELOW_CUT: Flags = Flags(4);
    /// Below a DNAME.
    pub(super) const BELOW_DNAME: Flags = Flags(8);
    /// NSEC3 records: a hash, and no name of the zone.
    pub(super) const HASH: Flags = Flags(16);
    pub(super) const DS: Flags = Flags(32);
    pub(super) const NSEC: Flags = Flags(64);

    pub(super) fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    /// Whether the zone speaks for this name.
    pub(super) fn is_authoritative(self) -> bool {
        !self.has(Flags::BELOW_CUT) && !self.has(Flags::BELOW_DNAME) && !self.has(Flags::HASH)
    }

    /// A cut without DS records.
    pub(super) fn is_insecure_cut(self) -> bool {
        self.has(Flags::CUT) && !self.has(Flags::DS)
    }
}

/// Looks at every owner in canonical order, in which a cut comes before what lies below it.
pub(super) fn classify(body: &Body) -> Vec<Flags> {
    let mut out = Vec::with_capacity(body.nodes());
    let mut records: Vec<Rec<'_>> = Vec::new();
    let (mut cut, mut dname): (Option<&[u8]>, Option<&[u8]>) = (None, None);
    for node in 0..body.nodes() {
        let key = body.key(node);
        let mut flags = Flags::default();
        body.records_of(node, &mut records);
        let has = |rtype| !set_of(&records, rtype).is_empty();
        if key.is_empty() {
            flags.set(Flags::APEX);
        }
        if cut.is_some_and(|cut| key.starts_with(cut)) {
            flags.set(Flags::BELOW_CUT);
        } else if has(Rtype::NS) && !key.is_empty() {
            flags.set(Flags::CUT);
            cut = Some(key);
        }
        if dname.is_some_and(|dname| key.starts_with(dname)) {
            flags.set(Flags::BELOW_DNAME);
        } else if has(Rtype::DNAME) {
            dname = Some(key);
        }
        // An apex with NSEC3 records is still the apex.
        if has(Rtype::NSEC3) && !key.is_empty() {
            flags.set(Flags::HASH);
            // A DNAME at the apex hides names, and no hashes.
            flags = Flags(flags.0 & !Flags::BELOW_DNAME.0);
        }
        if has(Rtype::DS) {
            flags.set(Flags::DS);
        }
        if has(Rtype::NSEC) {
            flags.set(Flags::NSEC);
        }
        out.push(flags);
    }
    out
}
