//! Which JSON is a conversation, and its messages one by one.

use serde_json::{Map, Value};

use super::{Message, Part, Side, part};

type Object = Map<String, Value>;

/// The messages in `value`, if all of it is a conversation.
pub(super) fn conversation(value: &Value, side: Side) -> Option<Vec<Message>> {
    match value {
        Value::Array(items) => list(items),
        Value::Object(object) => {
            wrapped(object, side).or_else(|| message(object).map(|message| vec![message]))
        }
        _ => None,
    }
}

/// A message of the model.
pub(super) fn assistant(parts: Vec<Part>) -> Message {
    Message {
        role: "assistant".to_owned(),
        name: None,
        parts,
        finish_reason: None,
    }
}

fn list(items: &[Value]) -> Option<Vec<Message>> {
    if let [Value::Array(inner)] = items {
        // LangChain batches: a list of one conversation.
        return list(inner);
    }
    let messages: Option<Vec<Message>> = items.iter().map(|item| message(item.as_object()?)).collect();
    messages.filter(|messages| !messages.is_empty())
}

/// Bodies that hold their messages under a name: requests, responses, and what frameworks put around them.
fn wrapped(object: &Object, side: Side) -> Option<Vec<Message>> {
    let array = |name: &str| object.get(name).and_then(Value::as_array);
    if let Some(items) = array("messages").or_else(|| array("contents")) {
        return list(items).map(|messages| with_system(object, messages));
    }
    match side {
        Side::Input => array("input")
            .and_then(|items| list(items))
            .map(|messages| with_system(object, messages)),
        Side::Output => array("choices")
            .or_else(|| array("candidates"))
            .and_then(|items| items.iter().map(|item| choice(item.as_object()?)).collect())
            .or_else(|| array("output").and_then(|items| list(items)))
            .filter(|messages: &Vec<Message>| !messages.is_empty()),
    }
}

/// The parts of instructions: parts by themselves, or messages around them.
pub(super) fn instructions(items: &[Value]) -> Vec<Part> {
    let parts = |item: &Value| match item.as_object().filter(|object| object.contains_key("role")) {
        Some(object) => object
            .get("parts")
            .or_else(|| object.get("content"))
            .map(parts_of)
            .unwrap_or_default(),
        None => part::list(std::slice::from_ref(item)),
    };
    items.iter().flat_map(parts).collect()
}

/// A request by one prompt, which is text or messages.
pub(super) fn prompted(request: &Object) -> Option<Vec<Message>> {
    let messages = match request.get("prompt")? {
        Value::Array(items) => list(items)?,
        prompt => vec![Message {
            role: "user".to_owned(),
            name: None,
            parts: parts_of(prompt),
            finish_reason: None,
        }],
    };
    Some(with_system(request, messages))
}

/// Requests that keep the system's words apart from the messages.
fn with_system(object: &Object, messages: Vec<Message>) -> Vec<Message> {
    let names = [
        "system",
        "instructions",
        "systemInstruction",
        "system_instruction",
    ];
    let Some(content) = names.iter().find_map(|name| object.get(*name)) else {
        return messages;
    };
    let content = content.get("parts").unwrap_or(content);
    let parts = parts_of(content);
    if parts.is_empty() {
        return messages;
    }
    let system = Message {
        role: "system".to_owned(),
        name: None,
        parts,
        finish_reason: None,
    };
    std::iter::once(system).chain(messages).collect()
}

/// One of the answers in a response.
fn choice(object: &Object) -> Option<Message> {
    let inner = object
        .get("message")
        .or_else(|| object.get("content"))?
        .as_object()?;
    let mut message = message(inner)?;
    let reason = object.get("finish_reason").or_else(|| object.get("finishReason"));
    message.finish_reason = message
        .finish_reason
        .or_else(|| reason.and_then(Value::as_str).map(str::to_owned));
    Some(message)
}

/// The object as a message, if it is one in any of the known spellings.
fn message(object: &Object) -> Option<Message> {
    if let Some(item) = item(object) {
        return Some(item);
    }
    let inner = langchain(object);
    let object = inner.unwrap_or(object);
    let role = role(object)?;
    let parts = parts(object, &role)?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Message {
        role,
        name: text("name"),
        parts,
        finish_reason: text("finish_reason"),
    })
}

