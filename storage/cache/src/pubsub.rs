//! Publish and subscribe within this process, over bounded broadcast channels.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use brokle_storage::pubsub::{Notice, PubSub, Subscription};
use brokle_storage::shared::SharedStateError;
use bytes::Bytes;
use tokio::sync::broadcast::{self, error::RecvError};

/// How far a subscriber may lag before it misses messages.
const BACKLOG_MAX: usize = 1_024;

/// Topics of this process. A topic lives as long as somebody listens to it.
#[derive(Debug, Clone, Default)]
pub struct MemoryPubSub {
    topics: Arc<Mutex<HashMap<String, broadcast::Sender<Bytes>>>>,
}

#[async_trait]
impl PubSub for MemoryPubSub {
    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), SharedStateError> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = topics
            .get(topic)
            .is_some_and(|sender| sender.send(message).is_ok());
        if !heard {
            topics.remove(topic);
        }
        Ok(())
    }

    async fn subscribe(&self, topic: &str) -> Result<Box<dyn Subscription>, SharedStateError> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = topics
            .entry(topic.to_owned())
            .or_insert_with(|| broadcast::channel(BACKLOG_MAX).0);
        Ok(Box::new(MemorySubscription(sender.subscribe())))
    }
}

struct MemorySubscription(broadcast::Receiver<Bytes>);

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(message) => Some(Notice::Message(message)),
            Err(RecvError::Lagged(count)) => Some(Notice::Missed(count)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_topic_without_listeners_is_forgotten() {
        let bus = MemoryPubSub::default();
        drop(bus.subscribe("a").await.unwrap());
        bus.publish("a", Bytes::new()).await.unwrap();
        assert!(bus.topics.lock().unwrap().is_empty());
    }
}
