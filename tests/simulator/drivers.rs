//! The world as the runner meets it: a clock, an observer, drivers, a journal whose writer can be killed, a person.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use unbroken::dns::{Name, Record, Rtype};
use unbroken::evidence::{BlobId, Blobs, Entry, Observation, Outcome, Place, Proto, Sweep, Trace};
use unbroken::moment::Moment;
use unbroken::ports::{
    Applied, AskRequest, AuthenticRead, Capabilities, Clock, DriverError, Entries, Inventory, Journal,
    JournalError, JournalView, NameServer, Observed, Observer, Parent, Provider, RrsetChange, SweepRequest,
    Topology,
};
use unbroken::runner::{PartialProbes, Reporter, Team};
use unbroken::workflow::{Approval, Begin, Decision, Event, State};
use unbroken::zone::Sink;

use super::answers::{Asked, Desk, address, below};
use super::keys::bunch;
use super::world::{REGISTRY, World};
use super::wrong::Wrong;
use super::zones::{SERVERS, host_name, host_number, provider_name};

/// The TTL of all that is above the zone, seconds.
const ABOVE: u32 = 86_400;

/// One world, shared by all who act in it.
#[derive(Clone)]
pub(crate) struct Stage {
    world: Arc<Mutex<World>>,
    desk: Arc<Mutex<Desk>>,
    pub(crate) wrong: Option<Wrong>,
}

impl Stage {
    pub(crate) fn new(world: World, desk: Arc<Mutex<Desk>>, wrong: Option<Wrong>) -> Stage {
        Stage {
            world: Arc::new(Mutex::new(world)),
            desk,
            wrong,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn team(&self) -> Team {
        let scenario = self.world().scenario.clone();
        let seat = Arc::new(self.clone());
        let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
        let mut name_servers = BTreeMap::new();
        for (number, maker) in scenario.providers.iter().enumerate() {
            let name = provider_name(number);
            let driver = Driver {
                stage: self.clone(),
                operator: number + 1,
                name: name.clone(),
            };
            providers.insert(name.clone(), Arc::new(driver));
            let servers = (0..maker.servers).map(|server| host_name(number * SERVERS + server));
            name_servers.insert(name, servers.collect());
        }
        Team {
            zone: bunch().zone.clone(),
            providers,
            name_servers,
            own_addresses: BTreeMap::new(),
            parent: Arc::new(Driver {
                stage: self.clone(),
                operator: REGISTRY,
                name: "registry".to_owned(),
            }),
            observer: seat.clone(),
            clock: seat,
            pinned: Arc::new(|_| Vec::new()),
            interval: std::time::Duration::from_secs(scenario.interval as u64),
            probes: PartialProbes::default(),
            begin: Begin {
                program: "unbroken, simulated".to_owned(),
                anchors: bunch().anchor(),
                settings: Value::Null,
                vantage: "simulated".to_owned(),
                by: String::new(),
            },
        }
    }

    fn name_server(&self, name: &Name) -> Option<NameServer> {
        host_number(name).map(|number| NameServer {
            name: name.clone(),
            addresses: vec![socket(number)],
            address_ttl: self.world().scenario.address_ttl,
        })
    }
}

fn socket(host: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(address(host)), 53)
}

fn registry_server(number: usize) -> (Name, SocketAddr) {
    static NAMES: OnceLock<[Name; 2]> = OnceLock::new();
    let names =
        NAMES.get_or_init(|| ["ns1.nic.test.", "ns2.nic.test."].map(|name| Name::parse(name).unwrap()));
    (names[number].clone(), socket(100 + number))
}

pub(crate) fn provider_of(name: &str) -> usize {
    (0..super::keys::PROVIDERS)
        .find(|number| provider_name(*number) == name)
        .unwrap()
}

#[async_trait]
impl Clock for Stage {
    fn now(&self) -> Moment {
        Moment::from_millis(self.world().now)
    }

