//! `[ingest.processors]` and `[ingest.retention]`: what is in force where a project has set nothing.

use brokle_model::telemetry_settings::{
    InvalidSetting, Redaction, Sampling, SizeCaps, TelemetrySettings, validate,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::IngestConfig;

/// `[ingest.processors]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProcessorsConfig {
    /// `BROKLE_REDACTION_KEY`: what redacted values are hashed with. Unset: made once and kept in the data
    /// directory, so that nodes hash differently.
    pub hash_key: Option<SecretString>,
    /// `[ingest.processors.redaction]`: patterns and rules.
    pub redaction: Option<Redaction>,
    /// `[ingest.processors.size_caps]`: where values are cut.
    pub size_caps: Option<SizeCaps>,
    /// `[ingest.processors.sampling]`: which traces are kept.
    pub sampling: Option<Sampling>,
}

impl IngestConfig {
    /// The installation's settings, in the form of a project's.
    pub(crate) fn telemetry_defaults(&self) -> TelemetrySettings {
        let ProcessorsConfig {
            redaction,
            size_caps,
            sampling,
            ..
        } = self.processors.clone();
        TelemetrySettings {
            retention_days: self.retention,
            redaction,
            size_caps,
            sampling,
        }
    }

    /// The first of them that cannot be in force.
    pub(super) fn processors_fault(&self) -> Option<InvalidSetting> {
        let faults = validate(&self.telemetry_defaults()).err()?;
        let fault = faults.into_iter().next()?;
        let section = match fault.field.strip_prefix("retention_days.") {
            Some(signal) => format!("ingest.retention.{signal}"),
            None => format!("ingest.processors.{}", fault.field),
        };
        Some(InvalidSetting {
            field: section,
            message: fault.message,
        })
    }
}
