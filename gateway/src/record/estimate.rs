//! What an attempt used when its provider never said: a stream that was cut, or a caller who went away. Counted by our own
//! tokenizer, and told as an estimate.
//!
//! Text is counted; what is not text goes by a rule: a picture is 765 tokens (what a square of 1024 is to OpenAI's
//! models), 1,600 to Anthropic's (its bound) and 258 to Google's; sound is 32 tokens a second at 16 kB a second. Documents
//! are not counted. Each message costs four tokens more, and a request three. Counting takes time for long texts, so it is
//! done away from callers.

use brokle_model::usage::TokenUsage;

use super::{Answer, AttemptRecord, CallRecord, OUTRUN};
use crate::dialect::openai::reply::{Choice, Reply};
use crate::guard::{self, Weighed};
use crate::tokens;

const MESSAGE_TOKENS: u64 = 4;
const REQUEST_TOKENS: u64 = 3;
const SOUND_BYTES_A_SECOND: u64 = 16_000;
const SOUND_TOKENS_A_SECOND: u64 = 32;

/// Whether an attempt's use has to be estimated.
pub(super) fn is_needed(record: &CallRecord) -> bool {
    record.attempts.iter().any(is_unsaid)
}

fn is_unsaid(attempt: &AttemptRecord) -> bool {
    match &attempt.answer {
        // What was said of use before the end is not all of it.
        Answer::Streamed(reply) => reply.usage.is_none() || !reply.is_complete(),
        // The provider had the request and was at work.
        Answer::Nothing => attempt.decision == "cancelled" || attempt.decision == OUTRUN,
        Answer::Body(_) => false,
    }
}

/// Estimates what providers did not say.
pub(super) fn fill(record: &mut CallRecord) {
    let asked = record
        .request
        .as_ref()
        .map(|request| guard::weigh(record.door, &request.body))
        .unwrap_or_default();
    for attempt in record.attempts.iter_mut().filter(|attempt| is_unsaid(attempt)) {
        let (vendor, model) = (attempt.provider.vendor.as_str(), attempt.model.as_str());
        let usage = match &attempt.answer {
            Answer::Streamed(reply) => of_stream(reply, || input(&asked, vendor, model), model),
            _ => TokenUsage {
                input: input(&asked, vendor, model),
                ..TokenUsage::default()
            },
        };
        attempt.estimate = Some(usage);
    }
}

fn of_stream(reply: &Reply, input: impl Fn() -> u64, model: &str) -> TokenUsage {
    let said = output(reply, model);
    match reply.usage {
        // Some providers tell the input at the start, and the output as it grows.
        Some(told) => TokenUsage {
            output: told.output.max(said),
            ..told
        },
        None => TokenUsage {
            input: input(),
            output: said,
            ..TokenUsage::default()
        },
    }
}

fn input(asked: &Weighed, vendor: &str, model: &str) -> u64 {
    let texts: u64 = asked.texts.iter().map(|text| tokens::count(text, model)).sum();
    let seconds = asked.sound_bytes.div_ceil(SOUND_BYTES_A_SECOND);
    texts
        + asked.messages * MESSAGE_TOKENS
        + REQUEST_TOKENS
        + asked.pictures * picture_tokens(vendor)
        + seconds * SOUND_TOKENS_A_SECOND
}

fn picture_tokens(vendor: &str) -> u64 {
    match vendor {
        "anthropic" | "aws.bedrock" => 1_600,
        vendor if vendor.starts_with("gcp.") => 258,
        _ => 765,
    }
}

/// What was said, and what was said and not kept.
fn output(reply: &Reply, model: &str) -> u64 {
    let of_choice = |choice: &Choice| {
        let calls = choice.tool_calls.iter();
        let calls: u64 = calls
            .map(|call| tokens::count(&call.name, model) + tokens::count(&call.arguments, model))
            .sum();
        let texts = [&choice.text, &choice.reasoning, &choice.refusal];
        calls + texts.iter().map(|text| tokens::count(text, model)).sum::<u64>()
    };
    reply.choices.iter().map(of_choice).sum::<u64>() + crate::cost::assumed_tokens(reply.dropped)
}
