//! Unbound as the second judge: a real validator that does not try another server when an answer is bogus.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::process::Daemon;
use crate::settings::Settings;
use crate::wire::{Audience, Message, Name, query, rcode, rtype};
use crate::zone::{self, Question, RESOLVER, ROOT, Shape, ZONE, questions};

/// The pause between two probes.
const PERIOD: Duration = Duration::from_millis(50);
/// When a probe counts as timed out.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the probes came to.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    /// Authenticated answers of the expected kind.
    pub(crate) authenticated: u64,
    /// Answers without AD.
    pub(crate) unauthenticated: u64,
    /// SERVFAIL.
    pub(crate) servfail: u64,
    /// No answer.
    pub(crate) timeouts: u64,
    /// Another RCODE than expected.
    pub(crate) unexpected: u64,
    /// How many of each kind were not authenticated.
    failures: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn count(&mut self, question: &Question, message: Option<&Message>) {
        match message {
            None => self.timeouts += 1,
            Some(message) if message.rcode == rcode::SERVFAIL => self.servfail += 1,
            Some(message) if message.rcode != question.rcode() => self.unexpected += 1,
            Some(message) if !message.authenticated => self.unauthenticated += 1,
            Some(_) => {
                self.authenticated += 1;
                return;
            }
        }
        *self.failures.entry(question.label).or_default() += 1;
    }

    /// Fails where any probe was not answered; answers that are not authenticated are well where the zone is insecure.
    pub(crate) fn expect_answers(&self) -> Result<()> {
        let bad = self.servfail + self.timeouts + self.unexpected;
        ensure!(bad == 0, "{self}: {:?}", self.failures);
        Ok(())
    }

    /// Fails where any probe was not answered and authenticated, or there were too few.
    pub(crate) fn expect_clean(&self) -> Result<()> {
        let bad = self.unauthenticated + self.servfail + self.timeouts + self.unexpected;
        ensure!(bad == 0, "{self}: {:?}", self.failures);
        ensure!(self.authenticated >= 100, "too few probes: {self}");
        Ok(())
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "unbound: {} authenticated, {} not, {} SERVFAIL, {} timeouts, {} unexpected",
            self.authenticated, self.unauthenticated, self.servfail, self.timeouts, self.unexpected
        )
    }
}

/// A running Unbound and the probes of it.
pub(crate) struct Unbound {
    _daemon: Daemon,
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Unbound {
    /// Starts it under the lab's root, waits for the first authenticated answer, and begins to probe.
    pub(crate) fn start(settings: &Settings, anchor: &str) -> Result<Self> {
        let dir = settings.subdir("unbound")?;
        fs::write(dir.join("root.anchor"), format!(". 60 IN DNSKEY {anchor}\n"))?;
        fs::write(
            dir.join("root.hints"),
            format!(". 60 IN NS ns.root.\nns.root. 60 IN A {ROOT}\n"),
        )?;
        fs::write(
            dir.join("unbound.conf"),
            configuration(&dir.display().to_string()),
        )?;
        let mut daemon = Daemon::start(&dir, "unbound", &["-d", "-c", "unbound.conf"])?;
        let questions = probes();
        daemon.until("the first authenticated answer", || first_answer(&questions[0]))?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let mut prober = Prober::new(questions, Arc::clone(&tally))?;
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                prober.turn(true);
            }
            // What was asked is still waited for.
            while !prober.pending.is_empty() {
                prober.turn(false);
            }
        });
        Ok(Self {
            _daemon: daemon,
            tally,
            stop,
            thread: Some(thread),
        })
    }

    /// The count so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a probe was answered with SERVFAIL.
    pub(crate) fn servfail_within(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while self.tally().servfail == 0 {
            ensure!(
                Instant::now() < deadline,
                "no SERVFAIL within {limit:?}: {}",
                self.tally()
            );
            std::thread::sleep(PERIOD);
        }
        Ok(())
    }

    /// Ends the probes and returns the whole count.
    pub(crate) fn finish(mut self) -> Tally {
        self.end();
        self.tally()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed already; the probes that are missing then fail the test.
            let _ = thread.join();
        }
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        self.end();
    }
}

