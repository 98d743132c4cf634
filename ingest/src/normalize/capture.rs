//! Gathers what the attributes of one span, or of one resource, say about each field. A capture is reused
//! from span to span: clearing it costs a few dozen bytes, and nothing is allocated for text that is kept
//! as it came.

use std::borrow::Cow;

use brokle_model::usage::Counting;
use rust_decimal::Decimal;
use serde_json::Value;

use super::attribute_map::{AttributeMap, KeyRules, Rule, Side};
use super::convert::{self, FirstToken};
use super::field::Field;
use super::messages;
use super::span_type::ObservationType;
use crate::otlp::value::AnyValueView;
use crate::otlp::view::Text;

/// No source has yielded a value.
const NONE: u8 = u8::MAX;

/// What becomes of an attribute after it was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// It stays among the attributes.
    Keep,
    /// It is held for the input or output column, unless it comes back through
    /// [`Capture::take_displaced`].
    Move,
}

/// What the attributes offered so far say.
#[derive(Debug)]
pub(crate) struct Capture<'a> {
    /// The best rank seen for each field; less is better.
    ranks: [u8; Field::COUNT],
    texts: [Cow<'a, [u8]>; Field::TEXTS],
    counts: [u64; Field::COUNTS],
    amounts: [Decimal; Field::AMOUNTS],
    counting: Counting,
    kind: ObservationType,
    /// The operation only repeats what others report.
    pub(super) is_uncounted: bool,
    counts_usage: bool,
    first_token: FirstToken,
    tags: Vec<AnyValueView<'a>>,
    metadata: Vec<(Text<'a>, AnyValueView<'a>)>,
    sides: [SideCapture<'a>; 2],
    displaced: Vec<(Text<'a>, Text<'a>)>,
}

#[derive(Debug, Default)]
struct SideCapture<'a> {
    promotion: Promotion<'a>,
    parts: Vec<messages::Part<'a>>,
}

/// Where a span's input or output is.
#[derive(Debug, Clone, Copy, Default)]
enum Promotion<'a> {
    #[default]
    None,
    /// In the text of one attribute, which moves.
    Moved { key: Text<'a>, value: Text<'a> },
    /// In the structure of one attribute, which stays, since JSON would not give its types back.
    Structured { key: Text<'a>, value: AnyValueView<'a> },
    /// In many attributes that share a prefix, which stay.
    Flattened { prefix: Text<'a>, rank: u8 },
}

impl Default for Capture<'_> {
    fn default() -> Self {
        Self {
            ranks: [NONE; Field::COUNT],
            texts: [const { Cow::Borrowed(&[]) }; Field::TEXTS],
            counts: [0; Field::COUNTS],
            amounts: [Decimal::ZERO; Field::AMOUNTS],
            counting: Counting::Inclusive,
            kind: ObservationType::Span,
            is_uncounted: false,
            counts_usage: false,
            first_token: FirstToken::Micros(0),
            tags: Vec::new(),
            metadata: Vec::new(),
            sides: [SideCapture::default(), SideCapture::default()],
            displaced: Vec::new(),
        }
    }
}

