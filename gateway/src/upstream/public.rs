//! Which addresses are this machine's or its network's, and a look-up of names that leads to none of them: a name is
//! anybody's to point anywhere, and at any time, so it is the address of each connection that counts.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

/// Whether an address is not a public one.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => {
            let embedded = ip.to_ipv4_mapped().or_else(|| nat64(ip.octets()));
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || embedded.is_some_and(is_private_v4)
        }
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        // "This network", shared address space, and what is reserved.
        || first == 0
        || (first == 100 && (64..128).contains(&second))
        || first >= 240
}

/// The address that a translator would reach for `64:ff9b::/96`.
fn nat64(octets: [u8; 16]) -> Option<Ipv4Addr> {
    let [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] = octets else {
        return None;
    };
    Some(Ipv4Addr::new(a, b, c, d))
}

/// Whether a connection was not made because its name leads to no public address.
pub(crate) fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        matches!(cause, Some(cause) if cause.is::<NotPublic>())
    })
}

/// A name leads to this machine or its network alone.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
struct NotPublic;

/// Looks names up, and leaves out what is not public.
#[derive(Debug, Clone)]
pub(crate) struct PublicResolver<R = GaiResolver>(pub(crate) R);

impl Default for PublicResolver {
    fn default() -> Self {
        Self(GaiResolver::new())
    }
}

impl<R> Service<Name> for PublicResolver<R>
where
    R: Service<Name, Error = io::Error>,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send + 'static,
{
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.0.call(name);
        Box::pin(async move {
            let public: Vec<SocketAddr> = found.await?.filter(|address| !is_private(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, NotPublic));
            }
            Ok(public.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_anybody_can_reach_are_public() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.20.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_leads_to_its_public_addresses_only() {
        let lookup = tower::service_fn(|name: Name| async move {
            let addresses: Vec<SocketAddr> = match name.as_str() {
                "inside.example" => vec!["10.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()],
                _ => vec!["10.0.0.1:0".parse().unwrap(), "1.1.1.1:0".parse().unwrap()],
            };
            Ok::<_, io::Error>(addresses.into_iter())
        });
        let mut resolver = PublicResolver(lookup);
        let refused = resolver
            .call("inside.example".parse().unwrap())
            .await
            .unwrap_err();
        assert!(is_refused(&refused), "{refused}");
        let found = resolver.call("both.example".parse().unwrap()).await.unwrap();
        assert_eq!(
            found.collect::<Vec<_>>(),
            ["1.1.1.1:0".parse::<SocketAddr>().unwrap()]
        );
    }
}
