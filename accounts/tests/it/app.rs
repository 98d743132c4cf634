//! A node of the plane over a fresh store, a caller for its routes, and a clock that tests move.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use brokle_accounts::{Accounts, Config};
use brokle_http::peer::{TrustedProxies, identify_peer};
use brokle_http::request_log::{RequestLog, identify_and_log};
use brokle_model::clock::{Clock as _, ManualClock, SharedClock};
use brokle_model::id::{OrganizationId, UserId};
use brokle_model::principal::Role;
use brokle_storage::repo::Organizations as _;
use brokle_storage_cache::{MemoryLimiter, MemoryPubSub};
use brokle_storage_sql::SqlStore;
use brokle_storage_sql::testing::{Engine, with_store};
use chrono::{DateTime, TimeDelta};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Runs each named test, an async function of an [`App`], once per engine.
macro_rules! on_each_engine {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $test() {
                crate::app::run(brokle_storage_sql::testing::Engine::Sqlite, super::$test).await;
            })+
        }
        mod postgres {
            $(#[tokio::test] async fn $test() {
                crate::app::run(brokle_storage_sql::testing::Engine::Postgres, super::$test).await;
            })+
        }
    };
}

pub(crate) use on_each_engine;

pub(crate) const PASSWORD: &str = "correct horse battery";

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) accounts: Accounts,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) clock: Arc<ManualClock>,
    notices: MemoryPubSub,
    router: Router,
}

/// A signed-in user with an organisation and a project of their own.
pub(crate) struct Tenant {
    pub(crate) email: String,
    pub(crate) user: UserId,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) organization: String,
    pub(crate) project: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn run<F>(engine: Engine, test: impl FnOnce(App) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    with_store(engine, |store| test(App::new(store))).await;
}

impl App {
    fn new(store: Arc<SqlStore>) -> Self {
        let start = DateTime::from_timestamp(1_790_000_000, 123_456_789).unwrap();
        Self::over(store, Arc::new(ManualClock::at(start)), MemoryPubSub::default())
    }

    fn over(store: Arc<SqlStore>, clock: Arc<ManualClock>, notices: MemoryPubSub) -> Self {
        let shared = Arc::clone(&clock) as SharedClock;
        let limiter = Arc::new(MemoryLimiter::new(
            1_000,
            std::time::Duration::from_mins(10),
            Arc::clone(&shared),
        ));
        let config = Config::new("a secret that is long enough for tests".into());
        let bus = Arc::new(notices.clone());
        let accounts = Accounts::new(config, Arc::clone(&store) as _, limiter, bus, shared).unwrap();
        let (plane, _) = accounts.router().split_for_parts();
        let router = plane
            .layer(from_fn_with_state(TrustedProxies(1), identify_peer))
            .layer(from_fn_with_state(RequestLog::Each, identify_and_log));
        Self {
            accounts,
            store,
            clock,
            notices,
            router,
        }
    }

    /// Another node of the same installation: the same store, caches of its own.
    pub(crate) fn another_node(&self) -> Self {
        Self::over(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            MemoryPubSub::default(),
        )
    }

    /// The same, and the two hear of each other's changes.
    pub(crate) fn neighbour(&self) -> Self {
        Self::over(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            self.notices.clone(),
        )
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.clock.advance(TimeDelta::milliseconds(milliseconds));
    }

    /// Sends `METHOD path` with headers as pairs and a JSON body, unless that is null.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
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

    pub(crate) async fn public(&self, line: &str, body: Value) -> Answer {
        self.send(line, &[], body).await
    }

    pub(crate) async fn call(&self, token: &str, line: &str, body: Value) -> Answer {
        self.send(line, &[("authorization", &format!("Bearer {token}"))], body)
            .await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, &format!("GET {path}"), Value::Null).await
    }

    pub(crate) async fn sign_up(&self, name: &str) -> Answer {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        self.public("POST /api/v1/auth/signup", body).await.expect(201)
    }

    /// Signs up `name`, who makes an organisation and a project.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let signed_up = self.sign_up(name).await;
        let token = signed_up.text("access_token");
        let created = self
            .call(
                &token,
                "POST /api/v1/organizations",
                json!({"name": format!("{name} Inc")}),
            )
            .await;
        let organization = created.expect(201).text("id");
        let body = json!({"organization_id": organization, "name": "Chatbot"});
        let project = self
            .call(&token, "POST /api/v1/projects", body)
            .await
            .expect(201)
            .text("id");
        Tenant {
            email: format!("{name}@example.com"),
            user: signed_up.data()["user"]["id"].as_str().unwrap().parse().unwrap(),
            refresh_token: signed_up.text("refresh_token"),
            token,
            organization,
            project,
        }
    }

    /// Signs up `name` as a member of `tenant`'s organisation; gives their access token.
    pub(crate) async fn member(&self, tenant: &Tenant, name: &str, role: Role) -> String {
        let signed_up = self.sign_up(name).await;
        let user: UserId = signed_up.data()["user"]["id"].as_str().unwrap().parse().unwrap();
        let organization: OrganizationId = tenant.organization.parse().unwrap();
        self.store
            .set_member(organization, user, role, self.clock.now())
            .await
            .unwrap();
        signed_up.text("access_token")
    }

    /// Creates a key of `tenant`'s project; gives its id and its text.
    pub(crate) async fn key(&self, tenant: &Tenant, body: Value) -> (String, String) {
        let line = format!("POST {}", tenant.keys_path());
        let created = self.call(&tenant.token, &line, body).await.expect(201);
        (created.text("id"), created.text("key"))
    }
}

impl Tenant {
    pub(crate) fn keys_path(&self) -> String {
        format!("/api/v1/projects/{}/api-keys", self.project)
    }
}

impl Answer {
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.data()[field].as_str().unwrap().to_owned()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("no code")
    }

    pub(crate) fn field(&self) -> &str {
        self.body["error"]["details"]["field"]
            .as_str()
            .unwrap_or("no field")
    }

    pub(crate) fn cookie(&self) -> &str {
        self.headers["set-cookie"].to_str().unwrap()
    }
}
