//! The files: one frame after another with its time and link type.

use pcap_parser::{
    Block, Linktype, PcapBlockOwned, PcapError, PcapNGSlice, nom, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header,
};

use crate::capture::{CaptureError, Form};

/// One frame.
pub(super) struct Frame<'a> {
    /// The number of the IANA-like registry of link types.
    pub(super) link: i32,
    /// Unix seconds; none where the file has no times.
    pub(super) at: Option<i64>,
    /// What was kept of it.
    pub(super) octets: &'a [u8],
    /// Whether it was longer.
    pub(super) cut: bool,
}

/// What the first octets say.
pub(super) fn form(octets: &[u8]) -> Option<Form> {
    match octets.first_chunk::<4>()? {
        [0xa1, 0xb2, 0xc3, 0xd4]
        | [0xd4, 0xc3, 0xb2, 0xa1]
        | [0xa1, 0xb2, 0x3c, 0x4d]
        | [0x4d, 0x3c, 0xb2, 0xa1]
        | [0x34, 0xcd, 0xb2, 0xa1] => Some(Form::Pcap),
        [0x0a, 0x0d, 0x0d, 0x0a] => Some(Form::Pcapng),
        _ => None,
    }
}

/// Gives each frame; what is said in the end is that the file breaks off.
pub(super) fn each<'a>(
    octets: &'a [u8],
    form: Form,
    take: &mut dyn FnMut(Frame<'a>),
) -> Result<Option<String>, CaptureError> {
    if form == Form::Pcap {
        classic(octets, take)
    } else {
        next_generation(octets, take)
    }
}

fn classic<'a>(octets: &'a [u8], take: &mut dyn FnMut(Frame<'a>)) -> Result<Option<String>, CaptureError> {
    let (mut rest, header) = parse_pcap_header(octets)
        .map_err(|_| CaptureError::Document("the header of the pcap file is damaged".to_owned()))?;
    while !rest.is_empty() {
        let parsed = if header.is_bigendian() {
            parse_pcap_frame_be(rest)
        } else if header.is_modified_format() {
            parse_pcap_frame_modified(rest)
        } else {
            parse_pcap_frame(rest)
        };
        let Ok((after, block)) = parsed else {
            return Ok(Some(broken(octets.len() - rest.len())));
        };
        rest = after;
        take(Frame {
            link: header.network.0,
            at: Some(i64::from(block.ts_sec)),
            octets: block.data,
            cut: block.caplen < block.origlen,
        });
    }
    Ok(None)
}

/// An interface of a section: its link type, ticks a second, and seconds to add.
struct Interface {
    link: Linktype,
    resolution: u64,
    offset: i64,
}

fn next_generation<'a>(
    octets: &'a [u8],
    take: &mut dyn FnMut(Frame<'a>),
) -> Result<Option<String>, CaptureError> {
    let blocks = PcapNGSlice::from_slice(octets)
        .map_err(|_| CaptureError::Document("the first block of the pcapng file is damaged".to_owned()))?;
    let mut interfaces: Vec<Interface> = Vec::new();
    for (count, block) in blocks.enumerate() {
        let block: Result<PcapBlockOwned<'a>, nom::Err<PcapError<&'a [u8]>>> = block;
        let Ok(PcapBlockOwned::NG(block)) = block else {
            return Ok(Some(format!("the file breaks off after {count} blocks")));
        };
        match block {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(found) => interfaces.push(Interface {
                link: found.linktype,
                resolution: found.ts_resolution().unwrap_or(1_000_000).max(1),
                offset: found.ts_offset(),
            }),
            Block::EnhancedPacket(found) => {
                let Some(interface) = interfaces.get(found.if_id as usize) else {
                    continue;
                };
                let ticks = u64::from(found.ts_high) << 32 | u64::from(found.ts_low);
                let seconds = i64::try_from(ticks / interface.resolution).unwrap_or(i64::MAX);
                // With padding to four octets.
                let length = (found.caplen as usize).min(found.data.len());
                take(Frame {
                    link: interface.link.0,
                    at: Some(seconds.saturating_add(interface.offset)),
                    octets: found.data.get(..length).unwrap_or(found.data),
                    cut: found.caplen < found.origlen,
                });
            }
            Block::SimplePacket(found) => {
                let Some(interface) = interfaces.first() else {
                    continue;
                };
                let length = (found.origlen as usize).min(found.data.len());
                take(Frame {
                    link: interface.link.0,
                    at: None,
                    octets: found.data.get(..length).unwrap_or(found.data),
                    cut: (found.origlen as usize) > found.data.len(),
                });
            }
            _ => {}
        }
    }
    Ok(None)
}

fn broken(at: usize) -> String {
    format!("the file breaks off at octet {at}")
}
