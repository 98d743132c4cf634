//! Telemetry in ClickHouse, over its HTTP interface: Arrow record batches in, Arrow record batches out.
//!
//! The embedded engine and a production server differ here by a URL and by nothing else. What SQL is run
//! is the query plane's business and the migrations'; this crate binds it, bounds it, and tells failures
//! that pass from failures that stay.

mod arrow_stream;
mod config;
mod error;
mod maintenance;
mod reader;
mod writer;

use std::time::Duration;

use clickhouse::{Client, Compression};
use secrecy::ExposeSecret;

pub use config::{ClickHouseConfig, InvalidClickHouseUrl};
pub use error::ClickHouseError;

/// The oldest server that has what the tables need: text indexes, lightweight updates, deduplication
/// through materialized views.
pub const SERVER_VERSION_MIN: (u32, u32) = (26, 2);

/// A ClickHouse endpoint and database. Cheap to clone; clones share one connection pool.
#[derive(Clone)]
pub struct ClickHouse {
    client: Client,
    database: String,
}

impl std::fmt::Debug for ClickHouse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClickHouse")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl ClickHouse {
    /// Prepares a client; nothing is sent yet.
    pub fn new(config: &ClickHouseConfig) -> Self {
        let compression = if config.is_loopback() {
            Compression::None
        } else {
            Compression::Lz4
        };
        let mut client = Client::default()
            .with_url(config.url.as_str())
            .with_compression(compression)
            .with_product_info("brokle", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &config.user {
            client = client.with_user(user);
        }
        if let Some(password) = &config.password {
            client = client.with_password(password.expose_secret());
        }
        Self {
            client,
            database: config.database.clone(),
        }
    }

    /// The database that holds our tables.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Runs one statement in our database, for migrations and administration.
    pub async fn execute(&self, statement: &str, timeout: Duration) -> Result<(), ClickHouseError> {
        self.bounded(timeout, self.in_database().query_raw(statement).execute())
            .await
    }

    /// Runs one statement outside of our database, such as the one that creates it.
    pub async fn execute_outside(&self, statement: &str, timeout: Duration) -> Result<(), ClickHouseError> {
        self.bounded(timeout, self.client.query_raw(statement).execute())
            .await
    }

    /// Runs a query in our database and returns its result in `format`, such as `TabSeparated`.
    pub async fn fetch(
        &self,
        query: &str,
        format: &str,
        timeout: Duration,
    ) -> Result<String, ClickHouseError> {
        let read = async {
            let bytes = self
                .in_database()
                .query_raw(query)
                .fetch_bytes(format)?
                .collect()
                .await?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        self.bounded(timeout, read).await
    }

    /// The server's version text, such as `26.7.3.1`. Also the cheapest proof that it answers.
    pub async fn version(&self, timeout: Duration) -> Result<String, ClickHouseError> {
        let read = async {
            let bytes = self
                .client
                .query_raw("SELECT version()")
                .fetch_bytes("TabSeparated")?
                .collect()
                .await?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        self.bounded(timeout, read).await
    }

    fn in_database(&self) -> Client {
        self.client.clone().with_database(&self.database)
    }

    async fn bounded<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, ClickHouseError> {
        match tokio::time::timeout(timeout, work).await {
            Ok(result) => result.map_err(ClickHouseError::from),
            Err(_) => Err(ClickHouseError::timed_out(timeout)),
        }
    }
}

/// Whether a version text names a server that is new enough.
pub fn is_version_supported(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= SERVER_VERSION_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_older_than_the_tables_need_are_told_apart() {
        for (version, supported) in [
            ("26.7.3.1", true),
            ("26.2.1.1139", true),
            ("26.1.9.9", false),
            ("25.12.1", false),
            ("27.1.1", true),
            ("", false),
        ] {
            assert_eq!(is_version_supported(version), supported, "{version}");
        }
    }
}
