//! A stream of responses out of chunks: items one after the other, each opened, filled and closed, and every
//! event numbered. Tool calls that are not the first wait until the stream says that no more comes.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{call_item, close, message_item, reasoning_item, refusal_part, response, text_part};
use crate::sse;

/// A stream in the middle of its translation.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    sequence: u64,
    response: Value,
    output: Vec<Value>,
    open: Option<Open>,
    calls: Vec<Call>,
    sealed: Option<Value>,
    finish_reason: Option<String>,
    usage: Value,
}

/// The item that is being filled.
#[derive(Debug)]
struct Open {
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reasoning,
    Text,
    Refusal,
}

#[derive(Debug)]
struct Call {
    index: u64,
    head: Value,
    arguments: String,
}

impl Kind {
    /// The events of its pieces.
    const fn events(self) -> [&'static str; 2] {
        match self {
            Self::Reasoning => [
                "response.reasoning_summary_text.delta",
                "response.reasoning_summary_text.done",
            ],
            Self::Text => ["response.output_text.delta", "response.output_text.done"],
            Self::Refusal => ["response.refusal.delta", "response.refusal.done"],
        }
    }

    fn part(self, text: &str) -> Value {
        match self {
            Self::Reasoning => json!({ "type": "summary_text", "text": text }),
            Self::Text => text_part(text),
            Self::Refusal => refusal_part(text),
        }
    }
}

impl Encoder {
    /// Translates one frame that holds a chunk.
    pub(crate) fn push(&mut self, frame: &[u8], out: &mut VecDeque<Bytes>) {
        let Some(data) = sse::parse(frame).data else {
            return;
        };
        let Ok(chunk) = serde_json::from_slice::<Value>(&data) else {
            return;
        };
        self.start(&chunk, out);
        if chunk["usage"].is_object() {
            self.usage = chunk["usage"].clone();
        }
        let choice = &chunk["choices"][0];
        let delta = &choice["delta"];
        let thought = delta["reasoning_content"]
            .as_str()
            .or(delta["reasoning"].as_str());
        for (kind, text) in [
            (Kind::Reasoning, thought),
            (Kind::Text, delta["content"].as_str()),
            (Kind::Refusal, delta["refusal"].as_str()),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                self.fill(kind, text, out);
            }
        }
        for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
            if detail["data"].is_string() {
                self.sealed = Some(detail["data"].clone());
            }
        }
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            self.call(piece);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish_reason = Some(reason.to_owned());
        }
    }

    /// Ends the stream in good order.
    pub(crate) fn done(&mut self, out: &mut VecDeque<Bytes>) {
        self.start(&Value::Null, out);
        self.close_item(out);
        for call in std::mem::take(&mut self.calls) {
            self.send_call(&call, out);
        }
        let mut response = self.response.clone();
        let reason = self.finish_reason.take().unwrap_or_else(|| "stop".to_owned());
        close(
            &mut response,
            std::mem::take(&mut self.output),
            &reason,
            &self.usage,
        );
        let incomplete = response["status"] == "incomplete";
        let kind = if incomplete {
            "response.incomplete"
        } else {
            "response.completed"
        };
        self.event(kind, json!({ "response": response }), out);
    }

    fn start(&mut self, chunk: &Value, out: &mut VecDeque<Bytes>) {
        if !self.response.is_null() {
            return;
        }
        self.response = response(&chunk["id"], &chunk["model"], &chunk["created"]);
        for kind in ["response.created", "response.in_progress"] {
            self.event(kind, json!({ "response": self.response }), out);
        }
    }

    /// Adds to the open item, or opens one.
    fn fill(&mut self, kind: Kind, text: &str, out: &mut VecDeque<Bytes>) {
        if self.open.as_ref().is_none_or(|open| open.kind != kind) {
            self.close_item(out);
            self.open = Some(Open {
                kind,
                text: String::new(),
            });
            let item = self.item(kind, "", "in_progress");
            self.event(
                "response.output_item.added",
                json!({ "output_index": self.output.len(), "item": item }),
                out,
            );
            self.part_event("added", kind, "", out);
        }
        if let Some(open) = &mut self.open {
            open.text.push_str(text);
        }
        let mut data = self.place(kind);
        data["delta"] = json!(text);
        if kind == Kind::Text {
            data["logprobs"] = json!([]);
        }
        self.event(kind.events()[0], data, out);
    }

    fn close_item(&mut self, out: &mut VecDeque<Bytes>) {
        let Some(Open { kind, text }) = self.open.take() else {
            return;
        };
        let mut data = self.place(kind);
        let field = if kind == Kind::Refusal { "refusal" } else { "text" };
        data[field] = json!(text);
        if kind == Kind::Text {
            data["logprobs"] = json!([]);
        }
        self.event(kind.events()[1], data, out);
        self.part_event("done", kind, &text, out);
        let item = self.item(kind, &text, "completed");
        self.finish_item(item, out);
    }

    fn finish_item(&mut self, item: Value, out: &mut VecDeque<Bytes>) {
        let data = json!({ "output_index": self.output.len(), "item": item });
        self.event("response.output_item.done", data, out);
        self.output.push(item);
    }

    fn part_event(&mut self, what: &str, kind: Kind, text: &str, out: &mut VecDeque<Bytes>) {
        let group = if kind == Kind::Reasoning {
            "reasoning_summary_part"
        } else {
            "content_part"
        };
        let mut data = self.place(kind);
        data["part"] = kind.part(text);
        self.event(&format!("response.{group}.{what}"), data, out);
    }

    /// Where a piece of the open item belongs.
    fn place(&self, kind: Kind) -> Value {
        let index = if kind == Kind::Reasoning {
            "summary_index"
        } else {
            "content_index"
        };
        json!({ "item_id": self.item_id(kind), "output_index": self.output.len(), (index): 0 })
    }

    fn item_id(&self, kind: Kind) -> String {
        let prefix = if kind == Kind::Reasoning { "rs" } else { "msg" };
        format!("{prefix}_{}", self.output.len())
    }

    fn item(&mut self, kind: Kind, text: &str, status: &str) -> Value {
        let id = self.item_id(kind);
        if kind == Kind::Reasoning {
            let sealed = if status == "completed" {
                self.sealed.take()
            } else {
                None
            };
            return reasoning_item(&id, text, sealed.as_ref());
        }
        let content = if status == "completed" {
            vec![kind.part(text)]
        } else {
            Vec::new()
        };
        message_item(&id, status, &content)
    }

    fn call(&mut self, piece: &Value) {
        let index = piece["index"].as_u64().unwrap_or(self.calls.len() as u64);
        let known = self.calls.iter().position(|call| call.index == index);
        let position = known.unwrap_or(self.calls.len());
        if known.is_none() {
            self.calls.push(Call {
                index,
                head: piece.clone(),
                arguments: String::new(),
            });
        }
        let arguments = piece["function"]["arguments"].as_str().unwrap_or_default();
        self.calls[position].arguments.push_str(arguments);
    }

    fn send_call(&mut self, call: &Call, out: &mut VecDeque<Bytes>) {
        let output_index = self.output.len();
        let item = call_item(&call.head, "", "in_progress");
        let item_id = item["id"].clone();
        self.event(
            "response.output_item.added",
            json!({ "output_index": output_index, "item": item }),
            out,
        );
        let arguments = if call.arguments.is_empty() {
            "{}"
        } else {
            &call.arguments
        };
        for (kind, field) in [("delta", "delta"), ("done", "arguments")] {
            let data = json!({ "item_id": item_id, "output_index": output_index, (field): arguments });
            self.event(&format!("response.function_call_arguments.{kind}"), data, out);
        }
        self.finish_item(call_item(&call.head, arguments, "completed"), out);
    }

    fn event(&mut self, kind: &str, mut data: Value, out: &mut VecDeque<Bytes>) {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        out.push_back(Bytes::from(format!("event: {kind}\ndata: {data}\n\n")));
    }
}

