//! One call over the channel of a provider or parent: what was sent and what came back, kept as blobs without what is secret.

use serde::{Deserialize, Serialize};

use super::{BlobId, Blobs};

/// Larger bodies are not kept, octets: an answer about one RRset is far smaller.
pub const LARGEST_KEPT: usize = 1024 * 1024;

/// How the octets are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyForm {
    /// A DNS message (RFC 1035, section 4.1), its identifier set to zero.
    Dns,
    /// JSON (RFC 8259), written anew without blanks.
    Json,
    /// Anything else, as UTF-8.
    Text,
}

/// A body that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kept {
    /// How to read it.
    pub form: BodyForm,
    /// Its octets.
    pub blob: BlobId,
    /// What was taken out before it was kept ("tsig", "secrets", "other rrsets").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// One request and its answer. It proves nothing by itself: nobody signed it for others to see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked of whom: `UPDATE tcp 192.0.2.11:53`, or method and URL.
    pub with: String,
    /// What was sent; none: nothing but what `with` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Kept>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What came back; none: nothing did, or it was too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Kept>,
    /// Why nothing came back, why it was not believed, or why it was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl Exchange {
    /// The blobs that it names.
    pub fn named(&self) -> impl Iterator<Item = &BlobId> {
        [&self.sent, &self.received]
            .into_iter()
            .flatten()
            .map(|kept| &kept.blob)
    }
}

/// What went over a channel during one call. A driver fills it whatever comes of the call; nothing secret may be put into it.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The requests, in their order.
    pub exchanges: Vec<Exchange>,
    /// The octets that they name.
    pub blobs: Blobs,
}

impl Trace {
    /// Keeps a body; none where it is larger than [`LARGEST_KEPT`].
    pub fn keep(&mut self, form: BodyForm, octets: &[u8], without: &[&str]) -> Option<Kept> {
        (octets.len() <= LARGEST_KEPT).then(|| Kept {
            form,
            blob: self.blobs.insert(octets),
            without: without.iter().map(|what| (*what).to_owned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_named_by_their_hash_and_the_largest_are_left_out() {
        let mut trace = Trace::default();
        let kept = trace.keep(BodyForm::Json, b"{}", &["secrets"]).unwrap();
        assert_eq!(kept.blob, BlobId::of(b"{}"));
        assert!(trace.blobs.get(&kept.blob).is_some());
        assert_eq!(trace.keep(BodyForm::Text, &vec![0; LARGEST_KEPT + 1], &[]), None);
        let exchange = Exchange {
            with: "GET https://dns.example/".to_owned(),
            sent: None,
            status: Some(200),
            received: Some(kept.clone()),
            said: None,
        };
        assert_eq!(exchange.named().collect::<Vec<_>>(), [&kept.blob]);
        let text = serde_json::to_string(&exchange).unwrap();
        let form = format!(
            r#"{{"with":"GET https://dns.example/","status":200,"received":{{"form":"json","blob":"{}","without":["secrets"]}}}}"#,
            kept.blob
        );
        assert_eq!(text, form);
        assert_eq!(serde_json::from_str::<Exchange>(&text).unwrap(), exchange);
    }
}
