//! Puts a world together: root, parent, providers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::LabError;
use super::config::{LabConfig, ProviderConfig, SignerKind};
use super::keys::{ECDSA_P256, KSK_FLAGS, SigningKey, ZSK_FLAGS};
use super::zone::{Manner, RoleKey, Zone};
use crate::dns::{Name, Record, Rtype, Ttl};

/// DNSSEC types and others that each signer makes by itself: never taken from a person's file.
const MADE: [Rtype; 9] = [
    Rtype::SOA,
    Rtype::RRSIG,
    Rtype::NSEC,
    Rtype::NSEC3,
    Rtype::NSEC3PARAM,
    Rtype::DNSKEY,
    Rtype::CDS,
    Rtype::CDNSKEY,
    Rtype::ZONEMD,
];

/// A host name with its address.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: Name,
    pub(super) address: SocketAddr,
}

/// Everything of one operator before it runs.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) hosts: Vec<Host>,
    pub(super) zone: Zone,
}

/// The operators: root, registry, then the providers in the order of the settings.
pub(super) fn drafts(config: &LabConfig) -> Result<Vec<Draft>, LabError> {
    let parent = config
        .zone
        .parent()
        .filter(|parent| !parent.is_root())
        .ok_or_else(|| LabError::Name(config.zone.to_string()))?;
    check_names(config)?;
    let mut tags = BTreeSet::new();
    let root_hosts = vec![host("ns1.root", &Name::root(), 1)?];
    let parent_hosts = vec![host("ns1.nic", &parent, 2)?, host("ns2.nic", &parent, 3)?];
    let mut providers = Vec::new();
    for (index, provider) in config.providers.iter().enumerate() {
        let first = u8::try_from(11 + 10 * index).map_err(|_| LabError::TooMany)?;
        let origin = if provider.in_zone { &config.zone } else { &parent };
        let next = |more: u8| first.checked_add(more).ok_or(LabError::TooMany);
        let mut hosts = vec![
            host(&format!("ns1.prov{}", provider.name), origin, first)?,
            host(&format!("ns2.prov{}", provider.name), origin, next(1)?)?,
        ];
        if provider.third_party {
            hosts.push(host(&format!("ns.third{}", provider.name), &parent, next(2)?)?);
        }
        let keys = role_keys(provider.signer, provider.algorithm, &mut tags)?;
        providers.push((provider, hosts, keys));
    }
    let parent_keys = role_keys(SignerKind::KskZsk, ECDSA_P256, &mut tags)?;
    let root_keys = role_keys(SignerKind::KskZsk, ECDSA_P256, &mut tags)?;

    let joined: Vec<_> = providers
        .iter()
        .filter(|(provider, ..)| is_delegated(config, &provider.name))
        .collect();
    let above = config.ttls.above;
    let manner = |nsec3: bool, publish_cds: bool, dnskey_ttl: Ttl| Manner {
        nsec3,
        publish_cds,
        dnskey_ttl,
        validity: config.validity,
        renewal: config.validity / 2,
        delegation_ttls: None,
    };

    let mut root = apex(&Name::root(), &root_hosts, above, above, above);
    root.extend(addresses(&root_hosts, above));
    root.extend(delegation(&parent, &parent_hosts, above));
    root.extend(addresses(&parent_hosts, above));
    root.extend(ds_records(&parent, &parent_keys, above));

    let ttls = &config.ttls;
    let mut registry = apex(&parent, &parent_hosts, above, above, above);
    registry.extend(addresses(&parent_hosts, above));
    let is_inner = |host: &Host| host.name.is_at_or_below(&config.zone);
    let addresses_of = |hosts: &[Host], inner: bool| -> Vec<Record> {
        let chosen: Vec<Host> = hosts
            .iter()
            .filter(|host| is_inner(host) == inner)
            .cloned()
            .collect();
        addresses(&chosen, ttls.addresses)
    };
    for (_, hosts, _) in &providers {
        registry.extend(addresses_of(hosts, false));
    }
    let inner: Vec<Record> = providers
        .iter()
        .flat_map(|(_, hosts, _)| addresses_of(hosts, true))
        .collect();
    for (_, hosts, keys) in &joined {
        registry.extend(addresses_of(hosts, true));
        registry.extend(delegation(&config.zone, hosts, ttls.parent_ns));
        registry.extend(ds_records(&config.zone, keys, ttls.ds));
    }
    let registry_manner = Manner {
        delegation_ttls: Some((ttls.parent_ns, ttls.ds)),
        ..manner(false, false, above)
    };

    let mut out = vec![
        Draft {
            name: "root".to_owned(),
            zone: Zone::new(Name::root(), root, root_keys, manner(false, false, above)),
            hosts: root_hosts,
        },
        Draft {
            name: "registry".to_owned(),
            zone: Zone::new(parent, registry, parent_keys, registry_manner),
            hosts: parent_hosts,
        },
    ];
    for (provider, hosts, keys) in &providers {
        let mut records = apex(&config.zone, hosts, ttls.apex_ns, ttls.negative, ttls.negative);
        records.extend(data(config));
        records.extend(inner.iter().cloned());
        let mut manner = manner(provider.nsec3, provider.publish_cds, ttls.dnskey);
        manner.renewal = config.renewal.unwrap_or(manner.renewal);
        let mut zone = Zone::new(config.zone.clone(), records, keys.clone(), manner);
        if is_delegated(config, &provider.name) {
            for (other, hosts, keys) in &joined {
                share(&mut zone, config, other, hosts, keys);
            }
        }
        out.push(Draft {
            name: provider.name.clone(),
            hosts: hosts.clone(),
            zone,
        });
    }
    Ok(out)
}

