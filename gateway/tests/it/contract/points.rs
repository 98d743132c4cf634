//! What each point of the contract means, asked of a provider of one format.

use std::time::Duration;

use brokle_testkit::provider::FakeProvider;
use serde_json::{Value, json};

use super::{Verdict, goaway};
use crate::stage::{DEADLINE, GOOD_KEY, MemorySink, Stage, Streamed, attribute, header, parsed, streamed};

const EXPECTED: &str = "You said: hello – naïve café 🦀, in other words.";
/// As long as this without a frame, and the provider is being held back.
const QUIET: Duration = Duration::from_millis(500);
const HURRIED: &str =
    "[timeouts]\nfirst_token_ms = 1000\nidle_ms = 1000\nkeepalive_ms = 200\ntotal_ms = 5000\n";

/// Fails the cell with the condition's own words.
macro_rules! hold {
    ($condition:expr, $($place:tt)+) => {
        if !$condition {
            return Err(format!("{}: {}", stringify!($condition), format!($($place)+)));
        }
    };
}

pub(super) async fn check(point: u8, dialect: &'static str) -> Verdict {
    let is_text = dialect != "bedrock";
    let result = match point {
        1 => usage_is_hidden(dialect).await,
        2 => usage_comes_last(dialect).await,
        3 => usage_is_found(dialect).await,
        4 => cuts(dialect).await,
        5 => comments(dialect, is_text).await,
        6 => ends(dialect).await,
        7 => envelope(dialect).await,
        8 => tools(dialect).await,
        9 => blocks(dialect).await,
        10 => thinking(dialect).await,
        11 => before_content(dialect).await,
        12 => after_content(dialect).await,
        13 => hang_up(dialect).await,
        14 => timeouts(dialect).await,
        15 => flushed(dialect).await,
        16 => held_back(dialect).await,
        17 => not_repeated(dialect).await,
        18 => replayed(dialect).await,
        19 => choices(dialect).await,
        20 => beside_the_text(dialect).await,
        21 if dialect == "openai" => stream_options().await,
        21 => return None,
        22 => numbered(dialect).await,
        23 => giant(dialect).await,
        24 => shut(dialect).await,
        25 => gzip(dialect).await,
        _ => Err("there is no such point".to_owned()),
    };
    Some(result)
}

type Checked = Result<(), String>;

async fn stage(dialect: &str, extra: &str) -> Stage {
    Stage::with_second_dialect("other", dialect, extra).await
}

fn model(behaviour: &str) -> String {
    format!("other/mock-{behaviour}")
}

async fn stream(stage: &Stage, behaviour: &str) -> Streamed {
    stage.stream(&model(behaviour)).await
}

async fn span(stage: &Stage, stream: &Streamed, key: &str) -> Value {
    let spans = stage.sink.trace(stream.trace_id()).await;
    attribute(spans.last().unwrap(), key)
}

/// A call by another door than that of chats; gives what came.
async fn raw(stage: &Stage, path: &str, body: &Value) -> String {
    let request = stage.client.post(format!("{}{path}", stage.url));
    let request = request.bearer_auth(GOOD_KEY).body(body.to_string());
    request.send().await.unwrap().text().await.unwrap()
}

/// The events of a stream by name and data.
fn events(raw: &str) -> Vec<(String, Value)> {
    let frames = raw
        .split("\n\n")
        .filter(|frame| !frame.trim().is_empty() && !frame.starts_with(':'));
    let event = |frame: &str| {
        let line = |start: &str| frame.lines().find_map(|line| line.strip_prefix(start));
        let data = line("data:").unwrap_or_default();
        let name = line("event:").unwrap_or_default().trim().to_owned();
        (name, serde_json::from_str(data.trim()).unwrap_or_default())
    };
    frames.map(event).collect()
}

