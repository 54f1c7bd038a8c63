//! Moves of a signed zone between real servers, each in a small internet of its own.
//!
//! A scenario starts a root (NSD), a registry for `test.` (Knot DNS or BIND) and two or three providers of `shop.test.`
//! (BIND, Knot DNS, PowerDNS) in a network namespace, and lets two judges watch all the while: [`oracle`], which asks
//! every server directly and checks every mixture of answers that a cache may still hold, and [`unbound`], a validator
//! that does not retry. [`moves`] drives the servers by hand, in the right order and in four wrong ones: it proves the
//! judges, and `unbroken check`. [`driven`] lets `unbroken` drive the moves, while [`deeds`] happen.

mod access;
mod deeds;
mod driven;
#[path = "../support/secrets.rs"]
mod hidden;
mod isolation;
mod lab;
mod moves;
mod oracle;
mod probe;
mod process;
mod product;
mod served;
mod servers;
mod settings;
mod unbound;
mod wire;
mod zone;

use anyhow::Result;
use deeds::Deed::{Resign, Restart, Roll};
use deeds::Phase::{Both, Ds, Keys, Last, Leaving};
use deeds::Who::{New, Old, Registry};
use deeds::{Deed, Phase};
use driven::Move;
use lab::Setup;
use moves::Wrong;
use servers::Kind::{Bind, Knot, PowerDns};
use servers::Role::{Ksk, Zsk};

/// Every server restarts in every phase, and providers make their signatures anew.
const UNREST: [(Phase, Deed); 19] = [
    (Keys, Restart(Old)),
    (Keys, Restart(New)),
    (Keys, Restart(Registry)),
    (Keys, Resign(Old)),
    (Ds, Restart(New)),
    (Ds, Restart(Registry)),
    (Ds, Restart(Old)),
    (Both, Restart(Registry)),
    (Both, Restart(Old)),
    (Both, Restart(New)),
    (Both, Resign(Old)),
    (Both, Resign(New)),
    (Leaving, Restart(Old)),
    (Leaving, Restart(Registry)),
    (Leaving, Restart(New)),
    (Leaving, Resign(New)),
    (Last, Restart(New)),
    (Last, Restart(Registry)),
    (Last, Restart(Old)),
];

/// A registry on Knot DNS, and NSEC everywhere.
const ON_KNOT: Setup = Setup {
    nsec3: false,
    registry: Knot,
    rsa_at: None,
};
/// A registry on BIND, and NSEC3 at Knot DNS.
const ON_BIND: Setup = Setup {
    nsec3: true,
    registry: Bind,
    rsa_at: None,
};

/// Declares tests that each run in a namespace of their own; a name is needed because the test calls itself there.
macro_rules! scenarios {
    ($($(#[$about:meta])* $name:ident => $body:expr;)*) => {$(
        $(#[$about])*
        #[test]
        fn $name() -> Result<()> {
            isolation::isolated(stringify!($name), || $body)
        }
    )*};
}

scenarios! {
    /// Answers and transfers by TSIG, at every server.
    servers_serve_the_key_only => access::with_key_only();

    /// The right order, by hand: no fault, every answer authenticated.
    by_hand_bind_to_knot => moves::right_order(Bind, Knot);
    by_hand_knot_to_powerdns => moves::right_order(Knot, PowerDns);
    by_hand_powerdns_to_bind => moves::right_order(PowerDns, Bind);

    /// Wrong orders on purpose: judges that could not fail would prove nothing.
    wrong_name_servers_first => moves::wrong_order(Wrong::NamesFirst);
    wrong_ds_of_newcomer_missing => moves::wrong_order(Wrong::DsMissing);
    wrong_old_zsk_withdrawn => moves::wrong_order(Wrong::ZskWithdrawn);
    wrong_old_ds_withdrawn => moves::wrong_order(Wrong::DsWithdrawn);

    /// Driven by `unbroken`: every server restarts in every phase.
    driven_bind_to_knot_in_unrest =>
        Move { from: Bind, to: Knot, setup: ON_BIND, soak: 6, deeds: &UNREST }.drive();
    driven_powerdns_to_knot_in_unrest =>
        Move { from: PowerDns, to: Knot, setup: ON_KNOT, soak: 6, deeds: &UNREST }.drive();

    /// Driven by `unbroken`: a provider rolls its ZSK, which has to be mirrored before it signs.
    driven_knot_to_bind_zsk_roll =>
        Move { from: Knot, to: Bind, setup: ON_KNOT, soak: 18, deeds: &[(Both, Roll(Old, Zsk))] }.drive();
    driven_bind_to_powerdns_zsk_roll =>
        Move { from: Bind, to: PowerDns, setup: ON_BIND, soak: 18, deeds: &[(Both, Roll(Old, Zsk))] }.drive();

    /// Driven by `unbroken`: a provider rolls its KSK; the new one gets its DS while the old one stays, and nothing breaks.
    driven_knot_to_powerdns_ksk_roll =>
        Move { from: Knot, to: PowerDns, setup: ON_KNOT, soak: 15, deeds: &[(Both, Roll(Old, Ksk))] }.drive();
    driven_powerdns_to_bind_ksk_roll =>
        Move { from: PowerDns, to: Bind, setup: ON_BIND, soak: 15, deeds: &[(Both, Roll(New, Ksk))] }.drive();

    /// Begun by hand and finished by `unbroken`: the newcomer's keys in one set, and both DS.
    begun_by_hand_bind_to_knot => driven::begun(Bind, Knot, ON_KNOT);
    /// Named by hand before its DS: broken, and repaired first.
    named_too_early_knot_to_bind => driven::repaired(Knot, Bind, ON_KNOT);

    /// Different algorithms, RSASHA256 and ECDSAP256SHA256: without DS in between.
    fallback_bind_to_knot => driven::fallback(Bind, Knot, Setup { rsa_at: Some(Bind), ..ON_KNOT });
    fallback_knot_to_bind =>
        driven::fallback(Knot, Bind, Setup { rsa_at: Some(Knot), nsec3: false, ..ON_BIND });

    /// Driven by `unbroken`: two more join, and the first one leaves.
    driven_group_of_three => driven::three();
}
