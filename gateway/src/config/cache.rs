//! `[gateway.cache]`: which answers are kept, and for how long.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which answers are kept, and given again to the same request of the same project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// For calls that say nothing themselves.
    pub mode: CacheMode,
    /// How long an answer is kept, when the call does not say.
    pub time_to_live_seconds: u64,
    /// The longest that a call may ask for.
    pub time_to_live_seconds_max: u64,
    /// Bytes of an answer; a larger one is not kept.
    pub entry_bytes_max: usize,
    /// Bytes of all kept answers in this process. A shared store has a bound of its own.
    pub bytes_max: u64,
}

/// When kept answers are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMode {
    /// Never, whatever a call asks for.
    Off,
    /// For calls that ask for it, with `x-brokle-cache: exact`.
    #[default]
    OnRequest,
    /// For every call that does not ask otherwise.
    Exact,
    /// The same, and also for a question that means the same.
    Semantic,
}

impl CacheMode {
    /// The word used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::OnRequest => "on_request",
            Self::Exact => "exact",
            Self::Semantic => "semantic",
        }
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            mode: CacheMode::default(),
            time_to_live_seconds: 3_600,
            time_to_live_seconds_max: 30 * 86_400,
            entry_bytes_max: 1 << 20,
            bytes_max: 64 << 20,
        }
    }
}

/// How answers are found by meaning. Off until a model is named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SemanticCacheConfig {
    /// The directory of the model that computes meanings; `scripts/fetch-embedding-model` makes one.
    pub model: Option<PathBuf>,
    /// How alike two questions must be, from 0 to 1, when a call does not say.
    pub threshold: f32,
    /// The longest that a call waits for the meaning of its question; without it, the call goes to a provider.
    pub patience_ms: u64,
    /// Questions remembered of one project; the oldest make room.
    pub entries_per_project_max: usize,
    /// Questions remembered in all, on this node; half a kilobyte each.
    pub entries_max: usize,
}

impl Default for SemanticCacheConfig {
    fn default() -> Self {
        Self {
            model: None,
            threshold: 0.9,
            patience_ms: 250,
            entries_per_project_max: 10_000,
            entries_max: 100_000,
        }
    }
}

impl SemanticCacheConfig {
    /// Whether the model is there and can be read; nothing when none is named.
    pub fn check_model(&self) -> Option<Result<String, String>> {
        let directory = self.model.as_deref()?;
        let opened = crate::cache::MiniLm::open(directory);
        Some(match opened {
            Ok(_) => Ok(directory.display().to_string()),
            Err(error) => Err(error.to_string()),
        })
    }
}
