//! Answers of a zone's own servers, under its trusted keys.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use super::delegation::no_keys;
use super::form::{child_zone, cut_below, lame, unusable};
use super::negative::Evidence;
use super::{DsStatus, Form, Judge, Reason, Status, classify};
use crate::dns::{Message, Name, Rrset, Rtype, Ttl};
use crate::dnssec::denial::Fact;
use crate::dnssec::{Budget, Dnskey, Signers};

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// Data at the name.
    Positive,
    /// Data at the name, made from a wildcard.
    Wildcard,
    /// An alias by CNAME.
    Cname,
    /// An alias by DNAME.
    Dname,
    /// The name lacks the type.
    NoData,
    /// There is no such name; also by compact denial, whatever the response code (RFC 9824).
    NxDomain,
    /// A pointer to a zone below.
    Referral,
}

/// The verdict on an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerVerdict {
    /// Secure, insecure (opt-out, iterations, an unsigned delegation), bogus or indeterminate.
    pub status: Status,
    /// What it says; none where nothing can be told.
    pub kind: Option<AnswerKind>,
    /// Every RRset that the verdict rests on: answer, SOA, NSEC, NSEC3.
    pub rrsets: Vec<(Rrset, Signers)>,
    /// The largest TTL that any part can have in a cache, seconds; negative: the lesser of SOA TTL and minimum.
    pub ttl: Ttl,
    /// Where the message ends before the question does: the alias' target that has to be asked for elsewhere.
    pub left: Option<Name>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// More RRsets than this at one name (type ANY) are not judged.
const MOST_PARTS: usize = 64;

/// More aliases than this are not followed.
const MOST_ALIASES: usize = 16;

/// Judges an answer of a server of `zone` under its trusted keys (RFC 4035 sections 5.3 and 5.4).
///
/// Aliases are followed within the message as far as they stay in the zone. Not checked: what lies behind an alias that
/// leaves the zone (also into a signed zone below it) or the message, and records that the answer does not need.
pub fn judge_answer(
    qname: &Name,
    qtype: Rtype,
    zone: &Name,
    keys: &[Dnskey],
    answer: &Message,
    at: i64,
    budget: &mut Budget,
) -> AnswerVerdict {
    Judge::new(at, budget).answer(qname, qtype, zone, keys, answer)
}

/// One question under trusted keys.
struct Case<'a> {
    zone: &'a Name,
    keys: &'a [Dnskey],
    answer: &'a Message,
    qtype: Rtype,
    /// Validated at the first need.
    evidence: OnceCell<Evidence>,
}

impl AnswerVerdict {
    fn open() -> AnswerVerdict {
        AnswerVerdict {
            status: Status::Indeterminate,
            kind: None,
            rrsets: Vec::new(),
            ttl: 0,
            left: None,
            reasons: Vec::new(),
        }
    }

    /// The whole is as good as its worst part.
    fn worsen(&mut self, status: Status, reasons: Vec<Reason>) {
        self.status = self.status.worse(status);
        self.reasons.extend(reasons);
    }
}

