//! What goes on beside a run or a watch, if it is asked for: tokens of a time stamping authority for the seals, and the clock
//! against NTP. Neither holds anything up or fails it: what comes of it is a file, or a note in the journal.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Failure;
use super::herald::Herald;
use super::settings::{NtpServer, Settings};
use crate::adapters::journal::{OnSeal, keep_token, unstamped};
use crate::adapters::{Authority, NtpError, NtpReading, SystemClock, ask_ntp};

/// Seals that wait for their token; of more than these the newest is given up. The token of a later seal is over what they are over.
const ROOM: usize = 16;
/// How long the end of a process waits for the last token, and as long for the first reading of the clock.
const LAST: Duration = Duration::from_secs(12);
/// Between two readings of the clock.
const HOUR: Duration = Duration::from_secs(3_600);

type Notes = Arc<Mutex<Vec<Value>>>;
type Seals = Arc<Mutex<Option<mpsc::Sender<(String, Vec<u8>)>>>>;

/// The tasks beside a run.
pub(super) struct Aside {
    notes: Notes,
    seals: Seals,
    stamping: Option<JoinHandle<()>>,
    first: Option<oneshot::Receiver<()>>,
    readings: Option<JoinHandle<()>>,
}

impl Aside {
    /// As the settings say; `dir` is the folder of the journal.
    ///
    /// # Errors
    /// If the authority's address cannot be used.
    pub(super) fn start(settings: Option<&Settings>, dir: PathBuf) -> Result<Aside, Failure> {
        let mut aside = Aside {
            notes: Notes::default(),
            seals: Seals::default(),
            stamping: None,
            first: None,
            readings: None,
        };
        let Some(settings) = settings else {
            return Ok(aside);
        };
        if let Some(tsa) = settings.seal.as_ref().and_then(|seal| seal.tsa.as_ref()) {
            let authority =
                Authority::new(&tsa.url).map_err(|error| Failure::usage(format!("[seal] tsa: {error}")))?;
            let (sender, receiver) = mpsc::channel(ROOM);
            aside.stamping = Some(tokio::spawn(stamp(authority, dir, receiver, aside.notes.clone())));
            *lock(&aside.seals) = Some(sender);
        }
        if !settings.ntp.is_empty() {
            let (servers, notes) = (settings.ntp.clone(), aside.notes.clone());
            let (done, first) = oneshot::channel();
            aside.first = Some(first);
            aside.readings = Some(tokio::spawn(read_clocks(servers, notes, done)));
        }
        Ok(aside)
    }

    /// What a sealing journal calls with each seal.
    pub(super) fn on_seal(&self) -> OnSeal {
        let (seals, notes) = (self.seals.clone(), self.notes.clone());
        Box::new(move |file, octets| {
            let given = (file.to_owned(), octets.as_bytes().to_vec());
            if lock(&seals)
                .as_ref()
                .is_some_and(|seals| seals.try_send(given).is_err())
            {
                failed(&notes, file, "", "too many seals wait for their token: given up");
            }
        })
    }

    /// What is worth a note in the journal since it was last asked for, here and of notifications.
    pub(super) fn notes(&self, herald: Option<&Herald>) -> impl FnMut() -> Vec<Value> + Send + 'static {
        let own = self.notes.clone();
        let mut others = herald.map(Herald::faults);
        move || {
            let mut all = std::mem::take(&mut *lock(&own));
            if let Some(others) = &mut others {
                all.extend(others());
            }
            all
        }
    }

    /// Waits a bounded time for the last token, and takes no more seals.
    pub(super) async fn finish(&mut self) {
        lock(&self.seals).take();
        if let Some(first) = self.first.take() {
            let _ = tokio::time::timeout(LAST, first).await;
        }
        if let Some(readings) = self.readings.take() {
            readings.abort();
        }
        if let Some(mut stamping) = self.stamping.take()
            && tokio::time::timeout(LAST, &mut stamping).await.is_err()
        {
            stamping.abort();
            failed(&self.notes, "", "", "the last token was not there in time");
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gets a token for each seal, one after the other; first for the last seal of the process before, if that has none.
async fn stamp(
    authority: Authority,
    dir: PathBuf,
    mut seals: mpsc::Receiver<(String, Vec<u8>)>,
    notes: Notes,
) {
    let mut next = unstamped(&dir);
    loop {
        let (seal, octets) = match next.take() {
            Some(left) => left,
            None => match seals.recv().await {
                Some(given) => given,
                None => return,
            },
        };
        let done = match authority.stamp(&octets).await {
            Ok(token) => keep_token(&dir, &seal, &token).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match done {
            Ok(()) => tracing::debug!("{} stamped {seal}", authority.host()),
            Err(said) => failed(&notes, &seal, authority.host(), &said),
        }
    }
}

fn failed(notes: &Notes, seal: &str, authority: &str, said: &str) {
    tracing::warn!(
        "no time stamp for {seal} from {authority}: {said}; the next seal is over all of it, and is tried again"
    );
    lock(notes).push(json!({ "stamp-failed": seal, "authority": authority, "said": said }));
}

/// Reads each server's clock now and each hour. Who does not want to be asked is not asked again.
async fn read_clocks(mut servers: Vec<NtpServer>, notes: Notes, done: oneshot::Sender<()>) {
    let mut done = Some(done);
    while !servers.is_empty() {
        let mut kept = Vec::new();
        for server in servers {
            let read = ask_ntp((&server.host, server.port), &SystemClock).await;
            let unwanted = matches!(read, Err(NtpError::Kiss(_)));
            lock(&notes).push(reading(&server, read));
            if !unwanted {
                kept.push(server);
            }
        }
        servers = kept;
        if let Some(done) = done.take() {
            let _ = done.send(());
        }
        tokio::time::sleep(HOUR).await;
    }
}

fn reading(server: &NtpServer, read: Result<NtpReading, NtpError>) -> Value {
    let name = &server.host;
    match read {
        Ok(read) => json!({
            "ntp": name,
            "address": read.address,
            "offset": read.offset,
            "round_trip": read.round_trip,
            "stratum": read.stratum,
        }),
        Err(error) => {
            tracing::warn!("the clock could not be held against {name}: {error}");
            json!({ "ntp-failed": name, "said": error.to_string() })
        }
    }
}
