//! Reads a request's body within a size, a time, and the room that all requests share. Room is taken as bytes
//! arrive, never for what a caller merely announces, and is free again when the last copy of the body is gone.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::GatewayError;
use crate::settings::GatewaySettings;
use crate::shared::Shared;

/// Bytes per permit: fine enough for small requests, coarse enough for a semaphore to count any room.
const UNIT_BYTES: usize = 1024;

/// Room for the requests in memory, shared by all calls.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.div_ceil(UNIT_BYTES))))
    }

    /// Lets `held` cover `bytes`.
    fn extend(&self, held: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> Result<(), GatewayError> {
        let covered = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT_BYTES).saturating_sub(covered);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| GatewayError::Busy)?;
        let more = Arc::clone(&self.0)
            .try_acquire_many_owned(missing)
            .map_err(|_| GatewayError::Busy)?;
        match held {
            Some(permit) => permit.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

/// A body and its room.
struct Roomed {
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Roomed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the whole of `body`.
pub(super) async fn read(
    shared: &Shared,
    settings: &GatewaySettings,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, GatewayError> {
    let bytes_max = settings.limits.request_bytes_max;
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity")
    {
        return Err(GatewayError::BodyEncoded);
    }
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(GatewayError::BodyTooLarge(bytes_max));
    }
    let patience = Duration::from_millis(settings.timeouts.request_body_ms);
    tokio::time::timeout(patience, collect(&shared.room, body, bytes_max))
        .await
        .map_err(|_| GatewayError::BodyTimeout)?
}

async fn collect(room: &Room, mut body: Body, bytes_max: usize) -> Result<Bytes, GatewayError> {
    let announced = body.size_hint().exact();
    let expected = announced.map_or(bytes_max, |bytes| usize::try_from(bytes).unwrap_or(bytes_max));
    let mut held = None;
    let mut only = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| GatewayError::BodyBroken)?;
        let Ok(data) = frame.into_data() else { continue };
        let total = only.len() + joined.len() + data.len();
        if total > bytes_max {
            return Err(GatewayError::BodyTooLarge(bytes_max));
        }
        room.extend(&mut held, total)?;
        // Most requests come in one piece: that one is not copied.
        if only.is_empty() && joined.is_empty() {
            only = data;
            continue;
        }
        if joined.capacity() < total {
            // Doubling keeps copying linear; an announced length is not exceeded.
            joined.reserve((total * 2).min(expected.max(total)) - joined.len());
        }
        joined.extend_from_slice(&std::mem::take(&mut only));
        joined.extend_from_slice(&data);
    }
    let bytes = if joined.is_empty() { only } else { joined.freeze() };
    Ok(Bytes::from_owner(Roomed { bytes, _room: held }))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collected(room: &Room, bytes: usize) -> Result<Bytes, GatewayError> {
        collect(room, Body::from(vec![b'x'; bytes]), 1 << 20).await
    }

    #[tokio::test]
    async fn room_is_held_until_the_last_copy_of_a_body_is_gone() {
        let room = Room::of(10 * UNIT_BYTES);
        let first = collected(&room, 6 * UNIT_BYTES).await.unwrap();
        assert!(matches!(
            collected(&room, 5 * UNIT_BYTES).await,
            Err(GatewayError::Busy)
        ));
        let copy = first.slice(3..4);
        drop(first);
        assert!(collected(&room, 5 * UNIT_BYTES).await.is_err());
        drop(copy);
        assert_eq!(
            collected(&room, 10 * UNIT_BYTES).await.unwrap().len(),
            10 * UNIT_BYTES
        );
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_joined_and_takes_room_once() {
        let room = Room::of(2 * UNIT_BYTES);
        let pieces = ["one ", "", "two ", "three"].map(Ok::<_, std::io::Error>);
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let whole = collect(&room, body, 100).await.unwrap();
        assert_eq!(whole, "one two three");
        assert_eq!(room.0.available_permits(), 1);
    }
}
