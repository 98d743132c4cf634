//! What a project sets about its telemetry: saved as a whole, in force in time, refused with reasons.

use brokle_model::id::ProjectId;
use brokle_model::port::SettingsUnknown;
use brokle_model::telemetry::Signal;
use serde_json::{Value, json};

use crate::app::{Answer, App, Tenant, on_each_engine};

on_each_engine!(
    settings_are_shown_as_saved_and_as_they_are_in_force,
    settings_are_in_force_at_once_here_and_after_a_look_elsewhere,
    nothing_is_answered_before_settings_were_read,
    two_who_edit_at_once_do_not_overwrite_each_other,
    every_field_at_fault_is_named,
);

fn path(tenant: &Tenant) -> String {
    format!("/api/v1/projects/{}/telemetry-settings", tenant.project)
}

async fn save(app: &App, tenant: &Tenant, version: u32, settings: Value) -> Answer {
    let body = json!({"version": version, "settings": settings});
    app.call(&tenant.token, &format!("PUT {}", path(tenant)), body)
        .await
}

fn days_of_traces(app: &App, tenant: &Tenant) -> Result<u16, SettingsUnknown> {
    let project: ProjectId = tenant.project.parse().unwrap();
    let settings = app.accounts.telemetry_policies().of(project)?;
    Ok(settings.retention_days.of(Signal::Traces))
}

async fn settings_are_shown_as_saved_and_as_they_are_in_force(app: App) {
    let ada = app.tenant("ada").await;
    let line = format!("GET {}", path(&ada));
    let before = app.call(&ada.token, &line, Value::Null).await.expect(200);
    assert_eq!(before.body["data"]["version"], 0);
    assert_eq!(before.body["data"]["settings"], json!({}));
    assert_eq!(before.body["data"]["effective"]["retention_days"]["traces"], 30);
    let own = json!({
        "retention_days": {"traces": 90},
        "redaction": {"patterns": ["email"], "rules": [{"name": "names", "keys": ["user.*"], "action": "hash"}]}
    });
    let saved = save(&app, &ada, 0, own.clone()).await.expect(200);
    let shown = app.call(&ada.token, &line, Value::Null).await.expect(200);
    for answer in [saved, shown] {
        let data = &answer.body["data"];
        assert_eq!((&data["version"], &data["settings"]), (&json!(1), &own));
        assert_eq!(data["effective"]["retention_days"]["traces"], 90);
        assert_eq!(data["effective"]["retention_days"]["metrics"], 90);
    }
}

async fn settings_are_in_force_at_once_here_and_after_a_look_elsewhere(app: App) {
    let (ada, bob) = (app.tenant("ada").await, app.tenant("bob").await);
    let other = app.another_node();
    for node in [&app, &other] {
        node.accounts.load_telemetry_settings().await.unwrap();
    }
    save(&app, &ada, 0, json!({"retention_days": {"traces": 7}}))
        .await
        .expect(200);
    assert_eq!(days_of_traces(&app, &ada), Ok(7));
    assert_eq!(days_of_traces(&other, &ada), Ok(30));
    other.accounts.load_telemetry_settings().await.unwrap();
    assert_eq!(days_of_traces(&other, &ada), Ok(7));
    save(&other, &ada, 1, json!({})).await.expect(200);
    app.accounts.load_telemetry_settings().await.unwrap();
    assert_eq!(days_of_traces(&app, &ada), Ok(30));
    assert_eq!(days_of_traces(&app, &bob), Ok(30));
}

async fn nothing_is_answered_before_settings_were_read(app: App) {
    let ada = app.tenant("ada").await;
    save(&app, &ada, 0, json!({"retention_days": {"traces": 7}}))
        .await
        .expect(200);
    assert_eq!(days_of_traces(&app, &ada), Err(SettingsUnknown));
    app.accounts.load_telemetry_settings().await.unwrap();
    assert_eq!(days_of_traces(&app, &ada), Ok(7));
}

async fn two_who_edit_at_once_do_not_overwrite_each_other(app: App) {
    let ada = app.tenant("ada").await;
    save(&app, &ada, 0, json!({"retention_days": {"traces": 7}}))
        .await
        .expect(200);
    let late = save(&app, &ada, 0, json!({})).await.expect(409);
    assert_eq!(late.code(), "telemetry_settings_outdated");
    assert_eq!(late.body["error"]["details"]["version"], 1);
    save(&app, &ada, 1, json!({})).await.expect(200);
}

async fn every_field_at_fault_is_named(app: App) {
    let ada = app.tenant("ada").await;
    let settings = json!({
        "retention_days": {"traces": 0},
        "redaction": {"rules": [{"name": "a", "value": "("}]}
    });
    let refused = save(&app, &ada, 0, settings).await.expect(400);
    assert_eq!(refused.code(), "telemetry_settings_invalid");
    let details = &refused.body["error"]["details"];
    assert_eq!(details["field"], "settings.retention_days.traces");
    assert_eq!(details["fields"][1]["field"], "settings.redaction.rules[0].value");
    let refused = save(&app, &ada, 0, json!({"redactions": {}})).await.expect(400);
    assert!(
        refused.body.to_string().contains("redactions"),
        "{}",
        refused.body
    );
}
