//! `SIGHUP`: reads the configuration file again and puts its `[gateway]` in force. A file that is not good is refused
//! with the reason, and what was in force stays. Everything else of the file needs a restart.

use std::path::Path;

use brokle_gateway::Gateway;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Environment, LoadedConfig, load};
use crate::lifecycle::Lifecycle;

/// Listens until the soft stage of stopping.
pub(crate) fn on_hangup(
    loaded: &LoadedConfig,
    gateway: Gateway,
    lifecycle: &Lifecycle,
) -> std::io::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    let (file, environment) = (loaded.file.clone(), loaded.environment.clone());
    let stop = lifecycle.soft.clone();
    lifecycle.tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                hangup = hangups.recv() => if hangup.is_none() { return },
            }
            match reload(file.as_deref(), environment.clone(), &gateway) {
                Ok(()) => tracing::info!("SIGHUP: the gateway's configuration is read again and in force"),
                Err(error) => {
                    tracing::error!(
                        "SIGHUP: the configuration is refused, what was in force stays: {error:#}"
                    );
                }
            }
        }
    });
    Ok(())
}

fn reload(file: Option<&Path>, environment: Environment, gateway: &Gateway) -> anyhow::Result<()> {
    let loaded = load(file, environment)?;
    let settings = loaded
        .config
        .gateway
        .resolve(&|name| loaded.environment.secret(name))?;
    gateway.reload(settings);
    Ok(())
}