/// `{"lc":1,"id":[...],"kwargs":{...}}`: how `LangChain` serialises its messages.
fn langchain(object: &Object) -> Option<&Object> {
    object.get("lc")?;
    object.get("kwargs")?.as_object()
}

fn role(object: &Object) -> Option<String> {
    let word = object.get("role").or_else(|| object.get("type"))?.as_str()?;
    let role = match word {
        "human" => "user",
        "ai" | "AIMessageChunk" | "model" => "assistant",
        "function" => "tool",
        "system" | "developer" | "user" | "assistant" | "tool" => word,
        other if object.contains_key("role") => other,
        _ => return None,
    };
    Some(role.to_owned())
}

/// The parts of a message object; `None` when it holds nothing that a message has.
fn parts(object: &Object, role: &str) -> Option<Vec<Part>> {
    let fields = [
        "parts",
        "content",
        "tool_calls",
        "toolCalls",
        "function_call",
        "refusal",
    ];
    if !fields.iter().any(|name| object.contains_key(*name)) {
        return None;
    }
    let is_plain_result = role == "tool" && !object.contains_key("parts");
    if let Some(response) = is_plain_result.then(|| tool_response(object)).flatten() {
        return Some(vec![response]);
    }
    let mut parts = Vec::new();
    for name in ["reasoning_content", "reasoning"] {
        if let Some(content) = object
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
        {
            parts.push(part::thought(content));
        }
    }
    let content = object.get("parts").or_else(|| object.get("content"));
    parts.extend(content.map(parts_of).unwrap_or_default());
    if let Some(refusal) = object.get("refusal").and_then(Value::as_str) {
        parts.push(Part::Text {
            content: refusal.to_owned(),
        });
    }
    let calls = object
        .get("tool_calls")
        .or_else(|| object.get("toolCalls"))
        .and_then(Value::as_array);
    for call in calls.map(|calls| part::list(calls)).unwrap_or_default() {
        // Frameworks repeat a call among the content and beside it.
        if !parts.contains(&call) {
            parts.push(call);
        }
    }
    parts.extend(
        object
            .get("function_call")
            .and_then(Value::as_object)
            .and_then(part::function),
    );
    Some(parts)
}

fn parts_of(content: &Value) -> Vec<Part> {
    match content {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => encoded_parts(text).unwrap_or_else(|| {
            vec![Part::Text {
                content: text.clone(),
            }]
        }),
        Value::Array(items) => part::list(items),
        other => part::list(std::slice::from_ref(other)),
    }
}

/// Attributes hold text only, so some producers write a message's parts into its content as JSON.
fn encoded_parts(text: &str) -> Option<Vec<Part>> {
    if !text.starts_with("[{") {
        return None;
    }
    let items = serde_json::from_str::<Vec<Value>>(text).ok()?;
    let all_typed = items
        .iter()
        .all(|item| item.get("type").is_some_and(Value::is_string));
    if all_typed { part::every(&items) } else { None }
}

/// A tool's message whose content is the result itself. Content made of typed parts is read as parts.
fn tool_response(object: &Object) -> Option<Part> {
    let content = object.get("content")?;
    let typed = |item: &Value| {
        item.get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind != "text")
    };
    if content.as_array().is_some_and(|items| items.iter().any(typed)) {
        return None;
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text("tool_call_id")
        .or_else(|| text("toolCallId"))
        .or_else(|| text("id"));
    Some(Part::ToolCallResponse {
        id,
        name: text("name"),
        result: part::json_within(&part::texts_joined(content)),
    })
}

/// Items of `OpenAI`'s Responses, which are parts without a message around them.
fn item(object: &Object) -> Option<Message> {
    let kind = object.get("type")?.as_str()?;
    if object.contains_key("role") {
        return None;
    }
    let value = || Value::Object(object.clone());
    match kind {
        "function_call" | "custom_tool_call" | "reasoning" => {
            let parts = part::list(&[value()]);
            Some(assistant(parts))
        }
        "function_call_output" | "custom_tool_call_output" => {
            let parts = part::list(&[value()]);
            Some(Message {
                role: "tool".to_owned(),
                name: None,
                parts,
                finish_reason: None,
            })
        }
        _ => None,
    }
}
