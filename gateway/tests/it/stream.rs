//! The contract of streams, point by point as far as this wire format goes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{DEADLINE, Stage, Streamed, attribute, header, parsed, streamed};

/// As long as this without a frame, and the provider is being held back.
const QUIET: Duration = Duration::from_millis(500);
const EXPECTED: &str = "You said: hello – naïve café 🦀, in other words.";

/// Patient with a busy machine.
async fn stage() -> Stage {
    Stage::new().await
}

/// Runs out of patience while a test waits.
async fn hurried() -> Stage {
    Stage::with("[timeouts]\nfirst_token_ms = 1000\nidle_ms = 1000\nkeepalive_ms = 200").await
}

async fn spans_say(stage: &Stage, stream: &Streamed, key: &str) -> Value {
    let spans = stage.sink.trace(stream.trace_id()).await;
    attribute(&spans[1], key)
}

/// Point 1.
#[tokio::test]
async fn usage_is_always_asked_for_and_hidden_from_callers_who_did_not_ask() {
    let stage = stage().await;
    let stream = stage.stream("mock/mock-a").await;
    assert_eq!(
        stage.provider.requests()[0].json()["stream_options"],
        json!({ "include_usage": true })
    );
    assert!(
        stream
            .chunks()
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk["choices"] != json!([]))
    );
    assert_eq!((stream.text().as_str(), stream.done_marks()), (EXPECTED, 1));
    assert!(
        spans_say(&stage, &stream, "gen_ai.usage.input_tokens")
            .await
            .as_u64()
            .unwrap()
            > 0
    );
}

/// Point 2.
#[tokio::test]
async fn usage_chunk_comes_last_to_callers_who_asked() {
    let stage = stage().await;
    let mut body = streamed("mock/mock-a");
    body["stream_options"] = json!({ "include_usage": true });
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(last["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
    assert_eq!(stream.data().last(), Some(&"[DONE]"));
}

/// Point 3.
#[tokio::test]
async fn usage_is_found_on_whatever_chunk_it_comes() {
    let stage = stage().await;
    for model in ["mock/mock-usage-on-last", "mock/mock-groq-usage", "mock/mock-a"] {
        let stream = stage.stream(model).await;
        assert_eq!(stream.text(), EXPECTED);
        assert_eq!(
            spans_say(&stage, &stream, "gen_ai.usage.output_tokens").await,
            json!(14),
            "{model}"
        );
    }
}

/// Point 4.
#[tokio::test]
async fn frames_survive_every_way_of_cutting_and_ending_lines() {
    let stage = stage().await;
    for model in ["split-utf8", "crlf", "no-space", "fields", "no-blank-line"] {
        let stream = stage.stream(&format!("mock/mock-{model}")).await;
        assert_eq!(
            (stream.text().as_str(), stream.done_marks()),
            (EXPECTED, 1),
            "{model}"
        );
        let spans = stage.sink.trace(stream.trace_id()).await;
        assert_eq!(
            parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
            EXPECTED,
            "{model}"
        );
    }
}

/// Point 4: what was cut is put together again and otherwise left alone.
#[tokio::test]
async fn stream_is_forwarded_byte_for_byte() {
    let stage = stage().await;
    let mut body = streamed("mock/mock-fields");
    body["stream_options"] = json!({ "include_usage": true });
    let through = Streamed::read(stage.send(&body).await).await.raw;
    body["model"] = json!("mock-fields");
    let direct = stage
        .client
        .post(format!("{}/chat/completions", stage.provider.base_url()))
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(
        through,
        direct
            .text()
            .await
            .unwrap()
            .replace("chatcmpl-fake-1", "chatcmpl-fake-0")
    );
}

/// Point 5.
#[tokio::test]
async fn comments_are_not_parsed_and_pass() {
    let stage = stage().await;
    let stream = stage.stream("mock/mock-keepalive").await;
    assert_eq!((stream.text().as_str(), stream.done_marks()), (EXPECTED, 1));
    assert!(stream.raw.contains(": FAKE PROCESSING\n\n"));
    assert_eq!(
        spans_say(&stage, &stream, "gen_ai.response.finish_reasons").await,
        json!(["stop"])
    );
}

/// Point 5: our own comments, once the headers are out.
#[tokio::test]
async fn caller_is_kept_awake_while_the_provider_is_silent() {
    let stage = hurried().await;
    let stream = stage.stream("mock/mock-stall").await;
    assert!(stream.raw.contains(": keepalive\n\n"));
}

/// Point 6.
#[tokio::test]
async fn done_is_sent_exactly_once_whatever_the_provider_does() {
    let stage = stage().await;
    for model in ["mock/mock-missing-done", "mock/mock-double-done"] {
        let stream = stage.stream(model).await;
        assert_eq!(
            (stream.text().as_str(), stream.done_marks()),
            (EXPECTED, 1),
            "{model}"
        );
        assert_eq!(
            spans_say(&stage, &stream, "brokle.gateway.outcome").await,
            "answered",
            "{model}"
        );
    }
}

/// Points 6 and 12.
#[tokio::test]
async fn stream_that_ends_before_its_finish_is_an_error_without_done() {
    let stage = stage().await;
    for model in ["mock/mock-end-early", "mock/mock-cut", "mock/mock-cut-frame"] {
        let stream = stage.stream(model).await;
        assert_eq!((stream.status, stream.done_marks()), (200, 0), "{model}");
        assert_eq!(stream.error()["code"], "provider_error", "{model}");
        assert!(EXPECTED.starts_with(&stream.text()) && !stream.text().is_empty());
    }
}

/// Points 7 and 8.
#[tokio::test]
async fn parallel_tool_calls_stream_interleaved_and_are_recorded_whole() {
    let stage = stage().await;
    let mut body = streamed("mock/mock-reason");
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": {} } });
    body["tools"] = json!([tool("find"), tool("open")]);
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["id"] == chunks[0]["id"] && chunk["model"] == chunks[0]["model"])
    );
    let spans = stage.sink.trace(stream.trace_id()).await;
    let message = parsed(&spans[1], "gen_ai.output.messages")[0].clone();
    assert_eq!(message["finish_reason"], "tool_calls");
    let part = |name: &str, index: u64| {
        json!({ "type": "tool_call", "id": format!("call_{index}"), "name": name,
                "arguments": { "query": format!("naïve {index}") } })
    };
    assert_eq!(
        message["parts"][0],
        json!({ "type": "reasoning", "content": "The caller wrote 5 bytes." })
    );
    assert_eq!(message["parts"][1], part("find", 0));
    assert_eq!(message["parts"][2], part("open", 1));
    assert!(
        attribute(&spans[1], "gen_ai.usage.reasoning.output_tokens")
            .as_u64()
            .unwrap()
            > 0
    );
}

