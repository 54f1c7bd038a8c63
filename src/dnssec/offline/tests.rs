//! Small worlds, captured and damaged.

use std::sync::Arc;

use super::*;
use crate::dns::testing::{message, name, records};
use crate::dns::{Message, Rcode, Record, rrsets};
use crate::dnssec::testing::{NOW, Zone};
use crate::dnssec::{AnswerKind, Ds, DsSet, Rrsig};

/// The root, a zone below it, and one below that, with what was captured of them.
struct Internet {
    root: Zone,
    test: Zone,
    shop: Zone,
    captured: Vec<Captured>,
}

fn seen(qname: &str, rtype: Rtype, server: &str, message: Message) -> Captured {
    Captured {
        name: name(qname),
        rtype,
        server: server.to_owned(),
        transport: "udp".to_owned(),
        at: Some(NOW),
        answer: Ok(Arc::new(message)),
    }
}

/// The DS answer of `parent` for `child`.
fn ds_answer(parent: &Zone, child: &Zone, ds: &DsSet) -> Message {
    let records: Vec<Record> = ds.iter().map(|ds| ds.record(&child.apex, 300)).collect();
    let answer = parent.signed_with(records, |_| {});
    message(&child.apex.to_string(), Rtype::DS, answer, vec![])
}

const WWW: &str = "www.shop.test. 300 IN A 192.0.2.1\n";

impl Internet {
    fn new() -> Internet {
        let (root, test, shop) = (Zone::new("."), Zone::new("test."), Zone::new("shop.test."));
        let captured = vec![
            seen(".", Rtype::DNSKEY, "r", root.good_dnskey_answer()),
            seen("test.", Rtype::DS, "r", ds_answer(&root, &test, &test.ds())),
            seen("test.", Rtype::DNSKEY, "t", test.good_dnskey_answer()),
            seen("shop.test.", Rtype::DS, "t", ds_answer(&test, &shop, &shop.ds())),
            seen("shop.test.", Rtype::DNSKEY, "s", shop.good_dnskey_answer()),
            seen("www.shop.test.", Rtype::A, "s", shop.positive(WWW)),
        ];
        Internet {
            root,
            test,
            shop,
            captured,
        }
    }

    /// Puts another answer in the place of those to its question.
    fn with(mut self, qname: &str, rtype: Rtype, server: &str, message: Message) -> Internet {
        self = self.without(qname, rtype);
        self.captured.push(seen(qname, rtype, server, message));
        self
    }

    fn without(mut self, qname: &str, rtype: Rtype) -> Internet {
        self.captured
            .retain(|one| one.name != name(qname) || one.rtype != rtype);
        self
    }

    fn anchors(&self) -> Anchors {
        let text: String = self
            .root
            .ds()
            .iter()
            .map(|ds| format!(". IN DS {ds}\n"))
            .collect();
        Anchors::parse(&text).unwrap()
    }

    fn judge(&self, qname: &str, rtype: Rtype) -> Verdict {
        self.judge_with(qname, rtype, &Options::at(NOW))
    }

    fn judge_with(&self, qname: &str, rtype: Rtype, options: &Options) -> Verdict {
        let corpus = Corpus::new(self.captured.clone());
        validate(&corpus, &self.anchors(), &name(qname), rtype, options)
    }

    /// The verdict on `www.shop.test. A` with its codes.
    fn www(&self) -> (Status, Vec<&'static str>) {
        told(&self.judge("www.shop.test.", Rtype::A))
    }
}

fn told(verdict: &Verdict) -> (Status, Vec<&'static str>) {
    let codes = verdict.reasons.iter().map(|said| said.reason.code).collect();
    (verdict.status, codes)
}

fn unsigned(text: &str) -> Message {
    let answer = records(text);
    let (qname, rtype) = (answer[0].name.to_string(), answer[0].rtype);
    message(&qname, rtype, answer, vec![])
}

#[test]
fn a_chain_from_the_anchor_down() {
    let verdict = Internet::new().judge("www.shop.test.", Rtype::A);
    assert_eq!(told(&verdict), (Status::Secure, vec![]));
    assert_eq!(verdict.kind, Some(AnswerKind::Positive));
    let zones: Vec<String> = verdict.links.iter().map(|link| link.zone.to_string()).collect();
    assert_eq!(zones, [".", "test.", "shop.test."]);
    assert!(verdict.links.iter().all(|link| link.verdict == Status::Secure));
    assert_eq!(verdict.used[0].zone, Some(name("shop.test.")));
    assert_eq!(verdict.spent.verifications, 6);
    assert!(verdict.unused.is_empty());
}

