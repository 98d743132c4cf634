//! The refresh token's cookie. Scripts cannot read it, other sites cannot send it, and only the routes that
//! need it get it.

use std::time::Duration;

use axum::response::{IntoResponseParts, ResponseParts};
use brokle_http::Peer;
use http::{HeaderMap, HeaderValue, header};
use secrecy::SecretString;

use crate::token::RefreshSecret;

const NAME: &str = "brokle_refresh";
const ATTRIBUTES: &str = "Path=/api/v1/auth; HttpOnly; SameSite=Strict";

/// The refresh token that the browser sent along.
pub(crate) fn find(headers: &HeaderMap) -> Option<SecretString> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == NAME && !value.is_empty())
        .map(|(_, value)| value.into())
}

/// A `Set-Cookie` header for an answer.
pub(crate) struct RefreshCookie(Option<HeaderValue>);

impl RefreshCookie {
    /// Keeps the token for as long as it is good.
    pub(crate) fn keep(token: &RefreshSecret, ttl: Duration, peer: Peer) -> Self {
        Self::render(token.reveal(), ttl.as_secs(), peer)
    }

    /// Removes the cookie.
    pub(crate) fn remove(peer: Peer) -> Self {
        Self::render("", 0, peer)
    }

    fn render(value: &str, max_age_seconds: u64, peer: Peer) -> Self {
        let secure = if peer.https { "; Secure" } else { "" };
        let text = format!("{NAME}={value}; Max-Age={max_age_seconds}; {ATTRIBUTES}{secure}");
        let mut header = HeaderValue::try_from(text).ok();
        if let Some(header) = &mut header {
            header.set_sensitive(true);
        }
        Self(header)
    }
}

impl IntoResponseParts for RefreshCookie {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Some(value) = self.0 {
            parts.headers_mut().append(header::SET_COOKIE, value);
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let found = |line: &'static str| {
            let headers: HeaderMap = [(header::COOKIE, HeaderValue::from_static(line))]
                .into_iter()
                .collect();
            find(&headers).map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(
            found("theme=dark; brokle_refresh=abc; x=y"),
            Some("abc".to_owned())
        );
        assert_eq!(found("brokle_refresh="), None);
        assert_eq!(found("not_brokle_refresh=abc"), None);
    }

    #[test]
    fn the_cookie_is_secure_where_it_can_be() {
        let token = RefreshSecret::presented("abc".into());
        let text = |https| {
            let peer = Peer {
                ip: [127, 0, 0, 1].into(),
                https,
            };
            let cookie = RefreshCookie::keep(&token, Duration::from_mins(1), peer)
                .0
                .unwrap();
            cookie.to_str().unwrap().to_owned()
        };
        let plain = "brokle_refresh=abc; Max-Age=60; Path=/api/v1/auth; HttpOnly; SameSite=Strict";
        assert_eq!(text(false), plain);
        assert_eq!(text(true), format!("{plain}; Secure"));
    }
}
