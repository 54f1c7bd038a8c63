//! The machinery between the program and the lab, where a fault can take hold of it: the wire, the clock, the disk.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::ground::Ground;
use super::script::Script;
use crate::evidence::{BlobId, Blobs, Entry, Proto};
use crate::moment::Moment;
use crate::ports::{Clock, Entries, ExchangeError, Journal, JournalError, JournalView, Transport};

pub(in crate::lab) type Shared = Arc<Mutex<Box<dyn Script>>>;

pub(in crate::lab) fn with_script<T>(script: &Shared, use_it: impl FnOnce(&mut dyn Script) -> T) -> T {
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    use_it(&mut **script)
}

/// A transport on which the script's time goes by.
pub(in crate::lab) struct Wire {
    pub inner: Arc<dyn Transport>,
    pub ground: Arc<Ground>,
    pub script: Shared,
}

impl Wire {
    fn tick(&self) {
        with_script(&self.script, |script| {
            script.tick(&self.ground, self.ground.now())
        });
    }
}

#[async_trait]
impl Transport for Wire {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        self.tick();
        self.inner.exchange(server, proto, message, timeout).await
    }

    async fn stream(
        &self,
        server: SocketAddr,
        message: &[u8],
        timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        self.tick();
        self.inner.stream(server, message, timeout, more).await
    }
}

/// The clock of the machine that the program runs on; only what it shows can be set wrong, not how time passes.
pub(in crate::lab) struct WallClock(pub Arc<Ground>);

impl WallClock {
    fn shown(&self, at: Moment) -> Moment {
        Moment::from_millis(at.millis() + self.0.skew.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Moment {
        self.shown(self.0.now())
    }

    fn steady(&self) -> Duration {
        self.0.clock.steady()
    }

    async fn sleep_until(&self, when: Moment) {
        let left = when.since(self.now());
        self.0.clock.sleep_until(self.0.now() + left).await;
    }
}

/// A journal on a disk that can be full.
pub(in crate::lab) struct Disk {
    pub inner: Box<dyn Journal>,
    pub ground: Arc<Ground>,
    pub path: PathBuf,
}

impl Disk {
    fn room(&self) -> Result<(), JournalError> {
        if self.ground.disk_full.load(Ordering::SeqCst) {
            return Err(JournalError::DiskFull {
                path: self.path.clone(),
            });
        }
        Ok(())
    }
}

impl JournalView for Disk {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        self.inner.entries()
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.inner.blob(id)
    }

    fn head(&self) -> String {
        self.inner.head()
    }
}

impl Journal for Disk {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        self.room()?;
        self.inner.append(at, kind, body)
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        self.room()?;
        self.inner.put_blob(octets)
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.room()?;
        self.inner.put_blobs(blobs)
    }
}
