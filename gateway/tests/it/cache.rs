//! Kept answers: who gets them, for how long, and what is recorded.

use brokle_testkit::wait;
use serde_json::{Value, json};

use crate::stage::{DEADLINE, GOOD_KEY, OTHER_KEY, Stage, attribute};

const EXACT: &str = "[cache]\nmode = \"exact\"\n";

fn body(text: &str, stream: bool) -> String {
    json!({ "model": "mock/gpt-4o-mini", "stream": stream, "messages": [{ "role": "user", "content": text }] })
        .to_string()
}

/// What came back: the status of the cache, its headers, and the body.
struct Got {
    cache: String,
    headers: reqwest::header::HeaderMap,
    body: String,
}

async fn send(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    let text = |name: &str| {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
            .to_owned()
    };
    Got {
        cache: text("x-brokle-cache"),
        body: response.text().await.unwrap(),
        headers,
    }
}

async fn ask(stage: &Stage, text: &str, stream: bool) -> Got {
    send(stage.post(body(text, stream))).await
}

/// Waits until the figures of the good key's project say that `count` answers are kept.
async fn kept(stage: &Stage, count: u64) {
    wait::until("the answers are kept", DEADLINE, || async {
        (status(stage).await["stored"] == count).then_some(())
    })
    .await
    .unwrap();
}

async fn status(stage: &Stage) -> Value {
    let request = stage
        .client
        .get(format!("{}/v1/cache/status", stage.url))
        .bearer_auth(GOOD_KEY);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer["data"].clone()
}

