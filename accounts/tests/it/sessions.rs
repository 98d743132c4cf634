//! Tokens: rotation, reuse, sign-out, expiry, the cookie.

use brokle_model::port::AuthError;
use brokle_model::principal::Role;
use serde_json::{Value, json};

use crate::app::{Answer, App, on_each_engine};

on_each_engine!(
    a_refresh_token_is_exchanged_for_the_next_pair,
    reuse_of_a_refresh_token_ends_the_whole_session,
    signing_out_ends_the_session_on_every_node,
    access_tokens_expire_and_sessions_outlive_them_by_refreshing,
    a_session_ends_when_nobody_refreshes_it,
    the_cookie_alone_refreshes_and_signs_out,
    a_role_is_seen_by_the_port_within_its_cache_age,
);

async fn refresh(app: &App, token: &str) -> Answer {
    app.public("POST /api/v1/auth/refresh", json!({"refresh_token": token}))
        .await
}

async fn a_refresh_token_is_exchanged_for_the_next_pair(app: App) {
    let signed_up = app.sign_up("ada").await;
    let next = refresh(&app, &signed_up.text("refresh_token")).await.expect(200);
    assert_eq!(next.data()["user"], signed_up.data()["user"]);
    assert_ne!(next.text("refresh_token"), signed_up.text("refresh_token"));
    app.get(&next.text("access_token"), "/api/v1/users/me")
        .await
        .expect(200);
    for (body, code) in [
        (json!({"refresh_token": "brokle_rt_unknown"}), "session_ended"),
        (json!({}), "refresh_token_missing"),
        (Value::Null, "refresh_token_missing"),
    ] {
        assert_eq!(
            app.public("POST /api/v1/auth/refresh", body)
                .await
                .expect(401)
                .code(),
            code
        );
    }
}

async fn reuse_of_a_refresh_token_ends_the_whole_session(app: App) {
    let stolen = app.sign_up("ada").await.text("refresh_token");
    let thief = refresh(&app, &stolen).await.expect(200);
    app.get(&thief.text("access_token"), "/api/v1/users/me")
        .await
        .expect(200);
    assert_eq!(refresh(&app, &stolen).await.expect(401).code(), "session_ended");
    app.get(&thief.text("access_token"), "/api/v1/users/me")
        .await
        .expect(401);
    refresh(&app, &thief.text("refresh_token")).await.expect(401);
}

async fn signing_out_ends_the_session_on_every_node(app: App) {
    let other_node = app.another_node();
    let tenant = app.tenant("ada").await;
    other_node
        .get(&tenant.token, "/api/v1/users/me")
        .await
        .expect(200);
    let body = json!({"refresh_token": tenant.refresh_token});
    let signed_out = app
        .public("POST /api/v1/auth/logout", body.clone())
        .await
        .expect(204);
    assert!(
        signed_out.cookie().contains("Max-Age=0"),
        "{}",
        signed_out.cookie()
    );
    app.get(&tenant.token, "/api/v1/users/me").await.expect(401);
    app.pass(5_000);
    other_node
        .get(&tenant.token, "/api/v1/users/me")
        .await
        .expect(401);
    refresh(&app, &tenant.refresh_token).await.expect(401);
    app.public("POST /api/v1/auth/logout", body).await.expect(204);
    app.public("POST /api/v1/auth/logout", Value::Null)
        .await
        .expect(204);
}

async fn access_tokens_expire_and_sessions_outlive_them_by_refreshing(app: App) {
    let signed_up = app.sign_up("ada").await;
    app.pass(15 * 60 * 1000);
    let expired = app
        .get(&signed_up.text("access_token"), "/api/v1/users/me")
        .await
        .expect(401);
    assert_eq!(expired.code(), "credential_invalid");
    let mut token = signed_up.text("refresh_token");
    for _ in 0..3 {
        app.pass(6 * 24 * 3_600_000);
        let next = refresh(&app, &token).await.expect(200);
        app.get(&next.text("access_token"), "/api/v1/users/me")
            .await
            .expect(200);
        token = next.text("refresh_token");
    }
}

async fn a_session_ends_when_nobody_refreshes_it(app: App) {
    let signed_up = app.sign_up("ada").await;
    app.pass(7 * 24 * 3_600_000);
    refresh(&app, &signed_up.text("refresh_token")).await.expect(401);
}

async fn the_cookie_alone_refreshes_and_signs_out(app: App) {
    let signed_up = app.sign_up("ada").await;
    let attributes = "Max-Age=604800; Path=/api/v1/auth; HttpOnly; SameSite=Strict";
    let expected = format!("brokle_refresh={}; {attributes}", signed_up.text("refresh_token"));
    assert_eq!(signed_up.cookie(), expected);
    let cookie = format!("brokle_refresh={}", signed_up.text("refresh_token"));
    let https = [("cookie", cookie.as_str()), ("x-forwarded-proto", "https")];
    let next = app
        .send("POST /api/v1/auth/refresh", &https, Value::Null)
        .await
        .expect(200);
    assert!(next.cookie().ends_with("; Secure"), "{}", next.cookie());
    let cookie = format!("theme=dark; brokle_refresh={}", next.text("refresh_token"));
    app.send("POST /api/v1/auth/logout", &[("cookie", &cookie)], Value::Null)
        .await
        .expect(204);
    app.get(&next.text("access_token"), "/api/v1/users/me")
        .await
        .expect(401);
}

async fn a_role_is_seen_by_the_port_within_its_cache_age(app: App) {
    let (ada, bob) = (app.tenant("ada").await, app.tenant("bob").await);
    let port = app.accounts.session_resolver();
    let project = ada.project.parse().unwrap();
    assert_eq!(port.resolve(&ada.token).await.unwrap().user, ada.user);
    assert!(matches!(port.resolve("forged").await, Err(AuthError::Refused)));
    assert_eq!(
        port.project_role(ada.user, project).await.unwrap(),
        Some(Role::Owner)
    );
    assert_eq!(port.project_role(bob.user, project).await.unwrap(), None);
    let organization = ada.organization.parse().unwrap();
    let now = brokle_model::clock::Clock::now(&*app.clock);
    let store: &dyn brokle_storage::repo::Organizations = &*app.store;
    store
        .set_member(organization, bob.user, Role::Viewer, now)
        .await
        .unwrap();
    app.pass(5_000);
    assert_eq!(
        port.project_role(bob.user, project).await.unwrap(),
        Some(Role::Viewer)
    );
}
