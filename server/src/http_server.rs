//! The HTTP accept loop: HTTP/1.1 and HTTP/2, with TLS or without, `TCP_NODELAY`, a limit on connections, a time limit
//! for request heads, and a drain on shutdown. axum's own `serve` has neither of the limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use brokle_ingest::receiver::tls::{Stream, Tls};

use crate::lifecycle::Lifecycle;

const CONNECTIONS_MAX: usize = 8_192;
/// For a request's head, and for the next one on a connection that is kept: hyper has one clock for both. Longer
/// than the minute for which load balancers keep their connections, or they would now and then send a request
/// into one that we are closing. A client that dribbles its head ties up a connection, nothing else.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
const HTTP2_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const HTTP2_STREAMS_MAX: u32 = 256;
/// After an accept error such as "too many open files".
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until the soft stage, then lets open requests finish until the hard one.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    lifecycle: Lifecycle,
) {
    let builder = Arc::new(connection_builder());
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            biased;
            () = lifecycle.soft.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else {
            continue;
        };
        let service = hyper::service::service_fn({
            let router = router.clone();
            move |request: Request<Incoming>| call(router.clone(), request, peer)
        });
        let connection = builder
            .serve_connection_with_upgrades(TokioIo::new(Stream::new(stream, tls.as_deref())), service)
            .into_owned();
        let connection = graceful.watch(connection);
        let hard = lifecycle.hard.clone();
        lifecycle.tasks.spawn(async move {
            tokio::select! {
                result = connection => if let Err(error) = result {
                    tracing::debug!(%peer, "connection ended: {error}");
                },
                () = hard.cancelled() => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = lifecycle.hard.cancelled() => {}
    }
}

async fn call(
    router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<axum::response::Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request.map(axum::body::Body::new)).await
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<Accepted> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, "TCP_NODELAY was refused: {error}");
            }
            Some((stream, peer, slot))
        }
        Err(error) => {
            tracing::warn!("accepting a connection failed: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn connection_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_KEEPALIVE_INTERVAL)
        .max_concurrent_streams(HTTP2_STREAMS_MAX);
    builder
}
