//! Calls that are no conversation, to a provider of `OpenAI`'s format.

use serde_json::{Value, json};

use crate::stage::{GOOD_KEY, Stage, Streamed, attribute, header, parsed};

async fn send(stage: &Stage, path: &str, body: &Value) -> reqwest::Response {
    let request = stage
        .client
        .post(format!("{}{path}", stage.url))
        .bearer_auth(GOOD_KEY);
    request.body(body.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn each_call_reaches_its_own_path_byte_for_byte_and_is_recorded_under_its_own_name() {
    let stage = Stage::new().await;
    for (path, operation, body) in [
        (
            "/v1/embeddings",
            "embeddings",
            json!({ "input": ["one", "two"], "model": "mock/mock-a", "x": 1.5 }),
        ),
        (
            "/v1/completions",
            "text_completion",
            json!({ "prompt": "one", "model": "mock/mock-a" }),
        ),
        (
            "/v1/moderations",
            "moderation",
            json!({ "input": "one", "model": "mock/mock-a" }),
        ),
        (
            "/v1/images/generations",
            "image_generation",
            json!({ "prompt": "one", "model": "mock/mock-a" }),
        ),
        (
            "/v1/rerank",
            "rerank",
            json!({ "query": "one", "documents": ["a"], "model": "mock/mock-a" }),
        ),
    ] {
        let response = send(&stage, path, &body).await;
        assert_eq!(response.status(), 200, "{path}");
        let spans = stage.trace_of(&response).await;
        let seen = stage.provider.requests().pop().unwrap();
        assert_eq!(seen.path, path);
        let expected = body.to_string().replace("mock/mock-a", "mock-a");
        assert_eq!(seen.body, expected.as_bytes(), "{path}");
        assert_eq!(attribute(&spans[1], "gen_ai.operation.name"), operation);
        assert_eq!(spans[1].name, format!("{operation} mock-a"));
        assert_eq!(attribute(&spans[0], "http.route"), path);
        let said = parsed(&spans[1], "gen_ai.input.messages");
        assert!(
            said[0]["parts"][0]["content"]
                .as_str()
                .unwrap()
                .starts_with("one"),
            "{path}: {said}"
        );
    }
}

#[tokio::test]
async fn usage_and_cost_of_embeddings_are_known() {
    let config = "[providers.priced]\nprovider_name = \"openai\"\nbase_url = \"BASE\"\napi_key = \"x\"";
    let stage = Stage::with_base(config).await;
    let body = json!({ "input": "one two three four", "model": "priced/text-embedding-3-small" });
    let response = send(&stage, "/v1/embeddings", &body).await;
    let spans = stage.trace_of(&response).await;
    assert_eq!(attribute(&spans[1], "gen_ai.usage.input_tokens"), json!(5));
    // Five tokens at two cents a million.
    assert_eq!(header(response.headers(), "x-brokle-cost"), "0.0000001");
}

#[tokio::test]
async fn a_completions_stream_hides_the_usage_that_it_was_asked_for() {
    let stage = Stage::new().await;
    let body = json!({ "prompt": "one", "model": "mock/mock-a", "stream": true });
    let stream = Streamed::read(send(&stage, "/v1/completions", &body).await).await;
    let text: String = stream
        .chunks()
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["text"].as_str())
        .collect();
    assert_eq!((text.as_str(), stream.done_marks()), (" and so on", 1));
    assert!(
        stream.chunks().iter().all(|chunk| chunk.get("usage").is_none()),
        "{}",
        stream.raw
    );
    let spans = stage.sink.trace(stream.trace_id()).await;
    assert_eq!(attribute(&spans[1], "gen_ai.usage.output_tokens"), json!(2));
    assert_eq!(
        parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
        " and so on"
    );
}

#[tokio::test]
async fn speech_is_passed_on_as_bytes() {
    let stage = Stage::new().await;
    let body = json!({ "input": "one", "model": "mock/mock-a", "voice": "alloy" });
    let response = send(&stage, "/v1/audio/speech", &body).await;
    assert_eq!(header(response.headers(), "content-type"), "audio/mpeg");
    assert_eq!(
        response.bytes().await.unwrap(),
        &b"ID3 not quite music \xff\xfb"[..]
    );
}

#[tokio::test]
async fn failures_fall_back_and_other_formats_say_that_they_have_no_such_call() {
    let stage = Stage::with_second_dialect(
        "claude",
        "anthropic",
        "[routes.r]\ntargets = [{ provider = \"claude\", model = \"m\" }, { provider = \"mock\", model = \"mock-503\" }, \
         { provider = \"mock\", model = \"mock-a\" }]",
    )
    .await;
    let response = send(&stage, "/v1/embeddings", &json!({ "input": "one", "model": "r" })).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "x-brokle-attempts"), "4");
    let response = send(
        &stage,
        "/v1/embeddings",
        &json!({ "input": "one", "model": "claude/m" }),
    )
    .await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/v1/embeddings"),
        "{body}"
    );
}

