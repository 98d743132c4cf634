//! `brokle serve`: opens storage, builds the planes, listens, and on a signal takes it all down in the
//! opposite order.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use brokle_engine::supervisor::Supervisor;
use brokle_ingest::receiver::grpc::serve_grpc;
use brokle_ingest::receiver::http as otlp_http;
use brokle_ingest::receiver::tls::{Tls, TlsFiles};
use brokle_model::clock::{SharedClock, SystemClock};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::addresses::{self, Addresses};
use crate::app::{Planes, Stores};
use crate::backends::{self, DataDirLock, SharedState};
use crate::budgets::BudgetFile;
use crate::cli::ServeArguments;
use crate::config::{Config, LoadedConfig, ServerConfig};
use crate::lifecycle::Lifecycle;
use crate::migrating::{self, Policy};
use crate::ops::metrics::{MetricsState, RuntimeFigures};
use crate::ops::parts;
use crate::routes::{self, Operations};
use crate::{http_server, logging};

/// How long the rest of the gateway's spans may take to reach the log.
const RECORDER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long Redis may take to be told what the last calls used.
const SHARED_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn run(loaded: LoadedConfig, arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    until_stopped(&loaded, &arguments, |ready| announce(&ready, &loaded)).await?;
    Ok(ExitCode::SUCCESS)
}

/// A server that listens.
pub(super) struct Ready<'a> {
    pub(super) addresses: &'a Addresses,
    /// Since the start.
    pub(super) took: Duration,
    pub(super) lifecycle: &'a Lifecycle,
}

