//! What begins with a literal: keys of providers, tokens, private keys.

use aho_corasick::{AhoCorasick, MatchKind};
use brokle_model::telemetry_settings::BuiltInPattern;

use super::{Found, Text};

/// What must follow a literal.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// At least so many characters of a token: letters, digits, `_` and `-`; both a letter and a digit among
    /// them.
    Token(usize),
    /// The same, and dots.
    Dotted(usize),
    /// Exactly so many capital letters and digits.
    Capitals(usize),
    /// Two more parts, separated by dots.
    Jwt,
    /// Everything to the end of the key.
    Pem,
    /// A secret key of AWS, behind some punctuation.
    AwsSecret,
    /// The credential of an `Authorization` header.
    Bearer,
}

const KEY: BuiltInPattern = BuiltInPattern::ApiKey;
const AWS: BuiltInPattern = BuiltInPattern::AwsKey;

/// Literals, the pattern that they belong to, and what must follow.
const LITERALS: &[(&str, BuiltInPattern, Rest)] = &[
    // Model vendors.
    ("sk-", KEY, Rest::Token(20)),
    ("gsk_", KEY, Rest::Token(20)),
    ("xai-", KEY, Rest::Token(20)),
    ("pplx-", KEY, Rest::Token(20)),
    ("hf_", KEY, Rest::Token(20)),
    ("r8_", KEY, Rest::Token(20)),
    ("AIza", KEY, Rest::Token(30)),
    ("ya29.", KEY, Rest::Dotted(20)),
    ("lsv2_", KEY, Rest::Token(20)),
    ("pk-lf-", KEY, Rest::Token(20)),
    // Our own.
    ("bk_", KEY, Rest::Token(32)),
    // Code hosts and package registries.
    ("ghp_", KEY, Rest::Token(30)),
    ("gho_", KEY, Rest::Token(30)),
    ("ghu_", KEY, Rest::Token(30)),
    ("ghs_", KEY, Rest::Token(30)),
    ("ghr_", KEY, Rest::Token(30)),
    ("github_pat_", KEY, Rest::Token(22)),
    ("glpat-", KEY, Rest::Token(20)),
    ("npm_", KEY, Rest::Token(30)),
    ("pypi-", KEY, Rest::Token(30)),
    // Payment, chat, mail, clouds.
    ("sk_live_", KEY, Rest::Token(16)),
    ("sk_test_", KEY, Rest::Token(16)),
    ("rk_live_", KEY, Rest::Token(16)),
    ("whsec_", KEY, Rest::Token(20)),
    ("xoxb-", KEY, Rest::Token(20)),
    ("xoxp-", KEY, Rest::Token(20)),
    ("xoxa-", KEY, Rest::Token(20)),
    ("xoxr-", KEY, Rest::Token(20)),
    ("xapp-", KEY, Rest::Token(20)),
    ("SG.", KEY, Rest::Dotted(40)),
    ("dop_v1_", KEY, Rest::Token(32)),
    ("shpat_", KEY, Rest::Token(20)),
    ("Bearer ", KEY, Rest::Bearer),
    ("eyJ", BuiltInPattern::Jwt, Rest::Jwt),
    ("-----BEGIN ", BuiltInPattern::PrivateKey, Rest::Pem),
    ("AKIA", AWS, Rest::Capitals(16)),
    ("ASIA", AWS, Rest::Capitals(16)),
    ("aws_secret_access_key", AWS, Rest::AwsSecret),
    ("AWS_SECRET_ACCESS_KEY", AWS, Rest::AwsSecret),
    ("SecretAccessKey", AWS, Rest::AwsSecret),
    ("secretAccessKey", AWS, Rest::AwsSecret),
];

/// The longest label of a PEM block.
const LABEL_BYTES_MAX: usize = 64;
/// Characters between the name of a secret and the secret.
const BETWEEN_MAX: usize = 16;
const AWS_SECRET_BYTES: usize = 40;

/// The literals of the patterns in use.
#[derive(Debug)]
pub(super) struct Words {
    literals: Vec<(&'static str, BuiltInPattern, Rest)>,
    searcher: AhoCorasick,
}

impl Words {
    pub(super) fn new(is_enabled: impl Fn(BuiltInPattern) -> bool) -> Option<Self> {
        let literals: Vec<_> = LITERALS
            .iter()
            .copied()
            .filter(|(_, pattern, _)| is_enabled(*pattern))
            .collect();
        if literals.is_empty() {
            return None;
        }
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(literals.iter().map(|(literal, ..)| literal))
            .ok()?;
        Some(Self { literals, searcher })
    }

