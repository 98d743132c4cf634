//! What tokens cost. Money is decimal throughout: no float takes part, so sums of a million calls are exact.
//!
//! A [`PriceBook`] is a value, read from data and never changed afterwards: the table compiled into the
//! binary ([`PriceBook::embedded`]), possibly with a user's rows laid over it ([`PriceBook::overlay`]). The
//! collector and the gateway both price with it, so that a call costs the same wherever it was seen. A price
//! has dates: a call costs what was asked on the day it started.
//! Prices by the second, the character or the picture and fees of hosted tools (web search) are deliberately
//! absent: spans do not say what they would be multiplied with.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::usage::TokenUsage;

mod cost;
mod name;
mod overrides;
mod provider;
mod sheet;
mod table;
mod window;

pub use cost::{CostBreakdown, Priced};
pub use overrides::PriceFileError;
pub use provider::fold_provider;
pub use sheet::{Mode, Step};
pub use table::PriceTableError;

use sheet::Sheet;

/// Decimal places of every stored amount of money.
pub const COST_SCALE: u32 = 12;

/// What one model costs at one provider, now and before.
#[derive(Debug, Clone)]
pub struct ModelPrice {
    /// By date, oldest first.
    entries: Box<[PriceEntry]>,
}

/// What one model costs at one provider from some day on.
#[derive(Debug, Clone)]
pub struct PriceEntry {
    /// Nanoseconds since 1970; [`i64::MIN`] when the price holds since ever.
    from_ns: i64,
    sheet: Arc<Sheet>,
    version: Arc<str>,
}

impl ModelPrice {
    /// The price that holds at an instant, in nanoseconds since 1970.
    pub fn at(&self, ns: i64) -> Option<Quote<'_>> {
        let entry = self.entries.iter().rev().find(|entry| entry.from_ns <= ns)?;
        let sheet = entry.sheet.at(ns);
        Some(Quote { entry, sheet })
    }

    /// The price now and before, oldest first.
    pub fn entries(&self) -> &[PriceEntry] {
        &self.entries
    }

    /// Puts entries from a newer source behind these. A price that holds since ever leaves none of them.
    fn followed_by(&self, newer: &Self) -> Self {
        let first = newer.entries.first().map_or(i64::MAX, |entry| entry.from_ns);
        let before = self.entries.iter().filter(|entry| entry.from_ns < first);
        Self {
            entries: before.chain(newer.entries.iter()).cloned().collect(),
        }
    }
}

impl PriceEntry {
    /// Since when it holds, in nanoseconds since 1970; `None` for since ever.
    pub fn from_ns(&self) -> Option<i64> {
        (self.from_ns != i64::MIN).then_some(self.from_ns)
    }

    /// Which table, of which date, the price came from.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }
}

/// What one model costs at one provider at an instant.
#[derive(Debug, Clone, Copy)]
pub struct Quote<'p> {
    entry: &'p PriceEntry,
    sheet: &'p Sheet,
}

impl<'p> Quote<'p> {
    /// The price of the day.
    pub fn entry(&self) -> &'p PriceEntry {
        self.entry
    }

    /// Which table, of which date, the price came from.
    pub fn version(&self) -> &'p Arc<str> {
        &self.entry.version
    }

    /// All its prices: of the plain call first, then by mode and size.
    pub fn steps(&self) -> &'p [Step] {
        self.sheet.steps()
    }

    /// The prices of a call in `mode` with this much input, cached included. A mode without prices of its own
    /// costs what a plain call costs.
    pub fn step(&self, mode: Mode, input_tokens: u64) -> &'p Step {
        self.sheet.step(mode, input_tokens)
    }

    /// What the tokens cost; `None` when the counts are beyond any arithmetic.
    pub fn cost(&self, usage: &TokenUsage, mode: Mode) -> Option<CostBreakdown> {
        CostBreakdown::of(&usage.buckets(), self.step(mode, usage.input), self.version())
    }
}

/// Prices of models, by provider.
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    providers: HashMap<Box<str>, HashMap<Box<str>, ModelPrice>>,
    /// For names that say so themselves, as `:free` does.
    free: Option<ModelPrice>,
}