#[test]
fn what_is_missing_is_named() {
    for (qname, rtype, zone) in [
        (".", Rtype::DNSKEY, "."),
        ("test.", Rtype::DS, "."),
        ("test.", Rtype::DNSKEY, "test."),
        ("shop.test.", Rtype::DS, "test."),
        ("shop.test.", Rtype::DNSKEY, "shop.test."),
        ("www.shop.test.", Rtype::A, "www.shop.test."),
    ] {
        let verdict = Internet::new()
            .without(qname, rtype)
            .judge("www.shop.test.", Rtype::A);
        let (status, codes) = told(&verdict);
        assert_eq!(
            (status, codes[0]),
            (Status::Indeterminate, "not-captured"),
            "{qname} {rtype}"
        );
        assert_eq!(verdict.reasons[0].reason.zone, name(zone));
        assert!(
            verdict.reasons[0]
                .reason
                .text
                .contains(&format!("{qname} {rtype}")),
            "{qname} {rtype}: {}",
            verdict.reasons[0].reason.text
        );
    }
    let nothing = validate(
        &Corpus::new([]),
        &Anchors::iana_root(),
        &name("a.test."),
        Rtype::A,
        &Options::at(NOW),
    );
    assert_eq!(
        told(&nothing),
        (Status::Indeterminate, vec!["not-captured", "not-captured"])
    );
}

#[test]
fn no_anchor_is_indeterminate() {
    let world = Internet::new();
    let corpus = Corpus::new(world.captured.clone());
    let ds = world.shop.ds().into_iter().next().unwrap();
    let below = Anchors::parse(&format!("shop.test. IN DS {ds}\n")).unwrap();
    let options = Options::at(NOW);
    let found = validate(&corpus, &below, &name("www.other."), Rtype::A, &options);
    assert_eq!(found.status, Status::Indeterminate);
    // The anchor of the zone itself needs nothing above it.
    let found = validate(&corpus, &below, &name("www.shop.test."), Rtype::A, &options);
    assert_eq!((found.status, found.links.len()), (Status::Secure, 1));
}

#[test]
fn unsigned_names() {
    let bare = || unsigned(WWW);
    let world = Internet::new().with("www.shop.test.", Rtype::A, "s", bare());
    assert_eq!(world.www(), (Status::Bogus, vec!["signature-missing"]));
    // A server that is not known to serve the zone may serve another one that begins there.
    let world = Internet::new().with("www.shop.test.", Rtype::A, "x", bare());
    assert_eq!(
        world.www(),
        (Status::Indeterminate, vec!["not-captured", "signature-missing"])
    );
    // Where the parent proves that none begins there, it does not matter who answered.
    let proof = "www.shop.test. NSEC zz.shop.test. A RRSIG NSEC\n";
    let denied = |world: &Internet| world.shop.negative("www.shop.test.", Rcode::NOERROR, proof);
    let answer = denied(&world);
    let world = world.with("www.shop.test.", Rtype::DS, "s", answer);
    assert_eq!(world.www(), (Status::Bogus, vec!["signature-missing"]));
    // And where it proves an unsigned delegation.
    let proof = "www.shop.test. NSEC zz.shop.test. NS RRSIG NSEC\n";
    let answer = world.shop.negative("www.shop.test.", Rcode::NOERROR, proof);
    let world = world.with("www.shop.test.", Rtype::DS, "s", answer);
    assert_eq!(world.www().0, Status::Insecure);
}

#[test]
fn an_insecure_delegation_ends_the_chain() {
    let world = Internet::new();
    let proof = "shop.test. NSEC zz.test. NS RRSIG NSEC\n";
    let answer = world.test.negative("shop.test.", Rcode::NOERROR, proof);
    let world = world.with("shop.test.", Rtype::DS, "t", answer);
    assert_eq!(world.www(), (Status::Insecure, vec!["insecure-delegation"]));
    // A signature below does not make it secure, and nothing that is missing makes it less certain.
    let verdict = world
        .without("www.shop.test.", Rtype::A)
        .judge("www.shop.test.", Rtype::A);
    assert_eq!(
        told(&verdict),
        (Status::Insecure, vec!["insecure-delegation", "not-captured"])
    );
}

