//! What a newcomer does: sign up, make an organisation, a project and a key.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD, on_each_engine};

on_each_engine!(
    a_newcomer_gets_from_nothing_to_a_key,
    signing_in_again_gives_the_same_user,
    a_wrong_password_and_an_unknown_address_answer_alike,
    an_address_signs_up_once_however_it_is_spelled,
    unacceptable_sign_ups_name_their_field,
    slugs_are_readable_and_unique,
    lists_show_what_the_caller_belongs_to,
);

async fn a_newcomer_gets_from_nothing_to_a_key(app: App) {
    let signed_up = app.sign_up("ada").await;
    assert_eq!(signed_up.data()["expires_in"], 900);
    assert_eq!(signed_up.data()["user"]["email"], "ada@example.com");
    let token = signed_up.text("access_token");
    let me = app.get(&token, "/api/v1/users/me").await.expect(200);
    assert_eq!(me.data()["id"], signed_up.data()["user"]["id"]);
    assert_eq!(me.text("created_at"), "2026-09-21T14:13:20.123456Z");
    let organization = app
        .call(&token, "POST /api/v1/organizations", json!({"name": "Acme"}))
        .await
        .expect(201);
    assert_eq!(
        (organization.text("slug"), organization.text("role")),
        ("acme".into(), "owner".into())
    );
    let body = json!({"organization_id": organization.text("id"), "name": "Chat Bot"});
    let project = app.call(&token, "POST /api/v1/projects", body).await.expect(201);
    assert_eq!(project.text("slug"), "chat-bot");
    let keys = format!("/api/v1/projects/{}/api-keys", project.text("id"));
    let key = app
        .call(&token, &format!("POST {keys}"), json!({"name": "laptop"}))
        .await
        .expect(201);
    assert!(
        key.text("key")
            .starts_with(&format!("bk_proj_{}_", project.text("id")))
    );
    assert_eq!(key.data()["scopes"], json!(["ingest", "gateway", "read"]));
    let listed = app.get(&token, &keys).await.expect(200);
    assert_eq!(listed.data()[0]["preview"], key.data()["preview"]);
    assert!(
        !listed.body.to_string().contains(&key.text("key")),
        "the secret is shown once"
    );
    let shown = app
        .get(&token, &format!("/api/v1/projects/{}", project.text("id")))
        .await
        .expect(200);
    assert_eq!(shown.data(), project.data());
    let path = format!("/api/v1/organizations/{}", organization.text("id"));
    assert_eq!(
        app.get(&token, &path).await.expect(200).data(),
        organization.data()
    );
}

async fn signing_in_again_gives_the_same_user(app: App) {
    let signed_up = app.sign_up("ada").await;
    let body = json!({"email": " ADA@Example.com ", "password": PASSWORD});
    let signed_in = app.public("POST /api/v1/auth/login", body).await.expect(200);
    assert_eq!(signed_in.data()["user"], signed_up.data()["user"]);
    assert_ne!(signed_in.text("refresh_token"), signed_up.text("refresh_token"));
    app.get(&signed_in.text("access_token"), "/api/v1/users/me")
        .await
        .expect(200);
}

async fn a_wrong_password_and_an_unknown_address_answer_alike(app: App) {
    app.sign_up("ada").await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("ada@example.com", "wrong horse battery"),
        ("bob@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("ada@example.com", &"x".repeat(5000)),
    ] {
        let body = json!({"email": email, "password": password});
        let mut answer = app.public("POST /api/v1/auth/login", body).await.expect(401);
        answer.body["error"]["request_id"] = Value::Null;
        answers.push(answer.body);
    }
    assert_eq!(answers[0]["error"]["code"], "sign_in_refused");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn an_address_signs_up_once_however_it_is_spelled(app: App) {
    app.sign_up("ada").await;
    let body = json!({"email": "Ada@EXAMPLE.com", "password": PASSWORD, "name": "Ada"});
    let again = app.public("POST /api/v1/auth/signup", body).await.expect(409);
    assert_eq!((again.code(), again.field()), ("email_taken", "email"));
}

async fn unacceptable_sign_ups_name_their_field(app: App) {
    let valid = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    for (field, value, code) in [
        ("email", "ada", "email_invalid"),
        ("password", "1234567", "password_invalid"),
        ("password", &"x".repeat(129), "password_invalid"),
        ("name", "  ", "name_invalid"),
        ("name", "a\nb", "name_invalid"),
    ] {
        let mut body = valid.clone();
        body[field] = json!(value);
        let refused = app.public("POST /api/v1/auth/signup", body).await.expect(400);
        assert_eq!((refused.code(), refused.field()), (code, field));
        assert!(
            !refused.body.to_string().contains("xxxx"),
            "the password is not repeated"
        );
    }
    let missing = app
        .public("POST /api/v1/auth/signup", json!({"email": "ada@example.com"}))
        .await;
    assert_eq!(
        missing.expect(400).body["error"]["message"],
        "missing field `password`"
    );
}

async fn slugs_are_readable_and_unique(app: App) {
    let token = app.sign_up("ada").await.text("access_token");
    let create = async |name: &str| {
        let created = app
            .call(&token, "POST /api/v1/organizations", json!({"name": name}))
            .await
            .expect(201);
        (created.text("id"), created.text("slug"))
    };
    let (first, plain) = create("Acme").await;
    let (_, second) = create("acme").await;
    let (_, reserved) = create("Settings").await;
    assert_eq!(plain, "acme");
    assert!(second.starts_with("acme-") && second.len() == 9, "{second}");
    assert!(reserved.starts_with("settings-"), "{reserved}");
    let body = json!({"organization_id": first, "name": "日本"});
    let project = app.call(&token, "POST /api/v1/projects", body).await.expect(201);
    assert_eq!(
        (project.text("name"), project.text("slug")),
        ("日本".into(), "project".into())
    );
}

async fn lists_show_what_the_caller_belongs_to(app: App) {
    let (ada, bob) = (app.tenant("ada").await, app.tenant("bob").await);
    let organizations = app.get(&ada.token, "/api/v1/organizations").await.expect(200);
    assert_eq!(organizations.data().as_array().unwrap().len(), 1);
    assert_eq!(organizations.data()[0]["id"], ada.organization);
    let all = app.get(&ada.token, "/api/v1/projects").await.expect(200);
    assert_eq!(all.data().as_array().unwrap().len(), 1);
    assert_eq!(all.data()[0]["id"], ada.project);
    let own = format!("/api/v1/projects?organization_id={}", ada.organization);
    assert_eq!(app.get(&ada.token, &own).await.expect(200).data(), all.data());
    let foreign = format!("/api/v1/projects?organization_id={}", bob.organization);
    assert_eq!(
        app.get(&ada.token, &foreign).await.expect(404).code(),
        "organization_not_found"
    );
}
