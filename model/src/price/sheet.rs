//! A model's prices on one line, `i2.5 o15 r0.25;batch i1.25 o7.5;>200000 i5`: what a plain call costs, and
//! what differs in a mode or above a number of input tokens. A step `~windows` holds at hours of the week.
//!
//! Inside, a price is a whole number of femtodollars (10^-15 USD) a token, so that pricing a call is a few
//! multiplications of integers and still exact.

use rust_decimal::Decimal;

use super::cost::Priced;
use super::window::Windows;

/// How a call was made, where providers price that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Neither of the others.
    #[default]
    Standard,
    /// Answered within a day.
    Batch,
    /// Answered when there is room.
    Flex,
    /// Answered before others.
    Priority,
    /// Answered faster.
    Fast,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Standard,
        Self::Batch,
        Self::Flex,
        Self::Priority,
        Self::Fast,
    ];

    /// The name used in storage and in price files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Fast => "fast",
        }
    }

    /// What a provider's word for its service tier means. `default`, `auto`, `scale` and words that nobody
    /// knows are the plain price.
    pub fn of_service_tier(word: &[u8]) -> Self {
        let word = word.trim_ascii();
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("batch") || is("batches") {
            Self::Batch
        } else if is("flex") {
            Self::Flex
        } else if is("priority") {
            Self::Priority
        } else if is("fast") || is("ultrafast") {
            Self::Fast
        } else {
            Self::Standard
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Femtodollars for one of everything that is priced.
pub(super) type Rates = [u64; Priced::COUNT];

/// Prices as a line or a file states them; the rest follows from them.
pub(super) type Stated = [Option<u64>; Priced::COUNT];

/// The prices of calls in a mode with more than a number of input tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    mode: Mode,
    above: u64,
    rates: Rates,
}

impl Step {
    /// The mode that they are for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// They hold for calls with more input tokens than this, and then for all of their tokens.
    pub fn above(&self) -> u64 {
        self.above
    }

    /// USD for a million tokens of a bucket, or for a call.
    pub fn usd(&self, priced: Priced) -> Decimal {
        // A rate has 15 decimal places; a million of them nine.
        let scale = if priced == Priced::Request { 15 } else { 9 };
        Decimal::from_i128_with_scale(i128::from(self.rate(priced)), scale).normalize()
    }

    pub(super) fn rate(&self, priced: Priced) -> u64 {
        self.rates[priced as usize]
    }
}

/// All prices of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    /// What holds instead at some hours of the week.
    off_peak: Option<Box<(Windows, Self)>>,
    /// The plain one first, then by mode, then by size.
    steps: Box<[Step]>,
}

impl Sheet {
    /// From what is stated: the plain prices, and what differs by mode and size. What a step does not state
    /// is its mode's, else that of a plain call of its size.
    pub(super) fn new(plain: &Stated, mut others: Vec<(Mode, u64, Stated)>) -> Self {
        others.sort_by_key(|(mode, above, _)| (*mode, *above));
        let mut steps = vec![Step {
            mode: Mode::Standard,
            above: 0,
            rates: complete(plain),
        }];
        let mut sizes = vec![(0, *plain)];
        let mut of_mode = (Mode::Standard, Stated::default());
        for (mode, above, stated) in others {
            if of_mode.0 != mode {
                of_mode = (mode, Stated::default());
            }
            if above == 0 {
                of_mode.1 = stated;
            }
            let of_size = sizes.iter().rev().find(|(size, _)| *size <= above);
            let of_size = of_size.map_or(*plain, |(_, stated)| *stated);
            let stated = or(&or(&stated, &of_mode.1), &of_size);
            if mode == Mode::Standard {
                sizes.push((above, stated));
            }
            steps.push(Step {
                mode,
                above,
                rates: complete(&stated),
            });
        }
        Self {
            off_peak: None,
            steps: steps.into_boxed_slice(),
        }
    }

    /// The prices that hold at an instant, in nanoseconds since 1970.
    pub(super) fn at(&self, ns: i64) -> &Self {
        match self.off_peak.as_deref() {
            Some((windows, sheet)) if windows.contain(ns) => sheet,
            _ => self,
        }
    }

    /// Reads a line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(';');
        let plain = read_prices(parts.next()?)?;
        let (mut steps, mut off_peak) = (Vec::new(), None);
        for part in parts {
            let (label, prices) = part.split_once(' ')?;
            let prices = read_prices(prices)?;
            if let Some(windows) = label.strip_prefix('~') {
                off_peak = Some((Windows::parse(windows)?, prices));
            } else {
                let (mode, above) = read_label(label)?;
                steps.push((mode, above, prices));
            }
        }
        let off_peak = off_peak.map(|(windows, prices)| {
            let sheet = Self::new(&or(&prices, &plain), steps.clone());
            Box::new((windows, sheet))
        });
        Some(Self {
            off_peak,
            ..Self::new(&plain, steps)
        })
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(super) fn step(&self, mode: Mode, input_tokens: u64) -> &Step {
        let among = |mode| {
            let mut steps = self.steps.iter().rev();
            // A step's threshold is exceeded, not reached; the first step of a mode holds from zero on.
            steps.find(move |step| step.mode == mode && (step.above == 0 || input_tokens > step.above))
        };
        among(mode)
            .or_else(|| among(Mode::Standard))
            .unwrap_or(&self.steps[0])
    }
}

/// `batch`, `>200000` or `batch>200000`
fn read_label(label: &str) -> Option<(Mode, u64)> {
    let (mode, above) = label
        .split_once('>')
        .map_or((label, None), |(mode, above)| (mode, Some(above)));
    let mode = if mode.is_empty() {
        Mode::Standard
    } else {
        Mode::parse(mode)?
    };
    let above = above.map_or(Some(0), |above| above.parse().ok())?;
    Some((mode, above))
}

/// `i0.15 o0.6`
fn read_prices(words: &str) -> Option<Stated> {
    let mut stated = Stated::default();
    for word in words.split(' ') {
        let letter = *word.as_bytes().first()?;
        let priced = Priced::ALL.into_iter().find(|priced| priced.letter() == letter)?;
        let amount: Decimal = word[1..].parse().ok()?;
        stated[priced as usize] = Some(rate(priced, amount)?);
    }
    Some(stated)
}

/// Femtodollars for one, from USD for a million tokens or for one call. `None` for what is below zero, above
/// a million, or finer than a femtodollar.
pub(super) fn rate(priced: Priced, usd: Decimal) -> Option<u64> {
    const MOST: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
    let places: u64 = if priced == Priced::Request {
        1_000_000_000_000_000
    } else {
        1_000_000_000
    };
    if usd.is_sign_negative() && !usd.is_zero() || usd >= MOST {
        return None;
    }
    let exact = usd.checked_mul(Decimal::from(places))?.normalize();
    (exact.scale() == 0)
        .then(|| u64::try_from(exact.mantissa()).ok())
        .flatten()
}

fn or(stated: &Stated, base: &Stated) -> Stated {
    std::array::from_fn(|index| stated[index].or(base[index]))
}

/// What has no price of its own costs what its whole costs: cached input, audio and images what other input
/// does, an hour's cache write what another does, reasoning, audio and images what other output does.
fn complete(stated: &Stated) -> Rates {
    let mut rates = Rates::default();
    for priced in Priced::ALL {
        let whole = priced.whole().map_or(0, |whole| rates[whole as usize]);
        rates[priced as usize] = stated[priced as usize].unwrap_or(whole);
    }
    rates
}
