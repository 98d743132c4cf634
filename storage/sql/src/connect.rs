//! Opens the pools. The settings here are what keeps a slow or dead database from holding requests forever.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use crate::execute::Pool;

/// How long SQLite waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Which database.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file, created when absent.
    Sqlite(PathBuf),
    /// A `postgres://` address, with its password.
    Postgres(SecretString),
}

/// How many connections, and how long to wait for one.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// The most connections.
    pub connections_max: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub acquire_timeout: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            connections_max: 16,
            acquire_timeout: Duration::from_secs(5),
        }
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one of Postgres.
    #[error("the database address is not of the form `postgres://user:password@host:port/name`")]
    Address,
    /// It did not answer.
    #[error("cannot connect to Postgres")]
    Postgres(#[source] sqlx::Error),
    /// The file cannot be opened.
    #[error("cannot open the SQLite file `{}`", .path.display())]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: sqlx::Error,
    },
}

pub(crate) async fn connect(database: &Database, options: PoolOptions) -> Result<Pool, ConnectError> {
    match database {
        Database::Sqlite(path) => sqlite(path, options).await.map(Pool::Sqlite),
        Database::Postgres(url) => postgres(url, options).await.map(Pool::Postgres),
    }
}

async fn sqlite(path: &Path, options: PoolOptions) -> Result<SqlitePool, ConnectError> {
    let connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered as done stays done through a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    SqlitePoolOptions::new()
        .max_connections(options.connections_max)
        .acquire_timeout(options.acquire_timeout)
        .connect_with(connection)
        .await
        .map_err(|source| ConnectError::Sqlite {
            path: path.to_owned(),
            source,
        })
}

/// The parser's own error is left out: it quotes the address, and the address holds the password.
fn parse_address(url: &str) -> Result<PgConnectOptions, ConnectError> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let parsed = is_postgres
        .then(|| PgConnectOptions::from_str(url).ok())
        .flatten();
    parsed.ok_or(ConnectError::Address)
}

async fn postgres(url: &SecretString, options: PoolOptions) -> Result<PgPool, ConnectError> {
    let connection = parse_address(url.expose_secret())?
        .application_name("brokle")
        .options([
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ]);
    PgPoolOptions::new()
        .max_connections(options.connections_max)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(Duration::from_mins(30))
        .connect_with(connection)
        .await
        .map_err(ConnectError::Postgres)
}
