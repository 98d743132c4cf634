//! The migration files, as embedded in the binary.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// One numbered change and its reverse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// `YYYYMMDDHHMMSS`
    pub version: i64,
    /// The file's name between the version and `.up.sql`.
    pub name: String,
    /// The statements that make the change, in order.
    pub up: Vec<String>,
    /// The statements that undo it, in order.
    pub down: Vec<String>,
    /// SHA-256 of the up file, hex.
    pub checksum: String,
}

#[derive(RustEmbed)]
#[folder = "postgres"]
struct PostgresFiles;

#[derive(RustEmbed)]
#[folder = "sqlite"]
struct SqliteFiles;

#[derive(RustEmbed)]
#[folder = "clickhouse"]
struct ClickHouseFiles;

/// The Postgres migrations, oldest first.
pub fn postgres() -> Vec<Migration> {
    read::<PostgresFiles>()
}

/// The `SQLite` migrations, oldest first.
pub fn sqlite() -> Vec<Migration> {
    read::<SqliteFiles>()
}

/// The ClickHouse migrations, oldest first.
pub fn clickhouse() -> Vec<Migration> {
    read::<ClickHouseFiles>()
}

fn read<Files: RustEmbed>() -> Vec<Migration> {
    let files: BTreeMap<String, String> = Files::iter()
        .filter_map(|path| {
            let file = Files::get(&path)?;
            Some((
                path.into_owned(),
                String::from_utf8_lossy(&file.data).into_owned(),
            ))
        })
        .collect();
    files
        .iter()
        .filter_map(|(path, text)| from_files(path, text, &files))
        .collect()
}

fn from_files(path: &str, up: &str, files: &BTreeMap<String, String>) -> Option<Migration> {
    let stem = path.strip_suffix(".up.sql")?;
    let (version, name) = stem.split_once('_')?;
    let down = files
        .get(&format!("{stem}.down.sql"))
        .map_or(&[][..], |text| std::slice::from_ref(text));
    Some(Migration {
        version: version.parse().ok()?,
        name: name.to_owned(),
        up: split_statements(up),
        down: down.iter().flat_map(|text| split_statements(text)).collect(),
        checksum: hex::encode(Sha256::digest(up.as_bytes())),
    })
}

/// Splits a file into statements. A statement ends with `;` at the end of a line; comment lines between
/// statements are dropped. This is a convention of our own files, not a SQL parser.
fn split_statements(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    for line in text.lines() {
        if current.is_empty() && (line.trim().is_empty() || line.trim_start().starts_with("--")) {
            continue;
        }
        if let Some(last) = line.trim_end().strip_suffix(';') {
            current.push_str(last);
            statements.push(std::mem::take(&mut current));
        } else {
            current.push_str(line);
            current.push('\n');
        }
    }
    if !current.trim().is_empty() {
        statements.push(current.trim_end().to_owned());
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_undone_and_has_its_own_version() {
        for migrations in [postgres(), sqlite(), clickhouse()] {
            assert!(!migrations.is_empty());
            assert!(migrations.is_sorted_by(|left, right| left.version < right.version));
            for migration in migrations {
                assert!(!migration.up.is_empty(), "{} does nothing", migration.name);
                assert!(!migration.down.is_empty(), "{} has no way back", migration.name);
            }
        }
    }

    #[test]
    fn postgres_and_sqlite_have_the_same_versions_and_names() {
        let names = |migrations: Vec<Migration>| -> Vec<(i64, String)> {
            migrations
                .into_iter()
                .map(|migration| (migration.version, migration.name))
                .collect()
        };
        assert_eq!(names(postgres()), names(sqlite()));
    }

    #[test]
    fn statements_are_split_at_line_ends_only() {
        let text = "-- why\nCREATE TABLE a (x TEXT DEFAULT ';');\n\n-- then\nDROP\n  TABLE b;\nSELECT 1";
        assert_eq!(
            split_statements(text),
            [
                "CREATE TABLE a (x TEXT DEFAULT ';')",
                "DROP\n  TABLE b",
                "SELECT 1"
            ]
        );
    }
}
