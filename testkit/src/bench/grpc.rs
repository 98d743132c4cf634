//! Sends over gRPC: a few HTTP/2 connections, several requests on each at a time, all on one thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::load::{Outcome, Plan, Schedule, Turn};

const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const CONNECTIONS: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(20);
const AFTER_FAILURE: Duration = Duration::from_millis(20);
const WINDOW_BYTES: u32 = 4 << 20;

type Connection = SendRequest<Full<Bytes>>;

/// Carries out a plan. Blocks.
pub fn send(plan: Plan) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(plan))
}

async fn run(plan: Plan) -> Result<Outcome> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(&plan.address).await?);
    }
    let lanes = plan.lanes;
    let schedule = Arc::new(Schedule::start(plan));
    let mut tasks = JoinSet::new();
    for number in 0..lanes {
        tasks.spawn(lane(
            Arc::clone(&schedule),
            connections[number % CONNECTIONS].clone(),
        ));
    }
    let mut outcome = Outcome::default();
    while let Some(done) = tasks.join_next().await {
        outcome.merge(done?);
    }
    outcome.elapsed = schedule.started().elapsed();
    outcome.latencies.sort_by(f64::total_cmp);
    Ok(outcome)
}

async fn connect(address: &str) -> Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        // Its requests fail with it, and those are counted.
        let _ = connection.await;
    });
    Ok(sender)
}

async fn lane(schedule: Arc<Schedule>, mut connection: Connection) -> Outcome {
    let mut outcome = Outcome::default();
    let mut buffer = Vec::new();
    while let Some(turn) = schedule.turn() {
        tokio::time::sleep_until(turn.due.into()).await;
        let sent = exchange(&schedule, turn, &mut buffer, &mut connection);
        match tokio::time::timeout(TIMEOUT, sent)
            .await
            .unwrap_or_else(|late| Err(late.into()))
        {
            Ok(from) => {
                outcome.acknowledged += 1;
                outcome.latencies.push(from.elapsed().as_secs_f64());
            }
            Err(error) => {
                outcome.failed += 1;
                outcome.failure.get_or_insert(format!("{error:#}"));
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
    outcome
}

async fn exchange(
    schedule: &Schedule,
    turn: Turn,
    buffer: &mut Vec<u8>,
    connection: &mut Connection,
) -> Result<Instant> {
    let plan = schedule.plan();
    let body = schedule.body(turn, buffer);
    let mut frame = BytesMut::with_capacity(body.len() + 5);
    frame.put_u8(u8::from(plan.encoding.header().is_some()));
    frame.put_u32(u32::try_from(body.len())?);
    frame.put_slice(body);
    let mut request = Request::post(format!("http://{}{PATH}", plan.address))
        .header("x-api-key", &plan.key)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(encoding) = plan.encoding.header() {
        request = request.header("grpc-encoding", encoding);
    }
    let request = request.body(Full::from(frame.freeze()))?;
    let from = plan.rate.map_or_else(Instant::now, |_| turn.due);
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let in_head = response.headers().get("grpc-status").cloned();
    let answer = response.into_body().collect().await?;
    let in_trailers = answer
        .trailers()
        .and_then(|trailers| trailers.get("grpc-status").cloned());
    let status = in_head.or(in_trailers).context("an answer without a status")?;
    ensure!(status == "0", "gRPC status {status:?}");
    ensure!(answer.to_bytes().len() <= 5, "a part of the request was refused");
    Ok(from)
}
