//! A chat request in the format of the Responses API.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Translated, Untranslatable, media};

const FORMAT: &str = "the Responses format";
/// Fields whose meaning is the same under the same name.
const SAME: [&str; 11] = [
    "temperature",
    "top_p",
    "tool_choice",
    "parallel_tool_calls",
    "metadata",
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_key",
    "store",
    "top_logprobs",
];

/// Translates a chat request, of which `adapted` was changed already.
pub(crate) fn translate(
    fields: Fields,
    adapted: Vec<&'static str>,
    model: &str,
    stream: bool,
) -> Result<Translated, Untranslatable> {
    let mut fields = RequestFields::new(fields, adapted);
    let messages = fields
        .take_list("messages")?
        .ok_or_else(|| wrong("messages", "an array"))?;
    let mut input = Vec::with_capacity(messages.len());
    for (index, turn) in messages.iter().enumerate() {
        items(index, turn, &mut input)?;
    }
    let mut out = Map::new();
    out.insert("model".to_owned(), json!(model));
    if stream {
        out.insert("stream".to_owned(), json!(true));
    }
    out.insert("input".to_owned(), Value::Array(input));
    if let Some(bound) = fields.take_max_tokens()? {
        out.insert("max_output_tokens".to_owned(), bound);
    }
    for name in SAME {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    if let Some(choice) = out
        .get_mut("tool_choice")
        .filter(|choice| choice["function"].is_object())
    {
        *choice = json!({ "type": "function", "name": choice["function"]["name"] });
    }
    if let Some(tools) = fields.take_list("tools")? {
        let tools = tools.into_iter().map(tool).collect::<Result<Vec<_>, _>>()?;
        out.insert("tools".to_owned(), Value::Array(tools));
    }
    if let Some(effort) = fields.take_text("reasoning_effort")? {
        out.insert(
            "reasoning".to_owned(),
            json!({ "effort": effort, "summary": "auto" }),
        );
        // Without it, reasoning could not be given back in the next turn: nothing is stored there for us.
        out.insert("include".to_owned(), json!(["reasoning.encrypted_content"]));
    }
    answer_format(&mut fields, &mut out)?;
    if fields.take("stop").is_some() {
        fields.adapt("stop");
    }
    let adapted = fields.finish(FORMAT)?;
    let body = Bytes::from(Value::Object(out).to_string());
    Ok(Translated { body, adapted })
}

fn answer_format(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let mut text = Map::new();
    if let Some(verbosity) = fields.take("verbosity") {
        text.insert("verbosity".to_owned(), verbosity);
    }
    if let Some(mut format) = fields.take("response_format") {
        let format = match format["type"].as_str() {
            Some("text" | "json_object") => format,
            Some("json_schema") => {
                let mut schema = format["json_schema"].take();
                schema["type"] = json!("json_schema");
                schema
            }
            _ => {
                return Err(wrong(
                    "response_format.type",
                    "`text`, `json_object` or `json_schema`",
                ));
            }
        };
        text.insert("format".to_owned(), format);
    }
    if !text.is_empty() {
        out.insert("text".to_owned(), Value::Object(text));
    }
    Ok(())
}

/// A function's fields lie beside its type here.
fn tool(mut tool: Value) -> Result<Value, Untranslatable> {
    if tool["type"] != "function" {
        return Err(Untranslatable::new(
            "only function tools can be expressed in the Responses format",
        ));
    }
    let mut function = tool["function"].take();
    function["type"] = json!("function");
    Ok(function)
}

fn items(index: usize, turn: &Value, input: &mut Vec<Value>) -> Result<(), Untranslatable> {
    let content = &turn["content"];
    match turn["role"].as_str() {
        Some(role @ ("system" | "developer" | "user")) => {
            input.push(json!({ "role": role, "content": parts(index, content)? }));
        }
        Some("assistant") => {
            for detail in turn["reasoning_details"].as_array().into_iter().flatten() {
                input.extend(reasoning(detail));
            }
            let text = media::text_of(content);
            if !text.is_empty() {
                input.push(json!({ "role": "assistant", "content": text }));
            }
            for call in turn["tool_calls"].as_array().into_iter().flatten() {
                let function = &call["function"];
                input.push(
                    json!({ "type": "function_call", "call_id": call["id"], "name": function["name"],
                    "arguments": function["arguments"].as_str().unwrap_or("{}") }),
                );
            }
        }
        Some("tool") => input.push(
            json!({ "type": "function_call_output", "call_id": turn["tool_call_id"],
            "output": media::text_of(content) }),
        ),
        _ => {
            return Err(at(
                index,
                "has a role that cannot be expressed in the Responses format",
            ));
        }
    }
    Ok(())
}

/// Only what came from this format can be given back to it.
fn reasoning(detail: &Value) -> Option<Value> {
    let ours = detail["format"] == "openai-responses-v1";
    let data = detail["data"].as_str().filter(|_| ours)?;
    let mut item = json!({ "type": "reasoning", "summary": [], "encrypted_content": data });
    if detail["id"].is_string() {
        item["id"] = detail["id"].clone();
    }
    Some(item)
}

fn parts(index: usize, content: &Value) -> Result<Value, Untranslatable> {
    let Some(parts) = content.as_array() else {
        return Ok(content.clone());
    };
    let part = |part: &Value| match part["type"].as_str() {
        Some("text") => Ok(json!({ "type": "input_text", "text": part["text"] })),
        Some("image_url") => {
            let image = &part["image_url"];
            let mut out =
                json!({ "type": "input_image", "image_url": image.as_str().or(image["url"].as_str()) });
            out["detail"] = image.get("detail").cloned().unwrap_or_else(|| json!("auto"));
            Ok(out)
        }
        Some("file") => {
            let mut file = part["file"].clone();
            file["type"] = json!("input_file");
            Ok(file)
        }
        _ => Err(at(
            index,
            "has a part that cannot be expressed in the Responses format (text, image_url and file can)",
        )),
    };
    parts.iter().map(part).collect()
}

fn at(index: usize, what: &str) -> Untranslatable {
    Untranslatable::new(format!("`messages[{index}]` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(body: &Value) -> (Value, Vec<&'static str>) {
        let out = translate(body.as_object().unwrap().clone(), Vec::new(), "gpt-x", true).unwrap();
        (serde_json::from_slice(&out.body).unwrap(), out.adapted)
    }

    #[test]
    fn a_conversation_with_tools_images_and_reasoning_keeps_everything() {
        let (out, adapted) = translated(&json!({
            "model": "fast", "max_tokens": 50, "temperature": 0.5, "reasoning_effort": "low", "verbosity": "low",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [{ "type": "text", "text": "hi" },
                    { "type": "image_url", "image_url": { "url": "data:x" } },
                    { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:y" } }] },
                { "role": "assistant", "content": "Looking.",
                    "reasoning_details": [
                        { "type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "format": "openai-responses-v1" },
                        { "type": "reasoning.text", "text": "another's", "signature": "s" }],
                    "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }] },
                { "role": "tool", "tool_call_id": "c1", "content": "sunny" } ],
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
            "tool_choice": { "type": "function", "function": { "name": "f" } },
            "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": {} } },
        }));
        assert_eq!(
            out,
            json!({
                "model": "gpt-x", "stream": true, "max_output_tokens": 50, "temperature": 0.5,
                "reasoning": { "effort": "low", "summary": "auto" }, "include": ["reasoning.encrypted_content"],
                "text": { "verbosity": "low", "format": { "type": "json_schema", "name": "n", "schema": {} } },
                "input": [
                    { "role": "system", "content": "Be brief." },
                    { "role": "user", "content": [{ "type": "input_text", "text": "hi" },
                        { "type": "input_image", "image_url": "data:x", "detail": "auto" },
                        { "type": "input_file", "filename": "a.pdf", "file_data": "data:y" }] },
                    { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "enc" },
                    { "role": "assistant", "content": "Looking." },
                    { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}" },
                    { "type": "function_call_output", "call_id": "c1", "output": "sunny" } ],
                "tools": [{ "type": "function", "name": "f", "parameters": { "type": "object" } }],
                "tool_choice": { "type": "function", "name": "f" },
            })
        );
        assert!(adapted.is_empty(), "{adapted:?}");
    }

    #[test]
    fn what_the_format_lacks_is_named_or_refused() {
        let (_, adapted) = translated(&json!({ "messages": [], "stop": "x", "seed": 3 }));
        assert_eq!(adapted, ["stop", "seed"]);
        let refusal = translate(
            json!({ "messages": [], "n": 2 }).as_object().unwrap().clone(),
            vec![],
            "m",
            false,
        );
        assert!(refusal.unwrap_err().message.contains("`n`"));
    }
}
