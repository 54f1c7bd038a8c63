//! Remembering what cryptography said, so that the same question is not worked out twice.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{Context, SHA256};

use super::Dnskey;

/// So many answers are remembered; beyond that all are forgotten.
const ROOM: usize = 262_144;

type Answers = HashMap<[u8; 32], bool>;

/// What a verification of given octets with a given key came to. It is a pure function of these, so remembering it cannot
/// change a verdict; and there is no way to put an answer in but to work it out. By default nothing is remembered.
///
/// Copies share what they remember: whoever judges the same few zones again and again (a simulator) gives each judge one.
#[derive(Clone, Default)]
pub struct Memo(Option<Arc<Mutex<Answers>>>);

impl Memo {
    /// One that remembers.
    pub fn remembering() -> Memo {
        Memo(Some(Arc::default()))
    }

    /// Whether it remembers at all.
    pub fn is_remembering(&self) -> bool {
        self.0.is_some()
    }

    /// How many answers are remembered.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |answers| {
            answers.lock().unwrap_or_else(PoisonError::into_inner).len()
        })
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answer of `work` for these octets, from memory if it was asked before.
    pub(super) fn answer(
        &self,
        key: &Dnskey,
        data: &[u8],
        signature: &[u8],
        work: impl FnOnce() -> bool,
    ) -> bool {
        let Some(answers) = &self.0 else {
            return work();
        };
        let question = name(key, data, signature);
        let held = |answers: &Mutex<Answers>| {
            let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.get(&question).copied()
        };
        if let Some(answer) = held(answers) {
            return answer;
        }
        let answer = work();
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ROOM {
            answers.clear();
        }
        answers.insert(question, answer);
        answer
    }
}

/// Each part with its length, so that no two questions have the same octets.
fn name(key: &Dnskey, data: &[u8], signature: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [&[key.algorithm], key.public_key.as_slice(), signature, data] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let full = context.finish();
    let mut name = [0; 32];
    for (to, from) in name.iter_mut().zip(full.as_ref()) {
        *to = *from;
    }
    name
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(_) => write!(f, "Memo({})", self.len()),
            None => f.write_str("Memo"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(octet: u8) -> Dnskey {
        Dnskey {
            flags: 256,
            protocol: 3,
            algorithm: 13,
            public_key: vec![octet; 64],
        }
    }

    #[test]
    fn it_remembers_each_question_by_all_of_its_octets() {
        let memo = Memo::remembering();
        assert!(memo.answer(&key(1), b"data", b"signature", || true));
        // Not worked out again.
        assert!(memo.answer(&key(1), b"data", b"signature", || false));
        assert!(!memo.answer(&key(2), b"data", b"signature", || false));
        assert!(!memo.answer(&key(1), b"Data", b"signature", || false));
        assert!(!memo.answer(&key(1), b"data", b"signaturf", || false));
        // Nothing moves from one part to the next.
        assert!(!memo.answer(&key(1), b"edata", b"signatur", || false));
        assert_eq!(memo.len(), 5);
        assert_eq!(memo.clone().len(), 5);
    }

    #[test]
    fn by_default_nothing_is_remembered() {
        let memo = Memo::default();
        assert!(memo.answer(&key(1), b"data", b"signature", || true));
        assert!(!memo.answer(&key(1), b"data", b"signature", || false));
        assert!(memo.is_empty());
    }
}
