//! One call: made, read or left, and entered into the books.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::{Client, RequestBuilder, Response};

use super::books::{Books, Promise, traceparent};
use super::hang_up::Moment;
use super::mix::{KINDS, Kind, Way, Who};

/// Longer than anything that the gateway does here.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Pieces of a stream before the caller hangs up.
const PIECES: usize = 2;
/// Of a stream, in which its end is looked for: the last event of some repeats the whole answer.
const TAIL_BYTES: usize = 64 << 10;
const SLOW_PAUSE: Duration = Duration::from_millis(15);

/// Where to call, and as whom.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) url: String,
    pub(super) key: String,
    pub(super) revoked_key: String,
    pub(super) limited_key: String,
}

/// A client of the soak's.
pub(super) fn client() -> Result<Client> {
    Ok(Client::builder().timeout(TIMEOUT).build()?)
}

/// How a call went.
#[derive(Debug)]
pub(super) struct Went {
    /// What the caller got.
    pub(super) status: u16,
    /// What was not as it should be.
    pub(super) amiss: Option<String>,
}

/// Makes one call of a kind and enters it into the books.
pub(super) async fn call(door: &Door, client: &Client, books: &Books, place: usize) -> Went {
    let kind = &KINDS[place];
    let number = books.open(place);
    let request = request(door, client, kind, number);
    let outcome = match kind.way {
        Way::HangUp(moment) => hang_up(books, request, number, moment).await,
        _ => read(request, kind).await,
    };
    match outcome {
        Ok((promise, status, is_whole)) => {
            books.close(number, promise, status);
            let is_expected = kind.expected.is_empty() || kind.expected.contains(&status);
            let amiss = if !is_expected {
                Some(format!("status {status}"))
            } else if !is_whole && !kind.expected.is_empty() {
                Some("a stream without its end".to_owned())
            } else {
                None
            };
            Went { status, amiss }
        }
        Err(error) => {
            books.close(number, Promise::Unknown, 0);
            Went {
                status: 0,
                amiss: Some(format!("{error:#}")),
            }
        }
    }
}

fn request(door: &Door, client: &Client, kind: &Kind, number: u64) -> RequestBuilder {
    let key = match kind.who {
        Who::Member => &door.key,
        Who::Revoked => &door.revoked_key,
        Who::Limited => &door.limited_key,
    };
    let request = client
        .post(format!("{}{}", door.url, kind.path))
        .bearer_auth(key)
        .header("content-type", "application/json")
        .header("traceparent", traceparent(number))
        .header("x-user-id", format!("user-{}", number % 500));
    let request = if kind.is_cached() {
        request
            .header("x-brokle-cache", "exact")
            .header("x-brokle-cache-ttl", "120")
    } else {
        request
    };
    request.body(kind.body(number))
}

/// Whether the answer says that the call belongs to a trace.
fn promise(response: &Response) -> Promise {
    if response.headers().contains_key("x-brokle-trace-id") {
        Promise::Kept
    } else {
        Promise::Nothing
    }
}

/// Reads what comes; whether a stream had its end.
async fn read(request: RequestBuilder, kind: &Kind) -> Result<(Promise, u16, bool)> {
    let mut response = request.send().await?;
    let (promise, status) = (promise(&response), response.status().as_u16());
    let is_stream = kind.streams() && status == 200;
    let mut tail = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                tail.extend_from_slice(&piece);
                let surplus = tail.len().saturating_sub(TAIL_BYTES);
                tail.drain(..surplus);
            }
            Ok(None) => break,
            // A stream that was broken off; the call has been taken all the same.
            Err(_) => return Ok((promise, status, false)),
        }
        if kind.way == Way::Slow {
            tokio::time::sleep(SLOW_PAUSE).await;
        }
    }
    let is_whole = !is_stream || String::from_utf8_lossy(&tail).contains(kind.end_mark());
    Ok((promise, status, is_whole))
}

/// Goes away at the moment that is wanted.
async fn hang_up(
    books: &Books,
    request: RequestBuilder,
    number: u64,
    moment: Moment,
) -> Result<(Promise, u16, bool)> {
    if moment == Moment::MidStream {
        let mut response = request.send().await?;
        let (promise, status) = (promise(&response), response.status().as_u16());
        for _ in 0..PIECES {
            if response.chunk().await?.is_none() {
                return Ok((promise, status, false));
            }
        }
        books.hang_ups.left(number, moment);
        drop(response);
        return Ok((promise, 499, true));
    }
    let arrived = books.expect(number);
    let mut sent = Box::pin(request.send());
    tokio::select! {
        response = &mut sent => {
            let response = response?;
            Ok((promise(&response), response.status().as_u16(), false))
        }
        arrived = arrived => {
            arrived.context("the books are closed")?;
            books.hang_ups.left(number, moment);
            drop(sent);
            Ok((Promise::Kept, 499, true))
        }
    }
}
