//! Where a provider is, and which path of it a call takes.

use std::borrow::Cow;
use std::fmt::Write as _;

use http::Uri;

use crate::config::{ConfigError, Dialect};
use crate::dialect::door::Door;
use crate::dialect::operation::Operation;
use crate::dialect::{bedrock, gemini, vertex};

/// A provider's addresses, checked.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    base: String,
    path: Path,
    /// Where it lists its models.
    pub(crate) models: Uri,
    /// Host, for `server.address`.
    pub(crate) host: String,
    /// Port, for `server.port`.
    pub(crate) port: u16,
}

#[derive(Debug, Clone)]
enum Path {
    /// The same for every call.
    Fixed(Uri),
    /// Gemini's: the model is part of it.
    Gemini,
    /// Bedrock's: the model's name or resource, and the method.
    Bedrock,
    /// Vertex's: the maker, the model and the method.
    Vertex,
    /// Azure's older form: the deployment is part of it, and the version a query.
    Deployment { api_version: String },
}

impl Address {
    /// Checks `base_url`, and says what is wrong with it.
    pub(crate) fn new(
        provider: &str,
        dialect: Dialect,
        base_url: &str,
        api_version: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let refuse = |reason| ConfigError::BaseUrl {
            provider: provider.to_owned(),
            url: base_url.to_owned(),
            reason,
        };
        let base = completed(base_url.trim_end_matches('/'), dialect, api_version.is_some());
        let uri = |path: &str| {
            format!("{base}{path}")
                .parse::<Uri>()
                .map_err(|_| refuse("it is not a URL"))
        };
        let models = uri("/models")?;
        let port = match models.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(refuse("it must start with http:// or https://")),
        };
        let authority = models.authority().ok_or_else(|| refuse("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refuse("credentials belong into `api_key`"));
        }
        if base.contains(['?', '#']) {
            return Err(refuse("a query or fragment cannot be part of it"));
        }
        let path = match (dialect, api_version) {
            (Dialect::Anthropic, _) => Path::Fixed(uri("/messages")?),
            (Dialect::Cohere, _) => Path::Fixed(uri("/chat")?),
            (Dialect::Gemini, _) => Path::Gemini,
            (Dialect::Bedrock, _) => Path::Bedrock,
            (Dialect::Vertex, _) => Path::Vertex,
            (Dialect::Azure, Some(version)) => Path::Deployment {
                api_version: version.to_owned(),
            },
            _ => Path::Fixed(uri("/chat/completions")?),
        };
        Ok(Self {
            path,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(port),
            models,
            base: base.into_owned(),
        })
    }

    /// Where `path` of `OpenAI`'s API is, after its version; nothing when the provider has no such thing.
    pub(crate) fn of_path(&self, path: &str) -> Option<Uri> {
        let base = &self.base;
        match &self.path {
            Path::Fixed(_) => format!("{base}{path}").parse().ok(),
            Path::Deployment { api_version } => {
                let joint = if path.contains('?') { '&' } else { '?' };
                let version = escaped(api_version);
                format!("{base}/openai{path}{joint}api-version={version}")
                    .parse()
                    .ok()
            }
            Path::Gemini | Path::Bedrock | Path::Vertex => None,
        }
    }

    /// Where a call of `model` goes; nothing when no address can hold that name.
    pub(crate) fn of_call(&self, wire: Dialect, door: Door, model: &str, stream: bool) -> Option<Uri> {
        let base = &self.base;
        let embeds = door == Door::Other(Operation::Embeddings);
        // The paths of `OpenAI`'s API after its version.
        let own = match door {
            Door::Other(Operation::Embeddings) if wire == Dialect::Cohere => Some("/embed"),
            Door::Other(operation) => operation.path().strip_prefix("/v1"),
            _ if wire == Dialect::Responses => Some("/responses"),
            _ => None,
        };
        match (&self.path, own) {
            (Path::Fixed(_), Some(own)) => format!("{base}{own}").parse().ok(),
            (Path::Fixed(uri), None) => Some(uri.clone()),
            (Path::Gemini, _) => {
                let model = escaped(model.strip_prefix("models/").unwrap_or(model));
                let method = if embeds {
                    "batchEmbedContents"
                } else {
                    gemini::method(stream)
                };
                format!("{base}/models/{model}:{method}").parse().ok()
            }
            (Path::Bedrock, _) => {
                let model = escaped(model);
                let method = if embeds { "invoke" } else { bedrock::method(stream) };
                format!("{base}/model/{model}/{method}").parse().ok()
            }
            (Path::Vertex, _) if embeds => {
                let model = escaped(model);
                format!("{base}/publishers/google/models/{model}:predict")
                    .parse()
                    .ok()
            }
            (Path::Vertex, _) => {
                let path = vertex::path(model, &escaped(model), stream);
                format!("{base}{path}").parse().ok()
            }
            (Path::Deployment { api_version }, own) => {
                let (model, version) = (escaped(model), escaped(api_version));
                let own = own.unwrap_or("/chat/completions");
                let path = format!("{base}/openai/deployments/{model}{own}?api-version={version}");
                path.parse().ok()
            }
        }
    }
}

