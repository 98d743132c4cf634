//! The vocabularies of instrumentation libraries brought to one.
//!
//! Which attribute holds what is data: one table per producer in `normalize/maps`, and a user's file, laid in
//! one order by `catalog` and compiled into an [`AttributeMap`].
//! While the encoder walks a span's attributes once, each key is resolved to its rules (once per key and
//! batch, not per span) and the values are offered to a `Capture`; `derive` then settles what depends
//! on several of them: the type, the usage, the cost, whether the usage counts.
//!
//! Everything here is pure, and nothing here may lose data: what is promoted to a column of its own either
//! stays among the attributes too, or is moved as it was, so that it can be given back exactly.
//!
//! Deliberately absent: filling a span from its siblings (readers do that, with the whole trace in hand),
//! and rendering conversations (the text is kept; only flattened messages are put together).

mod attribute_map;
mod capture;
mod catalog;
mod convert;
mod derive;
mod describe;
mod document;
mod field;
mod messages;
mod span_type;

pub use attribute_map::AttributeMap;
pub use describe::{FieldDescription, MapDescription, Origin, ProducerDescription, SourceDescription};
pub use document::AttributeMapError;
pub use span_type::ObservationType;

pub(crate) use attribute_map::{KeyRules, Side};
pub(crate) use capture::{Capture, Disposition};
pub(crate) use derive::{CostSource, Derived, PriceMemo, derive};
pub(crate) use field::Field;
pub(crate) use messages::compose_events;
