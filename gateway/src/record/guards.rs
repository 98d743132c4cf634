//! What guardrails did, on the call's span: attributes for lists, and an event for each finding. Names and counts only:
//! what was found is nobody's to read here.

use super::attributes::Attributes;
use super::wire;
use crate::guard::{Decision, GuardRecord};

pub(super) fn describe(attributes: &mut Attributes<'_>, guard: &GuardRecord) {
    attributes.text("brokle.guardrail.outcome", guard.outcome());
    let mut names: Vec<&String> = Vec::new();
    for decision in &guard.decisions {
        if !names.contains(&&decision.guardrail) {
            names.push(&decision.guardrail);
        }
    }
    attributes.texts("brokle.guardrail.names", &names);
}

/// Fields of OTLP's `Span` and `Event`.
const EVENT: u32 = 11;
const TIME: u32 = 1;
const NAME: u32 = 2;
const ATTRIBUTES: u32 = 3;

/// Writes a finding as an event of the span that is being written.
pub(super) fn event(out: &mut Vec<u8>, decision: &Decision, at_ns: u64) {
    let event = wire::begin(out, EVENT);
    wire::fixed64(out, TIME, at_ns);
    wire::bytes(out, NAME, b"brokle.guardrail");
    let mut attributes = Attributes::new(out, ATTRIBUTES);
    attributes.text("brokle.guardrail.name", &decision.guardrail);
    attributes.text("brokle.guardrail.stage", decision.stage);
    attributes.text("brokle.guardrail.action", decision.action.as_str());
    attributes.text("brokle.guardrail.found", &decision.found);
    attributes.int("brokle.guardrail.count", decision.count as u64);
    if let Some(score) = decision.score {
        attributes.double("brokle.guardrail.score", score);
    }
    wire::end(out, event);
}
