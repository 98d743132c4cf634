//! A record as OTLP: one SERVER span for the call, and under it one CLIENT span per attempt.
//!
//! Tokens, model and messages are on the attempt that has them and nowhere else, so that adding up a trace
//! counts them once. The SERVER span carries one line of input and of output, for lists.

use brokle_model::usage::TokenUsage;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::attributes::Attributes;
use super::request::Parameters;
use super::{Answer, AttemptRecord, CallRecord, Explained, Failure, OUTRUN, Outcome, guards};
use crate::dialect::door::Door;
use crate::dialect::openai::chunk;
use crate::dialect::openai::messages::RecordedRequest;
use crate::dialect::openai::reply::Reply;

/// The encoded export request, and how many spans are in it.
pub(super) struct Encoded {
    pub(super) body: Bytes,
    pub(super) spans: u32,
}

/// Encodes a finished call. `tell_usage` is told what each attempt used.
pub(super) fn encode(
    mut record: CallRecord,
    tell_usage: impl Fn(&CallRecord, &AttemptRecord, &TokenUsage),
) -> Encoded {
    let budget = record.capture.budget();
    pivot_request(&mut record);
    let replies = record
        .attempts
        .iter_mut()
        .map(|attempt| take_reply(attempt, budget))
        .collect();
    let view = View::new(&record, replies);
    let mut spans = Vec::with_capacity(1 + view.record.attempts.len());
    spans.push(view.server_span());
    for (number, reply) in view.replies.iter().enumerate() {
        spans.push(view.attempt_span(number, reply.as_ref()));
    }
    spans.extend(view.hit_span());
    for (attempt, reply) in view.record.attempts.iter().zip(&view.replies) {
        let said = reply.as_ref().and_then(|reply| reply.usage.as_ref());
        if let Some(usage) = attempt.estimate.as_ref().or(said) {
            tell_usage(view.record, attempt, usage);
        }
    }
    let count = u32::try_from(spans.len()).unwrap_or(u32::MAX);
    Encoded {
        body: Bytes::from(export(spans).encode_to_vec()),
        spans: count,
    }
}

/// Brings the request into the format that is read here. One that has no place in it is recorded without its
/// content; the attempts say why.
fn pivot_request(record: &mut CallRecord) {
    let door = record.door;
    if let Some(request) = record.request.as_mut().filter(|_| door != Door::Chat) {
        request.body = door.recorded(&request.body).unwrap_or_default();
    }
}

/// What an attempt answered, read when it came as a whole.
fn take_reply(attempt: &mut AttemptRecord, budget: usize) -> Option<Reply> {
    match std::mem::replace(&mut attempt.answer, Answer::Nothing) {
        Answer::Nothing => None,
        Answer::Body(whole) => Some(chunk::whole(&whole.body, budget)),
        Answer::Streamed(reply) => Some(*reply),
    }
}

/// A record with what had to be read from its bodies.
struct View<'a> {
    record: &'a CallRecord,
    parameters: Parameters,
    /// The conversation, when it is to be recorded.
    conversation: Option<RecordedRequest<'a>>,
    user: Option<String>,
    session: Option<String>,
    /// What each attempt answered.
    replies: Vec<Option<Reply>>,
}

impl<'a> View<'a> {
    fn new(record: &'a CallRecord, replies: Vec<Option<Reply>>) -> Self {
        let body = record.request.as_ref().map(|request| &request.body);
        let parameters = body.map(|body| Parameters::parse(body)).unwrap_or_default();
        let captured = body.filter(|_| record.capture.content);
        Self {
            user: record.caller.user.clone().or_else(|| parameters.user()),
            session: record.caller.session.clone().or_else(|| parameters.session()),
            conversation: captured.and_then(|body| RecordedRequest::parse(body)),
            parameters,
            replies,
            record,
        }
    }

