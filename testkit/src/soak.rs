//! A soak: a real server, with its own engine, under mixed traffic for half an hour, while providers misbehave, its
//! configuration is changed, and its engine is killed. Afterwards every call is looked for in storage, and what the
//! server holds is compared with what it held before. The example `soak` runs it.
//!
//! - [`world`]: the server and what is behind it. [`mix`]: the calls. [`caller`]: one call. [`export`]: OTLP. [`traffic`]:
//!   all of them at work.
//! - [`happenings`]: what is done to the server. [`sample`], [`watch`]: what it holds. [`trend`]: whether that grows.
//! - [`books`]: what was promised. [`reconcile`]: what is stored of it. [`hang_up`]: how soon a hang-up is seen;
//!   [`quiet`]: the same with nothing beside it.
//! - [`report`], [`plot`]: what came of it.
//!
//! A span is promised once the gateway has said its trace id, or a provider has seen the call. Rows are counted as they
//! are inserted, by a view of the soak's own, since the tables' merges would hide what is stored twice.

mod books;
mod caller;
mod export;
pub mod hang_up;
mod happenings;
mod mix;
mod plot;
mod quiet;
mod reconcile;
mod report;
mod sample;
mod traffic;
mod trend;
mod watch;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

pub use quiet::hang_ups;

use crate::faults::ledger::settled;
use books::Promise;
use export::Exported;
use hang_up::Moment;
use happenings::Happening;
use mix::{KINDS, Way};
use report::Seen;
use sample::Sample;
use traffic::{Tallies, Traffic};
use watch::Watch;
use world::World;

/// Traffic before anything is measured, so that what is made on first use is there.
const WARM_UP: Duration = Duration::from_secs(15);
const SETTLED_WITHIN: Duration = Duration::from_mins(4);
/// Streams under way when the server is asked to stop.
const STOPPED_AMID: usize = 40;

/// How much to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `brokle` binary.
    pub binary: PathBuf,
    /// Chooses calls.
    pub seed: u64,
    /// How long the load lasts.
    pub load: Duration,
    /// Calls a second.
    pub rate: f64,
    /// Rest before and after; longer than idle connections are kept.
    pub rest: Duration,
    /// Where samples go.
    pub csv: PathBuf,
    /// Where the picture goes.
    pub plot: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Tables and verdict.
    pub text: String,
    /// Whether nothing was lost, there twice or leaked.
    pub is_good: bool,
}

/// Runs a soak.
pub async fn run(plan: &Plan) -> Result<Outcome> {
    let mut world = World::start(&plan.binary).await?;
    let exported = Arc::new(Exported::default());
    let tallies = Arc::new(Tallies::default());
    world.note("warming up, and the rest before");
    let warm = Traffic::start(&world, plan, (&exported, &tallies), plan.seed ^ 1)?;
    tokio::time::sleep(WARM_UP).await;
    warm.finish().await?;
    tallies.forget();
    tokio::time::sleep(plan.rest).await;

    let began = Instant::now();
    let watch = Watch::start(&world, began)?;
    let before = watch.look().await?;
    let traffic = Traffic::start(&world, plan, (&exported, &tallies), plan.seed)?;
    let progress = tokio::spawn(watch::progress(Arc::clone(&watch), plan.load));
    let happened = happenings::let_happen(&world, began, plan.load).await;
    tokio::time::sleep_until((began + plan.load).into()).await;
    let held_back = traffic.finish().await?;
    progress.abort();
    world.note("the rest after");
    tokio::time::sleep(plan.rest).await;
    let after = watch.look().await?;
    let samples = watch.finish();

    world.note("stopping amid streams");
    let stopped_amid = stop_amid_streams(&mut world).await?;
    world.note("counting");
    let url = world.server.clickhouse_url();
    let is_settled = settled(&world.server.url(), SETTLED_WITHIN).await?;
    ensure!(is_settled, "some of it is still on its way to storage");
    let reconciled = reconcile::reconcile(&world.books, &exported, &url).await?;
    let seen = Seen {
        plan,
        tallies: &tallies.take(),
        held_back,
        resent: exported.resent.load(Ordering::SeqCst),
        given_up: exported.given_up.load(Ordering::SeqCst),
        happened: &happened,
        samples: &samples,
        before,
        after,
        reconciled: &reconciled,
        stopped_amid,
        hang_ups: world.books.hang_ups.table(),
        unnoticed: world.books.hang_ups.unnoticed(),
    };
    let (text, is_good) = report::write(&seen);
    write_files(plan, &samples, &happened)?;
    Ok(Outcome { text, is_good })
}

fn write_files(plan: &Plan, samples: &[Sample], happened: &[Happening]) -> Result<()> {
    let title = format!(
        "{:.0} minutes of mixed traffic, {:.0} calls a second",
        plan.load.as_secs_f64() / 60.0,
        plan.rate
    );
    let picture = plot::svg(samples, happened, plan.load.as_secs_f64(), &title);
    std::fs::write(&plan.csv, sample::csv(samples)).with_context(|| plan.csv.display().to_string())?;
    std::fs::write(&plan.plot, picture).with_context(|| plan.plot.display().to_string())
}

/// Asks the server to stop while streams run that would never end, and starts it again. How many streams there were.
async fn stop_amid_streams(world: &mut World) -> Result<usize> {
    let place = KINDS
        .iter()
        .position(|kind| kind.way == Way::HangUp(Moment::MidStream))
        .context("such a kind of call")?;
    let client = caller::client()?;
    let mut streams = Vec::new();
    for _ in 0..STOPPED_AMID {
        let number = world.books.open(place);
        let body = serde_json::json!({ "model": "steady/mock-endless", "stream": true,
            "messages": [{ "role": "user", "content": "until the end" }] });
        let request = client
            .post(format!("{}/v1/chat/completions", world.server.url()))
            .bearer_auth(&world.tenant.key)
            .header("traceparent", books::traceparent(number));
        let mut response = request.json(&body).send().await?.error_for_status()?;
        response.chunk().await?;
        // Who leaves is the server; the caller's status stays open.
        world.books.close(number, Promise::Kept, 200);
        streams.push(response);
    }
    let reading = tokio::spawn(async move {
        for mut stream in streams {
            while let Ok(Some(_)) = stream.chunk().await {}
        }
    });
    let status = world.server.stop().await?;
    ensure!(status.success(), "{status}");
    reading.await?;
    world.server.restart().await?;
    Ok(STOPPED_AMID)
}
