//! A little world of name servers in memory, with faults, and an observer that looks at it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use domain::base::iana::{Class, Rcode as WireRcode};
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message as Wire, MessageBuilder, Name as WireName, Rtype as WireRtype};

use super::*;
use crate::dns::{Message, Record, Rtype, parse_records};
use crate::evidence::{Outcome, Place, Proto};
use crate::moment::Moment;
use crate::ports::{ExchangeError, ProbeNames};

/// Time that passes only by sleeping.
#[derive(Default)]
struct Hourglass(Mutex<Moment>);

#[async_trait]
impl Clock for Hourglass {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }
    async fn sleep_until(&self, when: Moment) {
        let mut now = self.0.lock().unwrap();
        *now = (*now).max(when);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Truncates over UDP.
    Truncates,
    /// Truncates over UDP and is not there over TCP.
    TruncatesOnly,
    Silent,
    /// Silent to the first question, well afterwards.
    SilentOnce,
    NoRoute,
    /// Answers with octets that are no message.
    Junk,
    /// Says REFUSED to everything.
    Refuses,
    /// Serves the child only, though the parent's delegation names it.
    ChildSideOnly,
}

#[derive(Default)]
struct World {
    clock: Arc<Hourglass>,
    zones: BTreeMap<Name, Vec<Record>>,
    servers: HashMap<SocketAddr, Vec<Name>>,
    faults: HashMap<SocketAddr, Fault>,
    asked: Mutex<Vec<(SocketAddr, Proto, String, Moment)>>,
}

impl World {
    fn zone(&mut self, apex: &str, servers: &[&str], text: &str) {
        let apex = Name::parse(apex).unwrap();
        let soa = "@ SOA ns. h. 1 2 3 4 5\n";
        let records = parse_records(&format!("{soa}{text}"), &apex, 60).unwrap();
        self.zones.insert(apex.clone(), records);
        for server in servers {
            self.servers.entry(at(server)).or_default().push(apex.clone());
        }
    }

    fn fault(&mut self, server: &str, fault: Fault) {
        self.faults.insert(at(server), fault);
    }

    fn count(&self, server: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|(address, ..)| *address == at(server))
            .count()
    }

    fn answer(&self, address: SocketAddr, question: &[u8]) -> Vec<u8> {
        let wire = Wire::from_octets(question).unwrap();
        let asked = Message::parse(question).unwrap().question.unwrap();
        let refuse = || {
            MessageBuilder::new_vec()
                .start_answer(&wire, WireRcode::REFUSED)
                .unwrap()
                .finish()
        };
        let fault = self.faults.get(&address);
        let served = self.servers.get(&address).into_iter().flatten();
        let child_side = fault == Some(&Fault::ChildSideOnly);
        let zone = served
            .filter(|zone| asked.name.is_at_or_below(zone))
            .filter(|zone| asked.rtype != Rtype::DS || **zone != asked.name || child_side)
            .max_by_key(|zone| zone.label_count());
        let (Some(zone), true) = (zone, fault != Some(&Fault::Refuses)) else {
            return refuse();
        };
        let records = &self.zones[zone];
        let cut = records
            .iter()
            .filter(|r| r.rtype == Rtype::NS && r.name != *zone && asked.name.is_at_or_below(&r.name))
            .map(|r| r.name.clone())
            .min_by_key(Name::label_count)
            .filter(|cut| asked.rtype != Rtype::DS || *cut != asked.name);
        let of = |name: &Name, rtype| -> Vec<&Record> {
            records
                .iter()
                .filter(|r| r.name == *name && r.rtype == rtype)
                .collect()
        };
        let exists = records.iter().any(|r| r.name.is_at_or_below(&asked.name));
        let rcode = if exists || cut.is_some() {
            WireRcode::NOERROR
        } else {
            WireRcode::NXDOMAIN
        };
        let mut answer = MessageBuilder::new_vec().start_answer(&wire, rcode).unwrap();
        answer.header_mut().set_aa(cut.is_none());
        let found = if cut.is_none() {
            of(&asked.name, asked.rtype)
        } else {
            Vec::new()
        };
        for record in &found {
            answer.push(wire_record(record)).unwrap();
        }
        let mut authority = answer.authority();
        let mut glue = Vec::new();
        match &cut {
            Some(cut) => {
                for record in of(cut, Rtype::NS) {
                    authority.push(wire_record(record)).unwrap();
                    let host = record.target().unwrap();
                    glue.extend(of(&host, Rtype::A));
                    glue.extend(of(&host, Rtype::AAAA));
                }
            }
            None if found.is_empty() => {
                for record in of(zone, Rtype::SOA) {
                    authority.push(wire_record(record)).unwrap();
                }
            }
            None => {}
        }
        let mut additional = authority.additional();
        for record in glue {
            additional.push(wire_record(record)).unwrap();
        }
        additional.finish()
    }
}

