//! Where the records of a copy go, one by one.

use crate::dns::{CLASS_IN, Record, Rtype, Ttl};

/// Takes the records of one copy as they come, in any order.
pub trait Sink {
    /// Takes a record of class IN: owner in wire form with letters folded, RDATA in canonical form.
    fn record(&mut self, owner: &[u8], rtype: Rtype, ttl: Ttl, rdata: &[u8]);

    /// Counts what this program cannot read, such as a type that only that provider knows.
    fn unreadable(&mut self, what: String);

    /// Takes a record; one of another class is no part of the zone.
    fn add(&mut self, record: &Record) {
        if record.class == CLASS_IN {
            self.record(record.name.wire(), record.rtype, record.ttl, &record.rdata);
        }
    }
}
