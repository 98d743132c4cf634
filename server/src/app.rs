//! Builds the planes from the configuration and the backends. The order is the order of need: storage,
//! then who may call, then what takes calls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use brokle_accounts::Accounts;
use brokle_gateway::{Gateway, Management, ManagementPorts, Ports};
use brokle_ingest::arrow::EncodeContext;
use brokle_ingest::forward::config::resolve;
use brokle_ingest::pipeline::Ingest;
use brokle_ingest::process::{HashKey, ProcessMetrics, Processors};
use brokle_ingest::receiver::{Receiver, ReceiverConfig, ReceiverMetrics};
use brokle_ingest::sdk::Sdk;
use brokle_ingest::tail::{TailMetrics, TailSampler};
use brokle_model::clock::SharedClock;
use brokle_model::port::{QualitySource, TelemetrySink};
use brokle_model::price::PriceBook;
use brokle_query::quality::{QualityScores, QualityScoresConfig};
use brokle_query::rollup::{RollUpConfig, RollUps};
use brokle_query::{Prices, Query};
use brokle_storage::maintenance::TelemetryMaintenance;
use brokle_storage::repo::Store;
use brokle_storage::telemetry::{TelemetryReader, TelemetryWriter};
use prometheus_client::registry::Registry;
use secrecy::{ExposeSecret, SecretString};

use crate::backends::{self, AesSealer, SharedState};
use crate::config::LoadedConfig;

/// The planes, built.
pub(crate) struct Planes {
    pub(crate) accounts: Accounts,
    pub(crate) ingest: Ingest,
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) sdk: Sdk,
    pub(crate) gateway: Gateway,
    pub(crate) query: Query,
    pub(crate) roll_ups: Arc<RollUps>,
    pub(crate) quality: Arc<QualityScores>,
    pub(crate) prices: Prices,
    pub(crate) tail: Arc<TailSampler>,
    pub(crate) shared: SharedState,
    pub(crate) management: Management,
}

/// Storage, opened and migrated.
pub(crate) struct Stores {
    pub(crate) relational: Arc<dyn Store>,
    pub(crate) telemetry_writer: Arc<dyn TelemetryWriter>,
    pub(crate) telemetry_reader: Arc<dyn TelemetryReader>,
    pub(crate) telemetry_maintenance: Arc<dyn TelemetryMaintenance>,
    pub(crate) shared: SharedState,
}

impl Planes {
    /// Builds every plane. Replays what the write-ahead log holds.
    pub(crate) fn build(
        loaded: &LoadedConfig,
        jwt_secret: SecretString,
        stores: Stores,
        clock: SharedClock,
        registry: &mut Registry,
    ) -> anyhow::Result<Self> {
        let shared = stores.shared;
        let relational = Arc::clone(&stores.relational);
        let accounts = accounts((loaded, jwt_secret), relational, &shared, &clock)?;
        let prices = Arc::new(loaded.config.prices.read()?);
        let encoder = EncodeContext {
            attributes: Arc::new(loaded.config.ingest.attribute_map()?),
            prices: Arc::clone(&prices),
        };
        let ingest = Ingest::open(
            &ingest_config(loaded)?,
            (stores.telemetry_writer, Arc::clone(&stores.telemetry_reader)),
            Arc::new(encoder),
            Arc::clone(&clock),
            registry,
        )
        .context("opening the write-ahead log")?;
        let hash_key = backends::redaction_key(&loaded.config)?;
        let processors = Processors::new(
            accounts.telemetry_policies(),
            HashKey::new(hash_key.expose_secret().as_bytes()),
            ProcessMetrics::register(registry),
        );
        let metrics = ReceiverMetrics::register(registry);
        let receiver = Receiver::new(
            Arc::new(ingest.clone()),
            accounts.key_resolver(),
            Arc::clone(&processors),
            Arc::clone(&clock),
            ReceiverConfig::default(),
            metrics,
        );
        let sdk = Sdk::new(Arc::clone(&receiver), Arc::clone(&stores.telemetry_reader));
        let quality = quality(loaded, &stores.telemetry_reader, &clock);
        let gateway = gateway(
            loaded,
            &accounts,
            (
                processors.before(Arc::new(ingest.clone())),
                told_quality(loaded, &quality),
            ),
            Arc::clone(&prices),
            (&shared, &clock),
            registry,
        )?;
        let sealer = AesSealer::open(
            loaded.config.accounts.encryption_key.as_ref(),
            &loaded.config.storage.data_dir,
        )?;
        let management = Management::new(
            gateway.clone(),
            ManagementPorts {
                sessions: accounts.session_resolver(),
                store: stores.relational,
                sealer: Arc::new(sealer),
                notices: Arc::clone(&shared.notices),
                clock: Arc::clone(&clock),
            },
        );
        let prices = Prices::new(prices, accounts.session_resolver(), Arc::clone(&clock));
        let tail = TailSampler::new(
            Arc::clone(&stores.telemetry_reader),
            Arc::clone(&stores.telemetry_maintenance),
            accounts.telemetry_policies(),
            Arc::clone(&clock),
            TailMetrics::register(registry),
        );
        let roll_ups = RollUps::new(
            Arc::clone(&stores.telemetry_reader),
            stores.telemetry_maintenance,
            Arc::clone(&clock),
            RollUpConfig::default(),
        );
        let query = Query::new(stores.telemetry_reader, accounts.session_resolver(), clock);
        Ok(Self {
            accounts,
            ingest,
            receiver,
            sdk,
            gateway,
            query,
            roll_ups: Arc::new(roll_ups),
            quality,
            prices,
            tail: Arc::new(tail),
            shared,
            management,
        })
    }
}

