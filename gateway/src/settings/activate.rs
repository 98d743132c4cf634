//! From what is configured and what is known to a provider that calls can go to: its address, its credential, and
//! what sets it apart. One without a credential is left out.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::Environment;
use crate::catalog::{Catalog, KnownProvider, names};
use crate::config::{ConfigError, Dialect, ProviderConfig};
use crate::provider::{Address, AwsKeys, NamedKey, Provider, ServiceAccount, Signer};

/// Where Vertex's models are when nobody says: everywhere.
const GLOBAL: &str = "global";

/// The provider, or `None` when it has no credential. `is_mentioned` says whether the configuration has an entry
/// for it.
pub(super) fn provider(
    (name, config): (&str, &ProviderConfig),
    is_mentioned: bool,
    catalog: &Catalog,
    environment: Environment<'_>,
) -> Result<Option<Provider>, ConfigError> {
    let known = catalog.find(name);
    if !is_mentioned && known.is_some_and(|known| known.traits.manual) {
        return Ok(None);
    }
    let dialect = config
        .dialect
        .or(known.map(|known| known.dialect))
        .unwrap_or(Dialect::Openai);
    let places = Places::of(config, environment);
    let further = further_keys(config, environment);
    let own = key(config, known, environment);
    let key = own.clone().or_else(|| Some(further.first()?.secret.clone()));
    let signer = signer((name, config), dialect, &places, is_mentioned, environment)?;
    let overridden = known
        .and_then(|known| text(environment, &known.base_url_env))
        .filter(|address| !address.is_empty());
    let keyless = match known {
        Some(known) => known.traits.keyless && (overridden.is_some() || config.base_url.is_some()),
        None => config.api_key_env.is_none() && !matches!(dialect, Dialect::Bedrock | Dialect::Vertex),
    };
    if key.is_none() && signer.is_none() && !keyless {
        if config.api_key_env.is_some() {
            tracing::warn!(
                provider = name,
                "provider {name} is inactive: the variable of its key is not set"
            );
        }
        return Ok(None);
    }
    let given = config.base_url.clone().or(overridden);
    let base_url = match given {
        Some(given) => given,
        None => match address((name, dialect), known, catalog, &places, signer.as_ref())? {
            Ok(address) => address,
            Err(variable) if is_mentioned => {
                return Err(ConfigError::Variable {
                    provider: name.to_owned(),
                    variable,
                });
            }
            // A key alone does not say which of the provider's addresses is meant.
            Err(_) => return Ok(None),
        },
    };
    let address = Address::new(name, dialect, &base_url, config.api_version.as_deref())?;
    let mut provider = Provider::new(name, dialect, address, key.as_ref())?;
    provider.signer = signer.filter(|_| key.is_none()).map(Arc::new);
    describe(&mut provider, config, known);
    provider.take_turns(own.as_ref(), &further)?;
    Ok(Some(provider))
}

/// What is known of it, and what the configuration says differently.
fn describe(provider: &mut Provider, config: &ProviderConfig, known: Option<&Arc<KnownProvider>>) {
    if let Some(known) = known {
        provider.vendor = known.vendor.to_string();
        provider.models = known.own_models.iter().map(ToString::to_string).collect();
        provider.traits = known.traits;
        provider.known = Some(Arc::clone(known));
    }
    provider.models.extend(config.models.iter().cloned());
    provider.declared_models.clone_from(&config.models);
    if let Some(provider_name) = &config.provider_name {
        provider.vendor.clone_from(provider_name);
    }
    let traits = &mut provider.traits;
    traits.responses = config.responses.unwrap_or(traits.responses);
    traits.no_stream_usage = config.stream_usage.map_or(traits.no_stream_usage, |has| !has);
    provider.http2 = config.http2;
}

/// Where a cloud's models are, as the configuration or the environment says.
struct Places<'a> {
    region: Option<String>,
    project: Option<String>,
    environment: Environment<'a>,
}

impl<'a> Places<'a> {
    fn of(config: &ProviderConfig, environment: Environment<'a>) -> Self {
        Self {
            region: config.region.clone(),
            project: config.project.clone(),
            environment,
        }
    }

