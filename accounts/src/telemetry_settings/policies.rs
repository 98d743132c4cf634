//! Every project's settings in memory: the port that the collector asks for each request. A change that is
//! saved here is in force at once; the loop finds what other nodes have saved, by a question whose answer is
//! another one after any change.
//!
//! While the store is away what was read before stays in force. Before the first reading nothing is known,
//! and nothing is answered: a project's rules of redaction are not to be missed for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use brokle_model::id::ProjectId;
use brokle_model::port::{SettingsUnknown, TelemetryPolicies};
use brokle_model::telemetry_settings::{EffectiveSettings, TelemetrySettings};
use brokle_storage::repo::{StorageError, Store, StoredSettings};
use tokio_util::sync::CancellationToken;

use super::get::read;

/// Between two looks at the store: with the look itself less than the five seconds that are promised.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

pub(crate) struct Policies {
    store: Arc<dyn Store>,
    installation: TelemetrySettings,
    /// What is in force where a project has set nothing.
    otherwise: Arc<EffectiveSettings>,
    known: ArcSwapOption<HashMap<ProjectId, Known>>,
    /// Held while `known` is replaced.
    writing: Mutex<()>,
    /// What the store said of its state before it was last read through.
    state: Mutex<Option<String>>,
}

#[derive(Clone)]
struct Known {
    version: u32,
    settings: Arc<EffectiveSettings>,
}

impl Policies {
    pub(crate) fn new(store: Arc<dyn Store>, installation: TelemetrySettings) -> Self {
        let otherwise = EffectiveSettings::merge(&TelemetrySettings::default(), &installation);
        Self {
            store,
            installation,
            otherwise: Arc::new(otherwise),
            known: ArcSwapOption::empty(),
            writing: Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Looks again and again, until told to stop.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "cannot look for changed telemetry settings; those known stay in force");
            }
            let pause = tokio::time::sleep(LOOK_AGAIN);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Reads what has changed since the last time; everything, the first time.
    pub(crate) async fn refresh(&self) -> Result<(), StorageError> {
        let state = self.store.telemetry_settings_state().await?;
        if self.lock_state().as_ref() == Some(&state) {
            return Ok(());
        }
        let mut changed = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.list_telemetry_settings(after).await?;
            for (project, version) in &page {
                if self.version_of(*project) < *version {
                    changed.extend(self.store.find_telemetry_settings(*project).await?);
                }
            }
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
        }
        let changed: Vec<_> = changed
            .iter()
            .map(|stored| self.read(stored))
            .collect::<Result<_, _>>()?;
        self.update(changed);
        *self.lock_state() = Some(state);
        Ok(())
    }

    /// Puts saved settings in force, unless newer ones are. Before the first reading there is nothing to add
    /// to, and that reading finds these as well.
    pub(crate) fn put(&self, stored: &StoredSettings) -> Result<(), StorageError> {
        let read = self.read(stored)?;
        if self.known.load().is_some() {
            self.update([read]);
        }
        Ok(())
    }

    fn read(&self, stored: &StoredSettings) -> Result<(ProjectId, Known), StorageError> {
        let own = read(&stored.document)?;
        let known = Known {
            version: stored.version,
            settings: Arc::new(EffectiveSettings::merge(&own, &self.installation)),
        };
        Ok((stored.project, known))
    }

    fn update(&self, changed: impl IntoIterator<Item = (ProjectId, Known)>) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self
            .known
            .load_full()
            .map(|known| (*known).clone())
            .unwrap_or_default();
        for (project, new) in changed {
            let is_newer = known.get(&project).is_none_or(|old| old.version < new.version);
            if is_newer {
                known.insert(project, new);
            }
        }
        self.known.store(Some(Arc::new(known)));
    }

    fn version_of(&self, project: ProjectId) -> u32 {
        let known = self.known.load();
        let known = known.as_ref().and_then(|known| known.get(&project));
        known.map_or(0, |known| known.version)
    }

    fn lock_state(&self) -> MutexGuard<'_, Option<String>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TelemetryPolicies for Policies {
    fn of(&self, project: ProjectId) -> Result<Arc<EffectiveSettings>, SettingsUnknown> {
        let known = self.known.load();
        let known = known.as_ref().ok_or(SettingsUnknown)?;
        let found = known.get(&project).map(|known| &known.settings);
        Ok(Arc::clone(found.unwrap_or(&self.otherwise)))
    }
}
