//! PowerDNS Authoritative Server over its HTTP API.
//!
//! Foreign keys are ordinary records at the apex; the server adds its own. It serves them only with `direct-dnskey=yes`,
//! and answers 204 without it too: only an observation tells. Private keys are never fetched: of the key resources only
//! the list is asked for, which holds public parts.

mod api;
mod kept;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, redirect};
use secrecy::{ExposeSecret, SecretString};

use self::api::{
    ApiRecord, ApiRrset, CryptoKey, Zone, chain, check_url, class_of, is_loopback, patch, words, zone_id,
};
use self::kept::{Keep, kept};
use super::inventory::Tally;
use crate::adapters::redact::Redactor;
use crate::dns::{Name, Record, Rtype, parse_records};
use crate::evidence::{Exchange, Trace};
use crate::ports::{
    Applied, AuthenticRead, Capabilities, DriverError, FailureClass, Inventory, Provider, RrsetChange,
};
use crate::zone::Sink;

/// How long a connection may take, and how long the server may then keep silent (a large zone may take longer in all).
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest body that is read, octets (a zone of some hundred thousand records).
const LARGEST_BODY: usize = 128 * 1024 * 1024;

/// The settings of a PowerDNS server.
#[derive(Clone, Debug)]
pub struct PowerDnsConfig {
    /// The name in the settings.
    pub name: String,
    /// The zone.
    pub zone: Name,
    /// Where the API is, without `/api/v1`.
    pub url: String,
    /// The server's id in the API, nearly always `localhost`.
    pub server_id: String,
    /// The API key.
    pub api_key: SecretString,
    /// Plain HTTP is allowed to other machines too.
    pub insecure_http: bool,
}

/// Why the settings of a PowerDNS server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PowerDnsConfigError {
    /// No URL.
    #[error(
        "provider {name}: '{url}' is not a URL of a PowerDNS API (expected for example https://dns.example:8081): {reason}"
    )]
    Url {
        /// The provider.
        name: String,
        /// The text.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Plain HTTP to another machine.
    #[error(
        "provider {name}: {host} would get the API key over plain http; use https, a tunnel to 127.0.0.1, or set insecure_http = true"
    )]
    PlainHttp {
        /// The provider.
        name: String,
        /// The host.
        host: String,
    },
    /// The API key cannot be sent.
    #[error("provider {0}: the API key holds characters that cannot stand in an HTTP header")]
    Key(String),
    /// The HTTP client.
    #[error("provider {name}: {reason}")]
    Client {
        /// The provider.
        name: String,
        /// The library's words.
        reason: String,
    },
}

/// A provider behind the PowerDNS API.
pub struct PowerDnsProvider {
    name: String,
    zone: Name,
    base: String,
    authentic: Option<&'static str>,
    client: Client,
    redactor: Redactor,
}

/// What is asked of the API.
struct Request<'a> {
    method: Method,
    /// Below the zone's resource.
    path: &'a str,
    body: Option<&'a serde_json::Value>,
}

impl fmt::Debug for PowerDnsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PowerDnsProvider({} {})", self.name, self.base)
    }
}

