//! A conformance case, and what an answer is compared with.

use brokle_model::telemetry::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::Code;

use super::fakes::GOOD_KEY;
use super::payload;

pub(super) const PROTOBUF: &str = "application/x-protobuf";
pub(super) const JSON: &str = "application/json";

/// One request and what must come of it.
pub(super) struct Case {
    pub(super) signal: Signal,
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) expected: Expected,
}

/// What must come of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) outcome: Outcome,
    pub(super) stored: Vec<&'static str>,
}

/// What an answer says, in either encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing but success: an empty message.
    Full,
    /// So many items were refused, and a reason was given.
    Partial(i64),
    /// A `google.rpc.Status` with a message.
    Failure(Code, Retry),
}

/// Whether a failure says when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    After,
}

/// Makes the cases of one signal.
#[derive(Clone, Copy)]
pub(super) struct Kit(pub(super) Signal);

impl Kit {
    /// A good protobuf request.
    pub(super) fn protobuf(self, name: &'static str) -> Case {
        Case {
            signal: self.0,
            name,
            method: "POST",
            path: self.path(),
            headers: vec![
                ("content-type", PROTOBUF.to_owned()),
                ("x-api-key", GOOD_KEY.to_owned()),
            ],
            body: payload::of(self.0, &[true]),
            expected: Expected {
                status: 200,
                content_type: PROTOBUF,
                outcome: Outcome::Full,
                stored: vec!["good"],
            },
        }
    }

    /// A good JSON request.
    pub(super) fn json(self, name: &'static str) -> Case {
        let mut case = self
            .protobuf(name)
            .header("content-type", JSON)
            .body(payload::json_of(self.0, &[true]));
        case.expected.content_type = JSON;
        case
    }

    pub(super) const fn path(self) -> &'static str {
        match self.0 {
            Signal::Traces => "/v1/traces",
            Signal::Logs => "/v1/logs",
            Signal::Metrics => "/v1/metrics",
            Signal::Changes => panic!("changes are not OTLP"),
        }
    }
}

impl Case {
    /// A good protobuf request of traces.
    pub(super) fn protobuf(name: &'static str) -> Self {
        Kit(Signal::Traces).protobuf(name)
    }

    /// A good JSON request of traces.
    pub(super) fn json(name: &'static str) -> Self {
        Kit(Signal::Traces).json(name)
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|header| header.0 != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|header| header.0 != name);
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn at(mut self, method: &'static str, path: &'static str) -> Self {
        (self.method, self.path) = (method, path);
        self
    }

    pub(super) fn answered_in(mut self, content_type: &'static str) -> Self {
        self.expected.content_type = content_type;
        self
    }

    pub(super) fn stores(mut self, names: &[&'static str]) -> Self {
        self.expected.stored = names.to_vec();
        self
    }

    pub(super) fn rejects(mut self, items: i64) -> Self {
        self.expected.outcome = Outcome::Partial(items);
        self
    }

    pub(super) fn fails(mut self, status: u16, code: Code, retry: Retry) -> Self {
        self.expected.status = status;
        self.expected.outcome = Outcome::Failure(code, retry);
        self.expected.stored = vec![];
        self
    }
}

/// Message `google.rpc.Status`, declared here so that the test does not trust what it tests.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WireStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<WireAny>,
}

/// Message `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WireAny {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

impl WireStatus {
    pub(super) fn retry(&self) -> Retry {
        let has_retry_info = self
            .details
            .iter()
            .any(|detail| detail.type_url.ends_with(".RetryInfo"));
        if has_retry_info {
            Retry::After
        } else {
            Retry::Never
        }
    }
}

/// Reads an answer's body.
pub(super) fn outcome(signal: Signal, is_success: bool, content_type: &str, body: &[u8]) -> Outcome {
    match (is_success, content_type) {
        (true, PROTOBUF) => success(body),
        (false, PROTOBUF) => {
            let status = WireStatus::decode(body).unwrap();
            assert!(!status.message.is_empty(), "a failure explains itself");
            Outcome::Failure(Code::from(status.code), status.retry())
        }
        (true, JSON) => success_json(signal, &serde_json::from_slice(body).unwrap()),
        (false, JSON) => failure_json(&serde_json::from_slice(body).unwrap()),
        _ => panic!("answered in {content_type}"),
    }
}

/// Reads a successful answer in protobuf, in which the three signals do not differ.
pub(super) fn success(body: &[u8]) -> Outcome {
    match ExportTraceServiceResponse::decode(body).unwrap().partial_success {
        None => {
            assert!(body.is_empty(), "full success is an empty message");
            Outcome::Full
        }
        Some(partial) => {
            assert!(
                !partial.error_message.is_empty(),
                "partial success explains itself"
            );
            Outcome::Partial(partial.rejected_spans)
        }
    }
}

fn success_json(signal: Signal, body: &serde_json::Value) -> Outcome {
    let Some(partial) = body.get("partialSuccess") else {
        assert_eq!(body, &serde_json::json!({}), "full success is an empty object");
        return Outcome::Full;
    };
    assert!(
        !partial["errorMessage"].as_str().unwrap().is_empty(),
        "partial success explains itself"
    );
    let count = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
        Signal::Changes => panic!("changes are not OTLP"),
    };
    Outcome::Partial(partial[count].as_str().unwrap().parse().unwrap())
}

fn failure_json(body: &serde_json::Value) -> Outcome {
    assert!(
        !body["message"].as_str().unwrap().is_empty(),
        "a failure explains itself"
    );
    let details = body["details"].as_array().unwrap();
    let is_retry_info = |detail: &serde_json::Value| {
        detail["@type"].as_str().unwrap().ends_with(".RetryInfo")
            && detail["retryDelay"].as_str().unwrap().ends_with('s')
    };
    let retry = if details.iter().any(is_retry_info) {
        Retry::After
    } else {
        Retry::Never
    };
    Outcome::Failure(
        Code::from(i32::try_from(body["code"].as_i64().unwrap()).unwrap()),
        retry,
    )
}
