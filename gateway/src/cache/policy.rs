//! What a call wants of the cache: the configuration's word, and then the call's own headers.
//!
//! `x-brokle-cache: exact | refresh | off`, `x-brokle-cache-ttl: SECONDS`, `x-brokle-cache-namespace: NAME`, and
//! HTTP's own `cache-control: no-store` and `no-cache`, which mean `off` and `refresh`.

use std::time::Duration;

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use crate::config::{CacheConfig, CacheMode};

const NAMESPACE_CHARS_MAX: usize = 100;

/// What a call wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    /// Whether a kept answer will do.
    pub(crate) read: bool,
    /// Whether the answer may be kept.
    pub(crate) write: bool,
    /// Whether one to a question that means the same will do, and how alike they must be when the call says.
    pub(crate) semantic: bool,
    pub(crate) threshold: Option<f32>,
    pub(crate) time_to_live: Duration,
    /// Keeps answers of the same project apart.
    pub(crate) namespace: String,
}

/// A header that says nothing we understand. Written for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("`x-brokle-cache` must be `semantic`, `exact`, `refresh` or `off`")]
    Mode,
    #[error("`x-brokle-cache-ttl` must be a number of seconds from 1 to {0}")]
    TimeToLive(u64),
    #[error("`x-brokle-cache-threshold` must be a number from 0.5 to 1")]
    Threshold,
    #[error("`x-brokle-cache-namespace` must be 1 to {NAMESPACE_CHARS_MAX} letters, digits or any of `._:-`")]
    Namespace,
}

impl Policy {
    /// Nothing when the call has nothing to do with the cache.
    pub(crate) fn of(config: &CacheConfig, headers: &HeaderMap) -> Result<Option<Self>, PolicyError> {
        let Some((read, write)) = asked(config, headers)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            read,
            write,
            semantic: is_semantic(config, headers),
            threshold: threshold(headers)?,
            time_to_live: time_to_live(config, headers)?,
            namespace: namespace(headers)?,
        }))
    }
}

/// Whether to read, and whether to write.
fn asked(config: &CacheConfig, headers: &HeaderMap) -> Result<Option<(bool, bool)>, PolicyError> {
    let word = text(headers, "x-brokle-cache").ok_or(PolicyError::Mode)?;
    let by_header = match word.map(str::to_ascii_lowercase).as_deref() {
        None => {
            by_cache_control(headers).unwrap_or(matches!(config.mode, CacheMode::Exact | CacheMode::Semantic))
        }
        Some("exact" | "semantic") => true,
        Some("refresh") => return Ok((config.mode != CacheMode::Off).then_some((false, true))),
        Some("off") => false,
        Some(_) => return Err(PolicyError::Mode),
    };
    if !by_header || config.mode == CacheMode::Off {
        return Ok(None);
    }
    let refresh = word.is_none() && has_directive(headers, "no-cache");
    Ok(Some((!refresh, true)))
}

/// A refreshed answer is found by meaning as well, where that is the rule.
fn is_semantic(config: &CacheConfig, headers: &HeaderMap) -> bool {
    match text(headers, "x-brokle-cache").flatten() {
        Some(word) if !word.eq_ignore_ascii_case("refresh") => word.eq_ignore_ascii_case("semantic"),
        _ => config.mode == CacheMode::Semantic,
    }
}

fn threshold(headers: &HeaderMap) -> Result<Option<f32>, PolicyError> {
    let given = text(headers, "x-brokle-cache-threshold").ok_or(PolicyError::Threshold)?;
    let number = given
        .map(str::parse::<f32>)
        .transpose()
        .map_err(|_| PolicyError::Threshold)?;
    match number {
        Some(number) if !(0.5..=1.0).contains(&number) => Err(PolicyError::Threshold),
        number => Ok(number),
    }
}

/// `no-store` is a word against the cache; anything else says nothing for or against it.
fn by_cache_control(headers: &HeaderMap) -> Option<bool> {
    has_directive(headers, "no-store").then_some(false)
}

fn has_directive(headers: &HeaderMap, directive: &str) -> bool {
    let values = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(','));
    directives.any(|given| given.trim().eq_ignore_ascii_case(directive))
}

