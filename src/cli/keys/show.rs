//! `unbroken keys show`: what servers give, with a warning on it, or what a file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use futures::future::join_all;
use serde_json::{Value, json};

use super::ShowArgs;
use super::sets::{KeySet, counted, description, key_value};
use crate::cli::settings::Settings;
use crate::cli::{Context, Exit, Failure, Tone, look};
use crate::dns::{Message, Name, Rcode, Rtype};
use crate::dnssec::Dnskey;
use crate::evidence::{Outcome, Place, Proto};
use crate::ports::{AskRequest, NameServer, Observer};

/// Shows keys.
pub(super) async fn run(args: &ShowArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(file) = &args.source.file {
        let set = KeySet::read(file)?;
        if set.zone != args.zone {
            return Err(Failure::usage(format!(
                "{}: keys of {}, not of {}",
                file.display(),
                set.zone,
                args.zone
            )));
        }
        if context.out.json() {
            context.out.document(&set.document())?;
        } else {
            set.print(context);
        }
        return Ok(Exit::Done);
    }
    let settings = context.settings_if_any()?;
    let observer = look::observer(&look::observe_settings(settings.as_ref()));
    let servers = if args.source.server.is_empty() {
        let provider = args.source.provider.as_deref();
        servers(observer.as_ref(), settings.as_ref(), &args.zone, provider).await?
    } else {
        vec![NameServer {
            name: Name::root(),
            addresses: args.source.server.clone(),
            address_ttl: 0,
        }]
    };
    let seen = Seen::look(observer.as_ref(), &args.zone, &servers).await;
    if context.out.json() {
        context.out.document(&seen.document())?;
    } else {
        seen.print(context);
    }
    seen.exit()
}

/// The servers of a provider in the settings, or those that the delegation names.
pub(super) async fn servers(
    observer: &dyn Observer,
    settings: Option<&Settings>,
    zone: &Name,
    provider: Option<&str>,
) -> Result<Vec<NameServer>, Failure> {
    let Some(provider) = provider else {
        return Ok(look::find(observer, zone).await?.delegated);
    };
    let settings = settings.ok_or_else(|| {
        Failure::usage("--provider needs a settings file").hint("`unbroken init` writes one")
    })?;
    let names = &settings.provider(provider)?.name_servers;
    let found = join_all(names.iter().map(|name| observer.addresses(name))).await;
    found
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::refused)
}

/// What servers gave over plain DNS.
#[derive(Debug)]
pub(super) struct Seen {
    zone: Name,
    /// Each different set with the servers that gave it.
    sets: BTreeMap<BTreeSet<Dnskey>, Vec<String>>,
    /// Servers that gave none, and why.
    silent: Vec<(String, String)>,
}

impl Seen {
    /// Asks every address.
    pub(super) async fn look(observer: &dyn Observer, zone: &Name, servers: &[NameServer]) -> Seen {
        let mut questions = Vec::new();
        for server in servers {
            for address in &server.addresses {
                questions.push(ask(observer, zone, &server.name, *address));
            }
        }
        let mut seen = Seen {
            zone: zone.clone(),
            sets: BTreeMap::new(),
            silent: Vec::new(),
        };
        for server in servers.iter().filter(|server| server.addresses.is_empty()) {
            seen.silent
                .push((server.name.to_string(), "no address was found".to_owned()));
        }
        for (server, answer) in join_all(questions).await {
            match answer {
                Ok(keys) => seen.sets.entry(keys).or_default().push(server),
                Err(why) => seen.silent.push((server, why)),
            }
        }
        seen
    }

    /// The one set that every server that answered gave.
    pub(super) fn agreed(&self) -> Option<KeySet> {
        let mut sets = self.sets.keys();
        match (sets.next(), sets.next()) {
            (Some(keys), None) if !keys.is_empty() => Some(KeySet {
                zone: self.zone.clone(),
                keys: keys.clone(),
            }),
            _ => None,
        }
    }

