//! `brokle openapi`: the API's description, from the same routers that are served, over planes that are
//! connected to nothing: no port, no file, no engine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use brokle_gateway::{Management, ManagementPorts};
use brokle_ingest::process::Processors;
use brokle_ingest::receiver::http::shared_port;
use brokle_ingest::receiver::{AcceptError, Acceptor, Receiver, ReceiverConfig, ReceiverMetrics};
use brokle_ingest::sdk::Sdk;
use brokle_ingest::wal::{MemoryBudget, Reservation};
use brokle_model::clock::{SharedClock, SystemClock};
use brokle_model::error::{Classify, ErrorKind};
use brokle_model::port::{SinkFull, TelemetrySink};
use brokle_model::price::PriceBook;
use brokle_model::telemetry::{Submission, SystemEvent};
use brokle_model::telemetry_settings::EffectiveSettings;
use brokle_query::{Prices, Query};
use brokle_storage::repo::Store;
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use brokle_storage_sql::{Database, PoolOptions, SqlStore};
use prometheus_client::registry::Registry;

use crate::app;
use crate::backends::{AesSealer, SharedState};
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
    let shared = SharedState::in_process(0, &clock);
    let accounts = app::accounts((loaded, secret.into()), Arc::clone(&store) as _, &shared, &clock)?;
    let prices = Arc::new(PriceBook::embedded()?);
    let mut registry = Registry::default();
    let gateway = app::gateway(
        loaded,
        &accounts,
        (Arc::new(Nowhere), Arc::new(())),
        Arc::clone(&prices),
        (&shared, &clock),
        &mut Registry::default(),
    )?;
    let store: Arc<dyn Store> = store;
    let management = Management::new(
        gateway.clone(),
        ManagementPorts {
            sessions: accounts.session_resolver(),
            store,
            sealer: Arc::new(AesSealer::with_key(&hex::encode([0; 32]).into())?),
            notices: Arc::clone(&shared.notices),
            clock: Arc::clone(&clock),
        },
    );
    let nowhere = Arc::new(ClickHouse::new(&ClickHouseConfig::parse("http://127.0.0.1:9")?));
    let query = Query::new(
        Arc::clone(&nowhere) as _,
        accounts.session_resolver(),
        Arc::clone(&clock),
    );
    let prices = Prices::new(prices, accounts.session_resolver(), Arc::clone(&clock));
    let receiver = Receiver::new(
        Arc::new(Nowhere),
        accounts.key_resolver(),
        Processors::fixed(EffectiveSettings::default()),
        Arc::clone(&clock),
        ReceiverConfig::default(),
        ReceiverMetrics::register(&mut registry),
    );
    Ok(Described {
        dashboard: accounts
            .router()
            .merge(query.router())
            .merge(prices.router())
            .merge(management.router()),
        gateway: gateway.router(),
        otlp: shared_port::router(Arc::clone(&receiver)).merge(Sdk::new(receiver, nowhere).router()),
    })
}

/// No request is served, so nothing ever comes here.
struct Nowhere;

impl TelemetrySink for Nowhere {
    fn submit(&self, _: Submission) -> Result<(), SinkFull> {
        Err(SinkFull)
    }

    fn tell(&self, _: SystemEvent) -> Result<(), SinkFull> {
        Err(SinkFull)
    }
}

#[async_trait]
impl Acceptor for Nowhere {
    fn memory(&self) -> Arc<MemoryBudget> {
        MemoryBudget::new(0)
    }

    async fn accept(&self, _: Submission, _: Reservation) -> Result<(), AcceptError> {
        Err(AcceptError::new(SinkClosed))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nothing is served here")]
struct SinkClosed;

impl Classify for SinkClosed {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }

    fn code(&self) -> &'static str {
        "not_serving"
    }
}
