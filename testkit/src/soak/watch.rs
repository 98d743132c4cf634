//! Looks at the server every few seconds, and says now and then how it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::books::Books;
use super::sample::{self, Ports, Sample};
use super::world::World;
use crate::server::child_of;

const SAMPLE_EVERY: Duration = Duration::from_secs(5);
const PROGRESS_EVERY: Duration = Duration::from_secs(30);

/// Looks at the server every few seconds.
#[derive(Debug)]
pub(super) struct Watch {
    pid: u32,
    url: String,
    ports: Ports,
    books: Arc<Books>,
    began: Instant,
    samples: Mutex<Vec<Sample>>,
    is_over: AtomicBool,
}

impl Watch {
    pub(super) fn start(world: &World, began: Instant) -> Result<Arc<Self>> {
        let watch = Arc::new(Self {
            pid: world.server.pid(),
            url: world.server.url(),
            ports: world.ports()?,
            books: Arc::clone(&world.books),
            began,
            samples: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let watching = Arc::clone(&watch);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SAMPLE_EVERY);
            while !watching.is_over.load(Ordering::SeqCst) {
                ticks.tick().await;
                if let Ok(sample) = watching.look().await {
                    watching.lock().push(sample);
                }
            }
        });
        Ok(watch)
    }

    /// The server now.
    pub(super) async fn look(&self) -> Result<Sample> {
        let told = sample::told(&self.url).await.ok();
        let (pid, ports) = (self.pid, self.ports.clone());
        // Away from the callers and providers of this process, whose times are taken.
        let (server, engine) = tokio::task::spawn_blocking(move || {
            let engine = child_of(pid).and_then(|pid| sample::process(pid, &ports).ok());
            (sample::process(pid, &ports), engine)
        })
        .await?;
        Ok(Sample {
            at_s: self.began.elapsed().as_secs_f64(),
            server: server?,
            engine,
            told,
            calls: self.books.count(),
        })
    }

    pub(super) fn finish(&self) -> Vec<Sample> {
        self.is_over.store(true, Ordering::SeqCst);
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line now and then.
#[expect(clippy::print_stderr, reason = "a tool for developers")]
pub(super) async fn progress(watch: Arc<Watch>, load: Duration) {
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let Some(last) = watch.lock().last().copied() else {
            continue;
        };
        let told = last.told.unwrap_or_default();
        eprintln!(
            "  {:>5.0} of {:.0} s: {} calls, {} in progress; server {:.0} MiB, {} descriptors, {} tasks; engine {:.0} MiB; \
             {} items wait",
            last.at_s,
            load.as_secs_f64(),
            last.calls,
            told.calls_in_flight,
            last.server.resident_mib,
            last.server.descriptors,
            told.tasks,
            last.engine.map_or(0.0, |engine| engine.resident_mib),
            told.waiting_items
        );
    }
}
