//! Files and batches: kept at the provider, seen by the project that they are of.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{GOOD_KEY, OTHER_KEY, Stage, attribute, header};

const FORM: &str = "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
    --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"calls.jsonl\"\r\n\r\n\
    {\"custom_id\":\"1\"} and more of it\r\n--XX--\r\n";

async fn send(stage: &Stage, key: &str, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let request = stage
        .client
        .request(method, format!("{}{path}", stage.url))
        .bearer_auth(key);
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

async fn upload(stage: &Stage, key: &str) -> Value {
    let request = stage
        .client
        .post(format!("{}/v1/files", stage.url))
        .bearer_auth(key);
    let request = request
        .header("content-type", "multipart/form-data; boundary=XX")
        .body(FORM);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_batch_goes_from_its_file_to_its_output() {
    let stage = Stage::new().await;
    let file = upload(&stage, GOOD_KEY).await;
    assert_eq!(file["filename"], "calls.jsonl");
    let id = file["id"].as_str().unwrap();
    assert!(id.starts_with("file-0.mock."), "{id}");
    let batch = json!({ "input_file_id": id, "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "metadata": { "mine": "yes" } });
    let (status, batch) = send(&stage, GOOD_KEY, Method::POST, "/v1/batches", Some(&batch)).await;
    assert_eq!(
        (status, &batch["metadata"]),
        (200, &json!({ "mine": "yes" })),
        "{batch}"
    );
    assert_eq!(batch["input_file_id"], id);
    let sent = stage.provider.requests().pop().unwrap().json();
    assert_eq!(sent["input_file_id"], "file-0");

    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    let (status, read) = send(&stage, GOOD_KEY, Method::GET, &path, None).await;
    assert_eq!((status, &read["status"]), (200, &json!("completed")));
    let (status, _) = send(&stage, GOOD_KEY, Method::POST, &format!("{path}/cancel"), None).await;
    assert_eq!(status, 200);
    let output = read["output_file_id"].as_str().unwrap();
    let content = stage
        .client
        .get(format!("{}/v1/files/{output}/content", stage.url));
    let content = content.bearer_auth(GOOD_KEY).send().await.unwrap();
    assert_eq!(
        header(content.headers(), "content-type"),
        "application/octet-stream"
    );
    let trace = header(content.headers(), "x-brokle-trace-id").to_owned();
    assert_eq!(content.text().await.unwrap(), "{\"custom_id\":\"1\"}\n");
    let spans = stage.sink.trace(&trace).await;
    assert_eq!(spans[0].name, "GET /v1/files/{id}/content");
    assert_eq!(spans[1].name, "file_content");
    assert_eq!(attribute(&spans[0], "brokle.gateway.outcome"), "answered");
    assert_eq!(attribute(&spans[1], "gen_ai.request.model"), Value::Null);
    assert_eq!(attribute(&spans[1], "brokle.gateway.provider"), "mock");
}

#[tokio::test]
async fn what_is_anothers_is_as_unknown_as_what_never_was() {
    let stage = Stage::new().await;
    let file = upload(&stage, GOOD_KEY).await;
    let theirs = upload(&stage, OTHER_KEY).await;
    let id = file["id"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, format!("/v1/files/{id}")),
        (Method::GET, format!("/v1/files/{id}/content")),
        (Method::DELETE, format!("/v1/files/{id}")),
        (Method::GET, format!("/v1/batches/{id}")),
    ] {
        let before = stage.provider.requests().len();
        let (status, said) = send(&stage, OTHER_KEY, method.clone(), &path, None).await;
        assert_eq!(
            (status, &said["error"]["code"]),
            (404, &json!("not_found")),
            "{method} {path}"
        );
        assert_eq!(
            stage.provider.requests().len(),
            before,
            "the provider was not even asked"
        );
    }
    let stolen = json!({ "input_file_id": id });
    let (status, _) = send(&stage, OTHER_KEY, Method::POST, "/v1/batches", Some(&stolen)).await;
    assert_eq!(status, 404);
    let (status, list) = send(&stage, OTHER_KEY, Method::GET, "/v1/files?limit=5", None).await;
    assert_eq!(
        (status, list["data"].as_array().map(Vec::len)),
        (200, Some(1)),
        "{list}"
    );
    assert_eq!(
        (&list["data"][0]["id"], &list["data"][0]["filename"]),
        (&theirs["id"], &json!("calls.jsonl"))
    );
    let (_, list) = send(&stage, OTHER_KEY, Method::GET, "/v1/batches", None).await;
    assert_eq!(list["data"], json!([]));
    let (status, gone) = send(&stage, GOOD_KEY, Method::DELETE, &format!("/v1/files/{id}"), None).await;
    assert_eq!((status, &gone["id"]), (200, &json!(id)));
    let (status, _) = send(&stage, GOOD_KEY, Method::GET, &format!("/v1/files/{id}"), None).await;
    assert_eq!(status, 404, "the provider's own word");
}

#[tokio::test]
async fn who_cannot_keep_files_is_said_to() {
    let stage = Stage::with_second_dialect("claude", "anthropic", "").await;
    let request = stage
        .client
        .post(format!("{}/v1/files", stage.url))
        .bearer_auth(GOOD_KEY);
    let request = request.header("content-type", "multipart/form-data; boundary=XX");
    let refused = request
        .header("x-brokle-provider", "claude")
        .body(FORM)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    let said: Value = refused.json().await.unwrap();
    assert!(
        said["error"]["message"].as_str().unwrap().contains("claude"),
        "{said}"
    );
    let (status, _) = send(&stage, GOOD_KEY, Method::POST, "/v1/files", Some(&json!({}))).await;
    assert_eq!(status, 400);
    let (status, _) = send(&stage, "no-key", Method::GET, "/v1/files", None).await;
    assert_eq!(status, 401);
}