/// An error as the event that tells the reader of a stream.
pub(crate) fn error_event(code: &str, message: &str) -> Bytes {
    let data = json!({ "type": "error", "code": code, "message": message, "param": null });
    Bytes::from(format!("event: error\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deltas: &[Value], finish: &str) -> Vec<Value> {
        let mut encoder = Encoder::default();
        let mut out = VecDeque::new();
        let mut push = |chunk: Value| encoder.push(format!("data: {chunk}\n\n").as_bytes(), &mut out);
        for delta in deltas {
            push(json!({ "id": "c1", "model": "m", "choices": [{ "index": 0, "delta": delta }] }));
        }
        push(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": finish }] }));
        push(json!({ "choices": [], "usage": { "prompt_tokens": 10, "completion_tokens": 4 } }));
        encoder.done(&mut out);
        out.iter()
            .map(|frame| serde_json::from_slice(&sse::parse(frame).data.unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn items_are_opened_filled_and_closed_in_order_and_events_numbered() {
        let events = run(
            &[
                json!({ "role": "assistant", "content": "" }),
                json!({ "reasoning_content": "hm" }),
                json!({ "content": "Hé" }),
                json!({ "content": "llo" }),
                json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "" } }] }),
                json!({ "tool_calls": [{ "index": 1, "id": "b", "function": { "name": "g", "arguments": "{\"y\"" } }] }),
                json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{\"x\":1}" } }] }),
                json!({ "tool_calls": [{ "index": 1, "function": { "arguments": ":2}" } }] }),
            ],
            "tool_calls",
        );
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number as u64);
        }
        let mut open = None;
        for event in &events {
            match event["type"].as_str().unwrap() {
                "response.output_item.added" => assert_eq!(open.replace(event["output_index"].clone()), None),
                "response.output_item.done" => assert_eq!(open.take().as_ref(), Some(&event["output_index"])),
                other if other.contains("delta") => assert_eq!(open.as_ref(), Some(&event["output_index"])),
                _ => {}
            }
        }
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.completed");
        let output = last["response"]["output"].as_array().unwrap();
        let kinds: Vec<_> = output.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, ["reasoning", "message", "function_call", "function_call"]);
        assert_eq!(output[1]["content"][0]["text"], "Héllo");
        assert_eq!(
            (&output[2]["arguments"], &output[3]["arguments"]),
            (&json!("{\"x\":1}"), &json!("{\"y\":2}"))
        );
        assert_eq!(last["response"]["usage"]["total_tokens"], 14);
    }

    #[test]
    fn an_answer_that_was_cut_ends_as_incomplete() {
        let events = run(&[json!({ "content": "x" })], "length");
        assert_eq!(events.last().unwrap()["type"], "response.incomplete");
    }
}
