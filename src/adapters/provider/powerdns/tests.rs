//! The driver against a stand-in for the API.

use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;

const ZONE: &str = "/api/v1/servers/localhost/zones/shop.test.";
const OWN: &str =
    "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";
const FOREIGN: &str =
    "256 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA==";
const OTHER: &str =
    "256 3 13 d4HEyBmfWJlAxEB1LDGDRHMLLTdZ5+yrh1B8kYNYXjMSNbZKYRyOWPjpSFzDsLBJmEXqjUjPlCKIZQOEyUlqNg==";
const CDS: &str = "12345 13 2 5F8F0C42B8F1A0A8F5B6E1A7E7A25A6A6B1E7D4F4B1E4B1A1C1D1E1F20212223";

fn config(url: &str) -> PowerDnsConfig {
    PowerDnsConfig {
        name: "c".to_owned(),
        zone: Name::parse("shop.test").unwrap(),
        url: url.to_owned(),
        server_id: "localhost".to_owned(),
        api_key: SecretString::from("hunter2hunter2".to_owned()),
        insecure_http: false,
    }
}

fn rrset(rtype: &str, contents: &[&str]) -> Value {
    let records: Vec<Value> = contents
        .iter()
        .map(|content| json!({"content": content, "disabled": false}))
        .collect();
    json!({"name": "shop.test.", "type": rtype, "ttl": 60, "comments": [], "records": records})
}

fn record(rtype: Rtype, text: &str) -> Record {
    let line = format!("shop.test. 60 IN {rtype} {text}");
    parse_records(&line, &Name::root(), 60).unwrap().remove(0)
}

fn change(rtype: Rtype, add: &[&str], remove: &[&str]) -> RrsetChange {
    let records = |texts: &[&str]| texts.iter().map(|text| record(rtype, text)).collect();
    RrsetChange {
        name: Name::parse("shop.test").unwrap(),
        rtype,
        ttl: 60,
        add: records(add),
        remove: records(remove),
        expect: Vec::new(),
    }
}

