//! The question itself: the captured answers to it, one alias after another.

use std::collections::BTreeSet;

use super::cuts::Descent;
use super::remarks::remarks;
use super::{KeySets, Run, Said, Tried, Used, Verdict, not_captured, rank};
use crate::dns::{Message, Name, Rtype};
use crate::dnssec::chain::unusable;
use crate::dnssec::{AnswerKind, AnswerVerdict, Form, Reason, Rrsig, Status, classify};

/// What one answer comes to.
struct Outcome {
    status: Status,
    kind: Option<AnswerKind>,
    zone: Option<Name>,
    left: Option<Name>,
    reasons: Vec<Said>,
}

impl Outcome {
    fn new(status: Status, reasons: Vec<Said>) -> Outcome {
        Outcome {
            status,
            kind: None,
            zone: None,
            left: None,
            reasons,
        }
    }
}

impl Run<'_> {
    /// Follows the question to its end.
    pub(super) fn question(&mut self, name: &Name, rtype: Rtype) -> Verdict {
        let mut asked = name.clone();
        let mut seen: BTreeSet<Name> = BTreeSet::new();
        let (mut status, mut kind, mut reasons) = (Status::Secure, None, Vec::new());
        let mut carried: Option<usize> = None;
        loop {
            let (outcome, from) = self.hop(&asked, rtype, carried);
            status = worse(status, outcome.status);
            kind = kind.or(outcome.kind);
            reasons.extend(outcome.reasons);
            if let Some(server) = from.and_then(|index| self.server(index)) {
                self.used.push(Used {
                    name: asked.clone(),
                    rtype,
                    zone: outcome.zone,
                    server,
                    kind: outcome.kind,
                    verdict: outcome.status,
                });
            }
            seen.insert(asked);
            let Some(next) = outcome.left.filter(|_| outcome.status != Status::Bogus) else {
                break;
            };
            if seen.contains(&next) || seen.len() > self.options.limits.aliases as usize {
                let text = format!(
                    "more than {} aliases follow each other",
                    self.options.limits.aliases
                );
                let zone = next.clone();
                let reason = Reason::new("too-many-aliases", &zone, text, "RFC 1034 section 3.6.2");
                reasons.push(Said::new(reason, None));
                status = worse(status, Status::Indeterminate);
                break;
            }
            asked = next;
            carried = from;
        }
        reasons.extend(self.overruns.iter().cloned());
        let mut unique = Vec::new();
        for said in reasons {
            if !unique.contains(&said) {
                unique.push(said);
            }
        }
        Verdict {
            status,
            kind,
            reasons: unique,
            links: self.links.clone(),
            used: std::mem::take(&mut self.used),
            unused: std::mem::take(&mut self.unused),
            tried: std::mem::take(&mut self.tried),
            spent: self.spent,
        }
    }

    /// The best of the answers for one name, with the one that it came from.
    fn hop(&mut self, name: &Name, rtype: Rtype, carried: Option<usize>) -> (Outcome, Option<usize>) {
        let corpus = self.corpus;
        // A DS belongs to the zone above the cut.
        let place = match (rtype, name.parent()) {
            (Rtype::DS, Some(parent)) => parent,
            _ => name.clone(),
        };
        let way = self.descend(&place);
        let first = self.used.is_empty();
        let mut indexes: Vec<usize> = match self.pinned.filter(|_| first) {
            Some(index) => vec![index],
            None => self.answers_to(name, rtype),
        };
        let goes_on = |index: &usize| {
            corpus
                .get(*index)
                .and_then(|one| one.answer.as_ref().ok())
                .is_some_and(|message| speaks_of(name, message))
        };
        indexes.extend(carried.filter(|index| !indexes.contains(index)).filter(goes_on));
        let mut outcomes: Vec<(Outcome, usize)> = Vec::new();
        for index in indexes {
            let outcome = match corpus.get(index).map(|one| &one.answer) {
                Some(Ok(message)) => self.one(name, rtype, &way, index, message),
                _ => Outcome::new(Status::Indeterminate, vec![self.silence(index, name)]),
            };
            let secure = outcome.status == Status::Secure;
            outcomes.push((outcome, index));
            // The rest is only worth a look where a verdict on each is wanted.
            if secure {
                break;
            }
        }
        let best = outcomes
            .iter()
            .enumerate()
            .min_by_key(|(_, (outcome, _))| rank(outcome.status, &outcome.reasons))
            .map(|(at, _)| at);
        let Some(best) = best else {
            return (self.nothing(name, rtype, way), None);
        };
        let (mut outcome, index) = outcomes.swap_remove(best);
        for (other, index) in outcomes {
            self.set_aside(index, other.status, &other.reasons);
        }
        if rank(outcome.status, &outcome.reasons) == 4 {
            // Nobody gave an answer that can be judged: the way there may decide all the same.
            if let Some((_, status @ (Status::Insecure | Status::Bogus), reasons)) = way.end {
                outcome.status = status;
                outcome.reasons.splice(0..0, reasons);
            }
        }
        (outcome, Some(index))
    }

    /// No answer with a message was captured.
    fn nothing(&mut self, name: &Name, rtype: Rtype, way: Descent) -> Outcome {
        let text = format!("the answer to {name} {rtype} is missing");
        let mut missing = vec![not_captured(name, text)];
        for index in self.corpus.silent(name, rtype).iter().copied().take(8) {
            missing.push(self.silence(index, name));
        }
        match way.end {
            Some((_, status, mut reasons)) => {
                reasons.extend(missing);
                Outcome::new(status, reasons)
            }
            None => Outcome::new(Status::Indeterminate, missing),
        }
    }

    /// Judges one answer under the keys to which the way leads.
    fn one(&mut self, name: &Name, rtype: Rtype, way: &Descent, index: usize, message: &Message) -> Outcome {
        let top = Name::root();
        let form = classify(name, rtype, &top, message);
        if let Some(reason) = unusable(form, name, message) {
            return Outcome::new(Status::Indeterminate, self.said(vec![reason], index));
        }
        if form == Form::Referral {
            let reason = Reason::new(
                "referral",
                name,
                "the server points to a zone below instead of answering",
                "RFC 1034 section 4.3.2",
            );
            return Outcome::new(Status::Indeterminate, self.said(vec![reason], index));
        }
        if rtype == Rtype::DS && !name.is_root() && child_speaks(name, message) {
            let text = format!("{name} itself answered, not its parent");
            let reason = Reason::new("ds-answer-from-child", name, text, "RFC 4035 section 3.1.4.1");
            return Outcome::new(Status::Indeterminate, self.said(vec![reason], index));
        }
        let signers = signers(name, rtype, message);
        let Some((zone, keys)) = way.path.last() else {
            return ended(way);
        };
        // What the last secure zone itself signs is judged by its keys, whatever may begin below it.
        if way.end.is_some() && !signers.contains(zone) {
            return carry_on(ended(way), name, rtype, form, message);
        }
        let deeper = signers
            .iter()
            .filter(|signer| *signer != zone && signer.is_at_or_below(zone))
            .max_by_key(|signer| signer.label_count());
        if let Some(signer) = deeper.filter(|_| !signers.contains(zone)) {
            return self.beyond(zone, signer, way, index);
        }
        let mut outcome = self.under(name, rtype, zone, keys, index, message);
        if outcome.status == Status::Bogus && signers.is_empty() {
            self.reconsider(&mut outcome, name, zone, way, index, message);
        }
        if outcome.status == Status::Secure {
            return outcome;
        }
        self.alias_alone(name, rtype, zone, keys, index, message)
            .unwrap_or(outcome)
    }

    /// The alias of an answer whose rest does not validate: its target may be asked for by itself.
    fn alias_alone(
        &mut self,
        name: &Name,
        rtype: Rtype,
        zone: &Name,
        keys: &KeySets,
        index: usize,
        message: &Message,
    ) -> Option<Outcome> {
        let target = message
            .answer
            .iter()
            .find(|record| record.rtype == Rtype::CNAME && record.name == *name)
            .and_then(crate::dns::Record::target)?;
        let known = self.corpus.to(&target, rtype);
        if known.iter().all(|same| same.first == index) {
            return None;
        }
        let mut alone = message.clone();
        alone.rcode = crate::dns::Rcode::NOERROR;
        alone.answer.retain(|record| {
            record.name == *name || record.rtype != Rtype::CNAME && name.is_at_or_below(&record.name)
        });
        alone.authority.retain(|record| record.rtype != Rtype::SOA);
        let outcome = self.under(name, rtype, zone, keys, index, &alone);
        (outcome.status == Status::Secure && outcome.left.as_ref() == Some(&target)).then_some(outcome)
    }

    /// An answer signed by a zone to which the way does not lead.
    fn beyond(&mut self, zone: &Name, signer: &Name, way: &Descent, index: usize) -> Outcome {
        let Some((_, looked_at)) = way.open.iter().find(|(open, _)| open == signer) else {
            let text = format!("signed by {signer}, and {zone} proves that no zone begins there");
            let reason = Reason::new("signature-wrong-signer", zone, text, "RFC 4035 section 5.3.1");
            return Outcome::new(Status::Bogus, self.said(vec![reason], index));
        };
        let missing: Vec<String> = way
            .open
            .iter()
            .filter(|(open, _)| signer.is_at_or_below(open))
            .map(|(open, _)| format!("{open} DS"))
            .collect();
        let text = format!("the answer of {zone} to {} is missing", missing.join(" or "));
        let mut reasons = vec![not_captured(zone, text)];
        reasons.extend(looked_at.iter().cloned());
        Outcome::new(Status::Indeterminate, reasons)
    }

    /// Under each of the zone's key sets, until one fits.
    fn under(
        &mut self,
        name: &Name,
        rtype: Rtype,
        zone: &Name,
        sets: &KeySets,
        index: usize,
        message: &Message,
    ) -> Outcome {
        let mut best: Option<(Outcome, AnswerVerdict)> = None;
        for set in sets.iter() {
            let found = self.judge(|judge| judge.answer(name, rtype, zone, &set.keys, message));
            let server = self.server(index);
            for (rrset, signers) in &found.rrsets {
                let label = format!("{} {}", rrset.name, rrset.rtype);
                self.tried.push(Tried::of(label, zone, server.clone(), signers));
            }
            let outcome = Outcome {
                status: found.status,
                kind: found.kind,
                zone: Some(zone.clone()),
                left: found.left.clone(),
                reasons: self.said(found.reasons.clone(), index),
            };
            let better = best.as_ref().is_none_or(|(known, _)| {
                rank(outcome.status, &outcome.reasons) < rank(known.status, &known.reasons)
            });
            if better {
                best = Some((outcome, found));
            }
            if best
                .as_ref()
                .is_some_and(|(known, _)| known.status == Status::Secure)
            {
                break;
            }
        }
        let Some((mut outcome, found)) = best else {
            return Outcome::new(Status::Indeterminate, Vec::new());
        };
        let remarks = remarks(zone, &found, self.options.at);
        outcome.reasons.extend(self.said(remarks, index));
        outcome
    }

    /// An unsigned answer is bogus where no zone of its own can begin between the secure zone and the name.
    fn reconsider(
        &self,
        outcome: &mut Outcome,
        name: &Name,
        zone: &Name,
        way: &Descent,
        index: usize,
        message: &Message,
    ) {
        let server = self.server(index).unwrap_or_default();
        let soa = message
            .authority
            .iter()
            .any(|record| record.rtype == Rtype::SOA && record.name == *zone);
        if soa {
            return;
        }
        // Nothing at all speaks for a zone that begins at the name itself, and the server serves the secure zone.
        let likely_none = |open: &Name| {
            open == name && !self.corpus.hints_at_cut(open) && self.corpus.serves(&server, zone)
        };
        let Some((open, looked_at)) = way.open.iter().find(|(open, _)| !likely_none(open)) else {
            return;
        };
        outcome.status = Status::Indeterminate;
        let text =
            format!("the answer of {zone} to {open} DS is missing, so an unsigned zone may begin there");
        outcome.reasons.insert(0, not_captured(zone, text));
        outcome.reasons.extend(looked_at.iter().cloned());
    }
}

