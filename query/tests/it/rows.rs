//! Rows for the table `observations`, as SQL, so that a test says only what matters to it.

use brokle_model::id::ProjectId;
use chrono::{DateTime, Utc};

/// The project that tests read.
pub(crate) const PROJECT: ProjectId = ProjectId::from_u128(0x0101);
/// Somebody else's.
pub(crate) const FOREIGN: ProjectId = ProjectId::from_u128(0x0202);

/// One row; columns that are not set have their defaults.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    columns: Vec<(&'static str, String)>,
}

/// A trace's id from a number.
pub(crate) fn trace_id(number: u64) -> String {
    format!("{number:032x}")
}

/// A span's id from a number.
pub(crate) fn span_id(number: u64) -> String {
    format!("{number:016x}")
}

/// SQL for an instant.
pub(crate) fn time_sql(instant: DateTime<Utc>) -> String {
    format!(
        "toDateTime64('{}', 9, 'UTC')",
        instant.format("%Y-%m-%d %H:%M:%S%.9f")
    )
}

impl Row {
    /// A row that lasts 100 ms and belongs to [`PROJECT`].
    pub(crate) fn new(trace: u64, span: u64, start: DateTime<Utc>) -> Self {
        let id = |hex: String| format!("unhex('{hex}')");
        let columns = vec![
            ("project_id", format!("'{PROJECT}'")),
            ("trace_id", id(trace_id(trace))),
            ("span_id", id(span_id(span))),
            ("parent_span_id", id(span_id(0))),
            ("start_time", time_sql(start)),
            ("end_time", time_sql(start + chrono::Duration::milliseconds(100))),
            ("version", "1".to_owned()),
            ("name", format!("'span-{span}'")),
            ("type", "'span'".to_owned()),
            ("level", "'default'".to_owned()),
        ];
        Self { columns }
    }

    /// Where a trace begins.
    pub(crate) fn entry(trace: u64, start: DateTime<Utc>) -> Self {
        Self::new(trace, trace * 100, start)
            .sql("is_entry", "true")
            .text("name", &format!("trace-{trace}"))
    }

    /// Sets a column to an SQL expression.
    pub(crate) fn sql(mut self, column: &'static str, expression: &str) -> Self {
        self.columns.retain(|(name, _)| *name != column);
        self.columns.push((column, expression.to_owned()));
        self
    }

    /// Sets a column to a text.
    pub(crate) fn text(self, column: &'static str, text: &str) -> Self {
        let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
        self.sql(column, &format!("'{escaped}'"))
    }

    /// A model call: 100 input and 50 output tokens at `cost` dollars.
    pub(crate) fn generation(self, model: &str, cost: &str) -> Self {
        self.text("type", "generation")
            .text("model", model)
            .text("provider", "openai")
            .sql("counts_usage", "true")
            .sql("input_tokens", "100")
            .sql("output_tokens", "50")
            .sql("cost_source", "'priced'")
            .sql(
                "cost_details",
                &format!("map('input', toDecimal64('{cost}', 12))"),
            )
            .sql("total_cost", &format!("toDecimal64('{cost}', 12)"))
    }

    /// The statement that inserts this row.
    pub(crate) fn insert(&self) -> String {
        Self::insert_all(std::slice::from_ref(self))
    }

    /// Rows that set the same columns in the same order, in one statement.
    pub(crate) fn insert_all(rows: &[Self]) -> String {
        let names: Vec<&str> = rows[0].columns.iter().map(|(name, _)| *name).collect();
        let selects = rows.iter().map(|row| {
            assert!(
                row.columns
                    .iter()
                    .map(|(name, _)| *name)
                    .eq(names.iter().copied())
            );
            let values: Vec<&str> = row.columns.iter().map(|(_, value)| value.as_str()).collect();
            format!("SELECT {}", values.join(", "))
        });
        let selects: Vec<String> = selects.collect();
        format!(
            "INSERT INTO observations ({}) {}",
            names.join(", "),
            selects.join(" UNION ALL ")
        )
    }
}
