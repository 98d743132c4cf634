//! What the sample promises: the right number, the right span of time, the same again from the same seed.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::Span;

use super::*;

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

fn spans(traces: Vec<DatedTrace>) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(request(traces).as_slice()).unwrap();
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed| request(Sample::new(seed).history(noon(), 40));
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn the_history_fills_the_last_day_and_is_denser_towards_its_end() {
    let history = Sample::new(1).history(noon(), 150);
    let now = nanos(unix(noon()));
    let day = nanos(DAY);
    assert_eq!(history.len(), 150);
    assert!(history.is_sorted_by_key(|trace| trace.start_ns));
    let old = history
        .iter()
        .filter(|trace| trace.start_ns < now - day / 2)
        .count();
    assert!((10..75).contains(&old), "{old} of 150 in the first half");
    for span in spans(history) {
        assert!(span.start_time_unix_nano >= now - day);
        assert!(span.end_time_unix_nano <= now);
        assert!(
            span.start_time_unix_nano <= span.end_time_unix_nano,
            "{}",
            span.name
        );
    }
}

#[test]
fn every_span_but_the_root_has_a_parent_that_spans_it() {
    let spans = spans(Sample::new(2).history(noon(), 150));
    let ids: BTreeSet<_> = spans.iter().map(|span| (&span.trace_id, &span.span_id)).collect();
    assert_eq!(ids.len(), spans.len(), "ids are unique");
    let mut traces = BTreeSet::new();
    for span in &spans {
        if span.parent_span_id.is_empty() {
            assert!(traces.insert(&span.trace_id), "one root a trace");
            continue;
        }
        let parent = spans
            .iter()
            .find(|other| other.trace_id == span.trace_id && other.span_id == span.parent_span_id)
            .unwrap();
        let inside = parent.start_time_unix_nano <= span.start_time_unix_nano
            && span.end_time_unix_nano <= parent.end_time_unix_nano;
        assert!(inside, "{} outlasts {}", span.name, parent.name);
    }
    assert_eq!(traces.len(), 150);
}

#[test]
fn the_history_shows_agents_tools_reasoning_caches_embeddings_and_errors() {
    let spans = spans(Sample::new(3).history(noon(), 150));
    let has = |key: &str| {
        spans
            .iter()
            .any(|span| span.attributes.iter().any(|attribute| attribute.key == key))
    };
    for key in [
        "gen_ai.agent.name",
        "gen_ai.tool.call.result",
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.embeddings.dimension.count",
        "error.type",
        "session.id",
    ] {
        assert!(has(key), "{key}");
    }
    let failed = spans.iter().filter(|span| !span.events.is_empty()).count();
    assert!(
        failed < spans.len() / 10,
        "{failed} of {} spans failed",
        spans.len()
    );
}

#[test]
fn cached_tokens_are_part_of_the_input() {
    for span in spans(Sample::new(4).history(noon(), 150)) {
        let count = |key: &str| {
            let value = span.attributes.iter().find(|attribute| attribute.key == key);
            match value.and_then(|attribute| attribute.value.clone()?.value) {
                Some(opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(count)) => count,
                _ => 0,
            }
        };
        let cached =
            count("gen_ai.usage.cache_read.input_tokens") + count("gen_ai.usage.cache_creation.input_tokens");
        assert!(cached <= count("gen_ai.usage.input_tokens"), "{}", span.name);
        let thought = count("gen_ai.usage.reasoning.output_tokens");
        assert!(thought <= count("gen_ai.usage.output_tokens"), "{}", span.name);
    }
}

#[test]
fn the_live_feed_ends_its_traces_now_and_never_runs_dry() {
    let mut sample = Sample::new(5);
    for _ in 0..200 {
        let trace = sample.next_trace(noon()).unwrap();
        assert_eq!(trace.start_ns + nanos(trace.draft.length()), nanos(unix(noon())));
        assert!(sample.next_call().is_some());
    }
    assert!(sample.conversations.len() <= CONVERSATIONS_MAX);
}

#[test]
fn the_opening_calls_are_streamed_traced_and_fall_back() {
    let calls = Sample::new(6).opening_calls();
    assert!(calls.iter().any(|call| call.body["stream"] == true));
    assert!(calls.iter().any(|call| call.body["model"] == "resilient"));
    assert!(calls.iter().any(|call| call.caller.is_some()));
}
