//! CDS and CDNSKEY.

use super::*;
use crate::dns::Rtype;

const DELETE_CDS: [u8; 5] = [0, 0, 0, 0, 0];
const DELETE_CDNSKEY: [u8; 5] = [0, 0, 3, 0, 0];

/// Neither publishes anything by itself.
fn quiet(config: &mut LabConfig) {
    both(config);
    config
        .providers
        .iter_mut()
        .for_each(|provider| provider.publish_cds = false);
}

impl Scene {
    fn ask(&self, at: &str, of: &[&str]) {
        let apex = self.apex();
        for provider in of {
            let key = self.key(provider, 0);
            self.edit(at, |zone| {
                zone.add(&record(&apex, Rtype::CDS, key.ds(&apex).unwrap().rdata()));
                zone.add(&record(&apex, Rtype::CDNSKEY, key.dnskey().rdata()));
            });
        }
    }
}

#[test]
fn one_signer_asks_for_its_own_key_alone() {
    let scene = Scene::new(quiet);
    scene.finds([]);
    scene.ask("a", &["a"]);
    let report = scene.finds([
        ("cds-differs", Severity::Warning),
        ("cds-breaks", Severity::Warning),
    ]);
    let text = &finding(&report, "cds-breaks").text;
    let dropped = scene.key("b", 0).dnskey().tag();
    assert!(
        text.contains(&format!("drop DS {dropped}")) && text.contains("ns1.provb.test."),
        "{text}"
    );
    // The union at both is well.
    for at in ["a", "b"] {
        scene.ask(at, &["a", "b"]);
    }
    scene.finds([]);
}

#[test]
fn another_digest_type_of_the_same_keys_changes_nothing() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    let more = Ds::of(&apex, scene.key("a", 0).dnskey(), 4).unwrap();
    scene.edit("a", |zone| {
        zone.add(&record(&apex, Rtype::CDS, more.rdata()));
    });
    scene.finds([]);
}

#[test]
fn a_key_that_is_to_be_added() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    scene.ask("a", &["a", "b"]);
    let report = scene.finds([("cds-not-ds", Severity::Remark)]);
    let added = scene.key("b", 0).dnskey().tag();
    assert!(
        finding(&report, "cds-not-ds")
            .text
            .contains(&format!("would add DS {added}"))
    );
}

#[test]
fn cds_and_cdnskey_name_different_keys() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    let other = scene.key("b", 0).dnskey().rdata();
    scene.edit("a", |zone| {
        zone.add(&record(&apex, Rtype::CDNSKEY, other));
    });
    scene.finds([("cds-cdnskey-differ", Severity::Warning)]);
}

#[test]
fn requests_to_remove_the_ds_records() {
    let scene = Scene::new(quiet);
    let apex = scene.apex();
    let delete = |zone: &mut Zone| {
        zone.add(&record(&apex, Rtype::CDS, DELETE_CDS.to_vec()));
        zone.add(&record(&apex, Rtype::CDNSKEY, DELETE_CDNSKEY.to_vec()));
    };
    scene.edit_both(delete);
    scene.finds([("cds-delete", Severity::Warning)]);
    let scene = Scene::new(quiet);
    scene.edit("a", delete);
    scene.finds([
        ("cds-delete", Severity::Warning),
        ("cds-differs", Severity::Warning),
    ]);
    scene.ask("a", &["a"]);
    assert!(scene.codes().contains("cds-delete-not-alone"));
}

#[test]
fn signed_by_a_key_that_the_parent_does_not_know() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    // The key that signs keys is rolled, and the DS RRset has not followed: the old one still signs the DNSKEY RRset.
    let report = scene.check();
    assert!(
        report.servers[0]
            .cds_signers
            .is_superset(&report.servers[0].key_signers)
    );
    scene.set_ds(scene.key("b", 0).ds(&apex));
    assert!(scene.codes().contains("cds-signer"));
}
