//! Signed exchanges with a server that does its half of TSIG by another implementation's code.

use std::sync::Mutex;

use domain::base::iana::Rcode as WireRcode;
use domain::base::{Message as Wire, Name as WireName, Rtype as WireRtype};
use domain::rdata::tsig::Time48;
use domain::tsig::{Algorithm, Key, ServerSequence, ServerTransaction};

use super::*;
use crate::adapters::tsig::TsigAlgorithm;
use crate::adapters::{Rfc2136Parent, Rfc2136Provider};
use crate::dns::parse_records;
use crate::moment::Moment;
use crate::ports::{Parent, Provider};

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

struct Noon;

#[async_trait::async_trait]
impl Clock for Noon {
    fn now(&self) -> Moment {
        Moment::from_seconds(NOW)
    }
    async fn sleep_until(&self, _when: Moment) {}
}

/// What the server does with a well-signed request.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Answer(WireRcode),
    AnswerUnsigned(WireRcode),
    Tamper,
    Nothing,
    NotListening,
    NoRoute,
    TransferWithUnsignedEnd,
    TransferCutShort,
}

struct Server {
    does: Does,
    /// Seconds that the server's clock is ahead.
    ahead: i64,
    seen: Mutex<Vec<Vec<u8>>>,
}

fn server(does: Does) -> Arc<Server> {
    Arc::new(Server {
        does,
        ahead: 0,
        seen: Mutex::new(Vec::new()),
    })
}

fn server_key(secret: &[u8]) -> Key {
    let name = "lab.".parse().unwrap();
    Key::new(Algorithm::Sha256, secret, name, None, None).unwrap()
}

impl Server {
    fn now(&self) -> Time48 {
        Time48::from_u64(u64::try_from(NOW + self.ahead).unwrap())
    }

    fn reply(&self, request: &[u8]) -> Vec<u8> {
        let mut message = Wire::from_octets(request.to_vec()).unwrap();
        let original = message.clone();
        let transaction = match ServerTransaction::request(&server_key(SECRET), &mut message, self.now()) {
            Ok(transaction) => transaction.unwrap(),
            Err(error) => {
                let builder = MessageBuilder::new_vec();
                return error.build_message(&original, builder).unwrap().finish();
            }
        };
        self.seen.lock().unwrap().push(message.as_slice().to_vec());
        let rcode = match self.does {
            Does::Answer(rcode) | Does::AnswerUnsigned(rcode) => rcode,
            _ => WireRcode::NOERROR,
        };
        let mut answer = MessageBuilder::new_vec().start_answer(&message, rcode).unwrap();
        answer.header_mut().set_aa(true);
        let soa = "shop.test. 60 IN NS ns.prova.test.\nelse.test. 60 IN NS ns.else.\n";
        for record in parse_records(soa, &Name::root(), 60).unwrap() {
            push(&mut answer, &record);
        }
        let mut answer = answer.additional();
        if !matches!(self.does, Does::AnswerUnsigned(_)) {
            transaction.answer(&mut answer, self.now()).unwrap();
        }
        let mut octets = answer.finish();
        if self.does == Does::Tamper {
            let at = octets.windows(5).position(|w| w == b"prova").unwrap();
            octets[at] = b'x';
        }
        octets
    }

    fn transfer(&self, request: &[u8]) -> Vec<Vec<u8>> {
        let mut message = Wire::from_octets(request.to_vec()).unwrap();
        let mut sequence = ServerSequence::request(&server_key(SECRET), &mut message, self.now())
            .unwrap()
            .unwrap();
        let soa = "shop.test. 60 IN SOA ns. h. 1 2 3 4 5\n";
        let www = "www.shop.test. 7200 IN A 192.0.2.1\n";
        let parts = [
            format!("{soa}shop.test. 60 IN NS ns.prova.test.\n"),
            format!("{www}*.w.shop.test. 60 IN A 192.0.2.2\n"),
            soa.to_owned(),
        ];
        let last = parts.len() - 1;
        let mut out = Vec::new();
        for (index, text) in parts.iter().enumerate() {
            let mut answer = MessageBuilder::new_vec()
                .start_answer(&message, WireRcode::NOERROR)
                .unwrap();
            for record in parse_records(text, &Name::root(), 60).unwrap() {
                push(&mut answer, &record);
            }
            let mut answer = answer.additional();
            let unsigned_end = self.does == Does::TransferWithUnsignedEnd && index == last;
            if !unsigned_end {
                sequence.answer(&mut answer, self.now()).unwrap();
            }
            out.push(answer.finish());
        }
        if self.does == Does::TransferCutShort {
            out.pop();
        }
        out
    }
}

