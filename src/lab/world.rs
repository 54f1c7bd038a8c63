//! The embedded internet: all operators and servers, octets in and octets out.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::base::Message as Wire;

use super::LabError;
use super::authority;
use super::build::{Draft, drafts};
use super::config::LabConfig;
use super::habit::{Asked, Before, Habit};
use super::questions::Questions;
use super::server::Server;
use super::transfer;
use super::tsig::{Checked, Signer, TsigSecret, check};
use super::update::{Permit, apply};
use super::wire::{Reply, encode, size_limit};
use super::zone::Zone;
use crate::dns::{Message, Name, Rcode, Rtype};
use crate::dnssec::DsSet;
use crate::evidence::Proto;
use crate::moment::Moment;

const OPCODE_QUERY: u8 = 0;
const OPCODE_UPDATE: u8 = 5;
/// Octets of the identifier, which a kept answer does not depend on.
const ID: usize = 2;

/// Root, registry or provider.
struct Operator {
    name: String,
    servers: Vec<SocketAddr>,
    /// The zone as the operator has decided it; the servers follow.
    master: Mutex<Zone>,
    permit: Permit,
    tsig: TsigSecret,
    /// How long a change takes until the primary serves it.
    publication: Duration,
}

/// All servers by their address as the DNS gives it.
pub struct World {
    zone: Name,
    parent: Name,
    operators: Vec<Operator>,
    servers: HashMap<SocketAddr, Server>,
    secondary_lag: Duration,
}

impl World {
    /// Builds a world: makes all keys, delegates the zone, publishes the DS records.
    ///
    /// # Errors
    /// If a name does not fit, there are more than 24 providers, or the system gives no randomness.
    pub fn new(config: &LabConfig) -> Result<World, LabError> {
        let mut operators = Vec::new();
        let mut servers = HashMap::new();
        let mut parent = Name::root();
        for (index, draft) in drafts(config)?.into_iter().enumerate() {
            let Draft { name, hosts, zone } = draft;
            for host in &hosts {
                let server = Server::new(host.address, host.name.clone(), index);
                server.publish(Arc::new(zone.clone()), config.now);
                servers.insert(host.address, server);
            }
            let (permit, publication) = match name.as_str() {
                "root" => (Permit::Nothing, Duration::ZERO),
                "registry" => {
                    parent = zone.apex().clone();
                    (Permit::Children, config.delays.registry)
                }
                _ => (Permit::Zone, Duration::ZERO),
            };
            let key_name =
                Name::parse(&format!("{name}.lab.")).map_err(|error| LabError::Name(error.to_string()))?;
            operators.push(Operator {
                tsig: TsigSecret::generate(key_name)?,
                servers: hosts.iter().map(|host| host.address).collect(),
                master: Mutex::new(zone),
                permit,
                publication,
                name,
            });
        }
        Ok(World {
            zone: config.zone.clone(),
            parent,
            operators,
            servers,
            secondary_lag: config.delays.secondary,
        })
    }

    /// The zone that moves.
    pub fn zone(&self) -> &Name {
        &self.zone
    }

    /// Its parent.
    pub fn parent(&self) -> &Name {
        &self.parent
    }

    /// The names of all operators: `root`, `registry`, then the providers.
    pub fn operators(&self) -> impl Iterator<Item = &str> {
        self.operators.iter().map(|operator| operator.name.as_str())
    }

