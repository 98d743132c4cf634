//! What an operator relies on: health, metrics, the API's description, errors, the command line.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output};

use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::harness::{binary, server, server_and_tenant};

async fn get(url: String) -> (StatusCode, String) {
    let response = Client::new().get(url).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn health_names_every_part_and_says_no_secret() {
    let server = server().await;
    let (status, text) = get(format!("{}/health", server.url())).await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &body["status"]),
        (StatusCode::OK, &Value::from("ok")),
        "{text}"
    );
    for part in ["relational", "clickhouse", "ingest", "cache", "providers"] {
        assert_eq!(body["parts"][part]["status"], "ok", "{part}: {text}");
        assert_eq!(
            get(format!("{}/health/{part}", server.url())).await.0,
            StatusCode::OK
        );
    }
    for path in ["/health/db", "/health/live", "/health/ready"] {
        assert_eq!(
            get(format!("{}{path}", server.url())).await.0,
            StatusCode::OK,
            "{path}"
        );
    }
    assert!(!text.contains("127.0.0.1") && !text.contains("sqlite:"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_served_to_loopback_and_not_through_a_proxy() {
    let server = server().await;
    let url = format!("{}/metrics", server.url());
    let (status, text) = get(url.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        text.contains("brokle_ingest") && text.ends_with("# EOF\n"),
        "{text}"
    );
    let forwarded = Client::new()
        .get(&url)
        .header("x-forwarded-for", "203.0.113.9")
        .send()
        .await
        .unwrap();
    assert_eq!(forwarded.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_api_paths_are_told_in_the_envelope_and_other_paths_get_the_dashboard() {
    let server = server().await;
    let (status, text) = get(format!("{}/api/v1/nothing", server.url())).await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &body["success"]),
        (StatusCode::NOT_FOUND, &Value::from(false))
    );
    assert!(body["error"]["request_id"].is_string(), "{text}");
    let (status, text) = get(format!("{}/acme/main/traces", server.url())).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.to_lowercase().contains("<!doctype html>"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_description_is_the_committed_one() {
    let server = server().await;
    let (_, text) = get(format!("{}/openapi.json", server.url())).await;
    let committed = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/reference/openapi.json"
    ));
    let committed: Value = serde_json::from_str(&committed.unwrap()).unwrap();
    let described: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        described, committed,
        "docs/reference/openapi.json is stale: run `make openapi`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_never_reaches_the_log() {
    let (mut server, tenant) = server_and_tenant().await;
    assert!(tenant.data("/api/v1/organizations").await.is_ok());
    server.stop().await.unwrap();
    let log = server.log();
    let secret = tenant.key.rsplit('_').next().unwrap();
    assert!(log.contains("/api/v1/organizations"), "requests are logged");
    for hidden in [secret, &tenant.access_token, brokle_testkit::tenant::PASSWORD] {
        assert!(!log.contains(hidden));
    }
}

fn brokle(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .current_dir(directory.path())
        .envs(environment.iter().copied());
    command.output().unwrap()
}

#[test]
fn help_teaches_the_first_steps() {
    let help = String::from_utf8(brokle(&["--help"], &[]).stdout).unwrap();
    for word in [
        "serve",
        "demo",
        "migrate",
        "clickhouse",
        "doctor",
        "config",
        "openapi",
        "version",
    ] {
        assert!(help.contains(word), "{help}");
    }
}

#[test]
fn an_unknown_configuration_key_stops_the_start_and_is_named() {
    let output = brokle(&["config", "check"], &[("BROKLE_DATA_DIRECTORY", "x")]);
    assert_eq!(output.status.code(), Some(78));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("BROKLE_DATA_DIRECTORY"), "{message}");
}

#[test]
fn config_show_hides_secrets() {
    let output = brokle(
        &["config", "show"],
        &[("DATABASE_URL", "postgres://u:hunter2@localhost/x")],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("storage.database_url = (set)") && !text.contains("hunter2"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_its_request_id_in_the_header_also_for_a_wrong_method() {
    let server = server().await;
    for (method, path, status) in [
        ("GET", "/v1/traces", 405),
        ("PUT", "/v1/chat/completions", 405),
        ("POST", "/api/v1/users/me", 405),
        ("POST", "/health", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/models", 401),
    ] {
        let request = Client::new().request(method.parse().unwrap(), format!("{}{path}", server.url()));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert!(response.headers().contains_key("x-request-id"), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_any_origin_may_send_spans_and_nothing_else() {
    let server = server().await;
    let preflight = async |path: &str| {
        let request = Client::new().request("OPTIONS".parse().unwrap(), format!("{}{path}", server.url()));
        let request = request
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-api-key");
        request.send().await.unwrap()
    };
    let allowed = preflight("/v1/traces").await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        allowed.headers()["access-control-allow-headers"],
        "content-type,x-api-key"
    );
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"));
    for path in ["/api/v1/auth/login", "/v1/chat/completions"] {
        let refused = preflight(path).await;
        assert!(
            !refused.headers().contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

#[test]
fn a_start_that_cannot_succeed_can_be_stopped_and_ends_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let library = directory.path().join("libchdb.so");
    std::fs::write(&library, "no library").unwrap();
    let start = || {
        let mut command = Command::new(binary());
        command.arg("serve").current_dir(directory.path());
        for port in [
            "PORT",
            "BROKLE_OTLP_GRPC_PORT",
            "BROKLE_OTLP_HTTP_PORT",
            "BROKLE_CLICKHOUSE_PORT",
        ] {
            command.env(port, "0");
        }
        command.env("BROKLE_ENGINE_LIBRARY", &library);
        command.env_remove("CLICKHOUSE_URL").env_remove("DATABASE_URL");
        command.stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let mut stopped = start();
    let mut lines = BufReader::new(stopped.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line.contains("the engine process ended")));
    let pid = rustix::process::Pid::from_child(&stopped);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(stopped.wait().unwrap().success(), "{rest:?}");
    assert!(
        rest.iter().any(|line| line.contains("stopped before serving")),
        "{rest:?}"
    );

    let failed = start().wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{text}");
    assert!(text.contains("ended each time"), "{text}");
}
