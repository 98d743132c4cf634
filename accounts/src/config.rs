//! What an operator may set about accounts. The defaults suit production; only the secret has none.

use std::num::NonZeroU32;
use std::time::Duration;

use brokle_model::telemetry_settings::TelemetrySettings;
use secrecy::{ExposeSecret, SecretString};

/// A shorter secret could be guessed from one token.
const SECRET_BYTES_MIN: usize = 32;

/// Settings of this plane.
#[derive(Debug, Clone)]
pub struct Config {
    /// Signs access tokens. All nodes of one installation share it; 32 bytes at least.
    pub jwt_secret: SecretString,
    /// How long an access token is good.
    pub access_ttl: Duration,
    /// How long a refresh token is good, and with it a session that nobody uses.
    pub refresh_ttl: Duration,
    /// Sign-ups, sign-ins and refreshes that one address may attempt in a minute.
    pub auth_attempts_per_ip: NonZeroU32,
    /// Sign-ins to one account that may be attempted in a minute, from wherever.
    pub sign_ins_per_account: NonZeroU32,
    /// Keys that one address may ask about in a minute.
    pub key_checks_per_ip: NonZeroU32,
    /// How old a cached answer about a key, a session or a role may be. It bounds how long something
    /// revoked on another node still works here.
    pub cache_age_max: Duration,
    /// Password hashes computed at once; each takes 19 MiB and some 20 ms of one core.
    pub password_hashes_at_once: u32,
    /// What is in force for the telemetry of projects that have set nothing themselves; checked by whoever read
    /// it.
    pub telemetry_defaults: TelemetrySettings,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The secret is too short.
    #[error("`accounts.jwt_secret` (JWT_SECRET) must have at least {SECRET_BYTES_MIN} bytes")]
    SecretTooShort,
    /// A duration is out of its range.
    #[error("`accounts.{0}` must be {1}")]
    OutOfRange(&'static str, &'static str),
}

impl Config {
    /// The defaults, with this secret.
    pub fn new(jwt_secret: SecretString) -> Self {
        Self {
            jwt_secret,
            access_ttl: Duration::from_mins(15),
            refresh_ttl: Duration::from_hours(7 * 24),
            auth_attempts_per_ip: const { NonZeroU32::new(60).unwrap() },
            sign_ins_per_account: const { NonZeroU32::new(10).unwrap() },
            key_checks_per_ip: const { NonZeroU32::new(120).unwrap() },
            cache_age_max: Duration::from_secs(4),
            password_hashes_at_once: 4,
            telemetry_defaults: TelemetrySettings::default(),
        }
    }

    /// Checks what types cannot.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.jwt_secret.expose_secret().len() < SECRET_BYTES_MIN {
            return Err(ConfigError::SecretTooShort);
        }
        let minute = Duration::from_mins(1);
        let ranges = [
            (
                "access_ttl",
                self.access_ttl,
                minute,
                Duration::from_hours(24),
                "from a minute to a day",
            ),
            (
                "refresh_ttl",
                self.refresh_ttl,
                self.access_ttl,
                Duration::from_hours(90 * 24),
                "from `access_ttl` to 90 days",
            ),
            (
                "cache_age_max",
                self.cache_age_max,
                Duration::ZERO,
                Duration::from_secs(5),
                "5 seconds at most",
            ),
        ];
        for (name, value, least, most, expected) in ranges {
            if value < least || value > most {
                return Err(ConfigError::OutOfRange(name, expected));
            }
        }
        if self.password_hashes_at_once == 0 {
            return Err(ConfigError::OutOfRange("password_hashes_at_once", "at least 1"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new("x".repeat(32).into())
    }

    #[test]
    fn the_defaults_are_valid_and_hide_the_secret() {
        assert_eq!(config().validate(), Ok(()));
        assert!(!format!("{:?}", config()).contains("xxxx"));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let short = Config::new("x".repeat(31).into());
        assert_eq!(short.validate(), Err(ConfigError::SecretTooShort));
        let stale = Config {
            cache_age_max: Duration::from_secs(6),
            ..config()
        };
        assert_eq!(
            stale.validate().unwrap_err().to_string(),
            "`accounts.cache_age_max` must be 5 seconds at most"
        );
        let upside_down = Config {
            refresh_ttl: Duration::from_secs(1),
            ..config()
        };
        assert!(upside_down.validate().is_err());
        assert!(
            Config {
                password_hashes_at_once: 0,
                ..config()
            }
            .validate()
            .is_err()
        );
    }
}
