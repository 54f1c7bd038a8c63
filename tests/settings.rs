//! The settings file: what it gives, and what is said about a wrong one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::path::Path;
use std::time::Duration;

use unbroken::cli::settings::{CdsPolicy, ParentSettings, ProviderDriver, Settings};
use unbroken::dns::Name;

const GOOD: &str = r#"
[zone."Shop.Test"]
signers = ["a"]
parent  = "registry"
soak    = "2h"
cds     = "union"
max_ttl = 3600
probes  = { positive = "www.shop.test. A", wildcard = "x.dyn.shop.test" }

[provider.a]
driver = "rfc2136"
profile = "bind"
server = "192.0.2.11:53"
tsig = { name = "lab.", algorithm = "hmac-sha256", secret = { env = "LAB_TSIG" } }
name_servers = ["ns.prova.test."]

[provider.c]
driver = "powerdns"
url = "http://127.0.0.1:8081"
api_key = { file = "c.key" }
name_servers = ["ns.provc.test."]

[provider.m]
driver = "manual"
name_servers = ["ns.provm.test."]

[parent.registry]
driver = "rfc2136"
server = "192.0.2.2"
tsig = { name = "lab.", algorithm = "hmac-sha512", secret = { command = ["pass", "show", "tsig"] } }

[observe]
roots = ["198.41.0.4"]
addresses = { "192.0.2.11" = "127.0.0.1:5301" }
interval = "30s"
"#;

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(Path::new("conf/unbroken.toml"), text).map_err(|error| match error.advice() {
        Some(hint) => format!("{error} [{hint}]"),
        None => error.to_string(),
    })
}

/// The error when `from` stands as `to` in a good file.
fn wrong(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    match parse(&GOOD.replacen(from, to, 1)) {
        Ok(_) => panic!("taken: {to}"),
        Err(error) => error,
    }
}

#[test]
fn a_good_file_gives_everything() {
    let settings = parse(GOOD).unwrap();
    let name = Name::parse("shop.test").unwrap();
    let zone = settings.zone(&name).unwrap();
    assert_eq!(zone.signers, ["a"]);
    assert_eq!((zone.cds, zone.max_ttl), (CdsPolicy::Union, Some(3600)));
    assert_eq!(zone.soak.duration(), Duration::from_secs(7200));
    assert_eq!(zone.anchors.iter().count(), 1);
    let (parent, driver) = settings.parent_of(&name).unwrap();
    assert_eq!(parent, "registry");
    assert!(matches!(driver, ParentSettings::Rfc2136 { server, .. } if server.port() == 53));
    assert!(matches!(
        settings.provider("m").unwrap().driver,
        ProviderDriver::Manual
    ));
    assert_eq!(settings.observe.interval.duration(), Duration::from_secs(30));
    assert_eq!(settings.observe.margin.duration(), Duration::from_secs(5));
    assert_eq!(
        settings.observe.addresses.iter().next().unwrap().1.to_string(),
        "127.0.0.1:5301"
    );
    assert_eq!(settings.folder(), Path::new("conf"));
}

/// A host may lead to two providers where each says which of its addresses are its own, and nowhere else.
#[test]
fn a_host_may_be_shared_where_its_addresses_are_told_apart() {
    let shared = |c: &str, m: &str| {
        let text = GOOD
            .replacen("[\"ns.provc.test.\"]", &format!("[\"ns.provc.test.\", {c}]"), 1)
            .replacen("[\"ns.provm.test.\"]", &format!("[{m}]\napex_ns_fixed = true"), 1);
        parse(&text)
    };
    let at = |address: &str| format!("{{ name = \"NS.vanity.test\", addresses = [\"{address}\"] }}");
    let settings = shared(&at("192.0.2.31"), &at("192.0.2.41")).unwrap();
    let vanity = Name::parse("ns.vanity.test").unwrap();
    for (provider, address, fixed) in [("c", "192.0.2.31:53", false), ("m", "192.0.2.41:53", true)] {
        let found = settings.provider(provider).unwrap();
        assert!(found.name_servers.contains(&vanity));
        assert_eq!(found.own_addresses[&vanity][0].to_string(), address);
        assert_eq!(found.apex_ns_fixed, fixed);
    }
    for (c, m) in [
        (at("192.0.2.31"), at("192.0.2.31")),
        (at("192.0.2.31"), "\"ns.vanity.test.\"".to_owned()),
        ("\"ns.vanity.test.\"".to_owned(), at("192.0.2.41")),
    ] {
        let error = shared(&c, &m).unwrap_err();
        assert!(
            error.contains("belongs to provider c already") && error.contains("addresses ="),
            "{error}"
        );
    }
    let typo = shared(
        "{ name = \"ns.vanity.test\", adresses = [] }",
        "\"ns.provm.test.\"",
    )
    .unwrap_err();
    assert!(typo.contains("adresses"), "{typo}");
}

