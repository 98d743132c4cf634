//! `TensorZero`'s gateway, from `PyPI`'s `tensorzero`: the one that its Python package starts within the process, which
//! otherwise only waits. It stores nothing, for its observability is off.

use anyhow::Result;

use super::{Kind, Peer, Places};

/// It chooses a port of its own, so a few lines of Python would have to tell it; the package takes none. They print it.
const PROGRAM: &str = r#"
import sys, threading, tensorzero
gateway = tensorzero._start_http_gateway(config_file=sys.argv[1], clickhouse_url=None, postgres_url=None,
                                         valkey_url=None, async_setup=False)
with open(sys.argv[2] + ".new", "w") as file:
    file.write(gateway.base_url)
import os
os.rename(sys.argv[2] + ".new", sys.argv[2])
threading.Event().wait()
"#;

pub(super) fn start(places: &Places) -> Result<Peer> {
    let provider = places.provider.clone();
    let mut told = None;
    let mut peer = Peer::launch(Kind::TensorZero, places, |command, _, directory| {
        let (config, address) = (directory.join("tensorzero.toml"), directory.join("address"));
        std::fs::write(&config, config_of(&provider))?;
        command
            .args(["-c", PROGRAM])
            .args([&config, &address])
            .env("OPENAI_API_KEY", "sk-provider");
        told = Some(address);
        Ok(())
    })?;
    let base_url = told
        .map(|path| super::told_address(&mut peer, &path))
        .transpose()?;
    let base_url = base_url.unwrap_or_default();
    let after = base_url.trim_start_matches("http://");
    let (address, path) = after.split_once('/').unwrap_or((after, ""));
    address.clone_into(&mut peer.address);
    peer.path = format!("/{path}/chat/completions");
    peer.model = format!("tensorzero::model_name::{}", super::MODEL);
    Ok(peer)
}

fn config_of(provider: &str) -> String {
    format!(
        r#"[gateway]
observability.enabled = false

[models.gpt-4o-mini]
routing = ["mock"]

[models.gpt-4o-mini.providers.mock]
type = "openai"
model_name = "gpt-4o-mini"
api_base = "{provider}/"
api_key_location = "env::OPENAI_API_KEY"
"#
    )
}