/// Point 12.
#[tokio::test]
async fn error_after_content_is_passed_on_and_recorded_with_what_came_before() {
    let stage = stage().await;
    let stream = stage.stream("mock/mock-error-after-content").await;
    assert_eq!(
        (stream.error()["message"].as_str(), stream.done_marks()),
        (Some("The engine is overloaded"), 0)
    );
    let spans = stage.sink.trace(stream.trace_id()).await;
    for span in &spans {
        assert_eq!(span.status.as_ref().unwrap().code, 2);
        assert_eq!(span.status.as_ref().unwrap().message, "The engine is overloaded");
    }
    assert_eq!(
        parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
        "You said: hello "
    );
    assert_eq!(
        stage.provider.requests().len(),
        1,
        "nothing is repeated once the caller has a byte"
    );
}

/// Point 12: a frame that is not JSON is an error too.
#[tokio::test]
async fn frame_that_is_not_json_ends_the_stream() {
    let stage = stage().await;
    let stream = stage.stream("mock/mock-malformed-later").await;
    assert_eq!(
        (stream.error()["code"].as_str(), stream.done_marks()),
        (Some("malformed_answer"), 0)
    );
    assert!(!stream.raw.contains("oops"));
}

/// Point 14.
#[tokio::test]
async fn first_token_idle_and_total_are_three_different_limits() {
    let stage = hurried().await;
    for model in ["mock/mock-hang", "mock/mock-hang-body"] {
        let response = stage.send(&streamed(model)).await;
        assert_eq!(response.status(), 504, "{model}");
        assert_eq!(
            response.json::<Value>().await.unwrap()["error"]["code"],
            "timeout"
        );
    }
    let idle = stage.stream("mock/mock-stall").await;
    assert_eq!(
        (idle.status, idle.error()["code"].as_str()),
        (200, Some("timeout"))
    );

    let strict = Stage::with("[timeouts]\ntotal_ms = 1000").await;
    let endless = strict.stream("mock/mock-endless").await;
    assert_eq!(endless.error()["code"], "timeout");
    assert!(endless.error()["message"].as_str().unwrap().contains("longer"));
}

