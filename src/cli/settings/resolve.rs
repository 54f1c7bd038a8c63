//! From the file as written to the settings: what serde cannot see, such as that a named provider exists.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::{Place, SettingsError};
use super::file::{
    ClockTable, DriverName, File, Host, NotifyTable, ObserveTable, Occasion, ParentTable, ProbesTable,
    ProviderTable, SealTable, TsigTable, WatchTable, WebhookTable, ZoneTable,
};
use super::text::{ByReference, Located, Period};
use super::{
    NotifySettings, NtpServer, ObserveSettings, ParentSettings, ProbeSettings, ProviderDriver,
    ProviderSettings, SealSettings, Secret, Settings, TsaSettings, Tsig, WatchSettings, WebhookSettings,
    ZoneSettings, folder_of, listed,
};
use crate::adapters::{Authority, Webhook, ntp_server};
use crate::dns::{Name, Rtype};
use crate::dnssec::Anchors;
use crate::evidence::vantage::is_vantage_name;
use crate::workflow::Code;

/// A little longer than BIND waits with its defaults between two signatures of one RRset (nine days).
const RESIGN: u64 = 10 * 86_400;
/// So many NTP servers are asked each hour.
const MOST_NTP: usize = 8;

/// Reads and checks `text`.
pub(super) fn resolve(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    let source = Source { path, text };
    let file: File = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    let providers = source.providers(file.provider)?;
    let parents = source.parents(file.parent)?;
    let mut zones = BTreeMap::new();
    for (key, table) in file.zone {
        let name = Name::parse(key.get()).map_err(|error| source.error(&key, error.to_string()))?;
        let zone = source.zone(&name, table, &providers, &parents)?;
        if zones.insert(name.clone(), zone).is_some() {
            return Err(source.error(&key, format!("the zone {name} is here twice")));
        }
    }
    Ok(Settings {
        path: path.to_path_buf(),
        zones,
        providers,
        parents,
        observe: source.observe(file.observe)?,
        notify: source.notify(file.notify)?,
        seal: file.seal.map(|table| source.seal(table)).transpose()?,
        ntp: source.ntp(&file.clock)?,
        watch: source.watch(file.watch)?,
    })
}

