//! `brokle reprice`. Works beside a running server, like `brokle migrate`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use brokle_ingest::reprice::{RepriceReport, RepriceRequest, Repricer};
use brokle_model::id::ProjectId;
use brokle_storage_clickhouse::ClickHouse;

use crate::backends::{self, TelemetryEndpoint};
use crate::cli::RepriceArguments;
use crate::config::LoadedConfig;
use crate::lifecycle::Lifecycle;

const LIST_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn run(loaded: LoadedConfig, arguments: RepriceArguments) -> anyhow::Result<ExitCode> {
    crate::logging::start(&crate::config::LogConfig {
        filter: "warn".into(),
        ..loaded.config.log.clone()
    })?;
    if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && from >= to
    {
        bail!("--from must be before --to");
    }
    let lifecycle = Lifecycle::default();
    let result = reprice(&loaded, &arguments, &lifecycle).await;
    lifecycle
        .stop_engine(loaded.config.server.shutdown_timeout())
        .await;
    super::print(&result?)
}

async fn reprice(
    loaded: &LoadedConfig,
    arguments: &RepriceArguments,
    lifecycle: &Lifecycle,
) -> anyhow::Result<String> {
    let prices = Arc::new(loaded.config.prices.read()?);
    backends::prepare_data_dir(&loaded.config.storage.data_dir)?;
    let store = TelemetryEndpoint::reach_or_start(loaded, lifecycle).await?.client;
    let projects = match arguments.project {
        Some(project) => vec![project],
        None => every_project(&store).await?,
    };
    let repricer = Repricer::new(Arc::new(store.clone()), Arc::new(store), prices);
    if !arguments.dry_run && !arguments.yes {
        let preview = each(&repricer, &projects, arguments, true).await?;
        std::io::stderr().write_all(preview.as_bytes())?;
        if !super::confirmed("This changes stored costs.")? {
            bail!("nothing was done");
        }
    }
    each(&repricer, &projects, arguments, arguments.dry_run).await
}

async fn each(
    repricer: &Repricer,
    projects: &[ProjectId],
    arguments: &RepriceArguments,
    dry_run: bool,
) -> anyhow::Result<String> {
    let (mut text, mut sum) = (String::new(), RepriceReport::default());
    for project in projects {
        let request = RepriceRequest {
            project: *project,
            from: arguments.from,
            to: arguments.to,
            model: arguments.model.clone(),
            dry_run,
        };
        let report = repricer
            .run(&request, |share, so_far| show_progress(*project, share, so_far))
            .await;
        let report = report.with_context(|| format!("project {project}; run it again to go on"))?;
        text.push_str(&render(&format!("project {project}"), &report, dry_run));
        sum.merge(&report);
    }
    if projects.len() != 1 {
        text.push_str(&render(&format!("{} projects", projects.len()), &sum, dry_run));
    }
    Ok(text)
}

/// Every project that has telemetry. An operator's command, like a migration, knows no tenant.
async fn every_project(store: &ClickHouse) -> anyhow::Result<Vec<ProjectId>> {
    let query = "SELECT DISTINCT project_id FROM trace_places ORDER BY project_id";
    let text = store.fetch(query, "TabSeparated", LIST_TIMEOUT).await?;
    let ids = text
        .lines()
        .map(|line| line.parse().context("the id of a project in storage"));
    ids.collect()
}

fn show_progress(project: ProjectId, share: f64, report: &RepriceReport) {
    let _ = writeln!(
        std::io::stderr(),
        "project {project}: {:.0} %, {} calls read, {} to change",
        share * 100.0,
        report.calls,
        report.changed
    );
}

fn render(what: &str, report: &RepriceReport, dry_run: bool) -> String {
    let mut text = String::new();
    let verb = if dry_run { "would change" } else { "changed" };
    let _ = writeln!(
        text,
        "{what}: {} calls, {} {verb}, {} without a known price",
        report.calls, report.changed, report.unpriced
    );
    for (name, (before, after)) in [("total", report.total), ("by our prices", report.priced)] {
        let _ = writeln!(
            text,
            "  {name}: {} USD before, {} USD after",
            before.normalize(),
            after.normalize()
        );
    }
    if report.overtaken > 0 {
        let _ = writeln!(
            text,
            "  {} calls were updated meanwhile and left as they are",
            report.overtaken
        );
    }
    text
}
