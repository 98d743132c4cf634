//! The last step of a stream: from the pivot's frames, or the provider's own, to what the caller reads.

use std::collections::VecDeque;

use bytes::Bytes;

use super::anthropic::caller;
use super::door::Door;
use super::openai::chunk::Frame;
use super::openai::error;
use super::responses;
use super::stream::Piece;
use crate::sse;

/// How frames leave.
#[derive(Debug)]
pub(crate) enum Outlet {
    /// As the pivot has them; usage only to those who asked.
    Chunks { wants_usage: bool },
    /// As the provider sent them: it speaks the caller's format.
    AsSent(Door),
    /// As Anthropic's events.
    Messages(Box<caller::stream::Encoder>),
    /// As the events of the Responses API.
    Responses(Box<responses::caller::stream::Encoder>),
}

impl Outlet {
    /// Hands on a piece that is not an error, or the end of the stream.
    pub(crate) fn push(&mut self, kind: &Frame, piece: Piece, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Chunks { wants_usage } => {
                let hidden = *kind == Frame::Usage && !*wants_usage;
                out.extend(piece.pivot.filter(|_| !hidden));
            }
            Self::AsSent(_) => out.extend(piece.sent),
            Self::Messages(_) | Self::Responses(_) if *kind == Frame::Comment => out.extend(piece.pivot),
            Self::Messages(encoder) => {
                if let Some(chunk) = piece.pivot {
                    encoder.push(&chunk, out);
                }
            }
            Self::Responses(encoder) => {
                if let Some(chunk) = piece.pivot {
                    encoder.push(&chunk, out);
                }
            }
        }
    }

    /// Ends the stream in good order. `piece` is the provider's own end mark, if it sent one.
    pub(crate) fn done(&mut self, piece: Option<Piece>, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Chunks { .. } => {
                let mark = piece.and_then(|piece| piece.pivot);
                out.push_back(mark.unwrap_or(Bytes::from_static(sse::DONE)));
            }
            Self::AsSent(door) => match piece {
                Some(piece) => out.extend(piece.sent),
                None if *door == Door::Messages => {
                    out.push_back(Bytes::from_static(caller::stream::MESSAGE_STOP));
                }
                None => {}
            },
            Self::Messages(encoder) => encoder.done(out),
            Self::Responses(encoder) => encoder.done(out),
        }
    }

    /// Hands on an error that the provider reported in the stream.
    pub(crate) fn failed(&self, piece: Piece, message: &str, code: &str) -> Bytes {
        let own = match self {
            Self::Chunks { .. } => piece.pivot,
            Self::AsSent(_) => piece.sent,
            Self::Messages(_) | Self::Responses(_) => None,
        };
        own.unwrap_or_else(|| self.break_off(message, code))
    }

    /// The gateway's own last words. The end mark is deliberately not part of them.
    pub(crate) fn break_off(&self, message: &str, code: &str) -> Bytes {
        match self {
            Self::Chunks { .. } | Self::AsSent(Door::Chat | Door::Other(_)) => {
                Bytes::from(error::frame(message, "server_error", code))
            }
            Self::AsSent(Door::Responses) | Self::Responses(_) => {
                responses::caller::stream::error_event(code, message)
            }
            Self::AsSent(_) | Self::Messages(_) => caller::stream::error_event("api_error", message),
        }
    }
}
