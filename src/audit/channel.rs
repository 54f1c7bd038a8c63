//! What a provider's channel is said to know, held against the bodies that went over it.

use std::collections::{BTreeSet, HashSet};

use super::findings::Finding;
use crate::dns::{Message, Rtype};
use crate::dnssec::{Dnskey, KeyId};
use crate::evidence::{BodyForm, Kept, LARGEST_KEPT};
use crate::workflow::ChannelRead;

/// The keys that a body holds.
#[derive(Debug)]
pub(super) enum Body {
    /// The DNSKEY RRset that a DNS message answers with.
    Keys(BTreeSet<KeyId>),
    /// Whatever in a text may be a public key in base64.
    Words(HashSet<String>),
    /// It cannot be read as what it is said to be.
    Unread,
}

impl Body {
    /// Reads one.
    pub(super) fn read(form: BodyForm, octets: &[u8]) -> Body {
        match form {
            _ if octets.len() > LARGEST_KEPT => Body::Unread,
            BodyForm::Dns => keys_of(octets).map_or(Body::Unread, Body::Keys),
            // JSON may escape a solidus.
            BodyForm::Json | BodyForm::Text => {
                let text = String::from_utf8_lossy(octets).replace("\\/", "/");
                let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
                let words = text.split(|c| !base64(c)).filter(|word| word.len() >= SHORTEST);
                Body::Words(words.map(str::to_owned).collect())
            }
        }
    }

    fn holds(&self, key: &KeyId) -> bool {
        match self {
            Body::Keys(keys) => keys.contains(key),
            Body::Words(words) => words.contains(&data_encoding::BASE64.encode(&key.key().public_key)),
            Body::Unread => false,
        }
    }
}

/// The shortest public key, of Ed25519, has 44 digits in base64.
const SHORTEST: usize = 40;

fn keys_of(message: &[u8]) -> Option<BTreeSet<KeyId>> {
    let message = Message::parse(message).ok()?;
    let asked = message.question.as_ref()?.name.clone();
    let own = message
        .answer
        .iter()
        .filter(|record| record.rtype == Rtype::DNSKEY && record.name == asked);
    Some(
        own.filter_map(|record| Dnskey::from_rdata(&record.rdata))
            .map(|key| key.id())
            .collect(),
    )
}

/// So many bodies of one reading are looked at; a driver makes two calls for it.
const MOST_BODIES: usize = 16;

/// The bodies that came back.
pub(super) fn received(read: &ChannelRead) -> impl Iterator<Item = &Kept> {
    read.exchanges
        .iter()
        .filter_map(|exchange| exchange.received.as_ref())
        .take(MOST_BODIES)
}

/// Whether the bodies that came back, as far as they are there and whole, say what the entry says.
///
/// A DNS message must hold exactly the keys that are listed; of other bodies each key must stand in one. Nothing is said of who
/// sent them: that the channel was authentic is the word of whoever ran the program.
pub(super) fn check(read: &ChannelRead, bodies: &[&Body]) -> Option<Finding> {
    let known = read.read.as_ref().ok()?;
    if bodies.is_empty() {
        let text =
            "no message is kept that its keys were read from: they are the word of whoever ran the program";
        return Some(Finding::remark("channel-unkept", text));
    }
    let agrees = match bodies {
        [Body::Keys(keys)] => known.keys.iter().collect::<BTreeSet<_>>() == keys.iter().collect(),
        bodies => known
            .keys
            .iter()
            .all(|key| bodies.iter().any(|body| body.holds(key))),
    };
    (!agrees).then(|| {
        let text = format!(
            "the channel of {} is said to know other keys than the messages hold that came over it",
            read.provider
        );
        Finding::fails("channel-differs", text)
    })
}
