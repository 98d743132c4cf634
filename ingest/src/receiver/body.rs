//! Reads a request body within a size, a time and the memory budget.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::wal::Reservation;

/// What is read and thrown away of a body that was refused, so that the sender, still writing, gets to read
/// the answer.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How much room is made for a body because it says that it will be so long. What is longer grows as it comes:
/// an announcement alone must not cost memory.
const TRUSTED_BYTES_MAX: usize = 1024 * 1024;

/// gRPC's flag and length before a message.
pub(super) const PREFIX_BYTES: usize = 5;

/// Who says how long a body will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// The head, if at all.
    InHead,
    /// gRPC's prefix of the message, which is the body's beginning.
    InPrefix,
}

impl Announced {
    /// The length of the body that begins with `first`; zero when nobody says.
    fn length(self, body: &Body, first: &[u8]) -> usize {
        match (self, first) {
            (Self::InPrefix, [_, length @ ..]) => length
                .first_chunk()
                .map_or(0, |length| u32::from_be_bytes(*length) as usize)
                .saturating_add(PREFIX_BYTES),
            _ => usize::try_from(body.size_hint().lower())
                .unwrap_or(usize::MAX)
                .saturating_add(first.len()),
        }
    }
}

/// Reads `body` to its end; `held` covers what has been read.
pub async fn read(
    body: &mut Body,
    announced: Announced,
    bytes_max: usize,
    time_max: Duration,
    held: &mut Reservation,
) -> Result<Bytes, Refusal> {
    timeout(time_max, collect(body, announced, bytes_max, held))
        .await
        .map_err(|_| Refusal::Slow)?
}

async fn collect(
    body: &mut Body,
    announced: Announced,
    bytes_max: usize,
    held: &mut Reservation,
) -> Result<Bytes, Refusal> {
    let Some(mut first) = next_chunk(body).await? else {
        return Ok(Bytes::new());
    };
    refuse_excess(first.len(), bytes_max)?;
    grow(held, first.len())?;
    let expected = announced
        .length(body, &first)
        .min(TRUSTED_BYTES_MAX)
        .min(bytes_max);
    let Some(second) = next_chunk(body).await? else {
        return Ok(first);
    };
    let mut joined = BytesMut::new();
    let mut next = Some(second);
    while let Some(chunk) = next {
        let filled = joined.len().max(first.len());
        let total = filled + chunk.len();
        refuse_excess(total, bytes_max)?;
        // Doubling keeps copying linear; the old and the new buffer exist together for a moment.
        if joined.capacity() < total {
            let wanted = if joined.is_empty() && expected >= total {
                expected
            } else {
                (total * 2).min(bytes_max)
            };
            grow(held, filled + wanted)?;
            joined.reserve(wanted - joined.len());
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
            first = Bytes::new();
        }
        joined.extend_from_slice(&chunk);
        next = next_chunk(body).await?;
    }
    Ok(joined.freeze())
}

fn refuse_excess(bytes: usize, bytes_max: usize) -> Result<(), Refusal> {
    if bytes > bytes_max {
        return Err(Refusal::TooLarge(bytes_max));
    }
    Ok(())
}

fn grow(held: &mut Reservation, bytes: usize) -> Result<(), Refusal> {
    held.resize(bytes as u64).map_err(|_| Refusal::Overloaded)
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Incomplete)?;
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Reads on for a moment and forgets what comes.
pub async fn drain(mut body: Body) {
    let mut left = DRAIN_BYTES_MAX;
    let reading = async {
        while let Ok(Some(chunk)) = next_chunk(&mut body).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Running out of time is as good an end as any.
    timeout(DRAIN_TIMEOUT, reading).await.unwrap_or_default();
}
