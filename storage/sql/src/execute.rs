//! Runs statements on either engine, on a pool or within a transaction. The four cases meet here and
//! nowhere else; the repositories above are written once.

use std::str::FromStr;
use std::time::Duration;

use brokle_storage::repo::StorageError;
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{PgPool, Postgres, Row as _, Sqlite, SqlitePool};
use tokio::sync::Mutex;

use crate::error::{translate, unreadable};
use crate::statement::{Statement, Value};

/// A statement that takes longer than this is given up, also when a connection hangs without an error.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);

/// Where statements run.
pub trait Execute: Send + Sync {
    /// Runs a statement and returns its rows.
    fn fetch(&self, statement: Statement) -> impl Future<Output = Result<Vec<Row>, StorageError>> + Send;

    /// Runs a statement and returns how many rows it changed.
    fn change(&self, statement: Statement) -> impl Future<Output = Result<u64, StorageError>> + Send;
}

/// A pool of either engine: each statement stands alone.
#[derive(Debug, Clone)]
pub enum Pool {
    /// A file.
    Sqlite(SqlitePool),
    /// A server.
    Postgres(PgPool),
}

/// A transaction of either engine.
#[derive(Debug)]
pub enum Transaction {
    /// Holds the file's only writer's place.
    Sqlite(Mutex<sqlx::Transaction<'static, Sqlite>>),
    /// On one connection of the pool.
    Postgres(Mutex<sqlx::Transaction<'static, Postgres>>),
}

/// A row of either engine.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From Postgres.
    Postgres(PgRow),
}

impl Execute for Pool {
    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        match self {
            Self::Sqlite(pool) => in_time(sqlite(statement).fetch_all(pool))
                .await
                .map(wrap(Row::Sqlite)),
            Self::Postgres(pool) => in_time(postgres(statement).fetch_all(pool))
                .await
                .map(wrap(Row::Postgres)),
        }
    }

    async fn change(&self, statement: Statement) -> Result<u64, StorageError> {
        match self {
            Self::Sqlite(pool) => Ok(in_time(sqlite(statement).execute(pool)).await?.rows_affected()),
            Self::Postgres(pool) => Ok(in_time(postgres(statement).execute(pool)).await?.rows_affected()),
        }
    }
}

impl Execute for Transaction {
    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        match self {
            Self::Sqlite(own) => {
                let mut own = own.lock().await;
                in_time(sqlite(statement).fetch_all(&mut **own))
                    .await
                    .map(wrap(Row::Sqlite))
            }
            Self::Postgres(own) => {
                let mut own = own.lock().await;
                in_time(postgres(statement).fetch_all(&mut **own))
                    .await
                    .map(wrap(Row::Postgres))
            }
        }
    }

    async fn change(&self, statement: Statement) -> Result<u64, StorageError> {
        match self {
            Self::Sqlite(own) => {
                let mut own = own.lock().await;
                Ok(in_time(sqlite(statement).execute(&mut **own))
                    .await?
                    .rows_affected())
            }
            Self::Postgres(own) => {
                let mut own = own.lock().await;
                Ok(in_time(postgres(statement).execute(&mut **own))
                    .await?
                    .rows_affected())
            }
        }
    }
}

impl Pool {
    pub(crate) async fn begin(&self) -> Result<Transaction, StorageError> {
        match self {
            // Taking the writer's place at once avoids the failure, which no waiting cures, of a reader
            // that wants to write after another has written.
            Self::Sqlite(pool) => Ok(Transaction::Sqlite(Mutex::new(
                in_time(pool.begin_with("BEGIN IMMEDIATE")).await?,
            ))),
            Self::Postgres(pool) => Ok(Transaction::Postgres(Mutex::new(in_time(pool.begin()).await?))),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    pub(crate) async fn commit(self) -> Result<(), StorageError> {
        match self {
            Self::Sqlite(own) => in_time(own.into_inner().commit()).await,
            Self::Postgres(own) => in_time(own.into_inner().commit()).await,
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StorageError> {
    match tokio::time::timeout(STATEMENT_TIMEOUT, work).await {
        Ok(result) => result.map_err(translate),
        Err(elapsed) => Err(StorageError::Unavailable(elapsed.into())),
    }
}

fn wrap<R>(row: fn(R) -> Row) -> impl FnOnce(Vec<R>) -> Vec<Row> {
    move |rows| rows.into_iter().map(row).collect()
}

fn sqlite(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(statement.text);
    statement
        .values
        .into_iter()
        .fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Time(time) => query.bind(time),
            Value::Integer(number) => query.bind(number),
        })
}

fn postgres(statement: Statement) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(statement.text);
    statement
        .values
        .into_iter()
        .fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Time(time) => query.bind(time),
            Value::Integer(number) => query.bind(number),
        })
}

impl Row {
    /// A text column.
    pub fn text(&self, column: &'static str) -> Result<String, StorageError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(translate)
    }

    /// A text column that may be NULL.
    pub fn optional_text(&self, column: &'static str) -> Result<Option<String>, StorageError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(translate)
    }

    /// A column of whole numbers.
    pub fn integer(&self, column: &'static str) -> Result<i64, StorageError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(translate)
    }

    /// A time column.
    pub fn time(&self, column: &'static str) -> Result<DateTime<Utc>, StorageError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(translate)
    }

    /// A time column that may be NULL.
    pub fn optional_time(&self, column: &'static str) -> Result<Option<DateTime<Utc>>, StorageError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(translate)
    }

    /// A text column in one of our forms: an id, a role.
    pub fn parsed<T>(&self, column: &'static str) -> Result<T, StorageError>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.text(column)?
            .parse()
            .map_err(|error| unreadable(column, error))
    }
}
