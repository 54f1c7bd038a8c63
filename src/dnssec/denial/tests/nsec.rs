//! Proofs by NSEC.

use super::*;

/// A zone of every kind of name, in canonical order.
const ZONE: [&str; 9] = [
    "shop.test. NSEC a.shop.test. NS SOA RRSIG NSEC DNSKEY\n",
    "a.shop.test. NSEC alias.shop.test. A RRSIG NSEC\n",
    "alias.shop.test. NSEC deleg.shop.test. CNAME RRSIG NSEC\n",
    "deleg.shop.test. NSEC dn.shop.test. NS RRSIG NSEC\n",
    "dn.shop.test. NSEC x.ent.shop.test. DNAME RRSIG NSEC\n",
    "x.ent.shop.test. NSEC signed.shop.test. A RRSIG NSEC\n",
    "signed.shop.test. NSEC *.w.shop.test. NS DS RRSIG NSEC\n",
    "*.w.shop.test. NSEC b.w.shop.test. TXT RRSIG NSEC\n",
    "b.w.shop.test. NSEC shop.test. TXT RRSIG NSEC\n",
];

/// The records of `ZONE` with these numbers.
fn part(numbers: &[usize]) -> Denial {
    denial(
        "shop.test.",
        &numbers.iter().map(|at| ZONE[*at]).collect::<String>(),
    )
}

fn no_name(numbers: &[usize], qname: &str) -> Result<Fact, &'static str> {
    told(part(numbers).no_name(&name(qname), &mut 0))
}

fn no_data(numbers: &[usize], qname: &str, qtype: Rtype) -> Result<Fact, &'static str> {
    told(part(numbers).no_data(&name(qname), qtype, &mut 0))
}

#[test]
fn nsec_name_errors() {
    assert_eq!(no_name(&[1, 0], "aa.shop.test."), Ok(Fact::Proven));
    assert_eq!(no_name(&[1], "aa.shop.test."), Err("denial-wildcard-not-covered"));
    assert_eq!(no_name(&[0], "aa.shop.test."), Err("denial-name-not-covered"));
    assert_eq!(no_name(&[1, 0], "a.shop.test."), Err("denial-name-exists"));
    assert_eq!(
        no_name(&[8, 0], "zz.shop.test."),
        Ok(Fact::Proven),
        "past the last name"
    );
    assert_eq!(no_name(&[8, 0], "zz.other.test."), Err("denial-name-not-covered"));
    assert_eq!(no_name(&[4, 0], "ent.shop.test."), Err("denial-name-exists"));
    assert_eq!(
        no_name(&[7], "az.w.shop.test."),
        Err("denial-wildcard-not-covered")
    );
    assert_eq!(
        no_name(&[1], "x.a.shop.test."),
        Ok(Fact::Proven),
        "one record covers name and wildcard"
    );
}

#[test]
fn nsec_ranges_are_open_at_both_ends() {
    assert_eq!(
        no_name(&[0], "a.shop.test."),
        Err("denial-name-not-covered"),
        "next exists"
    );
    assert_eq!(
        no_name(&[4], "b.ent.shop.test."),
        Ok(Fact::Proven),
        "the next name is the nearer one"
    );
    let middle = "m.shop.test. NSEC b.shop.test. A\nshop.test. NSEC a.shop.test. NS SOA RRSIG NSEC\n";
    let found = denial("shop.test.", middle);
    let proof = told(found.no_name(&name("z.shop.test."), &mut 0));
    assert_eq!(
        proof,
        Err("denial-name-not-covered"),
        "only the last record wraps around"
    );
}

#[test]
fn a_wildcard_that_is_an_empty_non_terminal_exists() {
    let text =
        "shop.test. NSEC a.*.shop.test. NS SOA RRSIG NSEC\na.*.shop.test. NSEC m.shop.test. A RRSIG NSEC\n";
    let found = denial("shop.test.", text);
    let qname = name("b.shop.test.");
    assert_eq!(
        told(found.no_name(&qname, &mut 0)),
        Err("denial-wildcard-not-covered")
    );
    assert_eq!(told(found.no_data(&qname, Rtype::A, &mut 0)), Ok(Fact::Proven));
}

#[test]
fn nsec_of_an_ancestor_may_not_speak_below_a_cut_or_a_dname() {
    for (record, qname) in [
        (3, "x.deleg.shop.test."),
        (4, "x.dn.shop.test."),
        (6, "x.signed.shop.test."),
    ] {
        assert_eq!(
            no_name(&[record, 0], qname),
            Err("denial-ancestor-delegation"),
            "{qname}"
        );
        assert_eq!(
            no_data(&[record, 0], qname, Rtype::A),
            Err("denial-ancestor-delegation")
        );
    }
    assert_eq!(
        no_data(&[3], "deleg.shop.test.", Rtype::A),
        Err("denial-ancestor-delegation")
    );
    assert_eq!(no_data(&[3], "deleg.shop.test.", Rtype::DS), Ok(Fact::Proven));
    assert_eq!(
        no_name(&[3, 0], "delegx.shop.test."),
        Ok(Fact::Proven),
        "beside the cut it may"
    );
}

