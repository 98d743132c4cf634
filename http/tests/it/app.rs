//! A router with one handler per behaviour under test, and a session resolver with three known users.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use brokle_http::extract::permission::{ApiKeysWrite, TracesRead};
use brokle_http::fallback::with_fallbacks;
use brokle_http::headers::with_security_headers;
use brokle_http::limits::{Limits, catch_panics, with_limits};
use brokle_http::peer::{TrustedProxies, identify_peer};
use brokle_http::request_log::{RequestLog, identify_and_log};
use brokle_http::{
    ApiResult, Envelope, InPath, Json, Pagination, Path, Peer, ProjectMember, Query, SignedIn,
};
use brokle_model::id::{ProjectId, SessionId, UserId};
use brokle_model::port::{AuthError, SessionResolver, UserSession};
use brokle_model::principal::Role;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const PROJECT: ProjectId = ProjectId::from_u128(7);

struct FakeSessions;

#[async_trait]
impl SessionResolver for FakeSessions {
    async fn resolve(&self, token: &str) -> Result<UserSession, AuthError> {
        let user = match token {
            "viewer" => 1,
            "owner" => 2,
            "stranger" => 3,
            "outage" => return Err(AuthError::Unavailable("connection refused by 10.0.0.7".into())),
            _ => return Err(AuthError::Refused),
        };
        Ok(UserSession {
            user: UserId::from_u128(user),
            session: SessionId::from_u128(user),
        })
    }

    async fn project_role(&self, user: UserId, project: ProjectId) -> Result<Option<Role>, AuthError> {
        let known = [
            (UserId::from_u128(1), Role::Viewer),
            (UserId::from_u128(2), Role::Owner),
        ];
        let role = known
            .into_iter()
            .find(|(member, _)| *member == user)
            .map(|(_, role)| role);
        Ok(role.filter(|_| project == PROJECT))
    }
}

#[derive(Clone)]
struct AppState;

impl FromRef<AppState> for Arc<dyn SessionResolver> {
    fn from_ref(_: &AppState) -> Self {
        Arc::new(FakeSessions)
    }
}

#[derive(Deserialize)]
struct Note {
    text: String,
    stars: u8,
}

#[derive(Deserialize)]
struct Page {
    limit: u16,
}

async fn write_note(Json(note): Json<Note>) -> (StatusCode, Envelope<Value>) {
    Envelope::created(json!({ "text": note.text, "stars": note.stars }))
}

async fn maybe_note(note: Option<Json<Note>>) -> Envelope<bool> {
    Envelope::new(note.is_some())
}

async fn list_notes(Query(page): Query<Page>) -> Envelope<u16> {
    Envelope::page(page.limit, Pagination::new(Some("next".to_owned())))
}

async fn read_note(Path(id): Path<ProjectId>) -> Envelope<String> {
    Envelope::new(id.to_string())
}

async fn me(user: SignedIn) -> Envelope<String> {
    Envelope::new(user.user.to_string())
}

async fn traces(member: ProjectMember<TracesRead>) -> Envelope<String> {
    Envelope::new(member.role.to_string())
}

async fn keys(member: ProjectMember<ApiKeysWrite, InPath>) -> Envelope<String> {
    Envelope::new(member.project.to_string())
}

async fn peer(peer: Peer) -> Envelope<String> {
    Envelope::new(peer.ip.to_string())
}

async fn defect() -> ApiResult<Envelope<()>> {
    panic!("secret detail");
}

async fn forever() -> Envelope<()> {
    std::future::pending().await
}

fn router() -> Router {
    let routes = Router::new()
        .route("/notes", post(write_note).get(list_notes))
        .route("/notes/{note_id}", get(read_note))
        .route("/maybe", post(maybe_note))
        .route("/me", get(me))
        .route("/traces", get(traces))
        .route("/projects/{project_id}/keys", get(keys))
        .route("/peer", get(peer))
        .route("/defect", get(defect))
        .route("/forever", get(forever))
        .with_state(AppState);
    let limits = Limits {
        timeout: std::time::Duration::from_millis(50),
        body_bytes_max: 1024,
    };
    with_security_headers(catch_panics(with_limits(with_fallbacks(routes), limits)))
        .layer(from_fn_with_state(TrustedProxies(1), identify_peer))
        .layer(from_fn_with_state(RequestLog::Each, identify_and_log))
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("no code")
    }

    pub(crate) fn field(&self) -> &str {
        self.body["error"]["details"]["field"]
            .as_str()
            .unwrap_or("no field")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends `METHOD path`, headers as pairs, and reads the JSON answer.
pub(crate) async fn call(line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router()
        .oneshot(request.body(body.into()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub(crate) async fn get_as(token: &str, path: &str) -> Answer {
    call(
        &format!("GET {path}"),
        &[("authorization", &format!("Bearer {token}"))],
        "",
    )
    .await
}
