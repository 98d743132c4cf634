//! `[gateway.cache]`: which answers are kept, and for how long.

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
}

impl CacheMode {
    /// The word used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::OnRequest => "on_request",
            Self::Exact => "exact",
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
