//! Quotas and budgets: exact under many callers at once, settled by what was used, told in every answer.

use brokle_testkit::provider::Behaviour;
use brokle_testkit::wait;
use chrono::Duration;
use serde_json::{Value, json};

use crate::stage::{DEADLINE, GOOD_KEY, OTHER_KEY, PROJECT, Stage, attribute, header, question, streamed};

const CALLERS: usize = 64;

/// The status, the error's code and the answer's headers.
struct Got {
    status: u16,
    code: String,
    headers: reqwest::header::HeaderMap,
}

async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
    Got {
        status,
        code,
        headers,
    }
}

async fn ask(stage: &Stage, model: &str) -> Got {
    got(stage.post(question(model).to_string())).await
}

fn as_other(stage: &Stage, model: &str) -> reqwest::RequestBuilder {
    let url = format!("{}/v1/chat/completions", stage.url);
    stage
        .client
        .post(url)
        .bearer_auth(OTHER_KEY)
        .json(&question(model))
}

/// How many of [`CALLERS`] calls at once were answered; the others must have been refused with `code`.
async fn answered_of_many(stage: &Stage, code: &str) -> usize {
    let calls = (0..CALLERS).map(|_| ask(stage, "mock/gpt-4o-mini"));
    let all = futures_util::future::join_all(calls).await;
    let (answered, refused): (Vec<_>, Vec<_>) = all.iter().partition(|got| got.status == 200);
    for got in refused {
        assert_eq!((got.status, got.code.as_str()), (429, code));
        let wait: u64 = header(&got.headers, "retry-after").parse().unwrap();
        assert!(wait >= 1);
    }
    answered.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_exactly_under_many_callers() {
    let stage = Stage::with("[[quotas]]\nname = \"team\"\nper = [\"key\"]\nrequests_per_minute = 20").await;
    assert_eq!(answered_of_many(&stage, "rate_limit_exceeded").await, 20);
    assert_eq!(
        stage.provider.requests().len(),
        20,
        "refused calls reach no provider"
    );
    stage.clock.advance(Duration::seconds(59));
    assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 429);
    stage.clock.advance(Duration::seconds(3));
    assert_eq!(answered_of_many(&stage, "rate_limit_exceeded").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_never_overdrawn_by_many_callers() {
    let stage =
        Stage::with("[[quotas]]\nname = \"trial\"\nper = [\"project\"]\ncost_per_day = \"0.0031\"").await;
    // Each call reserves 500 tokens of output at 0.60 USD per million and a little input: ten of them fit. None ends
    // before all have asked.
    stage.provider.script(std::iter::repeat_n(Behaviour::Stall, 10));
    let body = streamed("mock/gpt-4o-mini");
    let responses = futures_util::future::join_all((0..CALLERS).map(|_| stage.send(&body))).await;
    let (answered, refused): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|answer| answer.status() == 200);
    assert_eq!((answered.len(), refused.len()), (10, CALLERS - 10));
    drop(answered);
    let spent = settled(&stage, 10).await;
    assert!(spent > 0);
    assert_eq!(
        ask(&stage, "mock/gpt-4o-mini").await.status,
        200,
        "what was not used is there again"
    );
}

/// What was spent, once every call has settled: less than one reservation per call.
async fn settled(stage: &Stage, calls: usize) -> u64 {
    let spent_at_most = calls as u64 * 20_000;
    wait::until("the calls are settled", DEADLINE, || async {
        let spent: u64 = stage
            .gateway
            .spent()
            .await
            .iter()
            .map(|spent| spent.nano_dollars)
            .sum();
        (spent <= spent_at_most).then_some(spent)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_budget_blocks_until_its_period_ends() {
    let stage = Stage::with("[[quotas]]\nname = \"tiny\"\ncost_per_day = \"0.00031\"").await;
    let first = ask(&stage, "mock/gpt-4o-mini").await;
    assert_eq!(first.status, 200);
    let spent = settled(&stage, 1).await;
    assert!(spent > 0);
    let second = ask(&stage, "mock/gpt-4o-mini").await;
    assert_eq!((second.status, second.code.as_str()), (429, "insufficient_quota"));
    // 2027-01-15 08:00 UTC, where the test's clock stands.
    assert_eq!(header(&second.headers, "retry-after"), (16 * 3600).to_string());
    stage.clock.advance(Duration::hours(16));
    assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 200);
}

#[tokio::test]
async fn what_was_spent_is_restored_after_a_restart() {
    let config = "[[quotas]]\nname = \"tiny\"\ncost_per_month = \"0.00031\"";
    let before = Stage::with(config).await;
    ask(&before, "mock/gpt-4o-mini").await;
    settled(&before, 1).await;
    let after = Stage::with(config).await;
    after.gateway.restore_spent(&before.gateway.spent().await).await;
    assert_eq!(ask(&after, "mock/gpt-4o-mini").await.code, "insufficient_quota");
}

#[tokio::test]
async fn tokens_are_reserved_and_then_settled_by_the_answer() {
    let stage = Stage::with("[[quotas]]\nname = \"t\"\nper = [\"key\"]\ntokens_per_minute = 600").await;
    let first = ask(&stage, "mock/gpt-4o-mini").await;
    let reserved: u64 = header(&first.headers, "x-ratelimit-remaining-tokens")
        .parse()
        .unwrap();
    assert!(reserved < 100, "500 tokens of output are reserved");
    let remaining = wait::until("the call is settled", DEADLINE, || async {
        let got = ask(&stage, "mock/gpt-4o-mini").await;
        (got.status == 200).then(|| header(&got.headers, "x-ratelimit-remaining-tokens").to_owned())
    })
    .await
    .unwrap();
    assert!(
        remaining.parse::<u64>().unwrap() < reserved,
        "the first call's tokens stay counted"
    );
    let mut long = question("mock/gpt-4o-mini");
    long["max_tokens"] = json!(10_000);
    assert_eq!(
        got(stage.post(long.to_string())).await.code,
        "rate_limit_exceeded"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_progress_are_bounded_and_give_their_place_back() {
    let stage = Stage::with("[[quotas]]\nname = \"two\"\nper = [\"key\"]\nconcurrent_requests = 2").await;
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(stage.send(&streamed("mock/mock-endless")).await);
    }
    assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.code, "rate_limit_exceeded");
    assert_eq!(
        got(as_other(&stage, "mock/gpt-4o-mini")).await.status,
        200,
        "another key's place"
    );
    open.pop();
    wait::until("the place is free", DEADLINE, || async {
        (ask(&stage, "mock/gpt-4o-mini").await.status == 200).then_some(())
    })
    .await
    .unwrap();
    // One after the other, no call finds its own last place taken.
    for _ in 0..20 {
        assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 200);
    }
}

#[tokio::test]
async fn counts_are_apart_for_what_per_names() {
    let config =
        "[[quotas]]\nname = \"m\"\nper = [\"model\"]\nmodels = [\"mock/gpt-*\"]\nrequests_per_minute = 1";
    let stage = Stage::with(config).await;
    assert_eq!(ask(&stage, "mock/gpt-4o").await.status, 200);
    assert_eq!(ask(&stage, "mock/gpt-4o").await.status, 429);
    assert_eq!(
        got(as_other(&stage, "mock/gpt-4o")).await.status,
        429,
        "one count for all projects"
    );
    assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 200);
    for _ in 0..3 {
        assert_eq!(
            ask(&stage, "mock/mock").await.status,
            200,
            "the quota is not for this model"
        );
    }
}

#[tokio::test]
async fn an_alert_lets_calls_through_and_is_told_once() {
    let config = "[[quotas]]\nname = \"watch\"\nrequests_per_minute = 2\naction = \"alert\"\nalert_at_percent = [50, 100]";
    let stage = Stage::with(config).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let got = ask(&stage, "mock/gpt-4o-mini").await;
        assert_eq!(got.status, 200);
        let spans = stage.sink.trace(header(&got.headers, "x-brokle-trace-id")).await;
        told.push(attribute(&spans[0], "brokle.quota.alerts"));
    }
    let alert = |percent| json!([format!("watch/requests_per_minute {percent}%")]);
    assert_eq!(told, [alert(50), alert(100), Value::Null, Value::Null]);
    let events = stage.sink.told();
    let names: Vec<&str> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["quota.threshold_reached"; 2]);
    assert_ne!(events[0].id, events[1].id);
}

