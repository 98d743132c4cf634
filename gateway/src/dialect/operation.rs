//! Calls that are no conversation, `OpenAI`'s but for one: they pass to providers of their format, byte for byte but
//! for `model`, and are routed, retried and recorded like any other. Deliberately absent: translating them.

use serde_json::{Value, json};

use super::Fields;

/// A call about what a provider keeps: a file, or a batch of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Upload,
    Files,
    File,
    DeleteFile,
    FileContent,
    CreateBatch,
    Batches,
    Batch,
    CancelBatch,
}

impl Stored {
    const fn path(self) -> &'static str {
        match self {
            Self::Upload | Self::Files => "/v1/files",
            Self::File | Self::DeleteFile => "/v1/files/{id}",
            Self::FileContent => "/v1/files/{id}/content",
            Self::CreateBatch | Self::Batches => "/v1/batches",
            Self::Batch => "/v1/batches/{id}",
            Self::CancelBatch => "/v1/batches/{id}/cancel",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Upload => "file_upload",
            Self::Files => "file_list",
            Self::File => "file_retrieve",
            Self::DeleteFile => "file_delete",
            Self::FileContent => "file_content",
            Self::CreateBatch => "batch_create",
            Self::Batches => "batch_list",
            Self::Batch => "batch_retrieve",
            Self::CancelBatch => "batch_cancel",
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Upload | Self::CreateBatch | Self::CancelBatch => "POST",
            Self::DeleteFile => "DELETE",
            Self::Files | Self::File | Self::FileContent | Self::Batches | Self::Batch => "GET",
        }
    }
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `/v1/completions`
    Completions,
    /// `/v1/embeddings`
    Embeddings,
    /// `/v1/moderations`
    Moderations,
    /// `/v1/images/generations`
    Images,
    /// `/v1/audio/speech`
    Speech,
    /// `/v1/rerank`, as Cohere and Jina have it
    Rerank,
    /// `/v1/messages/count_tokens`, which is Anthropic's
    CountTokens,
    /// `/v1/audio/transcriptions`
    Transcriptions,
    /// `/v1/audio/translations`
    Translations,
    /// `/v1/images/edits`
    ImageEdits,
    /// `/v1/images/variations`
    ImageVariations,
    /// `/v1/files` and `/v1/batches`, and what is under them
    Stored(Stored),
}

impl Operation {
    /// The route's path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Moderations => "/v1/moderations",
            Self::Images => "/v1/images/generations",
            Self::Speech => "/v1/audio/speech",
            Self::Rerank => "/v1/rerank",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::Transcriptions => "/v1/audio/transcriptions",
            Self::Translations => "/v1/audio/translations",
            Self::ImageEdits => "/v1/images/edits",
            Self::ImageVariations => "/v1/images/variations",
            Self::Stored(call) => call.path(),
        }
    }

    /// `gen_ai.operation.name`: the conventions' word where they have one.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Completions => "text_completion",
            Self::Embeddings => "embeddings",
            Self::Moderations => "moderation",
            Self::Images => "image_generation",
            Self::Speech => "speech",
            Self::Rerank => "rerank",
            Self::CountTokens => "count_tokens",
            Self::Transcriptions => "transcription",
            Self::Translations => "translation",
            Self::ImageEdits => "image_edit",
            Self::ImageVariations => "image_variation",
            Self::Stored(call) => call.name(),
        }
    }

    /// The field that holds what the model is given.
    const fn input_field(self) -> &'static str {
        match self {
            Self::Completions
            | Self::Images
            | Self::Transcriptions
            | Self::Translations
            | Self::ImageEdits
            | Self::ImageVariations
            | Self::Stored(_) => "prompt",
            Self::Embeddings | Self::Moderations | Self::Speech => "input",
            Self::Rerank => "query",
            Self::CountTokens => "messages",
        }
    }

    /// The method of the call.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Stored(call) => call.method(),
            _ => "POST",
        }
    }

    /// The request as a conversation of one message, with the parameters that it has.
    pub(super) fn recorded(self, body: &[u8]) -> Option<Fields> {
        let mut fields: Fields = serde_json::from_slice(body).ok()?;
        let input = match fields.remove(self.input_field())? {
            Value::String(text) => text,
            Value::Array(items) if items.iter().all(Value::is_string) => {
                let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                texts.join("\n")
            }
            other => other.to_string(),
        };
        let content = match fields.remove("documents") {
            Some(documents) => format!("{input}\n{documents}"),
            None => input,
        };
        fields.insert(
            "messages".to_owned(),
            json!([{ "role": "user", "content": content }]),
        );
        Some(fields)
    }
}
