//! What an observation is.

use serde::Deserialize;

/// The types of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObservationType {
    /// Anything else.
    Span,
    /// A call of a language model.
    Generation,
    /// A call of an embedding model.
    Embedding,
    /// An agent at work.
    Agent,
    /// A tool at work.
    Tool,
    /// A step that ties others together.
    Chain,
    /// A search for documents.
    Retrieval,
    /// Documents put in order.
    Rerank,
    /// A check that may stop a call.
    Guardrail,
    /// A judgement of another's output.
    Evaluator,
    /// A moment without duration.
    Event,
    /// A whole run, start to end.
    Workflow,
}

impl ObservationType {
    /// The word in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Generation => "generation",
            Self::Embedding => "embedding",
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::Chain => "chain",
            Self::Retrieval => "retrieval",
            Self::Rerank => "rerank",
            Self::Guardrail => "guardrail",
            Self::Evaluator => "evaluator",
            Self::Event => "event",
            Self::Workflow => "workflow",
        }
    }
}
