//! What was recorded, in the forms of others: the JSON of `dnsviz probe`, packets, tables, timelines. Pure: values in, octets
//! out.

mod csv;
mod dnsviz;
mod pcap;

pub use csv::{CSV_HEAD, rows};
pub use dnsviz::{DnsvizFault, Probe, dnsviz, is_above};
pub use pcap::Pcap;
