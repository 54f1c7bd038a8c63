//! Virtual time: a clock that jumps, a crowd that is stepped on the way, and a transport that calls the world directly.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::World;
use crate::evidence::Proto;
use crate::moment::Moment;
use crate::ports::{Clock, ExchangeError, Transport};

/// What happens by itself as time goes by, in steps.
#[async_trait]
pub trait Steps: Send {
    /// When the next step is due; none: never.
    fn next_due(&self) -> Option<Moment>;
    /// Does what is due at `now`.
    async fn step(&mut self, now: Moment);
}

/// A hand of the virtual clock that everybody reads and only the clock turns.
#[derive(Clone, Debug)]
pub struct Dial(Arc<AtomicI64>);

impl Dial {
    /// The moment that it shows.
    pub fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn advance_to(&self, moment: Moment) {
        self.0.fetch_max(moment.millis(), Ordering::SeqCst);
    }
}

/// So often a sleeper lets the others go first before it takes them to be stuck.
const COURTESY: usize = 64;

/// A clock that stands still but while somebody sleeps; then it jumps to the next thing that is due.
pub struct VirtualClock {
    dial: Dial,
    steps: tokio::sync::Mutex<Option<Box<dyn Steps>>>,
    sleepers: Mutex<BTreeSet<(Moment, u64)>>,
    tickets: AtomicU64,
}

impl VirtualClock {
    /// A clock that shows `start`.
    pub fn new(start: Moment) -> VirtualClock {
        VirtualClock {
            dial: Dial(Arc::new(AtomicI64::new(start.millis()))),
            steps: tokio::sync::Mutex::new(None),
            sleepers: Mutex::new(BTreeSet::new()),
            tickets: AtomicU64::new(0),
        }
    }

    /// Its hand, for transports and whoever else reads the time.
    pub fn dial(&self) -> Dial {
        self.dial.clone()
    }

    /// Has these steps done as time goes by; returns what was there before.
    pub async fn attach(&self, steps: Box<dyn Steps>) -> Option<Box<dyn Steps>> {
        self.steps.lock().await.replace(steps)
    }

    /// Takes the steps away again.
    pub async fn detach(&self) -> Option<Box<dyn Steps>> {
        self.steps.lock().await.take()
    }

    fn sleepers(&self) -> std::sync::MutexGuard<'_, BTreeSet<(Moment, u64)>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what is due up to `when`, in order, and leaves the hand there.
    async fn run_until(&self, when: Moment) {
        let mut steps = self.steps.lock().await;
        if let Some(steps) = steps.as_mut() {
            while let Some(due) = steps.next_due().filter(|due| *due <= when) {
                self.dial.advance_to(due);
                steps.step(due.max(self.dial.now())).await;
            }
        }
        self.dial.advance_to(when);
    }
}

/// Takes a sleeper off the list, however its sleep ends.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    entry: (Moment, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.sleepers().remove(&self.entry);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Moment {
        self.dial.now()
    }

    async fn sleep_until(&self, when: Moment) {
        if when <= self.now() {
            return;
        }
        let entry = (when, self.tickets.fetch_add(1, Ordering::SeqCst));
        self.sleepers().insert(entry);
        let _sleeper = Sleeper { clock: self, entry };
        // Whoever sleeps side by side wakes in the order of time: let the others lie down, then let the first go first.
        for _ in 0..COURTESY {
            tokio::task::yield_now().await;
            if when <= self.now() || self.sleepers().first() == Some(&entry) {
                break;
            }
        }
        if when > self.now() {
            self.run_until(when).await;
        }
    }
}

/// Carries messages into a world without any socket, at the time that the dial shows.
pub struct WorldTransport {
    world: Arc<World>,
    dial: Dial,
    latency: Duration,
}

impl WorldTransport {
    /// Exchanges take no time.
    pub fn new(world: Arc<World>, dial: Dial) -> WorldTransport {
        WorldTransport {
            world,
            dial,
            latency: Duration::ZERO,
        }
    }

    /// Each exchange turns the hand by so much.
    pub fn with_latency(mut self, latency: Duration) -> WorldTransport {
        self.latency = latency;
        self
    }

    fn arrive(&self) -> Moment {
        if !self.latency.is_zero() {
            self.dial.advance_to(self.dial.now() + self.latency);
        }
        self.dial.now()
    }
}

#[async_trait]
impl Transport for WorldTransport {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        let now = self.arrive();
        self.world
            .handle(server, proto, message, now)
            .ok_or(ExchangeError::Timeout(timeout))
    }

    async fn stream(
        &self,
        server: SocketAddr,
        message: &[u8],
        timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        let now = self.arrive();
        for reply in self.world.replies(server, Proto::Tcp, message, now) {
            if !more(&reply) {
                return Ok(());
            }
        }
        Err(ExchangeError::Timeout(timeout))
    }
}
