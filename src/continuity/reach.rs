//! Which providers resolvers can come to ask, and when: the least fixpoint over what NS RRsets name.
//!
//! Rounds would not do: a provider that names itself keeps itself reachable one TTL at a time, for ever. So time is swept
//! once, forwards. What is reachable at a moment follows from what was fetched before it, and from the NS RRsets served at it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bits::Bits;
use super::model::{Entry, Model, NONE};
use super::span::{NEVER, Span, Tick, inside, later, merge};
use super::version::Kind;

/// When each provider is reachable: merged intervals, by provider.
#[derive(Debug)]
pub(super) struct Reach {
    providers: Vec<Vec<Span>>,
    /// With a bound on stickiness: when an NS version served elsewhere names it.
    elsewhere: Option<Vec<Vec<Span>>>,
}

impl Reach {
    /// `bounded`: a provider's own copy names itself only as far as it was fetched while the provider was named elsewhere.
    pub(super) fn new(model: &Model, entries: &[Entry], bounded: bool) -> Reach {
        let count = model.providers.len();
        let nodes = if bounded { 2 * count } else { count };
        let edges = edges(model, entries, count, bounded);
        let mut spans = Sweep::new(nodes, &edges, bounded.then_some(count)).run(&edges);
        let elsewhere = bounded.then(|| spans.split_off(count));
        Reach {
            providers: spans,
            elsewhere,
        }
    }

    /// When a provider is reachable.
    pub(super) fn of(&self, provider: u32) -> &[Span] {
        self.providers.get(provider as usize).map_or(&[], Vec::as_slice)
    }

    /// The parts of a version's service that count.
    pub(super) fn parts(&self, entry: &Entry, out: &mut Vec<Span>) {
        let Some(served) = entry.served() else { return };
        if entry.at == NONE {
            out.push(served);
        } else {
            out.extend(inside(served, self.of(entry.at)));
        }
    }

    /// When a resolver can fetch an NS version as one that names a provider, given the version's parts.
    pub(super) fn named_by(
        &self,
        entry: &Entry,
        provider: u32,
        parts: impl Iterator<Item = Span>,
    ) -> Vec<Span> {
        match &self.elsewhere {
            Some(elsewhere) if entry.at == provider => {
                let within = elsewhere.get(provider as usize).map_or(&[][..], Vec::as_slice);
                parts.flat_map(|part| inside(part, within)).collect()
            }
            _ => parts.collect(),
        }
    }

    /// Whether a provider's own copy counts for less than its parts say.
    pub(super) fn is_bounded(&self) -> bool {
        self.elsewhere.is_some()
    }

    /// Every moment at which something changes.
    pub(super) fn moments(&self) -> impl Iterator<Item = Tick> + '_ {
        let all = self.providers.iter().chain(self.elsewhere.iter().flatten());
        all.flatten().flat_map(|span| [span.from, span.until])
    }
}

/// NS versions of one place, names and TTL: who can fetch them, and to whom they lead.
struct Edge {
    /// The node that has to be reachable; [`NONE`] for the parent, which always is.
    source: u32,
    targets: Bits,
    ttl: Tick,
    served: Vec<Span>,
}

/// Nodes are providers; with a bound on stickiness, node `count + p` is "p is named elsewhere" and `p` "p is reachable".
fn edges(model: &Model, entries: &[Entry], count: usize, bounded: bool) -> Vec<Edge> {
    let mut ns: Vec<(&Entry, Span)> = entries
        .iter()
        .filter(|entry| matches!(entry.kind, Kind::ParentNs | Kind::ApexNs))
        .filter_map(|entry| Some((entry, entry.served()?)))
        .collect();
    ns.sort_unstable_by_key(|(entry, span)| (entry.at, entry.value, entry.ttl, *span));
    let mut edges = Vec::new();
    for group in ns.chunk_by(|(a, _), (b, _)| (a.at, a.value, a.ttl) == (b.at, b.value, b.ttl)) {
        let [(entry, _), ..] = group else { continue };
        let Some(named) = model.ns.get(entry.value as usize) else {
            continue;
        };
        let mut served: Vec<Span> = group.iter().map(|(_, span)| *span).collect();
        merge(&mut served);
        let own = named.contains(entry.at as usize);
        if !bounded {
            edges.push(Edge {
                source: entry.at,
                targets: named.clone(),
                ttl: entry.ttl,
                served,
            });
            continue;
        }
        let others = named
            .iter()
            .filter(|&p| p != entry.at as usize)
            .map(|p| count + p);
        let targets = Bits::of(2 * count, others);
        if own {
            let source = entry.at + u32::try_from(count).unwrap_or(0);
            let targets = Bits::of(2 * count, [entry.at as usize]);
            edges.push(Edge {
                source,
                targets,
                ttl: entry.ttl,
                served: served.clone(),
            });
        }
        edges.push(Edge {
            source: entry.at,
            targets,
            ttl: entry.ttl,
            served,
        });
    }
    edges
}

