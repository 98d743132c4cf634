//! The books against what is stored: each call with each of its attempts, each exported span and log record.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context as _, Result};

use super::books::{Books, CALL_TAG, EXPORT_TAG, Promise};
use super::export::{Exported, ITEMS, Signal};
use super::hang_up::Moment;
use super::mix::{KINDS, Way};
use crate::faults::ledger::sql;

/// OTLP's numbers.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// Numbers of calls that are shown of each thing that is wrong.
const SHOWN: usize = 5;

/// Something that is counted, and the first few of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Found {
    pub(super) count: usize,
    pub(super) examples: Vec<String>,
}

impl Found {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < SHOWN {
            self.examples.push(example());
        }
    }
}

/// Calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) made: usize,
    /// A span was promised.
    pub(super) promised: usize,
    /// Refused before they were anybody's.
    pub(super) refused: usize,
    /// Nobody can say.
    pub(super) unknown: usize,
    /// Traces with exactly one span for the call.
    pub(super) stored: usize,
    pub(super) lost: Found,
    /// More than one span for the call.
    pub(super) twice: Found,
    /// A span, although nothing was promised.
    pub(super) uncalled: Found,
    /// The span has another status than the caller got.
    pub(super) other_status: Found,
    /// Spans that say that a target was passed over because its circuit was open.
    pub(super) passed_over: usize,
    /// Calls that were answered from the cache.
    pub(super) hits: usize,
}

/// Attempts at providers.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// By the providers.
    pub(super) seen: usize,
    /// Spans.
    pub(super) stored: usize,
    /// Seen by a provider, and no span.
    pub(super) lost: Found,
    pub(super) twice: Found,
    /// Calls whose span says another number of attempts than there are.
    pub(super) miscounted: Found,
    /// Spans of attempts that no provider has seen, by what went wrong with them.
    pub(super) unseen: BTreeMap<String, usize>,
}

/// What exporters sent.
#[derive(Debug, Default)]
pub(super) struct Exports {
    pub(super) acknowledged: usize,
    pub(super) stored: usize,
    pub(super) lost: Found,
    pub(super) twice: Found,
}

/// Calls that were left by their callers.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Cancelled {
    pub(super) calls: usize,
    /// The span says so.
    pub(super) said: usize,
    /// The attempt's tokens are an estimate.
    pub(super) estimated: usize,
    /// They cost something.
    pub(super) priced: usize,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Reconciled {
    pub(super) calls: Calls,
    pub(super) attempts: Attempts,
    pub(super) spans: Exports,
    pub(super) logs: Exports,
    pub(super) cancelled: Vec<(Moment, Cancelled)>,
}

/// What is stored of one call.
#[derive(Debug, Default, Clone)]
struct Stored {
    servers: usize,
    status: u16,
    outcome: String,
    attempts_said: usize,
    attempts: usize,
    estimated: bool,
    priced: bool,
}

/// Compares.
pub(super) async fn reconcile(books: &Books, exported: &Exported, url: &str) -> Result<Reconciled> {
    let rows = Rows::read(url).await?;
    let mut found = Reconciled {
        attempts: attempts(&rows, &books.seen()),
        ..Reconciled::default()
    };
    found.calls.passed_over = rows.passed_over;
    found.calls.hits = rows.hits;
    calls(&mut found, books, &rows.calls);
    let spans = format!(
        "SELECT {}, count(), uniqExact(span_id) FROM soak_spans WHERE {} GROUP BY trace_id",
        NUMBER,
        of_tag(EXPORT_TAG)
    );
    found.spans = exports(&exported.acknowledged(Signal::Spans), &sql(url, &spans).await?)?;
    let logs = format!("SELECT request, count(), {ITEMS} FROM soak_logs GROUP BY request");
    found.logs = exports(&exported.acknowledged(Signal::Logs), &sql(url, &logs).await?)?;
    Ok(found)
}

