//! Acting: the intent is on the disk first, and what the driver says is recorded but believed by nobody.

use std::collections::BTreeSet;

use super::error::RunError;
use super::run::Runner;
use crate::dns::Rtype;
use crate::dnssec::{Dnskey, KeyId, Status};
use crate::workflow::{Authenticated, Decision, Done, Event, Intended, assess, halt};

/// Why a provider's own channel does not vouch for its keys, and what stands instead.
enum Refused {
    /// It could not be read.
    Unread(Box<Decision>),
    /// It was read, and does not know them.
    Contradicted(Box<Decision>),
}

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
        let mut results = Vec::new();
        for change in changes {
            let result = match provider {
                Some(name) => match self.team.providers.get(name) {
                    Some(driver) => driver.clone().change(change).await,
                    None => {
                        return Err(RunError::Settings(format!(
                            "the settings have no provider '{name}'"
                        )));
                    }
                },
                None => self.team.parent.clone().change(change).await,
            };
            let failed = result.is_err();
            results.push(result);
            if failed {
                break;
            }
        }
        self.record(&Event::Outcome(Done {
            step: step.clone(),
            results,
        }))
    }

    /// Tries to authenticate keys of `provider`: over its channel, through the existing chain, or by a pinned file.
    /// `Ok(Err(_))` is the decision that stands instead if none of these does.
    pub(super) async fn authenticate(
        &mut self,
        provider: &str,
        keys: &[String],
    ) -> Result<Result<(), Decision>, RunError> {
        let wanted: BTreeSet<KeyId> = self
            .state
            .pool
            .keys()
            .filter(|id| keys.contains(&id.to_string()))
            .cloned()
            .collect();
        let mut refusal = None;
        match self.over_channel(provider, &wanted).await {
            Ok(Some(channel)) => return self.accept(provider, wanted, channel),
            Ok(None) => {}
            Err(refused) => refusal = Some(refused),
        }
        if let Some(channel) = self.validated(provider, &wanted) {
            return self.accept(provider, wanted, channel);
        }
        // A person's word does not stand against a channel that was read and does not know the keys.
        let contradicted = matches!(refusal, Some(Refused::Contradicted(_)));
        if !contradicted && self.pinned(provider, &wanted) {
            return self.accept(provider, wanted, "pinned by a person in keys/".to_owned());
        }
        Ok(Err(match refusal {
            Some(Refused::Unread(decision) | Refused::Contradicted(decision)) => *decision,
            None => self.unauthenticated(provider, &wanted),
        }))
    }

    fn accept(
        &mut self,
        provider: &str,
        keys: BTreeSet<KeyId>,
        channel: String,
    ) -> Result<Result<(), Decision>, RunError> {
        let keys = Authenticated {
            provider: provider.to_owned(),
            keys: keys.into_iter().collect(),
            channel,
        };
        self.record(&Event::Keys(keys))?;
        Ok(Ok(()))
    }

    async fn over_channel(
        &self,
        provider: &str,
        wanted: &BTreeSet<KeyId>,
    ) -> Result<Option<String>, Refused> {
        let Some(driver) = self.team.providers.get(provider) else {
            return Ok(None);
        };
        if !driver.capabilities().authentic_read {
            return Ok(None);
        }
        let read = driver.read(Rtype::DNSKEY).await.map_err(|error| {
            let decision = halt(
                &self.state,
                format!("the keys of {provider} could not be read over its authenticated channel: {error}"),
                vec![
                    format!("mend the channel to {provider} (address, TSIG key, API key), then run again"),
                    self.pin(provider),
                ],
            );
            Refused::Unread(Box::new(decision))
        })?;
        let found: BTreeSet<KeyId> = read
            .records
            .iter()
            .filter(|record| record.rtype == Rtype::DNSKEY)
            .filter_map(|record| Dnskey::from_rdata(&record.rdata))
            .map(|key| key.id())
            .collect();
        let missing: Vec<String> = wanted.difference(&found).map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(Some(read.channel));
        }
        let decision = halt(
            &self.state,
            format!(
                "the servers of {provider} serve keys that its authenticated channel does not know: {}",
                missing.join(", ")
            ),
            vec![
                format!(
                    "ask {provider} whose keys these are. A secondary that lags behind a key roll catches up by itself: \
                     then just run again"
                ),
                "do not pin or publish a key that nobody can explain: whoever holds it can sign for the zone"
                    .to_owned(),
            ],
        );
        Err(Refused::Contradicted(Box::new(decision)))
    }

    fn pin(&self, provider: &str) -> String {
        format!(
            "or compare the keys with {provider} over another way, pin them, and run again: unbroken keys pin {} \
             --provider {provider}",
            self.team.zone
        )
    }

    /// Keys that the present chain of trust vouches for: each server of the provider is secure under the DS at the parent.
    fn validated(&self, provider: &str, wanted: &BTreeSet<KeyId>) -> Option<String> {
        let at = self.state.last_sweep.as_ref()?.ended;
        let verdicts = assess(&self.state, at);
        let mut own = verdicts
            .iter()
            .filter(|verdict| verdict.provider == provider)
            .peekable();
        own.peek()?;
        let secure = own.all(|verdict| verdict.status == Status::Secure && verdict.delegated);
        let served = self.state.snapshot().own_keys(provider);
        (secure && wanted.is_subset(&served))
            .then(|| "validated through the existing chain of trust".to_owned())
    }

    fn pinned(&self, provider: &str, wanted: &BTreeSet<KeyId>) -> bool {
        let pinned: BTreeSet<KeyId> = (self.team.pinned)(provider).iter().map(Dnskey::id).collect();
        !wanted.is_empty() && wanted.is_subset(&pinned)
    }

    fn unauthenticated(&self, provider: &str, wanted: &BTreeSet<KeyId>) -> Decision {
        let keys: Vec<String> = wanted
            .iter()
            .map(|id| format!("DNSKEY {} ; {id}", id.key()))
            .collect();
        Decision::Person {
            what: format!("keys-of-{provider}"),
            text: format!(
                "keys of {provider} were seen over plain DNS alone and are refused:\n{}\ncompare them with the provider \
                 over another channel, then pin them: unbroken keys pin {} --provider {provider}",
                keys.join("\n"),
                self.team.zone
            ),
            approve: false,
        }
    }
}
