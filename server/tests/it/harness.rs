//! Starting servers, on either relational store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use brokle_storage_sql::Database;
use brokle_storage_sql::testing::{Engine, TestDatabase};
use brokle_testkit::server::{Server, ServerOptions};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// Telemetry must be visible well before this; the figure itself is measured by a benchmark.
pub(crate) const VISIBLE_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_brokle"))
}

/// A server with defaults: SQLite, and the test run's ClickHouse.
pub(crate) async fn server() -> Server {
    Server::start(binary(), ServerOptions::default()).await.unwrap()
}

/// A server and a tenant of it.
pub(crate) async fn server_and_tenant() -> (Server, Tenant) {
    let server = server().await;
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    (server, tenant)
}

/// Runs `test` against a server on `engine`, and removes its database afterwards.
pub(crate) async fn on<F>(engine: Engine, mut options: ServerOptions, test: impl FnOnce(Server, Tenant) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let database = TestDatabase::create(engine).await;
    if let Database::Postgres(url) = database.database() {
        options
            .environment
            .push(("DATABASE_URL".into(), url.expose_secret().into()));
    }
    let server = Server::start(binary(), options).await.unwrap();
    let tenant = Tenant::sign_up(&server.url()).await.unwrap();
    let outcome = tokio::spawn(test(server, tenant)).await;
    database.remove().await;
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

/// Makes a test of an async function twice: on SQLite and on Postgres.
macro_rules! on_both_stores {
    ($($name:ident => $body:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::harness::on(brokle_storage_sql::testing::Engine::Sqlite, super::options(), super::$body).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::harness::on(brokle_storage_sql::testing::Engine::Postgres, super::options(), super::$body).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;

/// The observations of a trace, once there are `count`.
pub(crate) async fn observations(tenant: &Tenant, trace_id: &str, count: usize) -> Vec<Value> {
    let what = format!("{count} observations of trace {trace_id} are visible");
    wait::until(&what, VISIBLE_WITHIN, || async {
        tenant
            .observations(trace_id)
            .await
            .filter(|found| found.len() >= count)
    })
    .await
    .unwrap()
}

/// The observation with this name.
pub(crate) fn named<'a>(observations: &'a [Value], name: &str) -> &'a Value {
    observations
        .iter()
        .find(|observation| observation["name"] == name)
        .unwrap()
}

/// Runs a stock client with only these variables set, and reads the JSON that it prints.
pub(crate) async fn run_client(program: Client, variables: Vec<(&'static str, String)>) -> Value {
    let output = tokio::task::spawn_blocking(move || program.command().envs(variables).output().unwrap())
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the client failed: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("no JSON in `{text}`; {errors}"))
}

/// A stock client's program in `testkit/clients`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client {
    Python(&'static str),
    /// In a Python environment of its own.
    Litellm(&'static str),
    /// SDKs of products like this one, in an environment of their own.
    Sdk(&'static str),
    /// In a Python environment with a collector in it.
    Rotel(&'static str),
    Node(&'static str),
}

impl Client {
    fn command(self) -> Command {
        let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/clients");
        let (interpreter, script) = match self {
            Self::Python(name) => (prepared("BROKLE_TEST_PYTHON"), clients.join("python").join(name)),
            Self::Litellm(name) => (
                prepared("BROKLE_TEST_PYTHON_LITELLM"),
                clients.join("python").join(name),
            ),
            Self::Sdk(name) => (
                prepared("BROKLE_TEST_PYTHON_SDKS"),
                clients.join("python").join(name),
            ),
            Self::Rotel(name) => (
                prepared("BROKLE_TEST_PYTHON_ROTEL"),
                clients.join("python").join(name),
            ),
            Self::Node(name) => {
                assert!(
                    prepared("BROKLE_TEST_NODE_MODULES").is_dir(),
                    "the Node clients are installed"
                );
                (PathBuf::from("node"), clients.join("node").join(name))
            }
        };
        let mut command = Command::new(interpreter);
        command.arg(script).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        command
    }
}

/// What `scripts/test-clients` has prepared, by the variable in which it says so.
#[expect(
    clippy::disallowed_methods,
    reason = "the test run tells by environment what it has prepared"
)]
fn prepared(variable: &str) -> PathBuf {
    if let Ok(value) = std::env::var(variable) {
        return PathBuf::from(value);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test-clients");
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| {
        line.trim_start_matches("export ")
            .strip_prefix(&format!("{variable}="))
    });
    PathBuf::from(line.unwrap().trim_matches(['"', '\'']))
}
