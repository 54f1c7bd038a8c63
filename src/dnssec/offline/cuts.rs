//! Where zones begin, and the keys that can be trusted there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{KeyMark, KeySet, KeySets, Run, Said, Tried, ZoneLink, not_captured, rank};
use crate::dns::{Message, Name, Rtype};
use crate::dnssec::chain::decided_by_ds;
use crate::dnssec::{AnswerKind, DsSet, DsStatus, DsVerdict, KeysVerdict, Reason, Status};

/// More key sets of one zone than this are not tried.
const MOST_KEY_SETS: usize = 4;

/// What is known of a name at which a zone may begin.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    /// A zone with trusted keys.
    Zone(KeySets),
    /// A zone, or perhaps one, at which the way ends.
    Ended(Status, Vec<Said>),
    /// It is proven that none begins here.
    None,
    /// Nothing, with what was looked at in vain.
    Unknown(Vec<Said>),
}

/// The way from the anchor towards a name, as far as it leads.
#[derive(Debug)]
pub(super) struct Descent {
    /// The secure zones, the anchor's first.
    pub(super) path: Vec<(Name, KeySets)>,
    /// Where and how the way ended before the name.
    pub(super) end: Option<(Name, Status, Vec<Said>)>,
    /// Names below the last secure zone at which a zone may or may not begin.
    pub(super) open: Vec<(Name, Vec<Said>)>,
}

/// What the answers of a parent come to.
#[derive(Default)]
struct Told {
    ds: Vec<(DsSet, usize)>,
    insecure: Option<Vec<Said>>,
    no_cut: bool,
    bogus: Vec<Said>,
    unknown: Vec<Said>,
}

