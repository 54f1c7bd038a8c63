//! Proofs by NSEC3.

use super::*;

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
    let fault = whole(12)
        .allowing_iterations(11)
        .no_name(&name("b.shop.test."), &mut 24)
        .unwrap_err();
    assert_eq!((fault.status, fault.code), (Status::Insecure, "nsec3-iterations"));
    assert!(
        fault.text.contains("12 iterations, and the limit is 11"),
        "{}",
        fault.text
    );
    let more = whole(600).allowing_iterations(600);
    assert_eq!(
        told(more.no_name(&name("b.shop.test."), &mut 24)),
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

/// RFC 9824 with NSEC3: a record that matches the name says by NXNAME that it does not exist.
#[test]
fn compact_denial_with_nsec3() {
    let ask = name("b.shop.test.");
    let chain = |types| chain(&[("b.shop.test.", types)], false, 0).record(0);
    let gone = denial("shop.test.", &chain("RRSIG NXNAME"));
    assert_eq!(told(gone.no_data(&ask, Rtype::A, &mut 24)), Ok(Fact::NxName));
    assert_eq!(told(gone.no_name(&ask, &mut 24)), Ok(Fact::NxName));
    let there = denial("shop.test.", &chain("A RRSIG"));
    assert_eq!(told(there.no_data(&ask, Rtype::AAAA, &mut 24)), Ok(Fact::Proven));
    assert_eq!(told(there.no_name(&ask, &mut 24)), Err("denial-name-exists"));
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

/// The chain of RFC 5155 appendix A (all records have the opt-out flag).
const RFC_5155: &str = "\
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM
2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG
2vptu5timamqttgl4luu9kg21e0aor3s.example. NSEC3 1 1 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG
35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3 1 1 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG
b4um86eghhds6nea196smvmlo4ors995.example. NSEC3 1 1 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG
gjeqe526plbf1g8mklp59enfd789njgi.example. NSEC3 1 1 12 aabbccdd ji6neoaepv8b5o6k4ev33abha8ht9fgc A HINFO AAAA RRSIG
ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. NSEC3 1 1 12 aabbccdd k8udemvp1j2f7eg6jebps17vp3n8i58h
k8udemvp1j2f7eg6jebps17vp3n8i58h.example. NSEC3 1 1 12 aabbccdd kohar7mbb8dc2ce8a9qvl8hon4k53uhi
kohar7mbb8dc2ce8a9qvl8hon4k53uhi.example. NSEC3 1 1 12 aabbccdd q04jkcevqvmu85r014c7dkba38o0ji5r A RRSIG
q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3 1 1 12 aabbccdd r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG
r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. NSEC3 1 1 12 aabbccdd t644ebqk9bibcna874givr6joj62mlhv MX RRSIG
t644ebqk9bibcna874givr6joj62mlhv.example. NSEC3 1 1 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A HINFO AAAA RRSIG
";

/// The records of that chain whose owners begin so.
fn rfc_5155(begins: &[&str]) -> Denial {
    let lines = RFC_5155
        .lines()
        .filter(|line| begins.iter().any(|begin| line.starts_with(begin)));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    denial("example.", &text)
}

/// Appendix B: which records the RFC names for each answer; without one of them the proof fails.
#[test]
fn the_proofs_of_rfc_5155_appendix_b() {
    type Ask = fn(&Denial, &mut u32) -> Proof;
    let cases: [(&[&str], Ask, Fact); 6] = [
        (
            &["0p9m", "b4um", "35mt"],
            |denial, hashes| denial.no_name(&name("a.c.x.w.example."), hashes),
            Fact::OptOut,
        ),
        (
            &["2t7b"],
            |denial, hashes| denial.no_data(&name("ns1.example."), Rtype::MX, hashes),
            Fact::Proven,
        ),
        (
            &["ji6n"],
            |denial, hashes| denial.no_data(&name("y.w.example."), Rtype::A, hashes),
            Fact::Proven,
        ),
        (
            &["35mt", "0p9m"],
            |denial, hashes| denial.no_ds(&name("c.example."), hashes),
            Fact::OptOut,
        ),
        (
            &["q04j"],
            |denial, hashes| denial.no_closer(&name("a.z.w.example."), 2, hashes),
            Fact::OptOut,
        ),
        (
            &["k8ud", "q04j", "r53b"],
            |denial, hashes| denial.no_data(&name("a.z.w.example."), Rtype::AAAA, hashes),
            Fact::OptOut,
        ),
    ];
    for (begins, ask, fact) in cases {
        assert_eq!(told(ask(&rfc_5155(begins), &mut 24)), Ok(fact), "{begins:?}");
        for gone in begins {
            let rest: Vec<&str> = begins.iter().copied().filter(|begin| begin != gone).collect();
            // Without the wildcard's record an opt-out span may still hide an unsigned delegation.
            let weaker = *gone == "r53b";
            assert_eq!(
                ask(&rfc_5155(&rest), &mut 24).is_err(),
                !weaker,
                "{begins:?} without {gone}"
            );
        }
    }
    let child = rfc_5155(&["0p9m"]).no_data(&name("example."), Rtype::DS, &mut 24);
    assert_eq!(told(child), Err("denial-child-side"));
}
