//! Quality scores as the gateway is told of them: whose count, for how long, and what happens when they cannot be read.

use std::sync::Arc;
use std::time::Duration;

use brokle_model::clock::ManualClock;
use brokle_model::port::{Quality, QualitySource as _};
use brokle_query::quality::{QualityScores, QualityScoresConfig};
use tokio_util::sync::CancellationToken;

use crate::rows::{FOREIGN, PROJECT, span_id, time_sql, trace_id};
use crate::stage::Stage;

async fn attempt(stage: &Stage, trace: u64, provider: &str, outcome: &str) {
    let statement = format!(
        "INSERT INTO ai_routing_metrics (project_id, start_time, trace_id, span_id, call_span_id, version, kind, provider,
            model, outcome)
         SELECT '{PROJECT}', {}, unhex('{}'), unhex('{}'), unhex('{}'), 1, 'attempt', '{provider}', 'small', '{outcome}'",
        time_sql(stage.ago(60_000)),
        trace_id(trace),
        span_id(trace * 10 + 1),
        span_id(trace * 10),
    );
    stage.execute(&statement).await;
}

/// A score of a trace, or of one of its spans.
async fn score(stage: &Stage, trace: u64, span: u64, (name, value): (&str, f64)) {
    let statement = format!(
        "INSERT INTO scores (project_id, score_id, trace_id, span_id, start_time, version, name, data_type, value)
         SELECT '{PROJECT}', '{trace}-{span}-{name}', unhex('{}'), unhex('{}'), {}, 1, '{name}', 'NUMERIC', {value}",
        trace_id(trace),
        span_id(span),
        time_sql(stage.ago(30_000)),
    );
    stage.execute(&statement).await;
}

fn source(stage: &Stage, names: &[&str]) -> (QualityScores, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(stage.now));
    let config = QualityScoresConfig {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        answers_min: 2,
        ..QualityScoresConfig::default()
    };
    let source = QualityScores::new(Arc::clone(&stage.meter) as _, Arc::clone(&clock) as _, config);
    (source, clock)
}

fn mean(quality: Option<Quality>) -> Option<(String, u64)> {
    quality.map(|quality| (format!("{:.3}", quality.mean), quality.answers))
}

#[tokio::test]
async fn answers_are_as_good_as_what_their_spans_calls_and_traces_were_given() {
    let stage = Stage::new().await;
    for trace in 1..=3 {
        attempt(&stage, trace, "mine", "answered").await;
    }
    attempt(&stage, 4, "other", "answered").await;
    attempt(&stage, 5, "failing", "failed").await;
    score(&stage, 1, 11, ("helpful", 1.0)).await;
    score(&stage, 2, 20, ("helpful", 0.5)).await;
    score(&stage, 3, 0, ("helpful", 0.0)).await;
    // Of another span of the trace; of a scale that nobody has told; of too few answers; of a failure.
    score(&stage, 1, 19, ("helpful", 0.0)).await;
    score(&stage, 1, 11, ("stars", 5.0)).await;
    score(&stage, 2, 20, ("stars", 1.0)).await;
    score(&stage, 4, 0, ("helpful", 1.0)).await;
    score(&stage, 5, 0, ("helpful", 1.0)).await;
    let stop = CancellationToken::new();
    let (source, clock) = source(&stage, &[]);
    assert_eq!(
        source.of(PROJECT, "mine", "small"),
        None,
        "nothing is known before it was asked for"
    );
    assert_eq!(source.refresh(&stop).await, 1);
    assert_eq!(
        mean(source.of(PROJECT, "mine", "small")),
        Some(("0.500".to_owned(), 3))
    );
    for (provider, model) in [("mine", "large"), ("other", "small"), ("failing", "small")] {
        assert_eq!(source.of(PROJECT, provider, model), None, "{provider}/{model}");
    }
    assert_eq!(source.of(FOREIGN, "mine", "small"), None);
    // What was read a moment ago is not read again; what is old is not told.
    assert_eq!(source.refresh(&stop).await, 1, "only the other project is due");
    clock.advance(chrono::Duration::minutes(16));
    assert_eq!(source.of(PROJECT, "mine", "small"), None);
    assert_eq!(source.refresh(&stop).await, 2);
    assert_eq!(
        mean(source.of(PROJECT, "mine", "small")),
        Some(("0.500".to_owned(), 3))
    );
}

#[tokio::test]
async fn only_scores_of_the_wanted_names_count_and_a_failing_storage_is_waited_for() {
    let stage = Stage::new().await;
    for trace in 1..=2 {
        attempt(&stage, trace, "mine", "answered").await;
        score(&stage, trace, 0, ("helpful", 0.25)).await;
        score(&stage, trace, 0, ("polite", 1.0)).await;
    }
    let stop = CancellationToken::new();
    let (source, clock) = source(&stage, &["helpful"]);
    assert_eq!(source.of(PROJECT, "mine", "small"), None);
    source.refresh(&stop).await;
    assert_eq!(
        mean(source.of(PROJECT, "mine", "small")),
        Some(("0.250".to_owned(), 2))
    );
    stage.meter.limit_rows_to_read(1);
    clock.advance(chrono::Duration::minutes(5));
    assert_eq!(source.refresh(&stop).await, 0);
    assert_eq!(
        mean(source.of(PROJECT, "mine", "small")),
        Some(("0.250".to_owned(), 2)),
        "what is known stands for a while"
    );
    clock.advance(chrono::Duration::from_std(Duration::from_mins(11)).unwrap());
    assert_eq!(source.of(PROJECT, "mine", "small"), None);
}
