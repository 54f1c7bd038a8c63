//! Messages, records and texts, good and damaged.

use proptest::prelude::*;

use super::testing::{encode, message, name, records};
use super::*;

/// Header, then a question for `www.shop.test.` type `rtype`, then what follows.
fn wire(counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 1, 0x84, 0];
    for count in counts {
        out.extend(count.to_be_bytes());
    }
    out.extend(body);
    out
}

const QUESTION: &[u8] = b"\x03wWw\x04Shop\x04tesT\x00\x00\x01\x00\x01";

fn reason(octets: &[u8]) -> String {
    Message::parse(octets).unwrap_err().to_string()
}

#[test]
fn a_message_comes_back_as_it_was() {
    let answer = records(
        "www.shop.test. 300 IN A 192.0.2.1\n\
         shop.test. 60 IN MX 10 mail.shop.test.\n\
         shop.test. 60 IN NS ns.shop.test.\n\
         shop.test. 0 IN TYPE65280 \\# 3 abcdef\n\
         shop.test. 60 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
    );
    let soa = records("shop.test. SOA ns.shop.test. root.shop.test. 1 2 3 4 5");
    let sent = message("www.shop.test.", Rtype::A, answer, soa);
    assert_eq!(Message::parse(&encode(&sent)).unwrap(), sent);
}

#[test]
fn names_are_uncompressed_and_folded_where_canonical_form_says_so() {
    let mut body = QUESTION.to_vec();
    // NS at a pointer to the question's zone; its RDATA is a label and a pointer.
    body.extend(b"\xc0\x10\x00\x02\x00\x01\x00\x00\x00\x3c\x00\x05\x02NS\xc0\x10");
    let found = Message::parse(&wire([1, 1, 0, 0], &body)).unwrap();
    assert_eq!(found.question.unwrap().name, name("www.shop.test."));
    assert_eq!(found.answer, records("shop.test. 60 IN NS ns.shop.test."));
    // An unknown type's RDATA stays as it is.
    let mut body = QUESTION.to_vec();
    body.extend(b"\xc0\x0c\xff\x00\x00\x01\x00\x00\x00\x3c\x00\x04\x01A\xc0\x10");
    let found = Message::parse(&wire([1, 1, 0, 0], &body)).unwrap();
    assert_eq!(found.answer[0].rdata, b"\x01A\xc0\x10");
}

#[test]
fn pointers_that_loop_or_lead_nowhere_are_refused() {
    for owner in [
        &b"\xc0\x1f"[..],
        b"\xc0\x20",
        b"\xc3\xff",
        b"\x01a\xc0\x1f",
        b"\x80\x00",
    ] {
        let mut body = QUESTION.to_vec();
        body.extend(owner);
        body.extend(b"\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04");
        let told = reason(&wire([1, 1, 0, 0], &body));
        assert!(told.starts_with("the answer section does not parse"), "{told}");
    }
    let told = reason(&wire([1, 0, 0, 0], b"\xc0\x0c\x00\x01\x00\x01"));
    assert!(told.starts_with("the question section does not parse"), "{told}");
}

#[test]
fn what_is_cut_short_is_refused() {
    assert_eq!(Message::parse(&[0; 11]), Err(MessageError::Length(11)));
    assert_eq!(
        Message::parse(&vec![0; 65_536]),
        Err(MessageError::Length(65_536))
    );
    let whole = encode(&message(
        "a.test.",
        Rtype::A,
        records("a.test. 60 A 192.0.2.1"),
        vec![],
    ));
    for length in 0..whole.len() {
        assert!(Message::parse(&whole[..length]).is_err(), "{length}");
    }
    assert!(Message::parse(&whole).is_ok());
}

#[test]
fn rdata_that_violates_its_type_is_kept() {
    for (rtype, rdata) in [
        (Rtype::A, vec![1, 2, 3]),
        (Rtype::DNSKEY, vec![1]),
        (Rtype::MX, vec![0, 10, 5]),
    ] {
        let record = Record::new(name("a.test."), rtype, 60, rdata);
        let sent = message("a.test.", rtype, vec![record.clone()], vec![]);
        let found = Message::parse(&encode(&sent)).unwrap();
        assert_eq!(found.answer, [record]);
        assert!(
            found.answer[0].rdata_text().starts_with("\\#"),
            "{}",
            found.answer[0]
        );
    }
}

#[test]
fn a_dnskey_of_another_protocol_does_not_spoil_the_message() {
    let key = Record::new(name("a.test."), Rtype::DNSKEY, 60, vec![1, 1, 4, 13, 9, 9, 9]);
    let sent = message("a.test.", Rtype::DNSKEY, vec![key], vec![]);
    let found = Message::parse(&encode(&sent)).unwrap();
    assert_eq!(found.answer[0].rdata_text(), "257 4 13 CQkJ");
}

