//! What [`TelemetrySettingsStore`](crate::repo::TelemetrySettingsStore) promises.

use brokle_model::id::{ProjectId, UserId};

use super::{later, tenant};
use crate::repo::{SaveSettingsError, Store, StoredSettings};

fn settings(project: ProjectId, version: u32, by: Option<UserId>) -> StoredSettings {
    StoredSettings {
        project,
        version,
        document: format!(r#"{{"note":"größer","version":{version}}}"#),
        updated_by: by,
        updated_at: later(i64::from(version)),
    }
}

/// What is saved is read back, by its own project only.
pub async fn settings_are_read_back_as_saved(store: &dyn Store) {
    let (owner, _, project) = tenant(store, 1).await;
    let (_, _, other) = tenant(store, 2).await;
    assert_eq!(store.find_telemetry_settings(project.id).await.unwrap(), None);
    for saved in [
        settings(project.id, 1, Some(owner)),
        settings(project.id, 2, None),
    ] {
        store.save_telemetry_settings(&saved).await.unwrap();
        assert_eq!(
            store.find_telemetry_settings(project.id).await.unwrap(),
            Some(saved)
        );
    }
    assert_eq!(store.find_telemetry_settings(other.id).await.unwrap(), None);
}

/// Of two who saw the same version the second is told; nothing is overwritten unseen.
pub async fn settings_are_saved_over_the_version_that_was_seen_only(store: &dyn Store) {
    let (_, _, project) = tenant(store, 1).await;
    let refused = |version| settings(project.id, version, None);
    let outdated = store.save_telemetry_settings(&refused(2)).await;
    assert!(matches!(outdated, Err(SaveSettingsError::Outdated)));
    let first = settings(project.id, 1, None);
    store.save_telemetry_settings(&first).await.unwrap();
    for version in [1, 3] {
        let outdated = store.save_telemetry_settings(&refused(version)).await;
        assert!(matches!(outdated, Err(SaveSettingsError::Outdated)), "{version}");
    }
    let found = store.find_telemetry_settings(project.id).await.unwrap();
    assert_eq!(found, Some(first));
}

/// Whoever keeps a copy learns what is new, and that something is.
pub async fn changed_settings_can_be_told(store: &dyn Store) {
    let (_, _, one) = tenant(store, 1).await;
    let (_, _, two) = tenant(store, 2).await;
    let mut states = vec![store.telemetry_settings_state().await.unwrap()];
    for saved in [
        settings(two.id, 1, None),
        settings(one.id, 1, None),
        settings(two.id, 2, None),
    ] {
        store.save_telemetry_settings(&saved).await.unwrap();
        let state = store.telemetry_settings_state().await.unwrap();
        assert!(!states.contains(&state), "{state}");
        states.push(state);
    }
    let again = store.telemetry_settings_state().await.unwrap();
    assert_eq!(states.last(), Some(&again));
    let listed = store.list_telemetry_settings(None).await.unwrap();
    assert_eq!(listed, [(one.id, 1), (two.id, 2)]);
    let rest = store.list_telemetry_settings(Some(one.id)).await.unwrap();
    assert_eq!(rest, [(two.id, 2)]);
}
