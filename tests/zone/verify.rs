//! Zones that hold, and zones that were damaged in one way each.

use std::collections::BTreeSet;

use unbroken::dns::{Name, Record, Rtype, parse_records};
use unbroken::dnssec::{Dnskey, Ds, DsSet, Rrsig};
use unbroken::zone::{Body, Finding, Findings, Leftover, Sink, Verifier};

use super::made::{How, NSEC, NSEC3, PLAIN, apex, at, over, signed, signed_by_ldns, text, tool};

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

fn findings_at(records: &[Record], when: i64, anchors: Option<&DsSet>) -> Vec<Finding> {
    let mut body = Body::new(apex());
    records.iter().for_each(|record| body.add(record));
    body.sort();
    let verifier = Verifier::new(&body, when, anchors);
    let (mut findings, mut left) = (Findings::new(1000), Leftover::default());
    // In small parts, as threads take them.
    for part in body.parts(3) {
        let (mut own, mut rest) = (Findings::new(1000), Leftover::default());
        verifier.part(part, &mut rest, &mut own);
        findings.merge(own);
        left.merge(rest);
    }
    verifier.finish(left, &mut findings);
    findings.sorted().to_vec()
}

fn codes(records: &[Record]) -> BTreeSet<&'static str> {
    findings_at(records, now(), None)
        .iter()
        .map(|finding| finding.code)
        .collect()
}

fn shown(records: &[Record]) -> Vec<String> {
    findings_at(records, now(), None)
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn parsed(line: &str) -> Record {
    parse_records(line, &apex(), 300).unwrap().remove(0)
}

/// What the verifiers of BIND, ldns and Knot DNS say of the same zone: whether they take it. Knot's is asked unless a person
/// left servers' packages out (`tests/run --without-peers`).
fn peers(records: &[Record]) -> [Option<bool>; 3] {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("zone"), text(records)).unwrap();
    let bind = tool(dir.path(), "dnssec-verify", &["-q", "-o", "shop.test", "zone"]);
    let ldns = tool(dir.path(), "ldns-verify-zone", &["-V", "0", "zone"]);
    let asks_knot = std::env::var("UNBROKEN_WITHOUT_PEERS").is_err();
    let knot = asks_knot.then(|| tool(dir.path(), "kzonecheck", &["-d", "on", "-o", "shop.test", "zone"]));
    [Some(bind), Some(ldns), knot].map(|ran| ran.map(|(code, _)| code == Some(0)))
}

/// Changes the signatures that `which` finds.
fn edit(records: &mut [Record], which: impl Fn(&Record) -> bool, change: impl Fn(&mut Rrsig)) {
    let mut changed = 0;
    for record in records.iter_mut().filter(|record| which(record)) {
        let mut signature = Rrsig::from_rdata(&record.rdata, record.ttl).unwrap();
        change(&mut signature);
        record.ttl = signature.ttl;
        record.rdata = signature.rdata();
        changed += 1;
    }
    assert!(changed > 0, "nothing was there to change");
}

fn remove(records: &mut Vec<Record>, which: impl Fn(&Record) -> bool) {
    let before = records.len();
    records.retain(|record| !which(record));
    assert!(records.len() < before, "nothing was there to remove");
}

fn find(records: &[Record], which: impl Fn(&Record) -> bool) -> Record {
    records.iter().find(|record| which(record)).unwrap().clone()
}

#[test]
fn zones_that_hold() {
    let opt_out: How = How {
        algorithm: "ECDSAP256SHA256",
        arguments: &["-3", "-", "-H", "0", "-A"],
    };
    for how in [
        NSEC,
        NSEC3,
        opt_out,
        How {
            algorithm: "ED25519",
            ..NSEC
        },
        How {
            algorithm: "RSASHA256",
            ..NSEC3
        },
        How {
            algorithm: "ECDSAP384SHA384",
            ..NSEC
        },
    ] {
        let records = signed(PLAIN, how);
        assert_eq!(shown(&records), Vec::<String>::new(), "{how:?}");
        let [bind, _, knot] = peers(&records);
        assert_eq!((bind, knot.unwrap_or(true)), (Some(true), true), "{how:?}");
        // Order and letter case are nothing to a zone.
        let mut shuffled = records.clone();
        shuffled.reverse();
        assert_eq!(shown(&shuffled), Vec::<String>::new(), "{how:?}");
    }
    assert_eq!(shown(&signed_by_ldns(PLAIN, &[])), Vec::<String>::new());
    // ldns hashes once more than RFC 9276 asks for, unless told otherwise.
    let hashed = signed_by_ldns(PLAIN, &["-n"]);
    assert_eq!(codes(&hashed), BTreeSet::from(["nsec3-parameters"]));
}

