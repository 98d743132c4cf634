//! Notices between the nodes of one installation, to whoever listens now. Each comes once; a bus that was
//! disturbed may repeat or lose some, and tells its subscribers that it may have.

#[cfg(feature = "contract")]
pub mod contract;

use async_trait::async_trait;
use bytes::Bytes;

use crate::shared::SharedStateError;

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A published message.
    Message(Bytes),
    /// The subscriber was too slow, or the bus was away: this many messages are gone (zero when nobody knows
    /// how many, if any), and whatever the subscriber derived from them must be fetched anew.
    Missed(u64),
}

/// Publishes and subscribes by topic.
#[async_trait]
pub trait PubSub: Send + Sync + 'static {
    /// Sends to all present subscribers of `topic`; with none, the message is gone.
    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), SharedStateError>;

    /// Listens from now on.
    async fn subscribe(&self, topic: &str) -> Result<Box<dyn Subscription>, SharedStateError>;
}

/// One listener. Dropping it ends the subscription.
#[async_trait]
pub trait Subscription: Send {
    /// The next notice, or `None` when the publisher is gone for good.
    async fn next(&mut self) -> Option<Notice>;
}
