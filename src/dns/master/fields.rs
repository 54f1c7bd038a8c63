//! The parts of an entry: names, strings, numbers, times.

use super::Fault;
use crate::dns::Ttl;

/// The longest name in wire form (RFC 1035 section 3.1).
const LONGEST_NAME: usize = 255;

fn bad(what: &'static str, word: &[u8]) -> Fault {
    Fault::Field {
        what,
        text: shown(word),
    }
}

/// A word as an error shows it.
pub(super) fn shown(word: &[u8]) -> String {
    const MOST: usize = 80;
    let part = word.get(..MOST.min(word.len())).unwrap_or_default();
    let mut text = String::from_utf8_lossy(part).escape_debug().to_string();
    if word.len() > MOST {
        text.push_str("...");
    }
    text
}

/// Appends the wire form of a name; a relative one is completed with `origin`. Letters are folded if `fold`.
pub(super) fn name(word: &[u8], origin: &[u8], fold: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
    let start = out.len();
    if word == b"@" {
        if origin.is_empty() {
            return Err(Fault::NoOrigin(shown(word)));
        }
        complete(origin, fold, out);
        return Ok(());
    }
    if word == b"." {
        out.push(0);
        return Ok(());
    }
    let mut label = out.len();
    out.push(0);
    let mut rest = word;
    loop {
        // Most labels are plain from their first octet to their last.
        let plain = rest
            .iter()
            .position(|octet| matches!(octet, b'.' | b'\\' | b'"'))
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(plain);
        out.extend_from_slice(part);
        match after.first() {
            None => break,
            Some(b'.') => {
                close_label(out, label).ok_or_else(|| bad("domain name", word))?;
                label = out.len();
                out.push(0);
                rest = after.get(1..).unwrap_or_default();
            }
            Some(b'\\') => {
                let (octet, used) = escape(after, 0).ok_or_else(|| bad("escape in a name", word))?;
                out.push(octet);
                rest = after.get(used..).unwrap_or_default();
            }
            Some(_) => return Err(bad("domain name", word)),
        }
    }
    if out.len() > label + 1 {
        close_label(out, label).ok_or_else(|| bad("domain name", word))?;
        if origin.is_empty() {
            return Err(Fault::NoOrigin(shown(word)));
        }
        out.extend_from_slice(origin);
    } else if label == start {
        return Err(bad("domain name", word));
    }
    if out.len() - start > LONGEST_NAME {
        return Err(bad("domain name of at most 255 octets", word));
    }
    if fold {
        // The lengths of labels are below the letters.
        out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
    }
    Ok(())
}

/// Appends the origin, which may have been written with capitals.
fn complete(origin: &[u8], fold: bool, out: &mut Vec<u8>) {
    if fold {
        out.extend(origin.iter().map(u8::to_ascii_lowercase));
    } else {
        out.extend_from_slice(origin);
    }
}

/// Writes the length of the label that was appended after the octet at `label`.
fn close_label(out: &mut [u8], label: usize) -> Option<()> {
    let length = u8::try_from(out.len() - label - 1).ok()?;
    if !(1..=63).contains(&length) {
        return None;
    }
    *out.get_mut(label)? = length;
    Some(())
}

/// The octet of `\X` or `\DDD` at `at`, and how long that was.
fn escape(word: &[u8], at: usize) -> Option<(u8, usize)> {
    let first = *word.get(at + 1)?;
    if !first.is_ascii_digit() {
        return Some((first, 2));
    }
    let digits = word.get(at + 1..at + 4)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0u16, |value, digit| value * 10 + u16::from(*digit - b'0'));
    Some((u8::try_from(value).ok()?, 4))
}

/// Appends a character string with its length (RFC 1035 section 3.3).
pub(super) fn string(word: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let inner = match word {
        [b'"', inner @ .., b'"'] => inner,
        _ if word.contains(&b'"') && !word.contains(&b'\\') => {
            return Err(bad("string", word));
        }
        _ => word,
    };
    let length_at = out.len();
    out.push(0);
    let mut at = 0;
    while let Some(&octet) = inner.get(at) {
        if octet == b'\\' {
            let (octet, used) = escape(inner, at).ok_or_else(|| bad("escape in a string", word))?;
            out.push(octet);
            at += used;
        } else {
            out.push(octet);
            at += 1;
        }
    }
    let length =
        u8::try_from(out.len() - length_at - 1).map_err(|_| bad("string of at most 255 octets", word))?;
    if let Some(place) = out.get_mut(length_at) {
        *place = length;
    }
    Ok(())
}

/// A whole number.
pub(super) fn number<N: TryFrom<u64>>(word: &[u8], what: &'static str) -> Result<N, Fault> {
    if word.is_empty() || word.len() > 19 || !word.iter().all(u8::is_ascii_digit) {
        return Err(bad(what, word));
    }
    let value = word
        .iter()
        .fold(0u64, |value, digit| value * 10 + u64::from(*digit - b'0'));
    N::try_from(value).map_err(|_| bad(what, word))
}

