//! Stock clients of a `ClickHouse` server, in other languages.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use crate::support::{Database, script, shared};

/// A variable that `scripts/test-clients` provides, from the environment or from the script itself.
fn prepared(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the test run tells us where the clients are"
    )]
    if let Ok(value) = std::env::var(name) {
        return value;
    }
    let printed = script("test-clients");
    let variables: HashMap<&str, &str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('\'')))
        .collect();
    variables[name].to_owned()
}

async fn run_client(program: &str, file: &str, database: &Database) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(file);
    let mut command = Command::new(program);
    command.arg(path).arg(&shared().url).arg(&database.name);
    command.env("BROKLE_TEST_NODE_MODULES", prepared("BROKLE_TEST_NODE_MODULES"));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let (printed, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{printed}\n{errors}");
    assert!(printed.ends_with("all good\n"), "{printed}\n{errors}");
}

#[tokio::test]
async fn clickhouse_connect_for_python_works() {
    let database = Database::create("python_client").await;
    run_client(&prepared("BROKLE_TEST_PYTHON"), "connect.py", &database).await;
}

#[tokio::test]
async fn the_official_node_client_works() {
    let database = Database::create("node_client").await;
    run_client("node", "client.mjs", &database).await;
}
