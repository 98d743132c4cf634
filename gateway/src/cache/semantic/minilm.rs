//! The sentence model: six layers of a transformer, in the form in which `all-MiniLM-L6-v2` is published, computed here.
//!
//! Nothing but matrix products over weights that are read once; the table of words stays in its file, and the few rows
//! that a text needs are read from there. Deliberately absent: batches, other shapes, and any accelerator. A prompt is a
//! few dozen tokens.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use serde::Deserialize;

use super::wordpiece::WordPiece;

/// Numbers of a vector.
pub(super) const DIMENSIONS: usize = 384;
const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD: usize = DIMENSIONS / HEADS;
const EPSILON: f32 = 1e-12;
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Longer texts are not told apart well enough by one vector.
const TOKENS_MAX: usize = 128;
const WEIGHTS: &str = "model.safetensors";
const VOCABULARY: &str = "vocab.txt";

/// Why a model cannot be used. Written for whoever configures it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelError {
    #[error("{0} cannot be read: {1}; fetch the model with scripts/fetch-embedding-model")]
    Unreadable(String, std::io::Error),
    #[error("{0} is not a model of the form of all-MiniLM-L6-v2: {1}")]
    Form(String, String),
}

/// A model, ready to use.
#[derive(Debug)]
pub(crate) struct MiniLm {
    words: WordPiece,
    file: File,
    /// Where the table of words begins.
    table_at: u64,
    positions: Array2<f32>,
    types: Array2<f32>,
    first: Norm,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    joined: Dense,
    after_attention: Norm,
    wide: Dense,
    narrow: Dense,
    last: Norm,
}

#[derive(Debug)]
struct Dense {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

#[derive(Debug)]
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
}

#[derive(Debug, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// The weights' file.
struct Weights {
    file: File,
    name: String,
    data_at: u64,
    tensors: HashMap<String, Tensor>,
}

impl MiniLm {
    /// Reads the model in a directory.
    pub(crate) fn open(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join(VOCABULARY);
        let name = path.display().to_string();
        let lines =
            std::fs::read_to_string(&path).map_err(|error| ModelError::Unreadable(name.clone(), error))?;
        let words = WordPiece::new(&lines)
            .ok_or_else(|| ModelError::Form(name, "it has no [CLS], [SEP] and [UNK]".to_owned()))?;
        let weights = Weights::open(&directory.join(WEIGHTS))?;
        let table = weights.tensor("embeddings.word_embeddings.weight", &[])?;
        let table_at = weights.data_at + table.data_offsets.0;
        let layers: Result<Vec<Layer>, ModelError> =
            (0..LAYERS).map(|number| weights.layer(number)).collect();
        Ok(Self {
            words,
            table_at,
            positions: weights.matrix("embeddings.position_embeddings.weight", [512, DIMENSIONS])?,
            types: weights.matrix("embeddings.token_type_embeddings.weight", [2, DIMENSIONS])?,
            first: weights.norm("embeddings.LayerNorm")?,
            layers: layers?,
            file: weights.file,
        })
    }

    /// A text's meaning, as a vector of length 1; nothing for a text that is too long.
    pub(crate) fn embed(&self, text: &str) -> Option<Vec<f32>> {
        let tokens = self.words.encode(text, TOKENS_MAX)?;
        let mut state = self.look_up(&tokens)?;
        self.first.apply(&mut state);
        for layer in &self.layers {
            state = layer.apply(&state);
        }
        let mean = state.mean_axis(Axis(0))?;
        let length = mean.dot(&mean).sqrt();
        (length > 0.0).then(|| mean.iter().map(|number| number / length).collect())
    }

    fn look_up(&self, tokens: &[u32]) -> Option<Array2<f32>> {
        let mut state = Array2::zeros((tokens.len(), DIMENSIONS));
        let mut row = [0_u8; DIMENSIONS * 4];
        for (place, &token) in tokens.iter().enumerate() {
            let at = self.table_at + u64::from(token) * row.len() as u64;
            self.file.read_exact_at(&mut row, at).ok()?;
            let mut out = state.row_mut(place);
            let (numbers, _) = row.as_chunks::<4>();
            for (number, bytes) in out.iter_mut().zip(numbers) {
                *number = f32::from_le_bytes(*bytes);
            }
            out += &self.positions.row(place);
            out += &self.types.row(0);
        }
        Some(state)
    }
}

impl Layer {
    fn apply(&self, state: &Array2<f32>) -> Array2<f32> {
        let (query, key, value) = (
            self.query.apply(state),
            self.key.apply(state),
            self.value.apply(state),
        );
        let mut attended = Array2::zeros(state.raw_dim());
        for head in 0..HEADS {
            let columns = s![.., head * HEAD..(head + 1) * HEAD];
            let weights = attention(&query.slice(columns), &key.slice(columns));
            attended
                .slice_mut(columns)
                .assign(&weights.dot(&value.slice(columns)));
        }
        let mut state = self.joined.apply(&attended) + state;
        self.after_attention.apply(&mut state);
        let mut wide = self.wide.apply(&state);
        wide.mapv_inplace(gelu);
        let mut out = self.narrow.apply(&wide) + &state;
        self.last.apply(&mut out);
        out
    }
}

/// How much each token attends to each other.
fn attention(query: &ArrayView2<'_, f32>, key: &ArrayView2<'_, f32>) -> Array2<f32> {
    #[expect(clippy::cast_precision_loss, reason = "thirty-two")]
    let scale = 1.0 / (HEAD as f32).sqrt();
    let mut scores = query.dot(&key.t()) * scale;
    for mut row in scores.rows_mut() {
        let most = row.fold(f32::MIN, |most, number| most.max(*number));
        row.mapv_inplace(|number| (number - most).exp());
        let sum = row.sum();
        row /= sum;
    }
    scores
}