/// Serves until a signal, or until somebody cancels the soft stage. `on_ready` is called once the server
/// listens.
pub(super) async fn until_stopped(
    loaded: &LoadedConfig,
    arguments: &ServeArguments,
    on_ready: impl FnOnce(Ready<'_>),
) -> anyhow::Result<()> {
    logging::start(&loaded.config.log)?;
    for name in &loaded.without_effect {
        tracing::warn!("{name} is set, but has no effect in this version");
    }
    let lifecycle = Lifecycle::default();
    lifecycle.listen_for_signals()?;
    let mut result = serve(loaded, arguments, &lifecycle, on_ready).await;
    if lifecycle.soft.is_cancelled()
        && let Err(error) = &result
    {
        // Being stopped is no failure, and what it interrupted failed because of it.
        tracing::info!("stopped before serving: {error:#}");
        result = Ok(());
    }
    lifecycle.soft.cancel();
    lifecycle
        .stop_engine(loaded.config.server.shutdown_timeout())
        .await;
    result
}

async fn serve(
    loaded: &LoadedConfig,
    arguments: &ServeArguments,
    lifecycle: &Lifecycle,
    on_ready: impl FnOnce(Ready<'_>),
) -> anyhow::Result<()> {
    let started = Instant::now();
    let config = &loaded.config;
    backends::prepare_data_dir(&config.storage.data_dir)?;
    let _data_dir = DataDirLock::acquire(&config.storage.data_dir)?;
    // Ports first: a port that is taken should be said before half a gigabyte of engine is loaded.
    let listeners = Listeners::bind(&config.server).await?;
    let certificates = Certificates::load(config)?;
    let policy = if arguments.no_migrate {
        Policy::Check
    } else {
        Policy::Apply
    };
    let (relational, (telemetry, gate)) = tokio::try_join!(
        migrating::open_relational(loaded, policy),
        migrating::open_telemetry(loaded, policy, lifecycle)
    )?;
    let jwt_secret = match &config.accounts.jwt_secret {
        Some(secret) => secret.clone(),
        None => backends::jwt_secret(&config.storage.data_dir)?,
    };
    let mut registry = Registry::default();
    RuntimeFigures::register(&mut registry);
    let clock: SharedClock = Arc::new(SystemClock);
    let cache_bytes_max = config.gateway.cache.bytes_max;
    let shared = SharedState::open(&config.storage, cache_bytes_max, &clock, &mut registry).await?;
    let shared_kept = shared.keep();
    let client = Arc::new(telemetry.client.clone());
    let stores = Stores {
        relational: Arc::clone(&relational) as _,
        telemetry_writer: gate.guard(Arc::clone(&client) as _),
        telemetry_maintenance: Arc::clone(&client) as _,
        telemetry_reader: client,
        shared,
    };
    let planes = Planes::build(loaded, jwt_secret, stores, clock, &mut registry)?;
    planes
        .accounts
        .load_telemetry_settings()
        .await
        .context("reading what projects have set about their telemetry")?;
    let budgets = BudgetFile::restore(&config.storage.data_dir, &planes).await?;
    let operations = Operations {
        health: parts::health(&planes, relational, &telemetry),
        metrics: MetricsState {
            registry: Arc::new(registry),
            token: config.server.metrics_token.clone(),
        },
        trusted_proxies: config.server.trusted_proxies,
    };
    if let Err(error) = planes.management.load().await {
        tracing::warn!(%error, "what organizations configure of the gateway cannot be read yet");
    }
    let addresses = listeners.addresses(telemetry.engine.as_ref().map(Supervisor::url))?;
    listeners.serve(certificates, &planes, operations, lifecycle);
    crate::reload::on_hangup(loaded, planes.gateway.clone(), lifecycle)?;
    let budgets = budgets.map(|file| file.keep(planes.gateway.clone(), lifecycle));
    addresses.write(&config.storage.data_dir)?;
    on_ready(Ready {
        addresses: &addresses,
        took: started.elapsed(),
        lifecycle,
    });
    lifecycle.soft.cancelled().await;
    stop(&planes, lifecycle, config.server.shutdown_timeout()).await;
    if let Some(budgets) = budgets
        && let Ok(mut budgets) = budgets.await
    {
        budgets.update(&planes.gateway).await;
    }
    planes.shared.settle(SHARED_TIMEOUT).await;
    drop(shared_kept);
    addresses::remove(&config.storage.data_dir);
    Ok(())
}

/// Drains from the outside in: callers, then the gateway's spans, then the log.
async fn stop(planes: &Planes, lifecycle: &Lifecycle, timeout: Duration) {
    let deadline = Instant::now() + timeout;
    lifecycle.wind_down(timeout / 2).await;
    if !planes.gateway.shutdown(RECORDER_TIMEOUT).await {
        tracing::warn!("some spans of the gateway did not reach the log");
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let drained = tokio::select! {
        drained = planes.ingest.shutdown(left) => drained,
        () = lifecycle.insisted.cancelled() => planes.ingest.shutdown(Duration::ZERO).await,
    };
    if drained.waiting_items > 0 {
        tracing::info!(
            items = drained.waiting_items,
            "left in the write-ahead log for the next start"
        );
    }
}

/// What the ports prove themselves with.
struct Certificates {
    main: Option<Arc<Tls>>,
    otlp: Option<Arc<Tls>>,
}

impl Certificates {
    fn load(config: &Config) -> anyhow::Result<Self> {
        let load = |files: Option<TlsFiles>, section: &'static str| {
            files
                .map(Tls::load)
                .transpose()
                .with_context(|| format!("reading the certificate of {section}"))
        };
        Ok(Self {
            main: load(config.server.tls.files(), "[server.tls]")?,
            otlp: load(config.ingest.tls.files(), "[ingest.tls]")?,
        })
    }
}

/// The bound sockets.
struct Listeners {
    http: TcpListener,
    otlp_http: TcpListener,
    otlp_grpc: TcpListener,
}

impl Listeners {
    async fn bind(config: &ServerConfig) -> anyhow::Result<Self> {
        Ok(Self {
            http: bind(config.http_address(), "PORT").await?,
            otlp_http: bind(config.otlp_http_address(), "BROKLE_OTLP_HTTP_PORT").await?,
            otlp_grpc: bind(config.otlp_grpc_address(), "BROKLE_OTLP_GRPC_PORT").await?,
        })
    }

    fn addresses(&self, clickhouse: Option<String>) -> anyhow::Result<Addresses> {
        Ok(Addresses {
            pid: std::process::id(),
            http: self.http.local_addr()?,
            otlp_http: self.otlp_http.local_addr()?,
            otlp_grpc: self.otlp_grpc.local_addr()?,
            clickhouse,
        })
    }

    fn serve(self, tls: Certificates, planes: &Planes, operations: Operations, lifecycle: &Lifecycle) {
        let Self {
            http,
            otlp_http,
            otlp_grpc,
        } = self;
        let Certificates {
            main: main_tls,
            otlp: otlp_tls,
        } = tls;
        for tls in [&main_tls, &otlp_tls].into_iter().flatten() {
            lifecycle
                .tasks
                .spawn(Arc::clone(tls).watch(lifecycle.soft.clone()));
        }
        let receiver = Arc::clone(&planes.receiver);
        let main = routes::main_port(planes, operations);
        lifecycle
            .tasks
            .spawn(http_server::serve(http, main_tls, main, lifecycle.clone()));
        let collector = otlp_http::router(Arc::clone(&receiver));
        lifecycle.tasks.spawn(http_server::serve(
            otlp_http,
            otlp_tls.clone(),
            collector,
            lifecycle.clone(),
        ));
        let (soft, hard) = (lifecycle.soft.clone(), lifecycle.hard.clone());
        lifecycle.tasks.spawn(async move {
            tokio::select! {
                served = serve_grpc(otlp_grpc, otlp_tls, receiver, soft) => if let Err(error) = served {
                    tracing::error!("OTLP/gRPC ended: {error}");
                },
                () = hard.cancelled() => {}
            }
        });
        let (accounts, soft) = (planes.accounts.clone(), lifecycle.soft.clone());
        lifecycle.tasks.spawn(async move { accounts.run(soft).await });
        let (management, soft) = (planes.management.clone(), lifecycle.soft.clone());
        lifecycle.tasks.spawn(async move { management.run(soft).await });
        let (roll_ups, soft) = (Arc::clone(&planes.roll_ups), lifecycle.soft.clone());
        lifecycle.tasks.spawn(async move { roll_ups.run(soft).await });
        let (quality, soft) = (Arc::clone(&planes.quality), lifecycle.soft.clone());
        lifecycle.tasks.spawn(async move { quality.run(soft).await });
        let (tail, soft) = (Arc::clone(&planes.tail), lifecycle.soft.clone());
        lifecycle.tasks.spawn(async move { tail.run(soft).await });
    }
}

async fn bind(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("listening on {address}: stop what uses it, or set {variable} to another port")
    })
}

