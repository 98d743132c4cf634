//! Reads a request body within a size, a time and the memory budget.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::wal::Reservation;

/// What is read and thrown away of a body that was refused, so that the sender, still writing, gets to read
/// the answer.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads `body` to its end; `held` covers what has been read.
pub async fn read(
    body: &mut Body,
    bytes_max: usize,
    time_max: Duration,
    held: &mut Reservation,
) -> Result<Bytes, Refusal> {
    timeout(time_max, collect(body, bytes_max, held))
        .await
        .map_err(|_| Refusal::Slow)?
}

async fn collect(body: &mut Body, bytes_max: usize, held: &mut Reservation) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(chunk) = next_chunk(body).await? {
        let filled = first.len().max(joined.len());
        let total = filled + chunk.len();
        if total > bytes_max {
            return Err(Refusal::TooLarge(bytes_max));
        }
        if filled == 0 {
            grow(held, total)?;
            first = chunk;
            continue;
        }
        // Doubling keeps copying linear; the old and the new buffer exist together for a moment.
        if joined.capacity() < total {
            grow(held, total * 2)?;
            joined.reserve((total * 2).min(bytes_max) - joined.len());
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
            first = Bytes::new();
        }
        joined.extend_from_slice(&chunk);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
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
