//! All changes of an entity become its one state. The outcome is a function of the *set* of records: of any
//! order, of repeats, of how they came in requests and ranges.
//!
//! - A field has the value of the change with the greatest stamp: a create's below all others', then the later
//!   time, then the greater id.
//! - Where the entity is (its trace and start) is the word of the earliest create. Without a create there is no
//!   row yet. Every other place that a create named is kept, for a row may have been written there.
//! - A delete is for good; so is that of the trace.
//! - Of records of one change (a caller that names its requests sent it again) the earliest counts.
//! - The version grows with every record that is added to the set, so of two outcomes over sets of which one
//!   contains the other, the fuller one stands.

use std::collections::{BTreeMap, BTreeSet};

use brokle_model::id::TraceId;
use serde_json::Value;

use super::change::{Change, ChangeId, Recorded, Verb};

/// How far apart the versions of two outcomes are at least. Between them fit the tombstones of the later one
/// and the rows that pricing again writes over the earlier one.
pub const VERSION_STEP: u64 = 16;

/// Where an entity's row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Its start, nanoseconds since 1970.
    pub start_ns: i64,
    /// Its trace, if it has one.
    pub trace: Option<TraceId>,
}

/// What the changes of one entity come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// Where it is; `None` until it is created.
    pub place: Option<Place>,
    /// Other places that were named for it, where an outcome over fewer changes may have put it.
    pub left_places: Vec<Place>,
    /// Whether it, or its trace, has been deleted.
    pub is_deleted: bool,
    /// The fields.
    pub fields: BTreeMap<String, Value>,
    /// When its first change was accepted, nanoseconds since 1970.
    pub created_ns: i64,
    /// When its last change was accepted.
    pub updated_ns: i64,
    /// Of several outcomes the one with the greatest version stands.
    pub version: u64,
}

impl Folded {
    /// A field's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }
}

/// Folds `own`, the records of one entity. `of_traces` are the records of the traces that those name, where the
/// entity is not a trace itself: of them only deletes count.
pub fn fold<'a>(
    own: impl IntoIterator<Item = &'a Recorded>,
    of_traces: impl IntoIterator<Item = &'a Recorded>,
) -> Option<Folded> {
    let mut own = Records::new(own);
    let deletes = of_traces
        .into_iter()
        .filter(|record| record.change.verb == Verb::Delete);
    let traces = Records::new(deletes);
    let created_ns = own.by_arrival.first()?.0;
    let updated_ns = own.by_arrival.last()?.0;
    let (place, left_places) = own.places();
    let is_of_its_trace =
        |change: &Change| place.is_some_and(|place| place.trace.is_some() && place.trace == change.trace);
    let is_deleted =
        own.each().any(|change| change.verb == Verb::Delete) || traces.each().any(is_of_its_trace);
    own.by_arrival.extend(traces.by_arrival.iter().copied());
    Some(Folded {
        place,
        left_places,
        is_deleted,
        fields: own.fields(),
        created_ns,
        updated_ns,
        version: version(&own.by_arrival),
    })
}

fn version(records: &BTreeSet<(i64, ChangeId)>) -> u64 {
    let latest = records.last().map_or(0, |record| record.0);
    u64::try_from(latest).unwrap_or(0) + VERSION_STEP * records.len() as u64
}

/// A set of records.
struct Records<'a> {
    /// The earliest record of each change.
    changes: BTreeMap<ChangeId, &'a Recorded>,
    by_arrival: BTreeSet<(i64, ChangeId)>,
}

impl<'a> Records<'a> {
    fn new(records: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut set = Self {
            changes: BTreeMap::new(),
            by_arrival: BTreeSet::new(),
        };
        for record in records {
            set.by_arrival.insert((record.received_ns, record.change.id));
            let kept = set.changes.entry(record.change.id).or_insert(record);
            if record.received_ns < kept.received_ns {
                *kept = record;
            }
        }
        set
    }

    fn each(&self) -> impl Iterator<Item = &'a Change> {
        self.changes.values().map(|record| &record.change)
    }

    /// The place that stands, and the others.
    fn places(&self) -> (Option<Place>, Vec<Place>) {
        let creates = self.each().filter(|change| change.verb == Verb::Create);
        let named: Vec<_> = creates
            .filter_map(|change| {
                let place = Place {
                    start_ns: change.start_ns?,
                    trace: change.trace,
                };
                Some(((change.at_ns, change.id), place))
            })
            .collect();
        let first = named
            .iter()
            .min_by_key(|(stamp, _)| *stamp)
            .map(|(_, place)| *place);
        let all: BTreeSet<Place> = named.into_iter().map(|(_, place)| place).collect();
        let left = all.into_iter().filter(|place| Some(*place) != first).collect();
        (first, left)
    }

    fn fields(&self) -> BTreeMap<String, Value> {
        let mut latest: BTreeMap<&str, ((u8, i64, ChangeId), &Value)> = BTreeMap::new();
        for change in self.each() {
            let stamp = (change.verb.rank(), change.at_ns, change.id);
            for (name, value) in &change.fields {
                let standing = latest.entry(name).or_insert((stamp, value));
                if stamp > standing.0 {
                    *standing = (stamp, value);
                }
            }
        }
        latest
            .into_iter()
            .map(|(name, (_, value))| (name.to_owned(), value.clone()))
            .collect()
    }
}

#[cfg(test)]
#[path = "fold/tests.rs"]
mod tests;
