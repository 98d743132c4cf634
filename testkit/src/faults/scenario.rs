//! The runs.

use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::disk::SmallDisk;
use super::ledger::sql;
use super::load::Load;
use super::proxy::Mode;
use super::world::{Setting, World, folder, moment, path_in};
use super::{Plan, Row, log_file};
use crate::server::{child_of, signal};
use crate::wait;

/// A way to break things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// `kill -9` of the server at random moments.
    ServerKilled,
    /// `kill -9` of its own engine at random moments.
    EngineKilled,
    /// The engine is stopped: connections stay open, and nothing answers.
    EngineFrozen,
    /// Nobody listens where the engine was.
    EngineAway,
    /// The log reaches its size while the engine is away.
    LogFull,
    /// The disk under the log has no room while the engine is away.
    LogDiskFull,
    /// The disk under the engine has no room.
    EngineDiskFull,
    /// Everything takes the engine a second longer.
    EngineSlow,
    /// Three times the requests that the server took before.
    Overload,
    /// The last write to the log was cut short.
    TornTail,
    /// Bytes in the middle of the log have changed.
    CorruptMiddle,
    /// The server's wall clock is set forwards and backwards.
    ClockJumps,
    /// One row among thousands that the engine refuses.
    Poison,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::ServerKilled,
        Self::EngineKilled,
        Self::EngineFrozen,
        Self::EngineAway,
        Self::LogFull,
        Self::LogDiskFull,
        Self::EngineDiskFull,
        Self::EngineSlow,
        Self::Overload,
        Self::TornTail,
        Self::CorruptMiddle,
        Self::ClockJumps,
        Self::Poison,
    ];

    /// Its name on the command line and in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "server-killed",
            Self::EngineKilled => "engine-killed",
            Self::EngineFrozen => "engine-frozen",
            Self::EngineAway => "engine-away",
            Self::LogFull => "log-full",
            Self::LogDiskFull => "log-disk-full",
            Self::EngineDiskFull => "engine-disk-full",
            Self::EngineSlow => "engine-slow",
            Self::Overload => "overload",
            Self::TornTail => "torn-tail",
            Self::CorruptMiddle => "corrupt-middle",
            Self::ClockJumps => "clock-jumps",
            Self::Poison => "poison",
        }
    }

    /// Breaks it and counts.
    pub async fn run(self, plan: &Plan) -> Result<Row> {
        match self {
            Self::ServerKilled => server_killed(plan).await,
            Self::EngineKilled => engine_killed(plan).await,
            Self::EngineFrozen => engine_frozen(plan).await,
            Self::EngineAway => engine_away(plan).await,
            Self::LogFull => log_full(plan).await,
            Self::LogDiskFull => log_disk_full(plan).await,
            Self::EngineDiskFull => engine_disk_full(plan).await,
            Self::EngineSlow => engine_slow(plan).await,
            Self::Overload => overload(plan).await,
            Self::TornTail => torn_tail(plan).await,
            Self::CorruptMiddle => corrupt_middle(plan).await,
            Self::ClockJumps => clock_jumps(plan).await,
            Self::Poison => poison(plan).await,
        }
    }
}

async fn server_killed(plan: &Plan) -> Result<Row> {
    let mut world = World::new(plan, Setting::default()).await?;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let load = world.load();
    for _ in 0..plan.rounds {
        world.acknowledged(1).await?;
        moment(&mut random, Duration::from_secs(1)).await;
        world.server.kill()?;
        world.restart().await?;
    }
    world.acknowledged(1).await?;
    load.finish().await;
    let note = format!("{} kills", plan.rounds);
    world.count(Scenario::ServerKilled.name(), 0, &note).await
}

fn embedded() -> Setting {
    Setting {
        embedded: true,
        ..Setting::default()
    }
}

async fn engine_killed(plan: &Plan) -> Result<Row> {
    let world = World::new(plan, embedded()).await?;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let load = world.load();
    for _ in 0..plan.rounds {
        let engine = engine_of(&world).await?;
        moment(&mut random, Duration::from_millis(1_500)).await;
        signal(engine, "KILL")?;
        wait::until("another engine runs", plan.settle, || async {
            child_of(world.server.pid()).filter(|pid| *pid != engine)
        })
        .await?;
        world.storage_answers().await?;
    }
    world.acknowledged(1).await?;
    load.finish().await;
    let note = format!("{} kills", plan.rounds);
    world.count(Scenario::EngineKilled.name(), 0, &note).await
}

async fn engine_of(world: &World) -> Result<u32> {
    wait::until("an engine runs", world.plan.settle, || async {
        child_of(world.server.pid())
    })
    .await
}

async fn engine_frozen(plan: &Plan) -> Result<Row> {
    let world = World::new(plan, embedded()).await?;
    let load = world.load();
    world.acknowledged(100).await?;
    let engine = engine_of(&world).await?;
    signal(engine, "STOP")?;
    let before = world.target.acknowledged();
    tokio::time::sleep(plan.away).await;
    let meanwhile = world.target.acknowledged() - before;
    // It may have been given up and replaced.
    let _ = signal(engine, "CONT");
    load.finish().await;
    let note = format!(
        "{} s; {meanwhile} spans acknowledged meanwhile",
        plan.away.as_secs()
    );
    world.count(Scenario::EngineFrozen.name(), 0, &note).await
}

