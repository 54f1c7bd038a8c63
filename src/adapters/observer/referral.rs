//! What an answer to an NS or DS question says about where zones begin. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::dns::{Message, Name, Rcode, Record, Rtype};
use crate::dnssec::Rrsig;
use crate::ports::NameServer;

/// What the servers of a zone say about a name below its apex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A zone begins there, with these servers; those without addresses have to be looked up.
    Cut {
        /// Whether the server answered from the child's zone, which it serves as well.
        from_child: bool,
        /// The servers named.
        servers: Vec<NameServer>,
    },
    /// The name belongs to the zone (or to nothing, with names below it).
    Inside,
    /// The name does not exist.
    Gone,
    /// The answer is of no use: the server does not serve the zone, or leads elsewhere.
    Lame,
}

/// Reads the answer of a server of `zone` to `candidate NS`.
pub(super) fn said(message: &Message, zone: &Name, candidate: &Name) -> Said {
    match message.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        _ => return Said::Lame,
    }
    if message.flags.authoritative {
        let own = ns_names(&message.answer, candidate);
        return if !own.is_empty() {
            Said::Cut {
                from_child: true,
                servers: with_glue(own, message, zone),
            }
        } else if message.rcode == Rcode::NXDOMAIN {
            Said::Gone
        } else {
            Said::Inside
        };
    }
    let named = ns_names(&message.authority, candidate);
    if named.is_empty() {
        return Said::Lame;
    }
    Said::Cut {
        from_child: false,
        servers: with_glue(named, message, zone),
    }
}

/// Which zone an answer to a DS question came from: the owner of the SOA beside a denial, or the signer of the DS.
pub(super) fn answered_from(message: &Message) -> Option<Name> {
    let soa = message
        .authority
        .iter()
        .find(|record| record.rtype == Rtype::SOA)
        .map(|record| record.name.clone());
    soa.or_else(|| {
        message
            .answer
            .iter()
            .filter(|record| record.rtype == Rtype::RRSIG)
            .filter_map(|record| Rrsig::from_rdata(&record.rdata, record.ttl))
            .find(|signature| signature.type_covered == Rtype::DS)
            .map(|signature| signature.signer)
    })
}

/// The addresses of `host` among `records`, with the largest TTL.
pub(super) fn host_addresses(records: &[Record], host: &Name) -> (Vec<SocketAddr>, u32) {
    let mut ttl = 0;
    let mut addresses = Vec::new();
    for record in records.iter().filter(|record| record.name == *host) {
        if let Some(address) = address(record) {
            ttl = ttl.max(record.ttl);
            addresses.push(SocketAddr::new(address, 53));
        }
    }
    addresses.sort();
    addresses.dedup();
    (addresses, ttl)
}

/// The hosts that the NS records of `owner` name.
pub(super) fn ns_names(records: &[Record], owner: &Name) -> Vec<Name> {
    let mut names: Vec<Name> = records
        .iter()
        .filter(|record| record.rtype == Rtype::NS && record.name == *owner)
        .filter_map(Record::target)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Addresses in the additional section count for hosts within the zone that answered, and for no others.
pub(super) fn with_glue(names: Vec<Name>, message: &Message, zone: &Name) -> Vec<NameServer> {
    names
        .into_iter()
        .map(|name| {
            let (addresses, address_ttl) = if name.is_at_or_below(zone) {
                host_addresses(&message.additional, &name)
            } else {
                (Vec::new(), 0)
            };
            NameServer {
                name,
                addresses,
                address_ttl,
            }
        })
        .collect()
}

fn address(record: &Record) -> Option<IpAddr> {
    match record.rtype {
        Rtype::A => <[u8; 4]>::try_from(record.rdata.as_slice())
            .ok()
            .map(|octets| Ipv4Addr::from(octets).into()),
        Rtype::AAAA => <[u8; 16]>::try_from(record.rdata.as_slice())
            .ok()
            .map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// Whether a server of `zone` answered about `name` as one that serves the zone.
pub(super) fn useful(message: &Message, zone: &Name, name: &Name) -> Result<(), String> {
    match message.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        other => return Err(other.to_string()),
    }
    if message.flags.authoritative {
        return Ok(());
    }
    let referral = message.authority.iter().any(|record| {
        record.rtype == Rtype::NS
            && record.name != *zone
            && record.name.is_at_or_below(zone)
            && name.is_at_or_below(&record.name)
    });
    if referral {
        Ok(())
    } else if message.flags.recursion_available {
        Err("a resolver answers in its place (is port 53 redirected on this network?)".to_owned())
    } else {
        Err("lame: neither an authoritative answer nor a referral downwards".to_owned())
    }
}

/// The addresses of both, and the larger TTL.
pub(super) fn merge(into: &mut NameServer, other: &NameServer) {
    into.addresses.extend(&other.addresses);
    into.addresses.sort();
    into.addresses.dedup();
    into.address_ttl = into.address_ttl.max(other.address_ttl);
}
