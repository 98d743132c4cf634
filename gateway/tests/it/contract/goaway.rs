//! A front before a provider that speaks HTTP/2, and shuts the connection in the middle of an answer, as a server does
//! that is being replaced.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Enough for something of the answer to have reached the caller.
const PIECES: usize = 8;

/// Starts the front before the provider at `origin`; gives its own.
pub(super) async fn start(origin: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, origin.clone()));
        }
    });
    own
}

async fn serve(connection: TcpStream, origin: String) {
    let enough = Arc::new(Notify::new());
    let service = hyper::service::service_fn(|request| forward(request, origin.clone(), Arc::clone(&enough)));
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(connection), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        () = enough.notified() => {
            connection.as_mut().graceful_shutdown();
            // Long enough to say so, and then it is gone.
            let _ = tokio::time::timeout(Duration::from_millis(50), connection).await;
        }
    }
}

async fn forward(
    request: Request<Incoming>,
    origin: String,
    enough: Arc<Notify>,
) -> Result<
    Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>>>,
    Infallible,
> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let url = format!("{origin}{}", parts.uri.path_and_query().unwrap());
    let sent = reqwest::Client::new().post(url).headers(parts.headers).body(body);
    let answer = sent.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let pieces = answer.bytes_stream().take(PIECES);
    let pieces = pieces.map(|piece| Ok(Frame::data(piece.unwrap_or_default())));
    let then = stream::once(async move {
        enough.notify_one();
        std::future::pending().await
    });
    let mut response = Response::new(StreamBody::new(pieces.chain(then)));
    *response.status_mut() = status;
    let kind = headers.get("content-type").cloned();
    response
        .headers_mut()
        .extend(kind.map(|kind| (http::header::CONTENT_TYPE, kind)));
    Ok(response)
}
