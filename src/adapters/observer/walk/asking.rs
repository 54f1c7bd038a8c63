//! How a walk asks: one server of a zone after the other, within a budget.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::Walk;
use crate::adapters::observer::referral::{merge, useful};
use crate::dns::{Message, Name, Rtype};
use crate::evidence::{Place, Proto};
use crate::ports::{AskRequest, ExchangeError};

/// Questions of one walk; a hostile delegation cannot make it longer.
const BUDGET: usize = 400;
/// Addresses tried for one question.
const TRIES: usize = 8;

/// An answer and who gave it.
pub(super) struct Reply {
    pub(super) message: Message,
    pub(super) server: Name,
    pub(super) address: SocketAddr,
}

/// No message came, or octets that are none.
pub(super) struct Miss {
    no_route: bool,
    said: String,
}

impl Miss {
    fn new(said: String) -> Miss {
        Miss {
            no_route: false,
            said,
        }
    }
}

impl Walk<'_> {
    /// Asks the servers of `zone` one after the other, until one answers usefully.
    pub(super) async fn ask_zone(
        &mut self,
        zone: &Name,
        name: &Name,
        rtype: Rtype,
        skip: &mut BTreeSet<SocketAddr>,
        depth: usize,
    ) -> Result<Reply, String> {
        let mut why = Vec::new();
        for resolve in [false, true] {
            if resolve
                && self
                    .zone(zone)?
                    .servers
                    .iter()
                    .all(|server| !server.addresses.is_empty())
            {
                break;
            }
            let targets = self.targets(zone, resolve, depth, &mut why).await?;
            let mut tries = 0;
            for (server, address) in targets {
                if tries >= TRIES {
                    break;
                }
                if !skip.insert(address) {
                    continue;
                }
                tries += 1;
                match self.ask_address(&server, address, name, rtype).await {
                    Ok(message) => match useful(&message, zone, name) {
                        Ok(()) => {
                            self.note_answer(zone, &server, address);
                            return Ok(Reply {
                                message,
                                server,
                                address,
                            });
                        }
                        Err(reason) => why.push(format!("{server} {address}: {reason}")),
                    },
                    Err(miss) => {
                        // What cannot be reached from here costs nothing to try.
                        tries -= usize::from(miss.no_route);
                        self.silent.insert(address);
                        why.push(format!("{server} {address}: {}", miss.said));
                    }
                }
            }
        }
        why.truncate(4);
        let reasons = if why.is_empty() {
            "it has no reachable servers".to_owned()
        } else {
            why.join("; ")
        };
        Err(format!(
            "no server of {zone} gave a useful answer to {name} {rtype}: {reasons}"
        ))
    }

    /// The addresses of a zone's servers: those that kept silent last; each question begins with another one.
    async fn targets(
        &mut self,
        zone: &Name,
        resolve: bool,
        depth: usize,
        why: &mut Vec<String>,
    ) -> Result<Vec<(Name, SocketAddr)>, String> {
        if resolve {
            let unknown: Vec<Name> = self
                .zone(zone)?
                .servers
                .iter()
                .filter(|server| server.addresses.is_empty())
                .map(|server| server.name.clone())
                .collect();
            for host in unknown {
                match Box::pin(self.host(&host, depth + 1)).await {
                    Ok(found) => {
                        let servers = self.zones.get_mut(zone).map(|zone| &mut zone.servers);
                        for server in servers.into_iter().flatten().filter(|s| s.name == host) {
                            merge(server, &found);
                        }
                        break;
                    }
                    Err(reason) => why.push(reason),
                }
            }
        }
        let mut out: Vec<(Name, SocketAddr)> = self
            .zone(zone)?
            .servers
            .iter()
            .flat_map(|server| server.addresses.iter().map(|a| (server.name.clone(), *a)))
            .collect();
        if !out.is_empty() {
            let turn = self.asked % out.len();
            out.rotate_left(turn);
        }
        out.sort_by_key(|(_, address)| (self.silent.contains(address), address.is_ipv6()));
        Ok(out)
    }

    pub(super) async fn ask_address(
        &mut self,
        server: &Name,
        address: SocketAddr,
        name: &Name,
        rtype: Rtype,
    ) -> Result<Message, Miss> {
        if self.asked >= BUDGET {
            return Err(Miss::new(format!("gave up after {BUDGET} questions")));
        }
        self.asked += 1;
        let asked = self
            .asker
            .ask(AskRequest {
                place: Place::Ancestor(Name::root()),
                server: server.clone(),
                address,
                proto: Proto::Udp,
                name: name.clone(),
                rtype,
            })
            .await;
        match (asked.answer(), asked.failure()) {
            (Some(octets), _) => Message::parse(octets).map_err(|error| Miss::new(error.to_string())),
            (None, failure) => Err(Miss {
                no_route: matches!(failure, Some(ExchangeError::NoRoute(_))),
                said: failure.map_or_else(String::new, ToString::to_string),
            }),
        }
    }

    fn note_answer(&mut self, zone: &Name, server: &Name, address: SocketAddr) {
        let Some(found) = self.zones.get_mut(zone) else {
            return;
        };
        if found.answered.is_some() {
            return;
        }
        if let Some(own) = found
            .servers
            .iter()
            .find(|known| known.name == *server && known.addresses.contains(&address))
        {
            let mut answered = own.clone();
            answered.addresses.sort_by_key(|other| *other != address);
            found.answered = Some(answered);
        }
    }
}