    pub(super) fn find_all(&self, text: Text<'_>, found: &mut Vec<Found>) {
        let mut from = 0;
        while let Some(literal) = self.searcher.find(&text.bytes[from..]) {
            let (start, behind) = (from + literal.start(), from + literal.end());
            from = behind;
            let Some((_, pattern, rest)) = self.literals.get(literal.pattern().as_usize()) else {
                continue;
            };
            if let Some(range) = rest.range(text, start, behind) {
                from = range.end.max(behind);
                found.push(Found {
                    pattern: *pattern,
                    range,
                });
            }
        }
    }
}

impl Rest {
    /// What is to be redacted, if what must follow does follow.
    fn range(self, text: Text<'_>, start: usize, behind: usize) -> Option<std::ops::Range<usize>> {
        let whole = |end: usize| Some(start..end);
        match self {
            Self::Token(least) => token(text, behind, least, is_token)
                .filter(|_| text.begins_word(start))
                .and_then(whole),
            Self::Dotted(least) => {
                let is_dotted = |byte: u8| is_token(byte) || byte == b'.';
                token(text, behind, least, is_dotted)
                    .filter(|_| text.begins_word(start))
                    .and_then(whole)
            }
            Self::Capitals(length) => {
                let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
                let end = behind + count(text, behind, is_capital);
                let is_key = end - behind == length && text.begins_word(start) && text.ends_word(end);
                is_key.then_some(start..end)
            }
            Self::Jwt => jwt(text, behind)
                .filter(|_| text.begins_word(start))
                .and_then(whole),
            Self::Pem => pem(text, behind).and_then(whole),
            Self::AwsSecret => aws_secret(text, behind),
            Self::Bearer => {
                let is_credential = |byte: u8| is_token(byte) || b".~+/=".contains(&byte);
                let end = token(text, behind, 16, is_credential)?;
                // The credential alone, so that one can still see what kind of header it was.
                Some(behind..end)
            }
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn count(text: Text<'_>, from: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = text.bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| is_part(**byte)).count()
}

/// Where a token of at least `least` bytes ends, if it looks like no word of a language.
fn token(text: Text<'_>, from: usize, least: usize, is_part: impl Fn(u8) -> bool) -> Option<usize> {
    let length = count(text, from, is_part);
    let token = text.bytes.get(from..from + length)?;
    let is_random = token.iter().any(u8::is_ascii_digit) && token.iter().any(u8::is_ascii_alphabetic);
    (length >= least && is_random).then_some(from + length)
}

fn jwt(text: Text<'_>, from: usize) -> Option<usize> {
    let mut end = from;
    for part in 0..3 {
        let length = count(text, end, is_token);
        // The signature may be absent, when the algorithm is none.
        if part < 2 && length < 4 {
            return None;
        }
        end += length;
        if part < 2 {
            if text.at(end) != b'.' {
                return None;
            }
            end += 1;
        }
    }
    Some(end)
}

/// Where a private key ends; where its end is missing, the text is taken to the end.
fn pem(text: Text<'_>, from: usize) -> Option<usize> {
    let rest = text.bytes.get(from..)?;
    let label_end = memchr::memmem::find(&rest[..rest.len().min(LABEL_BYTES_MAX)], b"-----")?;
    if !rest[..label_end].ends_with(b"PRIVATE KEY") {
        return None;
    }
    let end = memchr::memmem::find(rest, b"-----END ").and_then(|end| {
        let behind = end + b"-----END ".len();
        let closing = memchr::memmem::find(&rest[behind..], b"-----")?;
        Some(behind + closing + b"-----".len())
    });
    Some(from + end.unwrap_or(rest.len()))
}

fn aws_secret(text: Text<'_>, from: usize) -> Option<std::ops::Range<usize>> {
    let is_between = |byte: u8| matches!(byte, b' ' | b'"' | b'\'' | b'=' | b':' | b'>' | b'\\' | b'\t');
    let start = from + count(text, from, is_between);
    let is_secret = |byte: u8| byte.is_ascii_alphanumeric() || b"/+=".contains(&byte);
    let length = count(text, start, is_secret);
    (start > from && start - from <= BETWEEN_MAX && length == AWS_SECRET_BYTES)
        .then_some(start..start + length)
}
