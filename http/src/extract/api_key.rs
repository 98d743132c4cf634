//! Where callers put credentials. Shared by every surface that takes API keys, whatever its error dialect.

use http::{HeaderMap, HeaderName, header};

/// The header that carries an API key.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The key that the caller presented: `X-API-Key`, else `Authorization: Bearer`.
pub fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let own = headers
        .get(X_API_KEY)
        .and_then(|value| value.to_str().ok())
        .map(str::trim);
    own.filter(|key| !key.is_empty())
        .or_else(|| bearer_token(headers))
}

/// The token of `Authorization: Bearer`; the scheme's case does not matter.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_own_header_goes_before_bearer() {
        assert_eq!(
            presented_key(&headers(&[("x-api-key", "a"), ("authorization", "Bearer b")])),
            Some("a")
        );
        assert_eq!(
            presented_key(&headers(&[("x-api-key", " "), ("authorization", "bearer  b ")])),
            Some("b")
        );
        assert_eq!(presented_key(&headers(&[("authorization", "Basic b")])), None);
        assert_eq!(presented_key(&headers(&[("authorization", "Bearer")])), None);
        assert_eq!(presented_key(&headers(&[])), None);
    }
}
