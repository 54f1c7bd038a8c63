//! Proofs that hold, and each with one part missing or wrong.

use super::nsec3::hash;
use super::*;
use crate::dns::rrsets;
use crate::dns::testing::{name, records};

fn denial(zone: &str, text: &str) -> Denial {
    Denial::new(&name(zone), &rrsets(&records(text)))
}

fn told(proof: Proof) -> Result<Fact, &'static str> {
    proof.map_err(|fault| fault.code)
}

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
    for text in [
        "a.shop.test. NSEC \\# 3 000001\n",
        "a.shop.test. NSEC \\# 4 00000021\n",
        "a.shop.test. NSEC b.shop.test. A\na.shop.test. NSEC c.shop.test. A\n",
        "m.shop.test. NSEC b.shop.test. A\n",
    ] {
        let found = denial("shop.test.", text);
        assert!(found.no_name(&name("aa.shop.test."), &mut 0).is_err(), "{text}");
        assert!(found.no_name(&name("z.shop.test."), &mut 0).is_err(), "{text}");
    }
}

#[test]
fn bitmaps() {
    let read = |octets: &[u8]| bitmap::TypeBitmap::read(octets);
    let two = read(&[0, 1, 0x40, 1, 1, 0x80]).unwrap();
    assert!(two.has(Rtype::A) && two.has(Rtype(256)));
    assert!(!two.has(Rtype::NS) && !two.has(Rtype(257)) && !two.has(Rtype(512)) && !two.has(Rtype::TXT));
    assert!(read(&[]).is_some());
    for bad in [
        &[0][..],
        &[0, 0],
        &[0, 2, 1],
        &[1, 1, 1, 0, 1, 1],
        &[0, 1, 1, 0, 1, 1],
    ] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
    assert_eq!(read(&[&[0, 33][..], &[0; 33]].concat()), None);
}

/// RFC 5155 appendix A: salt aabbccdd, 12 iterations.
#[test]
fn the_hashes_of_rfc_5155() {
    for (owner, text) in [
        ("example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi"),
        ("ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r"),
        ("w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h"),
        ("*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ("x.w.example.", "b4um86eghhds6nea196smvmlo4ors995"),
        ("y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"),
        ("x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"),
        ("xx.example.", "t644ebqk9bibcna874givr6joj62mlhv"),
    ] {
        let found = hash(&name(owner), &[0xaa, 0xbb, 0xcc, 0xdd], 12);
        assert_eq!(
            data_encoding::BASE32HEX_NOPAD.encode(&found).to_ascii_lowercase(),
            text,
            "{owner}"
        );
    }
}

/// A whole NSEC3 chain of `shop.test.` over these names.
struct Chain {
    entries: Vec<(Vec<u8>, String, String)>,
    tail: String,
}

fn chain(names: &[(&str, &str)], opt_out: bool, iterations: u16) -> Chain {
    let mut entries: Vec<(Vec<u8>, String, String)> = names
        .iter()
        .map(|(owner, types)| {
            (
                hash(&name(owner), &[0xab], iterations),
                (*owner).to_owned(),
                (*types).to_owned(),
            )
        })
        .collect();
    entries.sort();
    Chain {
        entries,
        tail: format!("1 {} {iterations} AB", u8::from(opt_out)),
    }
}

const HASHED: [(&str, &str); 7] = [
    ("shop.test.", "NS SOA RRSIG DNSKEY NSEC3PARAM"),
    ("a.shop.test.", "A RRSIG"),
    ("deleg.shop.test.", "NS"),
    ("dn.shop.test.", "DNAME RRSIG"),
    ("ent.shop.test.", ""),
    ("x.ent.shop.test.", "A RRSIG"),
    ("*.ent.shop.test.", "TXT RRSIG"),
];

impl Chain {
    fn text(hash: &[u8]) -> String {
        data_encoding::BASE32HEX_NOPAD.encode(hash)
    }

    fn record(&self, at: usize) -> String {
        let (hash, _, types) = &self.entries[at];
        let (next, ..) = &self.entries[(at + 1) % self.entries.len()];
        let (owner, next) = (Self::text(hash), Self::text(next));
        format!("{owner}.shop.test. NSEC3 {} {next} {types}\n", self.tail)
    }

    fn matching(&self, owner: &str) -> String {
        self.record(
            self.entries
                .iter()
                .position(|(_, name, _)| name == owner)
                .unwrap(),
        )
    }

    fn covering(&self, owner: &str, iterations: u16) -> String {
        let wanted = hash(&name(owner), &[0xab], iterations);
        let after = self.entries.iter().filter(|(hash, ..)| *hash < wanted).count();
        self.record((after + self.entries.len() - 1) % self.entries.len())
    }
}

fn prove(text: &str, ask: impl FnOnce(&Denial, &mut u32) -> Proof) -> Result<Fact, &'static str> {
    told(ask(&denial("shop.test.", text), &mut 24))
}

