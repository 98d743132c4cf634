//! What a driver's error means: worth another try, or a defect of ours.

use brokle_storage::repo::StorageError;

/// A column held what its type cannot be.
#[derive(Debug, thiserror::Error)]
#[error("column `{column}` cannot be read")]
struct Unreadable {
    column: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

pub(crate) fn unreadable(
    column: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StorageError {
    StorageError::Defect(Box::new(Unreadable {
        column,
        source: source.into(),
    }))
}

pub(crate) fn translate(error: sqlx::Error) -> StorageError {
    if is_transient(&error) {
        StorageError::Unavailable(error.into())
    } else {
        StorageError::Defect(error.into())
    }
}

fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_transient_code(&code)),
        _ => false,
    }
}

/// SQLSTATE classes of Postgres: connection, rollback, resources, operator, system. For SQLite the primary
/// result code, in the low byte: busy, locked, interrupted, input/output, full, cannot open.
fn is_transient_code(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "40", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 9 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_are_told_from_defects() {
        for transient in [
            "08006", "40001", "40P01", "53300", "57P01", "5", "261", "517", "13",
        ] {
            assert!(is_transient_code(transient), "{transient}");
        }
        for defect in ["23505", "42601", "42P01", "1", "19", "2067"] {
            assert!(!is_transient_code(defect), "{defect}");
        }
        assert!(matches!(
            translate(sqlx::Error::PoolTimedOut),
            StorageError::Unavailable(_)
        ));
        assert!(matches!(
            translate(sqlx::Error::RowNotFound),
            StorageError::Defect(_)
        ));
    }
}
