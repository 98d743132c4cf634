//! The stretches of time in which the traces of a page have rows. Reading them together would read all that
//! lies between; one condition per trace would make a long text. So near ones are merged, down to a few.

/// From one start time to another, both included, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) first_ns: i64,
    pub(crate) last_ns: i64,
}

/// The most windows in one statement.
const WINDOWS_MAX: usize = 24;
/// Windows nearer than this share their rows' granules anyway.
const NEAR_NS: i64 = 60 * 1_000_000_000;

/// At most [`WINDOWS_MAX`] windows that cover all of `windows`, in order of time, merged at their smallest gaps.
pub(crate) fn merge(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_by_key(|window| window.first_ns);
    let mut gaps: Vec<i64> = Vec::new();
    let mut end = i64::MIN;
    for window in &windows {
        gaps.push(window.first_ns.saturating_sub(end));
        end = end.max(window.last_ns);
    }
    let widest_merged = widest_merged_gap(&gaps);
    let mut merged: Vec<Window> = Vec::new();
    for (window, gap) in windows.into_iter().zip(gaps) {
        match merged.last_mut() {
            Some(last) if gap <= widest_merged => last.last_ns = last.last_ns.max(window.last_ns),
            _ => merged.push(window),
        }
    }
    merged
}

/// Gaps up to this width are closed, so that at most [`WINDOWS_MAX`] - 1 wider ones remain.
fn widest_merged_gap(gaps: &[i64]) -> i64 {
    let mut between: Vec<i64> = gaps.iter().skip(1).copied().collect();
    between.sort_unstable_by(|left, right| right.cmp(left));
    between
        .get(WINDOWS_MAX - 1)
        .copied()
        .unwrap_or(NEAR_NS)
        .max(NEAR_NS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn window(first_s: i64, last_s: i64) -> Window {
        Window {
            first_ns: first_s * SECOND,
            last_ns: last_s * SECOND,
        }
    }

    #[test]
    fn near_windows_become_one_and_far_ones_stay_apart() {
        assert_eq!(merge(vec![]), []);
        assert_eq!(
            merge(vec![
                window(500, 510),
                window(0, 5),
                window(30, 40),
                window(505, 507)
            ]),
            [window(0, 40), window(500, 510)]
        );
    }

    proptest! {
        #[test]
        fn windows_are_few_ordered_and_cover_everything(starts in prop::collection::vec((0_i64..10_000_000, 0_i64..50_000), 0..300)) {
            let windows: Vec<Window> = starts.into_iter().map(|(first, length)| window(first, first + length)).collect();
            let merged = merge(windows.clone());
            prop_assert!(merged.len() <= WINDOWS_MAX);
            prop_assert!(merged.windows(2).all(|pair| pair[0].last_ns < pair[1].first_ns));
            for window in windows {
                prop_assert!(merged.iter().any(|wide| wide.first_ns <= window.first_ns && window.last_ns <= wide.last_ns));
            }
        }
    }
}
