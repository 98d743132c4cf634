//! What a destination's answer means for an export, over both protocols.
//!
//! OTLP says which failures are worth another try. One rule is ours: a destination that refuses our credential has
//! nothing against the content, so the export waits until somebody has set that right.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::{HeaderMap, StatusCode, header};

use crate::otlp::wire::{Fields, Value};

/// Destinations may ask for patience, not for ever.
const WAIT_MAX: Duration = Duration::from_mins(5);
/// What is kept of a destination's words.
const MESSAGE_CHARACTERS_MAX: usize = 300;

/// What came of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was taken, but for some items.
    Taken {
        /// Items that the destination will not have.
        rejected: u64,
        /// What it says about them.
        message: String,
    },
    /// It will never be taken as it is.
    Refused {
        /// A stable word, for figures.
        reason: &'static str,
        /// What was said.
        message: String,
    },
    /// It may be taken later.
    Later {
        /// A stable word, for figures.
        reason: &'static str,
        /// When it is worth trying again, if that was said.
        after: Option<Duration>,
        /// What was said.
        message: String,
    },
}

impl Answer {
    pub(crate) fn later(reason: &'static str, message: impl std::fmt::Display) -> Self {
        Self::Later {
            reason,
            after: None,
            message: shorten(&message.to_string()),
        }
    }
}

/// The answer to an export over HTTP.
pub(crate) fn of_http(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    if status.is_success() {
        return taken(body);
    }
    let said = RpcStatus::read(body).unwrap_or_default();
    let message = shorten(&format!("{status} {}", said.message));
    let after = retry_after(headers).or(said.retry_after);
    match status.as_u16() {
        429 | 502..=504 => Answer::Later {
            reason: "overloaded",
            after,
            message,
        },
        401 | 403 => Answer::Later {
            reason: "unauthorized",
            after,
            message,
        },
        408 => Answer::Later {
            reason: "timeout",
            after,
            message,
        },
        413 => Answer::Refused {
            reason: "too_large",
            message,
        },
        _ => Answer::Refused {
            reason: "invalid",
            message,
        },
    }
}

/// The answer to an export over gRPC; `headers` are those of the status, which may be the trailers.
pub(crate) fn of_grpc(headers: &HeaderMap, message: &[u8]) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(code) = text("grpc-status").and_then(|code| code.parse::<u32>().ok()) else {
        return Answer::later("protocol", "the answer has no grpc-status");
    };
    if code == 0 {
        return taken(message);
    }
    let details = text("grpc-status-details-bin").and_then(|text| {
        let text = text.trim_end_matches('=');
        STANDARD_NO_PAD
            .decode(text)
            .or_else(|_| STANDARD.decode(text))
            .ok()
    });
    let said = details
        .and_then(|details| RpcStatus::read(&details))
        .unwrap_or_default();
    let message = shorten(&format!(
        "code {code} {}",
        text("grpc-message").unwrap_or(&said.message)
    ));
    let after = said.retry_after;
    match code {
        // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
        1 | 4 | 10 | 11 | 14 | 15 => Answer::Later {
            reason: "overloaded",
            after,
            message,
        },
        // RESOURCE_EXHAUSTED is worth another try only when the destination says when.
        8 if after.is_some() => Answer::Later {
            reason: "overloaded",
            after,
            message,
        },
        8 => Answer::Refused {
            reason: "too_large",
            message,
        },
        // PERMISSION_DENIED, UNAUTHENTICATED.
        7 | 16 => Answer::Later {
            reason: "unauthorized",
            after,
            message,
        },
        _ => Answer::Refused {
            reason: "invalid",
            message,
        },
    }
}

/// `Export*ServiceResponse`: a partial success, or nothing.
fn taken(body: &[u8]) -> Answer {
    let (mut rejected, mut message) = (0, String::new());
    let partial = Fields::new(body).flatten().find(|field| field.number == 1);
    if let Some(Value::Bytes(partial)) = partial.map(|field| field.value) {
        for field in Fields::new(partial).flatten() {
            match (field.number, field.value) {
                // Negative numbers are nothing that could be meant.
                (1, Value::Varint(number)) => rejected = u64::try_from(number.cast_signed()).unwrap_or(0),
                (2, Value::Bytes(text)) => message = shorten(&String::from_utf8_lossy(text)),
                _ => {}
            }
        }
    }
    Answer::Taken { rejected, message }
}

