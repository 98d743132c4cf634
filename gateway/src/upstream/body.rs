//! Reading what a provider sends, bounded in size and in time, and decompressed when it was compressed
//! although nobody asked.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::write::GzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::dialect::stream::{Piece, Translator};
use crate::route::retry::FailureClass;
use crate::sse;
use crate::upstream::event_stream::{self, Broken};

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the provider closed the connection before its answer was complete")]
    Cut(#[source] Option<hyper::Error>),
    #[error("the provider sent nothing for too long")]
    Idle,
    #[error("the answer exceeded {0} bytes")]
    TooLarge(usize),
    #[error("the provider's answer could not be decompressed")]
    Encoding,
    #[error("the provider's stream was damaged on its way")]
    Corrupt,
}

impl BodyFault {
    /// What kind of failure it is.
    pub(crate) const fn class(&self) -> FailureClass {
        match self {
            Self::Cut(_) => FailureClass::Server,
            Self::Idle => FailureClass::Timeout,
            Self::TooLarge(_) | Self::Encoding | Self::Corrupt => FailureClass::Malformed,
        }
    }
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    /// Something that was not asked for and is not known here.
    Unknown,
}

impl Packing {
    /// What the headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes) {
            None | Some(b"" | b"identity") => Self::Plain,
            Some(b"gzip" | b"x-gzip") => Self::Gzip,
            Some(_) => Self::Unknown,
        }
    }
}

/// Reads a whole body. Each piece must come within `idle`, and all of it by `deadline`.
pub(crate) async fn read_whole(
    mut body: Incoming,
    packing: Packing,
    bytes_max: usize,
    idle: Duration,
    deadline: Instant,
) -> Result<Bytes, BodyFault> {
    let mut unpack = Unpack::new(packing, bytes_max)?;
    let mut whole = BytesMut::new();
    let mut only = Bytes::new();
    loop {
        let until = deadline.min(Instant::now() + idle);
        let frame = timeout_at(until, body.frame())
            .await
            .map_err(|_| BodyFault::Idle)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|error| BodyFault::Cut(Some(error)))?.into_data() else {
            continue;
        };
        let data = unpack.push(data)?;
        if whole.len() + only.len() + data.len() > bytes_max {
            return Err(BodyFault::TooLarge(bytes_max));
        }
        // Most answers come in one piece: that one is not copied.
        if whole.is_empty() && only.is_empty() {
            only = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut only));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { only } else { whole.freeze() })
}

/// Cuts what arrives into frames.
#[derive(Debug)]
enum Splitter {
    /// Server-sent events.
    Events(sse::Splitter),
    /// Messages of AWS's event stream.
    Messages(event_stream::Splitter),
}

impl Splitter {
    fn push(&mut self, data: &[u8]) {
        match self {
            Self::Events(splitter) => splitter.push(data),
            Self::Messages(splitter) => splitter.push(data),
        }
    }

    fn next(&mut self, bytes_max: usize) -> Result<Option<Bytes>, BodyFault> {
        match self {
            Self::Events(splitter) => splitter.next_frame().map_err(|_| BodyFault::TooLarge(bytes_max)),
            Self::Messages(splitter) => splitter.next_message().map_err(|broken| match broken {
                Broken::TooLarge => BodyFault::TooLarge(bytes_max),
                Broken::Corrupt => BodyFault::Corrupt,
            }),
        }
    }

    /// What is left when the body has ended: an event may lack its blank line, a message may lack nothing.
    fn last(&mut self) -> Result<Option<Bytes>, BodyFault> {
        match self {
            Self::Events(splitter) => Ok(splitter.remainder().as_ref().map(close_frame)),
            Self::Messages(splitter) if splitter.has_remainder() => Err(BodyFault::Cut(None)),
            Self::Messages(_) => Ok(None),
        }
    }
}

/// A body as frames of a stream.
#[derive(Debug)]
pub(crate) struct FrameStream {
    body: Incoming,
    unpack: Unpack,
    splitter: Splitter,
    translator: Translator,
    /// Translated frames that were not taken yet: what one frame of the provider's came to.
    translated: VecDeque<Piece>,
    ended: bool,
}

impl FrameStream {
    /// Frames of at most `frame_bytes_max` each.
    pub(crate) fn new(
        body: Incoming,
        packing: Packing,
        frame_bytes_max: usize,
        translator: Translator,
    ) -> Result<Self, BodyFault> {
        let unpack = Unpack::new(packing, frame_bytes_max)?;
        Ok(Self {
            body,
            unpack,
            splitter: if translator.is_binary() {
                Splitter::Messages(event_stream::Splitter::new(frame_bytes_max))
            } else {
                Splitter::Events(sse::Splitter::new(frame_bytes_max))
            },
            translator,
            translated: VecDeque::new(),
            ended: false,
        })
    }

    /// Whether the provider has sent all that it will.
    pub(crate) fn is_over(&self) -> bool {
        self.ended
    }

    /// The next piece; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, BodyFault> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next piece; nothing at the end. Reads no further than the frame it is of, so that a slow caller
    /// slows the provider down in place of filling our memory.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Piece>, BodyFault>> {
        loop {
            if let Some(frame) = self.translated.pop_front() {
                return Poll::Ready(Ok(Some(frame)));
            }
            match std::task::ready!(self.poll_sent(context))? {
                Some(frame) => self.translator.push(frame, &mut self.translated),
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// The next frame as the provider sent it.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyFault>> {
        loop {
            let next = self.splitter.next(self.unpack.bytes_max)?;
            if next.is_some() {
                return Poll::Ready(Ok(next));
            }
            if self.ended {
                return Poll::Ready(self.splitter.last());
            }
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => self.ended = true,
                Some(Err(error)) => return Poll::Ready(Err(BodyFault::Cut(Some(error)))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.splitter.push(&self.unpack.push(data)?);
                    }
                }
            }
        }
    }
}

/// Gives a last frame the blank line that it lacks.
fn close_frame(frame: &Bytes) -> Bytes {
    let mut closed = BytesMut::from(frame.trim_ascii_end());
    closed.extend_from_slice(b"\n\n");
    closed.freeze()
}

/// Undoes the packing as bytes arrive.
#[derive(Debug)]
struct Unpack {
    gzip: Option<GzDecoder<Bounded>>,
    bytes_max: usize,
}

impl Unpack {
    fn new(packing: Packing, bytes_max: usize) -> Result<Self, BodyFault> {
        let gzip = match packing {
            Packing::Plain => None,
            Packing::Gzip => Some(GzDecoder::new(Bounded {
                bytes: Vec::new(),
                bytes_max,
            })),
            Packing::Unknown => return Err(BodyFault::Encoding),
        };
        Ok(Self { gzip, bytes_max })
    }

    fn push(&mut self, data: Bytes) -> Result<Bytes, BodyFault> {
        let Some(decoder) = &mut self.gzip else {
            return Ok(data);
        };
        let written = decoder.write_all(&data).and_then(|()| decoder.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => BodyFault::TooLarge(self.bytes_max),
            _ => BodyFault::Encoding,
        })?;
        Ok(Bytes::from(std::mem::take(&mut decoder.get_mut().bytes)))
    }
}

/// A buffer that refuses to grow beyond its bound: a few bytes may inflate to gigabytes.
#[derive(Debug)]
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + data.len() > self.bytes_max {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
