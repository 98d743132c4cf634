//! Storage that remembers tokens as ClickHouse does, and fails on demand; and an encoder whose rows are
//! easy to count.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{RecordBatch, UInt64Array};
use async_trait::async_trait;
use brokle_ingest::arrow::EncodeError;
use brokle_ingest::pipeline::RangeEncoder;
use brokle_ingest::pipeline::batch::{RangeRecord, TableBatch};
use brokle_storage::telemetry::{
    Insert, InsertError, QueryError, QueryOutput, SqlQuery, TelemetryReader, TelemetryWriter,
};

/// One row per request in `numbers`; those divisible by five also one in `fives`. The partition is the
/// number's parity. [`NumberEncoder::PANICS`] makes the encoder panic.
#[derive(Debug)]
pub(crate) struct NumberEncoder;

impl NumberEncoder {
    pub(crate) const PANICS: u64 = 0xdead;
}

impl RangeEncoder for NumberEncoder {
    fn encode(&self, records: &[RangeRecord<'_>]) -> Result<Vec<TableBatch>, EncodeError> {
        let mut rows: BTreeMap<(&'static str, u64), Vec<u64>> = BTreeMap::new();
        for record in records {
            let number = u64::from_le_bytes(record.body[..8].try_into().unwrap());
            assert_ne!(number, Self::PANICS, "a request that the decoder cannot take");
            rows.entry(("numbers", number % 2)).or_default().push(number);
            if number.is_multiple_of(5) {
                rows.entry(("fives", number % 2)).or_default().push(number);
            }
        }
        let batch = |((table, parity), numbers): ((&'static str, u64), Vec<u64>)| TableBatch {
            table,
            partition: parity.to_string(),
            rows: RecordBatch::try_from_iter([("number", Arc::new(UInt64Array::from(numbers)) as _)])
                .unwrap(),
        };
        Ok(rows.into_iter().map(batch).collect())
    }
}

#[derive(Debug, Default)]
struct State {
    rows: HashMap<&'static str, Vec<u64>>,
    /// What each token stood for.
    tokens: HashMap<String, Vec<u64>>,
    /// Tokens in the order in which they were first stored.
    order: Vec<String>,
    poison: HashSet<u64>,
    poisoned_table: Option<&'static str>,
    is_away: bool,
    loses_replies: bool,
    attempts: u64,
    repeats: u64,
}

/// The storage. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeStorage(Arc<Mutex<State>>);

impl FakeStorage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The rows of a table, sorted.
    pub(crate) fn rows(&self, table: &'static str) -> Vec<u64> {
        let mut rows = self.lock().rows.get(table).cloned().unwrap_or_default();
        rows.sort_unstable();
        rows
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// Stores, and answers that it is unavailable.
    pub(crate) fn lose_replies(&self, loses: bool) {
        self.lock().loses_replies = loses;
    }

    /// Refuses rows with these numbers, in one table or in all.
    pub(crate) fn refuse(&self, numbers: impl IntoIterator<Item = u64>, table: Option<&'static str>) {
        let mut state = self.lock();
        state.poison = numbers.into_iter().collect();
        state.poisoned_table = table;
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.lock().attempts
    }

    /// Inserts that were recognised by their token.
    pub(crate) fn repeats(&self) -> u64 {
        self.lock().repeats
    }

    /// Tokens in the order of their first insert.
    pub(crate) fn order(&self) -> Vec<String> {
        self.lock().order.clone()
    }
}

#[async_trait]
impl TelemetryWriter for FakeStorage {
    async fn insert(&self, insert: Insert) -> Result<(), InsertError> {
        let numbers = insert
            .rows
            .column(0)
            .as_primitive::<UInt64Type>()
            .values()
            .to_vec();
        let mut state = self.lock();
        state.attempts += 1;
        if state.is_away {
            return Err(InsertError::Unavailable {
                message: "connection refused".to_owned(),
            });
        }
        let is_poisoned = state.poisoned_table.is_none_or(|table| table == insert.table);
        if is_poisoned && numbers.iter().any(|number| state.poison.contains(number)) {
            let message = "cannot parse".to_owned();
            return Err(InsertError::Rejected {
                table: insert.table,
                code: 27,
                message,
            });
        }
        if let Some(before) = state.tokens.get(&insert.token) {
            assert_eq!(before, &numbers, "one token, two contents: {}", insert.token);
            state.repeats += 1;
        } else {
            state.tokens.insert(insert.token.clone(), numbers.clone());
            state.order.push(insert.token);
            state.rows.entry(insert.table).or_default().extend(numbers);
        }
        if state.loses_replies {
            return Err(InsertError::Unavailable {
                message: "connection reset".to_owned(),
            });
        }
        Ok(())
    }
}

/// Nothing is read back of numbers.
#[async_trait]
impl TelemetryReader for FakeStorage {
    async fn query(&self, _: SqlQuery) -> Result<QueryOutput, QueryError> {
        Ok(QueryOutput::default())
    }
}
