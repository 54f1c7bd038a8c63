//! What went over providers' own channels is in the bundle, without MACs, and what was decided on it is decided again.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use unbroken::audit::{Depth, Word};
use unbroken::dns::{Message, Rtype};
use unbroken::dnssec::Anchors;
use unbroken::evidence::{BlobId, BodyForm, Entry, Trace};
use unbroken::ports::{
    Applied, AuthenticRead, Capabilities, DriverError, FailureClass, Inventory, Provider, RrsetChange,
};
use unbroken::runner::{Ending, Quiet};
use unbroken::workflow::Decision;
use unbroken::zone::Sink;

use super::made::{expect_no_secret, named, whole};
use super::parts::{Parts, codes, position};
use super::stage::{Exit, Fate, Kept, Scene, Stage};

const TSIG: Rtype = Rtype(250);

fn blob(parts: &Parts, kept: &Value) -> Vec<u8> {
    let id = BlobId::parse(kept["blob"].as_str().unwrap()).unwrap();
    parts.blobs[&id].clone()
}

#[test]
fn every_call_to_a_provider_or_parent_is_in_the_bundle() {
    let parts = whole();
    let entries = parts.entries();
    let (mut updates, mut reads) = (0, 0);
    for (before, entry) in entries.iter().zip(entries.iter().skip(1)) {
        let Some(exchanges) = entry.body["exchanges"].as_array() else {
            assert!(
                !["channel", "outcome"].contains(&entry.kind.as_str()),
                "{entry:?}"
            );
            continue;
        };
        for exchange in exchanges {
            let sent = Message::parse(&blob(&parts, &exchange["sent"])).unwrap();
            let received = Message::parse(&blob(&parts, &exchange["received"])).unwrap();
            for message in [&sent, &received] {
                assert_eq!(message.id, 0);
                assert!(message.additional.iter().all(|record| record.rtype != TSIG));
            }
            assert_eq!(exchange["received"]["without"], json!(["tsig"]));
            match entry.kind.as_str() {
                "outcome" => {
                    updates += 1;
                    let added = before.body["changes"][0]["add"].as_array().unwrap();
                    let placed = sent.authority.iter().filter(|record| record.class == 1);
                    assert_eq!(placed.count(), added.len(), "{before:?}");
                }
                _ => {
                    reads += 1;
                    let keys = entry.body["read"]["Ok"]["keys"].as_array().unwrap();
                    let served = received.answer.iter().filter(|one| one.rtype == Rtype::DNSKEY);
                    assert_eq!(served.count(), keys.len());
                }
            }
        }
    }
    assert!(updates > 8 && reads >= 2, "{updates} {reads}");
    let verdict = parts.judged();
    assert_eq!(verdict.decisions.outside, 0);
    assert!(!verdict.counts.contains_key("channel-unkept"));
}

/// What a provider's channel does with a question for keys.
#[derive(Clone, Copy)]
enum Odd {
    Fails,
    KnowsNone,
}

struct Oddly {
    inner: Arc<dyn Provider>,
    odd: Odd,
}

#[async_trait]
impl Provider for Oddly {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn read(&self, rtype: Rtype, trace: &mut Trace) -> Result<AuthenticRead, DriverError> {
        let mut own = Trace::default();
        let read = self.inner.read(rtype, &mut own).await?;
        let mut exchange = own.exchanges.remove(0);
        match self.odd {
            Odd::Fails => {
                let sent = exchange.sent.take().unwrap();
                let octets = own.blobs.get(&sent.blob).unwrap();
                exchange.sent = trace.keep(BodyForm::Dns, octets, &[]);
                exchange.received = None;
                trace.exchanges.push(exchange);
                Err(DriverError {
                    who: "b".to_owned(),
                    what: "read".to_owned(),
                    said: "TSIG error BADKEY".to_owned(),
                    class: FailureClass::Auth,
                })
            }
            Odd::KnowsNone => {
                // The same message with its question alone.
                let kept = exchange.received.unwrap();
                let mut octets = own.blobs.get(&kept.blob).unwrap()[..12 + 11 + 4].to_vec();
                octets[6..12].fill(0);
                exchange.sent = None;
                exchange.received = trace.keep(BodyForm::Dns, &octets, &["tsig"]);
                trace.exchanges.push(exchange);
                Ok(AuthenticRead {
                    records: Vec::new(),
                    ..read
                })
            }
        }
    }
    async fn inventory(&self) -> Result<Inventory, DriverError> {
        self.inner.inventory().await
    }
    async fn contents(&self, sink: &mut (dyn Sink + Send)) -> Result<(), DriverError> {
        self.inner.contents(sink).await
    }
    async fn change(&self, change: &RrsetChange, trace: &mut Trace) -> Result<Applied, DriverError> {
        self.inner.change(change, trace).await
    }
}

