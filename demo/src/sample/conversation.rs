//! A customer's conversation with the support assistant. Each turn is a trace: the agent, a check of the
//! question, the search in the help centre, and the model's calls around the tool that it asks for.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::draft::{CLIENT, Draft, INTERNAL, SERVER, SpanId};
use super::models::{ASSISTANTS, EMBEDDER, Model, Usage, tokens};
use super::stories::{self, ARTICLES, Story, ToolUse, Turn};

const SERVICE: &str = "support-assistant";
const CHANNELS: [&str; 3] = ["web chat", "app", "e-mail"];
const TOOL_TIMEOUT: Duration = Duration::from_secs(5);

/// What goes wrong in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The tool does not answer; the assistant apologises.
    Tool,
    /// The model's last call fails, and the turn with it.
    Model,
}

/// A conversation under way.
pub(super) struct Conversation {
    story: &'static Story,
    model: &'static Model,
    environment: &'static str,
    version: &'static str,
    user: String,
    session: String,
    channel: &'static str,
    next: usize,
    /// What was said so far, the system's words included.
    said: Vec<Value>,
}

impl Conversation {
    pub(super) fn start(random: &mut StdRng, number: usize) -> Option<Self> {
        let is_staging = random.random_bool(0.2);
        Some(Self {
            story: stories::all().nth(number % stories::COUNT)?,
            model: ASSISTANTS.choose(random)?,
            environment: if is_staging { "staging" } else { "production" },
            version: if is_staging { "2.5.0-rc.1" } else { "2.4.2" },
            user: format!("customer-{}", 1_040 + random.random_range(0..36)),
            session: format!("conversation-{:08x}", random.random::<u32>()),
            channel: CHANNELS.choose(random)?,
            next: 0,
            said: vec![message("system", [text(stories::SYSTEM)])],
        })
    }

    /// The next turn as a trace; nothing when all is said.
    pub(super) fn next_turn(&mut self, random: &mut StdRng) -> Option<Draft> {
        let turn = self.story.turns.get(self.next)?;
        self.next += 1;
        Some(self.turn(random, turn))
    }

    fn turn(&mut self, random: &mut StdRng, turn: &'static Turn) -> Draft {
        let fault = match random.random_range(0..100) {
            0..4 if turn.tool.is_some() => Fault::Tool,
            4..7 => Fault::Model,
            _ => Fault::None,
        };
        let load = load(random);
        let mut draft = Draft::new(random, SERVICE, self.version, self.environment);
        draft.say_always("user.id", &self.user);
        draft.say_always("session.id", &self.session);
        let asked = message("user", [text(turn.question)]);
        let root = self.root(random, &mut draft, &asked);
        self.said.push(asked);
        let mut step = Step {
            random,
            draft: &mut draft,
            root: &root,
            model: self.model,
            now: Duration::from_millis(2),
            load,
            turn,
        };
        step.check();
        step.search();
        let answer = step.think(&mut self.said, fault);
        let end = step.now + Duration::from_millis(3);
        let root = draft.end(&root, end);
        match answer {
            Ok(answer) => {
                root.json("gen_ai.output.messages", &json!([answer])).succeeded();
                self.said.push(answer);
            }
            Err((kind, words)) => {
                root.failed(kind, words);
            }
        }
        draft
    }

    fn root(&self, random: &mut StdRng, draft: &mut Draft, asked: &Value) -> SpanId {
        let tags = [self.story.topic, self.channel];
        let metadata = json!({
            "channel": self.channel,
            "prompt_version": "support-7",
            "turn": self.next,
        });
        draft
            .span(random, "answer customer", SERVER, None, [Duration::ZERO; 2])
            .text("gen_ai.operation.name", "invoke_agent")
            .text("gen_ai.agent.name", "support assistant")
            .json("gen_ai.input.messages", &json!([asked]))
            .texts("brokle.trace.tags", &tags)
            .json("brokle.trace.metadata", &metadata)
            .id()
    }
}

