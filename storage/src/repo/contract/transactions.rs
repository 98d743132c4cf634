//! What [`UnitOfWork`](crate::repo::UnitOfWork) promises.

use brokle_model::id::OrganizationId;
use brokle_model::principal::Role;

use super::{noon, organization, tenant, user};
use crate::repo::{CreateOrganizationError, Organization, Store};

/// Nothing is seen outside before the commit, everything after.
pub async fn a_unit_commits_as_a_whole(store: &dyn Store) {
    let unit = store.begin().await.unwrap();
    let (owner, organization, project) = tenant(&*unit, 1).await;
    assert!(unit.find_project(owner, project.id).await.unwrap().is_some());
    assert_eq!(store.find_user(owner).await.unwrap(), None);
    unit.commit().await.unwrap();
    assert!(
        store
            .find_membership(owner, organization.id)
            .await
            .unwrap()
            .is_some()
    );
    assert!(store.find_project(owner, project.id).await.unwrap().is_some());
}

/// A unit that is given up leaves no trace and does not block the next.
pub async fn a_dropped_unit_undoes_everything(store: &dyn Store) {
    let unit = store.begin().await.unwrap();
    unit.create_user(&user(1)).await.unwrap();
    drop(unit);
    let next = store.begin().await.unwrap();
    assert_eq!(next.find_user(user(1).user.id).await.unwrap(), None);
    next.create_user(&user(1)).await.unwrap();
    next.commit().await.unwrap();
    assert!(store.find_user(user(1).user.id).await.unwrap().is_some());
}

/// A taken slug is an answer, not the end of the transaction: the caller tries the next one.
pub async fn a_conflict_leaves_the_unit_usable(store: &dyn Store) {
    let (owner, taken, _) = tenant(store, 1).await;
    let unit = store.begin().await.unwrap();
    let twin = Organization {
        id: OrganizationId::from_u128(2),
        ..taken
    };
    let refused = unit.create_organization(&twin).await;
    assert!(
        matches!(refused, Err(CreateOrganizationError::SlugTaken)),
        "{refused:?}"
    );
    let second = Organization {
        slug: "another".to_owned(),
        ..organization(2)
    };
    unit.create_organization(&second).await.unwrap();
    unit.set_member(second.id, owner, Role::Owner, noon())
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert!(store.find_membership(owner, second.id).await.unwrap().is_some());
}
