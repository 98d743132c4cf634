//! The promise of the change log, over generated histories on the real engine: any order, repetition and batching of
//! creates, updates, completions and deletes gives the same rows, the same roll-ups and the same totals.
//!
//! Each history is told twice: to one project in its own order, to another one shuffled, with repeats, cut into other
//! batches. Then everything that the API says of the two projects is compared.

use brokle_model::clock::{Clock as _, SystemClock};
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use chrono::{DateTime, Duration, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::harness::{VISIBLE_WITHIN, server};
use crate::sdk::{at, said};

/// Traces in a run, each with a history of its own.
const TRACES: usize = 16;

/// One thing that is said.
#[derive(Debug, Clone)]
struct Saying {
    method: Method,
    path: String,
    body: Value,
    /// The list of the batch route that takes it too.
    batch: Option<&'static str>,
}

/// What happens to one observation, without times.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a step that is taken or not"
)]
struct Steps {
    kind: &'static str,
    tokens: u32,
    updates: Vec<(u8, u8)>,
    is_completed: bool,
    is_deleted: bool,
    is_created_twice: bool,
    has_parent: bool,
    score: Option<u8>,
}

fn steps() -> impl Strategy<Value = Steps> {
    (
        prop_oneof![Just("span"), Just("generation"), Just("tool"), Just("agent")],
        0..5_000_u32,
        vec((0..4_u8, 0..6_u8), 0..4),
        any::<bool>(),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
        any::<bool>(),
        prop::option::of(0..10_u8),
    )
        .prop_map(
            |(kind, tokens, updates, is_completed, is_deleted, is_created_twice, has_parent, score)| Steps {
                kind,
                tokens,
                updates,
                is_completed,
                is_deleted,
                is_created_twice,
                has_parent,
                score,
            },
        )
}

#[derive(Debug, Clone)]
struct History {
    observations: Vec<Steps>,
    trace_updates: Vec<u8>,
    is_created: bool,
    is_deleted: bool,
}

fn history() -> impl Strategy<Value = History> {
    (
        vec(steps(), 1..5),
        vec(0..4_u8, 0..3),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(observations, trace_updates, is_created, is_deleted)| History {
            observations,
            trace_updates,
            is_created,
            is_deleted,
        })
}

/// Gives each thing that is said a time of its own, so that which word is last does not depend on its arrival.
struct Teller {
    base: DateTime<Utc>,
    said: i64,
    sayings: Vec<Saying>,
}

impl Teller {
    fn say(&mut self, method: Method, path: String, batch: Option<&'static str>, body: Value) {
        self.said += 1;
        let Value::Object(mut body) = body else { return };
        if method != Method::DELETE && !body.contains_key("timestamp") {
            let time = self.base + Duration::seconds(60) + Duration::microseconds(self.said);
            body.insert("timestamp".to_owned(), at(time).into());
        }
        self.sayings.push(Saying {
            method,
            path,
            body: Value::Object(body),
            batch,
        });
    }

    fn tell(&mut self, trace: usize, history: &History) {
        let trace_id = format!("{:032x}", trace + 1);
        let start = self.base + Duration::milliseconds(100 * i64::try_from(trace).unwrap());
        if history.is_created {
            let body = json!({
                "external_trace_id": trace_id, "name": format!("trace {trace}"), "user_id": format!("u-{}", trace % 3),
                "tags": ["made"], "metadata": {"made": "yes"}, "start_time": at(start),
            });
            self.say(Method::POST, "/v1/traces".to_owned(), Some("traces"), body);
        }
        for (number, steps) in history.observations.iter().enumerate() {
            self.tell_observation(&trace_id, trace, number, start, steps);
        }
        for update in &history.trace_updates {
            let body = match update {
                0 => json!({"name": format!("renamed {}", self.said)}),
                1 => json!({"user_id": format!("u-{}", 10 + self.said % 5)}),
                2 => json!({"metadata": {"said": format!("{}", self.said)}}),
                _ => json!({"tags": ["changed"], "session_id": format!("s-{trace}")}),
            };
            self.say(Method::PUT, format!("/v1/traces/{trace_id}"), None, body);
        }
        if history.is_deleted {
            self.say(Method::DELETE, format!("/v1/traces/{trace_id}"), None, json!({}));
        }
    }

    fn tell_observation(
        &mut self,
        trace_id: &str,
        trace: usize,
        number: usize,
        start: DateTime<Utc>,
        steps: &Steps,
    ) {
        let id = format!("{:016x}", (trace + 1) * 100 + number);
        let start = start + Duration::milliseconds(i64::try_from(number).unwrap() + 1);
        let parent =
            (steps.has_parent && number > 0).then(|| format!("{:016x}", (trace + 1) * 100 + number - 1));
        let create = json!({
            "trace_id": trace_id, "external_observation_id": id, "type": steps.kind, "name": format!("step {number}"),
            "parent_observation_id": parent, "start_time": at(start), "model": "gpt-4o-mini", "provider": "openai",
            "input": format!("question {number}"), "prompt_tokens": steps.tokens,
        });
        self.say(
            Method::POST,
            "/v1/observations".to_owned(),
            Some("observations"),
            create.clone(),
        );
        if steps.is_created_twice {
            let mut again = create;
            again["start_time"] = at(start + Duration::seconds(2)).into();
            self.say(
                Method::POST,
                "/v1/observations".to_owned(),
                Some("observations"),
                again,
            );
        }
        for (field, value) in &steps.updates {
            let body = match field {
                0 => json!({"name": format!("step {number} {value}")}),
                1 => json!({"level": if value % 2 == 0 { "ERROR" } else { "INFO" }}),
                2 => json!({"completion_tokens": u32::from(*value) * 11}),
                _ => json!({"metadata": {format!("k{value}"): format!("{}", self.said)}}),
            };
            self.say(Method::PUT, format!("/v1/observations/{id}"), None, body);
        }
        if steps.is_completed {
            let body = json!({"end_time": at(start + Duration::milliseconds(500)), "output": format!("answer {number}")});
            self.say(
                Method::POST,
                format!("/v1/observations/{id}/complete"),
                None,
                body,
            );
        }
        if let Some(score) = steps.score {
            let body = json!({
                "id": format!("score-{id}"), "trace_id": trace_id, "observation_id": id, "score_name": "good",
                "score_value": f64::from(score) / 10.0, "timestamp": at(start),
            });
            self.say(
                Method::POST,
                "/v1/quality-scores".to_owned(),
                Some("scores"),
                body,
            );
        }
        if steps.is_deleted {
            self.say(Method::DELETE, format!("/v1/observations/{id}"), None, json!({}));
        }
    }
}

