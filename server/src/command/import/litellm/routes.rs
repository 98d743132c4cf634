//! Routes out of model groups, with their aliases and fallbacks.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::providers::Providers;
use super::settings::{Fallback, Settings, whole};
use super::source::Node;
use crate::command::import::report::Report;

const TARGETS_MAX: usize = 32;
/// Each gives two rules, of which a route has 64.
const TAGS_MAX: usize = 32;

/// A deployment's place in a route.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) weight: u32,
    pub(super) order: f64,
    pub(super) rates: Rates,
    /// Calls with one of them come here, and others do not.
    pub(super) tags: Vec<String>,
    /// Only after a failure of this kind.
    pub(super) only_after: Option<&'static str>,
}

/// What a deployment is said to bear in a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    requests: Option<f64>,
    tokens: Option<f64>,
}

impl Rates {
    pub(super) fn take(params: &mut Node) -> Self {
        Self {
            requests: params.take_number("rpm"),
            tokens: params.take_number("tpm"),
        }
    }

    /// One of them, and its name in the source.
    pub(super) fn first(self) -> Option<(&'static str, f64)> {
        let tokens = self.tokens.map(|rate| ("tpm", rate));
        self.requests.map(|rate| ("rpm", rate)).or(tokens)
    }
}

/// The tag of deployments that take what no other tag is for.
const DEFAULT_TAG: &str = "default";

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
            self.write(name, group, (&groups, settings), providers, report);
        }
    }

    fn write(
        &mut self,
        name: &str,
        group: &Group,
        (groups, settings): (&BTreeMap<String, Group>, &Settings),
        providers: &mut Providers,
        report: &mut Report,
    ) {
        let mut lane = |tag: Option<&str>| {
            let place = (name, group.path.as_str());
            let fallbacks = fallbacks((&group.of, tag), groups, settings, report);
            Lane::of(place, for_tag(&group.targets, tag), &fallbacks, settings, report)
        };
        let untagged = lane(None);
        let tags = tags(&group.targets);
        let rules: Vec<Value> = tags
            .iter()
            .take(TAGS_MAX)
            .flat_map(|tag| rules(tag, &lane(Some(tag))))
            .collect();
        if let ([only], true) = (untagged.targets.as_slice(), rules.is_empty())
            && name == format!("{}/{}", only.provider, only.model)
        {
            // Callers can say that already.
            providers.serve(&only.provider, &only.model);
            return;
        }
        if tags.len() > TAGS_MAX {
            report.missing(
                &group.path,
                format!("`{name}` has more than {TAGS_MAX} tags: the last are left out"),
            );
        }
        let mut route = untagged.into_table();
        if !rules.is_empty() {
            report.changed(
                &group.path,
                format!(
                    "`{name}`: a call's tags are looked for in `metadata.tags`, and, when it is the only one, in the header x-litellm-tags. Of several \
                     tags the first in the order of the alphabet decides; an unknown one is not refused. OpenAI refuses \
                     lists in `metadata`: send its models the header"
                ),
            );
            route.insert("rules".to_owned(), Value::Array(rules));
        }
        let name = route_name(name, &group.path, report);
        self.table.insert(name, Value::Table(route));
    }

    pub(super) fn into_table(self) -> Table {
        self.table
    }
}

/// Targets with an order among them.
#[derive(Clone)]
struct Lane {
    strategy: &'static str,
    targets: Vec<Target>,
}

impl Lane {
    /// Deployments, and behind them what stands in for them.
    fn of(
        (name, path): (&str, &str),
        mut targets: Vec<Target>,
        fallbacks: &[Target],
        settings: &Settings,
        report: &mut Report,
    ) -> Self {
        targets.sort_by(|one, other| one.order.total_cmp(&other.order));
        let in_order = targets.first().map(|first| first.order) != targets.last().map(|last| last.order);
        let mut strategy = if in_order || targets.len() == 1 {
            "priority"
        } else {
            settings.strategy
        };
        let may_be_mixed = fallbacks.iter().any(|target| target.only_after.is_none());
        if may_be_mixed && !matches!(strategy, "priority" | "weighted") {
            report.changed(
                path,
                format!(
                    "`{name}` has fallbacks, which the strategy `{strategy}` would mix in: it is weighted"
                ),
            );
            strategy = "weighted";
        }
        let mut all: Vec<Target> = Vec::new();
        for target in targets.iter().chain(fallbacks) {
            let is_same = |other: &Target| {
                (&other.provider, &other.model, other.only_after)
                    == (&target.provider, &target.model, target.only_after)
            };
            if !all.iter().any(is_same) {
                all.push(target.clone());
            }
        }
        if all.len() > TARGETS_MAX {
            report.missing(
                path,
                format!("`{name}` has more than {TARGETS_MAX} targets: the last are left out"),
            );
            all.truncate(TARGETS_MAX);
        }
        if strategy == "weighted" && all.iter().all(|target| target.weight == 0) {
            strategy = "priority";
        }
        Self {
            strategy,
            targets: all,
        }
    }