fn check_names(config: &LabConfig) -> Result<(), LabError> {
    let mut seen = BTreeSet::new();
    for provider in &config.providers {
        let well_formed = !provider.name.is_empty()
            && provider.name.len() <= 32
            && provider
                .name
                .bytes()
                .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit());
        let taken = ["root", "registry"].contains(&provider.name.as_str());
        if !well_formed || taken || !seen.insert(provider.name.as_str()) {
            return Err(LabError::Name(provider.name.clone()));
        }
    }
    if seen.is_empty() {
        return Err(LabError::Name("(no provider)".to_owned()));
    }
    match config.delegated.iter().find(|name| !seen.contains(name.as_str())) {
        Some(unknown) => Err(LabError::Name(unknown.clone())),
        None => Ok(()),
    }
}

fn is_delegated(config: &LabConfig, name: &str) -> bool {
    if config.delegated.is_empty() {
        config.providers.first().is_some_and(|first| first.name == name)
    } else {
        config.delegated.iter().any(|delegated| delegated == name)
    }
}

/// What a member of a group holds of another: name servers, keys, CDS.
fn share(zone: &mut Zone, config: &LabConfig, other: &ProviderConfig, hosts: &[Host], keys: &[RoleKey]) {
    let apex = &config.zone;
    for record in delegation(apex, hosts, config.ttls.apex_ns) {
        zone.add(&record);
    }
    for key in keys {
        zone.add(&key.key.dnskey().record(apex, config.ttls.dnskey));
        if key.signs_keys && other.publish_cds {
            let rdata = key.key.dnskey().rdata();
            zone.add(&Record::new(
                apex.clone(),
                Rtype::CDNSKEY,
                config.ttls.dnskey,
                rdata,
            ));
            if let Some(ds) = key.key.ds(apex) {
                zone.add(&Record::new(
                    apex.clone(),
                    Rtype::CDS,
                    config.ttls.dnskey,
                    ds.rdata(),
                ));
            }
        }
    }
}

/// Keys of which no two have the same tag.
pub(super) fn role_keys(
    kind: SignerKind,
    algorithm: u8,
    tags: &mut BTreeSet<u16>,
) -> Result<Vec<RoleKey>, LabError> {
    let mut make = |flags: u16, signs_keys: bool, signs_data: bool| -> Result<RoleKey, LabError> {
        loop {
            let key = SigningKey::generate(flags, algorithm)?;
            if tags.insert(key.dnskey().tag()) {
                return Ok(RoleKey {
                    key: Arc::new(key),
                    signs_keys,
                    signs_data,
                    published: true,
                });
            }
        }
    };
    match kind {
        SignerKind::KskZsk => Ok(vec![make(KSK_FLAGS, true, false)?, make(ZSK_FLAGS, false, true)?]),
        SignerKind::Csk => Ok(vec![make(KSK_FLAGS, true, true)?]),
    }
}

fn host(name: &str, origin: &Name, last: u8) -> Result<Host, LabError> {
    let text = if origin.is_root() {
        format!("{name}.")
    } else {
        format!("{name}.{origin}")
    };
    Ok(Host {
        name: Name::parse(&text).map_err(|error| LabError::Name(error.to_string()))?,
        address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), 53),
    })
}

fn apex(zone: &Name, hosts: &[Host], ns_ttl: Ttl, soa_ttl: Ttl, minimum: Ttl) -> Vec<Record> {
    let mut records = delegation(zone, hosts, ns_ttl);
    if let Some(first) = hosts.first() {
        let mut rdata = first.name.wire().to_vec();
        let contact = zone.prepend(b"hostmaster").unwrap_or_else(|_| zone.clone());
        rdata.extend_from_slice(contact.wire());
        for number in [1, 3_600, 600, 1_209_600, minimum] {
            rdata.extend_from_slice(&u32::to_be_bytes(number));
        }
        records.push(Record::new(zone.clone(), Rtype::SOA, soa_ttl, rdata));
    }
    records
}

fn delegation(zone: &Name, hosts: &[Host], ttl: Ttl) -> Vec<Record> {
    hosts
        .iter()
        .map(|host| Record::new(zone.clone(), Rtype::NS, ttl, host.name.wire().to_vec()))
        .collect()
}

fn addresses(hosts: &[Host], ttl: Ttl) -> Vec<Record> {
    hosts
        .iter()
        .map(|host| match host.address.ip() {
            IpAddr::V4(v4) => Record::new(host.name.clone(), Rtype::A, ttl, v4.octets().to_vec()),
            IpAddr::V6(v6) => Record::new(host.name.clone(), Rtype::AAAA, ttl, v6.octets().to_vec()),
        })
        .collect()
}

fn ds_records(zone: &Name, keys: &[RoleKey], ttl: Ttl) -> Vec<Record> {
    keys.iter()
        .filter(|key| key.signs_keys)
        .filter_map(|key| key.key.ds(zone))
        .map(|ds| ds.record(zone, ttl))
        .collect()
}

fn data(config: &LabConfig) -> impl Iterator<Item = Record> + '_ {
    config
        .records
        .iter()
        .filter(|record| !MADE.contains(&record.rtype))
        .filter(|record| !(record.rtype == Rtype::NS && record.name == config.zone))
        .map(|record| Record {
            ttl: config.ttls.data.unwrap_or(record.ttl),
            ..record.clone()
        })
}
