//! Two attempts of one call in a race: the second begins when the first has not answered for a while. The answer
//! that begins first is the call's; the other attempt is ended at once, and counts for what it may have cost.

use std::time::Duration;

use super::attempts::{Missed, Work, one};
use crate::attempt::Success;
use crate::record::{CallGuard, OUTRUN, RaceEnd};
use crate::route::Target;

type Outcome = Result<Success, Missed>;

/// Who was first.
enum Race {
    /// The first attempt; the second may have failed before.
    First(Outcome, Option<Missed>),
    /// The second attempt; the first may have failed before.
    Second(Success, Option<Missed>),
}

/// Runs one or two attempts; the one whose outcome this gives is the call's last.
pub(super) async fn run(
    work: Work<'_>,
    call: &mut CallGuard,
    (first, second): (&Target, &Target),
    after: Duration,
) -> Outcome {
    let race = {
        let (record, sibling) = call.race();
        let running = one(work, record, first);
        tokio::pin!(running);
        tokio::select! {
            biased;
            outcome = &mut running => Race::First(outcome, None),
            () = tokio::time::sleep(after) => {
                let chasing = one(work, sibling, second);
                tokio::pin!(chasing);
                tokio::select! {
                    outcome = &mut running => match outcome {
                        Ok(success) => Race::First(Ok(success), None),
                        Err(missed) => match chasing.await {
                            Ok(success) => Race::Second(success, Some(missed)),
                            Err(other) => Race::First(Err(missed), Some(other)),
                        },
                    },
                    outcome = &mut chasing => match outcome {
                        Ok(success) => Race::Second(success, None),
                        Err(missed) => Race::First(running.await, Some(missed)),
                    },
                }
            }
        }
    };
    match race {
        Race::First(outcome, other) => {
            call.end_race(
                RaceEnd::FirstWon,
                other.map(|missed| missed.failed.record()),
                OUTRUN,
            );
            outcome
        }
        Race::Second(success, other) => {
            call.end_race(
                RaceEnd::SecondWon,
                other.map(|missed| missed.failed.record()),
                OUTRUN,
            );
            Ok(success)
        }
    }
}
