//! The work that no request waits for, and what happens while the store is away.

use std::time::Duration;

use brokle_model::port::AuthError;
use brokle_storage::repo::Sessions as _;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::app::{App, on_each_engine};

on_each_engine!(
    the_last_uses_are_written_down_at_the_end,
    ended_sessions_are_deleted_a_day_later,
    an_outage_of_the_store_is_503_and_lets_nobody_in,
);

const DEADLINE: Duration = Duration::from_secs(20);

async fn the_last_uses_are_written_down_at_the_end(app: App) {
    let tenant = app.tenant("ada").await;
    let (_, key) = app.key(&tenant, json!({"name": "laptop"})).await;
    app.accounts.key_resolver().resolve(&key).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    timeout(DEADLINE, app.accounts.run(stop)).await.unwrap();
    let listed = app.get(&tenant.token, &tenant.keys_path()).await.expect(200);
    assert_eq!(listed.data()[0]["last_used_at"], "2026-09-21T14:13:20.123456Z");
}

async fn ended_sessions_are_deleted_a_day_later(app: App) {
    let tenant = app.tenant("ada").await;
    let session = app
        .accounts
        .session_resolver()
        .resolve(&tenant.token)
        .await
        .unwrap()
        .session;
    app.pass(8 * 24 * 3_600_000 + 1);
    let stop = CancellationToken::new();
    let upkeep = tokio::spawn({
        let (accounts, stop) = (app.accounts.clone(), stop.clone());
        async move { accounts.run(stop).await }
    });
    let gone = async {
        let mut poll = interval(Duration::from_millis(10));
        while app.store.find_session(session).await.unwrap().is_some() {
            poll.tick().await;
        }
    };
    timeout(DEADLINE, gone).await.unwrap();
    stop.cancel();
    timeout(DEADLINE, upkeep).await.unwrap().unwrap();
}

async fn an_outage_of_the_store_is_503_and_lets_nobody_in(app: App) {
    let tenant = app.tenant("ada").await;
    let (_, key) = app.key(&tenant, json!({"name": "laptop"})).await;
    let keys = app.accounts.key_resolver();
    keys.resolve(&key).await.unwrap();
    app.store.close().await;
    keys.resolve(&key).await.unwrap();
    app.pass(5_000);
    assert!(matches!(keys.resolve(&key).await, Err(AuthError::Unavailable(_))));
    let answer = app.get(&tenant.token, "/api/v1/organizations").await.expect(503);
    assert_eq!(answer.code(), "auth_unavailable");
    let body = json!({"email": tenant.email, "password": crate::app::PASSWORD});
    let answer = app.public("POST /api/v1/auth/login", body).await.expect(503);
    assert_eq!(answer.code(), "storage_unavailable");
    let refreshed = app
        .public(
            "POST /api/v1/auth/refresh",
            json!({"refresh_token": tenant.refresh_token}),
        )
        .await;
    assert_ne!(refreshed.expect(503).body, Value::Null);
}
