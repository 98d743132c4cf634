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
    let settings = settings(toml);
    let found = decide(&settings, model, ticket, &|_| None)?;
    Ok(names(&found))
}

fn decide(
    settings: &GatewaySettings,
    model: &str,
    ticket: u64,
    cost: &dyn Fn(&Target) -> Option<Decimal>,
) -> Result<Candidates, Unroutable> {
    decide_for(settings, model, ticket, cost, "{}", &Overrides::default(), &[])
}

fn decide_for(
    settings: &GatewaySettings,
    model: &str,
    ticket: u64,
    cost: &dyn Fn(&Target) -> Option<Decimal>,
    body: &str,
    overrides: &Overrides,
    allowed: &[String],
) -> Result<Candidates, Unroutable> {
    let headers = http::HeaderMap::new();
    let mut circumstances = Circumstances {
        now_ms: 1_000,
        chance: &mut |below| ticket.min(below - 1),
        cost,
        quality: &|_| None,
        facts: &Facts::new(&headers, body.as_bytes()),
        overrides,
        allowed,
    };
    candidates(settings, model, &mut circumstances)
}

fn names(found: &Candidates) -> Vec<String> {
    let name = |target: &Target| format!("{}/{}", target.provider.name, target.model);
    found.targets.iter().map(name).collect()
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
        decide(&none, "gpt-4o", 0, &|_| None).unwrap_err(),
        Unroutable::NoProviders
    );
}

fn three(strategy: &str) -> GatewaySettings {
    settings(&format!(
        r#"
        [providers.mock]
        base_url = "http://127.0.0.1:9/v1"
        [routes.r]
        strategy = "{strategy}"
        targets = [{{ provider = "mock", model = "a" }}, {{ provider = "mock", model = "b" }},
            {{ provider = "mock", model = "c" }}]
        "#
    ))
}

#[test]
fn the_cheapest_comes_first_and_what_has_no_price_last() {
    let cost = |target: &Target| match target.model.as_str() {
        "a" => Some(Decimal::new(9, 3)),
        "c" => Some(Decimal::new(2, 3)),
        _ => None,
    };
    let found = decide(&three("lowest_cost"), "r", 0, &cost).unwrap();
    assert_eq!(names(&found), ["mock/c", "mock/a", "mock/b"]);
}

#[test]
fn the_least_busy_comes_first() {
    let settings = three("least_busy");
    let loads = &settings.providers["mock"].health.loads;
    let _busy = [
        loads.of("a").begin(0),
        loads.of("a").begin(0),
        loads.of("b").begin(0),
    ];
    assert_eq!(
        names(&decide(&settings, "r", 0, &|_| None).unwrap()),
        ["mock/c", "mock/b", "mock/a"]
    );
}

#[test]
fn the_sooner_of_two_drawn_comes_first() {
    let settings = three("lowest_latency");
    let loads = &settings.providers["mock"].health.loads;
    for (model, latency_ms) in [("a", 300), ("b", 100), ("c", 200)] {
        loads
            .of(model)
            .succeeded(std::time::Duration::from_millis(latency_ms), 1_000);
    }
    // The first two places of b, c, a are drawn; then the last and the first; then the last two.
    assert_eq!(
        names(&decide(&settings, "r", 0, &|_| None).unwrap()),
        ["mock/b", "mock/c", "mock/a"]
    );
    let draws = |first: u64, second: u64| {
        let mut tickets = vec![second, first];
        let (headers, overrides) = (http::HeaderMap::new(), Overrides::default());
        let facts = Facts::new(&headers, b"{}");
        let mut circumstances = Circumstances {
            now_ms: 1_000,
            chance: &mut |_| tickets.pop().unwrap(),
            cost: &|_| None,
            quality: &|_| None,
            facts: &facts,
            overrides: &overrides,
            allowed: &[],
        };
        names(&candidates(&settings, "r", &mut circumstances).unwrap())
    };
    assert_eq!(draws(2, 0), ["mock/b", "mock/c", "mock/a"]);
    assert_eq!(draws(1, 0), ["mock/c", "mock/b", "mock/a"]);
}

#[test]
fn a_target_whose_circuit_is_open_is_tried_last() {
    let settings = three("priority");
    let loads = &settings.providers["mock"].health.loads;
    let policy = settings.breaker;
    for _ in 0..policy.failures {
        loads
            .of("a")
            .failed(retry::FailureClass::Server, None, &policy, 1_000);
    }
    let found = decide(&settings, "r", 0, &|_| None).unwrap();
    assert_eq!(
        (names(&found), found.passed_over),
        (["mock/b", "mock/c", "mock/a"].map(String::from).to_vec(), 1)
    );
}

#[test]
fn what_scores_say_goes_before_what_is_configured_and_that_before_a_guess() {
    let settings = settings(
        "[providers.mock]\nbase_url = \"http://127.0.0.1:9/v1\"\n[routes.r]\nstrategy = \"quality\"\n\
         targets = [{ provider = \"mock\", model = \"a\", quality = 0.9 }, { provider = \"mock\", model = \"b\" }, \
         { provider = \"mock\", model = \"c\", quality = 0.4 }]",
    );
    let (headers, overrides) = (http::HeaderMap::new(), Overrides::default());
    let scored = |target: &Target| {
        (target.model == "a").then_some(Quality {
            mean: 0.1,
            answers: 25,
        })
    };
    let mut circumstances = Circumstances {
        now_ms: 1_000,
        chance: &mut |_| 0,
        cost: &|_| None,
        quality: &scored,
        facts: &Facts::new(&headers, b"{}"),
        overrides: &overrides,
        allowed: &[],
    };
    let found = candidates(&settings, "r", &mut circumstances).unwrap();
    let mut told: Vec<(&str, Option<f64>, Option<QualityFrom>)> = found
        .targets
        .iter()
        .map(|target| (&*target.model, target.score, target.quality_from))
        .collect();
    told.sort_by_key(|(model, ..)| *model);
    assert_eq!(
        told,
        [
            ("a", Some(0.1), Some(QualityFrom::Scores(25))),
            ("b", Some(0.5), Some(QualityFrom::Nowhere)),
            ("c", Some(0.4), Some(QualityFrom::Configuration)),
        ]
    );
}
