//! Creates an organisation whose owner is the caller.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::{OrganizationId, UserId};
use brokle_model::principal::Role;
use brokle_storage::repo::{CreateOrganizationError as StoreError, Membership, Organization, StorageError};

use crate::context::Context;
use crate::name::{InvalidName, Name};
use crate::notices::Changed;
use crate::slug;

/// The most organisations one user may belong to when creating another.
const ORGANIZATIONS_PER_USER_MAX: usize = 50;

/// Why no organisation was created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateOrganizationError {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("you belong to {ORGANIZATIONS_PER_USER_MAX} organizations already")]
    LimitReached,
    #[error("no free address was found for the organization; try another name")]
    SlugsTaken,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for CreateOrganizationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name(_) => ErrorKind::Invalid,
            Self::LimitReached | Self::SlugsTaken => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "name_invalid",
            Self::LimitReached => "organization_limit_reached",
            Self::SlugsTaken => "organization_slug_taken",
            Self::Storage(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::Name(_) | Self::SlugsTaken).then_some("name")
    }
}

pub(crate) async fn create(
    context: &Context,
    owner: UserId,
    name: &str,
) -> Result<Membership, CreateOrganizationError> {
    let name = Name::parse(name)?;
    let unit = context.store.begin().await?;
    if unit.list_memberships(owner).await?.len() >= ORGANIZATIONS_PER_USER_MAX {
        return Err(CreateOrganizationError::LimitReached);
    }
    let now = context.now();
    for slug in slug::candidates(name.as_str(), "organization") {
        let id = OrganizationId::generate(now);
        let organization = Organization {
            id,
            name: name.as_str().to_owned(),
            slug,
            created_at: now,
        };
        match unit.create_organization(&organization).await {
            Ok(()) => {}
            Err(StoreError::SlugTaken) => continue,
            Err(StoreError::Storage(error)) => return Err(error.into()),
        }
        unit.set_member(id, owner, Role::Owner, now).await?;
        unit.commit().await?;
        context.changed(Changed::Roles).await;
        return Ok(Membership {
            organization,
            role: Role::Owner,
        });
    }
    Err(CreateOrganizationError::SlugsTaken)
}
