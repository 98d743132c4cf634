//! Every constant statement is one that both engines understand, with the tables as migrated.

use brokle_storage_sql::every_statement;
use brokle_storage_sql::execute::Pool;
use brokle_storage_sql::testing::{Engine, with_store};
use sqlx::{Executor as _, SqlSafeStr as _};

async fn prepare_all(engine: Engine) {
    with_store(engine, |store| async move {
        let mut prepared = 0;
        for text in every_statement() {
            let result = match store.pool() {
                Pool::Sqlite(pool) => pool.prepare(text.into_sql_str()).await.map(drop),
                Pool::Postgres(pool) => pool.prepare(text.into_sql_str()).await.map(drop),
            };
            assert!(result.is_ok(), "{text}: {result:?}");
            prepared += 1;
        }
        assert!(prepared > 20, "only {prepared} statements were found");
    })
    .await;
}

#[tokio::test]
async fn sqlite_understands_every_statement() {
    prepare_all(Engine::Sqlite).await;
}

#[tokio::test]
async fn postgres_understands_every_statement() {
    prepare_all(Engine::Postgres).await;
}
