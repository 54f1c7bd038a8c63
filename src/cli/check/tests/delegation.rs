//! DS, NS and glue: the parent against the zone, and the parent's servers against each other.

use super::*;
use crate::dns::Rtype;
use crate::dnssec::Status;
use crate::lab::{KSK_FLAGS, RoleKey};

#[test]
fn a_ds_record_whose_key_is_nowhere() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    let other = SigningKey::generate(KSK_FLAGS, 13).unwrap();
    scene.set_ds([scene.key("a", 0).ds(&apex).unwrap(), other.ds(&apex).unwrap()]);
    let report = scene.finds([("ds-orphan", Severity::Warning), ("cds-not-ds", Severity::Remark)]);
    assert_eq!(report.verdict, Status::Secure);
    let row = report
        .ds
        .iter()
        .find(|row| row.ds.tag == other.dnskey().tag())
        .unwrap();
    assert!(row.key.is_none() && row.held_at.is_empty());
}

#[test]
fn a_wrong_digest_is_an_orphan_too() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    let apex = scene.apex();
    let good = scene.key("a", 0).ds(&apex).unwrap();
    let mut wrong = Ds::of(&apex, scene.key("a", 0).dnskey(), 4).unwrap();
    wrong.digest.replace_range(
        0..2,
        if wrong.digest.starts_with("00") {
            "01"
        } else {
            "00"
        },
    );
    scene.set_ds([good, wrong]);
    scene.finds([("ds-orphan", Severity::Warning)]);
}

#[test]
fn a_ds_record_whose_key_signs_nothing() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    let apex = scene.apex();
    let other = SigningKey::generate(KSK_FLAGS, 13).unwrap();
    scene.edit("a", |zone| {
        zone.add(&other.dnskey().record(&apex, 3_600));
    });
    scene.set_ds([scene.key("a", 0).ds(&apex).unwrap(), other.ds(&apex).unwrap()]);
    let report = scene.finds([("ds-key-silent", Severity::Warning)]);
    assert_eq!(finding(&report, "ds-key-silent").at.len(), 2);
}

#[test]
fn sha1_and_digests_that_differ_between_keys() {
    let scene = Scene::new(both);
    let apex = scene.apex();
    let [a, b] = ["a", "b"].map(|provider| scene.key(provider, 0));
    let ds = |key: &SigningKey, digest| Ds::of(&apex, key.dnskey(), digest).unwrap();
    scene.set_ds([ds(&a, 1), ds(&a, 2), ds(&b, 1), ds(&b, 2)]);
    scene.finds([("ds-sha1", Severity::Warning)]);
    scene.set_ds([ds(&a, 2), ds(&a, 4), ds(&b, 2)]);
    scene.finds([("ds-mixed-digests", Severity::Warning)]);
    // SHA-1 beside SHA-256 is not used (RFC 4509 section 3): the first signer is bogus although its DS is there.
    scene.set_ds([ds(&a, 1), ds(&b, 2)]);
    let report = scene.check();
    assert_eq!(finding(&report, "bogus").at.len(), 2);
    assert!(finding(&report, "bogus").at[0].contains("prova"));
    assert!(codes(&report).contains("ds-mixed-digests"));
    scene.set_ds([ds(&a, 2), ds(&a, 4), ds(&b, 2), ds(&b, 4)]);
    scene.finds([]);
}

#[test]
fn a_digest_type_that_validators_do_not_know() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    let apex = scene.apex();
    let good = scene.key("a", 0).ds(&apex).unwrap();
    let gost = Ds {
        digest_type: 3,
        ..good.clone()
    };
    scene.set_ds([good, gost]);
    assert!(scene.codes().contains("ds-unsupported"));
}

#[test]
fn the_parents_servers_differ() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    let apex = scene.apex();
    let ds = scene.key("b", 0).ds(&apex).unwrap().record(&apex, 86_400);
    assert!(scene.world.addresses("registry").len() > 1);
    scene.edit_server("registry", 1, |zone| {
        zone.add(&ds);
    });
    let report = scene.check();
    assert!(
        codes(&report).contains("parent-ds-differs"),
        "{:#?}",
        report.findings
    );
    assert_eq!(report.chain.ds.len(), 2);
    // Judged under both: the keys still answer to the one record that is in both sets.
    assert_eq!(report.verdict, Status::Secure);

    let scene = Scene::new(|_| {});
    scene.edit_server("registry", 1, |zone| {
        zone.add(&record(
            &apex,
            Rtype::NS,
            Name::parse("ns1.provb.test").unwrap().wire().to_vec(),
        ));
    });
    let found = scene.codes();
    assert!(found.contains("parent-ns-differs"), "{found:?}");
}

#[test]
fn under_one_of_two_ds_sets_a_server_is_bogus() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    let apex = scene.apex();
    let ds = scene.key("b", 0).ds(&apex).unwrap().record(&apex, 86_400);
    scene.edit_server("registry", 1, |zone| {
        zone.remove_rrset(&apex, Rtype::DS);
        zone.add(&ds);
    });
    let report = scene.check();
    assert_eq!(report.verdict, Status::Bogus);
    assert!(finding(&report, "bogus").text.contains("[ds-no-key]"));
}

