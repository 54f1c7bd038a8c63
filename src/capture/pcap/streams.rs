//! TCP: segments in order, and the messages in them (RFC 7766 section 8).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use etherparse::TcpSlice;

use super::dns::Talk;

/// More octets of one direction than this are not kept.
const MOST_OCTETS: usize = 1 << 20;
/// More segments of one direction than this are not kept.
const MOST_SEGMENTS: usize = 4096;
/// More directions at a time than this are not followed.
const MOST_STREAMS: usize = 4096;

/// One direction of a connection.
#[derive(Default)]
struct Stream {
    /// The sequence number that counts as zero.
    base: u32,
    /// By distance from `base`: what came there, the longest.
    segments: BTreeMap<u32, Vec<u8>>,
    octets: usize,
    at: Option<i64>,
}

type Ends = (SocketAddr, SocketAddr);

/// All directions that are under way.
#[derive(Default)]
pub(super) struct Streams {
    open: BTreeMap<Ends, Stream>,
    refused: u64,
    gaps: u64,
}

impl Streams {
    /// Takes a segment.
    pub(super) fn segment(
        &mut self,
        tcp: &TcpSlice<'_>,
        source: IpAddr,
        destination: IpAddr,
        at: Option<i64>,
        talk: &mut Talk,
    ) {
        let ends = (
            SocketAddr::new(source, tcp.source_port()),
            SocketAddr::new(destination, tcp.destination_port()),
        );
        if tcp.syn() {
            // The ports are used again: what came before is a connection of its own.
            if let Some(stream) = self.open.remove(&ends) {
                self.read(&ends, &stream, talk);
            }
        }
        let payload = tcp.payload();
        if payload.is_empty() && !tcp.syn() {
            return;
        }
        if self.open.len() >= MOST_STREAMS && !self.open.contains_key(&ends) {
            self.refused += 1;
            return;
        }
        let begin = tcp.sequence_number().wrapping_add(u32::from(tcp.syn()));
        let stream = self.open.entry(ends).or_insert_with(|| Stream {
            base: begin,
            ..Stream::default()
        });
        stream.take(begin, payload, at);
    }

    /// Reads all that are still open.
    pub(super) fn finish(&mut self, talk: &mut Talk) {
        for (ends, stream) in std::mem::take(&mut self.open) {
            self.read(&ends, &stream, talk);
        }
    }

    fn read(&mut self, ends: &Ends, stream: &Stream, talk: &mut Talk) {
        let (octets, whole) = stream.join();
        if !whole {
            self.gaps += 1;
        }
        let mut rest = octets.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            let Some((message, after)) = after.split_at_checked(length) else {
                break;
            };
            talk.message(message, ends.0, ends.1, "tcp", stream.at);
            rest = after;
        }
    }

    /// What was left out.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.gaps > 0 {
            notes.push(format!(
                "{} TCP streams have gaps: read up to the first",
                self.gaps
            ));
        }
        if self.refused > 0 {
            notes.push(format!(
                "{} TCP segments were left out: more than {MOST_STREAMS} streams at a time",
                self.refused
            ));
        }
        notes
    }
}

impl Stream {
    fn take(&mut self, begin: u32, payload: &[u8], at: Option<i64>) {
        self.at = at.or(self.at);
        if payload.is_empty()
            || self.octets + payload.len() > MOST_OCTETS
            || self.segments.len() >= MOST_SEGMENTS
        {
            return;
        }
        // A segment from before the first that was seen moves the beginning.
        let ahead = begin.wrapping_sub(self.base);
        let distance = if ahead < u32::MAX / 2 {
            ahead
        } else {
            let back = self.base.wrapping_sub(begin);
            let moved = std::mem::take(&mut self.segments);
            self.segments = moved
                .into_iter()
                .map(|(at, octets)| (at.saturating_add(back), octets))
                .collect();
            self.base = begin;
            0
        };
        let known = self.segments.entry(distance).or_default();
        if payload.len() > known.len() {
            self.octets += payload.len() - known.len();
            *known = payload.to_vec();
        }
    }

    /// The octets up to the first gap, and whether that was all.
    fn join(&self) -> (Vec<u8>, bool) {
        let mut out: Vec<u8> = Vec::new();
        for (at, octets) in &self.segments {
            let at = *at as usize;
            if at > out.len() {
                return (out, false);
            }
            // What was sent again counts as it came first.
            if let Some(new) = octets.get(out.len() - at..) {
                out.extend_from_slice(new);
            }
        }
        (out, true)
    }
}
