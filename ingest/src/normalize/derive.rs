//! What follows from several fields together: the type, the usage, the cost, and whether the usage counts.

use std::borrow::Cow;

use brokle_model::price::{Mode, ModelPrice, PriceBook, Priced, Quote, fold_provider};
use brokle_model::usage::{Counting, TokenUsage};
use hashbrown::HashMap;
use rust_decimal::Decimal;

use super::attribute_map::AttributeMap;
use super::capture::Capture;
use super::convert::FirstToken;
use super::field::Field;
use super::span_type::ObservationType;
use crate::otlp::span::SpanView;

/// Names remembered before the memory is emptied.
const MEMO_ENTRIES_MAX: usize = 4096;

/// `StatusCode` of a failed span.
const STATUS_ERROR: i32 = 2;

/// What Brokle says about an observation beyond what the producer said.
#[derive(Debug)]
pub(crate) struct Derived<'c> {
    pub(crate) kind: ObservationType,
    pub(crate) level: Cow<'c, [u8]>,
    pub(crate) provider: &'c str,
    pub(crate) model_requested: &'c [u8],
    pub(crate) model: &'c [u8],
    pub(crate) usage: TokenUsage,
    pub(crate) mode: Mode,
    pub(crate) counts_usage: bool,
    pub(crate) cost: Cost<'c>,
    pub(crate) first_token_us: u64,
}

/// Where a cost is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CostSource {
    #[default]
    None = 0,
    Client = 1,
    Priced = 2,
}

/// What a call cost. When the caller said it, its word stands, and ours is the entry `priced`.
#[derive(Debug, Default)]
pub(crate) struct Cost<'c> {
    pub(crate) source: CostSource,
    pub(crate) total: Decimal,
    pub(crate) entries: [Option<(&'static str, Decimal)>; Priced::COUNT],
    pub(crate) price_version: &'c str,
}

/// Remembers providers' folded names and models' prices for the duration of a batch.
#[derive(Debug)]
pub(crate) struct PriceMemo<'p> {
    book: &'p PriceBook,
    known: HashMap<Box<[u8]>, Known<'p>>,
    key: Vec<u8>,
}

#[derive(Debug)]
struct Known<'p> {
    provider: Box<str>,
    price: Option<&'p ModelPrice>,
}

impl<'p> PriceMemo<'p> {
    pub(crate) fn new(book: &'p PriceBook) -> Self {
        Self {
            book,
            known: HashMap::new(),
            key: Vec::new(),
        }
    }

    /// The provider's folded name, and the price of `model`, or else of `requested`.
    pub(crate) fn look_up(
        &mut self,
        provider: &[u8],
        model: &[u8],
        requested: &[u8],
    ) -> (&str, Option<&'p ModelPrice>) {
        self.key.clear();
        for name in [provider, model, requested] {
            self.key.extend_from_slice(name);
            self.key.push(0);
        }
        if self.known.len() >= MEMO_ENTRIES_MAX {
            self.known.clear();
        }
        let book = self.book;
        let known = self.known.entry_ref(&self.key[..]).or_insert_with(|| {
            let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
            let provider = text(provider);
            let price = book
                .find(provider, text(model))
                .or_else(|| book.find(provider, text(requested)));
            Known {
                provider: fold_provider(provider).into(),
                price,
            }
        });
        (&known.provider, known.price)
    }
}

/// Settles what depends on several fields of `own`, the span's capture, and `resource`, its resource's.
/// `scope` is the name of the library that made the span.
pub(crate) fn derive<'c>(
    map: &AttributeMap,
    span: &SpanView<'_>,
    scope: &[u8],
    own: &'c Capture<'_>,
    resource: &'c Capture<'_>,
    memo: &'c mut PriceMemo<'_>,
) -> Derived<'c> {
    let level = level(span, own);
    if own.is_plain() {
        return Derived {
            kind: ObservationType::Span,
            level,
            provider: "",
            model_requested: b"",
            model: b"",
            usage: TokenUsage::default(),
            mode: Mode::Standard,
            counts_usage: false,
            cost: Cost::default(),
            first_token_us: 0,
        };
    }
    let text = |field| {
        own.text(field)
            .or_else(|| resource.text(field))
            .unwrap_or_default()
    };
    let model_requested = text(Field::ModelRequested);
    let model = own.text(Field::Model).unwrap_or(model_requested);
    let (provider, price) = memo.look_up(text(Field::Provider), model, model_requested);
    let usage = usage(own, map.counting(scope, provider, own.rank(Field::InputTokens)));
    let mode = own
        .text(Field::ServiceTier)
        .map_or(Mode::Standard, Mode::of_service_tier);
    let kind = own.kind().unwrap_or_else(|| {
        let is_model_call = !usage.is_empty() && !model.is_empty();
        if is_model_call {
            ObservationType::Generation
        } else {
            ObservationType::Span
        }
    });
    let adds_up = own
        .counts_usage()
        .unwrap_or(!own.is_uncounted && !map.is_uncounted_type(kind));
    let start_ns = i64::try_from(span.start_time_unix_nano).unwrap_or(i64::MAX);
    let price = price.filter(|_| adds_up).and_then(|price| price.at(start_ns));
    let cost = cost(own, &usage, mode, price);
    let has_usage = !usage.is_empty() || cost.source != CostSource::None;
    Derived {
        kind,
        level,
        provider,
        model_requested,
        model,
        usage,
        mode,
        counts_usage: adds_up && has_usage,
        cost,
        first_token_us: first_token_us(span, own),
    }
}