    fn server_span(&self) -> Span {
        let record = self.record;
        let mut attributes = self.describe_call();
        self.describe_caller(&mut attributes);
        self.parameters.describe_trace(&mut attributes);
        self.describe_previews(&mut attributes);
        describe_error(&mut attributes, record.failure.as_ref(), record.outcome);
        let parent = record.trace.parent.map(|span| span.as_bytes().to_vec());
        Span {
            trace_id: record.trace.trace.as_bytes().to_vec(),
            span_id: record.span.as_bytes().to_vec(),
            parent_span_id: parent.unwrap_or_default(),
            trace_state: record.trace.state.clone(),
            flags: record.trace.server_flags(),
            name: self.server_name(),
            kind: if record.shadow || record.explained.is_some() {
                SpanKind::Internal
            } else {
                SpanKind::Server
            }
            .into(),
            start_time_unix_nano: self.nanos(std::time::Duration::ZERO),
            end_time_unix_nano: self.nanos(record.ended),
            attributes: attributes.into_inner(),
            events: self.guard_events(),
            status: server_status(record),
            ..Span::default()
        }
    }

    /// One event for each thing that a guardrail found.
    fn guard_events(&self) -> Vec<Event> {
        let guard = self.record.guard.iter();
        guard
            .flat_map(|guard| &guard.decisions)
            .map(|decision| guards::event(decision, self.nanos(decision.at)))
            .collect()
    }

    /// How the call went, as a whole.
    fn describe_call(&self) -> Attributes {
        let record = self.record;
        let mut attributes = Attributes::default();
        attributes.text("http.request.method", record.door.method());
        attributes.text("http.route", record.door.path());
        attributes.text("url.path", record.door.path());
        attributes.int("http.response.status_code", u64::from(record.status));
        attributes.text_if("user_agent.original", record.caller.user_agent.as_deref());
        attributes.text_if("brokle.request.id", record.caller.request_id.as_deref());
        attributes.text("brokle.gateway.outcome", record.outcome.as_str());
        attributes.text("brokle.api_key.id", record.key.to_string());
        match &record.explained {
            Some(explained) => describe_decision(&mut attributes, explained),
            None => attributes.int("brokle.gateway.attempts", record.attempts.len() as u64),
        }
        attributes.text_if("brokle.gateway.route", record.route.as_deref());
        attributes.text_if(
            "brokle.gateway.strategy",
            (!record.strategy.is_empty()).then_some(record.strategy),
        );
        attributes.text_if("brokle.gateway.rule", record.rule.as_deref());
        attributes.text_if("brokle.gateway.arm", record.arm.as_deref());
        if record.shadow {
            attributes.flag("brokle.gateway.shadow", true);
        }
        let overrides = record.overrides.iter().map(|&header| header.to_owned());
        attributes.texts("brokle.gateway.overrides", overrides.collect());
        attributes.texts("brokle.gateway.passed_over", record.passed_over.clone());
        if let Some(cache) = &record.cache {
            attributes.text("brokle.cache.status", cache.outcome.as_str());
            attributes.text_if("brokle.cache.key", cache.key.as_deref());
        }
        if let Some(guard) = &record.guard {
            guards::describe(&mut attributes, guard);
        }
        if let Some(quota) = &record.quota {
            attributes.texts("brokle.quota.alerts", quota.alerts.clone());
            attributes.text_if("brokle.quota.refused_by", quota.refused_by.as_deref());
        }
        if let Some(request) = &record.request {
            attributes.text("brokle.gateway.model", request.model.as_str());
            attributes.flag("brokle.gateway.stream", request.stream);
        }
        let last = record.attempts.last();
        attributes.text_if(
            "brokle.gateway.provider",
            last.map(|attempt| attempt.provider.name.as_str()),
        );
        attributes
    }

    /// The model is part of the name only when it led somewhere: anything else could be in it.
    fn server_name(&self) -> String {
        if let Some(explained) = &self.record.explained {
            return format!("route {}", explained.model);
        }
        match &self.record.request {
            Some(request) if !self.record.attempts.is_empty() || self.is_hit() => {
                format!("{} {}", self.record.door.operation_name(), request.model)
            }
            _ => format!("{} {}", self.record.door.method(), self.record.door.path()),
        }
    }

