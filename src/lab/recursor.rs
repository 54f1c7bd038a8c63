//! The iterating half of a model resolver: starts from the root, follows referrals, caches for exactly the TTL.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::dice::Dice;
use super::readings::{Reading, Readings};
use super::resolver::{Follows, Policy};
use crate::dns::{Name, QueryOptions, Rcode, Rrset, Rtype, query_message};
use crate::evidence::Proto;
use crate::moment::Moment;
use crate::ports::Transport;

/// Referrals followed for one question.
const MAX_REFERRALS: usize = 16;
/// Lookups inside lookups (addresses of name servers).
const MAX_DEPTH: usize = 6;
/// Answers kept; beyond that those that have run out are swept out, then all.
const ROOM: usize = 4096;

/// An answer in the cache.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The zone whose server gave it.
    pub(super) zone: Name,
    /// That server.
    pub(super) from: SocketAddr,
    pub(super) fetched: Moment,
    pub(super) expires: Moment,
    /// What it said. Of a referral only DS and denial records count, for the question for DS.
    pub(super) reading: Arc<Reading>,
    referral: bool,
}

impl Entry {
    /// The records that were asked for.
    pub(super) fn answer(&self) -> impl Iterator<Item = &Rrset> {
        let ds = self
            .reading
            .authority
            .iter()
            .filter(|set| self.referral && set.rtype == Rtype::DS);
        self.reading.answer.iter().chain(ds)
    }

    /// The records that prove something.
    pub(super) fn proofs(&self) -> impl Iterator<Item = &Rrset> {
        self.reading
            .authority
            .iter()
            .filter(|set| matches!(set.rtype, Rtype::SOA | Rtype::NSEC | Rtype::NSEC3))
    }

    fn is_live(&self, now: Moment) -> bool {
        now < self.expires
    }

    /// Less than a tenth of its life is left.
    fn is_nearly_out(&self, now: Moment) -> bool {
        self.expires.since(now) * 10 < self.expires.since(self.fetched)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) struct Trouble(pub(super) String);

/// What is known about a zone's servers.
#[derive(Clone, Debug)]
struct Cut {
    hosts: Vec<Name>,
    fetched: Moment,
    expires: Moment,
    /// Learnt from the zone itself.
    from_child: bool,
}

/// Caches and the way down from the root. Validates nothing.
pub(super) struct Recursor {
    transport: Arc<dyn Transport>,
    roots: Vec<SocketAddr>,
    timeout: Duration,
    policy: Policy,
    readings: Readings,
    pub(super) dice: Dice,
    answers: HashMap<(Name, Rtype), Arc<Entry>>,
    cuts: HashMap<Name, Cut>,
    glue: HashMap<Name, (Vec<SocketAddr>, Moment)>,
    pub(super) queries: u64,
}

impl Recursor {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        roots: Vec<SocketAddr>,
        timeout: Duration,
        policy: Policy,
        readings: Readings,
        dice: Dice,
    ) -> Recursor {
        Recursor {
            transport,
            roots,
            timeout,
            policy,
            readings,
            dice,
            answers: HashMap::new(),
            cuts: HashMap::new(),
            glue: HashMap::new(),
            queries: 0,
        }
    }

    /// The answer to a question, from the cache or from the servers.
    pub(super) async fn lookup(
        &mut self,
        name: &Name,
        rtype: Rtype,
        now: Moment,
    ) -> Result<Arc<Entry>, Trouble> {
        self.lookup_at(name, rtype, now, 0).await
    }

