//! `unbroken watch`: a zone that is not moving, for months.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::approve::whoami;
use super::aside::Aside;
use super::crew::{self, Secrets};
use super::drive::stopped;
use super::drive::{seal_key, sealed};
use super::herald::Herald;
use super::settings::{NewKeys, Period, Settings, WatchSettings};
use super::tell::Teller;
use super::{Context, Exit, Failure, inbox, look};
use crate::adapters::journal::{FileJournal, FileView, writer};
use crate::adapters::{ManualParent, SystemClock};
use crate::dns::Name;
use crate::dnssec::Anchors;
use crate::evidence::watch_origin;
use crate::moment::Moment;
use crate::ports::{Journal, JournalError};
use crate::runner::{
    Memory, PartialProbes, Runner, Team, WatchOrder, Watched, Works, at_rest, each_event, fold_view,
};
use crate::workflow::{self, Approval, Begin, Event, Intent, State, WatchRules};

/// Below a zone's folder, the journal of its watch.
const FOLDER: &str = "watch";
/// What an acceptance is called on its way to the watch.
const ACCEPT: &str = "watch";

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken watch example.com\n  unbroken watch example.com --once --json\n  \
    unbroken watch example.com --for 30d --until-alarm\n  unbroken watch example.com --accept --because \"new ZSK, change 4711\"\n\n\
    It needs no settings, no plan and no credentials. What is seen, expected and told is in the journal STATE/ZONE/watch.\n\
    Exit status: 0 no alarm stands, 1 an alarm stands or began, 3 something is not as it should be for too short a time to be an \
    alarm, or was not seen, 5 a run has the zone, or nobody answers."
)]
pub struct WatchArgs {
    /// The zone [default: the only one in the settings]
    #[arg(value_name = "ZONE")]
    pub zone: Option<Name>,
    /// The zone, in another way
    #[arg(long = "zone", value_name = "ZONE", conflicts_with = "zone")]
    pub named: Option<Name>,
    /// DS or DNSKEY records to trust, in presentation format [default: the settings, then the IANA root]
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// One look, then stop
    #[arg(long, conflicts_with_all = ["until_alarm", "duration"])]
    pub once: bool,
    /// Stop when an alarm stands
    #[arg(long)]
    pub until_alarm: bool,
    /// Stop after so long, such as 90s, 2h, 30d
    #[arg(long = "for", value_name = "DURATION")]
    pub duration: Option<Period>,
    /// Between two looks [default: five times `interval` of the settings, which is 5m]
    #[arg(long, value_name = "DURATION")]
    pub interval: Option<Period>,
    /// Read the signers' copies of the zone with the credentials of the settings, and compare them, each hour
    #[arg(long)]
    pub contents: bool,
    /// What is served now is meant: no alarm about it any more
    #[arg(long, conflicts_with_all = ["once", "until_alarm", "duration", "contents", "interval"])]
    pub accept: bool,
    /// With --accept: why, for the journal
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub because: Option<String>,
    /// With --accept: who accepts, for the journal [default: the user of this process]
    #[arg(long, value_name = "NAME", requires = "accept")]
    pub by: Option<String>,
}

/// Watches, or passes on a person's word.
///
/// # Errors
/// If a run has the zone, the zone is not found, or the journal cannot be written.
pub async fn run(args: &WatchArgs, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings_if_any()?;
    let zone = zone(args, context, settings.as_ref())?;
    let home = context.journal_dir(&zone)?;
    if args.accept {
        return accept(args, context, &zone, &home.join(FOLDER));
    }
    if let Some(holder) = writer(&home) {
        let error = JournalError::Locked { dir: home, holder };
        return Err(Failure::refused(format!("a plan is driven for {zone}: {error}"))
            .hint("a run looks more closely than a watch does: begin it when the run has ended"));
    }
    let anchors = anchors(args, &zone, settings.as_ref())?;
    let team = team(args, &zone, settings.as_ref(), &anchors).await?;
    let herald = match &settings {
        Some(settings) => Herald::start(settings).await?,
        None => None,
    };
    let dir = home.join(FOLDER);
    let key = match &settings {
        Some(settings) => seal_key(settings).await?,
        None => None,
    };
    let journal = FileJournal::open(&dir, context.now(), "watch")?;
    let mut aside = Aside::start(settings.as_ref(), dir.clone())?;
    let journal = sealed(journal, &dir, key, aside.on_seal(), |name| {
        watch_origin(name, &zone)
    })?;
    let teller = Teller::new(context.out.json(), false, true);
    let reporter = match &herald {
        Some(herald) => herald.listen(teller),
        None => Box::new(teller),
    };
    let mut order = order(args, context, settings.as_ref(), &team, home);
    let mut runner = Runner::open(team, State::new(anchors), journal, reporter)?;
    runner.notes = Box::new(aside.notes(herald.as_ref()));
    context.out.note(format!(
        "watching {zone}, a look each {} s; the journal is in {}",
        order.rules.interval / 1_000,
        dir.display()
    ));
    let mut memory = Memory::default();
    let ending = tokio::select! {
        ending = runner.watch(&mut order, &mut memory) => ending.map_err(Failure::from),
        () = stopped() => {
            context.out.note("stopped; the same command goes on from here");
            Ok(runner.watched(&memory))
        }
    };
    aside.finish().await;
    if let Some(herald) = herald {
        herald.finish().await;
    }
    runner.absorb_notes()?;
    finish(&ending?, context)
}

