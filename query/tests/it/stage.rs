//! A database with the real tables, the plane over it, and a user who may read one project.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use brokle_migrations::Verb;
use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_model::clock::{Clock, ManualClock, SystemClock};
use brokle_model::id::{ProjectId, SessionId, UserId};
use brokle_model::port::{AuthError, SessionResolver, UserSession};
use brokle_model::principal::Role;
use brokle_query::Query;
use brokle_query::rollup::{RollUpConfig, RollUps};
use brokle_storage::telemetry::{QueryError, QueryOutput, SqlQuery, TelemetryReader};
use brokle_storage_clickhouse::ClickHouse;
use brokle_testkit::clickhouse::TestClickHouse;
use chrono::{DateTime, DurationRound, Utc};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::rows::{PROJECT, Row};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Everything that a test needs.
pub(crate) struct Stage {
    pub(crate) meter: Arc<Meter>,
    pub(crate) now: DateTime<Utc>,
    clickhouse: ClickHouse,
    router: Router,
    _database: TestClickHouse,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let database = TestClickHouse::create().await;
        let clickhouse = database.client();
        let mut target = ClickHouseTarget::new(clickhouse.clone());
        let migrations = brokle_migrations::clickhouse();
        brokle_migrations::apply(
            &mut target,
            &migrations,
            Verb::Up { steps: None },
            &SystemClock,
            false,
        )
        .await
        .unwrap();
        // The tables forget after thirty days, so the tests live in the present.
        let now = SystemClock
            .now()
            .duration_trunc(chrono::Duration::hours(1))
            .unwrap();
        let meter = Arc::new(Meter::over(clickhouse.clone()));
        let reader: Arc<dyn TelemetryReader> = Arc::<Meter>::clone(&meter);
        let query = Query::new(reader, Arc::new(OneProject), Arc::new(ManualClock::at(now)));
        let (router, _) = query.router().split_for_parts();
        Self {
            meter,
            now,
            clickhouse,
            router,
            _database: database,
        }
    }

    /// The instant `ms` milliseconds before the present.
    pub(crate) fn ago(&self, ms: i64) -> DateTime<Utc> {
        self.now - chrono::Duration::milliseconds(ms)
    }

    pub(crate) async fn insert(&self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            self.execute(&row.insert()).await;
        }
    }

    /// Many rows that set the same columns, in few statements.
    pub(crate) async fn insert_together(&self, rows: impl IntoIterator<Item = Row>) {
        let rows: Vec<Row> = rows.into_iter().collect();
        for some in rows.chunks(100) {
            self.execute(&Row::insert_all(some)).await;
        }
    }

    /// Computes every marked quarter of an hour; what was inserted before is visible, so nothing need settle.
    pub(crate) async fn roll_up(&self) -> u64 {
        let config = RollUpConfig {
            settle: Duration::ZERO,
            ..RollUpConfig::default()
        };
        let reader = Arc::new(self.clickhouse.clone());
        let maintenance = Arc::new(self.clickhouse.clone());
        let job = RollUps::new(reader, maintenance, Arc::new(SystemClock), config);
        job.catch_up(&CancellationToken::new()).await.unwrap()
    }

    /// The result of a query, as tab-separated text.
    pub(crate) async fn fetch(&self, query: &str) -> String {
        let text = self.clickhouse.fetch(query, "TabSeparated", TIMEOUT).await;
        text.unwrap().trim_end().to_owned()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.clickhouse.execute(statement, TIMEOUT).await.unwrap();
    }

    /// Asks for `/api/v1/analytics{path}` as the user.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(Some(TOKEN), path).await
    }

    pub(crate) async fn get_as(&self, token: Option<&str>, path: &str) -> Answer {
        let (status, bytes) = self.bytes(token, &format!("/api/v1/analytics{path}")).await;
        Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap(),
        }
    }

    /// Asks for any path as the user.
    pub(crate) async fn get_at(&self, path: &str) -> Answer {
        let (status, bytes) = self.bytes(Some(TOKEN), path).await;
        Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap(),
        }
    }

    /// A file at any path.
    pub(crate) async fn text_at(&self, path: &str) -> String {
        let (status, bytes) = self.bytes(Some(TOKEN), path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    async fn bytes(&self, token: Option<&str>, path: &str) -> (StatusCode, axum::body::Bytes) {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }

    /// The answer's data; a failure fails the test.
    pub(crate) async fn data(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body["data"].clone()
    }

    /// The names of the traces on the first page.
    pub(crate) async fn names(&self, parameters: &[(&str, &str)]) -> Vec<String> {
        let data = self.data(&traces_path(parameters)).await;
        data.as_array()
            .unwrap()
            .iter()
            .map(|trace| trace["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// `/traces` with the project and these parameters.
pub(crate) fn traces_path(parameters: &[(&str, &str)]) -> String {
    with_parameters("/traces", parameters)
}

/// A path with the project and these parameters.
pub(crate) fn with_parameters(path: &str, parameters: &[(&str, &str)]) -> String {
    let escaped = parameters.iter().map(|(name, value)| {
        let escaped = value.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        });
        format!("&{name}={}", escaped.collect::<String>())
    });
    format!("{path}?project_id={PROJECT}{}", escaped.collect::<String>())
}

/// The user's access token.
pub(crate) const TOKEN: &str = "good";

/// One user, who may read [`PROJECT`] and nothing else.
struct OneProject;

#[async_trait]
impl SessionResolver for OneProject {
    async fn resolve(&self, access_token: &str) -> Result<UserSession, AuthError> {
        let session = UserSession {
            user: UserId::from_u128(1),
            session: SessionId::from_u128(1),
        };
        if access_token == TOKEN {
            Ok(session)
        } else {
            Err(AuthError::Refused)
        }
    }

    async fn project_role(&self, _: UserId, project: ProjectId) -> Result<Option<Role>, AuthError> {
        Ok((project == PROJECT).then_some(Role::Viewer))
    }
}

/// Storage with a meter of what it read, and a limit that tests may lower.
pub(crate) struct Meter {
    clickhouse: ClickHouse,
    rows_read: AtomicU64,
    queries: AtomicU64,
    rows_to_read_max: Mutex<Option<u64>>,
}

impl Meter {
    fn over(clickhouse: ClickHouse) -> Self {
        Self {
            clickhouse,
            rows_read: AtomicU64::new(0),
            queries: AtomicU64::new(0),
            rows_to_read_max: Mutex::new(None),
        }
    }

    /// Rows and queries since the last look.
    pub(crate) fn take(&self) -> (u64, u64) {
        (
            self.rows_read.swap(0, Ordering::SeqCst),
            self.queries.swap(0, Ordering::SeqCst),
        )
    }

    /// Lowers every query's limit.
    pub(crate) fn limit_rows_to_read(&self, rows: u64) {
        *self.rows_to_read_max.lock().unwrap() = Some(rows);
    }
}

#[async_trait]
impl TelemetryReader for Meter {
    async fn query(&self, mut query: SqlQuery) -> Result<QueryOutput, QueryError> {
        let lowered = *self.rows_to_read_max.lock().unwrap();
        query.limits.rows_to_read_max = lowered.unwrap_or(query.limits.rows_to_read_max);
        let text = query.text.clone();
        let output = self.clickhouse.query(query).await.inspect_err(|error| {
            if matches!(error, QueryError::Rejected { .. }) {
                eprintln!("{error}\n{text}");
            }
        })?;
        self.rows_read.fetch_add(output.rows_read, Ordering::SeqCst);
        self.queries.fetch_add(1, Ordering::SeqCst);
        Ok(output)
    }
}
