//! Time stamps of an authority that is made with openssl, and the clock against an NTP server, both on loopback: whole moves by
//! the program itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::{Lab, Ran, automatic};
use unbroken::adapters::journal::zone_dir;
use unbroken::adapters::{Authority, AuthorityError};
use unbroken::evidence::{LARGEST_TOKEN, StampError, Token};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const CONFIG: &str = "
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa_cert]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = one
[one]
serial = SERIAL
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256
accuracy = secs:1, millisecs:500
[req]
distinguished_name = dn
[dn]
";

/// An authority with a key, a certificate and the certificate above it.
struct Openssl {
    dir: tempfile::TempDir,
}

impl Openssl {
    fn new() -> Openssl {
        let dir = tempfile::tempdir().unwrap();
        let config = CONFIG.replace("SERIAL", dir.path().join("serial").to_str().unwrap());
        std::fs::write(dir.path().join("tsa.cnf"), config).unwrap();
        std::fs::write(dir.path().join("serial"), "01\n").unwrap();
        let openssl = Openssl { dir };
        for line in [
            "req -x509 -config tsa.cnf -extensions ca -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 3650",
            "req -new -config tsa.cnf -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 3650 -extfile tsa.cnf -extensions tsa_cert -out tsa.pem",
        ] {
            openssl.run(&line.split(' ').collect::<Vec<_>>());
        }
        openssl
    }

    fn run(&self, arguments: &[&str]) {
        let ran = Command::new("openssl")
            .args(arguments)
            .current_dir(self.dir.path())
            .output()
            .expect("openssl (apt: openssl)");
        assert!(
            ran.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }

    fn reply(&self, request: &[u8]) -> Vec<u8> {
        let at = |name: &str| self.dir.path().join(name);
        std::fs::write(at("query"), request).unwrap();
        let line = "ts -reply -config tsa.cnf -queryfile query -inkey tsa.key -signer tsa.pem -out answer";
        self.run(&line.split(' ').collect::<Vec<_>>());
        std::fs::read(at("answer")).unwrap()
    }
}

/// What an authority answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Habit {
    Good,
    Slow,
    Junk,
    Cut,
    Large,
    Rejects,
    OtherNonce,
    OtherImprint,
    Elsewhere,
    Error,
}

const BAD: [Habit; 8] = [
    Habit::Junk,
    Habit::Cut,
    Habit::Large,
    Habit::Rejects,
    Habit::OtherNonce,
    Habit::OtherImprint,
    Habit::Elsewhere,
    Habit::Error,
];

/// Answers with one habit after the other.
struct Answers {
    openssl: Arc<Openssl>,
    habits: Vec<Habit>,
    count: AtomicUsize,
    /// One at a time: openssl keeps its serial number in a file.
    lock: std::sync::Mutex<()>,
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let _one = self.lock.lock().unwrap();
        let habit = self.habits[self.count.fetch_add(1, Ordering::SeqCst) % self.habits.len()];
        let answer =
            |octets: Vec<u8>| ResponseTemplate::new(200).set_body_raw(octets, "application/timestamp-reply");
        let mut asked = request.body.clone();
        let length = asked.len();
        match habit {
            Habit::Good => answer(self.openssl.reply(&asked)),
            Habit::Slow => answer(self.openssl.reply(&asked)).set_delay(Duration::from_secs(60)),
            Habit::Junk => answer(b"<html>captive portal</html>".to_vec()),
            Habit::Cut => {
                let mut octets = self.openssl.reply(&asked);
                octets.truncate(octets.len() - 1);
                answer(octets)
            }
            Habit::Large => answer(vec![0x30; LARGEST_TOKEN + 1]),
            Habit::Rejects => answer(b"\x30\x0f\x30\x0d\x02\x01\x02\x30\x08\x0c\x06no, no".to_vec()),
            Habit::OtherNonce => {
                asked[length - 4] ^= 1;
                answer(self.openssl.reply(&asked))
            }
            Habit::OtherImprint => {
                asked[30] ^= 1;
                answer(self.openssl.reply(&asked))
            }
            Habit::Elsewhere => ResponseTemplate::new(307).insert_header("location", "http://192.0.2.1/"),
            Habit::Error => ResponseTemplate::new(503),
        }
    }
}

