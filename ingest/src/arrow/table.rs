//! The rows of one table in the making, apart by calendar month: storage partitions by month, and an insert has
//! one partition.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::EncodeError;
use super::time::Months;
use crate::normalize::AttributeMap;
use crate::pipeline::batch::TableBatch;

/// Months that one range may touch. Each is an insert of its own, so that a sender with a broken clock must
/// not cause thousands; rows of yet another month go to the month in which they arrived.
const MONTHS_MAX: usize = 100;
/// A batch that has reached one of these is sealed and another begun.
const BATCH_ROWS_MAX: usize = 1_000_000;
const BATCH_BYTES_MAX: usize = 256 << 20;

/// Rows in the making.
pub(super) trait TableRows<'m>: Sized {
    /// None yet.
    fn new(map: &'m AttributeMap) -> Self;
    /// How many rows there are.
    fn len(&self) -> usize;
    /// How many bytes of items went into them.
    fn bytes(&self) -> usize;
    /// The batch.
    fn finish(self) -> Result<RecordBatch, ArrowError>;
}

/// The batches of one month.
struct Partition<R> {
    month: u32,
    rows: R,
    sealed: usize,
}

/// The rows of one table.
pub(super) struct Table<'m, R> {
    name: &'static str,
    map: &'m AttributeMap,
    months: Months,
    partitions: Vec<Partition<R>>,
    /// The partition of the last row, where the next one most likely belongs too.
    current: usize,
    batches: Vec<(u32, usize, TableBatch)>,
}

impl<'m, R: TableRows<'m>> Table<'m, R> {
    pub(super) fn new(name: &'static str, map: &'m AttributeMap) -> Self {
        Self {
            name,
            map,
            months: Months::default(),
            partitions: Vec::new(),
            current: 0,
            batches: Vec::new(),
        }
    }

    /// Whether rows of this time find a place: there is room for their month.
    pub(super) fn has_room(&mut self, nanos: i64) -> bool {
        let month = self.months.of(nanos);
        self.select(month) || self.partitions.len() < MONTHS_MAX
    }

    /// Adds a row at a time. Of months beyond the most, only that in which they arrived is asked for.
    pub(super) fn push(&mut self, nanos: i64, write: impl FnOnce(&mut R)) -> Result<(), EncodeError> {
        let month = self.months.of(nanos);
        if !self.select(month) {
            self.partitions.push(Partition {
                month,
                rows: R::new(self.map),
                sealed: 0,
            });
            self.current = self.partitions.len() - 1;
        }
        let Some(partition) = self.partitions.get_mut(self.current) else {
            return Ok(());
        };
        write(&mut partition.rows);
        if partition.rows.len() >= BATCH_ROWS_MAX || partition.rows.bytes() >= BATCH_BYTES_MAX {
            let full = std::mem::replace(&mut partition.rows, R::new(self.map));
            self.batches
                .push(batch(self.name, month, partition.sealed, full)?);
            partition.sealed += 1;
        }
        Ok(())
    }

    /// Makes the partition of `month` the current one, if there is one.
    fn select(&mut self, month: u32) -> bool {
        if self
            .partitions
            .get(self.current)
            .is_some_and(|partition| partition.month == month)
        {
            return true;
        }
        let found = self
            .partitions
            .iter()
            .position(|partition| partition.month == month);
        self.current = found.unwrap_or(self.current);
        found.is_some()
    }

    /// The batches, months in ascending order, rows in the order in which they came.
    pub(super) fn finish(mut self, out: &mut Vec<TableBatch>) -> Result<(), EncodeError> {
        for partition in self.partitions {
            if partition.rows.len() > 0 {
                let (month, sealed) = (partition.month, partition.sealed);
                self.batches
                    .push(batch(self.name, month, sealed, partition.rows)?);
            }
        }
        self.batches
            .sort_by_key(|(month, sequence, _)| (*month, *sequence));
        out.extend(self.batches.into_iter().map(|(_, _, batch)| batch));
        Ok(())
    }
}

fn batch<'m, R: TableRows<'m>>(
    table: &'static str,
    month: u32,
    sequence: usize,
    rows: R,
) -> Result<(u32, usize, TableBatch), EncodeError> {
    let rows = rows
        .finish()
        .map_err(|source| EncodeError::Columns { table, source })?;
    let partition = if sequence == 0 {
        month.to_string()
    } else {
        format!("{month}.{sequence}")
    };
    Ok((
        month,
        sequence,
        TableBatch {
            table,
            partition,
            rows,
        },
    ))
}
