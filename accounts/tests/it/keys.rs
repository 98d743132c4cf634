//! API keys: what they permit, until when, and how soon a revoked one stops.

use std::time::Duration;

use brokle_model::port::AuthError;
use brokle_model::principal::Scope;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::app::{Answer, App, on_each_engine};

on_each_engine!(
    a_good_key_tells_its_project_and_scopes,
    a_key_that_is_not_good_is_refused_whatever_the_reason,
    a_revoked_key_stops_at_once_here_and_within_five_seconds_elsewhere,
    a_node_that_is_told_refuses_a_revoked_key_before_its_answer_has_aged,
    a_key_stops_when_it_expires,
    a_key_can_be_disabled_and_enabled_again,
    a_key_that_is_rotated_has_a_successor_and_goes_on_for_a_while,
    unacceptable_keys_name_their_field,
    a_projects_keys_are_limited,
    uses_are_written_down_together,
);

async fn validate(app: &App, key: &str) -> Answer {
    app.send("GET /v1/auth/validate-key", &[("x-api-key", key)], Value::Null)
        .await
}

async fn a_good_key_tells_its_project_and_scopes(app: App) {
    let tenant = app.tenant("ada").await;
    let (id, key) = app
        .key(&tenant, json!({"name": "reader", "scopes": ["read", "ingest"]}))
        .await;
    let expected = json!({"valid": true, "project_id": tenant.project, "scopes": ["ingest", "read"]});
    assert_eq!(*validate(&app, &key).await.expect(200).data(), expected);
    let bearer = [("authorization", format!("Bearer {key}"))];
    let headers: Vec<_> = bearer
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = app
        .send("GET /v1/auth/validate-key", &headers, Value::Null)
        .await
        .expect(200);
    assert_eq!(*answer.data(), expected);
    let grant = app.accounts.key_resolver().resolve(&key).await.unwrap();
    assert_eq!(
        (grant.key.to_string(), grant.organization.to_string()),
        (id, tenant.organization)
    );
    assert!(grant.scopes.iter().eq(&[Scope::Ingest, Scope::Read]));
}

async fn a_key_that_is_not_good_is_refused_whatever_the_reason(app: App) {
    let tenant = app.tenant("ada").await;
    let unknown = brokle_model::api_key::ApiKey::generate(tenant.project.parse().unwrap());
    for key in [unknown.reveal(), "bk_proj_short", tenant.token.as_str()] {
        assert_eq!(validate(&app, key).await.expect(401).code(), "credential_invalid");
        assert!(matches!(
            app.accounts.key_resolver().resolve(key).await,
            Err(AuthError::Refused)
        ));
    }
    let nothing = app
        .public("GET /v1/auth/validate-key", Value::Null)
        .await
        .expect(401);
    assert_eq!(nothing.code(), "credential_missing");
}

async fn a_revoked_key_stops_at_once_here_and_within_five_seconds_elsewhere(app: App) {
    let tenant = app.tenant("ada").await;
    let (id, key) = app.key(&tenant, json!({"name": "laptop"})).await;
    let (here, elsewhere) = (
        app.accounts.key_resolver(),
        app.another_node().accounts.key_resolver(),
    );
    here.resolve(&key).await.unwrap();
    elsewhere.resolve(&key).await.unwrap();
    let path = format!("{}/{id}", tenant.keys_path());
    app.call(&tenant.token, &format!("DELETE {path}"), Value::Null)
        .await
        .expect(204);
    assert!(matches!(here.resolve(&key).await, Err(AuthError::Refused)));
    app.pass(5_000);
    assert!(matches!(elsewhere.resolve(&key).await, Err(AuthError::Refused)));
    assert_eq!(
        *app.get(&tenant.token, &tenant.keys_path())
            .await
            .expect(200)
            .data(),
        json!([])
    );
    app.call(&tenant.token, &format!("DELETE {path}"), Value::Null)
        .await
        .expect(404);
}

async fn a_node_that_is_told_refuses_a_revoked_key_before_its_answer_has_aged(app: App) {
    let tenant = app.tenant("ada").await;
    let neighbour = app.neighbour();
    let stop = CancellationToken::new();
    let listening = tokio::spawn({
        let (accounts, stop) = (neighbour.accounts.clone(), stop.clone());
        async move { accounts.run(stop).await }
    });
    let keys = neighbour.accounts.key_resolver();
    // The neighbour may not listen yet; the clock stands still, so that nothing ages.
    let told = async {
        let mut poll = interval(Duration::from_millis(10));
        loop {
            let (id, key) = app.key(&tenant, json!({"name": "laptop"})).await;
            keys.resolve(&key).await.unwrap();
            let line = format!("DELETE {}/{id}", tenant.keys_path());
            app.call(&tenant.token, &line, Value::Null).await.expect(204);
            poll.tick().await;
            if keys.resolve(&key).await.is_err() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), told).await.unwrap();
    stop.cancel();
    listening.await.unwrap();
}

async fn a_key_stops_when_it_expires(app: App) {
    let tenant = app.tenant("ada").await;
    let body = json!({"name": "trial", "expires_at": "2026-09-21T14:13:21.5Z"});
    let (_, key) = app.key(&tenant, body).await;
    validate(&app, &key).await.expect(200);
    app.pass(1_300);
    validate(&app, &key).await.expect(200);
    app.pass(100);
    validate(&app, &key).await.expect(401);
    let listed = app.get(&tenant.token, &tenant.keys_path()).await.expect(200);
    assert_eq!(listed.data()[0]["expires_at"], "2026-09-21T14:13:21.500Z");
}

