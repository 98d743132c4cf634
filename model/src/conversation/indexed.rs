//! Messages flattened into attributes, one attribute per field, as older instrumentations do:
//! `gen_ai.prompt.0.content`, `llm.input_messages.1.message.tool_calls.0.tool_call.function.name`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Message, Side, message};

/// The deepest path and the greatest index that are followed; more is not an index but someone's data.
const DEPTH_MAX: usize = 12;
const INDEX_MAX: usize = 10_000;

/// The messages under `prefix` (such as `gen_ai.prompt.`), if that is what the attributes there hold.
pub fn compose<'a>(
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    prefix: &str,
    side: Side,
) -> Option<Vec<Message>> {
    let mut root = Node::default();
    for (key, value) in attributes {
        if let Some(path) = key.strip_prefix(prefix) {
            root.insert(path, value);
        }
    }
    message::conversation(&root.into_value(), side)
}

#[derive(Default)]
struct Node {
    leaf: Option<String>,
    children: BTreeMap<Step, Node>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(usize),
    Name(String),
}

impl Node {
    fn insert(&mut self, path: &str, value: &str) {
        let mut node = self;
        let mut previous = "";
        for word in path.splitn(DEPTH_MAX, '.') {
            // OpenInference puts a word of its own around each element; it carries nothing.
            let is_wrapper = matches!(word, "message" | "tool_call" | "message_content") || word == previous;
            previous = word;
            if is_wrapper && word.parse::<usize>().is_err() {
                continue;
            }
            let index = word.parse().ok().filter(|index| *index <= INDEX_MAX);
            let step = index.map_or_else(|| Step::Name(field_name(word).to_owned()), Step::Index);
            node = node.children.entry(step).or_default();
        }
        node.leaf = Some(value.to_owned());
    }

    fn into_value(self) -> Value {
        if let Some(leaf) = self.leaf.filter(|_| self.children.is_empty()) {
            return Value::String(leaf);
        }
        let is_list = self.children.keys().all(|step| matches!(step, Step::Index(_)));
        if is_list {
            return Value::Array(self.children.into_values().map(Self::into_value).collect());
        }
        let fields = self.children.into_iter().map(|(step, node)| {
            let name = match step {
                Step::Index(index) => index.to_string(),
                Step::Name(name) => name,
            };
            (name, node.into_value())
        });
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

fn field_name(word: &str) -> &str {
    match word {
        "contents" => "content",
        other => other,
    }
}