impl PowerDnsProvider {
    /// The provider of `config`.
    ///
    /// # Errors
    /// If the URL is none, would send the key in the clear to another machine, or the key cannot be sent.
    pub fn new(config: PowerDnsConfig) -> Result<PowerDnsProvider, PowerDnsConfigError> {
        let (url, authentic) = check_url(&config)?;
        // Does nothing where a provider is installed already, as the binary does first of all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut key = HeaderValue::from_str(config.api_key.expose_secret())
            .map_err(|_| PowerDnsConfigError::Key(config.name.clone()))?;
        key.set_sensitive(true);
        let mut builder = Client::builder()
            .default_headers(HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static("x-api-key"),
                key,
            )]))
            .redirect(redirect::Policy::none())
            .connect_timeout(TIMEOUT)
            .read_timeout(TIMEOUT);
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| PowerDnsConfigError::Client {
            name: config.name.clone(),
            reason: error.to_string(),
        })?;
        let base = format!(
            "{}/api/v1/servers/{}/zones/{}",
            url.as_str().trim_end_matches('/'),
            config.server_id,
            zone_id(&config.zone)
        );
        Ok(PowerDnsProvider {
            name: config.name,
            zone: config.zone,
            base,
            authentic,
            client,
            redactor: Redactor::new([&config.api_key]),
        })
    }

    fn error(&self, what: &str, class: FailureClass, said: &str) -> DriverError {
        DriverError {
            who: self.name.clone(),
            what: what.to_owned(),
            said: self.redactor.clean(said),
            class,
        }
    }

    /// One call. Of a failure the server's own words are kept; of the bodies `trace` gets what `keep` says.
    async fn call(
        &self,
        what: &str,
        request: Request<'_>,
        keep: Keep,
        trace: &mut Trace,
    ) -> Result<Vec<u8>, DriverError> {
        let mut exchange = Exchange {
            with: self
                .redactor
                .redact(&format!("{} {}{}", request.method, self.base, request.path)),
            sent: request.body.and_then(|body| {
                let octets = body.to_string();
                kept(octets.as_bytes(), Keep::All, &self.zone, &self.redactor, trace)
            }),
            status: None,
            received: None,
            said: None,
        };
        let answer = self.answer(what, request, &mut exchange).await;
        match &answer {
            Ok(octets) | Err((_, Some(octets))) => {
                exchange.received = kept(octets, keep, &self.zone, &self.redactor, trace);
                if exchange.received.is_none() && !octets.is_empty() {
                    exchange.said = Some(format!("{} octets, not kept", octets.len()));
                }
            }
            Err((error, None)) => exchange.said = Some(error.said.clone()),
        }
        trace.exchanges.push(exchange);
        answer.map_err(|(error, _)| error)
    }

    /// The body of a success; of a failure the body too, if there was one.
    async fn answer(
        &self,
        what: &str,
        request: Request<'_>,
        exchange: &mut Exchange,
    ) -> Result<Vec<u8>, (DriverError, Option<Vec<u8>>)> {
        let Request { method, path, body } = request;
        let writes = method != Method::GET;
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let lost = |error: reqwest::Error| {
            let class = if writes && !error.is_connect() {
                FailureClass::Unknown
            } else {
                FailureClass::Transient
            };
            (self.error(what, class, &chain(&error.without_url())), None)
        };
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        exchange.status = Some(status.as_u16());
        let mut octets = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if octets.len() + chunk.len() > LARGEST_BODY {
                let said = format!("the answer is larger than {LARGEST_BODY} octets");
                return Err((self.error(what, FailureClass::Unsupported, &said), None));
            }
            octets.extend_from_slice(&chunk);
        }
        if status.is_success() {
            Ok(octets)
        } else {
            let error = self.error(what, class_of(status, writes), &words(status, &octets));
            Err((error, Some(octets)))
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        keep: Keep,
        trace: &mut Trace,
    ) -> Result<T, DriverError> {
        let request = Request {
            method: Method::GET,
            path,
            body: None,
        };
        let octets = self.call(what, request, keep, trace).await?;
        serde_json::from_slice(&octets).map_err(|error| {
            let said = format!("not the JSON of this API: {error}");
            self.error(what, FailureClass::Refused, &said)
        })
    }

    /// The server's own published keys.
    async fn own_keys(&self, what: &str, trace: &mut Trace) -> Result<Vec<CryptoKey>, DriverError> {
        let keys: Vec<CryptoKey> = self.get(what, "/cryptokeys", Keep::All, trace).await?;
        Ok(keys.into_iter().filter(|key| key.published).collect())
    }

    /// What is stored of an RRset at the apex.
    async fn stored(&self, what: &str, rtype: Rtype, trace: &mut Trace) -> Result<Vec<Record>, DriverError> {
        // Servers that know these parameters answer with this RRset only; older ones with the whole zone.
        let path = format!("?rrset_name={}&rrset_type={rtype}", zone_id(&self.zone));
        let zone: Zone = self.get(what, &path, Keep::ApexRrset(rtype), trace).await?;
        let mut out = Vec::new();
        for rrset in zone.rrsets.iter().filter(|rrset| rrset.kind == rtype.to_string()) {
            out.extend(
                self.records(what, rrset)?
                    .into_iter()
                    .filter(|record| record.name == self.zone),
            );
        }
        Ok(out)
    }

    fn records(&self, what: &str, rrset: &ApiRrset) -> Result<Vec<Record>, DriverError> {
        let mut out = Vec::new();
        for record in rrset.records.iter().filter(|record| !record.disabled) {
            let line = format!(
                "{} {} IN {} {}",
                rrset.name, rrset.ttl, rrset.kind, record.content
            );
            let parsed = parse_records(&line, &self.zone, rrset.ttl).map_err(|error| {
                let said = format!("'{line}' does not parse: {}", error.reason);
                self.error(what, FailureClass::Refused, &said)
            })?;
            out.extend(parsed);
        }
        Ok(out)
    }

    fn own_records(&self, what: &str, keys: &[CryptoKey], rtype: Rtype) -> Result<Vec<Record>, DriverError> {
        let contents: Vec<&str> = match rtype {
            Rtype::DNSKEY => keys.iter().map(|key| key.dnskey.as_str()).collect(),
            Rtype::CDS => keys.iter().flat_map(|key| &key.cds).map(String::as_str).collect(),
            _ => Vec::new(),
        };
        let rrset = ApiRrset {
            name: self.zone.to_string(),
            kind: rtype.to_string(),
            ttl: 0,
            records: contents
                .into_iter()
                .map(|content| ApiRecord {
                    content: content.to_owned(),
                    disabled: false,
                })
                .collect(),
        };
        self.records(what, &rrset)
    }

    /// What has to be stored so that the change is made, own keys left out.
    fn wanted(
        &self,
        what: &str,
        change: &RrsetChange,
        stored: &[Record],
        own: &[Record],
    ) -> Result<BTreeSet<Vec<u8>>, DriverError> {
        let octets = |records: &[Record]| -> BTreeSet<Vec<u8>> {
            records.iter().map(|record| record.rdata.clone()).collect()
        };
        let (own, removed) = (octets(own), octets(&change.remove));
        if removed.iter().any(|rdata| own.contains(rdata)) {
            let said = match change.rtype {
                Rtype::CDS => {
                    "one of the CDS to remove is the server's own: it goes with the metadata PUBLISH-CDS or the setting default-publish-cds"
                }
                _ => {
                    "one of the keys to remove is the server's own: only its own key management can remove it"
                }
            };
            return Err(self.error(what, FailureClass::Unsupported, said));
        }
        let mut wanted = octets(stored);
        wanted.retain(|rdata| !removed.contains(rdata));
        wanted.extend(octets(&change.add));
        // Of CDNSKEY the API does not tell which are the server's own; one that is listed twice is served once.
        wanted.retain(|rdata| !own.contains(rdata));
        Ok(wanted)
    }
}

