//! A statement being written: text, and the parameters that it names.

use brokle_model::id::{ProjectId, TraceId};
use brokle_storage::telemetry::SqlQuery;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::windows::Window;

/// The parameters of a statement in the making. Each method takes a value and returns its placeholder.
pub(super) struct Parameters {
    project: ProjectId,
    values: Vec<Value>,
}

enum Value {
    One(String),
    Many(Vec<String>),
}

impl Parameters {
    pub(super) fn new(project: ProjectId) -> Self {
        Self {
            project,
            values: Vec::new(),
        }
    }

    /// The finished query.
    pub(super) fn into_query(self, text: String, result_rows_max: usize) -> SqlQuery {
        let mut query = SqlQuery::new(self.project, text);
        query.limits.result_rows_max = u64::try_from(result_rows_max).unwrap_or(u64::MAX);
        let named = self
            .values
            .into_iter()
            .enumerate()
            .map(|(index, value)| (name(index), value));
        named.fold(query, |query, (name, value)| match value {
            Value::One(value) => query.bind(&name, value),
            Value::Many(values) => query.bind_array(&name, values),
        })
    }

    pub(super) fn text(&mut self, value: &str) -> String {
        self.scalar("String", value)
    }

    pub(super) fn time(&mut self, nanos: i64) -> String {
        self.scalar("DateTime64(9, 'UTC')", &print_time(nanos))
    }

    /// A whole second, for the tables of quarters of an hour.
    pub(super) fn seconds(&mut self, instant: DateTime<Utc>) -> String {
        self.scalar(
            "DateTime('UTC')",
            &instant.format("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }

    pub(super) fn number(&mut self, value: i64) -> String {
        self.scalar("Int64", &value.to_string())
    }

    pub(super) fn unsigned(&mut self, value: u64) -> String {
        self.scalar("UInt64", &value.to_string())
    }

    pub(super) fn decimal(&mut self, value: Decimal) -> String {
        self.scalar("Decimal(38, 12)", &value.normalize().to_string())
    }

    pub(super) fn texts<I: IntoIterator<Item = S>, S: Into<String>>(&mut self, values: I) -> String {
        let values = values.into_iter().map(Into::into).collect();
        self.placeholder("Array(String)", Value::Many(values))
    }

    /// A `FixedString` from lower-case hex.
    pub(super) fn id(&mut self, hex: &str) -> String {
        let placeholder = self.text(hex);
        format!("toFixedString(unhex({placeholder}), {})", hex.len() / 2)
    }

    /// A condition that holds for rows of these traces.
    pub(super) fn is_one_of(&mut self, traces: &[TraceId]) -> String {
        let placeholder = self.texts(traces.iter().map(TraceId::to_string));
        format!("trace_id IN (SELECT toFixedString(unhex(arrayJoin({placeholder})), 16))")
    }

    /// A condition that holds inside any of the windows.
    pub(super) fn is_within(&mut self, windows: &[Window]) -> String {
        let each = windows.iter().map(|window| {
            let (first, last) = (self.time(window.first_ns), self.time(window.last_ns));
            format!("start_time BETWEEN {first} AND {last}")
        });
        let each: Vec<String> = each.collect();
        if each.is_empty() {
            "false".to_owned()
        } else {
            format!("({})", each.join(" OR "))
        }
    }

    fn scalar(&mut self, kind: &str, value: &str) -> String {
        self.placeholder(kind, Value::One(value.to_owned()))
    }

    fn placeholder(&mut self, kind: &str, value: Value) -> String {
        self.values.push(value);
        format!("{{{}:{kind}}}", name(self.values.len() - 1))
    }
}

fn name(index: usize) -> String {
    format!("p{}", index + 1)
}

fn print_time(nanos: i64) -> String {
    DateTime::from_timestamp_nanos(nanos)
        .format("%Y-%m-%d %H:%M:%S%.9f")
        .to_string()
}
