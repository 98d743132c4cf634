//! State that the nodes of one installation share, for one node: in process. The implementations on Redis
//! are held to the same contracts, and fall back to these while Redis is away.

mod cache;
pub mod gcra;
mod limiter;
mod pubsub;
mod quota;

pub use cache::MemoryCache;
pub use limiter::MemoryLimiter;
pub use pubsub::MemoryPubSub;
pub use quota::{MemoryQuota, Owed};
