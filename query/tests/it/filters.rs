//! What each filter finds.

use crate::rows::{Row, span_id, time_sql, trace_id};
use crate::stage::{Stage, traces_path};

async fn stage_with_four_traces() -> Stage {
    let stage = Stage::new().await;
    let at = |seconds: i64| stage.ago(seconds * 1_000);
    stage
        .insert([
            Row::entry(1, at(40))
                .text("name", "checkout")
                .text("environment", "production")
                .text("service_name", "shop")
                .sql("status_code", "2")
                .text("input", "Refund policy: a customer's 東京 order"),
            Row::new(1, 11, at(39))
                .generation("gpt-4o", "0.02")
                .text("user_id", "Ada Lovelace")
                .sql("tags", "['vip', 'a_b']"),
            Row::entry(2, at(30))
                .text("name", "chat")
                .text("environment", "staging")
                .text("service_name", "bot")
                .sql("status_code", "1")
                .sql("end_time", &time_sql(at(27))),
            Row::new(2, 21, at(29))
                .generation("claude-opus", "0.3")
                .text("session_id", "s-2")
                .text("output", "the policy allows a refund"),
            Row::new(2, 22, at(28))
                .text("type", "tool")
                .sql("status_code", "2"),
            Row::new(2, 23, at(28))
                .text("type", "tool")
                .text("level", "error"),
            Row::entry(3, at(20))
                .text("name", "50%_off")
                .text("environment", "production")
                .text("trace_name", "campaign"),
            Row::entry(4, at(10))
                .text("name", "it's \\ odd")
                .text("user_id", "o'neil\\"),
        ])
        .await;
    stage
}

