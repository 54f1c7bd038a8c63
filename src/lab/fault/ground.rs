//! What a script may touch: the world, the machine, and the time that really is.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::seen::{Foretold, Seen};
use crate::lab::{Play, World, Zone};
use crate::moment::Moment;
use crate::ports::Clock;
use crate::workflow::Mixture;

/// No move takes longer in virtual time.
const LONGEST: Duration = Duration::from_secs(60 * 86_400);
/// Nor on sockets, with TTLs of a second or two.
const LONGEST_ON_SOCKETS: Duration = Duration::from_secs(150);

/// The ground on which a fault is played.
pub(in crate::lab) struct Ground {
    /// The world.
    pub world: Arc<World>,
    /// The true time; the program's own clock may be wrong.
    pub clock: Arc<dyn Clock>,
    /// How the lab is played: TTLs, intervals, patience.
    pub play: Play,
    /// What was seen so far.
    pub seen: Mutex<Seen>,
    /// Nothing more fits on the disk.
    pub disk_full: AtomicBool,
    /// How far the program's clock is from the true time, milliseconds.
    pub skew: AtomicI64,
    voice: Box<dyn Fn(Moment, &str) + Send + Sync>,
    until: AtomicI64,
    over: Notify,
}

impl Ground {
    pub(in crate::lab) fn new(
        world: Arc<World>,
        clock: Arc<dyn Clock>,
        play: Play,
        voice: Box<dyn Fn(Moment, &str) + Send + Sync>,
    ) -> Ground {
        Ground {
            world,
            clock,
            play,
            seen: Mutex::default(),
            disk_full: AtomicBool::new(false),
            skew: AtomicI64::new(0),
            voice,
            until: AtomicI64::new(i64::MAX),
            over: Notify::new(),
        }
    }

    /// The true time.
    pub(in crate::lab) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Tells what is done to the world now; from the first of these on the program is watched.
    pub(in crate::lab) fn tell(&self, what: impl Into<String>) {
        let (now, what) = (self.now(), what.into());
        (self.voice)(now, &what);
        self.with(|seen| seen.told.push((now, what)));
    }

    pub(in crate::lab) fn with<T>(&self, use_it: impl FnOnce(&mut Seen) -> T) -> T {
        use_it(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers mixtures that the checker names now.
    pub(in crate::lab) fn foretell(&self, mixtures: Vec<Mixture>) {
        let at = self.now();
        self.with(|seen| {
            let told = mixtures.into_iter().map(|mixture| Foretold { at, mixture });
            seen.foretold.extend(told);
        });
    }

    /// From now on a process has so long before it is taken to go on for ever.
    pub(in crate::lab) fn wind_up(&self) {
        let until = self.now()
            + if self.play.virtual_time {
                LONGEST
            } else {
                LONGEST_ON_SOCKETS
            };
        self.until.store(until.millis(), Ordering::SeqCst);
    }

    /// Ends the process if its time is over.
    pub(in crate::lab) fn watch_the_time(&self) {
        if self.now().millis() > self.until.load(Ordering::SeqCst) {
            self.over.notify_one();
        }
    }

    /// Returns when the process's time is over.
    pub(in crate::lab) async fn too_long(&self) {
        self.over.notified().await;
    }

    /// Longer than the DS RRset lives in any cache: a gate that waits for it would open in that time.
    pub(in crate::lab) fn beyond_the_gate(&self) -> Duration {
        let ds = u64::from(self.play.config.ttls.ds);
        Duration::from_secs(ds + ds / 4) + self.play.interval * 2
    }

    /// How long a DS RRset lives in caches.
    pub(in crate::lab) fn ds_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.play.config.ttls.ds))
    }

    /// The TTL of a provider's DNSKEY RRset.
    pub(in crate::lab) fn dnskey_ttl(&self) -> Duration {
        Duration::from_secs(u64::from(self.play.config.ttls.dnskey))
    }

    /// When old data has left every cache, with time to look.
    pub(in crate::lab) fn longest_data(&self) -> Duration {
        let of = |zone: &Zone| zone.rrsets().iter().map(|set| set.ttl).max().unwrap_or(0);
        let longest = self.world.read("a", of).unwrap_or(0);
        Duration::from_secs(u64::from(longest)) + self.safety()
    }

    /// What a careful signer adds to a TTL.
    pub(in crate::lab) fn safety(&self) -> Duration {
        // What is seen is rounded outwards to whole seconds, and a change may fall between two sweeps.
        self.play.interval * 2
            + Duration::from_secs(u64::from(self.play.rules.margin)) * 2
            + Duration::from_secs(3)
    }

    pub(in crate::lab) fn fill_disk(&self, full: bool) {
        self.disk_full.store(full, Ordering::SeqCst);
    }

    pub(in crate::lab) fn set_skew(&self, millis: i64) {
        self.skew.store(millis, Ordering::SeqCst);
    }
}
