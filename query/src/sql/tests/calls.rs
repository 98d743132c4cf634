//! The statements about the gateway's calls, and about events.

use super::*;
use crate::plan::{EventList, IdCursor, RequestFilter, RequestList, RoutingBreakdown, RoutingKey};

#[test]
fn calls_are_listed_by_keyset_and_narrowed_by_what_is_wanted() {
    let list = RequestList {
        project: PROJECT,
        range: Some(range()),
        filter: RequestFilter {
            words: vec![
                ("provider", "openai".to_owned()),
                ("user_id", "o'hara".to_owned()),
            ],
            status: Some(503),
            failed: Some(true),
            duration_us_min: Some(2_000_000),
            trace: Some(trace(0xab)),
            shadows: false,
        },
        cursor: Some(Cursor {
            start_ns: 1_795_000_000_123_456_789,
            trace: trace(0xab),
            span: SpanId::from_bytes([1; 8]),
        }),
        limit: 50,
    };
    insta::assert_snapshot!("requests", show(&requests(&list, 51)));
    let everything = RequestList {
        range: None,
        filter: RequestFilter {
            shadows: true,
            ..RequestFilter::default()
        },
        cursor: None,
        ..list
    };
    insta::assert_snapshot!("requests_of_any_time", show(&requests(&everything, 51)));
}

#[test]
fn one_call_is_found_by_its_span_and_its_attempts_by_its_time() {
    let call = SpanId::from_bytes([1; 8]);
    insta::assert_snapshot!("one_request", show(&request(PROJECT, call)));
    let window = Window {
        first_ns: 1_795_000_000_000_000_000,
        last_ns: 1_795_000_001_000_000_000,
    };
    insta::assert_snapshot!("attempts", show(&attempts(PROJECT, trace(0xab), call, window)));
}

#[test]
fn attempts_are_added_up_by_any_words() {
    let breakdown = RoutingBreakdown {
        project: PROJECT,
        range: range(),
        keys: vec![RoutingKey::Route, RoutingKey::Provider],
        words: vec![("environment", "production".to_owned())],
        limit: 20,
    };
    insta::assert_snapshot!("routing", show(&routing(&breakdown)));
}

#[test]
fn events_are_listed_by_keyset() {
    let list = EventList {
        project: PROJECT,
        range: range(),
        name: Some("budget.*".to_owned()),
        words: vec![("level", "WARNING".to_owned())],
        trace: Some(trace(0xab)),
        cursor: Some(IdCursor {
            start_ns: 1_795_000_000_123_456_789,
            id: "quota-1".to_owned(),
        }),
        limit: 50,
    };
    insta::assert_snapshot!("events", show(&events(&list, 51)));
}

#[test]
fn qualities_are_means_by_provider_and_model() {
    let names = ["helpful".to_owned()];
    insta::assert_snapshot!("qualities", show(&qualities(PROJECT, range(), &names)));
}
