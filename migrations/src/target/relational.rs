//! The Postgres and `SQLite` targets: each migration and its ledger row are one transaction, and a lock
//! keeps two starting servers from migrating at once.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};

use super::{Applied, Target, TargetError};
use crate::source::Migration;

const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Any constant will do, as long as all versions of Brokle agree on it.
const ADVISORY_LOCK: &str = "SELECT pg_advisory_lock(5417320661)";

const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at_s BIGINT NOT NULL)";
const LIST_LEDGER: &str =
    "SELECT version, name, checksum, applied_at_s FROM schema_migrations ORDER BY version";
const RECORD: &str =
    "INSERT INTO schema_migrations (version, name, checksum, applied_at_s) VALUES ($1, $2, $3, $4)";
const FORGET: &str = "DELETE FROM schema_migrations WHERE version = $1";

/// Two connection types, one text: sqlx has no common trait for what is bound here.
macro_rules! in_transaction {
    ($connection:expr, $statements:expr, $ledger:expr) => {{
        let mut transaction = $connection.begin().await?;
        for statement in $statements {
            transaction.execute(AssertSqlSafe(statement.clone())).await?;
        }
        match $ledger {
            Ledger::Record(migration, at) => {
                let query = sqlx::query(RECORD).bind(migration.version).bind(&migration.name);
                query
                    .bind(&migration.checksum)
                    .bind(at)
                    .execute(&mut *transaction)
                    .await?;
            }
            Ledger::Forget(version) => {
                sqlx::query(FORGET)
                    .bind(version)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await
    }};
}

type Row = (i64, String, String, i64);

/// One connection to a relational database.
pub enum RelationalTarget {
    /// A Postgres server.
    Postgres(PgConnection),
    /// A `SQLite` file.
    Sqlite(SqliteConnection),
}

impl RelationalTarget {
    /// Connects to `postgres://...` or to `sqlite://path` (the file is created when absent).
    pub async fn connect(url: &str) -> Result<Self, TargetError> {
        let failed = |error: &sqlx::Error| TargetError::new("connecting to the relational database", error);
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url).map_err(|error| failed(&error))?;
            let options = options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .busy_timeout(BUSY_TIMEOUT);
            options
                .connect()
                .await
                .map(Self::Sqlite)
                .map_err(|error| failed(&error))
        } else {
            let options = PgConnectOptions::from_str(url).map_err(|error| failed(&error))?;
            options
                .connect()
                .await
                .map(Self::Postgres)
                .map_err(|error| failed(&error))
        }
    }

    async fn execute(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        // The statements are our own embedded files: there is nothing of a user's in them.
        let statement = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Postgres(connection) => connection.execute(statement).await.map(drop),
            Self::Sqlite(connection) => connection.execute(statement).await.map(drop),
        }
    }

    async fn in_transaction(&mut self, statements: &[String], ledger: Ledger<'_>) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(connection) => in_transaction!(connection, statements, ledger),
            Self::Sqlite(connection) => in_transaction!(connection, statements, ledger),
        }
    }
}

enum Ledger<'a> {
    Record(&'a Migration, i64),
    Forget(i64),
}

#[async_trait]
impl Target for RelationalTarget {
    fn name(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Sqlite(_) => "sqlite",
        }
    }

    async fn prepare(&mut self) -> Result<(), TargetError> {
        if matches!(self, Self::Postgres(_)) {
            let locked = self.execute(ADVISORY_LOCK).await;
            locked.map_err(|error| TargetError::new("taking the migration lock", &error))?;
        }
        self.execute(CREATE_LEDGER)
            .await
            .map_err(|error| TargetError::new("creating the ledger", &error))
    }

    async fn applied(&mut self) -> Result<Vec<Applied>, TargetError> {
        let rows: Result<Vec<Row>, sqlx::Error> = match self {
            Self::Postgres(connection) => sqlx::query_as(LIST_LEDGER).fetch_all(connection).await,
            Self::Sqlite(connection) => sqlx::query_as(LIST_LEDGER).fetch_all(connection).await,
        };
        let rows = rows.map_err(|error| TargetError::new("reading the ledger", &error))?;
        let from_row = |(version, name, checksum, at): Row| Applied {
            version,
            name,
            checksum,
            dirty: false,
            applied_at: DateTime::from_timestamp(at, 0).unwrap_or_default(),
        };
        Ok(rows.into_iter().map(from_row).collect())
    }

    async fn apply(&mut self, migration: &Migration, now: DateTime<Utc>) -> Result<(), TargetError> {
        let done = self
            .in_transaction(&migration.up, Ledger::Record(migration, now.timestamp()))
            .await;
        done.map_err(|error| TargetError::new("applying", &error))
    }

    async fn revert(&mut self, migration: &Migration, _now: DateTime<Utc>) -> Result<(), TargetError> {
        let done = self
            .in_transaction(&migration.down, Ledger::Forget(migration.version))
            .await;
        done.map_err(|error| TargetError::new("reverting", &error))
    }
}