async fn a_key_can_be_disabled_and_enabled_again(app: App) {
    let tenant = app.tenant("ada").await;
    let (id, key) = app
        .key(&tenant, json!({"name": "laptop", "models": ["gpt-4o*"]}))
        .await;
    let line = format!("PATCH {}/{id}", tenant.keys_path());
    let change = async |body: Value| app.call(&tenant.token, &line, body).await;
    let models = async || {
        app.accounts
            .key_resolver()
            .resolve(&key)
            .await
            .unwrap()
            .models
            .clone()
    };
    assert_eq!(models().await[..], ["gpt-4o*".to_owned()]);
    let disabled = change(json!({"disabled": true})).await.expect(200);
    assert_eq!(disabled.data()["disabled_at"], "2026-09-21T14:13:20.123456Z");
    validate(&app, &key).await.expect(401);
    let enabled = change(json!({"disabled": false, "name": "desktop", "models": []}))
        .await
        .expect(200);
    assert_eq!(enabled.data()["name"], "desktop");
    assert_eq!(enabled.data()["disabled_at"], Value::Null);
    validate(&app, &key).await.expect(200);
    assert!(models().await.is_empty());
    change(json!({"expires_at": "2026-09-21T14:13:21Z"}))
        .await
        .expect(200);
    app.pass(1_000);
    validate(&app, &key).await.expect(401);
    change(json!({"expires_at": null})).await.expect(200);
    validate(&app, &key).await.expect(200);
}

async fn a_key_that_is_rotated_has_a_successor_and_goes_on_for_a_while(app: App) {
    let tenant = app.tenant("ada").await;
    let body = json!({"name": "laptop", "scopes": ["gateway"], "models": ["mini"]});
    let (id, old) = app.key(&tenant, body).await;
    let rotate = async |id: &str, body: Value| {
        let line = format!("POST {}/{id}/rotate", tenant.keys_path());
        app.call(&tenant.token, &line, body).await.expect(201)
    };
    let rotated = rotate(&id, json!({"overlap_seconds": 60})).await;
    let new = rotated.text("key");
    assert_eq!(
        (&rotated.data()["scopes"], &rotated.data()["models"]),
        (&json!(["gateway"]), &json!(["mini"]))
    );
    for key in [&old, &new] {
        validate(&app, key).await.expect(200);
    }
    app.pass(60_000);
    validate(&app, &old).await.expect(401);
    validate(&app, &new).await.expect(200);
    let at_once = rotate(&rotated.text("id"), json!({})).await.text("key");
    validate(&app, &new).await.expect(401);
    validate(&app, &at_once).await.expect(200);
}

async fn unacceptable_keys_name_their_field(app: App) {
    let tenant = app.tenant("ada").await;
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "k", "scopes": []}), "scopes"),
        (json!({"name": "k", "scopes": ["root"]}), "scopes[0]"),
        (
            json!({"name": "k", "expires_at": "2026-09-21T14:13:20Z"}),
            "expires_at",
        ),
        (json!({"name": "k", "models": ["gpt 4"]}), "models"),
        (json!({"name": "k", "expires_at": "tomorrow"}), "expires_at"),
        (
            json!({"name": "k", "expires_at": "+12026-09-21T14:13:20Z"}),
            "expires_at",
        ),
    ] {
        let line = format!("POST {}", tenant.keys_path());
        let refused = app.call(&tenant.token, &line, body).await.expect(400);
        assert_eq!(refused.field(), field, "{}", refused.body);
    }
}

async fn a_projects_keys_are_limited(app: App) {
    let tenant = app.tenant("ada").await;
    for number in 0..100 {
        app.key(&tenant, json!({"name": format!("key {number}")})).await;
    }
    let line = format!("POST {}", tenant.keys_path());
    let refused = app
        .call(&tenant.token, &line, json!({"name": "one more"}))
        .await
        .expect(409);
    assert_eq!(refused.code(), "api_key_limit_reached");
}

async fn uses_are_written_down_together(app: App) {
    let tenant = app.tenant("ada").await;
    let (_, used) = app.key(&tenant, json!({"name": "used"})).await;
    app.key(&tenant, json!({"name": "unused"})).await;
    let last_use = async |name: &str| {
        let listed = app.get(&tenant.token, &tenant.keys_path()).await.expect(200);
        let keys = listed.data().as_array().unwrap();
        keys.iter().find(|key| key["name"] == name).unwrap()["last_used_at"].clone()
    };
    app.accounts.key_resolver().resolve(&used).await.unwrap();
    assert_eq!(last_use("used").await, Value::Null);
    app.accounts.flush_key_uses().await;
    assert_eq!(last_use("used").await, "2026-09-21T14:13:20.123456Z");
    app.pass(60_000);
    app.accounts.key_resolver().resolve(&used).await.unwrap();
    app.accounts.flush_key_uses().await;
    assert_eq!(last_use("used").await, "2026-09-21T14:14:20.123456Z");
    assert_eq!(last_use("unused").await, Value::Null);
}
