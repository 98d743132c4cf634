//! What decides where a call goes, with real calls behind it: aliases, rules, splits, affinity, overrides by
//! header, what the key may use, and targets that are kept for a kind of failure.

use std::collections::BTreeSet;

use axum::routing::post;
use brokle_testkit::provider::Behaviour;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{GOOD_KEY, LIMITED_KEY, Stage, attribute, header, question, streamed};

const THREE: &str = "[routes.smart]\naliases = [\"clever\"]\n\
    targets = [{ provider = \"mock\", model = \"mock-a\" }, { provider = \"mock\", model = \"mock-b\" }]\n\
    [[routes.smart.rules]]\nname = \"long\"\nwhen = { input_tokens_min = 1000 }\n\
    targets = [{ provider = \"mock\", model = \"mock-long\" }]\n\
    [[routes.smart.rules]]\nname = \"gold\"\nwhen = { headers = { x-tier = \"gold*\" } }\n\
    targets = [{ provider = \"mock\", model = \"mock-gold\" }]\n";

fn model_of(response: &reqwest::Response) -> String {
    header(response.headers(), "x-brokle-model").to_owned()
}

async fn with_headers(stage: &Stage, model: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = stage.post(question(model).to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn refused(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (
        status,
        body["error"]["code"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn explain(stage: &Stage, body: &Value, headers: &[(&str, &str)]) -> Value {
    let mut request = stage
        .client
        .post(format!("{}/v1/route", stage.url))
        .bearer_auth(GOOD_KEY);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["data"].take()
}

#[tokio::test]
async fn a_rule_that_holds_gives_other_targets_and_the_span_says_which() {
    let stage = Stage::with(THREE).await;
    assert_eq!(model_of(&stage.ask("smart").await), "mock-a");
    assert_eq!(model_of(&stage.ask("clever").await), "mock-a", "an alias");
    let gold = with_headers(&stage, "clever", &[("x-tier", "golden")]).await;
    assert_eq!(
        (model_of(&gold), header(gold.headers(), "x-brokle-route")),
        ("mock-gold".into(), "smart")
    );
    let spans = stage.trace_of(&gold).await;
    assert_eq!(attribute(&spans[0], "brokle.gateway.rule"), "gold");
    let mut long = question("smart");
    long["messages"][0]["content"] = json!("x".repeat(5_000));
    assert_eq!(model_of(&stage.send(&long).await), "mock-long");
    let explained = explain(&stage, &question("smart"), &[("x-tier", "gold")]).await;
    assert_eq!(
        (&explained["rule"], &explained["model"]),
        (&json!("gold"), &json!("mock-gold"))
    );
}

#[tokio::test]
async fn arms_of_a_split_keep_their_callers_and_all_are_reached() {
    let stage = Stage::with(
        "[routes.trial]\ntargets = [{ provider = \"mock\", model = \"mock-a\" }]\n\
         [routes.trial.split]\nby = \"user\"\n\
         [[routes.trial.split.arms]]\nname = \"control\"\npercent = 50\n\
         targets = [{ provider = \"mock\", model = \"mock-a\" }]\n\
         [[routes.trial.split.arms]]\nname = \"candidate\"\npercent = 50\n\
         targets = [{ provider = \"mock\", model = \"mock-b\" }]\n",
    )
    .await;
    let mut seen = BTreeSet::new();
    for user in 0..32 {
        let user = format!("user-{user}");
        let first = with_headers(&stage, "trial", &[("x-user-id", &user)]).await;
        let again = with_headers(&stage, "trial", &[("x-user-id", &user)]).await;
        let arm = header(first.headers(), "x-brokle-arm").to_owned();
        assert_eq!(arm, header(again.headers(), "x-brokle-arm"), "{user}");
        assert_eq!(
            model_of(&first),
            if arm == "control" { "mock-a" } else { "mock-b" }
        );
        if seen.insert(arm.clone()) {
            let spans = stage.trace_of(&first).await;
            assert_eq!(attribute(&spans[0], "brokle.gateway.arm"), json!(arm));
        }
    }
    assert_eq!(
        seen.len(),
        2,
        "the chance that 32 users are in one arm is one in two thousand million"
    );
}

#[tokio::test]
async fn a_session_stays_with_its_target_while_that_answers() {
    let stage = Stage::with(
        "[routes.chat]\nstrategy = \"affinity\"\ntargets = [{ provider = \"mock\", model = \"mock-a\" }, \
         { provider = \"mock\", model = \"mock-b\" }, { provider = \"mock\", model = \"mock-c\" }]",
    )
    .await;
    let mut seen = BTreeSet::new();
    for session in 0..24 {
        let session = format!("session-{session}");
        let headers = [("x-session-id", session.as_str())];
        let first = model_of(&with_headers(&stage, "chat", &headers).await);
        assert_eq!(model_of(&with_headers(&stage, "chat", &headers).await), first);
        seen.insert(first);
    }
    assert_eq!(seen.len(), 3);
    // It fails once: the session's next target answers, and the same one every time.
    let headers = [("x-session-id", "session-0")];
    let home = model_of(&with_headers(&stage, "chat", &headers).await);
    stage
        .provider
        .script([Behaviour::Status(500), Behaviour::Status(500)]);
    let fallback = model_of(&with_headers(&stage, "chat", &headers).await);
    assert_ne!(fallback, home);
}

#[tokio::test]
async fn a_caller_may_decide_by_header_within_what_is_configured() {
    let stage = Stage::with_base(&format!(
        "[providers.other]\nbase_url = \"BASE\"\napi_key = \"x\"\n{THREE}\
         [routes.two]\ntargets = [{{ provider = \"mock\", model = \"mock-a\" }}, {{ provider = \"other\", model = \"mock-z\" }}]\n"
    ))
    .await;
    let ask = async |headers: &[(&str, &str)]| with_headers(&stage, "mock/mock-x", headers).await;
    assert_eq!(model_of(&ask(&[("x-brokle-route", "smart")]).await), "mock-a");
    let listed = ask(&[("x-brokle-targets", "mock/mock-500, other/mock-y")]).await;
    assert_eq!(
        (model_of(&listed), header(listed.headers(), "x-brokle-attempts")),
        ("mock-y".into(), "3")
    );
    let spans = stage.trace_of(&listed).await;
    assert_eq!(
        attribute(&spans[0], "brokle.gateway.overrides"),
        json!(["x-brokle-targets"])
    );
    let provider = with_headers(&stage, "two", &[("x-brokle-provider", "other")]).await;
    assert_eq!(model_of(&provider), "mock-z");
    let once = with_headers(&stage, "mock/mock-500", &[("x-brokle-retries", "0")]).await;
    assert_eq!(header(once.headers(), "x-brokle-attempts"), "1");
    let slow = with_headers(&stage, "mock/mock-hang", &[("x-brokle-timeout-ms", "50")]).await;
    assert_eq!(slow.status(), 504);
    for (headers, expected) in [
        (("x-brokle-route", "nowhere"), (404, "route_not_found")),
        (("x-brokle-provider", "nowhere"), (404, "provider_not_found")),
        (("x-brokle-retries", "99"), (400, "route_header_invalid")),
        (("x-brokle-strategy", "luck"), (400, "route_header_invalid")),
    ] {
        let (status, code) = refused(ask(&[headers]).await).await;
        assert_eq!((status, code.as_str()), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_key_uses_only_the_models_that_it_may_in_every_way_to_name_them() {
    let stage = Stage::with(THREE).await;
    let ask = async |path: &str, model: &str, headers: &[(&str, &str)]| {
        let mut request = stage
            .client
            .post(format!("{}{path}", stage.url))
            .bearer_auth(LIMITED_KEY);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut body = question(model);
        body["max_tokens"] = json!(9);
        request.json(&body).send().await.unwrap()
    };
    let chat = "/v1/chat/completions";
    assert_eq!(ask(chat, "mock/mock-b", &[]).await.status(), 200);
    // The route is not on the list; of its targets, one is.
    assert_eq!(model_of(&ask(chat, "smart", &[]).await), "mock-b");
    let answers = [
        ask(chat, "mock/mock-a", &[]).await,
        ask(chat, "mock/mock-b", &[("x-brokle-targets", "mock/mock-a")]).await,
        ask("/v1/embeddings", "mock/mock-a", &[]).await,
        ask(chat, "smart", &[("x-tier", "gold")]).await,
    ];
    for answer in answers {
        assert_eq!(refused(answer).await, (403, "model_not_allowed".into()));
    }
    let message = ask("/v1/messages", "mock/mock-a", &[]).await;
    let status = message.status().as_u16();
    let body: Value = message.json().await.unwrap();
    assert_eq!(
        (status, &body["error"]["type"]),
        (403, &json!("permission_error"))
    );
}

/// A provider that refuses every request with one error.
async fn refusing(code: &'static str) -> String {
    let answer = move || async move {
        let body = json!({ "error": { "message": "no", "type": "invalid_request_error", "code": code } });
        (axum::http::StatusCode::BAD_REQUEST, axum::Json(body))
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/v1/chat/completions", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn a_target_that_is_kept_for_a_failure_is_tried_after_that_failure_only() {
    let (long, filtered) = (
        refusing("context_length_exceeded").await,
        refusing("content_filter").await,
    );
    let stage = Stage::with(&format!(
        "[providers.short]\nbase_url = \"{long}\"\napi_key = \"x\"\n\
         [providers.strict]\nbase_url = \"{filtered}\"\napi_key = \"x\"\n\
         [routes.r]\ntargets = [{{ provider = \"short\", model = \"m\" }}, {{ provider = \"mock\", model = \"mock-a\" }}, \
         {{ provider = \"mock\", model = \"mock-large\", only_after = [\"context_window\"] }}]\n\
         [routes.s]\ntargets = [{{ provider = \"strict\", model = \"m\" }}, \
         {{ provider = \"mock\", model = \"mock-large\", only_after = [\"context_window\"] }}, \
         {{ provider = \"mock\", model = \"mock-lenient\", only_after = [\"content_filter\"] }}]\n\
         [routes.t]\ntargets = [{{ provider = \"mock\", model = \"mock-401\" }}, \
         {{ provider = \"mock\", model = \"mock-large\", only_after = [\"context_window\"] }}]\n"
    ))
    .await;
    let long = stage.ask("r").await;
    assert_eq!(model_of(&long), "mock-large", "before the ordinary one");
    let spans = stage.trace_of(&long).await;
    assert_eq!(attribute(&spans[1], "error.type"), "context_window_exceeded");
    assert_eq!(model_of(&stage.ask("s").await), "mock-lenient");
    assert_eq!(
        stage.ask("t").await.status(),
        502,
        "no target is kept for a refused key"
    );
}

#[tokio::test]
async fn keys_of_a_provider_take_turns_and_one_that_is_refused_is_left_alone() {
    let stage = Stage::with_base(
        "[providers.many]\nbase_url = \"BASE\"\n\
         [[providers.many.keys]]\nname = \"one\"\napi_key = \"sk-1\"\n\
         [[providers.many.keys]]\nname = \"two\"\napi_key = \"sk-2\"\n",
    )
    .await;
    let used = |from: usize| -> Vec<String> {
        let requests = stage.provider.requests();
        requests[from..]
            .iter()
            .map(|request| request.header("authorization").to_owned())
            .collect()
    };
    for _ in 0..4 {
        stage.ask("many/mock-a").await;
    }
    assert_eq!(
        used(0),
        ["Bearer sk-1", "Bearer sk-2", "Bearer sk-1", "Bearer sk-2"]
    );
    // The first key is out of capacity: the second answers at once, and alone for as long as was asked.
    stage.provider.script([Behaviour::Status(429)]);
    let response = stage.ask("many/mock-a").await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(response.headers(), "x-brokle-attempts")
        ),
        (200, "2")
    );
    let spans = stage.trace_of(&response).await;
    let keys = [1, 2].map(|place| attribute(&spans[place], "brokle.gateway.key"));
    assert_eq!(keys, [json!("one"), json!("two")]);
    stage.ask("many/mock-a").await;
    stage.ask("many/mock-a").await;
    assert_eq!(used(6), ["Bearer sk-2", "Bearer sk-2"]);
    stage.clock.advance(chrono::Duration::milliseconds(25));
    stage.ask("many/mock-a").await;
    stage.ask("many/mock-a").await;
    let after: BTreeSet<String> = used(8).into_iter().collect();
    assert_eq!(after.len(), 2, "its time is over");
}

#[tokio::test]
async fn the_least_used_target_is_asked_first() {
    let stage = Stage::with(
        "[routes.r]\nstrategy = \"least_used\"\ntargets = [\
         { provider = \"mock\", model = \"mock-a\", requests_per_minute = 10 }, \
         { provider = \"mock\", model = \"mock-b\", requests_per_minute = 30 }]",
    )
    .await;
    let mut counts = [0, 0];
    for _ in 0..20 {
        counts[usize::from(model_of(&stage.ask("r").await) == "mock-b")] += 1;
    }
    assert_eq!(counts, [5, 15]);
}

#[tokio::test]
async fn a_stream_honours_overrides_like_any_call() {
    let stage = Stage::with(THREE).await;
    let request = stage
        .post(streamed("smart").to_string())
        .header("x-brokle-provider", "mock");
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), model_of(&response)),
        (200, "mock-a".to_owned())
    );
}
