//! A whole move from provider `a` to provider `b`, step by step: the right order with waits that are exact, each wait one
//! second too short, and the wrong orders.

use super::*;

/// The moments of the steps. See [`versions`].
#[derive(Clone, Copy)]
struct Plan {
    /// T1: `a` publishes the ZSK of `b`.
    import: i64,
    /// T2: `b` is complete.
    build: i64,
    /// T3: the DS of `b` is added.
    add_ds: i64,
    /// T4: the parent and the apex name `b` too.
    add_ns: i64,
    /// T5: nobody names `a` any more.
    drop_ns: i64,
    /// T6: `a` stops.
    stop: i64,
    /// T7: `b` no longer publishes the ZSK of `a`.
    drop_zsk: i64,
    /// T8: the DS of `a` is removed.
    drop_ds: i64,
}

/// Every wait as short as it may be. TTLs: parent NS 50, apex NS 40, DS 30, DNSKEY 20, data 10.
const RIGHT: Plan = Plan {
    import: 100,
    build: 110,
    add_ds: 120,
    add_ns: 150,   // max(import + 20, add_ds + 30)
    drop_ns: 200,  // no wait
    stop: 250,     // drop_ns + max(50, 40)
    drop_zsk: 260, // stop + 10
    drop_ds: 270,  // stop + 20
};

fn versions(p: Plan) -> Vec<Version> {
    vec![
        served(parent("a"), 0, p.add_ns, 50),
        served(parent("a b"), p.add_ns, p.drop_ns, 50),
        served(parent("b"), p.drop_ns, None, 50),
        served(ds("a"), 0, p.add_ds, 30),
        served(ds("a b"), p.add_ds, p.drop_ds, 30),
        served(ds("b"), p.drop_ds, None, 30),
        served(apex("a", "a"), 0, p.add_ns, 40),
        served(apex("a", "a b"), p.add_ns, p.drop_ns.min(p.stop), 40),
        served(apex("a", "b"), p.drop_ns, p.stop.max(p.drop_ns), 40),
        served(dnskey("a", "a za", "a"), 0, p.import, 20),
        served(dnskey("a", "a za zb", "a"), p.import, p.stop, 20),
        served(data("a", "za"), 0, p.stop, 10),
        served(apex("b", "a b"), p.build, p.drop_ns, 40),
        served(apex("b", "b"), p.drop_ns, None, 40),
        served(dnskey("b", "b zb za", "b"), p.build, p.drop_zsk, 20),
        served(dnskey("b", "b zb", "b"), p.drop_zsk, None, 20),
        served(data("b", "zb"), p.build, None, 10),
    ]
}

fn found(plan: Plan) -> Vec<String> {
    summary(&conflicts(versions(plan)))
}

#[test]
fn the_right_order_with_exact_waits_is_continuous() {
    assert_eq!(found(RIGHT), [""; 0]);
}

#[test]
fn no_wait_is_needed_before_steps_that_only_add() {
    // T1, T2 and T3 at once, T5 right after T4.
    let plan = Plan {
        import: 120,
        build: 120,
        add_ds: 120,
        drop_ns: 151,
        ..RIGHT
    };
    assert_eq!(found(plan), [""; 0]);
}

#[test]
fn add_ns_waits_for_the_old_ds() {
    let short = Plan { add_ns: 149, ..RIGHT };
    assert_eq!(found(short), ["ds-dnskey 149-150"]);
}

#[test]
fn add_ns_waits_for_the_old_dnskey() {
    let late_import = Plan {
        import: 140,
        add_ns: 160,
        ..RIGHT
    };
    assert_eq!(found(late_import), [""; 0]);
    assert_eq!(
        found(Plan {
            add_ns: 159,
            ..late_import
        }),
        ["dnskey-data 159-160"]
    );
}

#[test]
fn stop_waits_for_the_delegation() {
    // The parent's old copy still names a, and so still leads there.
    let short = found(Plan { stop: 249, ..RIGHT });
    assert_eq!(short, ["no-server 249-250", "gap 249-250"]);
    // The apex copies are forgotten at 240: with a short-lived delegation they decide.
    let mut with_short_delegation = versions(Plan { stop: 240, ..RIGHT });
    with_short_delegation
        .iter_mut()
        .filter(|v| v.ttl == 50)
        .for_each(|v| v.ttl = 10);
    assert_eq!(summary(&conflicts(with_short_delegation)), [""; 0]);
    let mut short = versions(Plan { stop: 239, ..RIGHT });
    short.iter_mut().filter(|v| v.ttl == 50).for_each(|v| v.ttl = 10);
    assert_eq!(summary(&conflicts(short)), ["no-server 239-240", "gap 239-240"]);
}

#[test]
fn drop_zsk_waits_for_the_last_data_of_a() {
    assert_eq!(
        found(Plan {
            drop_zsk: 259,
            ..RIGHT
        }),
        ["dnskey-data 259-260"]
    );
    // However long a goes on serving what nobody asks for.
    assert_eq!(found(Plan { stop: 400, ..RIGHT }), [""; 0]);
}

#[test]
fn drop_ds_waits_for_the_last_dnskey_of_a() {
    assert_eq!(
        found(Plan {
            drop_ds: 269,
            ..RIGHT
        }),
        ["ds-dnskey 269-270"]
    );
}

