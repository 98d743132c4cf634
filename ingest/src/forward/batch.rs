//! Requests put together into exports. Bodies of one signal are concatenated, which in protobuf is the message with
//! the resources of all; environments stay apart, because they travel in a header.

use brokle_model::telemetry::Signal;
use bytes::{Bytes, BytesMut};

use super::filter::Selected;

/// What is sent at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    pub(crate) signal: Signal,
    pub(crate) environment: Box<str>,
    pub(crate) requests: Vec<Selected>,
}

/// The last part of a signal's address over HTTP, for signals that OTLP has.
pub(crate) fn path(signal: Signal) -> Option<&'static str> {
    match signal {
        Signal::Traces => Some("/v1/traces"),
        Signal::Logs => Some("/v1/logs"),
        Signal::Metrics => Some("/v1/metrics"),
        Signal::Changes => None,
    }
}

/// The method of a signal over gRPC.
pub(crate) fn method(signal: Signal) -> Option<&'static str> {
    match signal {
        Signal::Traces => Some("/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        Signal::Logs => Some("/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
        Signal::Metrics => Some("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
        Signal::Changes => None,
    }
}

impl Export {
    pub(crate) fn items(&self) -> u64 {
        self.requests.iter().map(|request| u64::from(request.items)).sum()
    }

    fn bytes(&self) -> u64 {
        self.requests
            .iter()
            .map(|request| request.body.len() as u64)
            .sum()
    }

    /// The message.
    pub(crate) fn body(&self) -> Bytes {
        if let [only] = self.requests.as_slice() {
            return only.body.clone();
        }
        let mut body = BytesMut::with_capacity(usize::try_from(self.bytes()).unwrap_or(0));
        for request in &self.requests {
            body.extend_from_slice(&request.body);
        }
        body.freeze()
    }

    /// The same in two halves, to find the request that a destination refuses. `None`: it is one request.
    pub(crate) fn halves(mut self) -> Result<[Self; 2], Self> {
        if self.requests.len() < 2 {
            return Err(self);
        }
        let second = Self {
            signal: self.signal,
            environment: self.environment.clone(),
            requests: self.requests.split_off(self.requests.len() / 2),
        };
        Ok([self, second])
    }
}

/// Puts requests together, in order, as long as they belong together and fit.
pub(crate) fn put_together(
    requests: impl IntoIterator<Item = (Signal, Box<str>, Selected)>,
    bytes_max: u64,
) -> Vec<Export> {
    let mut exports: Vec<Export> = Vec::new();
    for (signal, environment, request) in requests {
        let length = request.body.len() as u64;
        let open = exports
            .iter_mut()
            .rev()
            .find(|export| export.signal == signal && export.environment == environment)
            .filter(|export| export.bytes() + length <= bytes_max);
        match open {
            Some(export) => export.requests.push(request),
            None => exports.push(Export {
                signal,
                environment,
                requests: vec![request],
            }),
        }
    }
    exports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(byte: u8, length: usize) -> Selected {
        Selected {
            body: Bytes::from(vec![byte; length]),
            items: 1,
        }
    }

    #[test]
    fn what_belongs_together_is_sent_together_up_to_a_size() {
        let sent = [
            (Signal::Traces, "", 1, 60),
            (Signal::Logs, "", 2, 10),
            (Signal::Traces, "prod", 3, 10),
            (Signal::Traces, "", 4, 40),
            (Signal::Traces, "", 5, 1),
            (Signal::Logs, "", 6, 500),
        ];
        let requests = sent
            .map(|(signal, environment, byte, length)| (signal, environment.into(), request(byte, length)));
        let exports = put_together(requests, 100);
        let firsts: Vec<Vec<u8>> = exports
            .iter()
            .map(|export| export.requests.iter().map(|request| request.body[0]).collect())
            .collect();
        assert_eq!(firsts, [vec![1, 4], vec![2], vec![3], vec![5], vec![6]]);
        assert_eq!(exports[0].body().len(), 100);
        assert_eq!(exports[0].items(), 2);
    }

    #[test]
    fn halving_ends_with_single_requests() {
        let export = Export {
            signal: Signal::Traces,
            environment: "".into(),
            requests: (0..5).map(|byte| request(byte, 1)).collect(),
        };
        let [first, second] = export.halves().unwrap();
        assert_eq!((first.items(), second.items()), (2, 3));
        let [one, _] = first.halves().unwrap();
        assert_eq!(one.halves().unwrap_err().items(), 1);
    }
}
