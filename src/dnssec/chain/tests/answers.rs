//! Positive, negative, wildcard and alias answers.

use super::*;

#[test]
fn the_forms_of_answers() {
    let form = |qname: &str, qtype, answer: &str, authority: &str, aa, rcode| {
        let mut found = message(qname, qtype, records(answer), records(authority));
        found.flags.authoritative = aa;
        found.rcode = rcode;
        classify(&name(qname), qtype, &name("shop.test."), &found)
    };
    let soa = "shop.test. SOA ns.test. root.test. 1 2 3 4 60\n";
    let ok = Rcode::NOERROR;
    assert_eq!(form("www.shop.test.", Rtype::A, A, "", true, ok), Form::Positive);
    assert_eq!(form("www.shop.test.", Rtype::A, A, "", false, ok), Form::Lame);
    assert_eq!(
        form("www.shop.test.", Rtype::AAAA, "", soa, true, ok),
        Form::NoData
    );
    assert_eq!(
        form("www.shop.test.", Rtype::A, "", soa, true, Rcode::NXDOMAIN),
        Form::NxDomain
    );
    let cut = "sub.shop.test. NS ns.test.\n";
    assert_eq!(
        form("www.sub.shop.test.", Rtype::A, "", cut, false, ok),
        Form::Referral
    );
    assert_eq!(form("www.shop.test.", Rtype::A, "", cut, false, ok), Form::Lame);
    assert_eq!(
        form("www.shop.test.", Rtype::A, "", "test. NS ns.test.\n", false, ok),
        Form::Lame
    );
    let alias = "www.shop.test. CNAME gone.shop.test.\n";
    assert_eq!(
        form("www.shop.test.", Rtype::A, alias, soa, true, Rcode::NXDOMAIN),
        Form::Positive
    );
}

#[test]
fn negative_answers() {
    let zone = shop();
    let answer = zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!((verdict.kind, verdict.ttl), (Some(AnswerKind::NxDomain), 60));
    assert_eq!(verdict.rrsets.len(), 3);

    let answer = zone.negative("a.shop.test.", Rcode::NOERROR, PROOF);
    let verdict = answer_of(&zone, "a.shop.test.", Rtype::AAAA, &answer);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::NoData))
    );
    let verdict = answer_of(&zone, "a.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["denial-type-exists"])
    );

    let verdict = answer_of(
        &zone,
        "n.shop.test.",
        Rtype::A,
        &zone.negative("n.shop.test.", Rcode::NXDOMAIN, PROOF),
    );
    assert_eq!(codes(&verdict.reasons), ["denial-name-not-covered"]);
    let verdict = answer_of(
        &zone,
        "b.shop.test.",
        Rtype::A,
        &zone.negative("b.shop.test.", Rcode::NXDOMAIN, ""),
    );
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["denial-missing"])
    );
}

#[test]
fn an_unsigned_proof_proves_nothing_and_says_why() {
    let zone = shop();
    let mut answer = zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF);
    answer
        .authority
        .retain(|record| record.rtype != Rtype::RRSIG || record.name == zone.apex);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(verdict.status, Status::Bogus);
    assert_eq!(
        codes(&verdict.reasons),
        ["denial-name-not-covered", "signature-missing"]
    );
    answer.authority.retain(|record| record.rtype != Rtype::NSEC);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(codes(&verdict.reasons)[0], "denial-missing");
}

#[test]
fn a_bad_soa_spoils_a_good_proof() {
    let zone = shop();
    let mut answer = zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF);
    let soa = answer
        .authority
        .iter_mut()
        .find(|r| r.rtype == Rtype::SOA)
        .unwrap();
    *soa.rdata.last_mut().unwrap() ^= 1;
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["signature-invalid"])
    );
}

#[test]
fn a_wildcard_needs_its_proof() {
    let zone = shop();
    let answer = zone.expanded("*.w.shop.test. TXT x\n", "q.w.shop.test.");
    let proof = "*.w.shop.test. NSEC shop.test. TXT RRSIG NSEC\n";
    let good = message("q.w.shop.test.", Rtype::TXT, answer.clone(), zone.signed(proof));
    let verdict = answer_of(&zone, "q.w.shop.test.", Rtype::TXT, &good);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Wildcard))
    );
    assert_eq!(verdict.rrsets.len(), 2);
    let bare = message("q.w.shop.test.", Rtype::TXT, answer.clone(), vec![]);
    let verdict = answer_of(&zone, "q.w.shop.test.", Rtype::TXT, &bare);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["denial-missing"])
    );
    let closer = "*.w.shop.test. NSEC a.q.w.shop.test. TXT RRSIG NSEC\n";
    let closer = message("q.w.shop.test.", Rtype::TXT, answer, zone.signed(closer));
    let verdict = answer_of(&zone, "q.w.shop.test.", Rtype::TXT, &closer);
    assert_eq!(codes(&verdict.reasons), ["wildcard-not-proven"]);
}