impl Dense {
    fn apply(&self, state: &Array2<f32>) -> Array2<f32> {
        state.dot(&self.weight.t()) + &self.bias
    }
}

impl Norm {
    fn apply(&self, state: &mut Array2<f32>) {
        for mut row in state.rows_mut() {
            let mean = row.mean().unwrap_or_default();
            row -= mean;
            let variance = row.mapv(|number| number * number).mean().unwrap_or_default();
            row /= (variance + EPSILON).sqrt();
            row *= &self.weight;
            row += &self.bias;
        }
    }
}

fn gelu(number: f32) -> f32 {
    0.5 * number * (1.0 + erf(number * std::f32::consts::FRAC_1_SQRT_2))
}

/// Within 2e-7, by Abramowitz and Stegun 7.1.26.
fn erf(number: f32) -> f32 {
    const TERMS: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let size = number.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let polynomial = TERMS.iter().fold(0.0, |sum, term| (sum + term) * t);
    (1.0 - polynomial * (-size * size).exp()).copysign(number)
}

impl Weights {
    fn open(path: &Path) -> Result<Self, ModelError> {
        let name = path.display().to_string();
        let unreadable = |error| ModelError::Unreadable(name.clone(), error);
        let mut file = File::open(path).map_err(unreadable)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(unreadable)?;
        let length = u64::from_le_bytes(length);
        if length > HEADER_BYTES_MAX {
            return Err(ModelError::Form(name, "its header is too long".to_owned()));
        }
        let mut header = Vec::new();
        file.by_ref()
            .take(length)
            .read_to_end(&mut header)
            .map_err(unreadable)?;
        let form = |error: serde_json::Error| ModelError::Form(name.clone(), error.to_string());
        let parsed: HashMap<String, serde_json::Value> = serde_json::from_slice(&header).map_err(form)?;
        let tensors: Result<HashMap<String, Tensor>, serde_json::Error> = parsed
            .into_iter()
            .filter(|(name, _)| name != "__metadata__")
            .map(|(name, tensor)| Ok((name, serde_json::from_value(tensor)?)))
            .collect();
        Ok(Self {
            file,
            data_at: 8 + length,
            tensors: tensors.map_err(form)?,
            name,
        })
    }

    /// A tensor of that shape; of any, when none is given.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&Tensor, ModelError> {
        let wrong = |what: &str| ModelError::Form(self.name.clone(), format!("`{name}` {what}"));
        let tensor = self.tensors.get(name).ok_or_else(|| wrong("is missing"))?;
        let columns_fit = tensor.shape.last() == Some(&DIMENSIONS);
        let fits = tensor.dtype == "F32"
            && if shape.is_empty() {
                columns_fit
            } else {
                tensor.shape == shape
            };
        if fits {
            Ok(tensor)
        } else {
            Err(wrong("has another shape"))
        }
    }

    fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let tensor = self.tensor(name, shape)?;
        let count: usize = shape.iter().product();
        let mut bytes = vec![0; count * 4];
        self.file
            .read_exact_at(&mut bytes, self.data_at + tensor.data_offsets.0)
            .map_err(|error| ModelError::Unreadable(self.name.clone(), error))?;
        let (chunks, _) = bytes.as_chunks::<4>();
        Ok(chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn matrix(&self, name: &str, [rows, columns]: [usize; 2]) -> Result<Array2<f32>, ModelError> {
        let numbers = self.numbers(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), numbers)
            .map_err(|error| ModelError::Form(self.name.clone(), error.to_string()))
    }

    fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>, ModelError> {
        Ok(Array1::from_vec(self.numbers(name, &[length])?))
    }

    fn dense(&self, name: &str, [rows, columns]: [usize; 2]) -> Result<Dense, ModelError> {
        Ok(Dense {
            weight: self.matrix(&format!("{name}.weight"), [rows, columns])?,
            bias: self.vector(&format!("{name}.bias"), rows)?,
        })
    }

    fn norm(&self, name: &str) -> Result<Norm, ModelError> {
        Ok(Norm {
            weight: self.vector(&format!("{name}.weight"), DIMENSIONS)?,
            bias: self.vector(&format!("{name}.bias"), DIMENSIONS)?,
        })
    }

    fn layer(&self, number: usize) -> Result<Layer, ModelError> {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let square = [DIMENSIONS, DIMENSIONS];
        Ok(Layer {
            query: self.dense(&name("attention.self.query"), square)?,
            key: self.dense(&name("attention.self.key"), square)?,
            value: self.dense(&name("attention.self.value"), square)?,
            joined: self.dense(&name("attention.output.dense"), square)?,
            after_attention: self.norm(&name("attention.output.LayerNorm"))?,
            wide: self.dense(&name("intermediate.dense"), [4 * DIMENSIONS, DIMENSIONS])?,
            narrow: self.dense(&name("output.dense"), [DIMENSIONS, 4 * DIMENSIONS])?,
            last: self.norm(&name("output.LayerNorm"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_close() {
        for (number, expected) in [
            (0.0, 0.0),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (-2.0, -0.995_322_3),
        ] {
            assert!((erf(number) - expected).abs() < 1e-6, "{number}");
        }
    }

    #[test]
    fn a_directory_without_a_model_says_how_to_get_one() {
        let told = MiniLm::open(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(told.contains("fetch-embedding-model"), "{told}");
    }
}
