//! What an answer said, gathered for the spans from a body or piece by piece from a stream. Bounded: beyond
//! the budget, text is counted and not kept.

use std::borrow::Cow;

use brokle_model::usage::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::string;

const CHOICES_MAX: usize = 128;
const TOOL_CALLS_MAX: usize = 512;
const WORD_BYTES_MAX: usize = 256;

/// An answer, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<TokenUsage>,
    /// The service tier that the provider says it gave.
    pub(crate) service_tier: Option<String>,
    pub(crate) choices: Vec<Choice>,
    /// Bytes of text that may still be kept.
    pub(crate) budget: usize,
    /// Bytes of text that were not kept.
    pub(crate) dropped: usize,
}

/// One choice of an answer.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) index: u64,
    pub(crate) role: Option<String>,
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) refusal: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) finish_reason: Option<String>,
}

/// One tool call of a choice.
#[derive(Debug, Default)]
pub(crate) struct ToolCall {
    index: Option<u64>,
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// A `choices` entry: of a chunk (`delta`) or of a body (`message`).
#[derive(Deserialize)]
pub(super) struct WireChoice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, default, alias = "message")]
    delta: Option<WireMessage<'a>>,
    /// A completion's, which has no message.
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

/// The fields of a message that carry content, in all vendors' names.
#[derive(Default, Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<WireToolCall<'a>>>,
    #[serde(borrow, default)]
    function_call: Option<WireFunction<'a>>,
    #[serde(borrow, default)]
    audio: Option<&'a RawValue>,
    #[serde(borrow, default)]
    images: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireToolCall<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    function: Option<WireFunction<'a>>,
    /// A custom tool's call carries text in place of arguments.
    #[serde(borrow, default)]
    custom: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "input")]
    arguments: Option<Cow<'a, str>>,
}

/// A content part, where a vendor sends a list in place of a string.
#[derive(Deserialize)]
struct WirePart<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Vec<WirePart<'a>>>,
}

impl WireChoice<'_> {
    /// Whether the choice carries anything but a role.
    pub(super) fn has_content(&self) -> bool {
        let filled = |raw: &RawValue| !matches!(raw.get(), "\"\"" | "[]" | "{}");
        self.finish_reason.is_some()
            || self.text.is_some_and(filled)
            || self.delta.as_ref().is_some_and(|delta| {
                delta.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
                    || delta.function_call.is_some()
                    || [
                        delta.content,
                        delta.reasoning_content,
                        delta.reasoning,
                        delta.refusal,
                    ]
                    .into_iter()
                    .chain([
                        delta.audio,
                        delta.images,
                        delta.reasoning_details,
                        delta.annotations,
                    ])
                    .flatten()
                    .any(filled)
            })
    }
}

impl Reply {
    /// An empty answer that keeps at most `budget` bytes of text.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// Whether every choice that began has said how it ended.
    pub(crate) fn is_complete(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish_reason.is_some())
    }

    /// Bytes of text kept.
    pub(crate) fn kept_bytes(&self) -> usize {
        let choice = |choice: &Choice| {
            let arguments: usize = choice.tool_calls.iter().map(|call| call.arguments.len()).sum();
            choice.text.len() + choice.reasoning.len() + choice.refusal.len() + arguments
        };
        self.choices.iter().map(choice).sum()
    }

    /// Bytes of text that came, kept or not.
    pub(crate) fn said_bytes(&self) -> usize {
        self.kept_bytes() + self.dropped
    }

    /// Why the choices ended, in their order.
    pub(crate) fn finish_reasons(&self) -> Vec<String> {
        self.choices
            .iter()
            .filter_map(|choice| choice.finish_reason.clone())
            .collect()
    }

    /// Notes the answer's id and model; the first chunk's count.
    pub(super) fn identify(&mut self, id: Option<&str>, model: Option<&str>) {
        let keep = |slot: &mut Option<String>, value: Option<&str>| {
            if slot.is_none() {
                *slot = value.filter(|value| !value.is_empty()).map(short);
            }
        };
        keep(&mut self.id, id);
        keep(&mut self.model, model);
    }

    /// Notes the service tier; the last chunk's word counts.
    pub(super) fn tell_tier(&mut self, tier: Option<&str>) {
        if let Some(tier) = tier.filter(|tier| !tier.is_empty()) {
            self.service_tier = Some(short(tier));
        }
    }

    /// Adds what a `choices` entry says.
    pub(super) fn absorb(&mut self, wire: &WireChoice<'_>) {
        let Some(position) = self.position(wire.index) else {
            return;
        };
        if let Some(reason) = &wire.finish_reason {
            self.choices[position].finish_reason = Some(short(reason));
        }
        let mut keep = Keep {
            left: &mut self.budget,
            dropped: &mut self.dropped,
        };
        self.choices[position].add_content(wire.text, &mut keep);
        let Some(delta) = &wire.delta else { return };
        if let Some(role) = delta.role.as_deref().filter(|role| !role.is_empty()) {
            self.choices[position].role = Some(short(role));
        }
        let mut keep = Keep {
            left: &mut self.budget,
            dropped: &mut self.dropped,
        };
        let choice = &mut self.choices[position];
        choice.add_content(delta.content, &mut keep);
        for raw in [delta.reasoning_content.or(delta.reasoning)]
            .into_iter()
            .flatten()
        {
            keep.add(&mut choice.reasoning, string(raw).as_deref().unwrap_or_default());
        }
        keep.add(
            &mut choice.refusal,
            delta.refusal.and_then(string).as_deref().unwrap_or_default(),
        );
        for call in delta.tool_calls.iter().flatten() {
            choice.add_tool_call(call, &mut keep);
        }
        if let Some(function) = &delta.function_call {
            choice.add_function(None, None, function, &mut keep);
        }
    }

    fn position(&mut self, index: u64) -> Option<usize> {
        if let Some(position) = self.choices.iter().position(|choice| choice.index == index) {
            return Some(position);
        }
        if self.choices.len() == CHOICES_MAX {
            return None;
        }
        self.choices.push(Choice {
            index,
            ..Choice::default()
        });
        Some(self.choices.len() - 1)
    }
}