fn zone(args: &WatchArgs, context: &Context, settings: Option<&Settings>) -> Result<Name, Failure> {
    match (args.zone.as_ref().or(args.named.as_ref()), settings) {
        (Some(zone), _) => Ok(zone.clone()),
        (None, Some(settings)) => context.zone(settings, None),
        (None, None) => Err(Failure::usage("which zone?").hint("unbroken watch example.com")),
    }
}

fn anchors(args: &WatchArgs, zone: &Name, settings: Option<&Settings>) -> Result<Anchors, Failure> {
    match (
        &args.anchors,
        settings.and_then(|settings| settings.zones.get(zone)),
    ) {
        (Some(path), _) => look::read_anchors(path, zone),
        (None, Some(zone)) => Ok(zone.anchors.clone()),
        (None, None) => Ok(Anchors::iana_root()),
    }
}

/// Whoever looks, and with `--contents` whoever reads the copies. Nobody who could change anything.
async fn team(
    args: &WatchArgs,
    zone: &Name,
    settings: Option<&Settings>,
    anchors: &Anchors,
) -> Result<Team, Failure> {
    let observe = look::observe_settings(settings);
    let known = settings.and_then(|settings| Some((settings, settings.zones.get(zone)?)));
    let interval = args
        .interval
        .map_or_else(|| at_rest(observe.interval.duration()), Period::duration);
    if interval.is_zero() {
        return Err(Failure::usage("--interval must be longer than 0s"));
    }
    let mut team = Team {
        zone: zone.clone(),
        providers: Default::default(),
        name_servers: Default::default(),
        own_addresses: Default::default(),
        parent: Arc::new(ManualParent::new("parent")),
        observer: look::observer(&observe),
        clock: Arc::new(SystemClock),
        pinned: Arc::new(|_| Vec::new()),
        interval,
        probes: PartialProbes::default(),
        begin: Begin {
            program: concat!("unbroken ", env!("CARGO_PKG_VERSION")).to_owned(),
            anchors: anchors.to_string(),
            settings: settings.map(Settings::redacted).unwrap_or_default(),
            vantage: crew::vantage(settings),
            by: whoami(),
        },
    };
    let Some((settings, wanted)) = known else {
        if args.contents {
            return Err(Failure::usage(format!("--contents needs settings for {zone}"))
                .hint("`unbroken init` writes a first settings file"));
        }
        return Ok(team);
    };
    team.probes = crew::probes(wanted);
    for name in &wanted.signers {
        let provider = settings.provider(name)?;
        team.name_servers
            .insert(name.clone(), provider.name_servers.clone());
        team.own_addresses
            .insert(name.clone(), provider.own_addresses.clone());
    }
    if args.contents {
        let mut secrets = Secrets::of(settings, &wanted.signers).await?;
        team.providers = crew::drivers(settings, zone, &wanted.signers, &mut secrets)?;
    }
    Ok(team)
}

fn order(
    args: &WatchArgs,
    context: &Context,
    settings: Option<&Settings>,
    team: &Team,
    home: PathBuf,
) -> WatchOrder {
    let default = WatchSettings::default();
    let watch = settings.map_or(&default, |settings| &settings.watch);
    let seconds = |period: &Period| period.duration().as_secs();
    let mut plans = Plans::new(home.clone());
    let mut words = Words::new(home.join(FOLDER));
    WatchOrder {
        rules: WatchRules {
            interval: u64::try_from(team.interval.as_millis()).unwrap_or(u64::MAX),
            expires_within: watch.expires_within.as_ref().map(seconds),
            resign_within: watch.resign_within.as_ref().map(seconds),
            settle: seconds(&watch.settle),
            silent_for: seconds(&watch.silent_for),
            every_key: watch.new_keys == NewKeys::Every,
            ignore: watch.ignore.clone(),
        },
        contents: args.contents,
        once: args.once,
        until_alarm: args.until_alarm,
        deadline: args.duration.map(|span| context.now() + span.duration()),
        works: Box::new(move || plans.works()),
        accepted: Box::new(move || words.take()),
    }
}

/// What the zone's own journal says of plans.
struct Plans {
    home: PathBuf,
    /// The length of the journal when it was last read, and what it said.
    read: (u64, Moved),
}

/// What a journal says of the plan that was last carried on.
#[derive(Clone, Default)]
struct Moved {
    /// The last step that was seen to be done, and its plan.
    last: Option<(Moment, String)>,
    /// Whether it has taken the DS RRset away, and not put the next one in its place.
    insecure: bool,
}