/// Says the sayings in order, several at a time where a route takes several and the dice say so.
async fn tell(tenant: &Tenant, sayings: &[Saying], random: &mut rand::rngs::StdRng) {
    let mut rest = sayings;
    while let Some(first) = rest.first() {
        let together = if random.random_bool(0.5) { 1 } else { 8 };
        let alike = rest
            .iter()
            .take(together)
            .take_while(|saying| saying.batch == first.batch)
            .count();
        match first.batch {
            Some(list) if alike > 1 => {
                let bodies: Vec<&Value> = rest[..alike].iter().map(|saying| &saying.body).collect();
                let answer = said(
                    tenant,
                    Method::POST,
                    &format!("/v1/{list}/batch"),
                    &json!({list: bodies}),
                )
                .await;
                assert_eq!(answer["errors"], json!([]), "{bodies:?}");
                rest = &rest[alike..];
            }
            _ => {
                said(tenant, first.method.clone(), &first.path, &first.body).await;
                rest = &rest[1..];
            }
        }
    }
}

/// Everything that the API says of a project's telemetry. What depends on when it was told is left out.
async fn everything(tenant: &Tenant, range: &str) -> Option<Value> {
    let mut all = Map::new();
    let mut traces = tenant
        .data(&format!("/api/v1/analytics/traces?limit=200&{range}"))
        .await
        .ok()?;
    for trace in traces.as_array()? {
        let id = trace["trace_id"].as_str()?;
        all.insert(format!("trace {id}"), tenant.trace(id).await?);
        let rows = tenant
            .data(&format!("/api/v1/analytics/traces/{id}/observations"))
            .await
            .ok()?;
        all.insert(format!("observations {id}"), rows);
    }
    all.insert("traces".to_owned(), traces.take());
    for chart in [
        "overview",
        "costs",
        "requests",
        "models",
        "users",
        "sessions",
        "latency",
        "quality-scores",
    ] {
        all.insert(
            chart.to_owned(),
            tenant
                .data(&format!("/api/v1/analytics/{chart}?{range}"))
                .await
                .ok()?,
        );
    }
    let mut all = Value::Object(all);
    forget(&mut all);
    Some(all)
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            // A trace all of whose observations were deleted stands where the first of them was, or where it was
            // created; which of the two depends on what came first.
            if entries.get("observation_count") == Some(&json!(0)) {
                entries.remove("start_time");
            }
            entries.retain(|name, _| {
                !["created_at", "updated_at", "root_observation_id"].contains(&name.as_str())
            });
            entries.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

/// The same project, once nothing waits and two looks agree.
async fn settled(tenant: &Tenant, range: &str) -> Value {
    wait::until("nothing waits for storage", VISIBLE_WITHIN, || async {
        let metrics = reqwest::Client::new()
            .get(format!("{}/metrics", tenant.url))
            .send()
            .await
            .ok()?;
        let text = metrics.text().await.ok()?;
        text.contains("brokle_ingest_waiting_items{signal=\"changes\"} 0")
            .then_some(())
    })
    .await
    .unwrap();
    everything(tenant, range).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_repetition_and_batching_gives_the_same_rows_and_totals() {
    let seed: u64 = rand::random();
    let server = server().await;
    let told = Tenant::sign_up(&server.url()).await.unwrap();
    let retold = Tenant::sign_up(&server.url()).await.unwrap();
    let mut runner = TestRunner::default();
    let base = SystemClock.now() - Duration::minutes(20);
    let mut teller = Teller {
        base,
        said: 0,
        sayings: Vec::new(),
    };
    for trace in 0..TRACES {
        let history = history().new_tree(&mut runner).unwrap().current();
        teller.tell(trace, &history);
    }
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut shuffled = teller.sayings.clone();
    shuffled.extend(teller.sayings.iter().step_by(2).cloned());
    shuffled.shuffle(&mut random);
    let mut other = rand::rngs::StdRng::seed_from_u64(seed + 1);
    tokio::join!(
        tell(&told, &teller.sayings, &mut random),
        tell(&retold, &shuffled, &mut other)
    );
    let range = format!(
        "from={}&to={}",
        at(base - Duration::hours(1)),
        at(base + Duration::hours(2))
    );
    let (first, second) = (settled(&told, &range).await, settled(&retold, &range).await);
    assert!(!first["traces"].as_array().unwrap().is_empty());
    for (name, said) in first.as_object().unwrap() {
        assert_eq!(said, &second[name], "{name}; seed {seed}\n{:#?}", teller.sayings);
    }
    assert_eq!(first, second, "seed {seed}");
}