/// What is asked: the judge's questions, and the keys.
fn probes() -> Vec<Question> {
    let keys = Question {
        label: "DNSKEY",
        name: Name::of(ZONE),
        rtype: rtype::DNSKEY,
        shape: Shape::Positive,
    };
    questions().into_iter().chain([keys]).collect()
}

/// Asks once, and tells whether the answer is authenticated.
fn first_answer(question: &Question) -> bool {
    let ask = || -> Result<bool> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(zone::dns(RESOLVER))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.send(&query(1, &question.name, question.rtype, Audience::Resolver))?;
        let mut buffer = [0; 4096];
        let len = socket.recv(&mut buffer)?;
        Ok(Message::parse(&buffer[..len])?.authenticated)
    };
    ask().unwrap_or(false)
}

/// Asks in turn, without waiting for one answer before the next question.
struct Prober {
    socket: UdpSocket,
    questions: Vec<Question>,
    pending: HashMap<u16, (Instant, Question)>,
    next: u16,
    tally: Arc<Mutex<Tally>>,
}

impl Prober {
    fn new(questions: Vec<Question>, tally: Arc<Mutex<Tally>>) -> Result<Self> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(zone::dns(RESOLVER))?;
        Ok(Self {
            socket,
            questions,
            pending: HashMap::new(),
            next: 0,
            tally,
        })
    }

    /// One period: a question, perhaps, and the answers that come in meanwhile.
    fn turn(&mut self, ask: bool) {
        let begun = Instant::now();
        if ask {
            let question = self.questions[usize::from(self.next) % self.questions.len()].clone();
            let message = query(self.next, &question.name, question.rtype, Audience::Resolver);
            // A question that cannot be sent will have no answer, which is counted.
            let _ = self.socket.send(&message);
            self.pending.insert(self.next, (begun, question));
            self.next = self.next.wrapping_add(1);
        }
        let mut buffer = [0; 4096];
        loop {
            let left = PERIOD.saturating_sub(begun.elapsed());
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                break;
            }
            let Ok(len) = self.socket.recv(&mut buffer) else {
                continue;
            };
            if let Ok(message) = Message::parse(&buffer[..len]) {
                self.answered(&message);
            }
        }
        self.expire();
    }

    fn answered(&mut self, message: &Message) {
        if let Some((_, question)) = self.pending.remove(&message.id) {
            self.lock().count(&question, Some(message));
        }
    }

    fn expire(&mut self) {
        let late: Vec<u16> = self
            .pending
            .iter()
            .filter(|(_, (at, _))| at.elapsed() > PATIENCE)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            if let Some((_, question)) = self.pending.remove(&id) {
                self.lock().count(&question, None);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without `udp-connect`, a port that is closed for a moment is a lost packet, sent again a little later: a server that
/// restarts within a second is no failure. That a server was slow once is soon forgotten, or it would hardly be asked again.
fn configuration(dir: &str) -> String {
    format!(
        "server:\n  directory: \"{dir}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  \
         logfile: \"\"\n  verbosity: 1\n  val-log-level: 2\n  num-threads: 1\n  interface: {RESOLVER}\n  \
         access-control: 127.0.0.0/8 allow\n  do-ip6: no\n  do-not-query-localhost: no\n  \
         udp-connect: no\n  infra-host-ttl: 10\n  \
         root-hints: \"root.hints\"\n  trust-anchor-file: \"root.anchor\"\n  \
         local-zone: \"test.\" nodefault\n  module-config: \"validator iterator\"\n  \
         val-max-restart: 0\n  harden-algo-downgrade: yes\n\
         remote-control:\n  control-enable: no\n"
    )
}
