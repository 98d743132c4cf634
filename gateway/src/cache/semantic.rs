//! Kept answers found by meaning: the last question of the user may be worded otherwise, and everything else must be
//! equal.
//!
//! A question is a context (the exact key with that text left out), a [`signature`] of what must not differ within the
//! text, and a vector of its meaning, computed in this process. Each project has a shelf of them here, bounded; the
//! answers themselves are in the store, under their exact keys, where time and invalidation treat them as any other. A
//! shelf is scanned flat: only entries of the same context and signature are compared, in whole numbers.
//!
//! Deliberately absent: sharing shelves between nodes. Each finds by meaning what it has kept itself; answers that are
//! equal to the letter are found everywhere.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use brokle_model::id::ProjectId;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::SemanticCacheConfig;

mod minilm;
mod signature;
mod wordpiece;

use minilm::DIMENSIONS;
pub(crate) use minilm::MiniLm;
use signature::Order;

/// Nobody waits for what is kept, and the model may still have to be read.
pub(super) const KEEP_PATIENCE: Duration = Duration::from_secs(10);
/// Vectors computed at once; further calls are misses.
const EMBEDDINGS_MAX: usize = 4;
/// Longer texts are not looked at: they never have few enough tokens.
const TEXT_BYTES_MAX: usize = 2_000;

/// A question, apart from its wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    context: String,
    signature: [u8; 16],
    order: Order,
    text: String,
}

impl Question {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Nothing for a text that is no question, or too long for one vector.
    pub(crate) fn new(context: String, text: String) -> Option<Self> {
        let fits = (1..=TEXT_BYTES_MAX).contains(&text.trim().len());
        fits.then(|| Self {
            context,
            signature: signature::of(&text),
            order: Order::of(&text),
            text,
        })
    }
}

/// Computes vectors. The model is read when it is first needed.
#[derive(Debug)]
pub(crate) struct Embedder {
    pub(crate) directory: PathBuf,
    model: OnceLock<Option<MiniLm>>,
    permits: Arc<Semaphore>,
}

impl Embedder {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            model: OnceLock::new(),
            permits: Arc::new(Semaphore::new(EMBEDDINGS_MAX)),
        }
    }

    /// The vector of a text; nothing when it cannot be had, or not in time.
    pub(crate) async fn embed(self: &Arc<Self>, text: &str, patience: Duration) -> Option<Vec<f32>> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let (this, text) = (Arc::clone(self), text.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            this.model()?.embed(&text)
        });
        timeout(patience, work).await.ok()?.ok()?
    }

    fn model(&self) -> Option<&MiniLm> {
        let read = || match MiniLm::open(&self.directory) {
            Ok(model) => Some(model),
            Err(error) => {
                tracing::error!(%error, "nothing is found by meaning");
                None
            }
        };
        self.model.get_or_init(read).as_ref()
    }
}

/// A question whose answer is kept.
#[derive(Debug)]
struct Kept {
    context: String,
    signature: [u8; 16],
    order: Order,
    vector: Vector,
    key: String,
    expires_at_ms: i64,
}

/// A vector in whole numbers.
#[derive(Debug)]
struct Vector {
    numbers: Box<[i8]>,
    scale: f32,
}

impl Vector {
    #[expect(clippy::cast_possible_truncation, reason = "within -127 and 127 by the scale")]
    fn new(vector: &[f32]) -> Self {
        let most = vector
            .iter()
            .fold(f32::EPSILON, |most, number| most.max(number.abs()));
        let scale = most / 127.0;
        Self {
            numbers: vector
                .iter()
                .map(|number| (number / scale).round() as i8)
                .collect(),
            scale,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a sum of 384 products of bytes")]
    fn likeness(&self, other: &Self) -> f32 {
        let pairs = self.numbers.iter().zip(&other.numbers);
        let sum: i32 = pairs
            .map(|(one, other)| i32::from(*one) * i32::from(*other))
            .sum();
        sum as f32 * self.scale * other.scale
    }
}

/// What is kept, by project.
#[derive(Debug, Default)]
pub(crate) struct Shelves(Mutex<HashMap<ProjectId, VecDeque<Kept>>>);

/// The nearest kept question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nearest {
    pub(crate) key: String,
    pub(crate) similarity: f32,
}

/// How answers are found by meaning.
#[derive(Debug, Clone)]
pub(crate) struct SemanticSettings {
    pub(crate) embedder: Arc<Embedder>,
    pub(crate) threshold: f32,
    pub(crate) patience: Duration,
    pub(crate) bounds: Bounds,
}

impl SemanticSettings {
    /// Nothing while no model is named.
    pub(crate) fn new(config: &SemanticCacheConfig) -> Option<Self> {
        Some(Self {
            embedder: Arc::new(Embedder::new(config.model.clone()?)),
            threshold: config.threshold,
            patience: Duration::from_millis(config.patience_ms),
            bounds: Bounds {
                per_project: config.entries_per_project_max,
                in_all: config.entries_max,
            },
        })
    }
}

/// A question whose answer is to be kept, and what it takes to find it again.
#[derive(Debug)]
pub(crate) struct Remembering {
    pub(crate) question: Question,
    /// When it is known already.
    pub(crate) vector: Option<Vec<f32>>,
    pub(crate) embedder: Arc<Embedder>,
    pub(crate) bounds: Bounds,
}

/// How much shelves may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) per_project: usize,
    pub(crate) in_all: usize,
}