async fn invalidate(stage: &Stage, what: Value) -> (u16, Value) {
    let request = stage
        .client
        .post(format!("{}/v1/cache/invalidate", stage.url))
        .bearer_auth(GOOD_KEY);
    let response = request.json(&what).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn the_same_request_is_answered_from_the_cache() {
    let stage = Stage::with(EXACT).await;
    let first = ask(&stage, "hello", false).await;
    assert_eq!(first.cache, "miss");
    kept(&stage, 1).await;
    let second = ask(&stage, "hello", false).await;
    assert_eq!((second.cache.as_str(), &second.body), ("hit", &first.body));
    assert_eq!(second.headers["x-brokle-cost"], "0");
    assert_eq!(second.headers["x-brokle-attempts"], "0");
    assert_eq!(second.headers["x-brokle-model"], "gpt-4o-mini");
    assert_eq!(second.headers["content-type"], "application/json");
    assert_eq!(ask(&stage, "something else", false).await.cache, "miss");
    assert_eq!(stage.provider.requests().len(), 2);
}

#[tokio::test]
async fn a_stream_is_given_again_as_a_stream() {
    let stage = Stage::with(EXACT).await;
    let first = ask(&stage, "hello", true).await;
    kept(&stage, 1).await;
    let second = ask(&stage, "hello", true).await;
    assert_eq!((second.cache.as_str(), &second.body), ("hit", &first.body));
    assert!(second.body.ends_with("data: [DONE]\n\n"));
    assert!(
        second.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    assert_eq!(
        ask(&stage, "hello", false).await.cache,
        "miss",
        "a whole answer is another one"
    );
}

#[tokio::test]
async fn answers_that_broke_off_are_not_kept() {
    let stage = Stage::with(EXACT).await;
    for model in [
        "mock-cut",
        "mock-error-after-content",
        "mock-500",
        "mock-malformed-later",
    ] {
        for stream in [true, false] {
            let body = body("hello", stream).replace("gpt-4o-mini", model);
            for _ in 0..2 {
                assert_ne!(
                    send(stage.post(body.clone())).await.cache,
                    "hit",
                    "{model} {stream}"
                );
            }
        }
    }
    assert_eq!(status(&stage).await["stored"], 0);
}

#[tokio::test]
async fn a_project_never_gets_the_answer_of_another() {
    let stage = Stage::with(EXACT).await;
    ask(&stage, "hello", false).await;
    kept(&stage, 1).await;
    let url = format!("{}/v1/chat/completions", stage.url);
    let request = stage
        .client
        .post(url)
        .bearer_auth(OTHER_KEY)
        .body(body("hello", false));
    assert_eq!(send(request).await.cache, "miss");
}

#[tokio::test]
async fn a_call_says_what_it_wants() {
    let stage = Stage::new().await;
    let with =
        |name: &'static str, value: &'static str| send(stage.post(body("hello", false)).header(name, value));
    assert_eq!(
        ask(&stage, "hello", false).await.cache,
        "",
        "nothing is kept unasked"
    );
    assert_eq!(with("x-brokle-cache", "exact").await.cache, "miss");
    kept(&stage, 1).await;
    assert_eq!(with("x-brokle-cache", "exact").await.cache, "hit");
    assert_eq!(with("x-brokle-cache", "refresh").await.cache, "bypass");
    kept(&stage, 2).await;
    assert_eq!(with("x-brokle-cache", "off").await.cache, "");
    let refused = with("x-brokle-cache", "sometimes").await;
    let refused: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(refused["error"]["code"], "cache_header_invalid");
    let elsewhere = stage
        .post(body("hello", false))
        .header("x-brokle-cache", "exact")
        .header("x-brokle-cache-namespace", "team-b");
    assert_eq!(send(elsewhere).await.cache, "miss");
}

#[tokio::test]
async fn kept_answers_are_invalidated_by_model_age_and_key() {
    let stage = Stage::with(EXACT).await;
    let first = ask(&stage, "hello", false).await;
    kept(&stage, 1).await;
    assert_eq!(invalidate(&stage, json!({ "model": "claude*" })).await.0, 200);
    assert_eq!(ask(&stage, "hello", false).await.cache, "hit", "another model's");
    assert_eq!(invalidate(&stage, json!({ "max_age": 60 })).await.0, 200);
    assert_eq!(ask(&stage, "hello", false).await.cache, "hit", "not that old");
    let (code, answer) = invalidate(&stage, json!({ "provider": "mock", "model": "gpt-*" })).await;
    assert_eq!(
        (code, &answer["data"]["invalidated"]["model"]),
        (200, &json!("mock/gpt-*"))
    );
    assert_eq!(ask(&stage, "hello", false).await.cache, "miss");
    // The clock of the test stands still: what is stored within the same millisecond is invalidated too.
    stage.clock.advance(chrono::Duration::seconds(1));
    kept(&stage, 2).await;
    ask(&stage, "hello", false).await;
    kept(&stage, 3).await;
    assert_eq!(ask(&stage, "hello", false).await.cache, "hit");
    let key = first.headers["x-brokle-cache-key"].to_str().unwrap();
    assert_eq!(invalidate(&stage, json!({ "keys": [key] })).await.0, 200);
    assert_eq!(ask(&stage, "hello", false).await.cache, "miss");
    assert_eq!(status(&stage).await["invalidations"].as_array().unwrap().len(), 3);

    for wrong in [
        json!({}),
        json!({ "models": "x" }),
        json!({ "model": "a", "pattern": "b" }),
    ] {
        assert_eq!(invalidate(&stage, wrong).await.0, 400);
    }
}

#[tokio::test]
async fn a_hit_is_a_span_that_says_what_it_saved() {
    let stage = Stage::with(EXACT).await;
    ask(&stage, "hello", false).await;
    kept(&stage, 1).await;
    let got = ask(&stage, "hello", false).await;
    let trace_id = got.headers["x-brokle-trace-id"].to_str().unwrap();
    let spans = stage.sink.trace(trace_id).await;
    assert_eq!(spans.len(), 2, "the call and the hit");
    let (server, hit) = (&spans[0], &spans[1]);
    assert_eq!(attribute(server, "brokle.cache.status"), json!("hit"));
    assert_eq!(hit.parent_span_id, server.span_id);
    assert_eq!(attribute(hit, "gen_ai.usage.input_tokens"), json!(0));
    assert!(
        attribute(hit, "brokle.cache.saved.input_tokens")
            .as_u64()
            .unwrap()
            > 0
    );
    let saved: f64 = attribute(hit, "brokle.cache.saved.cost")
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(saved > 0.0);
    assert!(
        attribute(hit, "gen_ai.output.messages")
            .as_str()
            .unwrap()
            .contains("You said")
    );

    let figures = status(&stage).await;
    assert_eq!((&figures["hits"], &figures["misses"]), (&json!(1), &json!(1)));
    assert_eq!(figures["hit_rate"], json!(0.5));
}

#[tokio::test]
async fn other_doors_are_kept_too() {
    let stage = Stage::with(EXACT).await;
    let message = json!({ "model": "mock/gpt-4o-mini", "max_tokens": 50,
        "messages": [{ "role": "user", "content": "hello" }] });
    let response = json!({ "model": "mock/gpt-4o-mini", "input": "hello", "stream": true });
    let texts = json!({ "model": "mock/gpt-4o-mini", "input": ["a", "b"] });
    for (number, (path, body)) in [
        ("messages", message),
        ("responses", response),
        ("embeddings", texts),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("{}/v1/{path}", stage.url);
        let request = || stage.client.post(&url).bearer_auth(GOOD_KEY).json(&body);
        let first = send(request()).await;
        assert_eq!(first.cache, "miss", "{path}");
        kept(&stage, number as u64 + 1).await;
        let second = send(request()).await;
        assert_eq!(
            (second.cache.as_str(), &second.body),
            ("hit", &first.body),
            "{path}"
        );
    }
}
