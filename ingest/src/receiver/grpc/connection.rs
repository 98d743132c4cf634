//! Accepted connections: bounded in number, without Nagle's delay, and closed if the peer never speaks.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::receiver::config::ReceiverConfig;
use crate::receiver::tls::{Stream, Tls};

/// After an accept error such as "too many open files".
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection that holds one of the slots.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: TcpConnectInfo,
    first_byte_deadline: Option<Pin<Box<Sleep>>>,
    _slot: OwnedSemaphorePermit,
}

/// Accepts connections for ever; beyond the limit they wait in the listener's backlog.
pub fn incoming(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    config: &ReceiverConfig,
) -> impl futures_util::Stream<Item = io::Result<Connection>> + Send + use<> {
    let slots = Arc::new(Semaphore::new(config.grpc_connections_max));
    let first_byte_timeout = config.grpc_first_byte_timeout;
    stream::unfold((listener, tls, slots), move |(listener, tls, slots)| async move {
        let connection = accept(&listener, tls.as_deref(), &slots, first_byte_timeout).await;
        Some((Ok(connection), (listener, tls, slots)))
    })
}

async fn accept(
    listener: &TcpListener,
    tls: Option<&Tls>,
    slots: &Arc<Semaphore>,
    first_byte_timeout: Duration,
) -> Connection {
    loop {
        let slot = Arc::clone(slots).acquire_owned().await;
        match (listener.accept().await, slot) {
            (Ok((stream, peer)), Ok(slot)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, "TCP_NODELAY was refused: {error}");
                }
                let first_byte_deadline = Some(Box::pin(tokio::time::sleep(first_byte_timeout)));
                return Connection {
                    peer: stream.connect_info(),
                    stream: Stream::new(stream, tls),
                    first_byte_deadline,
                    _slot: slot,
                };
            }
            (Err(error), _) => {
                tracing::warn!("accepting a gRPC connection failed: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            // The semaphore is never closed.
            (Ok(_), Err(_)) => {}
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.first_byte_deadline = None;
        } else if let Some(deadline) = &mut self.first_byte_deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
