//! How fast a master file is read: every record decoded; what a signer makes passed over; all owners but a few passed over.
//! Octets a second of one core, from memory. `benches/zone.sh` runs it.
//!
//! cargo bench --bench reader -- FILE ZONE

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop where it fails"
)]

use std::collections::BTreeSet;

use unbroken::dns::master::MasterReader;
use unbroken::dns::{Name, OwnerHash, OwnerSet, Rtype};

const ROUNDS: u32 = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|word| word != "--bench").collect();
    let [_, file, zone] = arguments.as_slice() else {
        // `cargo bench` and `cargo test` run every target; without a zone there is nothing to measure.
        println!("usage: cargo bench --bench reader -- FILE ZONE");
        return;
    };
    let zone = Name::parse(zone).unwrap();
    let text = std::fs::read(file).unwrap();
    let of_signers = BTreeSet::from([Rtype::RRSIG, Rtype::NSEC, Rtype::NSEC3]);
    let whole = MasterReader::new(&zone);
    let skipping = whole.clone().skipping(&of_signers, &BTreeSet::new(), &zone);
    let only = whole.clone().only(OwnerSet::new([OwnerHash::of(zone.wire())]));
    for (what, reader) in [
        ("every record decoded", whole),
        ("RRSIG, NSEC and NSEC3 passed over", skipping),
        ("all owners but the apex passed over", only),
    ] {
        let (mut records, mut skipped) = (0u64, 0);
        let before = processor_time();
        for _ in 0..ROUNDS {
            let mut reader = reader.clone();
            reader.read(&text, true, |_| records += 1).unwrap();
            skipped += reader.skipped();
        }
        let seconds = (processor_time() - before) / f64::from(ROUNDS);
        let (records, skipped) = (records / u64::from(ROUNDS), skipped / u64::from(ROUNDS));
        println!(
            "{what} | {records} records, {skipped} passed over | {seconds:.3} s of processor | {:.0} MB/s",
            text.len() as f64 / 1e6 / seconds
        );
    }
}

/// Seconds of processor that this process used, in hundredths: other work on the machine does not count.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, user and system time are the 12th and 13th fields.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
