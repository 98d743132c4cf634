//! What settling does to what was reserved.

use std::time::Duration;

use brokle_model::clock::ManualClock;

use super::{HELD, MINUTE, advance_ms, demand, granted, refused, this_hour, used};
use crate::quota::QuotaStore;

/// Less gives back at once, more takes.
pub async fn a_settled_amount_replaces_the_reserved_one(store: &dyn QuotaStore, clock: &ManualClock) {
    for window in [MINUTE, this_hour(clock)] {
        let tokens = demand("tokens", window, 100, 60);
        let (first, _) = granted(store, std::slice::from_ref(&tokens)).await;
        refused(store, std::slice::from_ref(&tokens)).await;
        store.settle(first, &[25]).await.unwrap();
        assert_eq!(used(store, &tokens).await, 25);
        let (second, _) = granted(store, std::slice::from_ref(&tokens)).await;
        store.settle(second, &[70]).await.unwrap();
        assert_eq!(used(store, &tokens).await, 95);
        let (third, _) = granted(store, &[demand("tokens", window, 100, 5)]).await;
        store.settle(third, &[0]).await.unwrap();
        assert_eq!(used(store, &tokens).await, 95);
        let (unknown, _) = granted(store, &[demand("tokens", window, 100, 0)]).await;
        store.settle(unknown, &[3]).await.unwrap();
        assert_eq!(used(store, &tokens).await, 98);
    }
}

/// A call that took half of the period counts from its beginning, and one that took longer not at all.
pub async fn settling_credits_the_slot_that_was_reserved(store: &dyn QuotaStore, clock: &ManualClock) {
    let tokens = demand("tokens", MINUTE, 100, 10);
    let (quick, standings) = granted(store, std::slice::from_ref(&tokens)).await;
    let lapses_after_ms = i64::try_from(standings[0].reset_after.as_millis()).unwrap();
    advance_ms(clock, 30_000);
    let (slow, _) = granted(store, std::slice::from_ref(&tokens)).await;
    store.settle(quick, &[80]).await.unwrap();
    assert_eq!(used(store, &tokens).await, 90);
    advance_ms(clock, lapses_after_ms - 30_000);
    assert_eq!(used(store, &tokens).await, 10);
    advance_ms(clock, 120_000);
    assert_eq!(used(store, &tokens).await, 0);
    store.settle(slow, &[50]).await.unwrap();
    assert_eq!(used(store, &tokens).await, 0);
}

/// The work is done: it counts, and the next is refused until there is room.
pub async fn what_is_settled_may_exceed_the_limit(store: &dyn QuotaStore, clock: &ManualClock) {
    for window in [MINUTE, this_hour(clock)] {
        let money = demand("money", window, 10, 1);
        let (reservation, _) = granted(store, std::slice::from_ref(&money)).await;
        store.settle(reservation, &[25]).await.unwrap();
        let (_, standings) = refused(store, &[money]).await;
        assert_eq!((standings[0].used, standings[0].remaining()), (25, 0));
        refused(store, &[demand("money", window, 10, 0)]).await;
        granted(store, &[demand("money", window, 30, 5)]).await;
    }
}

/// A reservation counts once, however often it is settled and with what.
pub async fn settling_again_changes_nothing(store: &dyn QuotaStore, clock: &ManualClock) {
    let demands = [
        demand("tokens", MINUTE, 100, 60),
        demand("money", this_hour(clock), 100, 60),
        demand("calls", HELD, 2, 1),
    ];
    let (reservation, _) = granted(store, &demands).await;
    let (_other, _) = granted(store, &[demand("calls", HELD, 2, 1)]).await;
    for amount in [30, 30, 0, 90] {
        store.settle(reservation.clone(), &[amount; 3]).await.unwrap();
        for (demand, stood) in demands.iter().zip([30, 30, 1]) {
            assert_eq!(used(store, demand).await, stood, "{demand:?}");
        }
    }
}

/// A defect of the caller is told, and leaves the reservation to be settled right.
pub async fn settling_needs_an_amount_for_each_demand(store: &dyn QuotaStore, _: &ManualClock) {
    let calls = demand("calls", HELD, 1, 1);
    let (reservation, _) = granted(store, std::slice::from_ref(&calls)).await;
    store.settle(reservation.clone(), &[]).await.unwrap_err();
    store.settle(reservation.clone(), &[0, 0]).await.unwrap_err();
    assert_eq!(used(store, &calls).await, 1);
    store.settle(reservation, &[0]).await.unwrap();
    assert_eq!(used(store, &calls).await, 0);
}

/// What a node that died held comes back, and settling after that takes nothing from others.
pub async fn held_units_come_back_when_settled_or_with_their_lease(
    store: &dyn QuotaStore,
    clock: &ManualClock,
) {
    let call = demand("calls", HELD, 2, 1);
    let (first, standings) = granted(store, std::slice::from_ref(&call)).await;
    assert_eq!(standings[0].reset_after, Duration::from_mins(5));
    advance_ms(clock, 60_000);
    let (second, _) = granted(store, std::slice::from_ref(&call)).await;
    let (_, standings) = refused(store, std::slice::from_ref(&call)).await;
    assert_eq!(standings[0].retry_after, Duration::from_mins(4));
    store.settle(second, &[1]).await.unwrap();
    assert_eq!(used(store, &call).await, 1);
    advance_ms(clock, 4 * 60_000);
    assert_eq!(used(store, &call).await, 0);
    granted(store, std::slice::from_ref(&call)).await;
    store.settle(first, &[0]).await.unwrap();
    assert_eq!(used(store, &call).await, 1);
}
