//! What was recorded, in the forms of others: the JSON of `dnsviz probe`, packets, tables, timelines. Pure: values in, octets
//! out.

mod csv;
mod dnsviz;
mod pcap;

pub use csv::{CSV_HEAD, rows};
pub use dnsviz::{DnsvizFault, Probe, dnsviz, is_above};
pub use pcap::Pcap;

/// The message as it came, with the identifier that it carried.
pub fn with_id(octets: &[u8], id: u16) -> Vec<u8> {
    let mut message = octets.to_vec();
    if let Some(head) = message.first_chunk_mut::<2>() {
        *head = id.to_be_bytes();
    }
    message
}
