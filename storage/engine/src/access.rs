//! Who may call. One user, and a password or none.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::exception::{Code, Exception};
use crate::request::credentials;

/// The only user there is.
const USER: &str = "default";

/// Checks who calls. Without a password the loopback address is the only guard, and a foreign web page that
/// makes a browser call us passes it; its `Origin`, or a host name pointed here, gives it away.
pub(crate) fn check(parts: &Parts, password: Option<&SecretString>) -> Result<(), Exception> {
    let caller = credentials(parts);
    let good = match password {
        Some(password) => {
            let given = caller.password.expose_secret().as_bytes();
            password.expose_secret().as_bytes().ct_eq(given).into()
        }
        None if is_foreign(parts) => {
            let message = "Requests from web pages need a password to be set";
            return Err(Exception::new(Code::AUTHENTICATION_FAILED, message));
        }
        None => true,
    };
    if good && caller.user == USER {
        return Ok(());
    }
    let message = "Authentication failed: password is incorrect, or there is no user with such name";
    Err(Exception::new(
        Code::AUTHENTICATION_FAILED,
        format!("{}: {message}", caller.user),
    ))
}

/// Whether a browser sends this for a page from elsewhere.
fn is_foreign(parts: &Parts) -> bool {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host_is_foreign = text(HOST)
        .or(parts.uri.host())
        .is_some_and(|host| !is_loopback_host(host));
    let origin_is_foreign = text(ORIGIN).is_some_and(|origin| {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        !is_loopback_host(host)
    });
    host_is_foreign || origin_is_foreign
}

/// Whether `host[:port]` means this machine, without asking anyone.
fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request = headers
            .iter()
            .fold(http::Request::get("/"), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_this_machine_is_not_foreign() {
        for host in [
            "127.0.0.1:8123",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8123",
            "127.1.2.3",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["example.org:8123", "10.0.0.1", "localhost.example.org", ""] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn a_web_page_needs_a_password() {
        let page = [("host", "127.0.0.1:8123"), ("origin", "https://example.org")];
        assert!(check(&parts(&page), None).is_err());
        let rebound = [("host", "evil.example.org:8123")];
        assert!(check(&parts(&rebound), None).is_err());
        let password = SecretString::from("p");
        let with_key = [page[0], page[1], ("x-clickhouse-key", "p")];
        assert!(check(&parts(&with_key), Some(&password)).is_ok());
    }

    #[test]
    fn the_password_and_the_user_must_be_right() {
        let password = SecretString::from("p");
        assert!(check(&parts(&[]), Some(&password)).is_err());
        assert!(check(&parts(&[("x-clickhouse-key", "P")]), Some(&password)).is_err());
        assert!(
            check(
                &parts(&[("x-clickhouse-key", "p"), ("x-clickhouse-user", "admin")]),
                Some(&password)
            )
            .is_err()
        );
        assert!(check(&parts(&[("x-clickhouse-key", "p")]), Some(&password)).is_ok());
        assert!(check(&parts(&[("x-clickhouse-user", "default")]), None).is_ok());
    }
}
