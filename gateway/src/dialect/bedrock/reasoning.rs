//! How much a model is to think, in the terms of the model's maker: Converse has no field of its own for it.

use serde_json::{Map, Value, json};

use crate::dialect::anthropic::thinking;

/// What `effort` adds to a request.
pub(super) struct Reasoning {
    /// Of `additionalModelRequestFields`.
    pub(super) fields: Map<String, Value>,
    /// Tokens that thinking may take, out of the bound on the answer.
    pub(super) budget: u64,
}

/// Whether a model is one of Anthropic's, whose rules on thinking and sampling hold here too.
pub(super) fn is_claude(model: &str) -> bool {
    model.contains("anthropic.") || model.contains("claude")
}

/// What `effort` asks of `model`; nothing when no field is known for that, or none is needed.
pub(super) fn from_effort(effort: &str, model: &str) -> Option<Reasoning> {
    let mut fields = Map::new();
    let mut budget = 0;
    if is_claude(model) {
        let thinking = thinking::from_effort(effort, model)?;
        budget = thinking.budget;
        fields.insert("thinking".to_owned(), thinking.field);
        if let Some(effort) = thinking.effort {
            fields.insert("output_config".to_owned(), json!({ "effort": effort }));
        }
    } else if model.contains("openai.gpt-oss") {
        fields.insert("reasoning_effort".to_owned(), json!(effort));
    } else if model.contains("openai.") {
        fields.insert("reasoning".to_owned(), json!({ "effort": effort }));
    } else if model.contains("amazon.nova-2") {
        let field = match effort {
            "none" => json!({ "type": "disabled" }),
            "minimal" | "low" => json!({ "type": "enabled", "maxReasoningEffort": "low" }),
            "medium" => json!({ "type": "enabled", "maxReasoningEffort": "medium" }),
            _ => json!({ "type": "enabled", "maxReasoningEffort": "high" }),
        };
        fields.insert("reasoningConfig".to_owned(), field);
    } else {
        return None;
    }
    Some(Reasoning { fields, budget })
}