fn ended(way: &Descent) -> Outcome {
    match &way.end {
        Some((_, status, reasons)) => Outcome::new(*status, reasons.clone()),
        None => Outcome::new(Status::Indeterminate, Vec::new()),
    }
}

/// An insecure answer says something all the same, and an alias leads on from it.
fn carry_on(mut outcome: Outcome, name: &Name, rtype: Rtype, form: Form, message: &Message) -> Outcome {
    if outcome.status != Status::Insecure {
        return outcome;
    }
    let at_name = |wanted: Rtype| {
        message
            .answer
            .iter()
            .find(|record| record.name == *name && record.rtype == wanted)
    };
    outcome.kind = match form {
        Form::NoData => Some(AnswerKind::NoData),
        Form::NxDomain => Some(AnswerKind::NxDomain),
        _ if rtype == Rtype::ANY || at_name(rtype).is_some() => Some(AnswerKind::Positive),
        _ => {
            outcome.left = at_name(Rtype::CNAME).and_then(crate::dns::Record::target);
            Some(AnswerKind::Cname)
        }
    };
    outcome
}

/// The one that decides about a chain of aliases.
fn worse(a: Status, b: Status) -> Status {
    let rank = |status| match status {
        Status::Secure => 0,
        Status::Insecure => 1,
        Status::Indeterminate => 2,
        Status::Bogus => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// Whether the zone of that name itself, not its parent, answers about its DS.
fn child_speaks(name: &Name, message: &Message) -> bool {
    message
        .authority
        .iter()
        .any(|record| record.rtype == Rtype::SOA && record.name == *name)
}

/// Whether a message goes on to speak of an alias' target.
fn speaks_of(name: &Name, message: &Message) -> bool {
    let data = message.answer.iter().any(|record| {
        record.name == *name
            || record.rtype == Rtype::DNAME && *name != record.name && name.is_at_or_below(&record.name)
    });
    data || message
        .authority
        .iter()
        .any(|record| record.rtype == Rtype::SOA && name.is_at_or_below(&record.name))
}

/// The zones that sign what an answer says of `name`, as far as they can be its zone.
fn signers(name: &Name, rtype: Rtype, message: &Message) -> BTreeSet<Name> {
    let can_be = |signer: &Name| {
        name.is_at_or_below(signer) && (rtype != Rtype::DS || signer != name || name.is_root())
    };
    let of = |records: &[crate::dns::Record], fits: &dyn Fn(&Name, Rtype) -> bool| -> BTreeSet<Name> {
        records
            .iter()
            .filter(|record| record.rtype == Rtype::RRSIG)
            .filter_map(|record| Some((record, Rrsig::from_rdata(&record.rdata, record.ttl)?)))
            .filter(|(record, signature)| fits(&record.name, signature.type_covered))
            .map(|(_, signature)| signature.signer)
            .filter(can_be)
            .collect()
    };
    let at_name = of(&message.answer, &|owner, covered| {
        *owner == *name && (covered == rtype || covered == Rtype::CNAME || rtype == Rtype::ANY)
            || covered == Rtype::DNAME && owner != name && name.is_at_or_below(owner)
    });
    if speaks_of_answer(name, message) {
        return at_name;
    }
    of(&message.authority, &|_, covered| {
        matches!(covered, Rtype::SOA | Rtype::NSEC | Rtype::NSEC3)
    })
}

fn speaks_of_answer(name: &Name, message: &Message) -> bool {
    message.answer.iter().any(|record| {
        record.rtype != Rtype::RRSIG
            && (record.name == *name
                || record.rtype == Rtype::DNAME && *name != record.name && name.is_at_or_below(&record.name))
    })
}
