//! Providers: one for each address and credential that deployments name.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::clouds::Place;
use super::source::{Node, variable};
use crate::command::import::report::Report;

/// Credentials that deployments share by name.
pub(super) type Credentials = BTreeMap<String, BTreeMap<String, String>>;

/// What `LiteLLM` writes before a model's name, and what that is here: the provider, and a dialect for one that has an
/// address of its own.
const PREFIXES: [(&str, &str, &str); 30] = [
    ("openai", "openai", "openai"),
    ("text-completion-openai", "openai", "openai"),
    ("azure", "azure", "azure"),
    ("azure_text", "azure", "azure"),
    ("azure_ai", "azure-ai", "openai"),
    ("anthropic", "anthropic", "anthropic"),
    ("anthropic_text", "anthropic", "anthropic"),
    ("gemini", "google", "gemini"),
    ("cohere", "cohere", "cohere"),
    ("cohere_chat", "cohere", "cohere"),
    ("deepseek", "deepseek", "openai"),
    ("mistral", "mistral", "openai"),
    ("codestral", "mistral", "openai"),
    ("xai", "xai", "openai"),
    ("groq", "groq", "openai"),
    ("together_ai", "together", "openai"),
    ("fireworks_ai", "fireworks", "openai"),
    ("openrouter", "openrouter", "openai"),
    ("ollama", "ollama", "openai"),
    ("ollama_chat", "ollama", "openai"),
    ("hosted_vllm", "vllm", "openai"),
    ("vllm", "vllm", "openai"),
    ("openai_like", "openai-like", "openai"),
    ("custom_openai", "openai-like", "openai"),
    ("lm_studio", "lm-studio", "openai"),
    ("litellm_proxy", "litellm-proxy", "openai"),
    ("bedrock", "bedrock", "bedrock"),
    ("bedrock_converse", "bedrock", "bedrock"),
    ("vertex_ai", "vertex", "vertex"),
    ("vertex_ai_beta", "vertex", "vertex"),
];
/// Begins of model names by which `LiteLLM` tells the provider when no prefix does.
const BARE: [(&str, &str); 9] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("claude-", "anthropic"),
    ("command-", "cohere"),
    ("dall-e-", "openai"),
];

/// Where a deployment's calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    pub(super) kind: &'static str,
    dialect: &'static str,
    pub(super) base_url: Option<String>,
    key: Key,
    api_version: Option<String>,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// The provider's usual variable.
    Usual,
    Variable(String),
    /// A key written in the source, told by a fingerprint and never repeated.
    Literal(String),
}

/// The providers so far, by the names that they get.
#[derive(Debug, Default)]
pub(super) struct Providers {
    named: Vec<(String, Upstream)>,
    models: BTreeMap<String, Vec<String>>,
}

/// `credential_list`.
pub(super) fn credentials(root: &mut Node, report: &mut Report) -> Credentials {
    let mut all = Credentials::new();
    for mut entry in root.take_nodes("credential_list", report) {
        entry.ignore(&["credential_info"]);
        let Some(name) = entry.take_text("credential_name") else {
            report.missing(entry.at("credential_name"), "a credential needs a name");
            continue;
        };
        let mut values = BTreeMap::new();
        if let Some(mut node) = entry.take_node("credential_values", report) {
            for field in node.names() {
                if let Some(text) = node.take_text(&field) {
                    values.insert(field, text);
                }
            }
        }
        all.insert(name, values);
        entry.report_rest(report, "Brokle has no such part of a credential");
    }
    all
}

/// A model's name apart from its provider's; nothing when the provider is one that this importer does not know.
pub(super) fn split(
    model: &str,
    custom: Option<&str>,
) -> Result<(&'static str, &'static str, String), String> {
    let (prefix, name) = match (custom, model.split_once('/')) {
        (Some(custom), Some((prefix, name))) if prefix == custom => (custom, name),
        (Some(custom), _) => (custom, model),
        (None, Some((prefix, name))) => (prefix, name),
        (None, None) => {
            let known = BARE.iter().find(|(start, _)| model.starts_with(start));
            (known.map_or("openai", |(_, prefix)| *prefix), model)
        }
    };
    let known = PREFIXES.iter().find(|(known, _, _)| *known == prefix);
    let Some((_, kind, dialect)) = known else {
        return Err(format!(
            "the provider `{prefix}` is not one that this importer knows: add it by hand as a provider with \
             `base_url` and `api_key_env` (docs/gateway.md)"
        ));
    };
    Ok((kind, dialect, name.to_owned()))
}