#[test]
fn nsec_no_data() {
    assert_eq!(no_data(&[1], "a.shop.test.", Rtype::AAAA), Ok(Fact::Proven));
    assert_eq!(no_data(&[1], "a.shop.test.", Rtype::A), Err("denial-type-exists"));
    assert_eq!(
        no_data(&[1], "a.shop.test.", Rtype::ANY),
        Err("denial-type-exists")
    );
    assert_eq!(
        no_data(&[2], "alias.shop.test.", Rtype::A),
        Err("denial-cname-exists")
    );
    assert_eq!(
        no_data(&[4], "ent.shop.test.", Rtype::A),
        Ok(Fact::Proven),
        "empty non-terminal"
    );
    assert_eq!(no_data(&[0], "shop.test.", Rtype::DS), Err("denial-child-side"));
    assert_eq!(no_data(&[0], "shop.test.", Rtype::TXT), Ok(Fact::Proven));
    assert_eq!(
        no_data(&[8, 7], "q.w.shop.test.", Rtype::A),
        Ok(Fact::Proven),
        "wildcard"
    );
    assert_eq!(
        no_data(&[8, 7], "q.w.shop.test.", Rtype::TXT),
        Err("denial-type-exists")
    );
    assert_eq!(
        no_data(&[8], "q.w.shop.test.", Rtype::A),
        Err("denial-wildcard-missing")
    );
    assert_eq!(
        no_data(&[1, 0], "aa.shop.test.", Rtype::A),
        Err("denial-name-does-not-exist")
    );
    let root = denial(".", ". NSEC aaa. NS SOA RRSIG NSEC DNSKEY\n");
    assert_eq!(
        told(root.no_data(&Name::root(), Rtype::DS, &mut 0)),
        Ok(Fact::Proven)
    );
}

#[test]
fn nsec_wildcards() {
    let closer =
        |numbers: &[usize], qname: &str, labels| told(part(numbers).no_closer(&name(qname), labels, &mut 0));
    assert_eq!(closer(&[8], "q.w.shop.test.", 3), Ok(Fact::Proven));
    assert_eq!(
        closer(&[8], "q.w.shop.test.", 2),
        Err("wildcard-not-proven"),
        "w exists"
    );
    assert_eq!(closer(&[7], "q.w.shop.test.", 3), Err("wildcard-not-proven"));
    assert_eq!(
        closer(&[8], "q.b.w.shop.test.", 3),
        Err("wildcard-not-proven"),
        "b.w exists"
    );
}

#[test]
fn nsec_at_a_cut() {
    let no_ds = |numbers: &[usize], cut: &str| told(part(numbers).no_ds(&name(cut), &mut 0));
    assert_eq!(no_ds(&[3], "deleg.shop.test."), Ok(Fact::Proven));
    assert_eq!(no_ds(&[6], "signed.shop.test."), Err("denial-type-exists"));
    assert_eq!(no_ds(&[1], "a.shop.test."), Err("no-delegation"));
    assert_eq!(no_ds(&[1], "aa.shop.test."), Err("no-delegation"));
    assert_eq!(no_ds(&[0], "shop.test."), Err("denial-child-side"));
}

#[test]
fn compact_denial() {
    let gone = denial(
        "shop.test.",
        "b.shop.test. NSEC \\000.b.shop.test. RRSIG NSEC NXNAME\n",
    );
    assert_eq!(
        told(gone.no_data(&name("b.shop.test."), Rtype::A, &mut 0)),
        Ok(Fact::NxName)
    );
    assert_eq!(
        told(gone.no_name(&name("b.shop.test."), &mut 0)),
        Ok(Fact::NxName)
    );
    let there = denial(
        "shop.test.",
        "b.shop.test. NSEC \\000.b.shop.test. A RRSIG NSEC\n",
    );
    assert_eq!(
        told(there.no_data(&name("b.shop.test."), Rtype::AAAA, &mut 0)),
        Ok(Fact::Proven)
    );
    assert_eq!(
        told(there.no_name(&name("b.shop.test."), &mut 0)),
        Err("denial-name-exists")
    );
}

#[test]
fn a_malformed_nsec_is_no_proof() {
    for rdata in [&[0, 0, 1][..], &[0, 0, 0, 0x21]] {
        let record = crate::dns::Record::new(name("a.shop.test."), Rtype::NSEC, 300, rdata.to_vec());
        let found = Denial::new(&name("shop.test."), &crate::dns::rrsets(&[record]));
        assert!(
            found.no_name(&name("aa.shop.test."), &mut 0).is_err(),
            "{rdata:?}"
        );
    }
    for text in [
        "a.shop.test. NSEC b.shop.test. A\na.shop.test. NSEC c.shop.test. A\n",
        "m.shop.test. NSEC b.shop.test. A\n",
    ] {
        let found = denial("shop.test.", text);
        assert!(found.no_name(&name("aa.shop.test."), &mut 0).is_err(), "{text}");
        assert!(found.no_name(&name("z.shop.test."), &mut 0).is_err(), "{text}");
    }
}