/// Most calls are quick, some are not, a few are very slow.
pub(super) fn load(random: &mut StdRng) -> f64 {
    let base = 0.75 + random.random::<f64>() * 0.7;
    match random.random_range(0..100) {
        0..4 => base * 7.0,
        4..14 => base * 2.4,
        _ => base,
    }
}

/// What a turn's parts share: the trace, and the time that has passed.
struct Step<'a> {
    random: &'a mut StdRng,
    draft: &'a mut Draft,
    root: &'a SpanId,
    model: &'static Model,
    now: Duration,
    load: f64,
    turn: &'static Turn,
}

impl Step<'_> {
    /// Passes between `low` and `high` milliseconds; gives both ends.
    fn pass(&mut self, low: u64, high: u64) -> [Duration; 2] {
        let start = self.now;
        self.now += Duration::from_micros(self.random.random_range(low * 1_000..high * 1_000));
        [start, self.now]
    }

    fn check(&mut self) {
        let times = self.pass(6, 30);
        self.draft
            .span(self.random, "check question", INTERNAL, Some(self.root), times)
            .text("brokle.span.type", "guardrail")
            .text("input.value", self.turn.question)
            .json("output.value", &json!({"allowed": true, "personal_data": false}));
    }

    fn search(&mut self) {
        let start = self.now + Duration::from_micros(400);
        self.now = start + Duration::from_micros(90);
        let embedding = self.pass(35, 110);
        let [_, end] = self.pass(12, 60);
        let found: Vec<Value> = (self.turn.articles.iter().zip(1_u8..))
            .filter_map(|(number, rank)| Some((ARTICLES.get(*number)?, rank)))
            .map(|(article, rank)| {
                let score = 0.93 - f64::from(rank) * 0.07;
                json!({"id": article.id, "title": article.title, "score": score, "content": article.passage})
            })
            .collect();
        let retrieval = self
            .draft
            .span(
                self.random,
                "search help centre",
                INTERNAL,
                Some(self.root),
                [start, end],
            )
            .text("brokle.span.type", "retrieval")
            .text("db.system.name", "postgresql")
            .number("retrieval.top_k", 3)
            .text("input.value", self.turn.question)
            .json("output.value", &json!(found))
            .id();
        let name = format!("embeddings {EMBEDDER}");
        self.draft
            .span(self.random, &name, CLIENT, Some(&retrieval), embedding)
            .text("gen_ai.operation.name", "embeddings")
            .text("gen_ai.provider.name", "openai")
            .text("gen_ai.request.model", EMBEDDER)
            .number("gen_ai.usage.input_tokens", tokens(self.turn.question).max(1))
            .text("input.value", self.turn.question);
        self.now = end;
    }

    /// The model's calls, and the tool's between them. Gives the answer's message.
    fn think(&mut self, said: &mut Vec<Value>, fault: Fault) -> Result<Value, (&'static str, &'static str)> {
        let mut cached = if said.len() > 2 { said.len() - 2 } else { 0 };
        let mut words = self.turn.answer;
        if let Some(tool) = &self.turn.tool {
            let call_id = format!("call_{:06x}", self.random.random_range(0..0x0100_0000));
            let call = json!({"type": "tool_call", "id": call_id, "name": tool.name, "arguments": parsed(tool.arguments)});
            let mut parts = self.thoughts();
            parts.push(call);
            let asked = message("assistant", parts);
            self.generate(said, cached, &asked, "tool_call");
            cached = said.len();
            let result = self.run(tool, &call_id, fault == Fault::Tool);
            if fault == Fault::Tool {
                words = stories::TOOL_APOLOGY;
            }
            said.push(asked);
            let response = json!({"type": "tool_call_response", "id": call_id, "response": result});
            said.push(message("tool", [response]));
        }
        if fault == Fault::Model {
            return Err(self.fail(said));
        }
        let mut parts = if self.turn.tool.is_none() {
            self.thoughts()
        } else {
            Vec::new()
        };
        parts.push(text(words));
        let answer = message("assistant", parts);
        self.generate(said, cached, &answer, "stop");
        Ok(answer)
    }

    fn thoughts(&self) -> Vec<Value> {
        let aloud = self.model.thinks && !self.turn.thought.is_empty();
        let thought = aloud.then(|| json!({"type": "reasoning", "content": self.turn.thought}));
        thought.into_iter().collect()
    }

    /// A call of the model that went well. Of what was said, the first `cached` messages were in its cache.
    fn generate(&mut self, said: &[Value], cached: usize, answer: &Value, finish: &str) {
        let usage = self.usage(said, cached, answer);
        let (first, whole) = self.model.pace(usage, self.load);
        let start = self.now;
        self.now += whole;
        let mut output = answer.clone();
        output["finish_reason"] = json!(finish);
        let name = format!("chat {}", self.model.name);
        self.draft
            .span(self.random, &name, CLIENT, Some(self.root), [start, self.now])
            .model(self.model, usage)
            .float("gen_ai.response.time_to_first_chunk", first.as_secs_f64())
            .float("gen_ai.request.temperature", 0.3)
            .number("gen_ai.request.max_tokens", 1_024)
            .texts("gen_ai.response.finish_reasons", &[finish])
            .json("gen_ai.input.messages", &json!(said))
            .json("gen_ai.output.messages", &json!([output]))
            .succeeded();
    }

    /// The tools' definitions and the passages travel with every call, beside what was said.
    fn usage(&self, said: &[Value], cached: usize, answer: &Value) -> Usage {
        const CARRIED: u64 = 1_260;
        let count = |messages: &[Value]| messages.iter().map(|one| tokens(&one.to_string())).sum::<u64>();
        let input = count(said) + CARRIED;
        let cache_read = if cached > 0 {
            count(&said[..cached.min(said.len())]) + CARRIED / 2
        } else {
            0
        };
        let is_first = cached == 0 && self.model.counts_cache_writes;
        let reasoning = if answer.to_string().contains("\"reasoning\"") {
            tokens(self.turn.thought) * 2
        } else {
            0
        };
        Usage {
            input,
            output: tokens(&answer["parts"].to_string()) + reasoning,
            cache_read,
            cache_write: if is_first { input * 3 / 4 } else { 0 },
            reasoning,
        }
    }

    fn run(&mut self, tool: &ToolUse, call_id: &str, fails: bool) -> Value {
        let times = if fails {
            let start = self.now;
            self.now += TOOL_TIMEOUT;
            [start, self.now]
        } else {
            self.pass(40, 420)
        };
        let name = format!("execute_tool {}", tool.name);
        let span = self
            .draft
            .span(self.random, &name, INTERNAL, Some(self.root), times)
            .text("gen_ai.operation.name", "execute_tool")
            .text("gen_ai.tool.name", tool.name)
            .text("gen_ai.tool.call.id", call_id)
            .text("gen_ai.tool.call.arguments", tool.arguments);
        if fails {
            span.failed("TimeoutError", "the shop's back office did not answer within 5 s");
            return json!({"error": "timeout"});
        }
        span.text("gen_ai.tool.call.result", tool.result).succeeded();
        parsed(tool.result)
    }

    fn fail(&mut self, said: &[Value]) -> (&'static str, &'static str) {
        let failure = if self.model.provider == "anthropic" {
            ("OverloadedError", "529: the provider is overloaded")
        } else {
            (
                "RateLimitError",
                "429: tokens per minute exceeded for this organisation",
            )
        };
        let times = self.pass(180, 2_400);
        let name = format!("chat {}", self.model.name);
        self.draft
            .span(self.random, &name, CLIENT, Some(self.root), times)
            .text("gen_ai.operation.name", "chat")
            .text("gen_ai.provider.name", self.model.provider)
            .text("gen_ai.request.model", self.model.name)
            .json("gen_ai.input.messages", &json!(said))
            .failed(failure.0, failure.1);
        failure
    }
}

/// The tools' texts are JSON (a test sees to it).
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

pub(super) fn text(content: &str) -> Value {
    json!({"type": "text", "content": content})
}

pub(super) fn message(role: &str, parts: impl IntoIterator<Item = Value>) -> Value {
    let parts: Vec<Value> = parts.into_iter().collect();
    json!({"role": role, "parts": parts})
}
