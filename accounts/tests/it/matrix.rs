//! Every route against every kind of caller. A route that is missing here fails the last test.

use std::collections::BTreeSet;

use brokle_model::principal::Role;
use serde_json::{Value, json};

use crate::app::{App, Tenant, on_each_engine};

on_each_engine!(
    every_route_answers_every_caller_as_it_should,
    a_foreign_key_cannot_be_revoked_through_an_own_project
);

/// Status for: nobody, another tenant, a viewer, a developer, an admin.
struct Line {
    route: &'static str,
    path: String,
    body: Value,
    expected: [u16; 5],
}

const PUBLIC: &[&str] = &[
    "POST /api/v1/auth/signup",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/logout",
    "GET /v1/auth/validate-key",
    "POST /v1/auth/validate-key",
];

fn lines(tenant: &Tenant) -> Vec<Line> {
    let Tenant {
        organization,
        project,
        ..
    } = tenant;
    let keys = tenant.keys_path();
    let line = |route, path: String, body, expected| Line {
        route,
        path,
        body,
        expected,
    };
    vec![
        line(
            "GET /api/v1/users/me",
            "/api/v1/users/me".into(),
            Value::Null,
            [401, 200, 200, 200, 200],
        ),
        line(
            "GET /api/v1/organizations",
            "/api/v1/organizations".into(),
            Value::Null,
            [401, 200, 200, 200, 200],
        ),
        line(
            "POST /api/v1/organizations",
            "/api/v1/organizations".into(),
            json!({"name": "New"}),
            [401, 201, 201, 201, 201],
        ),
        line(
            "GET /api/v1/organizations/{organization_id}",
            format!("/api/v1/organizations/{organization}"),
            Value::Null,
            [401, 404, 200, 200, 200],
        ),
        line(
            "GET /api/v1/projects",
            format!("/api/v1/projects?organization_id={organization}"),
            Value::Null,
            [401, 404, 200, 200, 200],
        ),
        line(
            "POST /api/v1/projects",
            "/api/v1/projects".into(),
            json!({"organization_id": organization, "name": "New"}),
            [401, 404, 403, 403, 201],
        ),
        line(
            "GET /api/v1/projects/{project_id}",
            format!("/api/v1/projects/{project}"),
            Value::Null,
            [401, 404, 200, 200, 200],
        ),
        line(
            "GET /api/v1/projects/{project_id}/telemetry-settings",
            format!("/api/v1/projects/{project}/telemetry-settings"),
            Value::Null,
            [401, 404, 403, 403, 200],
        ),
        line(
            "PUT /api/v1/projects/{project_id}/telemetry-settings",
            format!("/api/v1/projects/{project}/telemetry-settings"),
            json!({"version": 0, "settings": {}}),
            [401, 404, 403, 403, 200],
        ),
        line(
            "GET /api/v1/projects/{project_id}/api-keys",
            keys.clone(),
            Value::Null,
            [401, 404, 200, 200, 200],
        ),
        line(
            "POST /api/v1/projects/{project_id}/api-keys",
            keys.clone(),
            json!({"name": "New"}),
            [401, 404, 403, 201, 201],
        ),
        line(
            "PATCH /api/v1/projects/{project_id}/api-keys/{key_id}",
            keys.clone(),
            json!({"disabled": true}),
            [401, 404, 403, 200, 200],
        ),
        line(
            "POST /api/v1/projects/{project_id}/api-keys/{key_id}/rotate",
            keys.clone(),
            json!({}),
            [401, 404, 403, 201, 201],
        ),
        line(
            "DELETE /api/v1/projects/{project_id}/api-keys/{key_id}",
            keys,
            Value::Null,
            [401, 404, 403, 204, 204],
        ),
    ]
}

async fn every_route_answers_every_caller_as_it_should(app: App) {
    let tenant = app.tenant("ada").await;
    let callers = [
        ("nobody", String::new()),
        ("another tenant", app.tenant("bob").await.token),
        ("a viewer", app.member(&tenant, "vic", Role::Viewer).await),
        ("a developer", app.member(&tenant, "dev", Role::Developer).await),
        ("an admin", app.member(&tenant, "adm", Role::Admin).await),
    ];
    for line in lines(&tenant) {
        let (method, _) = line.route.split_once(' ').unwrap();
        for ((caller, token), expected) in callers.iter().zip(line.expected) {
            let path = match line.route.split_once("{key_id}") {
                Some((_, rest)) => {
                    let (key, _) = app.key(&tenant, json!({"name": "to be changed"})).await;
                    format!("{}/{key}{rest}", line.path)
                }
                None => line.path.clone(),
            };
            let answer = app
                .call(token, &format!("{method} {path}"), line.body.clone())
                .await;
            assert_eq!(
                answer.status, expected,
                "{} by {caller}: {}",
                line.route, answer.body
            );
        }
    }
    assert_eq!(
        described_routes(&app),
        known_routes(&tenant),
        "a route is missing in the table above"
    );
}

async fn a_foreign_key_cannot_be_revoked_through_an_own_project(app: App) {
    let (ada, bob) = (app.tenant("ada").await, app.tenant("bob").await);
    let (id, key) = app.key(&ada, json!({"name": "ada's"})).await;
    let line = format!("DELETE {}/{id}", bob.keys_path());
    let refused = app.call(&bob.token, &line, Value::Null).await.expect(404);
    assert_eq!(refused.code(), "api_key_not_found");
    app.send("GET /v1/auth/validate-key", &[("x-api-key", &key)], Value::Null)
        .await
        .expect(200);
}

fn known_routes(tenant: &Tenant) -> BTreeSet<String> {
    let listed = lines(tenant).into_iter().map(|line| line.route.to_owned());
    listed
        .chain(PUBLIC.iter().map(|route| (*route).to_owned()))
        .collect()
}

fn described_routes(app: &App) -> BTreeSet<String> {
    let description = serde_json::to_value(app.accounts.router().into_openapi()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .keys()
            .map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    routes.collect()
}