type WireRecord<'a> = domain::base::Record<WireName<&'a [u8]>, UnknownRecordData<&'a [u8]>>;

fn wire_record(record: &Record) -> WireRecord<'_> {
    let rtype = WireRtype::from_int(record.rtype.0);
    domain::base::Record::new(
        WireName::from_octets(record.name.wire()).unwrap(),
        Class::IN,
        domain::base::Ttl::from_secs(record.ttl),
        UnknownRecordData::from_octets(rtype, record.rdata.as_slice()).unwrap(),
    )
}

#[async_trait]
impl Transport for World {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        let question = Message::parse(message).unwrap().question.unwrap();
        let nth = {
            let mut asked = self.asked.lock().unwrap();
            let text = format!("{} {}", question.name, question.rtype);
            asked.push((server, proto, text, self.clock.now()));
            asked.iter().filter(|(address, ..)| *address == server).count()
        };
        match (self.faults.get(&server), proto) {
            (Some(Fault::NoRoute), _) => Err(ExchangeError::NoRoute("unreachable".into())),
            (Some(Fault::Silent), _) => Err(ExchangeError::Timeout(timeout)),
            (Some(Fault::SilentOnce), _) if nth == 1 => Err(ExchangeError::Timeout(timeout)),
            (Some(Fault::Junk), _) => {
                let mut junk = message.to_vec();
                junk[2] |= 0x80;
                junk[7] = 9;
                Ok(junk)
            }
            (Some(Fault::TruncatesOnly), Proto::Tcp) => Err(ExchangeError::Failed("refused".into())),
            (Some(Fault::Truncates | Fault::TruncatesOnly), Proto::Udp) => {
                let mut short = self.answer(server, message);
                short[2] |= 0x02;
                Ok(short)
            }
            _ if !self.servers.contains_key(&server) => Err(ExchangeError::Timeout(timeout)),
            _ => Ok(self.answer(server, message)),
        }
    }

    async fn stream(
        &self,
        _server: SocketAddr,
        _message: &[u8],
        _timeout: Duration,
        _more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        Err(ExchangeError::Failed("no transfers here".to_owned()))
    }
}

