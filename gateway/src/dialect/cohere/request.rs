//! A chat request in Cohere's format: nearly `OpenAI`'s, with other names.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Translated, Untranslatable, media};

const FORMAT: &str = "Cohere's format";
/// Numbers, by `OpenAI`'s name and Cohere's.
const NUMBERS: [(&str, &str); 6] = [
    ("temperature", "temperature"),
    ("top_p", "p"),
    ("top_k", "k"),
    ("seed", "seed"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
];
/// Fields of Cohere's own that callers may give although they speak `OpenAI`'s format.
const NATIVE: [&str; 5] = [
    "documents",
    "citation_options",
    "safety_mode",
    "strict_tools",
    "priority",
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
    let mut out = Map::new();
    out.insert("model".to_owned(), json!(model));
    out.insert("stream".to_owned(), json!(stream));
    let mut lost_thought = false;
    let messages = messages
        .into_iter()
        .enumerate()
        .map(|(index, turn)| message(index, turn, &mut lost_thought))
        .collect::<Result<Vec<_>, _>>()?;
    out.insert("messages".to_owned(), Value::Array(messages));
    if lost_thought {
        fields.adapt("thinking");
    }
    if let Some(bound) = fields.take_max_tokens()? {
        out.insert("max_tokens".to_owned(), bound);
    }
    for (ours, theirs) in NUMBERS {
        if let Some(value) = fields.take_number(ours)? {
            out.insert(theirs.to_owned(), value);
        }
    }
    if let Some(stop) = fields.take_stop()? {
        out.insert("stop_sequences".to_owned(), Value::Array(stop));
    }
    answer_format(&mut fields, &mut out)?;
    tools(&mut fields, &mut out)?;
    if let Some(effort) = fields.take_text("reasoning_effort")? {
        let kind = if effort == "none" { "disabled" } else { "enabled" };
        out.insert("thinking".to_owned(), json!({ "type": kind }));
    }
    for name in NATIVE {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    for name in ["user", "metadata", "safety_identifier", "service_tier"] {
        if fields.take(name).is_some() {
            fields.adapt(name);
        }
    }
    let adapted = fields.finish(FORMAT)?;
    let body = Bytes::from(Value::Object(out).to_string());
    Ok(Translated { body, adapted })
}

fn message(index: usize, mut message: Value, lost_thought: &mut bool) -> Result<Value, Untranslatable> {
    let at = |what: &str| Untranslatable::new(format!("`messages[{index}]` {what}"));
    let Some(fields) = message.as_object_mut() else {
        return Err(at("is not an object"));
    };
    for name in [
        "reasoning_details",
        "reasoning_content",
        "thinking_blocks",
        "refusal",
        "name",
    ] {
        let value = fields.remove(name);
        *lost_thought |=
            name.starts_with('r') && value.is_some_and(|value| !value.is_null()) && name != "refusal";
    }
    match fields.get("role").and_then(Value::as_str) {
        Some("developer") => drop(fields.insert("role".to_owned(), json!("system"))),
        Some("system" | "user" | "assistant") => {}
        // Text among parts is the one form of a result that all its models take.
        Some("tool") => {
            let text = media::text_of(fields.get("content").unwrap_or(&Value::Null));
            fields.insert("content".to_owned(), json!(text));
        }
        _ => return Err(at("has a role that cannot be expressed in Cohere's format")),
    }
    for part in fields
        .get("content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if !matches!(part["type"].as_str(), Some("text" | "image_url")) {
            return Err(at(
                "has a part that cannot be expressed in Cohere's format (text and image_url can)",
            ));
        }
    }
    if fields.get("content").is_some_and(Value::is_null) {
        fields.remove("content");
    }
    Ok(message)
}

fn answer_format(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let Some(mut format) = fields.take("response_format") else {
        return Ok(());
    };
    let format = match format["type"].as_str() {
        Some("text") => return Ok(()),
        Some("json_object") => json!({ "type": "json_object" }),
        Some("json_schema") => {
            json!({ "type": "json_object", "json_schema": format["json_schema"]["schema"].take() })
        }
        _ => {
            return Err(wrong(
                "response_format.type",
                "`text`, `json_object` or `json_schema`",
            ));
        }
    };
    out.insert("response_format".to_owned(), format);
    Ok(())
}

fn tools(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    if fields.take("parallel_tool_calls") == Some(Value::Bool(false)) {
        fields.adapt("parallel_tool_calls");
    }
    let choice = fields.take("tool_choice");
    let Some(tools) = fields.take_list("tools")?.filter(|tools| !tools.is_empty()) else {
        return Ok(());
    };
    if tools.iter().any(|tool| tool["type"] != "function") {
        return Err(Untranslatable::new(
            "only function tools can be expressed in Cohere's format",
        ));
    }
    out.insert("tools".to_owned(), Value::Array(tools));
    match choice.as_ref().and_then(Value::as_str) {
        _ if choice.is_none() => {}
        Some("auto") => {}
        Some("none") => drop(out.insert("tool_choice".to_owned(), json!("NONE"))),
        Some("required") => drop(out.insert("tool_choice".to_owned(), json!("REQUIRED"))),
        _ => {
            return Err(Untranslatable::new(
                "`tool_choice` can be `auto`, `none` or `required` in Cohere's format",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(body: &Value) -> (Value, Vec<&'static str>) {
        let out = translate(body.as_object().unwrap().clone(), Vec::new(), "command-x", false).unwrap();
        (serde_json::from_slice(&out.body).unwrap(), out.adapted)
    }

    #[test]
    fn a_conversation_with_tools_and_images_keeps_everything() {
        let call =
            json!([{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }]);
        let tool =
            json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }]);
        let image = json!([{ "type": "text", "text": "hi" }, { "type": "image_url", "image_url": { "url": "data:x" } }]);
        let (out, adapted) = translated(&json!({
            "model": "fast", "max_completion_tokens": 5, "top_p": 0.9, "top_k": 3, "stop": "END", "seed": 1,
            "messages": [
                { "role": "developer", "content": "Be brief." },
                { "role": "user", "content": image },
                { "role": "assistant", "content": null, "refusal": null, "tool_calls": call },
                { "role": "tool", "tool_call_id": "c1", "content": [{ "type": "text", "text": "sunny" }] } ],
            "tools": tool, "tool_choice": "required",
            "response_format": { "type": "json_schema", "json_schema": { "schema": { "type": "object" } } },
        }));
        assert_eq!(
            out,
            json!({
                "model": "command-x", "stream": false, "max_tokens": 5, "p": 0.9, "k": 3, "seed": 1,
                "stop_sequences": ["END"],
                "messages": [
                    { "role": "system", "content": "Be brief." },
                    { "role": "user", "content": image },
                    { "role": "assistant", "tool_calls": call },
                    { "role": "tool", "tool_call_id": "c1", "content": "sunny" } ],
                "tools": tool, "tool_choice": "REQUIRED",
                "response_format": { "type": "json_object", "json_schema": { "type": "object" } },
            })
        );
        assert!(adapted.is_empty(), "{adapted:?}");
    }

    #[test]
    fn what_cannot_be_expressed_is_named_or_refused() {
        let (_, adapted) = translated(&json!({ "user": "u", "parallel_tool_calls": false, "messages": [
            { "role": "assistant", "content": "x", "reasoning_content": "hm" }] }));
        assert_eq!(adapted, ["thinking", "parallel_tool_calls", "user"]);
        for (body, word) in [
            (json!({ "messages": [], "n": 2 }), "`n`"),
            (
                json!({ "messages": [{ "role": "user", "content": [{ "type": "file" }] }] }),
                "messages[0]",
            ),
            (
                json!({ "messages": [], "tools": [{ "type": "function" }], "tool_choice": { "type": "function" } }),
                "`tool_choice`",
            ),
        ] {
            let refusal = translate(body.as_object().unwrap().clone(), Vec::new(), "m", false).unwrap_err();
            assert!(refusal.message.contains(word), "{refusal}");
        }
    }
}
