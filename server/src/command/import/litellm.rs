//! A configuration of the `LiteLLM` proxy: deployments become providers and the targets of routes, its router's settings
//! become ours.

use anyhow::{Context as _, anyhow};
use brokle_gateway::GatewayConfig;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::report::Report;

mod clouds;
mod deployments;
mod guardrails;
mod providers;
mod routes;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use source::Node;

/// An imported configuration.
#[derive(Debug)]
pub(super) struct Imported {
    gateway: Table,
    pub(super) report: Report,
}

/// The result while it is being put together.
#[derive(Debug, Default)]
struct Draft {
    providers: providers::Providers,
    routes: routes::Routes,
    /// The other tables of `[gateway]`.
    tables: Table,
    quotas: Vec<Value>,
    guardrails: Vec<Value>,
    report: Report,
}

/// Reads `text`.
pub(super) fn import(text: &str) -> anyhow::Result<Imported> {
    let parsed: Json =
        serde_saphyr::from_str(text).map_err(|error| anyhow!("the file is not valid YAML: {error}"))?;
    let mut root = Node::root(parsed).context("the file holds no LiteLLM configuration")?;
    let mut draft = Draft::default();
    note_environment(&mut root, &mut draft.report);
    let credentials = providers::credentials(&mut root, &mut draft.report);
    let settings = settings::Settings::read(&mut root, &mut draft);
    deployments::import(&mut root, &credentials, &settings, &mut draft);
    draft
        .routes
        .finish(&settings, &mut draft.providers, &mut draft.report);
    guardrails::import(&mut root, &mut draft);
    root.report_rest(&mut draft.report, "Brokle has no such part");
    draft.into_imported()
}

/// `environment_variables`: their names only. Their values are secrets more often than not.
fn note_environment(root: &mut Node, report: &mut Report) {
    let Some(mut variables) = root.take_node("environment_variables", report) else {
        return;
    };
    let names: Vec<String> = variables.names();
    for name in &names {
        variables.take(name);
    }
    if !names.is_empty() {
        report.todo(
            "environment_variables",
            format!(
                "set these in Brokle's environment or its .env: {}",
                names.join(", ")
            ),
        );
    }
}

impl Draft {
    fn into_imported(mut self) -> anyhow::Result<Imported> {
        let providers = self.providers.into_table();
        let routes = self.routes.into_table();
        self.report.providers = providers.len();
        self.report.routes = routes.len();
        let mut gateway = self.tables;
        for (name, table) in [("providers", providers), ("routes", routes)] {
            if !table.is_empty() {
                gateway.insert(name.to_owned(), Value::Table(table));
            }
        }
        for (name, list) in [("quotas", self.quotas), ("guardrails", self.guardrails)] {
            if !list.is_empty() {
                gateway.insert(name.to_owned(), Value::Array(list));
            }
        }
        let imported = Imported {
            gateway,
            report: self.report,
        };
        imported.check()?;
        Ok(imported)
    }
}

impl Imported {
    /// The result as a file.
    pub(super) fn toml(&self) -> anyhow::Result<String> {
        let mut root = Table::new();
        root.insert("gateway".to_owned(), Value::Table(self.gateway.clone()));
        let body = toml::to_string_pretty(&root)?;
        Ok(format!(
            "# Imported from a configuration of the LiteLLM proxy. Secrets are named by their variables.\n\n{body}"
        ))
    }

    /// Whether our own loader takes it: anything else would be an importer's fault.
    fn check(&self) -> anyhow::Result<()> {
        let config: GatewayConfig = Value::Table(self.gateway.clone())
            .try_into()
            .context("the result is not a configuration of Brokle's; please report this")?;
        config
            .validate()
            .context("Brokle would refuse the result; please report this")
    }
}
