//! The statements about logs and metrics.

use super::*;
use crate::plan::{
    LogCursor, LogFilter, LogList, MetricFilter, MetricNames, MetricPoints, MetricSeries, NameCursor,
    PointCursor, TimeOrder,
};

fn log_list(filter: LogFilter, cursor: Option<LogCursor>) -> LogList {
    LogList {
        project: PROJECT,
        range: range(),
        filter,
        order: TimeOrder::NewestFirst,
        cursor,
        limit: 50,
    }
}

const LOG_PLACE: LogCursor = LogCursor {
    time_ns: 1_795_000_000_123_456_789,
    request: u64::MAX,
    row: 3,
};

#[test]
fn log_records_are_chosen_by_place_and_size_and_then_read() {
    let everything = LogFilter {
        severity_min: Some(13),
        service: Some("shop".to_owned()),
        environment: Some("production".to_owned()),
        event_name: Some("order.placed".to_owned()),
        text: Some("card 'expired'".to_owned()),
        trace: Some(trace(0xab)),
        span: Some(SpanId::from_bytes([1; 8])),
    };
    let list = log_list(everything, Some(LOG_PLACE));
    insta::assert_snapshot!("log_keys", show(&log_record_keys(&list, 51)));
    insta::assert_snapshot!("log_rows", show(&log_record_rows(&list, &[LOG_PLACE])));
    insta::assert_snapshot!("log_window", show(&log_trace_window(PROJECT, trace(0xab))));
    let window = Window {
        first_ns: 1_795_000_000_000_000_000,
        last_ns: 1_795_000_001_000_000_000,
    };
    let spans = [SpanId::from_bytes([1; 8])];
    insta::assert_snapshot!(
        "messages",
        show(&message_records(PROJECT, trace(0xab), window, &spans))
    );
}

fn series(kind: &str, temporality: i32, group_by: &[&str]) -> SqlQuery {
    let chart = MetricSeries {
        project: PROJECT,
        name: "requests".to_owned(),
        range: range(),
        filter: MetricFilter {
            service: Some("shop".to_owned()),
            environment: None,
            attributes: vec![("region".to_owned(), "eu".to_owned())],
        },
        interval_ms: 60_000,
        group_by: group_by.iter().map(|name| (*name).to_owned()).collect(),
        aggregation: None,
    };
    let stream = Stream {
        kind: kind.to_owned(),
        unit: String::new(),
        temporality,
        is_monotonic: true,
    };
    metric_states(&chart, &stream)
}

#[test]
fn each_kind_of_metric_has_its_states() {
    insta::assert_snapshot!("metric_gauge", show(&series("gauge", 0, &[])));
    insta::assert_snapshot!("metric_counter", show(&series("sum", 2, &["http.route"])));
    insta::assert_snapshot!("metric_histogram", show(&series("histogram", 1, &[])));
    insta::assert_snapshot!(
        "metric_exponential",
        show(&series("exponential_histogram", 2, &[]))
    );
    insta::assert_snapshot!("metric_summary", show(&series("summary", 0, &[])));
}

#[test]
fn names_and_points_of_metrics_are_read_in_the_order_of_their_tables() {
    let names = MetricNames {
        project: PROJECT,
        range: range(),
        service: Some("shop".to_owned()),
        text: Some("http".to_owned()),
        cursor: Some(NameCursor("a".to_owned())),
        limit: 10,
    };
    insta::assert_snapshot!("metric_names", show(&metric_names(&names, Some("b"), 11)));
    let points = MetricPoints {
        project: PROJECT,
        name: "requests".to_owned(),
        range: range(),
        filter: MetricFilter::default(),
        cursor: Some(PointCursor {
            series: 9,
            place: LOG_PLACE,
        }),
        limit: 10,
    };
    insta::assert_snapshot!("metric_points", show(&metric_points(&points, 11)));
}
