//! Whether keys of a provider may be used elsewhere: what its own channel said, the chain of trust that exists, a person's pins.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::assess::assess;
use super::decide::halt;
use super::decision::Decision;
use super::event::Authenticated;
use super::state::State;
use crate::dnssec::{KeyId, Status};
use crate::evidence::Exchange;
use crate::ports::DriverError;

/// How keys that a person pinned were authenticated, in words.
pub const PINNED: &str = "pinned by a person in keys/";
/// How keys that the chain vouches for were authenticated, in words.
pub const VALIDATED: &str = "validated through the existing chain of trust";

/// What a provider's own channel said when its keys were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRead {
    /// The provider.
    pub provider: String,
    /// The keys that it knows, or why it could not be read.
    pub read: Result<ChannelKeys, DriverError>,
    /// What went over it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// The keys that an authenticated channel knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelKeys {
    /// What makes the channel authentic.
    pub channel: String,
    /// The keys.
    pub keys: Vec<KeyId>,
}

/// What the driver's channel says of keys that were wanted.
enum Word {
    /// It knows them.
    Vouches(String),
    /// It could not be read.
    Unread(Decision),
    /// It was read, and does not know them.
    Contradicts(Decision),
    /// There is none.
    None,
}

/// How the keys of `provider` that are named `wanted` are authentic: over its channel, if that was `read` and knows them; through
/// the chain of trust that exists; or as a person pinned them, which does not stand against a channel that was read and does
/// not know them.
///
/// # Errors
/// The decision that stands instead, if none of these vouches for all of them.
pub fn vouch(
    state: &State,
    provider: &str,
    wanted: &[String],
    read: Option<&ChannelRead>,
    pinned: impl FnOnce(&BTreeSet<KeyId>) -> bool,
) -> Result<Authenticated, Box<Decision>> {
    let keys: BTreeSet<KeyId> = state
        .pool
        .keys()
        .filter(|id| wanted.contains(&id.to_string()))
        .cloned()
        .collect();
    let by = |channel: String| Authenticated {
        provider: provider.to_owned(),
        keys: keys.iter().cloned().collect(),
        channel,
    };
    let word = match read {
        Some(read) => word(state, provider, &keys, read),
        None => Word::None,
    };
    if let Word::Vouches(channel) = word {
        return Ok(by(channel));
    }
    if is_validated(state, provider, &keys) {
        return Ok(by(VALIDATED.to_owned()));
    }
    if !matches!(word, Word::Contradicts(_)) && !keys.is_empty() && pinned(&keys) {
        return Ok(by(PINNED.to_owned()));
    }
    Err(Box::new(match word {
        Word::Unread(decision) | Word::Contradicts(decision) => decision,
        Word::Vouches(_) | Word::None => unauthenticated(state, provider, &keys),
    }))
}

fn word(state: &State, provider: &str, wanted: &BTreeSet<KeyId>, read: &ChannelRead) -> Word {
    let known = match &read.read {
        Ok(known) => known,
        Err(error) => {
            return Word::Unread(halt(
                state,
                format!("the keys of {provider} could not be read over its authenticated channel: {error}"),
                vec![
                    format!("mend the channel to {provider} (address, TSIG key, API key), then run again"),
                    format!(
                        "or compare the keys with {provider} over another way, pin them, and run again: unbroken keys pin {} \
                         --provider {provider}",
                        zone(state)
                    ),
                ],
            ));
        }
    };
    let missing: Vec<String> = wanted
        .iter()
        .filter(|key| !known.keys.contains(key))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        return Word::Vouches(known.channel.clone());
    }
    Word::Contradicts(halt(
        state,
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
    ))
}

/// Whether the present chain of trust vouches for the keys: each server of the provider is delegated, and secure under the DS at
/// the parent.
fn is_validated(state: &State, provider: &str, wanted: &BTreeSet<KeyId>) -> bool {
    let Some(at) = state.last_sweep.as_ref().map(|sweep| sweep.ended) else {
        return false;
    };
    let verdicts = assess(state, at);
    let mut own = verdicts
        .iter()
        .filter(|verdict| verdict.provider == provider)
        .peekable();
    own.peek().is_some()
        && own.all(|verdict| verdict.status == Status::Secure && verdict.delegated)
        && wanted.is_subset(&state.snapshot().own_keys(provider))
}

fn unauthenticated(state: &State, provider: &str, wanted: &BTreeSet<KeyId>) -> Decision {
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
            zone(state)
        ),
        approve: false,
    }
}

fn zone(state: &State) -> String {
    let servers = state.servers.as_ref();
    servers.map_or_else(|| "ZONE".to_owned(), |servers| servers.topology.zone.to_string())
}