async fn usage_is_hidden(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let stream = stream(&stage, "a").await;
    hold!(stream.text() == EXPECTED, "{}", stream.raw);
    hold!(
        stream
            .chunks()
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk["choices"] != json!([])),
        "{}",
        stream.raw
    );
    let asked = stage.provider.requests()[0].json();
    let wanted = if dialect == "openai" {
        json!(true)
    } else {
        Value::Null
    };
    hold!(asked["stream_options"]["include_usage"] == wanted, "{asked}");
    hold!(
        span(&stage, &stream, "gen_ai.usage.input_tokens").await.as_u64() > Some(0),
        "no usage"
    );
    Ok(())
}

async fn usage_comes_last(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut body = streamed(&model("a"));
    body["stream_options"] = json!({ "include_usage": true });
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    let (last, others) = chunks.split_last().ok_or("there is no chunk")?;
    hold!(
        last["choices"] == json!([]) && last["usage"]["completion_tokens"] == 14,
        "{}",
        stream.raw
    );
    hold!(
        others.iter().all(|chunk| chunk["usage"].is_null()),
        "{}",
        stream.raw
    );
    hold!(stream.data().last() == Some(&"[DONE]"), "{}", stream.raw);
    Ok(())
}

async fn usage_is_found(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let shapes: &[&str] = if dialect == "openai" {
        &["usage-on-last", "groq-usage", "a"]
    } else {
        &["a"]
    };
    for shape in shapes {
        let stream = stream(&stage, shape).await;
        let output = span(&stage, &stream, "gen_ai.usage.output_tokens").await;
        hold!(output == json!(14), "{shape}: {output}");
    }
    Ok(())
}

async fn cuts(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    for way in ["split-utf8", "crlf", "no-space", "fields", "no-blank-line"] {
        let stream = stream(&stage, way).await;
        hold!(
            stream.text() == EXPECTED && stream.done_marks() == 1,
            "{way}: {}",
            stream.raw
        );
        let spans = stage.sink.trace(stream.trace_id()).await;
        let said = parsed(&spans[1], "gen_ai.output.messages");
        hold!(said[0]["parts"][0]["content"] == EXPECTED, "{way}: {said}");
    }
    Ok(())
}

async fn comments(dialect: &str, is_text: bool) -> Checked {
    let stage = stage(dialect, HURRIED).await;
    if is_text {
        let stream = stream(&stage, "keepalive").await;
        hold!(
            stream.text() == EXPECTED && stream.done_marks() == 1,
            "{}",
            stream.raw
        );
    }
    let stalled = stream(&stage, "stall").await;
    hold!(stalled.raw.contains(": keepalive\n\n"), "{}", stalled.raw);
    Ok(())
}

async fn ends(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let twice = stream(&stage, "double-done").await;
    hold!(
        twice.text() == EXPECTED && twice.done_marks() == 1,
        "{}",
        twice.raw
    );
    let missing = stream(&stage, "missing-done").await;
    // Of these two, the end mark is what says why the answer ended.
    if matches!(dialect, "responses" | "cohere") {
        hold!(
            missing.done_marks() == 0 && missing.error().is_object(),
            "{}",
            missing.raw
        );
    } else {
        hold!(
            missing.text() == EXPECTED && missing.done_marks() == 1,
            "{}",
            missing.raw
        );
    }
    for early in ["end-early", "cut", "cut-frame"] {
        let stream = stream(&stage, early).await;
        hold!(
            stream.status == 200 && stream.done_marks() == 0,
            "{early}: {}",
            stream.raw
        );
        hold!(stream.error().is_object(), "{early}: {}", stream.raw);
        hold!(EXPECTED.starts_with(&stream.text()), "{early}: {}", stream.raw);
    }
    Ok(())
}

async fn envelope(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let stream = stream(&stage, "a").await;
    let chunks = stream.chunks();
    for name in ["id", "created", "model"] {
        hold!(
            chunks.iter().all(|chunk| chunk[name] == chunks[0][name]),
            "{name}: {}",
            stream.raw
        );
        hold!(
            !chunks[0][name].is_null() && chunks[0][name] != "",
            "{name}: {}",
            stream.raw
        );
    }
    let choices: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]).collect();
    let roles = choices.iter().map(|choice| &choice["delta"]["role"]);
    let roles: Vec<_> = roles.filter(|role| !role.is_null()).collect();
    hold!(roles == [&json!("assistant")], "{roles:?}");
    hold!(choices[0]["delta"]["role"] == "assistant", "{}", stream.raw);
    let (last, others) = choices.split_last().ok_or("there is no chunk")?;
    hold!(last["finish_reason"] == "stop", "{}", stream.raw);
    hold!(
        others.iter().all(|choice| choice["finish_reason"].is_null()),
        "{}",
        stream.raw
    );
    Ok(())
}

