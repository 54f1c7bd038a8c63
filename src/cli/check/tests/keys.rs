//! Keys side by side, algorithms, denial.

use super::*;
use crate::dns::Rtype;
use crate::dnssec::{Dnskey, Status};
use crate::lab::ZSK_FLAGS;

#[test]
fn a_key_that_is_not_shared() {
    let scene = Scene::new(both);
    let apex = scene.apex();
    scene.edit("b", |zone| {
        zone.remove_rrset(&apex, Rtype::DNSKEY);
    });
    let report = scene.finds([("key-not-shared", Severity::Broken)]);
    assert_eq!(report.verdict, Status::Secure, "each by itself is well");
    let found = finding(&report, "key-not-shared");
    assert_eq!(found.at, ["ns1.provb.test.", "ns2.provb.test."]);
    let key = scene.key("a", 1).dnskey().id();
    assert!(found.text.contains(&key.to_string()));
}

#[test]
fn a_server_of_a_signer_that_lags() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    scene.edit_server("a", 1, |zone| zone.bump_serial());
    scene.finds([("serials", Severity::Warning)]);
    let scene = Scene::new(|_| {});
    scene.edit_server("a", 1, |zone| {
        let key = SigningKey::generate(ZSK_FLAGS, 13).unwrap();
        zone.add(&key.dnskey().record(&apex, 3_600));
    });
    scene.finds([("dnskey-differs", Severity::Warning)]);
    // Two signers count by themselves.
    let scene = Scene::new(both);
    scene.edit("a", |_| {});
    let report = scene.finds([]);
    assert_ne!(report.servers[0].serial, report.servers[3].serial);
}

#[test]
fn algorithms_that_differ() {
    let scene = Scene::new(|config| {
        both(config);
        config.providers[1].algorithm = 15;
    });
    let report = scene.finds([("algorithm", Severity::Warning)]);
    assert_eq!(
        report.findings.len(),
        2,
        "one for each algorithm: {:#?}",
        report.findings
    );
}

#[test]
fn algorithms_and_sizes_by_todays_rules() {
    let foreign = |algorithm: u8, public_key: Vec<u8>| {
        let scene = Scene::new(|_| {});
        let apex = scene.apex();
        let key = Dnskey {
            flags: 256,
            protocol: 3,
            algorithm,
            public_key,
        };
        scene.edit("a", |zone| {
            zone.add(&key.record(&apex, 3_600));
        });
        scene
    };
    let rsa = |octets: usize| {
        let mut key = vec![3, 1, 0, 1];
        key.resize(4 + octets, 0xc1);
        key
    };
    foreign(8, rsa(256)).finds([]);
    foreign(8, rsa(128)).finds([("key-small", Severity::Warning)]);
    foreign(10, rsa(256)).finds([("algorithm-not-recommended", Severity::Remark)]);
    foreign(7, rsa(256)).finds([("algorithm-forbidden", Severity::Warning)]);
    foreign(12, vec![7; 64]).finds([("algorithm-forbidden", Severity::Warning)]);
}

#[test]
fn two_keys_of_one_tag() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    // Two octets at the same parity changed places: the sum, and so the tag, stays.
    let mut twin = scene.key("a", 1).dnskey().clone();
    let at = (0..60)
        .step_by(2)
        .find(|at| twin.public_key[*at] != twin.public_key[at + 2])
        .unwrap();
    twin.public_key.swap(at, at + 2);
    scene.edit("a", |zone| {
        zone.add(&twin.record(&apex, 3_600));
    });
    scene.finds([("key-tag-clash", Severity::Warning)]);
}

#[test]
fn a_revoked_key() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    let mut key = SigningKey::generate(ZSK_FLAGS, 13).unwrap().dnskey().clone();
    key.flags |= 0x80;
    scene.edit("a", |zone| {
        zone.add(&key.record(&apex, 3_600));
    });
    scene.finds([("key-revoked", Severity::Remark)]);
}

mod nsec3 {
    use super::*;
    use crate::cli::check::report::Nsec3;

    /// What the findings make of parameters; the lab itself hashes once and without salt, as one should.
    fn shown(all: [&[(u16, &str, bool)]; 2]) -> BTreeSet<(&'static str, Severity)> {
        let scene = Scene::new(|config| config.providers[0].nsec3 = true);
        let mut report = scene.check();
        for (server, parameters) in report.servers.iter_mut().zip(all) {
            server.nsec3 = parameters
                .iter()
                .map(|(iterations, salt, opt_out)| Nsec3 {
                    iterations: *iterations,
                    salt: (*salt).to_owned(),
                    opt_out: *opt_out,
                })
                .collect();
        }
        let delegated = report.parent[0].ns.clone();
        super::super::super::findings::find(&report, &delegated, &Default::default())
            .iter()
            .map(|finding| (finding.code, finding.severity))
            .collect()
    }

    #[test]
    fn parameters() {
        let plain: &[(u16, &str, bool)] = &[(0, "", false)];
        assert_eq!(shown([plain, plain]), BTreeSet::new());
        let costly: &[_] = &[(10, "", false)];
        assert_eq!(
            shown([costly, costly]),
            BTreeSet::from([("nsec3-iterations", Severity::Warning)])
        );
        let too_many: &[_] = &[(51, "", false)];
        assert_eq!(
            shown([too_many, too_many]),
            BTreeSet::from([("nsec3-too-many-iterations", Severity::Broken)])
        );
        let salted: &[_] = &[(0, "ab", true)];
        assert_eq!(
            shown([salted, salted]),
            BTreeSet::from([
                ("nsec3-salt", Severity::Remark),
                ("nsec3-opt-out", Severity::Remark)
            ])
        );
        assert_eq!(
            shown([plain, &[(0, "ab", false)]]),
            BTreeSet::from([
                ("nsec3-salt", Severity::Remark),
                ("nsec3-differs", Severity::Warning)
            ])
        );
    }

    #[test]
    fn are_read_from_the_records() {
        let scene = Scene::new(|config| config.providers[0].nsec3 = true);
        let report = scene.check();
        let plain = Nsec3 {
            iterations: 0,
            salt: String::new(),
            opt_out: false,
        };
        assert_eq!(report.servers[0].nsec3, BTreeSet::from([plain]));
    }
}