#[async_trait]
impl Provider for PowerDnsProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            foreign_keys: true,
            apex_ns: true,
            authentic_read: self.authentic.is_some(),
            inventory: true,
            manual: false,
        }
    }

    /// For DNSKEY and CDS, the server's own published ones and what is stored; for other types what is stored.
    async fn read(&self, rtype: Rtype, trace: &mut Trace) -> Result<AuthenticRead, DriverError> {
        let what = format!("read of {} {rtype}", self.zone);
        let Some(authentic) = self.authentic else {
            let said =
                "plain http to another machine proves nothing about who answered; keys have to be pinned";
            return Err(self.error(&what, FailureClass::Unsupported, said));
        };
        let mut records = match rtype {
            Rtype::DNSKEY | Rtype::CDS => {
                let keys = self.own_keys(&what, trace).await?;
                self.own_records(&what, &keys, rtype)?
            }
            _ => Vec::new(),
        };
        for record in self.stored(&what, rtype, trace).await? {
            if !records.iter().any(|own| own.rdata == record.rdata) {
                records.push(record);
            }
        }
        Ok(AuthenticRead {
            records,
            channel: format!("PowerDNS API {}, {}", self.base, authentic),
        })
    }

    async fn inventory(&self) -> Result<Inventory, DriverError> {
        let what = format!("inventory of {}", self.zone);
        let zone: Zone = self.get(&what, "", Keep::Nothing, &mut Trace::default()).await?;
        let mut tally = Tally::new(self.zone.clone());
        for rrset in &zone.rrsets {
            // Types of PowerDNS's own (ALIAS, LUA) are no records that are served; their TTL counts all the same.
            match self.records(&what, rrset) {
                Ok(records) => records.iter().for_each(|record| tally.add(record)),
                Err(_) => tally.unreadable(rrset.ttl),
            }
        }
        Ok(tally.finish())
    }

    async fn contents(&self, sink: &mut (dyn Sink + Send)) -> Result<(), DriverError> {
        let what = format!("contents of {}", self.zone);
        let zone: Zone = self.get(&what, "", Keep::Nothing, &mut Trace::default()).await?;
        for rrset in &zone.rrsets {
            match self.records(&what, rrset) {
                Ok(records) => records.iter().for_each(|record| sink.add(record)),
                // Types of PowerDNS's own: what is served in their place is not to be had here.
                Err(_) => sink.unreadable(format!("{} {}", rrset.name, rrset.kind)),
            }
        }
        Ok(())
    }

    /// Reads, writes the whole RRset, and reads again: the API knows no condition, so that another writer in between is
    /// seen only afterwards.
    async fn change(&self, change: &RrsetChange, trace: &mut Trace) -> Result<Applied, DriverError> {
        let what = format!("change of {} {}", change.name, change.rtype);
        if change.name != self.zone {
            let said = format!("only RRsets at the apex {} are changed here", self.zone);
            return Err(self.error(&what, FailureClass::Unsupported, &said));
        }
        let stored = self.stored(&what, change.rtype, trace).await?;
        let own = match change.rtype {
            Rtype::DNSKEY | Rtype::CDS => {
                let keys = self.own_keys(&what, trace).await?;
                self.own_records(&what, &keys, change.rtype)?
            }
            _ => Vec::new(),
        };
        let wanted = self.wanted(&what, change, &stored, &own)?;
        let before: BTreeSet<Vec<u8>> = stored.iter().map(|record| record.rdata.clone()).collect();
        let same_ttl = stored.iter().all(|record| record.ttl == change.ttl);
        if wanted == before && (same_ttl || change.add.is_empty()) {
            return Ok(Applied::Accepted {
                said: "stored already".to_owned(),
            });
        }
        let body = patch(&self.zone, change.rtype, change.ttl, &wanted);
        let request = Request {
            method: Method::PATCH,
            path: "",
            body: Some(&body),
        };
        self.call(&what, request, Keep::All, trace).await?;
        let after: BTreeSet<Vec<u8>> = self
            .stored(&what, change.rtype, trace)
            .await
            .map_err(|error| DriverError {
                class: FailureClass::Unknown,
                ..error
            })?
            .into_iter()
            .map(|record| record.rdata)
            .collect();
        if after != wanted {
            let said = "after the write something else is stored than was written: another writer?";
            return Err(self.error(&what, FailureClass::Conflict, said));
        }
        Ok(Applied::Accepted {
            said: match change.rtype {
                Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY => {
                    "stored; served only if the server runs with direct-dnskey=yes".to_owned()
                }
                _ => "stored".to_owned(),
            },
        })
    }
}

#[cfg(test)]
mod tests;
