use brokle_model::id::{ProjectId, SpanId, TraceId};
use brokle_storage::telemetry::SqlQuery;

use super::usage::{self, Measure, Stale, UsageQuery};
use super::*;
use crate::filter::Filter;
use crate::plan::{
    AttributeScope, Attributes, Cursor, Dimension, Histogram, ObservationList, TimeRange, TopCursor, TopSort,
};

mod calls;
mod signals;

const PROJECT: ProjectId = ProjectId::from_u128(7);

/// The text and what is bound to it, as one snapshot.
fn show(query: &SqlQuery) -> String {
    let params = query
        .params
        .iter()
        .map(|(name, value)| format!("-- {name} = {value}"));
    let params: Vec<String> = params.collect();
    format!(
        "{}\n-- result rows <= {}\n{}",
        query.text,
        query.limits.result_rows_max,
        params.join("\n")
    )
}

fn range() -> TimeRange {
    TimeRange {
        from: "2026-11-21T12:00:00Z".parse().unwrap(),
        to: "2026-11-22T12:00:00.5Z".parse().unwrap(),
    }
}

fn candidates_for(filter: &str, cursor: Option<Cursor>) -> SqlQuery {
    let filter = Filter::parse(filter).unwrap();
    candidates(&Candidates {
        project: PROJECT,
        range: range(),
        filter: &filter,
        cursor,
        rows: 64,
        found: None,
    })
}

fn trace(byte: u8) -> TraceId {
    TraceId::from_bytes([byte; 16])
}

#[test]
fn a_plain_list_reads_entries_in_order() {
    insta::assert_snapshot!(show(&candidates_for("", None)));
}

#[test]
fn a_next_page_goes_on_by_keyset() {
    let cursor = Cursor {
        start_ns: 1_795_000_000_123_456_789,
        trace: trace(0xab),
        span: SpanId::from_bytes([1; 8]),
    };
    insta::assert_snapshot!(show(&candidates_for("", Some(cursor))));
}

#[test]
fn a_search_for_something_rare_starts_from_the_traces_that_an_index_knows() {
    let leading = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        leading_traces(PROJECT, range(), &filter, 257)
    };
    for nothing in [
        "",
        "status:error",
        "-user:ann",
        "user:\"\"",
        "cost:>1",
        "name:a",
        "id:4bf9*",
    ] {
        assert!(leading(nothing).is_none(), "{nothing}");
    }
    let (term, query) = leading("model:a id:00f067aa0ba902b7").unwrap();
    assert_eq!(term, 1);
    assert!(query.text.contains("span_id ="), "{}", query.text);
    assert_eq!(leading("model:a user:ann tag:b").unwrap().0, 1);
    let (term, query) = leading("user:ann status:error \"late refund\"").unwrap();
    assert_eq!(term, 2);
    let filter = Filter::parse("user:ann status:error").unwrap();
    let found = Found {
        term: 0,
        traces: vec![trace(1), trace(2)],
        windows: vec![Window {
            first_ns: 1_795_000_000_123_456_789,
            last_ns: 1_795_000_000_223_456_789,
        }],
    };
    let entries = candidates(&Candidates {
        project: PROJECT,
        range: range(),
        filter: &filter,
        cursor: None,
        rows: 64,
        found: Some(&found),
    });
    insta::assert_snapshot!(format!("{}\n\n{}", show(&query), show(&entries)));
}

#[test]
fn each_field_has_its_condition() {
    let filters = [
        "status:error,unset",
        "-status:ok",
        "name:checkout",
        "name:\"a_b\"*,*100%*,plain",
        "environment:production service:api,worker",
        "id:4bf92f3577b34da6a3ce929d0e0e4736,00f067aa0ba902b7,4bf9*",
        "model:gpt-4o",
        "-model:gpt-4o,claude*",
        "provider:openai type:tool,agent",
        "user:\"it's \\\\ me\"",
        "user:*",
        "user:\"\"",
        "session:s1,\"\"",
        "tag:a,b*",
        "duration:>1.5s",
        "cost:>=0.01",
        "-cost:>0.01",
        "cost:<1",
        "tokens:100,200",
        "errors:0",
        "errors:>2",
        "Refund",
        "-refund",
        "\"Refund policy's\"",
        "東京",
    ];
    let rendered = filters.iter().map(|text| {
        let query = candidates_for(text, None);
        let (_, rest) = query
            .text
            .split_once("AND (is_entry OR type = 'trace')\n    AND ")
            .unwrap();
        let (conditions, _) = rest.split_once("\nORDER BY").unwrap();
        let params: Vec<String> = query
            .params
            .iter()
            .skip(2)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{text}\n    {}\n    [{}]", conditions, params.join("; "))
    });
    insta::assert_snapshot!(rendered.collect::<Vec<_>>().join("\n"));
}

