//! `[gateway.quality]`: which scores say how good a target's answers are.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// What the strategy `quality` goes by, where answers were scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QualityConfig {
    /// Whether stored scores count. Without, only the targets' own `quality` does.
    pub from_scores: bool,
    /// The scores that count, by name; all whose values are from 0 to 1 when there is none.
    pub names: Vec<String>,
    /// Days that a score counts.
    pub days: u16,
    /// Scored answers that a target must have before they count.
    pub answers_min: u64,
}

impl Default for QualityConfig {
    fn default() -> Self {
        Self {
            from_scores: true,
            names: Vec::new(),
            days: 14,
            answers_min: 20,
        }
    }
}

impl QualityConfig {
    const DAYS_MAX: u64 = 90;
    const NAMES_MAX: u64 = 100;

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let names = self.names.len() as u64;
        for (key, value, min, max) in [
            ("quality.days", u64::from(self.days), 1, Self::DAYS_MAX),
            ("quality.answers_min", self.answers_min, 1, 1_000_000),
            ("quality.names", names, 0, Self::NAMES_MAX),
        ] {
            if !(min..=max).contains(&value) {
                return Err(ConfigError::Range { key, value, min, max });
            }
        }
        Ok(())
    }
}
