//! Where Redis is and how long it is waited for.

use std::time::Duration;

use redis::{Client, TlsCertificates};

const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How to reach Redis.
#[derive(Clone)]
pub struct RedisConfig {
    pub(crate) client: Client,
    /// What every key begins with, without the colon.
    pub prefix: String,
    /// How long one call may take. Callers of the gateway wait for it.
    pub timeout: Duration,
    /// How long connecting may take. Nobody waits for it.
    pub connect_timeout: Duration,
    /// How often a silent connection is tried, and waiting work is done.
    pub heartbeat: Duration,
    /// Whose clock counts.
    pub time: Time,
}

/// Whose clock counts.
#[derive(Clone)]
pub enum Time {
    /// Redis's own: nodes' clocks may differ.
    Server,
    /// This one, for tests.
    Clock(brokle_model::clock::SharedClock),
}

/// A URL that does not name a Redis. Never repeats the URL: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// Another scheme, or none.
    #[error("must look like redis://user:password@host:6379/0, or rediss://... for TLS")]
    Form,
    /// The certificate file is not one.
    #[error("the file of the certificate authority holds no certificate in PEM form")]
    Authority,
}

impl RedisConfig {
    /// Reads `redis://` and `rediss://` URLs. `authority` is a certificate authority in PEM form that takes
    /// the place of the well-known ones.
    pub fn parse(url: &str, authority: Option<Vec<u8>>) -> Result<Self, RedisUrlError> {
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Err(RedisUrlError::Form);
        }
        let plain = Client::open(url).map_err(|_| RedisUrlError::Form)?;
        let client = match authority {
            None => plain,
            Some(pem) => {
                // Without one the library would trust nobody, and say so only when it connects.
                if !pem.windows(CERTIFICATE.len()).any(|words| words == CERTIFICATE) {
                    return Err(RedisUrlError::Authority);
                }
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: Some(pem),
                };
                Client::build_with_tls(url, certificates).map_err(|_| RedisUrlError::Authority)?
            }
        };
        Ok(Self {
            client,
            prefix: "brokle".into(),
            timeout: Duration::from_millis(50),
            connect_timeout: Duration::from_secs(1),
            heartbeat: Duration::from_secs(1),
            time: Time::Server,
        })
    }
}

impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RedisConfig")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_another_form_is_refused_and_never_repeated() {
        for url in [
            "",
            "localhost:6379",
            "http://h",
            "redis+unix:///s",
            "redis://:hunter2@h:port",
        ] {
            let error = RedisConfig::parse(url, None).unwrap_err();
            assert_eq!(error, RedisUrlError::Form, "{url}");
        }
        for url in ["redis://h", "rediss://u:p@h:6380/2", "redis://:p@[::1]:1"] {
            let config = RedisConfig::parse(url, None).unwrap();
            assert!(!format!("{config:?}").contains("u:p"), "{url}");
        }
        let error = RedisConfig::parse("rediss://h", Some(b"no certificate".to_vec())).unwrap_err();
        assert_eq!(error, RedisUrlError::Authority);
    }
}