pub(crate) fn accounts(
    (loaded, jwt_secret): (&LoadedConfig, SecretString),
    store: Arc<dyn Store>,
    shared: &SharedState,
    clock: &SharedClock,
) -> anyhow::Result<Accounts> {
    let config = brokle_accounts::Config {
        telemetry_defaults: loaded.config.ingest.telemetry_defaults(),
        ..brokle_accounts::Config::new(jwt_secret)
    };
    Ok(Accounts::new(
        config,
        store,
        Arc::clone(&shared.limiter),
        Arc::clone(&shared.notices),
        Arc::clone(clock),
    )?)
}

fn quality(
    loaded: &LoadedConfig,
    reader: &Arc<dyn TelemetryReader>,
    clock: &SharedClock,
) -> Arc<QualityScores> {
    let config = &loaded.config.gateway.quality;
    let config = QualityScoresConfig {
        names: config.names.clone(),
        days: config.days,
        answers_min: config.answers_min,
        ..QualityScoresConfig::default()
    };
    Arc::new(QualityScores::new(Arc::clone(reader), Arc::clone(clock), config))
}

/// What the gateway is told of scores: nothing, when they do not count.
fn told_quality(loaded: &LoadedConfig, quality: &Arc<QualityScores>) -> Arc<dyn QualitySource> {
    if loaded.config.gateway.quality.from_scores {
        Arc::clone(quality) as _
    } else {
        Arc::new(())
    }
}

pub(crate) fn gateway(
    loaded: &LoadedConfig,
    accounts: &Accounts,
    (sink, quality): (Arc<dyn TelemetrySink>, Arc<dyn QualitySource>),
    prices: Arc<PriceBook>,
    (shared, clock): (&SharedState, &SharedClock),
    registry: &mut Registry,
) -> anyhow::Result<Gateway> {
    let settings = loaded
        .config
        .gateway
        .resolve(&|name| loaded.environment.secret(name))?;
    let ports = Ports {
        keys: accounts.key_resolver(),
        sink,
        prices,
        cache: Arc::clone(&shared.cache),
        quotas: Arc::clone(&shared.quotas),
        quality,
    };
    Ok(Gateway::new(settings, ports, Arc::clone(clock), registry)?)
}

pub(crate) fn ingest_config(loaded: &LoadedConfig) -> anyhow::Result<brokle_ingest::config::Config> {
    let config = &loaded.config;
    let forward = resolve(&config.ingest.forward, &|name| loaded.environment.secret(name))?;
    let directory: &Path = &config.storage.data_dir;
    Ok(brokle_ingest::config::Config {
        forward,
        sync: config.ingest.wal_sync,
        wal_bytes_max: config.ingest.wal_bytes_max,
        memory_bytes_max: config.ingest.memory_bytes_max,
        resend_window_requests: config.ingest.resend_window_requests,
        resend_window: Duration::from_secs(config.ingest.resend_window_s),
        ..brokle_ingest::config::Config::in_directory(directory)
    })
}