/// 500 tokens of output are reserved at 0.60 USD per million: the second call does not fit.
const BUDGET: &str = "[[quotas]]\nname = \"month\"\nper = [\"project\"]\ncost_per_month = \"0.00031\"\n\
    alert_at_percent = [1, 90]";

#[tokio::test]
async fn a_budgets_shares_and_its_end_are_events_once_in_their_period() {
    let stage = Stage::with(BUDGET).await;
    let first = ask(&stage, "mock/gpt-4o-mini").await;
    assert_eq!(first.status, 200);
    for _ in 0..2 {
        assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 429);
    }
    let events = stage.sink.told();
    let told: Vec<(&str, &str, Value)> = events
        .iter()
        .map(|event| {
            (
                event.name,
                event.level,
                event.payload.get("percent").cloned().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("budget.threshold_reached", "WARNING", json!(1)),
            ("budget.threshold_reached", "WARNING", json!(90)),
            ("budget.used_up", "ERROR", Value::Null),
        ]
    );
    let payload = &events[0].payload;
    assert_eq!(
        (&payload["quota"], &payload["unit"], &payload["limit"]),
        (&json!("month"), &json!("cost_per_month"), &json!("0.00031"))
    );
    assert_eq!(events[0].project, PROJECT);
    let trace = events[0].trace.unwrap().to_string();
    assert_eq!(trace, header(&first.headers, "x-brokle-trace-id"));
    // In another month everything begins anew.
    stage.clock.advance(Duration::days(31));
    assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 200);
    assert_eq!(stage.sink.told().len(), 5);
}

