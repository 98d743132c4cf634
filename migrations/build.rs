//! Rebuilds the crate when a migration file appears or changes: the files are embedded by a macro that
//! cargo cannot look into.

fn main() {
    for folder in ["postgres", "sqlite", "clickhouse"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
