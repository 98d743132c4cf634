//! What goes in comes out, byte for byte.

use serde_json::{Value, json};

use crate::stage::{Stage, header};

#[tokio::test]
async fn request_reaches_the_provider_byte_for_byte_but_for_the_model() {
    let stage = Stage::new().await;
    let body = "{\n\t\"vendor_field\": {\"model\":\"kept\", \"x\": 1.50},  \"model\" :\"mock/mock-a\",\
                \"messages\":[{\"role\":\"user\",\"content\":\"caf\\u00e9 🦀\"}] }\n";
    let response = stage.post(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let seen = &stage.provider.requests()[0];
    assert_eq!(seen.body, body.replace("mock/mock-a", "mock-a"));
    assert_eq!(seen.path, "/v1/chat/completions");
}

#[tokio::test]
async fn answer_reaches_the_caller_byte_for_byte() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-a").await;
    assert_eq!(header(response.headers(), "content-type"), "application/json");
    let through = response.bytes().await.unwrap();
    let direct = stage
        .client
        .post(format!("{}/chat/completions", stage.provider.base_url()))
        .body(stage.provider.requests()[0].body.clone())
        .send()
        .await
        .unwrap();
    let direct = direct
        .text()
        .await
        .unwrap()
        .replace("chatcmpl-fake-1", "chatcmpl-fake-0");
    assert_eq!(through, direct);
}

#[tokio::test]
async fn only_listed_headers_cross_in_either_direction() {
    let stage = Stage::new().await;
    let request = stage.post(crate::stage::question("mock/mock-a").to_string());
    let request = request
        .header("cookie", "session=1")
        .header("x-api-key", crate::stage::GOOD_KEY)
        .header("x-internal", "secret")
        .header("idempotency-key", "once")
        .header("openai-beta", "assistants=v2");
    let response = request.send().await.unwrap();
    let seen = &stage.provider.requests()[0];
    assert_eq!(seen.header("authorization"), "Bearer sk-provider-secret");
    for absent in ["cookie", "x-api-key", "x-internal"] {
        assert_eq!(seen.header(absent), "", "{absent}");
    }
    assert_eq!(
        (seen.header("idempotency-key"), seen.header("openai-beta")),
        ("once", "assistants=v2")
    );
    assert_eq!(seen.header("accept-encoding"), "identity");
    assert_eq!(header(response.headers(), "x-ratelimit-remaining-requests"), "99");
    assert_eq!(
        header(response.headers(), "x-request-id"),
        "",
        "the provider's id is not ours"
    );
}

#[tokio::test]
async fn compressed_answer_is_decompressed() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-gzip").await;
    assert_eq!(header(response.headers(), "content-encoding"), "");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn answer_says_how_it_came_about_and_what_it_cost() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/gpt-4o-mini").await;
    let headers = response.headers().clone();
    let usage = response.json::<Value>().await.unwrap()["usage"].clone();
    assert_eq!(header(&headers, "x-brokle-provider"), "mock");
    assert_eq!(header(&headers, "x-brokle-model"), "gpt-4o-mini");
    assert_eq!(header(&headers, "x-brokle-attempts"), "1");
    assert_eq!(header(&headers, "x-brokle-trace-id").len(), 32);
    // 0.15 and 0.60 dollars per million tokens, in millionths of a cent.
    let tokens = |field: &str| usage[field].as_u64().unwrap();
    let expected = tokens("prompt_tokens") * 15 + tokens("completion_tokens") * 60;
    let cost: f64 = header(&headers, "x-brokle-cost").parse().unwrap();
    assert!((cost * 1e8 - expected as f64).abs() < 1e-6, "{cost}");
}

#[tokio::test]
async fn whole_answer_that_is_an_unknown_model_costs_nothing_known() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-a").await;
    assert!(!response.headers().contains_key("x-brokle-cost"));
}

#[tokio::test]
async fn tools_and_images_go_through() {
    let stage = Stage::new().await;
    let body = json!({
        "model": "mock/mock-a",
        "messages": [{ "role": "user", "content": [
            { "type": "text", "text": "look" },
            { "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{}", "A".repeat(3 << 20)) } },
        ]}],
        "tools": [{ "type": "function", "function": { "name": "find", "parameters": {} } }],
    });
    let answer: Value = stage.send(&body).await.json().await.unwrap();
    assert_eq!(
        answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"],
        "find"
    );
    assert_eq!(stage.provider.requests()[0].json()["messages"], body["messages"]);
}