#[tokio::test]
async fn each_filter_finds_its_traces() {
    let stage = stage_with_four_traces().await;
    let (first, second) = (trace_id(1), trace_id(2));
    let all = ["it's \\ odd", "campaign", "chat", "checkout"];
    let (odd, campaign, chat, checkout) = (all[0], all[1], all[2], all[3]);
    let cases: Vec<(String, Vec<&str>)> = [
        ("", all.to_vec()),
        ("status:error", vec![checkout]),
        ("status:ok,error", vec![chat, checkout]),
        ("-status:ok", vec![odd, campaign, checkout]),
        ("name:chat", vec![chat]),
        ("name:CHAT", vec![]),
        ("name:ch*", vec![chat, checkout]),
        ("name:*OUT", vec![checkout]),
        ("name:campaign", vec![campaign]),
        ("name:\"it's \\\\ odd\"", vec![odd]),
        ("name:\"%\"*", vec![]),
        ("environment:production -name:checkout", vec![campaign]),
        ("service:shop,bot", vec![chat, checkout]),
        ("environment:\"\"", vec![odd]),
        ("model:gpt-4o", vec![checkout]),
        ("model:claude*", vec![chat]),
        ("-model:claude*", vec![odd, campaign, checkout]),
        ("model:*", vec![chat, checkout]),
        ("model:\"\"", vec![odd, campaign]),
        ("provider:openai type:tool", vec![chat]),
        ("user:\"Ada Lovelace\"", vec![checkout]),
        ("user:\"o'neil\\\\\"", vec![odd]),
        ("user:*o'neil*", vec![odd]),
        ("session:s-2", vec![chat]),
        ("tag:vip", vec![checkout]),
        ("tag:a_*", vec![checkout]),
        ("tag:axb*", vec![]),
        ("duration:>=3s", vec![chat]),
        ("duration:<200ms", vec![odd, campaign]),
        ("cost:>0.02", vec![chat]),
        ("cost:>=0.02", vec![chat, checkout]),
        ("cost:<0.3", vec![odd, campaign, checkout]),
        ("cost:0", vec![odd, campaign]),
        ("-cost:0", vec![chat, checkout]),
        ("tokens:150", vec![chat, checkout]),
        ("tokens:>150", vec![]),
        ("errors:0", vec![odd, campaign]),
        ("errors:2", vec![chat]),
        ("errors:<=1", vec![odd, campaign, checkout]),
        ("refund", vec![chat, checkout]),
        ("REFUND policy", vec![chat, checkout]),
        ("\"refund policy\"", vec![checkout]),
        ("refun", vec![]),
        ("-refund", vec![odd, campaign]),
        ("refund status:error", vec![checkout]),
        ("customer's", vec![checkout]),
        ("東京", vec![checkout]),
        ("camp", vec![campaign]),
    ]
    .map(|(filter, names)| (filter.to_owned(), names))
    .into_iter()
    .chain([
        (format!("id:{first}"), vec![checkout]),
        (format!("id:{first},{second}"), vec![chat, checkout]),
        (format!("id:{}", span_id(22)), vec![chat]),
        (format!("id:{}*", &first[..31]), all.to_vec()),
        (format!("-id:{first}"), vec![odd, campaign, chat]),
    ])
    .collect();
    for (filter, expected) in cases {
        assert_eq!(stage.names(&[("filter", &filter)]).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_rare_match_weeks_ago_is_found_slice_by_slice() {
    let stage = Stage::new().await;
    let day = 24 * 3_600_000;
    stage
        .insert([
            Row::entry(1, stage.ago(20 * day)),
            Row::new(1, 11, stage.ago(20 * day - 5)).generation("rare", "1"),
        ])
        .await;
    stage
        .insert((2..30).map(|trace| Row::entry(trace, stage.ago(i64::try_from(trace).unwrap() * day / 2))))
        .await;
    let from = stage.ago(28 * day).to_rfc3339();
    assert_eq!(
        stage.names(&[("filter", "model:rare"), ("from", &from)]).await,
        ["trace-1"]
    );
    assert_eq!(
        stage.names(&[("filter", "model:rarer"), ("from", &from)]).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_is_rare_or_frequent_is_listed_once_and_in_order_over_slices_and_pages() {
    let stage = Stage::new().await;
    let place = |trace: u64| stage.ago(i64::try_from(trace).unwrap() * 600_000 + 30_000);
    let (user, word, name) = (
        |trace: u64| trace % 37 == 5,
        |trace: u64| trace % 53 == 7,
        |trace: u64| trace % 61 == 11,
    );
    let rows = (1..900_u64).map(|trace| {
        let called = if name(trace) {
            format!("needle-{trace}")
        } else {
            format!("trace-{trace}")
        };
        let said = if word(trace) { "a needle, found" } else { "hay" };
        let by = if user(trace) { "ann" } else { "bob" };
        let entry = Row::entry(trace, place(trace)).text("name", &called);
        entry.text("input", said).text("user_id", by)
    });
    stage.insert_together(rows).await;
    // A later entry with the word in its name does not make its trace one that is called so.
    stage
        .insert([Row::entry(600, place(600) + chrono::Duration::seconds(5))
            .sql("span_id", "unhex('00000000000000ff')")
            .text("name", "needle of another entry")])
        .await;
    let cases: [(&str, &dyn Fn(u64) -> bool); 7] = [
        ("user:ann", &user),
        ("needle", &|trace| word(trace) || name(trace)),
        ("user:ann needle", &|trace| {
            user(trace) && (word(trace) || name(trace))
        }),
        ("needle -user:ann", &|trace| {
            !user(trace) && (word(trace) || name(trace))
        }),
        ("user:ann name:trace*", &|trace| user(trace) && !name(trace)),
        ("id:0000000000015f2c", &|trace| trace == 899),
        ("user:nobody", &|_| false),
    ];
    let from = stage.ago(20 * 24 * 3_600_000).to_rfc3339();
    for (filter, holds) in cases {
        let expected: Vec<String> = (1..900).filter(|trace| holds(*trace)).map(trace_id).collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut parameters = vec![("from", from.as_str()), ("filter", filter), ("limit", "7")];
            parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = stage.get(&traces_path(&parameters)).await.body;
            let traces = page["data"].as_array().unwrap();
            seen.extend(
                traces
                    .iter()
                    .map(|trace| trace["trace_id"].as_str().unwrap().to_owned()),
            );
            cursor = page["meta"]["pagination"]["next_cursor"]
                .as_str()
                .map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{filter}");
    }
}
