//! `brokle reprice` beside a running server, on the real engine: rows, totals and lists change exactly, and
//! nothing else does.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use brokle_model::clock::{Clock as _, SystemClock};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use brokle_testkit::otlp;
use brokle_testkit::server::Server;
use brokle_testkit::tenant::Tenant;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{binary, observations, server_and_tenant};

/// gpt-4o-mini at ten times its price, and a model that nobody else prices.
const PRICES: &str = r#"
name = "contract"
[[price]]
provider = "openai"
model = "gpt-4o-mini"
input = "1.5"
output = "6"
cache_read = "0.75"
[[price.step]]
mode = "batch"
input = "1"
[[price]]
provider = "acme"
model = "acme-1"
input = "2"
output = "4"
"#;

fn number(key: &str, value: i64) -> KeyValue {
    let value = AnyValue {
        value: Some(Any::IntValue(value)),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

/// A call with 1000 input tokens, 400 of them cached, and 100 output tokens.
fn call(trace: u8, start_ns: u64, provider: &str, model: &str, more: Vec<KeyValue>) -> Span {
    let mut span = otlp::root_span([trace; 16], [trace; 8], "chat", start_ns);
    span.attributes = vec![
        otlp::attribute("gen_ai.operation.name", "chat"),
        otlp::attribute("gen_ai.provider.name", provider),
        otlp::attribute("gen_ai.request.model", model),
        number("gen_ai.usage.input_tokens", 1000),
        number("gen_ai.usage.output_tokens", 100),
        number("gen_ai.usage.cache_read.input_tokens", 400),
        otlp::attribute(
            "gen_ai.input.messages",
            r#"[{"role":"user","parts":[{"type":"text","content":"hé\n"}]}]"#,
        ),
    ];
    span.attributes.extend(more);
    span
}

/// Calls of every kind, in two months.
fn calls(now_ns: u64) -> Vec<Span> {
    const DAY_NS: u64 = 86_400_000_000_000;
    let decorated = Span {
        events: vec![Event {
            name: "e".to_owned(),
            attributes: vec![number("n", 7)],
            ..Event::default()
        }],
        links: vec![Link {
            trace_id: vec![9; 16],
            span_id: vec![9; 8],
            ..Link::default()
        }],
        trace_state: "a=b".to_owned(),
        ..call(1, now_ns, "openai", "gpt-4o-mini", vec![number("my.count", -5)])
    };
    let said = |usd: f64| {
        let value = AnyValue {
            value: Some(Any::DoubleValue(usd)),
        };
        KeyValue {
            key: "gen_ai.usage.cost".to_owned(),
            value: Some(value),
            ..KeyValue::default()
        }
    };
    vec![
        decorated,
        call(2, now_ns - 28 * DAY_NS, "openai", "gpt-4o-mini", Vec::new()),
        call(3, now_ns + 1, "openai", "gpt-4o-mini", vec![said(0.5)]),
        call(4, now_ns + 2, "acme", "acme-1", Vec::new()),
        call(5, now_ns + 3, "openai", "gpt-4o", Vec::new()),
        call(
            6,
            now_ns + 4,
            "openai",
            "gpt-4o-mini",
            vec![otlp::attribute("openai.response.service_tier", "batch")],
        ),
        call(
            7,
            now_ns + 5,
            "openai",
            "gpt-4o-mini",
            vec![otlp::attribute("brokle.span.type", "agent")],
        ),
    ]
}

struct Stage {
    server: Server,
    tenant: Tenant,
    clickhouse: ClickHouse,
    directory: tempfile::TempDir,
}

impl Stage {
    /// A server that has stored [`calls`].
    async fn new() -> Self {
        let (server, tenant) = server_and_tenant().await;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let now_ns = u64::try_from(now.as_nanos()).unwrap() - 60_000_000_000;
        let request = Client::new()
            .post(format!("{}/v1/traces", server.url()))
            .header("x-api-key", &tenant.key)
            .header("content-type", "application/x-protobuf")
            .body(otlp::request(calls(now_ns)));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        for trace in 1..=7 {
            observations(&tenant, &format!("{trace:02x}").repeat(16), 1).await;
        }
        let config = ClickHouseConfig::parse(&server.clickhouse_url()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("prices.toml"), PRICES).unwrap();
        Self {
            server,
            tenant,
            clickhouse: ClickHouse::new(&config),
            directory,
        }
    }

    fn reprice(&self, arguments: &[&str], prices: Option<&Path>) -> String {
        let mut command = Command::new(binary());
        command
            .arg("reprice")
            .args(arguments)
            .current_dir(self.directory.path())
            .env("CLICKHOUSE_URL", self.server.clickhouse_url());
        if let Some(prices) = prices {
            command.env("BROKLE_PRICES", prices);
        }
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn with_contract(&self, arguments: &[&str]) -> String {
        self.reprice(arguments, Some(&self.directory.path().join("prices.toml")))
    }

    async fn sql(&self, query: &str) -> String {
        let text = self
            .clickhouse
            .fetch(query, "TabSeparated", Duration::from_secs(30))
            .await
            .unwrap();
        text.trim().to_owned()
    }

    /// Sums of cost in the wide and in the narrow table.
    async fn sums(&self) -> (String, String) {
        let sum = |table: &str| format!("SELECT sumIf(total_cost, counts_usage) FROM {table} FINAL");
        (
            self.sql(&sum("observations")).await,
            self.sql(&sum("observations_core")).await,
        )
    }

    /// Everything of every row that pricing must not touch, as one number.
    async fn rest(&self) -> String {
        self.sql(
            "SELECT count(), sum(sipHash64(tuple(* EXCEPT (version, cost_details, total_cost, cost_source, price_version))))
             FROM observations FINAL",
        )
        .await
    }

    async fn cost(&self, trace: u8) -> Value {
        let found = observations(&self.tenant, &format!("{trace:02x}").repeat(16), 1).await;
        json!([found[0]["cost"], found[0]["cost_source"]])
    }

    async fn listed_total(&self, trace: u8) -> Value {
        self.tenant
            .trace(&format!("{trace:02x}").repeat(16))
            .await
            .unwrap()["total_cost"]
            .clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_that_changed_change_rows_totals_and_lists_exactly_and_only_once() {
    let stage = Stage::new().await;
    let rest = stage.rest().await;
    // 600 x 0.15 + 400 x 0.075 + 100 x 0.6 = 180 millionths, three times in plain calls; in a batch the halves
    // of input and output, and the cache at its plain price: 45 + 30 + 30 = 105.
    // gpt-4o: 600 x 2.5 + 400 x 1.25 + 100 x 10 = 3000.
    let before = ("0.503465".to_owned(), "0.503465".to_owned());
    assert_eq!(stage.sums().await, before);
    assert_eq!(stage.cost(4).await, json!([null, null]));

    let project = stage.tenant.project_id.clone();
    let preview = stage.with_contract(&["--project", &project, "--dry-run"]);
    assert_eq!(
        preview,
        format!(
            "project {project}: 6 calls, 5 would change, 0 without a known price\n  \
             total: 0.503465 USD before, 0.5105 USD after\n  \
             by our prices: 0.003645 USD before, 0.0123 USD after\n"
        )
    );
    assert_eq!(stage.sums().await, before, "a dry run changes nothing");

    let done = stage.with_contract(&["--project", &project, "--yes"]);
    assert_eq!(done, preview.replace("would change", "changed"));
    // Plain: 1800. In a batch only input has a price of its own: 600 + 300 + 600 = 1500.
    // acme-1: 1000 x 2 + 100 x 4 = 2400. The caller's half dollar and gpt-4o stay.
    assert_eq!(stage.sums().await, ("0.5105".to_owned(), "0.5105".to_owned()));
    let plain =
        json!([{"total": "0.0018", "input": "0.0009", "cache_read": "0.0003", "output": "0.0006"}, "priced"]);
    assert_eq!(stage.cost(1).await, plain);
    assert_eq!(stage.cost(2).await, plain, "a call of another month");
    assert_eq!(
        stage.cost(3).await,
        json!([{"total": "0.5", "priced": "0.0018"}, "client"])
    );
    assert_eq!(stage.cost(4).await[0]["total"], "0.0024");
    assert_eq!(stage.cost(6).await[0]["total"], "0.0015");
    assert_eq!(
        stage.cost(7).await,
        json!([null, null]),
        "what only repeats is not priced"
    );
    assert_eq!(stage.listed_total(1).await, "0.0018");
    assert_eq!(stage.rest().await, rest, "nothing but money changed");
    let versions = stage
        .sql("SELECT DISTINCT price_version FROM observations FINAL WHERE model_requested = 'acme-1'")
        .await;
    assert_eq!(versions, "contract");

    let again = stage.with_contract(&["--all", "--yes"]);
    assert!(
        again.starts_with(&format!("project {project}: 6 calls, 0 changed, 0 without")),
        "{again}"
    );
    assert_eq!(
        stage.sql("SELECT count() FROM observations").await,
        "12",
        "seven rows, five of them rewritten once"
    );

    let back = stage.reprice(&["--all", "--yes"], None);
    assert!(
        back.contains("6 calls, 5 changed, 1 without a known price"),
        "{back}"
    );
    assert_eq!(stage.sums().await, before);
    assert_eq!(stage.cost(4).await, json!([null, null]));
    assert_eq!(stage.rest().await, rest);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_of_a_model_can_be_asked_for() {
    let (_server, tenant) = server_and_tenant().await;
    let ask = async |query: &str| {
        let path = format!("/api/v1/projects/{}/prices?{query}", tenant.project_id);
        let response = tenant.request(Method::GET, &path).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (status, found) =
        ask("provider=openai.chat&model=gpt-4o-mini-2024-07-18&at=2026-11-22T00:00:00Z").await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let found = &found["data"];
    assert_eq!(
        (
            &found["provider"],
            &found["reason"],
            &found["price"]["steps"][0]["usd_per_million"]["input"]
        ),
        (&json!("openai"), &json!("exact"), &json!("0.15"))
    );
    for (query, field) in [
        ("model=%20", "model"),
        ("model=m&when=now", "when"),
        ("provider=openai", "model"),
    ] {
        let (status, refusal) = ask(query).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refusal}");
        let message = refusal["error"]["message"].as_str().unwrap();
        assert!(message.contains(field), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_and_a_range_bound_what_is_priced_again() {
    let stage = Stage::new().await;
    let of_model = stage.with_contract(&["--all", "--yes", "--model", "acme-1"]);
    assert!(of_model.contains(": 1 calls, 1 changed"), "{of_model}");
    let week_ago = chrono_day(7);
    let old = stage.with_contract(&["--all", "--yes", "--to", &week_ago]);
    assert!(old.contains(": 1 calls, 1 changed"), "{old}");
    let young = stage.with_contract(&["--all", "--dry-run", "--from", &week_ago]);
    assert!(young.contains(": 5 calls, 3 would change"), "{young}");
    assert_eq!(stage.cost(2).await[0]["total"], "0.0018");
    assert_eq!(stage.cost(1).await[0]["total"], "0.00018");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_are_priced_again_in_bounded_steps() {
    let stage = Stage::new().await;
    let project = &stage.tenant.project_id;
    let seconds = SystemClock.now().timestamp() / 60 * 60 - 120;
    // Two copies of each, of which the second counts; one in ten thousand is deleted.
    for (version, tokens) in [(1, "7"), (2, "number")] {
        let insert = format!(
            "INSERT INTO observations (project_id, trace_id, span_id, start_time, end_time, version, is_deleted, type,
                provider, model, counts_usage, input_tokens, input)
             SELECT '{project}', unhex(leftPad(hex(number), 32, '0')), unhex(leftPad(hex(number + 1), 16, '0')),
                toDateTime64({seconds}, 9, 'UTC') + toIntervalMillisecond(number) AS at, at,
                {version}, number % 10000 = 1, 'generation', 'openai', 'gpt-4o-mini', true, {tokens}, repeat('x', 300)
             FROM numbers(60000)"
        );
        stage
            .clickhouse
            .execute(&insert, Duration::from_mins(1))
            .await
            .unwrap();
    }
    let report = stage.with_contract(&["--project", project, "--yes"]);
    // Six were sent; six of the sixty thousand are deleted, and one has no token.
    assert!(
        report.contains(&format!(
            "project {project}: {} calls, {} changed",
            59_994 + 6,
            59_993 + 5
        )),
        "{report}"
    );
    let tokens: u64 = (0..60_000).filter(|number| number % 10_000 != 1).sum();
    let query =
        "SELECT sum(total_cost) FROM observations_core FINAL WHERE input_tokens != 1000 AND version > 1";
    let expected = (tokens - 1000) * 15;
    let total = stage.sql(&query.replace(" AND version > 1", "")).await;
    assert_eq!(total, decimal(expected, 7));
    let again = stage.with_contract(&["--project", project, "--yes"]);
    assert!(again.contains("60000 calls, 0 changed"), "{again}");
}

/// A whole number of 10^-places as text, without trailing zeros.
fn decimal(number: u64, places: usize) -> String {
    let digits = format!("{number:0>width$}", width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    format!("{whole}.{part}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// The day so many days ago.
fn chrono_day(ago: i64) -> String {
    (SystemClock.now() - chrono::Duration::days(ago))
        .format("%Y-%m-%d")
        .to_string()
}

#[test]
fn a_command_line_that_names_no_calls_or_too_many_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = |arguments: &[&str]| {
        let output = Command::new(binary())
            .arg("reprice")
            .args(arguments)
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refusal(&[]).contains("--project"));
    assert!(refusal(&["--project", "x"]).contains("project id"));
    assert!(refusal(&["--all", "--from", "soon"]).contains("give a day such as 2026-11-01"));
    let reversed = refusal(&["--all", "--yes", "--from", "2026-11-02", "--to", "2026-11-01"]);
    assert!(reversed.contains("--from must be before --to"), "{reversed}");
}

#[test]
fn a_price_file_with_a_mistake_stops_the_command_and_names_the_entry() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("p.toml"),
        "[[price]]\nprovider = \"p\"\nmodel = \"m\"\ninptu = 1\n",
    )
    .unwrap();
    let mut command = Command::new(binary());
    command
        .args(["config", "check"])
        .current_dir(directory.path())
        .env("BROKLE_PRICES", "p.toml");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the price file p.toml is not valid"), "{said}");
    assert!(
        said.contains("[[price]] number 1 (p m): unknown field `inptu`"),
        "{said}"
    );
}
