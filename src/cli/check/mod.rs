//! `unbroken check`: a zone as it is served now, at every server.

mod findings;
mod inspect;
mod seen;
mod text;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::settings::Settings;
use super::{Context, Exit, Failure, look};
use crate::dns::Name;
use crate::dnssec::Anchors;
use crate::evidence::{Blobs, Observation};
use crate::ports::{NameServer, Observer, SweepRequest, Topology};
use findings::Severity;
use inspect::Report;
use seen::Answers;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken check example.com\n  unbroken check shop.test --anchors anchors.ds --json\n\n\
    Exit status: 0 it holds, 1 something does not hold, 3 it cannot be told."
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
    let observer = look::observer(&look::observe_settings(settings.as_ref()));
    context
        .out
        .note(format!("Looking for {} from the root down …", args.zone));
    let topology = look::find(observer.as_ref(), &args.zone).await?;
    let looked = look_around(
        observer.as_ref(),
        settings.as_ref(),
        topology,
        !args.no_tcp,
        context,
    )
    .await;
    let answers = Answers::new(&looked.observations, &looked.blobs);
    let mut report = Report::inspect(&looked.request.topology, &answers, &anchors, context.now());
    report.blind = looked.blind;
    report.findings = findings::find(&report, &looked.request.topology);
    if context.out.json() {
        context.out.document(&report)?;
    } else {
        text::print(&report, context);
    }
    Ok(exit(&report))
}

/// What a look at everything gave.
struct Looked {
    request: SweepRequest,
    observations: Vec<Observation>,
    blobs: Blobs,
    blind: Vec<crate::evidence::BlindSpot>,
}

/// Asks all servers that parent, settings and the zone's own NS RRset name.
async fn look_around(
    observer: &dyn Observer,
    settings: Option<&Settings>,
    topology: Topology,
    tcp: bool,
    context: &Context,
) -> Looked {
    let request = look::request(observer, settings, topology, false).await;
    let servers: usize = request.providers.values().map(Vec::len).sum();
    context
        .out
        .note(format!("Asking {servers} name servers and the parent's …"));
    let first = observer.sweep(&request).await;
    let mut looked = Looked {
        observations: first.sweep.observations,
        blobs: first.blobs,
        blind: first.sweep.blind,
        request,
    };
    let more = only_at_the_apex(observer, &looked).await;
    if !more.is_empty() {
        let names: Vec<&str> = more.keys().map(String::as_str).collect();
        context
            .out
            .note(format!("And {}, which only the zone names …", names.join(", ")));
        let mut request = narrow(&looked.request);
        request.providers = more;
        looked.add(observer, &request).await;
        looked.request.providers.extend(request.providers);
    }
    if tcp {
        context.out.note("And all of them over TCP …");
        let mut request = narrow(&looked.request);
        request.providers = looked.request.providers.clone();
        request.topology.parent_servers = looked.request.topology.parent_servers.clone();
        request.tcp = true;
        looked.add(observer, &request).await;
    }
    looked
}

impl Looked {
    async fn add(&mut self, observer: &dyn Observer, request: &SweepRequest) {
        let more = observer.sweep(request).await;
        self.observations.extend(more.sweep.observations);
        self.blobs.extend(more.blobs);
        for spot in more.sweep.blind {
            if !self.blind.contains(&spot) {
                self.blind.push(spot);
            }
        }
    }
}

/// A request that asks neither the parent nor the zones above.
fn narrow(request: &SweepRequest) -> SweepRequest {
    let mut narrow = request.clone();
    narrow.topology.parent_servers.clear();
    narrow.ancestors = false;
    narrow
}

/// Servers that an apex NS RRset names and the delegation does not.
async fn only_at_the_apex(
    observer: &dyn Observer,
    looked: &Looked,
) -> std::collections::BTreeMap<String, Vec<NameServer>> {
    let zone = &looked.request.topology.zone;
    let known: BTreeSet<&Name> = looked
        .request
        .providers
        .values()
        .flatten()
        .map(|server| &server.name)
        .collect();
    let answers = Answers::new(&looked.observations, &looked.blobs);
    let mut more = std::collections::BTreeMap::new();
    for name in answers.apex_ns(zone) {
        if known.contains(&name) {
            continue;
        }
        let server = observer.addresses(&name).await.unwrap_or_else(|_| NameServer {
            name: name.clone(),
            addresses: Vec::new(),
            address_ttl: 0,
        });
        more.insert(name.to_string(), vec![server]);
    }
    more
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