fn two_tools() -> Value {
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } });
    json!([tool("weather"), tool("time")])
}

async fn tools(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut body = streamed(&model("a"));
    body["tools"] = two_tools();
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    let deltas = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"]);
    let calls: Vec<&Value> = deltas.filter_map(Value::as_array).flatten().collect();
    for (index, name) in [(0, "weather"), (1, "time")] {
        let of_call: Vec<_> = calls.iter().filter(|call| call["index"] == index).collect();
        let named: Vec<_> = of_call.iter().filter(|call| !call["id"].is_null()).collect();
        hold!(
            named.len() == 1 && named[0]["function"]["name"] == name,
            "{}",
            stream.raw
        );
        hold!(of_call[0]["id"] == named[0]["id"], "{}", stream.raw);
        let arguments = of_call
            .iter()
            .filter_map(|call| call["function"]["arguments"].as_str());
        let arguments: Value = serde_json::from_str(&arguments.collect::<String>()).unwrap_or_default();
        hold!(
            arguments == json!({ "query": format!("naïve {index}") }),
            "{}",
            stream.raw
        );
    }
    let last = chunks.last().ok_or("there is no chunk")?;
    hold!(
        last["choices"][0]["finish_reason"] == "tool_calls",
        "{}",
        stream.raw
    );
    Ok(())
}

async fn blocks(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let tool = |name: &str| json!({ "name": name, "input_schema": { "type": "object" } });
    let body = json!({ "model": model("reason"), "max_tokens": 50, "stream": true,
        "messages": [{ "role": "user", "content": "hello" }], "tools": [tool("weather"), tool("time")] });
    let raw = raw(&stage, "/v1/messages", &body).await;
    let events = events(&raw);
    let kinds: Vec<&str> = events
        .iter()
        .filter_map(|(_, data)| data["type"].as_str())
        .collect();
    hold!(
        kinds.first() == Some(&"message_start") && kinds.last() == Some(&"message_stop"),
        "{raw}"
    );
    let count = |wanted: &str| kinds.iter().filter(|kind| **kind == wanted).count();
    hold!(
        count("message_start") == 1 && count("message_delta") == 1,
        "{raw}"
    );
    hold!(
        count("content_block_start") == count("content_block_stop"),
        "{raw}"
    );
    let (mut open, mut next, mut inputs) = (None, 0, Vec::new());
    for (name, data) in &events {
        hold!(data["type"] == name.as_str(), "{name}: {data}");
        let index = data["index"].as_u64();
        match name.as_str() {
            "content_block_start" => {
                hold!(open.is_none() && index == Some(next), "{raw}");
                (open, next) = (index, next + 1);
                if data["content_block"]["type"] == "tool_use" {
                    inputs.push(String::new());
                }
            }
            "content_block_delta" => {
                hold!(index == open && open.is_some(), "{raw}");
                if let (Some(piece), Some(input)) =
                    (data["delta"]["partial_json"].as_str(), inputs.last_mut())
                {
                    input.push_str(piece);
                }
            }
            "content_block_stop" => {
                hold!(index == open && open.is_some(), "{raw}");
                open = None;
            }
            "message_delta" => {
                hold!(
                    open.is_none() && data["delta"]["stop_reason"] == "tool_use",
                    "{raw}"
                );
                hold!(data["usage"]["output_tokens"].as_u64() > Some(0), "{raw}");
            }
            _ => {}
        }
    }
    hold!(inputs.len() == 2, "{raw}");
    hold!(
        inputs
            .iter()
            .all(|input| serde_json::from_str::<Value>(input).is_ok()),
        "{raw}"
    );
    Ok(())
}

