//! The description from which the web app's types are made.

use serde_json::json;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, on_each_engine};

on_each_engine!(the_description_names_what_clients_rely_on);

async fn the_description_names_what_clients_rely_on(app: App) {
    let base = OpenApiRouter::with_openapi(brokle_http::openapi::base("1.0.0"));
    let description = serde_json::to_value(base.merge(app.accounts.router()).into_openapi()).unwrap();
    let schemas = &description["components"]["schemas"];
    for name in [
        "SessionTokens",
        "Organization",
        "Project",
        "ApiKey",
        "CreatedApiKey",
        "ErrorEnvelope",
    ] {
        assert!(schemas[name].is_object(), "{name} is not described: {schemas}");
    }
    assert_eq!(
        schemas["Organization"]["properties"]["role"]["enum"],
        json!(["viewer", "developer", "admin", "owner"])
    );
    let scopes = &schemas["CreateApiKeyRequest"]["properties"]["scopes"];
    assert_eq!(scopes["items"]["enum"], json!(["ingest", "gateway", "read"]));
    assert_eq!(schemas["CreateApiKeyRequest"]["required"], json!(["name"]));
    let sign_up = &description["paths"]["/api/v1/auth/signup"]["post"];
    assert!(sign_up["responses"]["201"].is_object() && sign_up["responses"]["4XX"].is_object());
    let secured = &description["paths"]["/api/v1/projects"]["get"]["security"];
    assert_eq!(*secured, json!([{"session": []}]));
}
