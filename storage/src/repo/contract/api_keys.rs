//! What [`ApiKeys`](crate::repo::ApiKeys) promises.

use std::collections::BTreeSet;

use brokle_model::api_key::ApiKeyHash;
use brokle_model::id::{ApiKeyId, ProjectId, UserId};
use brokle_model::principal::Scope;

use super::{later, tenant};
use crate::repo::{ApiKeyChange, ApiKeyRecord, ApiKeyUse, Store, StoredGrant};

fn key(number: u128, project: ProjectId, created_by: UserId) -> ApiKeyRecord {
    ApiKeyRecord {
        id: ApiKeyId::from_u128(number),
        project,
        name: format!("key {number}"),
        preview: format!("bk_proj_{number}...wxyz"),
        scopes: BTreeSet::from([Scope::Ingest, Scope::Read]),
        models: vec!["gpt-4o*".to_owned(), "fast".to_owned()],
        created_by: Some(created_by),
        created_at: later(i64::try_from(number).unwrap()),
        expires_at: Some(later(3600)),
        last_used_at: None,
        disabled_at: None,
    }
}

fn hash(number: u128) -> ApiKeyHash {
    ApiKeyHash::of(&number.to_string())
}

/// A list gives back exactly what was stored, NULLs included.
pub async fn keys_keep_all_that_is_known_of_them(store: &dyn Store) {
    let (owner, _, project) = tenant(store, 1).await;
    let (_, _, other_project) = tenant(store, 2).await;
    let full = key(1, project.id, owner);
    let bare = ApiKeyRecord {
        scopes: BTreeSet::new(),
        models: Vec::new(),
        created_by: None,
        expires_at: None,
        ..key(2, project.id, owner)
    };
    for (record, number) in [(&full, 1), (&bare, 2)] {
        store.create_api_key(record, hash(number)).await.unwrap();
    }
    assert_eq!(store.list_api_keys(project.id).await.unwrap(), vec![full, bare]);
    assert_eq!(store.list_api_keys(other_project.id).await.unwrap(), vec![]);
}

/// A hash leads to the whole tenancy, and to nothing once the key is revoked.
pub async fn a_key_is_found_by_its_hash_until_it_is_revoked(store: &dyn Store) {
    let (owner, organization, project) = tenant(store, 1).await;
    let record = key(1, project.id, owner);
    store.create_api_key(&record, hash(1)).await.unwrap();
    let grant = StoredGrant {
        key: record.id,
        project: project.id,
        organization: organization.id,
        scopes: record.scopes.clone(),
        models: record.models.clone(),
        expires_at: record.expires_at,
    };
    assert_eq!(store.find_grant(hash(1)).await.unwrap(), Some(grant));
    assert_eq!(store.find_grant(hash(2)).await.unwrap(), None);
    assert_eq!(
        store
            .revoke_api_key(project.id, record.id, later(9))
            .await
            .unwrap(),
        Some(hash(1))
    );
    assert_eq!(store.find_grant(hash(1)).await.unwrap(), None);
    assert_eq!(store.list_api_keys(project.id).await.unwrap(), vec![]);
    assert_eq!(
        store
            .revoke_api_key(project.id, record.id, later(9))
            .await
            .unwrap(),
        None
    );
}

/// Revocation needs the key's own project.
pub async fn a_key_of_another_project_cannot_be_revoked(store: &dyn Store) {
    let (owner, _, project) = tenant(store, 1).await;
    let (_, _, other_project) = tenant(store, 2).await;
    let record = key(1, project.id, owner);
    store.create_api_key(&record, hash(1)).await.unwrap();
    assert_eq!(
        store
            .revoke_api_key(other_project.id, record.id, later(9))
            .await
            .unwrap(),
        None
    );
    assert!(store.find_grant(hash(1)).await.unwrap().is_some());
}

/// A disabled key is listed and found no more, until it is enabled again.
pub async fn a_key_can_be_changed_and_disabled(store: &dyn Store) {
    let (owner, _, project) = tenant(store, 1).await;
    let (_, _, other_project) = tenant(store, 2).await;
    let record = key(1, project.id, owner);
    store.create_api_key(&record, hash(1)).await.unwrap();
    let change = ApiKeyChange {
        name: "renamed".to_owned(),
        models: vec!["mini".to_owned()],
        expires_at: None,
        disabled_at: Some(later(5)),
    };
    let change_of = async |project, change: &ApiKeyChange| {
        store.change_api_key(project, record.id, change).await.unwrap()
    };
    assert_eq!(change_of(other_project.id, &change).await, None);
    let expected = ApiKeyRecord {
        name: "renamed".to_owned(),
        models: vec!["mini".to_owned()],
        expires_at: None,
        disabled_at: Some(later(5)),
        ..record.clone()
    };
    assert_eq!(change_of(project.id, &change).await, Some(expected.clone()));
    assert_eq!(store.list_api_keys(project.id).await.unwrap(), vec![expected]);
    assert_eq!(store.find_grant(hash(1)).await.unwrap(), None);
    let enabled = ApiKeyChange {
        disabled_at: None,
        ..change
    };
    change_of(project.id, &enabled).await;
    let grant = store.find_grant(hash(1)).await.unwrap().unwrap();
    assert_eq!((grant.models, grant.expires_at), (vec!["mini".to_owned()], None));
}

/// Nodes write uses late and in any order; the latest stays.
pub async fn uses_never_move_back(store: &dyn Store) {
    let (owner, _, project) = tenant(store, 1).await;
    let record = key(1, project.id, owner);
    store.create_api_key(&record, hash(1)).await.unwrap();
    let unknown = ApiKeyUse {
        key: ApiKeyId::from_u128(99),
        at: later(1),
    };
    for at in [later(10), later(30), later(20)] {
        store
            .record_uses(&[unknown, ApiKeyUse { key: record.id, at }])
            .await
            .unwrap();
    }
    let listed = store.list_api_keys(project.id).await.unwrap();
    assert_eq!(listed.first().and_then(|key| key.last_used_at), Some(later(30)));
}
