//! What is particular to an engine: pragmas, outages, several writers.

use std::sync::Arc;

use brokle_model::error::{Classify as _, ErrorKind};
use brokle_model::id::UserId;
use brokle_storage::repo::{Credentials, Store as _, User, Users as _};
use brokle_storage_sql::execute::Pool;
use brokle_storage_sql::testing::{Engine, TestDatabase, with_store};
use brokle_storage_sql::{ConnectError, Database, PoolOptions, SqlStore};
use chrono::DateTime;

fn user(number: u128) -> Credentials {
    let user = User {
        id: UserId::from_u128(number),
        email: format!("{number}@example.com"),
        name: "A".to_owned(),
        created_at: DateTime::UNIX_EPOCH,
    };
    Credentials {
        user,
        password_hash: String::new(),
    }
}

#[tokio::test]
async fn sqlite_runs_with_a_write_ahead_log_and_foreign_keys() {
    with_store(Engine::Sqlite, |store| async move {
        let Pool::Sqlite(pool) = store.pool() else {
            panic!("SQLite was asked for")
        };
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(pool)
            .await
            .unwrap();
        let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
            .fetch_one(pool)
            .await
            .unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!((journal.as_str(), foreign_keys, synchronous), ("wal", 1, 2));
    })
    .await;
}

#[tokio::test]
async fn many_writers_of_one_sqlite_file_all_get_their_turn() {
    with_store(Engine::Sqlite, |store| async move {
        let writers: Vec<_> = (1..=40)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let unit = store.begin().await.unwrap();
                    unit.create_user(&user(number)).await.unwrap();
                    unit.commit().await.unwrap();
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        for number in 1..=40 {
            assert!(
                store
                    .find_user(UserId::from_u128(number))
                    .await
                    .unwrap()
                    .is_some()
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_closed_store_is_unavailable_and_missing_tables_are_a_defect() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = TestDatabase::create(engine).await;
        let store = database.open().await;
        assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Internal);
        store.close().await;
        assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
        database.remove().await;
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let wrong = Database::Postgres("mysql://user:hunter2@localhost/x".into());
    let error = SqlStore::open(&wrong, PoolOptions::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Address));
    assert!(!format!("{error:?} {wrong:?}").contains("hunter2"));
    let missing = Database::Sqlite("/nonexistent/folder/file.sqlite".into());
    let error = SqlStore::open(&missing, PoolOptions::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent/folder/file.sqlite"),
        "{error}"
    );
}