/// The address with the segments that vendors leave out of the one that they hand out.
fn completed(base: &str, dialect: Dialect, has_version_query: bool) -> Cow<'_, str> {
    let last = base.rsplit('/').next().unwrap_or_default();
    let has_version = last
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let missing = match dialect {
        _ if has_version => "",
        Dialect::Anthropic => "/v1",
        Dialect::Cohere => "/v2",
        Dialect::Gemini => "/v1beta",
        Dialect::Azure if !has_version_query => "/openai/v1",
        _ => "",
    };
    if missing.is_empty() {
        Cow::Borrowed(base)
    } else {
        Cow::Owned(format!("{base}{missing}"))
    }
}

/// A path's segment: everything but unreserved characters, and the sign before versions of Vertex's models, as
/// percent escapes. AWS signs what comes out of this.
fn escaped(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@') {
            out.push(char::from(byte));
        } else {
            // Writing into memory cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_path_whatever_part_of_it_the_user_gave() {
        for (dialect, base, version, expected) in [
            (Dialect::Responses, "http://h/v1", None, "http://h/v1/responses"),
            (
                Dialect::Openai,
                "http://h/v1/",
                None,
                "http://h/v1/chat/completions",
            ),
            (
                Dialect::Openai,
                "http://h/api",
                None,
                "http://h/api/chat/completions",
            ),
            (Dialect::Anthropic, "https://h", None, "https://h/v1/messages"),
            (Dialect::Anthropic, "https://h/v1", None, "https://h/v1/messages"),
            (Dialect::Cohere, "https://h", None, "https://h/v2/chat"),
            (
                Dialect::Gemini,
                "https://h",
                None,
                "https://h/v1beta/models/m%2F1:streamGenerateContent?alt=sse",
            ),
            (
                Dialect::Azure,
                "https://h",
                None,
                "https://h/openai/v1/chat/completions",
            ),
            (
                Dialect::Bedrock,
                "https://h",
                None,
                "https://h/model/m%2F1/converse-stream",
            ),
            (
                Dialect::Vertex,
                "https://h/v1/projects/p/locations/l",
                None,
                "https://h/v1/projects/p/locations/l/endpoints/openapi/chat/completions",
            ),
            (
                Dialect::Azure,
                "https://h",
                Some("2024-10-21"),
                "https://h/openai/deployments/m%2F1/chat/completions?api-version=2024-10-21",
            ),
        ] {
            let address = Address::new("p", dialect, base, version).unwrap();
            assert_eq!(
                address
                    .of_call(dialect, Door::Chat, "m/1", true)
                    .unwrap()
                    .to_string(),
                expected
            );
        }
    }
    #[test]
    fn names_of_bedrocks_models_and_resources_are_one_segment() {
        let address = Address::new("p", Dialect::Bedrock, "https://h", None).unwrap();
        let of = |door, model: &str, stream| {
            address
                .of_call(Dialect::Bedrock, door, model, stream)
                .unwrap()
                .to_string()
        };
        assert_eq!(
            of(Door::Chat, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", false),
            "https://h/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
        );
        assert_eq!(
            of(
                Door::Messages,
                "arn:aws:bedrock:us-east-1:1:inference-profile/eu.x",
                true
            ),
            "https://h/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Feu.x/converse-stream"
        );
        assert_eq!(
            of(
                Door::Other(Operation::Embeddings),
                "amazon.titan-embed-text-v2:0",
                false
            ),
            "https://h/model/amazon.titan-embed-text-v2%3A0/invoke"
        );
    }
}
