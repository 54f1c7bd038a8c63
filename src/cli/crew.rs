//! From settings to everybody that a run works with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::SecretString;

use super::approve::whoami;
use super::settings::{
    CdsPolicy as CdsSetting, ParentSettings, ProviderDriver, Settings, Tsig, ZoneSettings,
};
use super::{Exit, Failure, look};
use crate::adapters::journal::host_name;
use crate::adapters::{
    ManualParent, ManualProvider, NetTransport, PowerDnsConfig, PowerDnsProvider, Profile, Rfc2136Config,
    Rfc2136Parent, Rfc2136Provider, SystemClock, Transfer, TsigKey,
};
use crate::dns::Name;
use crate::ports::{Clock, Parent, Provider, Transport};
use crate::runner::{PartialProbes, Pins, Team};
use crate::workflow::{Begin, CdsPolicy, GateRules, Purpose, Signer, Wish};

/// How long a change may stay unseen after it was accepted before it is tried again, in intervals.
const PATIENCE: u64 = 5;

/// The secrets of all drivers, read.
pub(super) struct Secrets {
    providers: BTreeMap<String, Held>,
    parent: Option<TsigKey>,
}

enum Held {
    Key(TsigKey),
    ApiKey(SecretString),
    Nothing,
}

impl Secrets {
    /// Reads those of every provider in the settings and of the zone's parent. Nothing is asked of the network.
    ///
    /// # Errors
    /// If the zone is not in the settings, or a secret cannot be read.
    pub(super) async fn read(settings: &Settings, zone: &Name) -> Result<Secrets, Failure> {
        let mut providers = BTreeMap::new();
        for (name, provider) in &settings.providers {
            providers.insert(name.clone(), held(&provider.driver).await?);
        }
        let parent = match settings.parent_of(zone)?.1 {
            ParentSettings::Rfc2136 { tsig, .. } => Some(key(tsig).await?),
            ParentSettings::Manual => None,
        };
        Ok(Secrets { providers, parent })
    }
}

impl Secrets {
    /// Reads those of these providers alone, for whoever only reads.
    ///
    /// # Errors
    /// If one is not in the settings, or its secret cannot be read.
    pub(super) async fn of(settings: &Settings, names: &[String]) -> Result<Secrets, Failure> {
        let mut providers = BTreeMap::new();
        for name in names {
            providers.insert(name.clone(), held(&settings.provider(name)?.driver).await?);
        }
        Ok(Secrets {
            providers,
            parent: None,
        })
    }
}

