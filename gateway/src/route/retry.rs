//! What to do after a failed attempt. A pure table over the class of the failure: whether time heals it,
//! whether another provider might, or whether the request itself is at fault.

use std::time::Duration;

use crate::config::{FallbackClass, RetryConfig};

const CONTEXT_WORDS: [&str; 7] = [
    "context_length_exceeded",
    "maximum context length",
    "context window",
    "prompt is too long",
    "input is too long",
    "exceeds the maximum number of tokens",
    "too many tokens",
];
const CONTENT_WORDS: [&str; 5] = [
    "content_filter",
    "content_policy",
    "responsibleaipolicyviolation",
    "content management policy",
    "safety system",
];

/// What kind of failure an attempt ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FailureClass {
    /// The request is wrong; it would be wrong anywhere.
    Request,
    /// The request is longer than the model can take; another model may.
    ContextWindow,
    /// The provider refuses what the request says; another one may not.
    ContentFilter,
    /// The provider refuses our credential, or its account has no money.
    Credential,
    /// The provider does not have that model.
    Model,
    /// The provider's format cannot express the request; another one's may.
    Unsupported,
    /// Too many requests.
    Rate,
    /// The provider failed, is overloaded, or cut the answer short.
    Server,
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// An answer that cannot be understood, or is beyond a limit.
    Malformed,
}

impl FailureClass {
    /// The low-cardinality word for metrics and `error.type`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "invalid_request",
            Self::ContextWindow => "context_window_exceeded",
            Self::ContentFilter => "content_filtered",
            Self::Credential => "provider_credential",
            Self::Model => "model_not_found",
            Self::Unsupported => "unsupported_by_provider",
            Self::Rate => "rate_limited",
            Self::Server => "provider_error",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed_answer",
        }
    }

    /// Whether it says something about the provider's health.
    pub(crate) const fn blames_provider(self) -> bool {
        !matches!(
            self,
            Self::Request | Self::Model | Self::Unsupported | Self::ContextWindow | Self::ContentFilter
        )
    }

    /// What providers call it when a request is too long, or its content is refused; each in its own words.
    pub(crate) fn refined(self, code: &str, message: &str) -> Self {
        if self != Self::Request {
            return self;
        }
        let message = message.to_ascii_lowercase();
        let says = |words: &[&str]| {
            words
                .iter()
                .any(|word| code.contains(word) || message.contains(word))
        };
        if says(&CONTEXT_WORDS) {
            Self::ContextWindow
        } else if says(&CONTENT_WORDS) {
            Self::ContentFilter
        } else {
            self
        }
    }

    /// The kind of targets that are kept for it.
    pub(crate) const fn fallback(self) -> Option<FallbackClass> {
        match self {
            Self::ContextWindow => Some(FallbackClass::ContextWindow),
            Self::ContentFilter => Some(FallbackClass::ContentFilter),
            Self::Rate => Some(FallbackClass::RateLimited),
            Self::Server | Self::Connect | Self::Timeout | Self::Malformed => {
                Some(FallbackClass::ProviderError)
            }
            Self::Request | Self::Credential | Self::Model | Self::Unsupported => None,
        }
    }

    /// The class of an HTTP status, refined by the error's own code when there is one.
    pub(crate) fn of(status: u16, code: &str) -> Self {
        match status {
            401..=403 => Self::Credential,
            404 => Self::Model,
            408 => Self::Timeout,
            429 if code == "insufficient_quota" => Self::Credential,
            429 => Self::Rate,
            409 | 425 | 500..=599 => Self::Server,
            _ => Self::Request,
        }
    }

    /// Whether the same target may do better a moment later.
    const fn heals(self) -> bool {
        matches!(self, Self::Rate | Self::Server | Self::Connect | Self::Malformed)
    }
}

/// The next step of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The same target again, after a pause.
    Again(Duration),
    /// The next target at once.
    Next,
    /// Give the caller the failure.
    Stop,
}

/// How far the call has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Attempts so far, all targets.
    pub(crate) attempts: u32,
    /// Attempts so far at this target.
    pub(crate) on_target: u32,
    /// Whether another target follows.
    pub(crate) more_targets: bool,
}

