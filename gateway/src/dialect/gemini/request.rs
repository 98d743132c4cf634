//! A chat request in Gemini's format.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::content;
use crate::dialect::request_fields::{RequestFields, wrong};
use crate::dialect::{Fields, Translated, Untranslatable};

const FORMAT: &str = "Gemini's format";
/// Numbers that only change their names.
const NUMBERS: [(&str, &str); 6] = [
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("seed", "seed"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
];
/// Fields of Gemini's own that callers may give although they speak `OpenAI`'s format.
const NATIVE: [(&str, &str); 2] = [
    ("safety_settings", "safetySettings"),
    ("cached_content", "cachedContent"),
];

/// Translates a chat request, of which `adapted` was changed already.
pub(crate) fn translate(
    fields: Fields,
    adapted: Vec<&'static str>,
    model: &str,
) -> Result<Translated, Untranslatable> {
    let mut fields = RequestFields::new(fields, adapted);
    let messages = fields
        .take_list("messages")?
        .ok_or_else(|| wrong("messages", "an array"))?;
    let conversation = content::conversation(messages)?;
    if conversation.lacks_signature {
        fields.adapt("thought_signature");
    }
    let mut out = Map::new();
    out.insert("contents".to_owned(), Value::Array(conversation.turns));
    if !conversation.system.is_empty() {
        out.insert(
            "systemInstruction".to_owned(),
            json!({ "parts": conversation.system }),
        );
    }
    tools(&mut fields, &mut out)?;
    let config = generation_config(&mut fields, model)?;
    if !config.is_empty() {
        out.insert("generationConfig".to_owned(), Value::Object(config));
    }
    for (ours, theirs) in NATIVE {
        if let Some(value) = fields.take(ours) {
            out.insert(theirs.to_owned(), value);
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

fn tools(fields: &mut RequestFields, out: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    if fields.take("parallel_tool_calls") == Some(Value::Bool(false)) {
        fields.adapt("parallel_tool_calls");
    }
    let choice = fields.take("tool_choice");
    let Some(tools) = fields.take_list("tools")?.filter(|tools| !tools.is_empty()) else {
        return Ok(());
    };
    let functions = tools.into_iter().map(function).collect::<Result<Vec<_>, _>>()?;
    out.insert("tools".to_owned(), json!([{ "functionDeclarations": functions }]));
    let config = match choice {
        None => return Ok(()),
        Some(choice) => match (choice.as_str(), choice["type"].as_str()) {
            (Some("auto"), _) => json!({ "mode": "AUTO" }),
            (Some("none"), _) => json!({ "mode": "NONE" }),
            (Some("required"), _) => json!({ "mode": "ANY" }),
            (_, Some("function")) => {
                json!({ "mode": "ANY", "allowedFunctionNames": [choice["function"]["name"]] })
            }
            _ => {
                return Err(Untranslatable::new(
                    "`tool_choice` can be `auto`, `none`, `required` or one function in Gemini's format",
                ));
            }
        },
    };
    out.insert(
        "toolConfig".to_owned(),
        json!({ "functionCallingConfig": config }),
    );
    Ok(())
}

fn function(mut tool: Value) -> Result<Value, Untranslatable> {
    if tool["type"] != "function" {
        return Err(Untranslatable::new(
            "only function tools can be expressed in Gemini's format",
        ));
    }
    let mut function = tool["function"].take();
    let mut out = json!({ "name": function["name"].take() });
    for (ours, theirs) in [
        ("description", "description"),
        ("parameters", "parametersJsonSchema"),
    ] {
        if let Some(value) = function
            .get_mut(ours)
            .map(Value::take)
            .filter(|value| !value.is_null())
        {
            out[theirs] = value;
        }
    }
    Ok(out)
}

fn generation_config(fields: &mut RequestFields, model: &str) -> Result<Map<String, Value>, Untranslatable> {
    let mut config = Map::new();
    if let Some(bound) = fields.take_max_tokens()? {
        config.insert("maxOutputTokens".to_owned(), bound);
    }
    for (ours, theirs) in NUMBERS {
        if let Some(value) = fields.take_number(ours)? {
            config.insert(theirs.to_owned(), value);
        }
    }
    if let Some(stop) = fields.take_stop()? {
        config.insert("stopSequences".to_owned(), Value::Array(stop));
    }
    if let Some(mut format) = fields.take("response_format") {
        match format["type"].as_str() {
            Some("text") => {}
            Some("json_object") => {
                drop(config.insert("responseMimeType".to_owned(), json!("application/json")));
            }
            Some("json_schema") => {
                let schema = format["json_schema"]["schema"].take();
                config.insert("responseMimeType".to_owned(), json!("application/json"));
                config.insert("responseJsonSchema".to_owned(), schema);
            }
            _ => {
                return Err(wrong(
                    "response_format.type",
                    "`text`, `json_object` or `json_schema`",
                ));
            }
        }
    }
    if let Some(effort) = fields.take_text("reasoning_effort")? {
        config.insert("thinkingConfig".to_owned(), thinking(&effort, model));
    }
    Ok(config)
}

/// Models up to 2.5 take a budget, later ones a level.
fn thinking(effort: &str, model: &str) -> Value {
    let is_old = ["gemini-1", "gemini-2"].iter().any(|old| model.contains(old));
    if is_old {
        let budget = match effort {
            "none" => 0,
            "minimal" | "low" => 1024,
            "medium" => 8192,
            _ => 24_576,
        };
        return json!({ "thinkingBudget": budget, "includeThoughts": budget > 0 });
    }
    let level = match effort {
        "none" | "minimal" => "minimal",
        "low" => "low",
        "medium" => "medium",
        _ => "high",
    };
    json!({ "thinkingLevel": level, "includeThoughts": effort != "none" })
}

#[cfg(test)]
mod tests;
