//! Master files, good and bad, and beside the reader of the `domain` crate.

use domain::base::name::FlattenInto;
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use proptest::prelude::*;

use std::collections::BTreeSet;

use super::*;
use crate::dns::{OwnerHash, OwnerSet, Record};

fn origin() -> Name {
    Name::parse("shop.test").unwrap()
}

fn record(raw: RawRecord<'_>) -> Record {
    Record::new(
        Name::from_wire(raw.owner).unwrap(),
        raw.rtype,
        raw.ttl,
        raw.rdata.to_vec(),
    )
}

/// Reads a text in pieces of `size` octets, as a file is read.
fn in_pieces(text: &str, size: usize) -> Result<Vec<String>, String> {
    let mut reader = MasterReader::new(&origin());
    let (mut buffer, mut out) = (Vec::new(), Vec::new());
    let mut rest = text.as_bytes();
    loop {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        buffer.extend_from_slice(piece);
        rest = after;
        let progress = reader
            .read(&buffer, rest.is_empty(), |raw| {
                out.push(format!("{} {}", raw.line, record(raw)));
            })
            .map_err(|error| error.to_string())?;
        assert_eq!(progress.include, None);
        buffer.drain(..progress.used);
        if rest.is_empty() {
            assert!(buffer.is_empty(), "{buffer:?} was left");
            return Ok(out);
        }
    }
}

const ZONE: &str = "\
$TTL 1h
@ IN SOA ns1 host ( ; the apex
        2026112401 ; serial
        2h 15m 2w 300 )
  NS ns1
  60 IN NS ns2.other.\t; another
ns1 A 192.0.2.1
  IN 90 AAAA 2001:db8::1

$ORIGIN sub.shop.test.
a\\.b TXT \"a;b (c)\" \"\" plain\\032word \"q\\\"q\"
@ TYPE1 \\# 4 ( C000
 0201 )
_x._tcp SRV 0 5 443 Host
svc HTTPS 1 @ alpn=\"h2,h3\" ipv4hint=192.0.2.1
$ORIGIN test.
shop CAA 0 issue \"ca.test\"
shop DNSKEY 257 3 ECDSAP256SHA256 Goji Hhw=
shop nsec \\000.shop A NS RRSIG NSEC TYPE1234 TYPE65280
";

#[test]
fn what_the_documents_allow_is_read_whole_and_in_pieces() {
    let whole = in_pieces(ZONE, ZONE.len()).unwrap();
    let expected = [
        "2 shop.test. 3600 IN SOA ns1.shop.test. host.shop.test. 2026112401 7200 900 1209600 300",
        "5 shop.test. 3600 IN NS ns1.shop.test.",
        "6 shop.test. 60 IN NS ns2.other.",
        "7 ns1.shop.test. 3600 IN A 192.0.2.1",
        "8 ns1.shop.test. 90 IN AAAA 2001:db8::1",
        "11 a\\.b.sub.shop.test. 3600 IN TXT \"a;b (c)\" \"\" \"plain word\" \"q\\\"q\"",
        "12 sub.shop.test. 3600 IN A 192.0.2.1",
        "14 _x._tcp.sub.shop.test. 3600 IN SRV 0 5 443 host.sub.shop.test.",
    ];
    assert_eq!(whole[..expected.len()], expected);
    assert!(
        whole[8].starts_with("15 svc.sub.shop.test. 3600 IN HTTPS 1 sub.shop.test. "),
        "{}",
        whole[8]
    );
    assert_eq!(whole[9], "17 shop.test. 3600 IN CAA 0 issue \"ca.test\"");
    assert_eq!(whole[10], "18 shop.test. 3600 IN DNSKEY 257 3 13 GojiHhw=");
    assert_eq!(
        whole[11],
        "19 shop.test. 3600 IN NSEC \\000.shop.test. A NS RRSIG NSEC TYPE1234 TYPE65280"
    );
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(in_pieces(ZONE, size).unwrap(), whole, "pieces of {size}");
    }
}

