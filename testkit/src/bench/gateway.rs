//! Gateways side by side: the same calls, from the same generator, to the same provider, in one run.
//!
//! - [`mock`]: the provider. It answers at once or in its own rhythm, with bytes made ahead.
//! - [`calls`]: what is asked. [`wire`]: a connection. [`check`]: what every answer must be.
//! - [`drive`]: calls as fast as answers come, or at a fixed rate.
//! - [`peer`]: the gateways, and how each is started.
//! - [`cell`]: what is measured of each. [`report`]: the tables.
//!
//! Gateways run on the first processor, provider and generator on the second. An answer that is not what the provider
//! said, a call that the provider did not get, or one of which Brokle stored no spans, voids the measurement.

pub mod calls;
pub mod cell;
pub mod check;
pub mod drive;
pub mod mock;
pub mod peer;
pub mod report;
pub mod wire;

use std::sync::OnceLock;
use std::time::Instant;

/// Nanoseconds on a clock that provider and generator share.
pub fn nanoseconds() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}
