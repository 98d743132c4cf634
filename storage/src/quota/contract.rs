//! The suite that every quota store passes: each function takes an empty store and the clock that it goes
//! by, and panics when a promise of the trait is broken. [`crate::quota_contract`] names all of them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken promise fails the caller's test"
)]

mod callers;
mod settling;
mod windows;

use std::time::Duration;

use brokle_model::clock::ManualClock;

use super::{Demand, QuotaStore, Reservation, Standing, Verdict, Window};

pub use callers::{CALLERS, Crowd};
pub use settling::{
    a_settled_amount_replaces_the_reserved_one, held_units_come_back_when_settled_or_with_their_lease,
    settling_again_changes_nothing, settling_credits_the_slot_that_was_reserved,
    settling_needs_an_amount_for_each_demand, what_is_settled_may_exceed_the_limit,
};
pub use windows::{
    a_calendar_counter_can_be_raised_and_is_never_lowered, a_refusal_takes_nothing_of_any_counter,
    amounts_that_never_fit_are_refused, demands_on_one_counter_add_up, each_window_grants_up_to_its_limit,
    no_span_of_the_period_ever_holds_more_than_the_limit, standing_takes_nothing,
    the_wait_that_a_refusal_names_is_exact, the_windows_of_one_key_are_separate,
};

/// Writes one test per promise: `quota_contract!(start)` where `start` is an async function that gives an
/// `Arc` of an empty store and an `Arc` of the [`ManualClock`] that it goes by.
#[macro_export]
macro_rules! quota_contract {
    ($start:path) => {
        $crate::quota_contract!(
            $start:
            each_window_grants_up_to_its_limit,
            a_refusal_takes_nothing_of_any_counter,
            demands_on_one_counter_add_up,
            the_windows_of_one_key_are_separate,
            no_span_of_the_period_ever_holds_more_than_the_limit,
            the_wait_that_a_refusal_names_is_exact,
            amounts_that_never_fit_are_refused,
            standing_takes_nothing,
            a_calendar_counter_can_be_raised_and_is_never_lowered,
            a_settled_amount_replaces_the_reserved_one,
            settling_credits_the_slot_that_was_reserved,
            what_is_settled_may_exceed_the_limit,
            settling_again_changes_nothing,
            settling_needs_an_amount_for_each_demand,
            held_units_come_back_when_settled_or_with_their_lease,
        );

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn callers_at_once_get_the_limit_and_no_more() {
            let (store, _clock) = $start().await;
            let crowd = std::sync::Arc::new($crate::quota::contract::Crowd::default());
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..$crate::quota::contract::CALLERS {
                let (store, crowd) = (std::sync::Arc::clone(&store), std::sync::Arc::clone(&crowd));
                callers.spawn(async move { crowd.call_repeatedly(&*store).await });
            }
            callers.join_all().await;
            crowd.check(&*store).await;
        }
    };
    ($start:path: $($promise:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let (store, clock) = $start().await;
                $crate::quota::contract::$promise(&*store, &clock).await;
            }
        )+
    };
}

const MINUTE: Window = Window::Sliding {
    period: Duration::from_mins(1),
};
const HELD: Window = Window::Held {
    lease: Duration::from_mins(5),
};

/// A calendar period with an hour to go.
fn this_hour(clock: &ManualClock) -> Window {
    Window::Until {
        until_ms: now_ms(clock) + 3_600_000,
    }
}

fn demand(key: &str, window: Window, limit: u64, amount: u64) -> Demand {
    Demand {
        key: key.into(),
        window,
        limit,
        amount,
    }
}

fn now_ms(clock: &ManualClock) -> i64 {
    use brokle_model::clock::Clock as _;
    clock.now().timestamp_millis()
}

fn advance_ms(clock: &ManualClock, ms: i64) {
    clock.advance(chrono::Duration::milliseconds(ms));
}

async fn granted(store: &dyn QuotaStore, demands: &[Demand]) -> (Reservation, Vec<Standing>) {
    match store.reserve(demands).await.unwrap() {
        Verdict::Granted {
            reservation,
            standings,
        } => (reservation, standings),
        Verdict::Refused { .. } => panic!("refused: {demands:?}"),
    }
}

async fn refused(store: &dyn QuotaStore, demands: &[Demand]) -> (usize, Vec<Standing>) {
    match store.reserve(demands).await.unwrap() {
        Verdict::Refused { index, standings } => (index, standings),
        Verdict::Granted { .. } => panic!("granted: {demands:?}"),
    }
}

async fn used(store: &dyn QuotaStore, demand: &Demand) -> u64 {
    let standings = store.standing(std::slice::from_ref(demand)).await.unwrap();
    assert_eq!(standings.len(), 1);
    standings[0].used
}
