//! What the fake provider says: a function of the request and of nothing else.

use serde_json::{Value, json};

use super::Voice;

/// 2023-11-14, always.
const CREATED: u64 = 1_700_000_000;

/// An answer before it is put into a body or into frames.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) reasoning: Option<String>,
    pub(super) text: Option<String>,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) choices: u64,
    pub(super) usage: Value,
}

#[derive(Debug)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Answer {
    /// Tools that are offered are called, unless one has just answered; anything else is repeated back.
    pub(super) fn to(request: &Value, number: u64, voice: Voice) -> Self {
        let model = request["model"].as_str().unwrap_or_default().to_owned();
        let said = last_words(request);
        let tool_calls = tool_calls(request);
        let text = tool_calls
            .is_empty()
            .then(|| voice(&said).unwrap_or_else(|| repeat(&said)));
        let reasoning = model
            .contains("reason")
            .then(|| format!("The caller wrote {} bytes.", said.len()));
        let choices = request["n"].as_u64().unwrap_or(1).clamp(1, 8);
        let usage = usage(
            request,
            text.as_deref(),
            reasoning.as_deref(),
            &tool_calls,
            choices,
        );
        Self {
            id: format!("chatcmpl-fake-{number}"),
            model,
            reasoning,
            text,
            tool_calls,
            choices,
            usage,
        }
    }

    /// Roughly how many frames it would take, streamed.
    pub(super) fn words(&self) -> u32 {
        let words = |text: &Option<String>| text.as_deref().map_or(0, |text| text.split(' ').count());
        u32::try_from(words(&self.reasoning) + words(&self.text)).unwrap_or(u32::MAX)
    }

    pub(super) fn finish_reason(&self) -> &'static str {
        if self.tool_calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        }
    }

    /// The body of an answer that is not streamed.
    pub(super) fn body(&self) -> Value {
        let mut message = json!({ "role": "assistant", "content": self.text, "refusal": null });
        if let Some(reasoning) = &self.reasoning {
            message["reasoning_content"] = json!(reasoning);
        }
        if !self.tool_calls.is_empty() {
            message["tool_calls"] = self.tool_calls.iter().map(ToolCall::whole).collect();
        }
        let choices: Vec<Value> = (0..self.choices)
            .map(|index| {
                json!({ "index": index, "message": message, "logprobs": null, "finish_reason": self.finish_reason() })
            })
            .collect();
        let mut body = self.envelope("chat.completion");
        body["choices"] = json!(choices);
        body["usage"] = self.usage.clone();
        body
    }

    /// What body and chunks have in common.
    pub(super) fn envelope(&self, object: &str) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": "fp_fake",
        })
    }
}

impl ToolCall {
    fn whole(&self) -> Value {
        json!({
            "id": self.id,
            "type": "function",
            "function": { "name": self.name, "arguments": self.arguments },
        })
    }
}

fn repeat(said: &str) -> String {
    format!("You said: {said} – naïve café 🦀, in other words.")
}

fn last_words(request: &Value) -> String {
    let messages = request["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    messages
        .last()
        .map(|last| said(&last["content"]))
        .unwrap_or_default()
}

/// The text of a content, whether it is a string or parts, the results of tools among them.
pub(super) fn said(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().map(said).filter(|text| !text.is_empty());
            texts.collect::<Vec<_>>().join(" ")
        }
        Value::Object(part) => part
            .get("text")
            .or_else(|| part.get("content"))
            .map(said)
            .unwrap_or_default(),
        _ => String::new(),
    }
}

fn tool_calls(request: &Value) -> Vec<ToolCall> {
    let answered = request["messages"]
        .as_array()
        .and_then(|messages| messages.last()?["role"].as_str())
        == Some("tool");
    let tools = request["tools"]
        .as_array()
        .filter(|_| !answered && request["tool_choice"] != "none");
    let offered = tools
        .into_iter()
        .flatten()
        .filter_map(|tool| {
            Some((
                tool["function"]["name"].as_str()?,
                &tool["function"]["parameters"],
            ))
        })
        .enumerate();
    offered
        .map(|(index, (name, parameters))| ToolCall {
            id: format!("call_{index}"),
            name: name.to_owned(),
            arguments: arguments(parameters, index),
        })
        .collect()
}

/// The same words for each property that the schema wants.
fn arguments(parameters: &Value, index: usize) -> String {
    let wanted = parameters["required"].as_array().into_iter().flatten();
    let mut names: Vec<&str> = wanted.filter_map(Value::as_str).collect();
    if names.is_empty() {
        names.push("query");
    }
    let given = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(format!("naïve {index}"))));
    Value::Object(given.collect()).to_string()
}

/// Four bytes are a token. Half of a long input counts as cached.
fn usage(
    request: &Value,
    text: Option<&str>,
    reasoning: Option<&str>,
    calls: &[ToolCall],
    choices: u64,
) -> Value {
    let tokens = |text: &str| (text.len() as u64).div_ceil(4);
    let input = tokens(&request["messages"].to_string()).max(1);
    let cached = if input >= 64 { input / 2 } else { 0 };
    let thought = reasoning.map_or(0, tokens) * choices;
    let called: u64 = calls
        .iter()
        .map(|call| tokens(&call.name) + tokens(&call.arguments))
        .sum();
    let output = (text.map_or(0, tokens) + called) * choices + thought;
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": { "cached_tokens": cached, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": thought, "audio_tokens": 0 },
    })
}
