//! Counts over time and by value.

use serde_json::json;

use crate::rows::Row;
use crate::stage::{Stage, with_parameters};

#[tokio::test]
async fn every_bucket_of_the_range_is_there() {
    let stage = Stage::new().await;
    let minutes = |count: i64| stage.ago(count * 60_000);
    stage
        .insert([
            Row::entry(1, minutes(30)).sql("status_code", "2"),
            Row::entry(2, minutes(30)),
            Row::entry(3, minutes(10)).text("name", "other"),
            Row::new(3, 31, minutes(9)).generation("gpt-4o", "1"),
        ])
        .await;
    let (from, to) = (minutes(60).to_rfc3339(), stage.now.to_rfc3339());
    let range = [("from", from.as_str()), ("to", to.as_str())];
    let histogram = stage.data(&with_parameters("/traces/histogram", &range)).await;
    assert_eq!(histogram["interval_ms"], 30_000);
    let buckets = histogram["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 120);
    assert_eq!(
        buckets[0],
        json!({"start": minutes(60), "count": 0, "error_count": 0})
    );
    assert_eq!(
        buckets[60],
        json!({"start": minutes(30), "count": 2, "error_count": 1})
    );
    assert_eq!(
        buckets[100],
        json!({"start": minutes(10), "count": 1, "error_count": 0})
    );
    let filtered = [range[0], range[1], ("filter", "model:gpt-4o")];
    let histogram = stage.data(&with_parameters("/traces/histogram", &filtered)).await;
    let total: u64 = histogram["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["count"].as_u64().unwrap())
        .sum();
    assert_eq!(total, 1);
}

#[tokio::test]
async fn long_ranges_count_each_trace_once_too() {
    let stage = Stage::new().await;
    let hour = 3_600_000;
    let failed = Row::entry(1, stage.ago(50 * hour)).sql("status_code", "2");
    stage
        .insert([
            failed.clone(),
            failed,
            Row::entry(2, stage.ago(50 * hour)),
            Row::entry(3, stage.ago(2 * hour)),
        ])
        .await;
    let from = stage.ago(20 * 24 * hour).to_rfc3339();
    let histogram = stage
        .data(&with_parameters("/traces/histogram", &[("from", &from)]))
        .await;
    assert_eq!(histogram["interval_ms"], 6 * hour);
    let busy = histogram["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|bucket| bucket["count"] != 0);
    let counts: Vec<_> = busy
        .map(|bucket| (bucket["count"].clone(), bucket["error_count"].clone()))
        .collect();
    assert_eq!(counts, [(json!(2), json!(1)), (json!(1), json!(0))]);
}

#[tokio::test]
async fn facets_count_traces_and_leave_absent_values_out() {
    let stage = Stage::new().await;
    stage
        .insert([
            Row::entry(1, stage.ago(3_000))
                .text("environment", "production")
                .sql("status_code", "2"),
            Row::entry(2, stage.ago(2_000))
                .text("environment", "production")
                .text("user_id", "ada"),
            Row::entry(3, stage.ago(1_000)).text("name", "trace-1"),
            Row::new(3, 31, stage.ago(900)).generation("gpt-4o", "1"),
            Row::new(3, 32, stage.ago(800)).generation("gpt-4o", "1"),
        ])
        .await;
    assert_eq!(
        stage.data(&with_parameters("/traces/facets", &[])).await,
        json!({"fields": [
            {"field": "environment", "values": [{"value": "production", "count": 2}]},
            {"field": "model", "values": [{"value": "gpt-4o", "count": 1}]},
            {"field": "status", "values": [{"value": "unset", "count": 2}, {"value": "error", "count": 1}]},
            {"field": "name", "values": [{"value": "trace-1", "count": 2}, {"value": "trace-2", "count": 1}]},
            {"field": "user", "values": [{"value": "ada", "count": 1}]},
            {"field": "provider", "values": [{"value": "openai", "count": 1}]},
            {"field": "type", "values": [{"value": "span", "count": 3}, {"value": "generation", "count": 1}]},
            {"field": "tag", "values": []},
            {"field": "service", "values": []},
        ]})
    );
}

#[tokio::test]
async fn values_and_attributes_are_completed_from_what_was_sent() {
    let stage = Stage::new().await;
    let attributes = "map('customer.tier', 'gold', 'customer.id', toString(number))";
    for number in 0..4_u64 {
        let tier = if number == 3 { "silver" } else { "gold" };
        let start = stage.ago(3 * 3_600_000 + i64::try_from(number).unwrap());
        stage
            .insert([Row::entry(number + 1, start)
                .text(
                    "name",
                    ["checkout", "Check-in", "search", "search"][usize::try_from(number).unwrap()],
                )
                .sql(
                    "attributes_string",
                    &attributes
                        .replace("gold", tier)
                        .replace("number", &number.to_string()),
                )
                .sql("attributes_int", "map('retries', 2)")
                .sql("resource_string", "map('host.name', 'a-1')")])
            .await;
    }
    for _ in 0..2 {
        let values = stage
            .data(&with_parameters("/traces/facets/name", &[("query", "CHECK")]))
            .await;
        assert_eq!(
            values,
            json!({"field": "name", "values": [{"value": "Check-in", "count": 1}, {"value": "checkout", "count": 1}]})
        );
        let keys = stage.data(&with_parameters("/attributes", &[])).await;
        let keys: Vec<_> = keys
            .as_array()
            .unwrap()
            .iter()
            .map(|key| (&key["scope"], &key["key"]))
            .collect();
        assert_eq!(
            keys.into_iter()
                .map(|(scope, key)| format!("{scope} {key}"))
                .collect::<Vec<_>>(),
            [
                "\"attribute\" \"customer.id\"",
                "\"attribute\" \"customer.tier\"",
                "\"attribute\" \"retries\"",
                "\"resource\" \"host.name\""
            ]
        );
        let tiers = stage
            .data(&with_parameters("/attributes", &[("key", "customer.tier")]))
            .await;
        assert_eq!(
            tiers,
            json!([
                {"scope": "attribute", "key": "customer.tier", "value": "gold", "observations": 3},
                {"scope": "attribute", "key": "customer.tier", "value": "silver", "observations": 1},
            ])
        );
        let found = stage
            .data(&with_parameters(
                "/attributes",
                &[("key", "customer.tier"), ("query", "SIL")],
            ))
            .await;
        assert_eq!(found.as_array().unwrap().len(), 1);
        let hosts = stage
            .data(&with_parameters("/attributes", &[("scope", "resource")]))
            .await;
        assert_eq!(hosts.as_array().unwrap().len(), 1);
        stage.roll_up().await;
    }
    let unknown = stage.get(&with_parameters("/traces/facets/nonsense", &[])).await;
    assert_eq!(unknown.status, http::StatusCode::BAD_REQUEST);
}
