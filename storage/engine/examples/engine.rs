//! Runs the embedded `ClickHouse` by itself: `engine <library> <data folder> [port] [password] [--stop-with-parent]`.
//!
//! The product's own command is `brokle clickhouse`; this is for tests and for trying things. Prints
//! `ready <address>` when it serves, and stops on SIGTERM, SIGINT, or, if asked to, when standard input closes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use brokle_engine::{EngineConfig, Limits};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let stop_with_parent = arguments.iter().any(|argument| argument == "--stop-with-parent");
    arguments.retain(|argument| argument != "--stop-with-parent");
    let mut arguments = arguments.into_iter();
    let (Some(library), Some(data_dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: engine <library> <data folder> [port] [password]".into());
    };
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let config = EngineConfig {
        library: PathBuf::from(library),
        data_dir: PathBuf::from(data_dir),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        password: arguments
            .next()
            .filter(|password| !password.is_empty())
            .map(Into::into),
        stop_with_parent,
        limits: Limits::for_this_machine(),
    };
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    brokle_engine::run(config, shutdown, |address| {
        // Whoever waits for the line finds out by waiting.
        let _ = brokle_engine::supervisor::announce_ready(address);
    })
    .await?;
    Ok(())
}
