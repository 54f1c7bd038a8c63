//! No false alarm: what is right is not warned of.

use super::*;
use crate::dns::{Message, Rrset, rrsets};
use crate::dnssec::Status;
use crate::lab::{Asked, Habit, KSK_FLAGS, RoleKey, SignerKind, ZSK_FLAGS};

#[track_caller]
fn is_well(scene: &Scene) -> Report {
    let report = scene.finds([]);
    assert_eq!(report.verdict, Status::Secure);
    assert!(
        report
            .servers
            .iter()
            .all(|server| server.verdict == Status::Secure)
    );
    report
}

#[test]
fn a_single_signer_with_nsec_or_nsec3() {
    for nsec3 in [false, true] {
        let scene = Scene::new(|config| config.providers[0].nsec3 = nsec3);
        let report = is_well(&scene);
        assert_eq!(report.servers.len(), 2);
        assert_eq!(
            report.servers[0].denial,
            Some(if nsec3 { "NSEC3" } else { "NSEC" })
        );
    }
}

#[test]
fn a_single_key_for_everything() {
    is_well(&Scene::new(|config| config.providers[0].signer = SignerKind::Csk));
}

#[test]
fn names_of_servers_within_the_zone() {
    let report = is_well(&Scene::new(|config| config.providers[0].in_zone = true));
    assert_eq!(report.servers[0].hosts.len(), 2);
    let glue = report.parent[0].glue.as_ref().unwrap();
    assert_eq!(glue, &report.servers[0].hosts);
}

#[test]
fn model_2_with_all_kinds_of_signers() {
    for kinds in [
        [SignerKind::KskZsk, SignerKind::KskZsk],
        [SignerKind::Csk, SignerKind::KskZsk],
        [SignerKind::Csk, SignerKind::Csk],
    ] {
        let scene = Scene::new(|config| {
            both(config);
            for (provider, kind) in config.providers.iter_mut().zip(kinds) {
                provider.signer = kind;
            }
        });
        let report = is_well(&scene);
        assert_eq!(report.servers.len(), 4);
        assert_eq!(report.ds.len(), 2);
    }
}

#[test]
fn model_2_where_nobody_holds_the_other_ones_ksk() {
    let scene = Scene::new(|config| {
        both(config);
        config
            .providers
            .iter_mut()
            .for_each(|provider| provider.publish_cds = false);
    });
    let apex = scene.apex();
    for (at, other) in [("a", "b"), ("b", "a")] {
        let foreign = scene.key(other, 0).dnskey().rdata();
        scene.edit(at, |zone| {
            assert!(zone.remove(&apex, Rtype::DNSKEY, &foreign));
        });
    }
    let report = is_well(&scene);
    // Each DS record's key is at one signer alone, and that is told.
    assert!(
        report
            .ds
            .iter()
            .all(|row| row.held_at.len() == 2 && row.signs_at.len() == 2)
    );
}

#[test]
fn nsec_beside_nsec3_is_only_remarked() {
    let scene = Scene::new(|config| {
        both(config);
        config.providers[1].nsec3 = true;
    });
    let report = scene.finds([("denial-mixed", Severity::Remark)]);
    assert_eq!(report.verdict, Status::Secure);
}

/// One KSK that both hold ready signatures of, a ZSK each, the same DNSKEY RRset at both.
fn model_1() -> Scene {
    let scene = Scene::new(both);
    let (apex, common) = (scene.apex(), scene.key("a", 0));
    let former = scene.key("b", 0).dnskey().clone();
    scene.edit("b", |zone| {
        zone.keys_mut()[0].key = common.clone();
        for rtype in [Rtype::CDS, Rtype::CDNSKEY] {
            zone.remove_rrset(&apex, rtype);
        }
    });
    scene.edit("a", |zone| {
        zone.remove(&apex, Rtype::DNSKEY, &former.rdata());
        for rtype in [Rtype::CDS, Rtype::CDNSKEY] {
            zone.remove_rrset(&apex, rtype);
        }
    });
    scene.edit("b", |zone| {
        zone.remove(&apex, Rtype::DNSKEY, &former.rdata());
    });
    scene.set_ds(common.ds(&apex));
    scene
}

#[test]
fn model_1_with_one_ksk_and_several_zsk() {
    let report = is_well(&model_1());
    assert_eq!(report.ds.len(), 1);
    assert_eq!(report.ds[0].signs_at.len(), 4);
    let keys: BTreeSet<_> = report.servers.iter().map(|server| &server.keys).collect();
    assert_eq!(keys.len(), 1, "the same set everywhere");
    let signers: BTreeSet<_> = report.servers.iter().map(|server| &server.data_signers).collect();
    assert_eq!(signers.len(), 2, "another ZSK at each");
}

