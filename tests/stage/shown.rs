//! What every server shows, with keys named by their part, so that two worlds can be compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use unbroken::dns::{Message, Name, QueryOptions, Rcode, Rtype, query_message};
use unbroken::evidence::Proto;
use unbroken::lab::{SigningKey, World, Zone};
use unbroken::moment::Moment;

use super::Stage;

/// Names the RDATA of keys (`DNSKEY`, `CDNSKEY`) and of their digests (`DS`, `CDS`).
pub(crate) struct Names(BTreeMap<Vec<u8>, String>);

impl Names {
    pub(crate) fn of(world: &World) -> Names {
        let mut names = BTreeMap::new();
        for provider in world.providers() {
            world.read(provider, |zone| {
                for key in zone.keys() {
                    let part = match (key.signs_keys, key.signs_data) {
                        (true, true) => "csk",
                        (true, false) => "ksk",
                        _ => "zsk",
                    };
                    let name = format!("{provider}-{part}");
                    if let Some(ds) = ds(&key.key, zone) {
                        names.insert(ds, name.clone());
                    }
                    names.insert(key.key.dnskey().rdata(), name);
                }
            });
        }
        Names(names)
    }

    pub(crate) fn name(&self, rtype: Rtype, rdata: &[u8]) -> String {
        match rtype {
            Rtype::NS => Name::from_wire(rdata).unwrap().to_string(),
            _ => self
                .0
                .get(rdata)
                .cloned()
                .unwrap_or_else(|| format!("{rdata:x?}")),
        }
    }
}

fn ds(key: &SigningKey, zone: &Zone) -> Option<Vec<u8>> {
    key.ds(zone.apex()).map(|ds| ds.rdata())
}

/// The RDATA that a server shows at the apex, in order, as names.
pub(crate) fn at(world: &World, server: SocketAddr, rtype: Rtype, now: Moment) -> Vec<String> {
    let names = Names::of(world);
    let query = query_message(7, world.zone(), rtype, QueryOptions::default());
    let octets = world.handle(server, Proto::Tcp, &query, now).unwrap();
    let message = Message::parse(&octets).unwrap();
    assert_eq!(message.rcode, Rcode::NOERROR);
    let records = message.answer.iter().chain(&message.authority);
    let mut shown: Vec<String> = records
        .filter(|record| record.rtype == rtype && record.name == *world.zone())
        .map(|record| names.name(rtype, &record.rdata))
        .collect();
    shown.sort();
    shown
}

impl Stage {
    /// DS, NS, DNSKEY, CDS and CDNSKEY at every server of the registry and of the providers, and how often each operator
    /// changed its zone.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        let now = self.clock.now();
        for operator in self.world.operators().filter(|name| *name != "root") {
            let types: &[Rtype] = if operator == "registry" {
                &[Rtype::DS, Rtype::NS]
            } else {
                &[Rtype::NS, Rtype::DNSKEY, Rtype::CDS, Rtype::CDNSKEY]
            };
            for server in self.world.addresses(operator) {
                for rtype in types {
                    let shown = at(&self.world, *server, *rtype, now);
                    let _ = writeln!(out, "{operator} {server} {rtype}: {}", shown.join(" "));
                }
            }
            let serial = self.world.read(operator, Zone::serial).unwrap().unwrap();
            let _ = writeln!(out, "{operator} serial {serial}");
        }
        out
    }

    /// What the first server of an operator shows at the apex.
    pub(crate) fn at(&self, operator: &str, rtype: Rtype) -> Vec<String> {
        let server = self.world.primary(operator).unwrap();
        at(&self.world, server, rtype, self.clock.now())
    }
}
