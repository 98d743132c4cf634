//! The way to the providers: one pooled client, and the headers that cross over in each direction. Only
//! listed headers cross: a caller's cookies, keys and addresses are nobody else's business, and neither are
//! a provider's.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body_util::Full;
use hyper_rustls::builderstates::WantsProtocols1;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::ResponseFuture;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::{ConfigError, LimitConfig, TimeoutConfig};
use crate::provider::Provider;
use crate::record::CallRecord;

pub(crate) mod body;
pub(crate) mod event_stream;
pub(crate) mod public;

use public::PublicResolver;

/// Shorter than most servers keep an idle connection, so that we are the one to close it.
const POOL_IDLE: Duration = Duration::from_secs(30);
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);
/// How soon a connection that carries many calls is asked whether it is still there, and how long it may take to say.
const HTTP2_PING: Duration = Duration::from_secs(15);
const AGENT: HeaderValue = HeaderValue::from_static(concat!("brokle/", env!("CARGO_PKG_VERSION")));

/// Headers of the caller that providers act upon.
const REQUEST_HEADERS: [&str; 5] = [
    "idempotency-key",
    "openai-beta",
    "anthropic-beta",
    "http-referer",
    "x-title",
];
/// Headers of the provider that clients act upon, by their beginnings.
const ANSWER_HEADERS: [&str; 5] = [
    "x-ratelimit-",
    "anthropic-ratelimit-",
    "retry-after",
    "openai-processing-ms",
    "openai-version",
];

type Pool<R = GaiResolver> =
    hyper_util::client::legacy::Client<HttpsConnector<HttpConnector<R>>, Full<Bytes>>;

/// The pooled clients: HTTP/1.1, for one multiplexed connection per provider would be a bottleneck, and HTTP/2 for
/// providers of which the configuration says so. Providers that may be at public addresses only have a pair of their own,
/// so that no connection of another one is ever theirs.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http1: Pool,
    http2: Pool,
    public_http1: Pool<PublicResolver>,
    public_http2: Pool<PublicResolver>,
}

impl Client {
    /// Sends a request by HTTP/1.1.
    pub(crate) fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        self.http1.request(request)
    }

    /// Sends a request by the version that `provider` is spoken to in.
    pub(crate) fn send(&self, provider: &Provider, mut request: Request<Full<Bytes>>) -> ResponseFuture {
        if provider.http2 {
            *request.version_mut() = Version::HTTP_2;
        }
        match (provider.http2, provider.public_only) {
            (true, true) => self.public_http2.request(request),
            (true, false) => self.http2.request(request),
            (false, true) => self.public_http1.request(request),
            (false, false) => self.http1.request(request),
        }
    }
}

/// Makes the client.
pub(crate) fn client(timeouts: &TimeoutConfig, limits: &LimitConfig) -> Result<Client, ConfigError> {
    let (http1, http2) = pools(timeouts, limits, GaiResolver::new())?;
    let (public_http1, public_http2) = pools(timeouts, limits, PublicResolver::default())?;
    Ok(Client {
        http1,
        http2,
        public_http1,
        public_http2,
    })
}

/// A pool for each version, over connections to where `resolver` leads.
fn pools<R>(
    timeouts: &TimeoutConfig,
    limits: &LimitConfig,
    resolver: R,
) -> Result<(Pool<R>, Pool<R>), ConfigError>
where
    R: Clone,
    HttpsConnector<HttpConnector<R>>: Connect + Clone,
{
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(TCP_KEEPALIVE));
    tcp.set_connect_timeout(Some(Duration::from_millis(timeouts.connect_ms)));
    let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(limits.idle_connections_max);
    let http1 = builder.build(tls()?.enable_http1().wrap_connector(tcp.clone()));
    let http2 = builder
        .http2_only(true)
        .http2_keep_alive_interval(HTTP2_PING)
        .http2_keep_alive_timeout(HTTP2_PING)
        .build(tls()?.enable_http2().wrap_connector(tcp));
    Ok((http1, http2))
}

fn tls() -> Result<HttpsConnectorBuilder<WantsProtocols1>, ConfigError> {
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| ConfigError::Tls {
            reason: error.to_string(),
        })?;
    Ok(builder.https_or_http())
}

/// The request for the attempt that `record` has begun.
pub(crate) fn chat_request(
    provider: &Provider,
    record: &CallRecord,
    caller: &HeaderMap,
    (uri, body): (&Uri, Bytes),
    (content_type, stream): (Option<&HeaderValue>, bool),
) -> Request<Full<Bytes>> {
    let mut request = request(Method::POST, uri, provider, body);
    let headers = request.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, content_type.cloned().unwrap_or(json));
    let accept = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    for name in REQUEST_HEADERS {
        if let Some(value) = caller.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    trace(&mut request, record);
    request
}

/// Lets the provider's own telemetry join the call's.
fn trace(request: &mut Request<Full<Bytes>>, record: &CallRecord) {
    let headers = request.headers_mut();
    if let Some(traceparent) = record
        .attempts
        .last()
        .and_then(|attempt| record.trace.traceparent(attempt.span))
    {
        headers.insert(HeaderName::from_static("traceparent"), traceparent);
    }
    if let Ok(state) = HeaderValue::from_str(&record.trace.state)
        && !state.is_empty()
    {
        headers.insert(HeaderName::from_static("tracestate"), state);
    }
}

/// The request about what a provider keeps, for the attempt that `record` has begun.
pub(crate) fn stored_request(
    provider: &Provider,
    record: &CallRecord,
    uri: &Uri,
    body: Bytes,
    content_type: Option<HeaderValue>,
) -> Request<Full<Bytes>> {
    let method = match record.door.method() {
        "GET" => Method::GET,
        "DELETE" => Method::DELETE,
        _ => Method::POST,
    };
    let mut request = request(method, uri, provider, body);
    if let Some(content_type) = content_type {
        request.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    trace(&mut request, record);
    request
}

/// The request for a provider's list of models.
pub(crate) fn models_request(provider: &Provider) -> Request<Full<Bytes>> {
    request(Method::GET, &provider.address.models, provider, Bytes::new())
}

fn request(method: Method, uri: &Uri, provider: &Provider, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, AGENT);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    request
}

/// Copies the headers that a client of the provider would act upon.
pub(crate) fn answer_headers(from: &HeaderMap) -> HeaderMap {
    let crosses = |name: &HeaderName| {
        ANSWER_HEADERS
            .iter()
            .any(|start| name.as_str().starts_with(start))
    };
    from.iter()
        .filter(|(name, _)| crosses(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
