//! What a span of the gateway's says, by the names of `gateway/src/record`: read where they stand, nothing is copied.

use crate::otlp::span::SpanView;
use crate::otlp::value::{AnyValueView, ArrayView};

/// What a span stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing that the tables of calls know.
    #[default]
    Other,
    /// A call.
    Call,
    /// A request to a provider.
    Attempt,
    /// An answer that was kept.
    Cache,
    /// A decision that was asked for and not carried out.
    Decision,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Other | Self::Call => "",
            Self::Attempt => "attempt",
            Self::Cache => "cache",
            Self::Decision => "decision",
        }
    }
}

/// The attributes of a span.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub(super) kind: Kind,
    pub(super) method: &'a [u8],
    pub(super) path: &'a [u8],
    pub(super) status: u64,
    pub(super) outcome: &'a [u8],
    pub(super) error_type: &'a [u8],
    pub(super) request_id: &'a [u8],
    pub(super) user_agent: &'a [u8],
    pub(super) api_key: &'a [u8],
    pub(super) user: &'a [u8],
    pub(super) session: &'a [u8],
    pub(super) model_requested: &'a [u8],
    pub(super) route: &'a [u8],
    pub(super) strategy: &'a [u8],
    pub(super) rule: &'a [u8],
    pub(super) arm: &'a [u8],
    pub(super) provider: &'a [u8],
    pub(super) provider_key: &'a [u8],
    /// Of a decision: the vendor, and the model there.
    pub(super) vendor: &'a [u8],
    pub(super) target_model: &'a [u8],
    pub(super) decision: &'a [u8],
    pub(super) cache: &'a [u8],
    pub(super) refused_by: &'a [u8],
    pub(super) input: &'a [u8],
    pub(super) output: &'a [u8],
    pub(super) attempts: u64,
    pub(super) stream: bool,
    pub(super) hedge: bool,
    pub(super) shadow: bool,
    passed_over: Option<ArrayView<'a>>,
}

impl<'a> Said<'a> {
    pub(super) fn of(span: &SpanView<'a>) -> Self {
        let mut said = Self::default();
        for attribute in span.attributes() {
            said.take(attribute.key.as_bytes(), attribute.value);
        }
        said
    }

    fn take(&mut self, key: &[u8], value: AnyValueView<'a>) {
        let place = match key {
            b"http.request.method" => &mut self.method,
            b"http.route" => &mut self.path,
            b"error.type" => &mut self.error_type,
            b"user_agent.original" => &mut self.user_agent,
            b"user.id" => &mut self.user,
            b"gen_ai.conversation.id" => &mut self.session,
            b"input.value" => &mut self.input,
            b"output.value" => &mut self.output,
            b"brokle.request.id" => &mut self.request_id,
            b"brokle.api_key.id" => &mut self.api_key,
            b"brokle.cache.status" => &mut self.cache,
            b"brokle.quota.refused_by" => &mut self.refused_by,
            _ => return self.take_other(key, value),
        };
        *place = text(value);
    }

    fn take_other(&mut self, key: &[u8], value: AnyValueView<'a>) {
        match key {
            b"http.response.status_code" => self.status = count(value),
            b"brokle.cache.age_ms" => self.kind = Kind::Cache,
            _ => {
                if let Some(name) = key.strip_prefix(b"brokle.gateway.") {
                    self.take_own(name, value);
                }
            }
        }
    }

    /// An attribute of the gateway's own vocabulary.
    fn take_own(&mut self, name: &[u8], value: AnyValueView<'a>) {
        let place = match name {
            b"outcome" => &mut self.outcome,
            b"model" => &mut self.model_requested,
            b"route" => &mut self.route,
            b"strategy" => &mut self.strategy,
            b"rule" => &mut self.rule,
            b"arm" => &mut self.arm,
            b"provider" => &mut self.provider,
            b"key" => &mut self.provider_key,
            b"vendor" => &mut self.vendor,
            b"target_model" => &mut self.target_model,
            b"decision" => &mut self.decision,
            _ => {
                match name {
                    b"attempts" => {
                        self.kind = Kind::Call;
                        self.attempts = count(value);
                    }
                    b"attempt" => {
                        self.kind = Kind::Attempt;
                        self.attempts = count(value);
                    }
                    b"explained" => self.kind = Kind::Decision,
                    b"stream" => self.stream = is_true(value),
                    b"hedge" => self.hedge = is_true(value),
                    b"shadow" => self.shadow = is_true(value),
                    b"passed_over" => self.passed_over = list(value),
                    _ => {}
                }
                return;
            }
        };
        *place = text(value);
    }

    /// Targets whose circuits were open.
    pub(super) fn passed_over(&self) -> impl Iterator<Item = &'a [u8]> {
        let names = self.passed_over.into_iter().flat_map(ArrayView::values);
        names.map(text)
    }
}

fn text(value: AnyValueView<'_>) -> &[u8] {
    match value {
        AnyValueView::String(text) => text.as_bytes(),
        _ => b"",
    }
}

fn count(value: AnyValueView<'_>) -> u64 {
    match value {
        AnyValueView::Int(number) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    }
}

fn is_true(value: AnyValueView<'_>) -> bool {
    matches!(value, AnyValueView::Bool(true))
}

fn list(value: AnyValueView<'_>) -> Option<ArrayView<'_>> {
    match value {
        AnyValueView::Array(array) => Some(array),
        _ => None,
    }
}