#[test]
fn the_middle_of_a_zsk_roll() {
    for scene in [Scene::new(both), model_1()] {
        let apex = scene.apex();
        let new = Arc::new(SigningKey::generate(ZSK_FLAGS, 13).unwrap());
        scene.edit("b", |zone| {
            zone.add(&new.dnskey().record(&apex, 3_600));
        });
        // Published everywhere, then used: data is signed by the former and by the new key side by side.
        scene.edit("a", |zone| {
            zone.keys_mut().push(RoleKey {
                key: new.clone(),
                signs_keys: false,
                signs_data: false,
                published: true,
            });
        });
        is_well(&scene);
        scene.edit_server("a", 1, |zone| {
            let keys = zone.keys_mut();
            keys[1].signs_data = false;
            keys[2].signs_data = true;
        });
        let report = is_well(&scene);
        assert_ne!(report.servers[0].data_signers, report.servers[1].data_signers);
    }
}

#[test]
fn a_ksk_that_is_being_rolled() {
    let scene = Scene::new(|config| {
        both(config);
        config
            .providers
            .iter_mut()
            .for_each(|provider| provider.publish_cds = false);
    });
    let apex = scene.apex();
    let new = Arc::new(SigningKey::generate(KSK_FLAGS, 13).unwrap());
    scene.edit("a", |zone| {
        zone.keys_mut().push(RoleKey {
            key: new.clone(),
            signs_keys: true,
            signs_data: false,
            published: true,
        });
    });
    is_well(&scene);
    let keys = [scene.key("a", 0), scene.key("b", 0), new];
    scene.set_ds(keys.iter().filter_map(|key| key.ds(&apex)));
    is_well(&scene);
}

/// Answers what does not exist with NODATA, one NSEC record and NXNAME (RFC 9824), as online signers do.
struct Compact {
    key: Arc<SigningKey>,
    zone: Name,
}

impl Habit for Compact {
    fn after(&self, asked: &Asked<'_>, answer: Vec<u8>) -> Option<Vec<u8>> {
        let message = Message::parse(&answer).ok()?;
        if message.rcode != crate::dns::Rcode::NXDOMAIN {
            return Some(answer);
        }
        let name = &asked.message.question.as_ref()?.name;
        let mut rdata = name.prepend(&[0]).ok()?.wire().to_vec();
        // RRSIG, NSEC (46, 47) and NXNAME (128).
        rdata.extend([0, 17, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
        let mut denial = Rrset {
            name: name.clone(),
            rtype: Rtype::NSEC,
            ttl: 900,
            rdatas: vec![rdata],
            signatures: Vec::new(),
            broken_signatures: 0,
        };
        let now = asked.now.floor_seconds();
        let signature = self
            .key
            .sign(&denial, &self.zone, now - 3_600, now + 86_400)
            .ok()?;
        denial.signatures.push(signature);
        let soa = rrsets(&message.authority)
            .into_iter()
            .find(|set| set.rtype == Rtype::SOA)?;
        Some(nodata(&answer, &[soa, denial]))
    }
}

/// The same header and question with NOERROR and these RRsets in the authority section.
fn nodata(answer: &[u8], authority: &[Rrset]) -> Vec<u8> {
    use domain::base::iana::{Class, Rtype as Iana};
    use domain::base::rdata::UnknownRecordData;
    use domain::base::{Message as Wire, MessageBuilder, Name as WireName, Ttl};

    let wire = Wire::from_slice(answer).unwrap();
    let mut builder = MessageBuilder::new_vec();
    *builder.header_mut() = wire.header();
    builder.header_mut().set_rcode(domain::base::iana::Rcode::NOERROR);
    let mut question = builder.question();
    question.push(wire.question().next().unwrap().unwrap()).unwrap();
    let mut section = question.authority();
    for rrset in authority {
        let signatures = rrset
            .signatures
            .iter()
            .map(|signature| Record::new(rrset.name.clone(), Rtype::RRSIG, rrset.ttl, signature.rdata()));
        for record in rrset.records().chain(signatures) {
            let data = UnknownRecordData::from_octets(Iana::from_int(record.rtype.0), record.rdata).unwrap();
            let owner = WireName::from_octets(record.name.wire().to_vec()).unwrap();
            section
                .push((owner, Class::IN, Ttl::from_secs(record.ttl), data))
                .unwrap();
        }
    }
    let mut additional = section.additional();
    additional
        .opt(|opt| {
            opt.set_udp_payload_size(1232);
            opt.set_dnssec_ok(true);
            Ok(())
        })
        .unwrap();
    additional.finish()
}

#[test]
fn an_online_signer_with_compact_denial_and_short_signatures() {
    let scene = Scene::new(|config| {
        config.providers[0].signer = SignerKind::Csk;
        // Signed as it is asked for: a day back, a day ahead.
        config.validity = Duration::from_secs(86_400);
    });
    let habit = Arc::new(Compact {
        key: scene.key("a", 0),
        zone: scene.apex(),
    });
    for address in scene.world.addresses("a") {
        scene.world.set_habit(*address, Some(habit.clone()));
    }
    let report = is_well(&scene);
    assert!(report.servers.iter().all(|server| server.compact_denial));
}

#[test]
fn an_unsigned_zone_is_only_remarked() {
    let scene = Scene::new(|config| config.providers[0].publish_cds = false);
    scene.set_ds([]);
    scene.edit("a", |zone| zone.keys_mut().clear());
    let report = scene.finds([("insecure", Severity::Remark)]);
    assert_eq!(report.verdict, Status::Insecure);
    assert!(report.changes.is_none());
}
