//! `brokle openapi`: the API's description, from the same routers that are served, over planes that are
//! connected to nothing: no port, no file, no engine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use brokle_model::clock::{SharedClock, SystemClock};
use brokle_model::port::{SinkFull, TelemetrySink};
use brokle_model::price::PriceBook;
use brokle_model::telemetry::Submission;
use brokle_query::Query;
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use brokle_storage_sql::{Database, PoolOptions, SqlStore};
use prometheus_client::registry::Registry;

use crate::app;
use crate::config::LoadedConfig;
use crate::routes::Described;

pub(crate) async fn run(loaded: LoadedConfig) -> anyhow::Result<ExitCode> {
    let mut text = serde_json::to_string_pretty(&described(&loaded).await?.openapi())?;
    text.push('\n');
    super::print(&text)
}

async fn described(loaded: &LoadedConfig) -> anyhow::Result<Described> {
    let clock: SharedClock = Arc::new(SystemClock);
    let in_memory = Database::Sqlite(PathBuf::from(":memory:"));
    let store = Arc::new(SqlStore::open(&in_memory, PoolOptions::default()).await?);
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let accounts = app::accounts(secret.into(), store, &clock)?;
    let prices = Arc::new(PriceBook::embedded()?);
    let gateway = app::gateway(
        loaded,
        &accounts,
        Arc::new(NoSink),
        prices,
        &clock,
        &mut Registry::default(),
    )?;
    let nowhere = ClickHouse::new(&ClickHouseConfig::parse("http://127.0.0.1:9")?);
    let query = Query::new(Arc::new(nowhere), accounts.session_resolver(), clock);
    Ok(Described {
        dashboard: accounts.router().merge(query.router()),
        gateway: gateway.router(),
    })
}

/// No call is served, so nothing is ever submitted.
struct NoSink;

impl TelemetrySink for NoSink {
    fn submit(&self, _: Submission) -> Result<(), SinkFull> {
        Err(SinkFull)
    }
}
