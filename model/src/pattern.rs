//! Personal data, secrets and a user's own expressions, found in text: what is where, and the text without it.
//!
//! Both planes that see conversations use it: the gateway's guardrails and the collector's redaction. It works on
//! whole texts ([`Scanner::find`]) and on texts that are still growing ([`Scanner::settled`], [`window::Window`]): what
//! was decided about the settled part does not change, whatever follows.
//!
//! Everything here reads a text a fixed number of times: first for the few bytes that a match cannot do without
//! (`@`, `:`, a digit, a key's prefix), then only around those. Structure and check digits decide, not the looks of a
//! number alone: an order number is not a card. Deliberately absent: names, addresses and birthdays, which no
//! expression finds; and any opinion about what to do with a finding.

use serde::{Deserialize, Serialize};

mod address;
mod check;
mod custom;
mod number;
mod secret;
#[cfg(test)]
mod tests;
pub mod window;

pub use custom::{Custom, PatternError};

/// What is found without being told how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number that is written like one: with its country code, in North America's form, or with a leading
    /// zero and separators.
    Phone,
    /// A payment card's number: issuer, length, grouping and check digit.
    CreditCard,
    /// A bank account's number: country, length and check digits.
    Iban,
    /// A United States social security number, with its hyphens.
    Ssn,
    /// An IPv4 or IPv6 address that is not this machine's own.
    IpAddress,
    /// A credential of a known provider, by its prefix and form.
    ApiKey,
    /// A JSON web token.
    Jwt,
    /// A private key in PEM form.
    PrivateKey,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::Phone,
        Self::CreditCard,
        Self::Iban,
        Self::Ssn,
        Self::IpAddress,
        Self::ApiKey,
        Self::Jwt,
        Self::PrivateKey,
    ];
    /// What tells a person.
    pub const PERSONAL: [Self; 6] = [
        Self::Email,
        Self::Phone,
        Self::CreditCard,
        Self::Iban,
        Self::Ssn,
        Self::IpAddress,
    ];
    /// What opens doors.
    pub const SECRETS: [Self; 3] = [Self::ApiKey, Self::Jwt, Self::PrivateKey];

    /// The word used in configuration and on spans.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::CreditCard => "credit_card",
            Self::Iban => "iban",
            Self::Ssn => "ssn",
            Self::IpAddress => "ip_address",
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
        }
    }

    /// What stands in the place of a finding.
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Email => "[EMAIL]",
            Self::Phone => "[PHONE]",
            Self::CreditCard => "[CREDIT_CARD]",
            Self::Iban => "[IBAN]",
            Self::Ssn => "[SSN]",
            Self::IpAddress => "[IP_ADDRESS]",
            Self::ApiKey => "[API_KEY]",
            Self::Jwt => "[JWT]",
            Self::PrivateKey => "[PRIVATE_KEY]",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Kinds(u16);

impl Kinds {
    const fn has(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    fn has_any(self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|&kind| self.has(kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

/// What a finding is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// A built-in kind.
    Kind(Kind),
    /// The scanner's own expression of this number.
    Custom(usize),
}

/// One place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is.
    pub pattern: Pattern,
}

impl Finding {
    const fn of(kind: Kind, start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            pattern: Pattern::Kind(kind),
        }
    }
}

/// Finds what it was made for. Immutable, and shared by any number of calls.
#[derive(Debug, Default)]
pub struct Scanner {
    kinds: Kinds,
    customs: Vec<Custom>,
}

impl Scanner {
    /// A scanner for these kinds, and for these expressions.
    pub fn new(kinds: impl IntoIterator<Item = Kind>, customs: Vec<Custom>) -> Self {
        Self {
            kinds: kinds.into_iter().collect(),
            customs,
        }
    }

    /// Whether it can find nothing.
    pub fn is_empty(&self) -> bool {
        self.kinds == Kinds::default() && self.customs.is_empty()
    }