    /// Where the keys were seen, in words.
    pub(super) fn source(&self) -> String {
        let servers: Vec<&str> = self.sets.values().flatten().map(String::as_str).collect();
        format!("seen over plain DNS at {}: not authenticated", servers.join(", "))
    }

    /// For people.
    pub(super) fn print(&self, context: &Context) {
        let out = &context.out;
        let warning = "seen over plain DNS: not authenticated";
        for (keys, servers) in &self.sets {
            out.line(format!(
                "{} at {} ({})",
                counted(keys.len(), "key"),
                servers.join(", "),
                out.paint(Tone::Warn, warning)
            ));
            for key in keys {
                out.line(format!("  {:<30} {}", key.id().to_string(), description(key)));
            }
            let set = KeySet {
                zone: self.zone.clone(),
                keys: keys.clone(),
            };
            out.line(format!("  set {}", out.paint(Tone::Strong, set.fingerprint())));
        }
        for (server, why) in &self.silent {
            out.line(format!("{} at {server}: {why}", out.paint(Tone::Bad, "no keys")));
        }
    }

    fn document(&self) -> Value {
        let sets: Vec<Value> = self
            .sets
            .iter()
            .map(|(keys, servers)| {
                let set = KeySet {
                    zone: self.zone.clone(),
                    keys: keys.clone(),
                };
                json!({
                    "servers": servers,
                    "set": set.fingerprint(),
                    "keys": keys.iter().map(|key| key_value(&self.zone, key)).collect::<Vec<_>>(),
                })
            })
            .collect();
        let silent: Vec<Value> = self
            .silent
            .iter()
            .map(|(server, why)| json!({"server": server, "why": why}))
            .collect();
        json!({
            "zone": self.zone,
            "source": "plain-dns",
            "authenticated": false,
            "sets": sets,
            "silent": silent,
        })
    }

    fn exit(&self) -> Result<Exit, Failure> {
        match self.sets.len() {
            0 => Err(
                Failure::refused(format!("no server gave the keys of {}", self.zone))
                    .hint("ask one server with --server ADDRESS to see more"),
            ),
            1 => Ok(Exit::Done),
            _ => Ok(Exit::Fails),
        }
    }
}

async fn ask(
    observer: &dyn Observer,
    zone: &Name,
    server: &Name,
    address: SocketAddr,
) -> (String, Result<BTreeSet<Dnskey>, String>) {
    let label = if server.is_root() {
        address.to_string()
    } else {
        format!("{server} {address}")
    };
    let request = AskRequest {
        place: Place::Provider(server.to_string()),
        server: server.clone(),
        address,
        proto: Proto::Udp,
        name: zone.clone(),
        rtype: Rtype::DNSKEY,
    };
    let (observation, blobs) = observer.ask(request).await;
    let keys = match &observation.outcome {
        Outcome::Answer { blob, .. } => match blobs.get(blob) {
            Some(octets) => keys_of(octets, zone),
            None => Err("the answer was not kept".to_owned()),
        },
        Outcome::Timeout => Err("no answer in time".to_owned()),
        Outcome::NoRoute { said } => Err(format!("no route from here: {said}")),
        Outcome::Failed { said } => Err(said.clone()),
    };
    (label, keys)
}

fn keys_of(octets: &[u8], zone: &Name) -> Result<BTreeSet<Dnskey>, String> {
    let message = Message::parse(octets).map_err(|error| format!("the answer cannot be read: {error}"))?;
    if message.rcode != Rcode::NOERROR {
        return Err(format!("it answered {}", message.rcode));
    }
    if !message.flags.authoritative {
        return Err("it is not authoritative for the zone".to_owned());
    }
    Ok(message
        .answer
        .iter()
        .filter(|record| record.rtype == Rtype::DNSKEY && record.name == *zone)
        .filter_map(|record| Dnskey::from_rdata(&record.rdata))
        .collect())
}
