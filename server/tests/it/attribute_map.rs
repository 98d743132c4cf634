//! A user's own table of attributes, from the configuration to the stored row.

use std::process::Command;

use brokle_model::clock::{Clock as _, SystemClock};
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use serde_json::json;

use crate::harness::{binary, observations};

const TABLE: &str = "version = 1\n\n[[producer]]\nname = \"acme\"\nplace = \"before\"\n\n\
    [producer.fields]\nmodel = [\"acme.model\"]\ninput_tokens = [\"acme.in\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_users_own_table_is_in_force_without_a_rebuild() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attributes.toml");
    std::fs::write(&path, TABLE).unwrap();
    let options = ServerOptions {
        config: format!("[ingest]\nattribute_map = \"{}\"\n", path.display()),
        ..ServerOptions::default()
    };
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let attribute = |key: &str, value| json!({"key": key, "value": value});
    let start = SystemClock.now().timestamp_nanos_opt().unwrap();
    let span = json!({
        "traceId": trace_id, "spanId": "b7ad6b7169203331", "name": "call",
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 1000).to_string(),
        "attributes": [
            attribute("gen_ai.response.model", json!({"stringValue": "gpt-4o"})),
            attribute("acme.model", json!({"stringValue": "gpt-4o-mini"})),
            attribute("acme.in", json!({"intValue": "12"})),
        ],
    });
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    let sent = reqwest::Client::new()
        .post(format!("{}/v1/traces", server.url()))
        .header("x-api-key", &tenant.key)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 200);
    let observation = &observations(&tenant, trace_id, 1).await[0];
    assert_eq!(
        (&observation["model"], &observation["usage"]["input_tokens"]),
        (&json!("gpt-4o-mini"), &json!(12))
    );
}

#[test]
fn a_mistake_in_a_users_table_stops_the_start_and_says_where() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attributes.toml");
    std::fs::write(&path, TABLE.replace("model", "modle")).unwrap();
    let output = Command::new(binary())
        .args(["config", "check"])
        .current_dir(directory.path())
        .env("BROKLE_INGEST_ATTRIBUTE_MAP", &path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        said.contains("attributes.toml") && said.contains("line 8"),
        "{said}"
    );
    assert!(said.contains("unknown field `modle`"), "{said}");
}
