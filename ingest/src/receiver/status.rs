//! Message `google.rpc.Status`, the body of every OTLP failure, in protobuf and in JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::otlp::encode::Encoder;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

/// A failure as OTLP tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcStatus {
    /// The gRPC code.
    pub code: tonic::Code,
    /// For people.
    pub message: String,
    /// For programs.
    pub detail: Option<Detail>,
}

/// What programs may act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// The same request may succeed after this time.
    RetryInfo(Duration),
    /// The request is wrong here, and stays wrong.
    BadRequest {
        /// The part at fault.
        field: &'static str,
        /// What is wrong with it.
        description: String,
    },
}

impl RpcStatus {
    /// The protobuf message.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.varint(1, self.code as u64);
        out.bytes(2, self.message.as_bytes());
        if let Some(detail) = &self.detail {
            out.message(3, |any| {
                any.bytes(1, detail.type_url().as_bytes());
                any.message(2, |value| detail.write(value));
            });
        }
        out.into_bytes()
    }

    /// The JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        let details: Vec<Value> = self.detail.iter().map(Detail::to_json).collect();
        let status = json!({ "code": self.code as i32, "message": self.message, "details": details });
        status.to_string().into_bytes()
    }
}

impl Detail {
    const fn type_url(&self) -> &'static str {
        match self {
            Self::RetryInfo(_) => RETRY_INFO,
            Self::BadRequest { .. } => BAD_REQUEST,
        }
    }

    fn write(&self, out: &mut Encoder) {
        match self {
            Self::RetryInfo(delay) => out.message(1, |duration| {
                duration.varint(1, delay.as_secs());
                duration.varint(2, u64::from(delay.subsec_nanos()));
            }),
            Self::BadRequest { field, description } => out.message(1, |violation| {
                violation.bytes(1, field.as_bytes());
                violation.bytes(2, description.as_bytes());
            }),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::RetryInfo(delay) => {
                let seconds = format!("{}.{:09}s", delay.as_secs(), delay.subsec_nanos());
                json!({ "@type": RETRY_INFO, "retryDelay": seconds })
            }
            Self::BadRequest { field, description } => json!({
                "@type": BAD_REQUEST,
                "fieldViolations": [{ "field": field, "description": description }],
            }),
        }
    }
}
