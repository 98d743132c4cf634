//! A record as OTLP: one SERVER span for the call, and under it one CLIENT span per attempt.
//!
//! Tokens, model and messages are on the attempt that has them and nowhere else, so that adding up a trace
//! counts them once. The SERVER span carries one line of input and of output, for lists.

use brokle_model::usage::TokenUsage;
use bytes::Bytes;

use super::attributes::Attributes;
use super::request::Parameters;
use super::span::{Head, Kind, Status, close_export, open_export, write_span};
use super::{Answer, AttemptRecord, CallRecord, Explained, Failure, OUTRUN, Outcome, guards};
use crate::dialect::door::Door;
use crate::dialect::openai::chunk;
use crate::dialect::openai::messages::RecordedRequest;
use crate::dialect::openai::reply::Reply;

/// The field of a span that holds its attributes.
const ATTRIBUTES: u32 = 9;
/// What a span takes beside the conversation, generously.
const SPAN_BYTES: usize = 2_048;

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
    let mut out = Vec::with_capacity(view.likely_bytes());
    let export = open_export(&mut out);
    view.server_span(&mut out);
    for (number, reply) in view.replies.iter().enumerate() {
        view.attempt_span(&mut out, number, reply.as_ref());
    }
    let has_hit = view.hit_span(&mut out).is_some();
    close_export(&mut out, export);
    for (attempt, reply) in view.record.attempts.iter().zip(&view.replies) {
        let said = reply.as_ref().and_then(|reply| reply.usage.as_ref());
        if let Some(usage) = attempt.estimate.as_ref().or(said) {
            tell_usage(view.record, attempt, usage);
        }
    }
    let spans = 1 + view.replies.len() + usize::from(has_hit);
    Encoded {
        body: Bytes::from(out),
        spans: u32::try_from(spans).unwrap_or(u32::MAX),
    }
}