impl Upstream {
    /// What a deployment says about its provider.
    pub(super) fn read(
        params: &mut Node,
        credentials: &Credentials,
        (kind, dialect, region): (&'static str, &'static str, Option<String>),
        report: &mut Report,
    ) -> Self {
        let mut shared = BTreeMap::new();
        if let Some(name) = params.take_text("litellm_credential_name") {
            match credentials.get(&name) {
                Some(values) => shared.clone_from(values),
                None => report.missing(
                    params.at("litellm_credential_name"),
                    format!("there is no credential `{name}` in credential_list"),
                ),
            }
        }
        let path = params.path.clone();
        let mut value = |name: &str| params.take_text(name).or_else(|| shared.remove(name));
        let base_url = ["api_base", "base_url", "aws_bedrock_runtime_endpoint"]
            .into_iter()
            .find_map(&mut value);
        let key = match value("api_key") {
            None => Key::Usual,
            Some(text) => match variable(&text) {
                Some(name) => Key::Variable(name.to_owned()),
                None => Key::Literal(fingerprint(&text)),
            },
        };
        let api_version = value("api_version");
        let place = Place::read((kind, region), &mut value, &path, report);
        for name in shared.keys() {
            report.missing(
                params.at("litellm_credential_name"),
                format!("the credential's `{name}`"),
            );
        }
        Self {
            kind,
            dialect,
            base_url: base_url.map(|url| in_form(&url, kind)),
            key,
            api_version,
            place,
        }
    }

    /// A name that works without a table of its own. A cloud's credentials count only where it is named.
    fn is_built_in(&self) -> bool {
        !matches!(self.kind, "bedrock" | "vertex")
            && self.base_url.is_none()
            && self.key == Key::Usual
            && self.api_version.is_none()
    }
}

