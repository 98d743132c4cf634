//! What a caller may decide for one call, by headers: never more than the configuration and its key permit.

use std::time::Duration;

use http::HeaderMap;

use crate::config::{RetryConfig, Strategy, TimeoutConfig};

const TARGETS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 512;

/// The names of the headers, for what must know them all.
pub(crate) const HEADERS: [&str; 8] = [
    "x-brokle-route",
    "x-brokle-targets",
    "x-brokle-provider",
    "x-brokle-strategy",
    "x-brokle-timeout-ms",
    "x-brokle-first-token-timeout-ms",
    "x-brokle-retries",
    "x-brokle-hedge-after-ms",
];

/// What one call asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// Go by this route, whatever `model` says.
    pub(crate) route: Option<String>,
    /// Try these, as `provider/model`, in this order.
    pub(crate) targets: Vec<String>,
    /// Only this provider.
    pub(crate) provider: Option<String>,
    pub(crate) strategy: Option<Strategy>,
    total: Option<Duration>,
    first_token: Option<Duration>,
    retries: Option<u32>,
    pub(crate) hedge_after: Option<Duration>,
    /// The headers that were sent, for the span.
    pub(crate) sent: Vec<&'static str>,
}

/// A header that cannot be followed. Written for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{header}` must be {expected}")]
pub(crate) struct OverrideError {
    header: &'static str,
    expected: String,
}

impl Overrides {
    /// Reads the headers; nothing may be asked for that is more than is configured.
    pub(crate) fn read(
        headers: &HeaderMap,
        timeouts: &TimeoutConfig,
        retries: &RetryConfig,
    ) -> Result<Self, OverrideError> {
        let mut overrides = Self::default();
        for header in HEADERS {
            let Some(value) = headers.get(header) else {
                continue;
            };
            let text = value.to_str().unwrap_or_default().trim();
            if text.is_empty() || text.len() > NAME_BYTES_MAX * TARGETS_MAX {
                return Err(wrong(header, "a short text of visible ASCII characters"));
            }
            overrides.sent.push(header);
            overrides.take(header, text, timeouts, retries)?;
        }
        Ok(overrides)
    }

    fn take(
        &mut self,
        header: &'static str,
        text: &str,
        timeouts: &TimeoutConfig,
        retries: &RetryConfig,
    ) -> Result<(), OverrideError> {
        match header {
            "x-brokle-route" => self.route = Some(text.to_owned()),
            "x-brokle-targets" => self.targets = targets(header, text)?,
            "x-brokle-provider" => self.provider = Some(text.to_owned()),
            "x-brokle-strategy" => self.strategy = Some(strategy(header, text)?),
            "x-brokle-timeout-ms" => self.total = Some(millis(header, text, timeouts.total_ms)?),
            "x-brokle-first-token-timeout-ms" => {
                self.first_token = Some(millis(header, text, timeouts.first_token_ms)?);
            }
            "x-brokle-retries" => {
                let most = u64::from(retries.attempts_max.saturating_sub(1));
                let wanted = number(header, text, 0, most)?;
                self.retries = Some(u32::try_from(wanted).unwrap_or(u32::MAX));
            }
            _ => self.hedge_after = Some(millis(header, text, timeouts.total_ms)?),
        }
        Ok(())
    }

    /// The timeouts of this call.
    pub(crate) fn timeouts(&self, configured: &TimeoutConfig) -> TimeoutConfig {
        let ms = |wanted: Option<Duration>, configured: u64| {
            wanted.map_or(configured, |wanted| {
                u64::try_from(wanted.as_millis()).unwrap_or(configured)
            })
        };
        TimeoutConfig {
            total_ms: ms(self.total, configured.total_ms),
            first_token_ms: ms(self.first_token, configured.first_token_ms),
            ..*configured
        }
    }

    /// How often this call may be tried.
    pub(crate) fn retries(&self, configured: &RetryConfig) -> RetryConfig {
        match self.retries {
            None => *configured,
            Some(retries) => RetryConfig {
                attempts_max: retries + 1,
                per_target_max: configured.per_target_max.min(retries),
                ..*configured
            },
        }
    }
}

fn wrong(header: &'static str, expected: impl Into<String>) -> OverrideError {
    OverrideError {
        header,
        expected: expected.into(),
    }
}

fn targets(header: &'static str, text: &str) -> Result<Vec<String>, OverrideError> {
    let targets: Vec<String> = text.split(',').map(|target| target.trim().to_owned()).collect();
    let good = |target: &String| {
        let names = target.split_once('/');
        names.is_some_and(|(provider, model)| !provider.is_empty() && !model.is_empty())
    };
    if targets.len() > TARGETS_MAX || !targets.iter().all(good) {
        return Err(wrong(
            header,
            format!("one to {TARGETS_MAX} of `provider/model`, separated by commas"),
        ));
    }
    Ok(targets)
}

fn strategy(header: &'static str, text: &str) -> Result<Strategy, OverrideError> {
    let known = Strategy::ALL
        .into_iter()
        .find(|strategy| strategy.as_str() == text);
    known.ok_or_else(|| {
        let words: Vec<&str> = Strategy::ALL.iter().map(|strategy| strategy.as_str()).collect();
        wrong(header, format!("one of {}", words.join(", ")))
    })
}

fn millis(header: &'static str, text: &str, most: u64) -> Result<Duration, OverrideError> {
    number(header, text, 1, most).map(Duration::from_millis)
}

fn number(header: &'static str, text: &str, least: u64, most: u64) -> Result<u64, OverrideError> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| wrong(header, format!("a whole number from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<Overrides, String> {
        let pairs = pairs.iter().map(|&(name, value)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let (timeouts, retries) = (TimeoutConfig::default(), RetryConfig::default());
        Overrides::read(&pairs.collect(), &timeouts, &retries).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_call_asks_for_replaces_what_is_configured_and_never_exceeds_it() {
        let overrides = read(&[("x-brokle-timeout-ms", "1500"), ("x-brokle-retries", "0")]).unwrap();
        let timeouts = overrides.timeouts(&TimeoutConfig::default());
        assert_eq!((timeouts.total_ms, timeouts.first_token_ms), (1_500, 60_000));
        let retries = overrides.retries(&RetryConfig::default());
        assert_eq!((retries.attempts_max, retries.per_target_max), (1, 0));
        assert_eq!(
            read(&[("x-brokle-retries", "6")]).unwrap_err(),
            "`x-brokle-retries` must be a whole number from 0 to 5"
        );
        assert_eq!(
            read(&[("x-brokle-timeout-ms", "600001")]).unwrap_err(),
            "`x-brokle-timeout-ms` must be a whole number from 1 to 600000"
        );
    }

    #[test]
    fn words_that_are_not_known_are_answered_with_those_that_are() {
        assert!(
            read(&[("x-brokle-strategy", "best")])
                .unwrap_err()
                .contains("least_used")
        );
        assert!(read(&[("x-brokle-targets", "openai")]).is_err());
        assert!(read(&[("x-brokle-route", "")]).is_err());
        let targets = read(&[("x-brokle-targets", "a/b, c/d/e")]).unwrap().targets;
        assert_eq!(targets, ["a/b", "c/d/e"]);
        assert_eq!(read(&[]).unwrap(), Overrides::default());
    }
}
