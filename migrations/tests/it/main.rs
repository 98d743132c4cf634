//! Migrations on real databases: up, status, down, up again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::target::relational::RelationalTarget;
use brokle_migrations::{Migration, Target, Verb, apply, clickhouse, postgres, sqlite, status};
use brokle_model::clock::SystemClock;
use brokle_storage_sql::Database;
use brokle_storage_sql::testing::{Engine, TestDatabase};
use brokle_testkit::clickhouse::TestClickHouse;
use secrecy::ExposeSecret as _;

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

#[tokio::test]
async fn clickhouse_goes_up_and_down_and_up() {
    let database = TestClickHouse::create().await;
    up_and_down(&mut ClickHouseTarget::new(database.client()), &clickhouse()).await;
}