/// The file, for saying where something stands.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place::at(self.path, self.text, span.start)
    }

    fn error<T>(&self, at: &Located<T>, what: impl Into<String>) -> SettingsError {
        SettingsError::new(self.place(at.span()), what)
    }

    fn syntax(&self, error: &toml::de::Error) -> SettingsError {
        let place = match error.span() {
            Some(span) => self.place(span),
            None => Place::whole(self.path),
        };
        // The reader's own rendering repeats the line, which may hold a secret by mistake: only its words are used.
        let words = error
            .message()
            .replace('\n', ", ")
            .replace("unknown field", "unknown key")
            .replace("missing field", "missing key")
            .replace("unknown variant", "unknown value");
        SettingsError::new(place, words)
    }

    /// A path in the file, which starts at the file's folder.
    fn path(&self, path: &Path) -> PathBuf {
        match self.path.parent() {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path.to_path_buf(),
        }
    }

    fn label(&self, key: &Located<String>) -> Result<(), SettingsError> {
        let name = key.get();
        let fits = name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
        if fits && !name.is_empty() && name.len() <= 64 {
            Ok(())
        } else {
            Err(self
                .error(key, format!("'{name}' is not a name for a provider or parent"))
                .hint("use 1 to 64 of the characters A-Z a-z 0-9 - _"))
        }
    }

    fn providers(
        &self,
        tables: BTreeMap<Located<String>, ProviderTable>,
    ) -> Result<BTreeMap<String, ProviderSettings>, SettingsError> {
        let mut servers: BTreeMap<Name, Vec<(String, Vec<SocketAddr>)>> = BTreeMap::new();
        let mut providers = BTreeMap::new();
        for (key, table) in tables {
            self.label(&key)?;
            if table.name_servers.is_empty() {
                return Err(self.error(&key, format!("provider {} has no name_servers", key.get())));
            }
            for server in &table.name_servers {
                let Host { name, addresses } = server.get();
                let own: Vec<SocketAddr> = addresses.iter().map(|address| address.0).collect();
                let taken = servers.entry(name.clone()).or_default();
                let clash = taken.iter().find(|(other, theirs)| {
                    let apart = !own.is_empty()
                        && !theirs.is_empty()
                        && own.iter().all(|address| !theirs.contains(address));
                    other == key.get() || !apart
                });
                if let Some((other, _)) = clash {
                    let text = if other == key.get() {
                        format!("the name server {name} is here twice")
                    } else {
                        format!("the name server {name} belongs to provider {other} already")
                    };
                    return Err(self.error(server, text).hint(
                        "each provider needs name servers of its own, or it cannot be told which of them a resolver asks; of a \
                         host that leads to both, say at each which addresses are its own: { name = \"HOST.\", addresses = \
                         [\"192.0.2.1\"] }",
                    ));
                }
                taken.push((key.get().clone(), own));
            }
            providers.insert(key.get().clone(), self.provider(&key, table)?);
        }
        Ok(providers)
    }

    fn provider(
        &self,
        key: &Located<String>,
        table: ProviderTable,
    ) -> Result<ProviderSettings, SettingsError> {
        let mut fields = Fields::new(self, "provider", key.get(), &table.driver);
        fields.offer("profile", &table.profile, DriverName::Rfc2136)?;
        fields.offer("server", &table.server, DriverName::Rfc2136)?;
        fields.offer("tsig", &table.tsig, DriverName::Rfc2136)?;
        fields.offer("url", &table.url, DriverName::PowerDns)?;
        fields.offer("api_key", &table.api_key, DriverName::PowerDns)?;
        fields.offer("server_id", &table.server_id, DriverName::PowerDns)?;
        fields.offer("insecure_http", &table.insecure_http, DriverName::PowerDns)?;
        let driver = match table.driver.get() {
            DriverName::Rfc2136 => ProviderDriver::Rfc2136 {
                profile: table.profile.map(Located::into_inner).unwrap_or_default(),
                server: fields.need("server", table.server)?.into_inner().0,
                tsig: self.tsig(fields.need("tsig", table.tsig)?),
            },
            DriverName::PowerDns => {
                let url = fields.need("url", table.url)?;
                let insecure = table.insecure_http.is_some_and(Located::into_inner);
                self.check_url(&url, insecure)?;
                ProviderDriver::PowerDns {
                    url: url.into_inner(),
                    api_key: self.secret(fields.need("api_key", table.api_key)?),
                    server_id: table
                        .server_id
                        .map_or_else(|| "localhost".to_owned(), Located::into_inner),
                }
            }
            DriverName::Manual => ProviderDriver::Manual,
        };
        Ok(ProviderSettings {
            own_addresses: own_addresses(&table.name_servers),
            name_servers: table
                .name_servers
                .into_iter()
                .map(|host| host.into_inner().name)
                .collect(),
            apex_ns_fixed: table.apex_ns_fixed,
            driver,
        })
    }

    fn parents(
        &self,
        tables: BTreeMap<Located<String>, ParentTable>,
    ) -> Result<BTreeMap<String, ParentSettings>, SettingsError> {
        let mut parents = BTreeMap::new();
        for (key, table) in tables {
            self.label(&key)?;
            let mut fields = Fields::new(self, "parent", key.get(), &table.driver);
            fields.offer("server", &table.server, DriverName::Rfc2136)?;
            fields.offer("tsig", &table.tsig, DriverName::Rfc2136)?;
            let parent = match table.driver.get() {
                DriverName::Rfc2136 => ParentSettings::Rfc2136 {
                    server: fields.need("server", table.server)?.into_inner().0,
                    tsig: self.tsig(fields.need("tsig", table.tsig)?),
                },
                DriverName::Manual => ParentSettings::Manual,
                DriverName::PowerDns => {
                    return Err(self
                        .error(&table.driver, "a parent's driver cannot be 'powerdns'")
                        .hint("expected `rfc2136` or `manual`"));
                }
            };
            parents.insert(key.into_inner(), parent);
        }
        Ok(parents)
    }

    fn tsig(&self, table: Located<TsigTable>) -> Tsig {
        let table = table.into_inner();
        Tsig {
            name: table.name,
            algorithm: table.algorithm,
            secret: self.secret(table.secret),
        }
    }

    fn secret(&self, source: Located<ByReference>) -> Secret {
        let place = self.place(source.span());
        Secret::new(source.into_inner().0, folder_of(self.path), place)
    }

    fn check_url(&self, at: &Located<String>, insecure: bool) -> Result<(), SettingsError> {
        let example = "expected such as https://pdns.example:8081 or http://127.0.0.1:8081";
        let url = reqwest::Url::parse(at.get()).map_err(|error| {
            self.error(at, format!("this is not a URL: {error}"))
                .hint(example)
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self
                .error(at, "a URL here holds no user name and no password")
                .hint("give the key by reference, in api_key"));
        }
        let loopback = url.host_str().is_some_and(|host| {
            host == "localhost"
                || host
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        });
        match url.scheme() {
            "https" => Ok(()),
            "http" if loopback || insecure => Ok(()),
            "http" => Err(self
                .error(
                    at,
                    "http:// to an address that is not loopback would show the API key on the way",
                )
                .hint("use https://, a tunnel to 127.0.0.1, or `insecure_http = true` if you mean it")),
            other => Err(self
                .error(at, format!("the scheme '{other}' is not known"))
                .hint(example)),
        }
    }

    fn zone(
        &self,
        zone: &Name,
        table: ZoneTable,
        providers: &BTreeMap<String, ProviderSettings>,
        parents: &BTreeMap<String, ParentSettings>,
    ) -> Result<ZoneSettings, SettingsError> {
        let mut signers: Vec<String> = Vec::new();
        for signer in table.signers {
            if !providers.contains_key(signer.get()) {
                let known = listed(providers.keys().cloned());
                return Err(self
                    .error(&signer, format!("there is no [provider.{}]", signer.get()))
                    .hint(format!("providers in this file: {known}")));
            }
            if signers.contains(signer.get()) {
                return Err(self.error(&signer, format!("the signer {} is here twice", signer.get())));
            }
            signers.push(signer.into_inner());
        }
        if !parents.contains_key(table.parent.get()) {
            let known = listed(parents.keys().cloned());
            return Err(self
                .error(
                    &table.parent,
                    format!("there is no [parent.{}]", table.parent.get()),
                )
                .hint(format!("parents in this file: {known}")));
        }
        if let Some(ttl) = table.max_ttl.as_ref().filter(|ttl| *ttl.get() > i32::MAX as u32) {
            return Err(self.error(ttl, "a TTL is at most 2147483647 seconds"));
        }
        Ok(ZoneSettings {
            signers,
            parent: table.parent.into_inner(),
            anchors: self.anchors(table.anchors.as_ref(), zone)?,
            cds: table.cds,
            soak: table.soak.unwrap_or(Period::seconds(3600)),
            resign: table.resign.unwrap_or(Period::seconds(RESIGN)),
            approve: table.approve,
            max_ttl: table.max_ttl.map(Located::into_inner),
            never_insecure: table.never_insecure,
            probes: self.probes(table.probes, zone)?,
        })
    }

    fn anchors(&self, at: Option<&Located<PathBuf>>, zone: &Name) -> Result<Anchors, SettingsError> {
        let Some(at) = at else {
            return Ok(Anchors::iana_root());
        };
        let path = self.path(at.get());
        let text = std::fs::read_to_string(&path).map_err(|error| {
            self.error(
                at,
                format!("the anchors {} cannot be read: {error}", path.display()),
            )
            .hint("a relative path starts at the folder of the settings file")
        })?;
        let anchors = Anchors::parse(&text)
            .map_err(|error| self.error(at, format!("the anchors {}: {error}", path.display())))?;
        if anchors.closest(zone).is_none() {
            return Err(self.error(
                at,
                format!("no anchor in {} is at or above {zone}", path.display()),
            ));
        }
        Ok(anchors)
    }

    fn probes(&self, table: ProbesTable, zone: &Name) -> Result<ProbeSettings, SettingsError> {
        let pair = |at: Option<Located<String>>| match at {
            None => Ok(None),
            Some(at) => {
                let (name, rtype) = self.name_and_type(&at)?;
                self.inside(&at, &name, zone).map(|()| Some((name, rtype)))
            }
        };
        let single = |at: Option<Located<Name>>| match at {
            None => Ok(None),
            Some(at) => self.inside(&at, at.get(), zone).map(|()| Some(at.into_inner())),
        };
        Ok(ProbeSettings {
            positive: pair(table.positive)?,
            no_data: pair(table.no_data)?,
            no_name: single(table.no_name)?,
            wildcard: single(table.wildcard)?,
        })
    }

    fn name_and_type(&self, at: &Located<String>) -> Result<(Name, Rtype), SettingsError> {
        let mut words = at.get().split_whitespace();
        let (Some(name), Some(rtype), None) = (words.next(), words.next(), words.next()) else {
            return Err(self.error(
                at,
                format!(
                    "expected a name and a type, such as \"www.shop.test. A\", found '{}'",
                    at.get()
                ),
            ));
        };
        let name = Name::parse(name).map_err(|error| self.error(at, error.to_string()))?;
        let rtype = rtype
            .parse::<Rtype>()
            .map_err(|error| self.error(at, error.to_string()))?;
        Ok((name, rtype))
    }

    fn inside<T>(&self, at: &Located<T>, name: &Name, zone: &Name) -> Result<(), SettingsError> {
        if name.is_at_or_below(zone) {
            Ok(())
        } else {
            Err(self.error(at, format!("{name} is not in the zone {zone}")))
        }
    }

    fn notify(&self, table: Option<Located<NotifyTable>>) -> Result<Option<NotifySettings>, SettingsError> {
        let Some(at) = table else { return Ok(None) };
        let place = self.place(at.span());
        let table = at.into_inner();
        if table.command.is_none() && table.webhook.is_none() {
            return Err(SettingsError::new(
                place,
                "[notify] needs `command` or `webhook`, or both",
            ));
        }
        if let Some(at) = table.command.as_ref().filter(|at| at.get().is_empty()) {
            return Err(self
                .error(at, "`command` names no program")
                .hint("such as [\"/usr/local/bin/page\", \"dns\"]"));
        }
        let webhook = table.webhook.map(|webhook| self.webhook(webhook)).transpose()?;
        let all = [
            Occasion::Halt,
            Occasion::Person,
            Occasion::Step,
            Occasion::End,
            Occasion::Alarm,
        ];
        Ok(Some(NotifySettings {
            on: table.on.unwrap_or(all.to_vec()).into_iter().collect(),
            command: table.command.map(Located::into_inner),
            webhook,
        }))
    }

    fn webhook(&self, table: WebhookTable) -> Result<WebhookSettings, SettingsError> {
        let url = table.url;
        let hint = "expected such as https://hooks.example/dns or http://127.0.0.1:8080/dns; a secret belongs into hmac_secret";
        Webhook::new(url.get(), None).map_err(|error| self.error(&url, error.to_string()).hint(hint))?;
        let host = reqwest::Url::parse(url.get())
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        Ok(WebhookSettings {
            url: url.into_inner(),
            host,
            hmac_secret: table.hmac_secret.map(|secret| self.secret(secret)),
        })
    }

    fn watch(&self, table: WatchTable) -> Result<WatchSettings, SettingsError> {
        let default = WatchSettings::default();
        let mut ignore = BTreeSet::new();
        if let Some(at) = &table.ignore {
            for word in at.get() {
                let code = Code::ALL.into_iter().find(|code| code.word() == word);
                ignore.insert(code.ok_or_else(|| {
                    self.error(at, format!("there is no alarm '{word}'"))
                        .hint(format!("alarms: {}", Code::ALL.map(Code::word).join(", ")))
                })?);
            }
        }
        Ok(WatchSettings {
            expires_within: table.expires_within,
            resign_within: table.resign_within,
            settle: table.settle.unwrap_or(default.settle),
            silent_for: table.silent_for.unwrap_or(default.silent_for),
            new_keys: table.new_keys,
            ignore,
        })
    }

    fn seal(&self, table: SealTable) -> Result<SealSettings, SettingsError> {
        let authority = |at: Located<String>| match Authority::new(at.get()) {
            Ok(authority) => Ok(TsaSettings {
                host: authority.host().to_owned(),
                url: at.get().clone(),
            }),
            Err(error) => Err(self.error(&at, error.to_string())),
        };
        Ok(SealSettings {
            key: self.secret(table.key),
            tsa: table.tsa.map(authority).transpose()?,
        })
    }

    fn ntp(&self, table: &ClockTable) -> Result<Vec<NtpServer>, SettingsError> {
        if let Some(more) = table.ntp.get(MOST_NTP) {
            return Err(self.error(more, format!("more than {MOST_NTP} NTP servers are not asked")));
        }
        let server = |at: &Located<String>| match ntp_server(at.get()) {
            Some((host, port)) => Ok(NtpServer { host, port }),
            None => Err(self
                .error(at, format!("'{}' is no NTP server", at.get()))
                .hint("write \"HOST\" or \"HOST:PORT\", such as \"ntp.example\" or \"[2001:db8::1]:123\"")),
        };
        table.ntp.iter().map(server).collect()
    }

    fn observe(&self, table: ObserveTable) -> Result<ObserveSettings, SettingsError> {
        let default = ObserveSettings::default();
        let positive = |at: Option<Located<Period>>, or: Period| match at {
            Some(at) if at.get().duration().is_zero() => Err(self.error(&at, "this must be longer than 0s")),
            Some(at) => Ok(at.into_inner()),
            None => Ok(or),
        };
        if let Some(at) = table.qps.as_ref().filter(|qps| *qps.get() == 0) {
            return Err(self.error(at, "this must be at least 1 question a second"));
        }
        if let Some(at) = table.vantage.as_ref().filter(|name| !is_vantage_name(name.get())) {
            return Err(self
                .error(at, format!("'{}' cannot name a place", at.get()))
                .hint("1 to 64 of the characters a-z A-Z 0-9 - _ . and no dot at first, such as fra1"));
        }
        Ok(ObserveSettings {
            vantage: table.vantage.map(Located::into_inner),
            roots: table.roots.into_iter().map(|address| address.0).collect(),
            addresses: table
                .addresses
                .into_iter()
                .map(|(from, to)| (from.0, to.0))
                .collect(),
            interval: positive(table.interval, default.interval)?,
            ttl_floor: table.ttl_floor.unwrap_or(default.ttl_floor),
            margin: table.margin.unwrap_or(default.margin),
            qps: table.qps.map_or(default.qps, Located::into_inner),
            timeout: positive(table.timeout, default.timeout)?,
        })
    }
}