#[test]
fn a_referral_proves_a_delegation_as_well() {
    let world = Internet::new();
    let ns = records("shop.test. NS ns.shop.test.\n");
    let ds: Vec<Record> = world
        .shop
        .ds()
        .iter()
        .map(|ds| ds.record(&world.shop.apex, 300))
        .collect();
    let mut authority = ns.clone();
    authority.extend(world.test.signed_with(ds, |_| {}));
    let referral = message("www.shop.test.", Rtype::A, vec![], authority);
    let mut world = world.without("shop.test.", Rtype::DS);
    world
        .captured
        .push(seen("www.shop.test.", Rtype::A, "t", referral));
    let verdict = world.judge("www.shop.test.", Rtype::A);
    assert_eq!(verdict.status, Status::Secure);
    let mut authority = ns;
    authority.extend(world.test.signed("shop.test. NSEC zz.test. NS RRSIG NSEC\n"));
    let referral = message("www.shop.test.", Rtype::A, vec![], authority);
    world.captured.pop();
    world
        .captured
        .push(seen("www.shop.test.", Rtype::A, "t", referral));
    assert_eq!(world.www().0, Status::Insecure);
}

#[test]
fn a_validator_may_try_again() {
    let mut world = Internet::new();
    let bad = world
        .shop
        .signed_with(records(WWW), |signature| signature.expiration = (NOW - 10) as u32);
    let bad = message("www.shop.test.", Rtype::A, bad, vec![]);
    world
        .captured
        .insert(0, seen("www.shop.test.", Rtype::A, "bad", bad));
    let other = Zone::new("shop.test.");
    world.captured.insert(
        0,
        seen("shop.test.", Rtype::DNSKEY, "bad", other.good_dnskey_answer()),
    );
    let verdict = world.judge("www.shop.test.", Rtype::A);
    assert_eq!(verdict.status, Status::Secure);
    assert_eq!(verdict.used[0].server, "s");
    let unused: Vec<(&str, &[&str])> = verdict
        .unused
        .iter()
        .map(|one| (one.server.as_str(), one.codes.as_slice()))
        .collect();
    assert_eq!(
        unused,
        [("bad", &["ds-no-key"][..]), ("bad", &["signature-expired"][..])]
    );
    let corpus = Corpus::new(world.captured.clone());
    let each = validate_each(
        &corpus,
        &world.anchors(),
        &name("www.shop.test."),
        Rtype::A,
        &Options::at(NOW),
    );
    let each: Vec<_> = each
        .iter()
        .map(|(index, verdict)| (corpus.captured()[*index].server.as_str(), verdict.status))
        .collect();
    assert_eq!(each, [("bad", Status::Bogus), ("s", Status::Secure)]);
}

/// Two signers with keys of their own: data of each validates under the DNSKEY RRset of each (RFC 8901 Model 2).
#[test]
fn two_signers() {
    let mut world = Internet::new();
    let other = Zone::new("shop.test.");
    let mut ours = world.shop.keys();
    ours.push(other.zsk.key.clone());
    let mut theirs = other.keys();
    theirs.push(world.shop.zsk.key.clone());
    let ds: DsSet = world.shop.ds().into_iter().chain(other.ds()).collect();
    let answer = ds_answer(&world.test, &world.shop, &ds);
    world = world.with("shop.test.", Rtype::DS, "t", answer);
    let by_us = world.shop.dnskey_answer(&ours, &[&world.shop.ksk]);
    let by_them = other.dnskey_answer(&theirs, &[&other.ksk]);
    for keys in [vec![by_us.clone()], vec![by_them.clone()], vec![by_us, by_them]] {
        for data in [world.shop.positive(WWW), other.positive(WWW)] {
            world = world
                .without("shop.test.", Rtype::DNSKEY)
                .with("www.shop.test.", Rtype::A, "d", data);
            for answer in &keys {
                world
                    .captured
                    .push(seen("shop.test.", Rtype::DNSKEY, "k", answer.clone()));
            }
            assert_eq!(world.www().0, Status::Secure);
        }
    }
}

