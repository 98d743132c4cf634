//! Databases for tests: a temporary SQLite file, and a database of its own on a Postgres server. The server
//! is the one that `BROKLE_TEST_POSTGRES_URL` names (an address that may create databases), or else a
//! throwaway instance that lives as long as the test process.
//!
//! A test that cannot have its database fails, so everything here panics instead of returning errors.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "only tests call this; it fails them"
)]

mod instance;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::connect::{Database, PoolOptions};
use crate::execute::Pool;
use crate::store::SqlStore;

/// The engines that every relational test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A temporary file.
    Sqlite,
    /// A database of its own on a test server.
    Postgres,
}

/// An empty database, removed by [`TestDatabase::remove`] or, for SQLite, when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sqlite { _folder: TempDir },
    Postgres { admin: SecretString, name: String },
}

impl TestDatabase {
    /// Makes an empty database, without tables.
    pub async fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().expect("temporary folder");
                let database = Database::Sqlite(folder.path().join("brokle.sqlite"));
                Self {
                    database,
                    kind: Kind::Sqlite { _folder: folder },
                }
            }
            Engine::Postgres => Self::create_on_postgres(instance::admin_url()).await,
        }
    }

    async fn create_on_postgres(admin: SecretString) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "brokle_test_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::SeqCst)
        );
        administer(&admin, &format!("CREATE DATABASE {name}")).await;
        let (server, _) = admin
            .expose_secret()
            .rsplit_once('/')
            .expect("the address names a database");
        let database = Database::Postgres(format!("{server}/{name}").into());
        Self {
            database,
            kind: Kind::Postgres { admin, name },
        }
    }

    /// What to connect to.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Opens a store with all tables made.
    pub async fn open_migrated(&self) -> SqlStore {
        let store = self.open().await;
        match store.pool() {
            Pool::Sqlite(pool) => {
                run_files("sqlite", |sql| async { pool.execute(sql).await.map(drop) }).await;
            }
            Pool::Postgres(pool) => {
                run_files("postgres", |sql| async { pool.execute(sql).await.map(drop) }).await;
            }
        }
        store
    }

    /// Opens a store on whatever tables there are.
    pub async fn open(&self) -> SqlStore {
        let options = PoolOptions {
            connections_max: 4,
            ..PoolOptions::default()
        };
        SqlStore::open(&self.database, options)
            .await
            .expect("test database opens")
    }

    /// Removes the database, whoever is still connected.
    pub async fn remove(self) {
        if let Kind::Postgres { admin, name } = &self.kind {
            administer(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// Runs `test` on a migrated store of `engine`, and removes the database whatever becomes of the test.
pub async fn with_store<F>(engine: Engine, test: impl FnOnce(Arc<SqlStore>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let database = TestDatabase::create(engine).await;
    let store = Arc::new(database.open_migrated().await);
    let outcome = tokio::spawn(test(Arc::clone(&store))).await;
    store.close().await;
    database.remove().await;
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

async fn administer(admin: &SecretString, sql: &str) {
    let mut connection = PgConnection::connect(admin.expose_secret())
        .await
        .expect("test server answers");
    connection
        .execute(AssertSqlSafe(sql))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("test server lets go");
}

async fn run_files<F>(engine: &str, run: impl Fn(AssertSqlSafe<String>) -> F)
where
    F: Future<Output = Result<(), sqlx::Error>>,
{
    for statement in migration_statements(engine) {
        let shown = statement.clone();
        run(AssertSqlSafe(statement))
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
    }
}

/// The statements of all `up` files in order. (The runner of the migrations has its own tests; here the
/// files are applied plainly, so that this crate does not depend on it.)
fn migration_statements(engine: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../migrations")
        .join(engine);
    let entries = fs::read_dir(&folder).expect("migrations folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("folder entry").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    let text: String = files
        .iter()
        .map(|path| fs::read_to_string(path).expect("migration file"))
        .collect();
    text.split(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
        .collect()
}
