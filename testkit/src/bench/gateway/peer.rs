//! The gateways. Each has a file that says how it is started, and what its callers must send; whatever can be installed
//! from a package registry is under one directory (`scripts/bench-peers gateways` fills it).

mod brokle;
mod envoy;
mod ferrogw;
mod litellm;
mod portkey;
mod tensorzero;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::calls::{Call, Shape};
use super::check::Answer;
use super::wire::Connection;
use crate::bench::process::{command_on, processor_seconds, resident_mib, tree};
use crate::server::{child_of, free_port};

pub use brokle::Stored;

const START_TIMEOUT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);
/// The model that callers name.
const MODEL: &str = "gpt-4o-mini";
const PATH: &str = "/v1/chat/completions";

/// Which gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// None: the provider itself, which everything is compared with.
    Direct,
    /// A proxy that knows nothing of models, as the floor.
    Envoy,
    /// Brokle, with a key, a limit, prices and stored spans.
    Brokle,
    /// Ferro Labs' gateway.
    Ferrogw,
    /// The gateway within `TensorZero`'s Python package.
    TensorZero,
    /// Portkey's.
    Portkey,
    /// `LiteLLM`'s proxy.
    LiteLlm,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::Direct,
        Self::Envoy,
        Self::Brokle,
        Self::Ferrogw,
        Self::TensorZero,
        Self::Portkey,
        Self::LiteLlm,
    ];

    /// For the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Envoy => "envoy",
            Self::Brokle => "brokle",
            Self::Ferrogw => "ferrogw",
            Self::TensorZero => "tensorzero",
            Self::Portkey => "portkey",
            Self::LiteLlm => "litellm",
        }
    }

    /// What of it must be there for it to start.
    fn program(self, places: &Places) -> Option<PathBuf> {
        let peers = &places.peers;
        match self {
            Self::Direct => None,
            Self::Brokle => Some(places.brokle.clone()),
            Self::Envoy => Some(envoy::program(peers)),
            Self::Ferrogw => Some(peers.join("ferrogw/bin/ferrogw")),
            Self::TensorZero => Some(peers.join("tensorzero/bin/python")),
            Self::Portkey => Some(portkey::program(peers)),
            Self::LiteLlm => Some(peers.join("litellm/bin/litellm")),
        }
    }

    /// Whether it is installed.
    pub fn is_there(self, places: &Places) -> bool {
        self.program(places).is_none_or(|program| program.is_file())
    }
}

/// Where programs are, and where they run.
#[derive(Debug, Clone)]
pub struct Places {
    /// The `brokle` binary.
    pub brokle: PathBuf,
    /// What `scripts/bench-peers gateways` installed.
    pub peers: PathBuf,
    /// The processor of the gateways.
    pub processors: Option<String>,
    /// The provider's base URL.
    pub provider: String,
}

/// A gateway, running. It ends with the value.
#[derive(Debug)]
pub struct Peer {
    /// Which.
    pub kind: Kind,
    /// `host:port`.
    pub address: String,
    /// Where calls go.
    pub path: String,
    /// What callers name.
    pub model: String,
    /// What callers send.
    pub headers: Vec<(&'static str, String)>,
    /// From its start to its first good answer.
    pub started_in: Duration,
    /// What it stores of calls, if it does.
    pub stored: Option<Box<Stored>>,
    program: Option<Program>,
}

#[derive(Debug)]
struct Program {
    child: Child,
    directory: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Some leave children behind when they are killed; the tree is known only while it lives.
        for pid in tree(self.child.id()).into_iter().skip(1) {
            // It may have ended by itself.
            let _ = crate::server::signal(pid, "KILL");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    /// Starts it, and waits until it gives a good answer.
    pub async fn start(kind: Kind, places: &Places) -> Result<Self> {
        let started = Instant::now();
        let mut peer = match kind {
            Kind::Direct => Self::direct(places),
            Kind::Envoy => envoy::start(places)?,
            Kind::Brokle => brokle::start(places).await?,
            Kind::Ferrogw => ferrogw::start(places)?,
            Kind::TensorZero => tensorzero::start(places)?,
            Kind::Portkey => portkey::start(places)?,
            Kind::LiteLlm => litellm::start(places)?,
        };
        peer.wait_until_good()?;
        peer.started_in = started.elapsed();
        Ok(peer)
    }

    fn direct(places: &Places) -> Self {
        let address = places
            .provider
            .trim_start_matches("http://")
            .trim_end_matches("/v1");
        Self {
            address: address.to_owned(),
            ..Self::of(Kind::Direct)
        }
    }

    /// What most have in common.
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            address: String::new(),
            path: PATH.to_owned(),
            model: MODEL.to_owned(),
            headers: vec![("authorization", "Bearer sk-bench".to_owned())],
            started_in: Duration::ZERO,
            stored: None,
            program: None,
        }
    }

