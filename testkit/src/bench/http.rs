//! Sends over HTTP/1.1 with one thread and one connection for each lane: a write and a few reads for a request, and
//! nothing else, so that the generator costs little beside what it measures.

use std::io::{IoSlice, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::load::{Outcome, Plan, Schedule, Turn};

const TIMEOUT: Duration = Duration::from_secs(20);
/// A lane that fails goes on, but not as fast as it can.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Carries out a plan. Blocks.
pub fn send(plan: Plan) -> Outcome {
    let lanes = plan.lanes;
    let schedule = Arc::new(Schedule::start(plan));
    let threads: Vec<_> = (0..lanes)
        .map(|_| {
            let schedule = Arc::clone(&schedule);
            thread::spawn(move || lane(&schedule))
        })
        .collect();
    let mut outcome = Outcome::default();
    for thread in threads {
        outcome.merge(thread.join().unwrap_or_default());
    }
    outcome.elapsed = schedule.started().elapsed();
    outcome.latencies.sort_by(f64::total_cmp);
    outcome
}

fn lane(schedule: &Schedule) -> Outcome {
    let mut outcome = Outcome::default();
    let mut buffer = Vec::new();
    let mut connection = None;
    while let Some(turn) = schedule.turn() {
        thread::sleep(turn.due.saturating_duration_since(Instant::now()));
        match exchange(schedule, turn, &mut buffer, &mut connection) {
            Ok(from) => {
                outcome.acknowledged += 1;
                outcome.latencies.push(from.elapsed().as_secs_f64());
            }
            Err(error) => {
                connection = None;
                outcome.failed += 1;
                outcome.failure.get_or_insert(format!("{error:#}"));
                thread::sleep(AFTER_FAILURE);
            }
        }
    }
    outcome
}

/// One request; since when its sender waits.
fn exchange(
    schedule: &Schedule,
    turn: Turn,
    buffer: &mut Vec<u8>,
    connection: &mut Option<TcpStream>,
) -> Result<Instant> {
    let plan = schedule.plan();
    let body = schedule.body(turn, buffer);
    let encoding = plan
        .encoding
        .header()
        .map(|name| format!("content-encoding: {name}\r\n"));
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/x-protobuf\r\n{}content-length: {}\r\n\r\n",
        plan.address,
        plan.key,
        encoding.unwrap_or_default(),
        body.len()
    );
    // A body that is made on the way is not the collector's time.
    let from = plan.rate.map_or_else(Instant::now, |_| turn.due);
    let stream = match connection {
        Some(stream) => stream,
        None => connection.insert(connect(&plan.address)?),
    };
    write_all(stream, head.as_bytes(), body)?;
    read_answer(stream)?;
    Ok(from)
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn write_all(stream: &mut TcpStream, head: &[u8], body: &[u8]) -> Result<()> {
    let written = stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)])?;
    if written < head.len() {
        stream.write_all(&head[written..])?;
    }
    stream.write_all(&body[written.saturating_sub(head.len())..])?;
    Ok(())
}

fn read_answer(stream: &mut TcpStream) -> Result<()> {
    let mut answer = Vec::with_capacity(512);
    let mut chunk = [0; 2_048];
    let end = loop {
        let read = stream.read(&mut chunk)?;
        ensure!(read > 0, "the connection was closed");
        answer.extend_from_slice(&chunk[..read]);
        if let Some(end) = memchr::memmem::find(&answer, b"\r\n\r\n") {
            break end + 4;
        }
        ensure!(answer.len() < ANSWER_BYTES_MAX, "the answer has no end");
    };
    let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
    let length = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.context("an answer without a length")?.trim().parse()?;
    ensure!(length < ANSWER_BYTES_MAX, "the answer is too long");
    while answer.len() < end + length {
        let read = stream.read(&mut chunk)?;
        ensure!(read > 0, "the connection was closed");
        answer.extend_from_slice(&chunk[..read]);
    }
    if !head.starts_with("http/1.1 200") {
        let line = head.lines().next().unwrap_or_default().to_owned();
        bail!("{line}: {}", String::from_utf8_lossy(&answer[end..]));
    }
    ensure!(
        !answer[end..].starts_with(b"\x0a"),
        "a part of the request was refused"
    );
    Ok(())
}
