//! One accepted OTLP request, on its way from a receiver, or from the gateway's recorder, to the
//! write-ahead log. The body stays as it came: batching is concatenation, and replay is the same path.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::id::{ProjectId, SpanId, TraceId};

/// How long rows are kept whose request says nothing of it: those of logs that older releases wrote. The
/// tables' default is the same (a test compares them).
pub const RETENTION_DAYS: u16 = 30;

/// What a body carries: one of OTLP's signals, or changes. The numbers are written to disk: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Signal {
    /// `ExportTraceServiceRequest`
    Traces = 1,
    /// `ExportLogsServiceRequest`
    Logs = 2,
    /// `ExportMetricsServiceRequest`
    Metrics = 3,
    /// What the SDK routes were told: creates, updates, completions and deletes. Not OTLP.
    Changes = 4,
}

impl Signal {
    /// Every signal.
    pub const ALL: &[Self] = &[Self::Traces, Self::Logs, Self::Metrics, Self::Changes];

    /// OTLP's signals.
    pub const OTLP: &[Self] = &[Self::Traces, Self::Logs, Self::Metrics];

    /// The signal with this number on disk.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|signal| *signal as u8 == number)
    }

    /// The signal with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|signal| signal.as_str() == name)
    }

    /// Its name in metrics, files and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Changes => "changes",
        }
    }
}

/// A validated body: uncompressed OTLP protobuf (JSON has been transcoded by the receiver).
#[derive(Debug, Clone)]
pub struct Submission {
    /// The tenant.
    pub project: ProjectId,
    /// The caller's `X-Environment` tag, empty when it sent none.
    pub environment: String,
    /// What the body carries.
    pub signal: Signal,
    /// The protobuf message.
    pub body: Bytes,
    /// Items (spans, records, points) in the body.
    pub items: u32,
    /// How many days the rows of the body are kept: what the project's settings said when it was accepted.
    pub retention_days: u16,
    /// Set for what the gateway recorded of calls, in process: such spans fill the tables of calls too. Nothing that
    /// came from outside has it, whatever it says of itself.
    pub calls: Option<CallDays>,
}

/// Something that Brokle itself tells a project, kept among the project's events.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemEvent {
    /// Whose event it is.
    pub project: ProjectId,
    /// Names the event: two with one id are one.
    pub id: String,
    /// What happened, such as `budget.threshold_reached`.
    pub name: &'static str,
    /// `INFO`, `WARNING` or `ERROR`.
    pub level: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// The environment tag of the call that it came from, empty when it had none.
    pub environment: String,
    /// The call that it came from.
    pub trace: Option<TraceId>,
    /// The observation in it.
    pub observation: Option<SpanId>,
    /// The user of that call.
    pub user: Option<String>,
    /// The session of that call.
    pub session: Option<String>,
    /// What else there is to say.
    pub payload: Map<String, Value>,
}

/// How many days the rows are kept that a gateway's call gives besides its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallDays {
    /// Rows of `request_logs`.
    pub request_logs: u16,
    /// Rows of `ai_routing_metrics`.
    pub routing_metrics: u16,
}

impl CallDays {
    /// What is kept how long when nobody says anything. The tables' defaults are the same (a test compares).
    pub const BUILT_IN: Self = Self {
        request_logs: 60,
        routing_metrics: 365,
    };
}

/// The span attribute that keeps a start time which storage cannot hold (nanoseconds since 1970, as decimal
/// text). The collector writes it, and whoever gives the span back as OTLP puts it back in its place.
pub const ORIGINAL_START: &str = "brokle.otlp.start_time_unix_nano";

/// The same for an end time, which storage also cannot hold when it lies before the start.
pub const ORIGINAL_END: &str = "brokle.otlp.end_time_unix_nano";

/// The type of a row of `observations` that is no observation, but holds what is said of its trace as a whole:
/// the collector writes it, and whoever counts observations leaves it out.
pub const TRACE_ROW_TYPE: &str = "trace";

/// The longest environment tag.
pub const ENVIRONMENT_BYTES_MAX: usize = 64;

/// Whether `text` can be an environment tag: short, and visible ASCII without spaces. One rule for every door
/// that takes `X-Environment`.
pub fn is_environment(text: &str) -> bool {
    (1..=ENVIRONMENT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