/// Brings the request into the format that is read here. One that has no place in it is recorded without its
/// content; the attempts say why.
fn pivot_request(record: &mut CallRecord) {
    let door = record.door;
    if let Some(request) = record.request.as_mut().filter(|_| door != Door::Chat) {
        request.body = door.recorded(&request.body).unwrap_or_default();
        request.messages_at = 0..0;
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
        let parameters = record
            .request
            .as_ref()
            .map(|request| Parameters::parse(&request.parameters()));
        let parameters = parameters.unwrap_or_default();
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

    /// Room for all spans, so that it is taken once: the conversation is the bulk of them.
    fn likely_bytes(&self) -> usize {
        let said = self
            .replies
            .iter()
            .flatten()
            .map(Reply::kept_bytes)
            .sum::<usize>();
        let asked = self
            .record
            .request
            .as_ref()
            .map_or(0, |request| request.body.len());
        let asked = if self.record.capture.content { asked } else { 0 };
        (1 + self.replies.len()) * SPAN_BYTES + asked + said
    }

    fn server_span(&self, out: &mut Vec<u8>) {
        let record = self.record;
        let head = Head {
            id: record.span,
            parent: record.trace.parent,
            name: &self.server_name(),
            kind: if record.shadow || record.explained.is_some() {
                Kind::Internal
            } else {
                Kind::Server
            },
            starts_ns: self.nanos(std::time::Duration::ZERO),
            ends_ns: self.nanos(record.ended),
            flags: record.trace.server_flags(),
            status: server_status(record),
        };
        write_span(out, &record.trace, &head, |out| {
            let attributes = &mut Attributes::new(out, ATTRIBUTES);
            self.describe_call(attributes);
            self.describe_caller(attributes);
            self.parameters.describe_trace(attributes);
            self.describe_previews(attributes);
            describe_error(attributes, record.failure.as_ref(), record.outcome);
            for decision in record.guard.iter().flat_map(|guard| &guard.decisions) {
                guards::event(out, decision, self.nanos(decision.at));
            }
        });
    }

    /// How the call went, as a whole.
    fn describe_call(&self, attributes: &mut Attributes<'_>) {
        let record = self.record;
        attributes.text("http.request.method", record.door.method());
        attributes.text("http.route", record.door.path());
        attributes.text("url.path", record.door.path());
        attributes.int("http.response.status_code", u64::from(record.status));
        attributes.text_if("user_agent.original", record.caller.user_agent.as_deref());
        attributes.text_if("brokle.request.id", record.caller.request_id.as_deref());
        attributes.text("brokle.gateway.outcome", record.outcome.as_str());
        attributes.text("brokle.api_key.id", record.key.to_string());
        match &record.explained {
            Some(explained) => describe_decision(attributes, explained),
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
        attributes.texts("brokle.gateway.overrides", &record.overrides);
        attributes.texts("brokle.gateway.passed_over", &record.passed_over);
        if let Some(cache) = &record.cache {
            attributes.text("brokle.cache.status", cache.outcome.as_str());
            attributes.text_if("brokle.cache.key", cache.key.as_deref());
        }
        if let Some(guard) = &record.guard {
            guards::describe(attributes, guard);
        }
        if let Some(quota) = &record.quota {
            attributes.texts("brokle.quota.alerts", &quota.alerts);
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

    fn describe_caller(&self, attributes: &mut Attributes<'_>) {
        attributes.text_if("user.id", self.user.as_deref());
        attributes.text_if("gen_ai.conversation.id", self.session.as_deref());
    }

    fn describe_previews(&self, attributes: &mut Attributes<'_>) {
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

    fn attempt_span(&self, out: &mut Vec<u8>, number: usize, reply: Option<&Reply>) {
        let record = self.record;
        let attempt = &record.attempts[number];
        let outcome = attempt_outcome(attempt);
        let name = format!("{} {}", record.door.operation_name(), attempt.model);
        let head = Head {
            id: attempt.span,
            parent: Some(record.span),
            name: name.trim_end(),
            kind: Kind::Client,
            starts_ns: self.nanos(attempt.started),
            ends_ns: self.nanos(attempt.ended.unwrap_or(record.ended)),
            flags: record.trace.client_flags(),
            status: match &attempt.failure {
                Some(failure) => Some(error_status(failure)),
                None => unfinished(attempt, outcome),
            },
        };
        write_span(out, &record.trace, &head, |out| {
            let attributes = &mut Attributes::new(out, ATTRIBUTES);
            self.describe_request(attributes, attempt);
            describe_attempt(attributes, attempt, record);
            if let Some(reply) = reply {
                describe_reply(attributes, reply, attempt.estimate.is_none());
            }
            if let Some(usage) = &attempt.estimate {
                describe_usage(attributes, usage);
                attributes.flag("brokle.usage.estimated", true);
            }
            if number + 1 == record.attempts.len() {
                let said = self.record.hidden(reply.and_then(Reply::output_messages));
                self.describe_content(attributes, said.as_deref());
            }
            describe_error(attributes, attempt.failure.as_ref(), outcome);
        });
    }

    /// The answer that came from the cache: it used nothing, and says what that saved.
    fn hit_span(&self, out: &mut Vec<u8>) -> Option<()> {
        let record = self.record;
        let hit = record.cache.as_ref()?.hit()?;
        let origin = &hit.origin;
        let head = Head {
            id: hit.span,
            parent: Some(record.span),
            name: &format!("cache {}", origin.model),
            kind: Kind::Internal,
            starts_ns: self.nanos(std::time::Duration::ZERO),
            ends_ns: self.nanos(record.ended),
            flags: record.trace.client_flags(),
            status: None,
        };
        write_span(out, &record.trace, &head, |out| {
            let attributes = &mut Attributes::new(out, ATTRIBUTES);
            attributes.text("gen_ai.operation.name", record.door.operation_name());
            attributes.text("gen_ai.provider.name", &origin.vendor);
            attributes.text("gen_ai.request.model", &origin.model);
            attributes.text_if("gen_ai.response.model", origin.response_model.as_deref());
            self.parameters.describe(attributes);
            attributes.int("gen_ai.usage.input_tokens", 0);
            attributes.int("gen_ai.usage.output_tokens", 0);
            attributes.text("brokle.gateway.provider", &origin.provider);
            attributes.text("brokle.cache.status", "hit");
            attributes.int(
                "brokle.cache.age_ms",
                u64::try_from(hit.age.as_millis()).unwrap_or(u64::MAX),
            );
            if let Some(nearest) = &hit.nearest {
                attributes.double("brokle.cache.similarity", f64::from(nearest.similarity));
                attributes.text("brokle.cache.matched_key", &nearest.key);
            }
            attributes.int("brokle.cache.saved.input_tokens", origin.input_tokens);
            attributes.int("brokle.cache.saved.output_tokens", origin.output_tokens);
            attributes.text_if(
                "brokle.cache.saved.cost",
                origin.cost.map(|cost| cost.normalize().to_string()),
            );
            self.describe_caller(attributes);
            self.describe_content(attributes, origin.output_messages.as_deref());
        });
        Some(())
    }

    /// What was asked of whom.
    fn describe_request(&self, attributes: &mut Attributes<'_>, attempt: &AttemptRecord) {
        let stream = self.record.request.as_ref().is_some_and(|request| request.stream);
        attributes.text("gen_ai.operation.name", self.record.door.operation_name());
        attributes.text("gen_ai.provider.name", attempt.provider.vendor.as_str());
        // A call about what a provider keeps is none of a model's.
        let model = Some(attempt.model.as_str()).filter(|model| !model.is_empty());
        attributes.text_if("gen_ai.request.model", model);
        attributes.flag("gen_ai.request.stream", stream);
        self.parameters.describe(attributes);
        attributes.text("server.address", attempt.provider.address.host.as_str());
        attributes.int("server.port", u64::from(attempt.provider.address.port));
        attributes.text("http.request.method", self.record.door.method());
        if let Some(status) = attempt.status {
            attributes.int("http.response.status_code", u64::from(status));
        }
        self.describe_caller(attributes);
    }

    /// The conversation: on the last attempt, which is the one that answered or gave up, or on the hit.
    fn describe_content(&self, attributes: &mut Attributes<'_>, output_messages: Option<&str>) {
        if !self.record.capture.content {
            return;
        }
        let budget = self.record.capture.content_bytes_max;
        if let Some(conversation) = &self.conversation {
            attributes.text_by("gen_ai.input.messages", |out| {
                conversation.write_input_messages(budget, out)
            });
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
fn describe_decision(attributes: &mut Attributes<'_>, explained: &Explained) {
    attributes.flag("brokle.gateway.explained", true);
    attributes.text("brokle.gateway.decision", "explained");
    attributes.text("brokle.gateway.provider", explained.provider.as_str());
    attributes.text("brokle.gateway.vendor", explained.vendor.as_str());
    attributes.text("brokle.gateway.target_model", explained.model.as_str());
}

fn describe_attempt(attributes: &mut Attributes<'_>, attempt: &AttemptRecord, record: &CallRecord) {
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
    attributes.texts("brokle.gateway.adapted", &attempt.adapted);
    if let Some(first_chunk) = attempt.first_chunk {
        attributes.double("gen_ai.response.time_to_first_chunk", first_chunk.as_secs_f64());
    }
}

fn describe_reply(attributes: &mut Attributes<'_>, reply: &Reply, says_usage: bool) {
    attributes.text_if("gen_ai.response.id", reply.id.as_deref());
    attributes.text_if("gen_ai.response.model", reply.model.as_deref());
    attributes.texts("gen_ai.response.finish_reasons", &reply.finish_reasons());
    attributes.text_if(
        "gen_ai.openai.response.service_tier",
        reply.service_tier.as_deref(),
    );
    if let Some(usage) = reply.usage.as_ref().filter(|_| says_usage) {
        describe_usage(attributes, usage);
    }
}

fn describe_usage(attributes: &mut Attributes<'_>, usage: &TokenUsage) {
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

fn describe_error(attributes: &mut Attributes<'_>, failure: Option<&Failure>, outcome: Outcome) {
    match failure {
        Some(failure) => attributes.text("error.type", failure.kind),
        None if outcome == Outcome::Cancelled => attributes.text("error.type", "cancelled"),
        None => {}
    }
}

/// A refused request is the caller's error and not the server's, as the HTTP conventions have it; an answer
/// that broke after it had begun is the server's, although its status was 200.
fn server_status(record: &CallRecord) -> Option<Status<'_>> {
    match &record.failure {
        Some(failure) if !(400..500).contains(&record.status) => Some(error_status(failure)),
        _ => neutral(record.outcome),
    }
}

/// A caller that hangs up is no error of anybody's, but worth saying.
fn neutral(outcome: Outcome) -> Option<Status<'static>> {
    (outcome == Outcome::Cancelled).then_some(Status {
        is_error: false,
        message: "cancelled: the caller closed the connection",
    })
}

/// Nor is one that another answered first.
fn unfinished(attempt: &AttemptRecord, outcome: Outcome) -> Option<Status<'static>> {
    if attempt.decision != OUTRUN {
        return neutral(outcome);
    }
    Some(Status {
        is_error: false,
        message: "ended: another attempt answered first",
    })
}

fn error_status(failure: &Failure) -> Status<'_> {
    Status {
        is_error: true,
        message: &failure.message,
    }
}