#[test]
fn nsec3_name_errors() {
    // Parameters under which the three parts are three records.
    let (chain, [encloser, next, wildcard]) = (0..100)
        .map(|iterations| {
            let chain = chain(&HASHED, false, iterations);
            let parts = [
                chain.matching("a.shop.test."),
                chain.covering("b.a.shop.test.", iterations),
                chain.covering("*.a.shop.test.", iterations),
            ];
            (chain, parts)
        })
        .find(|(chain, [a, b, c])| {
            let apex = &chain.matching("shop.test.");
            a != b && b != c && a != c && b != apex && c != apex
        })
        .unwrap();
    let ask = |denial: &Denial, hashes: &mut u32| denial.no_name(&name("c.b.a.shop.test."), hashes);
    assert_eq!(
        prove(&[&*encloser, &next, &wildcard].concat(), ask),
        Ok(Fact::Proven)
    );
    let without = |gone: &str| {
        [&*encloser, &next, &wildcard]
            .into_iter()
            .filter(|r| *r != gone)
            .collect::<String>()
    };
    assert_eq!(prove(&without(&encloser), ask), Err("denial-encloser-missing"));
    assert_eq!(prove(&without(&next), ask), Err("denial-name-not-covered"));
    assert_eq!(
        prove(&without(&wildcard), ask),
        Err("denial-wildcard-not-covered")
    );
    let all = (0..7).map(|at| chain.record(at)).collect::<String>();
    let exists = |denial: &Denial, hashes: &mut u32| denial.no_name(&name("a.shop.test."), hashes);
    assert_eq!(prove(&all, exists), Err("denial-name-exists"));
    let wild = |denial: &Denial, hashes: &mut u32| denial.no_name(&name("y.ent.shop.test."), hashes);
    assert_eq!(prove(&all, wild), Err("denial-wildcard-not-covered"));
    for below in ["x.deleg.shop.test.", "x.dn.shop.test."] {
        let ask = |denial: &Denial, hashes: &mut u32| denial.no_name(&name(below), hashes);
        assert_eq!(prove(&all, ask), Err("denial-ancestor-delegation"));
    }
}

#[test]
fn nsec3_no_data_and_wildcards() {
    let chain = chain(&HASHED, false, 0);
    let all = (0..7).map(|at| chain.record(at)).collect::<String>();
    let no_data =
        |qname: &str, qtype| prove(&all, |denial, hashes| denial.no_data(&name(qname), qtype, hashes));
    assert_eq!(no_data("a.shop.test.", Rtype::AAAA), Ok(Fact::Proven));
    assert_eq!(no_data("a.shop.test.", Rtype::A), Err("denial-type-exists"));
    assert_eq!(no_data("ent.shop.test.", Rtype::A), Ok(Fact::Proven));
    assert_eq!(
        no_data("y.ent.shop.test.", Rtype::A),
        Ok(Fact::Proven),
        "wildcard"
    );
    assert_eq!(no_data("y.ent.shop.test.", Rtype::TXT), Err("denial-type-exists"));
    assert_eq!(no_data("b.shop.test.", Rtype::A), Err("denial-name-not-matched"));
    assert_eq!(
        no_data("deleg.shop.test.", Rtype::A),
        Err("denial-ancestor-delegation")
    );
    assert_eq!(no_data("shop.test.", Rtype::DS), Err("denial-child-side"));
    let closer = |qname: &str, labels| {
        prove(&all, |denial, hashes| {
            denial.no_closer(&name(qname), labels, hashes)
        })
    };
    assert_eq!(closer("y.ent.shop.test.", 3), Ok(Fact::Proven));
    assert_eq!(closer("x.ent.shop.test.", 3), Err("wildcard-not-proven"));
}