#[tokio::test]
async fn every_door_tells_how_its_limits_stand() {
    let stage = Stage::with("[[quotas]]\nname = \"team\"\nper = [\"key\"]\nrequests_per_minute = 2").await;
    let chat = ask(&stage, "mock/gpt-4o-mini").await;
    assert_eq!(
        header(&chat.headers, "ratelimit-policy"),
        "\"team/requests_per_minute\";q=2;w=60"
    );
    assert!(header(&chat.headers, "ratelimit").starts_with("\"team/requests_per_minute\";r=1;t="));
    assert_eq!(header(&chat.headers, "x-ratelimit-limit-requests"), "2");
    assert_eq!(header(&chat.headers, "x-ratelimit-remaining-requests"), "1");

    let message = json!({ "model": "mock/gpt-4o-mini", "max_tokens": 9, "messages": [{ "role": "user", "content": "a" }] });
    let ask = || {
        stage
            .client
            .post(format!("{}/v1/messages", stage.url))
            .bearer_auth(GOOD_KEY)
            .json(&message)
    };
    let answered = ask().send().await.unwrap();
    assert_eq!(
        header(answered.headers(), "anthropic-ratelimit-requests-remaining"),
        "0"
    );
    let refused = ask().send().await.unwrap();
    let trace_id = header(refused.headers(), "x-brokle-trace-id").to_owned();
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["type"], "rate_limit_error");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`team` allows 2 requests per minute")
    );
    let spans = stage.sink.trace(&trace_id).await;
    assert_eq!(
        attribute(&spans[0], "brokle.quota.refused_by"),
        json!("team/requests_per_minute")
    );
    assert_eq!(attribute(&spans[0], "error.type"), json!("rate_limit_exceeded"));
}

#[tokio::test]
async fn an_answer_from_the_cache_draws_on_no_quota() {
    let config = "[cache]\nmode = \"exact\"\n[[quotas]]\nname = \"one\"\nrequests_per_minute = 1";
    let stage = Stage::with(config).await;
    assert_eq!(ask(&stage, "mock/gpt-4o-mini").await.status, 200);
    wait::until("the answer is kept", DEADLINE, || async {
        (ask(&stage, "mock/gpt-4o-mini").await.status == 200).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_call_that_is_broken_off_is_charged_for_what_went_over_the_wire() {
    let stage = Stage::with("[[quotas]]\nname = \"b\"\ncost_per_day = \"1\"").await;
    stage.provider.script([Behaviour::Endless]);
    let mut response = stage.send(&streamed("mock/gpt-4o-mini")).await;
    let mut heard = 0;
    while heard < 2_000 {
        heard += response.chunk().await.unwrap().unwrap().len();
    }
    drop(response);
    // 500 tokens of output are reserved, at 0.60 USD per million; what was said until then is much less.
    let spent = wait::until("the call is settled", DEADLINE, || async {
        let spent = stage.gateway.spent().await.first()?.nano_dollars;
        (spent < 300_000).then_some(spent)
    })
    .await
    .unwrap();
    assert!(spent > 3_000, "{spent}");
}
