//! The command line. The texts here are the manual: `brokle --help` should be enough to get going.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, where backticks would be shown"
)]

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use brokle_model::id::ProjectId;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// The open-source AI control plane: OpenTelemetry collector, LLM gateway and dashboard in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "brokle",
    version,
    max_term_width = 110,
    after_help = "Start here:\n  brokle serve          everything on this machine: SQLite and an embedded ClickHouse in ./data\n  brokle doctor         checks the set-up and says what to do about what it finds\n  brokle config env     the environment variables that exist"
)]
pub(crate) struct Arguments {
    /// Configuration file [default: ./brokle.toml when it exists]
    #[arg(long, global = true, env = "BROKLE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: collector, gateway, API and dashboard
    Serve(ServeArguments),
    /// Apply, undo or list database migrations
    Migrate(MigrateArguments),
    /// Run the embedded ClickHouse alone, behind ClickHouse's HTTP interface on loopback
    Clickhouse(ClickhouseArguments),
    /// Run the server with sample data and a bundled fake model provider; needs no provider key
    Demo(ServeArguments),
    /// Price stored calls again, with the prices in force now
    Reprice(RepriceArguments),
    /// List, show, send again or drop telemetry that storage refused for its content
    DeadLetters {
        #[command(subcommand)]
        verb: DeadLettersVerb,
    },
    /// Check the set-up: ports, engine library, databases, disk
    Doctor,
    /// Show the configuration in force, or the variables that exist
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Turn another gateway's configuration into a brokle.toml
    Import {
        #[command(subcommand)]
        source: ImportSource,
    },
    /// Show where producers put what
    AttributeMap {
        #[command(subcommand)]
        verb: AttributeMapVerb,
    },
    /// Print the OpenAPI description of the HTTP API
    Openapi,
    /// Print the version
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportSource {
    /// The config.yaml of a LiteLLM proxy
    Litellm(ImportArguments),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Prints [gateway] as TOML, and on standard error what was not imported, what was changed and what is to do.\nSecrets are never printed: os.environ/NAME stays the variable NAME, and a key written in the file becomes one.\nExit code: 0 when all was imported, 3 when parts are missing, 1 when the file cannot be read.\n\nExamples:\n  brokle import litellm config.yaml\n  brokle import litellm config.yaml --output brokle.toml && brokle config check"
)]
pub(crate) struct ImportArguments {
    /// The file to read
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write the result there in place of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the output when it exists
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeArguments {
    /// Do not apply pending migrations; refuse to start while any are pending
    #[arg(long)]
    pub(crate) no_migrate: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    /// Which database
    #[arg(long, value_enum, default_value = "all", global = true)]
    pub(crate) db: Database,
    /// Show what would be done, and do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    #[command(subcommand)]
    pub(crate) verb: MigrateVerb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// Relational and ClickHouse
    All,
    /// The relational store (Postgres, or SQLite when DATABASE_URL is unset)
    Postgres,
    /// ClickHouse
    Clickhouse,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateVerb {
    /// Apply pending migrations
    Up {
        /// Apply this many at most
        #[arg(long)]
        steps: Option<usize>,
    },
    /// Undo applied migrations, newest first. Destroys data
    Down {
        /// Undo this many
        #[arg(long, default_value_t = 1)]
        steps: usize,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// List applied and pending migrations
    Status,
    /// Say which databases these are, their versions, and how many migrations they have
    Info,
}

#[derive(Debug, Args)]
pub(crate) struct RepriceArguments {
    /// The project whose calls to price
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub(crate) project: Option<ProjectId>,
    /// The calls of all projects
    #[arg(long)]
    pub(crate) all: bool,
    /// Only calls from this day (UTC) or instant on, such as 2026-11-01 or 2026-11-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Only calls before this day or instant
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) to: Option<DateTime<Utc>>,
    /// Only calls of this model, by the name that answered or the one asked for
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
#[command(
    after_help = "A request that ClickHouse refuses for its content is kept in BROKLE_DATA_DIR/dead-letters, and everything\naround it is stored. Remove the cause (`list` says what ClickHouse said), then send it again:\n  brokle dead-letters list\n  brokle dead-letters replay --all\nThese commands work beside a running server, and without one."
)]
pub(crate) enum DeadLettersVerb {
    /// List the letters: what they are, and why they were refused
    List {
        #[command(flatten)]
        filter: LetterFilter,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show one letter, with the spans in it
    Show {
        /// The letter's name, as `list` prints it
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Write the request, OTLP protobuf as it was accepted, to this file
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,
    },
    /// Send letters through the write-ahead log again. Each is removed once the log has it
    ///
    /// A running server does the work and this command waits for it; without a server they are written to the
    /// log and stored at the next start. A letter that is refused again becomes a new letter.
    Replay {
        #[command(flatten)]
        choice: LetterChoice,
        /// How long to wait for a running server; it goes on afterwards
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        timeout: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove letters for good
    Drop {
        #[command(flatten)]
        choice: LetterChoice,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LetterFilter {
    /// Only letters of this project
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<ProjectId>,
    /// Only letters of this signal: traces, logs, metrics
    #[arg(long)]
    pub(crate) signal: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LetterChoice {
    /// Letters, by the names that `list` prints
    #[arg(required_unless_present_any = ["all", "project"])]
    pub(crate) names: Vec<String>,
    /// All letters that the filters leave
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filter: LetterFilter,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let day = text.parse().map(midnight).ok();
    day.or_else(|| text.parse().ok())
        .ok_or_else(|| "give a day such as 2026-11-01, or an instant such as 2026-11-01T12:00:00Z".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct ClickhouseArguments {
    /// Where the data lives [default: clickhouse in BROKLE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
    /// Loopback address to listen on [default: 127.0.0.1 and BROKLE_CLICKHOUSE_PORT]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// The engine library [default: searched in the usual places]
    #[arg(long, value_name = "FILE")]
    pub(crate) library: Option<OsString>,
    /// Password for the user `default`; none when unset
    #[arg(long, env = "BROKLE_ENGINE_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Stop when standard input closes: how `serve` keeps the engine from outliving it
    #[arg(long, hide = true)]
    pub(crate) stop_with_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttributeMapVerb {
    /// Print the tables in force, as JSON
    Show {
        /// As a page for people
        #[arg(long)]
        markdown: bool,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print what is in force, with secrets hidden
    Show,
    /// Check the configuration and say what is wrong with it
    Check,
    /// List the environment variables
    Env,
}
