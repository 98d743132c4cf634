//! Reads the compiled-in price table. A line is a source, a provider (no tab), or one of its models:
//!
//! ```text
//! #brokle-prices 1
//! #source litellm 1.109.1 2026-11-22 MIT
//! @openai
//! gpt-4o<TAB>source's number<TAB>valid from, or nothing<TAB>prices
//! ```
//!
//! Many resellers ask the same: equal prices are read once and shared.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::sheet::Sheet;
use super::{ModelPrice, PriceBook, PriceEntry};

const FIRST_LINE: &str = "#brokle-prices 1";

/// A text that is no price table.
#[derive(Debug, thiserror::Error)]
pub enum PriceTableError {
    /// Of another version, or something else altogether.
    #[error("this is no price table of version 1")]
    Version,
    /// A line that is not of the documented form.
    #[error("line {0} of the price table cannot be read")]
    Malformed(usize),
}

pub(super) fn read(table: &str) -> Result<PriceBook, PriceTableError> {
    let mut lines = table.lines().zip(1..);
    if lines.next().is_none_or(|(line, _)| line != FIRST_LINE) {
        return Err(PriceTableError::Version);
    }
    let mut reader = Reader {
        free: Sheet::parse("i0"),
        ..Reader::default()
    };
    for (line, number) in lines {
        reader.read(line).ok_or(PriceTableError::Malformed(number))?;
    }
    Ok(reader.finish())
}

#[derive(Default)]
struct Reader<'t> {
    book: PriceBook,
    versions: Vec<Arc<str>>,
    sheets: HashMap<&'t str, Arc<Sheet>>,
    provider: &'t str,
    free: Option<Sheet>,
}

impl<'t> Reader<'t> {
    fn read(&mut self, line: &'t str) -> Option<()> {
        if let Some(source) = line.strip_prefix("#source ") {
            let (version, _licence) = source.rsplit_once(' ')?;
            self.versions.push(version.into());
            return Some(());
        }
        let mut fields = line.split('\t');
        let model = fields.next()?;
        let Some(source) = fields.next() else {
            self.provider = model.strip_prefix('@')?;
            return Some(());
        };
        let version = self.versions.get(source.parse::<usize>().ok()?)?;
        let from_ns = match fields.next()? {
            "" => i64::MIN,
            date => midnight(date)?,
        };
        let line = fields.next()?;
        let sheet = match self.sheets.get(line) {
            Some(sheet) => Arc::clone(sheet),
            None => Arc::clone(self.sheets.entry(line).or_insert(Arc::new(Sheet::parse(line)?))),
        };
        let entry = PriceEntry {
            from_ns,
            sheet,
            version: Arc::clone(version),
        };
        self.book.insert(self.provider, model, entry);
        Some(())
    }

    fn finish(mut self) -> PriceBook {
        self.book.free = self.free.map(|sheet| {
            let entry = PriceEntry {
                from_ns: i64::MIN,
                sheet: Arc::new(sheet),
                version: "free by name".into(),
            };
            ModelPrice {
                entries: Box::new([entry]),
            }
        });
        self.book
    }
}

/// Nanoseconds from 1970 to the beginning of a day in UTC.
pub(super) fn midnight(date: &str) -> Option<i64> {
    let day: NaiveDate = date.parse().ok()?;
    day.and_time(chrono::NaiveTime::MIN)
        .and_utc()
        .timestamp_nanos_opt()
}
