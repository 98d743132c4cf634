//! Means of quality scores, by provider and model.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use brokle_model::port::Quality;

use super::ShapeError;
use super::columns::Columns;

/// By provider, and then by model.
pub(crate) type Qualities = HashMap<String, HashMap<String, Quality>>;

/// Reads the means.
pub(crate) fn qualities(batches: &[RecordBatch]) -> Result<Qualities, ShapeError> {
    let mut found = Qualities::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let quality = Quality {
                mean: columns.float("mean")?.value(row),
                answers: columns.number("answers")?.get(row)?,
            };
            let provider = columns.text("at_provider")?.value(row).to_owned();
            let model = columns.text("of_model")?.value(row).to_owned();
            found.entry(provider).or_default().insert(model, quality);
        }
    }
    Ok(found)
}
