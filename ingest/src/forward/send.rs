//! One export to one destination: the request, its compression, the connection, the answer.

use std::io::Write as _;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::answer::{Answer, of_grpc, of_http};
use super::batch::{Export, method, path};
use super::config::{Compression, Destination, ForwardError, Protocol};

const POOL_IDLE: Duration = Duration::from_secs(30);
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);
/// Answers are a few bytes; more is not read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Bytes before a message of gRPC.
const PREFIX_BYTES: usize = 5;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("brokle/", env!("CARGO_PKG_VERSION")));
const ENVIRONMENT: HeaderName = HeaderName::from_static("x-environment");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The way to one destination.
pub(crate) struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    destination: Destination,
}

impl Sender {
    pub(crate) fn new(destination: &Destination) -> Result<Self, ForwardError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        tcp.set_connect_timeout(Some(destination.timeout));
        let fault = |reason: String| ForwardError {
            name: destination.name.clone(),
            field: "ca_file",
            reason,
        };
        let provider = rustls::crypto::ring::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let tls = match &destination.ca_file {
            None => builder
                .with_provider_and_webpki_roots(provider)
                .map_err(|error| fault(error.to_string()))?,
            Some(path) => {
                let mut roots = rustls::RootCertStore::empty();
                let unreadable = |error: &dyn std::fmt::Display| fault(format!("cannot be read: {error}"));
                for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
                    let certificate = certificate.map_err(|error| unreadable(&error))?;
                    roots.add(certificate).map_err(|error| unreadable(&error))?;
                }
                let config = rustls::ClientConfig::builder_with_provider(provider.into())
                    .with_safe_default_protocol_versions()
                    .map_err(|error| fault(error.to_string()))?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                builder.with_tls_config(config)
            }
        };
        let is_grpc = destination.protocol == Protocol::Grpc;
        let tls = tls.https_or_http();
        let connector = if is_grpc {
            tls.enable_http2().wrap_connector(tcp)
        } else {
            tls.enable_http1().wrap_connector(tcp)
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http2_only(is_grpc)
            .build(connector);
        Ok(Self {
            client,
            destination: destination.clone(),
        })
    }

    /// Sends an export once.
    pub(crate) async fn send(&self, export: &Export) -> Answer {
        let request = match self.request(export) {
            Ok(request) => request,
            Err(reason) => {
                return Answer::Refused {
                    reason: "invalid",
                    message: reason,
                };
            }
        };
        let timeout = self.destination.timeout;
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(Ok(answer) | Err(answer)) => answer,
            Err(_) => Answer::later("timeout", "there was no answer in time"),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Answer> {
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| Answer::later("connection", chain(&error)))?;
        let (head, body) = response.into_parts();
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| Answer::later("connection", error);
        let collected = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(broken)?;
        let trailers = collected.trailers().cloned();
        let body = collected.to_bytes();
        let head: Response<()> = Response::from_parts(head, ());
        Ok(match self.destination.protocol {
            Protocol::Http => of_http(head.status(), head.headers(), &body),
            Protocol::Grpc => grpc_answer(&head, trailers.as_ref(), &body),
        })
    }

    fn request(&self, export: &Export) -> Result<Request<Full<Bytes>>, String> {
        let is_grpc = self.destination.protocol == Protocol::Grpc;
        let last = if is_grpc {
            method(export.signal)
        } else {
            path(export.signal)
        };
        let last = last.ok_or("OTLP has no such signal")?;
        let compressed =
            compress(&export.body(), self.destination.compression).map_err(|error| error.to_string())?;
        let body = if is_grpc {
            framed(&compressed, self.destination.compression != Compression::None)
        } else {
            compressed
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = address(&self.destination.endpoint, last)?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let encoding = match self.destination.compression {
            Compression::None => None,
            Compression::Gzip => Some(HeaderValue::from_static("gzip")),
            Compression::Zstd => Some(HeaderValue::from_static("zstd")),
        };
        if is_grpc {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        }
        if let Some(encoding) = encoding {
            headers.insert(if is_grpc { GRPC_ENCODING } else { CONTENT_ENCODING }, encoding);
        }
        // Another Brokle reads the tag from here; everybody else does not mind.
        if let Ok(environment) = HeaderValue::from_str(&export.environment)
            && !environment.is_empty()
        {
            headers.insert(ENVIRONMENT, environment);
        }
        for (name, value) in &self.destination.headers {
            headers.insert(name.clone(), value.clone());
        }
        Ok(request)
    }
}

/// The status is in the trailers, or, when there is nothing else, in the head.
fn grpc_answer(head: &Response<()>, trailers: Option<&HeaderMap>, body: &Bytes) -> Answer {
    if !head.status().is_success() {
        // A proxy in between, which knows nothing of gRPC.
        return of_http(head.status(), head.headers(), &[]);
    }
    let message = body.get(PREFIX_BYTES..).unwrap_or_default();
    match trailers {
        Some(trailers) if trailers.contains_key("grpc-status") => of_grpc(trailers, message),
        _ => of_grpc(head.headers(), message),
    }
}

/// `last` behind the path of the endpoint.
fn address(endpoint: &Uri, last: &str) -> Result<Uri, String> {
    let mut parts = endpoint.clone().into_parts();
    let base = endpoint.path().trim_end_matches('/');
    let path = format!("{base}{last}");
    parts.path_and_query = Some(
        path.parse()
            .map_err(|_| "the endpoint's path is not usable".to_owned())?,
    );
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

fn compress(body: &Bytes, compression: Compression) -> std::io::Result<Bytes> {
    match compression {
        Compression::None => Ok(body.clone()),
        Compression::Gzip => {
            let out = Vec::with_capacity(body.len() / 4 + 64);
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
            encoder.write_all(body)?;
            Ok(encoder.finish()?.into())
        }
        Compression::Zstd => Ok(zstd::bulk::compress(body, 1)?.into()),
    }
}

fn framed(message: &Bytes, is_compressed: bool) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(u8::from(is_compressed));
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

/// The error's text followed by those of its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signals_path_goes_behind_the_endpoints() {
        for (endpoint, expected) in [
            ("http://h:4318", "http://h:4318/v1/traces"),
            ("https://h/", "https://h/v1/traces"),
            ("https://h/api/otlp/", "https://h/api/otlp/v1/traces"),
        ] {
            let address = address(&endpoint.parse().unwrap(), "/v1/traces").unwrap();
            assert_eq!(address.to_string(), expected);
        }
    }
}
