//! What follows once a range's changes are stored: all changes of the entities that it touched are read, folded
//! and written as rows. Taking the step again, after a crash or on another node, gives the same rows or newer ones.
//!
//! - An observation or score is a row at its place, and tombstones at the other places that creates named for it.
//! - A trace is a row of type `trace` in `observations`, which holds what is said of the trace as a whole, also of
//!   one that came by OTLP. It lies where the trace's earliest entry is; see `docs/adr/0019-a-trace-is-a-row.md`.
//! - The end of a trace ends everything that was created in it, and what was stored of it by OTLP before.
//!
//! Deliberately absent: a copy of anything in memory from one range to the next. Storage is asked, in steps that
//! are bounded in changes and bytes.

mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use brokle_model::id::{ProjectId, TraceId};
use brokle_model::telemetry::Signal;
use brokle_storage::telemetry::{
    Insert, InsertError, QueryError, QueryLimits, TelemetryReader, TelemetryWriter,
};
use serde_json::Value;

use super::change::{Entity, Recorded, decode};
use super::fold::{Folded, Place, fold};
use super::render;
use super::rows::{ObservationRow, Rows, token};
use super::score_rows::{self, SCORES, ScoreRow};
use super::stored::{KEYS_PER_QUERY, Stored, StoredError};
use crate::arrow::OBSERVATIONS;
use crate::pipeline::decode::Decoder;
use crate::wal::range::LoggedRequest;

/// Changes, and bytes of their fields, that are folded in one step.
const STEP_CHANGES_MAX: u64 = 20_000;
const STEP_BYTES_MAX: u64 = 16 << 20;
/// What one entity may come to. Beyond it a request becomes a dead letter.
const ENTITY_CHANGES_MAX: u64 = 10_000;
const ENTITY_BYTES_MAX: u64 = 256 << 20;

const LIMITS: QueryLimits = QueryLimits {
    rows_to_read_max: 100_000_000,
    result_rows_max: 100_000,
    timeout: Duration::from_secs(30),
};

/// Why rows were not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    /// Storage is away: the same step may succeed later.
    #[error("{0}")]
    Unavailable(String),
    /// The content is at fault.
    #[error("{0}")]
    Refused(String),
}

impl From<StoredError> for AssembleError {
    fn from(error: StoredError) -> Self {
        match error {
            StoredError::Query(QueryError::Unavailable { .. }) => Self::Unavailable(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<InsertError> for AssembleError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Unavailable { .. } => Self::Unavailable(error.to_string()),
            InsertError::Rejected { .. } => Self::Refused(error.to_string()),
        }
    }
}

/// Refuses for a reason that is no storage's.
pub(super) fn refused(error: impl std::fmt::Display) -> AssembleError {
    AssembleError::Refused(error.to_string())
}

/// Makes rows of changes.
pub(crate) struct Assembler {
    reader: Arc<dyn TelemetryReader>,
    writer: Arc<dyn TelemetryWriter>,
    decoder: Arc<Decoder>,
}

type Touched = BTreeMap<Entity, BTreeSet<String>>;

impl Assembler {
    pub(crate) fn new(
        reader: Arc<dyn TelemetryReader>,
        writer: Arc<dyn TelemetryWriter>,
        decoder: Arc<Decoder>,
    ) -> Self {
        Self {
            reader,
            writer,
            decoder,
        }
    }

    /// Writes the rows that follow from the changes of a range, which must be stored.
    pub(crate) async fn assemble(&self, requests: &[LoggedRequest]) -> Result<(), AssembleError> {
        for (project, touched) in touched(requests)? {
            let of_project = requests.iter().filter(|request| request.project == project);
            let stored = Stored {
                reader: &*self.reader,
                project,
                limits: LIMITS,
                retention_days: of_project
                    .map(|request| request.retention_days)
                    .max()
                    .unwrap_or(0),
            };
            self.assemble_project(stored, touched).await?;
        }
        Ok(())
    }

    async fn assemble_project(&self, stored: Stored<'_>, mut touched: Touched) -> Result<(), AssembleError> {
        let mut traces: BTreeSet<String> = touched.remove(&Entity::Trace).unwrap_or_default();
        for entity in [Entity::Observation, Entity::Score] {
            let keys: Vec<String> = touched.remove(&entity).unwrap_or_default().into_iter().collect();
            let named = self.assemble_entities(stored, entity, &keys).await?;
            if entity == Entity::Observation {
                // Where a trace's row lies depends on its entries.
                traces.extend(named.iter().map(TraceId::to_string));
            }
        }
        let traces: Vec<String> = traces.into_iter().collect();
        self.assemble_traces(stored, &traces).await
    }

    /// Writes the rows of observations or scores. Gives the traces that they are created in.
    async fn assemble_entities(
        &self,
        stored: Stored<'_>,
        entity: Entity,
        keys: &[String],
    ) -> Result<BTreeSet<TraceId>, AssembleError> {
        let mut all_named = BTreeSet::new();
        for chunk in keys.chunks(KEYS_PER_QUERY) {
            for step in steps(stored, entity, chunk).await? {
                let changes = stored.changes(entity, &step).await?;
                let named: BTreeSet<TraceId> = changes
                    .values()
                    .flatten()
                    .filter_map(|record| record.change.trace)
                    .collect();
                let deletes = deletes(stored, &named).await?;
                let folded = changes.into_iter().filter_map(|(key, own)| {
                    let traces: BTreeSet<TraceId> =
                        own.iter().filter_map(|record| record.change.trace).collect();
                    let of_traces = traces.iter().filter_map(|trace| deletes.get(trace)).flatten();
                    Some((key, fold(&own, of_traces)?))
                });
                let folded: Vec<(String, Folded)> = folded.collect();
                match entity {
                    Entity::Score => self.write_scores(stored, folded).await?,
                    _ => self.write_observations(stored, &folded).await?,
                }
                all_named.extend(named);
            }
        }
        Ok(all_named)
    }

