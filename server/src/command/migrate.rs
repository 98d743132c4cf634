//! `brokle migrate`. Works beside a running server: in embedded mode it reaches the engine over its HTTP
//! interface, and starts one for the length of the command when none is running.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::target::relational::RelationalTarget;
use brokle_migrations::{Migration, Target, Verb, apply, clickhouse, postgres, sqlite, status};
use brokle_model::clock::SystemClock;

use crate::backends::{self, TelemetryEndpoint};
use crate::cli::{Database, MigrateArguments, MigrateVerb};
use crate::config::LoadedConfig;
use crate::lifecycle::Lifecycle;

pub(crate) async fn run(loaded: LoadedConfig, arguments: MigrateArguments) -> anyhow::Result<ExitCode> {
    crate::logging::start(&crate::config::LogConfig {
        filter: "warn".into(),
        ..loaded.config.log.clone()
    })?;
    if let MigrateVerb::Down { yes: false, .. } = arguments.verb
        && !arguments.dry_run
        && !super::confirmed("This destroys tables and their data.")?
    {
        bail!("nothing was done");
    }
    let lifecycle = Lifecycle::default();
    let result = run_on_targets(&loaded, &arguments, &lifecycle).await;
    lifecycle
        .stop_engine(loaded.config.server.shutdown_timeout())
        .await;
    super::print(&result?)
}

async fn run_on_targets(
    loaded: &LoadedConfig,
    arguments: &MigrateArguments,
    lifecycle: &Lifecycle,
) -> anyhow::Result<String> {
    let mut text = String::new();
    let storage = &loaded.config.storage;
    if arguments.db != Database::Clickhouse {
        backends::prepare_data_dir(&storage.data_dir)?;
        let mut target = RelationalTarget::connect(&backends::relational_url(storage)).await?;
        let available = if target.name() == "sqlite" {
            sqlite()
        } else {
            postgres()
        };
        text.push_str(&run_on(&mut target, &available, arguments).await?);
    }
    if arguments.db != Database::Postgres {
        backends::prepare_data_dir(&storage.data_dir)?;
        let endpoint = TelemetryEndpoint::reach_or_start(loaded, lifecycle).await?;
        let mut target = ClickHouseTarget::new(endpoint.client.clone()).on_cluster(storage.cluster()?);
        text.push_str(&run_on(&mut target, &clickhouse(), arguments).await?);
    }
    Ok(text)
}

async fn run_on(
    target: &mut dyn Target,
    available: &[Migration],
    arguments: &MigrateArguments,
) -> anyhow::Result<String> {
    let verb = match arguments.verb {
        MigrateVerb::Up { steps } => Verb::Up { steps },
        MigrateVerb::Down { steps, .. } => Verb::Down { steps },
        MigrateVerb::Status => return Ok(render_status(&status(target, available).await?, true)),
        MigrateVerb::Info => return Ok(render_status(&status(target, available).await?, false)),
    };
    let report = apply(target, available, verb, &SystemClock, arguments.dry_run).await?;
    let mut text = String::new();
    for (index, step) in report.steps.iter().enumerate() {
        let would = if arguments.dry_run { "would " } else { "" };
        let _ = writeln!(text, "{}: {would}{step}", report.target);
        for statement in report.statements.get(index).into_iter().flatten() {
            let _ = writeln!(text, "\n{statement};");
        }
    }
    if report.steps.is_empty() {
        let _ = writeln!(text, "{}: nothing to do", report.target);
    }
    Ok(text)
}

fn render_status(status: &brokle_migrations::Status, list: bool) -> String {
    let (applied, pending) = (status.applied.len(), status.pending.len());
    let mut text = format!("{}: {applied} applied, {pending} pending\n", status.target);
    if list {
        for row in &status.applied {
            let _ = writeln!(
                text,
                "  {}  {}  applied {}",
                row.version,
                row.name,
                row.applied_at.to_rfc3339()
            );
        }
        for (version, name) in &status.pending {
            let _ = writeln!(text, "  {version}  {name}  pending");
        }
    }
    text
}
