//! A walk over JSON text that tells where each string and number lies, and under which names. Bodies are then edited in
//! place, so that what a guardrail does not touch keeps every byte.
//!
//! The text has been parsed before; here its structure is trusted, and what does not fit ends the walk.

use std::ops::Range;

/// Deeper values are not looked into. Parsers refuse them too.
const DEPTH_MAX: usize = 128;

/// One step from a value to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A field. Names with escapes are told as they are written.
    Field(&'a str),
    /// An item.
    Item(usize),
}

/// A string or a number, and where it is.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    /// As written, with the quotes of a string.
    pub(super) raw: &'a str,
    pub(super) at: Range<usize>,
}

impl Scalar<'_> {
    pub(super) fn is_string(&self) -> bool {
        self.raw.starts_with('"')
    }

    /// The string's text.
    pub(super) fn text(&self) -> Option<String> {
        serde_json::from_str(self.raw).ok()
    }
}

/// Calls `visit` for every string and every number of `text`, in order.
pub(super) fn walk<'a>(text: &'a str, visit: &mut dyn FnMut(&[Step<'a>], Scalar<'a>)) {
    let mut walker = Walker {
        text,
        at: 0,
        path: Vec::new(),
        visit,
    };
    walker.value();
}

struct Walker<'a, 'v> {
    text: &'a str,
    at: usize,
    path: Vec<Step<'a>>,
    visit: &'v mut dyn FnMut(&[Step<'a>], Scalar<'a>),
}

impl Walker<'_, '_> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        let found = self.peek()? == byte;
        found.then(|| self.at += 1)
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => {
                let at = self.string()?;
                self.tell(at);
                Some(())
            }
            _ => {
                let at = self.token();
                let number = matches!(self.text.as_bytes()[at.start], b'-' | b'0'..=b'9');
                if number {
                    self.tell(at.clone());
                }
                (!at.is_empty()).then_some(())
            }
        }
    }

    fn tell(&mut self, at: Range<usize>) {
        let raw = &self.text[at.clone()];
        (self.visit)(&self.path, Scalar { raw, at });
    }

    fn object(&mut self) -> Option<()> {
        self.eat(b'{')?;
        if self.path.len() >= DEPTH_MAX {
            return None;
        }
        if self.peek()? == b'}' {
            return self.eat(b'}');
        }
        loop {
            self.peek()?;
            let name = self.string()?;
            self.eat(b':')?;
            let text = self.text;
            self.path.push(Step::Field(&text[name.start + 1..name.end - 1]));
            let inside = self.value();
            self.path.pop();
            inside?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.eat(b'}'),
            }
        }
    }

    fn array(&mut self) -> Option<()> {
        self.eat(b'[')?;
        if self.path.len() >= DEPTH_MAX {
            return None;
        }
        if self.peek()? == b']' {
            return self.eat(b']');
        }
        for index in 0.. {
            self.path.push(Step::Item(index));
            let inside = self.value();
            self.path.pop();
            inside?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.eat(b']'),
            }
        }
        None
    }

    /// The string that begins here, with its quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if *bytes.get(start)? != b'"' {
            return None;
        }
        let mut at = start + 1;
        loop {
            at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
            if bytes[at] == b'"' {
                self.at = at + 1;
                return Some(start..at + 1);
            }
            at += 2;
        }
    }

    fn token(&mut self) -> Range<usize> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
            .count();
        self.at += length;
        start..self.at
    }
}

/// Puts `edits`, which are in order and apart, into `text`.
pub(super) fn splice(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, with) in edits {
        out.push_str(&text[from..at.start]);
        out.push_str(with);
        from = at.end;
    }
    out.push_str(&text[from..]);
    out
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        walk(text, &mut |path, scalar| {
            let path: Vec<String> = path
                .iter()
                .map(|step| match step {
                    Step::Field(name) => (*name).to_owned(),
                    Step::Item(index) => index.to_string(),
                })
                .collect();
            assert_eq!(&text[scalar.at.clone()], scalar.raw);
            all.push((path.join("."), scalar.raw.to_owned()));
        });
        all
    }

    #[test]
    fn every_string_and_number_is_told_with_its_path() {
        let text =
            r#" { "a" : [ "x\"\\", {"b": -1.5e3 , "c":null, "d":[]} , true ], "é":{"f":"日本"}, "g":{} } "#;
        let expected = [("a.0", r#""x\"\\""#), ("a.1.b", "-1.5e3"), ("é.f", "\"日本\"")];
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, raw)| ((*path).to_owned(), (*raw).to_owned()))
            .collect();
        assert_eq!(told(text), expected);
    }

    #[test]
    fn a_text_that_breaks_off_ends_the_walk() {
        for text in [
            "",
            "{",
            "{\"a",
            "{\"a\":",
            "{\"a\":\"b",
            "[1,",
            "\"\\",
            "{\"a\":x",
        ] {
            told(text);
        }
    }

    #[test]
    fn edits_leave_every_other_byte() {
        let text = r#"{"a" : "x", "n":1.50}"#;
        assert_eq!(
            splice(text, &[(7..10, quoted("é\""))]),
            r#"{"a" : "é\"", "n":1.50}"#
        );
    }
}