    fn lookup_at<'a>(
        &'a mut self,
        name: &'a Name,
        rtype: Rtype,
        now: Moment,
        depth: usize,
    ) -> BoxFuture<'a, Result<Arc<Entry>, Trouble>> {
        Box::pin(async move {
            let held = self.answers.get(&(name.clone(), rtype)).cloned();
            match held.filter(|entry| entry.is_live(now)) {
                Some(entry) if self.policy.prefetch && entry.is_nearly_out(now) => {
                    Ok(self.fetch(name, rtype, now, depth).await.unwrap_or(entry))
                }
                Some(entry) => Ok(entry),
                None => self.fetch(name, rtype, now, depth).await,
            }
        })
    }

    async fn fetch(
        &mut self,
        name: &Name,
        rtype: Rtype,
        now: Moment,
        depth: usize,
    ) -> Result<Arc<Entry>, Trouble> {
        if depth > MAX_DEPTH {
            return Err(Trouble(format!(
                "{name} {rtype}: too many lookups inside lookups"
            )));
        }
        for _ in 0..MAX_REFERRALS {
            let zone = self.best_cut(name, rtype, now);
            if self.policy.follows != Follows::Parent {
                self.learn_from_child(&zone, now, depth).await;
            }
            let (from, message) = self.ask(&zone, name, rtype, now, depth).await?;
            if !self.referral(&zone, name, &message, from, now) {
                let entry = self.entry(zone, from, message, false, now);
                return Ok(self.store(name, rtype, entry, now));
            }
        }
        Err(Trouble(format!("{name} {rtype}: too many referrals")))
    }

    fn store(&mut self, name: &Name, rtype: Rtype, entry: Entry, now: Moment) -> Arc<Entry> {
        if self.answers.len() >= ROOM {
            self.answers.retain(|_, entry| entry.is_live(now));
            if self.answers.len() >= ROOM {
                self.answers.clear();
            }
        }
        let entry = Arc::new(entry);
        self.answers.insert((name.clone(), rtype), entry.clone());
        entry
    }

    /// The deepest zone at or above the name of which the servers are known; for DS the one above.
    fn best_cut(&self, name: &Name, rtype: Rtype, now: Moment) -> Name {
        let mut zone = name.clone();
        if rtype == Rtype::DS {
            zone = zone.parent().unwrap_or(zone);
        }
        loop {
            if self
                .cuts
                .get(&zone)
                .is_some_and(|cut| self.is_usable(&zone, cut, now))
            {
                return zone;
            }
            match zone.parent() {
                Some(parent) => zone = parent,
                None => return Name::root(),
            }
        }
    }

    /// Servers whose names lie in the zone itself are of no use once their glue has run out.
    fn is_usable(&self, zone: &Name, cut: &Cut, now: Moment) -> bool {
        now < cut.expires
            && cut.hosts.iter().any(|host| {
                !host.is_at_or_below(zone) || self.glue.get(host).is_some_and(|(_, expires)| now < *expires)
            })
    }

    /// Takes up a referral, if it is one: servers, glue, and DS or its denial.
    fn referral(
        &mut self,
        zone: &Name,
        name: &Name,
        message: &Arc<Reading>,
        from: SocketAddr,
        now: Moment,
    ) -> bool {
        if message.flags.authoritative || !message.answer.is_empty() || message.rcode != Rcode::NOERROR {
            return false;
        }
        let Some(ns) = message.authority.iter().find(|set| {
            set.rtype == Rtype::NS
                && set.name != *zone
                && set.name.is_at_or_below(zone)
                && name.is_at_or_below(&set.name)
        }) else {
            return false;
        };
        let child = ns.name.clone();
        for set in &message.additional {
            if set.rtype == Rtype::A {
                self.glue
                    .insert(set.name.clone(), (addresses(set), now + seconds(set.ttl)));
            }
        }
        let cut = Cut {
            hosts: ns.records().filter_map(|record| record.target()).collect(),
            fetched: now,
            expires: now + seconds(ns.ttl),
            from_child: false,
        };
        self.cuts.insert(child.clone(), cut);
        let entry = self.entry(zone.clone(), from, message.clone(), true, now);
        if entry.answer().chain(entry.proofs()).next().is_some() {
            self.store(&child, Rtype::DS, entry, now);
        }
        true
    }

    /// The NS RRset of the zone itself takes the place of the parent's, and may be asked for again before it runs out.
    async fn learn_from_child(&mut self, zone: &Name, now: Moment, depth: usize) {
        let for_ever = self.policy.follows == Follows::ChildForEver;
        let fresh = self.cuts.get(zone).is_none_or(|cut| {
            let young = cut.expires.since(now) * 5 >= cut.expires.since(cut.fetched);
            cut.from_child && (young || !for_ever)
        });
        if fresh {
            return;
        }
        let Ok((_, message)) = self.ask(zone, zone, Rtype::NS, now, depth).await else {
            return;
        };
        let own = message
            .answer
            .iter()
            .find(|set| set.rtype == Rtype::NS && set.name == *zone);
        if let Some(ns) = own {
            let cut = Cut {
                hosts: ns.records().filter_map(|record| record.target()).collect(),
                fetched: now,
                expires: now + seconds(ns.ttl),
                from_child: true,
            };
            self.cuts.insert(zone.clone(), cut);
        }
    }

    /// Asks one provider of the zone, drawn by lot: all its servers in turn, but no other provider's.
    async fn ask(
        &mut self,
        zone: &Name,
        name: &Name,
        rtype: Rtype,
        now: Moment,
        depth: usize,
    ) -> Result<(SocketAddr, Arc<Reading>), Trouble> {
        let query = query_message(0, name, rtype, QueryOptions::default());
        if zone.is_root() {
            let roots = self.roots.clone();
            return self
                .try_all(&roots, &query)
                .await
                .ok_or_else(|| Trouble(format!("{name} {rtype}: no root server answers")));
        }
        let hosts = self
            .cuts
            .get(zone)
            .map(|cut| cut.hosts.clone())
            .unwrap_or_default();
        let Some(first) = self.dice.pick(&hosts).cloned() else {
            return Err(Trouble(format!("{zone} has no name servers")));
        };
        let provider = first.parent();
        let others = hosts
            .iter()
            .filter(|host| **host != first && host.parent() == provider);
        for host in std::iter::once(&first).chain(others) {
            let addresses = self.host_addresses(host, now, depth).await;
            if let Some(found) = self.try_all(&addresses, &query).await {
                return Ok(found);
            }
        }
        let provider = provider.unwrap_or_else(Name::root);
        Err(Trouble(format!(
            "{name} {rtype}: no server of {provider} answers for {zone}"
        )))
    }

    async fn host_addresses(&mut self, host: &Name, now: Moment, depth: usize) -> Vec<SocketAddr> {
        if let Some((addresses, expires)) = self.glue.get(host)
            && now < *expires
        {
            return addresses.clone();
        }
        match self.lookup_at(host, Rtype::A, now, depth + 1).await {
            Ok(entry) => entry
                .answer()
                .filter(|set| set.rtype == Rtype::A)
                .flat_map(addresses)
                .collect(),
            Err(_) => Vec::new(),
        }
    }

    async fn try_all(&mut self, servers: &[SocketAddr], query: &[u8]) -> Option<(SocketAddr, Arc<Reading>)> {
        for server in servers {
            for proto in [Proto::Udp, Proto::Tcp] {
                self.queries += 1;
                let reply = self.transport.exchange(*server, proto, query, self.timeout).await;
                let Some(message) = reply.ok().and_then(|octets| self.readings.read(octets)) else {
                    break;
                };
                if message.flags.truncated && proto == Proto::Udp {
                    continue;
                }
                if message.is_useful() {
                    return Some((*server, message));
                }
                break;
            }
        }
        None
    }

    fn entry(
        &self,
        zone: Name,
        from: SocketAddr,
        reading: Arc<Reading>,
        referral: bool,
        now: Moment,
    ) -> Entry {
        let mut entry = Entry {
            zone,
            from,
            fetched: now,
            expires: now,
            reading,
            referral,
        };
        entry.expires = self.expiry(&entry, now);
        entry
    }

    /// Until when an answer may be kept: the least TTL in it, none longer than what was signed, and (where somebody
    /// validates it) none longer than a signature is valid.
    fn expiry(&self, entry: &Entry, now: Moment) -> Moment {
        let mut until: Option<Moment> = None;
        let mut least = |moment: Moment| until = Some(until.map_or(moment, |old| old.min(moment)));
        let denial = entry.answer().next().is_none();
        let counted = entry.answer().chain(entry.proofs().filter(|_| denial));
        for set in counted {
            let mut ttl = set.ttl;
            if denial && set.rtype == Rtype::SOA {
                let minimum = set
                    .rdatas
                    .first()
                    .and_then(|rdata| rdata.last_chunk::<4>())
                    .map_or(0, |octets| u32::from_be_bytes(*octets));
                ttl = ttl.min(minimum);
            }
            if !self.policy.forwarder {
                for signature in &set.signatures {
                    ttl = ttl.min(signature.original_ttl);
                    let (_, expiration) = signature.window(now.floor_seconds());
                    least(Moment::from_seconds(expiration));
                }
            }
            least(now + seconds(ttl));
        }
        until.unwrap_or(now)
    }
}

fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(u64::from(ttl))
}

fn addresses(set: &Rrset) -> Vec<SocketAddr> {
    set.rdatas
        .iter()
        .filter_map(|rdata| <[u8; 4]>::try_from(rdata.as_slice()).ok())
        .map(|octets| SocketAddr::new(IpAddr::V4(Ipv4Addr::from(octets)), 53))
        .collect()
}
