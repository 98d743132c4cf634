//! What [`GatewayEntries`](crate::repo::GatewayEntries) promises.

use brokle_model::id::{OrganizationId, UserId};

use super::{later, tenant};
use crate::repo::{GatewayEntry, GatewayEntryKind, GatewayRevision, Store};

fn entry(organization: OrganizationId, kind: GatewayEntryKind, name: &str, user: UserId) -> GatewayEntry {
    GatewayEntry {
        organization,
        kind,
        name: name.to_owned(),
        config: "{\"a\":1}".to_owned(),
        sealed: Some("c2VhbGVk".to_owned()),
        created_at: later(1),
        updated_at: later(1),
        updated_by: Some(user),
    }
}

/// A list gives back what was put, oldest first, and nothing of another organisation.
pub async fn gateway_entries_are_kept_by_organization_kind_and_name(store: &dyn Store) {
    let (owner, organization, _) = tenant(store, 1).await;
    let (_, other, _) = tenant(store, 2).await;
    let provider = entry(organization.id, GatewayEntryKind::Provider, "one", owner);
    let route = GatewayEntry {
        sealed: None,
        updated_by: None,
        created_at: later(2),
        ..entry(organization.id, GatewayEntryKind::Route, "one", owner)
    };
    let foreign = entry(other.id, GatewayEntryKind::Route, "one", owner);
    for put in [&provider, &route, &foreign] {
        store.put_gateway_entry(put).await.unwrap();
    }
    let listed = store.list_gateway_entries(organization.id).await.unwrap();
    assert_eq!(listed, vec![provider, route]);
    let kind = GatewayEntryKind::Route;
    assert!(
        store
            .delete_gateway_entry(organization.id, kind, "one")
            .await
            .unwrap()
    );
    assert!(
        !store
            .delete_gateway_entry(organization.id, kind, "one")
            .await
            .unwrap()
    );
    assert_eq!(
        store.list_gateway_entries(organization.id).await.unwrap().len(),
        1
    );
    assert_eq!(store.list_gateway_entries(other.id).await.unwrap(), vec![foreign]);
}

/// A second put of one name replaces what it says, and not when it was made.
pub async fn a_gateway_entry_that_is_put_again_is_replaced(store: &dyn Store) {
    let (owner, organization, _) = tenant(store, 1).await;
    let first = entry(organization.id, GatewayEntryKind::Guardrail, "q", owner);
    store.put_gateway_entry(&first).await.unwrap();
    let second = GatewayEntry {
        config: "{}".to_owned(),
        sealed: None,
        created_at: later(9),
        updated_at: later(9),
        ..first.clone()
    };
    store.put_gateway_entry(&second).await.unwrap();
    let expected = GatewayEntry {
        created_at: first.created_at,
        ..second
    };
    assert_eq!(
        store.list_gateway_entries(organization.id).await.unwrap(),
        vec![expected]
    );
}

/// Nodes see that something has changed, and of whom.
pub async fn gateway_revisions_tell_of_every_change(store: &dyn Store) {
    let (_, organization, _) = tenant(store, 1).await;
    assert_eq!(store.list_gateway_revisions().await.unwrap(), vec![]);
    for revision in ["a", "b"] {
        let revision = GatewayRevision {
            organization: organization.id,
            revision: revision.to_owned(),
        };
        store.change_gateway(&revision).await.unwrap();
        assert_eq!(store.list_gateway_revisions().await.unwrap(), vec![revision]);
    }
}