/// The number in a trace's id.
const NUMBER: &str = "reinterpretAsUInt64(reverse(substring(trace_id, 9, 8)))";

fn of_tag(tag: u64) -> String {
    format!("startsWith(trace_id, unhex('{tag:016x}'))")
}

/// The ledger of calls.
#[derive(Default)]
struct Rows {
    calls: HashMap<u64, Stored>,
    /// Attempts with what went wrong with them, as often as they are there.
    attempts: Vec<(u64, u64, String)>,
    passed_over: usize,
    hits: usize,
}

impl Rows {
    async fn read(url: &str) -> Result<Self> {
        let statement = format!(
            "SELECT {NUMBER}, kind, reinterpretAsUInt64(reverse(span_id)), status, outcome, attempts, is_hit, \
             passed_over, estimated, cost > 0, error FROM soak_spans WHERE {} FORMAT TSV",
            of_tag(CALL_TAG)
        );
        let mut rows = Self::default();
        for line in sql(url, &statement).await?.lines() {
            rows.add(line).with_context(|| format!("the row `{line}`"))?;
        }
        Ok(rows)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            call,
            kind,
            span,
            status,
            outcome,
            attempts,
            is_hit,
            passed_over,
            estimated,
            priced,
            error,
        ] = fields[..]
        else {
            anyhow::bail!("{} fields", fields.len());
        };
        let (call, kind): (u64, u8) = (call.parse()?, kind.parse()?);
        let is = |field: &str| field == "true" || field == "1";
        let stored = self.calls.entry(call).or_default();
        if kind == SERVER {
            stored.servers += 1;
            stored.status = status.parse()?;
            outcome.clone_into(&mut stored.outcome);
            stored.attempts_said = attempts.parse()?;
            self.passed_over += usize::from(is(passed_over));
            self.hits += usize::from(is(is_hit));
        } else if kind == CLIENT {
            stored.attempts += 1;
            stored.estimated |= is(estimated);
            stored.priced |= is(priced);
            self.attempts.push((call, span.parse()?, error.to_owned()));
        }
        Ok(())
    }
}

fn attempts(rows: &Rows, seen: &HashSet<(u64, u64)>) -> Attempts {
    let mut found = Attempts {
        seen: seen.len(),
        stored: rows.attempts.len(),
        ..Attempts::default()
    };
    let mut stored = HashSet::with_capacity(rows.attempts.len());
    for (call, span, error) in &rows.attempts {
        if !stored.insert((*call, *span)) {
            found.twice.add(|| format!("call {call}"));
        }
        if !seen.contains(&(*call, *span)) {
            *found.unseen.entry(error.clone()).or_default() += 1;
        }
    }
    for (call, span) in seen.difference(&stored) {
        found.lost.add(|| format!("call {call}, span {span:016x}"));
    }
    for (call, stored) in &rows.calls {
        if stored.attempts_said != stored.attempts {
            found.miscounted.add(|| format!("call {call}: {stored:?}"));
        }
    }
    found
}

fn calls(found: &mut Reconciled, books: &Books, stored: &HashMap<u64, Stored>) {
    let nothing = Stored::default();
    let mut cancelled: BTreeMap<Moment, Cancelled> = BTreeMap::new();
    let calls = &mut found.calls;
    for (number, entry) in (1_u64..).zip(books.calls()) {
        let kind = &KINDS[entry.kind];
        let row = stored.get(&number).unwrap_or(&nothing);
        let named = || format!("call {number} ({})", kind.name);
        calls.made += 1;
        match entry.promise {
            Promise::Kept => {
                calls.promised += 1;
                if row.servers == 0 {
                    calls.lost.add(named);
                }
            }
            Promise::Nothing => {
                calls.refused += 1;
                if row.servers > 0 {
                    calls.uncalled.add(named);
                }
            }
            Promise::Unknown | Promise::Open => calls.unknown += 1,
        }
        calls.stored += usize::from(row.servers == 1);
        if row.servers > 1 {
            calls.twice.add(named);
        }
        let is_comparable = entry.promise == Promise::Kept && row.servers > 0 && !kind.streams();
        let was_left = entry.status == 499;
        if (is_comparable || was_left) && row.status != entry.status {
            calls
                .other_status
                .add(|| format!("{}: {} and not {}", named(), row.status, entry.status));
        }
        if let (Way::HangUp(moment), true) = (kind.way, was_left) {
            let counted = cancelled.entry(moment).or_default();
            counted.calls += 1;
            counted.said += usize::from(row.outcome == "cancelled");
            counted.estimated += usize::from(row.estimated);
            counted.priced += usize::from(row.priced);
        }
    }
    found.cancelled = cancelled.into_iter().collect();
}

