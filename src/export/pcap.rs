//! Messages as packets: the classic format of libpcap, link type raw IP. The messages are as they came, identifiers included,
//! and the times are those that were recorded; all headers around them are made up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use etherparse::PacketBuilder;

use crate::dns::with_id;
use crate::evidence::{Observation, Outcome, Proto};

/// LINKTYPE_RAW: packets begin with their IP header.
const RAW: u32 = 101;
/// The longest packet that is written.
const SNAP: u32 = 262_144;
/// What a question offers: an answer over UDP has no more (RFC 6891 section 6.2.3), so a longer one came over TCP.
const OFFERED: usize = 1_232;
/// Payload of one TCP segment.
const SEGMENT: usize = 1_400;
/// Who asked, for want of a recorded address: of the documentation ranges (RFC 5737, RFC 3849).
const CLIENT: (Ipv4Addr, Ipv6Addr) = (
    Ipv4Addr::new(203, 0, 113, 53),
    Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x53),
);
const CLIENT_PORT: u16 = 53_053;
const HOPS: u8 = 64;

/// Writes packets.
#[derive(Clone, Debug, Default)]
pub struct Pcap {
    /// How many messages were written.
    pub messages: u64,
    /// How many observations had none: silence leaves no packet.
    pub silent: u64,
    /// How many did not fit into any packet.
    pub unfit: u64,
}

impl Pcap {
    /// The header of the file.
    pub fn head() -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        out.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
        out.extend_from_slice(&2_u16.to_le_bytes());
        out.extend_from_slice(&4_u16.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&SNAP.to_le_bytes());
        out.extend_from_slice(&RAW.to_le_bytes());
        out
    }

    /// The packets of one answer, none where there was none. Only what was received is written: no question, no handshake
    /// but the segment that opens a TCP stream.
    pub fn answer(&mut self, observation: &Observation, octets: Option<&[u8]>) -> Vec<u8> {
        let (Outcome::Answer { id, .. }, Some(octets)) = (&observation.outcome, octets) else {
            self.silent += 1;
            return Vec::new();
        };
        let message = with_id(octets, *id);
        let tcp = observation.proto == Proto::Tcp || message.len() > OFFERED;
        let packets = if tcp {
            self.stream(observation.address, &message)
        } else {
            datagram(observation.address, &message).map(|packet| vec![packet])
        };
        let Some(packets) = packets else {
            self.unfit += 1;
            return Vec::new();
        };
        self.messages += 1;
        let mut out = Vec::new();
        for packet in packets {
            record(&mut out, observation.done.millis(), &packet);
        }
        out
    }

    /// A stream of its own: a SYN says that the ports begin anew.
    fn stream(&self, server: SocketAddr, message: &[u8]) -> Option<Vec<Vec<u8>>> {
        let length = u16::try_from(message.len()).ok()?;
        let mut stream = length.to_be_bytes().to_vec();
        stream.extend_from_slice(message);
        // The messages so far give each stream another beginning.
        let begin = u32::try_from(self.messages & 0x7fff_ffff)
            .ok()?
            .wrapping_mul(0x1_0001);
        let mut packets = vec![segment(server, begin, true, &[])?];
        let mut at = begin.wrapping_add(1);
        for part in stream.chunks(SEGMENT) {
            packets.push(segment(server, at, false, part)?);
            at = at.wrapping_add(u32::try_from(part.len()).ok()?);
        }
        Some(packets)
    }
}

fn ip(server: SocketAddr) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    match server.ip() {
        IpAddr::V4(address) => PacketBuilder::ipv4(address.octets(), CLIENT.0.octets(), HOPS),
        IpAddr::V6(address) => PacketBuilder::ipv6(address.octets(), CLIENT.1.octets(), HOPS),
    }
}

fn datagram(server: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let builder = ip(server).udp(server.port(), CLIENT_PORT);
    builder.write(&mut out, message).ok()?;
    Some(out)
}

fn segment(server: SocketAddr, sequence: u32, opens: bool, payload: &[u8]) -> Option<Vec<u8>> {
    /// The window that is announced; nobody minds it.
    const WINDOW: u16 = 65_535;
    let mut out = Vec::new();
    let builder = ip(server)
        .tcp(server.port(), CLIENT_PORT, sequence, WINDOW)
        .ack(1);
    let builder = if opens { builder.syn() } else { builder.psh() };
    builder.write(&mut out, payload).ok()?;
    Some(out)
}

fn record(out: &mut Vec<u8>, millis: i64, packet: &[u8]) {
    // The format has no times before 1970, and none after 2106.
    let seconds = u32::try_from(millis.div_euclid(1_000)).unwrap_or(0);
    let micros = u32::try_from(millis.rem_euclid(1_000) * 1_000).unwrap_or(0);
    let length = u32::try_from(packet.len()).unwrap_or(SNAP);
    for number in [seconds, micros, length, length] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(packet);
}