    /// What is in `text`, in its order. Findings do not overlap: of two that would, the one that begins first counts,
    /// and the longer of those that begin together.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.kinds.has_any(&Kind::SECRETS) {
            secret::find(text, self.kinds, &mut findings);
        }
        if self.kinds.has(Kind::Email) {
            address::find_emails(text, &mut findings);
        }
        if self.kinds.has(Kind::IpAddress) {
            address::find_ipv6(text, &mut findings);
        }
        if self.kinds.has_any(&number::KINDS) {
            number::find(text, self.kinds, &mut findings);
        }
        for (index, custom) in self.customs.iter().enumerate() {
            custom.find(text, |start, end| {
                findings.push(Finding {
                    start,
                    end,
                    pattern: Pattern::Custom(index),
                });
            });
        }
        without_overlaps(findings)
    }

    /// The name of what was found: a kind's word, or the expression's name.
    pub fn name(&self, pattern: Pattern) -> &str {
        match pattern {
            Pattern::Kind(kind) => kind.as_str(),
            Pattern::Custom(index) => self.customs.get(index).map_or("", Custom::name),
        }
    }

    /// What stands in the place of a finding. Has no character that JSON would have to escape.
    pub fn placeholder(&self, pattern: Pattern) -> &str {
        match pattern {
            Pattern::Kind(kind) => kind.placeholder(),
            Pattern::Custom(index) => self.customs.get(index).map_or("[REDACTED]", Custom::placeholder),
        }
    }

    /// The text with a placeholder for each finding; nothing when there is none.
    pub fn redact(&self, text: &str) -> Option<String> {
        let findings = self.find(text);
        (!findings.is_empty()).then(|| self.replace(text, &findings))
    }

    /// The text with placeholders in these places, which are in order.
    pub fn replace(&self, text: &str, findings: &[Finding]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for finding in findings {
            out.push_str(&text[from..finding.start]);
            out.push_str(self.placeholder(finding.pattern));
            from = finding.end;
        }
        out.push_str(&text[from..]);
        out
    }

    /// How many bytes of a text that is still growing are decided: nothing that follows makes, changes or undoes a
    /// finding that begins there. What is not settled is bounded by what a pattern can span.
    pub fn settled(&self, text: &str, findings: &[Finding]) -> usize {
        let mut settled = text.len();
        let mut hold = |from: usize| settled = settled.min(from);
        if self.kinds.has_any(&Kind::SECRETS) {
            hold(secret::open_from(text));
        }
        if self.kinds.has(Kind::Email) {
            hold(address::email_open_from(text));
        }
        if self.kinds.has(Kind::IpAddress) {
            hold(address::ipv6_open_from(text));
        }
        if self.kinds.has_any(&number::KINDS) {
            hold(number::open_from(text, self.kinds));
        }
        for custom in &self.customs {
            hold(custom.open_from(text));
        }
        // A finding is decided as a whole.
        let straddling = findings
            .iter()
            .find(|finding| finding.start < settled && settled < finding.end);
        straddling.map_or(settled, |finding| finding.start)
    }
}

fn without_overlaps(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_unstable_by_key(|finding| (finding.start, usize::MAX - finding.end, finding.pattern));
    let mut end = 0;
    findings.retain(|finding| {
        let stays = finding.start >= end;
        if stays {
            end = finding.end;
        }
        stays
    });
    findings
}

/// The start of the run of bytes that `belongs` to the end of `text`, of at most `bytes_max`.
fn trailing_run(text: &[u8], bytes_max: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let least = text.len().saturating_sub(bytes_max);
    let run = text[least..]
        .iter()
        .rev()
        .take_while(|&&byte| belongs(byte))
        .count();
    text.len() - run
}

/// Whether a word's character is just before `at`.
fn word_before(text: &[u8], at: usize) -> bool {
    at > 0 && is_word(text[at - 1])
}

/// Whether a word's character is at `at`.
fn word_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|&byte| is_word(byte))
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
