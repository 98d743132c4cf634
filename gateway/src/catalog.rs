//! Providers known by name: what a user need not write down. Data only; each works as soon as its key is in
//! the environment.

use crate::config::Dialect;

/// What is known of a provider before any configuration.
#[derive(Debug)]
pub(crate) struct KnownProvider {
    /// The name in configuration and in `provider/model`.
    pub(crate) name: &'static str,
    /// The name under which `OpenTelemetry` and the price table know it.
    pub(crate) provider_name: &'static str,
    /// The wire format that it speaks.
    pub(crate) dialect: Dialect,
    /// Address up to and including the version segment.
    pub(crate) base_url: &'static str,
    /// Variable of its key.
    pub(crate) api_key_env: &'static str,
    /// Variable that replaces its address.
    pub(crate) base_url_env: &'static str,
    /// Models that are recognisably its own.
    pub(crate) models: &'static [&'static str],
    /// Whether it speaks the Responses API too.
    pub(crate) responses: bool,
    /// Whether it understands `stream_options`.
    pub(crate) stream_usage: bool,
    /// Whether it works without a key, so that an address alone makes it active.
    pub(crate) keyless: bool,
}

const fn known(
    name: &'static str,
    provider_name: &'static str,
    base_url: &'static str,
    variables: [&'static str; 2],
    models: &'static [&'static str],
) -> KnownProvider {
    let [api_key_env, base_url_env] = variables;
    KnownProvider {
        name,
        provider_name,
        dialect: Dialect::Openai,
        base_url,
        api_key_env,
        base_url_env,
        models,
        responses: false,
        stream_usage: true,
        keyless: false,
    }
}

static KNOWN: [KnownProvider; 12] = [
    KnownProvider {
        responses: true,
        ..known(
            "openai",
            "openai",
            "https://api.openai.com/v1",
            ["OPENAI_API_KEY", "OPENAI_BASE_URL"],
            &["gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "codex-*", "ft:gpt-*"],
        )
    },
    KnownProvider {
        dialect: Dialect::Anthropic,
        ..known(
            "anthropic",
            "anthropic",
            "https://api.anthropic.com/v1",
            ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
            &["claude-*"],
        )
    },
    KnownProvider {
        dialect: Dialect::Gemini,
        ..known(
            "google",
            "gcp.gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            ["GOOGLE_AI_API_KEY", "GOOGLE_AI_BASE_URL"],
            &["gemini-*", "gemma-*"],
        )
    },
    KnownProvider {
        dialect: Dialect::Cohere,
        ..known(
            "cohere",
            "cohere",
            "https://api.cohere.com/v2",
            ["COHERE_API_KEY", "COHERE_BASE_URL"],
            &["command-*", "c4ai-*"],
        )
    },
    known(
        "deepseek",
        "deepseek",
        "https://api.deepseek.com/v1",
        ["DEEPSEEK_API_KEY", "DEEPSEEK_BASE_URL"],
        &["deepseek-*"],
    ),
    KnownProvider {
        stream_usage: false,
        ..known(
            "mistral",
            "mistral_ai",
            "https://api.mistral.ai/v1",
            ["MISTRAL_API_KEY", "MISTRAL_BASE_URL"],
            &[
                "mistral-*",
                "ministral-*",
                "magistral-*",
                "codestral-*",
                "devstral-*",
                "pixtral-*",
                "open-mi*",
            ],
        )
    },
    known(
        "xai",
        "x_ai",
        "https://api.x.ai/v1",
        ["XAI_API_KEY", "XAI_BASE_URL"],
        &["grok-*"],
    ),
    known(
        "groq",
        "groq",
        "https://api.groq.com/openai/v1",
        ["GROQ_API_KEY", "GROQ_BASE_URL"],
        &[],
    ),
    known(
        "together",
        "together_ai",
        "https://api.together.xyz/v1",
        ["TOGETHER_API_KEY", "TOGETHER_BASE_URL"],
        &[],
    ),
    known(
        "fireworks",
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        ["FIREWORKS_API_KEY", "FIREWORKS_BASE_URL"],
        &["accounts/fireworks/*"],
    ),
    known(
        "openrouter",
        "openrouter",
        "https://openrouter.ai/api/v1",
        ["OPENROUTER_API_KEY", "OPENROUTER_BASE_URL"],
        &[],
    ),
    KnownProvider {
        keyless: true,
        ..known(
            "ollama",
            "ollama",
            "http://127.0.0.1:11434/v1",
            ["OLLAMA_API_KEY", "OLLAMA_BASE_URL"],
            &[],
        )
    },
];

/// The whole table, in the order in which a bare model name is matched.
pub(crate) fn all() -> &'static [KnownProvider] {
    &KNOWN
}

/// The provider of that name.
pub(crate) fn find(name: &str) -> Option<&'static KnownProvider> {
    KNOWN.iter().find(|provider| provider.name == name)
}

/// Every name, for a message.
pub(crate) fn names() -> String {
    KNOWN
        .iter()
        .map(|provider| provider.name)
        .collect::<Vec<_>>()
        .join(", ")
}
