//! What is found at a single server.

use super::*;
use crate::dns::Rcode;
use crate::dnssec::Status;
use crate::lab::{Asked, Before, Habit, RoleKey, ZSK_FLAGS};

/// Does something to every message of one server.
struct Does<F>(F);

impl<F: Fn(&Asked<'_>) -> Before + Send + Sync> Habit for Does<F> {
    fn before(&self, asked: &Asked<'_>) -> Before {
        (self.0)(asked)
    }
}

/// Changes the octets of every answer.
struct Makes<F>(F);

impl<F: Fn(&Asked<'_>, Vec<u8>) -> Option<Vec<u8>> + Send + Sync> Habit for Makes<F> {
    fn after(&self, asked: &Asked<'_>, answer: Vec<u8>) -> Option<Vec<u8>> {
        (self.0)(asked, answer)
    }
}

fn second(scene: &Scene) -> SocketAddr {
    scene.world.addresses("a")[1]
}

fn no_tcp(asked: &Asked<'_>) -> Before {
    if asked.proto == Proto::Tcp {
        Before::Drop
    } else {
        Before::Answer
    }
}

#[test]
fn silent_lame_and_refusing_servers() {
    let scene = Scene::new(|_| {});
    scene
        .world
        .set_habit(second(&scene), Some(Arc::new(Does(|_: &Asked<'_>| Before::Drop))));
    let report = scene.finds([("no-answer", Severity::Unknown)]);
    assert_eq!(finding(&report, "no-answer").at, ["ns2.prova.test."]);
    let refuse = |_: &Asked<'_>| Before::Code(Rcode::REFUSED);
    scene
        .world
        .set_habit(second(&scene), Some(Arc::new(Does(refuse))));
    scene.finds([("lame", Severity::Broken)]);
    let all = scene.world.addresses("a").to_vec();
    for address in all {
        scene
            .world
            .set_habit(address, Some(Arc::new(Does(|_: &Asked<'_>| Before::Drop))));
    }
    let report = scene.finds([("no-answer", Severity::Unknown)]);
    assert_eq!(finding(&report, "no-answer").at.len(), 2, "one line for both");
    assert_eq!(report.verdict, Status::Indeterminate);
}

#[test]
fn a_server_that_refuses_one_question_is_unknown() {
    let scene = Scene::new(|_| {});
    let refuse = |asked: &Asked<'_>| match asked.message.question.as_ref().map(|q| q.rtype) {
        Some(Rtype::CDS) => Before::Code(Rcode::SERVFAIL),
        _ => Before::Answer,
    };
    scene
        .world
        .set_habit(second(&scene), Some(Arc::new(Does(refuse))));
    let report = scene.finds([("server-unknown", Severity::Unknown)]);
    assert!(finding(&report, "server-unknown").text.contains("[servfail]"));
}

#[test]
fn a_bogus_server_is_told_with_the_codes_of_chain() {
    let scene = Scene::new(|_| {});
    let apex = scene.apex();
    scene.set_ds(Ds::of(&apex, scene.key("b", 0).dnskey(), 2));
    let report = scene.finds([
        ("bogus", Severity::Broken),
        ("ds-orphan", Severity::Warning),
        ("cds-signer", Severity::Warning),
        ("cds-not-ds", Severity::Remark),
    ]);
    assert_eq!(report.verdict, Status::Bogus);
    assert!(
        finding(&report, "bogus").text.contains("[ds-no-key]"),
        "{:#?}",
        report.findings
    );
    assert_eq!(finding(&report, "bogus").at.len(), 2);
}

#[test]
fn tcp_that_fails_weighs_more_where_an_answer_needs_it() {
    let scene = Scene::new(|_| {});
    scene
        .world
        .set_habit(second(&scene), Some(Arc::new(Does(no_tcp))));
    scene.finds([("tcp", Severity::Warning)]);
    let apex = scene.apex();
    scene.edit("a", |zone| {
        for _ in 0..12 {
            let key = SigningKey::generate(ZSK_FLAGS, 13).unwrap();
            zone.add(&key.dnskey().record(&apex, 3_600));
        }
    });
    let report = scene.check();
    assert_eq!(finding(&report, "tcp-needed").severity, Severity::Broken);
    assert_eq!(finding(&report, "tcp-needed").at, ["ns2.prova.test."]);
    scene.world.set_habit(second(&scene), None);
    let report = scene.finds([("dnskey-answer-large", Severity::Remark)]);
    assert_eq!(report.verdict, Status::Secure);
    let sizes = report.servers[0].sizes.as_ref().unwrap();
    assert!(sizes.safe.truncated && sizes.plain.truncated && sizes.dnskey_answer.unwrap() > 1232);
}

#[test]
fn a_server_of_the_parent_without_tcp_or_without_answers() {
    let scene = Scene::new(|_| {});
    let parent = scene.world.addresses("registry")[0];
    scene.world.set_habit(parent, Some(Arc::new(Does(no_tcp))));
    scene.finds([("parent-tcp", Severity::Warning)]);
    let drop_ds = |asked: &Asked<'_>| match asked.message.question.as_ref() {
        Some(question) if question.rtype == Rtype::DS && question.name.label_count() == 2 => Before::Drop,
        _ => Before::Answer,
    };
    scene.world.set_habit(parent, Some(Arc::new(Does(drop_ds))));
    assert!(scene.codes().contains("parent-silent"));
}

#[test]
fn a_server_that_ignores_what_was_offered() {
    let scene = Scene::new(|_| {});
    // A keyless pad after the message: some servers send too much, whatever was offered.
    let pad = |asked: &Asked<'_>, mut answer: Vec<u8>| {
        let keys = asked.message.question.as_ref().map(|q| q.rtype) == Some(Rtype::DNSKEY);
        if keys && asked.proto == Proto::Udp {
            answer.resize(1400, 0);
        }
        Some(answer)
    };
    scene.world.set_habit(second(&scene), Some(Arc::new(Makes(pad))));
    let report = scene.finds([
        ("udp-oversize", Severity::Warning),
        ("dnskey-answer-large", Severity::Remark),
    ]);
    assert_eq!(finding(&report, "udp-oversize").at, ["ns2.prova.test."]);
}

#[test]
fn a_server_that_cuts_without_saying_so() {
    let scene = Scene::new(|_| {});
    // Where 512 octets were offered it clears TC and lets the emptied answer stand.
    let cut = |asked: &Asked<'_>, mut answer: Vec<u8>| {
        let small = asked.message.edns.is_some_and(|edns| edns.udp_size == 512);
        if small && asked.message.question.as_ref().map(|q| q.rtype) == Some(Rtype::DNSKEY) {
            answer[2] &= !0x02;
        }
        Some(answer)
    };
    let apex = scene.apex();
    scene.edit("a", |zone| {
        for _ in 0..4 {
            let key = SigningKey::generate(ZSK_FLAGS, 13).unwrap();
            zone.add(&key.dnskey().record(&apex, 3_600));
        }
    });
    scene.finds([]);
    scene.world.set_habit(second(&scene), Some(Arc::new(Makes(cut))));
    let report = scene.finds([("udp-cut", Severity::Warning)]);
    assert!(finding(&report, "udp-cut").text.contains("512 octets"));
}

#[test]
fn a_server_whose_large_answers_are_lost() {
    let scene = Scene::new(|_| {});
    let lose = |asked: &Asked<'_>, answer: Vec<u8>| {
        let keys = asked.message.question.as_ref().map(|q| q.rtype) == Some(Rtype::DNSKEY);
        (!(keys && asked.proto == Proto::Udp)).then_some(answer)
    };
    scene.world.set_habit(second(&scene), Some(Arc::new(Makes(lose))));
    let report = scene.check();
    // Nothing came over UDP at all: no verdict, and no probe of its sizes.
    assert_eq!(finding(&report, "server-unknown").severity, Severity::Unknown);
    // Whole answers come, and those to what is asked in small do not.
    let times = std::sync::atomic::AtomicUsize::new(0);
    let lose = move |asked: &Asked<'_>, answer: Vec<u8>| {
        let keys = asked.message.question.as_ref().map(|q| q.rtype) == Some(Rtype::DNSKEY);
        let first =
            keys && asked.proto == Proto::Udp && times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0;
        (!first).then_some(answer)
    };
    scene.world.set_habit(second(&scene), Some(Arc::new(Makes(lose))));
    scene.finds([("udp-lost", Severity::Warning)]);
}

#[test]
fn a_server_without_edns() {
    let scene = Scene::new(|_| {});
    let strip = |_: &Asked<'_>, answer: Vec<u8>| {
        let mut out = answer;
        // The OPT record is the last of the additional section: 11 octets without options.
        let length = out.len() - 11;
        out.truncate(length);
        out[11] -= 1;
        Some(out)
    };
    scene
        .world
        .set_habit(second(&scene), Some(Arc::new(Makes(strip))));
    let report = scene.check();
    assert_eq!(finding(&report, "no-edns").severity, Severity::Broken);
}

#[test]
fn signatures_that_nobody_renews() {
    let scene = Scene::new(|config| {
        config.validity = Duration::from_secs(14 * 86_400);
        config.renewal = Some(Duration::from_secs(14 * 86_400));
    });
    scene.finds([]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ahead = |days: i64| Moment::from_seconds(START + days * 86_400);
    runtime.block_on(scene.clock.sleep_until(ahead(10)));
    scene.finds([]);
    runtime.block_on(scene.clock.sleep_until(ahead(13)));
    scene.finds([("expires-soon", Severity::Warning)]);
}

#[test]
fn a_signature_beside_the_good_ones_whose_key_is_not_there() {
    let scene = Scene::new(|_| {});
    let new = Arc::new(SigningKey::generate(ZSK_FLAGS, 13).unwrap());
    scene.edit("a", |zone| {
        zone.keys_mut().push(RoleKey {
            key: new.clone(),
            signs_keys: false,
            signs_data: true,
            published: false,
        });
    });
    let report = scene.finds([("signature-without-key", Severity::Remark)]);
    assert!(
        finding(&report, "signature-without-key")
            .text
            .contains(&new.dnskey().tag().to_string())
    );
}

/// The settings of a group of which the second is not delegated yet.
fn group_of_two(scene: &Scene) -> String {
    let names = |provider: &str| {
        let names = scene.world.name_servers(provider);
        names
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "[zone.\"shop.test.\"]\nsigners = [\"a\", \"b\"]\nparent = \"registry\"\n\
         [provider.a]\ndriver = \"manual\"\nname_servers = [{}]\n\
         [provider.b]\ndriver = \"manual\"\nname_servers = [{}]\n\
         [parent.registry]\ndriver = \"manual\"\n",
        names("a"),
        names("b")
    )
}

#[test]
fn a_signer_to_whom_nobody_is_led_breaks_nothing() {
    let mut scene = Scene::new(|_| {});
    let text = group_of_two(&scene);
    scene.settle(&text);
    let report = scene.check();
    let worst = report.findings.iter().map(|finding| finding.severity).max();
    // Its keys are not shared and its DS is not there: that is for later.
    assert_eq!(worst, Some(Severity::Warning), "{:#?}", report.findings);
    assert_eq!(finding(&report, "not-delegated").at.len(), 2);
    assert_eq!(finding(&report, "key-not-shared").severity, Severity::Warning);
    assert_eq!(report.verdict, Status::Secure);
    assert!(!codes(&report).contains("cds-differs"));

    for address in scene.world.addresses("b").to_vec() {
        scene
            .world
            .set_habit(address, Some(Arc::new(Does(|_: &Asked<'_>| Before::Drop))));
    }
    let report = scene.check();
    assert_eq!(finding(&report, "no-answer").severity, Severity::Warning);
    assert_eq!(report.verdict, Status::Secure);
}

#[test]
fn a_host_of_two_providers_is_asked_once_at_each_address() {
    let mut scene = Scene::new(both);
    let shared = Name::parse("ns.shared.test").unwrap();
    let addresses = [scene.world.addresses("a")[0], scene.world.addresses("b")[0]];
    scene.edit("registry", |zone| {
        for address in addresses {
            let std::net::IpAddr::V4(v4) = address.ip() else {
                panic!()
            };
            zone.add(&record(&shared, Rtype::A, v4.octets().to_vec()));
        }
    });
    let apex = scene.apex();
    for operator in ["registry", "a", "b"] {
        scene.edit(operator, |zone| {
            zone.add(&record(&apex, Rtype::NS, shared.wire().to_vec()));
        });
    }
    let mut text = group_of_two(&scene);
    for (provider, address) in ["a", "b"].into_iter().zip(addresses) {
        let own = format!(
            "{{ name = \"ns.shared.test.\", addresses = [\"{}\"] }}, ",
            address.ip()
        );
        let (before, after) = text.split_once(&format!("[provider.{provider}]")).unwrap();
        let after = after.replacen("name_servers = [", &format!("name_servers = [{own}"), 1);
        text = format!("{before}[provider.{provider}]{after}");
    }
    scene.settle(&text);
    let report = scene.finds([]);
    assert_eq!(
        report.servers.len(),
        4,
        "each address once: {:#?}",
        report.servers
    );
    let providers: Vec<(&str, SocketAddr)> = report
        .servers
        .iter()
        .map(|server| (server.provider.as_str(), server.address))
        .collect();
    let wanted: Vec<(&str, SocketAddr)> = ["a", "b"]
        .into_iter()
        .flat_map(|provider| {
            scene
                .world
                .addresses(provider)
                .iter()
                .map(move |address| (provider, *address))
        })
        .collect();
    assert_eq!(BTreeSet::from_iter(providers), BTreeSet::from_iter(wanted));
}

#[test]
fn a_name_without_an_address() {
    let scene = Scene::new(|_| {});
    let (apex, gone) = (scene.apex(), Name::parse("ns.gone.test").unwrap());
    for operator in ["registry", "a"] {
        scene.edit(operator, |zone| {
            zone.add(&record(&apex, Rtype::NS, gone.wire().to_vec()));
        });
    }
    let report = scene.finds([("no-address", Severity::Warning)]);
    assert_eq!(finding(&report, "no-address").at, ["ns.gone.test."]);
    assert_eq!(report.verdict, Status::Secure);
}

#[test]
fn an_address_to_which_there_is_no_way_from_here() {
    let mut scene = Scene::new(|_| {});
    scene.out_of_reach.insert(second(&scene));
    let report = scene.finds([("no-route", Severity::Remark)]);
    assert_eq!(report.verdict, Status::Secure, "what was seen is");
    assert_eq!(report.blind.len(), 1);
}

#[test]
fn no_way_to_any_server() {
    let mut scene = Scene::new(|_| {});
    for provider in ["a", "b"] {
        let addresses = scene.world.addresses(provider).to_vec();
        scene.out_of_reach.extend(addresses);
    }
    let report = scene.finds([("no-route", Severity::Remark), ("no-server", Severity::Unknown)]);
    assert_eq!(report.verdict, Status::Indeterminate);
}

#[test]
fn nobody_who_could_be_asked() {
    let scene = Scene::new(|_| {});
    let (apex, gone) = (scene.apex(), Name::parse("ns.gone.test").unwrap());
    scene.edit("registry", |zone| {
        zone.remove_rrset(&apex, Rtype::NS);
        zone.add(&record(&apex, Rtype::NS, gone.wire().to_vec()));
    });
    let report = scene.finds([
        ("no-server", Severity::Unknown),
        ("no-address", Severity::Warning),
    ]);
    assert_eq!(report.verdict, Status::Indeterminate);
}

#[test]
fn a_chain_that_cannot_be_told() {
    let scene = Scene::new(|_| {});
    let drop = |asked: &Asked<'_>| match asked.message.question.as_ref() {
        Some(question) if question.rtype == Rtype::DNSKEY && question.name.label_count() == 1 => Before::Drop,
        _ => Before::Answer,
    };
    for address in scene.world.addresses("registry") {
        scene.world.set_habit(*address, Some(Arc::new(Does(drop))));
    }
    let report = scene.check();
    assert_eq!(finding(&report, "chain-unknown").severity, Severity::Unknown);
    assert_eq!(report.verdict, Status::Indeterminate);
}
