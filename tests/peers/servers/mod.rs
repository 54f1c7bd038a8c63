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

    /// The program, for reports.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Bind => "BIND",
            Self::Knot => "Knot DNS",
            Self::PowerDns => "PowerDNS",
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

    /// Starts the server with the zone in it, signed. Knot has an NSEC3 chain where `nsec3` is set; BIND and Knot sign with RSASHA256
    /// where `rsa` is.
    pub(crate) fn start(self, settings: &Settings, nsec3: bool, rsa: bool) -> Result<Box<dyn Provider>> {
        Ok(match self {
            Self::Bind => Box::new(bind::Bind::start(settings, rsa)?),
            Self::Knot => Box::new(knot::Knot::start(settings, nsec3, rsa)?),
            Self::PowerDns => Box::new(powerdns::PowerDns::start(settings)?),
        })
    }
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// It signs the DNSKEY RRset.
    Ksk,
    /// It signs the rest.
    Zsk,
}

/// What can be done by hand at a provider. Success of a call proves nothing: ask the server afterwards.
pub(crate) trait Provider {
    /// Adds another provider's key to the zone's DNSKEY RRset.
    fn add_key(&self, key: &Key) -> Result<()>;
    /// Takes another provider's key out of it.
    fn remove_key(&self, key: &Key) -> Result<()>;
    /// Makes these names the zone's apex NS RRset, which were `before`.
    fn set_name_servers(&self, before: &[&str], names: &[&str]) -> Result<()>;
    /// Lets the provider roll its ZSK or its KSK by itself, as it would when the key's time has come.
    fn roll(&self, role: Role, old: &Key) -> Result<()>;
    /// Makes all signatures anew, or does what comes next to it.
    fn resign(&self) -> Result<()>;
    /// Ends the server, starts it again, and waits until it serves the zone.
    fn restart(&mut self) -> Result<()>;
    /// The provider as a table of the settings file of `unbroken`.
    fn product_settings(&self) -> String;
    /// Ends the server.
    fn stop(&mut self);
}
