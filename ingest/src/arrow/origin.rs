//! Where an item is from: columns that all items have, whatever their signal.

use arrow_array::types::{TimestampMillisecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_schema::{ArrowError, DataType};

use super::Out;
use super::column::{NumberColumn, WordColumn};
use super::schema;
use super::source::{RecordContext, ResourceContext, ScopeContext};
use crate::normalize::Field;

/// The environment of what names none.
const DEFAULT_ENVIRONMENT: &[u8] = b"default";

/// What surrounds an item.
#[derive(Clone, Copy)]
pub(super) struct Origin<'r, 'a> {
    pub(super) record: &'r RecordContext<'a>,
    pub(super) resource: &'r ResourceContext<'a>,
    pub(super) scope: &'r ScopeContext<'a>,
}

/// The columns that name the request, the resource and the scope.
#[derive(Default)]
pub(super) struct OriginColumns {
    project_id: WordColumn,
    version: NumberColumn<UInt64Type>,
    received_at: NumberColumn<TimestampMillisecondType>,
    retention_days: NumberColumn<UInt16Type>,
    resource_dropped: NumberColumn<UInt32Type>,
    resource_entity_refs: WordColumn,
    resource_schema_url: WordColumn,
    scope_name: WordColumn,
    scope_version: WordColumn,
    scope_attributes: WordColumn,
    scope_dropped: NumberColumn<UInt32Type>,
    scope_schema_url: WordColumn,
    /// The scope of the last row.
    written: Option<u64>,
}

impl OriginColumns {
    #[inline]
    pub(super) fn put(&mut self, row: usize, origin: Origin<'_, '_>) {
        let Origin {
            record,
            resource,
            scope,
        } = origin;
        self.version.put(row, record.version);
        self.received_at.put(row, record.received_ms);
        self.retention_days.put(row, record.retention_days);
        self.resource_dropped.put(row, resource.dropped_attributes_count);
        self.scope_dropped.put(row, scope.dropped_attributes_count);
        let words = [
            (&mut self.project_id, record.project.as_bytes()),
            (&mut self.resource_entity_refs, &resource.entity_refs),
            (&mut self.resource_schema_url, resource.schema_url.as_bytes()),
            (&mut self.scope_name, scope.name.as_bytes()),
            (&mut self.scope_version, scope.version.as_bytes()),
            (&mut self.scope_attributes, &scope.attributes),
            (&mut self.scope_schema_url, scope.schema_url.as_bytes()),
        ];
        let is_repeated = self.written.replace(scope.id) == Some(scope.id);
        for (column, word) in words {
            if is_repeated {
                column.again(row);
            } else {
                column.put(row, word);
            }
        }
    }

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("project_id", self.project_id.finish(rows)?));
        out.push(("version", self.version.finish(rows, DataType::UInt64)));
        out.push((
            "is_deleted",
            NumberColumn::<UInt8Type>::default().finish(rows, DataType::UInt8),
        ));
        out.push((
            "received_at",
            self.received_at.finish(rows, schema::milliseconds()),
        ));
        out.push((
            "resource_dropped_attributes_count",
            self.resource_dropped.finish(rows, DataType::UInt32),
        ));
        out.push((
            "retention_days",
            self.retention_days.finish(rows, DataType::UInt16),
        ));
        out.push(("resource_entity_refs", self.resource_entity_refs.finish(rows)?));
        out.push(("resource_schema_url", self.resource_schema_url.finish(rows)?));
        out.push(("scope_name", self.scope_name.finish(rows)?));
        out.push(("scope_version", self.scope_version.finish(rows)?));
        out.push(("scope_attributes", self.scope_attributes.finish(rows)?));
        out.push((
            "scope_dropped_attributes_count",
            self.scope_dropped.finish(rows, DataType::UInt32),
        ));
        out.push(("scope_schema_url", self.scope_schema_url.finish(rows)?));
        Ok(())
    }
}

/// Environment and service, for items that have them from their resource alone.
#[derive(Default)]
pub(super) struct PlaceColumns {
    environment: WordColumn,
    service_name: WordColumn,
    /// The scope of the last row, with which its request and resource are known too.
    written: Option<u64>,
}

impl PlaceColumns {
    #[inline]
    pub(super) fn put(&mut self, row: usize, origin: Origin<'_, '_>) {
        if self.written.replace(origin.scope.id) == Some(origin.scope.id) {
            self.environment.again(row);
            self.service_name.again(row);
            return;
        }
        let text = |field| origin.resource.capture.text(field).unwrap_or_default();
        let named = environment(text(Field::Environment), origin.record.environment);
        self.environment.put(row, named);
        self.service_name.put(row, text(Field::ServiceName));
    }

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("environment", self.environment.finish(rows)?));
        out.push(("service_name", self.service_name.finish(rows)?));
        Ok(())
    }
}

/// The attributes' word before the header's, and any before none.
pub(super) fn environment<'e>(named: &'e [u8], header: &'e str) -> &'e [u8] {
    [named, header.as_bytes()]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(DEFAULT_ENVIRONMENT)
}
