//! Organisations and their members.

use async_trait::async_trait;
use brokle_model::id::{OrganizationId, UserId};
use brokle_model::principal::Role;
use brokle_storage::repo::{
    CreateOrganizationError, Membership, ORGANIZATIONS_MAX, Organization, Organizations, StorageError,
};
use chrono::{DateTime, Utc};

use crate::execute::{Execute, Row};
use crate::statement::{Statement, statements};
use crate::store::Sql;

statements! {
    CREATE_ORGANIZATION = "
        INSERT INTO organizations (id, name, slug, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (slug) DO NOTHING";
    SET_MEMBER = "
        INSERT INTO organization_members (organization_id, user_id, role, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role";
    LIST_MEMBERSHIPS = "
        SELECT o.id, o.name, o.slug, o.created_at, m.role
        FROM organization_members AS m
        JOIN organizations AS o ON o.id = m.organization_id
        WHERE m.user_id = $1
        ORDER BY o.created_at, o.id
        LIMIT $2";
    FIND_MEMBERSHIP = "
        SELECT o.id, o.name, o.slug, o.created_at, m.role
        FROM organization_members AS m
        JOIN organizations AS o ON o.id = m.organization_id
        WHERE m.user_id = $1 AND m.organization_id = $2";
}

#[async_trait]
impl<E: Execute> Organizations for Sql<E> {
    async fn create_organization(&self, organization: &Organization) -> Result<(), CreateOrganizationError> {
        let statement = Statement::new(CREATE_ORGANIZATION)
            .bind(organization.id.to_string())
            .bind(organization.name.as_str())
            .bind(organization.slug.as_str())
            .bind(organization.created_at);
        match self.0.change(statement).await? {
            0 => Err(CreateOrganizationError::SlugTaken),
            _ => Ok(()),
        }
    }

    async fn set_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Role,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let statement = Statement::new(SET_MEMBER)
            .bind(organization.to_string())
            .bind(user.to_string())
            .bind(role.as_str())
            .bind(at);
        self.0.change(statement).await.map(|_| ())
    }

    async fn list_memberships(&self, user: UserId) -> Result<Vec<Membership>, StorageError> {
        let statement = Statement::new(LIST_MEMBERSHIPS)
            .bind(user.to_string())
            .bind(ORGANIZATIONS_MAX);
        self.0
            .fetch(statement)
            .await?
            .iter()
            .map(read_membership)
            .collect()
    }

    async fn find_membership(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<Option<Membership>, StorageError> {
        let statement = Statement::new(FIND_MEMBERSHIP)
            .bind(user.to_string())
            .bind(organization.to_string());
        self.0
            .fetch(statement)
            .await?
            .first()
            .map(read_membership)
            .transpose()
    }
}

fn read_membership(row: &Row) -> Result<Membership, StorageError> {
    let organization = Organization {
        id: row.parsed("id")?,
        name: row.text("name")?,
        slug: row.text("slug")?,
        created_at: row.time("created_at")?,
    };
    Ok(Membership {
        organization,
        role: row.parsed("role")?,
    })
}
