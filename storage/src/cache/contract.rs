//! The suite that every cache passes: each function takes an empty cache and panics when a promise of the
//! trait is broken. [`crate::cache_contract`] names all of them.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a broken promise fails the caller's test"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Cache;

const MINUTE: Duration = Duration::from_mins(1);

/// Writes one test per promise: `cache_contract!(start)` where `start` is an async function that gives an
/// `Arc` of an empty cache.
#[macro_export]
macro_rules! cache_contract {
    ($start:path) => {
        $crate::cache_contract!(
            $start:
            a_value_is_there_until_it_is_deleted,
            a_value_replaces_another_with_its_time_to_live,
            a_value_without_time_to_live_is_never_returned,
            a_value_is_not_returned_late,
            any_bytes_come_back_as_they_were,
        );
    };
    ($start:path: $($promise:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let cache = $start().await;
                $crate::cache::contract::$promise(&*cache).await;
            }
        )+
    };
}

/// And only that one.
pub async fn a_value_is_there_until_it_is_deleted(cache: &dyn Cache) {
    cache.delete("k").await.unwrap();
    cache.set("k", Bytes::from_static(b"v"), MINUTE).await.unwrap();
    cache.set("l", Bytes::from_static(b"w"), MINUTE).await.unwrap();
    assert_eq!(cache.get("k").await.unwrap(), Some(Bytes::from_static(b"v")));
    cache.delete("k").await.unwrap();
    assert_eq!(cache.get("k").await.unwrap(), None);
    assert_eq!(cache.get("l").await.unwrap(), Some(Bytes::from_static(b"w")));
}

/// The first one's end is not the second one's.
pub async fn a_value_replaces_another_with_its_time_to_live(cache: &dyn Cache) {
    let short = Duration::from_millis(20);
    cache.set("k", Bytes::from_static(b"1"), short).await.unwrap();
    cache.set("l", Bytes::from_static(b"1"), short).await.unwrap();
    cache.set("k", Bytes::from_static(b"2"), MINUTE).await.unwrap();
    while cache.get("l").await.unwrap().is_some() {
        std::thread::yield_now();
    }
    assert_eq!(cache.get("k").await.unwrap(), Some(Bytes::from_static(b"2")));
}

/// It takes the place of what was there all the same.
pub async fn a_value_without_time_to_live_is_never_returned(cache: &dyn Cache) {
    cache.set("k", Bytes::from_static(b"1"), MINUTE).await.unwrap();
    cache
        .set("k", Bytes::from_static(b"2"), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(cache.get("k").await.unwrap(), None);
    cache
        .set("k", Bytes::from_static(b"3"), Duration::from_nanos(1))
        .await
        .unwrap();
    let stored = Instant::now();
    while cache.get("k").await.unwrap().is_some() {
        assert!(stored.elapsed() < Duration::from_secs(1));
    }
}

/// Once its time is over it is gone; before that it may be.
pub async fn a_value_is_not_returned_late(cache: &dyn Cache) {
    let time_to_live = Duration::from_millis(30);
    let stored = Instant::now();
    cache
        .set("k", Bytes::from_static(b"v"), time_to_live)
        .await
        .unwrap();
    let set = Instant::now();
    loop {
        let asked = set.elapsed();
        if cache.get("k").await.unwrap().is_none() {
            break;
        }
        assert!(asked < time_to_live + Duration::from_millis(2), "after {asked:?}");
    }
    assert!(stored.elapsed() < Duration::from_secs(5));
}

/// Large, empty, and not text.
pub async fn any_bytes_come_back_as_they_were(cache: &dyn Cache) {
    let large: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for (key, value) in [("", Bytes::new()), ("a key: *?\r\n\0", Bytes::from(large))] {
        cache.set(key, value.clone(), MINUTE).await.unwrap();
        assert_eq!(cache.get(key).await.unwrap(), Some(value));
    }
}
