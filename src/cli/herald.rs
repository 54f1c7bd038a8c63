//! Tells a command or a webhook of what a person should know. It never holds a run up, and never fails it: what does not
//! arrive is a note in the journal and a warning on stderr.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Failure;
use super::settings::{NotifySettings, Occasion, Settings};
use super::tell::Teller;
use crate::adapters::{Sink, Webhook};
use crate::moment::Moment;
use crate::report::{Line, Progress, decision_text};
use crate::runner::Reporter;
use crate::workflow::{Decision, Event, State};

/// Documents on their way; more than this and the newest is given up.
const ROOM: usize = 64;
/// How long the end of a process waits for what is still on its way.
const LAST: Duration = Duration::from_secs(15);

type Sender = Arc<Mutex<Option<mpsc::Sender<String>>>>;
type Faults = Arc<Mutex<Vec<Value>>>;

/// The one task that delivers, in order.
pub(super) struct Herald {
    on: BTreeSet<Occasion>,
    sender: Sender,
    faults: Faults,
    task: JoinHandle<()>,
}

impl Herald {
    /// As the settings say; none where nobody is to be told. Secrets are read here.
    ///
    /// # Errors
    /// If a secret cannot be read.
    pub(super) async fn start(settings: &Settings) -> Result<Option<Herald>, Failure> {
        let Some(notify) = &settings.notify else {
            return Ok(None);
        };
        let sinks = sinks(settings, notify).await?;
        let (sender, receiver) = mpsc::channel(ROOM);
        let faults = Faults::default();
        Ok(Some(Herald {
            on: notify.on.clone(),
            sender: Arc::new(Mutex::new(Some(sender))),
            task: tokio::spawn(deliver(sinks, receiver, faults.clone())),
            faults,
        }))
    }

    /// What did not arrive since it was last asked for.
    pub(super) fn faults(&self) -> impl FnMut() -> Vec<Value> + Send + 'static {
        let faults = self.faults.clone();
        move || std::mem::take(&mut *faults.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A reporter that does what `teller` does, and tells too.
    pub(super) fn listen(&self, teller: Teller) -> Box<dyn Reporter> {
        Box::new(Ear {
            teller,
            progress: Progress::default(),
            on: self.on.clone(),
            sender: self.sender.clone(),
            faults: self.faults.clone(),
        })
    }

    /// Waits a bounded time for what is on its way, and takes nothing more.
    pub(super) async fn finish(self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if tokio::time::timeout(LAST, self.task).await.is_err() {
            fault(&self.faults, "not every notification was on its way in time", "");
        }
    }
}

async fn sinks(settings: &Settings, notify: &NotifySettings) -> Result<Vec<Sink>, Failure> {
    let mut sinks = Vec::new();
    if let Some(words) = &notify.command {
        sinks.push(Sink::Command {
            words: words.clone(),
            folder: settings.folder().to_path_buf(),
        });
    }
    if let Some(webhook) = &notify.webhook {
        let secret = match &webhook.hmac_secret {
            Some(secret) => Some(secret.read().await?),
            None => None,
        };
        let webhook = Webhook::new(&webhook.url, secret.as_ref());
        let webhook = webhook.map_err(|error| Failure::usage(error.to_string()))?;
        sinks.push(Sink::Webhook(Box::new(webhook)));
    }
    Ok(sinks)
}

async fn deliver(sinks: Vec<Sink>, mut receiver: mpsc::Receiver<String>, faults: Faults) {
    while let Some(document) = receiver.recv().await {
        for sink in &sinks {
            if let Err(error) = sink.deliver(&document).await {
                fault(&faults, &error.to_string(), &sink.describe());
            }
        }
    }
}

fn fault(faults: &Faults, said: &str, to: &str) {
    tracing::warn!("a notification did not arrive ({to}): {said}");
    let note = json!({ "notify-failed": to, "said": said });
    faults.lock().unwrap_or_else(PoisonError::into_inner).push(note);
}

/// Hears of everything that a run reports.
struct Ear {
    teller: Teller,
    progress: Progress,
    on: BTreeSet<Occasion>,
    sender: Sender,
    faults: Faults,
}

impl Ear {
    fn tell(&self, line: &Line, state: &State) {
        let mut document = json!(line);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("format".to_owned(), json!(1));
            let zone = state
                .servers
                .as_ref()
                .map(|servers| servers.topology.zone.to_string());
            fields.insert("zone".to_owned(), json!(zone));
            fields.insert("plan".to_owned(), json!(state.plan_hash));
        }
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.as_ref()
            && sender.try_send(document.to_string()).is_err()
        {
            fault(
                &self.faults,
                "too many notifications are on their way",
                "given up",
            );
        }
    }

    /// Only decisions that the journal does not hold as its last: a run that is started again does not repeat them.
    fn decision(&self, at: Moment, decision: &Decision, state: &State) {
        let (occasion, event) = match decision {
            Decision::Halt { .. } => (Occasion::Halt, "halt"),
            Decision::Person { .. } => (Occasion::Person, "person"),
            _ => return,
        };
        if self.on.contains(&occasion) {
            let line = Line {
                at,
                event,
                text: decision_text(decision, at),
                detail: json!(decision),
            };
            self.tell(&line, state);
        }
    }
}

impl Reporter for Ear {
    fn recorded(&mut self, at: Moment, event: &Event, state: &State) {
        self.teller.recorded(at, event, state);
        let occasion = match event {
            Event::Decision(decision) => return self.decision(at, decision, state),
            Event::Proven(_) => Occasion::Step,
            Event::End(_) => Occasion::End,
            Event::Alarm(_) => Occasion::Alarm,
            Event::Failing(_) | Event::Clock(_) => Occasion::Halt,
            _ => return,
        };
        if self.on.contains(&occasion) {
            for line in self.progress.recorded(at, event, state) {
                self.tell(&line, state);
            }
        }
    }

    fn decided(&mut self, at: Moment, decision: &Decision, state: &State) {
        self.teller.decided(at, decision, state);
    }

    fn sleeping(&mut self, now: Moment, until: Moment, decision: &Decision) {
        self.teller.sleeping(now, until, decision);
    }
}
