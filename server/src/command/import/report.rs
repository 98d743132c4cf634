//! What an import did, part by part.

use std::fmt;

/// What became of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It is missing from the result, and something has to be done about it.
    Missing,
    /// It is there in another form.
    Changed,
    /// Something has to be done outside of the file.
    Todo,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) fate: Fate,
    /// Where it stands in the source, such as `model_list[2].litellm_params.rpm`.
    pub(super) path: String,
    pub(super) words: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) lines: Vec<Line>,
    pub(super) providers: usize,
    pub(super) routes: usize,
}

impl Report {
    pub(super) fn missing(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.add(Fate::Missing, path, words);
    }

    pub(super) fn changed(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.add(Fate::Changed, path, words);
    }

    pub(super) fn todo(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.add(Fate::Todo, path, words);
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        self.lines.iter().all(|line| line.fate != Fate::Missing)
    }

    fn add(&mut self, fate: Fate, path: impl Into<String>, words: impl Into<String>) {
        let line = Line {
            fate,
            path: path.into(),
            words: words.into(),
        };
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "imported {} providers and {} routes",
            self.providers, self.routes
        )?;
        for (fate, title) in [
            (Fate::Missing, "not imported"),
            (Fate::Changed, "imported in another form"),
            (Fate::Todo, "to do"),
        ] {
            let lines: Vec<_> = self.lines.iter().filter(|line| line.fate == fate).collect();
            if lines.is_empty() {
                continue;
            }
            writeln!(formatter, "\n{title}:")?;
            for line in lines {
                writeln!(formatter, "  {}: {}", line.path, line.words)?;
            }
        }
        writeln!(formatter)
    }
}
