//! What is granted and refused, by window.

use std::time::Duration;

use brokle_model::clock::ManualClock;

use super::{HELD, MINUTE, advance_ms, demand, granted, now_ms, refused, this_hour, used};
use crate::quota::{QuotaStore, UNITS_MAX, Verdict, Window};

/// Up to the limit, by amounts of any size, with the counter told each time.
pub async fn each_window_grants_up_to_its_limit(store: &dyn QuotaStore, clock: &ManualClock) {
    for window in [MINUTE, HELD, this_hour(clock)] {
        for (amount, total) in [(3, 3), (0, 3), (6, 9), (1, 10)] {
            let (_, standings) = granted(store, &[demand("a", window, 10, amount)]).await;
            assert_eq!((standings[0].used, standings[0].remaining()), (total, 10 - total));
            assert_eq!(standings[0].retry_after, Duration::ZERO);
        }
        let (index, standings) = refused(store, &[demand("a", window, 10, 1)]).await;
        assert_eq!((index, standings[0].used, standings[0].limit), (0, 10, 10));
        assert!(standings[0].retry_after > Duration::ZERO);
        granted(store, &[demand("a", window, 10, 0)]).await;
        granted(store, &[demand("b", window, 10, 10)]).await;
    }
}

/// One demand that does not fit leaves all others as they were.
pub async fn a_refusal_takes_nothing_of_any_counter(store: &dyn QuotaStore, clock: &ManualClock) {
    let full = demand("full", MINUTE, 5, 5);
    granted(store, std::slice::from_ref(&full)).await;
    let demands = [
        demand("requests", MINUTE, 10, 1),
        demand("calls", HELD, 10, 1),
        demand("money", this_hour(clock), 10, 1),
        full,
        demand("last", MINUTE, 10, 1),
    ];
    let (index, standings) = refused(store, &demands).await;
    assert_eq!(index, 3);
    let stands: Vec<u64> = standings.iter().map(|standing| standing.used).collect();
    assert_eq!(stands, [0, 0, 0, 5, 0]);
    for (demand, stood) in demands.iter().zip(stands) {
        assert_eq!(used(store, demand).await, stood, "{demand:?}");
    }
}

/// Two demands of one call on the same counter count both, or neither.
pub async fn demands_on_one_counter_add_up(store: &dyn QuotaStore, clock: &ManualClock) {
    for window in [MINUTE, HELD, this_hour(clock)] {
        let half = demand("a", window, 10, 6);
        let (index, standings) = refused(store, &[half.clone(), half.clone()]).await;
        assert_eq!((index, standings[1].used), (1, 0));
        let less = demand("a", window, 10, 5);
        let (reservation, standings) = granted(store, &[less.clone(), less.clone()]).await;
        assert_eq!((standings[0].used, standings[1].used), (10, 10));
        store.settle(reservation, &[1, 2]).await.unwrap();
        let left = if window == HELD { 0 } else { 3 };
        assert_eq!(used(store, &less).await, left, "{window:?}");
    }
}

/// A key may name a counter of each window, and of each period.
pub async fn the_windows_of_one_key_are_separate(store: &dyn QuotaStore, clock: &ManualClock) {
    let second = Window::Sliding {
        period: Duration::from_secs(1),
    };
    for window in [MINUTE, second, HELD, this_hour(clock)] {
        granted(store, &[demand("a", window, 1, 1)]).await;
        refused(store, &[demand("a", window, 1, 1)]).await;
    }
}

/// Whatever comes when, no span of the period holds more than the limit, and most of it is usable.
pub async fn no_span_of_the_period_ever_holds_more_than_the_limit(
    store: &dyn QuotaStore,
    clock: &ManualClock,
) {
    const LIMIT: u64 = 40;
    const PERIOD_MS: i64 = 900;
    let window = Window::Sliding {
        period: Duration::from_millis(900),
    };
    let mut random = 0x2545_F491_u64;
    let mut taken: Vec<(i64, u64)> = Vec::new();
    for _ in 0..600 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        advance_ms(clock, i64::try_from((random >> 33) % 41).unwrap());
        let amount = (random >> 45) % 7;
        let demands = [demand("a", window, LIMIT, amount)];
        if let Verdict::Granted { .. } = store.reserve(&demands).await.unwrap() {
            taken.push((now_ms(clock), amount));
        }
    }
    let spans = taken.iter().map(|(end, _)| {
        let within = taken.iter().filter(|(at, _)| at <= end && *at > end - PERIOD_MS);
        within.map(|(_, amount)| amount).sum::<u64>()
    });
    let fullest = spans.max().unwrap();
    assert!(fullest <= LIMIT, "{fullest} units in one period");
    assert!(
        fullest > LIMIT - 7,
        "only {fullest} of {LIMIT} units could be used"
    );
}