    fn into_table(self) -> Table {
        let targets = self.targets.iter().map(|target| self.target(target));
        let targets: Vec<Value> = targets.collect();
        let mut table = Table::new();
        table.insert("strategy".to_owned(), self.strategy.into());
        table.insert("targets".to_owned(), Value::Array(targets));
        table
    }

    fn target(&self, target: &Target) -> Value {
        let mut entry = Table::new();
        entry.insert("provider".to_owned(), target.provider.clone().into());
        entry.insert("model".to_owned(), target.model.clone().into());
        if self.strategy == "weighted" && target.weight != 1 {
            entry.insert("weight".to_owned(), i64::from(target.weight).into());
        }
        if self.strategy == "least_used" {
            let rates = [
                ("requests_per_minute", target.rates.requests),
                ("tokens_per_minute", target.rates.tokens),
            ];
            for (name, rate) in rates {
                if let Some(rate) = rate {
                    entry.insert(name.to_owned(), whole(rate, 1.0, 1e15));
                }
            }
        }
        if let Some(class) = target.only_after {
            entry.insert("only_after".to_owned(), Value::Array(vec![class.into()]));
        }
        Value::Table(entry)
    }
}

/// The tags by which calls are told apart, each once.
fn tags(targets: &[Target]) -> BTreeSet<&str> {
    let tags = targets.iter().flat_map(|target| &target.tags).map(String::as_str);
    tags.filter(|tag| !tag.is_empty() && *tag != DEFAULT_TAG)
        .collect()
}

/// As `LiteLLM` chooses: what has the tag; for a call without one, or where nothing has it, what is for the rest; or all.
fn for_tag(targets: &[Target], tag: Option<&str>) -> Vec<Target> {
    let having = |tag: &str| -> Vec<Target> {
        let has = |target: &&Target| target.tags.iter().any(|own| own == tag);
        targets.iter().filter(has).cloned().collect()
    };
    [tag.map(having), Some(having(DEFAULT_TAG))]
        .into_iter()
        .flatten()
        .find(|chosen| !chosen.is_empty())
        .unwrap_or_else(|| targets.to_vec())
}

/// For calls that have the tag, in either of the places where `LiteLLM` looks for it.
fn rules(tag: &str, lane: &Lane) -> [Value; 2] {
    [
        ("metadata", "tags", tag.to_owned()),
        ("headers", "x-litellm-tags", tag.to_owned()),
    ]
    .map(|(kind, field, pattern)| {
        let mut fields = Table::new();
        fields.insert(field.to_owned(), pattern.into());
        let mut when = Table::new();
        when.insert(kind.to_owned(), Value::Table(fields));
        let mut rule = Table::new();
        rule.insert("name".to_owned(), fitting(tag).into());
        rule.insert("when".to_owned(), Value::Table(when));
        rule.extend(lane.clone().into_table());
        Value::Table(rule)
    })
}

/// The targets that stand in for a group's own, each with its place behind them: its fallbacks, or else those for any.
fn fallbacks(
    (name, tag): (&str, Option<&str>),
    groups: &BTreeMap<String, Group>,
    settings: &Settings,
    report: &mut Report,
) -> Vec<Target> {
    let of = |fallback: &&Fallback| fallback.of == name;
    let mut chosen: Vec<&Fallback> = settings.fallbacks.iter().filter(of).collect();
    if chosen.iter().all(|fallback| fallback.only_after.is_some()) {
        chosen.extend(settings.fallbacks.iter().filter(|fallback| fallback.of == "*"));
    }
    let mut targets = Vec::new();
    for fallback in chosen {
        for to in fallback.to.iter().filter(|to| *to != name) {
            let Some(group) = groups.get(to) else {
                report.missing(
                    &fallback.path,
                    format!("`{name}` falls back to `{to}`, which is no model of the file"),
                );
                continue;
            };
            targets.extend(for_tag(&group.targets, tag).into_iter().map(|target| Target {
                weight: 0,
                only_after: fallback.only_after,
                ..target
            }));
        }
    }
    targets
}

/// A name that ours can be.
fn route_name(name: &str, path: &str, report: &mut Report) -> String {
    let fitting = fitting(name);
    if fitting != name {
        report.changed(
            path,
            format!("the route `{name}` is called `{fitting}`: callers must say so"),
        );
    }
    fitting
}

fn fitting(name: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let characters = name.chars();
    characters
        .map(|character| if allowed(character) { character } else { '-' })
        .take(64)
        .collect()
}
