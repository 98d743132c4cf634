//! A user's price file: TOML, checked as a whole when it is read, each refusal with the entry's name.
//! docs/prices.md shows one. Prices are USD per million tokens.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::cost::Priced;
use super::sheet::{Mode, Sheet, Stated, rate};
use super::table::midnight;
use super::{PriceBook, PriceEntry, fold_provider};

/// Entries in one file, at most.
const ENTRIES_MAX: usize = 100_000;

/// A text that is no price file.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// Not TOML, or unknown keys at the top.
    #[error("{0}")]
    Malformed(#[from] toml::de::Error),
    /// An entry that makes no sense.
    #[error("[[{table}]] number {number} ({entry}): {problem}")]
    Entry {
        /// `price` or `alias`.
        table: &'static str,
        /// Which one, from 1.
        number: usize,
        /// Its provider and model.
        entry: String,
        /// What is wrong.
        problem: String,
    },
    /// More than anybody has.
    #[error("the file has more than {ENTRIES_MAX} entries")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Stands in `price_version`.
    name: Option<String>,
    #[serde(default)]
    price: Vec<toml::Table>,
    #[serde(default)]
    alias: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    provider: String,
    model: String,
    valid_from: Option<toml::Value>,
    #[serde(default)]
    step: Vec<toml::Table>,
    input: Option<Usd>,
    output: Option<Usd>,
    cache_read: Option<Usd>,
    cache_write: Option<Usd>,
    cache_write_1h: Option<Usd>,
    audio_input: Option<Usd>,
    image_input: Option<Usd>,
    reasoning: Option<Usd>,
    audio_output: Option<Usd>,
    image_output: Option<Usd>,
    request: Option<Usd>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    provider: String,
    model: String,
    /// `provider/model`
    price_of: String,
}

/// An amount as text or as a TOML number. A float's shortest form is what its author wrote.
struct Usd(Decimal);

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            other => return Err(serde::de::Error::custom(format!("`{other}` is no amount"))),
        };
        let parsed = text.trim().parse();
        parsed
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("`{text}` is no amount")))
    }
}

pub(super) fn read(book: &PriceBook, toml: &str) -> Result<PriceBook, PriceFileError> {
    let file: File = toml::from_str(toml)?;
    if file.price.len() + file.alias.len() > ENTRIES_MAX {
        return Err(PriceFileError::TooMany);
    }
    let version: Arc<str> = file.name.as_deref().unwrap_or("prices file").into();
    let mut read = PriceBook::default();
    let mut seen = HashSet::new();
    for (row, number) in file.price.into_iter().zip(1..) {
        let entry = name_of(&row);
        let refuse = |problem| PriceFileError::Entry {
            table: "price",
            number,
            entry: entry.clone(),
            problem,
        };
        let (provider, model, price) = price(row, &version).map_err(refuse)?;
        if !seen.insert((
            fold_provider(&provider).into_owned(),
            model.clone(),
            price.from_ns,
        )) {
            return Err(refuse(
                "this model has a price from that day on already".to_owned(),
            ));
        }
        read.insert(&provider, &model, price);
    }
    for (alias, number) in file.alias.into_iter().zip(1..) {
        let entry = name_of(&alias);
        let refuse = |problem| PriceFileError::Entry {
            table: "alias",
            number,
            entry: entry.clone(),
            problem,
        };
        let alias: Alias = alias
            .try_into()
            .map_err(|error: toml::de::Error| refuse(error.message().to_owned()))?;
        let (provider, model) = named(&alias.provider, &alias.model).map_err(refuse)?;
        let of = alias
            .price_of
            .split_once('/')
            .ok_or_else(|| refuse("`price_of` must be `provider/model`".to_owned()))?;
        let found = read.find(of.0, of.1).or_else(|| book.find(of.0, of.1)).cloned();
        let found = found.ok_or_else(|| refuse(format!("`{}` has no price either", alias.price_of)))?;
        let list = read.providers.entry(fold_provider(&provider).into()).or_default();
        if list.insert(model.into(), found).is_some() {
            return Err(refuse("this model has a price already".to_owned()));
        }
    }
    Ok(read)
}

fn name_of(table: &toml::Table) -> String {
    let text = |key| table.get(key).and_then(toml::Value::as_str).unwrap_or("?");
    format!("{} {}", text("provider"), text("model"))
}

