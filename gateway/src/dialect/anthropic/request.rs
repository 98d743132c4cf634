//! A chat request in Anthropic's format.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{content, thinking};
use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Translated, Untranslatable};

const FORMAT: &str = "Anthropic's Messages format";
/// The API wants a bound; callers of `OpenAI`'s need not give one.
const MAX_TOKENS_DEFAULT: u64 = 4096;
/// Fields of Anthropic's own that callers may give although they speak `OpenAI`'s format.
const NATIVE: [&str; 6] = [
    "top_k",
    "cache_control",
    "context_management",
    "mcp_servers",
    "container",
    "speed",
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
    let mut conversation = content::conversation(messages)?;
    let mut out = Map::new();
    out.insert("model".to_owned(), json!(model));
    if stream {
        out.insert("stream".to_owned(), json!(true));
    }
    let mut max_tokens = max_tokens(&mut fields)?;
    answer_format(&mut fields, &mut out, &mut conversation)?;
    tools(&mut fields, &mut out)?;
    think(&mut fields, &mut out, model, &mut max_tokens)?;
    sampling(&mut fields, &mut out)?;
    identify_user(&mut fields, &mut out)?;
    for name in NATIVE {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    out.insert("max_tokens".to_owned(), json!(max_tokens));
    if !conversation.system.is_empty() {
        out.insert("system".to_owned(), Value::Array(conversation.system));
    }
    out.insert("messages".to_owned(), Value::Array(conversation.turns));
    let adapted = fields.finish(FORMAT)?;
    let body = Bytes::from(Value::Object(out).to_string());
    Ok(Translated { body, adapted })
}

fn max_tokens(fields: &mut RequestFields) -> Result<u64, Untranslatable> {
    if let Some(bound) = fields.take_max_tokens()? {
        return bound
            .as_u64()
            .ok_or_else(|| wrong("max_tokens", "a whole number"));
    }
    fields.adapt("max_tokens");
    Ok(MAX_TOKENS_DEFAULT)
}

/// `response_format`: a schema is the API's own business; plain JSON has to be asked for in words.
fn answer_format(
    fields: &mut RequestFields,
    out: &mut Map<String, Value>,
    conversation: &mut content::Conversation,
) -> Result<(), Untranslatable> {
    let Some(mut format) = fields.take("response_format") else {
        return Ok(());
    };
    match format["type"].as_str() {
        Some("text") => {}
        Some("json_object") => {
            fields.adapt("response_format");
            let ask = "Answer with one JSON object and nothing else.";
            conversation.system.push(json!({ "type": "text", "text": ask }));
        }
        Some("json_schema") => {
            let schema = format["json_schema"]["schema"].take();
            if !schema.is_object() {
                return Err(wrong("response_format.json_schema.schema", "an object"));
            }
            output_config(out)["format"] = json!({ "type": "json_schema", "schema": schema });
        }
        _ => {
            return Err(wrong(
                "response_format.type",
                "`text`, `json_object` or `json_schema`",
            ));
        }
    }
    Ok(())
}

fn output_config(out: &mut Map<String, Value>) -> &mut Value {
    out.entry("output_config").or_insert_with(|| json!({}))
}

fn tools(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let serial = fields.take("parallel_tool_calls") == Some(Value::Bool(false));
    let choice = fields.take("tool_choice");
    let Some(tools) = fields.take_list("tools")?.filter(|tools| !tools.is_empty()) else {
        return Ok(());
    };
    let tools = tools.into_iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    out.insert("tools".to_owned(), Value::Array(tools));
    let mut choice = match choice {
        None if serial => json!({ "type": "auto" }),
        None => return Ok(()),
        Some(choice) => tool_choice(&choice)?,
    };
    if serial && choice["type"] != "none" {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    out.insert("tool_choice".to_owned(), choice);
    Ok(())
}

fn tool(mut tool: Value) -> Result<Value, Untranslatable> {
    // Anthropic's own tools carry another type and pass as they are.
    let is_function = tool["type"] == "function" || tool.get("function").is_some();
    if !is_function {
        return match tool["type"].as_str() {
            Some("custom") if tool.get("input_schema").is_none() => Err(Untranslatable::new(
                "custom tools cannot be expressed in Anthropic's Messages format: use a function",
            )),
            Some(_) => Ok(tool),
            None => Err(wrong("tools[].type", "`function`")),
        };
    }
    let mut function = tool["function"].take();
    let schema = match function["parameters"].take() {
        Value::Null => json!({ "type": "object", "properties": {} }),
        schema => schema,
    };
    let mut out = json!({ "name": function["name"].take(), "input_schema": schema });
    for name in ["description", "strict"] {
        if let Some(value) = function
            .get_mut(name)
            .map(Value::take)
            .filter(|value| !value.is_null())
        {
            out[name] = value;
        }
    }
    if let Some(control) = tool.get_mut("cache_control").map(Value::take) {
        out["cache_control"] = control;
    }
    Ok(out)
}

fn tool_choice(choice: &Value) -> Result<Value, Untranslatable> {
    match (choice.as_str(), choice["type"].as_str()) {
        (Some("auto"), _) => Ok(json!({ "type": "auto" })),
        (Some("none"), _) => Ok(json!({ "type": "none" })),
        (Some("required"), _) => Ok(json!({ "type": "any" })),
        (_, Some("function")) => Ok(json!({ "type": "tool", "name": choice["function"]["name"] })),
        _ => Err(Untranslatable::new(
            "`tool_choice` can be `auto`, `none`, `required` or one function in Anthropic's Messages format",
        )),
    }
}

/// Thinking by effort, or by the caller's own `thinking`. Its budget comes on top of the answer's bound.
fn think(
    fields: &mut RequestFields,
    out: &mut Map<String, Value>,
    model: &str,
    max_tokens: &mut u64,
) -> Result<(), Untranslatable> {
    let effort = fields.take_text("reasoning_effort")?;
    if let Some(thinking) = fields.take("thinking") {
        out.insert("thinking".to_owned(), thinking);
        return Ok(());
    }
    let Some(thinking) = effort.and_then(|effort| thinking::from_effort(&effort, model)) else {
        return Ok(());
    };
    let is_forced = out
        .get("tool_choice")
        .is_some_and(|choice| choice["type"] == "any" || choice["type"] == "tool");
    if is_forced {
        // The API does not let a model think before a call that it is forced to make.
        fields.adapt("reasoning_effort");
        return Ok(());
    }
    if thinking.budget > 0 {
        *max_tokens = max_tokens.saturating_add(thinking.budget);
    }
    if let Some(effort) = thinking.effort {
        output_config(out)["effort"] = json!(effort);
    }
    out.insert("thinking".to_owned(), thinking.field);
    Ok(())
}

fn sampling(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let thinks = out.contains_key("thinking");
    if let Some(temperature) = fields.take_number("temperature")? {
        let is_hot = temperature.as_f64().is_some_and(|value| value > 1.0);
        if thinks || is_hot {
            fields.adapt("temperature");
        }
        if !thinks {
            let value = if is_hot { json!(1.0) } else { temperature };
            out.insert("temperature".to_owned(), value);
        }
    }
    if let Some(top_p) = fields.take_number("top_p")? {
        if thinks {
            fields.adapt("top_p");
        } else {
            out.insert("top_p".to_owned(), top_p);
        }
    }
    if let Some(stop) = fields.take_stop()? {
        out.insert("stop_sequences".to_owned(), Value::Array(stop));
    }
    match fields.take_text("service_tier")?.as_deref() {
        Some("auto") => drop(out.insert("service_tier".to_owned(), json!("auto"))),
        Some("default") => drop(out.insert("service_tier".to_owned(), json!("standard_only"))),
        Some(_) => fields.adapt("service_tier"),
        None => {}
    }
    Ok(())
}

/// The API takes one opaque id of the user, and no other metadata.
fn identify_user(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let metadata = fields.take("metadata");
    let named = metadata
        .as_ref()
        .and_then(|metadata| metadata["user_id"].as_str());
    let safety = fields.take_text("safety_identifier")?;
    let user = fields.take_text("user")?.or(safety);
    if let Some(user) = user.as_deref().or(named) {
        out.insert("metadata".to_owned(), json!({ "user_id": user }));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