    /// One whose program listens on `port`, after `set_up` gave it its arguments and its environment.
    fn launch(
        kind: Kind,
        places: &Places,
        set_up: impl FnOnce(&mut Command, u16, &Path) -> Result<()>,
    ) -> Result<Self> {
        let program = kind.program(places).context("a gateway without a program")?;
        let (directory, port) = (tempfile::tempdir()?, free_port()?);
        let log = File::create(directory.path().join("log"))?;
        let mut command = command_on(places.processors.as_deref(), &program);
        command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        set_up(&mut command, port, directory.path())?;
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self {
            address: format!("127.0.0.1:{port}"),
            program: Some(Program { child, directory }),
            ..Self::of(kind)
        })
    }

    fn wait_until_good(&mut self) -> Result<()> {
        let since = Instant::now();
        loop {
            let Err(error) = self.answers() else { return Ok(()) };
            let program = self.program.as_mut();
            let ended = program.and_then(|program| program.child.try_wait().ok().flatten());
            if ended.is_some() || since.elapsed() > START_TIMEOUT {
                bail!(
                    "{} gives no good answer: {error:#}{}",
                    self.kind.name(),
                    self.log()
                );
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn answers(&self) -> Result<()> {
        let call = Call::new(Shape::Small, self);
        let mut answer = Answer::new(false);
        let mut connection = Connection::open(&self.address)?;
        connection.exchange(&call.buffer(), |bytes, now| answer.read(bytes, now))?;
        answer.verify()
    }

    fn log(&self) -> String {
        let directory = self.program.as_ref().map(|program| program.directory.path());
        let log = directory.and_then(|directory| std::fs::read_to_string(directory.join("log")).ok());
        let log = log.unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(8).collect();
        last.into_iter()
            .rev()
            .fold(String::new(), |log, line| log + "\n    " + line)
    }

    /// The gateway's own processes, and its database's if it has one.
    fn processes(&self) -> (Vec<u32>, Option<u32>) {
        match (&self.program, &self.stored) {
            (Some(program), _) => (tree(program.child.id()), None),
            (None, Some(stored)) => (vec![stored.pid()], child_of(stored.pid())),
            (None, None) => (Vec::new(), None),
        }
    }

    /// Processor seconds so far: of the gateway, and of its database.
    pub fn processor_seconds(&self) -> (f64, f64) {
        let (own, database) = self.processes();
        let seconds = |pid: &u32| processor_seconds(*pid).unwrap_or(0.0);
        (own.iter().map(seconds).sum(), database.iter().map(seconds).sum())
    }

    /// Resident memory now: of the gateway, and of its database.
    pub fn resident_mib(&self) -> (u64, u64) {
        let (own, database) = self.processes();
        let resident = |pid: &u32| resident_mib(*pid).map_or(0, |(now, _)| now);
        (
            own.iter().map(resident).sum(),
            database.iter().map(resident).sum(),
        )
    }
}

/// What a program wrote into a file of its own, when it is there.
fn told_address(peer: &mut Peer, path: &Path) -> Result<String> {
    let since = Instant::now();
    loop {
        if let Ok(address) = std::fs::read_to_string(path) {
            return Ok(address);
        }
        if since.elapsed() > START_TIMEOUT {
            bail!("{} did not say where it listens{}", peer.kind.name(), peer.log());
        }
        std::thread::sleep(PAUSE);
    }
}