fn push(answer: &mut domain::base::message_builder::AnswerBuilder<Vec<u8>>, record: &Record) {
    let name = WireName::from_octets(record.name.wire()).unwrap();
    let rtype = WireRtype::from_int(record.rtype.0);
    let data = domain::base::rdata::UnknownRecordData::from_octets(rtype, record.rdata.as_slice()).unwrap();
    answer.push((name, Class::IN, record.ttl, data)).unwrap();
}

#[async_trait::async_trait]
impl Transport for Server {
    async fn exchange(
        &self,
        _server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        assert_eq!(proto, Proto::Tcp);
        match self.does {
            Does::Nothing => Err(ExchangeError::Timeout(timeout)),
            Does::NotListening => Err(ExchangeError::Failed(format!("{NOT_CONNECTED}: refused"))),
            Does::NoRoute => Err(ExchangeError::NoRoute("no".to_owned())),
            _ => Ok(self.reply(message)),
        }
    }

    async fn stream(
        &self,
        _server: SocketAddr,
        message: &[u8],
        _timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        for message in self.transfer(message) {
            if !more(&message) {
                return Ok(());
            }
        }
        Err(ExchangeError::Failed("closed".to_owned()))
    }
}

fn config(name: &str, secret: &[u8], zone: &str) -> Rfc2136Config {
    let key = TsigKey::from_octets(Name::parse(name).unwrap(), TsigAlgorithm::HmacSha256, secret).unwrap();
    Rfc2136Config {
        name: "a".to_owned(),
        zone: Name::parse(zone).unwrap(),
        server: "192.0.2.11:53".parse().unwrap(),
        tsig: key,
        profile: Profile::Knot,
    }
}

fn provider(server: &Arc<Server>) -> Rfc2136Provider {
    Rfc2136Provider::new(
        config("lab.", SECRET, "shop.test."),
        server.clone(),
        Arc::new(Noon),
    )
}

fn change() -> RrsetChange {
    let records = |text: &str| parse_records(text, &Name::root(), 60).unwrap();
    RrsetChange {
        name: Name::parse("shop.test").unwrap(),
        rtype: Rtype::NS,
        ttl: 60,
        add: records("shop.test. NS ns.provb.test."),
        remove: Vec::new(),
        expect: records("shop.test. NS ns.prova.test."),
    }
}

async fn update_class(does: Does) -> FailureClass {
    provider(&server(does))
        .change(&change(), &mut Trace::default())
        .await
        .unwrap_err()
        .class
}

#[tokio::test]
async fn a_signed_read_gives_the_apex_rrset_and_says_how_it_came() {
    let server = server(Does::Answer(WireRcode::NOERROR));
    let read = provider(&server)
        .read(Rtype::NS, &mut Trace::default())
        .await
        .unwrap();
    let texts: Vec<String> = read.records.iter().map(Record::to_string).collect();
    assert_eq!(texts, ["shop.test. 60 IN NS ns.prova.test."]);
    assert!(read.channel.contains("lab. hmac-sha256, MAC checked"));
}

#[tokio::test]
async fn what_went_over_it_is_kept_without_macs() {
    let server = server(Does::Answer(WireRcode::NOERROR));
    let mut trace = Trace::default();
    provider(&server).change(&change(), &mut trace).await.unwrap();
    provider(&server).read(Rtype::NS, &mut trace).await.unwrap();
    let [update, query] = trace.exchanges.as_slice() else {
        panic!("{trace:?}")
    };
    assert_eq!(update.with, "UPDATE tcp 192.0.2.11:53");
    assert_eq!(query.with, "QUERY tcp 192.0.2.11:53");
    for exchange in [update, query] {
        let [sent, received] = [&exchange.sent, &exchange.received].map(|kept| kept.as_ref().unwrap());
        assert_eq!((sent.form, received.form), (BodyForm::Dns, BodyForm::Dns));
        assert_eq!(received.without, ["tsig"]);
        for kept in [sent, received] {
            let message = Message::parse(trace.blobs.get(&kept.blob).unwrap()).unwrap();
            assert_eq!((message.id, message.additional.len()), (0, 0));
        }
        assert_eq!((exchange.said.as_deref(), exchange.status), (None, None));
    }
    let answer = trace.blobs.get(&query.received.as_ref().unwrap().blob).unwrap();
    assert_eq!(Message::parse(answer).unwrap().answer.len(), 2);
    // The same question has the same octets, whatever its identifier and the time of its signature.
    provider(&server).read(Rtype::NS, &mut trace).await.unwrap();
    assert_eq!(trace.exchanges[1], trace.exchanges[2]);
}

#[tokio::test]
async fn what_was_not_believed_is_kept_with_the_reason() {
    for (does, said, came) in [
        (Does::Tamper, "not believed: ", true),
        (Does::AnswerUnsigned(WireRcode::REFUSED), "not believed: ", true),
        (Does::Nothing, "no answer: ", false),
        (Does::NoRoute, "no answer: ", false),
    ] {
        let mut trace = Trace::default();
        provider(&server(does))
            .change(&change(), &mut trace)
            .await
            .unwrap_err();
        let exchange = &trace.exchanges[0];
        assert!(exchange.said.as_ref().unwrap().starts_with(said), "{exchange:?}");
        assert_eq!(exchange.received.is_some(), came);
        assert!(exchange.sent.is_some());
    }
}