impl Choice {
    fn add_content(&mut self, content: Option<&RawValue>, keep: &mut Keep<'_>) {
        let Some(raw) = content else { return };
        if let Some(text) = string(raw) {
            return keep.add(&mut self.text, &text);
        }
        for part in serde_json::from_str::<Vec<WirePart<'_>>>(raw.get()).unwrap_or_default() {
            keep.add(&mut self.text, part.text.as_deref().unwrap_or_default());
            for thought in part.thinking.iter().flatten() {
                keep.add(&mut self.reasoning, thought.text.as_deref().unwrap_or_default());
            }
        }
    }

    fn add_tool_call(&mut self, wire: &WireToolCall<'_>, keep: &mut Keep<'_>) {
        let index = Some(wire.index.unwrap_or_else(|| self.index_of(wire.id.as_deref())));
        if let Some(function) = wire.function.as_ref().or(wire.custom.as_ref()) {
            self.add_function(index, wire.id.as_deref(), function, keep);
        }
    }

    /// A body's calls, and some vendors' chunks, carry no index: a new id is a new call.
    fn index_of(&self, id: Option<&str>) -> u64 {
        let known = self
            .tool_calls
            .iter()
            .find(|call| id.is_some() && call.id.as_deref() == id);
        match (known.and_then(|call| call.index), id) {
            (Some(index), _) => index,
            (None, Some(_)) => self.tool_calls.len() as u64,
            (None, None) => self.tool_calls.len().saturating_sub(1) as u64,
        }
    }

    fn add_function(
        &mut self,
        index: Option<u64>,
        id: Option<&str>,
        function: &WireFunction<'_>,
        keep: &mut Keep<'_>,
    ) {
        let known = self.tool_calls.iter().position(|call| call.index == index);
        let position = match known {
            Some(position) => position,
            None if self.tool_calls.len() == TOOL_CALLS_MAX => return,
            None => {
                self.tool_calls.push(ToolCall {
                    index,
                    ..ToolCall::default()
                });
                self.tool_calls.len() - 1
            }
        };
        let call = &mut self.tool_calls[position];
        if call.id.is_none() {
            call.id = id.filter(|id| !id.is_empty()).map(short);
        }
        if call.name.is_empty() {
            call.name = short(function.name.as_deref().unwrap_or_default());
        }
        keep.add(
            &mut call.arguments,
            function.arguments.as_deref().unwrap_or_default(),
        );
    }
}

/// The budget while one entry is added.
struct Keep<'a> {
    left: &'a mut usize,
    dropped: &'a mut usize,
}

impl Keep<'_> {
    fn add(&mut self, to: &mut String, text: &str) {
        let kept = text.floor_char_boundary((*self.left).min(text.len()));
        to.push_str(&text[..kept]);
        *self.left -= kept;
        *self.dropped += text.len() - kept;
        if kept < text.len() {
            // Later pieces must not fill the gap.
            *self.left = 0;
        }
    }
}

fn short(text: &str) -> String {
    text[..text.floor_char_boundary(text.len().min(WORD_BYTES_MAX))].to_owned()
}
