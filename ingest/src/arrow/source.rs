//! What the items of one request, one resource and one scope share: read once, used for each of their rows.

use brokle_model::telemetry::{CallDays, Signal};

use crate::normalize::{AttributeMap, Capture};
use crate::otlp::json_write::{attributes_json, entity_refs_json};
use crate::otlp::value::KeyValueView;
use crate::otlp::view::{ResourceGroupView, ScopeGroupView, Text};
use crate::pipeline::batch::RangeRecord;

use super::series::{combined, text_hash};
use super::time::received_nanos;

/// One request.
pub(super) struct RecordContext<'a> {
    pub(super) project: String,
    pub(super) environment: &'a str,
    pub(super) received_nanos: i64,
    pub(super) received_ms: i64,
    /// Days that its rows are kept.
    pub(super) retention_days: u16,
    /// Days of a call's rows, if the gateway recorded it.
    pub(super) calls: Option<CallDays>,
    /// Of several copies of a row, the one with the greatest version stands.
    pub(super) version: u64,
}

impl<'a> RecordContext<'a> {
    pub(super) fn new(record: &RangeRecord<'a>) -> Self {
        let received_nanos = received_nanos(record.received_at);
        Self {
            project: record.project.to_string(),
            environment: record.environment,
            received_nanos,
            received_ms: received_nanos / 1_000_000,
            retention_days: record.retention_days,
            calls: record.calls,
            version: u64::try_from(received_nanos).unwrap_or(0),
        }
    }
}

/// One resource.
pub(super) struct ResourceContext<'a> {
    /// Tells resources apart within a range.
    pub(super) id: u64,
    view: ResourceGroupView<'a>,
    pub(super) capture: Capture<'a>,
    pub(super) schema_url: Text<'a>,
    pub(super) dropped_attributes_count: u32,
    /// As an OTLP/JSON list; empty when there are none.
    pub(super) entity_refs: Vec<u8>,
}

impl<'a> ResourceContext<'a> {
    pub(super) fn new(id: u64, view: ResourceGroupView<'a>, map: &AttributeMap) -> Self {
        let mut capture = Capture::default();
        for attribute in view.resource().attributes() {
            let rules = map.rules(attribute.key.as_bytes());
            if !rules.is_empty() {
                // Whatever it is, a resource's attribute also stays where it is.
                let _ = capture.offer(map, rules, attribute.key, attribute.value);
            }
        }
        Self {
            id,
            view,
            capture,
            schema_url: view.schema_url(),
            dropped_attributes_count: view.resource().dropped_attributes_count(),
            entity_refs: entity_refs(view),
        }
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = KeyValueView<'a>> + use<'a> {
        self.view.resource().attributes()
    }
}

/// One instrumentation scope.
pub(super) struct ScopeContext<'a> {
    /// Tells scopes apart within a range; of one scope's spans, request and resource are the same too.
    pub(super) id: u64,
    pub(super) name: Text<'a>,
    pub(super) version: Text<'a>,
    /// As an OTLP/JSON list.
    pub(super) attributes: Vec<u8>,
    pub(super) dropped_attributes_count: u32,
    pub(super) schema_url: Text<'a>,
}

impl<'a> ScopeContext<'a> {
    pub(super) fn new(id: u64, view: ScopeGroupView<'a>) -> Self {
        let scope = view.scope();
        let mut attributes = Vec::new();
        attributes_json(scope.attributes(), &mut attributes);
        Self {
            id,
            name: scope.name(),
            version: scope.version(),
            attributes,
            dropped_attributes_count: scope.dropped_attributes_count(),
            schema_url: view.schema_url(),
        }
    }
}

fn entity_refs(view: ResourceGroupView<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    if view.resource().entity_refs().next().is_some() {
        entity_refs_json(view.resource().entity_refs(), &mut text);
    }
    text
}

/// Where an item stands: its request, known by content, and its number in it. Log records and data points have no
/// id of their own, and two that are equal may both be meant; a request that is sent again gives the same places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) request: u64,
    pub(super) row: u32,
}

/// The places of one request, in their order.
pub(super) struct Places {
    next: Place,
}

impl Places {
    pub(super) fn of(record: &RangeRecord<'_>) -> Self {
        let request = match record.signal {
            // Spans have ids.
            Signal::Traces | Signal::Changes => 0,
            Signal::Logs | Signal::Metrics => {
                combined(&[text_hash(record.environment.as_bytes()), text_hash(record.body)])
            }
        };
        Self {
            next: Place { request, row: 0 },
        }
    }

    pub(super) fn next(&mut self) -> Place {
        let place = self.next;
        self.next.row = self.next.row.wrapping_add(1);
        place
    }
}
