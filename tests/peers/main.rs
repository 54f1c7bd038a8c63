//! Moves of a signed zone between real servers, each in a small internet of its own.
//!
//! A scenario starts a root (NSD), a registry for `test.` (Knot DNS) and two providers of `shop.test.` (BIND, Knot DNS,
//! PowerDNS) in a network namespace, and lets two judges watch all the while: [`oracle`], which asks every server
//! directly and checks every mixture of answers that a cache may still hold, and [`unbound`], a validator that does not
//! retry. [`moves`] drives the servers by hand, in the right order and in four wrong ones: it proves the judges.
//! [`product`] lets `unbroken` drive the same moves.

mod access;
mod isolation;
mod lab;
mod moves;
mod oracle;
mod probe;
mod process;
mod product;
mod servers;
mod settings;
mod unbound;
mod wire;
mod zone;

use anyhow::Result;
use moves::Wrong;
use servers::Kind::{Bind, Knot, PowerDns};

/// Whether the `unbroken` binary can do these moves already. Where it is false, the scenarios that need it only say so.
const PRODUCT_READY: bool = true;

/// Declares tests that each run in a namespace of their own; a name is needed because the test calls itself there.
macro_rules! scenarios {
    ($($(#[$about:meta])* $name:ident $(if $ready:ident)? => $body:expr;)*) => {$(
        $(#[$about])*
        #[test]
        fn $name() -> Result<()> {
            $(if !$ready {
                println!("not enabled: {} is false", stringify!($ready));
                return Ok(());
            })?
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

    /// The same moves, driven by `unbroken`.
    product_bind_to_knot if PRODUCT_READY => product::migrate(Bind, Knot);
    product_knot_to_powerdns if PRODUCT_READY => product::migrate(Knot, PowerDns);
    product_powerdns_to_bind if PRODUCT_READY => product::migrate(PowerDns, Bind);
}
