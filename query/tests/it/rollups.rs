//! Charts tell the truth about the rows, whatever happened to those and whether the roll-up has been computed
//! since or not.

use serde_json::{Value, json};

use crate::rows::{FOREIGN, Row};
use crate::stage::{Stage, with_parameters};

const HOUR: i64 = 3_600_000;

/// What the rows say, each observation counted once in its latest version: the yardstick, in plain SQL over
/// the wide table.
async fn truth(stage: &Stage) -> Value {
    let text = stage
        .fetch(
            "SELECT countIf(type = 'generation'), countIf(type = 'generation' AND status_code = 2), countIf(is_entry), \
             count(), sumIf(input_tokens, counts_usage), sumIf(output_tokens, counts_usage), \
             toString(sumIf(total_cost, counts_usage)) FROM \
             (SELECT * FROM observations ORDER BY version DESC LIMIT 1 BY project_id, trace_id, span_id) \
             WHERE is_deleted = 0 AND project_id = '00000000000000000000000081'",
        )
        .await;
    let fields: Vec<&str> = text.split('\t').collect();
    let number = |index: usize| fields[index].parse::<u64>().unwrap();
    json!({
        "requests": number(0), "request_errors": number(1), "traces": number(2), "observations": number(3),
        "input_tokens": number(4), "output_tokens": number(5), "total_cost": fields[6],
    })
}

fn totals(figures: &Value) -> Value {
    json!({
        "requests": figures["requests"], "request_errors": figures["request_errors"], "traces": figures["traces"],
        "observations": figures["observations"], "input_tokens": figures["usage"]["input_tokens"],
        "output_tokens": figures["usage"]["output_tokens"], "total_cost": figures["total_cost"],
    })
}

/// A week's charts, three ways to the same figures.
async fn charted(stage: &Stage) -> Value {
    let from = stage.ago(7 * 24 * HOUR).to_rfc3339();
    let range = [("from", from.as_str())];
    let overview = stage.data(&with_parameters("/overview", &range)).await;
    let all = totals(&overview["totals"]);
    let costs = stage
        .data(&with_parameters("/costs", &[range[0], ("group_by", "model")]))
        .await;
    let requests = stage
        .data(&with_parameters("/requests", &[range[0], ("group_by", "user")]))
        .await;
    let sum = |chart: &Value, field: &str| -> u64 {
        let lines = chart["series"].as_array().unwrap();
        lines
            .iter()
            .map(|line| line["total"][field].as_u64().unwrap())
            .sum()
    };
    assert_eq!(sum(&requests, "requests"), all["requests"], "by user");
    assert_eq!(sum(&requests, "traces"), all["traces"], "by user");
    let costs: f64 = costs["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            line["total"]["total_cost"]
                .as_str()
                .unwrap()
                .parse::<f64>()
                .unwrap()
        })
        .sum();
    let total: f64 = all["total_cost"].as_str().unwrap().parse().unwrap();
    assert!((costs - total).abs() < 1e-9, "by model: {costs} of {total}");
    let histogram = stage.data(&with_parameters("/traces/histogram", &range)).await;
    let buckets = histogram["buckets"].as_array().unwrap();
    let count: u64 = buckets
        .iter()
        .map(|bucket| bucket["count"].as_u64().unwrap())
        .sum();
    assert_eq!(count, all["traces"], "histogram");
    all
}

/// Charts say what the rows say: before the job has run, after it, and after it has nothing left to do.
async fn is_true(stage: &Stage, what: &str) {
    let truth = truth(stage).await;
    assert_eq!(charted(stage).await, truth, "{what}, before the roll-up");
    assert!(stage.roll_up().await > 0, "{what}: nothing was marked");
    assert_eq!(charted(stage).await, truth, "{what}, after the roll-up");
    assert_eq!(stage.roll_up().await, 0, "{what}: the roll-up has an end");
}

fn call(trace: u64, span: u64, stage: &Stage, ago: i64) -> Row {
    Row::new(trace, span, stage.ago(ago)).generation("gpt-4o", "0.25")
}