async fn authority(openssl: &Arc<Openssl>, habits: &[Habit]) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("content-type", "application/timestamp-query"))
        .respond_with(Answers {
            openssl: openssl.clone(),
            habits: habits.to_vec(),
            count: AtomicUsize::new(0),
            lock: std::sync::Mutex::new(()),
        })
        .mount(&server)
        .await;
    server
}

/// An NTP server whose clock is five seconds ahead, until it is dropped.
struct Ntp {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

const AHEAD: Duration = Duration::from_secs(5);

impl Ntp {
    fn start(change: fn(&mut [u8; 48])) -> Ntp {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (port, stop) = (
            socket.local_addr().unwrap().port(),
            Arc::new(AtomicBool::new(false)),
        );
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut query = [0; 100];
            while !stopped.load(Ordering::SeqCst) {
                let Ok((48, from)) = socket.recv_from(&mut query) else {
                    continue;
                };
                let now = (SystemTime::now() + AHEAD).duration_since(UNIX_EPOCH).unwrap();
                let seconds = (now.as_secs() + 2_208_988_800) as u32;
                let fraction = ((u64::from(now.subsec_nanos()) << 32) / 1_000_000_000) as u32;
                let mut answer = [0; 48];
                (answer[0], answer[1]) = (0x24, 2);
                answer[24..32].copy_from_slice(&query[40..48]);
                for at in [32, 40] {
                    answer[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
                    answer[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
                }
                change(&mut answer);
                socket.send_to(&answer, from).unwrap();
            }
        });
        Ntp {
            port,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Ntp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// Drivers that do the work, in place of a person; seals, and what is to be asked.
async fn lab(tsa: &str, more: &str) -> Lab {
    let lab = Lab::start(|_| ()).await;
    let dir = lab.dir.path();
    let path = dir.join("unbroken.toml");
    let text = automatic(&std::fs::read_to_string(&path).unwrap(), &lab.world, dir);
    let text = format!("{text}\n[seal]\nkey = {{ file = \"seal.key\" }}\ntsa = \"{tsa}\"\n{more}");
    std::fs::write(path, text).unwrap();
    let made = lab
        .unbroken(&[
            "audit",
            "keygen",
            "--name",
            "lab.example/dns",
            "--out",
            "seal.key",
        ])
        .await;
    assert_eq!(made.code, Some(0), "{}", made.err);
    let planned = lab
        .unbroken(&["plan", "migrate", "--from", "a", "--to", "b"])
        .await;
    assert_eq!(planned.code, Some(0), "{}{}", planned.out, planned.err);
    lab
}

fn folder(lab: &Lab) -> PathBuf {
    zone_dir(&lab.dir.path().join("state/unbroken"), lab.world.zone())
}

/// The seals, and the tokens, by the number of their entries.
fn seals(lab: &Lab, end: &str) -> Vec<u64> {
    let mut out: Vec<u64> = std::fs::read_dir(folder(lab).join("seals"))
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()?
                .strip_suffix(end)?
                .parse()
                .ok()
        })
        .collect();
    out.sort_unstable();
    out
}

async fn verified(lab: &Lab) -> (Ran, Value) {
    let place = folder(lab);
    let anchors = lab.dir.path().join("verify.ds");
    std::fs::write(&anchors, lab.world.anchors()).unwrap();
    let arguments = [
        "audit",
        "verify",
        place.to_str().unwrap(),
        "--anchors",
        anchors.to_str().unwrap(),
    ];
    let shown = lab.unbroken(&arguments).await;
    let told = lab.unbroken(&[&arguments[..], &["--json"]].concat()).await;
    let told = told.json();
    (shown, told)
}

fn codes(verdict: &Value) -> Vec<&str> {
    let findings = verdict["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["gravity"] == "fails")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

fn journal(lab: &Lab) -> String {
    std::fs::read_to_string(folder(lab).join("journal.ndjson")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_seal_gets_a_token_and_the_printed_line_verifies_it() {
    let openssl = Arc::new(Openssl::new());
    let server = authority(&openssl, &[Habit::Good]).await;
    let ntp = Ntp::start(|_| ());
    let lab = lab(
        &server.uri(),
        &format!("[clock]\nntp = [\"127.0.0.1:{}\"]\n", ntp.port),
    )
    .await;
    let ran = lab.unbroken(&["run", "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let stamped = seals(&lab, ".tsr");
    assert!(
        stamped.len() > 3 && stamped == seals(&lab, ".checkpoint"),
        "{stamped:?}"
    );
    assert!(!journal(&lab).contains("stamp-failed"));

    let (shown, verdict) = verified(&lab).await;
    assert_eq!(shown.code, Some(0), "{}{}", shown.out, shown.err);
    assert!(
        shown
            .out
            .contains("the signature of the authority is not checked here"),
        "{}",
        shown.out
    );
    let place = folder(&lab);
    std::fs::copy(openssl.dir.path().join("ca.pem"), place.join("AUTHORITY.pem")).unwrap();
    let lines: Vec<&str> = shown
        .out
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("openssl ts -verify"))
        .collect();
    assert_eq!(lines.len(), stamped.len());
    for line in lines {
        let ran = Command::new("sh")
            .args(["-c", line])
            .current_dir(&place)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(
            ran.status.success() && said.contains("Verification: OK"),
            "{line}: {said}"
        );
    }
    std::fs::remove_file(place.join("AUTHORITY.pem")).unwrap();
    for stamp in verdict["stamps"].as_array().unwrap() {
        assert_eq!(stamp["over_seal"], true);
        assert_eq!(stamp["accuracy"], 1_500_000);
        assert_eq!(stamp["policy"], "1.3.6.1.4.1.32473.1");
    }
    let offset = verdict["clock"]["ntp"]["largest_offset"].as_i64().unwrap();
    assert!((3_000..=5_100).contains(&offset), "{offset}");
    assert!(shown.out.contains("ms behind") && shown.out.contains("plain NTP is not authenticated"));
    report_says_so(&lab).await;
    lab.unbroken(&["watch", "--once"]).await;
    let watched = std::fs::read_to_string(folder(&lab).join("watch/journal.ndjson")).unwrap();
    assert!(watched.contains("\"ntp\":\"127.0.0.1\""), "{watched}");
    damage_is_found(&lab, &stamped).await;
}

async fn report_says_so(lab: &Lab) {
    let (place, anchors) = (folder(lab), lab.dir.path().join("verify.ds"));
    let arguments = [
        "audit",
        "report",
        place.to_str().unwrap(),
        "--anchors",
        anchors.to_str().unwrap(),
        "--text",
    ];
    let report = lab.unbroken(&arguments).await;
    for words in [
        "time stamp seals/",
        "openssl ts -verify -data seals/",
        "plain NTP is not authenticated",
    ] {
        assert!(
            report.out.contains(words),
            "{words}: {}{}",
            report.out,
            report.err
        );
    }
}

/// A token over another seal, junk, and every octet of a token turned.
async fn damage_is_found(lab: &Lab, stamped: &[u64]) {
    let file = |size: u64, end: &str| folder(lab).join(format!("seals/{size}{end}"));
    let (first, last) = (stamped[0], stamped[stamped.len() - 1]);
    let good = std::fs::read(file(last, ".tsr")).unwrap();
    std::fs::copy(file(first, ".tsr"), file(last, ".tsr")).unwrap();
    let (shown, verdict) = verified(lab).await;
    assert_eq!((shown.code, codes(&verdict)), (Some(1), vec!["stamp-imprint"]));
    std::fs::write(file(last, ".tsr"), "junk").unwrap();
    assert_eq!(codes(&verified(lab).await.1), ["stamp-form"]);
    std::fs::write(file(last, ".tsr"), &good).unwrap();
    std::fs::copy(file(last, ".tsr"), file(9_999_999, ".tsr")).unwrap();
    assert_eq!(codes(&verified(lab).await.1), ["stamp-seal"]);

    let seal = std::fs::read(file(last, ".checkpoint")).unwrap();
    let token = Token::read(&good).unwrap();
    let imprint = good.windows(32).position(|part| part == token.imprint).unwrap();
    let mut found = 0;
    for at in 0..good.len() {
        let mut turned = good.clone();
        turned[at] ^= 0x01;
        let held = Token::read(&turned).is_ok_and(|token| token.is_over(&seal) == Some(true));
        found += usize::from(!held);
        assert!(!held || !(imprint..imprint + 32).contains(&at), "octet {at}");
        let _ = Token::read(&good[..at]).unwrap_err();
    }
    println!(
        "{found} of {} turned octets are found without the signature",
        good.len()
    );
    assert!(found > 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_answers_wrongly_is_told_of_and_nothing_is_kept() {
    let openssl = Arc::new(Openssl::new());
    let server = authority(&openssl, &BAD).await;
    let unsynchronized = Ntp::start(|answer| answer[0] = 0xe4);
    let kiss = Ntp::start(|answer| {
        answer[1] = 0;
        answer[12..16].copy_from_slice(b"DENY");
    });
    let more = format!(
        "[clock]\nntp = [\"127.0.0.1:{}\", \"127.0.0.1:{}\"]\n",
        unsynchronized.port, kiss.port
    );
    let lab = lab(&server.uri(), &more).await;
    let ran = lab.unbroken(&["run", "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(seals(&lab, ".tsr"), [0; 0]);
    let journal = journal(&lab);
    let sealed = seals(&lab, ".checkpoint").len();
    assert_eq!(journal.matches("\"stamp-failed\"").count(), sealed);
    assert!(sealed >= BAD.len(), "{sealed}");
    for said in [
        "no answer of a time stamping authority",
        "octets, and 65536 are the most",
        "status 2: no, no",
        "does not have the nonce",
        "is not over what was sent",
        "HTTP 307",
        "HTTP 503",
        "not synchronized",
        "does not want to be asked (DENY)",
    ] {
        assert!(journal.contains(said), "{said}");
    }
    assert!(ran.out.contains("no time stamp for seals/"), "{}", ran.out);
    let (shown, verdict) = verified(&lab).await;
    assert_eq!(shown.code, Some(0), "{}", shown.out);
    assert_eq!(verdict["clock"]["ntp"]["failed"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_slow_or_down_holds_nothing_up() {
    let openssl = Arc::new(Openssl::new());
    let slow = authority(&openssl, &[Habit::Slow]).await;
    let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/", down.local_addr().unwrap());
    drop(down);
    for url in [slow.uri(), nobody] {
        let lab = lab(&url, "").await;
        let ran = lab.unbroken(&["run", "--yes"]).await;
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        assert_eq!(seals(&lab, ".tsr"), [0; 0]);
        assert!(journal(&lab).contains("\"stamp-failed\""), "{url}");
        let (shown, _) = verified(&lab).await;
        assert_eq!(shown.code, Some(0), "{}", shown.out);
    }
}

/// What a process before left without a token, as where it died between the two, gets it from the next one.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_seal_of_a_process_that_died_gets_its_token_later() {
    let openssl = Arc::new(Openssl::new());
    let server = authority(&openssl, &[Habit::Good]).await;
    let lab = lab(&server.uri(), "").await;
    let ran = lab.unbroken(&["run", "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let last = *seals(&lab, ".tsr").last().unwrap();
    let path = folder(&lab).join(format!("seals/{last}.tsr"));
    std::fs::remove_file(&path).unwrap();
    let ran = lab.unbroken(&["run", "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(path.exists());
}

#[tokio::test]
async fn addresses_and_redirects() {
    for bad in [
        "",
        "tsa.example",
        "ftp://tsa.example/",
        "https://me:pw@tsa.example/",
    ] {
        let error = Authority::new(bad).unwrap_err();
        assert!(
            error == AuthorityError::Url && !error.to_string().contains("pw"),
            "{bad}"
        );
    }
    assert_eq!(
        Authority::new("http://tsa.example/token").unwrap().host(),
        "tsa.example"
    );
    let openssl = Arc::new(Openssl::new());
    let server = authority(&openssl, &[Habit::Rejects, Habit::Good]).await;
    let asked = Authority::new(&server.uri()).unwrap();
    let refused = asked.stamp(b"data").await.unwrap_err();
    assert!(matches!(
        refused,
        AuthorityError::Answer(StampError::Rejected { status: 2, .. })
    ));
    let token = Token::read(&asked.stamp(b"data").await.unwrap()).unwrap();
    assert_eq!(
        (token.is_over(b"data"), token.is_over(b"date")),
        (Some(true), Some(false))
    );
}
