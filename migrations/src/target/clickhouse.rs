//! The ClickHouse target. No transactions here: a migration is marked dirty before its first statement and
//! clean after its last, and each statement is written so that running it again does no harm.

use std::time::Duration;

use async_trait::async_trait;
use brokle_storage_clickhouse::{ClickHouse, SERVER_VERSION_MIN, is_version_supported};
use chrono::{DateTime, Utc};

use super::{Applied, Target, TargetError};
use crate::cluster::Cluster;
use crate::source::Migration;

const STATEMENT_TIMEOUT: Duration = Duration::from_mins(2);
/// For a statement that fills a table from another.
const FILL_TIMEOUT: Duration = Duration::from_hours(2);

const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version Int64, name String, checksum String, dirty UInt8, applied_at DateTime('UTC'),
    changed_at_us Int64, is_deleted UInt8
) ENGINE = ReplacingMergeTree(changed_at_us, is_deleted) ORDER BY version";

/// The ledger is one table on all nodes, whatever their shard.
fn ledger_on(cluster: &Cluster) -> String {
    CREATE_LEDGER
        .replace(
            "schema_migrations (",
            &format!("schema_migrations{} (", cluster.clause()),
        )
        .replace(
            "ReplacingMergeTree(",
            "ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ",
        )
}

const LIST_LEDGER: &str = "SELECT version, name, checksum, dirty, toUnixTimestamp(applied_at)
FROM schema_migrations FINAL WHERE is_deleted = 0 ORDER BY version";

/// Applies migrations over ClickHouse's HTTP interface.
#[derive(Debug)]
pub struct ClickHouseTarget {
    clickhouse: ClickHouse,
    cluster: Option<Cluster>,
}

impl ClickHouseTarget {
    /// Uses this endpoint and database.
    pub fn new(clickhouse: ClickHouse) -> Self {
        Self {
            clickhouse,
            cluster: None,
        }
    }

    /// Applies everything on all nodes of a cluster, if one is named.
    #[must_use]
    pub fn on_cluster(self, cluster: Option<Cluster>) -> Self {
        Self { cluster, ..self }
    }

    fn clause(&self) -> String {
        self.cluster.as_ref().map(Cluster::clause).unwrap_or_default()
    }

    async fn run_all(&self, statements: &[String], context: &str) -> Result<(), TargetError> {
        for statement in self.render(statements)? {
            self.run(&statement, context).await?;
        }
        Ok(())
    }

    async fn run(&self, statement: &str, context: &str) -> Result<(), TargetError> {
        let timeout = if statement.starts_with("INSERT INTO ") && statement.contains("\nSELECT ") {
            FILL_TIMEOUT
        } else {
            STATEMENT_TIMEOUT
        };
        let result = self.clickhouse.execute(statement, timeout).await;
        result.map_err(|error| TargetError::new(context, &error))
    }

    async fn record(&self, migration: &Migration, mark: Mark, now: DateTime<Utc>) -> Result<(), TargetError> {
        let (dirty, is_deleted) = match mark {
            Mark::Running => (1, 0),
            Mark::Done => (0, 0),
            Mark::Undone => (0, 1),
        };
        // A name is a part of one of our own file names, a checksum is hex: nothing to escape.
        let statement = format!(
            "INSERT INTO schema_migrations SETTINGS async_insert = 0 VALUES ({}, '{}', '{}', {dirty}, {}, {}, {is_deleted})",
            migration.version,
            migration.name,
            migration.checksum,
            now.timestamp(),
            now.timestamp_micros() + i64::from(mark != Mark::Running),
        );
        self.run(&statement, "recording the migration").await
    }

    async fn check_version(&self) -> Result<(), TargetError> {
        let context = "asking ClickHouse for its version";
        let version = self.clickhouse.version(STATEMENT_TIMEOUT).await;
        let version = version.map_err(|error| TargetError::new(context, &error))?;
        if is_version_supported(&version) {
            return Ok(());
        }
        let (major, minor) = SERVER_VERSION_MIN;
        let advice = format!(
            "it is {version}; {major}.{minor} or newer is needed (text indexes, deduplication through views)"
        );
        Err(TargetError::new("ClickHouse is too old", &advice))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Running,
    Done,
    Undone,
}

#[async_trait]
impl Target for ClickHouseTarget {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    async fn prepare(&mut self) -> Result<(), TargetError> {
        self.check_version().await?;
        let create = format!(
            "CREATE DATABASE IF NOT EXISTS {}{}",
            self.clickhouse.database(),
            self.clause()
        );
        let created = self.clickhouse.execute_outside(&create, STATEMENT_TIMEOUT).await;
        created.map_err(|error| TargetError::new("creating the database", &error))?;
        let Some(cluster) = &self.cluster else {
            return self.run(CREATE_LEDGER, "creating the ledger").await;
        };
        self.run(&ledger_on(cluster), "creating the ledger").await?;
        // Another node may have written it.
        self.run("SYSTEM SYNC REPLICA schema_migrations", "reading the ledger")
            .await
    }

    fn render(&self, statements: &[String]) -> Result<Vec<String>, TargetError> {
        let Some(cluster) = &self.cluster else {
            return Ok(statements.to_vec());
        };
        let mut rendered = Vec::new();
        for statement in statements {
            let here = cluster.render(statement);
            rendered.extend(here.map_err(|error| TargetError::new("rendering for a cluster", &error))?);
        }
        Ok(rendered)
    }

    async fn applied(&mut self) -> Result<Vec<Applied>, TargetError> {
        let text = self
            .clickhouse
            .fetch(LIST_LEDGER, "TabSeparated", STATEMENT_TIMEOUT)
            .await;
        let text = text.map_err(|error| TargetError::new("reading the ledger", &error))?;
        text.lines()
            .map(|line| {
                parse_row(line)
                    .ok_or_else(|| TargetError::new("reading the ledger", &format!("odd row `{line}`")))
            })
            .collect()
    }

    async fn apply(&mut self, migration: &Migration, now: DateTime<Utc>) -> Result<(), TargetError> {
        self.record(migration, Mark::Running, now).await?;
        self.run_all(&migration.up, "applying").await?;
        self.record(migration, Mark::Done, now).await
    }

    async fn revert(&mut self, migration: &Migration, now: DateTime<Utc>) -> Result<(), TargetError> {
        self.record(migration, Mark::Running, now).await?;
        self.run_all(&migration.down, "reverting").await?;
        self.record(migration, Mark::Undone, now).await
    }
}

fn parse_row(line: &str) -> Option<Applied> {
    let mut fields = line.split('\t');
    Some(Applied {
        version: fields.next()?.parse().ok()?,
        name: fields.next()?.to_owned(),
        checksum: fields.next()?.to_owned(),
        dirty: fields.next()? == "1",
        applied_at: DateTime::from_timestamp(fields.next()?.parse().ok()?, 0)?,
    })
}