    fn is_hit(&self) -> bool {
        self.record
            .cache
            .as_ref()
            .is_some_and(|cache| cache.hit().is_some())
    }

    fn describe_caller(&self, attributes: &mut Attributes) {
        attributes.text_if("user.id", self.user.as_deref());
        attributes.text_if("gen_ai.conversation.id", self.session.as_deref());
    }

    fn describe_previews(&self, attributes: &mut Attributes) {
        if !self.record.capture.content {
            return;
        }
        let asked = self.conversation.as_ref().and_then(RecordedRequest::preview);
        if let Some(asked) = asked {
            attributes.text("input.value", asked);
            attributes.text("input.mime_type", "text/plain");
        }
        let said = self.replies.last().and_then(|reply| reply.as_ref()?.preview());
        let hidden = match &self.record.guard {
            Some(guard) => said.and_then(|said| guard.hide_preview(&said)),
            None => said,
        };
        if let Some(said) = hidden {
            attributes.text("output.value", said);
            attributes.text("output.mime_type", "text/plain");
        }
    }

    fn attempt_span(&self, number: usize, reply: Option<&Reply>) -> Span {
        let record = self.record;
        let attempt = &record.attempts[number];
        let outcome = attempt_outcome(attempt);
        let mut attributes = self.describe_request(attempt);
        describe_attempt(&mut attributes, attempt, record);
        if let Some(reply) = reply {
            describe_reply(&mut attributes, reply, attempt.estimate.is_none());
        }
        if let Some(usage) = &attempt.estimate {
            describe_usage(&mut attributes, usage);
            attributes.flag("brokle.usage.estimated", true);
        }
        if number + 1 == record.attempts.len() {
            let said = self.record.hidden(reply.and_then(Reply::output_messages));
            self.describe_content(&mut attributes, said);
        }
        describe_error(&mut attributes, attempt.failure.as_ref(), outcome);
        Span {
            trace_id: record.trace.trace.as_bytes().to_vec(),
            span_id: attempt.span.as_bytes().to_vec(),
            parent_span_id: record.span.as_bytes().to_vec(),
            trace_state: record.trace.state.clone(),
            flags: record.trace.client_flags(),
            name: format!("{} {}", record.door.operation_name(), attempt.model)
                .trim_end()
                .to_owned(),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: self.nanos(attempt.started),
            end_time_unix_nano: self.nanos(attempt.ended.unwrap_or(record.ended)),
            attributes: attributes.into_inner(),
            status: attempt.failure.as_ref().map_or_else(
                || unfinished(attempt, outcome),
                |failure| Some(error_status(failure)),
            ),
            ..Span::default()
        }
    }

    /// The answer that came from the cache: it used nothing, and says what that saved.
    fn hit_span(&self) -> Option<Span> {
        let record = self.record;
        let hit = record.cache.as_ref()?.hit()?;
        let origin = &hit.origin;
        let mut attributes = Attributes::default();
        attributes.text("gen_ai.operation.name", record.door.operation_name());
        attributes.text("gen_ai.provider.name", origin.vendor.as_str());
        attributes.text("gen_ai.request.model", origin.model.as_str());
        attributes.text_if("gen_ai.response.model", origin.response_model.as_deref());
        self.parameters.describe(&mut attributes);
        attributes.int("gen_ai.usage.input_tokens", 0);
        attributes.int("gen_ai.usage.output_tokens", 0);
        attributes.text("brokle.gateway.provider", origin.provider.as_str());
        attributes.text("brokle.cache.status", "hit");
        attributes.int(
            "brokle.cache.age_ms",
            u64::try_from(hit.age.as_millis()).unwrap_or(u64::MAX),
        );
        if let Some(nearest) = &hit.nearest {
            attributes.double("brokle.cache.similarity", f64::from(nearest.similarity));
            attributes.text("brokle.cache.matched_key", nearest.key.as_str());
        }
        attributes.int("brokle.cache.saved.input_tokens", origin.input_tokens);
        attributes.int("brokle.cache.saved.output_tokens", origin.output_tokens);
        attributes.text_if(
            "brokle.cache.saved.cost",
            origin.cost.map(|cost| cost.normalize().to_string()),
        );
        self.describe_caller(&mut attributes);
        self.describe_content(&mut attributes, origin.output_messages.clone());
        Some(Span {
            trace_id: record.trace.trace.as_bytes().to_vec(),
            span_id: hit.span.as_bytes().to_vec(),
            parent_span_id: record.span.as_bytes().to_vec(),
            trace_state: record.trace.state.clone(),
            flags: record.trace.client_flags(),
            name: format!("cache {}", origin.model),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: self.nanos(std::time::Duration::ZERO),
            end_time_unix_nano: self.nanos(record.ended),
            attributes: attributes.into_inner(),
            ..Span::default()
        })
    }

