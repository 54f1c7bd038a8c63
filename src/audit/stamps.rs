//! Time stamps by others against the seals that they are over. What the authority signed is read; that it signed it is not
//! checked here.

use serde::Serialize;

use super::findings::{Finding, Findings};
use super::seals::GivenSeal;
use super::verdict::SealSeen;
use crate::evidence::Token;
use crate::moment::Moment;

/// A token of a time stamping authority (RFC 3161), what it states, and how to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// The file in the bundle.
    pub file: String,
    /// The seal that it has to be over.
    pub seal: String,
    /// The time that it states; none: it cannot be read.
    pub time: Option<Moment>,
    /// How far that may be off by its own word, microseconds; none: it does not say.
    pub accuracy: Option<u64>,
    /// The authority's policy, an object identifier.
    pub policy: Option<String>,
    /// Whether it is over the seal beside it; none: it cannot be told.
    pub over_seal: Option<bool>,
    /// The command that checks the authority's signature, in the folder of the bundle; its certificate has to be had from
    /// elsewhere.
    pub command: String,
}

/// Reads the tokens and holds each against the seal beside it.
pub(super) fn read(given: &[GivenSeal], findings: &mut Findings) -> Vec<Stamp> {
    let tokens = given.iter().filter(|one| one.file.ends_with(".tsr"));
    let mut out: Vec<(u64, Stamp)> = Vec::new();
    for token in tokens {
        // The name goes into a command that a person runs.
        let size = token
            .file
            .strip_prefix("seals/")
            .and_then(|file| file.strip_suffix(".tsr"));
        let size = size.filter(|size| size.bytes().all(|octet| octet.is_ascii_digit()));
        let Some((size, number)) = size.and_then(|size| Some((size, size.parse().ok()?))) else {
            let text = "its name is not that of a time stamp: the number of entries, and .tsr";
            findings.push(Finding::fails("stamp-form", text).of(&token.file));
            continue;
        };
        let seal = format!("seals/{size}.checkpoint");
        let data = given
            .iter()
            .find(|one| one.file == seal)
            .map(|one| one.octets.as_slice());
        out.push((number, stamp(token, seal, data, findings)));
    }
    out.sort_by_key(|(number, _)| *number);
    out.into_iter().map(|(_, stamp)| stamp).collect()
}

fn stamp(token: &GivenSeal, seal: String, data: Option<&[u8]>, findings: &mut Findings) -> Stamp {
    let mut stamp = Stamp {
        command: format!(
            "openssl ts -verify -data {seal} -in {} -CAfile AUTHORITY.pem",
            token.file
        ),
        file: token.file.clone(),
        seal,
        time: None,
        accuracy: None,
        policy: None,
        over_seal: None,
    };
    let read = match Token::read(&token.octets) {
        Ok(read) => read,
        Err(error) => {
            findings.push(Finding::fails("stamp-form", error.to_string()).of(&token.file));
            return stamp;
        }
    };
    stamp.time = Some(read.time);
    stamp.accuracy = read.accuracy;
    stamp.policy = Some(read.policy.clone());
    let Some(data) = data else {
        let text = format!("{}, which it has to be over, is not there", stamp.seal);
        findings.push(Finding::fails("stamp-seal", text).of(&token.file));
        return stamp;
    };
    stamp.over_seal = read.is_over(data);
    match stamp.over_seal {
        Some(true) => {}
        Some(false) => {
            let text = format!("it is over something else than {}", stamp.seal);
            findings.push(Finding::fails("stamp-imprint", text).of(&token.file));
        }
        None => {
            let text = format!(
                "what it is over cannot be told: its hash ({}) is none of SHA-256, SHA-384 and SHA-512",
                read.algorithm
            );
            findings.push(Finding::open("stamp-unchecked", text).of(&token.file));
        }
    }
    stamp
}

/// A token that states an earlier time than the entries under its seal: one of the two clocks was wrong.
pub(super) fn hold_against(stamps: &[Stamp], seals: &[SealSeen], findings: &mut Findings) {
    for stamp in stamps {
        let seal = seals.iter().find(|seal| seal.file == stamp.seal);
        let (Some(time), Some(written)) = (stamp.time, seal.and_then(|seal| seal.at)) else {
            continue;
        };
        let off = i64::try_from(stamp.accuracy.unwrap_or(0).div_ceil(1_000)).unwrap_or(i64::MAX);
        // Times of tokens are often whole seconds.
        if time.moved(off).moved(1_000) < written {
            let text = format!(
                "it states {time}, and the last entry under that seal {written}: one of the two clocks was wrong"
            );
            findings.push(Finding::remark("stamp-early", text).of(&stamp.file));
        }
    }
}