/// The sweep's state between two events, at which nothing changes.
struct Sweep {
    /// Moments at which an edge begins or ends to be served, in order.
    events: Vec<(Tick, usize, bool)>,
    /// Moments at which what was cached runs out.
    expiries: BinaryHeap<Reverse<Tick>>,
    /// Edges that are served now.
    served: Vec<usize>,
    /// Edges that are served now at a reachable place: caches keep being refreshed.
    refreshed: Vec<bool>,
    /// By node: until when a copy that is no longer refreshed still names it.
    cached_until: Vec<Tick>,
    reachable: Bits,
    since: Vec<Tick>,
    spans: Vec<Vec<Span>>,
    /// Where "named elsewhere" nodes begin, if there are any.
    elsewhere: Option<usize>,
}

impl Sweep {
    fn new(nodes: usize, edges: &[Edge], elsewhere: Option<usize>) -> Self {
        let mut events: Vec<(Tick, usize, bool)> = edges
            .iter()
            .enumerate()
            .flat_map(|(at, edge)| edge.served.iter().map(move |span| (at, span)))
            .flat_map(|(at, span)| [(span.from, at, true), (span.until, at, false)])
            .filter(|(time, ..)| *time < NEVER)
            .collect();
        events.sort_unstable();
        Sweep {
            events,
            expiries: BinaryHeap::new(),
            served: Vec::new(),
            refreshed: vec![false; edges.len()],
            cached_until: vec![Tick::MIN; nodes],
            reachable: Bits::below(nodes),
            since: vec![0; nodes],
            spans: vec![Vec::new(); nodes],
            elsewhere,
        }
    }

    fn run(mut self, edges: &[Edge]) -> Vec<Vec<Span>> {
        let mut next = 0;
        loop {
            let event = self.events.get(next).map(|event| event.0);
            let expiry = self.expiries.peek().map(|expiry| expiry.0);
            let Some(now) = event.into_iter().chain(expiry).min() else {
                break;
            };
            while self.expiries.peek().is_some_and(|expiry| expiry.0 <= now) {
                self.expiries.pop();
            }
            while let Some(&(time, edge, begins)) = self.events.get(next)
                && time == now
            {
                self.serve(now, edge, begins, edges);
                next += 1;
            }
            self.advance(now, edges);
        }
        for node in self.reachable.iter() {
            self.spans[node].extend(Span::new(self.since[node], NEVER));
        }
        self.spans
    }

    fn serve(&mut self, now: Tick, edge: usize, begins: bool, edges: &[Edge]) {
        if begins {
            self.served.push(edge);
        } else {
            self.served.retain(|&other| other != edge);
            self.stop(now, edge, edges);
        }
    }

    /// An edge that was refreshed until now is no longer: its copies run out one TTL from now.
    fn stop(&mut self, now: Tick, edge: usize, edges: &[Edge]) {
        if !std::mem::take(&mut self.refreshed[edge]) {
            return;
        }
        let expiry = later(now, edges[edge].ttl);
        for node in edges[edge].targets.iter() {
            self.cached_until[node] = self.cached_until[node].max(expiry);
        }
        if expiry > now {
            self.expiries.push(Reverse(expiry));
        }
    }

    /// Finds what is reachable from `now` on, and records what changed.
    fn advance(&mut self, now: Tick, edges: &[Edge]) {
        let reachable = self.closure(now, edges);
        for at in 0..self.served.len() {
            let edge = self.served[at];
            if is_open(edges[edge].source, &reachable) {
                self.refreshed[edge] = true;
            } else {
                self.stop(now, edge, edges);
            }
        }
        for node in 0..self.spans.len() {
            match (self.reachable.contains(node), reachable.contains(node)) {
                (false, true) => self.since[node] = now,
                (true, false) => self.spans[node].extend(Span::new(self.since[node], now)),
                _ => {}
            }
        }
        self.reachable = reachable;
    }

    fn closure(&self, now: Tick, edges: &[Edge]) -> Bits {
        let nodes = self.cached_until.len();
        let mut set = Bits::of(nodes, (0..nodes).filter(|&node| self.cached_until[node] > now));
        for &edge in &self.served {
            if self.refreshed[edge] && edges[edge].ttl > 0 {
                set.absorb(&edges[edge].targets);
            }
        }
        loop {
            let mut grew = false;
            if let Some(count) = self.elsewhere {
                let named: Vec<usize> = (0..count).filter(|&p| set.contains(count + p)).collect();
                grew |= set.absorb(&Bits::of(nodes, named));
            }
            for &edge in &self.served {
                if is_open(edges[edge].source, &set) {
                    grew |= set.absorb(&edges[edge].targets);
                }
            }
            if !grew {
                return set;
            }
        }
    }
}

fn is_open(source: u32, reachable: &Bits) -> bool {
    source == NONE || reachable.contains(source as usize)
}