impl Run<'_> {
    /// Goes down from the closest anchor to `target`, as far as the captures lead.
    pub(super) fn descend(&mut self, target: &Name) -> Descent {
        let mut way = Descent {
            path: Vec::new(),
            end: None,
            open: Vec::new(),
        };
        let anchors = self.anchors;
        let Some((anchor, ds)) = anchors.closest(target) else {
            let text = format!("no trust anchor at or above {target}");
            way.end = Some((
                target.clone(),
                Status::Indeterminate,
                vec![not_captured(target, text)],
            ));
            return way;
        };
        let first = self.once(anchor, |run| {
            run.keys_under(anchor, None, vec![(ds.clone(), None)])
        });
        match first {
            Cut::Zone(keys) => way.path.push((anchor.clone(), keys)),
            Cut::Ended(status, reasons) => {
                way.end = Some((anchor.clone(), status, reasons));
                return way;
            }
            Cut::None | Cut::Unknown(_) => return way,
        }
        for labels in anchor.label_count() + 1..=target.label_count() {
            let child = target.suffix(labels);
            let Some((parent, keys)) = way.path.last().cloned() else {
                break;
            };
            match self.cut(&child, &parent, &keys, !way.open.is_empty()) {
                Cut::Zone(keys) => {
                    way.path.push((child, keys));
                    way.open.clear();
                }
                Cut::Ended(status, reasons) => {
                    way.end = Some((child, status, reasons));
                    break;
                }
                Cut::None => {}
                Cut::Unknown(reasons) => way.open.push((child, reasons)),
            }
        }
        way
    }

    /// `unsure`: a zone in between may begin that is not known, so that what does not fit may be that zone's.
    fn cut(&mut self, child: &Name, parent: &Name, sets: &KeySets, unsure: bool) -> Cut {
        self.once(child, |run| run.find_cut(child, parent, sets, unsure))
    }

    fn find_cut(&mut self, child: &Name, parent: &Name, sets: &KeySets, unsure: bool) -> Cut {
        let mut told = Told::default();
        let corpus = self.corpus;
        for index in self.answers_to(child, Rtype::DS) {
            if let Some(Ok(message)) = corpus.get(index).map(|one| &one.answer) {
                self.hear(&mut told, child, parent, sets, index, message, false);
            }
        }
        // A referral says the same as long as nothing better was captured.
        if told.ds.is_empty() && told.insecure.is_none() {
            let most = self.options.limits.answers as usize;
            for index in corpus.referrals(child).iter().copied().take(most) {
                if let Some(Ok(message)) = corpus.get(index).map(|one| &one.answer) {
                    self.hear(&mut told, child, parent, sets, index, message, true);
                }
                if !told.ds.is_empty() {
                    break;
                }
            }
        }
        if unsure {
            told.unknown.append(&mut told.bogus);
        }
        self.conclude(told, child, parent, unsure)
    }

    fn conclude(&mut self, mut told: Told, child: &Name, parent: &Name, unsure: bool) -> Cut {
        if !told.ds.is_empty() {
            let all = told.ds.into_iter().map(|(ds, index)| (ds, Some(index))).collect();
            return self.keys_under(child, Some(parent), all);
        }
        if let Some(reasons) = told.insecure {
            return self.ended(child, parent, Status::Insecure, reasons);
        }
        if told.no_cut {
            return Cut::None;
        }
        if !told.bogus.is_empty() {
            return self.ended(child, parent, Status::Bogus, told.bogus);
        }
        for index in self.corpus.silent(child, Rtype::DS).iter().copied().take(4) {
            told.unknown.push(self.silence(index, parent));
        }
        if !unsure && rank(Status::Indeterminate, &told.unknown) == 2 {
            return self.ended(child, parent, Status::Indeterminate, told.unknown);
        }
        Cut::Unknown(told.unknown)
    }

    /// The way ends at `child`.
    fn ended(&mut self, child: &Name, parent: &Name, verdict: Status, reasons: Vec<Said>) -> Cut {
        let servers: BTreeSet<String> = reasons.iter().filter_map(|said| said.server.clone()).collect();
        self.links.push(ZoneLink {
            zone: child.clone(),
            parent: Some(parent.clone()),
            verdict,
            ds: DsSet::new(),
            dnskey: Vec::new(),
            servers: servers.into_iter().collect(),
            reasons: reasons.clone(),
        });
        Cut::Ended(verdict, reasons)
    }

    /// One answer about the delegation of `child`, under each of the parent's key sets until one fits.
    #[allow(
        clippy::too_many_arguments,
        reason = "one answer, and all that it is judged by"
    )]
    fn hear(
        &mut self,
        told: &mut Told,
        child: &Name,
        parent: &Name,
        sets: &KeySets,
        index: usize,
        message: &Message,
        referral: bool,
    ) {
        let mut worst: Option<(Status, Vec<Said>)> = None;
        for set in sets.iter() {
            let found = self.judge(|judge| {
                if referral {
                    judge.referred_ds(child, parent, &set.keys, message)
                } else {
                    judge.ds(child, parent, &set.keys, message)
                }
            });
            let server = self.server(index);
            self.tried
                .push(Tried::of(format!("{child} DS"), parent, server, &found.signers));
            let status = self.hear_one(told, child, parent, set, index, message, found, referral);
            match status {
                None => return,
                Some((status, reasons)) => {
                    let better = worst
                        .as_ref()
                        .is_none_or(|(known, said)| rank(status, &reasons) < rank(*known, said));
                    if better {
                        worst = Some((status, reasons));
                    }
                }
            }
        }
        if let Some((status, reasons)) = worst {
            self.set_aside(index, status, &reasons);
            if status == Status::Bogus {
                told.bogus.extend(reasons);
            } else {
                told.unknown.extend(reasons);
            }
        }
    }

    /// None where something is established; else why not.
    #[allow(
        clippy::too_many_arguments,
        reason = "one answer, and all that it is judged by"
    )]
    fn hear_one(
        &mut self,
        told: &mut Told,
        child: &Name,
        parent: &Name,
        set: &KeySet,
        index: usize,
        message: &Message,
        found: DsVerdict,
        referral: bool,
    ) -> Option<(Status, Vec<Said>)> {
        let reasons = self.said(found.reasons, index);
        match found.status {
            DsStatus::Secure(ds) => {
                if !told.ds.iter().any(|(known, _)| *known == ds) {
                    told.ds.push((ds, index));
                }
                None
            }
            DsStatus::ProvenAbsent => {
                let text = format!("{child} is delegated without DS");
                let mut all = vec![Said::new(
                    Reason::new("insecure-delegation", parent, text, "RFC 4035 section 5.2"),
                    self.server(index),
                )];
                all.extend(reasons);
                told.insecure.get_or_insert(all);
                None
            }
            DsStatus::Bogus => {
                let maybe = |said: &Said| matches!(said.reason.code, "no-delegation" | "ds-alias");
                if !referral && reasons.iter().any(maybe) {
                    let answer =
                        self.judge(|judge| judge.answer(child, Rtype::DS, parent, &set.keys, message));
                    let denied = matches!(
                        answer.kind,
                        Some(
                            AnswerKind::NoData | AnswerKind::NxDomain | AnswerKind::Cname | AnswerKind::Dname
                        )
                    );
                    if answer.status == Status::Secure && denied {
                        told.no_cut = true;
                        return None;
                    }
                }
                Some((Status::Bogus, reasons))
            }
            DsStatus::Indeterminate => Some((Status::Indeterminate, reasons)),
        }
    }

    /// The keys of `zone` under DS sets that are established, each with the answer that it came in.
    fn keys_under(&mut self, zone: &Name, parent: Option<&Name>, all: Vec<(DsSet, Option<usize>)>) -> Cut {
        let mut sets: Vec<KeySet> = Vec::new();
        let mut best: Option<ZoneLink> = None;
        let answers = self.answers_to(zone, Rtype::DNSKEY);
        for (ds, from) in all {
            let ds = self.limited(zone, ds);
            let mut candidates = Vec::new();
            match decided_by_ds(zone, &self.options.policy.sort_ds(&ds)) {
                Some((status, reason)) => {
                    let said = match from {
                        Some(index) => self.said(vec![reason], index),
                        None => vec![Said::new(reason, None)],
                    };
                    candidates.push(self.link(zone, parent, &ds, status, said, &[from]));
                }
                None if answers.is_empty() => {
                    let mut said = vec![not_captured(
                        zone,
                        format!("the answer to {zone} DNSKEY is missing"),
                    )];
                    for index in self.corpus.silent(zone, Rtype::DNSKEY).iter().copied().take(4) {
                        said.push(self.silence(index, zone));
                    }
                    candidates.push(self.link(zone, parent, &ds, Status::Indeterminate, said, &[from]));
                }
                None => {
                    for index in &answers {
                        let Some(found) = self.keys_answer(zone, &ds, *index) else {
                            continue;
                        };
                        let said = self.said(found.reasons.clone(), *index);
                        let mut link =
                            self.link(zone, parent, &ds, found.status, said, &[from, Some(*index)]);
                        link.dnskey = found.keys.iter().map(|key| KeyMark::of(key, &found)).collect();
                        if found.status == Status::Secure {
                            let set = KeySet { keys: found.trusted };
                            if !sets.contains(&set) && sets.len() < MOST_KEY_SETS {
                                sets.push(set);
                            }
                        } else {
                            self.set_aside(*index, found.status, &link.reasons);
                        }
                        candidates.push(link);
                    }
                }
            }
            for link in candidates {
                let better = best.as_ref().is_none_or(|known| {
                    rank(link.verdict, &link.reasons) < rank(known.verdict, &known.reasons)
                });
                if better {
                    best = Some(link);
                }
            }
        }
        let Some(link) = best else {
            return Cut::Unknown(Vec::new());
        };
        let (status, reasons) = (link.verdict, link.reasons.clone());
        self.links.push(link);
        if status == Status::Secure {
            Cut::Zone(Arc::new(sets))
        } else {
            Cut::Ended(status, reasons)
        }
    }

    fn keys_answer(&mut self, zone: &Name, ds: &DsSet, index: usize) -> Option<KeysVerdict> {
        let corpus = self.corpus;
        let message = corpus.get(index)?.answer.as_ref().ok()?;
        let found = self.judge(|judge| judge.dnskey(zone, ds, message));
        let server = self.server(index);
        self.tried
            .push(Tried::of(format!("{zone} DNSKEY"), zone, server, &found.signers));
        Some(found)
    }

    fn link(
        &self,
        zone: &Name,
        parent: Option<&Name>,
        ds: &DsSet,
        verdict: Status,
        reasons: Vec<Said>,
        from: &[Option<usize>],
    ) -> ZoneLink {
        let mut servers: Vec<String> = from
            .iter()
            .flatten()
            .filter_map(|index| self.server(*index))
            .collect();
        servers.dedup();
        ZoneLink {
            zone: zone.clone(),
            parent: parent.cloned(),
            verdict,
            ds: ds.clone(),
            dnskey: Vec::new(),
            servers,
            reasons,
        }
    }

    /// As many DS records as are used.
    fn limited(&mut self, zone: &Name, ds: DsSet) -> DsSet {
        let most = self.options.limits.ds_records as usize;
        if ds.len() <= most {
            return ds;
        }
        let text = format!("{} more DS records of {zone} were not used", ds.len() - most);
        self.overrun(zone, text);
        ds.into_iter().take(most).collect()
    }

    /// Why a question has no message for an answer.
    pub(super) fn silence(&self, index: usize, zone: &Name) -> Said {
        let (question, why) = match self.corpus.get(index) {
            Some(one) => (
                format!("{} {}", one.name, one.rtype),
                one.answer.as_ref().err().cloned().unwrap_or_default(),
            ),
            None => (String::new(), String::new()),
        };
        let text = format!("no answer to {question}: {why}");
        Said::new(
            Reason::new("no-answer", zone, text, "RFC 4035 section 4.3"),
            self.server(index),
        )
    }
}
