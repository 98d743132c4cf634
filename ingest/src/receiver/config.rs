//! What one sender, one request and all of them together may take.

use std::time::Duration;

/// Limits of the receivers. All of them protect the machine; none is a quota.
#[derive(Debug, Clone)]
pub struct ReceiverConfig {
    /// The largest body, as sent and as inflated. OTLP recommends 64 MiB.
    pub body_bytes_max: usize,
    /// Requests being served at once, over both transports. Beyond it the answer is "try again".
    pub requests_in_flight_max: usize,
    /// From the first to the last byte of a body.
    pub body_timeout: Duration,
    /// How long the log may take to confirm before the sender is told to try again. Longer than the log's own
    /// patience, whose refusal says more.
    pub accept_timeout: Duration,
    /// How far ahead of ours a sender's clock may be.
    pub clock_ahead_max: Duration,
    /// Open gRPC connections.
    pub grpc_connections_max: usize,
    /// Requests that one gRPC connection may have open.
    pub grpc_streams_max: u32,
    /// A gRPC connection that has not said anything by then is closed.
    pub grpc_first_byte_timeout: Duration,
    /// Pause between keep-alive pings on a gRPC connection.
    pub grpc_keepalive_interval: Duration,
    /// A gRPC connection whose pings stay unanswered this long is closed.
    pub grpc_keepalive_timeout: Duration,
    /// After this a gRPC connection is asked to reconnect, so that load balancers can rebalance.
    pub grpc_connection_age_max: Duration,
    /// How long its open requests may take after that.
    pub grpc_connection_age_grace: Duration,
}

impl Default for ReceiverConfig {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024 * 1024,
            requests_in_flight_max: 4_096,
            body_timeout: Duration::from_mins(1),
            accept_timeout: Duration::from_secs(40),
            clock_ahead_max: Duration::from_hours(24),
            grpc_connections_max: 4_096,
            grpc_streams_max: 256,
            grpc_first_byte_timeout: Duration::from_secs(15),
            grpc_keepalive_interval: Duration::from_secs(30),
            grpc_keepalive_timeout: Duration::from_secs(20),
            grpc_connection_age_max: Duration::from_mins(30),
            grpc_connection_age_grace: Duration::from_mins(1),
        }
    }
}
