//! `$GENERATE`: a range, and a template in which `$` stands for its numbers (as BIND defines it).

use super::Fault;
use super::fields::{number, shown};

/// The widest number that is written.
const WIDEST: usize = 255;

/// The numbers from one to another in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    next: u64,
    last: u64,
    step: u64,
}

impl Range {
    /// `start-stop` or `start-stop/step`, each below 2^31.
    pub(super) fn parse(word: &[u8]) -> Result<Range, Fault> {
        let fail = || Fault::Field {
            what: "range such as 1-10 or 1-10/2",
            text: shown(word),
        };
        let text = std::str::from_utf8(word).map_err(|_| fail())?;
        let (ends, step) = text.split_once('/').unwrap_or((text, "1"));
        let (start, stop) = ends.split_once('-').ok_or_else(fail)?;
        let read = |part: &str| number::<u32>(part.as_bytes(), "number").map_err(|_| fail());
        let (start, stop, step) = (read(start)?, read(stop)?, read(step)?);
        if start > stop || step == 0 || stop > i32::MAX as u32 {
            return Err(fail());
        }
        Ok(Range {
            next: u64::from(start),
            last: u64::from(stop),
            step: u64::from(step),
        })
    }

    pub(super) fn size(&self) -> u64 {
        (self.last - self.next) / self.step + 1
    }
}

impl Iterator for Range {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let value = self.next;
        (value <= self.last).then(|| {
            self.next = value + self.step;
            value
        })
    }
}

/// Appends a word of the template with `value` in it.
pub(super) fn expand(word: &[u8], value: u64, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut rest = word;
    while let Some((octet, after)) = rest.split_first() {
        match (octet, after.first()) {
            // An escape stays one, but `\$` is the sign itself.
            (b'\\', Some(b'$')) => {
                out.push(b'$');
                rest = after.get(1..).unwrap_or_default();
            }
            (b'\\', Some(next)) => {
                out.extend_from_slice(&[b'\\', *next]);
                rest = after.get(1..).unwrap_or_default();
            }
            (b'$', Some(b'$')) => {
                out.push(b'$');
                rest = after.get(1..).unwrap_or_default();
            }
            (b'$', Some(b'{')) => {
                let close = after.iter().position(|octet| *octet == b'}');
                let (inside, left) = close
                    .and_then(|close| Some((after.get(1..close)?, after.get(close + 1..)?)))
                    .ok_or_else(|| modifier(word))?;
                modified(inside, value, out).ok_or_else(|| modifier(word))?;
                rest = left;
            }
            (b'$', _) => {
                out.extend_from_slice(value.to_string().as_bytes());
                rest = after;
            }
            _ => {
                out.push(*octet);
                rest = after;
            }
        }
    }
    Ok(())
}

fn modifier(word: &[u8]) -> Fault {
    Fault::Field {
        what: "template (expected ${offset}, ${offset,width} or ${offset,width,base} with base d, o, x, X, n or N)",
        text: shown(word),
    }
}

/// `offset[,width[,base]]`.
fn modified(inside: &[u8], value: u64, out: &mut Vec<u8>) -> Option<()> {
    let text = std::str::from_utf8(inside).ok()?;
    let mut parts = text.split(',');
    let offset: i64 = parts.next()?.parse().ok()?;
    let width: usize = parts.next().map_or(Some(0), |width| width.parse().ok())?;
    let base = parts.next().unwrap_or("d");
    if parts.next().is_some() || width > WIDEST {
        return None;
    }
    let number = i64::try_from(value).ok()?.checked_add(offset)?;
    let number = u64::try_from(number).ok()?;
    let words = match base {
        "d" => format!("{number:0width$}"),
        "o" => format!("{number:0width$o}"),
        "x" => format!("{number:0width$x}"),
        "X" => format!("{number:0width$X}"),
        "n" => nibbles(&format!("{number:x}"), width),
        "N" => nibbles(&format!("{number:X}"), width),
        _ => return None,
    };
    out.extend_from_slice(words.as_bytes());
    Some(())
}

/// Hexadecimal digits with dots between them, the lowest first; the width counts the dots too.
fn nibbles(digits: &str, width: usize) -> String {
    let mut out = String::new();
    for digit in digits.chars().rev() {
        if !out.is_empty() {
            out.push('.');
        }
        out.push(digit);
    }
    while out.len() < width {
        out.push_str(if out.len() + 1 == width { "." } else { ".0" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_offset_width_and_base() {
        let words = |word: &str, value| {
            let mut out = Vec::new();
            expand(word.as_bytes(), value, &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        for (word, value, expected) in [
            ("h$", 7, "h7"),
            ("h$.a$b", 7, "h7.a7b"),
            ("h\\$$", 7, "h$7"),
            ("a$$b", 7, "a$b"),
            ("${-1,3}", 7, "006"),
            ("${10,4,x}", 250, "0104"),
            ("${0,0,X}", 250, "FA"),
            ("${0,2,o}", 9, "11"),
            ("${0,7,n}", 0x1a, "a.1.0.0"),
            ("a\\.b", 1, "a\\.b"),
        ] {
            assert_eq!(words(word, value).unwrap(), expected, "{word}");
        }
        for wrong in ["${", "${x}", "${1,999}", "${1,2,q}", "${1,2,d,e}", "${-9}"] {
            assert!(words(wrong, 7).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges() {
        let range = |text: &str| Range::parse(text.as_bytes());
        assert_eq!(range("1-10/4").unwrap().collect::<Vec<_>>(), [1, 5, 9]);
        assert_eq!(range("1-10/4").unwrap().size(), 3);
        assert_eq!(range("0-2147483647").unwrap().size(), 1 << 31);
        for wrong in ["", "1", "2-1", "1-2/0", "a-b", "0-2147483648", "-1-2", "1-2/"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
