//! What an authoritative server says to a question (RFC 1034 section 4.3.2, RFC 4035 section 3.1, RFC 5155 section 7.2).

use std::collections::BTreeSet;

use super::wire::{Reply, records_of};
use super::zone::Zone;
use crate::dns::{Name, Rcode, Rrset, Rtype};
use crate::moment::Moment;

/// So many aliases of one zone are followed in an answer.
const MAX_ALIASES: usize = 8;

/// Answers a question from `zone`, of which the name is at or below the apex.
pub(super) fn answer(zone: &Zone, name: &Name, rtype: Rtype, dnssec_ok: bool, now: Moment) -> Reply {
    let mut desk = Desk {
        zone,
        dnssec_ok,
        now,
        reply: Reply {
            authoritative: true,
            ..Reply::code(Rcode::NOERROR)
        },
        proofs: BTreeSet::new(),
    };
    if matches!(rtype, Rtype::RRSIG | Rtype::AXFR | Rtype::IXFR) {
        return Reply::code(Rcode::REFUSED);
    }
    let mut name = name.clone();
    for _ in 0..MAX_ALIASES {
        match desk.step(&name, rtype) {
            Some(target) if target.is_at_or_below(zone.apex()) => name = target,
            _ => break,
        }
    }
    desk.reply
}

struct Desk<'a> {
    zone: &'a Zone,
    dnssec_ok: bool,
    now: Moment,
    reply: Reply,
    /// Owners of denial records that are in the reply already.
    proofs: BTreeSet<Name>,
}

impl Desk<'_> {
    /// One name; where it is an alias, the name that it leads to.
    fn step(&mut self, name: &Name, rtype: Rtype) -> Option<Name> {
        if let Some(cut) = self.zone.cut(name)
            && !(cut == *name && rtype == Rtype::DS)
        {
            self.referral(&cut);
            return None;
        }
        if self.zone.exists(name) {
            return self.existing(name, name, rtype);
        }
        let encloser = self.closest_encloser(name);
        let wildcard = encloser.prepend(b"*").ok()?;
        let next = name.suffix(encloser.label_count() + 1);
        if self.zone.exists(&wildcard) {
            let target = self.existing(&wildcard, name, rtype);
            self.wildcard_proof(name, &next);
            return target;
        }
        self.reply.rcode = Rcode::NXDOMAIN;
        self.soa();
        self.no_name_proof(name, &encloser, &next, &wildcard);
        None
    }

    fn closest_encloser(&self, name: &Name) -> Name {
        let mut encloser = name.clone();
        while !self.zone.exists(&encloser) {
            match encloser.parent() {
                Some(parent) => encloser = parent,
                None => break,
            }
        }
        encloser
    }

    /// The data at `owner` (an existing name, or the wildcard that stands for `name`).
    fn existing(&mut self, owner: &Name, name: &Name, rtype: Rtype) -> Option<Name> {
        let types = if rtype == Rtype::ANY {
            self.zone.types(owner).into_iter().collect()
        } else {
            vec![rtype]
        };
        let before = self.reply.answer.len();
        for rtype in types {
            if let Some(rrset) = self.zone.rrset(owner, rtype) {
                self.put_answer(rrset, name);
            }
        }
        if self.reply.answer.len() > before {
            return None;
        }
        if let Some(alias) = self.zone.rrset(owner, Rtype::CNAME) {
            let target = alias.rdatas.first().and_then(|rdata| Name::from_wire(rdata).ok());
            self.put_answer(alias, name);
            return target;
        }
        self.soa();
        self.no_data_proof(owner, name);
        None
    }

    fn put_answer(&mut self, rrset: Rrset, name: &Name) {
        let mut rrset = self.sign(rrset);
        rrset.name = name.clone();
        self.reply.answer.extend(records_of(&rrset, self.dnssec_ok));
    }

    fn sign(&mut self, rrset: Rrset) -> Rrset {
        if !self.dnssec_ok {
            return rrset;
        }
        let (rrset, good_until) = self.zone.signed(rrset, self.now);
        self.reply.until(good_until);
        rrset
    }

    fn soa(&mut self) {
        let Some(mut soa) = self.zone.rrset(self.zone.apex(), Rtype::SOA) else {
            return;
        };
        soa = self.sign(soa);
        self.reply.authority.extend(records_of(&soa, self.dnssec_ok));
    }

    fn referral(&mut self, cut: &Name) {
        self.reply.authoritative = !self.reply.answer.is_empty();
        let Some(delegation) = self.zone.rrset(cut, Rtype::NS) else {
            return;
        };
        self.reply.authority.extend(records_of(&delegation, false));
        match self.zone.rrset(cut, Rtype::DS) {
            Some(ds) if self.dnssec_ok => {
                let ds = self.sign(ds);
                self.reply.authority.extend(records_of(&ds, true));
            }
            None if self.dnssec_ok => self.prove_at(cut),
            _ => {}
        }
        let hosts: Vec<Name> = delegation.records().filter_map(|ns| ns.target()).collect();
        for host in hosts {
            for rtype in [Rtype::A, Rtype::AAAA] {
                if let Some(address) = self.zone.rrset(&host, rtype) {
                    self.reply.additional.extend(records_of(&address, false));
                }
            }
        }
    }

    /// The denial record that stands at `name`.
    fn prove_at(&mut self, name: &Name) {
        let chain = self.zone.chain();
        if let Some(rrset) = chain.matching(name) {
            self.put_proof(rrset.clone());
        }
    }

    /// The denial record that spans `name`.
    fn prove_gap(&mut self, name: &Name) {
        let chain = self.zone.chain();
        if let Some(rrset) = chain.covering(name) {
            self.put_proof(rrset.clone());
        }
    }

    fn put_proof(&mut self, rrset: Rrset) {
        if self.dnssec_ok && self.proofs.insert(rrset.name.clone()) {
            let rrset = self.sign(rrset);
            self.reply.authority.extend(records_of(&rrset, true));
        }
    }

    fn no_data_proof(&mut self, owner: &Name, name: &Name) {
        let chain = self.zone.chain();
        if chain.matching(owner).is_some() {
            self.prove_at(owner);
        } else {
            // An empty non-terminal has no NSEC; the one before it names what lies below it.
            self.prove_gap(owner);
        }
        if owner != name
            && chain.is_hashed()
            && let Some(encloser) = owner.parent()
        {
            self.prove_at(&encloser);
        }
    }

    /// That the name itself does not exist, so that the wildcard may stand for it.
    fn wildcard_proof(&mut self, name: &Name, next: &Name) {
        if self.zone.chain().is_hashed() {
            self.prove_gap(next);
        } else {
            self.prove_gap(name);
        }
    }

    fn no_name_proof(&mut self, name: &Name, encloser: &Name, next: &Name, wildcard: &Name) {
        if self.zone.chain().is_hashed() {
            self.prove_at(encloser);
            self.prove_gap(next);
        } else {
            self.prove_gap(name);
        }
        self.prove_gap(wildcard);
    }
}