#[tokio::test]
async fn cohere_reranks_under_its_own_version() {
    let stage = Stage::with_second_dialect("other", "cohere", "").await;
    let body = json!({ "query": "one", "documents": ["a", "b"], "model": "other/mock-a" });
    let response = send(&stage, "/v1/rerank", &body).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["results"][0]["index"], 1, "{answer}");
}

#[tokio::test]
async fn tokens_are_counted_by_the_provider_where_it_can_and_here_where_it_cannot() {
    let stage = Stage::with_second_dialect("claude", "anthropic", "").await;
    let count = async |model: &str| {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "hello world" }] });
        let request = stage
            .client
            .post(format!("{}/v1/messages/count_tokens", stage.url));
        let request = request.header("x-api-key", GOOD_KEY).body(body.to_string());
        request.send().await.unwrap()
    };
    let asked = count("claude/mock-a").await;
    assert_eq!(
        (
            asked.status().as_u16(),
            header(asked.headers(), "x-brokle-token-count")
        ),
        (200, "provider")
    );
    assert_eq!(asked.json::<Value>().await.unwrap(), json!({ "input_tokens": 7 }));
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.path, "/v1/messages/count_tokens");
    assert_eq!(seen.json()["model"], "mock-a");

    for (model, method) in [("mock/gpt-4o", "o200k_base"), ("mock/llama", "estimate")] {
        let counted = count(model).await;
        assert_eq!(header(counted.headers(), "x-brokle-token-count"), method);
        assert_eq!(
            counted.json::<Value>().await.unwrap(),
            json!({ "input_tokens": 9 })
        );
    }
    assert_eq!(stage.provider.requests().len(), 1, "nobody was asked for these");
    let refused = count("nobody/knows").await;
    assert_eq!(refused.status(), 404);
    assert_eq!(refused.json::<Value>().await.unwrap()["type"], "error");
}

const FORM: &str = "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nmock/mock-a\r\n\
    --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\
    Content-Type: audio/mpeg\r\n\r\nID3 not music\r\nEXTRA--XX--\r\n";

async fn send_form(stage: &Stage, path: &str, extra: &str) -> reqwest::Response {
    let request = stage
        .client
        .post(format!("{}{path}", stage.url))
        .bearer_auth(GOOD_KEY);
    let request = request.header("content-type", "multipart/form-data; boundary=XX");
    request.body(FORM.replace("EXTRA", extra)).send().await.unwrap()
}

