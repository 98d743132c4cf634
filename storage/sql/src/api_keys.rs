//! API keys, by their hashes. Scopes, and patterns of models, are stored as words separated by single spaces.

use std::collections::BTreeSet;

use async_trait::async_trait;
use brokle_model::api_key::ApiKeyHash;
use brokle_model::id::{ApiKeyId, ProjectId};
use brokle_model::principal::Scope;
use brokle_storage::repo::{
    API_KEYS_MAX, ApiKeyChange, ApiKeyRecord, ApiKeyUse, ApiKeys, StorageError, StoredGrant,
};
use chrono::{DateTime, Utc};

use crate::error::unreadable;
use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    CREATE_API_KEY = "
        INSERT INTO api_keys
            (id, project_id, name, key_hash, preview, scopes, models, created_by, created_at, expires_at,
             last_used_at, disabled_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    LIST_API_KEYS = "
        SELECT id, project_id, name, preview, scopes, models, created_by, created_at, expires_at, last_used_at,
            disabled_at
        FROM api_keys
        WHERE project_id = $1 AND revoked_at IS NULL
        ORDER BY created_at, id
        LIMIT $2";
    REVOKE_API_KEY = "
        UPDATE api_keys
        SET revoked_at = $3
        WHERE project_id = $1 AND id = $2 AND revoked_at IS NULL
        RETURNING key_hash";
    FIND_GRANT = "
        SELECT k.id, k.project_id, p.organization_id, k.scopes, k.models, k.expires_at
        FROM api_keys AS k
        JOIN projects AS p ON p.id = k.project_id
        WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND k.disabled_at IS NULL";
    CHANGE_API_KEY = "
        UPDATE api_keys
        SET name = $3, models = $4, expires_at = $5, disabled_at = $6
        WHERE project_id = $1 AND id = $2 AND revoked_at IS NULL
        RETURNING id, project_id, name, preview, scopes, models, created_by, created_at, expires_at,
            last_used_at, disabled_at";
    RECORD_USE = "
        UPDATE api_keys
        SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
}

#[async_trait]
impl<E: Execute> ApiKeys for Sql<E> {
    async fn create_api_key(&self, key: &ApiKeyRecord, hash: ApiKeyHash) -> Result<(), StorageError> {
        let statement = Statement::new(CREATE_API_KEY)
            .bind(key.id.to_string())
            .bind(key.project.to_string())
            .bind(key.name.as_str())
            .bind(hash.to_hex())
            .bind(key.preview.as_str())
            .bind(write_scopes(&key.scopes))
            .bind(key.models.join(" "))
            .bind(key.created_by.map(|user| user.to_string()))
            .bind(key.created_at)
            .bind(key.expires_at)
            .bind(key.last_used_at)
            .bind(key.disabled_at);
        self.0.change(statement).await.map(|_| ())
    }

    async fn list_api_keys(&self, project: ProjectId) -> Result<Vec<ApiKeyRecord>, StorageError> {
        let statement = Statement::new(LIST_API_KEYS)
            .bind(project.to_string())
            .bind(API_KEYS_MAX);
        self.0.fetch(statement).await?.iter().map(read_key).collect()
    }

    async fn revoke_api_key(
        &self,
        project: ProjectId,
        key: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiKeyHash>, StorageError> {
        let statement = Statement::new(REVOKE_API_KEY)
            .bind(project.to_string())
            .bind(key.to_string())
            .bind(at);
        self.0.fetch(statement).await?.first().map(read_hash).transpose()
    }

    async fn change_api_key(
        &self,
        project: ProjectId,
        key: ApiKeyId,
        change: &ApiKeyChange,
    ) -> Result<Option<ApiKeyRecord>, StorageError> {
        let statement = Statement::new(CHANGE_API_KEY)
            .bind(project.to_string())
            .bind(key.to_string())
            .bind(change.name.as_str())
            .bind(change.models.join(" "))
            .bind(change.expires_at)
            .bind(change.disabled_at);
        self.0.fetch(statement).await?.first().map(read_key).transpose()
    }

    async fn find_grant(&self, hash: ApiKeyHash) -> Result<Option<StoredGrant>, StorageError> {
        let rows = self
            .0
            .fetch(Statement::new(FIND_GRANT).bind(hash.to_hex()))
            .await?;
        rows.first().map(read_grant).transpose()
    }

    async fn record_uses(&self, uses: &[ApiKeyUse]) -> Result<(), StorageError> {
        for ApiKeyUse { key, at } in uses {
            self.0
                .change(Statement::new(RECORD_USE).bind(key.to_string()).bind(*at))
                .await?;
        }
        Ok(())
    }
}

fn read_key(row: &Row) -> Result<ApiKeyRecord, StorageError> {
    let created_by = row
        .optional_text("created_by")?
        .map(|text| text.parse())
        .transpose();
    Ok(ApiKeyRecord {
        id: row.parsed("id")?,
        project: row.parsed("project_id")?,
        name: row.text("name")?,
        preview: row.text("preview")?,
        scopes: read_scopes(row)?,
        models: read_models(row)?,
        created_by: created_by.map_err(|error| unreadable("created_by", error))?,
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        disabled_at: row.optional_time("disabled_at")?,
    })
}

fn read_grant(row: &Row) -> Result<StoredGrant, StorageError> {
    Ok(StoredGrant {
        key: row.parsed("id")?,
        project: row.parsed("project_id")?,
        organization: row.parsed("organization_id")?,
        scopes: read_scopes(row)?,
        models: read_models(row)?,
        expires_at: row.optional_time("expires_at")?,
    })
}

fn read_models(row: &Row) -> Result<Vec<String>, StorageError> {
    Ok(row
        .text("models")?
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

fn read_hash(row: &Row) -> Result<ApiKeyHash, StorageError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(row.text("key_hash")?, &mut bytes).map_err(|error| unreadable("key_hash", error))?;
    Ok(ApiKeyHash(bytes))
}

fn write_scopes(scopes: &BTreeSet<Scope>) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(" ")
}

fn read_scopes(row: &Row) -> Result<BTreeSet<Scope>, StorageError> {
    let text = row.text("scopes")?;
    text.split_whitespace()
        .map(|word| word.parse().map_err(|error| unreadable("scopes", error)))
        .collect()
}
