//! `unbroken check`: a zone as it is served now, at every server.

mod chain;
mod findings;
mod gather;
mod inspect;
mod report;
mod seen;
mod server;
mod signers;
mod sizes;
mod text;
mod waits;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;

use super::settings::Settings;
use super::{Context, Exit, Failure, look};
use crate::dns::Name;
use crate::dnssec::Anchors;
use findings::Severity;
use gather::Asking;
use report::Report;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken check example.com\n  unbroken check shop.test --anchors anchors.ds --json\n\n\
    Exit status: 0 it holds, 1 something does not hold, 3 it cannot be told.\n\
    Every code of a finding is explained in docs/errors.md, the whole answer in docs/check.md."
)]
pub struct CheckArgs {
    /// The zone
    #[arg(value_name = "ZONE")]
    pub zone: Name,
    /// DS or DNSKEY records to trust, in presentation format [default: the settings, then the IANA root]
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// Do not ask again over TCP
    #[arg(long)]
    pub no_tcp: bool,
}

/// Looks at every server and says what holds.
///
/// # Errors
/// If the anchors cannot be read or the zone cannot be found.
pub async fn run(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings_if_any()?;
    let anchors = anchors(args, settings.as_ref())?;
    let observe = look::observe_settings(settings.as_ref());
    let observer = look::dns_observer(&observe);
    context
        .out
        .note(format!("Looking for {} from the root down …", args.zone));
    let topology = look::find(&observer, &args.zone).await?;
    let asking = Asking {
        observer: &observer,
        settings: settings.as_ref(),
        tcp: !args.no_tcp,
    };
    let looked = asking.all(topology, |words| context.out.note(words)).await;
    let rules = Rules {
        ttl_floor: u32::try_from(observe.ttl_floor.duration().as_secs()).unwrap_or(u32::MAX),
        max_ttl: settings
            .as_ref()
            .and_then(|settings| settings.zones.get(&args.zone)?.max_ttl),
    };
    let report = looked.report(&anchors, &rules, context.now());
    if context.out.json() {
        context.out.document(&report)?;
    } else {
        context.out.line(text::lines(&report, &context.out).join("\n"));
    }
    Ok(exit(&report))
}

/// What the settings say about times.
#[derive(Clone, Copy, Debug, Default)]
struct Rules {
    /// Every TTL counts as at least so much, seconds.
    ttl_floor: u32,
    /// The largest TTL of the zone's data where a person gave it, seconds.
    max_ttl: Option<u32>,
}

fn anchors(args: &CheckArgs, settings: Option<&Settings>) -> Result<Anchors, Failure> {
    if let Some(path) = &args.anchors {
        return look::read_anchors(path, &args.zone);
    }
    let zone = settings.and_then(|settings| settings.zones.get(&args.zone));
    Ok(zone.map_or_else(Anchors::iana_root, |zone| zone.anchors.clone()))
}

fn exit(report: &Report) -> Exit {
    let worst = report.findings.iter().map(|finding| finding.severity).max();
    match worst {
        Some(Severity::Broken) => Exit::Fails,
        Some(Severity::Unknown) => Exit::NotYet,
        Some(Severity::Warning | Severity::Remark) | None => Exit::Done,
    }
}