fn at(address: &str) -> SocketAddr {
    crate::adapters::parse_address(address).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The root, test. and other. each with servers; shop.test. at two providers, one of them named outside of test.
fn world() -> World {
    let mut world = World::default();
    world.zone(
        ".",
        &["192.0.2.1"],
        "@ NS ns.root.\nns.root. A 192.0.2.1\ntest. NS ns.test.\nns.test. 300 A 192.0.2.2\nns.test. AAAA 2001:db8::2\n\
         other. NS ns.other.\nns.other. A 192.0.2.3\n",
    );
    world.zone(
        "test",
        &["192.0.2.2", "2001:db8::2"],
        "@ NS ns\n@ NS ns2\nns 600 A 192.0.2.2\nns AAAA 2001:db8::2\nns2 A 192.0.2.22\n\
         shop NS ns.shop\nshop NS ns.b.other.\nns.shop 30 A 192.0.2.11\n\
         a.b.deep NS ns.b.other.\nloop NS ns.loop2\nloop2 NS ns.loop\n",
    );
    world.zone(
        "other",
        &["192.0.2.3"],
        "@ NS ns\nns A 192.0.2.3\nns.b 900 A 192.0.2.12\n",
    );
    world.zone(
        "shop.test",
        &["192.0.2.11", "192.0.2.12"],
        "@ NS ns\n@ NS ns.b.other.\nns 90 A 192.0.2.11\nwww A 192.0.2.80\n",
    );
    world.zone("a.b.deep.test", &["192.0.2.12"], "@ NS ns.b.other.\n");
    world
}

fn observer(world: World, qps: u32) -> (DnsObserver, Arc<World>) {
    let world = Arc::new(world);
    let config = ObserverConfig {
        roots: vec![at("192.0.2.1")],
        per_server_qps: qps,
        ..ObserverConfig::default()
    };
    (
        DnsObserver::new(config, world.clone(), world.clock.clone()),
        world,
    )
}

fn addresses(servers: &[NameServer]) -> Vec<String> {
    let all = servers.iter().map(|server| {
        let addresses: Vec<String> = server.addresses.iter().map(SocketAddr::to_string).collect();
        format!("{} {} {}", server.name, addresses.join(","), server.address_ttl)
    });
    all.collect()
}

#[tokio::test]
async fn walks_down_to_the_parent_and_resolves_names_elsewhere() {
    let (observer, _) = observer(world(), 0);
    let found = observer.find(&name("shop.test")).await.unwrap();
    assert_eq!(found.parent, name("test"));
    assert_eq!(
        addresses(&found.parent_servers),
        [
            "ns.test. 192.0.2.2:53,[2001:db8::2]:53 600",
            "ns2.test. 192.0.2.22:53 60"
        ]
    );
    // Glue and the child's own record: both may be in caches, with the larger TTL.
    assert_eq!(
        addresses(&found.delegated),
        ["ns.b.other. 192.0.2.12:53 900", "ns.shop.test. 192.0.2.11:53 90"]
    );
    let zones: Vec<String> = found
        .ancestors
        .iter()
        .map(|(zone, server)| format!("{zone} {}", server.name))
        .collect();
    assert_eq!(zones, [". ns.root.", "test. ns.test."]);
    assert!(found.blind.is_empty());
}

#[tokio::test]
async fn a_cut_below_an_empty_name_has_its_parent_above_it() {
    let (observer, _) = observer(world(), 0);
    let found = observer.find(&name("a.b.deep.test")).await.unwrap();
    assert_eq!(found.parent, name("test"));
    let top = observer.find(&name("other")).await.unwrap();
    assert_eq!(addresses(&top.parent_servers), ["ns.root. 192.0.2.1:53 60"]);
}

#[tokio::test]
async fn one_server_for_parent_and_child_still_shows_both() {
    let mut world = world();
    world.servers.insert(
        at("192.0.2.1"),
        vec![Name::root(), name("test"), name("shop.test")],
    );
    let (observer, _) = observer(world, 0);
    let found = observer.find(&name("shop.test")).await.unwrap();
    assert_eq!(found.parent, name("test"));
    assert_eq!(found.ancestors.len(), 2);
}

#[tokio::test]
async fn a_server_that_answers_only_for_the_child_is_no_server_of_the_parent() {
    let mut world = world();
    world.servers.insert(at("192.0.2.22"), vec![name("shop.test")]);
    world.fault("192.0.2.22", Fault::ChildSideOnly);
    world.fault("192.0.2.2", Fault::Refuses);
    world.fault("2001:db8::2", Fault::Refuses);
    let (observer, _) = observer(world, 0);
    assert!(observer.find(&name("shop.test")).await.is_err());
}

#[tokio::test]
async fn errors_are_sentences() {
    let (observer, world) = observer(world(), 0);
    for (zone, words) in [
        ("nosuch.test", "does not exist"),
        ("www.shop.test", "lies within shop.test."),
        (".", "no parent"),
    ] {
        let error = observer.find(&name(zone)).await.unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let error = observer.addresses(&name("ns.loop.test")).await.unwrap_err();
    assert!(error.contains("no server of loop.test."), "{error}");
    assert!(observer.addresses(&name("nothing.other")).await.is_err());
    assert!(world.asked.lock().unwrap().len() < 100);
}

fn request(topology: Topology) -> SweepRequest {
    let server = |host: &str, address: &str| NameServer {
        name: name(host),
        addresses: vec![at(address)],
        address_ttl: 60,
    };
    SweepRequest {
        topology,
        providers: BTreeMap::from([
            ("a".to_owned(), vec![server("ns.shop.test", "192.0.2.11")]),
            ("b".to_owned(), vec![server("ns.b.other", "192.0.2.12")]),
        ]),
        probes: ProbeNames {
            positive: Some((name("www.shop.test"), Rtype::A)),
            no_data: (name("www.shop.test"), Rtype::TXT),
            no_name: name("none.shop.test"),
            wildcard: None,
        },
        ancestors: true,
        tcp: false,
    }
}

async fn sweep_of(world: World, qps: u32) -> (Observed, Arc<World>) {
    // The topology is that of the world without faults.
    let (healthy, _) = observer(self::world(), 0);
    let topology = healthy.find(&name("shop.test")).await.unwrap();
    let (observer, world) = observer(world, qps);
    (observer.sweep(&request(topology)).await, world)
}

fn outcomes<'a>(observed: &'a Observed, address: &str) -> Vec<&'a Outcome> {
    let all = observed.sweep.observations.iter();
    all.filter(|one| one.address == at(address))
        .map(|one| &one.outcome)
        .collect()
}

