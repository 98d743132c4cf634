//! Who is on the other end of the connection, as far as rate limits and cookies need to know. Forwarding
//! headers count only for as many proxies as the operator says stand in front; beyond them anyone can
//! write anything.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;

/// How many reverse proxies in front of Brokle append to `X-Forwarded-For`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub u8);

/// The client, as seen through trusted proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address; unspecified when the listener did not record it.
    pub ip: IpAddr,
    /// Whether it speaks HTTPS to the outermost trusted proxy.
    pub https: bool,
}

/// The middleware function, for `axum::middleware::from_fn_with_state(TrustedProxies(n), identify_peer)`.
/// The server must be started with `into_make_service_with_connect_info::<SocketAddr>()`.
pub async fn identify_peer(
    State(trusted): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let socket = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let peer = Peer::seen_through(trusted, socket, request.headers());
    request.extensions_mut().insert(peer);
    next.run(request).await
}

impl Peer {
    fn seen_through(trusted: TrustedProxies, socket: Option<IpAddr>, headers: &HeaderMap) -> Self {
        let direct = socket.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        if trusted.0 == 0 {
            return Self {
                ip: direct,
                https: false,
            };
        }
        let forwarded = forwarded_for(headers, usize::from(trusted.0));
        let scheme = headers
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let https = scheme
            .split(',')
            .next()
            .is_some_and(|first| first.trim().eq_ignore_ascii_case("https"));
        Self {
            ip: forwarded.unwrap_or(direct),
            https,
        }
    }

    /// The key under which this client's requests are limited: an IPv6 user owns a whole /64.
    pub fn limit_key(&self) -> IpAddr {
        match self.ip {
            IpAddr::V4(_) => self.ip,
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                IpAddr::V6(network.into())
            }
        }
    }
}

/// The address that the outermost trusted proxy saw: the `hops`-th from the right.
fn forwarded_for(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let lines = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let index = addresses.len().checked_sub(hops)?;
    addresses[index]
        .parse::<IpAddr>()
        .ok()
        .map(|ip| ip.to_canonical())
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let socket = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let known = parts.extensions.get::<Self>().copied();
        Ok(known.unwrap_or_else(|| Self::seen_through(TrustedProxies(0), socket, &parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(hops: u8, forwarded: &'static str) -> Peer {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        Peer::seen_through(TrustedProxies(hops), Some("10.0.0.1".parse().unwrap()), &headers)
    }

    #[test]
    fn forwarding_headers_count_only_as_far_as_proxies_are_trusted() {
        assert_eq!(through(0, "6.6.6.6").ip.to_string(), "10.0.0.1");
        assert!(!through(0, "6.6.6.6").https);
        assert_eq!(through(1, "6.6.6.6, 1.2.3.4").ip.to_string(), "1.2.3.4");
        assert_eq!(through(2, "6.6.6.6, 1.2.3.4, 10.0.0.2").ip.to_string(), "1.2.3.4");
        assert_eq!(through(3, "1.2.3.4").ip.to_string(), "10.0.0.1");
        assert_eq!(through(1, "nonsense").ip.to_string(), "10.0.0.1");
        assert!(through(1, "1.2.3.4").https);
    }

    #[test]
    fn one_ipv6_network_is_one_key() {
        let peer = |text: &str| Peer {
            ip: text.parse().unwrap(),
            https: false,
        };
        assert_eq!(
            peer("2001:db8:1:2::1").limit_key(),
            peer("2001:db8:1:2:ffff::9").limit_key()
        );
        assert_ne!(
            peer("2001:db8:1:2::1").limit_key(),
            peer("2001:db8:1:3::1").limit_key()
        );
    }
}
