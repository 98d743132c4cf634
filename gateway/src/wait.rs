//! How long a provider asks us to wait, in any of the headers that providers use for it.

use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;

/// Reads the wish.
#[derive(Debug)]
pub(crate) struct RetryAfter;

impl RetryAfter {
    /// Milliseconds where they are given, else seconds, else a date relative to the answer's own `date`:
    /// the provider's clock, so that ours need not agree with it.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Duration> {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::trim)
        };
        let millis = text("retry-after-ms")
            .or(text("x-ms-retry-after-ms"))
            .and_then(|text| text.parse().ok());
        if let Some(millis) = millis {
            return seconds(millis).map(|duration| duration / 1000);
        }
        let after = text("retry-after")?;
        if let Ok(after) = after.parse() {
            return seconds(after);
        }
        let until = DateTime::parse_from_rfc2822(after).ok()?;
        let now = DateTime::parse_from_rfc2822(text("date")?).ok()?;
        Some((until - now).to_std().unwrap_or(Duration::ZERO))
    }
}

fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let map = headers.iter().map(|&(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        RetryAfter::from_headers(&map.collect())
    }

    #[test]
    fn every_form_of_the_wish_is_understood() {
        assert_eq!(
            wait(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(
            wait(&[("x-ms-retry-after-ms", "40")]),
            Some(Duration::from_millis(40))
        );
        assert_eq!(wait(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        let dates = [
            ("retry-after", "Wed, 21 Oct 2026 07:28:05 GMT"),
            ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ];
        assert_eq!(wait(&dates), Some(Duration::from_secs(5)));
        for nonsense in ["-1", "soon", "NaN"] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None);
        }
    }
}