#[tokio::test]
async fn what_is_not_signed_well_is_not_believed() {
    for does in [Does::Tamper, Does::AnswerUnsigned(WireRcode::NOERROR)] {
        let read = provider(&server(does))
            .read(Rtype::NS, &mut Trace::default())
            .await;
        assert_eq!(read.unwrap_err().class, FailureClass::Auth);
        assert_eq!(update_class(does).await, FailureClass::Unknown);
    }
}

#[tokio::test]
async fn the_servers_view_of_our_signature_is_told_apart() {
    let server = server(Does::Answer(WireRcode::NOERROR));
    let with = |name: &str, secret: &[u8]| {
        Rfc2136Provider::new(config(name, secret, "shop.test."), server.clone(), Arc::new(Noon))
    };
    let unknown = with("other.", SECRET)
        .change(&change(), &mut Trace::default())
        .await
        .unwrap_err();
    assert_eq!(unknown.class, FailureClass::Auth);
    assert!(
        unknown.said.contains("BADKEY") && unknown.said.contains("acl"),
        "{unknown}"
    );
    let late = Arc::new(Server {
        does: Does::Answer(WireRcode::NOERROR),
        ahead: 3600,
        seen: Mutex::default(),
    });
    let error = provider(&late)
        .change(&change(), &mut Trace::default())
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::Auth);
    assert!(
        error.said.contains("BADTIME") && error.said.contains("2027-01-15T09:00:00Z"),
        "{error}"
    );
    assert!(late.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn answers_to_an_update_have_their_class() {
    let answer = |rcode| update_class(Does::Answer(rcode));
    assert_eq!(answer(WireRcode::NXRRSET).await, FailureClass::Conflict);
    assert_eq!(answer(WireRcode::YXRRSET).await, FailureClass::Conflict);
    assert_eq!(answer(WireRcode::REFUSED).await, FailureClass::Refused);
    assert_eq!(answer(WireRcode::SERVFAIL).await, FailureClass::Refused);
    assert_eq!(answer(WireRcode::NOTIMP).await, FailureClass::Unsupported);
    let unsigned = |rcode| update_class(Does::AnswerUnsigned(rcode));
    assert_eq!(unsigned(WireRcode::REFUSED).await, FailureClass::Refused);
    assert_eq!(unsigned(WireRcode::NOTAUTH).await, FailureClass::Auth);
    assert_eq!(update_class(Does::Nothing).await, FailureClass::Unknown);
    assert_eq!(update_class(Does::NotListening).await, FailureClass::Transient);
    assert_eq!(update_class(Does::NoRoute).await, FailureClass::Transient);
}

#[tokio::test]
async fn providers_are_changed_without_conditions_and_parents_with() {
    let server = server(Does::Answer(WireRcode::NOERROR));
    provider(&server)
        .change(&change(), &mut Trace::default())
        .await
        .unwrap();
    let parent = Rfc2136Parent::new(config("lab.", SECRET, "test."), server.clone(), Arc::new(Noon));
    parent.change(&change(), &mut Trace::default()).await.unwrap();
    let seen = server.seen.lock().unwrap().clone();
    let [first, second] = [0, 1].map(|index: usize| Message::parse(&seen[index]).unwrap());
    assert!(first.answer.is_empty());
    assert_eq!(first.question.unwrap().name.to_string(), "shop.test.");
    assert_eq!(second.answer.len(), 1);
    assert_eq!(second.question.unwrap().name.to_string(), "test.");
    let elsewhere = RrsetChange {
        name: Name::parse("shop.example").unwrap(),
        ..change()
    };
    let error = parent
        .change(&elsewhere, &mut Trace::default())
        .await
        .unwrap_err();
    assert_eq!(error.class, FailureClass::Unsupported);
}

#[tokio::test]
async fn a_transfer_counts_only_with_its_signed_end() {
    let whole = provider(&server(Does::Answer(WireRcode::NOERROR)))
        .inventory()
        .await
        .unwrap();
    assert_eq!((whole.records, whole.max_ttl), (4, 7200));
    assert_eq!(whole.wildcard.unwrap().to_string(), "*.w.shop.test.");
    assert_eq!(whole.positive.unwrap().0.to_string(), "www.shop.test.");
    let unsigned = provider(&server(Does::TransferWithUnsignedEnd)).inventory().await;
    assert_eq!(unsigned.unwrap_err().class, FailureClass::Auth);
    let short = provider(&server(Does::TransferCutShort)).inventory().await;
    assert_eq!(short.unwrap_err().class, FailureClass::Transient);
}
