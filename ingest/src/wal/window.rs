//! The window of what was acknowledged lately, by content. A sender whose time ran out sends the same bytes
//! again although we have them: it is told so, and nothing is stored twice. Bounded by count and by age;
//! rebuilt at the start from what the log still holds. Beyond it, the tables' keys make a resend harmless.
//!
//! The hash is XXH3 with 128 bits under a seed of the process's own: chance will not make two requests equal,
//! and nobody can prepare a request that stands for another tenant's.
//!
//! Deliberately absent: a copy on disk (the log is one), and any look at the content: two requests of one
//! project that are equal byte for byte, ids and times included, are one.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use brokle_model::id::ProjectId;
use brokle_model::telemetry::Signal;
use twox_hash::XxHash3_128;

/// Contents that are remembered even when resends are not looked for: the dead letters' replay asks at a
/// start which of them had been accepted just before the end.
const REMEMBERED_MIN: usize = 4_096;

/// What a request is: project, signal, environment and body, in 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Content(u128);

/// Makes [`Content`]s that can be compared within one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentHasher {
    seed: u64,
}

impl ContentHasher {
    pub(crate) fn new() -> Self {
        Self { seed: rand::random() }
    }

    pub(crate) fn content(
        self,
        project: ProjectId,
        signal: Signal,
        environment: &str,
        body: &[u8],
    ) -> Content {
        self.of_parts(project.as_u128(), signal as u8, environment.as_bytes(), body)
    }

    /// The same, of what a record on disk holds.
    pub(crate) fn of_parts(self, project: u128, signal: u8, environment: &[u8], body: &[u8]) -> Content {
        let mut owner = [0; 17 + u8::MAX as usize];
        let length = environment.len().min(usize::from(u8::MAX));
        owner[..16].copy_from_slice(&project.to_le_bytes());
        owner[16] = signal;
        owner[17..17 + length].copy_from_slice(&environment[..length]);
        let owner = XxHash3_128::oneshot_with_seed(self.seed, &owner[..17 + length]);
        let body = XxHash3_128::oneshot_with_seed(self.seed, body);
        Content(owner.rotate_left(1) ^ body)
    }
}

/// The window.
pub(crate) struct ResendWindow {
    hasher: ContentHasher,
    /// Whether resends are looked for at all.
    answers: bool,
    requests_max: usize,
    age_max_ns: i64,
    by_content: HashMap<Content, u64, BuildHasherDefault<FirstBytes>>,
    /// Oldest first: content, sequence number, and when it was accepted.
    order: VecDeque<(Content, u64, i64)>,
}

impl ResendWindow {
    pub(crate) fn new(hasher: ContentHasher, requests_max: usize, age_max: Duration) -> Self {
        Self {
            hasher,
            answers: requests_max > 0,
            requests_max: requests_max.max(REMEMBERED_MIN),
            age_max_ns: i64::try_from(age_max.as_nanos()).unwrap_or(i64::MAX),
            by_content: HashMap::default(),
            order: VecDeque::new(),
        }
    }

    pub(crate) fn hasher(&self) -> ContentHasher {
        self.hasher
    }

    /// Remembers a request.
    pub(crate) fn note(&mut self, content: Content, sequence: u64, received_ns: i64) {
        while self.order.len() >= self.requests_max {
            self.drop_oldest();
        }
        self.by_content.insert(content, sequence);
        self.order.push_back((content, sequence, received_ns));
    }

    /// The sequence number under which an equal request was accepted, not too long before `now_ns`.
    pub(crate) fn find_recent(&mut self, content: Content, now_ns: i64) -> Option<u64> {
        if !self.answers {
            return None;
        }
        let age_max_ns = self.age_max_ns;
        let is_old = |entry: &(Content, u64, i64)| now_ns.saturating_sub(entry.2) > age_max_ns;
        while self.order.len() > REMEMBERED_MIN && self.order.front().is_some_and(is_old) {
            self.drop_oldest();
        }
        let sequence = self.find(content)?;
        // The few that are kept beyond their age are near the front.
        let mut old = self.order.iter().take_while(|entry| is_old(entry));
        let expired = old.any(|entry| entry.1 == sequence);
        (!expired).then_some(sequence)
    }

    /// The latest sequence number of an equal request, however old.
    pub(crate) fn find(&self, content: Content) -> Option<u64> {
        self.by_content.get(&content).copied()
    }

    /// Takes back a note: the request could not be written.
    pub(crate) fn forget(&mut self, content: Content, sequence: u64) {
        if self.by_content.get(&content) == Some(&sequence) {
            self.by_content.remove(&content);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((content, sequence, _)) = self.order.pop_front() {
            self.forget(content, sequence);
        }
    }
}

/// Contents are hashes already.
#[derive(Debug, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, number: u128) {
        let bytes = number.to_le_bytes();
        self.write(&bytes[..8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(hasher: ContentHasher, body: u64) -> Content {
        hasher.content(ProjectId::from_u128(1), Signal::Traces, "", &body.to_le_bytes())
    }

    #[test]
    fn everything_that_makes_a_request_its_own_counts() {
        let hasher = ContentHasher::new();
        let of = |project, signal, environment, body: &[u8]| {
            hasher.content(ProjectId::from_u128(project), signal, environment, body)
        };
        let one = of(1, Signal::Traces, "a", b"body");
        assert_eq!(one, of(1, Signal::Traces, "a", b"body"));
        for other in [
            of(2, Signal::Traces, "a", b"body"),
            of(1, Signal::Logs, "a", b"body"),
            of(1, Signal::Traces, "", b"abody"),
            of(1, Signal::Traces, "a", b"bodx"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_window_forgets_by_count_and_by_age() {
        let hasher = ContentHasher::new();
        let count = REMEMBERED_MIN as u64 + 10;
        let mut window = ResendWindow::new(hasher, REMEMBERED_MIN + 5, Duration::from_nanos(100));
        for number in 0..count {
            window.note(content(hasher, number), number, 0);
        }
        assert_eq!(window.order.len(), REMEMBERED_MIN + 5);
        assert_eq!(window.by_content.len(), REMEMBERED_MIN + 5);
        assert_eq!(window.find_recent(content(hasher, 4), 100), None);
        assert_eq!(window.find_recent(content(hasher, 5), 100), Some(5));
        assert_eq!(
            window.find_recent(content(hasher, count - 1), 101),
            None,
            "too old"
        );
        assert_eq!(
            window.find(content(hasher, count - 1)),
            Some(count - 1),
            "not forgotten"
        );
        window.note(content(hasher, 7), 50_000, 101);
        assert_eq!(window.find_recent(content(hasher, 7), 102), Some(50_000));
    }

    #[test]
    fn a_window_of_no_requests_answers_nothing() {
        let hasher = ContentHasher::new();
        let mut window = ResendWindow::new(hasher, 0, Duration::from_mins(1));
        window.note(content(hasher, 1), 1, 0);
        assert_eq!(window.find_recent(content(hasher, 1), 0), None);
        assert_eq!(window.find(content(hasher, 1)), Some(1));
    }
}
