//! Migrations on real databases: up, status, down, up again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::target::relational::RelationalTarget;
use brokle_migrations::{Cluster, Migration, Target, Verb, apply, clickhouse, postgres, sqlite, status};
use brokle_model::clock::SystemClock;
use brokle_storage_sql::Database;
use brokle_storage_sql::testing::{Engine, TestDatabase};
use brokle_testkit::clickhouse::TestClickHouse;
use secrecy::ExposeSecret as _;

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

async fn up_and_down(target: &mut dyn Target, available: &[Migration]) {
    let pending = status(target, available).await.unwrap();
    assert_eq!(
        (pending.applied.len(), pending.pending.len()),
        (0, available.len())
    );

    let dry = apply(target, available, Verb::Up { steps: None }, &SystemClock, true)
        .await
        .unwrap();
    assert_eq!(dry.steps.len(), available.len());
    assert_eq!(
        status(target, available).await.unwrap().applied.len(),
        0,
        "a dry run changes nothing"
    );

    apply(target, available, Verb::Up { steps: None }, &SystemClock, false)
        .await
        .unwrap();
    let again = apply(target, available, Verb::Up { steps: None }, &SystemClock, false)
        .await
        .unwrap();
    assert_eq!(again.steps, Vec::<String>::new());

    apply(
        target,
        available,
        Verb::Down {
            steps: available.len(),
        },
        &SystemClock,
        false,
    )
    .await
    .unwrap();
    assert_eq!(
        status(target, available).await.unwrap().pending.len(),
        available.len()
    );
    apply(target, available, Verb::Up { steps: None }, &SystemClock, false)
        .await
        .unwrap();
    assert_eq!(
        status(target, available).await.unwrap().applied.len(),
        available.len()
    );
}

async fn relational(engine: Engine, available: Vec<Migration>) {
    let database = TestDatabase::create(engine).await;
    let url = match database.database() {
        Database::Sqlite(path) => format!("sqlite://{}", path.display()),
        Database::Postgres(url) => url.expose_secret().to_owned(),
    };
    let mut target = RelationalTarget::connect(&url).await.unwrap();
    up_and_down(&mut target, &available).await;
    drop(target);
    database.remove().await;
}

#[tokio::test]
async fn sqlite_goes_up_and_down_and_up() {
    relational(Engine::Sqlite, sqlite()).await;
}

#[tokio::test]
async fn postgres_goes_up_and_down_and_up() {
    relational(Engine::Postgres, postgres()).await;
}

/// The engine cannot form a cluster, but its parser knows the statements that do.
#[tokio::test]
async fn the_engine_can_read_every_statement_in_both_forms() {
    let database = TestClickHouse::create().await;
    let cluster = Cluster::new("main").unwrap();
    let alone = ClickHouseTarget::new(database.client());
    let clustered = ClickHouseTarget::new(database.client()).on_cluster(Some(cluster));
    let mut count = 0;
    for migration in clickhouse() {
        for statements in [&migration.up, &migration.down] {
            let mut all = alone.render(statements).unwrap();
            all.extend(clustered.render(statements).unwrap());
            for statement in all {
                let explained = format!("EXPLAIN AST {statement}");
                let parsed = database.client().fetch(&explained, "TabSeparated", TIMEOUT).await;
                assert!(parsed.is_ok(), "{statement}\n{}", parsed.unwrap_err());
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count} statements");
    let wrong = database
        .client()
        .fetch("EXPLAIN AST CREATE TABEL a", "TabSeparated", TIMEOUT)
        .await;
    assert!(wrong.is_err(), "the parser has a word in this");
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_run() {
    let database = TestClickHouse::create().await;
    let cluster = Cluster::new("main").unwrap();
    let available = clickhouse();
    let mut alone = ClickHouseTarget::new(database.client());
    let up = Verb::Up { steps: None };
    let report = apply(&mut alone, &available, up, &SystemClock, true)
        .await
        .unwrap();
    assert_eq!(report.statements.len(), available.len());
    assert!(report.statements[0][0].starts_with("CREATE TABLE IF NOT EXISTS observations ("));
    let rendered = ClickHouseTarget::new(database.client())
        .on_cluster(Some(cluster))
        .render(&available[0].up)
        .unwrap();
    assert!(rendered[0].starts_with("CREATE TABLE IF NOT EXISTS observations_local ON CLUSTER 'main' ("));
    assert!(rendered[1].contains(
        "Distributed('main', currentDatabase(), 'observations_local', cityHash64(project_id, trace_id))"
    ));
}

#[tokio::test]
async fn clickhouse_goes_up_and_down_and_up() {
    let database = TestClickHouse::create().await;
    up_and_down(&mut ClickHouseTarget::new(database.client()), &clickhouse()).await;
}