async fn thinking(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut body = streamed(&model("reason"));
    body["tools"] = two_tools();
    let stream = Streamed::read(stage.send(&body).await).await;
    let chunks = stream.chunks();
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    let thought: String = deltas
        .iter()
        .filter_map(|delta| delta["reasoning_content"].as_str())
        .collect();
    hold!(thought.starts_with("The caller wrote 5 bytes."), "{}", stream.raw);
    let (pointer, expected) = match dialect {
        "anthropic" | "bedrock" => ("/reasoning_details/0/signature", "c2lnbmVk"),
        "gemini" => ("/tool_calls/0/extra_content/google/thought_signature", "c2lnbmVk"),
        "responses" => ("/reasoning_details/0/data", "c2VhbGVk"),
        // These sign nothing.
        _ => return Ok(()),
    };
    let signed: Vec<_> = deltas
        .iter()
        .filter_map(|delta| delta.pointer(pointer)?.as_str())
        .collect();
    hold!(signed == [expected], "{}", stream.raw);
    Ok(())
}

async fn before_content(dialect: &str) -> Checked {
    let route = |name: &str, behaviour: &str| {
        format!(
            "[routes.{name}]\ntargets = [{{ provider = \"other\", model = \"mock-{behaviour}\" }}, \
             {{ provider = \"mock\", model = \"mock-b\" }}]\n"
        )
    };
    let routes = route("disguised", "200-then-error") + &route("plain", "503") + &route("early", "cut-early");
    let stage = stage(dialect, &routes).await;
    for name in ["disguised", "plain", "early"] {
        let stream = stage.stream(name).await;
        hold!(
            stream.text() == EXPECTED && stream.done_marks() == 1,
            "{name}: {}",
            stream.raw
        );
        hold!(
            header(&stream.headers, "x-brokle-provider") == "mock",
            "{name}: {:?}",
            stream.headers
        );
    }
    let refused = stage.send(&streamed(&model("429"))).await;
    hold!(refused.status() == 429, "{}", refused.status());
    Ok(())
}

async fn after_content(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let stream = stream(&stage, "error-after-content").await;
    hold!(
        stream.error()["message"]
            .as_str()
            .is_some_and(|said| said.contains("verloaded")),
        "{}",
        stream.raw
    );
    hold!(stream.done_marks() == 0, "{}", stream.raw);
    let spans = stage.sink.trace(stream.trace_id()).await;
    for span in &spans {
        hold!(
            span.status.as_ref().is_some_and(|status| status.code == 2),
            "{span:?}"
        );
    }
    let said = parsed(&spans[1], "gen_ai.output.messages");
    let said = said[0]["parts"][0]["content"].as_str().unwrap_or_default();
    hold!(EXPECTED.starts_with(said) && !said.is_empty(), "{said}");
    hold!(stage.provider.requests().len() == 1, "it was repeated");
    Ok(())
}

async fn hang_up(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut response = stage.send(&streamed(&model("endless"))).await;
    let trace = header(response.headers(), "x-brokle-trace-id").to_owned();
    response.chunk().await.map_err(|error| error.to_string())?;
    drop(response);
    let closed = stage
        .provider
        .wait_for(DEADLINE, |request| request.hung_up_at.is_some())
        .await;
    hold!(closed.is_some(), "the provider goes on");
    let spans = stage.sink.trace(&trace).await;
    hold!(
        attribute(&spans[0], "brokle.gateway.outcome") == "cancelled",
        "{:?}",
        spans[0]
    );
    hold!(
        attribute(&spans[0], "http.response.status_code") == 499,
        "{:?}",
        spans[0]
    );
    Ok(())
}

