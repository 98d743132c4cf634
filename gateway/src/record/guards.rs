//! What guardrails did, on the call's span: attributes for lists, and an event for each finding. Names and counts only:
//! what was found is nobody's to read here.

use opentelemetry_proto::tonic::trace::v1::span::Event;

use super::attributes::Attributes;
use crate::guard::{Decision, GuardRecord};

pub(super) fn describe(attributes: &mut Attributes, guard: &GuardRecord) {
    attributes.text("brokle.guardrail.outcome", guard.outcome());
    let mut names: Vec<String> = Vec::new();
    for decision in &guard.decisions {
        if !names.contains(&decision.guardrail) {
            names.push(decision.guardrail.clone());
        }
    }
    attributes.texts("brokle.guardrail.names", names);
}

pub(super) fn event(decision: &Decision, at_ns: u64) -> Event {
    let mut attributes = Attributes::default();
    attributes.text("brokle.guardrail.name", decision.guardrail.as_str());
    attributes.text("brokle.guardrail.stage", decision.stage);
    attributes.text("brokle.guardrail.action", decision.action.as_str());
    attributes.text("brokle.guardrail.found", decision.found.as_str());
    attributes.int("brokle.guardrail.count", decision.count as u64);
    if let Some(score) = decision.score {
        attributes.double("brokle.guardrail.score", score);
    }
    Event {
        time_unix_nano: at_ns,
        name: "brokle.guardrail".to_owned(),
        attributes: attributes.into_inner(),
        ..Event::default()
    }
}
