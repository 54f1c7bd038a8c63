//! The root anchors in `keys/` against the operating system's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use unbroken::dns::{Name, parse_records};
use unbroken::dnssec::{Anchors, Dnskey};

/// The compiled-in anchors are those of the operating system.
#[test]
fn root_anchors() {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{path}: {error}; install the Debian package dns-root-data"))
    };
    let ours = Anchors::iana_root();
    assert_eq!(ours, Anchors::parse(&read("/usr/share/dns/root.ds")).unwrap());
    let keys = parse_records(&read("/usr/share/dns/root.key"), &Name::root(), 0).unwrap();
    let keys: Vec<Dnskey> = keys
        .iter()
        .filter_map(|record| Dnskey::from_rdata(&record.rdata))
        .collect();
    let mut tags: Vec<u16> = keys.iter().map(Dnskey::tag).collect();
    tags.sort_unstable();
    assert_eq!(tags, [20326, 38696]);
    let (root, set) = ours.iter().next().unwrap();
    for key in &keys {
        assert!(set.iter().any(|ds| ds.matches(root, key)), "{key:?}");
    }
}