#[tokio::test]
async fn charts_are_true_through_resends_updates_pricing_and_deletion() {
    let stage = Stage::new().await;
    let ago = |hours: i64| hours * HOUR + 7 * 60_000;
    for trace in 1..=6_u64 {
        let hours = i64::try_from(trace).unwrap() * 9;
        stage
            .insert([
                Row::entry(trace, stage.ago(ago(hours) + 1))
                    .text("user_id", if trace % 2 == 0 { "ada" } else { "" }),
                call(trace, trace * 100 + 1, &stage, ago(hours)),
                call(trace, trace * 100 + 2, &stage, ago(hours) - 1).sql("status_code", "2"),
            ])
            .await;
    }
    is_true(&stage, "first").await;
    let first = charted(&stage).await;
    assert_eq!(
        (&first["requests"], &first["total_cost"]),
        (&json!(12), &json!("3"))
    );

    stage
        .insert([call(3, 301, &stage, ago(27)), call(3, 301, &stage, ago(27))])
        .await;
    is_true(&stage, "resent").await;
    assert_eq!(charted(&stage).await, first, "a copy changes nothing");

    let updated = call(3, 301, &stage, ago(27))
        .sql("version", "2")
        .sql("input_tokens", "7000");
    stage.insert([updated.clone()]).await;
    is_true(&stage, "updated").await;
    assert_eq!(charted(&stage).await["input_tokens"], 8_100);

    // An older version that arrives late changes nothing.
    stage
        .insert([call(3, 301, &stage, ago(27)).sql("input_tokens", "1")])
        .await;
    is_true(&stage, "late").await;
    assert_eq!(charted(&stage).await["input_tokens"], 8_100);

    stage
        .insert([updated
            .generation("gpt-4o", "1.5")
            .sql("version", "3")
            .sql("input_tokens", "7000")])
        .await;
    is_true(&stage, "priced again").await;
    assert_eq!(charted(&stage).await["total_cost"], "4.25");

    let gone = [
        Row::entry(5, stage.ago(ago(45) + 1)),
        call(5, 501, &stage, ago(45)),
        call(5, 502, &stage, ago(45) - 1),
    ];
    stage
        .insert(gone.map(|row| row.sql("version", "9").sql("is_deleted", "1")))
        .await;
    is_true(&stage, "deleted").await;
    let last = charted(&stage).await;
    assert_eq!((&last["traces"], &last["requests"]), (&json!(5), &json!(10)));
}

#[tokio::test]
async fn a_projects_roll_up_holds_nothing_of_anothers() {
    let stage = Stage::new().await;
    stage
        .insert([
            Row::entry(1, stage.ago(HOUR)),
            Row::entry(2, stage.ago(HOUR)).text("project_id", &FOREIGN.to_string()),
        ])
        .await;
    assert_eq!(charted(&stage).await["traces"], 1);
    assert!(stage.roll_up().await > 1, "both projects");
    assert_eq!(charted(&stage).await["traces"], 1);
}

#[tokio::test]
async fn what_the_root_says_reaches_every_row_of_its_trace_even_afterwards() {
    let stage = Stage::new().await;
    // The call is in another quarter of an hour than its root, and arrives first.
    let start = stage.now - chrono::Duration::hours(30);
    let later = start + chrono::Duration::minutes(20);
    stage
        .insert([Row::new(1, 2, later)
            .generation("gpt-4o", "0.5")
            .text("user_id", "somebody")])
        .await;
    let users = with_parameters("/users", &[("from", &start.to_rfc3339())]);
    let costs = async |stage: &Stage| -> Vec<(Value, Value)> {
        let data = stage.data(&users).await;
        let list = data.as_array().unwrap().iter();
        list.map(|user| (user["user_id"].clone(), user["total_cost"].clone()))
            .collect()
    };
    assert_eq!(costs(&stage).await, [(json!("somebody"), json!("0.5"))]);
    assert!(stage.roll_up().await > 0);
    assert_eq!(costs(&stage).await, [(json!("somebody"), json!("0.5"))]);
    stage
        .insert([
            Row::entry(1, start)
                .text("user_id", "ada")
                .text("session_id", "s1"),
            Row::new(1, 3, start).generation("gpt-4o", "0.25"),
        ])
        .await;
    assert_eq!(costs(&stage).await, [(json!("ada"), json!("0.75"))]);
    assert!(
        stage.roll_up().await > 1,
        "the call's quarter is computed again too"
    );
    assert_eq!(costs(&stage).await, [(json!("ada"), json!("0.75"))]);
    let sessions = stage
        .data(&with_parameters("/sessions", &[("from", &start.to_rfc3339())]))
        .await;
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &sessions[0]["session_id"],
            &sessions[0]["user_id"],
            &sessions[0]["total_cost"]
        ),
        (&json!("s1"), &json!("ada"), &json!("0.75"))
    );
}

#[tokio::test]
async fn quarters_without_a_change_are_not_read_from_the_observations() {
    let stage = Stage::new().await;
    for hour in 1..40 {
        stage
            .insert([Row::entry(hour, stage.ago(i64::try_from(hour).unwrap() * HOUR))])
            .await;
    }
    stage.roll_up().await;
    let from = stage.ago(48 * HOUR).to_rfc3339();
    let chart = with_parameters("/requests", &[("from", &from)]);
    stage.meter.take();
    stage.data(&chart).await;
    let (rows, queries) = stage.meter.take();
    assert_eq!(queries, 2, "what is stale, and the chart");
    // Marks and roll-ups of 39 quarters, and neither of those twice.
    assert!(rows < 39 * 4 + 40, "{rows} rows");
}
