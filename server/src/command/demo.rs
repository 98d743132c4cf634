//! `brokle demo`: `serve` on a data directory of its own, with a bundled fake model provider, an account
//! that is signed up already, a day of sample data, and more of it every few seconds. It needs no key and
//! touches nobody else's data: databases that the configuration names are left alone.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use brokle_demo::account::{self, EMAIL};
use brokle_demo::client::Client;
use brokle_demo::feed::Feed;
use brokle_demo::provider::FakeProvider;
use brokle_demo::sample;
use brokle_demo::state::StateFile;
use brokle_gateway::config::{GatewayConfig, ProviderConfig, RouteConfig, Strategy, TargetConfig};
use brokle_model::clock::SystemClock;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::serve::{self, Ready};
use crate::backends;
use crate::cli::ServeArguments;
use crate::config::LoadedConfig;

/// The data directory, in the one that is configured.
const DIRECTORY: &str = "demo";
const PROVIDER: &str = "demo";
/// Between two words of the bundled model.
const PACE: Duration = Duration::from_millis(25);

pub(crate) async fn run(mut loaded: LoadedConfig, arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let provider = FakeProvider::start_with_voice(anywhere, PACE, sample::reply)
        .await
        .context("starting the bundled model provider")?;
    let left_alone = keep_apart(&mut loaded);
    add_provider(&mut loaded.config.gateway, provider.base_url());
    let data_dir = &loaded.config.storage.data_dir;
    backends::prepare_data_dir(data_dir)?;
    let mut shown = None;
    let served = serve::until_stopped(&loaded, &arguments, |ready: Ready<'_>| {
        for name in &left_alone {
            tracing::warn!(
                "{name} is set, but the demo keeps its data in {}",
                data_dir.display()
            );
        }
        let show = Show {
            client: Client::new(ready.addresses.http),
            data_dir: data_dir.clone(),
            stop: ready.lifecycle.soft.clone(),
        };
        shown = Some(ready.lifecycle.tasks.spawn(show.run()));
    });
    served.await?;
    if let Some(shown) = shown {
        shown.await.context("the demo's feed")??;
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives the demo a directory and databases of its own. Gives the names that have no effect because of it.
fn keep_apart(loaded: &mut LoadedConfig) -> Vec<&'static str> {
    let storage = &mut loaded.config.storage;
    storage.data_dir = storage.data_dir.join(DIRECTORY);
    let named = [
        ("DATABASE_URL", storage.database_url.take()),
        ("CLICKHOUSE_URL", storage.clickhouse_url.take()),
    ];
    let set = named.into_iter().filter(|(_, url)| url.is_some());
    set.map(|(name, _)| name).collect()
}

/// Adds the bundled provider, and two routes to it unless there are such already: one that answers, and one
/// whose first target is always over its limit. Calls are priced as `OpenAI`'s, so that costs appear.
fn add_provider(gateway: &mut GatewayConfig, base_url: String) {
    let provider = ProviderConfig {
        base_url: Some(base_url),
        api_key: Some(SecretString::from("demo")),
        models: vec!["gpt-*".to_owned(), "mock-*".to_owned()],
        provider_name: Some("openai".to_owned()),
        ..ProviderConfig::default()
    };
    gateway.providers.insert(PROVIDER.to_owned(), provider);
    let target = |model: &str, weight| TargetConfig {
        provider: PROVIDER.to_owned(),
        model: model.to_owned(),
        weight,
        ..TargetConfig::default()
    };
    let routes = [
        (
            "fast",
            Strategy::Weighted,
            vec![target("gpt-4o-mini", 3), target("gpt-4.1-nano", 1)],
        ),
        (
            "resilient",
            Strategy::Priority,
            vec![target("mock-429", 1), target("gpt-4o-mini", 1)],
        ),
    ];
    for (name, strategy, targets) in routes {
        let route = RouteConfig {
            strategy,
            targets,
            ..RouteConfig::default()
        };
        gateway.routes.entry(name.to_owned()).or_insert(route);
    }
}

/// What happens beside the server.
struct Show {
    client: Client,
    data_dir: std::path::PathBuf,
    stop: CancellationToken,
}

impl Show {
    /// Until the stop. A failure stops the server: a demo without its data shows nothing.
    async fn run(self) -> anyhow::Result<()> {
        let stop = self.stop.clone();
        let result = self.show().await;
        let is_stopping = stop.is_cancelled();
        stop.cancel();
        // What fails while the server goes away is no failure.
        if is_stopping { Ok(()) } else { result }
    }

    async fn show(self) -> anyhow::Result<()> {
        let mut file = StateFile::open(&self.data_dir)?;
        let opened = self
            .stop
            .run_until_cancelled(account::open(&self.client, &mut file))
            .await;
        let Some(key) = opened else { return Ok(()) };
        let key = key.context("setting up the demo's account")?;
        let base_url = self.client.base_url().to_owned();
        let feed = Feed::new(self.client, key.clone(), Arc::new(SystemClock), self.stop);
        let is_first = feed.send_history(&mut file).await? > 0;
        announce(&base_url, &file.state.password, &key);
        if is_first {
            feed.open_with_calls().await;
        }
        feed.run().await;
        Ok(())
    }
}

fn announce(url: &str, password: &str, key: &str) {
    let text = format!(
        "\n  The demo is up, with a day of sample data and more every few seconds.\n\n  \
         Open          {url}\n  \
         Sign in       {EMAIL}\n  \
         Password      {password}\n  \
         API key       {key}\n\n  \
         Ask the bundled model through the gateway, and find the call in the dashboard a second later:\n\n    \
         curl {url}/v1/chat/completions \\\n      \
         -H 'Authorization: Bearer {key}' \\\n      \
         -H 'Content-Type: application/json' \\\n      \
         -d '{{\"model\": \"resilient\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'\n\n  \
         Models: fast, resilient (its first target is over its limit: two attempts), demo/gpt-4o-mini.\n  \
         Ctrl-C stops it; the next start goes on with the same data.\n\n"
    );
    // A closed standard output is no reason to stop.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};

    fn loaded(pairs: &[(&str, &str)]) -> LoadedConfig {
        load(None, Environment::of(pairs)).unwrap()
    }

    #[test]
    fn the_demo_leaves_configured_databases_alone() {
        let mut loaded = loaded(&[
            ("BROKLE_DATA_DIR", "/srv/brokle"),
            ("DATABASE_URL", "postgres://u:p@h/d"),
            ("CLICKHOUSE_URL", "http://h:8123/d"),
        ]);
        assert_eq!(keep_apart(&mut loaded), ["DATABASE_URL", "CLICKHOUSE_URL"]);
        let storage = &loaded.config.storage;
        assert_eq!(storage.data_dir, std::path::Path::new("/srv/brokle/demo"));
        assert!(storage.database_url.is_none() && storage.clickhouse_url.is_none());
    }

    #[test]
    fn the_bundled_provider_and_its_routes_are_a_valid_configuration() {
        let mut gateway = loaded(&[]).config.gateway;
        add_provider(&mut gateway, "http://127.0.0.1:9/v1".to_owned());
        let settings = gateway.resolve(&|_| None).unwrap();
        assert!(settings.provider_names().any(|name| name == PROVIDER));
    }
}