#[tokio::test]
async fn a_recording_reaches_the_provider_byte_for_byte_and_comes_back_as_text() {
    let stage = Stage::new().await;
    let response = send_form(&stage, "/v1/audio/transcriptions", "").await;
    let spans = stage.trace_of(&response).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["text"], "You said it.");
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.path, "/v1/audio/transcriptions");
    assert_eq!(seen.header("content-type"), "multipart/form-data; boundary=XX");
    let expected = FORM.replace("EXTRA", "").replace("mock/mock-a", "mock-a");
    assert_eq!(seen.body, expected.as_bytes());
    assert_eq!(spans[1].name, "transcription mock-a");
    assert_eq!(attribute(&spans[1], "gen_ai.usage.input_tokens"), 14);

    let text = "--XX\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\ntext\r\n";
    let response = send_form(&stage, "/v1/audio/transcriptions", text).await;
    assert_eq!(
        header(response.headers(), "content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.text().await.unwrap(), "You said it.");
    let translated = send_form(&stage, "/v1/audio/translations", "").await;
    assert_eq!(translated.json::<Value>().await.unwrap()["text"], "You said it.");
}

#[tokio::test]
async fn a_transcript_is_streamed_as_the_provider_sends_it_and_recorded_with_its_usage() {
    let stage = Stage::new().await;
    let stream = "--XX\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n";
    let response = send_form(&stage, "/v1/audio/transcriptions", stream).await;
    let trace = header(response.headers(), "x-brokle-trace-id").to_owned();
    let raw = response.text().await.unwrap();
    assert!(
        raw.starts_with("data: {\"type\":\"transcript.text.delta\""),
        "{raw}"
    );
    assert!(raw.contains("transcript.text.done"), "{raw}");
    let spans = stage.sink.trace(&trace).await;
    assert_eq!(attribute(&spans[1], "gen_ai.usage.output_tokens"), 4);
    assert_eq!(
        parsed(&spans[1], "gen_ai.output.messages")[0]["parts"][0]["content"],
        "You said it."
    );
}

#[tokio::test]
async fn a_form_that_is_none_or_names_no_model_is_refused() {
    let stage = Stage::new().await;
    let post = || {
        stage
            .client
            .post(format!("{}/v1/audio/transcriptions", stage.url))
            .bearer_auth(GOOD_KEY)
    };
    let refused = post().body("{\"model\":\"mock/mock-a\"}").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let nameless = FORM
        .replace("EXTRA", "")
        .replace("name=\"model\"", "name=\"other\"");
    let request = post()
        .header("content-type", "multipart/form-data; boundary=XX")
        .body(nameless);
    let refused: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(refused["error"]["param"], "model");
}

#[tokio::test]
async fn embeddings_come_from_providers_of_every_format_that_has_them() {
    for (dialect, model, path) in [
        ("gemini", "mock-a", "/v1/models/mock-a:batchEmbedContents"),
        ("cohere", "mock-a", "/v1/embed"),
        (
            "bedrock",
            "amazon.titan-embed-text-v2:0",
            "/v1/model/amazon.titan-embed-text-v2%3A0/invoke",
        ),
        ("vertex", "mock-a", "/v1/publishers/google/models/mock-a:predict"),
    ] {
        let stage = Stage::with_second_dialect("other", dialect, "").await;
        let body =
            json!({ "model": format!("other/{model}"), "input": "hello", "encoding_format": "base64" });
        let response = send(&stage, "/v1/embeddings", &body).await;
        assert_eq!(response.status(), 200, "{dialect}");
        let spans = stage.trace_of(&response).await;
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            answer["data"][0]["embedding"], "AAAAPwAAgL4=",
            "{dialect}: {answer}"
        );
        assert_eq!(stage.provider.requests()[0].path, path);
        let counted = attribute(&spans[1], "gen_ai.usage.input_tokens");
        assert_eq!(answer["usage"]["prompt_tokens"], counted, "{dialect}");
        assert!(counted.as_u64() > Some(0), "{dialect}");
    }
    let stage = Stage::with_second_dialect("other", "anthropic", "").await;
    let body = json!({ "model": "other/mock-a", "input": "hello" });
    assert_eq!(send(&stage, "/v1/embeddings", &body).await.status(), 400);
}
