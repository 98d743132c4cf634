use brokle_gateway::GatewayConfig;
use toml::Value;

use super::{Imported, import};
use crate::command::import::report::Fate;

const TEAM: &str = include_str!("fixtures/team.yaml");
const SMALL: &str = include_str!("fixtures/small.yaml");
const TIERS: &str = include_str!("fixtures/tiers.yaml");

/// The `[gateway]` of the written file, after our own loader took it.
fn loaded(imported: &Imported) -> Value {
    let text = imported.toml().unwrap();
    let root: Value = toml::from_str(&text).unwrap();
    let config: GatewayConfig = root["gateway"].clone().try_into().unwrap();
    config.validate().unwrap();
    root["gateway"].clone()
}

fn words(imported: &Imported, fate: Fate, path: &str) -> Vec<String> {
    let lines = imported.report.lines.iter();
    lines
        .filter(|line| line.fate == fate && line.path == path)
        .map(|line| line.words.clone())
        .collect()
}

#[track_caller]
fn says(imported: &Imported, fate: Fate, path: &str, expected: &str) {
    let all = words(imported, fate, path);
    assert!(
        all.iter().any(|words| words.contains(expected)),
        "{path}: {all:?} in\n{}",
        imported.report
    );
}

#[test]
fn a_small_file_is_imported_whole() {
    let imported = import(SMALL).unwrap();
    assert!(imported.report.is_complete(), "{}", imported.report);
    let gateway = loaded(&imported);
    assert_eq!(
        gateway["routes"]["gpt-4o-mini"]["targets"][0]["model"].as_str(),
        Some("gpt-4o-mini")
    );
    let name = gateway["routes"]["gpt-4o-mini"]["targets"][0]["provider"]
        .as_str()
        .unwrap();
    assert_eq!(gateway["providers"][name]["models"][0].as_str(), Some("*"));
}

#[test]
fn deployments_become_providers_and_weighted_targets_with_fallbacks_behind() {
    let gateway = loaded(&import(TEAM).unwrap());
    let targets = gateway["routes"]["gpt-4o"]["targets"].as_array().unwrap();
    let places: Vec<_> = targets
        .iter()
        .map(|target| {
            let text = |name: &str| target[name].as_str().unwrap().to_owned();
            let weight = target
                .get("weight")
                .map_or(1, |weight| weight.as_integer().unwrap());
            (text("provider"), text("model"), weight)
        })
        .collect();
    let expected = [
        ("azure", "gpt-4o-eu", 600),
        ("azure-2", "gpt-4o-us", 300),
        ("anthropic", "claude-sonnet-4-5", 0),
        ("google", "gemini-2.5-flash", 0),
        ("google", "gemini-2.5-flash", 0),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(provider, model, weight)| ((*provider).to_owned(), (*model).to_owned(), *weight))
        .collect();
    assert_eq!(places, expected);
    assert_eq!(targets[3].get("only_after"), None);
    assert_eq!(targets[4]["only_after"][0].as_str(), Some("context_window"));
    assert_eq!(
        gateway["routes"]["gpt-4"], gateway["routes"]["gpt-4o"],
        "an alias is the same route"
    );
    assert_eq!(
        gateway["routes"]["sonnet"]["targets"][0]["provider"].as_str(),
        Some("anthropic")
    );
    let azure = &gateway["providers"]["azure-2"];
    assert_eq!(azure["api_key_env"].as_str(), Some("AZURE_US_KEY"));
    assert_eq!(azure["dialect"].as_str(), Some("azure"));
    assert_eq!(azure["api_version"].as_str(), Some("2024-10-21"));
    assert_eq!(
        gateway["providers"]["google"]["api_key_env"].as_str(),
        Some("TEAM_GOOGLE_KEY")
    );
}

#[test]
fn tags_become_rules_and_kinds_of_failure_their_own_targets() {
    let imported = import(TIERS).unwrap();
    assert!(imported.report.is_complete(), "{}", imported.report);
    let route = &loaded(&imported)["routes"]["chat"];
    let models = |lane: &Value| {
        let targets = lane["targets"].as_array().unwrap().iter();
        let models = targets.map(|target| target["model"].as_str().unwrap().to_owned());
        models.collect::<Vec<_>>()
    };
    let behind = ["gemini-2.5-pro", "llama-3.3-70b-versatile"];
    assert_eq!(models(route), [&["gpt-4o-mini"], behind.as_slice()].concat());
    let rules = route["rules"].as_array().unwrap();
    let told = |rule: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&rule["name"]), text(&rule["when"]["metadata"]["tags"]))
    };
    assert_eq!(told(&rules[0]), ("eu-west".to_owned(), "eu west".to_owned()));
    let header = rules[1]["when"]["headers"]["x-litellm-tags"].as_str();
    assert_eq!((rules.len(), header), (4, Some("eu west")));
    assert_eq!(
        models(&rules[0]),
        [&["claude-sonnet-4-5"], behind.as_slice()].concat()
    );
    assert_eq!(told(&rules[2]).0, "paid");
    assert_eq!(rules[2]["strategy"].as_str(), Some("least_used"));
    let paid = rules[2]["targets"].as_array().unwrap();
    assert_eq!(
        models(&rules[2]),
        [&["gpt-4o", "claude-sonnet-4-5"], behind.as_slice()].concat()
    );
    assert_eq!(paid[0]["requests_per_minute"].as_integer(), Some(500));
    assert_eq!(paid[0]["tokens_per_minute"].as_integer(), Some(100_000));
    assert_eq!(paid[2]["only_after"][0].as_str(), Some("context_window"));
    assert_eq!(paid[3]["only_after"][0].as_str(), Some("content_filter"));
}

