//! A request body on its way from the network task to the thread that runs the query.
//!
//! The channel between them is short, so a client that sends faster than the engine stores is slowed down
//! by TCP. The end of the body is said explicitly: a channel that just closes means that the client went
//! away, and half an insert must not pass for a whole one.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Frames between the two; a frame is at most what hyper reads at once.
const FRAMES_MAX: usize = 4;

/// After an insert failed, this much of the rest is read and dropped, so that a client which writes before
/// it reads gets to see the error.
const DRAIN_MAX_BYTES: usize = 32 * 1024 * 1024;

enum Part {
    Data(Bytes),
    End,
}

/// Sends a body into a [`BodyReader`].
pub(crate) struct BodySender(mpsc::Sender<Part>);

/// The receiving end: a blocking reader.
pub(crate) struct BodyReader {
    parts: mpsc::Receiver<Part>,
    current: Bytes,
    ended: bool,
}

pub(crate) fn channel() -> (BodySender, BodyReader) {
    let (sender, parts) = mpsc::channel(FRAMES_MAX);
    (
        BodySender(sender),
        BodyReader {
            parts,
            current: Bytes::new(),
            ended: false,
        },
    )
}

impl BodySender {
    /// Forwards `first`, which was read already, and then `body` until it ends, stalls or fails.
    pub(crate) async fn forward<B>(self, first: Bytes, mut body: B, stall_timeout: Duration)
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut data = first;
        loop {
            if !data.is_empty() && self.0.send(Part::Data(std::mem::take(&mut data))).await.is_err() {
                // A rest that cannot be drained in time is cut off with the connection.
                let _ = timeout(stall_timeout, drain(body)).await;
                return;
            }
            // The error itself is dropped here: it need not be `Send`, and nobody reads it.
            let frame = timeout(stall_timeout, body.frame())
                .await
                .map(|frame| frame.map(Result::ok));
            match frame {
                Ok(Some(Some(frame))) => data = frame.into_data().unwrap_or_default(),
                Ok(None) => {
                    // A reader that is gone has seen enough.
                    let _ = self.0.send(Part::End).await;
                    return;
                }
                // Closing without an end tells the reader.
                Ok(Some(None)) | Err(_) => return,
            }
        }
    }
}

async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let mut drained = 0;
    while let Some(Ok(frame)) = body.frame().await {
        drained += frame.data_ref().map_or(0, Bytes::len);
        if drained > DRAIN_MAX_BYTES {
            return;
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.parts.blocking_recv() {
                Some(Part::Data(data)) => self.current = data,
                Some(Part::End) => self.ended = true,
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::ConnectionAborted,
                        "the client went away",
                    ));
                }
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn a_body_arrives_whole() {
        let (sender, mut reader) = channel();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        let first = Bytes::from_static(b"first ");
        sender
            .forward(
                first,
                Full::new(Bytes::from_static(b"rows")),
                Duration::from_secs(5),
            )
            .await;
        assert_eq!(reading.join().unwrap().unwrap(), b"first rows");
    }

    #[tokio::test]
    async fn half_a_body_is_an_error_and_not_an_end() {
        let frames = [
            Ok(http_body::Frame::data(Bytes::from_static(b"half"))),
            Err(io::Error::other("reset")),
        ];
        let (sender, mut reader) = channel();
        let reading = std::thread::spawn(move || reader.read_to_end(&mut Vec::new()));
        sender
            .forward(
                Bytes::new(),
                StreamBody::new(futures_stream(frames)),
                Duration::from_secs(5),
            )
            .await;
        assert_eq!(
            reading.join().unwrap().unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
    }

    fn futures_stream<T: Unpin>(
        items: impl IntoIterator<Item = T>,
    ) -> impl tokio_stream::Stream<Item = T> + Unpin {
        tokio_stream::iter(items.into_iter().collect::<Vec<_>>())
    }
}
