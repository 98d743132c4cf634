//! The attempts of one call: candidates in their order, until one answers or none is left. What each attempt told
//! of its target and of its key is noted on the way.

use std::time::Duration;

use super::Plan;
use super::hedge;
use crate::attempt::{self, Failed, Outgoing, Success};
use crate::record::{CallGuard, CallRecord};
use crate::route::Target;
use crate::route::retry::{FailureClass, Progress, Step, decide};
use crate::settings::GatewaySettings;
use crate::shared::Shared;

/// What all attempts of a call work with.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) settings: &'a GatewaySettings,
    pub(super) outgoing: &'a Outgoing<'a>,
    pub(super) plan: &'a Plan,
}

/// An attempt that failed, and whether the provider has another key to try.
pub(super) struct Missed {
    pub(super) failed: Failed,
    pub(super) another_key: bool,
}

/// Tries until one answers.
pub(super) async fn run(work: Work<'_>, call: &mut CallGuard) -> Result<Success, Failed> {
    let targets = &work.plan.candidates.targets;
    let mut index = next(targets, 0, None).unwrap_or(0);
    let mut progress = Progress {
        attempts: 0,
        on_target: 0,
        more_targets: targets.len() > 1,
    };
    loop {
        progress.attempts += 1;
        progress.on_target += 1;
        let target = &targets[index];
        let first = progress.attempts == 1;
        let missed = match work.plan.candidates.hedge_after.filter(|_| first) {
            Some(after) => {
                let second = next(targets, index + 1, None).map_or(target, |index| &targets[index]);
                hedge::run(work, call, (target, second), after).await
            }
            None => one(work, call, target).await,
        };
        let Missed { failed, another_key } = match missed {
            Ok(success) => return Ok(success),
            Err(missed) => missed,
        };
        progress.attempts = progress
            .attempts
            .max(u32::try_from(call.attempts.len()).unwrap_or(u32::MAX));
        let following = next(targets, index + 1, Some(failed.class));
        progress.more_targets = following.is_some();
        let step = step(work, &failed, (target, another_key), progress);
        call.end_attempt(Some(failed.record()), decision(step));
        match (step, following) {
            (Step::Again(pause), _) => {
                if another_key {
                    progress.on_target -= 1;
                }
                tokio::time::sleep(pause).await;
            }
            (Step::Next, Some(following)) => {
                index = following;
                progress.on_target = 0;
            }
            (Step::Stop | Step::Next, _) => return Err(failed),
        }
    }
}

/// The next target that may be tried: one that is kept for what happened before any other.
fn next(targets: &[Target], from: usize, class: Option<FailureClass>) -> Option<usize> {
    let left = || targets.iter().enumerate().skip(from);
    let kept = class.and_then(FailureClass::fallback);
    let for_this = kept.and_then(|kept| left().find(|(_, target)| target.only_after.contains(&kept)));
    let found = for_this.or_else(|| left().find(|(_, target)| target.only_after.is_empty()));
    found.map(|(index, _)| index)
}

fn step(work: Work<'_>, failed: &Failed, (target, another_key): (&Target, bool), progress: Progress) -> Step {
    let policy = &work.plan.retries;
    let may_go_on = progress.attempts < policy.attempts_max;
    if dislikes_usage_request(failed, work.outgoing, target) || (another_key && may_go_on) {
        return Step::Again(Duration::ZERO);
    }
    decide(failed.class, failed.retry_after, progress, policy, rand::random())
}

/// One attempt, with the key whose turn it is.
pub(super) async fn one(work: Work<'_>, call: &mut CallRecord, target: &Target) -> Result<Success, Missed> {
    let now_ms = work.shared.clock.now().timestamp_millis();
    let with_key = target.with_key_in_turn(now_ms);
    call.begin_attempt(&with_key, now_ms);
    let client = &work.shared.client;
    let outcome = attempt::attempt(client, work.settings, work.outgoing, &with_key, call).await;
    match outcome {
        Ok(success) => {
            note_success(work, &with_key, call.latency());
            Ok(success)
        }
        Err(failed) => {
            let another_key = note_failure(work, target, &with_key, &failed);
            Err(Missed { failed, another_key })
        }
    }
}

fn note_success(work: Work<'_>, target: &Target, latency: Duration) {
    let now = work.shared.clock.now();
    target.provider.health.succeeded(now);
    target.load.succeeded(latency, now.timestamp_millis());
    if let Some(key) = &target.provider.key {
        target.provider.health.keys.works(key);
    }
}

/// Gives whether another key is worth a try; then it was the key that failed, and not the target.
fn note_failure(work: Work<'_>, target: &Target, with_key: &Target, failed: &Failed) -> bool {
    let now = work.shared.clock.now();
    let (now_ms, breaker) = (now.timestamp_millis(), &work.settings.breaker);
    let health = &target.provider.health;
    let rest_ms = match failed.class {
        FailureClass::Credential => Some(breaker.cooldown_max()),
        FailureClass::Rate => {
            let asked = failed
                .retry_after
                .and_then(|asked| i64::try_from(asked.as_millis()).ok());
            Some(asked.unwrap_or(breaker.cooldown()).min(breaker.cooldown_max()))
        }
        _ => None,
    };
    let rested = with_key.provider.key.as_ref().zip(rest_ms);
    if let Some((key, rest_ms)) = rested {
        health.keys.rest(key, now_ms.saturating_add(rest_ms));
        if target.provider.has_fresh_key(now_ms) {
            return true;
        }
    }
    target
        .load
        .failed(failed.class, failed.retry_after, breaker, now_ms);
    if failed.class.blames_provider() {
        health.failed(now);
    } else {
        health.succeeded(now);
    }
    false
}

/// Whether the provider refused the one thing that we added to the request. It is remembered, and not added
/// again for that provider: the call is worth more than its usage.
fn dislikes_usage_request(failed: &Failed, outgoing: &Outgoing<'_>, target: &Target) -> bool {
    let added = outgoing.request.stream && !outgoing.request.wants_usage && target.provider.asks_usage();
    let refused = added && failed.class == FailureClass::Request && failed.message.contains("stream_options");
    if refused {
        target.provider.health.refuse_usage_request();
    }
    refused
}

/// The word on the span for what followed a failure.
const fn decision(step: Step) -> &'static str {
    match step {
        Step::Again(_) => "retried",
        Step::Next => "fell_back",
        Step::Stop => "gave_up",
    }
}