/// A server with one key of its own, `before` stored, and `after` from the second read on.
async fn api(before: Value, after: Value) -> (MockServer, PowerDnsProvider) {
    let server = MockServer::start().await;
    let keys = json!([
        {"id": 1, "keytype": "csk", "active": true, "published": true, "dnskey": OWN, "ds": [], "cds": [CDS]},
        {"id": 2, "keytype": "zsk", "active": false, "published": false, "dnskey": OTHER},
    ]);
    Mock::given(method("GET"))
        .and(path(format!("{ZONE}/cryptokeys")))
        .and(header("x-api-key", "hunter2hunter2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(keys))
        .mount(&server)
        .await;
    for (rrsets, times) in [(before, Some(1)), (after, None)] {
        let reply = ResponseTemplate::new(200).set_body_json(json!({"name": "shop.test.", "rrsets": rrsets}));
        let mock = Mock::given(method("GET")).and(path(ZONE)).respond_with(reply);
        match times {
            Some(times) => mock.up_to_n_times(times).mount(&server).await,
            None => mock.mount(&server).await,
        }
    }
    let provider = PowerDnsProvider::new(config(&server.uri())).unwrap();
    (server, provider)
}

async fn expect_patch(server: &MockServer, body: Value) {
    Mock::given(method("PATCH"))
        .and(path(ZONE))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(server)
        .await;
}

#[tokio::test]
async fn keys_are_the_published_own_ones_and_the_stored_foreign_ones() {
    let stored = json!([rrset("DNSKEY", &[FOREIGN]), rrset("NS", &["ns.provc.test."])]);
    let (server, provider) = api(stored.clone(), stored).await;
    let read = provider.read(Rtype::DNSKEY, &mut Trace::default()).await.unwrap();
    let texts: Vec<String> = read.records.iter().map(Record::rdata_text).collect();
    assert_eq!(texts, [OWN, FOREIGN]);
    assert_eq!(
        provider
            .read(Rtype::CDS, &mut Trace::default())
            .await
            .unwrap()
            .records
            .len(),
        1
    );
    let asked: Vec<Request> = server.received_requests().await.unwrap();
    assert!(
        asked
            .iter()
            .all(|request| !request.url.path().contains("cryptokeys/"))
    );
}

#[tokio::test]
async fn what_went_over_the_api_is_kept_without_the_zone() {
    let zone = json!([
        rrset("DNSKEY", &[OTHER]),
        rrset("TXT", &["\"nobody's business\""])
    ]);
    let (server, provider) = api(zone, json!([rrset("DNSKEY", &[OTHER, FOREIGN])])).await;
    expect_patch(
        &server,
        json!({"rrsets": [json!({"name": "shop.test.", "type": "DNSKEY", "ttl": 60,
        "changetype": "REPLACE", "records": [
            {"content": OTHER, "disabled": false}, {"content": FOREIGN, "disabled": false}]})]}),
    )
    .await;
    let mut trace = Trace::default();
    let changed = provider
        .change(&change(Rtype::DNSKEY, &[FOREIGN], &[]), &mut trace)
        .await;
    changed.unwrap();
    let told: Vec<(String, Option<u16>, bool, bool)> = trace
        .exchanges
        .iter()
        .map(|one| {
            let with = one.with.split("/zones/").collect::<Vec<_>>();
            let method = with[0].split(' ').next().unwrap();
            let called = format!("{method} {}", with[1]);
            (called, one.status, one.sent.is_some(), one.received.is_some())
        })
        .collect();
    let read = "GET shop.test.?rrset_name=shop.test.&rrset_type=DNSKEY".to_owned();
    let calls = [
        (read.clone(), Some(200), false, true),
        ("GET shop.test./cryptokeys".to_owned(), Some(200), false, true),
        ("PATCH shop.test.".to_owned(), Some(204), true, false),
        (read, Some(200), false, true),
    ];
    assert_eq!(told, calls);
    let without = |at: usize| trace.exchanges[at].received.as_ref().unwrap().without.clone();
    assert_eq!(without(0), ["other rrsets"]);
    assert!(without(1).is_empty());
    for (_, octets) in trace.blobs.iter() {
        let text = String::from_utf8_lossy(octets);
        assert!(!text.contains("nobody") && !text.contains("hunter2"), "{text}");
    }
    // Reading the zone leaves nothing of it.
    provider.inventory().await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_kept_with_its_body() {
    let server = MockServer::start().await;
    let refusal = json!({"error": "key hunter2hunter2 may not write", "errors": []});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(422).set_body_json(refusal))
        .mount(&server)
        .await;
    let provider = PowerDnsProvider::new(config(&server.uri())).unwrap();
    let mut trace = Trace::default();
    let error = provider.read(Rtype::NS, &mut trace).await.unwrap_err();
    assert!(error.said.contains("may not write"), "{error}");
    let exchange = &trace.exchanges[0];
    assert_eq!(exchange.status, Some(422));
    let kept = exchange.received.as_ref().unwrap();
    let body = trace.blobs.get(&kept.blob).unwrap();
    assert_eq!(
        String::from_utf8_lossy(body),
        r#"{"error":"key [secret] may not write","errors":[]}"#
    );
    assert_eq!(kept.without, ["secrets"]);
}

#[tokio::test]
async fn foreign_keys_are_a_union_and_own_ones_are_never_listed() {
    let stored = json!([rrset("DNSKEY", &[OTHER])]);
    let (server, provider) = api(stored, json!([rrset("DNSKEY", &[FOREIGN])])).await;
    let replaced = rrset("DNSKEY", &[FOREIGN]);
    expect_patch(
        &server,
        json!({"rrsets": [{"name": "shop.test.", "type": "DNSKEY", "ttl": 60, "changetype": "REPLACE",
            "records": replaced["records"]}]}),
    )
    .await;
    let applied = provider
        .change(
            &change(Rtype::DNSKEY, &[FOREIGN, OWN], &[OTHER]),
            &mut Trace::default(),
        )
        .await
        .unwrap();
    assert!(matches!(applied, Applied::Accepted { said } if said.contains("direct-dnskey")));
}

#[tokio::test]
async fn digests_go_in_lower_case_and_the_last_one_out_deletes_the_set() {
    let digest = CDS.replace("12345", "54321");
    let lower = digest.to_lowercase();
    let stored = json!([rrset("CDS", &[&lower])]);
    let (server, provider) = api(json!([]), stored.clone()).await;
    let records = json!([{"content": lower, "disabled": false}]);
    expect_patch(
        &server,
        json!({"rrsets": [{"name": "shop.test.", "type": "CDS", "ttl": 60, "changetype": "REPLACE",
            "records": records}]}),
    )
    .await;
    provider
        .change(&change(Rtype::CDS, &[&digest], &[]), &mut Trace::default())
        .await
        .unwrap();
    let (server, provider) = api(stored, json!([])).await;
    expect_patch(
        &server,
        json!({"rrsets": [{"name": "shop.test.", "type": "CDS", "changetype": "DELETE"}]}),
    )
    .await;
    provider
        .change(&change(Rtype::CDS, &[], &[&digest]), &mut Trace::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_stored_already_is_not_written_again() {
    let stored = json!([rrset("NS", &["ns.a.", "ns.b."])]);
    let (_server, provider) = api(stored.clone(), stored).await;
    // A PATCH would find no answer here.
    let applied = provider
        .change(&change(Rtype::NS, &["ns.b."], &["ns.c."]), &mut Trace::default())
        .await;
    assert_eq!(
        applied,
        Ok(Applied::Accepted {
            said: "stored already".into()
        })
    );
}

#[tokio::test]
async fn another_writer_is_seen_afterwards() {
    let (server, provider) = api(json!([]), json!([rrset("NS", &["ns.x."])])).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let error = provider
        .change(&change(Rtype::NS, &["ns.b."], &[]), &mut Trace::default())
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::Conflict);
}

#[tokio::test]
async fn the_servers_own_key_cannot_be_removed_here() {
    let (_server, provider) = api(json!([]), json!([])).await;
    for (rtype, own) in [(Rtype::DNSKEY, OWN), (Rtype::CDS, CDS)] {
        let error = provider
            .change(&change(rtype, &[], &[own]), &mut Trace::default())
            .await
            .unwrap_err();
        assert_eq!(error.class, FailureClass::Unsupported);
    }
}

#[tokio::test]
async fn the_servers_words_are_kept_and_the_key_is_not() {
    for (status, body, class) in [
        (
            422,
            json!({"error": "Not in expected format", "errors": ["line 1 hunter2hunter2"]}),
            FailureClass::Refused,
        ),
        (401, json!({"error": "Unauthorized"}), FailureClass::Auth),
        (409, json!({"error": "Conflict"}), FailureClass::Conflict),
        (500, json!({"error": "Internal"}), FailureClass::Unknown),
    ] {
        let (server, provider) = api(json!([]), json!([])).await;
        Mock::given(method("PATCH"))
            .and(path_regex(".*"))
            .respond_with(ResponseTemplate::new(status).set_body_json(&body))
            .mount(&server)
            .await;
        let error = provider
            .change(&change(Rtype::NS, &["ns.b."], &[]), &mut Trace::default())
            .await
            .unwrap_err();
        assert_eq!(error.class, class, "{error}");
        assert!(error.said.contains(body["error"].as_str().unwrap()), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn the_whole_zone_is_counted_types_of_its_own_too() {
    let text = json!([
        rrset("SOA", &["ns. h. 1 2 3 4 5"]),
        {"name": "www.shop.test.", "type": "A", "ttl": 300, "records": [{"content": "192.0.2.1"}]},
        {"name": "off.shop.test.", "type": "A", "ttl": 300, "records": [{"content": "192.0.2.1", "disabled": true}]},
        {"name": "*.w.shop.test.", "type": "TXT", "ttl": 300, "records": [{"content": "\"x\"", "disabled": false}]},
        {"name": "al.shop.test.", "type": "ALIAS", "ttl": 7200, "records": [{"content": "x.", "disabled": false}]},
    ]);
    let (_server, provider) = api(text.clone(), text).await;
    let inventory = provider.inventory().await.unwrap();
    assert_eq!((inventory.records, inventory.max_ttl), (4, 7200));
    assert_eq!(inventory.positive.unwrap().0.to_string(), "www.shop.test.");
    assert_eq!(inventory.wildcard.unwrap().to_string(), "*.w.shop.test.");
}

#[tokio::test]
async fn the_key_goes_in_the_clear_only_to_this_machine() {
    for good in [
        "http://127.0.0.1:8081",
        "http://[::1]:8081/",
        "https://dns.example",
    ] {
        let provider = PowerDnsProvider::new(config(good)).unwrap();
        assert!(provider.capabilities().authentic_read);
        assert!(!format!("{provider:?}").contains("hunter2"));
    }
    assert!(matches!(
        PowerDnsProvider::new(config("http://192.0.2.1:8081")),
        Err(PowerDnsConfigError::PlainHttp { .. })
    ));
    let allowed = PowerDnsProvider::new(PowerDnsConfig {
        insecure_http: true,
        ..config("http://192.0.2.1:8081")
    })
    .unwrap();
    assert!(!allowed.capabilities().authentic_read);
    let error = allowed
        .read(Rtype::DNSKEY, &mut Trace::default())
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::Unsupported);
    let password = PowerDnsProvider::new(config("https://u:secretpw@dns.example")).unwrap_err();
    assert!(!password.to_string().contains("secretpw"), "{password}");
    assert!(PowerDnsProvider::new(config("ftp://127.0.0.1")).is_err());
}
