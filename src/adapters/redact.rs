//! Takes known secrets out of texts that others wrote, before they reach a journal, a log or a screen.

use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret stood.
pub(super) const MASK: &str = "[secret]";
/// The longest text that is kept of others' words, characters.
const LONGEST: usize = 2000;

/// Knows the secrets of a run, and the forms in which they turn up.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that a secret that contains another goes as a whole.
    forms: Vec<SecretString>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

impl Redactor {
    /// One that knows these.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.learn(secret);
        }
        redactor
    }

    /// Knows this one too: as it is, percent-encoded, in base64 and hexadecimal, and decoded from base64 if it is that.
    pub fn learn(&mut self, secret: &SecretString) {
        let text = secret.expose_secret();
        let mut forms = vec![
            text.to_owned(),
            percent_encoded(text),
            json_escaped(text),
            BASE64.encode(text.as_bytes()),
            BASE64_NOPAD.encode(text.as_bytes()),
            BASE64URL_NOPAD.encode(text.as_bytes()),
            HEXLOWER.encode(text.as_bytes()),
            HEXUPPER.encode(text.as_bytes()),
        ];
        if let Ok(octets) = BASE64.decode(text.as_bytes()) {
            forms.push(text.trim_end_matches('=').to_owned());
            forms.push(HEXLOWER.encode(&octets));
            forms.push(HEXUPPER.encode(&octets));
        }
        forms.retain(|form| !form.is_empty());
        self.forms.extend(forms.into_iter().map(SecretString::from));
        // Equal lengths are put in order too, so that equal forms stand side by side.
        self.forms.sort_by(|a, b| {
            let key = |form: &SecretString| {
                (
                    std::cmp::Reverse(form.expose_secret().len()),
                    form.expose_secret().to_owned(),
                )
            };
            key(a).cmp(&key(b))
        });
        self.forms.dedup_by(|a, b| a.expose_secret() == b.expose_secret());
    }

    /// `text` without any known secret.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for form in &self.forms {
            let form = form.expose_secret();
            if out.contains(form) {
                out = out.replace(form, MASK);
            }
        }
        out
    }

    /// The same, without control characters, and no longer than is useful.
    pub fn clean(&self, text: &str) -> String {
        let out = self.redact(text);
        let shown: String = out
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .take(LONGEST)
            .collect();
        if out.chars().nth(LONGEST).is_some() {
            format!("{shown}…")
        } else {
            shown
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

fn json_escaped(text: &str) -> String {
    serde_json::to_string(text)
        .map(|quoted| quoted.trim_matches('"').to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_goes() {
        let secret = SecretString::from("c2VjcmV0IGtleSE=".to_owned());
        let redactor = Redactor::new([&secret]);
        for form in [
            "c2VjcmV0IGtleSE=",
            "c2VjcmV0IGtleSE",
            "c2VjcmV0IGtleSE%3D",
            "736563726574206b657921",
            "YzJWamNtVjBJR3RsZVNFPQ==",
        ] {
            let text = format!("server said: bad key '{form}' given");
            assert_eq!(redactor.clean(&text), "server said: bad key '[secret]' given");
        }
        assert_eq!(redactor.clean("nothing here"), "nothing here");
        assert!(!format!("{redactor:?}").contains("c2Vj"));
    }

    #[test]
    fn a_secret_within_a_secret_goes_as_a_whole() {
        let (short, long) = (
            SecretString::from("abcd".to_owned()),
            SecretString::from("abcdefgh".to_owned()),
        );
        let redactor = Redactor::new([&short, &long]);
        assert_eq!(redactor.clean("<abcdefgh> <abcd>"), "<[secret]> <[secret]>");
    }

    #[test]
    fn no_control_characters_and_no_endless_text() {
        let redactor = Redactor::default();
        assert_eq!(redactor.clean("a\u{1b}[31mb"), "a [31mb");
        assert_eq!(redactor.clean(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }
}
