//! The store and its unit of work: the same repositories over a pool and over a transaction.

use async_trait::async_trait;
use brokle_storage::repo::{StorageError, Store, UnitOfWork};

use crate::connect::{ConnectError, Database, PoolOptions, connect};
use crate::execute::{Execute, Pool, Transaction};
use crate::statement::{Statement, statements};
use crate::{api_keys, gateway, organizations, projects, sessions, telemetry_settings, users};

statements! {
    PING = "SELECT id FROM users WHERE id = ''";
}

/// The repositories, over whatever runs their statements.
#[derive(Debug, Clone)]
pub struct Sql<E>(pub(crate) E);

/// The relational store.
pub type SqlStore = Sql<Pool>;

/// A transaction on it.
pub type SqlUnit = Sql<Transaction>;

impl SqlStore {
    /// Opens the database. It must have been migrated before it is used.
    pub async fn open(database: &Database, options: PoolOptions) -> Result<Self, ConnectError> {
        connect(database, options).await.map(Sql)
    }

    /// Closes all connections, after those in use are given back. SQLite folds its write-ahead log in.
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// The pool itself, for the migrations, which run on the same connections.
    pub fn pool(&self) -> &Pool {
        &self.0
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StorageError> {
        Ok(Box::new(Sql(self.0.begin().await?)))
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.0.fetch(Statement::new(PING)).await.map(|_| ())
    }
}

#[async_trait]
impl UnitOfWork for SqlUnit {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.0.commit().await
    }
}

/// Every statement of the crate.
pub fn every_statement() -> impl Iterator<Item = &'static str> {
    [
        ALL,
        api_keys::ALL,
        gateway::ALL,
        organizations::ALL,
        projects::ALL,
        sessions::ALL,
        telemetry_settings::ALL,
        users::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}