    async fn sleep_until(&self, when: Moment) {
        let mut world = self.world();
        let late = match self.wrong {
            Some(Wrong::Oversleeps) => 2_000 * world.scenario.interval,
            _ => 0,
        };
        world.run_until(when.millis() + late);
    }
}

fn no_name() -> Name {
    static NAME: OnceLock<Name> = OnceLock::new();
    NAME.get_or_init(|| below(b"unbroken-does-not-exist")).clone()
}

/// One question of a sweep, as far as it is the same each time.
struct Question {
    server: usize,
    place: Place,
    host: Name,
    address: SocketAddr,
    name: Name,
    rtype: Rtype,
    asked: Asked,
}

impl Stage {
    fn questions(&self, world: &World, tcp: bool) -> Vec<Question> {
        let scenario = &world.scenario;
        let (zone, unnamed) = (&bunch().zone, no_name());
        let apex = |rtype| (zone.clone(), rtype, Asked::Apex(rtype));
        let (mut at_registry, mut at_provider) = (vec![apex(Rtype::DS)], vec![apex(Rtype::DNSKEY)]);
        if scenario.asks_all || !tcp {
            at_registry.push(apex(Rtype::NS));
            at_provider.extend([Rtype::NS, Rtype::CDS, Rtype::CDNSKEY].map(apex));
        }
        if scenario.asks_all {
            at_provider.extend([Rtype::SOA, Rtype(13)].map(apex));
            at_provider.push((below(b"www"), Rtype::A, Asked::Host));
            at_provider.push((unnamed, Rtype::A, Asked::NoName));
        }
        let mut out = Vec::new();
        for (server, is) in world.servers.iter().enumerate() {
            if self.wrong == Some(Wrong::IgnoresSecondaries) && is.number > 0 {
                continue;
            }
            let (place, host, address, asked) = match is.operator {
                REGISTRY => {
                    let (host, address) = registry_server(is.number);
                    (Place::Parent, host, address, &at_registry)
                }
                operator => {
                    let number = (operator - 1) * SERVERS + is.number;
                    let place = Place::Provider(provider_name(operator - 1));
                    (place, host_name(number), socket(number), &at_provider)
                }
            };
            out.extend(asked.iter().map(|(name, rtype, asked)| Question {
                server,
                place: place.clone(),
                host: host.clone(),
                address,
                name: name.clone(),
                rtype: *rtype,
                asked: *asked,
            }));
        }
        out
    }

    fn answer(&self, world: &World, question: &Question, at: i64, blobs: &mut Blobs) -> Outcome {
        if world.is_silent(question.server, at) {
            return Outcome::Timeout;
        }
        let server = &world.servers[question.server];
        let believed = match self.wrong {
            Some(Wrong::BelievesRegistry) if server.operator == REGISTRY => &world.masters[REGISTRY],
            _ => server.at(at),
        };
        let mut zone = *believed;
        if self.wrong == Some(Wrong::CountsASecondLess) {
            zone.key_ttl = zone.key_ttl.saturating_sub(1);
            zone.ns_ttl = zone.ns_ttl.saturating_sub(1);
            zone.data_ttl = zone.data_ttl.saturating_sub(1);
        }
        let seconds = at.div_euclid(1_000);
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match server.operator {
            REGISTRY => desk.registry(&zone, question.rtype, world.scenario.address_ttl, seconds),
            operator => {
                let hashed = world.scenario.providers[operator - 1].hashed;
                desk.provider(&zone, question.asked, hashed, seconds)
            }
        };
        blobs.extend(answer.blobs);
        Outcome::Answer {
            blob: answer.id,
            id: 0,
        }
    }
}

#[async_trait]
impl Observer for Stage {
    async fn find(&self, zone: &Name) -> Result<Topology, String> {
        let world = self.world();
        let registries = world.scenario.registry.lags.len();
        let servers: Vec<NameServer> = (0..registries)
            .map(|number| {
                let (name, address) = registry_server(number);
                NameServer {
                    name,
                    addresses: vec![address],
                    address_ttl: ABOVE,
                }
            })
            .collect();
        let hosts = world.servers[0].at(world.now).hosts;
        let delegated: Vec<Name> = super::keys::members(hosts).map(host_name).collect();
        drop(world);
        Ok(Topology {
            zone: zone.clone(),
            parent: bunch().parent.clone(),
            ancestors: vec![(bunch().parent.clone(), servers[0].clone())],
            parent_servers: servers,
            delegated: delegated
                .iter()
                .filter_map(|name| self.name_server(name))
                .collect(),
            blind: Vec::new(),
        })
    }