    /// What was asked of whom.
    fn describe_request(&self, attempt: &AttemptRecord) -> Attributes {
        let stream = self.record.request.as_ref().is_some_and(|request| request.stream);
        let mut attributes = Attributes::default();
        attributes.text("gen_ai.operation.name", self.record.door.operation_name());
        attributes.text("gen_ai.provider.name", attempt.provider.vendor.as_str());
        // A call about what a provider keeps is none of a model's.
        let model = Some(attempt.model.as_str()).filter(|model| !model.is_empty());
        attributes.text_if("gen_ai.request.model", model);
        attributes.flag("gen_ai.request.stream", stream);
        self.parameters.describe(&mut attributes);
        attributes.text("server.address", attempt.provider.address.host.as_str());
        attributes.int("server.port", u64::from(attempt.provider.address.port));
        attributes.text("http.request.method", self.record.door.method());
        if let Some(status) = attempt.status {
            attributes.int("http.response.status_code", u64::from(status));
        }
        self.describe_caller(&mut attributes);
        attributes
    }

    /// The conversation: on the last attempt, which is the one that answered or gave up, or on the hit.
    fn describe_content(&self, attributes: &mut Attributes, output_messages: Option<String>) {
        if !self.record.capture.content {
            return;
        }
        let budget = self.record.capture.content_bytes_max;
        if let Some(conversation) = &self.conversation {
            attributes.text_if("gen_ai.input.messages", conversation.input_messages(budget));
            let tools = conversation.tools.map(serde_json::value::RawValue::get);
            attributes.text_if(
                "gen_ai.tool.definitions",
                tools.filter(|tools| tools.len() <= budget),
            );
        }
        attributes.text_if("gen_ai.output.messages", output_messages);
    }

    fn nanos(&self, since_start: std::time::Duration) -> u64 {
        let start = self
            .record
            .started_at
            .timestamp_nanos_opt()
            .and_then(|nanos| u64::try_from(nanos).ok());
        let elapsed = u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX);
        start.unwrap_or(0).saturating_add(elapsed)
    }
}

/// Where a call would go that is not made.
fn describe_decision(attributes: &mut Attributes, explained: &Explained) {
    attributes.flag("brokle.gateway.explained", true);
    attributes.text("brokle.gateway.decision", "explained");
    attributes.text("brokle.gateway.provider", explained.provider.as_str());
    attributes.text("brokle.gateway.vendor", explained.vendor.as_str());
    attributes.text("brokle.gateway.target_model", explained.model.as_str());
}

fn describe_attempt(attributes: &mut Attributes, attempt: &AttemptRecord, record: &CallRecord) {
    let number = attempt.number;
    attributes.text("brokle.gateway.provider", attempt.provider.name.as_str());
    attributes.int("brokle.gateway.attempt", number as u64 + 1);
    if number > 0 {
        attributes.int("http.request.resend_count", number as u64);
    }
    attributes.text_if("brokle.gateway.route", record.route.as_deref());
    attributes.text_if(
        "brokle.gateway.key",
        attempt.provider.key.as_ref().map(|key| key.name.as_str()),
    );
    for (name, holds) in [
        ("brokle.gateway.hedge", attempt.hedge),
        ("brokle.gateway.shadow", record.shadow),
    ] {
        if holds {
            attributes.flag(name, true);
        }
    }
    attributes.text("brokle.gateway.outcome", attempt_outcome(attempt).as_str());
    attributes.text("brokle.gateway.decision", attempt.decision);
    attributes.text_if(
        "brokle.upstream.request_id",
        attempt.upstream_request_id.as_deref(),
    );
    let adapted = attempt.adapted.iter().map(|&field| field.to_owned());
    attributes.texts("brokle.gateway.adapted", adapted.collect());
    if let Some(first_chunk) = attempt.first_chunk {
        attributes.double("gen_ai.response.time_to_first_chunk", first_chunk.as_secs_f64());
    }
}

