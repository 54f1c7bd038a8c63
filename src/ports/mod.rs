//! What the runner needs of the world, as traits. One adapter a system implements them; the lab implements them too.

mod driver;
mod journal;
mod observer;
mod transport;

pub use driver::{
    Applied, AuthenticRead, Capabilities, DriverError, FailureClass, Inventory, Parent, Provider, RrsetChange,
};
pub use journal::{EachEntry, Entries, Holder, Journal, JournalError, JournalView, Told, ToldBody};
pub use observer::{
    AskRequest, NameServer, Observed, Observer, ProbeNames, SweepRequest, Topology, inner_hosts,
};
pub use transport::{Clock, ExchangeError, Transport};
