//! One frame of a stream: what kind it is, and what it adds to the answer. The frame itself is forwarded as
//! it came.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{self, ProviderError};
use super::reply::{Reply, WireChoice};
use super::usage::WireUsage;
use crate::sse;
use brokle_model::price::Mode;

/// What a frame means for the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A comment, or a frame without data.
    Comment,
    /// The stream's proper end.
    Done,
    /// The provider failed, after it had answered 200.
    Error(ProviderError),
    /// Says that an answer begins, and nothing of it yet.
    Startup,
    /// A piece of the answer.
    Content,
    /// The extra chunk that carries usage alone.
    Usage,
    /// Data that is not JSON.
    Malformed,
}

/// A chunk, or a whole body: they differ in one field's name.
#[derive(Deserialize)]
struct WireChunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Option<Vec<WireChoice<'a>>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    x_groq: Option<GroqExtra<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct GroqExtra<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// The little that a plain answer's headers need.
#[derive(Deserialize)]
struct WireHead<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads a frame and adds what it says to `reply`.
pub(crate) fn inspect(frame: &[u8], reply: &mut Reply) -> Frame {
    let event = sse::parse(frame);
    let Some(data) = event.data else {
        return Frame::Comment;
    };
    match data.trim_ascii() {
        b"" => Frame::Comment,
        b"[DONE]" => Frame::Done,
        json if event.name == Some(b"error") => Frame::Error(failure(json)),
        json => inspect_json(json, reply),
    }
}

fn inspect_json(json: &[u8], reply: &mut Reply) -> Frame {
    let Ok(chunk) = serde_json::from_slice::<WireChunk<'_>>(json) else {
        // A chunk of a shape not known here is still the caller's, as long as it is JSON.
        let valid = serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok();
        return if valid { Frame::Content } else { Frame::Malformed };
    };
    if chunk.error.is_some() {
        return Frame::Error(failure(json));
    }
    absorb(&chunk, reply);
    let choices = chunk.choices.as_deref().unwrap_or_default();
    if choices.iter().any(WireChoice::has_content) {
        Frame::Content
    } else if choices.is_empty() && chunk.usage.is_some() {
        Frame::Usage
    } else {
        Frame::Startup
    }
}

fn absorb(chunk: &WireChunk<'_>, reply: &mut Reply) {
    reply.identify(chunk.id.as_deref(), chunk.model.as_deref());
    reply.tell_tier(chunk.service_tier.as_deref());
    for choice in chunk.choices.iter().flatten() {
        reply.absorb(choice);
    }
    let usage = chunk
        .usage
        .or(chunk.x_groq.as_ref().and_then(|extra| extra.usage));
    if let Some(usage) = usage.and_then(read_usage) {
        reply.usage = Some(usage);
    }
}

fn read_usage(raw: &RawValue) -> Option<brokle_model::usage::TokenUsage> {
    serde_json::from_str::<WireUsage>(raw.get()).ok().map(Into::into)
}

fn failure(json: &[u8]) -> ProviderError {
    let value: serde_json::Value = serde_json::from_slice(json)
        .unwrap_or_else(|_| serde_json::Value::String(String::from_utf8_lossy(json).into_owned()));
    error::from_value(value.get("error").unwrap_or(&value))
}

/// What a plain answer with status 200 turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// An answer: the model that gave it and what it used.
    Answer {
        model: Option<String>,
        usage: Option<brokle_model::usage::TokenUsage>,
        /// How the call was made, where that has a price of its own.
        mode: Mode,
    },
    /// An error in a 200's clothes.
    Error(ProviderError),
    /// Not JSON.
    Malformed,
}

/// Reads the little of a plain answer that its headers need; the rest is only skipped over.
pub(crate) fn head(body: &[u8]) -> Head {
    match serde_json::from_slice::<WireHead<'_>>(body) {
        Ok(WireHead { error: Some(_), .. }) => Head::Error(failure(body)),
        Ok(head) => Head::Answer {
            model: head.model.map(Cow::into_owned),
            usage: head.usage.and_then(read_usage),
            mode: Mode::of_service_tier(head.service_tier.as_deref().unwrap_or_default().as_bytes()),
        },
        Err(_) => Head::Malformed,
    }
}

