//! Carries out a plan on a target, and reports what it did.

use brokle_model::clock::Clock;

use crate::plan::{PlanError, Step, Verb, plan};
use crate::source::Migration;
use crate::target::{Applied, Target, TargetError};

/// Why migrating stopped. What ran before stays applied and recorded.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The ledger does not fit the files.
    #[error("{target}: {source}")]
    Plan {
        /// Which database.
        target: &'static str,
        /// What does not fit.
        source: PlanError,
    },
    /// A statement failed.
    #[error("{target}{}: {source}", .version.map(|version| format!(", migration {version}")).unwrap_or_default())]
    Target {
        /// Which database.
        target: &'static str,
        /// At which migration, when at one.
        version: Option<i64>,
        /// What failed.
        source: TargetError,
    },
}

/// What was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which database.
    pub target: &'static str,
    /// One line a step: `apply 20261122000001 observations`.
    pub steps: Vec<String>,
    /// For each step of a dry run, the statements that it would run.
    pub statements: Vec<Vec<String>>,
}

/// Each known migration and whether it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Which database.
    pub target: &'static str,
    /// The ledger, oldest first.
    pub applied: Vec<Applied>,
    /// What `up` would apply, oldest first.
    pub pending: Vec<(i64, String)>,
}

/// Runs `verb`; with `dry_run` only says what it would do.
pub async fn apply(
    target: &mut dyn Target,
    available: &[Migration],
    verb: Verb,
    clock: &dyn Clock,
    dry_run: bool,
) -> Result<Report, MigrateError> {
    let name = target.name();
    let failed = |version: Option<i64>| {
        move |source| MigrateError::Target {
            target: name,
            version,
            source,
        }
    };
    target.prepare().await.map_err(failed(None))?;
    let applied = target.applied().await.map_err(failed(None))?;
    let steps =
        plan(available, &applied, verb).map_err(|source| MigrateError::Plan { target: name, source })?;
    let mut report = Report {
        target: name,
        steps: Vec::with_capacity(steps.len()),
        statements: Vec::new(),
    };
    for step in steps {
        let (verb, migration) = match step {
            Step::Apply(migration) => ("apply", migration),
            Step::Revert(migration) => ("revert", migration),
        };
        if dry_run {
            let statements = match step {
                Step::Apply(migration) => &migration.up,
                Step::Revert(migration) => &migration.down,
            };
            let rendered = target.render(statements);
            report
                .statements
                .push(rendered.map_err(failed(Some(migration.version)))?);
        } else {
            let done = match step {
                Step::Apply(migration) => target.apply(migration, clock.now()).await,
                Step::Revert(migration) => target.revert(migration, clock.now()).await,
            };
            done.map_err(failed(Some(migration.version)))?;
            tracing::info!(
                target = name,
                version = migration.version,
                "{verb} {}",
                migration.name
            );
        }
        report
            .steps
            .push(format!("{verb} {} {}", migration.version, migration.name));
    }
    Ok(report)
}

/// Compares the ledger with the files.
pub async fn status(target: &mut dyn Target, available: &[Migration]) -> Result<Status, MigrateError> {
    let name = target.name();
    let failed = |source| MigrateError::Target {
        target: name,
        version: None,
        source,
    };
    target.prepare().await.map_err(failed)?;
    let applied = target.applied().await.map_err(failed)?;
    let is_pending = |migration: &&Migration| !applied.iter().any(|row| row.version == migration.version);
    let pending = available.iter().filter(is_pending);
    let pending = pending
        .map(|migration| (migration.version, migration.name.clone()))
        .collect();
    Ok(Status {
        target: name,
        applied,
        pending,
    })
}
