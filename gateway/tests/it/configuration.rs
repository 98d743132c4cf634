//! Configuration: what is understood, what is refused and how, and that a reload harms no call.

use brokle_gateway::{ConfigError, GatewayConfig, GatewaySettings};
use secrecy::SecretString;

use crate::stage::{Stage, header};

fn parse(toml: &str) -> GatewayConfig {
    toml::from_str(toml).unwrap()
}

fn environment(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<SecretString> {
    move |name| {
        pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| SecretString::from(*value))
    }
}

fn names(settings: &GatewaySettings) -> Vec<&str> {
    settings.provider_names().collect()
}

#[test]
fn only_providers_with_a_credential_are_active() {
    let none = GatewayConfig::default().resolve(&|_| None).unwrap();
    assert!(names(&none).is_empty());
    let keys = environment(&[
        ("OPENAI_API_KEY", "sk-1"),
        ("GROQ_API_KEY", "g"),
        ("XAI_API_KEY", ""),
    ]);
    assert_eq!(
        names(&GatewayConfig::default().resolve(&keys).unwrap()),
        ["openai", "groq"]
    );
    let local = environment(&[("OLLAMA_BASE_URL", "http://127.0.0.1:11434/v1")]);
    assert_eq!(
        names(&GatewayConfig::default().resolve(&local).unwrap()),
        ["ollama"]
    );
}

#[test]
fn key_comes_from_the_named_variable() {
    let config = parse("[providers.mine]\nbase_url = \"http://127.0.0.1/v1\"\napi_key_env = \"MY_KEY\"");
    assert!(names(&config.resolve(&|_| None).unwrap()).is_empty());
    assert_eq!(
        names(&config.resolve(&environment(&[("MY_KEY", "k")])).unwrap()),
        ["mine"]
    );
}

#[test]
fn secrets_are_hidden_when_the_configuration_is_printed() {
    let config = parse("[providers.openai]\napi_key = \"sk-very-secret\"");
    let shown = toml::to_string(&config).unwrap();
    assert!(
        shown.contains("[hidden]") && !shown.contains("sk-very-secret"),
        "{shown}"
    );
    let settings = config.resolve(&|_| None).unwrap();
    assert!(!format!("{config:?}{settings:?}").contains("sk-very-secret"));
}

#[test]
fn unknown_keys_are_refused() {
    for toml in [
        "[provider.x]",
        "[providers.x]\nbase = \"y\"",
        "[timeouts]\nidle = 3",
        "[routes.r]\ntarget = []",
    ] {
        assert!(toml::from_str::<GatewayConfig>(toml).is_err(), "{toml}");
    }
}

#[test]
fn mistakes_are_named() {
    let cases = [
        ("[providers.x]", "needs a `base_url`"),
        ("[providers.x]\nbase_url = \"ftp://h\"", "must start with http"),
        ("[providers.x]\nbase_url = \"http://u:p@h\"", "credentials belong"),
        ("[providers.x]\nbase_url = \"http://h?a=1\"", "query"),
        (
            "[providers.\"a/b\"]\nbase_url = \"http://h\"",
            "cannot name a provider",
        ),
        (
            "[providers.bedrock]\naccess_key_id = \"AKID\"",
            "`secret_access_key`",
        ),
        (
            "[providers.openai]\napi_key = \"a\"\napi_key_env = \"B\"",
            "keep one",
        ),
        ("[providers.openai]\napi_key = \"a\\nb\"", "cannot carry"),
        ("[routes.r]\ntargets = []", "has 0 targets"),
        (
            "[routes.r]\ntargets = [{ provider = \"nobody\", model = \"m\" }]",
            "neither configured nor built in",
        ),
        (
            "[routes.r]\ntargets = [{ provider = \"openai\", model = \"\" }]",
            "without a model",
        ),
        (
            "[breaker]\ncooldown_ms = 9\ncooldown_max_ms = 8",
            "`gateway.breaker.cooldown_ms` is 9",
        ),
        (
            "[routes.r]\nstrategy = \"weighted\"\ntargets = [{ provider = \"openai\", model = \"m\", weight = 0 }]",
            "every weight is 0",
        ),
        ("[timeouts]\nidle_ms = 0", "`gateway.timeouts.idle_ms` is 0"),
    ];
    for (toml, expected) in cases {
        let error: ConfigError = parse(toml).resolve(&|_| None).unwrap_err();
        assert!(error.to_string().contains(expected), "{toml}: {error}");
    }
}

#[tokio::test]
async fn reload_changes_new_calls_and_keeps_what_is_known_of_providers() {
    let stage = Stage::new().await;
    assert_eq!(
        stage.ask("fast").await.status(),
        404,
        "the provider knows no such model"
    );
    let toml = format!(
        "[providers.mock]\nbase_url = \"{}\"\n[routes.fast]\ntargets = [{{ provider = \"mock\", model = \"mock-b\" }}]",
        stage.provider.base_url()
    );
    stage.gateway.reload(parse(&toml).resolve(&|_| None).unwrap());
    let health = stage.gateway.providers_health();
    assert_eq!((health.len(), health[0].name.as_str()), (1, "mock"));
    assert!(health[0].last_success_at.is_some());
    let response = stage.ask("fast").await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(response.headers(), "x-brokle-model")
        ),
        (200, "mock-b")
    );
}

#[test]
fn guardrails_that_make_no_sense_are_refused_with_the_reason() {
    let refused = |rule: &str| {
        let config = parse(&format!("[[guardrails]]\nname = \"g\"\n{rule}"));
        config.resolve(&|_| None).unwrap_err().to_string()
    };
    for (rule, reason) in [
        ("", "looks for nothing"),
        ("action = \"redact\"\nbytes_max = 5", "cannot redact"),
        ("patterns = { a = \"(\" }", "usable regular expression"),
        ("stage = \"input\"\njson_schema = \"request\"", "is for answers"),
        ("json_schema = \"{\"", "neither `request` nor JSON"),
        ("json_schema = '{\"type\":5}'", "not a schema"),
        ("prompt_injection = { threshold = 0.0 }", "threshold"),
        ("webhook = { url = \"ftp://x/\" }", "https://"),
        (
            "webhook = { url = \"http://x/\", secret_env = \"NOT_SET\" }",
            "NOT_SET",
        ),
        (
            "words = [\"x\"]\n[[guardrails]]\nname = \"g\"\nwords = [\"y\"]",
            "name of another",
        ),
    ] {
        let told = refused(rule);
        assert!(told.contains(reason) && told.contains("`g`"), "{rule}: {told}");
    }
    assert!(
        toml::from_str::<GatewayConfig>("[[guardrails]]\nname = \"g\"\ndetect = [\"nonsense\"]").is_err()
    );
}