/// Reads a whole plain answer for the spans.
pub(crate) fn whole(body: &[u8], budget: usize) -> Reply {
    let mut reply = Reply::new(budget);
    if let Ok(chunk) = serde_json::from_slice::<WireChunk<'_>>(body) {
        absorb(&chunk, &mut reply);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(json: &str, reply: &mut Reply) -> Frame {
        inspect(format!("data: {json}\n\n").as_bytes(), reply)
    }

    #[test]
    fn frames_are_told_apart() {
        let mut reply = Reply::new(100);
        let mut kind = |text: &str| inspect(text.as_bytes(), &mut reply);
        assert_eq!(kind(": OPENROUTER PROCESSING\n\n"), Frame::Comment);
        assert_eq!(kind("event: ping\ndata:\n\n"), Frame::Comment);
        assert_eq!(kind("data:[DONE]\r\n\r\n"), Frame::Done);
        assert_eq!(kind("data: {oops\n\n"), Frame::Malformed);
        assert_eq!(
            kind("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"),
            Frame::Startup
        );
        assert_eq!(
            kind("data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n"),
            Frame::Startup
        );
        assert_eq!(
            kind("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
            Frame::Content
        );
        assert_eq!(kind("data: {\"choices\":\"odd\"}\n\n"), Frame::Content);
        assert_eq!(
            kind("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n"),
            Frame::Usage
        );
        assert!(matches!(
            kind("data: {\"error\":{\"message\":\"x\"}}\n\n"),
            Frame::Error(_)
        ));
        assert!(matches!(
            kind("event: error\ndata: {\"message\":\"x\"}\n\n"),
            Frame::Error(_)
        ));
    }

    #[test]
    fn interleaved_parallel_tool_calls_are_put_together() {
        let mut reply = Reply::new(1000);
        for call in [
            r#"{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":""}}"#,
            r#"{"index":1,"id":"c1","type":"function","function":{"name":"g","arguments":""}}"#,
            r#"{"index":0,"function":{"arguments":"{\"a\""}}"#,
            r#"{"index":1,"function":{"arguments":"{}"}}"#,
            r#"{"index":0,"function":{"arguments":":1}"}}"#,
        ] {
            let json = format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{call}]}}}}]}}"#);
            assert_eq!(frame(&json, &mut reply), Frame::Content);
        }
        let calls: Vec<_> = reply.choices[0]
            .tool_calls
            .iter()
            .map(|call| (call.id.as_deref(), call.name.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(calls, [(Some("c0"), "f", "{\"a\":1}"), (Some("c1"), "g", "{}")]);
    }

    #[test]
    fn usage_is_taken_from_any_chunk_and_the_last_one_wins() {
        let mut reply = Reply::new(0);
        for json in [
            r#"{"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null,"x_groq":{"usage":{"prompt_tokens":2,"completion_tokens":7}}}"#,
        ] {
            frame(json, &mut reply);
        }
        let usage = reply.usage.unwrap();
        assert_eq!((usage.input, usage.output), (2, 7));
        assert!(reply.is_complete());
    }

    #[test]
    fn text_beyond_the_budget_is_counted_and_not_kept() {
        let mut reply = Reply::new(5);
        frame(r#"{"choices":[{"delta":{"content":"ééé"}}]}"#, &mut reply);
        frame(r#"{"choices":[{"delta":{"content":"z"}}]}"#, &mut reply);
        assert_eq!((reply.choices[0].text.as_str(), reply.dropped), ("éé", 3));
    }

    #[test]
    fn a_body_reads_like_its_chunks() {
        let body =
            br#"{"id":"c1","model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":null,
            "reasoning_content":"hm","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},
            {"id":"b","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
        let reply = whole(body, 1000);
        assert_eq!(reply.choices[0].tool_calls.len(), 2);
        assert_eq!(reply.choices[0].reasoning, "hm");
        assert_eq!(reply.finish_reasons(), ["tool_calls"]);
        assert!(matches!(head(body), Head::Answer { usage: Some(_), .. }));
        assert!(matches!(head(br#"{"error":{"message":"no"}}"#), Head::Error(_)));
        assert_eq!(head(b"<html>"), Head::Malformed);
    }

    #[test]
    fn content_in_parts_is_text_and_thought() {
        let mut reply = Reply::new(100);
        let json = r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"hi"}]}}]}"#;
        assert_eq!(frame(json, &mut reply), Frame::Content);
        assert_eq!(
            (
                reply.choices[0].text.as_str(),
                reply.choices[0].reasoning.as_str()
            ),
            ("hi", "hm")
        );
    }
}
