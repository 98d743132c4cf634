//! Counts tokens where no provider does: for `count_tokens` of models that have no such call, and for answers
//! that broke off before their usage came.
//!
//! `OpenAI`'s models are counted exactly, by their own vocabularies. Every other model is estimated by the newest
//! of them: vocabularies of that size differ by some percent in English text, more in others, and nobody but the
//! vendors has theirs. [`Method`] says which it was. A vocabulary is unpacked when it is first asked for, which
//! takes some tens of milliseconds and megabytes, and a long text takes as much: count by way of [`apart`].
//! Deliberately absent: pictures, sounds and documents, which each vendor counts by rules of its own.

use std::sync::LazyLock;

use bpe_openai::Tokenizer;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// How a count was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// By the model's own vocabulary.
    Exact(Encoding),
    /// By another one.
    Estimate,
}

/// A vocabulary of `OpenAI`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Since `gpt-4o`.
    O200k,
    /// Before it, and of the embeddings.
    Cl100k,
}

impl Method {
    /// The word for a header.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Exact(Encoding::O200k) => "o200k_base",
            Self::Exact(Encoding::Cl100k) => "cl100k_base",
            Self::Estimate => "estimate",
        }
    }

    fn tokenizer(self) -> &'static Tokenizer {
        match self {
            Self::Exact(Encoding::Cl100k) => bpe_openai::cl100k_base(),
            Self::Exact(Encoding::O200k) | Self::Estimate => bpe_openai::o200k_base(),
        }
    }
}

/// Beginnings of the names of models whose vocabulary is public.
const NEWER: [&str; 9] = [
    "gpt-4o", "chatgpt-", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "o1", "o3", "o4",
];
const OLDER: [&str; 3] = ["gpt-4", "gpt-3.5", "text-embedding-"];

/// How tokens of `model` are counted. The name may have its maker before it, as `openai/gpt-4o`, or say that
/// it was tuned.
pub(crate) fn method(model: &str) -> Method {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.strip_prefix("openai.").unwrap_or(name);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    if NEWER.iter().any(|start| name.starts_with(start)) {
        Method::Exact(Encoding::O200k)
    } else if OLDER.iter().any(|start| name.starts_with(start)) {
        Method::Exact(Encoding::Cl100k)
    } else {
        Method::Estimate
    }
}

/// How many tokens `text` is to `model`.
pub(crate) fn count(text: &str, model: &str) -> u64 {
    method(model).tokenizer().count(text) as u64
}

/// The turns of those who wait for their count, and of calls that have ended, which may wait longer.
pub(crate) static CALLERS: LazyLock<Semaphore> = LazyLock::new(turns);
pub(crate) static ENDED_CALLS: LazyLock<Semaphore> = LazyLock::new(turns);

/// One count for each processor, since each takes one and keeps what it needs of memory for the next.
fn turns() -> Semaphore {
    Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))
}

/// Does some counting on a thread that may take its time, when its turn comes.
pub(crate) async fn apart<T: Send + 'static>(
    turns: &'static Semaphore,
    counting: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    // The semaphore is never closed.
    let turn = turns.acquire().await;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        counting()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_counted_by_their_own_vocabulary_where_it_is_public() {
        for (model, expected) in [
            ("gpt-4o-mini", "o200k_base"),
            ("openai/gpt-5.1", "o200k_base"),
            ("openai.gpt-oss-120b-1:0", "o200k_base"),
            ("ft:gpt-4o:me", "o200k_base"),
            ("o3-mini", "o200k_base"),
            ("gpt-4-turbo", "cl100k_base"),
            ("gpt-3.5-turbo", "cl100k_base"),
            ("claude-opus-4-6", "estimate"),
            ("gemini-3-pro", "estimate"),
        ] {
            assert_eq!(method(model).as_str(), expected, "{model}");
        }
    }

    /// The figures are those of the tables that `OpenAI` publishes with its tokenizer.
    #[test]
    fn counts_are_those_of_the_published_vocabularies() {
        for (text, older, newer) in [
            ("", 0, 0),
            ("hello world", 2, 2),
            ("antidisestablishmentarianism", 6, 6),
            ("2 + 2 = 4", 7, 7),
            ("お誕生日おめでとう", 9, 8),
        ] {
            assert_eq!(count(text, "gpt-4"), older, "{text}");
            assert_eq!(count(text, "gpt-4o"), newer, "{text}");
            assert_eq!(count(text, "claude-x"), newer, "{text}");
        }
    }

    /// Texts without spaces are what quadratic tokenizers choke on.
    #[test]
    fn a_megabyte_without_a_space_is_counted_in_time() {
        let text = "ab".repeat(1 << 19);
        let started = std::time::Instant::now();
        assert!(count(&text, "gpt-4o") > 1000);
        assert!(started.elapsed().as_secs() < 20);
    }
}
