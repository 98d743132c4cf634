//! The base of `/openapi.json`: title, security schemes, and the failure that every route may answer. Each
//! plane adds its paths and schemas.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
};

use crate::envelope::{ErrorBody, ErrorEnvelope};

/// The name of the security scheme "dashboard access token", for `security(("session" = []))`.
pub const SESSION: &str = "session";
/// The name of the security scheme "API key", for `security(("api_key" = []))`.
pub const API_KEY: &str = "api_key";

/// The document without any path.
pub fn base(version: &str) -> OpenApi {
    let session = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token of a signed-in user."))
        .build();
    let api_key =
        ApiKeyValue::with_description("X-API-Key", "A project's key; `Authorization: Bearer` works too.");
    let components = ComponentsBuilder::new()
        .schema_from::<ErrorEnvelope>()
        .schema_from::<ErrorBody>()
        .security_scheme(SESSION, SecurityScheme::Http(session))
        .security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(api_key)))
        .build();
    let info = InfoBuilder::new()
        .title("Brokle")
        .version(version)
        .description(Some(
            "OpenTelemetry collector, LLM gateway and analytics in one process.",
        ))
        .license(Some(
            LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build(),
        ))
        .contact(Some(
            ContactBuilder::new()
                .url(Some("https://github.com/brokle-ai/brokle"))
                .build(),
        ))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}
