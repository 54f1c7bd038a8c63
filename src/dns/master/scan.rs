//! Words of an entry: blanks, comments, parentheses, quotation marks, escapes (RFC 1035 section 5.1).

use super::Fault;

/// What an octet means between words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Blank,
    Newline,
    Open,
    Close,
    Comment,
    Quote,
    Escape,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Plain; 256];
    kinds[b' ' as usize] = Kind::Blank;
    kinds[b'\t' as usize] = Kind::Blank;
    kinds[b'\r' as usize] = Kind::Blank;
    kinds[b'\n' as usize] = Kind::Newline;
    kinds[b'(' as usize] = Kind::Open;
    kinds[b')' as usize] = Kind::Close;
    kinds[b';' as usize] = Kind::Comment;
    kinds[b'"' as usize] = Kind::Quote;
    kinds[b'\\' as usize] = Kind::Escape;
    kinds
};

/// What comes next in an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A word from one octet up to another; with its quotation marks, if it has any.
    Word(usize, usize),
    /// The entry ends here; the position is after its last line.
    End,
    /// The text ends before the entry does.
    Short,
}

/// A place in a text.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// The line at `at`.
    pub(super) line: u64,
    /// Whether nothing follows the text.
    last: bool,
    depth: u32,
    opened: u64,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8], at: usize, line: u64, last: bool) -> Cursor<'a> {
        Cursor {
            text,
            at,
            line,
            last,
            depth: 0,
            opened: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn word(&self, from: usize, to: usize) -> &'a [u8] {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The next word of the entry.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Next, Fault> {
        // Nearly always: one blank or more, plain octets, and a blank or the end of the line.
        let rest = self.text.get(self.at..).unwrap_or_default();
        let blanks = rest
            .iter()
            .take_while(|octet| KINDS[usize::from(**octet)] == Kind::Blank)
            .count();
        let start = self.at + blanks;
        let rest = self.text.get(start..).unwrap_or_default();
        let plain = rest
            .iter()
            .position(|octet| KINDS[usize::from(*octet)] != Kind::Plain);
        if let Some(length) = plain
            && length > 0
            && let Some(octet) = rest.get(length)
            && matches!(KINDS[usize::from(*octet)], Kind::Blank | Kind::Newline)
        {
            self.at = start + length;
            return Ok(Next::Word(start, self.at));
        }
        self.other()
    }

    /// As [`Cursor::next`], whatever comes.
    fn other(&mut self) -> Result<Next, Fault> {
        loop {
            let Some(octet) = self.peek() else {
                return self.end_of_text();
            };
            match KINDS[usize::from(octet)] {
                Kind::Blank => self.at += 1,
                Kind::Plain | Kind::Quote | Kind::Escape => return self.take_word(),
                Kind::Newline => {
                    self.at += 1;
                    self.line += 1;
                    if self.depth == 0 {
                        return Ok(Next::End);
                    }
                }
                Kind::Comment => self.skip_comment(),
                Kind::Open => {
                    if self.depth == 0 {
                        self.opened = self.line;
                    }
                    self.depth += 1;
                    self.at += 1;
                }
                Kind::Close => {
                    self.depth = self.depth.checked_sub(1).ok_or(Fault::Unopened)?;
                    self.at += 1;
                }
            }
        }
    }

    /// Goes to the end of the entry without looking at its words; whether it is in the text.
    pub(super) fn skip(&mut self) -> Result<bool, Fault> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest
                .iter()
                .position(|octet| !matches!(KINDS[usize::from(*octet)], Kind::Plain | Kind::Blank));
            self.at += plain.unwrap_or(rest.len());
            match self.peek().map(|octet| KINDS[usize::from(octet)]) {
                Some(Kind::Quote | Kind::Escape) => {
                    if self.take_word()? == Next::Short {
                        return Ok(false);
                    }
                }
                _ => match self.next()? {
                    Next::Word(..) => {}
                    Next::End => return Ok(true),
                    Next::Short => return Ok(false),
                },
            }
        }
    }

    fn skip_comment(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|octet| *octet == b'\n')
            .unwrap_or(rest.len());
    }

    fn end_of_text(&self) -> Result<Next, Fault> {
        match (self.last, self.depth) {
            (false, _) => Ok(Next::Short),
            (true, 0) => Ok(Next::End),
            (true, _) => Err(Fault::Unclosed(self.opened)),
        }
    }

    /// From the first octet of a word to its end. A word may hold quoted parts, as in `alpn="h2"`.
    fn take_word(&mut self) -> Result<Next, Fault> {
        let start = self.at;
        // Most words are plain to their end.
        let rest = self.text.get(start..).unwrap_or_default();
        let plain = rest
            .iter()
            .position(|octet| KINDS[usize::from(*octet)] != Kind::Plain)
            .unwrap_or(rest.len());
        let mut at = start + plain;
        let mut quoted = false;
        while let Some(octet) = self.text.get(at) {
            match (KINDS[usize::from(*octet)], quoted) {
                (Kind::Plain, _) => at += 1,
                (Kind::Escape, _) => {
                    if self.text.get(at + 1) == Some(&b'\n') {
                        return Err(Fault::EscapedEnd);
                    }
                    at += 2;
                }
                (Kind::Quote, true) => {
                    quoted = false;
                    at += 1;
                    // A word that began with a quotation mark ends with the next one.
                    if self.text.get(start) == Some(&b'"') {
                        self.at = at;
                        return Ok(Next::Word(start, at));
                    }
                }
                (Kind::Quote, false) => {
                    quoted = true;
                    at += 1;
                }
                (Kind::Newline, true) => return Err(Fault::OpenQuote),
                (_, true) => at += 1,
                (_, false) => {
                    self.at = at;
                    return Ok(Next::Word(start, at));
                }
            }
        }
        if !self.last {
            return Ok(Next::Short);
        }
        if quoted {
            return Err(Fault::OpenQuote);
        }
        if at > self.text.len() {
            return Err(Fault::EscapedEnd);
        }
        self.at = at;
        Ok(Next::Word(start, at))
    }
}
