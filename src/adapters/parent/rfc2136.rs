//! A parent zone that takes RFC 2136 updates with TSIG: the only back end with a real compare-and-swap.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::channel::{Channel, Rfc2136Config};
use crate::evidence::Trace;
use crate::ports::{Applied, Clock, DriverError, Parent, RrsetChange, Transport};

/// A parent behind RFC 2136 with TSIG.
pub struct Rfc2136Parent {
    channel: Channel,
}

impl Rfc2136Parent {
    /// The parent of `config`, whose `zone` is the parent zone.
    pub fn new(config: Rfc2136Config, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Rfc2136Parent {
        Rfc2136Parent {
            channel: Channel::new(config, transport, clock),
        }
    }
}

#[async_trait]
impl Parent for Rfc2136Parent {
    fn name(&self) -> &str {
        &self.channel.config.name
    }

    fn manual(&self) -> bool {
        false
    }

    /// Refused by the server, as one act, if the RRset is not exactly `expect` any more.
    async fn change(&self, change: &RrsetChange, trace: &mut Trace) -> Result<Applied, DriverError> {
        self.channel.update(change, true, trace).await
    }
}