#[tokio::test]
async fn a_sweep_asks_everything_in_an_order_that_depends_on_the_request_only() {
    let (observed, _) = sweep_of(world(), 0).await;
    let lines: Vec<String> = observed
        .sweep
        .observations
        .iter()
        .map(|one| format!("{:?} {} {} {}", one.place, one.address, one.name, one.rtype))
        .collect();
    assert_eq!(lines[0], "Parent 192.0.2.2:53 shop.test. DS");
    assert_eq!(lines[1], "Parent 192.0.2.2:53 shop.test. NS");
    assert_eq!(lines[6], "Provider(\"a\") 192.0.2.11:53 shop.test. SOA");
    assert_eq!(
        lines[lines.len() - 3..],
        [
            "Ancestor(.) 192.0.2.1:53 . DNSKEY",
            "Ancestor(.) 192.0.2.1:53 test. DS",
            "Ancestor(test.) 192.0.2.2:53 test. DNSKEY"
        ]
    );
    // Eight questions, and two for the addresses of the server whose name lies within the zone.
    assert_eq!(lines.len(), 3 * 2 + 2 * (8 + 2) + 3);
    let (again, _) = sweep_of(world(), 0).await;
    let order = |observed: &Observed| -> Vec<(SocketAddr, Name, Rtype)> {
        let all = observed.sweep.observations.iter();
        all.map(|one| (one.address, one.name.clone(), one.rtype))
            .collect()
    };
    assert_eq!(order(&observed), order(&again));
    for one in &observed.sweep.observations {
        if let Outcome::Answer { blob, .. } = &one.outcome {
            assert_eq!(observed.blobs.get(blob).unwrap()[..2], [0, 0]);
        }
    }
}

#[tokio::test]
async fn truncated_answers_are_asked_for_over_tcp() {
    let mut world = world();
    world.fault("192.0.2.11", Fault::Truncates);
    world.fault("192.0.2.12", Fault::TruncatesOnly);
    let (observed, world) = sweep_of(world, 0).await;
    for outcome in outcomes(&observed, "192.0.2.11") {
        let Outcome::Answer { blob, .. } = outcome else {
            panic!("{outcome:?}")
        };
        let message = Message::parse(observed.blobs.get(blob).unwrap()).unwrap();
        assert!(!message.flags.truncated);
    }
    // Where TCP fails, the truncated answer itself is what is kept.
    for outcome in outcomes(&observed, "192.0.2.12") {
        let Outcome::Answer { blob, .. } = outcome else {
            panic!("{outcome:?}")
        };
        let message = Message::parse(observed.blobs.get(blob).unwrap()).unwrap();
        assert!(message.flags.truncated);
    }
    assert_eq!(world.count("192.0.2.11"), 20);
    let protos = observed.sweep.observations.iter().map(|one| one.proto);
    assert!(protos.into_iter().all(|proto| proto == Proto::Udp));
}

#[tokio::test]
async fn silence_is_asked_once_more_and_no_route_is_a_blind_spot() {
    let mut world = world();
    world.fault("192.0.2.11", Fault::Silent);
    world.fault("192.0.2.12", Fault::NoRoute);
    let (observed, world) = sweep_of(world, 0).await;
    assert!(
        outcomes(&observed, "192.0.2.11")
            .iter()
            .all(|o| **o == Outcome::Timeout)
    );
    assert_eq!(world.count("192.0.2.11"), 20);
    assert_eq!(world.count("192.0.2.12"), 10);
    let blind = &observed.sweep.blind;
    assert_eq!(blind.len(), 1);
    assert_eq!(blind[0].place, Place::Provider("b".into()));
    assert_eq!(blind[0].address, Some(at("192.0.2.12")));
}

