//! Arrow's streaming IPC form, in memory.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use bytes::Bytes;

/// Encodes one batch as a complete stream.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Bytes, ArrowError> {
    let mut buffer = Vec::with_capacity(batch.get_array_memory_size() + 4096);
    let mut writer = StreamWriter::try_new(&mut buffer, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    Ok(Bytes::from(buffer))
}

/// Decodes a stream; an empty body is an empty result.
pub(crate) fn decode(stream: Bytes) -> Result<Vec<RecordBatch>, ArrowError> {
    if stream.is_empty() {
        return Ok(Vec::new());
    }
    StreamReader::try_new(Cursor::new(stream), None)?.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_batch_survives_encoding() {
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![1, 2])) as _),
            ("s", Arc::new(StringArray::from(vec!["a", "b"])) as _),
        ])
        .unwrap();
        assert_eq!(decode(encode(&batch).unwrap()).unwrap(), vec![batch]);
        assert_eq!(decode(Bytes::new()).unwrap(), Vec::<RecordBatch>::new());
    }
}
