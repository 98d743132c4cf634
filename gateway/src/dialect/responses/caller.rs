//! The Responses API as a caller speaks it, for calls that go to a provider of another format.

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod stream;

use serde_json::{Value, json};

/// `usage` of chat completions in the words of responses.
fn usage(usage: &Value) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let (input, output) = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": count(&usage["prompt_tokens_details"]["cached_tokens"]),
            "cache_write_tokens": count(&usage["prompt_tokens_details"]["cache_write_tokens"]),
        },
        "output_tokens": output,
        "output_tokens_details": {
            "reasoning_tokens": count(&usage["completion_tokens_details"]["reasoning_tokens"]),
        },
        "total_tokens": input + output,
    })
}

/// A response, with the fields that clients insist upon.
fn response(id: &Value, model: &Value, created: &Value) -> Value {
    json!({
        "id": format!("resp_{}", id.as_str().unwrap_or_default()), "object": "response", "created_at": created,
        "model": model, "status": "in_progress", "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "output": [], "parallel_tool_calls": true, "temperature": null, "tool_choice": "auto",
        "tools": [], "top_p": null, "usage": null,
    })
}

/// Closes a response: why it ended, and what it used.
fn close(response: &mut Value, output: Vec<Value>, finish_reason: &str, counted: &Value) {
    let incomplete = match finish_reason {
        "length" => Some("max_output_tokens"),
        "content_filter" => Some("content_filter"),
        _ => None,
    };
    response["status"] = json!(if incomplete.is_some() {
        "incomplete"
    } else {
        "completed"
    });
    if let Some(reason) = incomplete {
        response["incomplete_details"] = json!({ "reason": reason });
    }
    response["output"] = Value::Array(output);
    if counted.is_object() {
        response["usage"] = usage(counted);
    }
}

fn message_item(id: &str, status: &str, content: &[Value]) -> Value {
    json!({ "id": id, "type": "message", "role": "assistant", "status": status, "content": content })
}

fn text_part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn refusal_part(text: &str) -> Value {
    json!({ "type": "refusal", "refusal": text })
}

fn call_item(call: &Value, arguments: &str, status: &str) -> Value {
    json!({
        "id": format!("fc_{}", call["id"].as_str().unwrap_or_default()), "type": "function_call", "status": status,
        "call_id": call["id"], "name": call["function"]["name"], "arguments": arguments,
    })
}

fn reasoning_item(id: &str, summary: &str, sealed: Option<&Value>) -> Value {
    let summary = if summary.is_empty() {
        json!([])
    } else {
        json!([{ "type": "summary_text", "text": summary }])
    };
    let mut item = json!({ "id": id, "type": "reasoning", "summary": summary });
    if let Some(sealed) = sealed {
        item["encrypted_content"] = sealed.clone();
    }
    item
}