async fn engine_away(plan: &Plan) -> Result<Row> {
    let world = World::new(plan, Setting::default()).await?;
    let load = world.load();
    world.acknowledged(100).await?;
    world.proxy()?.set(Mode::Away);
    let before = world.target.acknowledged();
    tokio::time::sleep(plan.away).await;
    let meanwhile = world.target.acknowledged() - before;
    world.proxy()?.set(Mode::Pass);
    load.finish().await;
    let note = format!(
        "{} s; {meanwhile} spans acknowledged meanwhile",
        plan.away.as_secs()
    );
    world.count(Scenario::EngineAway.name(), 0, &note).await
}

/// Sends until the server says that it cannot take more, and for a while longer.
async fn fill_the_log(world: &World) -> Result<Load> {
    world.proxy()?.set(Mode::Away);
    let refused = world.target.told().refused;
    let load = Load::closed(&world.target, 8, world.plan.seed, 60);
    wait::until("the log is full", Duration::from_mins(3), || async {
        (world.target.told().refused > refused + 50).then_some(())
    })
    .await?;
    Ok(load)
}

async fn log_full(plan: &Plan) -> Result<Row> {
    let setting = Setting {
        environment: vec![("BROKLE_WAL_BYTES_MAX".to_owned(), (256 << 20).to_string())],
        filler: Some(8_000),
        ..Setting::default()
    };
    let world = World::new(plan, setting).await?;
    let load = fill_the_log(&world).await?;
    let full_at = world.target.acknowledged();
    world.proxy()?.set(Mode::Pass);
    world.acknowledged(1).await?;
    load.finish().await;
    let note = format!("full at 256 MiB after {full_at} spans");
    world.count(Scenario::LogFull.name(), 0, &note).await
}

/// The log leaves a gigabyte of its disk free: beyond that and four files, ballast takes the rest.
async fn log_disk_full(plan: &Plan) -> Result<Row> {
    let folder = folder()?;
    let data = folder.path().join("data");
    let disk = SmallDisk::mount(&data.join("wal"), 1_024 + 320)?;
    let setting = Setting {
        data_dir: Some(data),
        filler: Some(8_000),
        ..Setting::default()
    };
    let world = World::new(plan, setting).await?;
    let load = world.load();
    world.acknowledged(100).await?;
    load.finish().await;
    disk.fill()?;
    let load = fill_the_log(&world).await?;
    let full_at = world.target.acknowledged();
    disk.relieve()?;
    world.proxy()?.set(Mode::Pass);
    world.acknowledged(1).await?;
    load.finish().await;
    let note = format!("tmpfs of 1,344 MiB without a byte left; refused after {full_at} spans");
    world.count(Scenario::LogDiskFull.name(), 0, &note).await
}

async fn engine_disk_full(plan: &Plan) -> Result<Row> {
    let folder = folder()?;
    let data = folder.path().join("data");
    let disk = SmallDisk::mount(&data.join("clickhouse"), 512)?;
    let setting = Setting {
        data_dir: Some(data),
        ..embedded()
    };
    let world = World::new(plan, setting).await?;
    let load = world.load();
    world.acknowledged(100).await?;
    disk.fill()?;
    let before = world.target.acknowledged();
    tokio::time::sleep(plan.load).await;
    let meanwhile = world.target.acknowledged() - before;
    disk.relieve()?;
    load.finish().await;
    let note = format!(
        "tmpfs without a byte left for {} s; {meanwhile} spans acknowledged meanwhile",
        plan.load.as_secs()
    );
    world.count(Scenario::EngineDiskFull.name(), 0, &note).await
}

async fn engine_slow(plan: &Plan) -> Result<Row> {
    let world = World::new(plan, Setting::default()).await?;
    world.proxy()?.set(Mode::Slow(Duration::from_secs(1)));
    let load = world.load();
    tokio::time::sleep(plan.load).await;
    load.finish().await;
    world.proxy()?.set(Mode::Pass);
    let note = "a second more for everything that is sent to it";
    world.count(Scenario::EngineSlow.name(), 0, note).await
}

async fn overload(plan: &Plan) -> Result<Row> {
    const SPANS: u64 = 20;
    let setting = Setting {
        environment: vec![(
            "BROKLE_INGEST_MEMORY_BYTES_MAX".to_owned(),
            (128 << 20).to_string(),
        )],
        ..Setting::default()
    };
    let world = World::new(plan, setting).await?;
    let measuring = plan.load.min(Duration::from_secs(5));
    let load = Load::closed(&world.target, 32, plan.seed, SPANS);
    tokio::time::sleep(measuring).await;
    load.finish().await;
    // Half of SPANS in the mean.
    let requests = world.target.acknowledged() as f64 / (SPANS as f64 / 2.0 + 0.5);
    let capacity = requests / measuring.as_secs_f64();
    let refused = world.target.told().refused;
    let load = Load::open(&world.target, 3.0 * capacity, SPANS);
    tokio::time::sleep(plan.load).await;
    load.finish().await;
    let refused = world.target.told().refused - refused;
    let note = format!(
        "{:.0} requests/s after {capacity:.0}, twice the spans in each; {refused} not acknowledged",
        3.0 * capacity
    );
    world.count(Scenario::Overload.name(), 0, &note).await
}

