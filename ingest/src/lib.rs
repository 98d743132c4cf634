//! The collector plane: OTLP comes in, is written to a log on disk, acknowledged, decoded into Arrow and
//! inserted into telemetry storage, exactly once.
//!
//! - [`receiver`]: OTLP over HTTP and gRPC; admission and the answers that clients rely on.
//! - [`otlp`]: reading and checking OTLP bytes without building messages.
//! - [`wal`]: the write-ahead log; knows bytes, not telemetry.
//! - [`pipeline`]: from the log to storage: ranges, inserts, retries, dead letters.
//! - [`process`]: what projects have set about their telemetry, done before anything is logged.
//! - [`forward`]: what was accepted, passed on to further OTLP endpoints.
//! - [`normalize`]: the vocabularies of instrumentation libraries brought to one.
//! - [`arrow`]: OTLP bytes to Arrow record batches.
//! - [`sdk`]: the telemetry routes of SDKs. [`changes`]: the log of changes behind them, and its fold.
//! - [`reprice`]: stored calls priced again, with the table in force now.
//! - [`tail`]: tail sampling, which decides about stored traces.
//! - [`config`], [`metrics`]: what can be set, and what can be seen.

pub mod arrow;
pub mod changes;
pub mod config;
pub mod forward;
pub mod metrics;
pub mod normalize;
pub mod otlp;
pub mod pipeline;
pub mod process;
pub mod receiver;
pub mod reprice;
pub mod sdk;
pub mod tail;
pub mod wal;
