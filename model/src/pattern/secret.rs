//! Credentials, by the prefix that their issuers give them so that they can be found, and by their form.
//!
//! A table, and one automaton over all prefixes. What has no prefix of its own (a password, forty hexadecimal digits) is
//! deliberately not looked for: half of all identifiers look the same.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Finding, Kind, Kinds, trailing_run, word_before};

const PEM_BEGIN: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";
const PEM_DASHES: &str = "-----";
const PEM_LABEL_BYTES_MAX: usize = 40;
/// The longest private key that is looked for.
const PEM_BYTES_MAX: usize = 16 << 10;
const JWT_PREFIX: &str = "eyJ";
const JWT_BYTES_MAX: usize = 8 << 10;
const JWT_PART_BYTES_MIN: usize = 10;
const KEY_BYTES_MAX: usize = 512;
/// Longer than any prefix.
const PREFIX_BYTES_MAX: usize = 24;
/// Of a key whose issuer promises no length: that many letters and digits in a row, with both among them.
const RANDOM_RUN_MIN: usize = 16;

/// How an issuer's keys go on after their prefix.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Exactly so many capital letters and digits.
    Capitals(usize),
    /// Thirty-two hexadecimal digits.
    Hexadecimal32,
    /// At least so many letters and digits.
    Alphanumeric(usize),
    /// At least so many letters, digits, `_` and `-`.
    Words(usize),
    /// Words, of which one is long and has letters and digits: the prefix alone says little.
    Random,
    /// Two or more parts of at least so many, with dots between them.
    Dotted(usize),
}

/// Prefixes and forms, as their issuers document them.
const KEYS: [(&str, Form); 47] = [
    ("sk-", Form::Random),             // OpenAI, Anthropic, OpenRouter, DeepSeek and others
    ("pk-lf-", Form::Words(30)),       // Langfuse
    ("bk_", Form::Random),             // Brokle
    ("AIza", Form::Words(35)),         // Google
    ("ya29.", Form::Words(30)),        // Google, OAuth
    ("GOCSPX-", Form::Words(24)),      // Google, client secrets
    ("gsk_", Form::Alphanumeric(40)),  // Groq
    ("xai-", Form::Alphanumeric(40)),  // xAI
    ("pplx-", Form::Alphanumeric(32)), // Perplexity
    ("csk-", Form::Alphanumeric(32)),  // Cerebras
    ("nvapi-", Form::Words(40)),       // NVIDIA
    ("hf_", Form::Alphanumeric(30)),   // Hugging Face
    ("r8_", Form::Alphanumeric(30)),   // Replicate
    ("tvly-", Form::Words(20)),        // Tavily
    ("fw_", Form::Alphanumeric(20)),   // Fireworks
    ("AKIA", Form::Capitals(16)),      // AWS
    ("ASIA", Form::Capitals(16)),      // AWS, temporary
    ("ABSK", Form::Alphanumeric(60)),  // AWS Bedrock
    ("ghp_", Form::Alphanumeric(36)),  // GitHub
    ("gho_", Form::Alphanumeric(36)),
    ("ghu_", Form::Alphanumeric(36)),
    ("ghs_", Form::Alphanumeric(36)),
    ("ghr_", Form::Alphanumeric(36)),
    ("github_pat_", Form::Words(60)),
    ("glpat-", Form::Words(20)), // GitLab
    ("gldt-", Form::Words(20)),
    ("glrt-", Form::Words(20)),
    ("xoxb-", Form::Words(24)), // Slack
    ("xoxp-", Form::Words(24)),
    ("xoxa-", Form::Words(24)),
    ("xoxs-", Form::Words(24)),
    ("xapp-", Form::Words(24)),
    ("sk_live_", Form::Alphanumeric(16)), // Stripe
    ("sk_test_", Form::Alphanumeric(16)),
    ("rk_live_", Form::Alphanumeric(16)),
    ("whsec_", Form::Alphanumeric(24)),
    ("SG.", Form::Dotted(16)),            // SendGrid
    ("npm_", Form::Alphanumeric(36)),     // npm
    ("pypi-", Form::Words(50)),           // PyPI
    ("dop_v1_", Form::Alphanumeric(64)),  // DigitalOcean
    ("dapi", Form::Alphanumeric(32)),     // Databricks
    ("ntn_", Form::Alphanumeric(40)),     // Notion
    ("lin_api_", Form::Alphanumeric(32)), // Linear
    ("shpat_", Form::Alphanumeric(32)),   // Shopify
    ("shpss_", Form::Alphanumeric(32)),
    ("SK", Form::Hexadecimal32), // Twilio
    ("AGE-SECRET-KEY-1", Form::Capitals(58)),
];