#[test]
fn aliases_across_zones() {
    let world = Internet::new();
    let other = Zone::new("cdn.test.");
    let alias = world.shop.positive("www.shop.test. CNAME www.cdn.test.\n");
    let mut world = world.with("www.shop.test.", Rtype::A, "s", alias);
    let ds = ds_answer(&world.test, &other, &other.ds());
    world.captured.push(seen("cdn.test.", Rtype::DS, "t", ds));
    world
        .captured
        .push(seen("cdn.test.", Rtype::DNSKEY, "c", other.good_dnskey_answer()));
    let verdict = world.judge("www.shop.test.", Rtype::A);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Indeterminate, Some(AnswerKind::Cname))
    );
    world.captured.push(seen(
        "www.cdn.test.",
        Rtype::A,
        "c",
        other.positive("www.cdn.test. A 192.0.2.7\n"),
    ));
    let verdict = world.judge("www.shop.test.", Rtype::A);
    assert_eq!(verdict.status, Status::Secure);
    let used: Vec<String> = verdict.used.iter().map(|one| one.name.to_string()).collect();
    assert_eq!(used, ["www.shop.test.", "www.cdn.test."]);
    // Each link counts.
    let world = world.with(
        "www.cdn.test.",
        Rtype::A,
        "c",
        unsigned("www.cdn.test. A 192.0.2.7\n"),
    );
    assert_eq!(world.www().0, Status::Bogus);
    // A resolver gives the whole way in one message.
    let mut whole = world.shop.positive("www.shop.test. CNAME www.cdn.test.\n");
    whole.answer.extend(other.signed("www.cdn.test. A 192.0.2.7\n"));
    whole.flags.authoritative = false;
    whole.flags.recursion_available = true;
    let world = world
        .without("www.cdn.test.", Rtype::A)
        .with("www.shop.test.", Rtype::A, "s", whole);
    assert_eq!(world.www().0, Status::Secure);
}

#[test]
fn rings_of_aliases_end() {
    let world = Internet::new();
    let one = world.shop.positive("www.shop.test. CNAME x.other.\n");
    let world = world.with("www.shop.test.", Rtype::A, "s", one.clone());
    let mut world = world.with(
        "x.other.",
        Rtype::A,
        "s",
        unsigned("x.other. CNAME www.shop.test.\n"),
    );
    let proof = "other. NSEC test. NS RRSIG NSEC\n";
    let answer = world.root.negative("other.", Rcode::NOERROR, proof);
    world.captured.push(seen("other.", Rtype::DS, "r", answer));
    let (status, codes) = world.www();
    assert_eq!(status, Status::Indeterminate);
    assert!(codes.contains(&"too-many-aliases"), "{codes:?}");
}

#[test]
fn ds_belongs_to_the_parent() {
    let world = Internet::new();
    let verdict = world.judge("shop.test.", Rtype::DS);
    assert_eq!(
        (verdict.status, verdict.used[0].zone.clone()),
        (Status::Secure, Some(name("test.")))
    );
    let proof = "shop.test. NSEC a.shop.test. NS SOA RRSIG NSEC DNSKEY\n";
    let child = world.shop.negative("shop.test.", Rcode::NOERROR, proof);
    let world = world.with("shop.test.", Rtype::DS, "s", child);
    let verdict = world.judge("shop.test.", Rtype::DS);
    assert_eq!(
        told(&verdict),
        (Status::Indeterminate, vec!["ds-answer-from-child"])
    );
}

#[test]
fn what_this_build_cannot_check_is_never_secure() {
    for (algorithm, expected, words) in [
        (16, Status::Indeterminate, "this build cannot check algorithm 16"),
        (200, Status::Insecure, "unknown"),
    ] {
        let world = Internet::new();
        let ds: DsSet = world
            .shop
            .ds()
            .into_iter()
            .map(|ds| Ds { algorithm, ..ds })
            .collect();
        let answer = ds_answer(&world.test, &world.shop, &ds);
        let verdict = world
            .with("shop.test.", Rtype::DS, "t", answer)
            .judge("www.shop.test.", Rtype::A);
        assert_eq!(verdict.status, expected, "{algorithm}");
        assert!(
            verdict.reasons[0].reason.text.contains(words),
            "{}",
            verdict.reasons[0].reason.text
        );
    }
}