/// A move that halts since the channel of b does not vouch for its keys. With `killed`, a process before it was killed after so
/// many entries.
async fn halted(odd: Odd, killed: Option<usize>) -> (Parts, String) {
    let stage = Stage::new(Scene::migrate()).await;
    let kept = Kept::default();
    if let Some(entries) = killed {
        assert!(matches!(
            stage.process(&kept, Fate::After(entries)).await,
            Exit::Killed
        ));
        stage.pass(7).await;
    }
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    let inner = runner.team.providers["b"].clone();
    runner
        .team
        .providers
        .insert("b".to_owned(), Arc::new(Oddly { inner, odd }));
    let exit = stage.go(&mut runner).await.unwrap();
    let Exit::Ended(Ending::Halted(Decision::Halt { what, .. })) = exit else {
        panic!("{exit:?}")
    };
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("shop.test");
    kept.with(|journal| journal.write_to(&place)).unwrap();
    expect_no_secret(&place, &stage);
    let anchors = Anchors::parse(&stage.world.anchors()).unwrap();
    (Parts::bundled(&place, &anchors), what)
}

#[tokio::test]
async fn a_halt_that_rests_on_a_channel_is_decided_again() {
    for (odd, words) in [
        (Odd::Fails, "could not be read over its authenticated channel"),
        (Odd::KnowsNone, "that its authenticated channel does not know"),
    ] {
        let (parts, what) = halted(odd, None).await;
        assert!(what.contains(words), "{what}");
        let verdict = parts.judged();
        assert_eq!(verdict.verdict, Word::Open, "{:#?}", verdict.findings);
        let made = verdict.decisions;
        assert_eq!((made.recorded, made.differ, made.outside), (made.same, 0, 0));
        let halt = position(&parts.entries(), "decision", |body| body["decision"] == "halt");
        // Other words for it are not what the channel said.
        let mut forged = parts.clone();
        forged.forge(|entries| entries[halt].body["choices"] = json!(["go on, it is the provider b"]));
        assert_eq!(codes(&forged.judged()), ["decision-undue"]);
        // Without what the channel said nobody can tell; older journals have no such entries.
        let mut forged = parts.clone();
        forged.forge(|entries| drop(entries.remove(halt - 1)));
        let still = named(&forged);
        forged.blobs.retain(|id, _| still.contains(id));
        forged.make_manifest();
        let verdict = forged.judged();
        assert_eq!((codes(&verdict).len(), verdict.decisions.outside), (0, 1));
        assert!(verdict.counts.contains_key("decision-outside"));
    }
}

/// Whoever goes on where a process was killed asks the channel again, without a word that it decided so.
#[tokio::test]
async fn what_a_kill_leaves_around_a_channel_is_no_forgery() {
    let entries = whole().entries();
    let asked = |entry: &Entry| entry.kind == "channel" || entry.body["decision"] == "authenticate";
    let places: Vec<usize> = (1..)
        .zip(&entries)
        .filter(|(_, entry)| asked(entry))
        .map(|(at, _)| at)
        .collect();
    assert!(places.len() > 6, "{places:?}");
    for at in places {
        let stage = Stage::new(Scene::migrate()).await;
        let kept = Kept::default();
        assert!(matches!(
            stage.process(&kept, Fate::After(at)).await,
            Exit::Killed
        ));
        stage.pass(7).await;
        Stage::assert_complete(&stage.process(&kept, Fate::Lives).await, "resumed");
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("shop.test");
        kept.with(|journal| journal.write_to(&place)).unwrap();
        let anchors = Anchors::parse(&stage.world.anchors()).unwrap();
        let verdict = Parts::bundled(&place, &anchors).judged();
        assert_eq!(
            verdict.verdict,
            Word::Holds,
            "killed at {at}: {:#?}",
            verdict.findings
        );
        assert_eq!(verdict.decisions.outside, 0);
    }
    let first = 1 + position(&entries, "channel", |body| body["provider"] == "b");
    for odd in [Odd::Fails, Odd::KnowsNone] {
        for at in [first - 1, first] {
            let (parts, _) = halted(odd, Some(at)).await;
            let verdict = parts.judged();
            assert_eq!(
                verdict.verdict,
                Word::Open,
                "killed at {at}: {:#?}",
                verdict.findings
            );
            assert_eq!(verdict.decisions.outside, 0);
        }
    }
}

