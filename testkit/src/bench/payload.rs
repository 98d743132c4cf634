//! Request bodies. A template is encoded once; each request is a copy of it in which every span has a trace id, a
//! span id and times that no other request has: collectors that recognise resends must not see any. Compressed
//! bodies are made ahead, each one once, since compressing costs more than anything else here.

mod spans;

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use self::spans::{Words, request, span};
use anyhow::{Context as _, Result};
use flate2::write::GzEncoder;
use prost::Message as _;

/// Spans that share a trace.
const SPANS_PER_TRACE: u64 = 10;
/// Marks the bytes that each request replaces.
const MARK: [u8; 4] = [0xb7, 0x1e, 0xfa, 0x5d];
const LEVEL: i32 = 1;

/// What spans look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A call between services: ten short attributes, some 410 bytes.
    Small,
    /// A call of a model with a short conversation, some 1,500 bytes.
    Model,
    /// The same with a longer one, some 5,000 bytes.
    LongModel,
}

/// How bodies travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    Identity,
    /// gzip, level 1.
    Gzip,
    /// Zstandard, level 1.
    Zstd,
}

impl Encoding {
    /// Its name in headers; `None` for none.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// Lower-case words that compress about as prose does; the same ones each time.
pub fn prose(bytes: usize) -> String {
    Words::new().text(bytes)
}

/// Where one span has what each request replaces.
#[derive(Debug, Clone, Copy)]
struct Places {
    trace_id: usize,
    span_id: usize,
    parent: Option<usize>,
    start: usize,
}

/// A body to be copied.
#[derive(Debug, Clone)]
pub struct Template {
    body: Vec<u8>,
    places: Vec<Places>,
    start_ns: u64,
}

impl Template {
    /// `spans` spans of one shape.
    pub fn new(shape: Shape, spans: u64) -> Result<Self> {
        let start_ns = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?;
        let mut words = Words::new();
        let spans = (0..spans).map(|index| span(shape, index, &mut words)).collect();
        let body = request(spans).encode_to_vec();
        let places = places(&body).context("a template without its marks")?;
        Ok(Self {
            body,
            places,
            start_ns,
        })
    }

    /// Spans in it.
    pub fn spans(&self) -> u64 {
        self.places.len() as u64
    }

    /// Bytes of one span, its share of the envelope included.
    pub fn bytes_per_span(&self) -> usize {
        self.body.len() / self.places.len().max(1)
    }

    /// A buffer for [`Self::fill`].
    pub fn buffer(&self) -> Vec<u8> {
        self.body.clone()
    }

    /// Makes `buffer` request `number`.
    pub fn fill(&self, buffer: &mut [u8], number: u64) {
        let first = number * self.spans();
        for (index, places) in (first..).zip(&self.places) {
            let trace = index / SPANS_PER_TRACE;
            let mut put = |at: usize, value: [u8; 8]| buffer[at..at + 8].copy_from_slice(&value);
            // Spread over all values, as random ids are.
            put(places.trace_id, spread(trace).to_be_bytes());
            put(places.trace_id + 8, spread(!trace).to_be_bytes());
            put(places.span_id, spread(index ^ 0x5eed).to_be_bytes());
            if let Some(parent) = places.parent {
                put(parent, spread((trace * SPANS_PER_TRACE) ^ 0x5eed).to_be_bytes());
            }
            let start = self.start_ns + index * 1_000;
            put(places.start, start.to_le_bytes());
            // The end follows its one-byte tag.
            put(
                places.start + 9,
                (start + 1_500_000 + index % 7 * 100_000).to_le_bytes(),
            );
        }
    }

    /// `count` different requests, compressed.
    pub fn compressed(&self, encoding: Encoding, first: u64, count: u64) -> Result<Vec<Vec<u8>>> {
        let mut buffer = self.buffer();
        (first..first + count)
            .map(|number| {
                self.fill(&mut buffer, number);
                compress(&buffer, encoding)
            })
            .collect()
    }
}

fn compress(body: &[u8], encoding: Encoding) -> Result<Vec<u8>> {
    Ok(match encoding {
        Encoding::Identity => body.to_vec(),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(LEVEL.unsigned_abs()));
            encoder.write_all(body)?;
            encoder.finish()?
        }
        Encoding::Zstd => zstd::bulk::compress(body, LEVEL)?,
    })
}

/// One to one, without a pattern.
fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Each span is written as trace id, span id, parent, ..., start, end; ids are marked, and a start follows tag 7 as
/// eight bytes.
fn places(body: &[u8]) -> Option<Vec<Places>> {
    let mut found = Vec::new();
    let mut marks = memchr::memmem::find_iter(body, &MARK).peekable();
    while let Some(trace_id) = marks.next() {
        let span_id = marks.next()?;
        let is_parent = |at: &usize| body[*at + 4] == b'p';
        let parent = marks.next_if(is_parent);
        let start = marks.next()?;
        found.push(Places {
            trace_id,
            span_id,
            parent,
            start,
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

    use super::*;

    #[test]
    fn requests_differ_in_every_id_and_are_otherwise_the_template() {
        let template = Template::new(Shape::Small, 20).unwrap();
        let mut ids = BTreeSet::new();
        for number in 0..3 {
            let mut body = template.buffer();
            template.fill(&mut body, number);
            let request = ExportTraceServiceRequest::decode(&*body).unwrap();
            let spans = &request.resource_spans[0].scope_spans[0].spans;
            assert_eq!(spans.len(), 20);
            let root = &spans[10];
            assert!(root.parent_span_id.is_empty());
            for span in spans {
                assert!(span.end_time_unix_nano > span.start_time_unix_nano);
                assert!(ids.insert((span.trace_id.clone(), span.span_id.clone())));
            }
            assert_eq!(
                (&spans[11].trace_id, &spans[11].parent_span_id),
                (&root.trace_id, &root.span_id)
            );
        }
    }

    #[test]
    fn spans_have_the_size_that_their_shape_promises() {
        for (shape, from, to) in [
            (Shape::Small, 390, 435),
            (Shape::Model, 1_350, 1_650),
            (Shape::LongModel, 4_700, 5_300),
        ] {
            let bytes = Template::new(shape, 100).unwrap().bytes_per_span();
            assert!((from..to).contains(&bytes), "{shape:?}: {bytes}");
        }
    }
}
