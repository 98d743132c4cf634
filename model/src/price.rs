//! What tokens cost. Money is decimal throughout: no float takes part, so sums of a million calls are exact.
//!
//! A [`PriceBook`] is a value, read from data and never changed afterwards: the table compiled into the
//! binary ([`PriceBook::embedded`]), possibly with a user's rows laid over it ([`PriceBook::overlay`]). The
//! collector and the gateway both price with it, so that a call costs the same wherever it was seen.
//! Prices for batches, priority service, audio and images are deliberately absent until usage says which
//! of them applied.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::usage::TokenUsage;

mod name;
mod provider;
mod table;

pub use provider::fold_provider;
pub use table::PriceTableError;

/// Decimal places of every stored amount of money.
pub const COST_SCALE: u32 = 12;

/// USD for one token of each bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Input that no cache had a part in.
    pub input: Decimal,
    /// Input served from the cache.
    pub cache_read: Decimal,
    /// Input written to the cache.
    pub cache_write: Decimal,
    /// Output that is not reasoning.
    pub output: Decimal,
    /// Reasoning output.
    pub reasoning: Decimal,
}

/// What one model costs at one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrice {
    rates: Rates,
    /// Rates of the whole call when its input exceeds a number of tokens; ascending.
    tiers: Vec<(u64, Rates)>,
    version: Arc<str>,
}

/// What one call cost, in USD, at most twelve decimal places each. The total is the sum of the buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostBreakdown {
    /// All of it.
    pub total: Decimal,
    /// Input that no cache had a part in.
    pub input: Decimal,
    /// Input served from the cache.
    pub cache_read: Decimal,
    /// Input written to the cache.
    pub cache_write: Decimal,
    /// Output that is not reasoning.
    pub output: Decimal,
    /// Reasoning output.
    pub reasoning: Decimal,
    /// Which table, of which date, the rates came from.
    pub price_version: Arc<str>,
}

impl CostBreakdown {
    /// The buckets that cost something, by the names used in storage and in the API.
    pub fn buckets(&self) -> impl Iterator<Item = (&'static str, Decimal)> {
        [
            ("input", self.input),
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("output", self.output),
            ("reasoning", self.reasoning),
        ]
        .into_iter()
        .filter(|(_, cost)| !cost.is_zero())
    }
}

impl ModelPrice {
    /// The rates that hold for a call with this much input, cached included.
    pub fn rates(&self, input_tokens: u64) -> &Rates {
        let tier = self.tiers.iter().rev().find(|(above, _)| input_tokens > *above);
        tier.map_or(&self.rates, |(_, rates)| rates)
    }

    /// Which table, of which date, the rates came from.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// What the tokens cost; `None` when the counts are beyond any arithmetic.
    pub fn cost(&self, usage: &TokenUsage) -> Option<CostBreakdown> {
        let (rates, tokens) = (self.rates(usage.input), usage.buckets());
        let amount = |count: u64, rate: Decimal| {
            Decimal::from(count)
                .checked_mul(rate)
                .map(|cost| cost.round_dp(COST_SCALE))
        };
        let input = amount(tokens.input, rates.input)?;
        let cache_read = amount(tokens.cache_read, rates.cache_read)?;
        let cache_write = amount(tokens.cache_write, rates.cache_write)?;
        let output = amount(tokens.output, rates.output)?;
        let reasoning = amount(tokens.reasoning, rates.reasoning)?;
        let total = [cache_read, cache_write, output, reasoning]
            .into_iter()
            .try_fold(input, Decimal::checked_add)?;
        let price_version = Arc::clone(&self.version);
        Some(CostBreakdown {
            total,
            input,
            cache_read,
            cache_write,
            output,
            reasoning,
            price_version,
        })
    }
}

/// Prices of models, by provider.
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    providers: HashMap<String, HashMap<String, ModelPrice>>,
}

impl PriceBook {
    /// The table that is compiled in.
    pub fn embedded() -> Result<Self, PriceTableError> {
        Self::from_json(include_str!("price/prices.json"))
    }

    /// Reads a table in the form of the compiled-in one.
    pub fn from_json(json: &str) -> Result<Self, PriceTableError> {
        table::read(json)
    }

    /// Lays the rows of `other` over these; where both price a model, `other` wins.
    pub fn overlay(&mut self, other: Self) {
        for (provider, models) in other.providers {
            self.providers.entry(provider).or_default().extend(models);
        }
    }

    /// How many models are priced.
    pub fn len(&self) -> usize {
        self.providers.values().map(HashMap::len).sum()
    }

    /// Whether nothing is priced.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// What `usage` costs, or `None` when nobody knows the model's price. Either name may be spelled as a
    /// producer spells it: with a date, a region, a path or a provider before the model.
    pub fn price(&self, provider: &str, model: &str, usage: &TokenUsage) -> Option<CostBreakdown> {
        self.find(provider, model)?.cost(usage)
    }

    /// The price of a model, under any of its spellings.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ModelPrice> {
        let model = lower(model.trim());
        if model.is_empty() {
            return None;
        }
        let provider = fold_provider(provider);
        if let Some(exact) = self
            .providers
            .get(&*provider)
            .and_then(|models| models.get(&*model))
        {
            return Some(exact);
        }
        let names = name::candidates(&model);
        self.find_any(&provider, &names)
            .or_else(|| self.find_qualified(&names))
    }

    fn find_any(&self, provider: &str, names: &[Cow<'_, str>]) -> Option<&ModelPrice> {
        provider::price_lists(provider).find_map(|list| {
            let models = self.providers.get(list)?;
            names.iter().find_map(|name| models.get(&**name))
        })
    }

    /// `anthropic/claude-sonnet-4-5`, `anthropic.claude-sonnet-4-5`: the model's own name says whose it is.
    fn find_qualified(&self, names: &[Cow<'_, str>]) -> Option<&ModelPrice> {
        names.iter().find_map(|name| {
            let (maker, model) = name.split_once(['/', '.'])?;
            let models = self.providers.get(&*fold_provider(maker))?;
            name::candidates(model)
                .iter()
                .find_map(|name| models.get(&**name))
        })
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
