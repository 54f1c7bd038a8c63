//! What of a body of the API is kept as evidence: nothing secret, and of the zone only what was asked for.

use serde_json::Value;

use crate::adapters::redact::{MASK, Redactor};
use crate::dns::{Name, Rtype};
use crate::evidence::{BodyForm, Kept, Trace};

/// Members whose text may be a secret, whatever it is: keys of DNSSEC, of TSIG, and of the API.
const SECRET: [&str; 7] = [
    "privatekey",
    "key",
    "secret",
    "password",
    "token",
    "api_key",
    "apikey",
];

/// How much of a body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it.
    All,
    /// Of the zone's contents the RRset of this type at the apex: older servers answer with the whole zone.
    ApexRrset(Rtype),
    /// Nothing: it is the zone.
    Nothing,
}

/// Keeps a body; none where it is empty, too large, or the zone's contents.
pub(super) fn kept(
    octets: &[u8],
    keep: Keep,
    zone: &Name,
    redactor: &Redactor,
    trace: &mut Trace,
) -> Option<Kept> {
    if octets.is_empty() || keep == Keep::Nothing {
        return None;
    }
    let mut without = Vec::new();
    let (form, text) = match serde_json::from_slice::<Value>(octets) {
        Ok(mut value) => {
            if let Keep::ApexRrset(rtype) = keep
                && reduce(&mut value, zone, rtype)
            {
                without.push("other rrsets");
            }
            if mask(&mut value) {
                without.push("secrets");
            }
            (BodyForm::Json, value.to_string())
        }
        // Nobody knows what it holds of a zone.
        Err(_) if keep != Keep::All && octets.len() > LONGEST_TEXT => return None,
        Err(_) => (BodyForm::Text, String::from_utf8_lossy(octets).into_owned()),
    };
    let redacted = redactor.redact(&text);
    if redacted != text && !without.contains(&"secrets") {
        without.push("secrets");
    }
    trace.keep(form, redacted.as_bytes(), &without)
}

/// An error in words is no longer than this.
const LONGEST_TEXT: usize = 2_000;

/// Takes out all RRsets but one; whether there were others.
fn reduce(value: &mut Value, zone: &Name, rtype: Rtype) -> bool {
    let Some(rrsets) = value.get_mut("rrsets").and_then(Value::as_array_mut) else {
        return false;
    };
    let before = rrsets.len();
    let is = |rrset: &Value, member: &str, text: &str| {
        let found = rrset.get(member).and_then(Value::as_str);
        found.is_some_and(|found| found.eq_ignore_ascii_case(text))
    };
    let (name, kind) = (zone.to_string(), rtype.to_string());
    rrsets.retain(|rrset| is(rrset, "name", &name) && is(rrset, "type", &kind));
    rrsets.len() < before
}

/// Masks texts of members that may be secrets; whether there was one.
fn mask(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => {
            let mut masked = false;
            for (name, inner) in members {
                let secret = SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret));
                masked |= match inner {
                    Value::String(text) if secret => {
                        MASK.clone_into(text);
                        true
                    }
                    inner => mask(inner),
                };
            }
            masked
        }
        Value::Array(items) => items.iter_mut().map(mask).fold(false, |all, one| all | one),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::json;

    use super::*;

    fn keep(octets: &[u8], keep: Keep) -> Option<(Kept, String)> {
        let zone = Name::parse("shop.test").unwrap();
        let redactor = Redactor::new([&SecretString::from("hunter2hunter2".to_owned())]);
        let mut trace = Trace::default();
        let kept = kept(octets, keep, &zone, &redactor, &mut trace)?;
        let held = trace.blobs.get(&kept.blob).unwrap();
        let text = String::from_utf8(held.to_vec()).unwrap();
        Some((kept, text))
    }

    #[test]
    fn of_a_whole_zone_only_what_was_asked_for_is_kept() {
        let rrset = |name: &str, kind: &str| json!({"name": name, "type": kind, "records": []});
        let zone = json!({"name": "shop.test.", "rrsets": [
            rrset("shop.test.", "NS"), rrset("shop.test.", "DNSKEY"), rrset("secret-host.shop.test.", "DNSKEY"),
        ]});
        let octets = zone.to_string();
        let (kept, text) = keep(octets.as_bytes(), Keep::ApexRrset(Rtype::DNSKEY)).unwrap();
        let expected = json!({"name": "shop.test.", "rrsets": [rrset("shop.test.", "DNSKEY")]});
        assert_eq!(text, expected.to_string());
        assert_eq!(kept.without, ["other rrsets"]);
        assert_eq!(kept.form, BodyForm::Json);
        assert!(keep(octets.as_bytes(), Keep::Nothing).is_none());
        // Text that is no JSON may be a zone too.
        let text = "shop.test. ".repeat(1_000);
        assert!(keep(text.as_bytes(), Keep::ApexRrset(Rtype::NS)).is_none());
    }

    #[test]
    fn nothing_secret_is_kept() {
        let body = json!([{"id": 1, "privatekey": "ZmFrZSBzZWNyZXQ=", "dnskey": "257 3 13 AAAA",
            "inner": {"Key": "c2VjcmV0", "comment": "the key is hunter2hunter2"}}]);
        let (kept, text) = keep(body.to_string().as_bytes(), Keep::All).unwrap();
        for secret in ["ZmFrZSBz", "c2VjcmV0", "hunter2"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("257 3 13 AAAA"));
        assert_eq!(kept.without, ["secrets"]);
        let (kept, text) = keep(b"<h1>Bad key hunter2hunter2</h1>", Keep::All).unwrap();
        assert_eq!(
            (kept.form, text.as_str()),
            (BodyForm::Text, "<h1>Bad key [secret]</h1>")
        );
        let (kept, _) = keep(b"{\"error\":\"no\"}", Keep::All).unwrap();
        assert!(kept.without.is_empty());
    }
}
