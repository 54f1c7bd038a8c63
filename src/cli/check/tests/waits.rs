//! What a change takes, against the TTLs by hand.

use super::*;

fn seconds(report: &Report) -> (u32, u32, u32, u32) {
    let waits = report.changes.as_ref().unwrap();
    (waits.ds, waits.ns, waits.dnskey, waits.data)
}

/// DS, NS, DNSKEY, data as under a large top-level domain: the other signer may be named when the former DS has left
/// (86,400 s), the delegation to the former servers leaves after 172,800 s more, and then the longest of keys, answers and DS.
#[test]
fn a_move_under_a_large_domain() {
    for change in [|_: &mut LabConfig| {}, both as fn(&mut LabConfig)] {
        let report = Scene::new(change).check();
        assert_eq!(seconds(&report), (86_400, 172_800, 3_600, 900));
        let waits = report.changes.as_ref().unwrap();
        let end = waits.move_ends.unwrap().floor_seconds() - START;
        assert_eq!(end, 86_400 + 172_800 + 3_600);
        assert_eq!(waits.move_waits_for.as_deref(), Some("the former signer's keys"));
        // The keys that were trusted under the last DS outlive it by their own TTL.
        assert_eq!(waits.signed_after_ds, Some(86_400 + 3_600));
    }
}

#[test]
fn a_ttl_of_data_that_a_person_gave_counts() {
    let mut scene = Scene::new(|_| {});
    scene.rules.max_ttl = Some(40_000);
    let report = scene.check();
    let waits = report.changes.as_ref().unwrap();
    assert_eq!(waits.data, 40_000);
    let end = waits.move_ends.unwrap().floor_seconds() - START;
    assert_eq!(end, 86_400 + 172_800 + 40_000);
    assert_eq!(
        waits.move_waits_for.as_deref(),
        Some("answers signed by the former signer")
    );
}

#[test]
fn the_floor_counts() {
    let mut scene = Scene::new(|config| config.ttls = Ttls::short());
    scene.rules.ttl_floor = 60;
    let report = scene.check();
    let waits = report.changes.as_ref().unwrap();
    let end = waits.move_ends.unwrap().floor_seconds() - START;
    assert_eq!(end, 60 + 60 + 60);
    assert_eq!(waits.signed_after_ds, Some(120));
}