/// All prefixes, those of tokens and private keys last.
static PREFIXES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let keys = KEYS.iter().map(|(prefix, _)| *prefix);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(keys.chain([JWT_PREFIX, PEM_BEGIN]))
        .ok()
});

const fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Where a prefix is, and what may come of it.
struct Begun {
    start: usize,
    body: usize,
    kind: Kind,
    form: Option<Form>,
}

fn begun(text: &str, from: usize) -> impl Iterator<Item = Begun> {
    let bytes = text.as_bytes();
    let matches = PREFIXES.as_ref().into_iter().flat_map(move |prefixes| {
        // A prefix may begin within a false one.
        prefixes.find_iter(&text[from..])
    });
    matches.filter_map(move |found| {
        let (start, body) = (from + found.start(), from + found.end());
        let index = found.pattern().as_usize();
        let form = KEYS.get(index).map(|(_, form)| *form);
        let kind = match index - index.min(KEYS.len()) {
            _ if form.is_some() => Kind::ApiKey,
            0 => Kind::Jwt,
            _ => Kind::PrivateKey,
        };
        let alone = kind == Kind::PrivateKey || !word_before(bytes, start);
        alone.then_some(Begun {
            start,
            body,
            kind,
            form,
        })
    })
}

pub(super) fn find(text: &str, kinds: Kinds, findings: &mut Vec<Finding>) {
    for begun in begun(text, 0).filter(|begun| kinds.has(begun.kind)) {
        let end = match (begun.kind, begun.form) {
            (Kind::PrivateKey, _) => private_key_end(text, begun.start),
            (Kind::Jwt, _) => jwt_end(text, begun.start),
            (_, Some(form)) => key_end(text, begun.body, form),
            (_, None) => None,
        };
        findings.extend(end.map(|end| Finding::of(begun.kind, begun.start, end)));
    }
}

fn run(bytes: &[u8], bytes_max: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .take(bytes_max)
        .take_while(|&&byte| belongs(byte))
        .count()
}

fn key_end(text: &str, body: usize, form: Form) -> Option<usize> {
    let rest = &text.as_bytes()[body..];
    let length = run(rest, KEY_BYTES_MAX, is_key);
    let alphanumeric = run(rest, KEY_BYTES_MAX, |byte| byte.is_ascii_alphanumeric());
    let fits = match form {
        Form::Capitals(exactly) => {
            length == exactly
                && rest[..length]
                    .iter()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        }
        Form::Hexadecimal32 => length == 32 && rest[..length].iter().all(u8::is_ascii_hexdigit),
        Form::Alphanumeric(least) => alphanumeric >= least,
        Form::Words(least) => length >= least,
        Form::Random => text[body..body + length].split('-').any(is_random),
        Form::Dotted(least) => {
            let dotted = run(rest, KEY_BYTES_MAX, |byte| is_key(byte) || byte == b'.');
            let whole = text[body..body + dotted].trim_end_matches('.');
            let parts = whole.split('.').count() > 1 && whole.split('.').all(|part| part.len() >= least);
            return parts.then(|| body + whole.len());
        }
    };
    fits.then_some(body + length)
}

