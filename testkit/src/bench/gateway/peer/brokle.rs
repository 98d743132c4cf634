//! Brokle as its users run it: `brokle serve` with the embedded engine, a signed-up tenant, a key that a limit applies
//! to, and every call's spans stored. What it stored is counted.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};

use super::{Kind, Peer, Places};
use crate::bench::process::bind;
use crate::server::{Server, ServerOptions, child_of};
use crate::tenant::Tenant;

const COUNT_TIMEOUT: Duration = Duration::from_secs(30);
const STORED_WITHIN: Duration = Duration::from_mins(2);
/// Between two looks at what is stored, each of which is work for the engine.
const PAUSE: Duration = Duration::from_millis(300);

/// What Brokle stores, and the server that does.
#[derive(Debug)]
pub struct Stored {
    server: Server,
    engine: ClickHouse,
}

impl Stored {
    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Calls of which the spans are stored: one of the server's kind, and one of the client's for the attempt.
    pub async fn calls(&self) -> Result<u64> {
        let query =
            "SELECT least(uniqExactIf(span_id, kind = 2), uniqExactIf(span_id, kind = 3)) FROM observations";
        let answer = self.engine.fetch(query, "TabSeparated", COUNT_TIMEOUT).await?;
        Ok(answer.trim().parse()?)
    }

    /// Waits until the spans of this many calls are stored: exactly so many.
    pub async fn wait_for(&self, calls: u64) -> Result<()> {
        let since = Instant::now();
        loop {
            let stored = self.calls().await?;
            if stored >= calls || since.elapsed() > STORED_WITHIN {
                ensure!(
                    stored == calls,
                    "{calls} calls were made, and the spans of {stored} are stored"
                );
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

pub(super) async fn start(places: &Places) -> Result<Peer> {
    let options = ServerOptions {
        config: config_of(&places.provider),
        embedded_engine: true,
        processors: places.processors.clone(),
        ..ServerOptions::default()
    };
    let server = Server::start(&places.brokle, options).await?;
    // The engine is a process of its own, which on a user's machine is not bound to the gateway's processor.
    if let (Some(_), Some(engine)) = (&places.processors, child_of(server.pid())) {
        bind(engine, "0,1")?;
    }
    let tenant = Tenant::sign_up(&server.url()).await?;
    let engine = ClickHouse::new(&ClickHouseConfig::parse(&server.clickhouse_url())?);
    Ok(Peer {
        address: server.url().trim_start_matches("http://").to_owned(),
        headers: vec![("authorization", format!("Bearer {}", tenant.key))],
        stored: Some(Box::new(Stored { server, engine })),
        ..Peer::of(Kind::Brokle)
    })
}

/// The provider, in the place of the catalog's own so that calls have a price, and limits that no run reaches.
fn config_of(provider: &str) -> String {
    format!(
        r#"[gateway.providers.openai]
base_url = "{provider}"
api_key = "sk-provider"

[[gateway.quotas]]
name = "bench"
per = ["key"]
requests_per_minute = 100000000
tokens_per_minute = 1000000000000
"#
    )
}