/// Point 15.
#[tokio::test]
async fn each_frame_is_flushed_as_it_comes() {
    let stage = stage().await;
    let mut response = stage.send(&streamed("mock/mock-endless")).await;
    assert_eq!(header(response.headers(), "cache-control"), "no-cache");
    assert_eq!(header(response.headers(), "x-accel-buffering"), "no");
    assert!(header(response.headers(), "content-type").starts_with("text/event-stream"));
    let mut seen = String::new();
    while !seen.contains("word 3 ") {
        let piece = tokio::time::timeout(DEADLINE, response.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        seen.push_str(std::str::from_utf8(&piece).unwrap());
    }
}

/// Point 16.
#[tokio::test]
async fn slow_caller_slows_the_provider_down() {
    let stage = stage().await;
    let mut response = stage.send(&streamed("mock/mock-firehose")).await;
    response.chunk().await.unwrap();
    // Unread, the sockets' buffers fill up, and then nothing more is taken from the provider.
    let stopped = async {
        let mut taken = 0;
        while let Some(request) = stage
            .provider
            .wait_for(QUIET, |request| request.frames_taken > taken)
            .await
        {
            taken = request.frames_taken;
        }
        taken
    };
    let taken = tokio::time::timeout(DEADLINE, stopped)
        .await
        .expect("the provider is held back");
    assert!((1..2000).contains(&taken), "{taken} frames of 64 KiB");
    let mut read = 0;
    while read < 4 << 20 {
        read += response.chunk().await.unwrap().unwrap().len();
    }
    let more = stage
        .provider
        .wait_for(DEADLINE, |request| request.frames_taken > taken)
        .await;
    assert!(more.is_some(), "and goes on when the caller reads");
}

/// Points 19 and 20.
#[tokio::test]
async fn several_choices_are_relayed_and_recorded_apart() {
    let stage = stage().await;
    let mut body = streamed("mock/mock-a");
    body["n"] = json!(3);
    let stream = Streamed::read(stage.send(&body).await).await;
    assert_eq!((stream.text().as_str(), stream.done_marks()), (EXPECTED, 1));
    let spans = stage.sink.trace(stream.trace_id()).await;
    assert_eq!(attribute(&spans[1], "gen_ai.request.choice.count"), 3);
    let messages = parsed(&spans[1], "gen_ai.output.messages");
    let texts: Vec<_> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["parts"][0]["content"])
        .collect();
    assert_eq!(texts, [EXPECTED; 3]);
}

/// Point 23.
#[tokio::test]
async fn frame_of_megabytes_passes_and_one_beyond_the_limit_does_not() {
    let stage = stage().await;
    let stream = stage.stream("mock/mock-giant").await;
    assert_eq!(
        (stream.text().len(), stream.done_marks()),
        ((2 << 20) + EXPECTED.len(), 1)
    );

    let strict = Stage::with("[limits]\nframe_bytes_max = 100000").await;
    let refused = strict.send(&streamed("mock/mock-giant")).await;
    assert_eq!(refused.status(), 502);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["error"]["code"],
        "malformed_answer"
    );
}

/// Point 25.
#[tokio::test]
async fn compressed_stream_is_decompressed() {
    let stage = stage().await;
    let stream = stage.stream("mock/mock-gzip").await;
    assert_eq!(header(&stream.headers, "content-encoding"), "");
    assert_eq!((stream.text().as_str(), stream.done_marks()), (EXPECTED, 1));
}

#[tokio::test]
async fn whole_answer_to_a_streamed_request_is_a_failed_attempt() {
    let stage = stage().await;
    let response = stage.send(&streamed("mock/mock-plain")).await;
    assert_eq!(response.status(), 502);
}

#[tokio::test]
async fn connection_is_used_again_after_a_stream() {
    let stage = stage().await;
    for _ in 0..3 {
        assert_eq!(stage.stream("mock/mock-a").await.done_marks(), 1);
    }
    let hung_up = stage
        .provider
        .requests()
        .iter()
        .filter(|request| request.hung_up_at.is_some())
        .count();
    assert_eq!(hung_up, 0);
}

/// Point 14, for a caller that stays and reads nothing: nobody polls, and still the call ends.
#[tokio::test]
async fn call_of_a_caller_that_stops_reading_ends_in_time() {
    let stage = Stage::with("[timeouts]\ntotal_ms = 1500").await;
    let mut response = stage.send(&streamed("mock/mock-firehose")).await;
    response.chunk().await.unwrap();
    let closed = stage
        .provider
        .wait_for(DEADLINE, |request| request.hung_up_at.is_some())
        .await;
    assert!(closed.is_some(), "the provider's connection is closed");
    let spans = stage
        .sink
        .trace(header(response.headers(), "x-brokle-trace-id"))
        .await;
    assert_eq!(attribute(&spans[1], "error.type"), "timeout");
}

/// Point 21.
#[tokio::test]
async fn provider_that_refuses_stream_options_is_asked_without_them_and_remembered() {
    let stage = stage().await;
    for (calls, attempts) in [(2, "2"), (3, "1")] {
        let stream = stage.stream("mock/mock-no-stream-options").await;
        assert_eq!((stream.status, stream.done_marks()), (200, 1));
        assert_eq!(header(&stream.headers, "x-brokle-attempts"), attempts);
        assert_eq!(stage.provider.requests().len(), calls);
    }
    let mut body = streamed("mock/mock-no-stream-options");
    body["stream_options"] = json!({ "include_usage": true });
    assert_eq!(
        stage.send(&body).await.status(),
        400,
        "the caller's own wish is not dropped"
    );
}
