//! The contract suite, once per engine.

mod sqlite {
    use std::sync::Arc;

    use brokle_storage_sql::SqlStore;
    use brokle_storage_sql::testing::{Engine, with_store};

    async fn run<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Arc<SqlStore>) -> F) {
        with_store(Engine::Sqlite, test).await;
    }

    brokle_storage::relational_contract!(run);
}

mod postgres {
    use std::sync::Arc;

    use brokle_storage_sql::SqlStore;
    use brokle_storage_sql::testing::{Engine, with_store};

    async fn run<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Arc<SqlStore>) -> F) {
        with_store(Engine::Postgres, test).await;
    }

    brokle_storage::relational_contract!(run);
}