    async fn write_observations(
        &self,
        stored: Stored<'_>,
        folded: &[(String, Folded)],
    ) -> Result<(), AssembleError> {
        let mut rows = Rows::default();
        let scores = folded.iter().filter_map(|(key, state)| own_score(key, state));
        self.write_scores(stored, scores.collect()).await?;
        for (key, state) in folded {
            let span = render::span_of(key);
            let is_entry = state.text("parent").is_none();
            for place in &state.left_places {
                rows.end(span, *place, state.version.saturating_sub(1), is_entry);
            }
            match state.place {
                Some(place) if state.is_deleted => rows.end(span, place, state.version, is_entry),
                Some(place) => rows.observations.push(ObservationRow {
                    span,
                    place,
                    version: state.version,
                    is_entry,
                    received_ns: state.updated_ns,
                    body: render::observation(key, place, state),
                }),
                None => {}
            }
        }
        self.write(stored, rows).await
    }

    async fn write(&self, stored: Stored<'_>, rows: Rows) -> Result<(), AssembleError> {
        let (project, kept) = (stored.project, (stored.project, stored.retention_days));
        for (month, batch) in rows.encode(kept, &self.decoder).await? {
            self.insert(Insert {
                table: OBSERVATIONS,
                token: token(project, OBSERVATIONS, &month, &batch),
                rows: batch,
            })
            .await?;
        }
        Ok(())
    }

    async fn write_scores(
        &self,
        stored: Stored<'_>,
        folded: Vec<(String, Folded)>,
    ) -> Result<(), AssembleError> {
        let project = stored.project;
        let mut rows = Vec::new();
        for (key, state) in folded {
            let row = |place: Place, version: u64, state: Option<Folded>| ScoreRow {
                project,
                retention_days: stored.retention_days,
                key: key.clone(),
                place,
                version,
                state,
            };
            for place in &state.left_places {
                rows.push(row(*place, state.version.saturating_sub(1), None));
            }
            if let Some(place) = state.place {
                let version = state.version;
                rows.push(row(place, version, (!state.is_deleted).then_some(state)));
            }
        }
        for (month, batch) in score_rows::batches(rows).map_err(refused)? {
            self.insert(Insert {
                table: SCORES,
                token: token(project, SCORES, &month.to_string(), &batch),
                rows: batch,
            })
            .await?;
        }
        Ok(())
    }

    async fn insert(&self, insert: Insert) -> Result<(), AssembleError> {
        Ok(self.writer.insert(insert).await?)
    }
}

/// What the changes of the requests are about, by project.
fn touched(requests: &[LoggedRequest]) -> Result<BTreeMap<ProjectId, Touched>, AssembleError> {
    let mut touched: BTreeMap<ProjectId, Touched> = BTreeMap::new();
    for request in requests
        .iter()
        .filter(|request| request.signal == Signal::Changes)
    {
        for change in decode(&request.body).map_err(refused)? {
            let of_project = touched.entry(request.project).or_default();
            of_project.entry(change.entity).or_default().insert(change.key);
        }
    }
    Ok(touched)
}

/// The keys of which anything is stored, in groups that are small enough to be folded at once.
async fn steps(
    stored: Stored<'_>,
    entity: Entity,
    keys: &[String],
) -> Result<Vec<Vec<String>>, AssembleError> {
    let mut steps: Vec<Vec<String>> = Vec::new();
    let (mut changes, mut bytes) = (0, 0);
    for (key, size) in stored.sizes(entity, keys).await? {
        if size.changes > ENTITY_CHANGES_MAX || size.bytes > ENTITY_BYTES_MAX {
            return Err(refused(format!(
                "the {} {key} has {} changes of {} bytes; at most {ENTITY_CHANGES_MAX} and {ENTITY_BYTES_MAX} are folded",
                entity.as_str(),
                size.changes,
                size.bytes,
            )));
        }
        (changes, bytes) = (changes + size.changes, bytes + size.bytes);
        match steps.last_mut() {
            Some(step) if changes <= STEP_CHANGES_MAX && bytes <= STEP_BYTES_MAX => step.push(key),
            _ => {
                steps.push(vec![key]);
                (changes, bytes) = (size.changes, size.bytes);
            }
        }
    }
    Ok(steps)
}

/// The score that an observation was given with itself.
fn own_score(key: &str, state: &Folded) -> Option<(String, Folded)> {
    let value = state
        .fields
        .get("quality_score")
        .filter(|value| value.is_number())?;
    let mut fields: BTreeMap<String, Value> = [
        ("name", Value::from("quality_score")),
        ("data_type", "NUMERIC".into()),
        ("value", value.clone()),
        ("source", "api".into()),
        ("observation_id", key.into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(environment) = state.fields.get("environment") {
        fields.insert("environment".to_owned(), environment.clone());
    }
    let score = Folded {
        fields,
        ..state.clone()
    };
    Some((format!("{key}.quality_score"), score))
}

/// The deletes of the traces.
async fn deletes(
    stored: Stored<'_>,
    traces: &BTreeSet<TraceId>,
) -> Result<BTreeMap<TraceId, Vec<Recorded>>, AssembleError> {
    let keys: Vec<String> = traces.iter().map(TraceId::to_string).collect();
    let mut found = BTreeMap::new();
    for chunk in keys.chunks(KEYS_PER_QUERY) {
        for (key, records) in stored.deletes(chunk).await? {
            if let Ok(trace) = key.parse() {
                found.insert(trace, records);
            }
        }
    }
    Ok(found)
}