/// The producer's level in capitals. An error that nobody graded is one.
fn level<'c>(span: &SpanView<'_>, own: &'c Capture<'_>) -> Cow<'c, [u8]> {
    let graded = own
        .text(Field::Level)
        .map(|level| match level.to_ascii_uppercase().as_slice() {
            b"DEFAULT" => Cow::Borrowed(&b""[..]),
            b"WARN" => Cow::Borrowed(&b"WARNING"[..]),
            b"FATAL" | b"CRITICAL" => Cow::Borrowed(&b"ERROR"[..]),
            capitals => Cow::Owned(capitals.to_vec()),
        });
    match graded {
        Some(level) if !level.is_empty() => level,
        _ if span.status.code == STATUS_ERROR => Cow::Borrowed(b"ERROR"),
        _ => Cow::Borrowed(b"DEFAULT"),
    }
}

/// The counts that the attributes name, in the convention of [`TokenUsage`]. What is known of the scope goes
/// before what the source of the input count says of itself. A sum fills in what is not named.
fn usage(own: &Capture<'_>, of_scope: Option<Counting>) -> TokenUsage {
    let count = |field| own.count(field).unwrap_or(0);
    let (input, output) = (own.count(Field::InputTokens), own.count(Field::OutputTokens));
    let cache_write_1h = count(Field::CacheWrite1hTokens);
    let cache_write_by_age = count(Field::CacheWrite5mTokens).saturating_add(cache_write_1h);
    let mut usage = TokenUsage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cache_read: count(Field::CacheReadTokens),
        cache_write: count(Field::CacheWriteTokens).max(cache_write_by_age),
        cache_write_1h,
        audio_input: count(Field::AudioInputTokens),
        image_input: count(Field::ImageInputTokens),
        reasoning: count(Field::ReasoningTokens),
        audio_output: count(Field::AudioOutputTokens),
        image_output: count(Field::ImageOutputTokens),
    };
    let total = own.count(Field::TotalTokens);
    match (input, output, total) {
        (None, None, Some(total)) if usage.is_empty() => usage.input = total,
        (None, Some(output), Some(total)) => usage.input = total.saturating_sub(output),
        (Some(input), None, Some(total)) => usage.output = total.saturating_sub(input),
        _ => {}
    }
    usage.reconcile(of_scope.unwrap_or_else(|| own.counting()), total)
}

fn cost<'c>(own: &Capture<'_>, usage: &TokenUsage, mode: Mode, price: Option<Quote<'c>>) -> Cost<'c> {
    let priced = price
        .filter(|_| !usage.is_empty())
        .and_then(|price| Some((price.cost(usage, mode)?, &**price.version())));
    let (input, output) = (own.amount(Field::CostInput), own.amount(Field::CostOutput));
    let parts = || Some(input?.saturating_add(output.unwrap_or_default())).or(output);
    let Some(total) = own.amount(Field::CostTotal).or_else(parts) else {
        let Some((ours, price_version)) = priced else {
            return Cost::default();
        };
        let mut entries = [None; Priced::COUNT];
        for (entry, bucket) in entries.iter_mut().zip(ours.parts()) {
            *entry = Some(bucket);
        }
        return Cost {
            source: CostSource::Priced,
            total: ours.total,
            entries,
            price_version,
        };
    };
    let given = [
        input.map(|cost| ("input", cost)),
        output.map(|cost| ("output", cost)),
    ];
    let ours = priced.as_ref().map(|(ours, _)| ("priced", ours.total));
    let mut entries = [None; Priced::COUNT];
    entries[..3].copy_from_slice(&[given[0], given[1], ours]);
    Cost {
        source: CostSource::Client,
        total,
        entries,
        price_version: priced.map_or("", |(_, version)| version),
    }
}

fn first_token_us(span: &SpanView<'_>, own: &Capture<'_>) -> u64 {
    match own.first_token() {
        None => 0,
        Some(FirstToken::Micros(micros)) => micros,
        Some(FirstToken::At(nanos)) => {
            u64::try_from(nanos)
                .unwrap_or(0)
                .saturating_sub(span.start_time_unix_nano)
                / 1000
        }
    }
}