impl PriceBook {
    /// The table that is compiled in.
    pub fn embedded() -> Result<Self, PriceTableError> {
        table::read(include_str!("price/prices.tsv"))
    }

    /// Reads a user's price file: TOML, as docs/prices.md shows. Prices that are aliases of others find them
    /// in `self`.
    pub fn read_file(&self, toml: &str) -> Result<Self, PriceFileError> {
        overrides::read(self, toml)
    }

    /// Lays the rows of `other` over these; where both price a model, `other` wins from the day on that its
    /// price holds.
    pub fn overlay(&mut self, other: Self) {
        for (provider, models) in other.providers {
            let list = self.providers.entry(provider).or_default();
            for (model, price) in models {
                let price = match list.get(&model) {
                    Some(former) => former.followed_by(&price),
                    None => price,
                };
                list.insert(model, price);
            }
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
    pub fn price(
        &self,
        provider: &str,
        model: &str,
        usage: &TokenUsage,
        mode: Mode,
        at_ns: i64,
    ) -> Option<CostBreakdown> {
        self.find(provider, model)?.at(at_ns)?.cost(usage, mode)
    }

    /// The price of a model, under any of its spellings.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ModelPrice> {
        self.look_up(provider, model).map(|found| found.price)
    }

    /// The price of a model, under any of its spellings, and the names under which it was found.
    pub fn look_up(&self, provider: &str, model: &str) -> Option<Found<'_>> {
        let model = lower(model.trim());
        if model.is_empty() {
            return None;
        }
        let provider = fold_provider(provider);
        if let Some(exact) = self.get(&provider, &model) {
            return Some(exact);
        }
        if model.ends_with(":free") {
            let price = self.free.as_ref()?;
            return Some(Found {
                provider: "",
                model: ":free",
                price,
            });
        }
        let names = name::candidates(&model);
        self.find_any(&provider, &names)
            .or_else(|| self.find_qualified(&provider, &names))
    }

    fn get(&self, provider: &str, model: &str) -> Option<Found<'_>> {
        let (provider, models) = self.providers.get_key_value(provider)?;
        let (model, price) = models.get_key_value(model)?;
        Some(Found {
            provider,
            model,
            price,
        })
    }

    fn find_any(&self, provider: &str, names: &[Cow<'_, str>]) -> Option<Found<'_>> {
        provider::price_lists(provider).find_map(|list| names.iter().find_map(|name| self.get(list, name)))
    }

    /// `anthropic/claude-sonnet-4-5`, `anthropic.claude-sonnet-4-5`: the model's own name says whose it is.
    fn find_qualified(&self, provider: &str, names: &[Cow<'_, str>]) -> Option<Found<'_>> {
        let own = provider::has_own_prices(provider);
        names.iter().find_map(|name| {
            let (maker, model) = name.split_once(['/', '.'])?;
            let maker = fold_provider(maker);
            if own && maker != provider {
                return None;
            }
            name::candidates(model)
                .iter()
                .find_map(|name| self.get(&maker, name))
        })
    }

    fn insert(&mut self, provider: &str, model: &str, entry: PriceEntry) {
        let provider = fold_provider(provider);
        let list = match self.providers.get_mut(&*provider) {
            Some(list) => list,
            None => self.providers.entry(provider.into()).or_default(),
        };
        match list.get_mut(model) {
            Some(price) => {
                let mut entries = std::mem::take(&mut price.entries).into_vec();
                entries.push(entry);
                entries.sort_by_key(|entry| entry.from_ns);
                entries.dedup_by_key(|entry| entry.from_ns);
                price.entries = entries.into_boxed_slice();
            }
            None => {
                list.insert(
                    model.into(),
                    ModelPrice {
                        entries: Box::new([entry]),
                    },
                );
            }
        }
    }
}

/// A price, and under which names the book has it.
#[derive(Debug, Clone, Copy)]
pub struct Found<'b> {
    /// Whose price list it is from, folded.
    pub provider: &'b str,
    /// The model's name there.
    pub model: &'b str,
    /// The price.
    pub price: &'b ModelPrice,
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod invoices;
#[cfg(test)]
mod tests;
