//! What reads cost, in rows read: a number that does not depend on the machine.

use http::StatusCode;

use crate::rows::PROJECT;
use crate::stage::{Stage, traces_path, with_parameters};

/// 40,000 traces of five observations over 28 days, merged into one part a month.
async fn busy_stage() -> Stage {
    let stage = Stage::new().await;
    let now = crate::rows::time_sql(stage.now);
    stage
        .execute(&format!(
            "INSERT INTO observations (project_id, trace_id, span_id, start_time, end_time, version, name, type, \
             status_code, environment, model, user_id, is_entry, counts_usage, input_tokens, total_cost, input) \
             WITH intDiv(number, 5) AS trace, number % 5 AS span \
             SELECT '{PROJECT}', unhex(leftPad(lower(hex(trace + 1)), 32, '0')), \
             unhex(leftPad(lower(hex(number + 1)), 16, '0')), \
             {now} - toIntervalSecond(trace * 60) + toIntervalMillisecond(span * 10), \
             {now} - toIntervalSecond(trace * 60) + toIntervalMillisecond(span * 10 + 5), 1, \
             if(trace = 39000, 'needle', 'chat'), if(span = 3, 'generation', 'span'), if(trace % 50 = 7, 2, 0), \
             'production', if(span = 3, if(trace = 30000, 'rare', 'gpt-4o'), ''), \
             if(span = 2, concat('user-', toString(trace % 1000)), ''), span = 0, span = 3, 100, \
             if(span = 3, toDecimal64('0.001', 12), toDecimal64(0, 12)), \
             concat('question ', toString(trace), if(trace = 20000, ' xylophone', '')) FROM numbers(200000)"
        ))
        .await;
    stage.roll_up().await;
    for table in [
        "observations",
        "observations_core",
        "trace_places",
        "usage_marks",
        "usage_15m",
    ] {
        stage.execute(&format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
    stage
}

#[tokio::test]
async fn reads_stay_within_their_budgets() {
    let stage = busy_stage().await;
    let from = (stage.now - chrono::Duration::days(28)).to_rfc3339();
    let month = ("from", from.as_str());
    let histogram = with_parameters("/traces/histogram", &[month]);
    let overview = with_parameters("/overview", &[month]);
    let costs = with_parameters("/costs", &[month, ("group_by", "model")]);
    let users = with_parameters("/users", &[month]);
    let facets = with_parameters("/traces/facets", &[month]);
    let one = with_parameters("/traces/00000000000000000000000000002710", &[]);
    let observations = with_parameters("/traces/00000000000000000000000000002710/observations", &[]);
    let cases = [
        ("the last day", traces_path(&[]), 50, 30_000),
        ("the last month", traces_path(&[month]), 50, 70_000),
        (
            "a frequent model",
            traces_path(&[month, ("filter", "model:gpt-4o")]),
            50,
            20_000,
        ),
        (
            "a rare name",
            traces_path(&[month, ("filter", "name:needle")]),
            1,
            300_000,
        ),
        (
            "a rare model",
            traces_path(&[month, ("filter", "model:rare")]),
            1,
            300_000,
        ),
        (
            "a rare word",
            traces_path(&[month, ("filter", "xylophone")]),
            1,
            300_000,
        ),
        ("the month's chart", histogram, 0, 12_000),
        ("the month's overview", overview, 0, 40_000),
        ("the month's costs by model", costs, 0, 25_000),
        ("the month's users", users, 0, 12_000),
        ("the month's facets", facets, 0, 35_000),
        ("one trace", one, 0, 25_000),
        ("its observations", observations, 5, 25_000),
    ];
    let mut report = Vec::new();
    for (what, path, count, budget) in cases {
        stage.meter.take();
        let data = stage.data(&path).await;
        let (rows, queries) = stage.meter.take();
        report.push(format!(
            "{what}: {rows} rows, {queries} queries (budget {budget})"
        ));
        if count > 0 {
            assert_eq!(data.as_array().unwrap().len(), count, "{what}");
        }
        assert!(rows <= budget, "{what}\n{}", report.join("\n"));
    }
    println!("{}", report.join("\n"));
}

#[tokio::test]
async fn what_costs_too_much_at_once_is_read_in_slices_or_refused_with_advice() {
    let stage = busy_stage().await;
    let from = (stage.now - chrono::Duration::days(28)).to_rfc3339();
    let month = ("from", from.as_str());
    stage.meter.limit_rows_to_read(100_000);
    assert_eq!(stage.names(&[month, ("limit", "3")]).await.len(), 3);
    let costly = [month, ("filter", "model:gpt-4o")];
    let answer = stage.get(&with_parameters("/traces/histogram", &costly)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["error"]["code"], "query_too_expensive");
    assert!(
        answer.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("shorter time range")
    );
}