async fn timeouts(dialect: &str) -> Checked {
    let stage = stage(dialect, HURRIED).await;
    for silent in ["hang", "hang-body"] {
        let response = stage.send(&streamed(&model(silent))).await;
        hold!(response.status() == 504, "{silent}: {}", response.status());
    }
    let idle = stream(&stage, "stall").await;
    hold!(
        idle.status == 200 && idle.error()["code"] == "timeout",
        "{}",
        idle.raw
    );
    let endless = stream(&stage, "endless").await;
    let said = endless.error()["message"].clone();
    hold!(
        said.as_str().is_some_and(|said| said.contains("longer")),
        "{said}"
    );
    Ok(())
}

async fn flushed(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut response = stage.send(&streamed(&model("endless"))).await;
    for (name, value) in [("cache-control", "no-cache"), ("x-accel-buffering", "no")] {
        hold!(header(response.headers(), name) == value, "{name}");
    }
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("word 3 ") {
        let piece = tokio::time::timeout(DEADLINE, response.chunk()).await;
        let piece = piece
            .map_err(|_| "nothing came")?
            .map_err(|error| error.to_string())?;
        seen.extend_from_slice(&piece.ok_or("it ended")?);
    }
    Ok(())
}

async fn held_back(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut response = stage.send(&streamed(&model("firehose"))).await;
    response.chunk().await.map_err(|error| error.to_string())?;
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
    let taken = tokio::time::timeout(2 * DEADLINE, stopped)
        .await
        .map_err(|_| "it is not held back")?;
    hold!((1..2000).contains(&taken), "{taken} frames of 64 KiB");
    Ok(())
}

async fn not_repeated(dialect: &str) -> Checked {
    let route = "[routes.fast]\ntargets = [{ provider = \"other\", model = \"mock-error-after-content\" }, \
                 { provider = \"mock\", model = \"mock-b\" }]\n";
    let stage = stage(dialect, route).await;
    let stream = stage.stream("fast").await;
    hold!(
        header(&stream.headers, "x-brokle-attempts") == "1",
        "{:?}",
        stream.headers
    );
    hold!(
        stream.error().is_object() && stage.provider.requests().len() == 1,
        "{}",
        stream.raw
    );
    Ok(())
}

async fn replayed(dialect: &str) -> Checked {
    let stage = stage(dialect, "[cache]\nmode = \"exact\"\n").await;
    let first = stream(&stage, "a").await;
    let second = stream(&stage, "a").await;
    hold!(
        header(&second.headers, "x-brokle-cache") == "hit",
        "{:?}",
        second.headers
    );
    hold!(
        first.text() == second.text() && second.done_marks() == 1,
        "{}",
        second.raw
    );
    hold!(
        header(&second.headers, "x-brokle-cost") == "0",
        "{:?}",
        second.headers
    );
    hold!(
        stage.provider.requests().len() == 1,
        "the provider was asked again"
    );
    for broken in ["error-after-content", "cut"] {
        stream(&stage, broken).await;
        let again = stream(&stage, broken).await;
        hold!(
            header(&again.headers, "x-brokle-cache") == "miss",
            "{broken} was kept"
        );
    }
    Ok(())
}

async fn choices(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut body = streamed(&model("a"));
    body["n"] = json!(3);
    let response = stage.send(&body).await;
    if matches!(dialect, "openai" | "gemini") && response.status() == 200 {
        let stream = Streamed::read(response).await;
        hold!(
            stream.text() == EXPECTED && stream.done_marks() == 1,
            "{}",
            stream.raw
        );
        return Ok(());
    }
    hold!(
        dialect != "openai" && response.status() == 400,
        "{}",
        response.status()
    );
    Ok(())
}

async fn beside_the_text(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let mut body = streamed(&model("a"));
    body["logprobs"] = json!(true);
    let response = stage.send(&body).await;
    if dialect == "openai" {
        let stream = Streamed::read(response).await;
        let chunks = stream.chunks();
        // A field that nobody here knows, on its way as it came.
        hold!(
            chunks
                .iter()
                .all(|chunk| chunk["system_fingerprint"] == "fp_fake"),
            "{}",
            stream.raw
        );
        hold!(
            chunks[0]["choices"][0].get("logprobs").is_some(),
            "{}",
            stream.raw
        );
        return Ok(());
    }
    hold!(
        response.status() == 400 || response.status() == 200,
        "{}",
        response.status()
    );
    if response.status() == 400 {
        let said: Value = response.json().await.map_err(|error| error.to_string())?;
        hold!(
            said["error"]["message"]
                .as_str()
                .is_some_and(|said| said.contains("logprobs")),
            "{said}"
        );
    }
    Ok(())
}