    /// The value of a variable in an address.
    fn lookup(&self, variable: &str, account: Option<&ServiceAccount>) -> Option<String> {
        let first = |names: &[&str]| names.iter().find_map(|name| text(self.environment, name));
        match variable {
            "AWS_REGION" => self
                .region
                .clone()
                .or_else(|| first(&["AWS_REGION", "AWS_DEFAULT_REGION"])),
            "GOOGLE_VERTEX_LOCATION" => self
                .region
                .clone()
                .or_else(|| first(&["GOOGLE_VERTEX_LOCATION", "GOOGLE_CLOUD_LOCATION"]))
                .or_else(|| Some(GLOBAL.to_owned())),
            "GOOGLE_VERTEX_PROJECT" => self
                .project
                .clone()
                .or_else(|| first(&["GOOGLE_VERTEX_PROJECT", "GOOGLE_CLOUD_PROJECT"]))
                .or_else(|| account?.project.clone()),
            other => first(&[other]),
        }
    }
}

/// The known address with its variables filled in, or the variable that has no value. An entry of another name
/// has the address of its dialect's own cloud.
fn address(
    (name, dialect): (&str, Dialect),
    known: Option<&Arc<KnownProvider>>,
    catalog: &Catalog,
    places: &Places<'_>,
    signer: Option<&Signer>,
) -> Result<Result<String, String>, ConfigError> {
    let cloud = match dialect {
        Dialect::Bedrock => catalog.find("bedrock"),
        Dialect::Vertex => catalog.find("vertex"),
        _ => None,
    };
    let known = known.or(cloud).ok_or_else(|| ConfigError::BaseUrlMissing {
        provider: name.to_owned(),
        known: names(),
    })?;
    let account = match signer {
        Some(Signer::Google(account)) => Some(&**account),
        _ => None,
    };
    let address = known.address(|variable| places.lookup(variable, account));
    // The one place that has no name of its own before its host's.
    Ok(address.map(|address| address.replace("https://global-aiplatform.", "https://aiplatform.")))
}

/// The provider's further keys that are there.
fn further_keys(config: &ProviderConfig, environment: Environment<'_>) -> Vec<NamedKey> {
    let named = config.keys.iter().filter_map(|key| {
        let secret = key
            .api_key
            .clone()
            .or_else(|| environment(key.api_key_env.as_deref()?))?;
        Some(NamedKey {
            name: key.name.clone(),
            secret,
        })
    });
    named.collect()
}

/// The key: the configuration's own, or the first variable that is set.
fn key(
    config: &ProviderConfig,
    known: Option<&Arc<KnownProvider>>,
    environment: Environment<'_>,
) -> Option<SecretString> {
    let filled = |key: SecretString| (!key.expose_secret().is_empty()).then_some(key);
    if let Some(key) = &config.api_key {
        return filled(key.clone());
    }
    if let Some(variable) = &config.api_key_env {
        return environment(variable).and_then(filled);
    }
    let mut variables = known?.api_key_env.iter();
    variables.find_map(|variable| environment(variable).and_then(filled))
}

/// What signs requests, or fetches tokens for them. A pair of keys in the environment is meant for much besides
/// models, so that only an entry in the configuration makes it count.
fn signer(
    (name, config): (&str, &ProviderConfig),
    dialect: Dialect,
    places: &Places<'_>,
    is_mentioned: bool,
    environment: Environment<'_>,
) -> Result<Option<Signer>, ConfigError> {
    if !is_mentioned {
        return Ok(None);
    }
    match dialect {
        Dialect::Bedrock => Ok(aws_keys(config, places, environment).map(Signer::Aws)),
        Dialect::Vertex => {
            let path = config
                .credentials_file
                .clone()
                .or_else(|| text(environment, "GOOGLE_APPLICATION_CREDENTIALS").map(Into::into));
            let Some(path) = path else { return Ok(None) };
            let refuse = |reason| ConfigError::CredentialsFile {
                provider: name.to_owned(),
                path: path.display().to_string(),
                reason,
            };
            let text = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
            let account = ServiceAccount::parse(&text).map_err(refuse)?;
            Ok(Some(Signer::Google(Box::new(account))))
        }
        _ => Ok(None),
    }
}

fn aws_keys(config: &ProviderConfig, places: &Places<'_>, environment: Environment<'_>) -> Option<AwsKeys> {
    let region = places.lookup("AWS_REGION", None)?;
    if let (Some(id), Some(secret)) = (&config.access_key_id, &config.secret_access_key) {
        return Some(AwsKeys {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
            session_token: config.session_token.clone(),
            region,
        });
    }
    Some(AwsKeys {
        access_key_id: text(environment, "AWS_ACCESS_KEY_ID")?,
        secret_access_key: environment("AWS_SECRET_ACCESS_KEY")?,
        session_token: environment("AWS_SESSION_TOKEN"),
        region,
    })
}

fn text(environment: Environment<'_>, variable: &str) -> Option<String> {
    let value = environment(variable)?.expose_secret().to_owned();
    (!value.is_empty()).then_some(value)
}