/// A millisecond before the named wait is over the demand is still refused, and then it is granted.
pub async fn the_wait_that_a_refusal_names_is_exact(store: &dyn QuotaStore, clock: &ManualClock) {
    for window in [MINUTE, HELD] {
        granted(store, &[demand("a", window, 10, 4)]).await;
        advance_ms(clock, 7_003);
        granted(store, &[demand("a", window, 10, 6)]).await;
        let five = [demand("a", window, 10, 5)];
        let (_, standings) = refused(store, &five).await;
        let standing = standings[0];
        assert!(standing.reset_after >= standing.retry_after);
        assert_eq!(store.standing(&five).await.unwrap()[0], standing);
        let wait_ms = i64::try_from(standing.retry_after.as_millis()).unwrap();
        advance_ms(clock, wait_ms - 1);
        refused(store, &five).await;
        advance_ms(clock, 1);
        granted(store, &five).await;
    }
    let hour = this_hour(clock);
    granted(store, &[demand("a", hour, 10, 10)]).await;
    let (_, standings) = refused(store, &[demand("a", hour, 10, 1)]).await;
    assert_eq!(standings[0].retry_after, Duration::from_hours(1));
    assert_eq!(standings[0].reset_after, Duration::from_hours(1));
}

/// No amount overflows, a limit of zero grants nothing, and a limit may be as large as it likes.
pub async fn amounts_that_never_fit_are_refused(store: &dyn QuotaStore, clock: &ManualClock) {
    for window in [MINUTE, HELD, this_hour(clock)] {
        refused(store, &[demand("none", window, 0, 1)]).await;
        granted(store, &[demand("large", window, u64::MAX, UNITS_MAX - 5)]).await;
        granted(store, &[demand("large", window, u64::MAX, 5)]).await;
        refused(store, &[demand("large", window, UNITS_MAX, 1)]).await;
        refused(store, &[demand("huge", window, 10, u64::MAX)]).await;
        refused(store, &[demand("huge", window, u64::MAX, u64::MAX)]).await;
        let (_, standings) = refused(store, &[demand("small", window, 10, 11)]).await;
        assert_eq!(standings[0].retry_after, standings[0].reset_after);
        assert_eq!(
            used(store, &demand("large", window, u64::MAX, 0)).await,
            UNITS_MAX
        );
    }
}

/// Asking how a counter stands changes nothing and says whether the amount would fit.
pub async fn standing_takes_nothing(store: &dyn QuotaStore, clock: &ManualClock) {
    let window = this_hour(clock);
    let demands = [demand("a", MINUTE, 10, 10), demand("b", window, 10, 11)];
    for _ in 0..2 {
        let standings = store.standing(&demands).await.unwrap();
        assert_eq!((standings[0].used, standings[1].used), (0, 0));
        assert_eq!(standings[0].retry_after, Duration::ZERO);
        assert_eq!(standings[1].retry_after, Duration::from_hours(1));
    }
    assert!(store.standing(&[]).await.unwrap().is_empty());
    let (_, standings) = granted(store, &[]).await;
    assert!(standings.is_empty());
}

/// What was spent before a start comes back, once, however many nodes say so.
pub async fn a_calendar_counter_can_be_raised_and_is_never_lowered(
    store: &dyn QuotaStore,
    clock: &ManualClock,
) {
    let window = this_hour(clock);
    let money = demand("a", window, 100, 30);
    for (value, after) in [(40, 40), (40, 40), (10, 40), (60, 60)] {
        store.raise("a", window, value).await.unwrap();
        assert_eq!(used(store, &money).await, after);
    }
    let (_, standings) = granted(store, std::slice::from_ref(&money)).await;
    assert_eq!(standings[0].used, 90);
    refused(store, &[money]).await;
    store.raise("a", MINUTE, 1).await.unwrap_err();
    store.raise("a", HELD, 1).await.unwrap_err();
}
