//! The demo's HTTP client. It speaks to this machine's own server, without TLS, and every call has a limit
//! on its time and on its answer's size.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use brokle_model::error::{Classify, ErrorKind};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Calls one server.
#[derive(Debug, Clone)]
pub struct Client {
    base_url: String,
    http: HyperClient<HttpConnector, Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Our own request is not one.
    #[error("a request cannot be written: {0}")]
    Request(#[from] http::Error),
    /// No connection, or it broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    /// The answer broke off or is too long.
    #[error("the answer cannot be read: {0}")]
    Unreadable(Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
}

impl Classify for ClientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Request(_) => ErrorKind::Internal,
            Self::Unreachable(_) | Self::Unreadable(_) => ErrorKind::Unavailable,
            Self::TimedOut => ErrorKind::Timeout,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "demo_request",
            Self::Unreachable(_) => "server_unreachable",
            Self::Unreadable(_) => "answer_unreadable",
            Self::TimedOut => "answer_timeout",
        }
    }
}

impl Client {
    /// A client of the server that listens on `address`.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            base_url: format!("http://{}", reachable(address)),
            http: HyperClient::builder(TokioExecutor::new()).build(HttpConnector::new()),
        }
    }

    /// `http://host:port`, as a person on this machine would open it.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.base_url)
            .parse()
            .map_err(http::Error::from)?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(http::Error::from)?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        tokio::time::timeout(TIMEOUT, self.exchange(request))
            .await
            .map_err(|_| ClientError::TimedOut)?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let (parts, body) = self.http.request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        Ok(Answer {
            status: parts.status,
            body: body.map_err(ClientError::Unreadable)?.to_bytes(),
        })
    }
}

impl Answer {
    /// The body as JSON, `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A server that listens everywhere is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_called_on_loopback() {
        let url = |address: &str| Client::new(address.parse().unwrap()).base_url().to_owned();
        assert_eq!(url("0.0.0.0:8080"), "http://127.0.0.1:8080");
        assert_eq!(url("[::]:8080"), "http://[::1]:8080");
        assert_eq!(url("192.0.2.1:80"), "http://192.0.2.1:80");
    }
}
