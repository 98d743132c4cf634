//! The table of providers and models: what it makes active, what `/v1/models` says from it, and that a provider
//! whose format is known works by data alone.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::stage::{GOOD_KEY, Stage, header, question};

async fn models(stage: &Stage, path: &str) -> Value {
    let request = stage.client.get(format!("{}/v1/models{path}", stage.url));
    request
        .bearer_auth(GOOD_KEY)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// One of each format, under names that no table has: an entry of data, and no line of code.
#[tokio::test]
async fn a_provider_that_the_table_lacks_works_by_data_alone() {
    let provider = brokle_testkit::provider::FakeProvider::start().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let dialects = [
        "openai",
        "anthropic",
        "gemini",
        "cohere",
        "responses",
        "bedrock",
        "vertex",
        "azure",
    ];
    for dialect in dialects {
        writeln!(
            file,
            "[providers.new-{dialect}]\ndialect = \"{dialect}\"\nbase_url = \"{}\"\nprovider_name = \"openai\"\n\
             [providers.new-{dialect}.models.\"gpt-4o\"]\ncontext_tokens = 4321\ninput = [\"text\", \"image\"]\n\
             capabilities = [\"tools\"]",
            provider.base_url()
        )
        .unwrap();
    }
    let config = format!("catalog_file = \"{}\"\n", file.path().display());
    let stage = Stage::over_environment(provider, &config, &|name| {
        (name.starts_with("NEW_") && name.ends_with("_API_KEY")).then(|| "sk-of-the-environment".into())
    })
    .await;
    for dialect in dialects {
        let model = format!("new-{dialect}/gpt-4o");
        let response = stage.send(&question(&model)).await;
        assert_eq!(response.status(), 200, "{dialect}");
        let answer: Value = response.json().await.unwrap();
        let said = answer["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(said.contains("naïve café"), "{dialect}: {answer}");
    }
    let known = models(&stage, "/new-gemini/gpt-4o").await;
    assert_eq!(
        (&known["context_tokens"], &known["input"]),
        (&json!(4321), &json!(["text", "image"]))
    );
    assert_eq!(known["pricing"]["input"], "2.5");
}

#[tokio::test]
async fn models_are_listed_for_credentials_that_exist_with_limits_abilities_and_prices() {
    let provider = brokle_testkit::provider::FakeProvider::start().await;
    let stage = Stage::over_environment(provider, "", &|name| match name {
        // Nobody is there: what is known of it is from the table.
        "GROQ_BASE_URL" => Some("http://127.0.0.1:1/v1".into()),
        "GROQ_API_KEY" | "GITHUB_TOKEN" | "AWS_BEARER_TOKEN_BEDROCK" => Some("key".into()),
        "AWS_REGION" => Some("eu-central-1".into()),
        _ => None,
    })
    .await;
    let list = models(&stage, "").await;
    let list = list["data"].as_array().unwrap();
    let of = |start: &str| {
        list.iter()
            .filter(|model| model["id"].as_str().unwrap().starts_with(start))
            .count()
    };
    assert!(
        of("groq/") >= 10 && of("bedrock/") >= 100,
        "{} {}",
        of("groq/"),
        of("bedrock/")
    );
    assert_eq!(
        (of("github"), of("anthropic/")),
        (0, 0),
        "no credential, no models"
    );
    let model = models(&stage, "/bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0").await;
    assert_eq!(
        (&model["mode"], &model["owned_by"]),
        (&json!("chat"), &json!("bedrock")),
        "{model}"
    );
    assert!(model["context_tokens"].as_u64() >= Some(200_000), "{model}");
    assert!(
        model["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!("tools")),
        "{model}"
    );
    assert_eq!(model["pricing"]["output"], "15", "{model}");
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_name() {
    let config: brokle_gateway::GatewayConfig =
        toml::from_str("catalog_file = \"/nowhere/catalog.toml\"").unwrap();
    let refused = config.validate().unwrap_err().to_string();
    assert!(refused.contains("/nowhere/catalog.toml"), "{refused}");
}

/// Providers that take only the old name of the bound, and content as text: known by the table's flags.
#[tokio::test]
async fn what_a_provider_dislikes_is_put_differently_for_it() {
    let stage = Stage::with_base("[providers.publicai]\nbase_url = \"BASE\"\napi_key = \"k\"\n").await;
    let mut body = question("publicai/mock-a");
    body["max_completion_tokens"] = json!(7);
    body["messages"][0]["content"] =
        json!([{ "type": "text", "text": "hel" }, { "type": "text", "text": "lo" }]);
    let response = stage.send(&body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "x-brokle-adapted"), "");
    let sent = stage.provider.requests().remove(0).json();
    assert_eq!(
        (&sent["max_tokens"], sent.get("max_completion_tokens")),
        (&json!(7), None)
    );
    assert_eq!(sent["messages"][0]["content"], "hel\nlo");
}

/// The page is written by the script that writes the table.
#[test]
fn the_page_of_providers_is_the_tables() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = std::fs::read_to_string(root.join("gateway/src/catalog/catalog.tsv")).unwrap();
    let page = std::fs::read_to_string(root.join("docs/reference/providers.md")).unwrap();
    let mut rows: Vec<String> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let Some(provider) = line.strip_prefix('=') else {
            *counts.last_mut().unwrap() += 1;
            continue;
        };
        let fields: Vec<&str> = provider.split('\t').collect();
        let mark = if fields[6].contains('M') { "`*`" } else { "" };
        let keys: Vec<String> = fields[4].split(' ').map(|key| format!("`{key}`")).collect();
        let optional = if fields[6].contains('K') {
            " (optional)"
        } else {
            ""
        };
        rows.push(format!(
            "| `{}`{mark} | {} | `{}` | {}{optional} | \u{0} | `{}` |",
            fields[0],
            fields[2],
            fields[3],
            keys.join(" or "),
            fields[5]
        ));
        counts.push(0);
    }
    let rows = rows
        .iter()
        .zip(counts)
        .map(|(row, count)| row.replace('\0', &count.to_string()));
    let written = page.lines().filter(|line| line.starts_with("| `"));
    assert!(
        written.eq(rows),
        "docs/reference/providers.md is not up to date: run scripts/generate_catalog.py --pages"
    );
}