#[test]
fn clouds_are_told_by_their_place_and_account() {
    let imported = import(TIERS).unwrap();
    let gateway = loaded(&imported);
    let targets = gateway["routes"]["nova"]["targets"].as_array().unwrap();
    assert_eq!(targets[0]["model"].as_str(), Some("amazon.nova-pro-v1:0"));
    assert_eq!(targets[1]["model"].as_str(), Some("eu.amazon.nova-pro-v1:0"));
    let (first, second) = (
        &gateway["providers"]["bedrock"],
        &gateway["providers"]["bedrock-2"],
    );
    assert_eq!(first["region"].as_str(), Some("us-west-2"));
    assert_eq!(second["region"].as_str(), Some("eu-west-1"));
    assert_eq!(second["dialect"].as_str(), Some("bedrock"));
    assert_eq!(
        words(&imported, Fate::Todo, "model_list[5].litellm_params"),
        Vec::<String>::new()
    );
    says(
        &imported,
        Fate::Todo,
        "model_list[6].litellm_params.aws_access_key_id",
        "access_key_id",
    );
    let vertex = &gateway["providers"]["vertex"];
    assert_eq!(vertex["project"].as_str(), Some("team-models"));
    assert_eq!(
        vertex["credentials_file"].as_str(),
        Some("/etc/brokle/vertex.json")
    );
    let told = format!("{}{}", imported.toml().unwrap(), imported.report);
    assert!(!told.contains("literal-secret"), "{told}");
}

#[test]
fn settings_become_ours() {
    let gateway = loaded(&import(TEAM).unwrap());
    for (table, key, expected) in [
        ("retries", "per_target_max", Value::Integer(2)),
        ("timeouts", "total_ms", Value::Integer(120_000)),
        ("timeouts", "first_token_ms", Value::Integer(20_000)),
        ("breaker", "failures", Value::Integer(4)),
        ("breaker", "cooldown_ms", Value::Integer(30_000)),
        ("cache", "mode", Value::from("exact")),
        ("cache", "time_to_live_seconds", Value::Integer(600)),
        ("capture", "content", Value::Boolean(false)),
        ("limits", "in_flight_max", Value::Integer(500)),
    ] {
        assert_eq!(gateway[table][key], expected, "{table}.{key}");
    }
    assert_eq!(gateway["quotas"][0]["cost_per_month"].as_str(), Some("250.5"));
    let guardrails = gateway["guardrails"].as_array().unwrap();
    let names: Vec<_> = guardrails
        .iter()
        .map(|guardrail| guardrail["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["pii-redact", "pii-block", "words-redact", "words-block"]);
    assert_eq!(guardrails[1]["detect"][0].as_str(), Some("credit_card"));
    assert_eq!(guardrails[2]["patterns"]["ticket"].as_str(), Some(r"TICKET-\d+"));
}

#[test]
fn what_is_not_imported_is_said_with_its_place_and_reason() {
    let imported = import(TEAM).unwrap();
    assert!(!imported.report.is_complete());
    for (fate, path, expected) in [
        (Fate::Missing, "model_list[1].litellm_params.timeout", "30"),
        (
            Fate::Missing,
            "model_list[4].litellm_params.temperature",
            "own parameters",
        ),
        (Fate::Missing, "router_settings.fallbacks", "missing-model"),
        (
            Fate::Missing,
            "litellm_settings.success_callback",
            "my_module.handler",
        ),
        (Fate::Missing, "general_settings.alerting", "no such setting"),
        (
            Fate::Missing,
            "guardrails[0].litellm_params.pii_entities_config.PERSON",
            "no names",
        ),
        (Fate::Missing, "guardrails[2].litellm_params.guardrail", "aporia"),
        (Fate::Changed, "model_list[4].litellm_params", "local-llama"),
        (Fate::Changed, "litellm_settings.drop_params", "x-brokle-adapted"),
        (
            Fate::Todo,
            "model_list[5].litellm_params.api_key",
            "OPENAI_COMPATIBLE_API_KEY",
        ),
        (Fate::Todo, "general_settings.master_key", "dashboard"),
        (Fate::Todo, "environment_variables", "LANGFUSE_SECRET_KEY"),
    ] {
        says(&imported, fate, path, expected);
    }
}

#[test]
fn no_secret_is_repeated() {
    let imported = import(TEAM).unwrap();
    let told = format!("{}{}", imported.toml().unwrap(), imported.report);
    assert!(!told.contains("literal-secret"), "{told}");
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    assert!(import("a: [").unwrap_err().to_string().contains("not valid YAML"));
    assert!(
        import("just text")
            .unwrap_err()
            .to_string()
            .contains("no LiteLLM configuration")
    );
    let other = import("services: {web: {image: x}}").unwrap();
    says(&other, Fate::Missing, "services", "no such part");
}