/// Seconds as a number, or with units as in `1h30m` (as BIND, Knot and NSD read them).
pub(super) fn seconds(word: &[u8]) -> Result<u32, Fault> {
    if let Ok(plain) = number::<u32>(word, "TTL") {
        return Ok(plain);
    }
    let (mut total, mut value, mut digits) = (0u64, 0u64, 0);
    for octet in word {
        let unit = match octet.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                value = value * 10 + u64::from(digit - b'0');
                digits += 1;
                if digits > 10 {
                    return Err(bad("number of seconds", word));
                }
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return Err(bad("number of seconds", word)),
        };
        if digits == 0 {
            return Err(bad("number of seconds", word));
        }
        total += value * unit;
        (value, digits) = (0, 0);
        if total > u64::from(u32::MAX) {
            return Err(bad("number of seconds", word));
        }
    }
    // `1h30` has no unit at its end.
    if digits > 0 || word.is_empty() {
        return Err(bad("number of seconds", word));
    }
    u32::try_from(total).map_err(|_| bad("number of seconds", word))
}

/// A TTL; above 2^31 - 1 it counts as 0 (RFC 2181 section 8).
pub(super) fn ttl(word: &[u8]) -> Result<Ttl, Fault> {
    seconds(word).map(|ttl| if ttl > i32::MAX as u32 { 0 } else { ttl })
}

/// A moment in an RRSIG: `YYYYMMDDHHmmSS` or seconds since 1970 (RFC 4034 section 3.2).
pub(super) fn moment(word: &[u8]) -> Result<u32, Fault> {
    if word.len() != 14 {
        return number(word, "time of a signature");
    }
    let part =
        |from: usize, to: usize| number::<u32>(word.get(from..to).unwrap_or_default(), "time of a signature");
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let days_of_month = match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    if year < 1970 || !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return Err(bad("time of a signature", word));
    }
    let of_day = i64::from(hour * 3600 + minute * 60 + second);
    // Moments are counted modulo 2^32 (RFC 4034 section 3.1.5).
    Ok((days_since_1970(year, month, day) * 86_400 + of_day) as u32)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    // Years that begin in March put the leap day last.
    let year = i64::from(year) - i64::from(month <= 2);
    let month = i64::from((month + 9) % 12);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Appends hexadecimal digits as octets.
pub(super) fn hex(word: &[u8], what: &'static str, out: &mut Vec<u8>) -> Result<(), Fault> {
    append(&data_encoding::HEXLOWER_PERMISSIVE, word, out).ok_or_else(|| bad(what, word))
}

/// Appends base 64 as octets.
pub(super) fn base64(word: &[u8], what: &'static str, out: &mut Vec<u8>) -> Result<(), Fault> {
    append(&data_encoding::BASE64, word, out).ok_or_else(|| bad(what, word))
}

/// Appends base 32 with the alphabet of "extended hex", of either case, as octets.
pub(super) fn base32(word: &[u8], what: &'static str, out: &mut Vec<u8>) -> Result<(), Fault> {
    let upper = word.to_ascii_uppercase();
    append(&data_encoding::BASE32HEX_NOPAD, &upper, out).ok_or_else(|| bad(what, word))
}

fn append(encoding: &data_encoding::Encoding, word: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let most = encoding.decode_len(word.len()).ok()?;
    out.resize(start + most, 0);
    let written = encoding.decode_mut(word, out.get_mut(start..)?).ok()?;
    out.truncate(start + written);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_the_system_counts_them() {
        for (text, seconds) in [
            ("19700101000000", 0),
            ("20000229235959", 951_868_799),
            ("20240301000000", 1_709_251_200),
            ("20380119031408", 2_147_483_648),
            ("21060207062816", 0),
            ("1709251200", 1_709_251_200),
        ] {
            assert_eq!(moment(text.as_bytes()).unwrap(), seconds, "{text}");
        }
        for wrong in [
            "20230229000000",
            "20241301000000",
            "20240101240000",
            "19691231235959",
            "",
            "x",
        ] {
            assert!(moment(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_with_and_without_units() {
        assert_eq!(seconds(b"1h30M").unwrap(), 5_400);
        assert_eq!(seconds(b"1w2d3h4m5s").unwrap(), 788_645);
        for wrong in ["", "h", "1h30", "1x", "99999999999", "7102w", "-1"] {
            assert!(seconds(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert_eq!(
            (ttl(b"2147483647").unwrap(), ttl(b"2147483648").unwrap()),
            (2_147_483_647, 0)
        );
    }

    #[test]
    fn names_keep_to_their_limits() {
        let make = |text: &str, origin: &[u8]| {
            let mut out = Vec::new();
            name(text.as_bytes(), origin, true, &mut out).map(|()| out)
        };
        assert_eq!(make("A.b.", b"\0").unwrap(), b"\x01a\x01b\0");
        assert_eq!(make("A", b"\x01B\0").unwrap(), b"\x01a\x01b\0");
        assert_eq!(make("a\\.b\\065.", b"\0").unwrap(), b"\x04a.ba\0");
        assert_eq!(make("@", b"\x01b\0").unwrap(), b"\x01b\0");
        let long = "a".repeat(63);
        assert_eq!(make(&long, b"\0").unwrap().len(), 65);
        for wrong in [".a.", "a..b.", "", "\\256.", "\\25", "a\\", &format!("{long}a")] {
            assert!(make(wrong, b"\0").is_err(), "{wrong}");
        }
        let four = format!("{long}.{long}.{long}.");
        assert!(make(&format!("{four}{}", "a".repeat(61)), b"\0").is_ok());
        assert!(make(&format!("{four}{}", "a".repeat(62)), b"\0").is_err());
    }
}
