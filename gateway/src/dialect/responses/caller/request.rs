//! A request to the Responses API as a chat request.

use serde_json::{Map, Value, json};

use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Untranslatable, media};

/// Fields whose meaning is the same under the same name.
const SAME: [&str; 11] = [
    "model",
    "stream",
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "metadata",
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_key",
    "top_logprobs",
];
/// What only the provider that keeps it can know of.
const KEPT_THERE: [&str; 4] = ["previous_response_id", "conversation", "background", "prompt"];

/// Translates the body of a request.
pub(crate) fn translate(body: &[u8]) -> Result<(Fields, Vec<&'static str>), Untranslatable> {
    let mut fields = RequestFields::parse(body)?;
    for name in KEPT_THERE {
        if fields.take(name).is_some_and(|value| value != Value::Bool(false)) {
            return Err(Untranslatable::new(format!(
                "`{name}` refers to what is kept at a provider of the Responses format: send the conversation itself"
            )));
        }
    }
    let mut out = Map::new();
    let mut messages = Vec::new();
    if let Some(instructions) = fields.take_text("instructions")? {
        messages.push(json!({ "role": "system", "content": instructions }));
    }
    match fields.take("input") {
        Some(Value::String(text)) => messages.push(json!({ "role": "user", "content": text })),
        Some(Value::Array(items)) => {
            for (index, item) in items.into_iter().enumerate() {
                add(index, item, &mut messages)?;
            }
        }
        _ => return Err(wrong("input", "a string or an array")),
    }
    out.insert("messages".to_owned(), Value::Array(messages));
    for name in SAME {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    if let Some(bound) = fields.take_number("max_output_tokens")? {
        out.insert("max_completion_tokens".to_owned(), bound);
    }
    tools(&mut fields, &mut out)?;
    if let Some(effort) = fields
        .take("reasoning")
        .and_then(|mut reasoning| reasoning.get_mut("effort").map(Value::take))
    {
        out.insert("reasoning_effort".to_owned(), effort);
    }
    answer_format(&mut fields, &mut out);
    // What is asked for beside the answer is in it anyway, or nowhere.
    for name in ["include", "truncation", "max_tool_calls"] {
        fields.take(name);
    }
    let adapted = fields.finish("the format of chat completions")?;
    Ok((out, adapted))
}

fn answer_format(fields: &mut RequestFields, out: &mut Map<String, Value>) {
    let Some(mut text) = fields.take("text") else {
        return;
    };
    if let Some(verbosity) = text
        .get_mut("verbosity")
        .map(Value::take)
        .filter(|value| !value.is_null())
    {
        out.insert("verbosity".to_owned(), verbosity);
    }
    let mut format = text["format"].take();
    match format["type"].as_str() {
        Some("json_schema") => {
            if let Some(schema) = format.as_object_mut() {
                schema.remove("type");
            }
            out.insert(
                "response_format".to_owned(),
                json!({ "type": "json_schema", "json_schema": format }),
            );
        }
        Some("json_object") => drop(out.insert("response_format".to_owned(), format)),
        _ => {}
    }
}

fn tools(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let choice = fields.take("tool_choice");
    let Some(tools) = fields.take_list("tools")?.filter(|tools| !tools.is_empty()) else {
        return Ok(());
    };
    let tools = tools.into_iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    out.insert("tools".to_owned(), Value::Array(tools));
    match choice {
        Some(Value::String(word)) => drop(out.insert("tool_choice".to_owned(), json!(word))),
        Some(choice) if choice["type"] == "function" => {
            let choice = json!({ "type": "function", "function": { "name": choice["name"] } });
            out.insert("tool_choice".to_owned(), choice);
        }
        Some(_) => return Err(wrong("tool_choice", "`auto`, `none`, `required` or one function")),
        None => {}
    }
    Ok(())
}

fn tool(mut tool: Value) -> Result<Value, Untranslatable> {
    if tool["type"] != "function" {
        let kind = tool["type"].as_str().unwrap_or("?");
        return Err(Untranslatable::new(format!(
            "the tool type `{kind}` is built into the Responses API: it cannot be used with a provider of another format"
        )));
    }
    if let Some(function) = tool.as_object_mut() {
        function.remove("type");
    }
    Ok(json!({ "type": "function", "function": tool }))
}

fn add(index: usize, mut item: Value, messages: &mut Vec<Value>) -> Result<(), Untranslatable> {
    match item["type"].as_str().unwrap_or("message") {
        "message" => {
            let role = item["role"].as_str().unwrap_or("user").to_owned();
            let content = content(index, item["content"].take())?;
            if role == "assistant" {
                assistant(messages)["content"] = json!(media::text_of(&content));
            } else {
                messages.push(json!({ "role": role, "content": content }));
            }
        }
        "function_call" => {
            let call = json!({ "id": item["call_id"].take(), "type": "function",
                "function": { "name": item["name"].take(), "arguments": item["arguments"].take() } });
            push_to(assistant(messages), "tool_calls", call);
        }
        "function_call_output" => {
            let output = media::text_of(&item["output"]);
            messages
                .push(json!({ "role": "tool", "tool_call_id": item["call_id"].take(), "content": output }));
        }
        "reasoning" => {
            if let Some(data) = item["encrypted_content"].as_str() {
                let detail = json!({ "type": "reasoning.encrypted", "data": data, "id": item["id"],
                    "format": "openai-responses-v1" });
                push_to(assistant(messages), "reasoning_details", detail);
            }
        }
        other => {
            return Err(Untranslatable::new(format!(
                "`input[{index}]` of type `{other}` cannot be sent to a provider of another format"
            )));
        }
    }
    Ok(())
}

/// The assistant's message that is being put together: its items come one after the other.
fn assistant(messages: &mut Vec<Value>) -> &mut Value {
    if messages.last().is_none_or(|last| last["role"] != "assistant") {
        messages.push(json!({ "role": "assistant", "content": null }));
    }
    let last = messages.len() - 1;
    &mut messages[last]
}

fn push_to(message: &mut Value, field: &str, value: Value) {
    match message[field].as_array_mut() {
        Some(list) => list.push(value),
        None => message[field] = json!([value]),
    }
}

fn content(index: usize, content: Value) -> Result<Value, Untranslatable> {
    let Value::Array(parts) = content else {
        return Ok(content);
    };
    let part = |part: Value| match part["type"].as_str() {
        Some("input_text" | "output_text" | "text") => Ok(json!({ "type": "text", "text": part["text"] })),
        Some("refusal") => Ok(json!({ "type": "text", "text": part["refusal"] })),
        Some("input_image") if part["image_url"].is_string() => {
            Ok(json!({ "type": "image_url", "image_url": { "url": part["image_url"] } }))
        }
        Some("input_file") if part["file_data"].is_string() || part["file_id"].is_string() => {
            let mut file = part;
            if let Some(fields) = file.as_object_mut() {
                fields.remove("type");
            }
            Ok(json!({ "type": "file", "file": file }))
        }
        _ => Err(Untranslatable::new(format!(
            "`input[{index}]` has a part that cannot be sent to a provider of another format"
        ))),
    };
    parts.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_of_items_becomes_messages() {
        let body = json!({
            "model": "fast", "instructions": "Be brief.", "max_output_tokens": 50, "store": false,
            "include": ["reasoning.encrypted_content"], "reasoning": { "effort": "low" },
            "text": { "format": { "type": "json_schema", "name": "n", "schema": {} } },
            "input": [
                { "role": "user", "content": [{ "type": "input_text", "text": "hi" },
                    { "type": "input_image", "image_url": "data:x" }] },
                { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "enc" },
                { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Looking." }] },
                { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}" },
                { "type": "function_call_output", "call_id": "c1", "output": "sunny" } ],
            "tools": [{ "type": "function", "name": "f", "parameters": { "type": "object" } }],
            "tool_choice": { "type": "function", "name": "f" },
        });
        let (fields, adapted) = translate(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            Value::Object(fields),
            json!({
                "model": "fast", "max_completion_tokens": 50, "reasoning_effort": "low",
                "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": {} } },
                "messages": [
                    { "role": "system", "content": "Be brief." },
                    { "role": "user", "content": [{ "type": "text", "text": "hi" },
                        { "type": "image_url", "image_url": { "url": "data:x" } }] },
                    { "role": "assistant", "content": "Looking.",
                        "reasoning_details": [{ "type": "reasoning.encrypted", "data": "enc", "id": "rs_1",
                            "format": "openai-responses-v1" }],
                        "tool_calls": [{ "id": "c1", "type": "function",
                            "function": { "name": "f", "arguments": "{}" } }] },
                    { "role": "tool", "tool_call_id": "c1", "content": "sunny" } ],
                "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
                "tool_choice": { "type": "function", "function": { "name": "f" } },
            })
        );
        assert!(adapted.is_empty(), "{adapted:?}");
    }

    #[test]
    fn what_only_that_api_has_is_refused() {
        for (body, word) in [
            (
                json!({ "input": "x", "previous_response_id": "resp_1" }),
                "previous_response_id",
            ),
            (
                json!({ "input": "x", "tools": [{ "type": "web_search" }] }),
                "web_search",
            ),
            (
                json!({ "input": [{ "type": "item_reference", "id": "x" }] }),
                "item_reference",
            ),
            (json!({}), "`input`"),
        ] {
            let refusal = translate(body.to_string().as_bytes()).unwrap_err();
            assert!(refusal.message.contains(word), "{refusal}");
        }
    }
}
