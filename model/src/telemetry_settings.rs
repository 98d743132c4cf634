//! What a project may set about its telemetry: how long it is kept, what is redacted, cut and sampled.
//!
//! A project writes [`TelemetrySettings`], in which every part may be left to the installation; planes read
//! [`EffectiveSettings`], in which nothing is left open. [`validate`] checks the whole and names each field at
//! fault. The types are the JSON of the API and the TOML of `[ingest.processors]` and `[ingest.retention]`.

mod redaction;
mod sampling;
mod validate;

use serde::{Deserialize, Serialize};

use crate::telemetry::{CallDays, Signal};

pub use redaction::{Action, PatternError, Redaction, RedactionRule, compile_value};
pub use sampling::{HeadSampling, Sampling, TailSampling, TraceFate};
pub use validate::{InvalidSetting, validate};

/// Days that telemetry may be kept.
pub const RETENTION_DAYS: std::ops::RangeInclusive<u16> = 1..=3650;
/// Bytes at which values may be cut.
pub const VALUE_BYTES: std::ops::RangeInclusive<u32> = 256..=16 * 1024 * 1024;
/// The settings of a project as JSON take no more than this.
pub const SETTINGS_BYTES_MAX: usize = 256 * 1024;

/// What one project has set. What is absent, the installation decides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// How long telemetry is kept.
    #[serde(skip_serializing_if = "RetentionDays::is_empty")]
    pub retention_days: RetentionDays,
    /// What is made unreadable before it is written anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// What is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_caps: Option<SizeCaps>,
    /// Which traces are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
}

/// Days by kind of telemetry, counted from when something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionDays {
    /// Traces, their observations and scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traces: Option<u16>,
    /// Log records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<u16>,
    /// Metric points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<u16>,
    /// The log of the gateway's calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_logs: Option<u16>,
    /// What the gateway decided, and how each attempt went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_metrics: Option<u16>,
}

impl RetentionDays {
    /// What is kept how long when nobody says anything. The tables' defaults are the same (a test compares).
    pub const BUILT_IN: Self = Self {
        traces: Some(30),
        logs: Some(30),
        metrics: Some(90),
        request_logs: Some(CallDays::BUILT_IN.request_logs),
        routing_metrics: Some(CallDays::BUILT_IN.routing_metrics),
    };

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where nothing is said, `otherwise`.
    #[must_use]
    pub fn or(self, otherwise: Self) -> Self {
        Self {
            traces: self.traces.or(otherwise.traces),
            logs: self.logs.or(otherwise.logs),
            metrics: self.metrics.or(otherwise.metrics),
            request_logs: self.request_logs.or(otherwise.request_logs),
            routing_metrics: self.routing_metrics.or(otherwise.routing_metrics),
        }
    }

    /// The days for a signal.
    pub fn of(&self, signal: Signal) -> u16 {
        let own = match signal {
            Signal::Logs => self.logs,
            Signal::Metrics => self.metrics,
            Signal::Traces | Signal::Changes => self.traces,
        };
        own.unwrap_or_else(|| default_retention_days(signal))
    }

    /// The days for the gateway's calls.
    pub fn of_calls(&self) -> CallDays {
        CallDays {
            request_logs: self.request_logs.unwrap_or(CallDays::BUILT_IN.request_logs),
            routing_metrics: self.routing_metrics.unwrap_or(CallDays::BUILT_IN.routing_metrics),
        }
    }
}

/// Days that a signal is kept when nobody says anything.
pub fn default_retention_days(signal: Signal) -> u16 {
    let days = match signal {
        Signal::Logs => RetentionDays::BUILT_IN.logs,
        Signal::Metrics => RetentionDays::BUILT_IN.metrics,
        Signal::Traces | Signal::Changes => RetentionDays::BUILT_IN.traces,
    };
    days.unwrap_or(30)
}

/// How large values may be. What is longer is cut, with a mark, and its true length is recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SizeCaps {
    /// Bytes of one attribute's text, one message or one log body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_bytes_max: Option<u32>,
}

/// What is in force for a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EffectiveSettings {
    /// How long telemetry is kept.
    pub retention_days: RetentionDays,
    /// What is made unreadable.
    pub redaction: Redaction,
    /// What is cut.
    pub size_caps: SizeCaps,
    /// Which traces are kept.
    pub sampling: Sampling,
}

impl EffectiveSettings {
    /// `own`, and `installation` where it says nothing.
    pub fn merge(own: &TelemetrySettings, installation: &TelemetrySettings) -> Self {
        let other = installation;
        Self {
            retention_days: own
                .retention_days
                .or(other.retention_days)
                .or(RetentionDays::BUILT_IN),
            redaction: own
                .redaction
                .clone()
                .or_else(|| other.redaction.clone())
                .unwrap_or_default(),
            size_caps: own.size_caps.or(other.size_caps).unwrap_or_default(),
            sampling: own
                .sampling
                .clone()
                .or_else(|| other.sampling.clone())
                .unwrap_or_default(),
        }
    }

    /// The same, in the form of [`TelemetrySettings`].
    pub fn spelled_out(&self) -> TelemetrySettings {
        TelemetrySettings {
            retention_days: self.retention_days,
            redaction: Some(self.redaction.clone()),
            size_caps: Some(self.size_caps),
            sampling: Some(self.sampling.clone()),
        }
    }

    /// Whether telemetry is written as it comes.
    pub fn leaves_as_is(&self) -> bool {
        self.redaction.is_empty() && self.size_caps.value_bytes_max.is_none() && self.sampling.head.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_wins_over_the_installation_part_by_part() {
        let own: TelemetrySettings =
            serde_json::from_str(r#"{"retention_days":{"logs":7},"size_caps":{"value_bytes_max":1000}}"#)
                .unwrap();
        let installation: TelemetrySettings = toml::from_str(
            "retention_days = { logs = 3, metrics = 400 }\n\
             [redaction]\npatterns = ['email']\n[size_caps]\nvalue_bytes_max = 5000",
        )
        .unwrap();
        let merged = EffectiveSettings::merge(&own, &installation);
        assert_eq!(merged.retention_days.of(Signal::Traces), 30);
        assert_eq!(merged.retention_days.of(Signal::Logs), 7);
        assert_eq!(merged.retention_days.of(Signal::Metrics), 400);
        assert_eq!(merged.retention_days.of_calls(), CallDays::BUILT_IN);
        assert_eq!(merged.redaction.patterns, [crate::pattern::Kind::Email]);
        assert_eq!(merged.size_caps.value_bytes_max, Some(1000));
        assert!(!merged.leaves_as_is());
        assert!(EffectiveSettings::default().leaves_as_is());
    }

    #[test]
    fn what_a_project_left_open_stays_open_when_it_is_written_down() {
        let empty = serde_json::to_string(&TelemetrySettings::default()).unwrap();
        assert_eq!(empty, "{}");
        let text =
            r#"{"sampling":{"tail":{"decision_wait_s":30,"errors":true,"slower_than_ms":5000,"rest":0.1}}}"#;
        let settings: TelemetrySettings = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&settings).unwrap(), text);
    }

    #[test]
    fn unknown_words_are_refused() {
        for text in [
            r#"{"retention":{}}"#,
            r#"{"redaction":{"patterns":["emial"]}}"#,
            r#"{"redaction":{"rules":[{"name":"a","keyz":[]}]}}"#,
            r#"{"sampling":{"head":{"rat":1}}}"#,
        ] {
            assert!(serde_json::from_str::<TelemetrySettings>(text).is_err(), "{text}");
        }
    }
}