impl Judge<'_> {
    /// See [`judge_answer`].
    pub fn answer(
        &mut self,
        qname: &Name,
        qtype: Rtype,
        zone: &Name,
        keys: &[Dnskey],
        answer: &Message,
    ) -> AnswerVerdict {
        let mut verdict = AnswerVerdict::open();
        let form = classify(qname, qtype, zone, answer);
        if let Some(reason) = unusable(form, zone, answer) {
            verdict.reasons.push(reason);
            return verdict;
        }
        if keys.is_empty() {
            verdict.reasons.push(no_keys(zone));
            return verdict;
        }
        if qtype == Rtype::RRSIG {
            let text = "signatures are not signed themselves";
            verdict.reasons.push(Reason::new(
                "not-signed-by-nature",
                zone,
                text,
                "RFC 4035 section 2.2",
            ));
            return verdict;
        }
        if !qname.is_at_or_below(zone) {
            let text = format!("{qname} does not lie in the zone");
            verdict
                .reasons
                .push(Reason::new("not-in-zone", zone, text, "RFC 4035 section 5.3.1"));
            return verdict;
        }
        let case = Case {
            zone,
            keys,
            answer,
            qtype,
            evidence: OnceCell::new(),
        };
        verdict.status = Status::Secure;
        self.follow(&case, qname, &mut verdict);
        if form == Form::Lame {
            verdict.reasons.push(lame(zone));
            if verdict.status == Status::Bogus && !self.counts(answer) {
                verdict.status = Status::Indeterminate;
            }
        }
        verdict
    }

    /// From `qname` along the aliases to data, a denial, a referral, or out of the zone.
    fn follow(&mut self, case: &Case<'_>, qname: &Name, verdict: &mut AnswerVerdict) {
        let rrsets = case.answer.answer_rrsets();
        let mut name = qname.clone();
        for step in 0..=MOST_ALIASES {
            if let Some(child) = child_zone(&name, case.zone, case.answer) {
                if step == 0 {
                    verdict.worsen(Status::Indeterminate, vec![below_a_cut(case.zone, &child)]);
                } else {
                    verdict.left = Some(name);
                }
                return;
            }
            let data: Vec<&Rrset> = rrsets
                .iter()
                .filter(|set| set.name == name && !set.rdatas.is_empty())
                .filter(|set| set.rtype == case.qtype || case.qtype == Rtype::ANY)
                .collect();
            if !data.is_empty() {
                let mut expanded = false;
                if data.len() > MOST_PARTS {
                    verdict.worsen(Status::Indeterminate, vec![too_many(case.zone)]);
                }
                for rrset in data.into_iter().take(MOST_PARTS) {
                    expanded |= self.part(case, rrset, verdict);
                }
                let kind = if expanded {
                    AnswerKind::Wildcard
                } else {
                    AnswerKind::Positive
                };
                verdict.kind = verdict.kind.or(Some(kind));
                return;
            }
            if step == MOST_ALIASES {
                break;
            }
            match self.alias(case, &rrsets, &name, verdict) {
                Some(target) if target.is_at_or_below(case.zone) => name = target,
                Some(target) => {
                    verdict.left = Some(target);
                    return;
                }
                None => return self.no_more(case, &name, verdict),
            }
        }
        verdict.worsen(
            Status::Indeterminate,
            vec![Reason::new(
                "too-many-aliases",
                case.zone,
                format!("more than {MOST_ALIASES} aliases follow each other"),
                "RFC 1034 section 3.6.2",
            )],
        );
    }

    /// Judges the alias at or above `name` and gives its target.
    fn alias(
        &mut self,
        case: &Case<'_>,
        rrsets: &[Rrset],
        name: &Name,
        verdict: &mut AnswerVerdict,
    ) -> Option<Name> {
        let present = |set: &&Rrset| !set.rdatas.is_empty() && set.name.is_at_or_below(case.zone);
        let dname = rrsets
            .iter()
            .filter(present)
            .filter(|set| set.rtype == Rtype::DNAME && *name != set.name && name.is_at_or_below(&set.name))
            .max_by_key(|set| set.name.label_count());
        let cname = rrsets
            .iter()
            .filter(present)
            .find(|set| set.rtype == Rtype::CNAME && set.name == *name);
        if let Some(rrset) = dname {
            verdict.kind = verdict.kind.or(Some(AnswerKind::Dname));
            self.part(case, rrset, verdict);
            return self.substitute(case, rrset, cname, name, verdict);
        }
        let rrset = cname?;
        verdict.kind = verdict.kind.or(Some(AnswerKind::Cname));
        self.part(case, rrset, verdict);
        target_of(rrset)
    }

    /// The name that a DNAME makes of `name`; a CNAME that comes along must say the same (RFC 6672 section 5.3.1).
    fn substitute(
        &mut self,
        case: &Case<'_>,
        dname: &Rrset,
        cname: Option<&Rrset>,
        name: &Name,
        verdict: &mut AnswerVerdict,
    ) -> Option<Name> {
        let target = target_of(dname)?;
        let kept = name.label_count() - dname.name.label_count();
        let labels: Vec<&[u8]> = name.labels().take(kept).collect();
        let made = labels
            .iter()
            .rev()
            .try_fold(target, |name, label| name.prepend(label).ok());
        if let Some(cname) = cname {
            verdict.ttl = verdict.ttl.max(cname.ttl);
            if made.is_none() || target_of(cname) != made {
                verdict.worsen(
                    Status::Bogus,
                    vec![Reason::new(
                        "dname-wrong-cname",
                        case.zone,
                        format!(
                            "the CNAME at {name} is not what the DNAME at {} makes",
                            dname.name
                        ),
                        "RFC 6672 section 5.3.1",
                    )],
                );
            }
        }
        made
    }

    /// Judges one RRset of the answer; whether it was expanded from a wildcard.
    fn part(&mut self, case: &Case<'_>, rrset: &Rrset, verdict: &mut AnswerVerdict) -> bool {
        let found = self.set(rrset, case.keys, case.zone);
        verdict.ttl = verdict.ttl.max(rrset.ttl);
        verdict.worsen(found.status, found.reasons);
        verdict.rrsets.push((rrset.clone(), found.signers));
        let Some(labels) = found.expanded else {
            return false;
        };
        let evidence = case
            .evidence
            .get_or_init(|| self.evidence(case.zone, case.keys, case.answer));
        let proof = evidence
            .denial
            .no_closer(&rrset.name, labels, &mut self.budget.nsec3_hashes);
        let (status, reasons) = evidence.conclude(case.zone, &proof);
        verdict.worsen(status, reasons);
        add_missing(&mut verdict.rrsets, &evidence.rrsets);
        true
    }

    /// Neither data nor an alias at `name`: a denial, a referral, or (after an alias) the end of the message.
    fn no_more(&mut self, case: &Case<'_>, name: &Name, verdict: &mut AnswerVerdict) {
        if let Some(cut) = cut_below(name, case.zone, case.answer) {
            if verdict.kind.is_some() {
                verdict.left = Some(name.clone());
                return;
            }
            return self.referral(case, &cut, verdict);
        }
        let says_something = case.answer.rcode == crate::dns::Rcode::NXDOMAIN
            || case
                .answer
                .authority
                .iter()
                .any(|record| record.rtype == Rtype::SOA && record.name == *case.zone);
        if verdict.kind.is_none() || says_something {
            self.denial(case, name, verdict);
        } else {
            verdict.left = Some(name.clone());
        }
    }

    fn denial(&mut self, case: &Case<'_>, name: &Name, verdict: &mut AnswerVerdict) {
        let evidence = case
            .evidence
            .get_or_init(|| self.evidence(case.zone, case.keys, case.answer));
        let hashes = &mut self.budget.nsec3_hashes;
        let no_name = case.answer.rcode == crate::dns::Rcode::NXDOMAIN;
        let proof = if no_name {
            evidence.denial.no_name(name, hashes)
        } else {
            evidence.denial.no_data(name, case.qtype, hashes)
        };
        let kind = match proof {
            Ok(Fact::NxName) => AnswerKind::NxDomain,
            _ if no_name => AnswerKind::NxDomain,
            _ => AnswerKind::NoData,
        };
        verdict.kind = verdict.kind.or(Some(kind));
        let (status, reasons) = evidence.conclude(case.zone, &proof);
        let proven = matches!(status, Status::Secure | Status::Insecure);
        verdict.worsen(status, reasons);
        match evidence.soa_status {
            Some(soa @ (Status::Bogus | Status::Indeterminate)) if proven => {
                verdict.worsen(soa, evidence.faults().to_vec());
            }
            Some(_) => {}
            None => verdict.reasons.push(Reason::new(
                "soa-missing",
                case.zone,
                "no SOA in the negative answer: caches may not keep it",
                "RFC 2308 section 5",
            )),
        }
        verdict.ttl = verdict.ttl.max(evidence.negative_ttl());
        add_missing(&mut verdict.rrsets, &evidence.rrsets);
    }

    fn referral(&mut self, case: &Case<'_>, cut: &Name, verdict: &mut AnswerVerdict) {
        verdict.kind = verdict.kind.or(Some(AnswerKind::Referral));
        let found = self.referred_ds(cut, case.zone, case.keys, case.answer);
        let status = match found.status {
            DsStatus::Secure(_) => Status::Secure,
            DsStatus::ProvenAbsent => Status::Insecure,
            DsStatus::Bogus => Status::Bogus,
            DsStatus::Indeterminate => Status::Indeterminate,
        };
        verdict.worsen(status, found.reasons);
        verdict.ttl = verdict.ttl.max(found.ttl);
        let ds = case
            .answer
            .authority_rrsets()
            .into_iter()
            .find(|set| set.name == *cut && set.rtype == Rtype::DS);
        verdict.rrsets.extend(ds.map(|set| (set, found.signers)));
    }
}

fn below_a_cut(zone: &Name, child: &Name) -> Reason {
    let text = format!("the answer comes from {child}, a zone below, and has to be judged under its keys");
    Reason::new("child-zone", zone, text, "RFC 4035 section 5.3.1")
}

fn too_many(zone: &Name) -> Reason {
    let text = format!("more than {MOST_PARTS} RRsets");
    Reason::new("work-limit", zone, text, "RFC 4035 section 5.5")
}

fn target_of(rrset: &Rrset) -> Option<Name> {
    match rrset.rdatas.as_slice() {
        [rdata] => Name::from_wire(rdata).ok(),
        _ => None,
    }
}

fn add_missing(rrsets: &mut Vec<(Rrset, Signers)>, more: &[(Rrset, Signers)]) {
    for (rrset, signers) in more {
        if !rrsets.iter().any(|(known, _)| known == rrset) {
            rrsets.push((rrset.clone(), signers.clone()));
        }
    }
}
