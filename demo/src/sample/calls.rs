//! Calls of the gateway, as programs make them that know no telemetry at all, or only their own.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::conversation::{message, text};
use super::draft::{Draft, SERVER, SpanId};
use super::stories::{self, Story, Turn};

const INSTRUCTION: &str = "You write for the web chat of Kestrel Cycles. Two sentences, no lists.";

/// One call, ready to be sent.
pub struct Call {
    /// The request's body.
    pub body: Value,
    /// `X-Environment`.
    pub environment: &'static str,
    /// `X-User-Id`.
    pub user: String,
    /// `X-Session-Id`.
    pub session: String,
    /// The span that the call is made in, when the program records its own.
    pub caller: Option<Caller>,
}

/// A program's own span around a call.
pub struct Caller {
    draft: Draft,
    span: SpanId,
}

impl Caller {
    /// What the call carries, so that both sides become one trace.
    pub fn traceparent(&self) -> String {
        self.draft.traceparent(&self.span)
    }

    /// The program's trace, when the call has taken `took`.
    pub(crate) fn finish(mut self, took: Duration) -> Draft {
        self.draft.end(&self.span, took).succeeded();
        self.draft
    }
}

/// What a call is to show.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Answered at once, whole or streamed.
    Plain,
    /// Under a span of the caller's own.
    Traced,
    /// The first target refuses, the next one answers.
    Fallback,
    /// The provider fails for good.
    Failure,
}

const OPENING: [(Kind, bool); 8] = [
    (Kind::Plain, false),
    (Kind::Fallback, false),
    (Kind::Plain, true),
    (Kind::Traced, true),
    (Kind::Fallback, true),
    (Kind::Plain, true),
    (Kind::Traced, false),
    (Kind::Failure, false),
];

/// One call of each sort, for the start.
pub(super) fn opening(random: &mut StdRng) -> Vec<Call> {
    OPENING
        .iter()
        .filter_map(|(kind, stream)| call(random, *kind, *stream))
        .collect()
}

/// Any call.
pub(super) fn any(random: &mut StdRng) -> Option<Call> {
    let kind = match random.random_range(0..100) {
        0..50 => Kind::Plain,
        50..76 => Kind::Traced,
        76..95 => Kind::Fallback,
        _ => Kind::Failure,
    };
    let stream = random.random_bool(0.6);
    call(random, kind, stream)
}

fn call(random: &mut StdRng, kind: Kind, stream: bool) -> Option<Call> {
    let story = stories::all().nth(random.random_range(0..stories::COUNT))?;
    let turn = story.turns.choose(random)?;
    let model = match kind {
        Kind::Plain => *["fast", "fast", "demo/gpt-4o-mini", "demo/gpt-4.1"].choose(random)?,
        Kind::Traced => "fast",
        Kind::Fallback => "resilient",
        Kind::Failure => "demo/mock-503",
    };
    let environment = if random.random_bool(0.75) {
        "production"
    } else {
        "staging"
    };
    let user = format!("customer-{}", 1_040 + random.random_range(0..36));
    let session = format!("web-{:08x}", random.random::<u32>());
    let caller = matches!(kind, Kind::Traced).then(|| caller(random, turn, environment, [&user, &session]));
    Some(Call {
        body: body(story, turn, model, stream),
        environment,
        user,
        session,
        caller,
    })
}

fn body(story: &Story, turn: &Turn, model: &str, stream: bool) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": turn.question},
        ],
        "temperature": 0.2,
        "max_completion_tokens": 400,
        "metadata": {"trace_name": "web chat", "tags": format!("web-chat,{}", story.topic)},
    });
    if stream {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

fn caller(random: &mut StdRng, turn: &Turn, environment: &'static str, [user, session]: [&str; 2]) -> Caller {
    let mut draft = Draft::new(random, "web-chat", "3.0.4", environment);
    draft.say_always("user.id", user);
    draft.say_always("session.id", session);
    let asked = message("user", [text(turn.question)]);
    let span = draft
        .span(random, "answer visitor", SERVER, None, [Duration::ZERO; 2])
        .text("gen_ai.operation.name", "invoke_agent")
        .text("gen_ai.agent.name", "web chat")
        .json("gen_ai.input.messages", &json!([asked]))
        .json(
            "gen_ai.output.messages",
            &json!([message("assistant", [text(turn.answer)])]),
        )
        .id();
    Caller { draft, span }
}
