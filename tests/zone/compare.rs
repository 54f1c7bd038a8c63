//! Copies beside one another: what the command says, and a naive model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use unbroken::dns::{Name, Record, Rtype, parse_records};
use unbroken::zone::{Collector, DifferenceKind, Ignore, Namer, Side, Sink, differences, name_differences};

use super::made::{NSEC, NSEC3, PLAIN, apex, signed, text};
use super::support::{Ran, unbroken};

fn compare(left: &str, right: &str, more: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("left"), left).unwrap();
    std::fs::write(dir.path().join("right"), right).unwrap();
    let arguments = [&["zone", "compare", "left", "right", "--zone", "shop.test"], more].concat();
    unbroken(dir.path(), &arguments)
}

#[test]
fn signed_copies_with_other_keys_and_another_denial_are_equal() {
    let (left, right) = (text(&signed(PLAIN, NSEC)), text(&signed(PLAIN, NSEC3)));
    let ran = compare(&left, &right, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(
        ran.out
            .ends_with("# 0 in the first alone, 0 in the second alone, 0 with another TTL\n"),
        "{}",
        ran.out
    );
    let with_keys = compare(&left, &right, &["--dnskey"]);
    assert_eq!(with_keys.code, Some(1));
    assert_eq!(
        with_keys
            .out
            .lines()
            .filter(|line| line.contains(" DNSKEY "))
            .count(),
        4,
        "{}",
        with_keys.out
    );
}

const LEFT: &str = "\
$TTL 300
@ SOA ns1 host 1 2 3 4 5
@ NS ns1
@ A 192.0.2.80
WWW A 192.0.2.1
api A 192.0.2.2
a.b TXT \"x;y\" \\065
*.wild A 192.0.2.3
gone.below.here A 192.0.2.4
";

const RIGHT: &str = "\
$ORIGIN test.
shop 60 IN SOA other. host. 9 9 9 9 9
shop 60 NS ns.elsewhere.
$ORIGIN shop.TEST.
a.b 300 TXT ( \"x\\;y\"
   A )
www 300 TYPE1 \\# 4 C0 00 02 01
api 60 A 192.0.2.2
api 60 AAAA 2001:db8::2
@ 86400 TYPE65401 \\# 1 00
";

#[test]
fn one_difference_a_line_and_what_will_bite() {
    let ran = compare(LEFT, RIGHT, &["--max-ttl", "3600"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    let marked = |mark: char| -> Vec<&str> {
        lines
            .iter()
            .copied()
            .filter(|line| line.starts_with(mark))
            .collect()
    };
    assert_eq!(
        marked('-'),
        [
            "- shop.test. 300 A 192.0.2.80",
            "- gone.below.here.shop.test. 300 A 192.0.2.4",
            "- *.wild.shop.test. 300 A 192.0.2.3",
        ]
    );
    assert_eq!(
        marked('+'),
        [
            "+ shop.test. 86400 TYPE65401 \\# 1 00",
            "+ api.shop.test. 60 AAAA 2001:db8::2",
        ]
    );
    assert_eq!(marked('~'), ["~ api.shop.test. 300->60 A 192.0.2.2"]);
    let warnings: BTreeSet<(String, String)> = marked('!')
        .iter()
        .map(|line| {
            let mut words = line
                .split(' ')
                .skip(1)
                .map(|word| word.trim_end_matches(':').to_owned());
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    let expected = [
        ("*.wild.shop.test.", "types-differ"),
        ("*.wild.shop.test.", "wildcard-differs"),
        ("api.shop.test.", "types-differ"),
        ("below.here.shop.test.", "empty-non-terminal-differs"),
        ("gone.below.here.shop.test.", "types-differ"),
        ("here.shop.test.", "empty-non-terminal-differs"),
        ("shop.test.", "apex-addresses"),
        ("shop.test.", "private-type"),
        ("shop.test.", "ttl-above-plan"),
        ("shop.test.", "types-differ"),
        ("wild.shop.test.", "empty-non-terminal-differs"),
    ];
    let expected: BTreeSet<(String, String)> = expected
        .iter()
        .map(|(name, code)| ((*name).to_owned(), (*code).to_owned()))
        .collect();
    assert_eq!(warnings, expected, "{}", ran.out);
}

#[test]
fn a_cname_at_the_apex_is_told() {
    let ran = compare(
        "@ 60 SOA a b 1 2 3 4 5\n@ 60 CNAME x.\n",
        "@ 60 SOA a b 1 2 3 4 5\n@ 60 CNAME x.\n",
        &[],
    );
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out.contains("! shop.test. apex-cname: the second copy"),
        "{}",
        ran.out
    );
}

#[test]
fn documents_for_programs() {
    let ran = compare(LEFT, RIGHT, &["--json"]);
    let lines: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ttl = lines.iter().find(|line| line["difference"] == "ttl").unwrap();
    assert_eq!((&ttl["left_ttl"], &ttl["right_ttl"]), (&300.into(), &60.into()));
    let only = lines.iter().find(|line| line["side"] == "right").unwrap();
    assert_eq!(only["rdata"], "\\# 1 00");
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(
        (summary["only_left"].as_u64(), summary["only_right"].as_u64()),
        (Some(3), Some(2))
    );
    assert_eq!(summary["equal"], false);
    let limited = compare(LEFT, RIGHT, &["--json", "--limit", "1"]);
    let count = limited
        .out
        .lines()
        .filter(|line| line.contains("\"difference\""))
        .count();
    assert_eq!((count, limited.out.contains("\"all_named\":false")), (3, true));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "$ORIGIN a.test.\n@ 60 SOA a b 1 2 3 4 5\n").unwrap();
    std::fs::write(dir.path().join("b"), "$ORIGIN b.test.\n@ 60 SOA a b 1 2 3 4 5\n").unwrap();
    std::fs::write(
        dir.path().join("c"),
        "@ 60 SOA a b 1 2 3 4 5\n$INCLUDE /etc/passwd\n",
    )
    .unwrap();
    let ran = unbroken(dir.path(), &["zone", "compare", "a", "b"]);
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err.contains("a is a copy of a.test., and b one of b.test."),
        "{}",
        ran.err
    );
    let ran = unbroken(dir.path(), &["zone", "compare", "c", "c"]);
    assert!(
        ran.code == Some(2) && ran.err.contains("c:1: '@' is a relative name"),
        "{}",
        ran.err
    );
    let ran = unbroken(dir.path(), &["zone", "compare", "c", "c", "--zone", "c.test"]);
    assert!(
        ran.code == Some(2)
            && ran
                .err
                .contains("c:2: $INCLUDE /etc/passwd: files are included only"),
        "{}",
        ran.err
    );
    let ran = unbroken(
        dir.path(),
        &["zone", "compare", "c", "c", "--zone", "c.test", "--include", "."],
    );
    assert!(
        ran.code == Some(2) && ran.err.contains("is not below"),
        "{}",
        ran.err
    );
    let ran = unbroken(dir.path(), &["zone", "compare", "nosuch", "a"]);
    assert!(ran.code == Some(2) && ran.err.contains("nosuch"), "{}", ran.err);
    let ran = unbroken(dir.path(), &["zone", "compare", "a", "nobody:a.test"]);
    assert!(ran.code == Some(2) && ran.err.contains("settings"), "{}", ran.err);
}

/// Few names, types and values, so that copies share many.
fn record() -> impl Strategy<Value = Record> {
    let name = prop_oneof!["[ab]{1,2}", "[ab]\\.[ab]", Just("@".to_owned())];
    let data = prop_oneof![
        (0u8..3).prop_map(|n| format!("A 192.0.2.{n}")),
        (0u8..3).prop_map(|n| format!("TXT \"{n}\"")),
        Just("NS ns.x.".to_owned()),
        Just("DNSKEY 257 3 13 AAAA".to_owned()),
    ];
    (name, 1u32..4, data).prop_map(|(name, ttl, data)| {
        parse_records(&format!("{name} {ttl} {data}\n"), &apex(), 1)
            .unwrap()
            .remove(0)
    })
}

/// What counts of a copy: the largest TTL of each record.
fn model(records: &[Record]) -> BTreeMap<(Name, Rtype, Vec<u8>), u32> {
    let mut out = BTreeMap::new();
    for record in records {
        let ignored = record.name == apex() && matches!(record.rtype, Rtype::NS | Rtype::DNSKEY);
        if !ignored {
            let ttl = out
                .entry((record.name.clone(), record.rtype, record.rdata.clone()))
                .or_insert(0);
            *ttl = record.ttl.max(*ttl);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_a_naive_model_says(
        left in proptest::collection::vec(record(), 0..30),
        right in proptest::collection::vec(record(), 0..30),
    ) {
        let collect = |records: &[Record]| {
            let mut collector = Collector::new(apex());
            records.iter().for_each(|record| collector.add(record));
            collector.finish()
        };
        let found = differences(&collect(&left), &collect(&right), 1000);
        let again = |records: &[Record], side| {
            let mut namer = Namer::new(apex(), Ignore::made_by_signers(), &found, side);
            records.iter().for_each(|record| namer.add(record));
            assert!(namer.is_complete());
            namer
        };
        let named = name_differences(&found, &again(&left, Side::Left), &again(&right, Side::Right));
        let told: BTreeSet<String> = named.iter().map(|n| format!("{:?} {}", n.kind, n.record)).collect();
        let (one, other) = (model(&left), model(&right));
        let mut expected = BTreeSet::new();
        let line = |kind: DifferenceKind, key: &(Name, Rtype, Vec<u8>), ttl: u32| {
            format!("{kind:?} {}", Record::new(key.0.clone(), key.1, ttl, key.2.clone()))
        };
        for (key, ttl) in &one {
            match other.get(key) {
                None => { expected.insert(line(DifferenceKind::Only(Side::Left), key, *ttl)); }
                Some(theirs) if theirs != ttl => { expected.insert(line(DifferenceKind::Ttl(*theirs), key, *ttl)); }
                Some(_) => {}
            }
        }
        for (key, ttl) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
            expected.insert(line(DifferenceKind::Only(Side::Right), key, *ttl));
        }
        prop_assert_eq!(told, expected);
    }
}
