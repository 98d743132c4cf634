//! One name per provider. Instrumentation libraries spell the same provider in many ways; the names that
//! `OpenTelemetry` lists as well-known values of `gen_ai.provider.name` are ours.

use std::borrow::Cow;

/// Spellings that mean one of the well-known names. Sorted, for binary search.
const SPELLINGS: &[(&str, &str)] = &[
    ("ai21_labs", "ai21"),
    ("alibaba", "alibaba_cloud"),
    ("aliyun", "alibaba_cloud"),
    ("amazon", "aws.bedrock"),
    ("amazon-bedrock", "aws.bedrock"),
    ("amazon.bedrock", "aws.bedrock"),
    ("amazon_bedrock", "aws.bedrock"),
    ("amazon_nova", "aws.bedrock"),
    ("anthropic-vertex", "gcp.vertex_ai"),
    ("anthropic_vertex", "gcp.vertex_ai"),
    ("aws", "aws.bedrock"),
    ("aws-bedrock", "aws.bedrock"),
    ("aws_bedrock", "aws.bedrock"),
    ("az.ai.inference", "azure.ai.inference"),
    ("az.ai.openai", "azure.ai.openai"),
    ("azure", "azure.ai.openai"),
    ("azure-ai", "azure.ai.inference"),
    ("azure-cognitive-services", "azure.ai.inference"),
    ("azure-openai", "azure.ai.openai"),
    ("azure_ai", "azure.ai.inference"),
    ("azure_ai_foundry", "azure.ai.inference"),
    ("azure_ai_inference", "azure.ai.inference"),
    ("azure_openai", "azure.ai.openai"),
    ("azureopenai", "azure.ai.openai"),
    ("bedrock", "aws.bedrock"),
    ("bedrock-converse", "aws.bedrock"),
    ("bedrock_converse", "aws.bedrock"),
    ("cerebras_cloud", "cerebras"),
    ("chatgpt", "openai"),
    ("claude", "anthropic"),
    ("claude-vertex", "gcp.vertex_ai"),
    ("cloudflare", "cloudflare-workers-ai"),
    ("cohere_chat", "cohere"),
    ("dashscope", "alibaba_cloud"),
    ("dashscope-intl", "alibaba_cloud"),
    ("deep-seek", "deepseek"),
    ("deep_seek", "deepseek"),
    ("deepseek-ai", "deepseek"),
    ("fireworks", "fireworks_ai"),
    ("fireworks-ai", "fireworks_ai"),
    ("friendliai", "friendli"),
    ("gcp.gen_ai", "gcp.gemini"),
    ("gemini", "gcp.gemini"),
    ("gen_ai", "gcp.gemini"),
    ("google", "gcp.gemini"),
    ("google-ai", "gcp.gemini"),
    ("google-genai", "gcp.gemini"),
    ("google-gla", "gcp.gemini"),
    ("google-vertex", "gcp.vertex_ai"),
    ("google-vertex-anthropic", "gcp.vertex_ai"),
    ("google.gemini", "gcp.gemini"),
    ("google.generative-ai", "gcp.gemini"),
    ("google.vertex", "gcp.vertex_ai"),
    ("google.vertex.anthropic", "gcp.vertex_ai"),
    ("google_gemini", "gcp.gemini"),
    ("google_genai", "gcp.gemini"),
    ("google_vertexai", "gcp.vertex_ai"),
    ("googleai", "gcp.gemini"),
    ("grok", "x_ai"),
    ("hugging_face", "huggingface"),
    ("meta-llama", "meta"),
    ("meta_llama", "meta"),
    ("mistral", "mistral_ai"),
    ("mistral-ai", "mistral_ai"),
    ("mistralai", "mistral_ai"),
    ("moonshot", "moonshot_ai"),
    ("moonshot-ai", "moonshot_ai"),
    ("moonshotai", "moonshot_ai"),
    ("novita-ai", "novita"),
    ("nvidia_nim", "nvidia"),
    ("open-router", "openrouter"),
    ("open_ai", "openai"),
    ("open_router", "openrouter"),
    ("perplexity-ai", "perplexity"),
    ("qwen", "alibaba_cloud"),
    ("together", "together_ai"),
    ("together-ai", "together_ai"),
    ("togetherai", "together_ai"),
    ("vercel_ai_gateway", "vercel"),
    ("vertex", "gcp.vertex_ai"),
    ("vertex-ai", "gcp.vertex_ai"),
    ("vertex.anthropic", "gcp.vertex_ai"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("vertexai", "gcp.vertex_ai"),
    ("watsonx", "ibm.watsonx.ai"),
    ("x-ai", "x_ai"),
    ("x.ai", "x_ai"),
    ("xai", "x_ai"),
    ("z-ai", "zai"),
    ("z.ai", "zai"),
    ("zai-org", "zai"),
];

/// Names with a dot that is part of the name; in any other name the dot starts the kind of call, as in
/// `openai.chat`.
const DOTTED: &[&str] = &[
    "aws.bedrock",
    "azure.ai.inference",
    "azure.ai.openai",
    "gcp.gemini",
    "gcp.vertex_ai",
    "ibm.watsonx.ai",
];

/// Brings a provider's name to its well-known form; an unknown one comes back in lower case.
pub fn fold_provider(reported: &str) -> Cow<'_, str> {
    let trimmed = reported.trim();
    let lower = if trimmed.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(trimmed.to_ascii_lowercase())
    } else {
        Cow::Borrowed(trimmed)
    };
    if let Some(known) = well_known(&lower) {
        return Cow::Borrowed(known);
    }
    // `google.vertex.chat`, `openai.responses`: drop the kind of call, from the right.
    let mut head: &str = &lower;
    while let Some((shorter, _)) = head.rsplit_once('.') {
        if let Some(known) = well_known(shorter) {
            return Cow::Borrowed(known);
        }
        head = shorter;
    }
    let end = head.len();
    match lower {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

fn well_known(name: &str) -> Option<&'static str> {
    if let Some(exact) = DOTTED.iter().find(|dotted| **dotted == name) {
        return Some(exact);
    }
    SPELLINGS
        .binary_search_by_key(&name, |(spelling, _)| spelling)
        .ok()
        .map(|at| SPELLINGS[at].1)
}