    /// The names of the providers.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.operators().skip(2)
    }

    /// The addresses of an operator's servers; the first takes updates and transfers.
    pub fn addresses(&self, operator: &str) -> &[SocketAddr] {
        self.operator(operator)
            .map_or(&[], |operator| operator.servers.as_slice())
    }

    /// Where an operator takes updates, transfers and authenticated reads.
    pub fn primary(&self, operator: &str) -> Option<SocketAddr> {
        self.addresses(operator).first().copied()
    }

    /// The names of an operator's servers.
    pub fn name_servers(&self, operator: &str) -> Vec<Name> {
        self.addresses(operator)
            .iter()
            .filter_map(|address| self.servers.get(address))
            .map(|server| server.name.clone())
            .collect()
    }

    /// The addresses of the root's servers.
    pub fn roots(&self) -> &[SocketAddr] {
        self.addresses("root")
    }

    /// Every server address, in order.
    pub fn all_addresses(&self) -> Vec<SocketAddr> {
        let mut out: Vec<SocketAddr> = self.servers.keys().copied().collect();
        out.sort();
        out
    }

    /// An operator's key for updates, transfers and authenticated reads.
    pub fn tsig(&self, operator: &str) -> Option<&TsigSecret> {
        self.operator(operator).map(|operator| &operator.tsig)
    }

    /// The root's trust anchor as DS records, one a line.
    pub fn anchors(&self) -> String {
        let root = Name::root();
        let ds = self.own_ds("root");
        ds.iter().map(|ds| format!("{}\n", ds.record(&root, 0))).collect()
    }

    /// DS records of an operator's own keys that sign its DNSKEY RRset.
    pub fn own_ds(&self, operator: &str) -> DsSet {
        self.read(operator, |zone| {
            zone.keys()
                .iter()
                .filter(|key| key.signs_keys)
                .filter_map(|key| key.key.ds(zone.apex()))
                .collect()
        })
        .unwrap_or_default()
    }

    /// Looks at an operator's zone as it has decided it.
    pub fn read<T>(&self, operator: &str, look: impl FnOnce(&Zone) -> T) -> Option<T> {
        let operator = self.operator(operator)?;
        let zone = operator.master.lock().unwrap_or_else(PoisonError::into_inner);
        Some(look(&zone))
    }

    /// Changes an operator's zone from inside, as its own staff or software would (a key roll, a loss, a repair). The
    /// serial number counts up and the servers follow with their delays.
    pub fn edit(&self, operator: &str, now: Moment, change: impl FnOnce(&mut Zone)) {
        if let Some(operator) = self.operator(operator) {
            let mut zone = operator.master.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut zone);
            zone.bump_serial();
            self.distribute(operator, &zone, now);
        }
    }

    /// Changes what one server alone serves of its zone, at once, until its operator's next change reaches it.
    pub fn edit_server(&self, address: SocketAddr, change: impl FnOnce(&mut Zone)) {
        if let Some(server) = self.servers.get(&address)
            && let Some(apex) = self
                .operators
                .get(server.operator)
                .map(|operator| self.apex_of(operator))
        {
            server.edit(&apex, change);
        }
    }

    /// Gives a server other habits; none restores the good ones.
    pub fn set_habit(&self, address: SocketAddr, habit: Option<Arc<dyn Habit>>) {
        if let Some(server) = self.servers.get(&address) {
            server.set_habit(habit);
        }
    }

    /// What a crowd may ask about the zone.
    pub fn questions(&self) -> Questions {
        let first = self.providers().next().unwrap_or_default();
        self.read(first, Questions::of).unwrap_or_default()
    }

    fn operator(&self, name: &str) -> Option<&Operator> {
        self.operators.iter().find(|operator| operator.name == name)
    }

    fn apex_of(&self, operator: &Operator) -> Name {
        match operator.name.as_str() {
            "root" => Name::root(),
            "registry" => self.parent.clone(),
            _ => self.zone.clone(),
        }
    }

    fn distribute(&self, operator: &Operator, zone: &Zone, now: Moment) {
        let zone = Arc::new(zone.clone());
        for (index, address) in operator.servers.iter().enumerate() {
            let Some(server) = self.servers.get(address) else {
                continue;
            };
            let mut when = now + operator.publication;
            if index > 0 {
                when = when + self.secondary_lag;
            }
            if let Some(habit) = server.habit() {
                when = when + habit.lag(zone.apex(), now);
            }
            server.publish(zone.clone(), when);
        }
    }

    /// One message in, at most one out (the first, of a transfer). None: the server says nothing.
    pub fn handle(&self, address: SocketAddr, proto: Proto, octets: &[u8], now: Moment) -> Option<Vec<u8>> {
        self.replies(address, proto, octets, now).into_iter().next()
    }

    /// One message in, all messages out that answer it.
    pub fn replies(&self, address: SocketAddr, proto: Proto, octets: &[u8], now: Moment) -> Vec<Vec<u8>> {
        let Some(server) = self.servers.get(&address) else {
            return Vec::new();
        };
        let Some(habit) = server.habit() else {
            return self.plain_replies(server, proto, octets, now, None);
        };
        let Ok(message) = Message::parse(octets) else {
            return Vec::new();
        };
        let asked = Asked {
            server: address,
            proto,
            message: &message,
            now,
        };
        let replies = match habit.before(&asked) {
            Before::Drop => Vec::new(),
            Before::Code(rcode) => code(octets, rcode, message.edns.is_some(), None)
                .into_iter()
                .collect(),
            Before::Answer => self.plain_replies(server, proto, octets, now, Some(&*habit)),
        };
        replies
            .into_iter()
            .filter_map(|reply| habit.after(&asked, reply))
            .collect()
    }

    fn plain_replies(
        &self,
        server: &Server,
        proto: Proto,
        octets: &[u8],
        now: Moment,
        habit: Option<&dyn Habit>,
    ) -> Vec<Vec<u8>> {
        let Some((id, question)) = octets.split_at_checked(ID) else {
            return Vec::new();
        };
        if let Some(mut kept) = server.kept(proto, question, now) {
            if let Some(own) = kept.get_mut(..ID) {
                own.copy_from_slice(id);
            }
            return vec![kept];
        }
        let Ok(message) = Message::parse(octets) else {
            return Vec::new();
        };
        if message.flags.response {
            return Vec::new();
        }
        let Some(operator) = self.operators.get(server.operator) else {
            return Vec::new();
        };
        let checked = check(&operator.tsig, octets, now);
        let mut signer = match checked {
            Checked::Unsigned => None,
            Checked::Signed(signer) => Some(*signer),
            Checked::Bad(said) => return said.into_iter().collect(),
        };
        let request = Request {
            server,
            operator,
            proto,
            octets,
            message: &message,
            now,
        };
        let is_transfer = message
            .question
            .as_ref()
            .is_some_and(|question| question.rtype == Rtype::AXFR);
        match message.opcode {
            OPCODE_QUERY if is_transfer => self.transfer(&request, signer),
            OPCODE_QUERY => self.query(&request, signer).into_iter().collect(),
            OPCODE_UPDATE => {
                let rcode = self.update(&request, signer.is_some(), habit);
                code(octets, rcode, message.edns.is_some(), signer.as_mut())
                    .into_iter()
                    .collect()
            }
            _ => code(octets, Rcode::NOTIMP, message.edns.is_some(), signer.as_mut())
                .into_iter()
                .collect(),
        }
    }

    fn query(&self, request: &Request<'_>, mut signer: Option<Signer>) -> Option<Vec<u8>> {
        let message = request.message;
        let edns = message.edns.is_some();
        let Some(question) = &message.question else {
            return code(request.octets, Rcode::FORMERR, edns, signer.as_mut());
        };
        let found = request
            .server
            .zone_for(&question.name, question.rtype, request.now);
        let Some((zone, generation)) = found else {
            return code(request.octets, Rcode::REFUSED, edns, signer.as_mut());
        };
        let dnssec_ok = message.edns.is_some_and(|edns| edns.dnssec_ok);
        let reply = authority::answer(&zone, &question.name, question.rtype, dnssec_ok, request.now);
        let wire = Wire::from_slice(request.octets).ok()?;
        let limit = size_limit(message, request.proto == Proto::Udp);
        let octets = encode(wire, &reply, edns, limit, signer.as_mut())?;
        if signer.is_none() {
            let asked = request.octets.get(ID..).unwrap_or_default();
            request
                .server
                .keep(request.proto, asked, &octets, reply.good_until, generation);
        }
        Some(octets)
    }

    /// Transfers go over TCP, to whoever holds the key.
    fn transfer(&self, request: &Request<'_>, signer: Option<Signer>) -> Vec<Vec<u8>> {
        let edns = request.message.edns.is_some();
        let apex = self.apex_of(request.operator);
        let named = request.message.question.as_ref().map(|question| &question.name);
        let found = request.server.zone_for(&apex, Rtype::SOA, request.now);
        let (Some(mut signer), Proto::Tcp, true, Some((zone, _))) =
            (signer, request.proto, named == Some(&apex), found)
        else {
            return code(request.octets, Rcode::REFUSED, edns, None)
                .into_iter()
                .collect();
        };
        let Ok(wire) = Wire::from_slice(request.octets) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for records in transfer::portions(&zone, request.now) {
            let reply = Reply {
                authoritative: true,
                answer: records,
                ..Reply::code(Rcode::NOERROR)
            };
            out.extend(encode(
                wire,
                &reply,
                edns,
                usize::from(u16::MAX),
                Some(&mut signer),
            ));
        }
        out
    }

    /// Updates go to the primary, from whoever holds the key.
    fn update(&self, request: &Request<'_>, authentic: bool, habit: Option<&dyn Habit>) -> Rcode {
        let operator = request.operator;
        let Some(question) = &request.message.question else {
            return Rcode::FORMERR;
        };
        if question.rtype != Rtype::SOA {
            return Rcode::FORMERR;
        }
        if question.name != self.apex_of(operator) {
            return Rcode::NOTAUTH;
        }
        if !authentic || operator.servers.first() != Some(&request.server.address) {
            return Rcode::REFUSED;
        }
        let mut zone = operator.master.lock().unwrap_or_else(PoisonError::into_inner);
        let before = zone.serial();
        let apex = zone.apex().clone();
        let rcode = apply(
            &mut zone,
            &operator.permit,
            request.message,
            |changes| match habit {
                Some(habit) => habit.heed(&apex, changes),
                None => changes,
            },
        );
        if zone.serial() != before {
            self.distribute(operator, &zone, request.now);
        }
        rcode
    }

    /// The addresses of all servers by their names, for lists in settings and reports.
    pub fn hosts(&self) -> BTreeMap<Name, SocketAddr> {
        self.servers
            .values()
            .map(|server| (server.name.clone(), server.address))
            .collect()
    }
}

struct Request<'a> {
    server: &'a Server,
    operator: &'a Operator,
    proto: Proto,
    octets: &'a [u8],
    message: &'a Message,
    now: Moment,
}

fn code(octets: &[u8], rcode: Rcode, edns: bool, signer: Option<&mut Signer>) -> Option<Vec<u8>> {
    let wire = Wire::from_slice(octets).ok()?;
    encode(wire, &Reply::code(rcode), edns, usize::from(u16::MAX), signer)
}
