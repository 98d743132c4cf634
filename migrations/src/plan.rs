//! What to do, decided from what is applied and what is available. Pure, so that every verb is tested
//! without a database.

use crate::source::Migration;
use crate::target::Applied;

/// What the operator asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Apply pending migrations: all, or the first `steps`.
    Up {
        /// How many at most.
        steps: Option<usize>,
    },
    /// Undo applied migrations, newest first: the last `steps`.
    Down {
        /// How many at most.
        steps: usize,
    },
}

/// One migration to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Run its up statements.
    Apply(&'a Migration),
    /// Run its down statements.
    Revert(&'a Migration),
}

/// The steps, in order.
pub type Plan<'a> = Vec<Step<'a>>;

/// Why nothing may be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A migration broke off half-way.
    #[error(
        "migration {version} broke off half-way; repair the schema by hand (compare with the file), then correct the row in schema_migrations"
    )]
    Dirty {
        /// Which.
        version: i64,
    },
    /// The database is newer than this binary.
    #[error("the database has migration {version}, which this binary does not know: run a newer brokle")]
    Unknown {
        /// Which.
        version: i64,
    },
    /// A file was edited after it had been applied.
    #[error("migration {version} was changed after it had been applied: restore the file and add a new one")]
    Changed {
        /// Which.
        version: i64,
    },
}

/// Decides the steps for `verb`.
pub fn plan<'a>(available: &'a [Migration], applied: &[Applied], verb: Verb) -> Result<Plan<'a>, PlanError> {
    for row in applied {
        let known = available
            .iter()
            .find(|migration| migration.version == row.version);
        match known {
            _ if row.dirty => return Err(PlanError::Dirty { version: row.version }),
            None => return Err(PlanError::Unknown { version: row.version }),
            Some(migration) if migration.checksum != row.checksum => {
                return Err(PlanError::Changed { version: row.version });
            }
            Some(_) => {}
        }
    }
    let is_applied = |migration: &&Migration| applied.iter().any(|row| row.version == migration.version);
    Ok(match verb {
        Verb::Up { steps } => available
            .iter()
            .filter(|migration| !is_applied(migration))
            .take(steps.unwrap_or(usize::MAX))
            .map(Step::Apply)
            .collect(),
        Verb::Down { steps } => available
            .iter()
            .rev()
            .filter(is_applied)
            .take(steps)
            .map(Step::Revert)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn available() -> Vec<Migration> {
        (1..=3)
            .map(|version| Migration {
                version,
                name: format!("m{version}"),
                up: vec!["up".into()],
                down: vec!["down".into()],
                checksum: format!("sum{version}"),
            })
            .collect()
    }

    fn applied(versions: &[i64]) -> Vec<Applied> {
        let row = |version: &i64| Applied {
            version: *version,
            name: format!("m{version}"),
            checksum: format!("sum{version}"),
            dirty: false,
            applied_at: DateTime::UNIX_EPOCH,
        };
        versions.iter().map(row).collect()
    }

    fn versions(plan: &Plan<'_>) -> Vec<i64> {
        let signed = |step: &Step<'_>| match step {
            Step::Apply(migration) => migration.version,
            Step::Revert(migration) => -migration.version,
        };
        plan.iter().map(signed).collect()
    }

    #[test]
    fn up_applies_what_is_pending_in_order() {
        let available = available();
        let steps =
            |applied: &[Applied], steps| versions(&plan(&available, applied, Verb::Up { steps }).unwrap());
        assert_eq!(steps(&[], None), [1, 2, 3]);
        assert_eq!(steps(&applied(&[1]), None), [2, 3]);
        assert_eq!(steps(&applied(&[1]), Some(1)), [2]);
        assert_eq!(
            steps(&applied(&[1, 3]), None),
            [2],
            "one that was merged late is still applied"
        );
        assert_eq!(steps(&applied(&[1, 2, 3]), None), Vec::<i64>::new());
    }

    #[test]
    fn down_undoes_the_newest_first() {
        let available = available();
        let steps =
            |applied: &[Applied], steps| versions(&plan(&available, applied, Verb::Down { steps }).unwrap());
        assert_eq!(steps(&applied(&[1, 2]), 1), [-2]);
        assert_eq!(steps(&applied(&[1, 2]), 9), [-2, -1]);
        assert_eq!(steps(&[], 1), Vec::<i64>::new());
    }

    #[test]
    fn a_ledger_that_does_not_fit_stops_everything() {
        let available = available();
        let refuse = |applied: &[Applied]| plan(&available, applied, Verb::Up { steps: None }).unwrap_err();
        assert_eq!(refuse(&applied(&[9])), PlanError::Unknown { version: 9 });
        let mut changed = applied(&[1]);
        changed[0].checksum = "other".into();
        assert_eq!(refuse(&changed), PlanError::Changed { version: 1 });
        let mut dirty = applied(&[1]);
        dirty[0].dirty = true;
        assert_eq!(refuse(&dirty), PlanError::Dirty { version: 1 });
    }
}
