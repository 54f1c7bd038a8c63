//! The addresses of the root servers, from IANA's root hints (<https://www.iana.org/domains/root/files>).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::dns::Name;
use crate::ports::NameServer;

/// Letter, IPv4 and IPv6 of each.
const ROOTS: [(u8, [u8; 4], [u16; 8]); 13] = [
    (b'a', [198, 41, 0, 4], [0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30]),
    (b'b', [170, 247, 170, 2], [0x2801, 0x1b8, 0x10, 0, 0, 0, 0, 0xb]),
    (b'c', [192, 33, 4, 12], [0x2001, 0x500, 2, 0, 0, 0, 0, 0xc]),
    (b'd', [199, 7, 91, 13], [0x2001, 0x500, 0x2d, 0, 0, 0, 0, 0xd]),
    (b'e', [192, 203, 230, 10], [0x2001, 0x500, 0xa8, 0, 0, 0, 0, 0xe]),
    (b'f', [192, 5, 5, 241], [0x2001, 0x500, 0x2f, 0, 0, 0, 0, 0xf]),
    (b'g', [192, 112, 36, 4], [0x2001, 0x500, 0x12, 0, 0, 0, 0, 0xd0d]),
    (b'h', [198, 97, 190, 53], [0x2001, 0x500, 1, 0, 0, 0, 0, 0x53]),
    (b'i', [192, 36, 148, 17], [0x2001, 0x7fe, 0, 0, 0, 0, 0, 0x53]),
    (b'j', [192, 58, 128, 30], [0x2001, 0x503, 0xc27, 0, 0, 0, 2, 0x30]),
    (b'k', [193, 0, 14, 129], [0x2001, 0x7fd, 0, 0, 0, 0, 0, 1]),
    (b'l', [199, 7, 83, 42], [0x2001, 0x500, 0x9f, 0, 0, 0, 0, 0x42]),
    (b'm', [202, 12, 27, 33], [0x2001, 0xdc3, 0, 0, 0, 0, 0, 0x35]),
];

/// How long the hints say that an address may be kept, seconds.
const HINT_TTL: u32 = 3_600_000;

/// The thirteen root servers with their addresses.
pub(super) fn root_servers() -> Vec<NameServer> {
    let suffix = Name::parse("root-servers.net.").unwrap_or_else(|_| Name::root());
    ROOTS
        .iter()
        .map(|(letter, v4, v6)| {
            let [a, b, c, d, e, f, g, h] = *v6;
            NameServer {
                name: suffix.prepend(&[*letter]).unwrap_or_else(|_| suffix.clone()),
                addresses: vec![
                    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(*v4)), 53),
                    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), 53),
                ],
                address_ttl: HINT_TTL,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_with_two_addresses_each() {
        let servers = root_servers();
        assert_eq!(servers.len(), 13);
        assert_eq!(servers[12].name.to_string(), "m.root-servers.net.");
        let all: std::collections::BTreeSet<_> = servers.iter().flat_map(|s| &s.addresses).collect();
        assert_eq!(all.len(), 26);
        assert_eq!(servers[6].addresses[1].to_string(), "[2001:500:12::d0d]:53");
    }
}