#[test]
fn ttls_come_from_the_entry_the_directive_the_record_before_or_the_soa() {
    let ttls = |text: &str| -> Vec<String> {
        let out = in_pieces(text, 5).unwrap();
        out.iter()
            .map(|line| line.split(' ').nth(2).unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ttls("a 5 A 192.0.2.1\nb A 192.0.2.1\n$TTL 9\nc A 192.0.2.1\n"),
        ["5", "5", "9"]
    );
    assert_eq!(ttls("@ SOA a b 1 2 3 4 77\nb A 192.0.2.1"), ["77", "77"]);
    assert!(
        in_pieces("b A 192.0.2.1\n", 50)
            .unwrap_err()
            .starts_with("line 1: there is no TTL")
    );
}

#[test]
fn every_error_has_its_line() {
    let good = "$TTL 60\na A 192.0.2.1\n; words\n\n";
    for (bad, line, said) in [
        ("b A 192.0.2\n", 5, "'192.0.2' is no IPv4 address"),
        ("b AAAA ::g\n", 5, "'::g' is no IPv6 address"),
        ("b NOSUCH x\n", 5, "'NOSUCH' is no record type"),
        ("b A 192.0.2.1 x\n", 5, "'x' is more than the type takes"),
        ("b MX 10\n", 5, "the domain name is missing"),
        ("b\n", 5, "the type is missing"),
        ("b 60 IN\nc A 192.0.2.1\n", 5, "the type is missing"),
        ("b CH A 192.0.2.1\n", 5, "class CH"),
        ("b..c A 192.0.2.1\n", 5, "'b..c' is no domain name"),
        ("b TXT \"open\n", 5, "a quotation mark is not closed"),
        (
            "b A ) 192.0.2.1\n",
            5,
            "a parenthesis is closed that was not opened",
        ),
        (
            "b SOA a b (\n 1 2\n 3 4 5\n",
            5,
            "the parenthesis opened in line 5 is never closed",
        ),
        ("b SOA a b (\n 1 2\n 3 4 )\n", 5, "the minimum is missing"),
        ("b TXT \\\n", 5, "a backslash ends the line"),
        ("b TXT \\999\n", 5, "is no escape in a string"),
        ("b DS 1 13 2 ABC\n", 5, "'ABC' is no digest"),
        ("b TYPE1 \\# 3 C00002\n", 5, "these octets are no A record"),
        (
            "b TYPE65280 \\# 3 C000\n",
            5,
            "3 octets are announced and 2 are there",
        ),
        ("b CAA 0 issue\n", 5, "CAA: "),
        ("$NOSUCH x\n", 5, "'$NOSUCH' is no directive"),
        ("$TTL x\n", 5, "'x' is no number of seconds"),
        ("$GENERATE 2-1 h$ A 192.0.2.$\n", 5, "'2-1' is no range"),
        (
            "$GENERATE 1-300 h$ A 192.0.2.$\n",
            5,
            "'192.0.2.256' is no IPv4 address",
        ),
        (
            "$GENERATE 0-2000000 h$ A 192.0.2.1\n",
            5,
            "$GENERATE makes more than 1000000 records",
        ),
        (
            "b RRSIG A 13 2 60 20300101000000 20000101 1 shop.test. AAAA\nc A 192.0.2.1",
            5,
            "",
        ),
    ] {
        let error = in_pieces(&format!("{good}{bad}"), 1 << 20);
        if said.is_empty() {
            assert!(error.is_ok(), "{error:?}");
            continue;
        }
        let error = error.unwrap_err();
        assert!(
            error.starts_with(&format!("line {line}: ")) && error.contains(said),
            "{bad}: {error}"
        );
    }
    assert!(
        in_pieces("  A 192.0.2.1\n", 99)
            .unwrap_err()
            .contains("there is no owner")
    );
}

#[test]
fn an_entry_without_end_is_refused_before_it_fills_the_memory() {
    let mut reader = MasterReader::new(&origin());
    let mut text = b"a TXT (\n".to_vec();
    text.resize(LONGEST_ENTRY + 100, b' ');
    let error = reader.read(&text, false, |_| ()).unwrap_err();
    assert_eq!((error.line, error.fault), (1, Fault::LongEntry));
}

#[test]
fn generated_records_and_no_directives_among_them() {
    let made = in_pieces("$TTL 60\n$GENERATE 1-5/2 h$ IN A 192.0.2.${10,0,d}\n", 8).unwrap();
    assert_eq!(made[2], "2 h5.shop.test. 60 IN A 192.0.2.15");
    assert_eq!(made.len(), 3);
    let made = in_pieces("$TTL 60\n$GENERATE 1-1 \\$INCLUDE TXT $\n", 999).unwrap();
    assert_eq!(made, ["2 $include.shop.test. 60 IN TXT \"1\""]);
}

#[test]
fn includes_are_handed_back_and_left_again() {
    let mut reader = MasterReader::new(&origin()).default_ttl(60);
    let text = b"www A 192.0.2.1\n$INCLUDE \"a b.zone\" sub\n A 192.0.2.2\n";
    let mut seen = Vec::new();
    let step = reader.read(text, true, |raw| seen.push(record(raw))).unwrap();
    let include = step.include.unwrap();
    assert_eq!((include.path.as_str(), include.line), ("a b.zone", 2));
    assert_eq!(include.origin, Some(Name::parse("sub.shop.test").unwrap()));
    let saved = reader.enter(include.origin.as_ref());
    reader
        .read(b"x A 192.0.2.9\n", true, |raw| seen.push(record(raw)))
        .unwrap();
    reader.leave(saved);
    reader
        .read(&text[step.used..], true, |raw| seen.push(record(raw)))
        .unwrap();
    let owners: Vec<String> = seen.iter().map(|record| record.name.to_string()).collect();
    assert_eq!(owners, ["www.shop.test.", "x.sub.shop.test.", "www.shop.test."]);
    assert_eq!(reader.line(), 4);
}

#[test]
fn types_that_are_not_wanted_are_not_decoded() {
    let text = "$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS ns\nwww RRSIG this is ( ; no \" signature\n at all \")\" )\n\
                sub NS ns.sub\n@ DNSKEY \\) nonsense\n7w A 192.0.2.1\n";
    let everywhere = BTreeSet::from([Rtype::RRSIG]);
    let apex = BTreeSet::from([Rtype::NS, Rtype::DNSKEY, Rtype::SOA]);
    let mut reader = MasterReader::new(&origin()).skipping(&everywhere, &apex, &origin());
    let mut seen = Vec::new();
    reader
        .read(text.as_bytes(), true, |raw| {
            seen.push(format!("{} {}", raw.line, record(raw)))
        })
        .unwrap();
    assert_eq!(reader.skipped(), 3);
    assert_eq!(
        seen[1..],
        [
            "6 sub.shop.test. 9 IN NS ns.sub.shop.test.",
            "8 7w.shop.test. 9 IN A 192.0.2.1"
        ]
    );
}

/// Of the wanted owners every record comes as it does otherwise, with the TTL that it inherits; of others few come.
#[test]
fn owners_that_are_not_wanted_are_not_decoded() {
    let inherits = "@ SOA ns host 1 2 3 4 300\nx 70 A 192.0.2.1\n  A 192.0.2.2\ny IN 80 TXT \"a (\" ( b\n c ) ; d\nw A 192.0.2.3\n\
        $ORIGIN sub.shop.test.\nx IN A 192.0.2.4\n$GENERATE 1-3 g$ A 192.0.2.$\nz A 192.0.2.5 ; last";
    for text in [ZONE, inherits] {
        let read = |only: Option<OwnerSet>, piece: usize| {
            let mut reader = MasterReader::new(&origin());
            if let Some(only) = only {
                reader = reader.only(only);
            }
            let (mut out, mut buffer, mut rest) = (Vec::new(), Vec::new(), text.as_bytes());
            while !(rest.is_empty() && buffer.is_empty()) {
                let (next, after) = rest.split_at(piece.min(rest.len()));
                buffer.extend_from_slice(next);
                rest = after;
                let take = |raw: RawRecord<'_>| out.push((raw.line, record(raw)));
                let used = reader.read(&buffer, rest.is_empty(), take).unwrap().used;
                buffer.drain(..used);
            }
            (out, reader.skipped())
        };
        let (all, _) = read(None, 1 << 20);
        let names: BTreeSet<&Name> = all.iter().map(|(_, record)| &record.name).collect();
        assert!(names.len() > 2);
        for name in names {
            for piece in [1, 7, 1 << 20] {
                let (found, skipped) = read(Some(OwnerSet::new([OwnerHash::of(name.wire())])), piece);
                let of_name = |records: &[(u64, Record)]| -> Vec<(u64, Record)> {
                    let of = |(_, record): &&(u64, Record)| record.name == *name;
                    records.iter().filter(of).cloned().collect()
                };
                assert_eq!(of_name(&found), of_name(&all), "{name}, {piece} octets at a time");
                assert_eq!(found.len() + usize::try_from(skipped).unwrap(), all.len());
                assert!(skipped > 0, "{name}");
            }
        }
    }
}

/// The same text read by the `domain` crate.
fn by_domain(text: &str) -> Result<Vec<Record>, String> {
    let mut file = Zonefile::from(text.as_bytes());
    file.set_origin(domain::base::Name::bytes_from_str("shop.test.").unwrap());
    let mut out = Vec::new();
    loop {
        match file.next_entry() {
            Ok(None) => return Ok(out),
            Ok(Some(Entry::Record(record))) => {
                let owner: domain::base::Name<Vec<u8>> = record.owner().clone().try_flatten_into().unwrap();
                let mut rdata = Vec::new();
                record.data().compose_canonical_rdata(&mut rdata).unwrap();
                let rtype = Rtype(record.rtype().to_int());
                let name = Name::from_wire(owner.as_slice()).unwrap();
                out.push(Record::new(name, rtype, record.ttl().as_secs(), rdata));
            }
            Ok(Some(_)) => return Err("an include".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn ours(text: &str) -> Result<Vec<Record>, String> {
    let mut reader = MasterReader::new(&origin());
    let mut out = Vec::new();
    let read = reader.read(text.as_bytes(), true, |raw| out.push(record(raw)));
    read.map(|_| out).map_err(|error| error.to_string())
}

/// Names as they are written, with capitals and escapes.
fn name_text() -> impl Strategy<Value = String> {
    let label = "[a-zA-Z0-9_-]{1,12}|\\*|a\\\\\\.b|\\\\065x|\\\\000";
    prop_oneof![
        1 => Just(".".to_owned()),
        6 => (proptest::collection::vec(label, 1..4), any::<bool>())
            .prop_map(|(labels, absolute)| labels.join(".") + if absolute { ".x." } else { "" }),
    ]
}

fn data_text() -> impl Strategy<Value = String> {
    let octets = |range| proptest::collection::vec(any::<u8>(), range);
    let base64 = octets(1..90).prop_map(|octets| data_encoding::BASE64.encode(&octets));
    let base32 = octets(20..21).prop_map(|octets| data_encoding::BASE32HEX_NOPAD.encode(&octets));
    let hex = octets(1..48).prop_map(|octets| data_encoding::HEXUPPER.encode(&octets));
    let types = proptest::sample::subsequence(
        vec![
            "A",
            "NS",
            "SOA",
            "MX",
            "AAAA",
            "DS",
            "RRSIG",
            "NSEC",
            "TYPE1234",
            "CAA",
            "TYPE65280",
        ],
        0..8,
    )
    .prop_map(|types| types.join(" "));
    let string = "\"[ -!#-\\[\\]-~]{0,20}\"|[a-z0-9=]{1,9}|\"\\\\200\\\\\"\"";
    prop_oneof![
        any::<[u8; 4]>().prop_map(|a| format!("A {}.{}.{}.{}", a[0], a[1], a[2], a[3])),
        any::<u128>().prop_map(|a| format!("AAAA {}", std::net::Ipv6Addr::from(a))),
        ("NS|CNAME|PTR|DNAME", name_text()).prop_map(|(rtype, name)| format!("{rtype} {name}")),
        (any::<u16>(), name_text()).prop_map(|(value, name)| format!("MX {value} {name}")),
        (any::<[u16; 3]>(), name_text())
            .prop_map(|(v, name)| format!("SRV {} {} {} {name}", v[0], v[1], v[2])),
        proptest::collection::vec(string, 1..5).prop_map(|words| format!("TXT {}", words.join(" "))),
        (name_text(), name_text(), any::<[u32; 2]>())
            .prop_map(|(a, b, v)| format!("SOA {a} {b} ( {} 1 2\n 3 {} )", v[0], v[1])),
        ("DS|CDS", any::<u16>(), any::<[u8; 2]>(), hex.clone())
            .prop_map(|(t, tag, v, digest)| format!("{t} {tag} {} {} {digest}", v[0], v[1])),
        ("DNSKEY|CDNSKEY", any::<u16>(), base64.clone())
            .prop_map(|(t, flags, key)| format!("{t} {flags} 3 13 {key}")),
        (any::<u32>(), any::<[u16; 2]>(), name_text(), base64).prop_map(|(ttl, v, name, sig)| format!(
            "RRSIG MX 13 2 {ttl} 20300101000000 {} {} {name} {sig}",
            v[0], v[1]
        )),
        (name_text(), types.clone()).prop_map(|(name, types)| format!("NSEC {name} {types}")),
        (
            any::<u16>(),
            prop_oneof![Just("-".to_owned()), hex],
            base32,
            types
        )
            .prop_map(|(n, salt, next, types)| format!("NSEC3 1 1 {n} {salt} {next} {types}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is decoded here is decoded as the crate does.
    #[test]
    fn both_readers_read_the_same(owner in name_text(), ttl in 0u32..=i32::MAX as u32, data in data_text()) {
        let text = format!("{owner} {ttl} IN {data}\n");
        match (ours(&text), by_domain(&text)) {
            (Ok(here), Ok(there)) => prop_assert_eq!(here, there, "{}", text),
            (Err(_), Err(_)) => {}
            (here, there) => prop_assert!(false, "{}: {:?} {:?}", text, here, there),
        }
    }

    #[test]
    fn any_text_is_read_or_refused_in_pieces_too(text in "[ -~\n\t]{0,120}", size in 1usize..40) {
        let text = format!("$TTL 1\n{text}");
        let whole = in_pieces(&text, text.len());
        let pieces = in_pieces(&text, size);
        prop_assert_eq!(whole.is_ok(), pieces.is_ok());
        if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
            prop_assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = MasterReader::new(&origin()).default_ttl(1).read(&text, true, |_| ());
        let _ = MasterReader::new(&origin()).default_ttl(1).read(&text, false, |_| ());
    }
}
