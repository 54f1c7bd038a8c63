//! The shapes of the PowerDNS API, its URLs, texts and errors.

use std::collections::BTreeSet;
use std::net::IpAddr;

use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PowerDnsConfig, PowerDnsConfigError};
use crate::dns::{Name, Record, Rtype, Ttl};
use crate::dnssec::{Dnskey, Ds};
use crate::ports::FailureClass;

#[derive(Debug, Deserialize)]
pub(super) struct Zone {
    #[serde(default)]
    pub(super) rrsets: Vec<ApiRrset>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ApiRrset {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) ttl: Ttl,
    pub(super) records: Vec<ApiRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ApiRecord {
    pub(super) content: String,
    #[serde(default)]
    pub(super) disabled: bool,
}

/// Of a key only what is public is read.
#[derive(Debug, Deserialize)]
pub(super) struct CryptoKey {
    #[serde(default = "yes")]
    pub(super) published: bool,
    #[serde(default)]
    pub(super) dnskey: String,
    #[serde(default)]
    pub(super) cds: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The server's error document.
#[derive(Debug, Deserialize)]
struct ApiError {
    error: String,
    #[serde(default)]
    errors: Vec<String>,
}

pub(super) fn patch(zone: &Name, rtype: Rtype, ttl: Ttl, rdatas: &BTreeSet<Vec<u8>>) -> serde_json::Value {
    let name = zone.to_string();
    if rdatas.is_empty() {
        return json!({"rrsets": [{"name": name, "type": rtype.to_string(), "changetype": "DELETE"}]});
    }
    let records: Vec<ApiRecord> = rdatas
        .iter()
        .map(|rdata| ApiRecord {
            content: content(zone, rtype, rdata),
            disabled: false,
        })
        .collect();
    json!({"rrsets": [{
        "name": name, "type": rtype.to_string(), "ttl": ttl, "changetype": "REPLACE", "records": records,
    }]})
}

/// The text that the server takes: no blanks within base64, lower-case hexadecimal.
fn content(zone: &Name, rtype: Rtype, rdata: &[u8]) -> String {
    let own = match rtype {
        Rtype::DNSKEY | Rtype::CDNSKEY => Dnskey::from_rdata(rdata).map(|key| key.to_string()),
        Rtype::DS | Rtype::CDS => Ds::from_rdata(rdata).map(|ds| ds.to_string().to_lowercase()),
        _ => None,
    };
    own.unwrap_or_else(|| Record::new(zone.clone(), rtype, 0, rdata.to_vec()).rdata_text())
}

/// The zone's id in the API: its name, with what cannot stand in a path written as the server wants it.
pub(super) fn zone_id(zone: &Name) -> String {
    let mut out = String::new();
    for octet in zone.to_string().bytes() {
        if octet.is_ascii_alphanumeric() || octet == b'.' || octet == b'-' {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("={octet:02X}"));
        }
    }
    out
}

pub(super) fn check_url(config: &PowerDnsConfig) -> Result<(Url, Option<&'static str>), PowerDnsConfigError> {
    let fail = |reason: String| PowerDnsConfigError::Url {
        name: config.name.clone(),
        // A password in it must not be shown.
        url: config.url.split('@').next_back().unwrap_or_default().to_owned(),
        reason,
    };
    let url = Url::parse(&config.url).map_err(|error| fail(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail("it must not hold a name or password".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fail("it must end with the path".to_owned()));
    }
    match url.scheme() {
        "https" => Ok((url, Some("server certificate checked"))),
        "http" if is_loopback(&url) => Ok((url, Some("on this machine"))),
        "http" if config.insecure_http => Ok((url, None)),
        "http" => Err(PowerDnsConfigError::PlainHttp {
            name: config.name.clone(),
            host: url.host_str().unwrap_or_default().to_owned(),
        }),
        other => Err(fail(format!("its scheme is {other}"))),
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(|c| c == '[' || c == ']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(super) fn class_of(status: StatusCode, writes: bool) -> FailureClass {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FailureClass::Auth,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => FailureClass::Conflict,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => FailureClass::Transient,
        status if status.is_server_error() && writes => FailureClass::Unknown,
        status if status.is_server_error() => FailureClass::Transient,
        _ => FailureClass::Refused,
    }
}

pub(super) fn words(status: StatusCode, octets: &[u8]) -> String {
    match serde_json::from_slice::<ApiError>(octets) {
        Ok(document) => std::iter::once(document.error)
            .chain(document.errors)
            .fold(format!("HTTP {status}:"), |all, one| format!("{all} {one}")),
        Err(_) => format!("HTTP {status}: {}", String::from_utf8_lossy(octets)),
    }
}

pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        out.push_str(": ");
        out.push_str(&inner.to_string());
        source = inner.source();
    }
    out
}
