//! Reads the generated table: a line for each provider, which begins with `=`, and after it one for each of its
//! models. Providers are read at the start, models when somebody asks. A line that is not as it should be is left
//! out here and found by a test.

use std::sync::Arc;

use super::{KnownModel, KnownProvider, Models, Text, Traits};
use crate::config::Dialect;

const MODES: [(char, &str); 6] = [
    ('e', "embedding"),
    ('k', "rerank"),
    ('g', "image"),
    ('h', "transcription"),
    ('u', "speech"),
    ('m', "moderation"),
];
const INPUT: [(char, &str); 4] = [('i', "image"), ('a', "audio"), ('p', "pdf"), ('v', "video")];
const OUTPUT: [(char, &str); 3] = [('I', "image"), ('A', "audio"), ('V', "video")];
const CAPABILITIES: [(char, &str); 4] = [
    ('t', "tools"),
    ('r', "reasoning"),
    ('s', "structured_output"),
    ('c', "prompt_caching"),
];

/// The providers of a table.
pub(super) fn read(text: &'static str) -> Vec<Arc<KnownProvider>> {
    let mut sections = text.split("\n=");
    // What comes before the first provider says where the table came from.
    sections.next();
    sections.filter_map(section).map(Arc::new).collect()
}

fn section(section: &'static str) -> Option<KnownProvider> {
    let (line, lines) = section.split_once('\n').unwrap_or((section, ""));
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (name, vendor) = (next()?, next()?);
    let dialect = Dialect::named(next()?)?;
    let (base_url, keys, base_url_env, flags, own) = (next()?, next()?, next()?, next()?, next()?);
    let words = |list: &'static str| list.split_ascii_whitespace().map(Text::Borrowed).collect();
    let has = |flag: char| flags.contains(flag);
    Some(KnownProvider {
        name: Text::Borrowed(name),
        vendor: Text::Borrowed(vendor),
        dialect,
        base_url: Text::Borrowed(base_url),
        api_key_env: words(keys),
        base_url_env: Text::Borrowed(base_url_env),
        own_models: words(own),
        traits: Traits {
            responses: has('R'),
            no_stream_usage: has('U'),
            keyless: has('K'),
            manual: has('M'),
            max_tokens_only: has('T'),
            text_only: has('S'),
        },
        models: Models {
            lines,
            ..Models::default()
        },
    })
}

/// The models of a provider's lines.
pub(super) fn models(lines: &'static str) -> impl Iterator<Item = KnownModel> {
    lines.lines().filter_map(line)
}

/// One of them.
pub(super) fn model(lines: &'static str, id: &str) -> Option<KnownModel> {
    let found = lines
        .lines()
        .find(|line| line.strip_prefix(id).is_some_and(|rest| rest.starts_with('\t')))?;
    line(found)
}

fn line(text: &str) -> Option<KnownModel> {
    let mut fields = text.split('\t');
    let id = fields.next()?.to_owned();
    let mut number = || fields.next().map(|number| number.parse().ok());
    let (context_tokens, output_tokens) = (number()?, number()?);
    let flags = fields.next()?;
    let said = |table: &[(char, &'static str)]| {
        let with = table.iter().filter(|(letter, _)| flags.contains(*letter));
        with.map(|(_, word)| *word).collect::<Vec<_>>()
    };
    let mode = said(&MODES).first().copied().unwrap_or("chat");
    let mut input = said(&INPUT);
    let mut output = said(&OUTPUT);
    let text_in = !matches!(mode, "transcription");
    let text_out = !matches!(mode, "embedding" | "image" | "speech");
    if text_in {
        input.insert(0, "text");
    }
    if text_out {
        output.insert(0, "text");
    }
    let status = [('d', "deprecated"), ('b', "beta")];
    let status = said(&status).first().copied();
    let capabilities = said(&CAPABILITIES);
    Some(KnownModel {
        id,
        mode,
        context_tokens,
        output_tokens,
        input,
        output,
        capabilities,
        status,
    })
}

/// The words of `given` that are among those of the table, as the table has them.
pub(super) fn words(given: &[String], known: &[&'static str]) -> Option<Vec<&'static str>> {
    let find = |word: &String| known.iter().find(|known| **known == word).copied();
    given.iter().map(find).collect()
}

/// Every word that a mode may be.
pub(super) const MODE_WORDS: [&str; 7] = [
    "chat",
    "embedding",
    "rerank",
    "image",
    "transcription",
    "speech",
    "moderation",
];
