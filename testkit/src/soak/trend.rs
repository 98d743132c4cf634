//! Whether a figure grows.

/// How a figure moved, over the last two thirds of what was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Trend {
    /// Of a straight line through the points, by least squares.
    pub(super) per_minute: f64,
    /// What that line gains over the time that it covers.
    pub(super) gain: f64,
    /// The mean of the last third of all points, less that of the first third.
    pub(super) last_less_first: f64,
    pub(super) mean: f64,
}

/// The trend of points of seconds and values, in the order of time.
pub(super) fn of(points: &[(f64, f64)]) -> Trend {
    let third = points.len() / 3;
    let (first, last_two) = points.split_at(third);
    let last = &points[points.len() - third..];
    let (mean_at, mean) = (
        mean_of(last_two, |point| point.0),
        mean_of(last_two, |point| point.1),
    );
    let spread: f64 = last_two.iter().map(|point| (point.0 - mean_at).powi(2)).sum();
    let together: f64 = last_two
        .iter()
        .map(|point| (point.0 - mean_at) * (point.1 - mean))
        .sum();
    let per_second = if spread > 0.0 { together / spread } else { 0.0 };
    let covered = match (last_two.first(), last_two.last()) {
        (Some(first), Some(last)) => last.0 - first.0,
        _ => 0.0,
    };
    Trend {
        per_minute: per_second * 60.0,
        gain: per_second * covered,
        last_less_first: mean_of(last, |point| point.1) - mean_of(first, |point| point.1),
        mean,
    }
}

fn mean_of(points: &[(f64, f64)], value: impl Fn(&(f64, f64)) -> f64) -> f64 {
    points.iter().map(value).sum::<f64>() / points.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_found_and_the_warm_up_is_not_part_of_it() {
        let points: Vec<(f64, f64)> = (0..90)
            .map(|at| f64::from(at) * 10.0)
            .map(|at| (at, if at < 300.0 { 0.0 } else { 100.0 + at / 60.0 }))
            .collect();
        let trend = of(&points);
        assert!((trend.per_minute - 1.0).abs() < 1e-9, "{trend:?}");
        assert!((trend.gain - 590.0 / 60.0).abs() < 1e-9, "{trend:?}");
        assert!(trend.last_less_first > 100.0);
        assert_eq!(of(&[]), Trend::default());
    }
}
