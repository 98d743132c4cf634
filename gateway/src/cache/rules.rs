//! What a project has invalidated: entries of certain models that are older than a moment. Few, and forgotten
//! when no entry can be that old any more.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::wildcard;

/// Beyond this, the oldest rules become one that covers every model.
const RULES_MAX: usize = 100;

/// Entries that must not be used: those of models like `model`, stored before `before_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// A model's name as the caller or the provider writes it; `*` stands for any run of characters.
    pub(crate) model: String,
    pub(crate) before_ms: i64,
}

/// A project's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    /// Whether an entry must not be used.
    pub(super) fn forbid(&self, entry: &Entry, now_ms: i64) -> bool {
        let origin = &entry.origin;
        let in_full = format!("{}/{}", origin.provider, origin.model);
        let is_meant = |rule: &Rule| {
            let names = [
                Some(&origin.model),
                origin.response_model.as_ref(),
                Some(&in_full),
            ];
            names
                .into_iter()
                .flatten()
                .any(|name| wildcard::matches(&rule.model, name))
        };
        // A clock that was ahead must not make an entry eternal.
        origin.stored_at_ms > now_ms
            || self
                .0
                .iter()
                .any(|rule| origin.stored_at_ms <= rule.before_ms && is_meant(rule))
    }

    /// Adds a rule, and drops those that no entry is old enough for.
    pub(super) fn add(&mut self, rule: Rule, keep_for: Duration, now_ms: i64) {
        let oldest = now_ms - i64::try_from(keep_for.as_millis()).unwrap_or(i64::MAX);
        self.0
            .retain(|kept| kept.before_ms >= oldest && kept.model != rule.model);
        self.0.push(rule);
        if self.0.len() > RULES_MAX {
            let before_ms = self.0.iter().map(|rule| rule.before_ms).max().unwrap_or(now_ms);
            self.0 = vec![Rule {
                model: "*".to_owned(),
                before_ms,
            }];
        }
    }

    pub(super) fn encode(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn rule(model: &str, before_ms: i64) -> Rule {
        Rule {
            model: model.to_owned(),
            before_ms,
        }
    }

    #[test]
    fn a_rule_covers_its_models_up_to_its_moment() {
        let mut rules = Rules::default();
        rules.add(rule("gpt-4o*", 100), DAY, 100);
        assert!(rules.forbid(&entry("gpt-4o-mini", 100), 200));
        assert!(!rules.forbid(&entry("gpt-4o-mini", 101), 200));
        assert!(!rules.forbid(&entry("claude", 50), 200));
        rules.add(rule("mock/*", 120), DAY, 120);
        assert!(rules.forbid(&entry("claude", 50), 200), "named with its provider");
    }

    #[test]
    fn an_entry_of_the_future_is_not_used() {
        assert!(Rules::default().forbid(&entry("gpt-4o", 300), 200));
    }

    #[test]
    fn rules_are_dropped_when_no_entry_can_be_that_old() {
        let mut rules = Rules::default();
        rules.add(rule("a", 100), DAY, 100);
        rules.add(rule("b", 86_500_001), DAY, 86_500_001);
        assert_eq!(rules.iter().count(), 1);
    }

    #[test]
    fn too_many_rules_become_one_for_everything() {
        let mut rules = Rules::default();
        for number in 0..=RULES_MAX {
            rules.add(rule(&format!("model-{number}"), 100), DAY, 100);
        }
        assert_eq!(rules.iter().collect::<Vec<_>>(), [&rule("*", 100)]);
    }
}