    async fn addresses(&self, host: &Name) -> Result<NameServer, String> {
        self.name_server(host)
            .ok_or_else(|| format!("{host} has no address"))
    }

    async fn sweep(&self, request: &SweepRequest) -> Observed {
        let mut world = self.world();
        let started = world.now;
        let most = world.scenario.round_trip;
        // What happens in the meantime happens.
        let ended = started + if most == 0 { 0 } else { world.throw(most) };
        world.run_until(ended);
        let proto = if request.tcp { Proto::Tcp } else { Proto::Udp };
        let mut blobs = Blobs::default();
        let mut observations = Vec::new();
        for question in self.questions(&world, request.tcp) {
            let (sent, at, done) = moments(&mut world, started, ended);
            let outcome = self.answer(&world, &question, at, &mut blobs);
            observations.push(Observation {
                place: question.place,
                server: question.host,
                address: question.address,
                proto,
                name: question.name,
                rtype: question.rtype,
                sent: Moment::from_millis(sent),
                done: Moment::from_millis(done),
                outcome,
            });
        }
        let (started, ended) = (Moment::from_millis(started), Moment::from_millis(ended));
        if request.ancestors {
            let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = desk.parent_keys(ABOVE, ended.floor_seconds());
            let (host, address) = registry_server(0);
            blobs.extend(answer.blobs);
            observations.push(Observation {
                place: Place::Ancestor(bunch().parent.clone()),
                server: host,
                address,
                proto,
                name: bunch().parent.clone(),
                rtype: Rtype::DNSKEY,
                sent: started,
                done: ended,
                outcome: Outcome::Answer {
                    blob: answer.id,
                    id: 0,
                },
            });
        }
        Observed {
            sweep: Sweep {
                started,
                ended,
                observations,
                blind: Vec::new(),
            },
            blobs,
        }
    }

    async fn ask(&self, _: AskRequest) -> (Observation, Blobs) {
        panic!("the runner asks in sweeps")
    }
}

/// When a question leaves, is answered, and its answer arrives.
fn moments(world: &mut World, started: i64, ended: i64) -> (i64, i64, i64) {
    if started == ended {
        return (started, started, started);
    }
    let sent = started + world.throw(ended - started);
    let done = sent + world.throw(ended - sent);
    (sent, sent + world.throw(done - sent), done)
}

/// A registry's or a provider's driver.
struct Driver {
    stage: Stage,
    operator: usize,
    name: String,
}

impl Driver {
    fn told(&self, change: &RrsetChange) -> Result<Applied, DriverError> {
        let mut world = self.stage.world();
        if let Some(most) = world.operator(self.operator).person {
            world.person_is_told(self.operator, most, change);
            return Ok(Applied::Manual {
                instructions: format!("{} {} by hand", change.name, change.rtype),
            });
        }
        let result = world.told(self.operator, &self.name, change, self.operator == REGISTRY);
        // What is changed next is changed later, so that what is served in between was served.
        let after = world.now + 1;
        world.run_until(after);
        result.map(|()| Applied::Accepted {
            said: "NOERROR".to_owned(),
        })
    }
}

#[async_trait]
impl Provider for Driver {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            foreign_keys: true,
            apex_ns: true,
            authentic_read: true,
            inventory: true,
            manual: self.stage.world().operator(self.operator).person.is_some(),
        }
    }

    async fn read(&self, rtype: Rtype, _trace: &mut Trace) -> Result<AuthenticRead, DriverError> {
        let zone = self.stage.world().masters[self.operator];
        let records = bunch().dnskeys(zone.dnskeys());
        let record = |rdata| Record::new(bunch().zone.clone(), rtype, zone.key_ttl, rdata);
        Ok(AuthenticRead {
            records: records.into_iter().map(record).collect(),
            channel: "simulated".to_owned(),
        })
    }

    async fn inventory(&self) -> Result<Inventory, DriverError> {
        let zone = self.stage.world().masters[self.operator];
        Ok(Inventory {
            max_ttl: zone.data_ttl.max(zone.ns_ttl).max(zone.negative_ttl),
            records: 4,
            wildcard: None,
            positive: Some((below(b"www"), Rtype::A)),
        })
    }

    async fn contents(&self, sink: &mut (dyn Sink + Send)) -> Result<(), DriverError> {
        sink.add(&Record::new(below(b"www"), Rtype::A, 300, vec![192, 0, 2, 80]));
        Ok(())
    }

    async fn change(&self, change: &RrsetChange, _trace: &mut Trace) -> Result<Applied, DriverError> {
        self.told(change)
    }
}

