//! What [`Projects`](crate::repo::Projects) promises.

use brokle_model::id::ProjectId;
use brokle_model::principal::Role;

use super::{noon, project, tenant};
use crate::repo::{CreateProjectError, Project, ProjectMembership, Store};

/// Members see it with their role; for others it does not exist.
pub async fn projects_are_seen_by_members_only(store: &dyn Store) {
    let (owner, first, project_one) = tenant(store, 1).await;
    let (stranger, second, project_two) = tenant(store, 2).await;
    store
        .set_member(second.id, owner, Role::Viewer, noon())
        .await
        .unwrap();
    let mine = store.list_projects(owner, None).await.unwrap();
    assert_eq!(mine, vec![project_one.clone(), project_two.clone()]);
    assert_eq!(
        store.list_projects(owner, Some(second.id)).await.unwrap(),
        vec![project_two.clone()]
    );
    assert_eq!(
        store.list_projects(stranger, Some(first.id)).await.unwrap(),
        vec![]
    );
    let seen = store.find_project(owner, project_two.id).await.unwrap();
    assert_eq!(
        seen,
        Some(ProjectMembership {
            project: project_two,
            role: Role::Viewer
        })
    );
    assert_eq!(store.find_project(stranger, project_one.id).await.unwrap(), None);
    assert_eq!(
        store.find_project(owner, ProjectId::from_u128(9)).await.unwrap(),
        None
    );
}

/// Two organisations may use the same slug; one may not use it twice.
pub async fn project_slugs_are_unique_within_an_organization(store: &dyn Store) {
    let (_, first, taken) = tenant(store, 1).await;
    let (_, second, _) = tenant(store, 2).await;
    let twin = Project {
        slug: taken.slug.clone(),
        ..project(3, &first)
    };
    let refused = store.create_project(&twin).await;
    assert!(
        matches!(refused, Err(CreateProjectError::SlugTaken)),
        "{refused:?}"
    );
    let namesake = Project {
        slug: taken.slug,
        ..project(4, &second)
    };
    store.create_project(&namesake).await.unwrap();
}
