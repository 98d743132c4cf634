//! The table of calls.

use super::{Kind, Moment, Peculiar, Way, Who};

const CHAT: &str = "/v1/chat/completions";
pub(super) const MESSAGES: &str = "/v1/messages";
pub(super) const RESPONSES: &str = "/v1/responses";
pub(super) const EMBEDDINGS: &str = "/v1/embeddings";

const GOOD: Kind = Kind {
    name: "",
    share: 0,
    path: CHAT,
    models: &["steady/gpt-4o-mini"],
    way: Way::Whole,
    who: Who::Member,
    peculiar: Peculiar::Nothing,
    expected: &[200],
};

/// Providers that misbehave, in front of one that does not.
const RECOVERING: [&str; 8] = [
    "after-500",
    "after-429",
    "after-html",
    "after-cut-early",
    "after-200-then-error",
    "after-malformed",
    "after-slow",
    "after-429-long",
];
/// The misbehaviours of [`RECOVERING`], as models.
pub(in crate::soak) const FAULTS: [&str; 8] = [
    "mock-500",
    "mock-429",
    "mock-html",
    "mock-cut-early",
    "mock-200-then-error",
    "mock-malformed",
    "mock-slow",
    "mock-429-long",
];
const FAILING: [&str; 9] = [
    "steady/mock-500",
    "steady/mock-429",
    "claude/mock-503",
    "steady/mock-html",
    "steady/mock-cut",
    "claude/mock-cut",
    "steady/mock-malformed",
    "steady/mock-429-long",
    "steady/mock-hang-body",
];
const FAILING_STREAMS: [&str; 12] = [
    "steady/mock-cut",
    "claude/mock-cut",
    "steady/mock-cut-frame",
    "steady/mock-end-early",
    "steady/mock-error-after-content",
    "claude/mock-error-after-content",
    "steady/mock-malformed-later",
    "steady/mock-200-then-error",
    "steady/mock-missing-done",
    "steady/mock-hang",
    "steady/mock-stall",
    "steady/mock-500",
];

/// All kinds.
pub(in crate::soak) const KINDS: [Kind; 31] = [
    kind("chat", 300, &["steady/gpt-4o-mini"], Way::Whole),
    kind("chat, stream", 220, &["steady/gpt-4o-mini"], Way::Stream),
    Kind {
        peculiar: Peculiar::Tools,
        ..kind("chat, tools", 40, &["steady/gpt-4o-mini"], Way::Whole)
    },
    Kind {
        peculiar: Peculiar::Tools,
        ..kind("chat, tools, stream", 20, &["claude/mock-a"], Way::Stream)
    },
    kind("chat to Anthropic's format", 30, &["claude/mock-a"], Way::Whole),
    kind(
        "chat to Anthropic's format, stream",
        30,
        &["claude/mock-a"],
        Way::Stream,
    ),
    at(MESSAGES, kind("messages", 20, &["claude/mock-a"], Way::Whole)),
    at(
        MESSAGES,
        kind("messages, stream", 20, &["claude/mock-a"], Way::Stream),
    ),
    at(
        MESSAGES,
        kind(
            "messages to OpenAI's format",
            30,
            &["steady/gpt-4o-mini"],
            Way::Whole,
        ),
    ),
    at(
        MESSAGES,
        kind(
            "messages to OpenAI's format, stream",
            30,
            &["steady/gpt-4o-mini"],
            Way::Stream,
        ),
    ),
    at(
        RESPONSES,
        kind("responses", 15, &["native/gpt-4o-mini"], Way::Whole),
    ),
    at(
        RESPONSES,
        kind("responses, stream", 15, &["native/gpt-4o-mini"], Way::Stream),
    ),
    at(
        RESPONSES,
        kind(
            "responses to chat completions",
            20,
            &["steady/gpt-4o-mini"],
            Way::Whole,
        ),
    ),
    at(
        RESPONSES,
        kind(
            "responses to Anthropic's format, stream",
            15,
            &["claude/mock-a"],
            Way::Stream,
        ),
    ),
    at(
        EMBEDDINGS,
        kind("embeddings", 50, &["steady/mock-embedding"], Way::Whole),
    ),
    Kind {
        peculiar: Peculiar::Cached,
        ..kind("kept answers", 60, &["steady/gpt-4o-mini"], Way::Whole)
    },
    Kind {
        peculiar: Peculiar::Cached,
        ..kind("kept answers, stream", 30, &["steady/gpt-4o-mini"], Way::Stream)
    },
    kind("two providers, one of them shaky", 60, &["pair"], Way::Whole),
    kind(
        "two providers, one of them shaky, stream",
        30,
        &["pair"],
        Way::Stream,
    ),
    kind("a failure, then an answer", 40, &RECOVERING, Way::Whole),
    kind("a failure, then a stream", 30, &RECOVERING, Way::Stream),
    Kind {
        expected: &[],
        ..kind("nothing but failures", 25, &FAILING, Way::Whole)
    },
    Kind {
        expected: &[],
        ..kind("streams that break", 30, &FAILING_STREAMS, Way::Stream)
    },
    Kind {
        expected: &[499],
        ..kind(
            "hang-up, plain",
            12,
            &["steady/mock-hang"],
            Way::HangUp(Moment::Plain),
        )
    },
    Kind {
        expected: &[499],
        ..kind(
            "hang-up before the first token",
            12,
            &["steady/mock-hang"],
            Way::HangUp(Moment::BeforeFirstToken),
        )
    },
    Kind {
        expected: &[499],
        ..kind(
            "hang-up in mid-stream",
            16,
            &["steady/mock-endless", "claude/mock-stall", "steady/mock-stall"],
            Way::HangUp(Moment::MidStream),
        )
    },
    kind("slow reader", 4, &["steady/mock-giant"], Way::Slow),
    Kind {
        who: Who::Revoked,
        expected: &[401],
        ..kind("revoked key", 12, &["steady/gpt-4o-mini"], Way::Whole)
    },
    Kind {
        peculiar: Peculiar::Broken,
        expected: &[400],
        ..kind("bad body", 12, &["steady/gpt-4o-mini"], Way::Whole)
    },
    Kind {
        expected: &[404],
        ..kind("unknown model", 8, &["nobody/knows"], Way::Whole)
    },
    Kind {
        who: Who::Limited,
        expected: &[200, 429],
        ..kind("over a limit", 15, &["steady/gpt-4o-mini"], Way::Whole)
    },
];

const fn kind(name: &'static str, share: u32, models: &'static [&'static str], way: Way) -> Kind {
    Kind {
        name,
        share,
        models,
        way,
        ..GOOD
    }
}

const fn at(path: &'static str, kind: Kind) -> Kind {
    Kind { path, ..kind }
}