#[test]
fn nsec3_at_a_cut_and_opt_out() {
    let no_ds = |opt_out, cut: &str| {
        let chain = chain(&HASHED, opt_out, 0);
        let all = (0..7).map(|at| chain.record(at)).collect::<String>();
        prove(&all, |denial, hashes| denial.no_ds(&name(cut), hashes))
    };
    assert_eq!(no_ds(false, "deleg.shop.test."), Ok(Fact::Proven));
    assert_eq!(no_ds(false, "a.shop.test."), Err("no-delegation"));
    assert_eq!(no_ds(false, "hidden.shop.test."), Err("no-delegation"));
    assert_eq!(no_ds(true, "hidden.shop.test."), Ok(Fact::OptOut));
    assert_eq!(no_ds(true, "a.shop.test."), Err("no-delegation"));
    let chain = chain(&HASHED, true, 0);
    let all = (0..7).map(|at| chain.record(at)).collect::<String>();
    let name_error = prove(&all, |denial, hashes| {
        denial.no_name(&name("b.shop.test."), hashes)
    });
    assert_eq!(name_error, Ok(Fact::OptOut));
    let no_data = prove(&all, |denial, hashes| {
        denial.no_data(&name("b.shop.test."), Rtype::A, hashes)
    });
    assert_eq!(no_data, Ok(Fact::OptOut));
}

#[test]
fn nsec3_limits() {
    let whole = |iterations| {
        let chain = chain(&HASHED, false, iterations);
        denial(
            "shop.test.",
            &(0..7).map(|at| chain.record(at)).collect::<String>(),
        )
    };
    let fault = whole(101).no_name(&name("b.shop.test."), &mut 24).unwrap_err();
    assert_eq!((fault.status, fault.code), (Status::Insecure, "nsec3-iterations"));
    assert_eq!(
        told(whole(100).no_name(&name("b.shop.test."), &mut 24)),
        Ok(Fact::Proven)
    );
    let mut hashes = 2;
    let fault = whole(1).no_name(&name("b.shop.test."), &mut hashes).unwrap_err();
    assert_eq!(
        (fault.status, fault.code, hashes),
        (Status::Indeterminate, "work-limit", 0)
    );
    let long = name(&format!("{}shop.test.", "a.".repeat(110)));
    let mut hashes = 24;
    assert_eq!(
        whole(1).no_data(&long, Rtype::A, &mut hashes).unwrap_err().code,
        "work-limit"
    );
}

#[test]
fn nsec3_of_another_kind_is_left_out() {
    let chain = chain(&HASHED, false, 0);
    let all = (0..7).map(|at| chain.record(at)).collect::<String>();
    let ask = |denial: &Denial, hashes: &mut u32| denial.no_name(&name("b.shop.test."), hashes);
    assert_eq!(
        prove(&all.replace("NSEC3 1 0 0", "NSEC3 2 0 0"), ask),
        Err("denial-missing")
    );
    assert_eq!(
        prove(&all.replace("NSEC3 1 0 0", "NSEC3 1 2 0"), ask),
        Err("denial-missing")
    );
    assert_eq!(
        prove(&all.replace(".shop.test. NSEC3", ".a.shop.test. NSEC3"), ask),
        Err("denial-missing")
    );
    let mixed = all.replacen("NSEC3 1 0 0 AB", "NSEC3 1 0 0 CD", 1);
    assert!(prove(&mixed, ask).is_err(), "the first parameters count");
}
