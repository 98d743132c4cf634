//! A pull reader of JSON text. It hands out what it finds without building a tree: strings are borrowed
//! unless they hold escapes, numbers stay text.
//!
//! Stricter than nothing and looser than the standard in one place: an escaped half of a surrogate pair
//! becomes U+FFFD, because that is what truncating a string in JavaScript leaves behind.

use std::borrow::Cow;

/// Unknown values nested deeper than this make the document unreadable.
const SKIP_DEPTH_MAX: usize = 256;

/// Where and why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct JsonError {
    /// Position in the document.
    pub offset: usize,
    /// What was expected or found there.
    pub reason: &'static str,
}

/// What a value begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A position in a document.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `body`, which must be UTF-8; a byte order mark is passed over.
    pub(super) fn new(body: &'a [u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(body).map_err(|error| JsonError {
            offset: error.valid_up_to(),
            reason: "text that is not UTF-8",
        })?;
        let position = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Ok(Self { text, position })
    }

    pub(super) fn error(&self, reason: &'static str) -> JsonError {
        JsonError {
            offset: self.position,
            reason,
        }
    }

    /// What the next value is, judged by its first byte.
    pub(super) fn shape(&mut self) -> Result<Shape, JsonError> {
        match self.peek() {
            Some(b'{') => Ok(Shape::Object),
            Some(b'[') => Ok(Shape::Array),
            Some(b'"') => Ok(Shape::String),
            Some(b'-' | b'0'..=b'9') => Ok(Shape::Number),
            Some(b't' | b'f') => Ok(Shape::Bool),
            Some(b'n') => Ok(Shape::Null),
            Some(_) => Err(self.error("a byte that begins no value")),
            None => Err(self.error("the end of the document in place of a value")),
        }
    }

    /// Passes over the opening bracket of an object or array; false if it is empty and has been passed over
    /// whole.
    pub(super) fn enter(&mut self, open: u8, close: u8) -> Result<bool, JsonError> {
        self.expect(open)?;
        Ok(!self.take_if(close))
    }

    /// After an element: true if another follows, false if the closing bracket did.
    pub(super) fn more(&mut self, close: u8) -> Result<bool, JsonError> {
        if self.take_if(b',') {
            return Ok(true);
        }
        self.expect(close)?;
        Ok(false)
    }

    /// An object's key and the colon after it.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect(b'"')?;
        let start = self.position;
        let plain = self.plain_run();
        match self.bump() {
            Some(b'"') => Ok(Cow::Borrowed(plain)),
            Some(b'\\') => {
                self.position = start;
                self.escaped_string().map(Cow::Owned)
            }
            Some(_) => Err(self.error("a control character inside a string")),
            None => Err(self.error("a string without an end")),
        }
    }

    /// The text of a number.
    pub(super) fn number(&mut self) -> Result<&'a str, JsonError> {
        self.skip_space();
        let rest = &self.text.as_bytes()[self.position..];
        let length = super::number::literal_length(rest).ok_or_else(|| self.error("a malformed number"))?;
        let text = &self.text[self.position..self.position + length];
        self.position += length;
        Ok(text)
    }

    pub(super) fn bool(&mut self) -> Result<bool, JsonError> {
        self.skip_space();
        if self.take_word("true") {
            return Ok(true);
        }
        if self.take_word("false") {
            Ok(false)
        } else {
            Err(self.error("a malformed word"))
        }
    }

    pub(super) fn null(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.take_word("null") {
            Ok(())
        } else {
            Err(self.error("a malformed word"))
        }
    }

    /// Passes over one value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), JsonError> {
        self.skip_nested(0)
    }

    /// Nothing but space may follow.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("more text after the document")),
        }
    }

    fn skip_nested(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > SKIP_DEPTH_MAX {
            return Err(self.error("values nested too deeply"));
        }
        match self.shape()? {
            Shape::String => self.string().map(drop),
            Shape::Number => self.number().map(drop),
            Shape::Bool => self.bool().map(drop),
            Shape::Null => self.null(),
            Shape::Array => {
                let mut inside = self.enter(b'[', b']')?;
                while inside {
                    self.skip_nested(depth + 1)?;
                    inside = self.more(b']')?;
                }
                Ok(())
            }
            Shape::Object => {
                let mut inside = self.enter(b'{', b'}')?;
                while inside {
                    self.key()?;
                    self.skip_nested(depth + 1)?;
                    inside = self.more(b'}')?;
                }
                Ok(())
            }
        }
    }

    /// The text up to the next quote, backslash, control character, or the end.
    fn plain_run(&mut self) -> &'a str {
        let rest = &self.text.as_bytes()[self.position..];
        let mut length = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        // Control characters are not allowed in strings, so they are looked for without stopping.
        if rest[..length]
            .iter()
            .fold(u8::MAX, |least, byte| least.min(*byte))
            < 0x20
        {
            length = rest.iter().position(|byte| *byte < 0x20).unwrap_or(length);
        }
        // Both ends are at ASCII bytes or the text's end, so they are character boundaries.
        let run = self
            .text
            .get(self.position..self.position + length)
            .unwrap_or_default();
        self.position += length;
        run
    }

    #[cold]
    fn escaped_string(&mut self) -> Result<String, JsonError> {
        let mut out = String::new();
        loop {
            out.push_str(self.plain_run());
            match self.bump() {
                Some(b'"') => return Ok(out),
                Some(b'\\') => {
                    let character = self.escape()?;
                    out.push(character);
                }
                Some(_) => return Err(self.error("a control character inside a string")),
                None => return Err(self.error("a string without an end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        Ok(match self.bump() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.code_unit()?;
                self.with_low_surrogate(unit)?
            }
            _ => return Err(self.error("an unknown escape")),
        })
    }

    fn with_low_surrogate(&mut self, high: u32) -> Result<char, JsonError> {
        let is_high = (0xd800..0xdc00).contains(&high);
        if is_high && self.text.as_bytes()[self.position..].starts_with(b"\\u") {
            let before = self.position;
            self.position += 2;
            let low = self.code_unit()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.position = before;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn code_unit(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.position..self.position + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.ok_or_else(|| self.error("an incomplete escape"))?;
        let unit = digits.iter().fold(0, |unit, digit| unit * 16 + hex_value(*digit));
        self.position += 4;
        Ok(unit)
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take_if(byte) {
            return Ok(());
        }
        Err(self.error(match byte {
            b'"' => "no string where one is expected",
            b':' => "no `:` after a key",
            b'{' => "no object where one is expected",
            b'[' => "no array where one is expected",
            _ => "neither a comma nor the closing bracket",
        }))
    }

    fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.position..].starts_with(word.as_bytes());
        self.position += if found { word.len() } else { 0 };
        found
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.as_bytes().get(self.position).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.text.as_bytes().get(self.position).copied();
        self.position += usize::from(byte.is_some());
        byte
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.position..];
        self.position += rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
    }
}

