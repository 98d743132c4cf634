//! How often the doors may be tried. Addresses bound what one machine can do, accounts what many machines
//! can do to one person. When the limiter itself is away, people are let in: the passwords still guard.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as URL_SAFE;
use brokle_http::Peer;
use brokle_model::error::{Classify, ErrorKind};
use brokle_storage::limiter::{Rate, RateLimiter};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::email::Email;

/// The limits of this plane.
#[derive(Clone)]
pub(crate) struct Limits {
    limiter: Arc<dyn RateLimiter>,
    attempts_per_ip: Rate,
    sign_ins_per_account: Rate,
    key_checks_per_ip: Rate,
}

/// Too many attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {} s", whole_seconds(*.0))]
pub(crate) struct TooManyAttempts(Duration);

impl Classify for TooManyAttempts {
    fn kind(&self) -> ErrorKind {
        ErrorKind::RateLimited
    }

    fn code(&self) -> &'static str {
        "rate_limited"
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(self.0)
    }
}

impl Limits {
    pub(crate) fn new(limiter: Arc<dyn RateLimiter>, config: &Config) -> Self {
        Self {
            limiter,
            attempts_per_ip: per_minute(config.auth_attempts_per_ip),
            sign_ins_per_account: per_minute(config.sign_ins_per_account),
            key_checks_per_ip: per_minute(config.key_checks_per_ip),
        }
    }

    /// Counts a sign-up, sign-in or refresh against the caller's address.
    pub(crate) async fn attempt(&self, peer: Peer) -> Result<(), TooManyAttempts> {
        self.take(&ip_key("auth", peer.limit_key()), self.attempts_per_ip)
            .await
    }

    /// Counts a sign-in against the account, which need not exist.
    pub(crate) async fn sign_in(&self, email: &Email) -> Result<(), TooManyAttempts> {
        // A digest: the limiter's store has no business with addresses.
        let digest = URL_SAFE.encode(&Sha256::digest(email.as_str().as_bytes())[..16]);
        self.take(&format!("accounts:sign-in:{digest}"), self.sign_ins_per_account)
            .await
    }

    /// Counts a question about a key against the caller's address.
    pub(crate) async fn key_check(&self, peer: Peer) -> Result<(), TooManyAttempts> {
        self.take(&ip_key("key-check", peer.limit_key()), self.key_checks_per_ip)
            .await
    }

    async fn take(&self, key: &str, rate: Rate) -> Result<(), TooManyAttempts> {
        match self.limiter.take(key, rate, 1).await {
            Ok(decision) if !decision.allowed => Err(TooManyAttempts(decision.retry_after)),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "the rate limiter is away; attempts are not counted");
                Ok(())
            }
        }
    }
}

/// Rounded up, as the header `Retry-After` has it.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn per_minute(count: NonZeroU32) -> Rate {
    Rate {
        count,
        period: Duration::from_mins(1),
    }
}

fn ip_key(door: &str, ip: IpAddr) -> String {
    format!("accounts:{door}:{ip}")
}
