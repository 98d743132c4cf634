//! Whose a file or a batch is. An id leaves the gateway as `ID.PROVIDER.SEAL`, where the seal is a keyed digest over
//! the project, the provider and the id: the gateway need not remember what it gave out, any node can tell, and an id
//! of another project's is as unknown as one that never was. The key is the provider's credential; with another one,
//! ids given out before are unknown.
//!
//! Lists come from the provider with everybody's in them: files of the project are those whose name begins with its
//! tag, batches those with its name in their metadata. Neither is shown to callers. What a provider makes by itself,
//! such as the output of a batch, is in no list; its id is in the batch.

use std::sync::Arc;

use brokle_model::id::ProjectId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::config::Dialect;
use crate::provider::Provider;

/// The field of a batch's metadata that says whose it is.
pub(super) const METADATA: &str = "brokle_project";
/// Half of the digest: beyond guessing, and short.
const SEAL_BYTES: usize = 16;
const OWN_ID_BYTES_MAX: usize = 128;
/// Fields of a file or a batch that hold ids.
const ID_FIELDS: [&str; 4] = ["id", "input_file_id", "output_file_id", "error_file_id"];

/// Seals the ids of one project at one provider.
pub(super) struct Seal {
    project: String,
    provider: String,
    key: Hmac<Sha256>,
}

/// The provider that an id names, whoever's it is.
pub(super) fn provider_of(id: &str) -> Option<&str> {
    let (_, rest) = id.split_once('.')?;
    Some(rest.rsplit_once('.')?.0)
}

impl Seal {
    /// Nothing for a provider that keeps no files, or has no credential to seal with.
    pub(super) fn of(provider: &Arc<Provider>, project: ProjectId) -> Option<Self> {
        if !matches!(provider.dialect, Dialect::Openai | Dialect::Azure) {
            return None;
        }
        let credential = provider.headers.values().find(|value| value.is_sensitive())?;
        let key = Hmac::new_from_slice(credential.as_bytes()).ok()?;
        Some(Self {
            project: project.to_string(),
            provider: provider.name.clone(),
            key,
        })
    }

    /// The project, for a batch's metadata.
    pub(super) fn project(&self) -> &str {
        &self.project
    }

    /// What the name of each of the project's files begins with.
    pub(super) fn tag(&self) -> String {
        format!("{}--", self.project)
    }

    /// An id as it leaves.
    pub(super) fn close(&self, own: &str) -> String {
        let provider = &self.provider;
        format!("{own}.{provider}.{}", self.digest(own))
    }

    /// The provider's own id, of one that is the project's.
    pub(super) fn open<'a>(&self, id: &'a str) -> Option<&'a str> {
        let (own, rest) = id.split_once('.')?;
        let (provider, digest) = rest.rsplit_once('.')?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_id = !own.is_empty() && own.len() <= OWN_ID_BYTES_MAX && own.bytes().all(is_plain);
        let digest = unhex(digest)?;
        let is_ours = self.mac(own).verify_truncated_left(&digest).is_ok();
        (is_id && provider == self.provider && digest.len() == SEAL_BYTES && is_ours).then_some(own)
    }

    fn mac(&self, own: &str) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        for part in ["brokle-stored-1", &self.project, &self.provider, own] {
            mac.update(part.as_bytes());
            mac.update(b"\0");
        }
        mac
    }

    fn digest(&self, own: &str) -> String {
        use std::fmt::Write as _;
        let digest = self.mac(own).finalize().into_bytes();
        digest[..SEAL_BYTES].iter().fold(String::new(), |mut out, byte| {
            // Writing into memory cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
    }

    /// What the provider said as the caller may see it: ids of ours, and of a list what is the project's.
    pub(super) fn present(&self, said: &mut Value) {
        let Some(list) = said.get_mut("data").and_then(Value::as_array_mut) else {
            self.present_one(said);
            return;
        };
        list.retain(|item| self.is_ours(item));
        for item in list.iter_mut() {
            self.present_one(item);
        }
        let id = |item: Option<&Value>| item.map(|item| item["id"].clone()).unwrap_or_default();
        let ends = [("first_id", id(list.first())), ("last_id", id(list.last()))];
        for (name, id) in ends {
            if said.get(name).is_some() {
                said[name] = id;
            }
        }
    }

    fn is_ours(&self, item: &Value) -> bool {
        let tagged = |name: &str| name.starts_with(&self.tag());
        item["filename"].as_str().is_some_and(tagged) || item["metadata"][METADATA] == self.project
    }

    fn present_one(&self, item: &mut Value) {
        for name in ID_FIELDS {
            if let Some(own) = item[name].as_str().filter(|own| !own.is_empty()) {
                item[name] = Value::String(self.close(own));
            }
        }
        if let Some(name) = item["filename"].as_str()
            && let Some(name) = name.strip_prefix(&self.tag())
        {
            item["filename"] = Value::String(name.to_owned());
        }
        if let Some(metadata) = item.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove(METADATA);
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Address;

    fn seal(project: u128, key: &str) -> Seal {
        let address = Address::new("a.b", Dialect::Openai, "http://h/v1", None).unwrap();
        let provider = Provider::new("a.b", Dialect::Openai, address, Some(&key.into())).unwrap();
        Seal::of(&Arc::new(provider), ProjectId::from_u128(project)).unwrap()
    }

    #[test]
    fn an_id_opens_for_its_project_and_for_no_other() {
        let id = seal(1, "k").close("file-abc_1");
        assert_eq!(provider_of(&id), Some("a.b"));
        assert_eq!(seal(1, "k").open(&id), Some("file-abc_1"));
        assert_eq!(seal(2, "k").open(&id), None);
        assert_eq!(seal(1, "other").open(&id), None);
        for at in 0..id.len() {
            let mut changed = id.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(
                seal(1, "k").open(std::str::from_utf8(&changed).unwrap()),
                None,
                "byte {at}"
            );
        }
        for wrong in ["", "file-abc", "file-abc.a.b.", "../x.a.b.00", "file-abc.a.b.é0"] {
            assert_eq!(seal(1, "k").open(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_list_shows_what_is_the_projects() {
        let ours = seal(1, "k");
        let mut said = serde_json::json!({ "object": "list", "first_id": "file-1", "last_id": "file-3", "data": [
            { "id": "file-1", "filename": "theirs.jsonl" },
            { "id": "file-2", "filename": format!("{}mine.jsonl", ours.tag()) },
            { "id": "batch_3", "metadata": { METADATA: ours.project(), "a": "b" }, "output_file_id": "file-4" },
            { "id": "batch_5", "metadata": null } ] });
        ours.present(&mut said);
        assert_eq!(said["data"].as_array().unwrap().len(), 2);
        assert_eq!(said["data"][0]["filename"], "mine.jsonl");
        assert_eq!(said["first_id"], ours.close("file-2"));
        assert_eq!(said["data"][1]["output_file_id"], ours.close("file-4"));
        assert_eq!(said["data"][1]["metadata"], serde_json::json!({ "a": "b" }));
    }

    #[test]
    fn a_provider_without_a_credential_keeps_nothing() {
        let address = Address::new("a", Dialect::Openai, "http://h/v1", None).unwrap();
        let provider = Provider::new("a", Dialect::Openai, address, None).unwrap();
        assert!(Seal::of(&Arc::new(provider), ProjectId::from_u128(1)).is_none());
    }
}
