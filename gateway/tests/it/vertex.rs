//! Vertex AI: three formats at its own addresses, and a token that is fetched once for many calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use brokle_testkit::provider::FakeProvider;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{GOOD_KEY, MemorySink, Stage, Streamed, header, question, streamed};

/// Made for this test, and of use nowhere else.
const PRIVATE_KEY: &str = include_str!("vertex/private_key.pem");
const PUBLIC_KEY: &str = include_str!("vertex/public_key.pem");

struct TokenService {
    asked: AtomicUsize,
    refuses: bool,
}

/// A token service that believes a statement only when the account's key has signed it.
async fn token_service(refuses: bool) -> (String, Arc<TokenService>) {
    let service = Arc::new(TokenService {
        asked: AtomicUsize::new(0),
        refuses,
    });
    let router = axum::Router::new()
        .route("/token", post(give_token))
        .with_state(Arc::clone(&service));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, service)
}

async fn give_token(State(service): State<Arc<TokenService>>, body: String) -> impl IntoResponse {
    service.asked.fetch_add(1, Ordering::Relaxed);
    if service.refuses {
        let refusal = json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
        return (StatusCode::BAD_REQUEST, Json(refusal));
    }
    let statement = body
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).unwrap();
    let read = jsonwebtoken::decode::<Value>(statement, &key, &validation).unwrap();
    assert_eq!(read.header.kid.as_deref(), Some("key-1"));
    assert_eq!(read.claims["iss"], "brokle@example.iam.gserviceaccount.com");
    assert_eq!(
        read.claims["scope"],
        "https://www.googleapis.com/auth/cloud-platform"
    );
    let life = read.claims["exp"].as_u64().unwrap() - read.claims["iat"].as_u64().unwrap();
    assert_eq!(life, 3600);
    (
        StatusCode::OK,
        Json(json!({ "access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer" })),
    )
}

/// A gateway with a service account, and the file that it is in.
async fn stage(token_uri: &str) -> (Stage, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let account = json!({ "type": "service_account", "project_id": "project-1", "private_key_id": "key-1",
        "private_key": PRIVATE_KEY, "client_email": "brokle@example.iam.gserviceaccount.com",
        "token_uri": token_uri });
    std::fs::write(file.path(), account.to_string()).unwrap();
    let provider = FakeProvider::start().await;
    let config = format!(
        "[providers.vertex]\nbase_url = \"{}\"\ncredentials_file = \"{}\"\n",
        provider.base_url(),
        file.path().display()
    );
    (Stage::over(provider, &config, MemorySink::new()).await, file)
}

#[tokio::test]
async fn one_token_serves_many_calls_at_once() {
    let (url, service) = token_service(false).await;
    let (stage, _file) = stage(&url).await;
    let body = question("vertex/mock-a");
    let calls = (0..8).map(|_| stage.send(&body));
    for response in futures_util::future::join_all(calls).await {
        assert_eq!(response.status(), 200);
    }
    assert_eq!(service.asked.load(Ordering::Relaxed), 1);
    let seen = stage.provider.requests();
    assert_eq!(seen.len(), 8);
    assert!(
        seen.iter()
            .all(|request| request.header("authorization") == "Bearer ya29.token")
    );
}

#[tokio::test]
async fn a_token_service_that_refuses_is_the_gateways_fault_and_not_the_callers() {
    let (url, _service) = token_service(true).await;
    let (stage, _file) = stage(&url).await;
    let response = stage.ask("vertex/mock-a").await;
    assert_eq!(response.status(), 502);
    let said: Value = response.json().await.unwrap();
    assert_eq!(said["error"]["code"], "provider_credential_refused");
    assert!(stage.provider.requests().is_empty());
}

#[tokio::test]
async fn each_models_format_is_spoken_at_its_own_address() {
    let (url, _service) = token_service(false).await;
    let (stage, _file) = stage(&url).await;
    for (model, path) in [
        (
            "mock-a",
            "/v1/publishers/google/models/mock-a:streamGenerateContent?alt=sse",
        ),
        (
            "claude-mock-a",
            "/v1/publishers/anthropic/models/claude-mock-a:streamRawPredict",
        ),
        ("meta/mock-a", "/v1/endpoints/openapi/chat/completions"),
    ] {
        let stream = Streamed::read(stage.send(&streamed(&format!("vertex/{model}"))).await).await;
        assert!(stream.text().contains("naïve café"), "{model}: {}", stream.raw);
        assert_eq!(stream.done_marks(), 1, "{model}: {}", stream.raw);
        let seen = stage.provider.requests().pop().unwrap();
        assert_eq!(seen.path, path);
        let body = seen.json();
        if model.starts_with("claude") {
            assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
            assert_eq!((body.get("model"), seen.header("anthropic-version")), (None, ""));
        }
    }
}

/// A caller of Messages and Claude: the answer passes as it is.
#[tokio::test]
async fn claude_answers_callers_of_messages_in_its_own_words() {
    let (url, _service) = token_service(false).await;
    let (stage, _file) = stage(&url).await;
    let body = json!({ "model": "vertex/claude-mock-a", "max_tokens": 50, "x_unknown": 1,
        "messages": [{ "role": "user", "content": "hello" }] });
    let request = stage.client.post(format!("{}/v1/messages", stage.url));
    let response = request
        .header("x-api-key", GOOD_KEY)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(header(response.headers(), "x-brokle-adapted"), "");
    let answer = response.text().await.unwrap();
    assert!(
        answer.contains("\n  \"type\": \"message\""),
        "as the provider spaced it: {answer}"
    );
    let sent = stage.provider.requests().pop().unwrap().json();
    assert_eq!((sent.get("model"), &sent["x_unknown"]), (None, &json!(1)));
}

#[test]
fn addresses_follow_from_region_and_project() {
    let environment = |name: &str| (name == "VERTEX_ACCESS_TOKEN").then(|| "token".into());
    let resolve = |toml: &str| {
        let config: brokle_gateway::GatewayConfig = toml::from_str(toml).unwrap();
        config
            .resolve(&environment)
            .map(|settings| format!("{settings:?}"))
    };
    let global = resolve("[providers.vertex]\nproject = \"p\"").unwrap();
    assert!(
        global.contains("https://aiplatform.googleapis.com/v1/projects/p/locations/global"),
        "{global}"
    );
    let regional = resolve("[providers.vertex]\nproject = \"p\"\nregion = \"europe-west1\"").unwrap();
    assert!(
        regional
            .contains("https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1"),
        "{regional}"
    );
    let refused = resolve("[providers.vertex]").unwrap_err().to_string();
    assert!(
        refused.contains("GOOGLE_VERTEX_PROJECT") && refused.contains("project"),
        "{refused}"
    );
}
