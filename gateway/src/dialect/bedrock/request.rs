//! A chat request in Converse's format. What Converse has no field for, and the model's maker has, goes into
//! `additionalModelRequestFields`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::content::{self, Conversation};
use super::reasoning;
use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Translated, Untranslatable};

const FORMAT: &str = "Bedrock's Converse format";
/// Fields of Converse's own that callers may give although they speak `OpenAI`'s format.
const NATIVE: [&str; 5] = [
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
];

/// Translates a chat request, of which `adapted` was changed already. The model and whether to stream are in the
/// address.
pub(crate) fn translate(
    fields: Fields,
    adapted: Vec<&'static str>,
    model: &str,
) -> Result<Translated, Untranslatable> {
    let mut fields = RequestFields::new(fields, adapted);
    let messages = fields
        .take_list("messages")?
        .ok_or_else(|| wrong("messages", "an array"))?;
    let mut conversation = content::conversation(messages)?;
    let mut out = Map::new();
    let mut extra = match fields.take("additionalModelRequestFields") {
        Some(Value::Object(given)) => given,
        _ => Map::new(),
    };
    let mut max_tokens = match fields.take_max_tokens()? {
        Some(bound) => Some(
            bound
                .as_u64()
                .ok_or_else(|| wrong("max_tokens", "a whole number"))?,
        ),
        None => None,
    };
    answer_format(&mut fields, &mut out, &mut conversation)?;
    tools(&mut fields, &mut out, &conversation)?;
    think(&mut fields, &mut extra, (&out, model), &mut max_tokens)?;
    let thinks = extra.contains_key("thinking");
    inference(&mut fields, &mut out, (model, thinks), max_tokens)?;
    if let Some(top_k) = fields.take_number("top_k")? {
        if is_nova(model) {
            extra.insert("inferenceConfig".to_owned(), json!({ "topK": top_k }));
        } else {
            extra.insert("top_k".to_owned(), top_k);
        }
    }
    match fields.take_text("service_tier")?.as_deref() {
        Some(tier @ ("default" | "flex" | "priority" | "reserved")) => {
            out.insert("serviceTier".to_owned(), json!({ "type": tier }));
        }
        Some("auto") | None => {}
        Some(_) => fields.adapt("service_tier"),
    }
    metadata(&mut fields, &mut out);
    for name in NATIVE {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    if !extra.is_empty() {
        out.insert("additionalModelRequestFields".to_owned(), Value::Object(extra));
    }
    if !conversation.system.is_empty() {
        out.insert("system".to_owned(), Value::Array(conversation.system));
    }
    out.insert("messages".to_owned(), Value::Array(conversation.turns));
    let adapted = fields.finish(FORMAT)?;
    let body = Bytes::from(Value::Object(out).to_string());
    Ok(Translated { body, adapted })
}

fn is_nova(model: &str) -> bool {
    model.contains("amazon.nova")
}

/// `response_format`: a schema is the API's own business; plain JSON has to be asked for in words.
fn answer_format(
    fields: &mut RequestFields,
    out: &mut Map<String, Value>,
    conversation: &mut Conversation,
) -> Result<(), Untranslatable> {
    let Some(format) = fields.take("response_format") else {
        return Ok(());
    };
    match format["type"].as_str() {
        Some("text") => {}
        Some("json_object") => {
            fields.adapt("response_format");
            let ask = "Answer with one JSON object and nothing else.";
            conversation.system.push(json!({ "text": ask }));
        }
        Some("json_schema") => {
            let asked = &format["json_schema"];
            if !asked["schema"].is_object() {
                return Err(wrong("response_format.json_schema.schema", "an object"));
            }
            // The API wants it as text.
            let mut schema = json!({ "schema": asked["schema"].to_string() });
            for name in ["name", "description"] {
                if let Some(text) = asked[name].as_str() {
                    schema[name] = json!(text);
                }
            }
            let format = json!({ "type": "json_schema", "structure": { "jsonSchema": schema } });
            out.insert("outputConfig".to_owned(), json!({ "textFormat": format }));
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

/// The API has no way to forbid tools but to offer none, and insists on some when the conversation has called any.
fn tools(
    fields: &mut RequestFields,
    out: &mut Map<String, Value>,
    conversation: &Conversation,
) -> Result<(), Untranslatable> {
    if fields.take("parallel_tool_calls") == Some(Value::Bool(false)) {
        fields.adapt("parallel_tool_calls");
    }
    let choice = fields.take("tool_choice");
    let given = fields.take_list("tools")?.unwrap_or_default();
    let mut tools = Vec::with_capacity(given.len());
    for mut given in given {
        let control = given
            .get_mut("cache_control")
            .map(Value::take)
            .unwrap_or_default();
        tools.push(tool(given)?);
        tools.extend(content::cache_point(&control));
    }
    let must_offer = !conversation.called.is_empty();
    if choice.as_ref().is_some_and(|choice| choice == "none") {
        if !must_offer {
            return Ok(());
        }
        fields.adapt("tool_choice");
    }
    if tools.is_empty() {
        if !must_offer {
            return Ok(());
        }
        fields.adapt("tools");
        let schema = json!({ "json": { "type": "object", "properties": {} } });
        let called = conversation.called.iter();
        tools.extend(called.map(|name| json!({ "toolSpec": { "name": name, "inputSchema": schema } })));
    }
    let mut config = json!({ "tools": tools });
    match choice
        .as_ref()
        .map(|choice| (choice.as_str(), choice["type"].as_str()))
    {
        None | Some((Some("none"), _)) => {}
        Some((Some("auto"), _)) => config["toolChoice"] = json!({ "auto": {} }),
        Some((Some("required"), _)) => config["toolChoice"] = json!({ "any": {} }),
        Some((_, Some("function"))) => {
            let name = choice.as_ref().map(|choice| choice["function"]["name"].clone());
            config["toolChoice"] = json!({ "tool": { "name": name } });
        }
        Some(_) => {
            return Err(Untranslatable::new(
                "`tool_choice` can be `auto`, `none`, `required` or one function in Bedrock's Converse format",
            ));
        }
    }
    out.insert("toolConfig".to_owned(), config);
    Ok(())
}

fn tool(mut tool: Value) -> Result<Value, Untranslatable> {
    if tool["type"] != "function" {
        return match tool.get("toolSpec").or(tool.get("systemTool")) {
            Some(_) => Ok(tool),
            None => Err(Untranslatable::new(
                "only function tools can be expressed in Bedrock's Converse format",
            )),
        };
    }
    let mut function = tool["function"].take();
    let schema = match function["parameters"].take() {
        Value::Null => json!({ "type": "object", "properties": {} }),
        schema => schema,
    };
    let mut spec = json!({ "name": function["name"].take(), "inputSchema": { "json": schema } });
    if let Some(description) = function["description"].as_str().filter(|text| !text.is_empty()) {
        spec["description"] = json!(description);
    }
    if function["strict"] == true {
        spec["strict"] = json!(true);
    }
    Ok(json!({ "toolSpec": spec }))
}

/// Thinking by effort, or by the caller's own `thinking`. Its budget comes on top of the answer's bound.
fn think(
    fields: &mut RequestFields,
    extra: &mut Map<String, Value>,
    (out, model): (&Map<String, Value>, &str),
    max_tokens: &mut Option<u64>,
) -> Result<(), Untranslatable> {
    let effort = fields.take_text("reasoning_effort")?;
    if let Some(thinking) = fields.take("thinking") {
        extra.insert("thinking".to_owned(), thinking);
        return Ok(());
    }
    let Some(effort) = effort else { return Ok(()) };
    let choice = out.get("toolConfig").map(|config| &config["toolChoice"]);
    let is_forced = choice.is_some_and(|choice| choice.get("any").is_some() || choice.get("tool").is_some());
    let asked = reasoning::from_effort(&effort, model);
    let Some(asked) = asked.filter(|_| !(is_forced && reasoning::is_claude(model))) else {
        if effort != "none" {
            fields.adapt("reasoning_effort");
        }
        return Ok(());
    };
    extra.extend(asked.fields);
    if asked.budget > 0 {
        let bound = max_tokens.unwrap_or(ANSWER_TOKENS_ASSUMED);
        *max_tokens = Some(bound.saturating_add(asked.budget));
    }
    Ok(())
}

/// A budget for thinking must be below the bound on the answer, so that one is needed.
const ANSWER_TOKENS_ASSUMED: u64 = 4096;

fn inference(
    fields: &mut RequestFields,
    out: &mut Map<String, Value>,
    (model, thinks): (&str, bool),
    max_tokens: Option<u64>,
) -> Result<(), Untranslatable> {
    let mut config = Map::new();
    if let Some(bound) = max_tokens {
        config.insert("maxTokens".to_owned(), json!(bound));
    }
    if let Some(temperature) = fields.take_number("temperature")? {
        let is_hot = temperature.as_f64().is_some_and(|value| value > 1.0);
        let thinks = thinks && reasoning::is_claude(model);
        if thinks || is_hot {
            fields.adapt("temperature");
        }
        if !thinks {
            let value = if is_hot { json!(1.0) } else { temperature };
            config.insert("temperature".to_owned(), value);
        }
    }
    if let Some(top_p) = fields.take_number("top_p")? {
        if thinks && reasoning::is_claude(model) {
            fields.adapt("top_p");
        } else {
            config.insert("topP".to_owned(), top_p);
        }
    }
    if let Some(stop) = fields.take_stop()? {
        config.insert("stopSequences".to_owned(), Value::Array(stop));
    }
    if !config.is_empty() {
        out.insert("inferenceConfig".to_owned(), Value::Object(config));
    }
    Ok(())
}

/// `metadata` of texts is a request's own; of who the user is, nothing has a place.
fn metadata(fields: &mut RequestFields, out: &mut Map<String, Value>) {
    if let Some(metadata) = fields.take("metadata") {
        let texts = metadata
            .as_object()
            .is_some_and(|fields| fields.values().all(Value::is_string));
        if texts {
            out.insert("requestMetadata".to_owned(), metadata);
        } else {
            fields.adapt("metadata");
        }
    }
    for name in ["user", "safety_identifier"] {
        if fields.take(name).is_some() {
            fields.adapt(name);
        }
    }
}

#[cfg(test)]
mod tests;