#[tokio::test]
async fn one_lost_packet_is_no_outage_and_octets_that_are_no_message_are_kept() {
    let mut world = world();
    world.fault("192.0.2.11", Fault::SilentOnce);
    world.fault("192.0.2.12", Fault::Junk);
    let (observed, _) = sweep_of(world, 0).await;
    let is_answer = |outcome: &&Outcome| matches!(outcome, Outcome::Answer { .. });
    assert!(outcomes(&observed, "192.0.2.11").iter().all(is_answer));
    for outcome in outcomes(&observed, "192.0.2.12") {
        let Outcome::Answer { blob, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(Message::parse(observed.blobs.get(blob).unwrap()).is_err());
    }
}

#[tokio::test]
async fn questions_to_one_address_keep_their_distance() {
    let (_, world) = sweep_of(world(), 5).await;
    let asked = world.asked.lock().unwrap();
    let mut times: Vec<i64> = asked
        .iter()
        .filter(|(address, ..)| *address == at("192.0.2.11"))
        .map(|(.., when)| when.millis())
        .collect();
    times.sort_unstable();
    assert_eq!(times.len(), 10);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 200), "{times:?}");
}

#[tokio::test]
async fn one_question_with_everything_kept() {
    let (observer, _) = observer(world(), 0);
    let (observation, blobs) = observer
        .ask(AskRequest {
            place: Place::Parent,
            server: name("ns.test"),
            address: at("192.0.2.2"),
            proto: Proto::Tcp,
            name: name("shop.test"),
            rtype: Rtype::NS,
        })
        .await;
    assert!(matches!(observation.outcome, Outcome::Answer { .. }));
    assert_eq!((observation.proto, blobs.len()), (Proto::Tcp, 1));
    assert_eq!(observer.vantage(), "here");
}

#[tokio::test]
async fn a_machine_with_one_family_finds_its_way() {
    let mut world = world();
    for address in 1..=40u8 {
        let server = format!("198.51.100.{address}");
        world.fault(&server, Fault::NoRoute);
    }
    world.servers.insert(at("2001:db8::1"), vec![Name::root()]);
    let roots = (1..=40)
        .map(|address| at(&format!("198.51.100.{address}")))
        .chain([at("2001:db8::1")])
        .collect();
    let world = Arc::new(world);
    let config = ObserverConfig {
        roots,
        per_server_qps: 0,
        ..ObserverConfig::default()
    };
    let observer = DnsObserver::new(config, world.clone(), world.clock.clone());
    assert!(observer.find(&name("shop.test")).await.is_ok());
}

/// The whole way over real sockets: eight addresses that one loopback socket stands for.
#[tokio::test]
async fn eight_addresses_over_real_sockets() {
    let world = world();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let real = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let answer = world.answer(at("192.0.2.11"), &buffer[..length]);
            socket.send_to(&answer, peer).await.unwrap();
        }
    });
    let eight: Vec<SocketAddr> = (1..=8).map(|last| at(&format!("203.0.113.{last}"))).collect();
    let mut map = crate::adapters::AddressMap::new();
    for address in &eight {
        map.insert(*address, real);
    }
    let (healthy, _) = observer(self::world(), 0);
    let topology = healthy.find(&name("shop.test")).await.unwrap();
    let mut request = request(Topology {
        parent_servers: Vec::new(),
        ..topology
    });
    request.ancestors = false;
    request.providers = BTreeMap::from([(
        "a".to_owned(),
        vec![NameServer {
            name: name("ns.shop.test"),
            addresses: eight,
            address_ttl: 60,
        }],
    )]);
    let config = ObserverConfig {
        per_server_qps: 0,
        ..ObserverConfig::default()
    };
    let transport = Arc::new(crate::adapters::NetTransport::new(map));
    let observer = DnsObserver::new(config, transport, Arc::new(crate::adapters::SystemClock));
    let observed = observer.sweep(&request).await;
    assert_eq!(observed.sweep.observations.len(), 80);
    let answered = observed
        .sweep
        .observations
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Answer { .. }));
    assert_eq!(answered.count(), 80);
    // Equal answers are equal octets: eight questions, eight blobs.
    assert_eq!(observed.blobs.len(), 10);
}
