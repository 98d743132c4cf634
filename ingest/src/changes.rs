//! The change log of the SDK routes: each create, update, complete and delete is one immutable change, and what
//! stands in the tables is computed from all changes of an entity. See `docs/adr/0009-changes-are-folded.md`.
//!
//! A change's way:
//! 1. the SDK routes check a body and make [`Change`]s of it ([`change`], [`identity`]);
//! 2. the write-ahead log takes them, as a record of their own kind, before the caller is answered;
//! 3. a range's changes become rows of the table `changes` ([`table`]), by a pure function like all ranges;
//! 4. once those rows are stored, the `assemble` step reads all changes of the entities that the range
//!    touched (`stored`), folds them ([`fold`]), renders the outcome as spans (`render`, `rows`) or as rows of
//!    `scores` (`score_rows`) and inserts it with a version that grows with the set of changes.
//!
//! Scores that arrive in spans need no fold (`evaluation`).
//!
//! The fold knows no order of arrival: any order, duplication and batching gives the same rows.

pub(crate) mod assemble;
pub mod change;
pub(crate) mod evaluation;
pub mod fold;
pub mod identity;
mod month;
pub(crate) mod render;
mod rows;
mod score_rows;
pub(crate) mod stored;
pub mod table;
pub(crate) mod told;

pub use change::{Change, ChangeId, Entity, Recorded, Verb};
pub use fold::{Folded, fold};