/// Decides. `jitter` is between 0 and 1.
pub(crate) fn decide(
    class: FailureClass,
    retry_after: Option<Duration>,
    progress: Progress,
    policy: &RetryConfig,
    jitter: f64,
) -> Step {
    if class == FailureClass::Request || progress.attempts >= policy.attempts_max {
        return Step::Stop;
    }
    let fallback = if progress.more_targets {
        Step::Next
    } else {
        Step::Stop
    };
    let limited_elsewhere = class == FailureClass::Rate && progress.more_targets;
    if !class.heals() || limited_elsewhere || progress.on_target > policy.per_target_max {
        return fallback;
    }
    match pause(retry_after, progress.on_target, policy, jitter) {
        Some(pause) => Step::Again(pause),
        None => fallback,
    }
}

/// The provider's own wish when it is not beyond the bound, else exponential backoff with half jitter.
fn pause(asked: Option<Duration>, on_target: u32, policy: &RetryConfig, jitter: f64) -> Option<Duration> {
    let longest = Duration::from_millis(policy.backoff_max_ms);
    if let Some(asked) = asked {
        return (asked <= longest).then_some(asked);
    }
    let doublings = on_target.saturating_sub(1).min(16);
    let full = Duration::from_millis(policy.backoff_ms.saturating_mul(1 << doublings)).min(longest);
    Some(full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Progress = Progress {
        attempts: 1,
        on_target: 1,
        more_targets: false,
    };

    fn step(class: FailureClass, retry_after: Option<u64>, progress: Progress) -> Step {
        let retry_after = retry_after.map(Duration::from_millis);
        decide(class, retry_after, progress, &RetryConfig::default(), 1.0)
    }

    #[test]
    fn a_wrong_request_is_never_repeated() {
        let progress = Progress {
            more_targets: true,
            ..FIRST
        };
        assert_eq!(step(FailureClass::Request, None, progress), Step::Stop);
    }

    #[test]
    fn a_server_error_is_repeated_once_and_then_passed_on() {
        assert_eq!(
            step(FailureClass::Server, None, FIRST),
            Step::Again(Duration::from_millis(200))
        );
        let second = Progress {
            attempts: 2,
            on_target: 2,
            more_targets: true,
        };
        assert_eq!(step(FailureClass::Server, None, second), Step::Next);
        assert_eq!(
            step(
                FailureClass::Server,
                None,
                Progress {
                    more_targets: false,
                    ..second
                }
            ),
            Step::Stop
        );
    }

    #[test]
    fn a_rate_limit_moves_on_when_it_can_and_waits_when_it_must() {
        let progress = Progress {
            more_targets: true,
            ..FIRST
        };
        assert_eq!(step(FailureClass::Rate, Some(100), progress), Step::Next);
        assert_eq!(
            step(FailureClass::Rate, Some(100), FIRST),
            Step::Again(Duration::from_millis(100))
        );
        assert_eq!(step(FailureClass::Rate, Some(60_000), FIRST), Step::Stop);
    }

    #[test]
    fn a_dead_key_or_a_missing_model_moves_on_at_once() {
        let progress = Progress {
            more_targets: true,
            ..FIRST
        };
        assert_eq!(step(FailureClass::Credential, None, progress), Step::Next);
        assert_eq!(step(FailureClass::Model, None, progress), Step::Next);
        assert_eq!(step(FailureClass::Credential, None, FIRST), Step::Stop);
    }

    #[test]
    fn attempts_are_bounded_over_all_targets() {
        let progress = Progress {
            attempts: 6,
            on_target: 1,
            more_targets: true,
        };
        assert_eq!(step(FailureClass::Server, None, progress), Step::Stop);
    }

    #[test]
    fn statuses_fall_into_their_classes() {
        let cases = [
            (400, "", FailureClass::Request),
            (401, "", FailureClass::Credential),
            (404, "", FailureClass::Model),
            (429, "insufficient_quota", FailureClass::Credential),
            (429, "rate_limit_exceeded", FailureClass::Rate),
            (503, "", FailureClass::Server),
            (529, "", FailureClass::Server),
        ];
        for (status, code, class) in cases {
            assert_eq!(FailureClass::of(status, code), class, "{status} {code}");
        }
    }
}
