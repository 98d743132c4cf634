//! Portkey's gateway, from npm, on Node. Told by headers where the provider is. It stores nothing.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Kind, Peer, Places};

const SCRIPT: &str = "portkey/node_modules/@portkey-ai/gateway/build/start-server.js";

pub(super) fn program(peers: &Path) -> PathBuf {
    peers.join("portkey/node")
}

pub(super) fn start(places: &Places) -> Result<Peer> {
    let script = places.peers.join(SCRIPT);
    let mut peer = Peer::launch(Kind::Portkey, places, |command, port, _| {
        command
            .arg(script)
            .args([&format!("--port={port}"), "--headless"])
            .env("NODE_ENV", "production");
        Ok(())
    })?;
    peer.headers.push(("x-portkey-provider", "openai".to_owned()));
    peer.headers
        .push(("x-portkey-custom-host", places.provider.clone()));
    Ok(peer)
}
