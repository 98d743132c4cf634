//! ferrogw, from `PyPI`: a Go program. Its limit by address is off, for it answers 429 from some twenty calls a second on,
//! and its callers need no key. It stores nothing.

use anyhow::Result;

use super::{Kind, Peer, Places};

pub(super) fn start(places: &Places) -> Result<Peer> {
    let provider = places.provider.trim_end_matches("/v1").to_owned();
    Peer::launch(Kind::Ferrogw, places, |command, port, _| {
        command
            .arg("serve")
            .env("PORT", port.to_string())
            .env("HOST", "127.0.0.1")
            .env("RATE_LIMIT_RPS", "0")
            .env("ALLOW_UNAUTHENTICATED_PROXY", "true")
            .env("OPENAI_BASE_URL", provider)
            .env("OPENAI_API_KEY", "sk-provider");
        Ok(())
    })
}