/// A sign of a secret that tells two apart and says nothing about either.
pub(super) fn fingerprint(secret: &str) -> String {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    secret.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// `LiteLLM` adds what is missing of some addresses; here an address is whole.
fn in_form(url: &str, kind: &str) -> String {
    let url = url.trim_end_matches('/');
    match kind {
        "ollama" | "anthropic" if !url.ends_with("/v1") => format!("{url}/v1"),
        _ => url.to_owned(),
    }
}

impl Providers {
    /// The name of an upstream, which it gets when it has none yet.
    pub(super) fn name(&mut self, upstream: &Upstream, path: &str, report: &mut Report) -> String {
        if let Some((name, _)) = self.named.iter().find(|(_, known)| known == upstream) {
            return name.clone();
        }
        let taken = |name: &str| self.named.iter().any(|(known, _)| known == name);
        let name = (1..=1_000)
            .map(|number| match number {
                1 => upstream.kind.to_owned(),
                number => format!("{}-{number}", upstream.kind),
            })
            .find(|name| !taken(name))
            .unwrap_or_default();
        if let Some(url) = upstream.base_url.as_deref().and_then(variable) {
            report.todo(
                path,
                format!("the address of provider `{name}` is in {url}: write it into its base_url"),
            );
        }
        if let Key::Literal(_) = upstream.key {
            let variable = literal_variable(&name);
            report.todo(
                format!("{path}.api_key"),
                format!("the key is written in the file: put it into the variable {variable}, which provider `{name}` reads"),
            );
        }
        self.named.push((name.clone(), upstream.clone()));
        name
    }

    /// Callers may name these models without the provider.
    pub(super) fn serve(&mut self, provider: &str, pattern: &str) {
        let models = self.models.entry(provider.to_owned()).or_default();
        if !models.iter().any(|known| known == pattern) {
            models.push(pattern.to_owned());
        }
    }

    pub(super) fn into_table(self) -> Table {
        let mut table = Table::new();
        for (name, upstream) in self.named {
            let models = self.models.get(&name);
            let is_default = upstream.is_built_in() && name == upstream.kind;
            if is_default && models.is_none() {
                continue;
            }
            let mut entry = Table::new();
            if !(is_default || upstream.base_url.is_none() && name == upstream.kind) {
                entry.insert("dialect".to_owned(), upstream.dialect.into());
                let vendor = vendor(upstream.kind);
                entry.extend(vendor.map(|vendor| ("provider_name".to_owned(), Value::from(vendor))));
            }
            let url = upstream
                .base_url
                .clone()
                .or_else(|| address(&name, upstream.kind));
            entry.extend(url.map(|url| ("base_url".to_owned(), Value::from(as_address(&url)))));
            let variable = match &upstream.key {
                Key::Usual => usual_variable(&name, upstream.kind),
                Key::Variable(name) => Some(name.clone()),
                Key::Literal(_) => Some(literal_variable(&name)),
            };
            entry.extend(variable.map(|name| ("api_key_env".to_owned(), Value::from(name))));
            entry.extend(
                upstream
                    .api_version
                    .map(|version| ("api_version".to_owned(), Value::from(version))),
            );
            for (field, text) in [
                ("region", upstream.place.region),
                ("project", upstream.place.project),
                ("credentials_file", upstream.place.credentials_file),
            ] {
                entry.extend(text.map(|text| (field.to_owned(), Value::from(text))));
            }
            entry.extend(models.map(|models| ("models".to_owned(), Value::from(models.clone()))));
            table.insert(name, Value::Table(entry));
        }
        table
    }
}

/// An address that only the environment knows is left for its owner to write down.
fn as_address(url: &str) -> String {
    match variable(url) {
        Some(name) => format!("https://{}.invalid/v1", name.to_lowercase().replace('_', "-")),
        None => url.to_owned(),
    }
}

fn literal_variable(provider: &str) -> String {
    format!("{}_API_KEY", provider.to_uppercase().replace(['-', '.'], "_"))
}

/// A second provider of a kind is not built in, and has to be told what the first one knows.
fn usual_variable(name: &str, kind: &str) -> Option<String> {
    (name != kind && !matches!(kind, "bedrock" | "vertex")).then(|| match kind {
        "google" => "GOOGLE_AI_API_KEY".to_owned(),
        kind => literal_variable(kind),
    })
}

fn address(name: &str, kind: &str) -> Option<String> {
    let known = match kind {
        "openai" => "https://api.openai.com/v1",
        "anthropic" => "https://api.anthropic.com/v1",
        "google" => "https://generativelanguage.googleapis.com/v1beta",
        "cohere" => "https://api.cohere.com/v2",
        "deepseek" => "https://api.deepseek.com/v1",
        "mistral" => "https://api.mistral.ai/v1",
        "xai" => "https://api.x.ai/v1",
        "groq" => "https://api.groq.com/openai/v1",
        "together" => "https://api.together.xyz/v1",
        "fireworks" => "https://api.fireworks.ai/inference/v1",
        "openrouter" => "https://openrouter.ai/api/v1",
        _ => return None,
    };
    (name != kind).then(|| known.to_owned())
}

/// The name by which calls are priced, when it is not the provider's own.
fn vendor(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "openai" => "openai",
        "azure" => "azure.ai.openai",
        "anthropic" => "anthropic",
        "google" => "gcp.gemini",
        "cohere" => "cohere",
        "deepseek" => "deepseek",
        "mistral" => "mistral_ai",
        "xai" => "x_ai",
        "groq" => "groq",
        "together" => "together_ai",
        "fireworks" => "fireworks_ai",
        "openrouter" => "openrouter",
        "ollama" => "ollama",
        "bedrock" => "aws.bedrock",
        "vertex" => "gcp.vertex_ai",
        _ => return None,
    })
}
