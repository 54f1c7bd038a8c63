//! What parents say, and the walk down.

use super::*;

fn ds_of(parent: &Zone, answer: &Message) -> DsVerdict {
    let budget = &mut Budget::default();
    judge_ds(
        &name("shop.test."),
        &parent.apex,
        &parent.keys(),
        answer,
        NOW,
        budget,
    )
}

#[test]
fn what_a_parent_says() {
    let (parent, zone) = (Zone::new("test."), shop());
    let text: String = zone
        .ds()
        .iter()
        .map(|ds| format!("shop.test. 900 DS {ds}\n"))
        .collect();
    let mut answer = parent.positive(&text);
    let verdict = ds_of(&parent, &answer);
    assert_eq!(verdict.status, DsStatus::Secure(zone.ds()));
    assert_eq!((verdict.ttl, verdict.signers.attempts.len()), (900, 1));
    answer.answer.retain(|record| record.rtype == Rtype::DS);
    let verdict = ds_of(&parent, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (DsStatus::Bogus, vec!["signature-missing"])
    );
    assert_eq!(verdict.records, zone.ds());

    let absent = |proof: &str| ds_of(&parent, &parent.negative("shop.test.", Rcode::NOERROR, proof));
    let verdict = absent("shop.test. 30 NSEC t.test. NS RRSIG NSEC\n");
    assert_eq!((verdict.status, verdict.ttl), (DsStatus::ProvenAbsent, 30));
    for (proof, code) in [
        ("shop.test. NSEC t.test. NS DS RRSIG NSEC\n", "denial-type-exists"),
        ("shop.test. NSEC t.test. A RRSIG NSEC\n", "no-delegation"),
        ("shop.test. NSEC t.test. NS SOA RRSIG NSEC\n", "denial-child-side"),
        ("a.test. NSEC t.test. NS RRSIG NSEC\n", "no-delegation"),
        ("", "denial-missing"),
    ] {
        let verdict = absent(proof);
        assert_eq!(
            (verdict.status, codes(&verdict.reasons)),
            (DsStatus::Bogus, vec![code])
        );
    }
}

#[test]
fn a_ds_made_from_a_wildcard_is_bogus() {
    let (parent, zone) = (Zone::new("test."), shop());
    let text: String = zone.ds().iter().map(|ds| format!("*.test. DS {ds}\n")).collect();
    let answer = message(
        "shop.test.",
        Rtype::DS,
        parent.expanded(&text, "shop.test."),
        vec![],
    );
    let verdict = ds_of(&parent, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (DsStatus::Bogus, vec!["ds-from-wildcard"])
    );
}

#[test]
fn a_proof_that_only_others_can_check_is_indeterminate() {
    let parent = Zone::new("test.");
    let rsa = short_rsa();
    let tag = rsa.tag();
    let proof = records("shop.test. NSEC t.test. NS RRSIG NSEC\n");
    let proof = parent.signed_with(proof, |signature| (signature.algorithm, signature.tag) = (8, tag));
    let answer = message("shop.test.", Rtype::DS, vec![], proof);
    let keys = [parent.zsk.key.clone(), rsa];
    let budget = &mut Budget::default();
    let verdict = judge_ds(&name("shop.test."), &parent.apex, &keys, &answer, NOW, budget);
    assert_eq!(verdict.status, DsStatus::Indeterminate);
    assert_eq!(
        codes(&verdict.reasons),
        ["denial-missing", "cannot-check-key-size"]
    );
}

#[test]
fn a_parent_that_cannot_answer_leaves_it_open() {
    let parent = Zone::new("test.");
    let lame = Message {
        flags: crate::dns::Flags {
            response: true,
            ..Default::default()
        },
        ..message("shop.test.", Rtype::DS, vec![], vec![])
    };
    let verdict = ds_of(&parent, &lame);
    assert_eq!(verdict.status, DsStatus::Indeterminate);
    let budget = &mut Budget::default();
    let answer = parent.negative("shop.test.", Rcode::NOERROR, "");
    let verdict = judge_ds(&name("shop.test."), &parent.apex, &[], &answer, NOW, budget);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (DsStatus::Indeterminate, vec!["no-trusted-keys"])
    );
    let verdict = judge_ds(&name("test."), &parent.apex, &parent.keys(), &answer, NOW, budget);
    assert_eq!(codes(&verdict.reasons), ["not-the-parent"]);
}

