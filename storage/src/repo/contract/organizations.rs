//! What [`Organizations`](crate::repo::Organizations) promises.

use brokle_model::id::{OrganizationId, UserId};
use brokle_model::principal::Role;

use super::{noon, organization, tenant, user};
use crate::repo::{CreateOrganizationError, Membership, Organization, Store};

/// Members see it with their role; for others it does not exist.
pub async fn an_organization_is_seen_by_its_members_only(store: &dyn Store) {
    let (owner, first, _) = tenant(store, 1).await;
    let (stranger, second, _) = tenant(store, 2).await;
    store
        .set_member(second.id, owner, Role::Viewer, noon())
        .await
        .unwrap();
    let expected = vec![
        Membership {
            organization: first.clone(),
            role: Role::Owner,
        },
        Membership {
            organization: second.clone(),
            role: Role::Viewer,
        },
    ];
    assert_eq!(store.list_memberships(owner).await.unwrap(), expected);
    assert_eq!(
        store.find_membership(owner, first.id).await.unwrap(),
        expected.first().cloned()
    );
    assert_eq!(store.find_membership(stranger, first.id).await.unwrap(), None);
    assert_eq!(
        store
            .find_membership(owner, OrganizationId::from_u128(9))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.list_memberships(UserId::from_u128(9)).await.unwrap(),
        vec![]
    );
}

/// A slug belongs to one organisation.
pub async fn organization_slugs_are_unique(store: &dyn Store) {
    let first = organization(1);
    store.create_organization(&first).await.unwrap();
    let twin = Organization {
        id: OrganizationId::from_u128(2),
        ..first
    };
    let refused = store.create_organization(&twin).await;
    assert!(
        matches!(refused, Err(CreateOrganizationError::SlugTaken)),
        "{refused:?}"
    );
}

/// Each role is stored and read back; setting it again replaces it.
pub async fn roles_can_be_changed(store: &dyn Store) {
    let (member, organization) = (user(1), organization(1));
    store.create_user(&member).await.unwrap();
    store.create_organization(&organization).await.unwrap();
    for role in Role::ALL {
        store
            .set_member(organization.id, member.user.id, role, noon())
            .await
            .unwrap();
        let found = store
            .find_membership(member.user.id, organization.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.role, role);
    }
    assert_eq!(store.list_memberships(member.user.id).await.unwrap().len(), 1);
}
