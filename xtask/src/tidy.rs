//! The rules that keep the rooms apart, from `docs/ARCHITECTURE.md`. Each check returns what is wrong; a
//! rule without an entry here is only a wish.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::sources;

const PLANES: [&str; 4] = [
    "brokle-accounts",
    "brokle-gateway",
    "brokle-ingest",
    "brokle-query",
];

/// What a crate may not depend on (outside of its tests), and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "brokle-model",
        &["tokio", "axum", "hyper", "sqlx", "clickhouse", "tonic", "reqwest"],
        "model does no I/O and knows no framework",
    ),
    (
        "brokle-storage",
        &["tokio", "axum", "hyper", "sqlx", "clickhouse"],
        "storage holds traits; implementations live beside it",
    ),
    (
        "brokle-http",
        &["sqlx", "clickhouse", "brokle-storage"],
        "the axum kit knows no business and no storage",
    ),
];

/// Libraries that only these crates may name.
const OWNED: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["brokle-storage-sql", "brokle-migrations"],
        "relational SQL has two homes",
    ),
    (
        "clickhouse",
        &["brokle-storage-clickhouse", "brokle-engine"],
        "ClickHouse's client has one home (and the engine's tests)",
    ),
    ("redis", &["brokle-storage-redis"], "Redis has one home"),
    (
        "libloading",
        &["brokle-engine"],
        "foreign code is loaded in one place",
    ),
];

/// Prints what is wrong; false when anything is.
pub(crate) fn run() -> Result<bool> {
    let metadata = MetadataCommand::new()
        .manifest_path(sources::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("reading cargo metadata")?;
    let mut faults = Vec::new();
    check_planes(&metadata, &mut faults);
    check_forbidden(&metadata, &mut faults);
    check_owned(&metadata, &mut faults);
    check_leaves(&metadata, &mut faults);
    check_texts(&mut faults)?;
    if faults.is_empty() {
        println!("tidy: {} crates, no fault", metadata.workspace_packages().len());
    }
    for fault in &faults {
        println!("tidy: {fault}");
    }
    Ok(faults.is_empty())
}

fn normal_dependencies(package: &Package) -> BTreeSet<&str> {
    let normal = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str()).collect()
}

fn check_planes(metadata: &Metadata, faults: &mut Vec<String>) {
    for package in metadata.workspace_packages() {
        if !PLANES.contains(&package.name.as_str()) {
            continue;
        }
        for other in PLANES {
            if other != package.name.as_str() && normal_dependencies(package).contains(other) {
                faults.push(format!(
                    "{} depends on {other}: planes meet only in server",
                    package.name
                ));
            }
        }
    }
}

fn check_forbidden(metadata: &Metadata, faults: &mut Vec<String>) {
    for package in metadata.workspace_packages() {
        let rules = FORBIDDEN
            .iter()
            .filter(|(name, ..)| *name == package.name.as_str());
        for (name, forbidden, reason) in rules {
            for dependency in normal_dependencies(package).intersection(&forbidden.iter().copied().collect())
            {
                faults.push(format!("{name} depends on {dependency}: {reason}"));
            }
        }
    }
}

fn check_owned(metadata: &Metadata, faults: &mut Vec<String>) {
    for package in metadata.workspace_packages() {
        for (library, owners, reason) in OWNED {
            if normal_dependencies(package).contains(library) && !owners.contains(&package.name.as_str()) {
                faults.push(format!("{} depends on {library}: {reason}", package.name));
            }
        }
    }
}

/// Nothing depends on the binary, and nothing that ships depends on the test kit.
fn check_leaves(metadata: &Metadata, faults: &mut Vec<String>) {
    for package in metadata.workspace_packages() {
        for leaf in ["brokle", "brokle-testkit", "xtask"] {
            if normal_dependencies(package).contains(leaf) {
                faults.push(format!(
                    "{} depends on {leaf}, which nothing that ships may do",
                    package.name
                ));
            }
        }
    }
}

fn check_texts(faults: &mut Vec<String>) -> Result<()> {
    for path in sources::tracked(&["rs"])? {
        let text = std::fs::read_to_string(sources::root().join(&path))?;
        let shown = path.display();
        if path.ends_with("mod.rs") {
            faults.push(format!("{shown}: use `name.rs` beside `name/`"));
        }
        if sources::is_product(&path) && !text.starts_with("//!") {
            faults.push(format!("{shown}: no `//!` head that says why the file exists"));
        }
        let is_unsafe_home = path.starts_with("storage/engine/src/ffi")
            || path.ends_with("engine/src/ffi.rs")
            || path.ends_with("server/src/allocator.rs");
        if !is_unsafe_home && sources::is_product(&path) && text.contains("expect(unsafe_code") {
            faults.push(format!(
                "{shown}: unsafe code has its homes, storage/engine/src/ffi and server/src/allocator.rs"
            ));
        }
        if text.contains("cfg(feature = \"enterprise\")")
            && !path.ends_with("edition.rs")
            && sources::is_product(&path)
        {
            faults.push(format!(
                "{shown}: the edition is decided in server/src/edition.rs alone"
            ));
        }
    }
    Ok(())
}