#[test]
fn the_journal_gets_references_and_no_secret() {
    let settings = parse(GOOD).unwrap();
    let text = serde_json::to_string_pretty(&settings.redacted()).unwrap();
    insta::assert_snapshot!(text);
}

/// Who is asked for time stamps and for the time; a token in the address is in no journal.
#[test]
fn authorities_and_clocks_are_told_of_by_their_hosts() {
    let with = |more: &str| parse(&format!("{GOOD}\n{more}"));
    let seal = |tsa: &str| format!("[seal]\nkey = {{ file = \"k\" }}\ntsa = \"{tsa}\"\n");
    let settings = with(&format!(
        "{}[clock]\nntp = [\"ntp.example\", \"[2001:db8::1]:99\"]\n",
        seal("http://tsa.example/t0ken")
    ));
    let kept = settings.unwrap().redacted();
    assert_eq!(kept["seal"]["tsa"], serde_json::json!({ "host": "tsa.example" }));
    assert_eq!(
        kept["ntp"][0],
        serde_json::json!({ "host": "ntp.example", "port": 123 })
    );
    assert_eq!(
        kept["ntp"][1],
        serde_json::json!({ "host": "2001:db8::1", "port": 99 })
    );
    for bad in ["tsa.example", "ftp://tsa.example/", "https://me:pw@tsa.example/"] {
        let error = with(&seal(bad)).unwrap_err();
        assert!(
            error.contains("time stamping authority") && !error.contains("pw"),
            "{error}"
        );
    }
    let bad = with("[clock]\nntp = [\"http://ntp.example\"]\n").unwrap_err();
    assert!(bad.contains("is no NTP server"), "{bad}");
    let many = format!("[clock]\nntp = [{}]\n", "\"ntp.example\",".repeat(9));
    assert!(with(&many).unwrap_err().contains("more than 8"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let errors = [
        wrong("signers =", "sgners ="),
        wrong("signers = [\"a\"]", "signers = \"a\""),
        wrong("signers = [\"a\"]", "signers = [\"a\", \"nosuch\"]"),
        wrong("signers = [\"a\"]", "signers = [\"a\", \"a\"]"),
        wrong("\"registry\"\n", "\"nosuch\"\n"),
        wrong("zone.\"Shop.Test\"", "zone.\"shop..test\""),
        wrong("soak    = \"2h\"", "soak = \"2 hours\""),
        wrong("soak    = \"2h\"", "soak = 7200"),
        wrong("\"union\"", "\"both\""),
        wrong("max_ttl = 3600", "max_ttl = -1"),
        wrong("max_ttl = 3600", "max_ttl = 4000000000"),
        wrong("\"www.shop.test. A\"", "\"www.shop.test.\""),
        wrong("\"www.shop.test. A\"", "\"www.other.test. A\""),
        wrong("\"x.dyn.shop.test\"", "\"x.dyn.other.test\""),
        wrong("\"rfc2136\"", "\"nsupdate\""),
        wrong("profile = \"bind\"", "url = \"https://x\""),
        wrong("server = \"192.0.2.11:53\"\n", ""),
        wrong("\"192.0.2.11:53\"", "\"ns1.example\""),
        wrong("hmac-sha256", "hmac-md5"),
        wrong("[\"ns.provc.test.\"]", "[\"NS.provA.test\"]"),
        wrong("[\"ns.provc.test.\"]", "[]"),
        wrong("http://127.0.0.1:8081", "http://192.0.2.7:8081"),
        wrong("http://127.0.0.1:8081", "https://me:pw@pdns.example"),
        wrong("http://127.0.0.1:8081", "ftp://pdns.example"),
        wrong("[provider.m]", "[provider.\"m/../x\"]"),
        wrong("interval = \"30s\"", "interval = \"0s\""),
        wrong("interval = \"30s\"", "qps = 0"),
        wrong("interval = \"30s\"", "vantage = \"two words\""),
        wrong("\"127.0.0.1:5301\"", "\"127.0.0.1:99999\""),
        wrong("[observe]", "[obsrve]"),
        wrong("driver = \"powerdns\"", "driver ="),
        wrong("[\"a\"]\n", "[\"a\"]\nanchors = \"nosuch.ds\"\n"),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn notify_is_read_and_what_is_wrong_with_it_is_said() {
    let with = |text: &str| parse(&format!("{GOOD}\n[notify]\n{text}\n"));
    let all = with("command = [\"page\"]").unwrap().notify.unwrap();
    assert_eq!(all.on.len(), 5);
    let hook = "webhook = { url = \"https://hooks.example/t0ken\", hmac_secret = { env = \"HOOK\" } }";
    let settings = with(&format!("on = [\"halt\"]\n{hook}")).unwrap();
    let kept = settings.redacted()["notify"].to_string();
    assert!(
        kept.contains("hooks.example") && !kept.contains("t0ken"),
        "{kept}"
    );
    let errors: Vec<String> = [
        "on = [\"halt\"]",
        "on = [\"hlat\"]\ncommand = [\"page\"]",
        "comand = [\"page\"]",
        "command = []",
        "command = \"page\"",
        "webhook = { url = \"http://192.0.2.7/\" }",
        "webhook = { url = \"https://me:hunter2@hooks.example/\" }",
        "webhook = { url = \"https://hooks.example/\", hmac_secret = \"hunter2\" }",
        "webhook = { hmac_secret = { env = \"HOOK\" } }",
    ]
    .into_iter()
    .map(|text| with(text).unwrap_err())
    .collect();
    assert!(errors.iter().all(|error| !error.contains("hunter2")));
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    let reference = "{ env = \"LAB_TSIG\" }";
    let tsig = "{ name = \"lab.\", algorithm = \"hmac-sha256\", secret = { env = \"LAB_TSIG\" } }";
    let errors = [
        wrong(reference, "\"hunter2\""),
        wrong(reference, "{ value = \"hunter2\" }"),
        wrong(reference, "{ env = \"A\", file = \"hunter2\" }"),
        wrong(reference, "20160816"),
        wrong(reference, "\"hunter2"),
        wrong(reference, "hunter2"),
        wrong(tsig, "\"hmac-sha256:lab:hunter2\""),
        wrong("{ file = \"c.key\" }", "\"hunter2\""),
        wrong("{ file = \"c.key\" }", "[\"hunter2\"]"),
    ];
    for error in &errors {
        assert!(
            !error.contains("hunter2") && !error.contains("20160816"),
            "{error}"
        );
    }
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn the_schema_names_every_table() {
    let schema = Settings::schema();
    for table in ["zone", "provider", "parent", "observe"] {
        assert!(schema["properties"].get(table).is_some(), "{table}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[tokio::test]
async fn a_secret_that_was_read_is_in_no_other_text() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.key"), "hunter2\n").unwrap();
    let settings = Settings::parse(&dir.path().join("unbroken.toml"), GOOD).unwrap();
    let ProviderDriver::PowerDns { api_key, .. } = &settings.provider("c").unwrap().driver else {
        panic!("not PowerDNS");
    };
    let secret = api_key.read().await.unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&secret), "hunter2");
    for text in [
        format!("{settings:?}"),
        format!("{secret:?}"),
        settings.redacted().to_string(),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
