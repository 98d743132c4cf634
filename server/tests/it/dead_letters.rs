//! `brokle dead-letters`, as an operator uses it: beside a running server, and without one.

use std::process::{Command, Output};

use brokle_testkit::otlp;
use brokle_testkit::server::Server;
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::harness::{VISIBLE_WITHIN, binary, server_and_tenant};

fn dead_letters(server: &Server, arguments: &[&str]) -> Output {
    Command::new(binary())
        .arg("dead-letters")
        .args(arguments)
        .current_dir(server.data_dir())
        .env("BROKLE_DATA_DIR", server.data_dir())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn letters(server: &Server) -> Vec<Value> {
    let lines = text(&dead_letters(server, &["list", "--json"]));
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs SQL in the server's database.
async fn sql(server: &Server, statement: &str) -> String {
    let url = server.clickhouse_url();
    let (endpoint, database) = url.rsplit_once('/').unwrap();
    let request = Client::new().post(format!("{endpoint}/?database={database}"));
    let response = request.body(statement.to_owned()).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    text
}

async fn send(server: &Server, tenant: &Tenant, id: u64, name: &str) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let span = otlp::root_span(
        [0xdd; 16],
        id.to_be_bytes(),
        name,
        u64::try_from(now.as_nanos()).unwrap(),
    );
    let request = Client::new()
        .post(format!("{}/v1/traces", server.otlp_http_url()))
        .header("x-api-key", &tenant.key)
        .header("content-type", "application/x-protobuf")
        .body(otlp::request(vec![span]));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

async fn wait_for_letters(server: &Server, count: usize) -> Vec<Value> {
    wait::until("the letters are there", VISIBLE_WITHIN, || async {
        Some(letters(server)).filter(|letters| letters.len() == count)
    })
    .await
    .unwrap()
}

async fn wait_for_rows(server: &Server, count: usize) {
    wait::until("the rows are stored", VISIBLE_WITHIN, || async {
        let found = sql(server, "SELECT count() FROM observations").await;
        (found.trim() == count.to_string()).then_some(())
    })
    .await
    .unwrap();
}

const POISON: &str = "ALTER TABLE observations ADD CONSTRAINT sane CHECK name NOT LIKE 'poison%'";
const CURE: &str = "ALTER TABLE observations DROP CONSTRAINT sane";

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_are_listed_shown_replayed_and_dropped() {
    let (mut server, tenant) = server_and_tenant().await;
    sql(&server, POISON).await;
    for (id, name) in [
        (1, "good"),
        (2, "poison one"),
        (3, "good"),
        (4, "poison two"),
        (5, "poison three"),
    ] {
        send(&server, &tenant, id, name).await;
    }
    let found = wait_for_letters(&server, 3).await;
    let names: Vec<String> = found
        .iter()
        .map(|letter| letter["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        found
            .iter()
            .all(|letter| letter["project_id"] == tenant.project_id.as_str())
    );
    assert!(
        found[0]["reason"]
            .as_str()
            .unwrap()
            .contains("VIOLATED_CONSTRAINT"),
        "{found:?}"
    );
    let nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(
        text(&dead_letters(&server, &["list", "--project", nobody])),
        "no dead letters\n"
    );
    let shown = text(&dead_letters(&server, &["show", &names[0]]));
    assert!(
        shown.contains("poison one") && shown.contains("VIOLATED_CONSTRAINT"),
        "{shown}"
    );
    let unknown = dead_letters(&server, &["replay", "nothing"]);
    let error = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        !unknown.status.success() && error.contains("dead-letters list"),
        "{error}"
    );

    // The cause is removed; the server that runs takes the first, the log takes the second without it.
    sql(&server, CURE).await;
    let replayed = text(&dead_letters(&server, &["replay", &names[0]]));
    assert!(
        replayed.starts_with("1 dead letters sent again: the server"),
        "{replayed}"
    );
    wait_for_rows(&server, 3).await;
    assert_eq!(letters(&server).len(), 2);
    assert!(server.stop().await.unwrap().success());
    let replayed = text(&dead_letters(&server, &["replay", &names[1]]));
    assert!(replayed.contains("when the server starts"), "{replayed}");
    assert_eq!(
        text(&dead_letters(&server, &["drop", "--all", "--yes"])),
        "1 dead letters removed\n"
    );
    server.restart().await.unwrap();
    wait_for_rows(&server, 4).await;
    assert_eq!(letters(&server), Vec::<Value>::new());
}

#[test]
fn where_no_server_ever_ran_there_is_no_letter_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(binary())
        .args(["dead-letters", "list"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
