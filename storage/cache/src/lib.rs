//! State that the nodes of one installation share. This version has the in-process implementations, which
//! suit one node; the traits in `brokle-storage` are what a Redis implementation will be held to.

mod cache;
mod limiter;
mod pubsub;
mod quota;

pub use cache::MemoryCache;
pub use limiter::MemoryLimiter;
pub use pubsub::MemoryPubSub;
pub use quota::MemoryQuota;
