//! Accepted connections: bounded in number, without Nagle's delay, and closed if the peer never speaks.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::receiver::config::ReceiverConfig;

/// After an accept error such as "too many open files".
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection that holds one of the slots.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    first_byte_deadline: Option<Pin<Box<Sleep>>>,
    _slot: OwnedSemaphorePermit,
}

/// Accepts connections for ever; beyond the limit they wait in the listener's backlog.
pub fn incoming(
    listener: TcpListener,
    config: &ReceiverConfig,
) -> impl Stream<Item = io::Result<Connection>> + Send + use<> {
    let slots = Arc::new(Semaphore::new(config.grpc_connections_max));
    let first_byte_timeout = config.grpc_first_byte_timeout;
    stream::unfold((listener, slots), move |(listener, slots)| async move {
        let connection = accept(&listener, &slots, first_byte_timeout).await;
        Some((Ok(connection), (listener, slots)))
    })
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>, first_byte_timeout: Duration) -> Connection {
    loop {
        let slot = Arc::clone(slots).acquire_owned().await;
        match (listener.accept().await, slot) {
            (Ok((stream, peer)), Ok(slot)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, "TCP_NODELAY was refused: {error}");
                }
                let first_byte_deadline = Some(Box::pin(tokio::time::sleep(first_byte_timeout)));
                return Connection {
                    stream,
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
        self.stream.connect_info()
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