fn describe_reply(attributes: &mut Attributes, reply: &Reply, says_usage: bool) {
    attributes.text_if("gen_ai.response.id", reply.id.as_deref());
    attributes.text_if("gen_ai.response.model", reply.model.as_deref());
    attributes.texts("gen_ai.response.finish_reasons", reply.finish_reasons());
    attributes.text_if(
        "gen_ai.openai.response.service_tier",
        reply.service_tier.as_deref(),
    );
    if let Some(usage) = reply.usage.as_ref().filter(|_| says_usage) {
        describe_usage(attributes, usage);
    }
}

fn describe_usage(attributes: &mut Attributes, usage: &TokenUsage) {
    attributes.int("gen_ai.usage.input_tokens", usage.input);
    attributes.int("gen_ai.usage.output_tokens", usage.output);
    for (key, tokens) in [
        ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
        ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
        ("gen_ai.usage.audio.input_tokens", usage.audio_input),
        ("gen_ai.usage.image.input_tokens", usage.image_input),
        ("gen_ai.usage.audio.output_tokens", usage.audio_output),
        ("gen_ai.usage.image.output_tokens", usage.image_output),
    ] {
        if tokens > 0 {
            attributes.int(key, tokens);
        }
    }
}

fn attempt_outcome(attempt: &AttemptRecord) -> Outcome {
    match (&attempt.failure, attempt.decision) {
        (Some(_), _) => Outcome::Failed,
        (None, "cancelled" | OUTRUN) => Outcome::Cancelled,
        (None, _) => Outcome::Answered,
    }
}

fn describe_error(attributes: &mut Attributes, failure: Option<&Failure>, outcome: Outcome) {
    match failure {
        Some(failure) => attributes.text("error.type", failure.kind),
        None if outcome == Outcome::Cancelled => attributes.text("error.type", "cancelled"),
        None => {}
    }
}

/// A refused request is the caller's error and not the server's, as the HTTP conventions have it; an answer
/// that broke after it had begun is the server's, although its status was 200.
fn server_status(record: &CallRecord) -> Option<Status> {
    match &record.failure {
        Some(failure) if !(400..500).contains(&record.status) => Some(error_status(failure)),
        _ => neutral(record.outcome),
    }
}

/// A caller that hangs up is no error of anybody's, but worth saying.
fn neutral(outcome: Outcome) -> Option<Status> {
    (outcome == Outcome::Cancelled).then(|| Status {
        code: StatusCode::Unset.into(),
        message: "cancelled: the caller closed the connection".to_owned(),
    })
}

/// Nor is one that another answered first.
fn unfinished(attempt: &AttemptRecord, outcome: Outcome) -> Option<Status> {
    if attempt.decision != OUTRUN {
        return neutral(outcome);
    }
    Some(Status {
        code: StatusCode::Unset.into(),
        message: "ended: another attempt answered first".to_owned(),
    })
}

fn error_status(failure: &Failure) -> Status {
    Status {
        code: StatusCode::Error.into(),
        message: failure.message.clone(),
    }
}

fn export(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let mut resource = Attributes::default();
    resource.text("service.name", "brokle-gateway");
    resource.text("service.version", env!("CARGO_PKG_VERSION"));
    let scope = InstrumentationScope {
        name: "brokle.gateway".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans,
        ..ScopeSpans::default()
    };
    let resource = Resource {
        attributes: resource.into_inner(),
        ..Resource::default()
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource_spans],
    }
}
