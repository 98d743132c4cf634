//! Routes out of model groups, with their aliases and fallbacks.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::providers::Providers;
use super::settings::Settings;
use crate::command::import::report::Report;

const TARGETS_MAX: usize = 32;

/// A deployment's place in a route.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) weight: u32,
    pub(super) order: f64,
}

/// One group of the source.
#[derive(Debug, Clone)]
struct Group {
    /// Its name in the source, by which its fallbacks are told. An alias has another.
    of: String,
    targets: Vec<Target>,
    path: String,
}

/// The groups, by their names in the source.
#[derive(Debug, Default)]
pub(super) struct Routes {
    groups: BTreeMap<String, Group>,
    table: Table,
}

impl Routes {
    pub(super) fn add(&mut self, group: &str, target: Target, path: &str) {
        let entry = self.groups.entry(group.to_owned()).or_insert_with(|| Group {
            of: group.to_owned(),
            targets: Vec::new(),
            path: path.to_owned(),
        });
        entry.targets.push(target);
    }

    /// Puts aliases and fallbacks in, and writes every group down.
    pub(super) fn finish(&mut self, settings: &Settings, providers: &mut Providers, report: &mut Report) {
        for (alias, group, path) in &settings.aliases {
            match self.groups.get(group).cloned() {
                Some(aliased) => {
                    self.groups.insert(alias.clone(), aliased);
                }
                None => report.missing(
                    path,
                    format!("the alias `{alias}` leads to `{group}`, which is no model of the file"),
                ),
            }
        }
        let groups = self.groups.clone();
        for (name, group) in &groups {
            let fallbacks = fallbacks(&group.of, &groups, settings, report);
            self.write(name, group, fallbacks, settings, providers, report);
        }
    }

    fn write(
        &mut self,
        name: &str,
        group: &Group,
        fallbacks: Vec<Target>,
        settings: &Settings,
        providers: &mut Providers,
        report: &mut Report,
    ) {
        let mut targets = group.targets.clone();
        targets.sort_by(|one, other| one.order.total_cmp(&other.order));
        let in_order = targets.first().map(|first| first.order) != targets.last().map(|last| last.order);
        let mut strategy = if in_order { "priority" } else { settings.strategy };
        if targets.len() == 1 && fallbacks.is_empty() {
            strategy = "priority";
        }
        if !fallbacks.is_empty() && !matches!(strategy, "priority" | "weighted") {
            report.changed(
                &group.path,
                format!(
                    "`{name}` has fallbacks, which the strategy `{strategy}` would mix in: it is weighted"
                ),
            );
            strategy = "weighted";
        }
        if targets.len() == 1 && strategy == "weighted" {
            strategy = "priority";
        }
        if let [only] = targets.as_slice()
            && fallbacks.is_empty()
            && (name == format!("{}/{}", only.provider, only.model))
        {
            // Callers can say that already.
            providers.serve(&only.provider, &only.model);
            return;
        }
        let fallbacks = fallbacks.into_iter().map(|target| Target { weight: 0, ..target });
        let mut seen: Vec<(String, String)> = Vec::new();
        let all: Vec<Target> = targets
            .into_iter()
            .chain(fallbacks)
            .filter(|target| {
                let place = (target.provider.clone(), target.model.clone());
                let is_new = !seen.contains(&place);
                seen.push(place);
                is_new
            })
            .collect();
        if all.len() > TARGETS_MAX {
            report.missing(
                &group.path,
                format!("`{name}` has more than {TARGETS_MAX} targets: the last are left out"),
            );
        }
        let name = route_name(name, &group.path, report);
        self.table
            .insert(name, route(strategy, &all[..all.len().min(TARGETS_MAX)]));
    }

    pub(super) fn into_table(self) -> Table {
        self.table
    }
}

/// The targets that stand in for a group's own: its fallbacks, or else those for any.
fn fallbacks(
    name: &str,
    groups: &BTreeMap<String, Group>,
    settings: &Settings,
    report: &mut Report,
) -> Vec<Target> {
    let own = settings.fallbacks.iter().filter(|fallback| fallback.of == name);
    let any = settings.fallbacks.iter().filter(|fallback| fallback.of == "*");
    let mut own = own.peekable();
    let chosen: Vec<_> = if own.peek().is_some() {
        own.collect()
    } else {
        any.collect()
    };
    let mut targets = Vec::new();
    for fallback in chosen {
        for to in fallback.to.iter().filter(|to| *to != name) {
            match groups.get(to) {
                Some(group) => targets.extend(group.targets.iter().cloned()),
                None => report.missing(
                    &fallback.path,
                    format!("`{name}` falls back to `{to}`, which is no model of the file"),
                ),
            }
        }
    }
    targets
}

fn route(strategy: &str, targets: &[Target]) -> Value {
    let is_weighted = strategy == "weighted" && targets.iter().any(|target| target.weight > 0);
    let targets: Vec<Value> = targets
        .iter()
        .map(|target| {
            let mut entry = Table::new();
            entry.insert("provider".to_owned(), target.provider.clone().into());
            entry.insert("model".to_owned(), target.model.clone().into());
            if is_weighted && target.weight != 1 {
                entry.insert("weight".to_owned(), i64::from(target.weight).into());
            }
            Value::Table(entry)
        })
        .collect();
    let mut entry = Table::new();
    let strategy = if strategy == "weighted" && !is_weighted {
        "priority"
    } else {
        strategy
    };
    entry.insert("strategy".to_owned(), strategy.into());
    entry.insert("targets".to_owned(), Value::Array(targets));
    Value::Table(entry)
}

/// A name that ours can be.
fn route_name(name: &str, path: &str, report: &mut Report) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let fitting: String = name
        .chars()
        .map(|character| if allowed(character) { character } else { '-' })
        .take(64)
        .collect();
    if fitting != name {
        report.changed(
            path,
            format!("the route `{name}` is called `{fitting}`: callers must say so"),
        );
    }
    fitting
}
