//! What surrounds the changes of one request: whose they are, when they come, and what tells them apart.

use std::cell::Cell;
use std::collections::BTreeMap;

use brokle_model::id::{ProjectId, TraceId};
use chrono::DateTime;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::fields::{INSTANT, external_id, instant_ns, named};
use super::invalid::Invalid;
use crate::changes::{Change, ChangeId, Entity, Verb, identity};

/// One request's surroundings.
pub(crate) struct Context<'a> {
    pub(crate) project: ProjectId,
    /// The caller's environment tag, or empty.
    pub(crate) environment: &'a str,
    pub(crate) now_ns: i64,
    /// The earliest and the latest instant at which something may begin.
    pub(crate) bounds_ns: (i64, i64),
    /// What the caller says that the request is.
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) made: Cell<usize>,
}

/// What a change does, to what.
pub(super) struct Target {
    pub(super) entity: Entity,
    pub(super) verb: Verb,
    pub(super) key: String,
}

impl Context<'_> {
    /// A change. An environment of the header's stands for one that the body does not name.
    pub(super) fn change(&self, target: Target, at_ns: i64, mut fields: BTreeMap<String, Value>) -> Change {
        if target.verb == Verb::Create {
            fields.retain(|_, value| !value.is_null());
            if !self.environment.is_empty() {
                let named = fields.entry("environment".to_owned());
                named.or_insert_with(|| self.environment.into());
            }
        }
        let index = self.made.replace(self.made.get() + 1);
        let id = match self.idempotency_key {
            Some(key) => {
                let Target {
                    entity,
                    verb,
                    key: of,
                } = &target;
                let named = format!("{}\0{}\0{of}\0{key}", entity.as_str(), verb.as_str());
                ChangeId::derived(&self.project.to_string(), &named, index)
            }
            None => ChangeId::generate(DateTime::from_timestamp_nanos(self.now_ns)),
        };
        Change {
            id,
            entity: target.entity,
            key: target.key,
            verb: target.verb,
            at_ns,
            trace: None,
            start_ns: None,
            fields,
        }
    }

    /// An id that nobody chose: random, or what follows from the idempotency key.
    pub(super) fn new_id<const N: usize>(&self) -> [u8; N] {
        let Some(key) = self.idempotency_key else {
            let random: [u8; 32] = rand::random();
            return std::array::from_fn(|index| random[index % 32]);
        };
        let index = self.made.get();
        let digest: [u8; 32] = Sha256::digest(format!("{}\0id\0{index}\0{key}", self.project)).into();
        std::array::from_fn(|index| digest[index % 32])
    }

    /// When the caller says that the change was made; else now.
    pub(super) fn at_ns(&self, body: &Map<String, Value>) -> Result<i64, Invalid> {
        Ok(self
            .instant(body, &["timestamp", "updated_at"])?
            .unwrap_or(self.now_ns))
    }

    /// When the entity begins.
    pub(super) fn start_ns(&self, body: &Map<String, Value>, names: &[&'static str]) -> Result<i64, Invalid> {
        let Some(start_ns) = self.instant(body, names)? else {
            return Ok(self.now_ns);
        };
        if start_ns < self.bounds_ns.0 {
            let name = names.first().copied().unwrap_or_default();
            return Err(Invalid::field(
                name,
                format!("`{name}` lies before the time for which telemetry is kept"),
            ));
        }
        Ok(start_ns)
    }

    fn instant(&self, body: &Map<String, Value>, names: &[&'static str]) -> Result<Option<i64>, Invalid> {
        let found = named(body, names).filter(|(_, value)| !value.is_null());
        let Some((name, value)) = found else {
            return Ok(None);
        };
        let nanos =
            instant_ns(value).ok_or_else(|| Invalid::field(name, format!("`{name}` must be {INSTANT}")))?;
        if nanos > self.bounds_ns.1 {
            return Err(Invalid::field(
                name,
                format!("`{name}` lies more than a day ahead; is the clock right?"),
            ));
        }
        Ok(Some(nanos))
    }

    /// The trace that a body names.
    pub(super) fn trace(
        &self,
        body: &Map<String, Value>,
        names: &[&'static str],
    ) -> Result<Option<(TraceId, String)>, Invalid> {
        let found = named(body, names).filter(|(_, value)| !value.is_null());
        let Some((name, value)) = found else {
            return Ok(None);
        };
        let id = external_id(name, value)?;
        Ok(Some((identity::trace_id(self.project, id), id.to_owned())))
    }
}
