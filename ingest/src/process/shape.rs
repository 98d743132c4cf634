//! The parts of OTLP's messages that settings are about, by field number. What is not named here is copied as
//! it is.

use brokle_model::telemetry::Signal;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// A message with parts of its own.
    Message(&'static Shape),
    /// An item: a span, a log record, a metric.
    Item(&'static Shape),
    /// A `KeyValue`.
    Attribute,
    /// An `AnyValue` that is no attribute's; what is to be noted beside it becomes an attribute, by its number.
    Value {
        /// The field of attributes.
        attributes: u32,
    },
    /// Text that people write: names, messages.
    Text,
}

/// A message.
#[derive(Debug)]
pub(super) struct Shape {
    /// The field with the trace id, zero where there is none.
    pub(super) trace_id: u32,
    parts: &'static [(u32, Part)],
}

impl Shape {
    const fn new(parts: &'static [(u32, Part)]) -> Self {
        Self { trace_id: 0, parts }
    }

    #[inline]
    pub(super) fn part(&self, number: u32) -> Option<Part> {
        let found = self.parts.iter().find(|(known, _)| *known == number);
        found.map(|(_, part)| *part)
    }

    /// The request of a signal, where there is one that is known here.
    pub(super) fn of(signal: Signal) -> Option<&'static Self> {
        match signal {
            Signal::Traces => Some(&TRACES),
            Signal::Logs => Some(&LOGS),
            Signal::Metrics => Some(&METRICS),
            Signal::Changes => None,
        }
    }
}

static RESOURCE: Shape = Shape::new(&[(1, Part::Attribute)]);
static SCOPE: Shape = Shape::new(&[(3, Part::Attribute)]);

static TRACES: Shape = Shape::new(&[(1, Part::Message(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Shape = Shape::new(&[(1, Part::Message(&RESOURCE)), (2, Part::Message(&SCOPE_SPANS))]);
static SCOPE_SPANS: Shape = Shape::new(&[(1, Part::Message(&SCOPE)), (2, Part::Item(&SPAN))]);
static SPAN: Shape = Shape {
    trace_id: 1,
    parts: &[
        (9, Part::Attribute),
        (11, Part::Message(&EVENT)),
        (5, Part::Text),
        (13, Part::Message(&LINK)),
        (15, Part::Message(&STATUS)),
    ],
};
static EVENT: Shape = Shape::new(&[(3, Part::Attribute), (2, Part::Text)]);
static LINK: Shape = Shape::new(&[(4, Part::Attribute)]);
static STATUS: Shape = Shape::new(&[(2, Part::Text)]);

static LOGS: Shape = Shape::new(&[(1, Part::Message(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Shape = Shape::new(&[(1, Part::Message(&RESOURCE)), (2, Part::Message(&SCOPE_LOGS))]);
static SCOPE_LOGS: Shape = Shape::new(&[(1, Part::Message(&SCOPE)), (2, Part::Item(&LOG_RECORD))]);
static LOG_RECORD: Shape = Shape {
    trace_id: 9,
    parts: &[
        (6, Part::Attribute),
        (5, Part::Value { attributes: 6 }),
        (12, Part::Text),
    ],
};

static METRICS: Shape = Shape::new(&[(1, Part::Message(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Shape =
    Shape::new(&[(1, Part::Message(&RESOURCE)), (2, Part::Message(&SCOPE_METRICS))]);
static SCOPE_METRICS: Shape = Shape::new(&[(1, Part::Message(&SCOPE)), (2, Part::Item(&METRIC))]);
static METRIC: Shape = Shape::new(&[
    (5, Part::Message(&NUMBERS)),
    (7, Part::Message(&NUMBERS)),
    (9, Part::Message(&HISTOGRAM)),
    (10, Part::Message(&EXPONENTIAL)),
    (11, Part::Message(&SUMMARY)),
    (12, Part::Attribute),
]);
static NUMBERS: Shape = Shape::new(&[(1, Part::Message(&NUMBER_POINT))]);
static NUMBER_POINT: Shape = Shape::new(&[(7, Part::Attribute), (5, Part::Message(&EXEMPLAR))]);
static HISTOGRAM: Shape = Shape::new(&[(1, Part::Message(&HISTOGRAM_POINT))]);
static HISTOGRAM_POINT: Shape = Shape::new(&[(9, Part::Attribute), (8, Part::Message(&EXEMPLAR))]);
static EXPONENTIAL: Shape = Shape::new(&[(1, Part::Message(&EXPONENTIAL_POINT))]);
static EXPONENTIAL_POINT: Shape = Shape::new(&[(1, Part::Attribute), (11, Part::Message(&EXEMPLAR))]);
static SUMMARY: Shape = Shape::new(&[(1, Part::Message(&SUMMARY_POINT))]);
static SUMMARY_POINT: Shape = Shape::new(&[(7, Part::Attribute)]);
static EXEMPLAR: Shape = Shape::new(&[(7, Part::Attribute)]);