impl Plans {
    fn new(home: PathBuf) -> Plans {
        Plans {
            home,
            read: (0, Moved::default()),
        }
    }

    fn works(&mut self) -> Works {
        let busy = writer(&self.home).map(|holder| match holder {
            Some(holder) => holder.to_string(),
            None => "somebody".to_owned(),
        });
        if busy.is_none() {
            let length = std::fs::metadata(self.home.join("journal.ndjson")).map_or(0, |data| data.len());
            if length != self.read.0 {
                self.read = (length, self.moved().unwrap_or_default());
            }
        }
        Works {
            busy,
            moved: self.read.1.last.clone(),
            insecure: self.read.1.insecure,
        }
    }

    fn moved(&self) -> Option<Moved> {
        let view = FileView::open(&self.home).ok()?;
        let mut moved = Moved::default();
        let (mut hash, mut plan) = (String::new(), None);
        let read = each_event(&view, &mut |_, at, event| {
            match event {
                Event::Plan(next) => {
                    (hash, moved.insecure) = (next.hash(), false);
                    plan = Some(next.clone());
                }
                Event::Intent(intended) => {
                    let step = plan.as_ref().and_then(|plan| plan.step(&intended.step));
                    match step.map(|step| &step.intent) {
                        Some(Intent::RemoveDs { .. }) => moved.insecure = true,
                        Some(Intent::SetDs { .. }) => moved.insecure = false,
                        _ => {}
                    }
                }
                Event::Proven(_) | Event::End(_) => moved.last = Some((at, hash.clone())),
                _ => {}
            }
            Ok(())
        });
        read.ok().map(|()| moved)
    }
}

/// Acceptances that lie in the inbox and were not taken yet.
struct Words {
    dir: PathBuf,
    taken: usize,
}

impl Words {
    /// What lies there already is taken for what the process before took, though it may have ended first: a word about what was
    /// served then must not stand for what is served now.
    fn new(dir: PathBuf) -> Words {
        let taken = inbox::all(&dir).len();
        Words { dir, taken }
    }

    fn take(&mut self) -> Vec<(String, String)> {
        let all = inbox::all(&self.dir);
        let taken = std::mem::replace(&mut self.taken, all.len());
        all.into_iter()
            .skip(taken)
            .filter(|word| word.what == ACCEPT)
            .map(|word| (word.by, word.note))
            .collect()
    }
}

/// To the watch that goes, or into its journal where none does.
fn accept(args: &WatchArgs, context: &Context, zone: &Name, dir: &Path) -> Result<Exit, Failure> {
    let word = Approval {
        what: ACCEPT.to_owned(),
        plan: String::new(),
        by: args.by.clone().unwrap_or_else(whoami),
        note: args.because.clone().unwrap_or_else(|| "accepted".to_owned()),
    };
    let what = if writer(dir).is_some() {
        inbox::put(dir, &word, context.now())?;
        format!(
            "accepted: what {zone} shows at the next look, if all servers agree; if the watch ends before, say it again"
        )
    } else {
        FileView::open(dir)?;
        let mut journal = FileJournal::open(dir, context.now(), "watch")?;
        let state = fold_view(&journal, State::new(Anchors::iana_root()))?;
        let Some(baseline) = workflow::accept(&state, &word.note, Some(word.by.clone())) else {
            return Err(Failure::new(
                Exit::NotYet,
                format!("at the last look the servers of {zone} did not agree, or some were silent"),
            )
            .hint("look again with `unbroken watch --once`, then accept"));
        };
        let event = Event::Accepted(baseline);
        let body = event
            .body()
            .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
        journal.append(context.now(), event.kind(), body)?;
        format!("accepted: what {zone} showed at the last look; alarms about it are over at the next")
    };
    context.out.line(what);
    if context.out.json() {
        context.out.document(&word)?;
    }
    Ok(Exit::Done)
}

fn finish(watched: &Watched, context: &Context) -> Result<Exit, Failure> {
    let exit = if !watched.standing.is_empty() || watched.begun > 0 {
        Exit::Fails
    } else if !watched.pending.is_empty() {
        Exit::NotYet
    } else {
        Exit::Done
    };
    if context.out.json() {
        context.out.stream(&json!({
            "event": "ended",
            "at": context.now(),
            "standing": watched.standing,
            "begun": watched.begun,
            "pending": watched.pending,
            "exit": exit.code(),
        }))?;
        return Ok(exit);
    }
    for one in &watched.pending {
        context.out.line(format!("not yet an alarm: {one}"));
    }
    context.out.line(match (watched.standing.len(), watched.begun) {
        (0, 0) => "no alarm stands".to_owned(),
        (0, begun) => format!("no alarm stands any more; {begun} began and are over"),
        (1, _) => "1 alarm stands".to_owned(),
        (count, _) => format!("{count} alarms stand"),
    });
    Ok(exit)
}
