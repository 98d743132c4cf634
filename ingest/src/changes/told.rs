//! What Brokle itself tells a project, in the form in which the SDK's routes tell an event: a record of changes like
//! theirs, so that it takes the same way.

use std::collections::BTreeMap;

use brokle_model::telemetry::{Signal, Submission, SystemEvent};
use bytes::Bytes;
use serde_json::Value;

use super::change::{Change, ChangeId, Entity, Verb, encode};

/// The event's fields, by the names of the SDK's routes.
pub(crate) fn fields(event: &SystemEvent) -> BTreeMap<String, Value> {
    let fields: [(&str, Option<Value>); 7] = [
        ("name", Some(event.name.into())),
        ("level", Some(event.level.into())),
        (
            "environment",
            Some(event.environment.as_str())
                .filter(|tag| !tag.is_empty())
                .map(Value::from),
        ),
        (
            "observation_id",
            event
                .observation
                .map(|observation| observation.to_string().into()),
        ),
        ("user_id", event.user.as_deref().map(Value::from)),
        ("session_id", event.session.as_deref().map(Value::from)),
        ("payload", Some(Value::Object(event.payload.clone()))),
    ];
    let given = fields.into_iter();
    given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The event as a submission. `None` when it cannot be written down, which text and numbers always can.
pub(crate) fn submission(
    event: SystemEvent,
    fields: BTreeMap<String, Value>,
    retention_days: u16,
) -> Option<Submission> {
    let at_ns = event.at.timestamp_nanos_opt()?;
    let change = Change {
        id: ChangeId::generate(event.at),
        entity: Entity::Event,
        key: event.id,
        verb: Verb::Create,
        at_ns,
        trace: event.trace,
        start_ns: Some(at_ns),
        fields,
    };
    Some(Submission {
        project: event.project,
        environment: event.environment,
        signal: Signal::Changes,
        body: Bytes::from(encode(vec![change]).ok()?),
        items: 1,
        retention_days,
        calls: None,
    })
}

#[cfg(test)]
mod tests {
    use brokle_model::id::{ProjectId, TraceId};
    use brokle_model::telemetry::RETENTION_DAYS;
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::changes::change::decode;

    #[test]
    fn what_is_told_reads_back_as_an_event() {
        let event = SystemEvent {
            project: ProjectId::from_u128(7),
            id: "month-50".to_owned(),
            name: "budget.threshold_reached",
            level: "WARNING",
            at: DateTime::from_timestamp_nanos(1_795_000_000_000_000_000),
            environment: "production".to_owned(),
            trace: Some(TraceId::from_bytes([3; 16])),
            observation: None,
            user: None,
            session: Some("talk".to_owned()),
            payload: json!({"percent": 50}).as_object().unwrap().clone(),
        };
        let fields = fields(&event);
        let submission = submission(event, fields, RETENTION_DAYS).unwrap();
        let changes = decode(&submission.body).unwrap();
        assert_eq!((changes.len(), submission.items), (1, 1));
        let change = &changes[0];
        assert_eq!((change.entity, &*change.key), (Entity::Event, "month-50"));
        assert_eq!(change.start_ns, Some(1_795_000_000_000_000_000));
        assert_eq!(
            serde_json::to_value(&change.fields).unwrap(),
            json!({"name": "budget.threshold_reached", "level": "WARNING", "environment": "production",
                "session_id": "talk", "payload": {"percent": 50}})
        );
    }
}