#[test]
fn a_ttl_with_the_top_bit_counts_as_zero() {
    for (sent, kept) in [(0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (u32::MAX, 0)] {
        let record = Record::new(name("a.test."), Rtype::A, sent, vec![1, 2, 3, 4]);
        let found = Message::parse(&encode(&message("a.test.", Rtype::A, vec![record], vec![]))).unwrap();
        assert_eq!(found.answer[0].ttl, kept);
    }
    for (text, kept) in [
        ("2147483647", 2_147_483_647),
        ("2147483648", 0),
        ("4294967295", 0),
    ] {
        assert_eq!(
            records(&format!("a.test. {text} IN A 192.0.2.1"))[0].ttl,
            kept,
            "{text}"
        );
    }
}

#[test]
fn edns_codes_and_options() {
    let mut body = QUESTION.to_vec();
    // OPT: size 1232, extended code 1, DO, one Extended DNS Error 6 with a text.
    body.extend(b"\x00\x00\x29\x04\xd0\x01\x00\x80\x00\x00\x08\x00\x0f\x00\x04\x00\x06hi");
    let found = Message::parse(&wire([1, 0, 0, 1], &body)).unwrap();
    let edns = found.edns.unwrap();
    assert_eq!(
        (edns.udp_size, edns.dnssec_ok, edns.extended_error),
        (1232, true, Some(6))
    );
    assert_eq!(
        (found.rcode, found.rcode.to_string()),
        (Rcode(16), "BADVERS".to_owned())
    );
    assert!(found.additional.is_empty());
}

#[test]
fn records_in_presentation_form_come_back() {
    for text in [
        "a.test. 60 IN A 192.0.2.1",
        "a.test. 60 IN AAAA 2001:db8::1",
        "a.test. 60 IN MX 10 mail.test.",
        "a.test. 60 IN TXT \"a b\" \"c\"",
        "a.test. 60 IN SRV 1 2 3 t.test.",
        "a.test. 60 IN DS 1 13 2 ABCD",
        "a.test. 60 IN NSEC b.test. A RRSIG TYPE1234",
        "a.test. 60 IN NSEC3PARAM 1 0 0 -",
        "a.test. 60 IN CDS 0 0 0 00",
        "a.test. 60 IN TYPE65280 \\# 2 ABCD",
    ] {
        let found = records(text);
        assert_eq!(found[0].to_string().to_lowercase(), text.to_lowercase());
        assert_eq!(records(&found[0].to_string()), found);
    }
}

#[test]
fn texts_with_errors_name_the_line() {
    let origin = name("shop.test.");
    let line = |text: &str| parse_records(text, &origin, 60).unwrap_err().line;
    assert_eq!(line("a A 192.0.2.1\nb A 192.0.2\n"), 2);
    assert_eq!(line("a A nonsense"), 1);
    assert_eq!(line("; one\n\nb A 192.0.2.1\nb NOSUCH x\n"), 4);
    assert_eq!(line("a DS 1 13 2 ABC\n"), 1, "odd hexadecimal");
    assert_eq!(line("a A 192.0.2.1\n$INCLUDE other.zone\n"), 2);
}

#[test]
fn relative_names_and_default_ttl() {
    let found = parse_records(
        "www A 192.0.2.1\n@ 5 NS ns\n$TTL 9\nx TXT y\n",
        &name("shop.test."),
        60,
    )
    .unwrap();
    let shown: Vec<String> = found.iter().map(Record::to_string).collect();
    assert_eq!(
        shown,
        [
            "www.shop.test. 60 IN A 192.0.2.1",
            "shop.test. 5 IN NS ns.shop.test.",
            "x.shop.test. 9 IN TXT \"y\"",
        ]
    );
}

#[test]
fn rrsets_are_sorted_without_duplicates_and_of_one_class() {
    let mut found =
        records("a.test. 60 A 192.0.2.2\na.test. 90 A 192.0.2.1\na.test. 60 A 192.0.2.2\nA.test. TXT x");
    found[3].class = 3;
    let sets = rrsets(&found);
    assert_eq!(sets.len(), 1);
    assert_eq!(
        (sets[0].ttl, &sets[0].rdatas),
        (90, &vec![vec![192, 0, 2, 1], vec![192, 0, 2, 2]])
    );
}

#[test]
fn signatures_stay_with_what_they_cover() {
    let text = "a.test. 60 A 192.0.2.1\na.test. 60 RRSIG A 13 2 60 20300101000000 20000101000000 1 test. AAAA\n\
                b.test. 60 RRSIG TXT 13 2 60 20300101000000 20000101000000 1 test. AAAA\n";
    let mut found = records(text);
    found.push(Record::new(name("a.test."), Rtype::RRSIG, 60, vec![0, 1, 13]));
    let sets = rrsets(&found);
    assert_eq!(sets.len(), 2);
    assert_eq!((sets[0].signatures.len(), sets[0].broken_signatures), (1, 1));
    assert_eq!(
        (sets[1].rdatas.len(), sets[1].signatures[0].type_covered),
        (0, Rtype::TXT)
    );
}

#[test]
fn a_query_reads_back() {
    let octets = query_message(9, &name("shop.test."), Rtype::DNSKEY, QueryOptions::default());
    let found = Message::parse(&octets).unwrap();
    assert_eq!((found.id, found.flags.response), (9, false));
    assert_eq!(found.question.unwrap().rtype, Rtype::DNSKEY);
    assert!(found.edns.unwrap().dnssec_ok);
    assert_eq!(&without_id(&octets)[..3], &[0, 0, octets[2]]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::parse(&octets);
        let _ = Name::from_wire(&octets);
    }

    #[test]
    fn records_of_any_type_and_content_come_back(
        rtype in 1u16..300,
        rdata in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        prop_assume!(rtype != Rtype::OPT.0 && rtype != Rtype::TSIG.0);
        let record = Record::new(name("a.test."), Rtype(rtype), 60, rdata);
        let first = Message::parse(&encode(&message("a.test.", Rtype(rtype), vec![record], vec![]))).unwrap();
        let again = Message::parse(&encode(&first)).unwrap();
        prop_assert_eq!(&first, &again);
        let _ = first.answer[0].to_string();
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,80}") {
        let _ = parse_records(&text, &Name::root(), 60);
        let _ = Name::parse(&text);
    }
}