/// The drivers of these providers.
///
/// # Errors
/// If one is not in the settings, or refuses its settings.
pub(super) fn drivers(
    settings: &Settings,
    zone: &Name,
    names: &[String],
    secrets: &mut Secrets,
) -> Result<BTreeMap<String, Arc<dyn Provider>>, Failure> {
    let transport: Arc<dyn Transport> = Arc::new(NetTransport::new(settings.observe.addresses.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut out = BTreeMap::new();
    for name in names {
        let held = secrets.providers.remove(name).unwrap_or(Held::Nothing);
        let provider = settings.provider(name)?;
        out.insert(
            name.clone(),
            driver(name, zone, &provider.driver, held, &transport, &clock)?,
        );
    }
    Ok(out)
}

/// The names to ask for that the settings give.
pub(super) fn probes(zone: &ZoneSettings) -> PartialProbes {
    PartialProbes {
        positive: zone.probes.positive.clone(),
        no_data: zone.probes.no_data.clone(),
        no_name: zone.probes.no_name.clone(),
        wildcard: zone.probes.wildcard.clone(),
    }
}

/// How a provider's copy of a zone is read.
pub(super) enum Reach {
    /// Transferred.
    Transfer(Transfer),
    /// As the driver gives it.
    Driver(Arc<dyn Provider>),
}

/// How the copy of `zone` at a provider of the settings is read; its secret is read, and nothing is asked of the network.
///
/// # Errors
/// If there is no such provider, or its secret cannot be read.
pub(super) async fn reach(settings: &Settings, name: &str, zone: &Name) -> Result<Reach, Failure> {
    let provider = settings.provider(name)?;
    let held = held(&provider.driver).await?;
    if let (ProviderDriver::Rfc2136 { server, .. }, Held::Key(tsig)) = (&provider.driver, &held) {
        return Ok(Reach::Transfer(Transfer {
            server: *server,
            zone: zone.clone(),
            tsig: Some(tsig.clone()),
        }));
    }
    let transport: Arc<dyn Transport> = Arc::new(NetTransport::new(settings.observe.addresses.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    driver(name, zone, &provider.driver, held, &transport, &clock).map(Reach::Driver)
}

async fn held(driver: &ProviderDriver) -> Result<Held, Failure> {
    Ok(match driver {
        ProviderDriver::Rfc2136 { tsig, .. } => Held::Key(key(tsig).await?),
        ProviderDriver::PowerDns { api_key, .. } => Held::ApiKey(api_key.read().await?),
        ProviderDriver::Manual => Held::Nothing,
    })
}

/// Builds the drivers of every provider in the settings and of the zone's parent.
///
/// # Errors
/// If the zone is not in the settings or not delegated, or a driver refuses its settings.
pub(super) async fn crew(settings: &Settings, zone: &Name, mut secrets: Secrets) -> Result<Team, Failure> {
    let wanted = settings.zone(zone)?;
    let observe = &settings.observe;
    let transport: Arc<dyn Transport> = Arc::new(NetTransport::new(observe.addresses.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
    let mut name_servers = BTreeMap::new();
    let mut own_addresses = BTreeMap::new();
    for (name, provider) in &settings.providers {
        let held = secrets.providers.remove(name).unwrap_or(Held::Nothing);
        let driver = driver(name, zone, &provider.driver, held, &transport, &clock)?;
        providers.insert(name.clone(), driver);
        name_servers.insert(name.clone(), provider.name_servers.clone());
        own_addresses.insert(name.clone(), provider.own_addresses.clone());
        // A file that does not read is told of before anything begins.
        settings.pinned(zone, name)?;
    }
    let (parent_name, parent_settings) = settings.parent_of(zone)?;
    let observer = look::observer(observe);
    let parent = parent(
        parent_name,
        parent_settings,
        secrets.parent,
        zone,
        &*observer,
        &transport,
        &clock,
    )
    .await?;
    Ok(Team {
        zone: zone.clone(),
        providers,
        name_servers,
        own_addresses,
        parent,
        observer,
        clock,
        pinned: pins(settings, zone),
        interval: observe.interval.duration(),
        probes: probes(wanted),
        begin: begin(settings, wanted),
    })
}

fn begin(settings: &Settings, zone: &ZoneSettings) -> Begin {
    Begin {
        program: concat!("unbroken ", env!("CARGO_PKG_VERSION")).to_owned(),
        anchors: zone.anchors.to_string(),
        settings: settings.redacted(),
        vantage: vantage(Some(settings)),
        by: whoami(),
    }
}

/// From where this process looks.
pub(super) fn vantage(settings: Option<&Settings>) -> String {
    let named = settings.and_then(|settings| settings.observe.vantage.clone());
    named.unwrap_or_else(host_name)
}

fn driver(
    name: &str,
    zone: &Name,
    driver: &ProviderDriver,
    held: Held,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, Failure> {
    Ok(match (driver, held) {
        (ProviderDriver::Rfc2136 { profile, server, .. }, Held::Key(tsig)) => {
            let config = Rfc2136Config {
                name: name.to_owned(),
                zone: zone.clone(),
                server: *server,
                tsig,
                profile: *profile,
            };
            Arc::new(Rfc2136Provider::new(config, transport.clone(), clock.clone()))
        }
        (ProviderDriver::PowerDns { url, server_id, .. }, Held::ApiKey(api_key)) => {
            let config = PowerDnsConfig {
                name: name.to_owned(),
                zone: zone.clone(),
                url: url.clone(),
                server_id: server_id.clone(),
                api_key,
                // The settings were refused already if plain http would leave this machine without leave.
                insecure_http: true,
            };
            Arc::new(PowerDnsProvider::new(config).map_err(|error| Failure::usage(error.to_string()))?)
        }
        (ProviderDriver::Manual, _) => Arc::new(ManualProvider::new(name, zone.clone())),
        _ => {
            return Err(Failure::new(
                Exit::Fault,
                format!("the secret of {name} was not read"),
            ));
        }
    })
}

async fn parent(
    name: &str,
    settings: &ParentSettings,
    held: Option<TsigKey>,
    zone: &Name,
    observer: &dyn crate::ports::Observer,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Parent>, Failure> {
    Ok(match (settings, held) {
        (ParentSettings::Rfc2136 { server, .. }, Some(tsig)) => {
            let found = observer.find(zone).await.map_err(|why| {
                Failure::refused(why).hint("check `observe.roots`, and that the zone is delegated")
            })?;
            let config = Rfc2136Config {
                name: name.to_owned(),
                zone: found.parent,
                server: *server,
                tsig,
                profile: Profile::Generic,
            };
            Arc::new(Rfc2136Parent::new(config, transport.clone(), clock.clone()))
        }
        (ParentSettings::Manual, _) => Arc::new(ManualParent::new(name)),
        _ => {
            return Err(Failure::new(
                Exit::Fault,
                format!("the secret of {name} was not read"),
            ));
        }
    })
}

async fn key(tsig: &Tsig) -> Result<TsigKey, Failure> {
    let secret = tsig.secret.read().await?;
    TsigKey::new(tsig.name.clone(), tsig.algorithm, &secret)
        .map_err(|error| Failure::usage(error.to_string()))
}

/// The keys in the pinned files as they are when asked for; a file that does not read pins nothing.
fn pins(settings: &Settings, zone: &Name) -> Pins {
    let (settings, zone) = (settings.clone(), zone.clone());
    Arc::new(move |provider| match settings.pinned(&zone, provider) {
        Ok(Some(pinned)) => pinned.keys.into_iter().collect(),
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::warn!("the pinned keys of {provider} are not read: {error}");
            Vec::new()
        }
    })
}

/// What is wished for, from the settings and the command line.
pub(super) fn wish(
    settings: &Settings,
    zone: &Name,
    purpose: Purpose,
    sticky_bounded: bool,
) -> Result<Wish, Failure> {
    let wanted = settings.zone(zone)?;
    for name in named(&purpose) {
        settings.provider(name)?;
    }
    let observe = &settings.observe;
    let seconds = |span: std::time::Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    let interval = observe.interval.duration().as_secs().max(1);
    let signers = settings
        .providers
        .iter()
        .map(|(name, provider)| Signer {
            name: name.clone(),
            name_servers: provider.name_servers.iter().cloned().collect::<BTreeSet<_>>(),
            max_ttl: wanted.max_ttl.unwrap_or(0),
            manual: matches!(provider.driver, ProviderDriver::Manual),
            apex_ns_fixed: provider.apex_ns_fixed,
            signs_live: matches!(provider.driver, ProviderDriver::PowerDns { .. }),
        })
        .collect();
    Ok(Wish {
        zone: zone.clone(),
        purpose,
        group: wanted.signers.clone(),
        signers,
        cds: match wanted.cds {
            CdsSetting::Auto => CdsPolicy::Auto,
            CdsSetting::Union => CdsPolicy::Union,
            CdsSetting::None => CdsPolicy::None,
        },
        rules: GateRules {
            ttl_floor: seconds(observe.ttl_floor.duration()),
            margin: seconds(observe.margin.duration()),
            stale: 0,
            patience: u32::try_from((interval * PATIENCE).max(10)).unwrap_or(u32::MAX),
        },
        soak: wanted.soak.duration().as_secs(),
        sticky_bounded,
        resign: Some(wanted.resign.duration().as_secs()).filter(|seconds| *seconds > 0),
        approve: wanted.approve.iter().map(|kind| kind.word().to_owned()).collect(),
    })
}

fn named(purpose: &Purpose) -> Vec<&str> {
    match purpose {
        Purpose::Join { signer } | Purpose::Leave { signer } => vec![signer],
        Purpose::Migrate { from, to } | Purpose::Fallback { from, to } => vec![from, to],
    }
}