#[test]
fn wrong_orders() {
    // The delegation before the key exchange.
    assert_eq!(found(Plan { import: 170, ..RIGHT })[0], "dnskey-data 150-190");
    // The delegation before the DS.
    assert_eq!(found(Plan { add_ds: 160, ..RIGHT })[0], "ds-dnskey 150-190");
    // The delegation before b is complete.
    let early = found(Plan { build: 160, ..RIGHT });
    assert!(early.contains(&"no-server 150-160".to_owned()) && early.contains(&"gap 150-160".to_owned()));
    // a stops while it is named.
    assert!(found(Plan { stop: 190, ..RIGHT }).contains(&"no-server 190-250".to_owned()));
    // The ZSK of a is dropped while a serves.
    assert!(
        found(Plan {
            drop_zsk: 210,
            ..RIGHT
        })
        .contains(&"dnskey-data 210-260".to_owned())
    );
    // The DS of a is dropped while a serves.
    assert!(
        found(Plan {
            drop_ds: 210,
            ..RIGHT
        })
        .contains(&"ds-dnskey 210-270".to_owned())
    );
}

#[test]
fn a_ds_that_replaces_instead_of_adding() {
    let mut versions = versions(RIGHT);
    versions[4] = served(ds("b"), 120, 270, 30);
    assert_eq!(summary(&conflicts(versions))[0], "ds-dnskey 120-270");
}

#[test]
fn a_ds_with_a_better_digest_for_b_only() {
    let mut versions = versions(RIGHT);
    versions[3] = served(ds("a/1"), 0, 120, 30);
    versions[4] = served(ds("a/1 b/2"), 120, 270, 30);
    assert_eq!(summary(&conflicts(versions))[0], "ds-dnskey 120-270");
}

/// T9: a KSK of `a` that `b` had imported, the only way in for those who hold the old DS.
#[test]
fn an_imported_key_goes_when_no_ds_needs_it() {
    let remove = |at: i64| {
        let versions = vec![
            served(parent("b"), 0, None, 50),
            served(apex("b", "b"), 0, None, 40),
            served(ds("a"), 0, 100, 30),
            served(ds("b"), 100, None, 30),
            served(dnskey("b", "a b zb", "a b"), 0, at, 20),
            served(dnskey("b", "b zb", "b"), at, None, 20),
            served(data("b", "zb"), 0, None, 10),
        ];
        summary(&conflicts(versions))
    };
    assert_eq!(remove(130), [""; 0]);
    assert_eq!(remove(129), ["ds-dnskey 129-130"]);
}

/// T10 and T11: double-KSK rollover at one provider (RFC 7583, 3.3.1).
#[test]
fn a_ksk_rollover() {
    let roll = |publish: i64, swap: i64, remove: i64| {
        let versions = vec![
            served(parent("a"), 0, None, 50),
            served(apex("a", "a"), 0, None, 40),
            served(ds("a"), 0, swap, 30),
            served(ds("b"), swap, None, 30),
            served(dnskey("a", "a za", "a"), 0, publish, 20),
            served(dnskey("a", "a b za", "a b"), publish, remove, 20),
            served(dnskey("a", "b za", "b"), remove, None, 20),
            served(data("a", "za"), 0, None, 10),
        ];
        summary(&conflicts(versions))
    };
    assert_eq!(roll(100, 120, 150), [""; 0]);
    assert_eq!(roll(100, 119, 150), ["ds-dnskey 119-120"]);
    assert_eq!(roll(100, 120, 149), ["ds-dnskey 149-150"]);
}

/// T12 and T13: pre-publish ZSK rollover (RFC 7583, 3.2.1).
#[test]
fn a_zsk_rollover() {
    let roll = |publish: i64, sign: i64, remove: i64| {
        let versions = vec![
            served(parent("a"), 0, None, 50),
            served(apex("a", "a"), 0, None, 40),
            served(ds("a"), 0, None, 30),
            served(dnskey("a", "a za", "a"), 0, publish, 20),
            served(dnskey("a", "a za zb", "a"), publish, remove, 20),
            served(dnskey("a", "a zb", "a"), remove, None, 20),
            served(data("a", "za"), 0, sign, 10),
            served(data("a", "zb"), sign, None, 10),
        ];
        summary(&conflicts(versions))
    };
    assert_eq!(roll(100, 120, 130), [""; 0]);
    assert_eq!(roll(100, 119, 130), ["dnskey-data 119-120"]);
    assert_eq!(roll(100, 120, 129), ["dnskey-data 129-130"]);
}

/// T14, T15 and T16: through insecurity, with other keys on the other side.
#[test]
fn disable_then_re_enable() {
    let move_through = |swap: i64, secure: i64| {
        let versions = vec![
            served(parent("a"), 0, None, 50),
            served(apex("a", "a"), 0, None, 40),
            served(ds("a"), 0, 100, 30),
            served(ds(""), 100, secure, 30),
            served(ds("b"), secure, None, 30),
            served(dnskey("a", "a za", "a"), 0, swap, 20),
            served(dnskey("a", "b zb", "b"), swap, None, 20),
            served(data("a", "za"), 0, swap, 25),
            served(data("a", "zb"), swap, None, 25),
        ];
        summary(&conflicts(versions))
    };
    // The last DS is forgotten at 130, the last key entry made under it at 150.
    assert_eq!(move_through(150, 175), [""; 0]);
    assert_eq!(move_through(149, 175), ["dnskey-data 149-150"]);
    // Secure again when the last foreign data is forgotten, and the last foreign keys.
    assert_eq!(move_through(150, 174), ["dnskey-data 174-175"]);
    assert!(move_through(150, 169).contains(&"ds-dnskey 169-170".to_owned()));
}
