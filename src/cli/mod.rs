//! The command line: arguments and settings, one file a command.
//!
//! Arguments become plain values once, in [`Cli::read`]; a command is a function of its own arguments and the
//! [`Context`], and ends with an [`Exit`] or a [`Failure`].

pub mod approve;
mod aside;
pub mod audit;
pub mod chain;
pub mod check;
pub mod completions;
mod context;
pub mod continuity;
mod crew;
mod drive;
mod failure;
pub mod fallback;
mod faults;
mod herald;
mod inbox;
pub mod init;
pub mod keys;
pub mod lab;
mod look;
pub mod man;
pub mod observe;
mod output;
pub mod plan;
mod plans;
pub mod run;
pub mod settings;
pub mod status;
pub mod step;
mod tell;
pub mod watch;
pub mod zone;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

pub use context::Context;
pub use failure::{Exit, Failure};
pub use output::{Output, Tone, colour_on_stderr};

/// Moves DNSSEC-signed zones between DNS providers without a broken chain of trust
#[derive(Debug, Parser)]
#[command(name = "unbroken", version, propagate_version = false, max_term_width = 100)]
#[command(
    after_long_help = "Example, which needs no settings and no network:\n  unbroken lab\n\n\
    Exit status:\n  0 done, or it holds      3 not yet                 5 something outside failed: run it again\n  \
    1 it does not hold       4 a person must decide    70 a fault of the program\n  2 usage or settings"
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// The settings file [default: ./unbroken.toml, then $XDG_CONFIG_HOME/unbroken/unbroken.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// The folder of the journals [default: $XDG_STATE_HOME/unbroken]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// One JSON document on stdout and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// More on stderr (-vv: still more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Global {
    /// What is logged, unless `UNBROKEN_LOG` says otherwise.
    pub fn log_filter(&self) -> &'static str {
        match (self.quiet, self.verbose) {
            (true, _) => "error",
            (false, 0) => "warn",
            (false, 1) => "warn,unbroken=info",
            (false, 2) => "warn,unbroken=debug",
            (false, _) => "trace",
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole job in an embedded little internet
    Lab(lab::LabArgs),
    /// A zone as it is served now, at every server; needs no settings and no credentials
    Check(check::CheckArgs),
    /// Write a starter settings file, from flags or questions
    Init(init::InitArgs),
    /// The ordered steps, with the arithmetic of every wait; changes nothing
    Plan(plan::PlanArgs),
    /// The plan of a move without DS in between; changes nothing
    Fallback(fallback::FallbackArgs),
    /// Drive the plan; resumes by itself after a crash
    Run(run::RunArgs),
    /// Do the one next safe thing, then stop
    Step(step::StepArgs),
    /// What has to happen now, who must do it, until when nothing may change
    Status(status::StatusArgs),
    /// Open a gate that waits for a person
    Approve(approve::ApproveArgs),
    /// Sweep a zone that is not moving, for months, and raise an alarm; needs no settings
    Watch(watch::WatchArgs),
    /// One sweep over all servers of a zone and its parent, as captured answers
    Observe(observe::ObserveArgs),
    /// Judge a name by captured answers alone, offline, at any time
    Chain(chain::ChainArgs),
    /// DNSKEY sets: show, fingerprint, pin, combine, ds
    Keys(keys::KeysArgs),
    /// Copies of a zone: compare, verify
    Zone(zone::ZoneArgs),
    /// Check a timeline; ask what a change now would break, and from when it would not
    Continuity(continuity::ContinuityArgs),
    /// Evidence that somebody else can check alone: bundle, verify
    Audit(audit::AuditArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write all pages to a folder
    Man(man::ManArgs),
}

impl Cli {
    /// Reads the arguments. `Err` holds the exit status after help or an error has been printed.
    ///
    /// # Errors
    /// For help and version (exit 0) and wrong usage (exit 2).
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, Exit> {
        Cli::try_parse_from(arguments).map_err(|error| {
            // If the reader has closed the pipe, there is nobody to tell.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
        })
    }

    /// The whole command line as clap knows it, for completions and manual pages.
    pub fn definition() -> clap::Command {
        Cli::command()
    }
}

/// Runs a command to its end and prints what went wrong, if something did.
pub async fn run(cli: Cli) -> Exit {
    let context = Context::new(&cli.global);
    let done = dispatch(&cli.command, &context).await;
    let done = done.and_then(|exit| context.out.fault().map_or(Ok(exit), Err));
    match done {
        Ok(exit) => exit,
        Err(failure) => {
            context.out.failure(&failure);
            failure.exit()
        }
    }
}

async fn dispatch(command: &Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Lab(args) => lab::run(args, context).await,
        Command::Check(args) => check::run(args, context).await,
        Command::Init(args) => init::run(args, context).await,
        Command::Plan(args) => plan::run(args, context).await,
        Command::Run(args) => run::run(args, context).await,
        Command::Step(args) => step::run(args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Approve(args) => approve::run(args, context).await,
        Command::Fallback(args) => fallback::run(args, context).await,
        Command::Watch(args) => watch::run(args, context).await,
        Command::Observe(args) => observe::run(args, context).await,
        Command::Chain(args) => chain::run(args, context).await,
        Command::Keys(args) => keys::run(args, context).await,
        Command::Zone(args) => zone::run(args, context).await,
        Command::Continuity(args) => continuity::run(args, context).await,
        Command::Audit(args) => audit::run(args, context).await,
        Command::Completions(args) => completions::run(args, context).await,
        Command::Man(args) => man::run(args, context).await,
    }
}

/// A panic is a fault of the program: says so in two lines and exits with 70. Journals bear a stop at any moment.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        use std::io::Write as _;
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let payload = info.payload();
        let words = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no more is known");
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "error: a fault in unbroken itself{place}: {words}");
        let _ = writeln!(
            stderr,
            "  hint: please report it; what was done is in the journal, and `unbroken run` goes on from there"
        );
        std::process::exit(i32::from(Exit::Fault.code()));
    }));
}
