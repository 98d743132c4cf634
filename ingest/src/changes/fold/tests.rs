//! The fold's promises, over generated histories: order, repeats and batching change nothing.

use proptest::prelude::*;
use serde_json::json;

use super::super::change::Entity;
use super::*;

const TRACE: TraceId = TraceId::from_bytes([1; 16]);

fn record(id: u128, verb: Verb, at_ns: i64, received_ns: i64, fields: Value) -> Recorded {
    let is_create = verb == Verb::Create;
    Recorded {
        change: Change {
            id: ChangeId::from_u128(id),
            entity: Entity::Observation,
            key: "00f067aa0ba902b7".to_owned(),
            verb,
            at_ns,
            trace: is_create.then_some(TRACE),
            start_ns: is_create.then_some(at_ns),
            fields: serde_json::from_value(fields).unwrap(),
        },
        received_ns,
    }
}

fn of_trace(id: u128, verb: Verb, received_ns: i64) -> Recorded {
    let mut record = record(id, verb, received_ns, received_ns, json!({}));
    record.change.entity = Entity::Trace;
    record.change.trace = Some(TRACE);
    record
}

fn folded(records: &[Recorded]) -> Folded {
    fold(records, []).unwrap()
}

#[test]
fn an_update_or_a_completion_before_the_create_is_not_lost() {
    let records = [
        record(1, Verb::Complete, 10, 10, json!({"output": "Paris"})),
        record(2, Verb::Update, 11, 11, json!({"name": "renamed"})),
        record(
            3,
            Verb::Create,
            12,
            12,
            json!({"name": "call", "input": "capital?"}),
        ),
    ];
    assert_eq!(folded(&records[..2]).place, None);
    let whole = folded(&records);
    let fields = json!({"name": "renamed", "input": "capital?", "output": "Paris"});
    assert_eq!(serde_json::to_value(&whole.fields).unwrap(), fields);
    assert_eq!(whole.place.unwrap().start_ns, 12);
}

#[test]
fn a_create_that_is_sent_again_undoes_no_update_and_moves_nothing() {
    let create = record(1, Verb::Create, 10, 10, json!({"name": "call"}));
    let update = record(2, Verb::Update, 11, 11, json!({"name": "renamed"}));
    let again = record(3, Verb::Create, 12, 12, json!({"name": "call"}));
    let whole = folded(&[create, update, again]);
    assert_eq!(whole.text("name"), Some("renamed"));
    assert_eq!(whole.place.unwrap().start_ns, 10);
    let left: Vec<i64> = whole.left_places.iter().map(|place| place.start_ns).collect();
    assert_eq!(left, [12]);
}

#[test]
fn of_two_updates_the_later_one_by_the_callers_clock_stands() {
    let later = record(1, Verb::Update, 20, 30, json!({"level": "ERROR"}));
    let earlier = record(2, Verb::Update, 10, 40, json!({"level": "INFO"}));
    assert_eq!(folded(&[later, earlier]).text("level"), Some("ERROR"));
}

#[test]
fn a_request_that_says_it_is_the_same_counts_when_it_first_came() {
    let first = record(1, Verb::Update, 10, 10, json!({"name": "one"}));
    let second = record(2, Verb::Update, 20, 20, json!({"name": "two"}));
    let again = record(1, Verb::Update, 30, 30, json!({"name": "one"}));
    assert_eq!(folded(&[again, first, second]).text("name"), Some("two"));
}

#[test]
fn what_is_deleted_stays_deleted_and_so_do_a_traces_parts() {
    let create = record(1, Verb::Create, 10, 10, json!({}));
    let delete = record(2, Verb::Delete, 11, 11, json!({}));
    let again = record(3, Verb::Create, 12, 12, json!({}));
    assert!(folded(&[create.clone(), delete, again]).is_deleted);
    let (made, gone) = (of_trace(7, Verb::Create, 5), of_trace(8, Verb::Delete, 6));
    let with = |records: &[Recorded]| fold([&create], records).unwrap();
    assert_eq!(with(std::slice::from_ref(&made)), with(&[]));
    assert!(with(&[made, gone.clone()]).is_deleted);
    let mut elsewhere = gone;
    elsewhere.change.trace = Some(TraceId::from_bytes([9; 16]));
    assert!(!with(&[elsewhere]).is_deleted);
}

