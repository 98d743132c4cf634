//! Quotas: the contract, and what holds in process only.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use brokle_model::clock::{ManualClock, SharedClock};
use brokle_storage::quota::{Demand, QuotaStore as _, Standing, Verdict, Window};
use brokle_storage_cache::{MemoryQuota, Owed};
use chrono::{DateTime, TimeDelta};

fn start() -> Ready<(Arc<MemoryQuota>, Arc<ManualClock>)> {
    ready(with_counters(100_000))
}

brokle_storage::quota_contract!(start);

fn with_counters(counters_max: usize) -> (Arc<MemoryQuota>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(
        DateTime::from_timestamp_millis(1_763_812_800_123).unwrap(),
    ));
    let store = MemoryQuota::new(counters_max, Arc::clone(&clock) as SharedClock);
    (Arc::new(store), clock)
}

fn minute(key: &str, limit: u64, amount: u64) -> Demand {
    Demand {
        key: key.into(),
        window: Window::Sliding {
            period: Duration::from_mins(1),
        },
        limit,
        amount,
    }
}

async fn is_granted(store: &MemoryQuota, demand: &Demand) -> bool {
    let verdict = store.reserve(std::slice::from_ref(demand)).await.unwrap();
    matches!(verdict, Verdict::Granted { .. })
}

#[tokio::test]
async fn counters_at_zero_make_room_without_anything_being_forgotten() {
    let (store, clock) = with_counters(64 * 40);
    for round in 0..20 {
        for caller in 0..200 {
            assert!(is_granted(&store, &minute(&format!("{round}-{caller}"), 1, 1)).await);
        }
        clock.advance(TimeDelta::seconds(62));
    }
    assert_eq!(store.forgotten(), 0);
}

#[tokio::test]
async fn under_pressure_money_is_forgotten_last() {
    let (store, _) = with_counters(64 * 16);
    let month = Window::Until {
        until_ms: i64::MAX / 4,
    };
    for tenant in 0..100 {
        store.raise(&format!("tenant-{tenant}"), month, 7).await.unwrap();
    }
    for caller in 0..20_000 {
        assert!(is_granted(&store, &minute(&format!("caller-{caller}"), 1, 1)).await);
    }
    assert!(store.forgotten() > 10_000, "{} forgotten", store.forgotten());
    for tenant in 0..100 {
        let money = Demand {
            window: month,
            ..minute(&format!("tenant-{tenant}"), 7, 1)
        };
        assert!(!is_granted(&store, &money).await, "tenant {tenant}");
    }
}

#[tokio::test]
async fn a_clock_set_back_by_an_hour_does_not_block_for_an_hour() {
    let (store, clock) = with_counters(64);
    assert!(is_granted(&store, &minute("a", 1, 1)).await);
    clock.advance(TimeDelta::seconds(-30));
    assert!(!is_granted(&store, &minute("a", 1, 1)).await);
    clock.advance(TimeDelta::hours(-1));
    assert!(is_granted(&store, &minute("a", 1, 1)).await);
}

fn money(limit: u64, amount: u64) -> Demand {
    Demand {
        window: Window::Until {
            until_ms: i64::MAX / 4,
        },
        ..minute("money", limit, amount)
    }
}

fn standing(used: u64) -> Standing {
    Standing {
        used,
        limit: 100,
        retry_after: Duration::ZERO,
        reset_after: Duration::ZERO,
    }
}

#[tokio::test]
async fn a_stand_in_goes_on_from_what_the_shared_store_said_last() {
    let (store, clock) = with_counters(1_000);
    let demands = [minute("tokens", 100, 0), money(100, 0)];
    for said in [90, 20, 70] {
        store.observe(&demands, &[standing(said), standing(said)]);
        let stands = store.standing(&demands).await.unwrap();
        assert_eq!((stands[0].used, stands[1].used), (said, said));
    }
    assert!(!is_granted(&store, &minute("tokens", 100, 31)).await);
    assert!(is_granted(&store, &money(100, 30)).await);
    clock.advance(TimeDelta::seconds(62));
    assert!(is_granted(&store, &minute("tokens", 100, 100)).await);
    assert!(!is_granted(&store, &money(100, 1)).await);
}

#[tokio::test]
async fn a_stand_in_tells_once_what_it_counted_itself() {
    let (store, _) = with_counters(1_000);
    store.observe(&[money(100, 0)], &[standing(40)]);
    let Verdict::Granted { reservation, .. } = store.reserve(&[money(100, 30)]).await.unwrap() else {
        panic!("30 of 60 are granted")
    };
    let owed = |base, delta| Owed {
        key: "money".into(),
        until_ms: i64::MAX / 4,
        base,
        delta,
    };
    assert_eq!(store.take_owed(false), [owed(40, 30)]);
    assert_eq!(store.take_owed(false), []);
    store.settle(reservation, &[10]).await.unwrap();
    assert_eq!(store.take_owed(false), [owed(70, -20)]);
    assert_eq!(store.take_owed(true), [owed(50, 0)]);
}
