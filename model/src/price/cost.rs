//! What one call cost, bucket by bucket.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::COST_SCALE;
use super::sheet::Step;
use crate::usage::{Bucket, TokenBuckets};

/// Something with a price: a bucket of tokens, or the call itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priced {
    /// A token of plain input.
    Input = Bucket::Input as isize,
    /// A token read from the cache.
    CacheRead = Bucket::CacheRead as isize,
    /// A token written to the cache.
    CacheWrite = Bucket::CacheWrite as isize,
    /// A token written to the cache for an hour.
    CacheWrite1h = Bucket::CacheWrite1h as isize,
    /// A token of audio put in.
    AudioInput = Bucket::AudioInput as isize,
    /// A token of an image put in.
    ImageInput = Bucket::ImageInput as isize,
    /// A token of plain output.
    Output = Bucket::Output as isize,
    /// A token of reasoning.
    Reasoning = Bucket::Reasoning as isize,
    /// A token of audio given out.
    AudioOutput = Bucket::AudioOutput as isize,
    /// A token of an image given out.
    ImageOutput = Bucket::ImageOutput as isize,
    /// The call.
    Request,
}

impl Priced {
    /// How many there are.
    pub const COUNT: usize = Bucket::COUNT + 1;

    /// All of them. What another's price follows from comes before it.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::ImageInput,
        Self::Output,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
        Self::Request,
    ];

    /// The name used in storage, in the API and in price files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            bucket => Bucket::ALL[bucket as usize].as_str(),
        }
    }

    /// Its letter in the compiled-in table.
    pub(super) const fn letter(self) -> u8 {
        b"irwhapotbqu"[self as usize]
    }

    /// What it costs as much as, when its own price is not stated.
    pub(super) const fn whole(self) -> Option<Self> {
        match self {
            Self::Input | Self::Output | Self::Request => None,
            Self::CacheRead | Self::CacheWrite | Self::AudioInput | Self::ImageInput => Some(Self::Input),
            Self::CacheWrite1h => Some(Self::CacheWrite),
            Self::Reasoning | Self::AudioOutput | Self::ImageOutput => Some(Self::Output),
        }
    }
}

/// What one call cost, in USD, at most twelve decimal places each. The total is the sum of the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostBreakdown {
    /// All of it.
    pub total: Decimal,
    parts: [Decimal; Priced::COUNT],
    /// Which table, of which date, the rates came from.
    pub price_version: Arc<str>,
}

impl CostBreakdown {
    /// Prices each token once. A part is rounded half up to [`COST_SCALE`] places; then they are added up.
    pub(super) fn of(tokens: &TokenBuckets, step: &Step, version: &Arc<str>) -> Option<Self> {
        let mut parts = [Decimal::ZERO; Priced::COUNT];
        let mut sum: i128 = 0;
        for priced in Priced::ALL {
            let count = match priced {
                Priced::Request => u64::from(tokens.sum() > 0),
                bucket => tokens.get(Bucket::ALL[bucket as usize]),
            };
            if count == 0 {
                continue;
            }
            // 2^64 tokens at 10^15 femtodollars stay far below 2^127.
            let femtos = i128::from(count) * i128::from(step.rate(priced));
            let picos = (femtos + 500) / 1000;
            parts[priced as usize] = Decimal::try_from_i128_with_scale(picos, COST_SCALE).ok()?;
            sum += picos;
        }
        Some(Self {
            total: Decimal::try_from_i128_with_scale(sum, COST_SCALE).ok()?,
            parts,
            price_version: Arc::clone(version),
        })
    }

    /// What one part cost.
    pub fn part(&self, priced: Priced) -> Decimal {
        self.parts[priced as usize]
    }

    /// The parts that cost something, by the names used in storage and in the API.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, Decimal)> {
        Priced::ALL
            .into_iter()
            .map(|priced| (priced.as_str(), self.part(priced)))
            .filter(|(_, cost)| !cost.is_zero())
    }
}
