//! People.

use async_trait::async_trait;
use brokle_model::id::UserId;
use brokle_storage::repo::{CreateUserError, Credentials, StorageError, User, Users};

use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    CREATE_USER = "
        INSERT INTO users (id, email, name, password_hash, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (email) DO NOTHING";
    FIND_USER = "
        SELECT id, email, name, created_at
        FROM users
        WHERE id = $1";
    FIND_CREDENTIALS = "
        SELECT id, email, name, created_at, password_hash
        FROM users
        WHERE email = $1";
}

#[async_trait]
impl<E: Execute> Users for Sql<E> {
    async fn create_user(&self, credentials: &Credentials) -> Result<(), CreateUserError> {
        let user = &credentials.user;
        let statement = Statement::new(CREATE_USER)
            .bind(user.id.to_string())
            .bind(user.email.as_str())
            .bind(user.name.as_str())
            .bind(credentials.password_hash.as_str())
            .bind(user.created_at);
        match self.0.change(statement).await? {
            0 => Err(CreateUserError::EmailTaken),
            _ => Ok(()),
        }
    }

    async fn find_user(&self, user: UserId) -> Result<Option<User>, StorageError> {
        let rows = self
            .0
            .fetch(Statement::new(FIND_USER).bind(user.to_string()))
            .await?;
        rows.first().map(read_user).transpose()
    }

    async fn find_credentials(&self, email: &str) -> Result<Option<Credentials>, StorageError> {
        let rows = self.0.fetch(Statement::new(FIND_CREDENTIALS).bind(email)).await?;
        rows.first()
            .map(|row| {
                Ok(Credentials {
                    user: read_user(row)?,
                    password_hash: row.text("password_hash")?,
                })
            })
            .transpose()
    }
}

fn read_user(row: &Row) -> Result<User, StorageError> {
    Ok(User {
        id: row.parsed("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
    })
}
