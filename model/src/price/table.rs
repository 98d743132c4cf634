//! Reads a price table: JSON, USD per million tokens as decimal text, each row with the source it is from.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{ModelPrice, PriceBook, Rates, fold_provider};

/// Per million to per token, without a division.
const PER_TOKEN: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// A text that is no price table.
#[derive(Debug, thiserror::Error)]
pub enum PriceTableError {
    /// Not JSON, or not of the documented form.
    #[error("the price table cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A row names a source that the table does not list.
    #[error("the price of `{model}` names source {source_index}, which the table does not list")]
    UnknownSource {
        /// The row's model.
        model: String,
        /// What it names.
        source_index: usize,
    },
    /// A price below zero, or so large or fine that it cannot be computed with.
    #[error("the price of `{model}` is out of range")]
    OutOfRange {
        /// The row's model.
        model: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    sources: Vec<Source>,
    prices: Vec<Row>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    version: String,
    date: String,
}

#[derive(Deserialize)]
struct Row {
    provider: String,
    model: String,
    source: usize,
    #[serde(default)]
    tiers: Vec<Tier>,
    #[serde(flatten)]
    prices: Prices,
}

#[derive(Deserialize)]
struct Tier {
    above: u64,
    #[serde(flatten)]
    prices: Prices,
}

/// What a row or tier states; the rest follows from it.
#[derive(Deserialize, Clone, Copy)]
struct Prices {
    input: Option<Decimal>,
    output: Option<Decimal>,
    cache_read: Option<Decimal>,
    cache_write: Option<Decimal>,
    reasoning: Option<Decimal>,
}

impl Prices {
    /// A tier that leaves a price out keeps the row's.
    fn or(self, base: Self) -> Self {
        Self {
            input: self.input.or(base.input),
            output: self.output.or(base.output),
            cache_read: self.cache_read.or(base.cache_read),
            cache_write: self.cache_write.or(base.cache_write),
            reasoning: self.reasoning.or(base.reasoning),
        }
    }

    /// Cached tokens without a price of their own cost what other input costs, reasoning what output costs.
    fn rates(self, model: &str) -> Result<Rates, PriceTableError> {
        let per_token = |price: Option<Decimal>| {
            let price = price.unwrap_or_default();
            let in_range = !price.is_sign_negative() && price < Decimal::from(1_000_000);
            let rate = price.checked_mul(PER_TOKEN).filter(|_| in_range);
            rate.ok_or_else(|| PriceTableError::OutOfRange {
                model: model.to_owned(),
            })
        };
        Ok(Rates {
            input: per_token(self.input)?,
            cache_read: per_token(self.cache_read.or(self.input))?,
            cache_write: per_token(self.cache_write.or(self.input))?,
            output: per_token(self.output)?,
            reasoning: per_token(self.reasoning.or(self.output))?,
        })
    }
}

pub(super) fn read(json: &str) -> Result<PriceBook, PriceTableError> {
    let table: Table = serde_json::from_str(json)?;
    let versions: Vec<Arc<str>> = table
        .sources
        .iter()
        .map(|source| format!("{} {} {}", source.name, source.version, source.date).into())
        .collect();
    let mut book = PriceBook::default();
    for row in table.prices {
        let price = price_of(&row, &versions)?;
        let provider = fold_provider(&row.provider).into_owned();
        book.providers
            .entry(provider)
            .or_default()
            .insert(row.model.to_ascii_lowercase(), price);
    }
    Ok(book)
}

fn price_of(row: &Row, versions: &[Arc<str>]) -> Result<ModelPrice, PriceTableError> {
    let unknown = || PriceTableError::UnknownSource {
        model: row.model.clone(),
        source_index: row.source,
    };
    let version = versions.get(row.source).ok_or_else(unknown)?;
    let mut tiers = row
        .tiers
        .iter()
        .map(|tier| Ok((tier.above, tier.prices.or(row.prices).rates(&row.model)?)))
        .collect::<Result<Vec<_>, PriceTableError>>()?;
    tiers.sort_by_key(|(above, _)| *above);
    Ok(ModelPrice {
        rates: row.prices.rates(&row.model)?,
        tiers,
        version: Arc::clone(version),
    })
}