/// Fills a log that storage takes nothing of, and ends the server.
async fn with_a_full_log(plan: &Plan) -> Result<World> {
    let mut world = World::new(plan, Setting::default()).await?;
    world.proxy()?.set(Mode::Away);
    let load = world.load();
    world.acknowledged(2_000).await?;
    load.finish().await;
    world.server.kill()?;
    Ok(world)
}

async fn torn_tail(plan: &Plan) -> Result<Row> {
    let mut world = with_a_full_log(plan).await?;
    log_file::tear_tail(&world.log())?;
    world.restart().await?;
    world.proxy()?.set(Mode::Pass);
    let aside = log_file::set_aside(&world.log());
    ensure!(aside == 0, "a torn write is not damage");
    let load = world.load();
    world.acknowledged(100).await?;
    load.finish().await;
    let note = "half a record behind the last one";
    world.count(Scenario::TornTail.name(), 0, note).await
}

async fn corrupt_middle(plan: &Plan) -> Result<Row> {
    const DAMAGED: usize = 5;
    let mut world = with_a_full_log(plan).await?;
    let records = log_file::requests(&world.log())?;
    ensure!(records.len() > 3 * DAMAGED, "too few requests: {}", records.len());
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut damaged = 0;
    // Neighbours would be one region.
    let step = (records.len() - 2) / DAMAGED;
    for part in 0..DAMAGED {
        let record = &records[part * step + random.random_range(0..step - 1)];
        log_file::damage(record)?;
        damaged += record.items;
    }
    world.restart().await?;
    world.proxy()?.set(Mode::Pass);
    world.storage_answers().await?;
    let aside = log_file::set_aside(&world.log());
    ensure!(aside == DAMAGED, "{aside} of {DAMAGED} parts were set aside");
    let note = format!(
        "{DAMAGED} of {} requests changed on disk, all set aside and reported",
        records.len()
    );
    world.count(Scenario::CorruptMiddle.name(), damaged, &note).await
}

async fn clock_jumps(plan: &Plan) -> Result<Row> {
    const JUMPS_S: [i64; 6] = [6 * 3600, -6 * 3600, 20 * 86_400, 0, -60, 3_600];
    let folder = folder()?;
    let (source, library, shift) = ["clock.c", "clock.so", "shift"]
        .map(|name| path_in(folder.path(), name))
        .into();
    std::fs::write(&source, include_str!("clock.c"))?;
    std::fs::write(&shift, 0_i64.to_le_bytes())?;
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o", &library, &source])
        .status();
    ensure!(
        compiled.context("running cc")?.success(),
        "the clock does not compile"
    );
    let setting = Setting {
        environment: vec![
            ("LD_PRELOAD".to_owned(), library),
            ("BROKLE_TEST_CLOCK_FILE".to_owned(), shift.clone()),
        ],
        ..Setting::default()
    };
    let world = World::new(plan, setting).await?;
    let file = std::fs::OpenOptions::new().write(true).open(&shift)?;
    let load = world.load();
    for jump in JUMPS_S {
        world.acknowledged(200).await?;
        file.write_all_at(&jump.to_le_bytes(), 0)?;
    }
    world.acknowledged(200).await?;
    load.finish().await;
    let note = "set by +6 h, -6 h, +20 d, 0, -60 s, +1 h";
    world.count(Scenario::ClockJumps.name(), 0, note).await
}

async fn poison(plan: &Plan) -> Result<Row> {
    let world = World::new(plan, Setting::default()).await?;
    let storage = world.storage();
    sql(
        &storage,
        "ALTER TABLE observations ADD CONSTRAINT sane CHECK name != 'poison'",
    )
    .await?;
    let load = world.load();
    world.acknowledged(1_000).await?;
    world.target.deliver_named("poison").await.context("an id")?;
    world.acknowledged(1_000).await?;
    load.finish().await;
    wait::until("it is a dead letter", plan.settle, || async {
        let list = world.dead_letters(&["list"]).ok()?;
        list.contains("1 dead letters, 1 items").then_some(())
    })
    .await?;
    sql(&storage, "ALTER TABLE observations DROP CONSTRAINT sane").await?;
    let replayed = world.dead_letters(&["replay", "--all"])?;
    ensure!(replayed.starts_with("1 dead letters sent again"), "{replayed}");
    wait::until("it is stored", plan.settle, || async {
        let found = sql(&storage, "SELECT count() FROM observations WHERE name = 'poison'")
            .await
            .ok()?;
        (found.trim() == "1").then_some(())
    })
    .await?;
    let note = "became a dead letter alone; the cause removed, it was sent again";
    world.count(Scenario::Poison.name(), 0, note).await
}
