//! Messages that arrive as events: one event per message (`gen_ai.user.message`, `gen_ai.choice`), one per
//! conversation (`gen_ai.content.prompt`), or one for all of a call
//! (`gen_ai.client.inference.operation.details`). Producers send them on spans or as log records; what they hold
//! is the same.

use serde_json::{Map, Value};

use super::{Content, INSTRUCTIONS, Message, Side, message, with_instructions};

type Object = Map<String, Value>;

/// The event that holds everything about one call.
const DETAILS: &str = "gen_ai.client.inference.operation.details";

/// What an event's name says it carries; `None` for events that carry no messages.
pub fn event_side(name: &str) -> Option<Side> {
    match name {
        "gen_ai.system.message"
        | "gen_ai.user.message"
        | "gen_ai.assistant.message"
        | "gen_ai.tool.message"
        | "gen_ai.content.prompt" => Some(Side::Input),
        "gen_ai.choice" | "gen_ai.content.completion" => Some(Side::Output),
        _ => None,
    }
}

/// Adds the messages of an event with these fields (its attributes, each as JSON) to `messages`, in the spelling
/// in which they came.
pub fn event_messages(
    name: &str,
    side: Side,
    fields: impl IntoIterator<Item = (String, Value)>,
    messages: &mut Vec<Value>,
) {
    // `gen_ai.user.message` names the role; a choice is the assistant's.
    let named = name
        .strip_prefix("gen_ai.")
        .and_then(|rest| rest.strip_suffix(".message"));
    let role = named.unwrap_or(if side == Side::Output { "assistant" } else { "user" });
    let mut message = Object::new();
    message.insert("role".to_owned(), Value::from(role));
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("message" | "gen_ai.event.content" | "gen_ai.prompt" | "gen_ai.completion", value) => {
                match value {
                    Value::Object(fields) => merge(&mut message, fields),
                    Value::Array(conversation) => messages.extend(conversation),
                    content => drop(message.insert("content".to_owned(), content)),
                }
            }
            ("id", id) if role == "tool" => drop(message.insert("tool_call_id".to_owned(), id)),
            ("gen_ai.system" | "gen_ai.provider.name" | "index" | "event.name", _) => {}
            (_, value) => drop(message.insert(key, value)),
        }
    }
    if message.len() > 1 {
        messages.push(Value::Object(message));
    }
}

/// Adds the fields of a message, which may be wrapped once more: `{"index":0,"message":{...}}`.
fn merge(message: &mut Object, mut fields: Object) {
    if let Some(Value::Object(inner)) = fields.remove("message") {
        message.extend(inner);
    }
    fields.remove("index");
    message.extend(fields);
}

/// What a log record says of a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// To the model.
    pub input: Vec<Message>,
    /// By it.
    pub output: Vec<Message>,
}

/// Reads a log record: the name of its event (its own field, or the attribute `event.name`), its attributes and its
/// body, each as plain JSON. A record that carries no messages says nothing. A call's records, in the order of their
/// times, make up its conversation: add them up.
pub fn from_log(event_name: &str, attributes: &Map<String, Value>, body: &Value) -> Said {
    let field = |name: &str| body.get(name).or_else(|| attributes.get(name)).map(parsed);
    if event_name == DETAILS {
        let side = |name: &str, side: Side| {
            let value = field(name)?;
            message::conversation(&value, side)
        };
        let input = side("gen_ai.input.messages", Side::Input).unwrap_or_default();
        let input = match field(INSTRUCTIONS).map(|instructions| text_of(&instructions)) {
            Some(text) => match with_instructions(Content::Messages(input), &text) {
                Content::Messages(messages) => messages,
                Content::Value(_) => Vec::new(),
            },
            None => input,
        };
        let output = side("gen_ai.output.messages", Side::Output).unwrap_or_default();
        return Said { input, output };
    }
    let Some(side) = event_side(event_name) else {
        return Said::default();
    };
    let said = match body {
        Value::Object(fields) => fields.clone(),
        Value::Null => Object::new(),
        content => Object::from_iter([("content".to_owned(), content.clone())]),
    };
    let beside = attributes.iter().filter(|(key, _)| !said.contains_key(*key));
    let fields: Vec<(String, Value)> = beside
        .filter(|(key, _)| {
            key.starts_with("gen_ai.") || matches!(key.as_str(), "content" | "message" | "role")
        })
        .chain(&said)
        .map(|(key, value)| (key.clone(), parsed(value)))
        .collect();
    let mut values = Vec::new();
    event_messages(event_name, side, fields, &mut values);
    let messages = message::conversation(&Value::Array(values), side).unwrap_or_default();
    match side {
        Side::Input => Said {
            input: messages,
            output: Vec::new(),
        },
        Side::Output => Said {
            input: Vec::new(),
            output: messages,
        },
    }
}

/// Text that holds an object or a list is that.
fn parsed(value: &Value) -> Value {
    super::part::json_within(value)
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
