//! Answers that are kept, and given again to the same request: for a call that allows it, within its project and
//! namespace, for as long as it says. A hit costs nothing, is a span of its own, and says what it saved.
//!
//! The store is a [`Cache`]: in this process, or shared by the nodes. It is asked within a bound of time, and a
//! store that is slow or away is a miss. Invalidation needs no scan: a project's [`rules`] say which entries are
//! too old, and are read with every entry.
//!
//! What a caller got is kept as it was sent to it. A streamed answer is therefore found by streamed calls only,
//! and a whole one by the others. What is found by
//! meaning is in [`semantic`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brokle_model::id::ProjectId;
use brokle_storage::cache::Cache;
use bytes::Bytes;
use rust_decimal::Decimal;
use tokio::sync::Semaphore;
use tokio::time::timeout;

mod entry;
mod key;
pub(crate) mod lookup;
mod policy;
mod rules;
mod semantic;
mod tape;

pub(crate) use entry::{Brought, Entry, Origin};
pub(crate) use key::{fingerprint, question};
pub(crate) use policy::{Policy, PolicyError};
pub(crate) use rules::{Rule, Rules};
pub(crate) use semantic::{MiniLm, Nearest, Remembering, SemanticSettings, Shelves};
pub(crate) use tape::Tape;

/// The longest that a call waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_millis(100);
/// Entries on their way to the store; further ones are not kept.
const WRITES_MAX: usize = 64;
/// Projects whose figures are kept.
const PROJECTS_MAX: usize = 10_000;

/// The answers kept for all projects.
pub(crate) struct ResponseCache {
    store: Arc<dyn Cache>,
    writes: Arc<Semaphore>,
    tallies: Mutex<HashMap<ProjectId, Tally>>,
    /// Questions that are found by meaning.
    pub(crate) shelves: Shelves,
}

/// What the cache did for a project since this node's start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) stored: u64,
    pub(crate) saved_cost: Decimal,
    pub(crate) saved_tokens: u64,
}

impl ResponseCache {
    pub(crate) fn new(store: Arc<dyn Cache>) -> Self {
        Self {
            store,
            writes: Arc::new(Semaphore::new(WRITES_MAX)),
            tallies: Mutex::default(),
            shelves: Shelves::default(),
        }
    }

    /// The entry of this key, unless it is too old or was invalidated.
    pub(crate) async fn find(&self, project: ProjectId, key: &str, now_ms: i64) -> Option<Entry> {
        let entry_key = entry_key(project, key);
        let both = async { tokio::join!(self.store.get(&entry_key), self.rules(project)) };
        match timeout(STORE_TIMEOUT, both).await {
            Ok((Ok(Some(bytes)), Some(rules))) => {
                Entry::decode(&bytes).filter(|entry| !rules.forbid(entry, now_ms))
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// Counts what a lookup came to.
    pub(crate) fn count(&self, project: ProjectId, found: Option<&Origin>) {
        self.tally(project, |tally| match found {
            Some(origin) => {
                tally.hits += 1;
                tally.saved_cost += origin.cost.unwrap_or_default();
                tally.saved_tokens += origin.input_tokens + origin.output_tokens;
            }
            None => tally.misses += 1,
        });
    }

    /// Keeps an answer, on a task of its own.
    pub(crate) fn keep(
        self: &Arc<Self>,
        project: ProjectId,
        key: &str,
        entry: &Entry,
        time_to_live: Duration,
        remembering: Option<Remembering>,
    ) {
        let Ok(permit) = Arc::clone(&self.writes).try_acquire_owned() else {
            return;
        };
        let (short, stored_at_ms) = (key.to_owned(), entry.origin.stored_at_ms);
        let (key, value) = (entry_key(project, key), entry.encode());
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let _permit = permit;
            match timeout(STORE_TIMEOUT * 10, this.store.set(&key, value, time_to_live)).await {
                Ok(Ok(())) => {
                    if let Some(remembering) = remembering {
                        let lives_ms = i64::try_from(time_to_live.as_millis()).unwrap_or(i64::MAX);
                        let until_ms = stored_at_ms.saturating_add(lives_ms);
                        this.remember(project, remembering, &short, until_ms).await;
                    }
                    this.tally(project, |tally| tally.stored += 1);
                }
                Ok(Err(error)) => tracing::debug!(%error, "an answer could not be kept"),
                Err(_) => tracing::debug!("an answer could not be kept in time"),
            }
        });
    }

    async fn remember(&self, project: ProjectId, remembering: Remembering, key: &str, until_ms: i64) {
        let Remembering {
            question,
            vector,
            embedder,
            bounds,
        } = remembering;
        let vector = match vector {
            Some(vector) => Some(vector),
            None => embedder.embed(question.text(), semantic::KEEP_PATIENCE).await,
        };
        if let Some(vector) = vector {
            self.shelves
                .remember(project, (question, &vector), key, until_ms, bounds);
        }
    }

    /// Makes the entries that `rule` describes unusable. Returns whether the store took it.
    pub(crate) async fn invalidate(
        &self,
        project: ProjectId,
        rule: Rule,
        keep_for: Duration,
        now_ms: i64,
    ) -> bool {
        let Some(mut rules) = timeout(STORE_TIMEOUT * 10, self.rules(project))
            .await
            .ok()
            .flatten()
        else {
            return false;
        };
        rules.add(rule, keep_for, now_ms);
        let key = rules_key(project);
        let write = self.store.set(&key, rules.encode(), keep_for);
        matches!(timeout(STORE_TIMEOUT * 10, write).await, Ok(Ok(())))
    }

    /// Removes one entry. Returns whether the store did.
    pub(crate) async fn forget(&self, project: ProjectId, key: &str) -> bool {
        let entry_key = entry_key(project, key);
        let removed = timeout(STORE_TIMEOUT * 10, self.store.delete(&entry_key)).await;
        matches!(removed, Ok(Ok(())))
    }

    /// The figures of a project.
    pub(crate) fn figures(&self, project: ProjectId) -> Tally {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.get(&project).copied().unwrap_or_default()
    }

    /// A project's rules; nothing when the store cannot say.
    pub(crate) async fn rules(&self, project: ProjectId) -> Option<Rules> {
        match self.store.get(&rules_key(project)).await {
            Ok(Some(bytes)) => Rules::decode(&bytes),
            Ok(None) => Some(Rules::default()),
            Err(_) => None,
        }
    }

    fn tally(&self, project: ProjectId, count: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() < PROJECTS_MAX || tallies.contains_key(&project) {
            count(tallies.entry(project).or_default());
        }
    }
}

fn entry_key(project: ProjectId, key: &str) -> String {
    format!("gateway-answer:{project}:{key}")
}

fn rules_key(project: ProjectId) -> String {
    format!("gateway-answer-rules:{project}")
}

/// Where an answer is to be kept, once it is complete.
pub(crate) struct Keeping {
    pub(crate) cache: Arc<ResponseCache>,
    pub(crate) project: ProjectId,
    pub(crate) key: String,
    pub(crate) time_to_live: Duration,
    pub(crate) entry_bytes_max: usize,
    /// How it is found by meaning, when it may be.
    pub(crate) remembering: Option<Remembering>,
}

impl Keeping {
    /// Keeps the answer, unless it is too large.
    pub(crate) fn keep(self, origin: Origin, body: Bytes) {
        if body.len() <= self.entry_bytes_max {
            let entry = Entry { origin, body };
            self.cache.keep(
                self.project,
                &self.key,
                &entry,
                self.time_to_live,
                self.remembering,
            );
        }
    }
}