fn time_to_live(config: &CacheConfig, headers: &HeaderMap) -> Result<Duration, PolicyError> {
    let max = config.time_to_live_seconds_max;
    let error = PolicyError::TimeToLive(max);
    let seconds = match text(headers, "x-brokle-cache-ttl").ok_or(error.clone())? {
        None => config.time_to_live_seconds,
        Some(word) => word.parse().map_err(|_| error.clone())?,
    };
    if (1..=max).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(error)
    }
}

fn namespace(headers: &HeaderMap) -> Result<String, PolicyError> {
    let given = text(headers, "x-brokle-cache-namespace").ok_or(PolicyError::Namespace)?;
    let Some(name) = given else {
        return Ok(String::new());
    };
    let fits = (1..=NAMESPACE_CHARS_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    if fits {
        Ok(name.to_owned())
    } else {
        Err(PolicyError::Namespace)
    }
}

/// A header's text; the outer nothing when it is no text at all.
#[expect(clippy::option_option, reason = "absent and unreadable are different answers")]
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a str>> {
    match headers.get(name) {
        None => Some(None),
        Some(value) => value.to_str().ok().map(|text| Some(text.trim())),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn policy(
        mode: CacheMode,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Option<Policy>, PolicyError> {
        let config = CacheConfig {
            mode,
            ..CacheConfig::default()
        };
        let pairs = headers.iter();
        let map = pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Policy::of(&config, &map.collect())
    }

    fn reads_and_writes(mode: CacheMode, headers: &[(&'static str, &'static str)]) -> (bool, bool) {
        let policy = policy(mode, headers).unwrap();
        policy.map_or((false, false), |policy| (policy.read, policy.write))
    }

    #[test]
    fn the_header_goes_before_the_configuration() {
        use CacheMode::{Exact, Off, OnRequest};
        for (mode, headers, expected) in [
            (OnRequest, &[][..], (false, false)),
            (OnRequest, &[("x-brokle-cache", "exact")][..], (true, true)),
            (OnRequest, &[("x-brokle-cache", "refresh")][..], (false, true)),
            (Exact, &[][..], (true, true)),
            (OnRequest, &[("x-brokle-cache", "semantic")][..], (true, true)),
            (CacheMode::Semantic, &[][..], (true, true)),
            (Exact, &[("x-brokle-cache", "OFF")][..], (false, false)),
            (
                Exact,
                &[("cache-control", "max-age=0, no-store")][..],
                (false, false),
            ),
            (Exact, &[("cache-control", "no-cache")][..], (false, true)),
            (Off, &[("x-brokle-cache", "exact")][..], (false, false)),
            (Off, &[("x-brokle-cache", "refresh")][..], (false, false)),
        ] {
            assert_eq!(reads_and_writes(mode, headers), expected, "{mode:?} {headers:?}");
        }
    }

    #[test]
    fn words_that_mean_nothing_are_refused() {
        let refused = |name, value| policy(CacheMode::Exact, &[(name, value)]).unwrap_err();
        assert_eq!(refused("x-brokle-cache", "yes"), PolicyError::Mode);
        assert_eq!(
            refused("x-brokle-cache-ttl", "0"),
            PolicyError::TimeToLive(2_592_000)
        );
        assert_eq!(
            refused("x-brokle-cache-ttl", "1h"),
            PolicyError::TimeToLive(2_592_000)
        );
        assert_eq!(refused("x-brokle-cache-namespace", "a b"), PolicyError::Namespace);
        assert_eq!(refused("x-brokle-cache-threshold", "0.2"), PolicyError::Threshold);
    }

    #[test]
    fn a_call_says_how_long_and_where() {
        let headers = [
            ("x-brokle-cache-ttl", "60"),
            ("x-brokle-cache-namespace", "team:a"),
        ];
        let policy = policy(CacheMode::Exact, &headers).unwrap().unwrap();
        assert_eq!(policy.time_to_live, Duration::from_mins(1));
        assert_eq!(policy.namespace, "team:a");
    }
}
