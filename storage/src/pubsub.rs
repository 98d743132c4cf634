//! Notices between the nodes of one installation: at most once, to whoever listens now.

use async_trait::async_trait;
use bytes::Bytes;

use crate::shared::SharedStateError;

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A published message.
    Message(Bytes),
    /// The subscriber was too slow, and this many messages are gone: whatever it derived from them must be
    /// fetched anew.
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
