//! A parent whose interface is a person: most registrars.

use async_trait::async_trait;

use crate::adapters::instructions::{Where, instructions};
use crate::dnssec::Dnskey;
use crate::evidence::Trace;
use crate::ports::{Applied, DriverError, Parent, RrsetChange};

/// Prints the exact DS and NS records; a person gives them to the registrar.
#[derive(Clone, Debug, Default)]
pub struct ManualParent {
    name: String,
    keys: Vec<Dnskey>,
}

impl ManualParent {
    /// The parent called `name` in the settings.
    pub fn new(name: impl Into<String>) -> ManualParent {
        ManualParent {
            name: name.into(),
            keys: Vec::new(),
        }
    }

    /// With these keys known, a DS is also shown as the DNSKEY that it stands for, as some registrars want it.
    pub fn with_keys(mut self, keys: Vec<Dnskey>) -> ManualParent {
        self.keys = keys;
        self
    }
}

#[async_trait]
impl Parent for ManualParent {
    fn name(&self) -> &str {
        &self.name
    }

    fn manual(&self) -> bool {
        true
    }

    async fn change(&self, change: &RrsetChange, _trace: &mut Trace) -> Result<Applied, DriverError> {
        let place = Where::Parent {
            name: &self.name,
            keys: &self.keys,
        };
        Ok(Applied::Manual {
            instructions: instructions(&place, change),
        })
    }
}
