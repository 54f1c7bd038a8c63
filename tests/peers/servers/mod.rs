//! The servers: one file each.

pub(crate) mod bind;
pub(crate) mod knot;
pub(crate) mod powerdns;
pub(crate) mod registry;
pub(crate) mod root;
mod update;

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::oracle::signed::Key;
use crate::settings::Settings;
use crate::zone;

/// The software that a provider runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// BIND 9: KSK and ZSK, RFC 2136.
    Bind,
    /// Knot DNS: KSK and ZSK, RFC 2136.
    Knot,
    /// PowerDNS: one CSK, HTTP API.
    PowerDns,
}

impl Kind {
    /// The provider's name in settings and reports.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Bind => "a",
            Self::Knot => "b",
            Self::PowerDns => "c",
        }
    }

    /// Its only name server; the name lies in the parent zone.
    pub(crate) fn name_server(self) -> &'static str {
        match self {
            Self::Bind => "ns.prova.test.",
            Self::Knot => "ns.provb.test.",
            Self::PowerDns => "ns.provc.test.",
        }
    }

    /// That server's address.
    pub(crate) fn address(self) -> Ipv4Addr {
        match self {
            Self::Bind => zone::BIND,
            Self::Knot => zone::KNOT,
            Self::PowerDns => zone::POWERDNS,
        }
    }

    /// Starts the server with the zone in it, signed. Knot has an NSEC3 chain where `nsec3` is set.
    pub(crate) fn start(self, settings: &Settings, nsec3: bool) -> Result<Box<dyn Provider>> {
        Ok(match self {
            Self::Bind => Box::new(bind::Bind::start(settings)?),
            Self::Knot => Box::new(knot::Knot::start(settings, nsec3)?),
            Self::PowerDns => Box::new(powerdns::PowerDns::start(settings)?),
        })
    }
}

/// What can be done by hand at a provider. Success of a call proves nothing: ask the server afterwards.
pub(crate) trait Provider {
    /// Adds another provider's key to the zone's DNSKEY RRset.
    fn add_key(&self, key: &Key) -> Result<()>;
    /// Takes another provider's key out of it.
    fn remove_key(&self, key: &Key) -> Result<()>;
    /// Makes these names the zone's apex NS RRset, which were `before`.
    fn set_name_servers(&self, before: &[&str], names: &[&str]) -> Result<()>;
    /// The provider as a table of the settings file of `unbroken`.
    fn product_settings(&self) -> String;
    /// Ends the server.
    fn stop(&mut self);
}
