//! One entry as a document: what is stored in the clear, what is sealed, and both together as the gateway reads them.

use std::collections::BTreeMap;

use brokle_model::id::OrganizationId;
use brokle_model::port::Sealer;
use brokle_storage::repo::{GatewayEntry, GatewayEntryKind};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ManageError;
use crate::config::{GuardConfig, ProviderConfig, QuotaConfig, RouteConfig};
use crate::settings::tenant::TenantConfig;

/// The provider's own key among the sealed ones; the others go by their names.
const OWN: &str = "";

/// Keys by name.
type Secrets = BTreeMap<String, String>;

/// An entry that was sent, understood.
pub(super) struct Document {
    /// Without secrets.
    config: Value,
    secrets: Secrets,
    /// The names of its keys; those that were not sent again stay as they are.
    key_names: Vec<String>,
}

impl Document {
    pub(super) fn provider(sent: Value) -> Result<Self, ManageError> {
        let mut provider: ProviderConfig = read(sent)?;
        let mut secrets = Secrets::new();
        let mut key_names = vec![OWN.to_owned()];
        if let Some(key) = provider.api_key.take() {
            secrets.insert(OWN.to_owned(), key.expose_secret().to_owned());
        }
        for key in &mut provider.keys {
            key_names.push(key.name.clone());
            if let Some(secret) = key.api_key.take() {
                secrets.insert(key.name.clone(), secret.expose_secret().to_owned());
            }
        }
        Ok(Self {
            config: write(&provider)?,
            secrets,
            key_names,
        })
    }

    pub(super) fn route(sent: Value) -> Result<Self, ManageError> {
        Self::plain::<RouteConfig>(sent)
    }

    pub(super) fn quota(name: &str, sent: Value) -> Result<Self, ManageError> {
        Self::plain::<QuotaConfig>(named(name, sent))
    }

    pub(super) fn guardrail(name: &str, sent: Value) -> Result<Self, ManageError> {
        Self::plain::<GuardConfig>(named(name, sent))
    }

    fn plain<T: DeserializeOwned + serde::Serialize>(sent: Value) -> Result<Self, ManageError> {
        Ok(Self {
            config: write(&read::<T>(sent)?)?,
            secrets: Secrets::new(),
            key_names: Vec::new(),
        })
    }

    pub(super) fn text(&self) -> String {
        self.config.to_string()
    }

    /// Seals the keys: what was sent, over what the entry had before.
    pub(super) fn seal(
        &self,
        sealer: &dyn Sealer,
        (organization, name): (OrganizationId, &str),
        before: Option<&GatewayEntry>,
    ) -> Result<Option<String>, ManageError> {
        let mut secrets = before.map_or_else(|| Ok(Secrets::new()), |before| open(sealer, before))?;
        secrets.retain(|key, _| self.key_names.contains(key));
        secrets.extend(self.secrets.clone());
        if secrets.is_empty() {
            return Ok(None);
        }
        let text = SecretString::from(write(&secrets)?.to_string());
        Ok(Some(sealer.seal(&purpose(organization, name), &text)?))
    }
}

/// What was sent, under the name of its address.
fn named(name: &str, mut sent: Value) -> Value {
    if let Value::Object(fields) = &mut sent {
        fields.insert("name".to_owned(), Value::from(name));
    }
    sent
}

/// What a sealed text is for: it opens for nothing else.
fn purpose(organization: OrganizationId, name: &str) -> String {
    format!("gateway-provider/{organization}/{name}")
}

fn open(opener: &dyn Sealer, entry: &GatewayEntry) -> Result<Secrets, ManageError> {
    let Some(sealed) = &entry.sealed else {
        return Ok(Secrets::new());
    };
    let text = opener.open(&purpose(entry.organization, &entry.name), sealed)?;
    let secrets = serde_json::from_str(text.expose_secret());
    secrets.map_err(|_| ManageError::Document("the stored keys cannot be read".to_owned()))
}

/// Everything that an organisation configures.
pub(super) fn tenant(entries: &[GatewayEntry], sealer: &dyn Sealer) -> Result<TenantConfig, ManageError> {
    let mut tenant = TenantConfig::default();
    for entry in entries {
        let stored: Value = serde_json::from_str(&entry.config).map_err(|error| unreadable(&error))?;
        match entry.kind {
            GatewayEntryKind::Provider => {
                let mut provider: ProviderConfig = read(stored)?;
                let mut secrets = open(sealer, entry)?;
                provider.api_key = secrets.remove(OWN).map(SecretString::from);
                for key in &mut provider.keys {
                    key.api_key = secrets.remove(&key.name).map(SecretString::from);
                }
                tenant.providers.insert(entry.name.clone(), provider);
            }
            GatewayEntryKind::Route => {
                tenant.routes.insert(entry.name.clone(), read(stored)?);
            }
            GatewayEntryKind::Quota => tenant.quotas.push(read(stored)?),
            GatewayEntryKind::Guardrail => tenant.guardrails.push(read(stored)?),
        }
    }
    Ok(tenant)
}

fn read<T: DeserializeOwned>(sent: Value) -> Result<T, ManageError> {
    serde_json::from_value(sent).map_err(|error| unreadable(&error))
}

fn write<T: serde::Serialize>(value: &T) -> Result<Value, ManageError> {
    serde_json::to_value(value).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> ManageError {
    ManageError::Document(error.to_string())
}
