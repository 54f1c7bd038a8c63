//! A provider whose interface is a person.

use async_trait::async_trait;

use crate::adapters::instructions::{Where, instructions};
use crate::dns::{Name, Rtype};
use crate::evidence::Trace;
use crate::ports::{
    Applied, AuthenticRead, Capabilities, DriverError, FailureClass, Inventory, Provider, RrsetChange,
};

/// Prints the exact records; a person puts them there.
#[derive(Clone, Debug)]
pub struct ManualProvider {
    name: String,
    zone: Name,
}

impl ManualProvider {
    /// The provider called `name` in the settings, for `zone`.
    pub fn new(name: impl Into<String>, zone: Name) -> ManualProvider {
        ManualProvider {
            name: name.into(),
            zone,
        }
    }

    fn unsupported(&self, what: &str) -> DriverError {
        DriverError {
            who: self.name.clone(),
            what: what.to_owned(),
            said: "a manual provider cannot be read; a person pins its keys (`unbroken keys pin`)".to_owned(),
            class: FailureClass::Unsupported,
        }
    }
}

#[async_trait]
impl Provider for ManualProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            foreign_keys: true,
            apex_ns: true,
            authentic_read: false,
            inventory: false,
            manual: true,
        }
    }

    async fn read(&self, rtype: Rtype, _trace: &mut Trace) -> Result<AuthenticRead, DriverError> {
        Err(self.unsupported(&format!("read of {} {rtype}", self.zone)))
    }

    async fn inventory(&self) -> Result<Inventory, DriverError> {
        Err(self.unsupported(&format!("inventory of {}", self.zone)))
    }

    async fn change(&self, change: &RrsetChange, _trace: &mut Trace) -> Result<Applied, DriverError> {
        let place = Where::Provider {
            name: &self.name,
            zone: &self.zone,
        };
        Ok(Applied::Manual {
            instructions: instructions(&place, change),
        })
    }
}
