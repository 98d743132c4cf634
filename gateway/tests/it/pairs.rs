//! Every caller's format against every provider's: what the provider is sent, and what the caller gets, for a plain
//! call, a stream, tools, reasoning and an error. The answers under `pairs/providers` are written after the providers'
//! documentation; what became of them is in the snapshots, one for each pair, and was checked by hand and by the
//! providers' own libraries (docs/gateway.md says how).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use brokle_testkit::provider::FakeProvider;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::stage::{GOOD_KEY, MemorySink, Stage, header};

const CALLERS: [(&str, &str); 3] = [
    ("chat", "/v1/chat/completions"),
    ("responses", "/v1/responses"),
    ("messages", "/v1/messages"),
];
/// Formats, each with a model that it would serve.
const PROVIDERS: [(&str, &str); 8] = [
    ("openai", "gpt-x"),
    ("responses", "gpt-x"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.5-pro"),
    ("cohere", "command-a-reasoning"),
    ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("azure", "gpt-x"),
    ("vertex", "gemini-2.5-pro"),
];
const EXERCISES: [&str; 5] = ["plain", "stream", "tools", "reasoning", "error"];

/// What the provider says next, and what it was sent last.
#[derive(Default)]
struct Replay {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
    sent: Option<(String, Value)>,
}

type Shared = Arc<Mutex<Replay>>;

async fn answer(State(replay): State<Shared>, request: Request) -> Response {
    let path = request.uri().to_string();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let mut replay = replay.lock().unwrap();
    replay.sent = Some((path, serde_json::from_slice(&body).unwrap_or_default()));
    let mut response = Response::new(Bytes::from(replay.body.clone()).into());
    *response.status_mut() = axum::http::StatusCode::from_u16(replay.status).unwrap();
    response
        .headers_mut()
        .insert("content-type", replay.kind.parse().unwrap());
    response
}

async fn replaying() -> (String, Shared) {
    let replay = Shared::default();
    let router = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&replay));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, replay)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pairs")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap_or_else(|_| panic!("{path} is there"))
}

/// The answer of a provider to an exercise.
fn script(provider: &str, exercise: &str) -> Replay {
    let streamed = matches!(exercise, "stream" | "reasoning");
    let ending = if streamed { "txt" } else { "json" };
    let text = read(&format!("providers/{provider}/{exercise}.{ending}"));
    let (kind, body) = match (streamed, provider) {
        (true, "bedrock") => ("application/vnd.amazon.eventstream", messages(&text)),
        (true, _) => ("text/event-stream", text.into_bytes()),
        (false, _) => ("application/json", text.into_bytes()),
    };
    Replay {
        status: if exercise == "error" { 429 } else { 200 },
        kind,
        body,
        sent: None,
    }
}

/// Lines of an event's name and its data, as Bedrock's messages.
fn messages(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in text.lines().filter_map(|line| line.split_once('\t')) {
        let mut headers = Vec::new();
        for (header, value) in [
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ] {
            headers.push(u8::try_from(header.len()).unwrap());
            headers.extend_from_slice(header.as_bytes());
            headers.push(7);
            headers.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            headers.extend_from_slice(value.as_bytes());
        }
        let start = out.len();
        let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
        out.extend_from_slice(&length(16 + headers.len() + data.len()));
        out.extend_from_slice(&length(headers.len()));
        let prelude = crc32fast::hash(&out[start..]).to_be_bytes();
        out.extend_from_slice(&prelude);
        out.extend_from_slice(&headers);
        out.extend_from_slice(data.as_bytes());
        let whole = crc32fast::hash(&out[start..]).to_be_bytes();
        out.extend_from_slice(&whole);
    }
    out
}

