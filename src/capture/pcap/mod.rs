//! Packet captures: DNS over UDP and TCP, IPv4 and IPv6.

mod dns;
mod frames;
mod packets;
mod streams;

use super::{Capture, CaptureError};

/// Reads pcap or pcapng; none where the octets are neither.
pub(super) fn read(octets: &[u8]) -> Result<Option<Capture>, CaptureError> {
    let Some(form) = frames::form(octets) else {
        return Ok(None);
    };
    let mut talk = dns::Talk::default();
    let mut packets = packets::Packets::default();
    let damage = frames::each(octets, form, &mut |frame| packets.take(&frame, &mut talk))?;
    let mut notes: Vec<String> = damage.into_iter().collect();
    packets.finish(&mut talk);
    notes.extend(packets.notes());
    let answers = talk.finish(&mut notes);
    Ok(Some(Capture { form, answers, notes }))
}
