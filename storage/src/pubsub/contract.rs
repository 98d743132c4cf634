//! The suite that every bus passes: each function takes two nodes' ends of one bus (which are the same end
//! in process) and panics when a promise of the traits is broken. [`crate::pubsub_contract`] names them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken promise fails the caller's test"
)]

use bytes::Bytes;

use super::{Notice, PubSub, Subscription};

/// Writes one test per promise: `pubsub_contract!(start)` where `start` is an async function that gives two
/// `Arc`s of ends of one bus.
#[macro_export]
macro_rules! pubsub_contract {
    ($start:path) => {
        $crate::pubsub_contract!(
            $start:
            every_listener_of_the_topic_hears_once_and_no_other,
            messages_of_one_publisher_keep_their_order,
            a_listener_hears_nothing_from_before_it_listened,
            a_slow_listener_is_told_that_it_missed,
        );
    };
    ($start:path: $($promise:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let (here, there) = $start().await;
                $crate::pubsub::contract::$promise(&*here, &*there).await;
            }
        )+
    };
}

async fn next(subscription: &mut Box<dyn Subscription>) -> Bytes {
    match subscription.next().await {
        Some(Notice::Message(message)) => message,
        other => panic!("no message, but {other:?}"),
    }
}

/// On both nodes, wherever it was published.
pub async fn every_listener_of_the_topic_hears_once_and_no_other(here: &dyn PubSub, there: &dyn PubSub) {
    let mut listeners = [
        here.subscribe("a").await.unwrap(),
        here.subscribe("a").await.unwrap(),
        there.subscribe("a").await.unwrap(),
    ];
    let mut other = there.subscribe("b").await.unwrap();
    here.publish("a", Bytes::from_static(b"1")).await.unwrap();
    for listener in &mut listeners {
        assert_eq!(next(listener).await, "1");
    }
    there.publish("a", Bytes::from_static(b"2")).await.unwrap();
    for listener in &mut listeners {
        assert_eq!(next(listener).await, "2");
    }
    here.publish("b", Bytes::from_static(b"3")).await.unwrap();
    assert_eq!(next(&mut other).await, "3");
}

/// Also bytes that are no text, and nothing at all.
pub async fn messages_of_one_publisher_keep_their_order(here: &dyn PubSub, there: &dyn PubSub) {
    let mut listener = there.subscribe("a").await.unwrap();
    let messages: Vec<Bytes> = (0..100_u8)
        .map(|number| Bytes::from(vec![number; usize::from(number)]))
        .collect();
    for message in &messages {
        here.publish("a", message.clone()).await.unwrap();
    }
    for message in &messages {
        assert_eq!(&next(&mut listener).await, message);
    }
}

/// A message without listeners is gone.
pub async fn a_listener_hears_nothing_from_before_it_listened(here: &dyn PubSub, there: &dyn PubSub) {
    here.publish("a", Bytes::from_static(b"early")).await.unwrap();
    let mut listener = there.subscribe("a").await.unwrap();
    here.publish("a", Bytes::from_static(b"now")).await.unwrap();
    assert_eq!(next(&mut listener).await, "now");
}

/// It hears how many messages it missed, and then the newest.
pub async fn a_slow_listener_is_told_that_it_missed(here: &dyn PubSub, _: &dyn PubSub) {
    let mut slow = here.subscribe("a").await.unwrap();
    for number in 0..5_000_u32 {
        here.publish("a", Bytes::copy_from_slice(&number.to_le_bytes()))
            .await
            .unwrap();
    }
    let Some(Notice::Missed(count)) = slow.next().await else {
        panic!("nothing was missed")
    };
    let first = next(&mut slow).await;
    assert_eq!(
        u64::from(u32::from_le_bytes(first[..].try_into().unwrap())),
        count
    );
}