/// One pair's exchanges, as text; and how many of them reached the caller as they should.
async fn exchanges(caller: (&str, &str), provider: (&str, &str)) -> (String, usize) {
    let (url, replay) = replaying().await;
    let config = format!(
        "[providers.other]\ndialect = \"{}\"\nbase_url = \"{url}/v1\"\napi_key = \"k\"\n\
         [retries]\nper_target_max = 0\n",
        provider.0
    );
    let stage = Stage::over_plain(FakeProvider::start().await, &config, MemorySink::new()).await;
    let mut text = String::new();
    let mut good = 0;
    for exercise in EXERCISES {
        *replay.lock().unwrap() = script(provider.0, exercise);
        let asked = if exercise == "error" { "plain" } else { exercise };
        let model = format!("other/{}", provider.1);
        let body = read(&format!("callers/{}/{asked}.json", caller.0)).replace("MODEL", &model);
        let request = stage
            .client
            .post(format!("{}{}", stage.url, caller.1))
            .bearer_auth(GOOD_KEY);
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let adapted = header(response.headers(), "x-brokle-adapted").to_owned();
        let said = response.text().await.unwrap();
        let sent = replay.lock().unwrap().sent.take();
        let (path, sent) = sent.unwrap_or_default();
        let _ = writeln!(text, "== {exercise}\n-> POST {path}\n{sent:#}");
        let _ = writeln!(
            text,
            "<- {status}{}",
            if adapted.is_empty() {
                String::new()
            } else {
                format!(" adapted: {adapted}")
            }
        );
        let _ = writeln!(text, "{}", settled(&said));
        good += usize::from(is_good(exercise, caller.0, status, &said));
    }
    (text, good)
}

/// What differs from run to run: ids that the gateway makes up, and its clock.
fn settled(said: &str) -> String {
    let mut out = String::new();
    for line in said.lines().map(str::trim_end) {
        let (head, json) = match line.strip_prefix("data: ") {
            Some(json) => ("data: ", json),
            None => ("", line),
        };
        let _ = writeln!(out, "{head}{}", without_chance(json));
    }
    out.trim_end().to_owned()
}

fn without_chance(text: &str) -> String {
    let mut out = text.to_owned();
    for start in [
        "bedrock-",
        "call_gemini_",
        "msg_brokle_",
        "rs_brokle_",
        "fc_brokle_",
        "resp_brokle_",
    ] {
        let mut from = 0;
        while let Some(at) = out[from..].find(start).map(|at| from + at + start.len()) {
            let length = out[at..].bytes().take_while(u8::is_ascii_hexdigit).count();
            out.replace_range(at..at + length, "ID");
            from = at;
        }
    }
    out
}

/// The least that must hold, whatever the snapshot says.
fn is_good(exercise: &str, caller: &str, status: u16, said: &str) -> bool {
    let has = |words: &[&str]| words.iter().all(|word| said.contains(word));
    let done = match caller {
        "chat" => "[DONE]",
        "responses" => "response.completed",
        _ => "message_stop",
    };
    match exercise {
        "plain" => status == 200 && has(&["Bern."]),
        "stream" => status == 200 && has(&["naïve", done]),
        "tools" => status == 200 && has(&["weather", "Chur", "Davos"]),
        "reasoning" => status == 200 && has(&["7 × 13", "No", done]),
        _ => {
            status == 429
                && serde_json::from_str::<Value>(said).is_ok_and(|said| said["error"]["message"].is_string())
        }
    }
}

#[tokio::test]
async fn every_caller_reaches_every_provider() {
    let mut table = String::from("caller    ");
    for (provider, _) in PROVIDERS {
        let _ = write!(table, "{provider:>11}");
    }
    let mut good = 0;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("pairs/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for caller in CALLERS {
        let _ = write!(table, "\n{:<10}", caller.0);
        for provider in PROVIDERS {
            let (text, held) = exchanges(caller, provider).await;
            let cell = format!("{held} of {}", EXERCISES.len());
            let _ = write!(table, "{cell:>11}");
            good += held;
            insta::assert_snapshot!(format!("{}-{}", caller.0, provider.0), text);
        }
    }
    println!("{table}\n{good} exchanges hold");
    assert_eq!(good, CALLERS.len() * PROVIDERS.len() * EXERCISES.len(), "{table}");
}