/// Sellers of their own models: a model's name alone tells which of them made it.
const MAKERS: &[&str] = &[
    "openai",
    "anthropic",
    "gcp.gemini",
    "mistral_ai",
    "deepseek",
    "x_ai",
    "cohere",
    "moonshot_ai",
    "alibaba_cloud",
];

/// Those who host other people's models at a price of their own, by subscription, or at none: a model that
/// their table lacks has an unknown price, not its maker's.
const HOSTS: &[&str] = &[
    "baseten",
    "cerebras",
    "chutes",
    "cline-pass",
    "cloudflare-workers-ai",
    "crusoe",
    "deepinfra",
    "featherless",
    "fireworks_ai",
    "friendli",
    "github-copilot",
    "github_copilot",
    "gmi",
    "groq",
    "huggingface",
    "hyperbolic",
    "inference",
    "io-net",
    "jina_ai",
    "kimi-for-coding",
    "lambda_ai",
    "llama.cpp",
    "lm_studio",
    "lmstudio",
    "minimax",
    "modal",
    "morph",
    "nebius",
    "novita",
    "nscale",
    "nvidia",
    "oci",
    "ollama",
    "ollama-cloud",
    "opencode-go",
    "ovhcloud",
    "parasail",
    "perplexity",
    "replicate",
    "sambanova",
    "scaleway",
    "siliconflow",
    "snowflake",
    "stepfun",
    "synthetic",
    "tinfoil",
    "together_ai",
    "upstage",
    "venice",
    "vllm",
    "voyage",
    "wandb",
    "zai",
];

/// Whether what a provider (folded) asks has nothing to do with what a model's maker asks.
pub(super) fn has_own_prices(provider: &str) -> bool {
    let is_subscription = provider.ends_with("-plan") || provider.contains("-plan-");
    is_subscription || HOSTS.contains(&provider)
}

/// Whose prices to try, in order, for a call that `provider` (folded) served. Clouds that resell charge what
/// the maker charges unless their own table says otherwise; so do proxies, which is what an unknown name
/// most likely is.
pub(super) fn price_lists(provider: &str) -> impl Iterator<Item = &str> {
    let makers: &[&str] = if has_own_prices(provider) { &[] } else { MAKERS };
    std::iter::once(provider).chain(makers.iter().copied().filter(move |maker| *maker != provider))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_sorted_for_the_search() {
        assert!(SPELLINGS.is_sorted());
    }

    #[test]
    fn variants_fold_to_the_well_known_name() {
        let cases = [
            ("az.ai.openai", "azure.ai.openai"),
            ("azure", "azure.ai.openai"),
            ("azure.ai.openai", "azure.ai.openai"),
            ("azure-openai.chat", "azure.ai.openai"),
            ("openai.chat", "openai"),
            ("openai.responses", "openai"),
            ("OpenAI", "openai"),
            ("google.generative-ai", "gcp.gemini"),
            ("google.vertex.chat", "gcp.vertex_ai"),
            ("amazon-bedrock", "aws.bedrock"),
            ("AWS.Bedrock", "aws.bedrock"),
            ("mistral", "mistral_ai"),
            ("mistral.chat", "mistral_ai"),
            ("xai", "x_ai"),
            ("xai.chat", "x_ai"),
            ("anthropic.messages", "anthropic"),
            ("acme.chat", "acme"),
            ("MyProxy.Chat", "myproxy"),
            ("  groq ", "groq"),
            ("x.ai", "x_ai"),
            ("gcp.gen_ai", "gcp.gemini"),
            ("google.vertex.anthropic.messages", "gcp.vertex_ai"),
            ("", ""),
        ];
        for (reported, expected) in cases {
            assert_eq!(fold_provider(reported), expected, "{reported}");
        }
    }
}