impl Shelves {
    /// Whether a vector is worth computing: something could be compared with it.
    pub(crate) fn has_candidates(&self, project: ProjectId, question: &Question, now_ms: i64) -> bool {
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelves
            .get(&project)
            .is_some_and(|shelf| shelf.iter().any(|kept| kept.answers(question, now_ms)))
    }

    /// The nearest question that is at least as near as `threshold`.
    pub(crate) fn nearest(
        &self,
        project: ProjectId,
        question: &Question,
        vector: &[f32],
        (threshold, now_ms): (f32, i64),
    ) -> Option<Nearest> {
        let vector = Vector::new(vector);
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = shelves
            .get(&project)?
            .iter()
            .filter(|kept| kept.answers(question, now_ms));
        let nearest = candidates
            .map(|kept| (kept.vector.likeness(&vector), kept))
            .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
        let (similarity, kept) = nearest;
        (similarity >= threshold).then(|| Nearest {
            key: kept.key.clone(),
            similarity,
        })
    }

    /// Remembers a question whose answer is kept under `key`. The oldest make room.
    pub(crate) fn remember(
        &self,
        project: ProjectId,
        (question, vector): (Question, &[f32]),
        key: &str,
        expires_at_ms: i64,
        bounds: Bounds,
    ) {
        if vector.len() != DIMENSIONS {
            return;
        }
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = shelves.entry(project).or_default();
        own.retain(|kept| kept.key != key);
        own.push_back(Kept {
            context: question.context,
            signature: question.signature,
            order: question.order,
            vector: Vector::new(vector),
            key: key.to_owned(),
            expires_at_ms,
        });
        while own.len() > bounds.per_project {
            own.pop_front();
        }
        while shelves.values().map(VecDeque::len).sum::<usize>() > bounds.in_all {
            let fullest = shelves.values_mut().max_by_key(|shelf| shelf.len());
            fullest.and_then(VecDeque::pop_front);
        }
    }

    /// Forgets a question whose answer is gone.
    pub(crate) fn forget(&self, project: ProjectId, key: &str) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = shelves.get_mut(&project) {
            own.retain(|kept| kept.key != key);
            if own.is_empty() {
                shelves.remove(&project);
            }
        }
    }

    /// Questions of a project that can be found.
    pub(crate) fn count(&self, project: ProjectId, now_ms: i64) -> usize {
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = shelves.get(&project).into_iter().flatten();
        own.filter(|kept| kept.expires_at_ms > now_ms).count()
    }
}

impl Kept {
    fn answers(&self, question: &Question, now_ms: i64) -> bool {
        self.expires_at_ms > now_ms
            && self.signature == question.signature
            && self.order.allows(&question.order)
            && self.context == question.context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: ProjectId = ProjectId::from_u128(1);
    const BOUNDS: Bounds = Bounds {
        per_project: 2,
        in_all: 3,
    };

    fn question(context: &str, text: &str) -> Question {
        Question::new(context.to_owned(), text.to_owned()).unwrap()
    }

    /// A vector that leans so far from the first axis.
    fn vector(angle: f32) -> Vec<f32> {
        let mut vector = vec![0.0; DIMENSIONS];
        (vector[0], vector[1]) = (angle.cos(), angle.sin());
        vector
    }

    fn keep(shelves: &Shelves, project: ProjectId, key: &str, angle: f32) {
        shelves.remember(
            project,
            (question("c", "hello there"), &vector(angle)),
            key,
            100,
            BOUNDS,
        );
    }

    #[test]
    fn the_nearest_of_the_same_context_and_project_is_found_above_the_threshold() {
        let shelves = Shelves::default();
        keep(&shelves, PROJECT, "far", 0.5);
        keep(&shelves, PROJECT, "near", 0.1);
        let asked = question("c", "please, hello there");
        let nearest = shelves.nearest(PROJECT, &asked, &vector(0.0), (0.9, 0)).unwrap();
        assert_eq!(nearest.key, "near");
        assert!((nearest.similarity - 0.1_f32.cos()).abs() < 0.01, "{nearest:?}");
        assert_eq!(shelves.nearest(PROJECT, &asked, &vector(0.0), (0.999, 0)), None);
        assert_eq!(
            shelves.nearest(PROJECT, &question("d", "hello there"), &vector(0.0), (0.9, 0)),
            None
        );
        assert_eq!(
            shelves.nearest(PROJECT, &question("c", "hello 7"), &vector(0.0), (0.9, 0)),
            None
        );
        assert_eq!(
            shelves.nearest(ProjectId::from_u128(2), &asked, &vector(0.0), (0.9, 0)),
            None
        );
        assert_eq!(
            shelves.nearest(PROJECT, &asked, &vector(0.0), (0.9, 100)),
            None,
            "its time is over"
        );
    }

    #[test]
    fn the_oldest_make_room_in_their_project_and_the_fullest_project_for_all() {
        let shelves = Shelves::default();
        for (project, key) in [(1, "a"), (1, "b"), (1, "c"), (2, "d"), (3, "e")] {
            keep(&shelves, ProjectId::from_u128(project), key, 0.0);
        }
        let counts: Vec<_> = (1..=3)
            .map(|project| shelves.count(ProjectId::from_u128(project), 0))
            .collect();
        assert_eq!(counts, [1, 1, 1]);
        shelves.forget(PROJECT, "c");
        assert_eq!(shelves.count(PROJECT, 0), 0);
    }
}