/// Which addresses of which hosts are a provider's own, where it says so.
fn own_addresses(hosts: &[Located<Host>]) -> BTreeMap<Name, Vec<SocketAddr>> {
    hosts
        .iter()
        .map(Located::get)
        .filter(|host| !host.addresses.is_empty())
        .map(|host| {
            (
                host.name.clone(),
                host.addresses.iter().map(|address| address.0).collect(),
            )
        })
        .collect()
}

/// The keys of a table that belong to one driver each.
struct Fields<'a> {
    source: &'a Source<'a>,
    kind: &'static str,
    name: &'a str,
    driver: &'a Located<DriverName>,
    fitting: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn new(
        source: &'a Source<'a>,
        kind: &'static str,
        name: &'a str,
        driver: &'a Located<DriverName>,
    ) -> Self {
        Fields {
            source,
            kind,
            name,
            driver,
            fitting: Vec::new(),
        }
    }

    /// Refuses a key that is there and belongs to another driver.
    fn offer<T>(
        &mut self,
        key: &'static str,
        value: &Option<Located<T>>,
        owner: DriverName,
    ) -> Result<(), SettingsError> {
        if owner == *self.driver.get() {
            self.fitting.push(key);
            return Ok(());
        }
        match value {
            None => Ok(()),
            Some(at) => Err(self.source.error(
                at,
                format!(
                    "`{key}` belongs to driver `{}`, and [{}.{}] has driver `{}`",
                    owner.word(),
                    self.kind,
                    self.name,
                    self.driver.get().word()
                ),
            )),
        }
    }

    /// Insists on a key.
    fn need<T>(&self, key: &'static str, value: Option<T>) -> Result<T, SettingsError> {
        value.ok_or_else(|| {
            self.source
                .error(
                    self.driver,
                    format!(
                        "driver `{}` needs `{key}` in [{}.{}]",
                        self.driver.get().word(),
                        self.kind,
                        self.name
                    ),
                )
                .hint(format!("its keys: {}", self.fitting.join(", ")))
        })
    }
}