#[test]
fn an_nsec_made_from_a_wildcard_proves_nothing() {
    let zone = shop();
    let mut authority = zone.signed(&zone.soa());
    authority.extend(zone.expanded("*.shop.test. NSEC shop.test. A RRSIG NSEC\n", "b.shop.test."));
    let answer = message("b.shop.test.", Rtype::AAAA, vec![], authority);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::AAAA, &answer);
    assert_eq!(verdict.status, Status::Bogus);
    assert!(codes(&verdict.reasons).contains(&"denial-expanded"));
}

#[test]
fn aliases_are_followed_within_the_zone() {
    let zone = shop();
    let answer = zone.signed("www.shop.test. CNAME web.shop.test.\nweb.shop.test. A 192.0.2.1\n");
    let mut answer = message("www.shop.test.", Rtype::A, answer, vec![]);
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );
    assert_eq!(verdict.rrsets.len(), 2);
    answer
        .answer
        .retain(|r| !(r.rtype == Rtype::RRSIG && r.name == name("web.shop.test.")));
    assert_eq!(
        answer_of(&zone, "www.shop.test.", Rtype::A, &answer).status,
        Status::Bogus
    );

    let out = zone.positive("www.shop.test. CNAME web.elsewhere.test.\n");
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &out);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );

    let mut gone = zone.negative("www.shop.test.", Rcode::NXDOMAIN, PROOF);
    gone.answer = zone.signed("www.shop.test. CNAME b.shop.test.\n");
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &gone);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );
    gone.authority.clear();
    assert_eq!(
        answer_of(&zone, "www.shop.test.", Rtype::A, &gone).status,
        Status::Bogus
    );
}

#[test]
fn a_ring_of_aliases_ends() {
    let zone = shop();
    let answer = zone.signed("a.shop.test. CNAME b.shop.test.\nb.shop.test. CNAME a.shop.test.\n");
    let answer = message("a.shop.test.", Rtype::A, answer, vec![]);
    let verdict = answer_of(&zone, "a.shop.test.", Rtype::A, &answer);
    assert_eq!(verdict.status, Status::Indeterminate);
    assert_eq!(codes(&verdict.reasons), ["too-many-aliases"]);
}

#[test]
fn the_cname_beside_a_dname_must_be_what_it_makes() {
    let zone = shop();
    let mut answer = zone.signed("old.shop.test. DNAME new.shop.test.\nx.new.shop.test. A 192.0.2.1\n");
    answer.extend(records("x.old.shop.test. CNAME x.new.shop.test.\n"));
    let mut answer = message("x.old.shop.test.", Rtype::A, answer, vec![]);
    let verdict = answer_of(&zone, "x.old.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!(verdict.kind, Some(AnswerKind::Dname));
    let cname = answer
        .answer
        .iter_mut()
        .find(|r| r.rtype == Rtype::CNAME)
        .unwrap();
    cname.rdata = name("evil.test.").wire().to_vec();
    let verdict = answer_of(&zone, "x.old.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["dname-wrong-cname"])
    );
}

/// One server may serve a zone and one below it.
#[test]
fn answers_of_a_zone_below_are_left_to_its_own_keys() {
    let (zone, below) = (shop(), Zone::new("sub.shop.test."));
    let data = below.signed("x.sub.shop.test. A 192.0.2.1\n");
    let answer = message("x.sub.shop.test.", Rtype::A, data.clone(), vec![]);
    let verdict = answer_of(&zone, "x.sub.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Indeterminate, vec!["child-zone"])
    );

    let denial = below.negative(
        "y.sub.shop.test.",
        Rcode::NXDOMAIN,
        "sub.shop.test. NSEC x.sub.shop.test. NS SOA\n",
    );
    let verdict = answer_of(&zone, "y.sub.shop.test.", Rtype::A, &denial);
    assert_eq!(codes(&verdict.reasons), ["child-zone"]);

    let mut alias = zone.signed("www.shop.test. CNAME x.sub.shop.test.\n");
    alias.extend(data);
    let answer = message("www.shop.test.", Rtype::A, alias, vec![]);
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );
    assert_eq!(verdict.rrsets.len(), 1);
}

#[test]
fn verdicts_are_written_in_stable_words() {
    let zone = shop();
    let verdict = judge_dnskey(
        &zone.apex,
        &DsSet::new(),
        &zone.good_dnskey_answer(),
        NOW,
        &mut Budget::default(),
    );
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["status"], "insecure");
    assert_eq!(json["zone"], "shop.test.");
    assert_eq!(json["reasons"][0]["code"], "ds-none");
    assert_eq!(json["keys"].as_array().unwrap().len(), 2);
    assert_eq!(serde_json::to_value(AnswerKind::NxDomain).unwrap(), "nx-domain");
    assert_eq!(serde_json::to_value(Form::ServFail).unwrap(), "serv-fail");
    assert_eq!(
        serde_json::to_value(DsStatus::ProvenAbsent).unwrap(),
        "proven-absent"
    );
}