fn named(provider: &str, model: &str) -> Result<(String, String), String> {
    let (provider, model) = (provider.trim(), model.trim());
    if provider.is_empty() || model.is_empty() {
        return Err("`provider` and `model` must not be empty".to_owned());
    }
    Ok((provider.to_owned(), model.to_ascii_lowercase()))
}

fn price(table: toml::Table, version: &Arc<str>) -> Result<(String, String, PriceEntry), String> {
    let row: Row = table
        .try_into()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    let (provider, model) = named(&row.provider, &row.model)?;
    let from_ns = row.valid_from.as_ref().map_or(Ok(i64::MIN), instant)?;
    let plain = stated(&row)?;
    if plain.iter().all(Option::is_none) {
        return Err("it states no price".to_owned());
    }
    let mut steps: Vec<(Mode, u64, Stated)> = Vec::new();
    for step in row.step {
        let step = self::step(step, &row.provider, &row.model)?;
        if steps
            .iter()
            .any(|(mode, above, _)| (*mode, *above) == (step.0, step.1))
        {
            return Err(format!(
                "two steps are for mode `{}` above {} tokens",
                step.0.as_str(),
                step.1
            ));
        }
        steps.push(step);
    }
    let sheet = Arc::new(Sheet::new(&plain, steps));
    let entry = PriceEntry {
        from_ns,
        sheet,
        version: Arc::clone(version),
    };
    Ok((provider, model, entry))
}

/// A `[[price.step]]`: a mode, a number of tokens, or both, and the prices that differ.
fn step(mut table: toml::Table, provider: &str, model: &str) -> Result<(Mode, u64, Stated), String> {
    let mode = match table.remove("mode") {
        None => Mode::Standard,
        Some(word) => Mode::ALL
            .into_iter()
            .find(|mode| word.as_str() == Some(mode.as_str()))
            .ok_or_else(|| format!("mode {word} is none of standard, batch, flex, priority and fast"))?,
    };
    let above = match table.remove("above") {
        None => 0,
        Some(above) => {
            let above = above.as_integer().and_then(|above| u64::try_from(above).ok());
            above
                .filter(|above| *above > 0)
                .ok_or("`above` must be a number of tokens")?
        }
    };
    if mode == Mode::Standard && above == 0 {
        return Err("a step needs `mode`, `above`, or both".to_owned());
    }
    if let Some(key) = ["provider", "model", "valid_from", "step"]
        .iter()
        .find(|key| table.contains_key(**key))
    {
        return Err(format!("a step has no `{key}`"));
    }
    table.insert("provider".to_owned(), provider.into());
    table.insert("model".to_owned(), model.into());
    let row: Row = table
        .try_into()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    Ok((mode, above, stated(&row)?))
}

fn stated(row: &Row) -> Result<Stated, String> {
    let amounts = [
        (Priced::Input, &row.input),
        (Priced::Output, &row.output),
        (Priced::CacheRead, &row.cache_read),
        (Priced::CacheWrite, &row.cache_write),
        (Priced::CacheWrite1h, &row.cache_write_1h),
        (Priced::AudioInput, &row.audio_input),
        (Priced::ImageInput, &row.image_input),
        (Priced::Reasoning, &row.reasoning),
        (Priced::AudioOutput, &row.audio_output),
        (Priced::ImageOutput, &row.image_output),
        (Priced::Request, &row.request),
    ];
    let mut stated = Stated::default();
    for (priced, amount) in amounts {
        if let Some(Usd(amount)) = amount {
            let rate = rate(priced, *amount);
            let refusal = || {
                format!(
                    "`{}` must be from 0 to 1000000 USD, with nine decimal places at most",
                    priced.as_str()
                )
            };
            stated[priced as usize] = Some(rate.ok_or_else(refusal)?);
        }
    }
    Ok(stated)
}

/// A day in UTC, or an RFC 3339 instant, as text or as TOML's own dates.
fn instant(value: &toml::Value) -> Result<i64, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Datetime(date) => date.to_string(),
        other => other.to_string(),
    };
    let exact = || DateTime::parse_from_rfc3339(&text).ok()?.timestamp_nanos_opt();
    midnight(&text)
        .or_else(exact)
        .ok_or_else(|| format!("`valid_from` must be a day such as 2026-12-01, not `{text}`"))
}