impl<'a> Capture<'a> {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.ranks = [NONE; Field::COUNT];
        self.counting = Counting::Inclusive;
        self.is_uncounted = false;
        self.tags.clear();
        self.metadata.clear();
        self.displaced.clear();
        for side in &mut self.sides {
            side.promotion = Promotion::None;
            side.parts.clear();
        }
    }

    /// Considers one attribute. Says whether it moves to a column of its own.
    pub(crate) fn offer(
        &mut self,
        map: &AttributeMap,
        rules: KeyRules<'_>,
        key: Text<'a>,
        value: AnyValueView<'a>,
    ) -> Disposition {
        let mut disposition = Disposition::Keep;
        // JSON text is parsed once, however many fields it holds.
        let mut json: Option<Option<Value>> = None;
        for rule in rules.iter() {
            if let Some(pointer) = &rule.at {
                let document =
                    json.get_or_insert_with(|| serde_json::from_str(value.as_text()?.as_str()).ok());
                if let Some(found) = document.as_ref().and_then(|document| document.pointer(pointer)) {
                    self.take_json(rule, found);
                }
            } else if self.take(map, rule, key, value) == Disposition::Move {
                disposition = Disposition::Move;
            }
        }
        disposition
    }

    fn take(
        &mut self,
        map: &AttributeMap,
        rule: &Rule,
        key: Text<'a>,
        value: AnyValueView<'a>,
    ) -> Disposition {
        match rule.field {
            Field::Input => return self.promote(Side::Input, rule, key, value),
            Field::Output => return self.promote(Side::Output, rule, key, value),
            Field::Tags => self.tags.push(value),
            Field::Metadata => {
                let name = key
                    .as_bytes()
                    .get(rule.prefix_bytes..)
                    .filter(|_| rule.prefix_bytes > 0);
                self.metadata.push((name.map(Text).unwrap_or_default(), value));
            }
            field if rule.rank > self.ranks[field as usize] => {}
            Field::Type => {
                let (kind, is_uncounted) = value
                    .as_text()
                    .map(|word| map.type_of(rule.producer, word.as_bytes()))
                    .unwrap_or_default();
                self.is_uncounted |= is_uncounted;
                if let Some(kind) = kind {
                    self.ranks[Field::Type as usize] = rule.rank;
                    self.kind = kind;
                }
            }
            Field::TimeToFirstToken => {
                if let Some(first) = convert::first_token(value, rule.unit) {
                    self.ranks[rule.field as usize] = rule.rank;
                    self.first_token = first;
                }
            }
            Field::CountsUsage => {
                if let Some(counts) = convert::boolean(value) {
                    self.ranks[rule.field as usize] = rule.rank;
                    self.counts_usage = counts;
                }
            }
            field if (field as usize) < Field::TEXTS => self.set_text(rule, convert::text(value)),
            field if (field as usize) < Field::TEXTS + Field::COUNTS => {
                self.set_count(rule, convert::count(value));
            }
            _ => self.set_amount(rule, convert::money(value)),
        }
        Disposition::Keep
    }

    /// Takes a scalar out of JSON text.
    fn take_json(&mut self, rule: &Rule, found: &Value) {
        if rule.rank > self.ranks[rule.field as usize] {
            return;
        }
        let text = match found {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        let value = AnyValueView::String(Text(text.as_bytes()));
        let index = rule.field as usize;
        if index < Field::TEXTS {
            self.set_text(rule, Some(Cow::Owned(text.into_bytes())));
        } else if index < Field::TEXTS + Field::COUNTS {
            self.set_count(rule, convert::count(value));
        } else if index < Field::TEXTS + Field::COUNTS + Field::AMOUNTS {
            self.set_amount(rule, convert::money(value));
        }
    }

    fn set_text(&mut self, rule: &Rule, text: Option<Cow<'a, [u8]>>) {
        if let Some(text) = text {
            self.ranks[rule.field as usize] = rule.rank;
            self.texts[rule.field as usize] = text;
        }
    }

    fn set_count(&mut self, rule: &Rule, count: Option<u64>) {
        if let Some(count) = count {
            self.ranks[rule.field as usize] = rule.rank;
            self.counts[rule.field as usize - Field::TEXTS] = count;
            if rule.field == Field::InputTokens {
                self.counting = rule.counting;
            }
        }
    }

    fn set_amount(&mut self, rule: &Rule, amount: Option<Decimal>) {
        if let Some(amount) = amount {
            self.ranks[rule.field as usize] = rule.rank;
            self.amounts[rule.field as usize - Field::TEXTS - Field::COUNTS] = amount;
        }
    }

    fn promote(&mut self, side: Side, rule: &Rule, key: Text<'a>, value: AnyValueView<'a>) -> Disposition {
        let promotion = match value {
            _ if rule.prefix_bytes > 0 => {
                let Some(part) = messages::Part::parse(rule.rank, rule.prefix_bytes, key, value) else {
                    return Disposition::Keep;
                };
                self.sides[side as usize].parts.push(part);
                Promotion::Flattened {
                    prefix: Text(&key.as_bytes()[..rule.prefix_bytes]),
                    rank: rule.rank,
                }
            }
            AnyValueView::String(text) if !text.is_empty() => Promotion::Moved { key, value: text },
            AnyValueView::Array(_) | AnyValueView::KeyValueList(_) => Promotion::Structured { key, value },
            _ => return Disposition::Keep,
        };
        if rule.rank > self.ranks[rule.field as usize] {
            return Disposition::Keep;
        }
        self.ranks[rule.field as usize] = rule.rank;
        let before = std::mem::replace(&mut self.sides[side as usize].promotion, promotion);
        if let Promotion::Moved { key, value } = before {
            self.displaced.push((key, value));
        }
        if matches!(promotion, Promotion::Moved { .. }) {
            Disposition::Move
        } else {
            Disposition::Keep
        }
    }

    /// Attributes that were to move until a better source came along.
    pub(crate) fn take_displaced(&mut self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + '_ {
        self.displaced.drain(..)
    }

    /// Whether any source of any field but input, output, tags and metadata has yielded a value.
    pub(super) fn is_plain(&self) -> bool {
        self.ranks[..=Field::CountsUsage as usize]
            .iter()
            .all(|rank| *rank == NONE)
    }

    /// The rank of the source that gave a field its value; the greatest when none did.
    pub(crate) fn rank(&self, field: Field) -> u8 {
        self.ranks[field as usize]
    }

    fn has(&self, field: Field) -> bool {
        self.ranks[field as usize] != NONE
    }

    /// A field's text.
    pub(crate) fn text(&self, field: Field) -> Option<&[u8]> {
        self.has(field).then(|| &*self.texts[field as usize])
    }

    /// A count.
    pub(super) fn count(&self, field: Field) -> Option<u64> {
        self.has(field)
            .then(|| self.counts[field as usize - Field::TEXTS])
    }

    /// An amount of money.
    pub(super) fn amount(&self, field: Field) -> Option<Decimal> {
        self.has(field)
            .then(|| self.amounts[field as usize - Field::TEXTS - Field::COUNTS])
    }

    /// How the source of the input count counts.
    pub(super) fn counting(&self) -> Counting {
        self.counting
    }

    /// The type that the attributes name.
    pub(super) fn kind(&self) -> Option<ObservationType> {
        self.has(Field::Type).then_some(self.kind)
    }

    /// The producer's word on whether the usage counts.
    pub(super) fn counts_usage(&self) -> Option<bool> {
        self.has(Field::CountsUsage).then_some(self.counts_usage)
    }

    /// When the first token came.
    pub(super) fn first_token(&self) -> Option<FirstToken> {
        self.has(Field::TimeToFirstToken).then_some(self.first_token)
    }

    /// Hands each tag to `take`.
    pub(crate) fn each_tag(&self, mut take: impl FnMut(&[u8])) {
        self.tags
            .iter()
            .for_each(|tags| convert::each_word(*tags, &mut take));
    }

    /// Hands each entry of the metadata to `take`; a later entry of the same name repeats an earlier one.
    pub(crate) fn each_metadata(&self, mut take: impl FnMut(&[u8], &[u8])) {
        for (name, value) in &self.metadata {
            if !name.is_empty() {
                take(name.as_bytes(), &convert::unquoted(convert::entry_text(*value)));
            } else if !convert::each_entry(*value, &mut take) {
                take(b"metadata", &convert::entry_text(*value));
            }
        }
    }

    /// Hands a side's text and the name of its source to `take`, if there is one. `scratch` holds text that
    /// had to be put together.
    pub(crate) fn promoted(
        &self,
        side: Side,
        scratch: &mut Vec<u8>,
        take: impl FnOnce(&[u8], &[u8]),
    ) -> bool {
        let capture = &self.sides[side as usize];
        scratch.clear();
        scratch.push(b'+');
        let source_bytes = match capture.promotion {
            Promotion::None => return false,
            Promotion::Moved { key, value } => {
                take(value.as_bytes(), key.as_bytes());
                return true;
            }
            Promotion::Structured { key, value } => {
                scratch.extend_from_slice(key.as_bytes());
                let end = scratch.len();
                convert::plain_json(value, scratch);
                end
            }
            Promotion::Flattened { prefix, rank } => {
                scratch.extend_from_slice(prefix.as_bytes().strip_suffix(b".").unwrap_or(prefix.as_bytes()));
                let end = scratch.len();
                let parts = capture.parts.iter().filter(|part| part.rank == rank);
                if !messages::compose(side, prefix.as_str(), parts, scratch) {
                    return false;
                }
                end
            }
        };
        let (source, text) = scratch.split_at(source_bytes);
        take(text, source);
        true
    }
}