/// One damage, the findings that it must have (and no others), and whether BIND, ldns and Knot DNS refuse the zone too.
type Damage = (
    &'static str,
    fn(&mut Vec<Record>),
    &'static [&'static str],
    [bool; 3],
);

const ALL: [bool; 3] = [true, true, true];
const NOT_BIND: [bool; 3] = [false, true, true];
const NOT_LDNS: [bool; 3] = [true, false, true];
const NOT_KNOT: [bool; 3] = [true, true, false];
const BIND: [bool; 3] = [true, false, false];
const LDNS: [bool; 3] = [false, true, false];
const KNOT: [bool; 3] = [false, false, true];

fn check(base: &[Record], damages: &[Damage]) {
    let mut wrong = Vec::new();
    for (what, damage, expected, refused) in damages {
        let mut records = base.to_vec();
        damage(&mut records);
        let found = codes(&records);
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        if found != expected {
            wrong.push(format!(
                "{what}: found {found:?}, expected {expected:?}\n{:#?}",
                shown(&records)
            ));
        }
        let theirs = peers(&records).map(|takes| takes.map(|takes| !takes));
        if theirs
            .iter()
            .zip(refused)
            .any(|(said, expected)| said.is_some_and(|said| said != *expected))
        {
            wrong.push(format!(
                "{what}: [BIND, ldns, Knot] refuse it: {theirs:?}, expected {refused:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const WITH_NSEC: &[Damage] = &[
    (
        "an octet of a signature",
        |r| edit(r, over("mail", Rtype::A), |s| s.signature[9] ^= 1),
        &["rrsig-bad", "no-good-signature"],
        ALL,
    ),
    (
        "an octet of data",
        |r| {
            r.iter_mut()
                .filter(|x| at("mail", Rtype::A)(x))
                .for_each(|x| x.rdata[3] ^= 1)
        },
        &["rrsig-bad", "no-good-signature"],
        ALL,
    ),
    (
        "one record of several",
        |r| remove(r, |x| at("@", Rtype::NS)(x) && x.rdata.starts_with(b"\x03ns2")),
        &["rrsig-bad", "no-good-signature"],
        ALL,
    ),
    (
        "a signature is gone",
        |r| remove(r, over("mail", Rtype::A)),
        &["not-signed"],
        ALL,
    ),
    (
        "every TTL of an RRset",
        |r| {
            r.iter_mut()
                .filter(|x| at("mail", Rtype::A)(x))
                .for_each(|x| x.ttl = 60)
        },
        &["rrsig-ttl", "no-good-signature"],
        NOT_LDNS,
    ),
    (
        "TTLs within an RRset",
        |r| {
            r.iter_mut()
                .filter(|x| at("@", Rtype::NS)(x))
                .take(1)
                .for_each(|x| x.ttl = 60)
        },
        &["ttl-differs"],
        BIND,
    ),
    (
        "RRset and signature, but not what is signed",
        |r| {
            r.iter_mut()
                .filter(|x| at("mail", Rtype::A)(x) || over("mail", Rtype::A)(x))
                .for_each(|x| x.ttl = 60);
        },
        &["original-ttl", "no-good-signature"],
        NOT_LDNS,
    ),
    (
        "the labels",
        |r| edit(r, over("mail", Rtype::A), |s| s.labels = 2),
        &["rrsig-labels", "no-good-signature"],
        ALL,
    ),
    (
        "the signer",
        |r| {
            edit(r, over("mail", Rtype::A), |s| {
                s.signer = Name::parse("other.test").unwrap()
            })
        },
        &["rrsig-signer", "no-good-signature"],
        ALL,
    ),
    (
        "the key tag",
        |r| edit(r, over("mail", Rtype::A), |s| s.tag ^= 1),
        &["rrsig-unknown-key", "no-good-signature"],
        ALL,
    ),
    (
        "another algorithm",
        |r| edit(r, over("mail", Rtype::A), |s| s.algorithm = 15),
        &["rrsig-unknown-key", "no-good-signature"],
        ALL,
    ),
    (
        "expired",
        |r| edit(r, over("mail", Rtype::A), |s| s.expiration = s.inception + 1),
        &["rrsig-expired", "no-good-signature"],
        ALL,
    ),
    (
        "not yet valid",
        |r| edit(r, over("mail", Rtype::A), |s| s.inception = s.expiration - 1),
        &["rrsig-not-yet-valid", "no-good-signature"],
        ALL,
    ),
    (
        "a record without signature",
        |r| r.push(parsed("mail TXT \"new\"")),
        &["not-signed", "nsec-types"],
        ALL,
    ),
    (
        "a name without signature",
        |r| r.push(parsed("new A 192.0.2.77")),
        &["not-signed", "nsec-missing", "nsec-next"],
        ALL,
    ),
    (
        "an RRset and its signature",
        |r| remove(r, |x| at("ns1", Rtype::AAAA)(x) || over("ns1", Rtype::AAAA)(x)),
        &["nsec-types"],
        NOT_LDNS,
    ),
    (
        "a name with all that it has",
        |r| remove(r, |x| x.name == Name::parse("mail.shop.test").unwrap()),
        &["nsec-next"],
        ALL,
    ),
    (
        "an NSEC and its signature",
        |r| remove(r, |x| at("mail", Rtype::NSEC)(x) || over("mail", Rtype::NSEC)(x)),
        &["nsec-missing"],
        ALL,
    ),
    (
        "the next name",
        |r| {
            r.iter_mut()
                .filter(|x| at("mail", Rtype::NSEC)(x))
                .for_each(|x| x.rdata[2] ^= 1)
        },
        &["nsec-next", "rrsig-bad", "no-good-signature"],
        ALL,
    ),
    (
        "two NSEC records",
        |r| {
            let mut second = find(r, at("mail", Rtype::NSEC));
            second.rdata[1] ^= 1;
            r.push(second);
        },
        &["several-records", "rrsig-bad", "no-good-signature"],
        ALL,
    ),
    (
        "signed glue",
        |r| {
            let mut signature = find(r, over("mail", Rtype::A));
            signature.name = Name::parse("ns.plain.shop.test").unwrap();
            r.push(signature);
        },
        &["signed-not-authoritative"],
        NOT_BIND,
    ),
    (
        "a signed delegation",
        |r| {
            let mut signature = find(r, over("@", Rtype::NS));
            signature.name = Name::parse("plain.shop.test").unwrap();
            r.push(signature);
        },
        &["signed-not-authoritative"],
        NOT_BIND,
    ),
    (
        "NSEC below a delegation",
        |r| {
            let mut nsec = find(r, at("mail", Rtype::NSEC));
            nsec.name = Name::parse("ns.plain.shop.test").unwrap();
            r.push(nsec);
        },
        &["nsec-extra"],
        ALL,
    ),
    (
        "DS and its signature",
        |r| remove(r, |x| at("secure", Rtype::DS)(x) || over("secure", Rtype::DS)(x)),
        &["nsec-types"],
        NOT_LDNS,
    ),
    (
        "DS without a delegation",
        |r| remove(r, at("secure", Rtype::NS)),
        &[
            "ds-without-delegation",
            "not-signed",
            "nsec-missing",
            "nsec-next",
            "nsec-types",
        ],
        ALL,
    ),
    (
        "a signature of nothing",
        |r| remove(r, at("mail", Rtype::A)),
        &["rrsig-covers-nothing", "nsec-types"],
        NOT_LDNS,
    ),
    (
        "data beside a CNAME",
        |r| r.push(parsed("www TXT \"x\"")),
        &["cname-and-other", "not-signed", "nsec-types"],
        ALL,
    ),
    (
        "below a DNAME",
        |r| r.push(parsed("x.old A 192.0.2.1")),
        &["below-dname"],
        KNOT,
    ),
    (
        "a key is gone",
        |r| remove(r, |x| at("@", Rtype::DNSKEY)(x) && x.rdata.starts_with(&[1, 0])),
        &["rrsig-bad", "no-good-signature", "rrsig-unknown-key"],
        ALL,
    ),
    (
        "no key",
        |r| remove(r, at("@", Rtype::DNSKEY)),
        &["dnskey-missing"],
        ALL,
    ),
    (
        "no denial",
        |r| {
            remove(r, |x| {
                x.rtype == Rtype::NSEC || x.rdata.starts_with(&Rtype::NSEC.0.to_be_bytes())
            })
        },
        &["denial-missing"],
        ALL,
    ),
    (
        "no SOA",
        |r| remove(r, at("@", Rtype::SOA)),
        &["soa-missing", "rrsig-covers-nothing", "nsec-types"],
        ALL,
    ),
    (
        "no NS",
        |r| remove(r, |x| at("@", Rtype::NS)(x) || over("@", Rtype::NS)(x)),
        &["ns-missing", "nsec-types"],
        NOT_LDNS,
    ),
    (
        "a name of elsewhere",
        |r| {
            let mut record = find(r, at("mail", Rtype::A));
            record.name = Name::parse("mail.other.test").unwrap();
            r.push(record);
        },
        &["out-of-zone"],
        LDNS,
    ),
    (
        "a key of another algorithm signs nothing",
        |r| {
            r.push(parsed(
                "@ DNSKEY 256 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
            ));
        },
        &["rrsig-bad", "no-good-signature"],
        ALL,
    ),
    (
        "a TTL of denial",
        |r| {
            r.iter_mut()
                .filter(|x| at("mail", Rtype::NSEC)(x) || over("mail", Rtype::NSEC)(x))
                .for_each(|x| x.ttl = 60)
        },
        &["denial-ttl", "original-ttl", "no-good-signature"],
        NOT_LDNS,
    ),
    (
        "a digest of a wrong length",
        |r| r.push(parsed("plain DS 1 13 2 ABCD")),
        &["ds-form", "not-signed", "nsec-types"],
        ALL,
    ),
    (
        "a CDS elsewhere",
        |r| r.push(parsed("mail CDS 1 13 2 ABCD")),
        &["apex-type-elsewhere", "not-signed", "nsec-types"],
        ALL,
    ),
];

#[test]
fn damages_of_a_zone_with_nsec() {
    check(&signed(PLAIN, NSEC), WITH_NSEC);
}

/// The NSEC3 record of a name, found by its types: that with exactly these.
fn nsec3_with(records: &[Record], types: &str) -> Record {
    let wanted = format!(" {types}");
    let found: Vec<&Record> = records
        .iter()
        .filter(|record| record.rtype == Rtype::NSEC3 && record.rdata_text().ends_with(&wanted))
        .collect();
    found
        .first()
        .unwrap_or_else(|| panic!("no NSEC3 with {types}"))
        .to_owned()
        .clone()
}

fn without_name(records: &mut Vec<Record>, name: &Name) {
    remove(records, |record| record.name == *name);
}

const WITH_NSEC3: &[Damage] = &[
    (
        "an NSEC3 is gone",
        |r| {
            let name = nsec3_with(r, "NS").name;
            without_name(r, &name);
        },
        &["nsec3-missing", "nsec3-next"],
        ALL,
    ),
    (
        "that of an empty non-terminal",
        |r| {
            let name = r
                .iter()
                .find(|x| x.rtype == Rtype::NSEC3 && x.rdata.len() == 26)
                .unwrap()
                .name
                .clone();
            without_name(r, &name);
        },
        &["nsec3-missing", "nsec3-next"],
        ALL,
    ),
    (
        "the types",
        |r| remove(r, |x| at("ns1", Rtype::AAAA)(x) || over("ns1", Rtype::AAAA)(x)),
        &["nsec3-types"],
        NOT_LDNS,
    ),
    (
        "a name too few",
        |r| remove(r, |x| x.name == Name::parse("mail.shop.test").unwrap()),
        &["nsec3-extra"],
        NOT_KNOT,
    ),
    (
        "a name too many",
        |r| r.push(parsed("new A 192.0.2.77")),
        &["not-signed", "nsec3-missing"],
        ALL,
    ),
    (
        "NSEC3PARAM and its signature",
        |r| {
            remove(r, |x| {
                at("@", Rtype::NSEC3PARAM)(x) || over("@", Rtype::NSEC3PARAM)(x)
            })
        },
        &["nsec3param-missing"],
        NOT_LDNS,
    ),
    (
        "parameters of no chain",
        |r| {
            r.iter_mut()
                .filter(|x| at("@", Rtype::NSEC3PARAM)(x))
                .for_each(|x| x.rdata[3] = 1)
        },
        &[
            "nsec3-missing",
            "nsec3-parameters",
            "nsec3param-missing",
            "rrsig-bad",
            "no-good-signature",
        ],
        ALL,
    ),
];

#[test]
fn damages_of_a_zone_with_nsec3() {
    check(&signed(PLAIN, NSEC3), WITH_NSEC3);
}

#[test]
fn opt_out_hides_insecure_delegations_only() {
    let base = signed(
        PLAIN,
        How {
            arguments: &["-3", "-", "-H", "0", "-A"],
            ..NSEC
        },
    );
    assert!(
        base.len() < signed(PLAIN, NSEC3).len(),
        "the delegation was not left out"
    );
    let mut records = base.clone();
    records.push(parsed("fresh NS ns.other.test."));
    assert_eq!(codes(&records), BTreeSet::new());
    let mut records = base.clone();
    records.push(parsed("fresh A 192.0.2.1"));
    assert!(codes(&records).contains("nsec3-missing"));
    let mut records = base;
    for record in records.iter_mut().filter(|record| record.rtype == Rtype::NSEC3) {
        record.rdata[1] = 0;
    }
    assert!(codes(&records).contains("nsec3-missing"));
}

#[test]
fn iterations_beyond_the_limit_cost_nothing() {
    let records = signed(
        PLAIN,
        How {
            arguments: &["-3", "AABB", "-H", "3"],
            ..NSEC
        },
    );
    assert_eq!(codes(&records), BTreeSet::from(["nsec3-parameters"]));
    let mut many = records.clone();
    for record in many.iter_mut() {
        if matches!(record.rtype, Rtype::NSEC3 | Rtype::NSEC3PARAM) {
            record.rdata[2..4].copy_from_slice(&[255, 255]);
        }
    }
    assert_eq!(
        codes(&many),
        BTreeSet::from(["nsec3-iterations", "rrsig-bad", "no-good-signature"])
    );
}

fn ds_of(records: &[Record], sep: bool) -> DsSet {
    records
        .iter()
        .filter(|record| record.rtype == Rtype::DNSKEY)
        .filter_map(|record| Dnskey::from_rdata(&record.rdata))
        .filter(|key| key.is_sep() == sep)
        .filter_map(|key| Ds::of(&apex(), &key, 2))
        .collect()
}

#[test]
fn anchors_have_to_match_a_key_that_signs_the_keys() {
    // The DNSKEY RRset is signed with the KSK alone.
    let records = signed(
        PLAIN,
        How {
            arguments: &["-x"],
            ..NSEC
        },
    );
    let codes = |anchors: &DsSet| -> Vec<&str> {
        findings_at(&records, now(), Some(anchors))
            .iter()
            .map(|finding| finding.code)
            .collect()
    };
    let (ksk, zsk) = (ds_of(&records, true), ds_of(&records, false));
    assert_eq!(codes(&ksk), Vec::<&str>::new());
    assert_eq!(codes(&zsk), ["anchor-mismatch"]);
    let mut other = ksk.clone();
    other.insert(Ds {
        algorithm: 15,
        ..ksk.first().unwrap().clone()
    });
    assert_eq!(codes(&other), ["ds-algorithm-without-key"]);
}

#[test]
fn the_time_is_an_argument() {
    let records = signed(PLAIN, NSEC);
    let at = |when| -> BTreeSet<&str> {
        findings_at(&records, when, None)
            .iter()
            .map(|finding| finding.code)
            .collect()
    };
    assert_eq!(at(now()), BTreeSet::new());
    assert_eq!(
        at(now() + 864_000 + 60),
        BTreeSet::from(["rrsig-expired", "no-good-signature"])
    );
    assert_eq!(
        at(now() - 86_400),
        BTreeSet::from(["rrsig-not-yet-valid", "no-good-signature"])
    );
}

#[test]
fn cds_and_cdnskey_must_not_break_the_delegation() {
    let base = signed(PLAIN, NSEC);
    let own: Vec<Record> = ds_of(&base, true)
        .iter()
        .map(|ds| Record::new(apex(), Rtype::CDS, 300, ds.rdata()))
        .collect();
    let foreign = parsed("@ CDS 1 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF");
    let delete = parsed("@ CDS 0 0 0 00");
    let other_key = parsed("@ CDNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
    let cases: [(&str, Vec<Record>, &[&str]); 6] = [
        ("its own", own.clone(), &[]),
        (
            "its own and that of another signer",
            [own.clone(), vec![foreign.clone()]].concat(),
            &[],
        ),
        ("that of another signer alone", vec![foreign], &["cds-breaks"]),
        ("a request to delete", vec![delete.clone()], &["cds-delete"]),
        (
            "a request to delete beside others",
            [own.clone(), vec![delete]].concat(),
            &["cds-delete-not-alone"],
        ),
        (
            "CDS and CDNSKEY that differ",
            [own, vec![other_key]].concat(),
            &["cds-cdnskey-differ", "cds-breaks"],
        ),
    ];
    for (what, more, expected) in cases {
        let mut records = base.clone();
        records.extend(more);
        let found: BTreeSet<&str> = codes(&records)
            .into_iter()
            .filter(|code| code.starts_with("cds"))
            .collect();
        assert_eq!(found, expected.iter().copied().collect(), "{what}");
    }
}

#[test]
fn zonemd_covers_what_no_signature_does() {
    let records = signed_by_ldns(PLAIN, &["-z", "simple:sha384", "-z", "simple:sha512"]);
    assert_eq!(
        records
            .iter()
            .filter(|record| record.rtype == Rtype::ZONEMD)
            .count(),
        2
    );
    assert_eq!(shown(&records), Vec::<String>::new());
    let mut glue = records.clone();
    glue.iter_mut()
        .filter(|x| at("ns.plain", Rtype::A)(x))
        .for_each(|x| x.rdata[3] ^= 1);
    assert_eq!(codes(&glue), BTreeSet::from(["zonemd-mismatch"]));
    let mut twice = records;
    let mut copy = find(&twice, at("@", Rtype::ZONEMD));
    copy.rdata[7] ^= 1;
    twice.push(copy);
    assert!(codes(&twice).contains("zonemd-form"));
}

#[test]
fn the_command_says_what_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = signed(PLAIN, NSEC);
    std::fs::write(dir.path().join("good.zone"), text(&records)).unwrap();
    edit(&mut records, over("mail", Rtype::A), |signature| {
        signature.signature[9] ^= 1
    });
    std::fs::write(dir.path().join("bad.zone"), text(&records)).unwrap();
    let good = super::support::unbroken(dir.path(), &["zone", "verify", "good.zone"]);
    assert_eq!((good.code, good.err.as_str()), (Some(0), ""), "{}", good.out);
    assert!(good.out.ends_with("# it holds\n"), "{}", good.out);
    let bad = super::support::unbroken(dir.path(), &["zone", "verify", "bad.zone", "--threads", "1"]);
    assert_eq!(bad.code, Some(1));
    let lines: Vec<&str> = bad.out.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(
        lines[1].starts_with("error mail.shop.test. A rrsig-bad: the signature by key "),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    let json = super::support::unbroken(dir.path(), &["zone", "verify", "bad.zone", "--json"]).json();
    assert_eq!(json["verdict"], "fails");
    assert_eq!(json["counts"]["rrsig-bad"], 1);
    assert_eq!(json["findings"][1]["name"], "mail.shop.test.");
    let late = super::support::unbroken(
        dir.path(),
        &["zone", "verify", "good.zone", "--at", "2100-01-01T00:00:00Z"],
    );
    assert_eq!(late.code, Some(1));
    std::fs::write(
        dir.path().join("broken.zone"),
        "$ORIGIN shop.test.\n@ SOA a b 1 2 3 4 5\nx A (\n",
    )
    .unwrap();
    let broken = super::support::unbroken(dir.path(), &["zone", "verify", "broken.zone"]);
    assert_eq!(broken.code, Some(2));
    assert!(
        broken
            .err
            .contains("broken.zone:3: the parenthesis opened in line 3 is never closed"),
        "{}",
        broken.err
    );
}
