//! The walk down from the root: zone cuts, their servers, and the addresses of hosts.

mod asking;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use self::asking::Reply;
use super::ask::Asker;
use super::referral::{Said, answered_from, host_addresses, merge, ns_names, said, with_glue};
use crate::dns::{Name, Rcode, Rtype};
use crate::evidence::{BlindSpot, Place};
use crate::ports::{NameServer, Topology};

/// How deep the search for the address of a server may lead to other zones.
const DEPTH: usize = 6;
/// One walk; what it has learnt is used again within it.
pub(super) struct Walk<'a> {
    asker: &'a Asker,
    zones: BTreeMap<Name, Zone>,
    inside: BTreeSet<Name>,
    gone: BTreeSet<Name>,
    hosts: BTreeMap<Name, Result<NameServer, String>>,
    silent: BTreeSet<SocketAddr>,
    asked: usize,
}

/// A zone that was found.
#[derive(Clone)]
struct Zone {
    parent: Option<Name>,
    servers: Vec<NameServer>,
    /// The server that answered, this address first.
    answered: Option<NameServer>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(asker: &'a Asker, roots: &[NameServer]) -> Walk<'a> {
        let root = Zone {
            parent: None,
            servers: roots.to_vec(),
            answered: None,
        };
        Walk {
            asker,
            zones: BTreeMap::from([(Name::root(), root)]),
            inside: BTreeSet::new(),
            gone: BTreeSet::new(),
            hosts: BTreeMap::new(),
            silent: BTreeSet::new(),
            asked: 0,
        }
    }

    /// Where `zone` hangs.
    pub(super) async fn topology(mut self, zone: &Name) -> Result<Topology, String> {
        if zone.is_root() {
            return Err("the root has no parent: it cannot be moved".to_owned());
        }
        let root_servers = self.name_the_roots().await?;
        let closest = self.descend(zone, 0).await?;
        if closest != *zone {
            return Err(if self.gone.contains(zone) {
                format!("{zone} does not exist: the servers of {closest} say NXDOMAIN")
            } else {
                format!("{zone} is not a zone of its own: it lies within {closest}")
            });
        }
        let found = self.zone(zone)?;
        let parent = found.parent.clone().unwrap_or_else(Name::root);
        let mut blind = Vec::new();
        let named = if parent.is_root() && !root_servers.is_empty() {
            root_servers
        } else {
            self.apex_servers(&parent).await?
        };
        let parent_servers = self.complete(named, |_| Place::Parent, &mut blind).await;
        let delegated = self
            .complete(
                found.servers,
                |host| Place::Provider(host.to_string()),
                &mut blind,
            )
            .await;
        Ok(Topology {
            zone: zone.clone(),
            ancestors: self.ancestors(&parent)?,
            parent,
            parent_servers,
            delegated,
            blind,
        })
    }

    /// The addresses of `host`.
    pub(super) async fn addresses(mut self, host: &Name) -> Result<NameServer, String> {
        self.host(host, 0).await
    }

    /// The root's own NS RRset; configured addresses get the names that it gives them.
    async fn name_the_roots(&mut self) -> Result<Vec<NameServer>, String> {
        let root = Name::root();
        let reply = self
            .ask_zone(&root, &root, Rtype::NS, &mut BTreeSet::new(), 0)
            .await?;
        let mut named = with_glue(ns_names(&reply.message.answer, &root), &reply.message, &root);
        for server in named.iter_mut().filter(|server| server.addresses.is_empty()) {
            if let Ok(found) = self.host(&server.name, 0).await {
                merge(server, &found);
            }
        }
        if let Some(zone) = self.zones.get_mut(&root) {
            let nameless = zone.servers.iter_mut().chain(zone.answered.as_mut());
            for server in nameless.filter(|server| server.name.is_root()) {
                let own = named
                    .iter()
                    .find(|other| server.addresses.iter().any(|a| other.addresses.contains(a)));
                if let Some(own) = own {
                    server.name = own.name.clone();
                }
            }
        }
        Ok(named)
    }

    /// The servers that the delegation of `zone` names and those that its own NS RRset names.
    async fn apex_servers(&mut self, zone: &Name) -> Result<Vec<NameServer>, String> {
        let mut servers = self.zone(zone)?.servers;
        if let Ok(reply) = self
            .ask_zone(zone, zone, Rtype::NS, &mut BTreeSet::new(), 0)
            .await
        {
            let own = with_glue(ns_names(&reply.message.answer, zone), &reply.message, zone);
            for server in own {
                match servers.iter_mut().find(|known| known.name == server.name) {
                    Some(known) => merge(known, &server),
                    None => servers.push(server),
                }
            }
        }
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(servers)
    }

    fn ancestors(&self, parent: &Name) -> Result<Vec<(Name, NameServer)>, String> {
        let mut out = Vec::new();
        let mut next = Some(parent.clone());
        while let Some(name) = next {
            let zone = self.zone(&name)?;
            let server = zone
                .answered
                .or_else(|| zone.servers.first().cloned())
                .ok_or_else(|| format!("{name} has no servers"))?;
            out.push((name, server));
            next = zone.parent;
        }
        out.reverse();
        Ok(out)
    }

    /// Glue and authoritative addresses together; what has none is a blind spot.
    async fn complete(
        &mut self,
        servers: Vec<NameServer>,
        place: impl Fn(&Name) -> Place,
        blind: &mut Vec<BlindSpot>,
    ) -> Vec<NameServer> {
        let mut out = Vec::new();
        for mut server in servers {
            match self.host(&server.name, 0).await {
                Ok(found) => merge(&mut server, &found),
                Err(why) if server.addresses.is_empty() => blind.push(BlindSpot {
                    place: place(&server.name),
                    server: server.name.clone(),
                    address: None,
                    why,
                }),
                // Glue alone is enough to be asked.
                Err(_) => {}
            }
            out.push(server);
        }
        out
    }

    fn zone(&self, name: &Name) -> Result<Zone, String> {
        self.zones
            .get(name)
            .cloned()
            .ok_or_else(|| format!("{name} was not found"))
    }

    /// The closest zone at or above `target`, every cut on the way noted.
    async fn descend(&mut self, target: &Name, depth: usize) -> Result<Name, String> {
        let mut current = Name::root();
        for labels in 1..=target.label_count() {
            let candidate = target.suffix(labels);
            if self.inside.contains(&candidate) {
                continue;
            }
            if self.zones.contains_key(&candidate) || self.begins_at(&current, &candidate, depth).await? {
                current = candidate;
            }
        }
        Ok(current)
    }

    /// Asks the servers of `current` whether a zone begins at `candidate`.
    async fn begins_at(&mut self, current: &Name, candidate: &Name, depth: usize) -> Result<bool, String> {
        let mut skip = BTreeSet::new();
        loop {
            let reply = self
                .ask_zone(current, candidate, Rtype::NS, &mut skip, depth)
                .await?;
            match said(&reply.message, current, candidate) {
                Said::Cut {
                    from_child,
                    mut servers,
                } => {
                    if from_child {
                        if !self.serves_parent_side(&reply, candidate).await {
                            skip.insert(reply.address);
                            continue;
                        }
                        self.fill_from(&reply, candidate, &mut servers).await;
                    }
                    let zone = Zone {
                        parent: Some(current.clone()),
                        servers,
                        answered: None,
                    };
                    self.zones.insert(candidate.clone(), zone);
                    return Ok(true);
                }
                Said::Gone => {
                    self.gone.insert(candidate.clone());
                    self.inside.insert(candidate.clone());
                    return Ok(false);
                }
                Said::Inside => {
                    self.inside.insert(candidate.clone());
                    return Ok(false);
                }
                Said::Lame => {
                    skip.insert(reply.address);
                }
            }
        }
    }

    /// A server that answers for the child serves the parent too only if it answers a DS question from above the cut.
    async fn serves_parent_side(&mut self, reply: &Reply, child: &Name) -> bool {
        let answer = self
            .ask_address(&reply.server, reply.address, child, Rtype::DS)
            .await;
        match answer.as_ref().map(answered_from) {
            Ok(Some(zone)) => zone != *child,
            // An unsigned parent's DS answer says nothing more; its absence of complaint is enough.
            Ok(None) => answer.is_ok_and(|message| message.rcode == Rcode::NOERROR),
            Err(_) => false,
        }
    }

    /// A server that serves the child too may leave the addresses out; it is asked for those within the child.
    async fn fill_from(&mut self, reply: &Reply, child: &Name, servers: &mut [NameServer]) {
        for server in servers {
            if !server.addresses.is_empty() || !server.name.is_at_or_below(child) {
                continue;
            }
            for rtype in [Rtype::A, Rtype::AAAA] {
                let answer = self
                    .ask_address(&reply.server, reply.address, &server.name, rtype)
                    .await;
                if let Ok(message) = answer {
                    let (addresses, address_ttl) = host_addresses(&message.answer, &server.name);
                    let found = NameServer {
                        name: server.name.clone(),
                        addresses,
                        address_ttl,
                    };
                    merge(server, &found);
                }
            }
        }
    }

    /// The addresses of `host` from the servers of its zone.
    async fn host(&mut self, host: &Name, depth: usize) -> Result<NameServer, String> {
        if let Some(known) = self.hosts.get(host) {
            return known.clone();
        }
        if depth >= DEPTH {
            return Err(format!("{host}: the search for its address leads too far"));
        }
        let circular = Err(format!("{host}: the search for its address leads back to it"));
        self.hosts.insert(host.clone(), circular);
        let found = self.look_up(host, depth).await;
        self.hosts.insert(host.clone(), found.clone());
        found
    }

    async fn look_up(&mut self, host: &Name, depth: usize) -> Result<NameServer, String> {
        let zone = self.descend(host, depth).await?;
        let mut found = NameServer {
            name: host.clone(),
            addresses: Vec::new(),
            address_ttl: 0,
        };
        let mut rcode = Rcode::NOERROR;
        for rtype in [Rtype::A, Rtype::AAAA] {
            let reply = self
                .ask_zone(&zone, host, rtype, &mut BTreeSet::new(), depth)
                .await?;
            rcode = reply.message.rcode;
            let (addresses, address_ttl) = host_addresses(&reply.message.answer, host);
            merge(
                &mut found,
                &NameServer {
                    name: host.clone(),
                    addresses,
                    address_ttl,
                },
            );
        }
        if found.addresses.is_empty() {
            Err(format!(
                "{host} has no address (the servers of {zone} say {rcode})"
            ))
        } else {
            Ok(found)
        }
    }
}
