//! What organisations configure of the gateway for themselves.

use async_trait::async_trait;
use brokle_model::id::OrganizationId;
use brokle_storage::repo::{
    GATEWAY_ENTRIES_MAX, GATEWAY_REVISIONS_MAX, GatewayEntries, GatewayEntry, GatewayEntryKind,
    GatewayRevision, StorageError,
};

use crate::error::unreadable;
use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    CHANGE_GATEWAY = "
        INSERT INTO gateway_revisions (organization_id, revision)
        VALUES ($1, $2)
        ON CONFLICT (organization_id) DO UPDATE SET revision = excluded.revision";
    PUT_GATEWAY_ENTRY = "
        INSERT INTO gateway_entries
            (organization_id, kind, name, config, sealed, created_at, updated_at, updated_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (organization_id, kind, name) DO UPDATE SET
            config = excluded.config,
            sealed = excluded.sealed,
            updated_at = excluded.updated_at,
            updated_by = excluded.updated_by";
    DELETE_GATEWAY_ENTRY = "
        DELETE FROM gateway_entries
        WHERE organization_id = $1 AND kind = $2 AND name = $3";
    LIST_GATEWAY_ENTRIES = "
        SELECT organization_id, kind, name, config, sealed, created_at, updated_at, updated_by
        FROM gateway_entries
        WHERE organization_id = $1
        ORDER BY created_at, kind, name
        LIMIT $2";
    LIST_GATEWAY_REVISIONS = "
        SELECT organization_id, revision
        FROM gateway_revisions
        ORDER BY organization_id
        LIMIT $1";
}

#[async_trait]
impl<E: Execute> GatewayEntries for Sql<E> {
    async fn change_gateway(&self, revision: &GatewayRevision) -> Result<(), StorageError> {
        let statement = Statement::new(CHANGE_GATEWAY)
            .bind(revision.organization.to_string())
            .bind(revision.revision.as_str());
        self.0.change(statement).await.map(|_| ())
    }

    async fn put_gateway_entry(&self, entry: &GatewayEntry) -> Result<(), StorageError> {
        let statement = Statement::new(PUT_GATEWAY_ENTRY)
            .bind(entry.organization.to_string())
            .bind(entry.kind.as_str())
            .bind(entry.name.as_str())
            .bind(entry.config.as_str())
            .bind(entry.sealed.clone())
            .bind(entry.created_at)
            .bind(entry.updated_at)
            .bind(entry.updated_by.map(|user| user.to_string()));
        self.0.change(statement).await.map(|_| ())
    }

    async fn delete_gateway_entry(
        &self,
        organization: OrganizationId,
        kind: GatewayEntryKind,
        name: &str,
    ) -> Result<bool, StorageError> {
        let statement = Statement::new(DELETE_GATEWAY_ENTRY)
            .bind(organization.to_string())
            .bind(kind.as_str())
            .bind(name);
        Ok(self.0.change(statement).await? > 0)
    }

    async fn list_gateway_entries(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<GatewayEntry>, StorageError> {
        let statement = Statement::new(LIST_GATEWAY_ENTRIES)
            .bind(organization.to_string())
            .bind(GATEWAY_ENTRIES_MAX);
        self.0.fetch(statement).await?.iter().map(read_entry).collect()
    }

    async fn list_gateway_revisions(&self) -> Result<Vec<GatewayRevision>, StorageError> {
        let statement = Statement::new(LIST_GATEWAY_REVISIONS).bind(GATEWAY_REVISIONS_MAX);
        let rows = self.0.fetch(statement).await?;
        let read = |row: &Row| {
            Ok(GatewayRevision {
                organization: row.parsed("organization_id")?,
                revision: row.text("revision")?,
            })
        };
        rows.iter().map(read).collect()
    }
}

fn read_entry(row: &Row) -> Result<GatewayEntry, StorageError> {
    let updated_by = row
        .optional_text("updated_by")?
        .map(|text| text.parse())
        .transpose();
    Ok(GatewayEntry {
        organization: row.parsed("organization_id")?,
        kind: row.parsed("kind")?,
        name: row.text("name")?,
        config: row.text("config")?,
        sealed: row.optional_text("sealed")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        updated_by: updated_by.map_err(|error| unreadable("updated_by", error))?,
    })
}
