//! A user's own file over the table: further providers, other addresses, models that came out since. Unknown keys
//! are refused, as everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::table::{MODE_WORDS, words};
use super::{KnownModel, KnownProvider, Models, Text, Traits};
use crate::config::Dialect;

const MODALITIES: [&str; 5] = ["text", "image", "audio", "pdf", "video"];
const CAPABILITIES: [&str; 4] = ["tools", "reasoning", "structured_output", "prompt_caching"];
const STATUSES: [&str; 2] = ["beta", "deprecated"];

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogFileError {
    #[error("{0}")]
    Toml(String),
    #[error("the provider `{0}` is in no table: give its `base_url`")]
    BaseUrl(String),
    #[error("`providers.{provider}.{key}` must be of: {known}")]
    Word {
        provider: String,
        key: &'static str,
        known: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    providers: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    dialect: Option<Dialect>,
    base_url: Option<String>,
    api_key_env: Option<String>,
    provider_name: Option<String>,
    /// Patterns that lead here without the provider's name.
    own_models: Option<Vec<String>>,
    responses: Option<bool>,
    stream_usage: Option<bool>,
    keyless: Option<bool>,
    max_tokens_only: Option<bool>,
    text_only: Option<bool>,
    models: BTreeMap<String, ModelEntry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ModelEntry {
    mode: Option<String>,
    context_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input: Option<Vec<String>>,
    output: Option<Vec<String>>,
    capabilities: Option<Vec<String>>,
    status: Option<String>,
}

/// Changes and adds what the file says.
pub(super) fn lay_over(providers: &mut Vec<Arc<KnownProvider>>, toml: &str) -> Result<(), CatalogFileError> {
    let file: File = toml::from_str(toml).map_err(|error| CatalogFileError::Toml(error.to_string()))?;
    for (name, entry) in file.providers {
        let place = providers.iter().position(|provider| provider.name == name);
        let known = match place {
            Some(place) => KnownProvider::clone(&providers[place]),
            None => blank(&name, &entry)?,
        };
        let changed = Arc::new(change(known, entry)?);
        match place {
            Some(place) => providers[place] = changed,
            None => providers.push(changed),
        }
    }
    Ok(())
}

fn blank(name: &str, entry: &Entry) -> Result<KnownProvider, CatalogFileError> {
    if entry.base_url.is_none() {
        return Err(CatalogFileError::BaseUrl(name.to_owned()));
    }
    let variable: String = name
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    Ok(KnownProvider {
        name: Text::Owned(name.to_owned()),
        vendor: Text::Owned(name.to_owned()),
        dialect: Dialect::Openai,
        base_url: Text::Borrowed(""),
        api_key_env: vec![Text::Owned(format!("{variable}_API_KEY"))],
        base_url_env: Text::Owned(format!("{variable}_BASE_URL")),
        own_models: Vec::new(),
        traits: Traits::default(),
        models: Models::default(),
    })
}

fn change(mut known: KnownProvider, entry: Entry) -> Result<KnownProvider, CatalogFileError> {
    known.dialect = entry.dialect.unwrap_or(known.dialect);
    if let Some(base_url) = entry.base_url {
        known.base_url = Text::Owned(base_url);
    }
    if let Some(variable) = entry.api_key_env {
        known.api_key_env = vec![Text::Owned(variable)];
        known.traits.manual = false;
    }
    if let Some(vendor) = entry.provider_name {
        known.vendor = Text::Owned(vendor);
    }
    if let Some(own) = entry.own_models {
        known.own_models = own.into_iter().map(Text::Owned).collect();
    }
    let traits = &mut known.traits;
    traits.responses = entry.responses.unwrap_or(traits.responses);
    traits.no_stream_usage = entry.stream_usage.map_or(traits.no_stream_usage, |has| !has);
    traits.keyless = entry.keyless.unwrap_or(traits.keyless);
    traits.max_tokens_only = entry.max_tokens_only.unwrap_or(traits.max_tokens_only);
    traits.text_only = entry.text_only.unwrap_or(traits.text_only);
    for (id, entry) in entry.models {
        let before = known.model(&id);
        let model = model(&known.name, id.clone(), entry, before)?;
        known.models.added.insert(id, model);
    }
    Ok(known)
}

fn model(
    provider: &str,
    id: String,
    entry: ModelEntry,
    before: Option<KnownModel>,
) -> Result<KnownModel, CatalogFileError> {
    let several = |key, given: Option<Vec<String>>, known: &[&'static str]| match given {
        None => Ok(None),
        Some(given) => words(&given, known)
            .map(Some)
            .ok_or_else(|| CatalogFileError::Word {
                provider: provider.to_owned(),
                key,
                known: known.join(", "),
            }),
    };
    let one = |key, given: Option<String>, known: &[&'static str]| {
        let found = several(key, given.map(|word| vec![word]), known)?;
        Ok::<_, CatalogFileError>(found.and_then(|found| found.first().copied()))
    };
    let before = before.unwrap_or(KnownModel {
        id: String::new(),
        mode: "chat",
        context_tokens: None,
        output_tokens: None,
        input: vec!["text"],
        output: vec!["text"],
        capabilities: Vec::new(),
        status: None,
    });
    Ok(KnownModel {
        id,
        mode: one("mode", entry.mode, &MODE_WORDS)?.unwrap_or(before.mode),
        context_tokens: entry.context_tokens.or(before.context_tokens),
        output_tokens: entry.output_tokens.or(before.output_tokens),
        input: several("input", entry.input, &MODALITIES)?.unwrap_or(before.input),
        output: several("output", entry.output, &MODALITIES)?.unwrap_or(before.output),
        capabilities: several("capabilities", entry.capabilities, &CAPABILITIES)?
            .unwrap_or(before.capabilities),
        status: one("status", entry.status, &STATUSES)?.or(before.status),
    })
}