fn hex_value(digit: u8) -> u32 {
    char::from(digit).to_digit(16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Result<String, JsonError> {
        let mut reader = Reader::new(text.as_bytes())?;
        let string = reader.string()?.into_owned();
        reader.end()?;
        Ok(string)
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(string(r#""plain""#).unwrap(), "plain");
        assert_eq!(
            string(r#""a\"\\\/\b\f\n\r\tz""#).unwrap(),
            "a\"\\/\u{8}\u{c}\n\r\tz"
        );
        assert_eq!(string(r#""\u00e9\uD83D\ude00é😀""#).unwrap(), "é😀é😀");
    }

    #[test]
    fn halves_of_surrogate_pairs_become_the_replacement_character() {
        assert_eq!(string(r#""a\ud83d""#).unwrap(), "a\u{fffd}");
        assert_eq!(string(r#""\ude00b""#).unwrap(), "\u{fffd}b");
        assert_eq!(string(r#""\ud83d\u0041""#).unwrap(), "\u{fffd}A");
        assert_eq!(string(r#""\ud83d\ud83d\ude00""#).unwrap(), "\u{fffd}😀");
    }

    #[test]
    fn malformed_strings_are_refused() {
        for text in [
            "\"",
            "\"a",
            "\"\\",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "a",
        ] {
            assert!(string(text).is_err(), "{text:?} was read");
        }
    }

    #[test]
    fn whole_documents_are_passed_over() {
        let skip = |text: &str| -> Result<(), JsonError> {
            let mut reader = Reader::new(text.as_bytes())?;
            reader.skip()?;
            reader.end()
        };
        assert_eq!(
            skip(" {\"a\":[1,-2.5e3,true,false,null,\"x\",{}],\"b\":{\"c\":[]}} "),
            Ok(())
        );
        assert_eq!(skip("\u{feff}{}"), Ok(()));
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "[1 2]",
            "tru",
            "nul",
            "{} {}",
            "[}",
            "01",
            "1.",
            "-",
        ] {
            assert!(skip(text).is_err(), "{text:?} was read");
        }
        assert_eq!(
            skip(&"[".repeat(100_000)).unwrap_err().reason,
            "values nested too deeply"
        );
    }
}
