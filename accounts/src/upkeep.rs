//! The work that no request waits for. One loop, so that its steps never overlap; a step that fails is
//! logged and tried again at the next tick.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

const TICK: Duration = Duration::from_secs(15);
/// Ended sessions are looked for every so many ticks (ten minutes).
const CLEANING_TICKS: u32 = 40;
/// Ended sessions stay this long, so that reuse of their tokens is still recognised and logged as such.
const ENDED_KEPT: TimeDelta = TimeDelta::days(1);
const DELETED_AT_ONCE: u32 = 500;
const LAST_FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) async fn run(context: &Context, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut until_cleaning = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        flush_key_uses(context).await;
        if until_cleaning == 0 {
            delete_ended_sessions(context).await;
            until_cleaning = CLEANING_TICKS;
        }
        until_cleaning -= 1;
    }
    if tokio::time::timeout(LAST_FLUSH_TIMEOUT, flush_key_uses(context))
        .await
        .is_err()
    {
        tracing::warn!("the last uses of API keys could not be written down in time");
    }
}

pub(crate) async fn flush_key_uses(context: &Context) {
    if let Err(error) = context.keys.flush_uses().await {
        tracing::warn!(%error, "uses of API keys could not be written down; they will be tried again");
    }
}

async fn delete_ended_sessions(context: &Context) {
    match context
        .store
        .delete_ended_sessions(context.now() - ENDED_KEPT, DELETED_AT_ONCE)
        .await
    {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "deleted ended sessions"),
        Err(error) => tracing::warn!(%error, "ended sessions could not be deleted"),
    }
}
