use super::*;
use crate::config::GatewayConfig;

fn settings(toml: &str) -> GatewaySettings {
    let config: GatewayConfig = toml::from_str(toml).unwrap();
    config
        .resolve(&|name| (name == "OPENAI_API_KEY").then(|| "sk-test".into()))
        .unwrap()
}

const TWO: &str = r#"
    [providers.mock]
    base_url = "http://127.0.0.1:9/v1"
    models = ["tiny", "big-*"]
    [routes.fast]
    targets = [{ provider = "mock", model = "tiny" }, { provider = "openai", model = "gpt-4o-mini" }]
    [routes.spread]
    strategy = "weighted"
    targets = [
        { provider = "mock", model = "a", weight = 1 },
        { provider = "mock", model = "b", weight = 3 },
        { provider = "mock", model = "c", weight = 0 },
    ]
    [routes.dead]
    targets = [{ provider = "groq", model = "llama" }]
"#;

fn plan(toml: &str, model: &str, ticket: u64) -> Result<Vec<String>, Unroutable> {
    let found = candidates(&settings(toml), model, &mut |below| ticket.min(below - 1))?;
    Ok(found
        .targets
        .iter()
        .map(|target| format!("{}/{}", target.provider.name, target.model))
        .collect())
}

#[test]
fn a_route_gives_its_targets_in_order() {
    assert_eq!(plan(TWO, "fast", 0).unwrap(), ["mock/tiny", "openai/gpt-4o-mini"]);
}

#[test]
fn weights_decide_the_first_and_zero_is_only_a_fallback() {
    assert_eq!(plan(TWO, "spread", 0).unwrap(), ["mock/a", "mock/b", "mock/c"]);
    assert_eq!(plan(TWO, "spread", 2).unwrap(), ["mock/b", "mock/a", "mock/c"]);
}

#[test]
fn a_name_leads_to_a_provider_by_prefix_then_by_its_models() {
    assert_eq!(
        plan(TWO, "mock/anything/at-all", 0).unwrap(),
        ["mock/anything/at-all"]
    );
    assert_eq!(plan(TWO, "big-one", 0).unwrap(), ["mock/big-one"]);
    assert_eq!(plan(TWO, "gpt-4o", 0).unwrap(), ["openai/gpt-4o"]);
    assert_eq!(plan(TWO, "claude", 0), Err(Unroutable::UnknownModel));
    assert_eq!(plan(TWO, "dead", 0), Err(Unroutable::InactiveRoute));
}

#[test]
fn the_only_provider_takes_every_name() {
    assert_eq!(plan("", "whatever/name", 0).unwrap(), ["openai/whatever/name"]);
    let none = GatewayConfig::default().resolve(&|_| None).unwrap();
    assert_eq!(
        candidates(&none, "gpt-4o", &mut |_| 0).unwrap_err(),
        Unroutable::NoProviders
    );
}