fn announce(ready: &Ready<'_>, loaded: &LoadedConfig) {
    let Addresses {
        http,
        otlp_http,
        otlp_grpc,
        ..
    } = ready.addresses;
    let took = ready.took;
    let main = loaded.config.server.tls.scheme();
    let otlp = loaded.config.ingest.tls.scheme();
    let storage = &loaded.config.storage;
    let relational = if storage.database_url.is_some() {
        "Postgres"
    } else {
        "SQLite"
    };
    let telemetry = if storage.clickhouse_url.is_some() {
        "your ClickHouse"
    } else {
        "the embedded ClickHouse"
    };
    tracing::info!(took_ms = took.as_millis(), %http, %otlp_http, %otlp_grpc, "serving");
    let text = format!(
        "\n  Brokle {version} is up ({took:.1} s): {relational} and {telemetry}, data in {data}\n\n  \
         Dashboard     {main}://{http}          sign up, make a project: it shows what to do next\n  \
         OTLP/HTTP     {otlp}://{otlp_http} or {main}://{http}\n  \
         OTLP/gRPC     {otlp}://{otlp_grpc}\n  \
         OpenAI API    {main}://{http}/v1\n  \
         Health        {main}://{http}/health\n\n",
        version = env!("CARGO_PKG_VERSION"),
        took = took.as_secs_f64(),
        data = storage.data_dir.display(),
    );
    // A closed standard output is no reason to stop serving.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
