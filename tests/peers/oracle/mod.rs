//! The strict judge: it asks the registry and every provider that may be asked, remembers each answer until its TTL has
//! passed since it was last served, and checks every mixture of what it remembers.
//!
//! A resolver that retries hides a broken provider as long as another one is right. This judge does not: one DS RRset,
//! DNSKEY RRset and signed RRset that some cache may hold together and that do not validate are a fault.

mod memory;
mod poll;
pub(crate) mod signed;
pub(crate) mod verdict;

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::servers::Kind;
use poll::Poller;

/// The pause between the beginnings of two polls.
const PERIOD: Duration = Duration::from_millis(100);

/// Something that is wrong, once.
#[derive(Clone)]
pub(crate) struct Fault {
    /// When it was first found.
    pub(crate) at: Instant,
    /// What is wrong.
    pub(crate) text: String,
}

/// What the judge has found so far.
#[derive(Clone, Default)]
pub(crate) struct Findings {
    /// Polls of all servers.
    pub(crate) polls: u64,
    /// Answers received.
    pub(crate) answers: u64,
    /// Mixtures judged, over all polls.
    pub(crate) judged: u64,
    /// Mixtures judged that differ.
    pub(crate) distinct: usize,
    /// Mixtures that do not validate, over all polls.
    pub(crate) faulty: u64,
    /// What is wrong, each once.
    pub(crate) faults: Vec<Fault>,
    /// The providers that were reachable in the last poll.
    pub(crate) reachable: Vec<&'static str>,
    /// The longest time that a poll began after the one before.
    pub(crate) longest_gap: Duration,
}

impl Findings {
    fn fault(&mut self, text: String) {
        if !self.faults.iter().any(|fault| fault.text == text) {
            self.faults.push(Fault {
                at: Instant::now(),
                text,
            });
        }
    }

    /// Fails with the list where anything is wrong, or too little was judged.
    pub(crate) fn expect_clean(&self) -> Result<()> {
        let list: Vec<&str> = self.faults.iter().map(|fault| fault.text.as_str()).collect();
        ensure!(list.is_empty(), "{self}\n{}", list.join("\n"));
        ensure!(
            self.polls >= 50 && self.judged >= 1000,
            "the judge saw too little: {self}"
        );
        Ok(())
    }
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "oracle: {} polls (longest gap {} ms), {} answers, {} mixtures judged, {} of them distinct; {} faulty, {} faults",
            self.polls,
            self.longest_gap.as_millis(),
            self.answers,
            self.judged,
            self.distinct,
            self.faulty,
            self.faults.len()
        )
    }
}

/// The judge at work, in a thread of its own.
pub(crate) struct Oracle {
    findings: Arc<Mutex<Findings>>,
    stop: Arc<AtomicBool>,
    /// Whether the zone may be without DS.
    insecure: Arc<AtomicBool>,
    /// Servers that are not asked, since they were stopped on purpose.
    silent: Arc<Mutex<HashSet<Ipv4Addr>>>,
    thread: Option<JoinHandle<()>>,
}

impl Oracle {
    /// Begins to judge. Fails where the registry's own chain does not validate from the root's key.
    pub(crate) fn start(anchor: &str, providers: Vec<Kind>) -> Result<Self> {
        let silent = Arc::new(Mutex::new(HashSet::new()));
        let insecure = Arc::new(AtomicBool::new(false));
        let mut poller = Poller::new(anchor, providers, Arc::clone(&silent), Arc::clone(&insecure))?;
        let findings = Arc::new(Mutex::new(Findings::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (findings, stop) = (Arc::clone(&findings), Arc::clone(&stop));
            move || {
                let mut last = Instant::now();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let mut round = lock(&findings).clone();
                    round.longest_gap = round.longest_gap.max(begun - last);
                    last = begun;
                    poller.poll(&mut round);
                    *lock(&findings) = round;
                    std::thread::sleep(PERIOD.saturating_sub(begun.elapsed()));
                }
            }
        });
        Ok(Self {
            findings,
            stop,
            insecure,
            silent,
            thread: Some(thread),
        })
    }

    /// Does something during which a server may be silent. What it said before counts as long as a cache may hold it.
    pub(crate) fn without(&self, server: Ipv4Addr, act: impl FnOnce() -> Result<()>) -> Result<()> {
        lock(&self.silent).insert(server);
        // The poll under way may still ask it; the one after that does not.
        let polls = self.findings().polls;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.findings().polls < polls + 1 {
            ensure!(Instant::now() < deadline, "the oracle stands still");
            std::thread::sleep(Duration::from_millis(5));
        }
        act()?;
        lock(&self.silent).remove(&server);
        Ok(())
    }

    /// From now on it is no fault that there is no DS. A DNSKEY RRset that a DS vouched for counts as long as a cache may hold it.
    pub(crate) fn allow_insecure(&self) {
        self.insecure.store(true, Ordering::Relaxed);
    }

    /// What was found so far.
    pub(crate) fn findings(&self) -> Findings {
        lock(&self.findings).clone()
    }

    /// Waits for a fault of this kind, found at `since` or later.
    pub(crate) fn fault_within(&self, complaint: &str, since: Instant, limit: Duration) -> Result<Fault> {
        let deadline = Instant::now() + limit;
        loop {
            let mut faults = self.findings().faults.into_iter();
            if let Some(fault) = faults.find(|fault| fault.at >= since && fault.text.starts_with(complaint)) {
                return Ok(fault);
            }
            ensure!(
                Instant::now() < deadline,
                "the oracle did not see within {limit:?}: {complaint}"
            );
            std::thread::sleep(PERIOD);
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed already; the findings that are missing then fail the test.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
