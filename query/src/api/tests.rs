use async_trait::async_trait;
use brokle_model::clock::SystemClock;
use brokle_model::id::{ProjectId, UserId};
use brokle_model::port::{AuthError, UserSession};
use brokle_model::principal::Role;
use brokle_storage::telemetry::{QueryError, QueryOutput, SqlQuery};
use serde_json::Value;

use super::*;

struct Nobody;

#[async_trait]
impl SessionResolver for Nobody {
    async fn resolve(&self, _: &str) -> Result<UserSession, AuthError> {
        Err(AuthError::Refused)
    }

    async fn project_role(&self, _: UserId, _: ProjectId) -> Result<Option<Role>, AuthError> {
        Ok(None)
    }
}

#[async_trait]
impl TelemetryReader for Nobody {
    async fn query(&self, _: SqlQuery) -> Result<QueryOutput, QueryError> {
        Ok(QueryOutput::default())
    }
}

#[test]
fn every_route_is_described_with_its_parameters_and_demands_a_session() {
    let query = Query::new(Arc::new(Nobody), Arc::new(Nobody), Arc::new(SystemClock));
    let (_, openapi) = query.router().split_for_parts();
    let openapi = serde_json::to_value(openapi).unwrap();
    let mut lines = Vec::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        let operation = &item["get"];
        assert_eq!(operation["security"], json!([{"session": []}]), "{path}");
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let parameters: Vec<&str> = parameters
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let answer = answer["$ref"].as_str().unwrap_or("a JSON value");
        let id = operation["operationId"].as_str().unwrap();
        lines.push(format!(
            "{id}: GET {path} ({}) -> {answer}",
            parameters.join(", ")
        ));
    }
    let schemas: Vec<&str> = openapi["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    lines.push(format!("schemas: {}", schemas.join(", ")));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_the_descriptions_call_required_is_always_there() {
    let query = Query::new(Arc::new(Nobody), Arc::new(Nobody), Arc::new(SystemClock));
    let (_, openapi) = query.router().split_for_parts();
    let openapi = serde_json::to_value(openapi).unwrap();
    let required = |schema: &str| {
        let fields = openapi["components"]["schemas"][schema]["required"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        fields
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    insta::assert_snapshot!(format!(
        "{}\n{}",
        required("Trace").join(" "),
        required("Observation").join(" ")
    ));
}
