//! Frames as UDP datagrams and TCP segments, IP fragments put together.

use std::net::{IpAddr, SocketAddr};

use etherparse::defrag::IpDefragPool;
use etherparse::{EtherType, IpNumber, NetSlice, SlicedPacket, TcpSlice, TransportSlice, UdpSlice};

use super::dns::Talk;
use super::frames::Frame;
use super::streams::Streams;

/// Half-seen fragmented packets are forgotten when so many frames went by.
const PATIENCE: u64 = 512;

/// Takes frames apart.
#[derive(Default)]
pub(super) struct Packets {
    frames: u64,
    cut: u64,
    unreadable: u64,
    unknown_links: std::collections::BTreeMap<i32, u64>,
    fragments: Option<IpDefragPool<u64, ()>>,
    streams: Streams,
}

impl Packets {
    /// Takes a frame.
    pub(super) fn take(&mut self, frame: &Frame<'_>, talk: &mut Talk) {
        self.frames += 1;
        if frame.cut {
            self.cut += 1;
            return;
        }
        let Some(packet) = sliced(frame) else {
            *self.unknown_links.entry(frame.link).or_default() += 1;
            return;
        };
        let Ok(packet) = packet else {
            self.unreadable += 1;
            return;
        };
        let Some((source, destination)) = addresses(&packet) else {
            return;
        };
        if packet.is_ip_payload_fragmented() {
            self.fragment(&packet, source, destination, frame.at, talk);
            return;
        }
        match &packet.transport {
            Some(TransportSlice::Udp(udp)) => datagram(udp, source, destination, frame.at, talk),
            Some(TransportSlice::Tcp(tcp)) => {
                self.streams.segment(tcp, source, destination, frame.at, talk);
            }
            _ => {}
        }
    }

    fn fragment(
        &mut self,
        packet: &SlicedPacket<'_>,
        source: IpAddr,
        destination: IpAddr,
        at: Option<i64>,
        talk: &mut Talk,
    ) {
        let now = self.frames;
        let pool = self.fragments.get_or_insert_with(IpDefragPool::new);
        if now.is_multiple_of(PATIENCE) {
            pool.retain(|seen| *seen + PATIENCE > now);
        }
        let whole = match pool.process_sliced_packet(packet, now, ()) {
            Ok(Some(whole)) => whole,
            Ok(None) => return,
            Err(_) => {
                self.unreadable += 1;
                return;
            }
        };
        if whole.ip_number == IpNumber::UDP {
            if let Ok(udp) = UdpSlice::from_slice(&whole.payload) {
                datagram(&udp, source, destination, at, talk);
            }
        } else if whole.ip_number == IpNumber::TCP
            && let Ok(tcp) = TcpSlice::from_slice(&whole.payload)
        {
            self.streams.segment(&tcp, source, destination, at, talk);
        }
    }

    /// Reads what the streams hold at the end of the capture.
    pub(super) fn finish(&mut self, talk: &mut Talk) {
        self.streams.finish(talk);
    }

    /// What was left out.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.cut > 0 {
            notes.push(format!(
                "{} of {} packets were cut short when they were captured (snap length): left out",
                self.cut, self.frames
            ));
        }
        if self.unreadable > 0 {
            notes.push(format!("{} packets cannot be read", self.unreadable));
        }
        for (link, count) in &self.unknown_links {
            notes.push(format!(
                "{count} packets have link type {link}, which is not read here"
            ));
        }
        notes.extend(self.streams.notes());
        notes
    }
}

fn datagram(udp: &UdpSlice<'_>, source: IpAddr, destination: IpAddr, at: Option<i64>, talk: &mut Talk) {
    let from = SocketAddr::new(source, udp.source_port());
    let to = SocketAddr::new(destination, udp.destination_port());
    talk.message(udp.payload(), from, to, "udp", at);
}

type Sliced<'a> = Result<SlicedPacket<'a>, etherparse::err::packet::SliceError>;

/// None for a link type that is not known.
fn sliced<'a>(frame: &Frame<'a>) -> Option<Sliced<'a>> {
    let octets = frame.octets;
    Some(match frame.link {
        // BSD loopback: an address family in the byte order of the machine.
        0 | 108 => SlicedPacket::from_ip(octets.get(4..).unwrap_or_default()),
        1 => SlicedPacket::from_ethernet(octets),
        12 | 14 | 101 | 228 | 229 => SlicedPacket::from_ip(octets),
        113 => SlicedPacket::from_linux_sll(octets),
        // Linux cooked v2: the protocol comes first, and the header has 20 octets.
        276 => {
            let protocol = octets
                .first_chunk::<2>()
                .map_or(0, |two| u16::from_be_bytes(*two));
            SlicedPacket::from_ether_type(EtherType(protocol), octets.get(20..).unwrap_or_default())
        }
        _ => return None,
    })
}

fn addresses(packet: &SlicedPacket<'_>) -> Option<(IpAddr, IpAddr)> {
    match packet.net.as_ref()? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        NetSlice::Arp(_) => None,
    }
}
