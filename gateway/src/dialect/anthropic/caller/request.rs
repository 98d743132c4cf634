//! A request of Anthropic's as a chat request.

use serde_json::{Map, Value, json};

use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Untranslatable};

mod messages;

/// Fields whose meaning is the same under the same name.
const SAME: [&str; 3] = ["temperature", "top_p", "top_k"];

/// A chat request, and what was changed on the way to it.
#[derive(Debug)]
pub(crate) struct Pivoted {
    pub(crate) fields: Fields,
    pub(crate) adapted: Vec<&'static str>,
}

/// Translates the body of a Messages request. `model` and `stream` are the caller's still.
pub(crate) fn translate(body: &[u8]) -> Result<Pivoted, Untranslatable> {
    let mut fields = RequestFields::parse(body)?;
    let mut out = Map::new();
    let turns = fields
        .take_list("messages")?
        .ok_or_else(|| wrong("messages", "an array"))?;
    let system = fields.take("system");
    let messages = messages::translate(system, turns, &mut fields)?;
    out.insert("messages".to_owned(), Value::Array(messages));
    for name in SAME {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    for (theirs, ours) in [
        ("max_tokens", "max_completion_tokens"),
        ("stop_sequences", "stop"),
    ] {
        if let Some(value) = fields.take(theirs) {
            out.insert(ours.to_owned(), value);
        }
    }
    tools(&mut fields, &mut out)?;
    think(&mut fields, &mut out);
    if let Some(user) = fields
        .take("metadata")
        .and_then(|mut metadata| metadata.get_mut("user_id").map(Value::take))
    {
        out.insert("user".to_owned(), user);
    }
    match fields.take_text("service_tier")?.as_deref() {
        Some("standard_only") => drop(out.insert("service_tier".to_owned(), json!("default"))),
        Some(tier) => drop(out.insert("service_tier".to_owned(), json!(tier))),
        None => {}
    }
    for name in ["model", "stream"] {
        if let Some(value) = fields.take(name) {
            out.insert(name.to_owned(), value);
        }
    }
    let adapted = fields.finish("OpenAI's chat format")?;
    Ok(Pivoted { fields: out, adapted })
}

fn tools(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let choice = fields.take("tool_choice");
    let Some(tools) = fields.take_list("tools")?.filter(|tools| !tools.is_empty()) else {
        return Ok(());
    };
    let tools = tools.into_iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    out.insert("tools".to_owned(), Value::Array(tools));
    let Some(choice) = choice else { return Ok(()) };
    let translated = match choice["type"].as_str() {
        Some("any") => json!("required"),
        Some("none") => json!("none"),
        Some("tool") => json!({ "type": "function", "function": { "name": choice["name"] } }),
        _ => json!("auto"),
    };
    out.insert("tool_choice".to_owned(), translated);
    if choice["disable_parallel_tool_use"] == true {
        out.insert("parallel_tool_calls".to_owned(), json!(false));
    }
    Ok(())
}

fn tool(mut tool: Value) -> Result<Value, Untranslatable> {
    let kind = tool["type"].as_str().unwrap_or("custom");
    if kind != "custom" || !tool["input_schema"].is_object() {
        return Err(Untranslatable::new(format!(
            "the tool type `{kind}` is Anthropic's own: it cannot be used with a provider of another format"
        )));
    }
    let mut function = json!({ "name": tool["name"].take(), "parameters": tool["input_schema"].take() });
    for name in ["description", "strict"] {
        if let Some(value) = tool
            .get_mut(name)
            .map(Value::take)
            .filter(|value| !value.is_null())
        {
            function[name] = value;
        }
    }
    let mut out = json!({ "type": "function", "function": function });
    if let Some(control) = tool.get_mut("cache_control").map(Value::take) {
        out["cache_control"] = control;
    }
    Ok(out)
}

/// Thinking by budget or by effort, and a schema for the answer.
fn think(fields: &mut RequestFields, out: &mut Map<String, Value>) {
    let thinking = fields.take("thinking").unwrap_or_default();
    let mut config = fields.take("output_config").unwrap_or_default();
    let effort = config["effort"]
        .as_str()
        .map(|effort| if effort == "max" { "xhigh" } else { effort }.to_owned());
    let effort = match thinking["type"].as_str() {
        Some("enabled") => Some(match thinking["budget_tokens"].as_u64().unwrap_or_default() {
            0..=1500 => "low".to_owned(),
            1501..=6000 => "medium".to_owned(),
            _ => "high".to_owned(),
        }),
        Some("adaptive") => Some(effort.unwrap_or_else(|| "medium".to_owned())),
        Some("disabled") => None,
        _ => effort,
    };
    if let Some(effort) = effort {
        out.insert("reasoning_effort".to_owned(), json!(effort));
    }
    if config["format"]["type"] == "json_schema" {
        let schema = config["format"]["schema"].take();
        let schema = json!({ "name": "answer", "schema": schema, "strict": true });
        let format = json!({ "type": "json_schema", "json_schema": schema });
        out.insert("response_format".to_owned(), format);
    }
}

#[cfg(test)]
mod tests;
