//! What commands that look at a zone have in common: the observer, whom to ask, and what for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::Failure;
use super::settings::{ObserveSettings, Settings};
use crate::adapters::{DnsObserver, NetTransport, ObserverConfig, SystemClock};
use crate::dns::{Name, Rtype};
use crate::dnssec::Anchors;
use crate::evidence::{BlindSpot, Place};
use crate::ports::{NameServer, Observer, ProbeNames, SweepRequest, Topology};

/// How to look: from the settings, or the defaults.
pub(super) fn observe_settings(settings: Option<&Settings>) -> ObserveSettings {
    settings
        .map(|settings| settings.observe.clone())
        .unwrap_or_default()
}

/// The observer that the settings describe.
pub(super) fn observer(settings: &ObserveSettings) -> Arc<dyn Observer> {
    Arc::new(dns_observer(settings))
}

/// The same by its type.
pub(super) fn dns_observer(settings: &ObserveSettings) -> DnsObserver {
    let config = ObserverConfig {
        roots: settings.roots.clone(),
        timeout: settings.timeout.duration(),
        per_server_qps: settings.qps,
        ..ObserverConfig::default()
    };
    let transport = Arc::new(NetTransport::new(settings.addresses.clone()));
    DnsObserver::new(config, transport, Arc::new(SystemClock))
}

/// How long the way down from the root may take.
const FIND_WITHIN: Duration = Duration::from_secs(45);

/// Where the zone hangs.
pub(super) async fn find(observer: &dyn Observer, zone: &Name) -> Result<Topology, Failure> {
    match tokio::time::timeout(FIND_WITHIN, observer.find(zone)).await {
        Ok(found) => found.map_err(Failure::refused),
        Err(_) => Err(Failure::refused(format!(
            "{zone} was not found within {} s",
            FIND_WITHIN.as_secs()
        ))
        .hint("check that DNS over UDP and TCP gets out from here, or name other servers to begin at: [observe] roots")),
    }
}

/// A sweep over the parent, the signers that the settings know, and every other server of the delegation (each of which
/// stands as a provider of its own, under its host name).
pub(super) async fn request(
    observer: &dyn Observer,
    settings: Option<&Settings>,
    mut topology: Topology,
    tcp: bool,
) -> SweepRequest {
    let zone = topology.zone.clone();
    let known = settings.and_then(|settings| settings.zones.get(&zone).map(|zone| (settings, zone)));
    let mut providers: BTreeMap<String, Vec<NameServer>> = BTreeMap::new();
    if let Some((settings, zone)) = known {
        for signer in &zone.signers {
            let provider = settings.providers.get(signer);
            let names = provider
                .map(|provider| provider.name_servers.as_slice())
                .unwrap_or_default();
            let found = join_all(names.iter().map(|name| server(observer, &topology, name))).await;
            for (name, found) in names.iter().zip(found) {
                match found {
                    Ok(mut server) => {
                        if let Some(own) = provider.and_then(|provider| provider.own_addresses.get(name)) {
                            server.addresses.clone_from(own);
                        }
                        providers.entry(signer.clone()).or_default().push(server);
                    }
                    Err(why) => topology.blind.push(BlindSpot {
                        place: Place::Provider(signer.clone()),
                        server: name.clone(),
                        address: None,
                        why,
                    }),
                }
            }
        }
    }
    let claimed: Vec<NameServer> = providers.values().flatten().cloned().collect();
    for server in &topology.delegated {
        let own: Vec<&NameServer> = claimed.iter().filter(|own| own.name == server.name).collect();
        let mut rest = server.clone();
        rest.addresses
            .retain(|address| !own.iter().any(|own| own.addresses.contains(address)));
        // What nobody claims is asked too.
        if own.is_empty() || !rest.addresses.is_empty() {
            providers.insert(server.name.to_string(), vec![rest]);
        }
    }
    let probes = probes(&zone, known.map(|(_, zone)| &zone.probes));
    SweepRequest {
        topology,
        providers,
        probes,
        ancestors: true,
        tcp,
    }
}

/// Reads DS or DNSKEY records to trust.
///
/// # Errors
/// If the file cannot be read, is none of these, or trusts nothing at or above `zone`.
pub(super) fn read_anchors(path: &Path, zone: &Name) -> Result<Anchors, Failure> {
    let fail = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let anchors = Anchors::parse(&text).map_err(|error| {
        fail(error.to_string()).hint("expected DS or DNSKEY records in presentation format, one a line")
    })?;
    if anchors.closest(zone).is_none() {
        return Err(fail(format!("no anchor in it is at or above {zone}")));
    }
    Ok(anchors)
}

/// A server's addresses: those of the delegation if it is in it, else by walking.
pub(super) async fn server(
    observer: &dyn Observer,
    topology: &Topology,
    name: &Name,
) -> Result<NameServer, String> {
    match topology.delegated.iter().find(|server| server.name == *name) {
        Some(server) if !server.addresses.is_empty() => Ok(server.clone()),
        _ => observer.addresses(name).await,
    }
}

/// The names to ask for, those that a person gave first.
fn probes(zone: &Name, given: Option<&super::settings::ProbeSettings>) -> ProbeNames {
    /// LOC: a type that hardly any apex has.
    const RARE: Rtype = Rtype(29);
    let given = given.cloned().unwrap_or_default();
    ProbeNames {
        positive: given.positive,
        no_data: given.no_data.unwrap_or_else(|| (zone.clone(), RARE)),
        no_name: given.no_name.unwrap_or_else(|| {
            zone.prepend(b"unbroken-no-such-name")
                .unwrap_or_else(|_| zone.clone())
        }),
        wildcard: given.wildcard,
    }
}
