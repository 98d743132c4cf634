//! Where ClickHouse is. One URL says it all:
//! `https://user:password@host:8443/database`, in the form that other clients use too.

use secrecy::SecretString;
use url::{Host, Url};

const DATABASE_DEFAULT: &str = "brokle";

/// A ClickHouse endpoint.
#[derive(Debug, Clone)]
pub struct ClickHouseConfig {
    /// Scheme, host and port only; credentials and database have been taken out.
    pub url: Url,
    /// The user, when the URL names one.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// The database that holds our tables. Default `brokle`.
    pub database: String,
}

/// A text that is no ClickHouse URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a ClickHouse URL: {reason}; expected http(s)://[user:password@]host[:port][/database]")]
pub struct InvalidClickHouseUrl {
    reason: String,
}

impl ClickHouseConfig {
    /// Reads a URL. The error never repeats the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, InvalidClickHouseUrl> {
        let invalid = |reason: &str| InvalidClickHouseUrl {
            reason: reason.to_owned(),
        };
        let mut url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(
                "the scheme must be http or https (ClickHouse's HTTP interface, port 8123 or 8443)",
            ));
        }
        let decode = |text: &str| percent_decode(text).ok_or_else(|| invalid("bad percent-encoding"));
        let user = if url.username().is_empty() {
            None
        } else {
            Some(decode(url.username())?)
        };
        let password = url.password().map(decode).transpose()?.map(SecretString::from);
        let database = match url.path().trim_matches('/') {
            "" => DATABASE_DEFAULT.to_owned(),
            name if is_identifier(name) => name.to_owned(),
            _ => {
                return Err(invalid(
                    "the database name may hold letters, digits and underscores only",
                ));
            }
        };
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| invalid("the URL has no host"))?;
        url.set_path("/");
        url.set_query(None);
        Ok(Self {
            url,
            user,
            password,
            database,
        })
    }

    /// Whether the endpoint is on this machine, where compressing costs more than it saves.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }
}

fn is_identifier(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_full_url_gives_up_its_parts() {
        let config = ClickHouseConfig::parse("https://me:p%40ss@ch.example:8443/telemetry?x=1").unwrap();
        assert_eq!(config.url.as_str(), "https://ch.example:8443/");
        assert_eq!(config.user.as_deref(), Some("me"));
        assert_eq!(
            config.password.as_ref().map(ExposeSecret::expose_secret),
            Some("p@ss")
        );
        assert_eq!(config.database, "telemetry");
        assert!(!config.is_loopback());
    }

    #[test]
    fn a_short_url_gets_the_default_database() {
        let config = ClickHouseConfig::parse("http://127.0.0.1:8123").unwrap();
        assert_eq!((config.database.as_str(), config.user), ("brokle", None));
        assert!(
            ClickHouseConfig::parse("http://127.0.0.1:8123")
                .unwrap()
                .is_loopback()
        );
    }

    #[test]
    fn other_texts_are_refused_without_repeating_a_password() {
        for text in [
            "",
            "clickhouse://u:hunter2@host:9000",
            "http://u:hunter2@h/bad-name",
            "tcp://hunter2",
        ] {
            let message = ClickHouseConfig::parse(text).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
