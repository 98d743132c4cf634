use std::collections::{HashMap, HashSet};

use super::*;

#[test]
fn the_table_holds_what_is_promised() {
    let catalog = Catalog::embedded();
    let with_address = catalog
        .all()
        .iter()
        .filter(|provider| provider.base_url.starts_with("http") || provider.base_url.starts_with("${"));
    assert!(with_address.count() >= 160);
    let names: HashSet<_> = catalog.all().iter().map(|provider| &provider.name).collect();
    assert_eq!(names.len(), catalog.all().len(), "each name is one provider's");
    let models: usize = catalog
        .all()
        .iter()
        .map(|provider| provider.models().count())
        .sum();
    assert!(models >= 6_000, "{models}");
}

/// A line that cannot be read would be left out silently.
#[test]
fn every_line_of_the_table_is_read() {
    let text = include_str!("catalog.tsv");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let (providers, models): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with('='));
    let catalog = Catalog::embedded();
    assert_eq!(catalog.all().len(), providers.len());
    let read: usize = catalog
        .all()
        .iter()
        .map(|provider| provider.models().count())
        .sum();
    assert_eq!(read, models.len());
    for provider in catalog.all() {
        assert!(
            !provider.api_key_env.is_empty() && !provider.vendor.is_empty(),
            "{}",
            provider.name
        );
        let value = if provider.base_url.starts_with("${") {
            "https://x"
        } else {
            "x"
        };
        let address = provider.address(|_| Some(value.to_owned())).unwrap();
        assert!(address.parse::<http::Uri>().is_ok(), "{address}");
    }
}

/// Two providers active by one variable would send calls where nobody meant them to go.
#[test]
fn a_variable_activates_one_provider_at_most() {
    let mut activates: HashMap<&str, &str> = HashMap::new();
    for provider in Catalog::embedded()
        .all()
        .iter()
        .filter(|provider| !provider.traits.manual)
    {
        for variable in &provider.api_key_env {
            let before = activates.insert(variable, &provider.name);
            assert_eq!(before, None, "{variable} activates {} too", provider.name);
        }
    }
    for common in ["GITHUB_TOKEN", "HF_TOKEN", "CLOUDFLARE_API_TOKEN"] {
        assert_eq!(activates.get(common), None);
    }
}

#[test]
fn what_was_known_before_the_table_is_known_still() {
    let catalog = Catalog::embedded();
    for (name, vendor, dialect, variable) in [
        ("openai", "openai", Dialect::Openai, "OPENAI_API_KEY"),
        ("anthropic", "anthropic", Dialect::Anthropic, "ANTHROPIC_API_KEY"),
        ("google", "gcp.gemini", Dialect::Gemini, "GOOGLE_AI_API_KEY"),
        ("cohere", "cohere", Dialect::Cohere, "COHERE_API_KEY"),
        ("deepseek", "deepseek", Dialect::Openai, "DEEPSEEK_API_KEY"),
        ("mistral", "mistral_ai", Dialect::Openai, "MISTRAL_API_KEY"),
        ("xai", "x_ai", Dialect::Openai, "XAI_API_KEY"),
        ("groq", "groq", Dialect::Openai, "GROQ_API_KEY"),
        ("together", "together_ai", Dialect::Openai, "TOGETHER_API_KEY"),
        ("fireworks", "fireworks_ai", Dialect::Openai, "FIREWORKS_API_KEY"),
        ("openrouter", "openrouter", Dialect::Openai, "OPENROUTER_API_KEY"),
        ("ollama", "ollama", Dialect::Openai, "OLLAMA_API_KEY"),
    ] {
        let known = catalog.find(name).unwrap();
        assert_eq!((&*known.vendor, known.dialect), (vendor, dialect), "{name}");
        assert_eq!(known.api_key_env[0], variable, "{name}");
    }
    assert!(catalog.find("openai").unwrap().traits.responses);
    assert!(catalog.find("mistral").unwrap().traits.no_stream_usage);
    assert!(catalog.find("ollama").unwrap().traits.keyless);
}

#[test]
fn models_are_found_with_limits_and_abilities() {
    let known = Catalog::embedded().find("openai").unwrap();
    let model = known.model("gpt-4o").unwrap();
    assert_eq!((model.mode, model.context_tokens), ("chat", Some(128_000)));
    assert!(model.input.contains(&"image") && model.capabilities.contains(&"tools"));
    assert_eq!(known.model("text-embedding-3-small").unwrap().mode, "embedding");
    assert_eq!(
        known.model("gpt-4"),
        known.models().find(|model| model.id == "gpt-4")
    );
    assert_eq!(known.model("gpt-"), None);
}

#[test]
fn variables_in_an_address_are_filled_in_or_named() {
    let known = Catalog::embedded().find("azure").unwrap();
    let address = known.address(|name| (name == "AZURE_RESOURCE_NAME").then(|| "mine".to_owned()));
    assert_eq!(address.as_deref(), Ok("https://mine.openai.azure.com"));
    assert_eq!(known.address(|_| None), Err("AZURE_RESOURCE_NAME".to_owned()));
}

#[test]
fn a_users_file_changes_and_adds() {
    let catalog = Catalog::with_file(
        "[providers.openai.models.gpt-4o]\ncontext_tokens = 5\n\
         [providers.acme]\nbase_url = \"https://api.acme.example/v1\"\ndialect = \"anthropic\"\n\
         [providers.acme.models.large]\ncapabilities = [\"tools\"]\n",
    )
    .unwrap();
    let model = catalog.find("openai").unwrap().model("gpt-4o").unwrap();
    assert_eq!(
        (model.context_tokens, model.output_tokens),
        (Some(5), Some(16_384))
    );
    let acme = catalog.find("acme").unwrap();
    assert_eq!(
        (acme.dialect, &*acme.api_key_env[0]),
        (Dialect::Anthropic, "ACME_API_KEY")
    );
    assert_eq!(acme.models().count(), 1);
    for (toml, word) in [
        ("[providers.acme]\n", "base_url"),
        ("[providers.openai]\ncolour = \"red\"\n", "colour"),
        ("[providers.openai.models.m]\ninput = [\"smell\"]\n", "video"),
    ] {
        let refused = Catalog::with_file(toml).unwrap_err().to_string();
        assert!(refused.contains(word), "{refused}");
    }
}
