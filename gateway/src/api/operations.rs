//! `OpenAI`'s calls that are no conversation: each route is the same call by another door.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::chat::complete;
use crate::dialect::door::Door;
use crate::dialect::operation::Operation;
use crate::shared::Shared;

/// One handler and its description.
macro_rules! operation {
    ($name:ident, $operation:ident, $path:literal, $summary:literal, $answer:literal) => {
        operation!($name, $operation, $path, $summary, $answer, "application/json");
    };
    ($name:ident, $operation:ident, $path:literal, $summary:literal, $answer:literal, $kind:literal) => {
        #[doc = $summary]
        ///
        /// The body is `OpenAI`'s and reaches the provider byte for byte, but for `model`; so does the answer.
        #[utoipa::path(
            post,
            path = $path,
            tag = "gateway",
            request_body(content = serde_json::Value, content_type = $kind),
            responses(
                (status = 200, description = $answer, body = serde_json::Value),
                (status = 400, description = "The request is wrong, or the provider has no such call",
                    body = serde_json::Value),
                (status = 401, description = "The key is not good", body = serde_json::Value),
                (status = 404, description = "Nothing has that model's name", body = serde_json::Value),
                (status = 413, description = "The request is too large", body = serde_json::Value),
                (status = 429, description = "The provider is out of capacity for us", body = serde_json::Value),
                (status = 502, description = "The provider failed", body = serde_json::Value),
                (status = 504, description = "The provider did not answer in time", body = serde_json::Value),
            ),
            security(("api_key" = []))
        )]
        pub(super) async fn $name(State(shared): State<Arc<Shared>>, request: Request) -> Response {
            complete(shared, Door::Other(Operation::$operation), request).await
        }
    };
}

operation!(
    completions,
    Completions,
    "/v1/completions",
    "Completes a prompt.",
    "The completion, or a stream"
);
operation!(
    embeddings,
    Embeddings,
    "/v1/embeddings",
    "Embeds texts.",
    "The embeddings"
);
operation!(
    moderations,
    Moderations,
    "/v1/moderations",
    "Classifies texts and images.",
    "The classification"
);
operation!(
    images,
    Images,
    "/v1/images/generations",
    "Makes images of a description.",
    "The images"
);
operation!(
    speech,
    Speech,
    "/v1/audio/speech",
    "Speaks a text.",
    "The audio, in the format asked for"
);
operation!(
    rerank,
    Rerank,
    "/v1/rerank",
    "Puts documents in order of a query.",
    "The order, with scores"
);
operation!(
    transcriptions,
    Transcriptions,
    "/v1/audio/transcriptions",
    "Writes down what is spoken.",
    "The text, in the format asked for, or a stream of events when `stream` is true",
    "multipart/form-data"
);
operation!(
    translations,
    Translations,
    "/v1/audio/translations",
    "Writes down in English what is spoken.",
    "The text, in the format asked for",
    "multipart/form-data"
);
operation!(
    image_edits,
    ImageEdits,
    "/v1/images/edits",
    "Changes images by a description.",
    "The images",
    "multipart/form-data"
);
operation!(
    image_variations,
    ImageVariations,
    "/v1/images/variations",
    "Makes images like another.",
    "The images",
    "multipart/form-data"
);