#[test]
fn no_value_of_a_filter_reaches_the_text() {
    let hostile = "x') OR 1=1 -- ";
    for field in [
        "name",
        "environment",
        "service",
        "model",
        "provider",
        "user",
        "session",
        "tag",
        "type",
    ] {
        for pattern in [
            format!("{field}:\"{hostile}\""),
            format!("-{field}:*\"{hostile}\"*,z"),
        ] {
            let query = candidates_for(&pattern, None);
            assert!(!query.text.contains("1=1"), "{}", query.text);
            assert!(query.text.contains("project_id = {project_id:String}"));
        }
    }
    let query = candidates_for(&format!("\"{hostile}\""), None);
    assert!(!query.text.contains("1=1"), "{}", query.text);
}

#[test]
fn what_the_entry_decides_is_told_from_what_the_trace_decides() {
    let is_about_entries = |text: &str| Candidates::is_about_entries(&Filter::parse(text).unwrap());
    for text in ["", "status:ok", "-name:a* environment:b service:c", "id:4bf9*"] {
        assert!(is_about_entries(text), "{text}");
    }
    for text in [
        "word",
        "cost:>1",
        "status:ok model:a",
        "user:\"\"",
        "id:00f067aa0ba902b7",
    ] {
        assert!(!is_about_entries(text), "{text}");
    }
}

#[test]
fn a_pages_traces_are_located_and_summed_up() {
    let traces = [trace(1), trace(2)];
    insta::assert_snapshot!("locate", show(&trace_ranges(PROJECT, &traces)));
    let windows = [
        Window {
            first_ns: 0,
            last_ns: 1,
        },
        Window {
            first_ns: 5_000_000_000_000,
            last_ns: 5_000_000_000_001,
        },
    ];
    let filter = Filter::parse("status:error -name:a* cost:>1 word").unwrap();
    insta::assert_snapshot!("sum_up", show(&summaries(PROJECT, &traces, &windows, &filter)));
    insta::assert_snapshot!("metadata", show(&trace_metadata(PROJECT, trace(1), windows[0])));
}

#[test]
fn a_traces_observations_are_chosen_by_key_and_then_read() {
    let window = Window {
        first_ns: 0,
        last_ns: 1,
    };
    let cursor = Cursor {
        start_ns: 5,
        trace: trace(1),
        span: SpanId::from_bytes([1; 8]),
    };
    let list = ObservationList {
        project: PROJECT,
        trace: trace(1),
        cursor: Some(cursor),
        limit: 10,
    };
    insta::assert_snapshot!("keys", show(&observation_keys(&list, window, 11)));
    insta::assert_snapshot!(
        "rows",
        show(&observation_rows(&list, window, &[SpanId::from_bytes([2; 8])]))
    );
}

#[test]
fn charts_count_each_trace_once() {
    let filter = Filter::parse("environment:production model:gpt-4o").unwrap();
    insta::assert_snapshot!(
        "histogram",
        show(&histogram(&Histogram::new(PROJECT, range(), filter)))
    );
    let month = TimeRange {
        from: range().to - chrono::Duration::days(30),
        ..range()
    };
    let wide = Histogram::new(PROJECT, month, Filter::default());
    insta::assert_snapshot!("wide_histogram", show(&histogram(&wide)));
}

fn day() -> TimeRange {
    TimeRange {
        from: "2026-11-21T12:00:00Z".parse().unwrap(),
        to: "2026-11-22T12:00:00Z".parse().unwrap(),
    }
}

/// Half a day is rolled up, one quarter at noon is not.
fn partly_stale() -> Stale {
    Stale::covering(["2026-11-22T11:45:00Z"
        .parse::<chrono::DateTime<chrono::Utc>>()
        .unwrap()
        .timestamp()])
}