/// Few distinct times, ids and fields, so that ties and repeats are frequent.
fn any_record() -> impl Strategy<Value = Recorded> {
    let verb = prop_oneof![
        4 => Just(Verb::Create),
        4 => Just(Verb::Update),
        3 => Just(Verb::Complete),
        1 => Just(Verb::Delete),
    ];
    let fields = proptest::collection::btree_map("[a-d]", 0..5_u8, 0..4);
    (0..8_u128, verb, 0..6_i64, 0..6_i64, fields).prop_map(|(id, verb, at, received, fields)| {
        // One id is one change: what it says follows from its id, but for the time of arrival.
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name, json!(value)))
            .collect();
        record(
            id << 8 | (verb as u128) << 4 | u128::from(at.unsigned_abs()),
            verb,
            at,
            received,
            Value::Object(fields),
        )
    })
}

/// A set of records: one id always says the same.
fn any_set() -> impl Strategy<Value = Vec<Recorded>> {
    proptest::collection::vec(any_record(), 1..14).prop_map(|mut records| {
        let mut said: BTreeMap<ChangeId, Change> = BTreeMap::new();
        for record in &mut records {
            record.change = said
                .entry(record.change.id)
                .or_insert_with(|| record.change.clone())
                .clone();
        }
        records
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_and_repeats_change_nothing(
        (records, shuffled) in any_set().prop_flat_map(|records| {
            let repeated: Vec<_> = records.iter().chain(&records).cloned().collect();
            (Just(records), Just(repeated).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(folded(&records), folded(&shuffled));
    }

    #[test]
    fn a_fuller_set_has_a_greater_version(records in any_set(), more in any_record()) {
        let mut fuller = records.clone();
        let known = records.iter().any(|record| record.change.id == more.change.id);
        fuller.push(more);
        let (less, whole) = (folded(&records), folded(&fuller));
        prop_assume!(!known);
        prop_assert!(whole.version >= less.version + VERSION_STEP);
    }

    /// Whatever subsets are assembled on the way, by whichever order of ranges: of the rows written at each
    /// place the greatest version is the whole set's, and exactly one place lives.
    #[test]
    fn rows_converge_whatever_was_written_on_the_way(
        (records, order, cuts) in any_set().prop_flat_map(|records| {
            let count = records.len();
            (Just(records.clone()), Just(records).prop_shuffle(), proptest::collection::vec(0..=count, 0..4))
        }),
    ) {
        let mut table: BTreeMap<Place, (u64, Option<Folded>)> = BTreeMap::new();
        let mut ends = cuts;
        ends.push(order.len());
        ends.sort_unstable();
        // Outcomes over ever fuller sets, written in the opposite order: the table keeps the greatest version.
        for end in ends.into_iter().rev() {
            let Some(state) = fold(&order[..end], []) else { continue };
            for place in &state.left_places {
                let row = (state.version - 1, None);
                let standing = table.entry(*place).or_insert_with(|| row.clone());
                if row.0 > standing.0 { *standing = row; }
            }
            if let Some(place) = state.place {
                let row = (state.version, (!state.is_deleted).then(|| state.clone()));
                let standing = table.entry(place).or_insert_with(|| row.clone());
                if row.0 > standing.0 { *standing = row; }
            }
        }
        let whole = folded(&records);
        let alive: Vec<Folded> = table.into_values().filter_map(|(_, state)| state).collect();
        let expected: Vec<Folded> = (whole.place.is_some() && !whole.is_deleted).then_some(whole).into_iter().collect();
        prop_assert_eq!(alive, expected);
    }
}