#[test]
fn ns_records_of_the_zone_and_the_delegation() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    scene.edit("a", |zone| {
        zone.remove(&apex, Rtype::NS, Name::parse("ns2.prova.test").unwrap().wire());
    });
    let report = scene.finds([("ns-mismatch", Severity::Warning)]);
    assert!(
        finding(&report, "ns-mismatch")
            .text
            .contains("lack ns2.prova.test. of the delegation")
    );
    // A name that only the zone has is asked too, and resolvers are led to it.
    let scene = Scene::new(|_| {});
    scene.edit("a", |zone| {
        zone.add(&record(
            &apex,
            Rtype::NS,
            Name::parse("ns1.provb.test").unwrap().wire().to_vec(),
        ));
    });
    let report = scene.check();
    assert!(
        report
            .servers
            .iter()
            .any(|server| server.provider == "ns1.provb.test." && server.reached)
    );
    assert_eq!(finding(&report, "key-not-shared").severity, Severity::Broken);
}

#[test]
fn glue_that_is_missing_or_is_not_what_the_zone_says() {
    let scene = Scene::new(|config| config.providers[0].in_zone = true);
    scene.finds([]);
    let host = scene.world.name_servers("a")[1].clone();
    scene.edit("registry", |zone| {
        zone.remove_rrset(&host, Rtype::A);
    });
    let report = scene.finds([("glue-missing", Severity::Warning)]);
    assert!(finding(&report, "glue-missing").text.contains(&host.to_string()));
    assert_eq!(
        finding(&report, "glue-missing").at.len(),
        scene.world.addresses("registry").len()
    );

    scene.edit("registry", |zone| {
        zone.add(&record(&host, Rtype::A, vec![192, 0, 2, 11]));
    });
    let report = scene.finds([("glue-differs", Severity::Warning)]);
    assert!(finding(&report, "glue-differs").text.contains("192.0.2.11"));
}

#[test]
fn glue_of_hosts_outside_the_zone_is_compared_with_their_own_zone() {
    // The parent's servers give the addresses that the parent zone itself holds: nothing to be said.
    let scene = Scene::new(|_| {});
    let mut report = scene.finds([]);
    let delegated = report.parent[0].ns.clone();
    let own = report.parent[0].glue.clone().unwrap();
    assert_eq!(own.len(), 2);
    // A part of them is no fault; one that their own zone does not have is.
    let host = own.keys().next().unwrap().clone();
    let another: std::net::IpAddr = "192.0.2.99".parse().unwrap();
    let mut more = own.clone();
    more.get_mut(&host).unwrap().insert(another);
    let found = |report: &Report, own| {
        let found = super::super::findings::find(report, &delegated, own);
        found.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(found(&report, &more), Vec::<&str>::new());
    for server in &mut report.parent {
        server.glue = Some(more.clone());
    }
    assert_eq!(found(&report, &own), ["glue-differs"]);
}

#[test]
fn copies_without_or_with_other_addresses_of_a_host() {
    let scene = Scene::new(|config| {
        both(config);
        config.providers[0].in_zone = true;
    });
    scene.finds([]);
    let host = scene.world.name_servers("a")[0].clone();
    scene.edit("b", |zone| {
        zone.remove_rrset(&host, Rtype::A);
    });
    let report = scene.finds([("host-without-address", Severity::Warning)]);
    assert_eq!(finding(&report, "host-without-address").at.len(), 2);
    scene.edit("b", |zone| {
        zone.add(&record(&host, Rtype::A, vec![192, 0, 2, 99]));
    });
    let found = scene.codes();
    assert!(found.contains("host-addresses-differ"), "{found:?}");
}

#[test]
fn the_anchor_and_the_chain_above() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    // The parent's DS at the root names a key that the parent does not have.
    let parent = Name::parse("test").unwrap();
    let wrong = scene.key("b", 0).ds(&parent).unwrap().record(&parent, 3_600);
    scene.edit("root", |zone| {
        zone.remove_rrset(&parent, Rtype::DS);
        zone.add(&wrong);
    });
    let report = scene.check();
    assert_eq!(finding(&report, "chain-bogus").severity, Severity::Broken);
    assert_eq!(report.verdict, Status::Bogus);
    assert!(!codes(&report).contains("bogus"), "said once: {apex}");
    scene.edit("root", |zone| {
        let key = Arc::new(SigningKey::generate(KSK_FLAGS, 13).unwrap());
        *zone.keys_mut() = vec![RoleKey {
            key,
            signs_keys: true,
            signs_data: true,
            published: true,
        }];
    });
    // The anchors are read from the world, so a root that is rolled behind its own anchor has to be given one.
    assert!(scene.codes().contains("chain-bogus"));
}