fn is_random(word: &str) -> bool {
    let has = |belongs: fn(&u8) -> bool| word.as_bytes().iter().any(belongs);
    word.len() >= RANDOM_RUN_MIN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Three parts; the signature of an unsigned one is empty.
fn jwt_end(text: &str, start: usize) -> Option<usize> {
    let rest = &text.as_bytes()[start..];
    let length = run(rest, JWT_BYTES_MAX, |byte| is_key(byte) || byte == b'.');
    let token = &text[start..start + length];
    let (header, after) = token.split_once('.')?;
    let (payload, after) = after.split_once('.')?;
    let signature = after.split('.').next().unwrap_or_default();
    let fits = header.len() >= JWT_PART_BYTES_MIN
        && payload.len() >= JWT_PART_BYTES_MIN
        && payload.starts_with(JWT_PREFIX);
    fits.then(|| start + header.len() + payload.len() + 2 + signature.len())
}

/// The first line of a PEM block.
enum Label<'a> {
    /// It is none.
    None,
    /// It may become one.
    Unfinished,
    /// What stands between its dashes.
    Is(&'a str),
}

fn pem_label(text: &str, start: usize) -> Label<'_> {
    let after = &text[start + PEM_BEGIN.len()..];
    let length = run(after.as_bytes(), PEM_LABEL_BYTES_MAX, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    let (label, rest) = after.split_at(length);
    if rest.starts_with(PEM_DASHES) {
        Label::Is(label)
    } else if PEM_DASHES.starts_with(rest) && length < PEM_LABEL_BYTES_MAX {
        Label::Unfinished
    } else {
        Label::None
    }
}

fn is_private(label: &str) -> bool {
    label.contains("PRIVATE KEY")
}

/// The end of the block; of one whose end is missing, the end of what belongs into it.
fn private_key_end(text: &str, start: usize) -> Option<usize> {
    let Label::Is(label) = pem_label(text, start) else {
        return None;
    };
    if !is_private(label) {
        return None;
    }
    let body = start + PEM_BEGIN.len() + label.len() + PEM_DASHES.len();
    let bytes = text.as_bytes();
    let limit = bytes.len().min(start + PEM_BYTES_MAX);
    let length = run(&bytes[body..limit], PEM_BYTES_MAX, |byte| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,-".contains(&byte)
    });
    let inside = &text[body..body + length];
    let Some(end) = inside.find(PEM_END) else {
        return Some(body + inside.trim_end().len());
    };
    let after = body + end + PEM_END.len();
    let closed = text[after..body + length].find(PEM_DASHES);
    Some(closed.map_or(body + length, |dashes| after + dashes + PEM_DASHES.len()))
}

pub(super) fn open_from(text: &str) -> usize {
    let bytes = text.as_bytes();
    let pem = open_pem(text);
    let run = trailing_run(bytes, JWT_BYTES_MAX, |byte| is_key(byte) || byte == b'.');
    if bytes.len() - run <= PREFIX_BYTES_MAX {
        return pem.min(run);
    }
    let may_go_on = |begun: &Begun| {
        let bytes_max = if begun.kind == Kind::Jwt {
            JWT_BYTES_MAX
        } else {
            KEY_BYTES_MAX
        };
        bytes.len() - begun.start <= bytes_max
    };
    let key = begun(text, run).find(may_go_on).map(|begun| begun.start);
    pem.min(key.unwrap_or(bytes.len() - PREFIX_BYTES_MAX))
}

/// A private key that has begun and not ended, or may be one.
fn open_pem(text: &str) -> usize {
    let least = text.len().saturating_sub(PEM_BYTES_MAX);
    let least = (least..=text.len())
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(text.len());
    let may_go_on = |start: &usize| match pem_label(text, *start) {
        Label::Unfinished => true,
        Label::Is(label) => is_private(label) && !is_closed(&text[*start..]),
        Label::None => false,
    };
    let mut begun = text[least..].match_indices(PEM_BEGIN).map(|(at, _)| least + at);
    begun.find(may_go_on).unwrap_or(text.len())
}

fn is_closed(block: &str) -> bool {
    block
        .find(PEM_END)
        .is_some_and(|at| block[at + PEM_END.len()..].contains(PEM_DASHES))
}