/// `Retry-After`, in seconds; as a date it is not used by anything that speaks OTLP.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    text.parse().ok().map(Duration::from_secs).map(bounded)
}

fn bounded(wait: Duration) -> Duration {
    wait.min(WAIT_MAX)
}

/// `google.rpc.Status`, as far as it matters.
#[derive(Debug, Default)]
struct RpcStatus {
    message: String,
    retry_after: Option<Duration>,
}

impl RpcStatus {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut status = Self::default();
        for field in Fields::new(bytes) {
            let field = field.ok()?;
            match (field.number, field.value) {
                (2, Value::Bytes(text)) => status.message = shorten(&String::from_utf8_lossy(text)),
                (3, Value::Bytes(detail)) => {
                    status.retry_after = status.retry_after.or_else(|| retry_info(detail));
                }
                _ => {}
            }
        }
        Some(status)
    }
}

/// A `google.protobuf.Any` that holds a `RetryInfo`.
fn retry_info(any: &[u8]) -> Option<Duration> {
    let bytes_of = |message, number| {
        Fields::new(message)
            .flatten()
            .filter(|field| field.number == number)
            .find_map(|field| field.bytes().ok())
    };
    let kind = bytes_of(any, 1)?;
    if !kind.ends_with(b"google.rpc.RetryInfo") {
        return None;
    }
    let delay = bytes_of(bytes_of(any, 2)?, 1)?;
    let number_of = |number| {
        let found = Fields::new(delay).flatten().find(|field| field.number == number);
        found.and_then(|field| field.varint().ok()).unwrap_or(0)
    };
    let nanos = u32::try_from(number_of(2))
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    Some(bounded(
        Duration::from_secs(number_of(1)) + Duration::from_nanos(u64::from(nanos)),
    ))
}

fn shorten(text: &str) -> String {
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().take(MESSAGE_CHARACTERS_MAX).map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::status::{Detail, RpcStatus as Written};

    fn status(delay: Option<Duration>) -> Vec<u8> {
        Written {
            code: tonic::Code::Unavailable,
            message: "busy".to_owned(),
            detail: delay.map(Detail::RetryInfo),
        }
        .to_protobuf()
    }

    #[test]
    fn statuses_of_http_are_told_apart() {
        let none = HeaderMap::new();
        let of = |code: u16| of_http(StatusCode::from_u16(code).unwrap(), &none, &[]);
        for code in [429, 502, 503, 504, 401, 403, 408] {
            assert!(matches!(of(code), Answer::Later { .. }), "{code}");
        }
        for code in [400, 404, 413, 415, 500, 501] {
            assert!(matches!(of(code), Answer::Refused { .. }), "{code}");
        }
    }

    #[test]
    fn hints_to_wait_are_found_wherever_they_are() {
        let mut headers = HeaderMap::new();
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let after = |answer| match answer {
            Answer::Later { after, .. } => after,
            other => panic!("{other:?}"),
        };
        let body = status(Some(Duration::from_millis(1500)));
        assert_eq!(
            after(of_http(unavailable, &headers, &body)),
            Some(Duration::from_millis(1500))
        );
        headers.insert(header::RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(
            after(of_http(unavailable, &headers, &body)),
            Some(Duration::from_secs(7))
        );
        headers.insert(header::RETRY_AFTER, "999999".parse().unwrap());
        assert_eq!(after(of_http(unavailable, &headers, &[])), Some(WAIT_MAX));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "8".parse().unwrap());
        assert!(matches!(of_grpc(&trailers, &[]), Answer::Refused { .. }));
        trailers.insert(
            "grpc-status-details-bin",
            STANDARD_NO_PAD.encode(&body).parse().unwrap(),
        );
        assert_eq!(after(of_grpc(&trailers, &[])), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn a_partial_success_says_how_many_are_missing() {
        let mut partial = crate::otlp::encode::Encoder::default();
        partial.message(1, |partial| {
            partial.varint(1, 3);
            partial.bytes(2, b"too old");
        });
        let expected = Answer::Taken {
            rejected: 3,
            message: "too old".to_owned(),
        };
        assert_eq!(
            of_http(StatusCode::OK, &HeaderMap::new(), &partial.into_bytes()),
            expected
        );
        let nothing = Answer::Taken {
            rejected: 0,
            message: String::new(),
        };
        assert_eq!(
            of_http(StatusCode::OK, &HeaderMap::new(), b"not protobuf"),
            nothing
        );
    }
}
