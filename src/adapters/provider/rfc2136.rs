//! Providers that take RFC 2136 updates and transfers with TSIG: BIND, Knot DNS and others.

use std::sync::Arc;

use async_trait::async_trait;

use super::inventory::Tally;
use crate::adapters::channel::{Channel, Rfc2136Config};
use crate::dns::Rtype;
use crate::evidence::Trace;
use crate::ports::{
    Applied, AuthenticRead, Capabilities, Clock, DriverError, FailureClass, Inventory, Provider, RrsetChange,
    Transport,
};
use crate::zone::Sink;

/// A provider behind RFC 2136 with TSIG.
pub struct Rfc2136Provider {
    channel: Channel,
}

impl Rfc2136Provider {
    /// The provider of `config`, whose `zone` is the zone itself.
    pub fn new(
        config: Rfc2136Config,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Rfc2136Provider {
        Rfc2136Provider {
            channel: Channel::new(config, transport, clock),
        }
    }
}

#[async_trait]
impl Provider for Rfc2136Provider {
    fn name(&self) -> &str {
        &self.channel.config.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            foreign_keys: true,
            apex_ns: true,
            authentic_read: true,
            inventory: true,
            manual: false,
        }
    }

    async fn read(&self, rtype: Rtype, trace: &mut Trace) -> Result<AuthenticRead, DriverError> {
        self.channel.read(&self.channel.config.zone, rtype, trace).await
    }

    async fn inventory(&self) -> Result<Inventory, DriverError> {
        let mut tally = Tally::new(self.channel.config.zone.clone());
        self.channel.transfer(&mut |record| tally.add(&record)).await?;
        Ok(tally.finish())
    }

    async fn contents(&self, sink: &mut (dyn Sink + Send)) -> Result<(), DriverError> {
        self.channel.transfer(&mut |record| sink.add(&record)).await
    }

    /// Without prerequisites: the signer changes its own keys in the same RRset whenever it likes.
    async fn change(&self, change: &RrsetChange, trace: &mut Trace) -> Result<Applied, DriverError> {
        if change.name != self.channel.config.zone {
            return Err(self.channel.error(
                &format!("update of {} {}", change.name, change.rtype),
                FailureClass::Unsupported,
                format!(
                    "only RRsets at the apex {} are changed here",
                    self.channel.config.zone
                ),
            ));
        }
        self.channel.update(change, false, trace).await
    }
}