#[async_trait]
impl Parent for Driver {
    fn name(&self) -> &str {
        &self.name
    }

    fn manual(&self) -> bool {
        self.stage.world().operator(self.operator).person.is_some()
    }

    async fn change(&self, change: &RrsetChange, _trace: &mut Trace) -> Result<Applied, DriverError> {
        self.told(change)
    }
}

/// Watches the program for the world, and is the person who says yes.
pub(crate) struct Witness {
    pub(crate) stage: Stage,
    /// Prints what happens, for whoever looks at one move.
    pub(crate) tells: bool,
}

impl Reporter for Witness {
    fn recorded(&mut self, at: Moment, event: &Event, _: &State) {
        if self.tells {
            let mut said = match event {
                Event::Sweep(sweep) => format!("sweep of {} answers", sweep.observations.len()),
                event => format!("{event:?}"),
            };
            said.truncate(1_200);
            println!("{} {said}", at.millis() - 1_000 * super::world::START);
        }
        self.stage.world().noticed(at, event);
    }

    fn decided(&mut self, _: Moment, decision: &Decision, _: &State) {
        if let Decision::Person {
            what, approve: true, ..
        } = decision
        {
            self.stage.world().asked_for_word(what);
        }
    }

    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}

impl Stage {
    /// What was approved up to now.
    pub(crate) fn inbox(&self) -> Vec<Approval> {
        let world = self.world();
        let plan = world.plan.as_ref().map(unbroken::workflow::Plan::hash);
        world
            .approved
            .iter()
            .filter(|(_, at)| **at <= world.now)
            .map(|(what, _)| Approval {
                what: what.clone(),
                plan: plan.clone().unwrap_or_default(),
                by: "a person".to_owned(),
                note: String::new(),
            })
            .collect()
    }
}

/// What is on the disk. The entries are kept as they are: that a journal's octets give them back is tested elsewhere.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    count: usize,
    entries: Vec<Entry>,
    blobs: Blobs,
}

impl Disk {
    fn with<T>(&self, use_it: impl FnOnce(&mut Written) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn len(&self) -> usize {
        self.with(|written| written.count)
    }

    pub(crate) fn last(&self) -> Option<Entry> {
        self.with(|written| written.entries.last().cloned())
    }

    fn entries(&self) -> Vec<Entry> {
        self.with(|written| written.entries.clone())
    }
}

/// What a killed process unwinds with.
pub(crate) struct Killed;

/// What a process unwinds with that comes to no end.
pub(crate) struct Endless;

/// A process's hand on the disk, and the entry (from 1, over all processes) at which it is killed.
pub(crate) struct Hand {
    pub(crate) disk: Disk,
    pub(crate) dies: Option<(usize, bool)>,
    /// More entries than any move needs.
    pub(crate) most: usize,
    /// Whether another process will read them.
    pub(crate) keeps: bool,
}

impl JournalView for Hand {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        Ok(Box::new(self.disk.entries().into_iter().map(Ok)))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.disk.with(|written| match written.blobs.get(id) {
            Some(octets) => Ok(octets.to_vec()),
            None => Err(JournalError::NoBlob(id.clone())),
        })
    }

    fn head(&self) -> String {
        String::new()
    }
}

impl Journal for Hand {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        let number = self.disk.len() + 1;
        if self.dies == Some((number, true)) {
            resume_unwind(Box::new(Killed));
        }
        if number > self.most {
            resume_unwind(Box::new(Endless));
        }
        // Nobody reads the body of what comes back.
        let entry = |body| Entry::new(number as u64, at, String::new(), kind, body);
        self.disk.with(|written| {
            written.count = number;
            if self.keeps {
                written.entries.push(entry(body));
            }
        });
        if self.dies == Some((number, false)) {
            resume_unwind(Box::new(Killed));
        }
        Ok(entry(Value::Null))
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        Ok(self.disk.with(|written| written.blobs.insert(octets)))
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        if self.keeps {
            self.disk.with(|written| written.blobs.extend(blobs.clone()));
        }
        Ok(())
    }
}