#[test]
fn the_zone_itself_cannot_speak_for_its_parent() {
    let (parent, zone) = (Zone::new("test."), shop());
    let answer = zone.negative(
        "shop.test.",
        Rcode::NOERROR,
        "shop.test. NSEC a.shop.test. NS SOA RRSIG NSEC\n",
    );
    let verdict = ds_of(&parent, &answer);
    assert_eq!(verdict.status, DsStatus::Indeterminate);
    assert_eq!(codes(&verdict.reasons), ["ds-answer-from-child"]);
}

#[test]
fn referrals_carry_ds_or_its_absence() {
    let (parent, zone) = (Zone::new("test."), shop());
    let text: String = zone
        .ds()
        .iter()
        .map(|ds| format!("shop.test. DS {ds}\n"))
        .collect();
    let referral = |proof: &str| {
        let mut authority = parent.signed(proof);
        authority.extend(records("shop.test. NS ns.test.\n"));
        let mut answer = message("www.shop.test.", Rtype::A, vec![], authority);
        answer.flags.authoritative = false;
        answer_of(&parent, "www.shop.test.", Rtype::A, &answer)
    };
    let verdict = referral(&text);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Referral))
    );
    assert_eq!(
        referral("shop.test. NSEC t.test. NS RRSIG NSEC\n").status,
        Status::Insecure
    );
    assert_eq!(referral("").status, Status::Bogus);
}

struct Ladder {
    anchors: Anchors,
    messages: Vec<(Name, Option<Message>, Message)>,
}

fn ladder() -> Ladder {
    let (root, test, shop) = (Zone::new("."), Zone::new("test."), shop());
    let ds = |below: &Zone| -> String {
        below
            .ds()
            .iter()
            .map(|ds| format!("{} DS {ds}\n", below.apex))
            .collect()
    };
    let anchors: String = root.ds().iter().map(|ds| format!(". DS {ds}\n")).collect();
    Ladder {
        anchors: Anchors::parse(&anchors).unwrap(),
        messages: vec![
            (root.apex.clone(), None, root.good_dnskey_answer()),
            (
                test.apex.clone(),
                Some(root.positive(&ds(&test))),
                test.good_dnskey_answer(),
            ),
            (
                shop.apex.clone(),
                Some(test.positive(&ds(&shop))),
                shop.good_dnskey_answer(),
            ),
        ],
    }
}

impl Ladder {
    fn steps(&self) -> Vec<WalkStep<'_>> {
        self.messages
            .iter()
            .map(|(zone, ds, dnskey)| WalkStep {
                zone: zone.clone(),
                ds: ds.as_ref(),
                dnskey: Some(dnskey),
            })
            .collect()
    }

    fn walk(&self, steps: &[WalkStep<'_>]) -> WalkVerdict {
        walk(&self.anchors, steps, NOW, &mut Budget::default())
    }
}

#[test]
fn a_walk_down() {
    let ladder = ladder();
    let verdict = ladder.walk(&ladder.steps());
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!((verdict.zones.len(), verdict.trusted.len()), (3, 2));

    let mut steps = ladder.steps();
    steps[2].dnskey = None;
    let verdict = ladder.walk(&steps);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Indeterminate, vec!["not-captured"])
    );
    let mut steps = ladder.steps();
    steps[1].ds = None;
    assert_eq!(ladder.walk(&steps).status, Status::Indeterminate);
    assert_eq!(ladder.walk(&steps[1..]).status, Status::Indeterminate);
    assert_eq!(ladder.walk(&[]).status, Status::Indeterminate);
    let mut steps = ladder.steps();
    steps.swap(1, 2);
    assert_eq!(ladder.walk(&steps).status, Status::Indeterminate);
}

#[test]
fn a_walk_ends_at_an_insecure_delegation() {
    let ladder = ladder();
    let root = Zone::new(".");
    let proof = "test. NSEC zz. NS RRSIG NSEC\n";
    let absent = root.negative("test.", Rcode::NOERROR, proof);
    let anchors: String = root.ds().iter().map(|ds| format!(". DS {ds}\n")).collect();
    let own = root.good_dnskey_answer();
    let mut steps = ladder.steps();
    steps[0].dnskey = Some(&own);
    steps[1].ds = Some(&absent);
    let verdict = walk(
        &Anchors::parse(&anchors).unwrap(),
        &steps,
        NOW,
        &mut Budget::default(),
    );
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Insecure, vec!["insecure-delegation"])
    );
    assert_eq!((verdict.zones.len(), verdict.trusted.len()), (2, 0));
}
