//! A world's own team: the same drivers and the same observer as anywhere, spoken to over the lab's servers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::{LabError, World};
use crate::adapters::{
    DnsObserver, ObserverConfig, Profile, Rfc2136Config, Rfc2136Parent, Rfc2136Provider, TsigAlgorithm,
    TsigKey,
};
use crate::dns::Name;
use crate::ports::{Clock, Provider, Transport};
use crate::runner::{PartialProbes, Team};
use crate::workflow::{Begin, CdsPolicy, GateRules, Purpose, Signer, Wish};

/// The operator of the parent zone.
const REGISTRY: &str = "registry";

/// The team that moves the zone of `world`.
///
/// # Errors
/// If the world lacks a server or a key, which a world that was built does not.
pub fn team(
    world: &World,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    interval: Duration,
) -> Result<Team, LabError> {
    let observer = ObserverConfig {
        roots: world.roots().to_vec(),
        timeout: Duration::from_secs(1),
        per_server_qps: 0,
        vantage: "lab".to_owned(),
    };
    let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
    let mut name_servers = BTreeMap::new();
    for name in world.providers() {
        let config = channel(world, name, world.zone())?;
        let driver = Rfc2136Provider::new(config, transport.clone(), clock.clone());
        providers.insert(name.to_owned(), Arc::new(driver));
        name_servers.insert(name.to_owned(), world.name_servers(name));
    }
    let parent = channel(world, REGISTRY, world.parent())?;
    Ok(Team {
        zone: world.zone().clone(),
        providers,
        name_servers,
        own_addresses: BTreeMap::new(),
        parent: Arc::new(Rfc2136Parent::new(parent, transport.clone(), clock.clone())),
        observer: Arc::new(DnsObserver::new(observer, transport.clone(), clock.clone())),
        clock: clock.clone(),
        pinned: Arc::new(|_| Vec::new()),
        interval,
        probes: PartialProbes::default(),
        begin: Begin {
            program: concat!("unbroken ", env!("CARGO_PKG_VERSION")).to_owned(),
            anchors: world.anchors(),
            settings: serde_json::json!({ "lab": true }),
            vantage: "lab".to_owned(),
            by: "lab".to_owned(),
        },
    })
}

fn channel(world: &World, operator: &str, zone: &Name) -> Result<Rfc2136Config, LabError> {
    let missing = || LabError::Name(operator.to_owned());
    let secret = world.tsig(operator).ok_or_else(missing)?;
    let tsig = TsigKey::new(
        secret.name.clone(),
        TsigAlgorithm::HmacSha256,
        &SecretString::from(secret.secret.clone()),
    )
    .map_err(|_| missing())?;
    Ok(Rfc2136Config {
        name: operator.to_owned(),
        zone: zone.clone(),
        server: world.primary(operator).ok_or_else(missing)?,
        tsig,
        profile: Profile::Generic,
    })
}

/// What a lab wishes: `purpose` for the zone of `world`, which `group` signs now.
pub fn wish(world: &World, purpose: Purpose, group: &[String], rules: GateRules, soak: u64) -> Wish {
    let signers = world
        .providers()
        .map(|name| Signer {
            name: name.to_owned(),
            name_servers: world.name_servers(name).into_iter().collect(),
            max_ttl: 0,
            manual: false,
            apex_ns_fixed: false,
            signs_live: false,
        })
        .collect();
    Wish {
        zone: world.zone().clone(),
        purpose,
        group: group.to_vec(),
        signers,
        cds: CdsPolicy::Auto,
        rules,
        soak,
        sticky_bounded: false,
        resign: None,
        approve: std::collections::BTreeSet::new(),
    }
}
