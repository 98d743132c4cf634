//! A call's copy to another target, for nobody to see the answer: how would that model have done? It is a trace's
//! own span beside the call's, marked, and costs what it costs; it never makes the call wait, and is left out when
//! too many run.

use std::sync::Arc;

use http::HeaderMap;
use http_body_util::BodyExt as _;

use super::attempts::{self, Work};
use super::{Plan, relay};
use crate::attempt::{Outgoing, Success};
use crate::dialect::openai::request::ChatRequest;
use crate::quota;
use crate::record::{CallGuard, CallRecord, Slot};
use crate::route::{Candidates, Target};
use crate::settings::GatewaySettings;
use crate::shared::Shared;

/// Sends the copy, when the call has one.
pub(super) fn send(
    (shared, settings): (&Arc<Shared>, &Arc<GatewaySettings>),
    call: &CallRecord,
    request: &ChatRequest,
    plan: &Plan,
    headers: &HeaderMap,
) {
    let Some(target) = plan.candidates.shadow.clone() else {
        return;
    };
    let Ok(permit) = Arc::clone(&shared.shadows).try_acquire_owned() else {
        shared.metrics.shadow_left_out();
        return;
    };
    let slot = Slot::new(permit, &shared.metrics.shadows_in_flight);
    let guard = CallGuard::new(call.shadow(), Arc::clone(&shared.recorder), slot);
    let (shared, settings) = (Arc::clone(shared), Arc::clone(settings));
    let (request, headers, plan) = (request.clone(), headers.clone(), alone(plan, target));
    tokio::spawn(async move { run(&shared, &settings, guard, &request, &plan, &headers).await });
}

/// The plan of the copy: one attempt.
fn alone(plan: &Plan, target: Target) -> Plan {
    let mut retries = plan.retries;
    retries.attempts_max = 1;
    Plan {
        candidates: Candidates::only(target),
        timeouts: plan.timeouts,
        retries,
    }
}

async fn run(
    shared: &Shared,
    settings: &Arc<GatewaySettings>,
    mut call: CallGuard,
    request: &ChatRequest,
    plan: &Plan,
    headers: &HeaderMap,
) {
    let reserved = quota::reserve_money(shared, settings, &mut call, request, &plan.candidates.targets).await;
    if let Err(error) = reserved {
        let status = error.status().as_u16();
        return call.finish(status, Some(error.into_failure()));
    }
    let outgoing = Outgoing {
        request,
        headers,
        timeouts: plan.timeouts,
    };
    let work = Work {
        shared,
        settings,
        outgoing: &outgoing,
        plan,
    };
    match attempts::run(work, &mut call).await {
        Ok(Success::Whole(whole)) => {
            call.end_attempt(None, "answered");
            call.finish(whole.status.as_u16(), None);
        }
        Ok(Success::Stream(opened)) => {
            let mut body = relay(shared, settings, call, (*opened, request), None);
            // The stream has its own deadline, and its frames go nowhere.
            while let Some(Ok(_)) = body.frame().await {}
        }
        Err(failed) => {
            let failure = failed.record();
            call.finish(failed.status, Some(failure));
        }
    }
}