#[test]
fn keys_that_the_messages_do_not_hold_are_found() {
    let mut parts = whole();
    parts.files.clear();
    parts.keys.clear();
    parts.make_manifest();
    let entries = parts.entries();
    let channel = position(&entries, "channel", |_| true);
    let keys = position(&entries, "keys", |_| true);
    type Change = Box<dyn Fn(&mut Value)>;
    let cases: [(&str, &str, usize, Change); 4] = [
        (
            "one key fewer",
            "channel-differs",
            channel,
            Box::new(|body| drop(body["read"]["Ok"]["keys"].as_array_mut().unwrap().pop())),
        ),
        (
            "another key",
            "channel-differs",
            channel,
            Box::new(|body| body["read"]["Ok"]["keys"][0]["public_key"] = json!("AAAA")),
        ),
        (
            "another way",
            "keys-differ",
            keys,
            Box::new(|body| body["channel"] = json!("TSIG other. hmac-sha256, MAC checked")),
        ),
        (
            "validated, and nothing vouches for it",
            "keys-differ",
            keys,
            Box::new(|body| body["channel"] = json!(unbroken::workflow::VALIDATED)),
        ),
    ];
    for (what, code, at, change) in cases {
        let mut forged = parts.clone();
        forged.forge(|entries| change(&mut entries[at].body));
        let verdict = forged.judged();
        let named = verdict
            .findings
            .iter()
            .any(|finding| finding.code == code && finding.entry == Some(at as u64 + 1));
        assert!(named, "{what}: {:#?}", verdict.findings);
    }
    let mut forged = parts.clone();
    forged.forge(|entries| {
        let twice = entries[channel].clone();
        entries.insert(keys + 1, twice);
    });
    assert!(codes(&forged.judged()).contains(&"decision-missing"));
    let mut forged = parts.clone();
    forged.forge(|entries| entries[channel].body["provider"] = json!("a"));
    assert!(codes(&forged.judged()).contains(&"channel-undue"));
    // Another message under its own name, and the entry that names it made anew.
    let body = &entries[channel].body["exchanges"][0]["received"];
    let mut octets = blob(&parts, body);
    let last = octets.len() - 1;
    octets[last] ^= 1;
    let (old, new) = (
        BlobId::parse(body["blob"].as_str().unwrap()).unwrap(),
        BlobId::of(&octets),
    );
    let mut forged = parts;
    forged.blobs.insert(new.clone(), octets);
    forged.forge(|entries| entries[channel].body["exchanges"][0]["received"]["blob"] = json!(new));
    if !named(&forged).contains(&old) {
        forged.blobs.remove(&old);
        forged.make_manifest();
    }
    assert_eq!(codes(&forged.judged()), ["channel-differs"]);
}

#[test]
fn bodies_are_held_against_their_hashes_too() {
    let mut parts = whole();
    let entries = parts.entries();
    let outcome = position(&entries, "outcome", |body| {
        body["exchanges"][0]["sent"].is_object()
    });
    let id = &entries[outcome].body["exchanges"][0]["sent"]["blob"];
    let id = BlobId::parse(id.as_str().unwrap()).unwrap();
    parts.blobs.get_mut(&id).unwrap()[20] ^= 1;
    for depth in [Depth::Hashes, Depth::Full] {
        assert!(parts.failing(depth).contains(&"blob-altered"));
    }
    parts.blobs.remove(&id);
    assert!(parts.failing(Depth::Hashes).contains(&"blob-missing"));
}
