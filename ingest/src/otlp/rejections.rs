//! What of a request was refused while the rest was taken, and how the sender is told.

use brokle_model::telemetry::Signal;

use super::fault::Fault;

/// The items of a request that were refused, by reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejections {
    signal: Signal,
    counts: [u32; Fault::ALL.len()],
    first: Option<(u32, Fault)>,
}

impl Rejections {
    /// None yet, of a request of `signal`.
    pub const fn none(signal: Signal) -> Self {
        Self {
            signal,
            counts: [0; Fault::ALL.len()],
            first: None,
        }
    }

    /// What kind of items they are.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// How many items were refused.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Each reason that occurred, with its number of items.
    pub fn reasons(&self) -> impl Iterator<Item = (Fault, u32)> + '_ {
        Fault::ALL
            .into_iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }

    /// A sentence for the sender.
    pub fn message(&self) -> String {
        let reasons: Vec<String> = self
            .reasons()
            .map(|(fault, count)| format!("{count} because {fault}"))
            .collect();
        let first = self.first.map_or(0, |(index, _)| index);
        let (one, many) = match self.signal {
            Signal::Traces => ("span", "spans"),
            Signal::Logs => ("log record", "log records"),
            Signal::Metrics => ("data point", "data points"),
            Signal::Changes => ("change", "changes"),
        };
        format!(
            "{} {many} rejected: {}; the first is {one} {first} of the request",
            self.total(),
            reasons.join(", ")
        )
    }

    /// Counts the item at `index`.
    pub(super) fn add(&mut self, index: u32, fault: Fault) {
        self.counts[fault as usize] += 1;
        self.first.get_or_insert((index, fault));
    }
}
