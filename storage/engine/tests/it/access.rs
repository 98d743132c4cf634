//! Who may come in.

use crate::support::{Database, EngineProcess, folder};

#[tokio::test]
async fn a_password_is_asked_for_in_every_form() {
    let data = folder("password");
    let mut engine = EngineProcess::start(&data, 0, "s3cret");
    let http = reqwest::Client::new();
    let post = |path: &str| http.post(format!("{}{path}", engine.url)).body("SELECT 1");
    let refused = post("/").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-clickhouse-exception-code"], "516");
    for good in [
        post("/?user=default&password=s3cret"),
        post("/").basic_auth("default", Some("s3cret")),
        post("/")
            .header("X-ClickHouse-User", "default")
            .header("X-ClickHouse-Key", "s3cret"),
    ] {
        assert_eq!(good.send().await.unwrap().status(), 200);
    }
    assert_eq!(post("/?password=S3cret").send().await.unwrap().status(), 403);
    assert_eq!(
        post("/?user=admin&password=s3cret")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(
        http.get(format!("{}/ping", engine.url))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert!(engine.terminate(), "it stops cleanly");
}

#[tokio::test]
async fn web_pages_from_elsewhere_are_refused() {
    let database = Database::create("web_pages").await;
    let page = database
        .request(&[])
        .header("Origin", "https://example.org")
        .body("SELECT 1");
    assert_eq!(database.send(page).await.code(), 516);
    let own = database
        .request(&[])
        .header("Origin", "http://localhost:3000")
        .body("SELECT 1");
    assert_eq!(database.send(own).await.ok(), "1\n");
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let config = brokle_engine::EngineConfig {
        library: crate::support::library(),
        data_dir: folder("not-loopback"),
        listen: "0.0.0.0:0".parse().unwrap(),
        password: None,
        stop_with_parent: false,
        limits: brokle_engine::Limits::default(),
    };
    let error = brokle_engine::run(config, tokio_util::sync::CancellationToken::new(), |_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(error, brokle_engine::EngineError::NotLoopback(_)),
        "{error}"
    );
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_process() {
    let data = folder("locked");
    let _engine = EngineProcess::start(&data, 0, "");
    let second = std::process::Command::new(crate::support::program())
        .arg(crate::support::library())
        .arg(&data)
        .output();
    let second = second.unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(message.contains("Held"), "{message}");
}