/// A key of 512 bits that some validators still check: what only it signs cannot be told here.
#[test]
fn a_short_key_is_indeterminate() {
    let world = Internet::new();
    let short = crate::dnssec::Dnskey {
        flags: 256,
        protocol: 3,
        algorithm: 8,
        public_key: [&[3, 1, 0, 1][..], &[0x81; 64]].concat(),
    };
    let tag = short.tag();
    let mut keys = world.shop.keys();
    keys.push(short);
    let answer = world.shop.dnskey_answer(&keys, &[&world.shop.ksk]);
    let world = world.with("shop.test.", Rtype::DNSKEY, "s", answer);
    let signed = world.shop.signed_with(records(WWW), |signature| {
        signature.algorithm = 8;
        signature.tag = tag;
    });
    let data = message("www.shop.test.", Rtype::A, signed, vec![]);
    let verdict = world
        .with("www.shop.test.", Rtype::A, "s", data)
        .judge("www.shop.test.", Rtype::A);
    assert_eq!(
        told(&verdict),
        (Status::Indeterminate, vec!["cannot-check-key-size"])
    );
    assert!(
        verdict.reasons[0]
            .reason
            .text
            .contains("this build cannot check an RSA key")
    );
}

#[test]
fn silence_and_errors_are_no_proof() {
    let mut world = Internet::new().without("www.shop.test.", Rtype::A);
    world.captured.push(Captured {
        answer: Err("timeout".to_owned()),
        ..seen("www.shop.test.", Rtype::A, "s", unsigned(WWW))
    });
    assert_eq!(
        world.www(),
        (Status::Indeterminate, vec!["not-captured", "no-answer"])
    );
    let mut failed = unsigned(WWW);
    failed.answer.clear();
    failed.rcode = Rcode::SERVFAIL;
    let world = world.with("www.shop.test.", Rtype::A, "s", failed);
    assert_eq!(world.www(), (Status::Indeterminate, vec!["servfail"]));
}

#[test]
fn remarks_change_no_verdict() {
    let world = Internet::new();
    let answer = world
        .shop
        .signed_with(records(WWW), |signature| signature.original_ttl = 60);
    let world = world.with(
        "www.shop.test.",
        Rtype::A,
        "s",
        message("www.shop.test.", Rtype::A, answer, vec![]),
    );
    let (status, codes) = world.www();
    assert_eq!(status, Status::Secure);
    assert!(codes.contains(&"ttl-above-signed"), "{codes:?}");
}

/// A hostile zone: keys of one tag, signatures that mean them, and servers that all say something else.
#[test]
fn the_work_is_bounded_and_what_was_left_out_is_named() {
    let world = Internet::new();
    let mut twins: Vec<_> = (0..40usize)
        .map(|index| {
            let mut twin = world.shop.zsk.key.clone();
            twin.public_key.swap(0, 2 * (index % 31));
            twin.public_key.swap(1, 2 * (index % 31) + 1);
            twin
        })
        .collect();
    twins.dedup();
    twins.push(world.shop.ksk.key.clone());
    let keys = world.shop.dnskey_answer(&twins, &[&world.shop.ksk]);
    let mut world = world
        .with("shop.test.", Rtype::DNSKEY, "s", keys)
        .without("www.shop.test.", Rtype::A);
    let set = rrsets(&records(WWW)).remove(0);
    let zone = world.shop.apex.clone();
    for server in 0..40u8 {
        let mut answer = records(WWW);
        for index in 0..40u8 {
            let mut signature: Rrsig = world.shop.zsk.signature(&set, &zone, |_| {});
            signature.signature[..2].copy_from_slice(&[server, index]);
            answer.push(Record::new(
                set.name.clone(),
                Rtype::RRSIG,
                300,
                signature.rdata(),
            ));
        }
        world.captured.push(seen(
            "www.shop.test.",
            Rtype::A,
            &server.to_string(),
            message("www.shop.test.", Rtype::A, answer, vec![]),
        ));
    }
    let options = Options::at(NOW);
    let verdict = world.judge_with("www.shop.test.", Rtype::A, &options);
    let (status, codes) = told(&verdict);
    assert_eq!(status, Status::Indeterminate);
    assert!(codes.contains(&"work-limit"), "{codes:?}");
    assert!(
        verdict
            .reasons
            .iter()
            .any(|said| said.reason.text.contains("more answers"))
    );
    assert!(verdict.spent.verifications <= options.limits.total_verifications);
    let mut less = options;
    assert!(less.limits.set("total-verifications", 3));
    assert!(!less.limits.set("no-such-limit", 3));
    let verdict = world.judge_with("www.shop.test.", Rtype::A, &less);
    assert_eq!(
        (verdict.status, verdict.spent.verifications),
        (Status::Indeterminate, 3)
    );
}