async fn stream_options() -> Checked {
    let stage = stage("openai", "").await;
    for attempts in ["2", "1"] {
        let stream = stream(&stage, "no-stream-options").await;
        hold!(stream.done_marks() == 1, "{}", stream.raw);
        hold!(
            header(&stream.headers, "x-brokle-attempts") == attempts,
            "{:?}",
            stream.headers
        );
    }
    Ok(())
}

async fn numbered(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let ask = |behaviour: &str| json!({ "model": model(behaviour), "stream": true, "input": "hello" });
    let raw_whole = raw(&stage, "/v1/responses", &ask("a")).await;
    let whole = events(&raw_whole);
    let last = whole.last().ok_or("there is no event")?;
    hold!(
        last.0 == "response.completed" && last.1["type"] == "response.completed",
        "{raw_whole}"
    );
    let text = last.1["response"]["output"].to_string();
    hold!(text.contains("naïve café 🦀"), "{text}");
    // The fake provider of this format gives no numbers, and what passes is not touched.
    if dialect != "responses" {
        let numbers: Vec<_> = whole
            .iter()
            .filter_map(|(_, data)| data["sequence_number"].as_u64())
            .collect();
        let expected: Vec<u64> = (0..whole.len() as u64).collect();
        hold!(numbers == expected, "{numbers:?}");
    }
    let raw_broken = raw(&stage, "/v1/responses", &ask("error-after-content")).await;
    let broken = events(&raw_broken);
    let last = broken.last().ok_or("there is no event")?;
    hold!(
        matches!(last.0.as_str(), "error" | "response.failed"),
        "{raw_broken}"
    );
    hold!(!raw_broken.contains("response.completed"), "{raw_broken}");
    Ok(())
}

async fn giant(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let stream = stream(&stage, "giant").await;
    hold!(
        stream.text().len() == (2 << 20) + EXPECTED.len(),
        "{} bytes",
        stream.text().len()
    );
    hold!(stream.done_marks() == 1, "{} end marks", stream.done_marks());
    Ok(())
}

async fn shut(dialect: &str) -> Checked {
    let reset = stage(dialect, "http2 = true\n").await;
    let whole = stream(&reset, "a").await;
    hold!(
        whole.text() == EXPECTED && whole.done_marks() == 1,
        "{}",
        whole.raw
    );
    let cut = stream(&reset, "cut").await;
    hold!(cut.done_marks() == 0 && cut.error().is_object(), "{}", cut.raw);

    let provider = FakeProvider::start().await;
    let front = goaway::start(format!("http://{}", provider.address())).await;
    let away = format!(
        "[providers.other]\ndialect = \"{dialect}\"\nbase_url = \"{front}/v1\"\napi_key = \"sk-second\"\nhttp2 = true\n"
    );
    let stage = Stage::over(provider, &away, MemorySink::new()).await;
    let shut = stream(&stage, "endless").await;
    hold!(
        shut.status == 200 && shut.done_marks() == 0,
        "{} {}",
        shut.status,
        shut.raw
    );
    hold!(
        shut.error().is_object() && !shut.text().is_empty(),
        "{}",
        shut.raw
    );
    let outcome = span(&stage, &shut, "brokle.gateway.outcome").await;
    hold!(outcome == "failed", "{outcome}");
    Ok(())
}

async fn gzip(dialect: &str) -> Checked {
    let stage = stage(dialect, "").await;
    let stream = stream(&stage, "gzip").await;
    hold!(
        stream.text() == EXPECTED && stream.done_marks() == 1,
        "{}",
        stream.raw
    );
    hold!(
        header(&stream.headers, "content-encoding").is_empty(),
        "{:?}",
        stream.headers
    );
    Ok(())
}
