//! Tokens of a ClickHouse statement. It never fails: an unterminated string or comment is a token that says
//! so, because the rest of the text may still be on its way.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare word or number: keyword, identifier, literal.
    Word,
    /// A quoted identifier: `` `a` `` or `"a"`.
    Identifier,
    /// A string: `'a'` or `$tag$a$tag$`.
    Text,
    /// Any other single character.
    Symbol(u8),
    /// A string, quoted identifier or comment whose end is not in the text.
    Unterminated,
}

/// A token: a range of the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    /// Whether this is the bare word `keyword` (given in capitals), in any case.
    pub(crate) fn is_keyword(&self, text: &[u8], keyword: &str) -> bool {
        self.kind == Kind::Word && text[self.start..self.end].eq_ignore_ascii_case(keyword.as_bytes())
    }

    /// The token's text, lossily.
    pub(crate) fn text<'text>(&self, text: &'text [u8]) -> std::borrow::Cow<'text, str> {
        String::from_utf8_lossy(&text[self.start..self.end])
    }
}

/// Reads tokens from the front, skipping white space and comments.
pub(crate) struct Lexer<'text> {
    text: &'text [u8],
    at: usize,
}

impl<'text> Lexer<'text> {
    pub(crate) fn new(text: &'text [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self, offset: usize) -> Option<u8> {
        self.text.get(self.at + offset).copied()
    }

    /// Moves to just after the next `needle`; false, and at the end, if there is none.
    fn skip_past(&mut self, needle: &[u8]) -> bool {
        let rest = &self.text[self.at..];
        let found = rest.windows(needle.len()).position(|window| window == needle);
        self.at += found.map_or(rest.len(), |at| at + needle.len());
        found.is_some()
    }

    /// Skips white space and comments. False when a block comment has no end.
    fn skip_blank(&mut self) -> bool {
        while let Some(byte) = self.peek(0) {
            let line_comment = (byte == b'-' && self.peek(1) == Some(b'-'))
                || (byte == b'#' && matches!(self.peek(1), Some(b' ' | b'!')));
            if byte.is_ascii_whitespace() || byte == 0x0b {
                self.at += 1;
            } else if line_comment {
                self.skip_past(b"\n");
            } else if byte == b'/' && self.peek(1) == Some(b'*') {
                self.at += 2;
                if !self.skip_past(b"*/") {
                    return false;
                }
            } else {
                break;
            }
        }
        true
    }

    /// Reads a quoted token. A quote inside is doubled or follows a backslash.
    fn quoted(&mut self, quote: u8, kind: Kind) -> Kind {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == b'\\' {
                self.at = (self.at + 1).min(self.text.len());
            } else if byte == quote {
                if self.peek(0) != Some(quote) {
                    return kind;
                }
                self.at += 1;
            }
        }
        Kind::Unterminated
    }

    /// Reads `$tag$ ... $tag$`, or a lone `$` when that is not what follows.
    fn heredoc(&mut self) -> Kind {
        let rest = &self.text[self.at..];
        let tag = rest
            .iter()
            .skip(1)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count()
            + 2;
        if rest.len() < tag || rest[tag - 1] != b'$' {
            self.at += 1;
            return Kind::Symbol(b'$');
        }
        let needle = &rest[..tag];
        self.at += tag;
        if self.skip_past(needle) {
            Kind::Text
        } else {
            Kind::Unterminated
        }
    }

    fn word(&mut self) -> Kind {
        while self
            .peek(0)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80)
        {
            self.at += 1;
        }
        Kind::Word
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let before = self.at;
        if !self.skip_blank() {
            return Some(Token {
                kind: Kind::Unterminated,
                start: before,
                end: self.at,
            });
        }
        let start = self.at;
        let kind = match self.peek(0)? {
            b'\'' => self.quoted(b'\'', Kind::Text),
            b'`' => self.quoted(b'`', Kind::Identifier),
            b'"' => self.quoted(b'"', Kind::Identifier),
            b'$' => self.heredoc(),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => self.word(),
            byte => {
                self.at += 1;
                Kind::Symbol(byte)
            }
        };
        Some(Token {
            kind,
            start,
            end: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        Lexer::new(text.as_bytes())
            .map(|token| token.text(text.as_bytes()).into_owned())
            .collect()
    }

    #[test]
    fn comments_and_white_space_are_no_tokens() {
        assert_eq!(
            tokens("SELECT/* a;b */1 -- c;\n # d\n ,2"),
            ["SELECT", "1", ",", "2"]
        );
    }

    #[test]
    fn quotes_hide_what_is_inside_them() {
        assert_eq!(tokens(r"'a;\'b''c' `x``y` "), [r"'a;\'b''c'", "`x``y`"]);
        assert_eq!(
            tokens("$tag$ it's; $ $tag$ $1"),
            ["$tag$ it's; $ $tag$", "$", "1"]
        );
    }

    #[test]
    fn a_text_cut_in_the_middle_says_so() {
        for text in ["select 'abc", "select /* abc", "select `abc", "select $a$ b"] {
            let last = Lexer::new(text.as_bytes()).last().unwrap();
            assert_eq!(last.kind, Kind::Unterminated, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_it() {
        assert_eq!(Lexer::new(b"a \xff\xfe b \x00 'c").count(), 5);
    }
}
