//! `LiteLLM`'s proxy, from `PyPI`: one worker, a master key, no database. It stores nothing.

use anyhow::Result;

use super::{Kind, Peer, Places};

pub(super) fn start(places: &Places) -> Result<Peer> {
    let provider = places.provider.clone();
    Peer::launch(Kind::LiteLlm, places, |command, port, directory| {
        let config = directory.join("litellm.yaml");
        std::fs::write(&config, config_of(&provider))?;
        command
            .arg("--config")
            .arg(config)
            .args(["--host", "127.0.0.1", "--num_workers", "1", "--port"])
            .arg(port.to_string())
            // Prices from within the package: it would fetch them otherwise.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        Ok(())
    })
}

fn config_of(provider: &str) -> String {
    format!(
        r"model_list:
  - model_name: gpt-4o-mini
    litellm_params:
      model: openai/gpt-4o-mini
      api_base: {provider}
      api_key: sk-provider
general_settings:
  master_key: sk-bench
litellm_settings:
  telemetry: false
"
    )
}