/// Lines of a request's number, its rows, and how many different ones there are.
fn exports(acknowledged: &[u64], lines: &str) -> Result<Exports> {
    let mut rows: HashMap<u64, (usize, usize)> = HashMap::new();
    for line in lines.lines() {
        let fields: Vec<usize> = line
            .split('\t')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("the row `{line}`"))?;
        let [number, count, different] = fields[..] else {
            anyhow::bail!("the row `{line}`");
        };
        rows.insert(number as u64, (count, different));
    }
    let items = usize::try_from(ITEMS)?;
    let mut found = Exports {
        acknowledged: acknowledged.len() * items,
        ..Exports::default()
    };
    for number in acknowledged {
        let (count, different) = rows.get(number).copied().unwrap_or_default();
        found.stored += different.min(count);
        if count.min(different) < items {
            found.lost.add(|| format!("request {number}: {count} of {items}"));
        }
    }
    // Those that were not acknowledged may be there, but no more than once.
    for (number, (count, different)) in &rows {
        if count > different || *count > items {
            found.twice.add(|| format!("request {number}: {count} rows"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_or_there_twice_is_found() {
        let found = exports(&[1, 2, 3], "1\t10\t10\n2\t9\t9\n3\t20\t10\n4\t10\t10\n").unwrap();
        assert_eq!(
            (
                found.acknowledged,
                found.stored,
                found.lost.count,
                found.twice.count
            ),
            (30, 29, 1, 1)
        );

        let books = Books::default();
        for promise in [Promise::Kept, Promise::Kept, Promise::Nothing, Promise::Kept] {
            let number = books.open(0);
            books.close(number, promise, 200);
        }
        let mut rows = Rows::default();
        for line in [
            "1\t2\t7\t200\tanswered\t1\tfalse\tfalse\tfalse\t0\t",
            "1\t3\t8\t200\tanswered\t0\tfalse\tfalse\tfalse\t1\t",
            "3\t2\t9\t200\tanswered\t0\tfalse\tfalse\tfalse\t0\t",
            "4\t2\t5\t502\tfailed\t2\tfalse\ttrue\tfalse\t0\tconnect",
            "4\t2\t5\t502\tfailed\t2\tfalse\ttrue\tfalse\t0\tconnect",
            "4\t3\t6\t0\tfailed\t0\tfalse\tfalse\tfalse\t0\tconnect",
        ] {
            rows.add(line).unwrap();
        }
        let attempts = attempts(&rows, &HashSet::from([(1, 8), (2, 4)]));
        assert_eq!((attempts.lost.count, attempts.miscounted.count), (1, 1));
        assert_eq!(attempts.unseen, BTreeMap::from([("connect".to_owned(), 1)]));
        let mut found = Reconciled::default();
        calls(&mut found, &books, &rows.calls);
        let calls = &found.calls;
        assert_eq!((calls.promised, calls.lost.count, calls.twice.count), (3, 1, 1));
        assert_eq!((calls.uncalled.count, calls.other_status.count), (1, 1));
    }
}