fn usage_query<'a>(stale: &'a Stale, only: &'a [(Dimension, String)]) -> UsageQuery<'a> {
    UsageQuery {
        project: PROJECT,
        range: day(),
        stale,
        only,
        filter: None,
        measures: &[Measure::Requests, Measure::Cost, Measure::Latency],
        bucket_s: usage::BUCKET_S,
    }
}

#[test]
fn quarters_are_computed_from_the_observations_as_a_whole() {
    let settle = std::time::Duration::from_mins(5);
    insta::assert_snapshot!("compute", show(&usage::compute(PROJECT, day(), settle)));
    insta::assert_snapshot!("pending", show(&usage::pending(PROJECT, day(), settle, 64)));
    insta::assert_snapshot!("stale", show(&usage::stale(PROJECT, day())));
}

#[test]
fn figures_come_from_the_roll_up_and_from_what_it_does_not_have() {
    let (stale, fresh, all) = (partly_stale(), Stale::default(), Stale::all(day()));
    let only = [(Dimension::Environment, "production".to_owned())];
    let keys = ["gpt-4o".to_owned()];
    let lines = Some((Dimension::Model, &keys[..]));
    insta::assert_snapshot!(
        "series",
        show(&usage::series(&usage_query(&stale, &only), 3_600_000, lines, 100))
    );
    let rolled_up = usage::series(&usage_query(&fresh, &[]), 3_600_000, None, 100).text;
    assert!(!rolled_up.contains("observations_core"), "{rolled_up}");
    let raw = usage::series(&usage_query(&all, &[]), 3_600_000, None, 100).text;
    assert!(!raw.contains("usage_15m"), "{raw}");
    let cursor = TopCursor {
        value: rust_decimal::Decimal::new(15, 1),
        keys: vec!["ada".to_owned()],
    };
    let top = usage::top(
        &usage_query(&fresh, &[]),
        &[Dimension::User],
        TopSort::Cost,
        Some(&cursor),
        11,
    );
    insta::assert_snapshot!("top", show(&top));
    let people = UsageQuery {
        measures: &[],
        ..usage_query(&fresh, &[])
    };
    insta::assert_snapshot!("people", show(&usage::people(&people)));
}

#[test]
fn no_value_of_a_figure_reaches_the_text() {
    let hostile = "x') OR 1=1 -- ".to_owned();
    let stale = partly_stale();
    let only = [
        (Dimension::User, hostile.clone()),
        (Dimension::Model, hostile.clone()),
    ];
    let keys = [hostile.clone()];
    let cursor = TopCursor {
        value: rust_decimal::Decimal::ONE,
        keys: keys.to_vec(),
    };
    let query = usage_query(&stale, &only);
    for query in [
        usage::series(&query, 3_600_000, Some((Dimension::Name, &keys)), 100),
        usage::top(&query, &[Dimension::Session], TopSort::LastSeen, Some(&cursor), 5),
    ] {
        assert!(!query.text.contains("1=1"), "{}", query.text);
        assert!(query.text.contains("project_id = {project_id:String}"));
    }
}

#[test]
fn facets_come_from_the_roll_up_and_from_what_it_does_not_have() {
    let stale = partly_stale();
    let query = usage_query(&stale, &[]);
    let facets = FACETS
        .iter()
        .map(|facet| show(&usage::usage_facet(&query, *facet, None, FACET_VALUES_MAX)));
    let facets: Vec<String> = facets.take(3).collect();
    insta::assert_snapshot!("facets", facets.join("\n;\n"));
    let searched = usage::usage_facet(&query, FACETS[3], Some("x') OR 1=1 -- %"), 5);
    assert!(!searched.text.contains("1=1"), "{}", searched.text);
}

#[test]
fn attributes_are_kept_by_quarter_and_read_with_what_is_not() {
    let stale = partly_stale();
    let plan = Attributes {
        project: PROJECT,
        range: day(),
        scope: Some(AttributeScope::Resource),
        key: Some("x') OR 1=1 -- ".to_owned()),
        text: Some("50%".to_owned()),
        limit: 10,
    };
    let read = usage::attributes(&plan, &usage::attribute_query(&plan, &stale));
    assert!(!read.text.contains("1=1"), "{}", read.text);
    insta::assert_snapshot!("attributes", show(&read));
    insta::assert_snapshot!(
        "compute_attributes",
        show(&usage::compute_attributes(PROJECT, day()))
    );
}
