//! How often the doors may be tried, and what the answer says then.

use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, on_each_engine};

on_each_engine!(
    one_address_may_try_so_often,
    one_account_may_be_tried_so_often_from_wherever,
    key_checks_are_limited_by_address,
);

async fn refresh_from(app: &App, ip: &str) -> Answer {
    app.send(
        "POST /api/v1/auth/refresh",
        &[("x-forwarded-for", ip)],
        Value::Null,
    )
    .await
}

async fn one_address_may_try_so_often(app: App) {
    for _ in 0..60 {
        refresh_from(&app, "203.0.113.7").await.expect(401);
    }
    let refused = refresh_from(&app, "203.0.113.7").await.expect(429);
    assert_eq!(
        (refused.code(), refused.headers["retry-after"].to_str().unwrap()),
        ("rate_limited", "1")
    );
    refresh_from(&app, "203.0.113.8").await.expect(401);
    app.pass(1_000);
    refresh_from(&app, "203.0.113.7").await.expect(401);
    refresh_from(&app, "203.0.113.7").await.expect(429);
}

async fn one_account_may_be_tried_so_often_from_wherever(app: App) {
    let tenant = app.tenant("ada").await;
    let sign_in = async |number: u32, email: &str, password: &str| {
        let ip = format!("203.0.113.{number}");
        let body = json!({"email": email, "password": password});
        app.send("POST /api/v1/auth/login", &[("x-forwarded-for", &ip)], body)
            .await
    };
    for number in 0..10 {
        sign_in(number, &tenant.email, "a wrong password")
            .await
            .expect(401);
    }
    let refused = sign_in(10, "ADA@example.com", PASSWORD).await.expect(429);
    assert_eq!(refused.headers["retry-after"], "6");
    app.pass(6_000);
    sign_in(11, &tenant.email, PASSWORD).await.expect(200);
}

async fn key_checks_are_limited_by_address(app: App) {
    let check = async || {
        let headers = [("x-forwarded-for", "203.0.113.7"), ("x-api-key", "bk_proj_guess")];
        app.send("GET /v1/auth/validate-key", &headers, Value::Null).await
    };
    for _ in 0..120 {
        check().await.expect(401);
    }
    check().await.expect(429);
}
