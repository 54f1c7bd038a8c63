//! Acting: the intent is on the disk first, and what the driver says is recorded but believed by nobody.

use std::collections::BTreeSet;

use super::error::RunError;
use super::run::Runner;
use crate::dns::Rtype;
use crate::dnssec::{Dnskey, KeyId};
use crate::evidence::Trace;
use crate::workflow::{ChannelKeys, ChannelRead, Decision, Done, Event, Intended, vouch};

impl Runner {
    /// Carries out a decision to act.
    pub(super) async fn act(&mut self, decision: &Decision) -> Result<(), RunError> {
        let Decision::Act {
            step,
            provider,
            changes,
            ..
        } = decision
        else {
            return Ok(());
        };
        let intended = Intended {
            step: step.clone(),
            provider: provider.clone(),
            changes: changes.clone(),
        };
        self.record(&Event::Intent(intended))?;
        let (mut results, mut trace) = (Vec::new(), Trace::default());
        for change in changes {
            let result = match provider {
                Some(name) => match self.team.providers.get(name) {
                    Some(driver) => driver.clone().change(change, &mut trace).await,
                    None => {
                        return Err(RunError::Settings(format!(
                            "the settings have no provider '{name}'"
                        )));
                    }
                },
                None => self.team.parent.clone().change(change, &mut trace).await,
            };
            let failed = result.is_err();
            results.push(result);
            if failed {
                break;
            }
        }
        let done = Done {
            step: step.clone(),
            results,
            exchanges: trace.exchanges,
        };
        self.record_with(&Event::Outcome(done), &trace.blobs)
    }

    /// Tries to authenticate keys of `provider`: over its channel, through the existing chain, or by a pinned file.
    /// `Ok(Err(_))` is the decision that stands instead if none of these does.
    pub(super) async fn authenticate(
        &mut self,
        provider: &str,
        keys: &[String],
    ) -> Result<Result<(), Decision>, RunError> {
        let read = self.over_channel(provider).await?;
        let pinned = |wanted: &BTreeSet<KeyId>| {
            let pinned: BTreeSet<KeyId> = (self.team.pinned)(provider).iter().map(Dnskey::id).collect();
            wanted.is_subset(&pinned)
        };
        match vouch(&self.state, provider, keys, read.as_ref(), pinned) {
            Ok(authenticated) => self.record(&Event::Keys(authenticated)).map(Ok),
            Err(instead) => Ok(Err(*instead)),
        }
    }

    /// Reads the keys that a provider's authenticated channel knows, if it has one, and records what it said.
    async fn over_channel(&mut self, provider: &str) -> Result<Option<ChannelRead>, RunError> {
        let driver = self.team.providers.get(provider).cloned();
        let Some(driver) = driver.filter(|driver| driver.capabilities().authentic_read) else {
            return Ok(None);
        };
        let mut trace = Trace::default();
        let read = driver
            .read(Rtype::DNSKEY, &mut trace)
            .await
            .map(|read| ChannelKeys {
                channel: read.channel,
                keys: read
                    .records
                    .iter()
                    .filter(|record| record.rtype == Rtype::DNSKEY)
                    .filter_map(|record| Dnskey::from_rdata(&record.rdata))
                    .map(|key| key.id())
                    .collect(),
            });
        let read = ChannelRead {
            provider: provider.to_owned(),
            read,
            exchanges: trace.exchanges,
        };
        self.record_with(&Event::Channel(read.clone()), &trace.blobs)?;
        Ok(Some(read))
    }
}
