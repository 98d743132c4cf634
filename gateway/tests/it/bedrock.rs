//! Amazon Bedrock: how calls are signed and addressed, and what its binary stream may do.

use serde_json::{Value, json};

use crate::stage::{Stage, attribute, header, question, streamed};

const SIGNED: &str = "[providers.aws]\ndialect = \"bedrock\"\nbase_url = \"BASE\"\nregion = \"eu-central-1\"\n\
    access_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"very-secret\"\nsession_token = \"temporary\"\n";

#[tokio::test]
async fn calls_are_signed_for_their_region_and_an_api_key_is_sent_as_it_is() {
    let stage = Stage::with_base(SIGNED).await;
    let response = stage.send(&question("aws/us.mock-a:0")).await;
    // The fake provider has no model of that name, and has still seen the call.
    assert_eq!(response.status(), 404);
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.path, "/v1/model/us.mock-a%3A0/converse");
    let authorization = seen.header("authorization");
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{authorization}"
    );
    assert!(authorization.contains("/eu-central-1/bedrock/aws4_request"));
    assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"));
    assert_eq!(seen.header("x-amz-security-token"), "temporary");

    let stage = Stage::with_second_dialect("other", "bedrock", "").await;
    assert_eq!(stage.ask("other/mock-a").await.status(), 200);
    let seen = stage.provider.requests().remove(0);
    assert_eq!(seen.header("authorization"), "Bearer sk-second");
    assert_eq!(seen.header("x-amz-date"), "");
}

#[tokio::test]
async fn keys_of_the_environment_count_only_for_a_provider_that_is_configured() {
    let environment = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKID".into()),
        "AWS_SECRET_ACCESS_KEY" => Some("secret".into()),
        "AWS_REGION" => Some("us-west-2".into()),
        _ => None,
    };
    let active = |toml: &str| {
        let config: brokle_gateway::GatewayConfig = toml::from_str(toml).unwrap();
        let settings = config.resolve(&environment).unwrap();
        settings.provider_names().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(active(""), [""; 0]);
    assert_eq!(active("[providers.bedrock]"), ["bedrock"]);
    assert_eq!(active("[providers.mine]\ndialect = \"bedrock\""), ["mine"]);
    let key = |name: &str| match name {
        "AWS_BEARER_TOKEN_BEDROCK" => Some("key".into()),
        "AWS_DEFAULT_REGION" => Some("us-west-2".into()),
        _ => None,
    };
    let settings = brokle_gateway::GatewayConfig::default().resolve(&key).unwrap();
    assert_eq!(settings.provider_names().collect::<Vec<_>>(), ["bedrock"]);
}

#[tokio::test]
async fn a_damaged_message_ends_the_stream_and_is_not_passed_on() {
    let stage = Stage::with_second_dialect("other", "bedrock", "").await;
    let stream = stage.stream("other/mock-corrupt").await;
    assert_eq!(
        (stream.error()["code"].as_str(), stream.done_marks()),
        (Some("malformed_answer"), 0),
        "{}",
        stream.raw
    );
    assert!(stream.error()["message"].as_str().unwrap().contains("damaged"));
}

#[tokio::test]
async fn marks_on_what_to_cache_reach_it_from_callers_of_messages_and_are_named_where_they_do_not() {
    let stage = Stage::with_second_dialect("other", "bedrock", "").await;
    let body = |model: &str| {
        json!({ "model": model, "max_tokens": 50,
            "system": [{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }],
            "messages": [{ "role": "user", "content": [
                { "type": "text", "text": "hello", "cache_control": { "type": "ephemeral" } }] }],
            "tools": [{ "name": "f", "input_schema": { "type": "object" }, "cache_control": { "type": "ephemeral" } }],
        })
    };
    let call = async |model: &str| {
        let request = stage.client.post(format!("{}/v1/messages", stage.url));
        let request = request
            .header("x-api-key", crate::stage::GOOD_KEY)
            .body(body(model).to_string());
        request.send().await.unwrap()
    };
    let response = call("other/mock-a").await;
    assert_eq!(header(response.headers(), "x-brokle-adapted"), "");
    let sent = stage.provider.requests().pop().unwrap().json();
    let point = json!({ "cachePoint": { "type": "default" } });
    assert_eq!(
        sent["system"][1],
        json!({ "cachePoint": { "type": "default", "ttl": "1h" } })
    );
    assert_eq!(sent["messages"][0]["content"][1], point);
    assert_eq!(sent["toolConfig"]["tools"][1], point);
    let response = call("mock/mock-a").await;
    assert_eq!(header(response.headers(), "x-brokle-adapted"), "cache_control");
    let sent = stage.provider.requests().pop().unwrap();
    assert!(!String::from_utf8_lossy(&sent.body).contains("cache_control"));
}

#[tokio::test]
async fn what_converse_cannot_do_is_refused_in_words() {
    let stage = Stage::with_second_dialect("other", "bedrock", "").await;
    let mut body = streamed("other/mock-a");
    body["messages"][0]["content"] =
        json!([{ "type": "image_url", "image_url": { "url": "https://example.com/x.png" } }]);
    let response = stage.send(&body).await;
    assert_eq!(response.status(), 400);
    let spans = stage.trace_of(&response).await;
    assert_eq!(attribute(&spans[1], "error.type"), "unsupported_by_provider");
    let said: Value = response.json().await.unwrap();
    assert!(
        said["error"]["message"].as_str().unwrap().contains("data URL"),
        "{said}"
    );
}
