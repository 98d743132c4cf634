//! Where an item is from: the columns that spans, log records and data points share.

use super::ShapeError;
use super::columns::Columns;

/// A resource and an instrumentation scope, as stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Origin {
    pub(crate) resource_string: Vec<(String, String)>,
    pub(crate) resource_other: Vec<(String, String)>,
    pub(crate) resource_dropped_attributes: u32,
    /// An OTLP/JSON list, or empty.
    pub(crate) resource_entity_refs: String,
    pub(crate) resource_schema_url: String,
    pub(crate) scope_name: String,
    pub(crate) scope_version: String,
    /// An OTLP/JSON list.
    pub(crate) scope_attributes: String,
    pub(crate) scope_dropped_attributes: u32,
    pub(crate) scope_schema_url: String,
}

impl Origin {
    pub(super) fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        let text = |name| Ok(columns.text(name)?.value(row).to_owned());
        let number = |name| columns.number(name)?.get_u32(row);
        Ok(Self {
            resource_string: columns.map("resource_string")?.texts(row)?,
            resource_other: columns.map("resource_other")?.texts(row)?,
            resource_dropped_attributes: number("resource_dropped_attributes_count")?,
            resource_entity_refs: text("resource_entity_refs")?,
            resource_schema_url: text("resource_schema_url")?,
            scope_name: text("scope_name")?,
            scope_version: text("scope_version")?,
            scope_attributes: text("scope_attributes")?,
            scope_dropped_attributes: number("scope_dropped_attributes_count")?,
            scope_schema_url: text("scope_schema_url")?,
        })
    }
}
