//! `brokle dead-letters`. Reads the folder of dead letters directly, beside a running server or without one;
//! only sending them again needs the log, and that is the server's while it runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use brokle_ingest::otlp::view::{ExportView, ResourceGroupView, ScopeGroupView};
use brokle_ingest::pipeline::dead_letter::{DeadLetter, DeadLetters};
use brokle_ingest::pipeline::replay::{Replayed, replay_offline};
use brokle_model::clock::SystemClock;
use brokle_model::telemetry::{Signal, Submission};
use serde_json::{Value, json};

use super::print;
use crate::app::ingest_config;
use crate::backends::DataDirLock;
use crate::cli::{DeadLettersVerb, LetterChoice, LetterFilter};
use crate::config::LoadedConfig;

const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// Spans named by `show`.
const SPANS_SHOWN_MAX: usize = 20;

pub(crate) async fn run(loaded: LoadedConfig, verb: DeadLettersVerb) -> anyhow::Result<ExitCode> {
    crate::logging::start(&crate::config::LogConfig {
        filter: "warn".into(),
        ..loaded.config.log.clone()
    })?;
    let Some(folder) = open(&loaded)? else {
        let data = loaded.config.storage.data_dir.display();
        writeln!(
            std::io::stderr(),
            "there is no data directory {data}, and so no dead letter"
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    match verb {
        DeadLettersVerb::List { filter, json } => print(&list(&chosen(&folder, &filter)?, json)),
        DeadLettersVerb::Show { name, json, body } => show(&folder, &name, json, body.as_deref()),
        DeadLettersVerb::Replay {
            choice,
            timeout,
            json,
        } => {
            let names = names(&folder, &choice)?;
            replay(&loaded, folder, &names, Duration::from_secs(timeout), json).await
        }
        DeadLettersVerb::Drop { choice, yes, json } => {
            drop_letters(&folder, &names(&folder, &choice)?, yes, json)
        }
    }
}

/// The folder; `None` where no server has ever run.
fn open(loaded: &LoadedConfig) -> anyhow::Result<Option<DeadLetters>> {
    let config = ingest_config(loaded)?;
    if !loaded.config.storage.data_dir.is_dir() {
        return Ok(None);
    }
    let directory = &config.dead_letter_directory;
    let folder = DeadLetters::open(directory, config.dead_letter_bytes_max);
    folder
        .map(Some)
        .with_context(|| format!("opening {}", directory.display()))
}

fn chosen(folder: &DeadLetters, filter: &LetterFilter) -> anyhow::Result<Vec<DeadLetter>> {
    if let Some(signal) = filter.signal.as_deref()
        && Signal::from_name(signal).is_none()
    {
        let known: Vec<&str> = Signal::ALL.iter().map(|signal| signal.as_str()).collect();
        bail!("--signal {signal} is none of {}", known.join(", "));
    }
    let mut letters = folder.list().context("reading the folder of dead letters")?;
    letters.retain(|letter| {
        filter.project.is_none_or(|project| letter.project_id == project)
            && filter
                .signal
                .as_ref()
                .is_none_or(|signal| letter.signal == *signal)
    });
    Ok(letters)
}

fn names(folder: &DeadLetters, choice: &LetterChoice) -> anyhow::Result<Vec<String>> {
    let letters = chosen(folder, &choice.filter)?;
    if choice.names.is_empty() {
        return Ok(letters.into_iter().map(|letter| letter.name).collect());
    }
    for name in &choice.names {
        if !letters.iter().any(|letter| letter.name == *name) {
            bail!("there is no dead letter {name}; `brokle dead-letters list` names those that there are");
        }
    }
    Ok(choice.names.clone())
}

fn list(letters: &[DeadLetter], json: bool) -> String {
    let mut text = String::new();
    if json {
        for letter in letters {
            let _ = writeln!(text, "{}", json!(letter));
        }
        return text;
    }
    for letter in letters {
        let _ = writeln!(
            text,
            "{}\n  {} of project {}, {} items, accepted {}\n  {}",
            letter.name, letter.signal, letter.project_id, letter.items, letter.received_at, letter.reason
        );
    }
    let items: u64 = letters.iter().map(|letter| u64::from(letter.items)).sum();
    let _ = match letters.len() {
        0 => writeln!(text, "no dead letters"),
        count => writeln!(text, "{count} dead letters, {items} items"),
    };
    text
}

fn show(folder: &DeadLetters, name: &str, json: bool, body: Option<&Path>) -> anyhow::Result<ExitCode> {
    let letter = folder.get(name).context("reading the letter")?.with_context(|| {
        format!("there is no dead letter {name}; `brokle dead-letters list` names those that there are")
    })?;
    let submission = folder.load(&letter).context("reading the letter's request")?;
    if let Some(path) = body {
        std::fs::write(path, &submission.body).with_context(|| format!("writing {}", path.display()))?;
    }
    let spans = spans(&submission);
    if json {
        let mut value = json!(letter);
        value["body_bytes"] = submission.body.len().into();
        value["spans"] = spans.into();
        return print(&format!("{value}\n"));
    }
    let mut text = format!(
        "name         {}\nproject      {}\nenvironment  {}\nsignal       {}\naccepted     {}\nitems        {}\n\
         bytes        {}\nreason       {}\n",
        letter.name,
        letter.project_id,
        letter.environment,
        letter.signal,
        letter.received_at,
        letter.items,
        submission.body.len(),
        letter.reason
    );
    for span in &spans {
        let word = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "span         {} {} {}",
            word("trace_id"),
            word("span_id"),
            word("name")
        );
    }
    print(&text)
}

/// The first spans of a trace request.
fn spans(submission: &Submission) -> Vec<Value> {
    if submission.signal != Signal::Traces {
        return Vec::new();
    }
    ExportView::new(&submission.body)
        .resources()
        .flat_map(ResourceGroupView::scopes)
        .flat_map(ScopeGroupView::spans)
        .take(SPANS_SHOWN_MAX)
        .map(|span| {
            json!({
                "trace_id": hex::encode(span.trace_id),
                "span_id": hex::encode(span.span_id),
                "name": span.name.as_str(),
            })
        })
        .collect()
}

fn drop_letters(folder: &DeadLetters, names: &[String], yes: bool, json: bool) -> anyhow::Result<ExitCode> {
    let warning = format!("This removes {} dead letters for good.", names.len());
    if !names.is_empty() && !yes && !super::confirmed(&warning)? {
        bail!("nothing was done");
    }
    for name in names {
        folder.unmark(name)?;
        if let Some(letter) = folder.get(name)? {
            folder
                .remove(&letter)
                .with_context(|| format!("removing {name}"))?;
        }
    }
    print(&if json {
        format!("{}\n", json!({"dropped": names.len()}))
    } else {
        format!("{} dead letters removed\n", names.len())
    })
}

/// What became of the letters of one `replay`.
#[derive(Default)]
struct Outcome {
    taken: usize,
    had_been_taken: usize,
    failed: BTreeMap<String, String>,
    /// Still with the server when the time was up.
    waiting: usize,
    /// Whether a server does, or did, the work.
    by_server: bool,
}

async fn replay(
    loaded: &LoadedConfig,
    folder: DeadLetters,
    names: &[String],
    timeout: Duration,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let outcome = match DataDirLock::acquire(&loaded.config.storage.data_dir) {
        Ok(_lock) => without_server(loaded, folder, names).await?,
        Err(_) => with_server(&folder, names, timeout).await?,
    };
    print(&render(&outcome, json))?;
    Ok(if outcome.failed.is_empty() && outcome.waiting == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn without_server(
    loaded: &LoadedConfig,
    folder: DeadLetters,
    names: &[String],
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut progress = Progress::new(names.len());
    let config = ingest_config(loaded)?;
    let clock = Arc::new(SystemClock);
    let done = replay_offline(&config, folder, names, clock, |name, replayed| {
        match replayed {
            Ok(Replayed::Taken) => outcome.taken += 1,
            Ok(Replayed::HadBeenTaken | Replayed::Gone) => outcome.had_been_taken += 1,
            Err(error) => {
                outcome.failed.insert(name.to_owned(), error.to_string());
            }
        }
        progress.one();
    });
    done.await.context("sending dead letters again")?;
    Ok(outcome)
}

/// Leaves marks, and watches the server take them away.
async fn with_server(folder: &DeadLetters, names: &[String], timeout: Duration) -> anyhow::Result<Outcome> {
    for name in names {
        folder.mark(name).context("leaving marks for the server")?;
    }
    let mut outcome = Outcome {
        by_server: true,
        ..Outcome::default()
    };
    let mut progress = Progress::new(names.len());
    let deadline = Instant::now() + timeout;
    loop {
        let marks: BTreeMap<String, Option<String>> = folder.marks()?.into_iter().collect();
        let failed = |name: &&String| {
            marks
                .get(*name)
                .cloned()
                .flatten()
                .map(|why| ((*name).clone(), why))
        };
        outcome.failed = names.iter().filter_map(|name| failed(&name)).collect();
        let left = names.iter().filter(|name| marks.contains_key(*name)).count();
        outcome.waiting = left - outcome.failed.len();
        outcome.taken = names.len() - left;
        progress.reached(outcome.taken + outcome.failed.len());
        if outcome.waiting == 0 || Instant::now() >= deadline {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    for name in outcome.failed.keys() {
        folder.unmark(name)?;
    }
    Ok(outcome)
}

fn render(outcome: &Outcome, json: bool) -> String {
    let Outcome {
        taken,
        had_been_taken,
        failed,
        waiting,
        by_server,
    } = outcome;
    if json {
        let value = json!({
            "taken": taken, "had_been_taken": had_been_taken, "failed": failed, "waiting": waiting,
        });
        return format!("{value}\n");
    }
    let when = if *by_server {
        "the server stores them now; what is refused again becomes a new letter"
    } else {
        "they are in the write-ahead log and are stored when the server starts"
    };
    let mut text = format!("{taken} dead letters sent again: {when}\n");
    if *had_been_taken > 0 {
        let _ = writeln!(text, "{had_been_taken} had been sent already, and were removed");
    }
    if *waiting > 0 {
        let _ = writeln!(text, "{waiting} are still marked: the server goes on with them");
    }
    for (name, why) in failed {
        let _ = writeln!(text, "{name} stays: {why}");
    }
    text
}

/// Tells on standard error how far it is, now and then.
struct Progress {
    total: usize,
    done: usize,
    said: Instant,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            said: Instant::now(),
        }
    }

    fn one(&mut self) {
        self.reached(self.done + 1);
    }

    fn reached(&mut self, done: usize) {
        self.done = done;
        if self.said.elapsed() >= PROGRESS_EVERY {
            self.said = Instant::now();
            let _ = writeln!(std::io::stderr(), "{done} of {} sent again", self.total);
        }
    }
}