#[test]
fn errors_of_rfc_8914() {
    for (code, expected) in [
        ("signature-expired", Some(7)),
        ("signature-not-yet-valid", Some(8)),
        ("dnskey-missing", Some(9)),
        ("signature-missing", Some(10)),
        ("key-no-zone-bit", Some(11)),
        ("denial-missing", Some(12)),
        ("denial-type-exists", Some(6)),
        ("nsec3-iterations", Some(27)),
        ("denial-opt-out", None),
        ("ttl-above-signed", None),
    ] {
        assert_eq!(extended_error(code).map(|error| error.code), expected, "{code}");
    }
}

const NO_KEY: &str = "shop.test. 300 IN DNSKEY 256 3 13 AAAA\n";

/// Chains that lead to the zone, that end early, and that break.
fn chains() -> Vec<Internet> {
    let insecure = Internet::new();
    let proof = "shop.test. NSEC zz.test. NS RRSIG NSEC\n";
    let no_ds = insecure.test.negative("shop.test.", Rcode::NOERROR, proof);
    let broken = Internet::new();
    let foreign = ds_answer(&broken.test, &broken.shop, &Zone::new("shop.test.").ds());
    vec![
        Internet::new(),
        Internet::new().without("test.", Rtype::DNSKEY),
        Internet::new().without("shop.test.", Rtype::DS),
        insecure.with("shop.test.", Rtype::DS, "t", no_ds),
        broken.with("shop.test.", Rtype::DS, "t", foreign),
        Internet::new().with("shop.test.", Rtype::DNSKEY, "s", unsigned(NO_KEY)),
    ]
}

/// Answers of every kind that a sweep has, and some that lead the way themselves.
fn to_judge(of: &Internet) -> Vec<Captured> {
    let shop = &of.shop;
    let ds = shop.ds().iter().map(|ds| ds.record(&shop.apex, 300)).collect();
    let mut authority = records("shop.test. NS ns.shop.test.\n");
    authority.extend(of.test.signed_with(ds, |_| {}));
    let referral = message("a.shop.test.", Rtype::A, vec![], authority);
    vec![
        seen("www.shop.test.", Rtype::A, "s", shop.positive(WWW)),
        seen("www.shop.test.", Rtype::A, "s", unsigned(WWW)),
        seen("shop.test.", Rtype::DNSKEY, "s", shop.good_dnskey_answer()),
        seen("shop.test.", Rtype::DNSKEY, "s", unsigned(NO_KEY)),
        seen("a.shop.test.", Rtype::A, "t", referral),
        seen(
            "a.b.shop.test.",
            Rtype::A,
            "s",
            shop.positive("a.b.shop.test. 300 IN A 192.0.2.2\n"),
        ),
        seen(
            "shop.test.",
            Rtype::DS,
            "t",
            ds_answer(&of.test, shop, &shop.ds()),
        ),
        seen(
            "www.shop.test.",
            Rtype::TXT,
            "s",
            shop.positive("www.shop.test. 300 IN TXT \"x\"\n"),
        ),
    ]
}

#[test]
fn a_way_that_others_walked_changes_no_verdict() {
    let mut told = BTreeMap::new();
    for (number, of) in chains().iter().enumerate() {
        let mut above = of.captured.clone();
        above.retain(|one| one.name != name("www.shop.test."));
        for limit in [256, 66, 6, 2] {
            let mut options = Options::at(NOW);
            options.limits.total_verifications = limit;
            let mut way = Way::default();
            // Twice, so that each comes after each.
            for one in to_judge(of).into_iter().chain(to_judge(of)) {
                let label = format!("chain {number}, limit {limit}: {} {}", one.name, one.rtype);
                let corpus = Corpus::new(above.iter().cloned().chain([one]));
                let judge = |way: &mut Way| {
                    validate_below(&corpus, &of.anchors(), above.len(), &options, way).unwrap()
                };
                let alone = judge(&mut Way::default());
                assert_eq!(judge(&mut way), alone, "{label}");
                *told.entry(format!("{:?}", alone.0)).or_insert(0) += 1;
            }
        }
    }
    for status in ["Secure", "Bogus", "Insecure", "Indeterminate"] {
        assert!(told.get(status).is_some_and(|times| *times > 8), "{told:?}");
    }
}
