//! What else the invented shop uses models for: sorting tickets, summing conversations up, judging answers,
//! and indexing the help centre.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::conversation::{load, message, text};
use super::draft::{CLIENT, Draft, INTERNAL, SERVER, SpanDraft, SpanId};
use super::models::{CLERKS, EMBEDDER, Model, Usage, tokens};
use super::stories::{self, ARTICLES, Story, Turn};

const SORT: &str = "Sort the ticket. Answer with JSON: topic, urgency from 1 to 3, language, and whether a person \
must read it before anything is sent. Topics: delivery, returns, refunds, change-order, gift-cards, billing, e-bike, \
sizing, maintenance, warranty, stock, service-plan, safety, other.";
const SUM_UP: &str = "Sum the conversation up for a colleague who takes over: what the customer wants, what was \
promised, what is open. Three sentences at most.";
const JUDGE: &str = "Judge whether the answer is supported by the passages. Answer with JSON: supported (true or \
false), score from 0 to 1, and one sentence of reason.";

/// One trace of one of the jobs.
pub(super) fn any(random: &mut StdRng) -> Option<Draft> {
    match random.random_range(0..100) {
        0..50 => sort_ticket(random),
        50..74 => sum_up(random),
        74..92 => judge(random),
        _ => Some(index(random)),
    }
}

fn story(random: &mut StdRng) -> Option<&'static Story> {
    stories::all().nth(random.random_range(0..stories::COUNT))
}

fn environment(random: &mut StdRng) -> &'static str {
    if random.random_bool(0.85) {
        "production"
    } else {
        "staging"
    }
}

/// One question and one answer of a model.
struct Exchange {
    model: &'static Model,
    input: Vec<Value>,
    answer: String,
}

impl Exchange {
    fn new(random: &mut StdRng, instruction: &str, question: &str, answer: String) -> Option<Self> {
        let input = vec![
            message("system", [text(instruction)]),
            message("user", [text(question)]),
        ];
        let model = CLERKS.choose(random)?;
        Some(Self { model, input, answer })
    }

    fn usage(&self) -> Usage {
        Usage {
            input: tokens(&json!(self.input).to_string()) + 40,
            output: tokens(&self.answer),
            ..Usage::default()
        }
    }

    /// Adds the call at `start`; gives its end.
    fn add<'a>(
        &self,
        random: &mut StdRng,
        draft: &'a mut Draft,
        parent: Option<&SpanId>,
        start: Duration,
    ) -> (SpanDraft<'a>, Duration) {
        let usage = self.usage();
        let (first, whole) = self.model.pace(usage, load(random));
        let mut output = message("assistant", [text(&self.answer)]);
        output["finish_reason"] = json!("stop");
        let name = format!("chat {}", self.model.name);
        let span = draft
            .span(random, &name, CLIENT, parent, [start, start + whole])
            .model(self.model, usage)
            .float("gen_ai.response.time_to_first_chunk", first.as_secs_f64())
            .texts("gen_ai.response.finish_reasons", &["stop"])
            .json("gen_ai.input.messages", &json!(self.input))
            .json("gen_ai.output.messages", &json!([output]));
        (span, start + whole)
    }
}

/// A lone call, as a program without any other instrumentation records it.
fn sort_ticket(random: &mut StdRng) -> Option<Draft> {
    let story = story(random)?;
    let turn = story.turns.first()?;
    let is_urgent = matches!(story.topic, "warranty" | "refunds" | "change-order");
    let answer = json!({
        "topic": story.topic,
        "urgency": if is_urgent { 3 } else { 1 },
        "language": if turn.question.starts_with("Avez") { "fr" } else { "en" },
        "needs_person": story.topic == "refunds",
    });
    let exchange = Exchange::new(random, SORT, turn.question, answer.to_string())?;
    let environment = environment(random);
    let mut draft = Draft::new(random, "ticket-triage", "1.9.0", environment);
    let fails = random.random_bool(0.02);
    let (span, _) = exchange.add(random, &mut draft, None, Duration::ZERO);
    let span = span
        .text("brokle.trace.name", "sort ticket")
        .texts("brokle.trace.tags", &["triage", story.topic]);
    if fails {
        span.failed("ValidationError", "`urgency` is not a number from 1 to 3");
    } else {
        span.succeeded();
    }
    Some(draft)
}

fn sum_up(random: &mut StdRng) -> Option<Draft> {
    let story = story(random)?;
    let spoken = |turn: &Turn| format!("Customer: {}\nAssistant: {}\n", turn.question, turn.answer);
    let transcript: String = story.turns.iter().map(spoken).collect();
    let last = story.turns.last()?;
    let answer = format!(
        "The customer wrote about {} in {} messages. The assistant's last word was: \"{}\" Nothing else is open.",
        story.topic,
        story.turns.len(),
        last.answer
    );
    let exchange = Exchange::new(random, SUM_UP, &transcript, answer)?;
    let environment = environment(random);
    let mut draft = Draft::new(random, "handover", "0.8.1", environment);
    let root = draft
        .span(random, "sum up conversation", SERVER, None, [Duration::ZERO; 2])
        .text("brokle.span.type", "chain")
        .text("input.value", &transcript)
        .texts("brokle.trace.tags", &["handover"])
        .id();
    let (span, end) = exchange.add(random, &mut draft, Some(&root), Duration::from_millis(1));
    span.succeeded();
    let root = draft.end(&root, end + Duration::from_millis(2));
    root.text("output.value", &exchange.answer).succeeded();
    Some(draft)
}

fn judge(random: &mut StdRng) -> Option<Draft> {
    let story = story(random)?;
    let turn = story.turns.choose(random)?;
    let passages = turn.articles.iter().filter_map(|number| ARTICLES.get(*number));
    let passages: Vec<&str> = passages.map(|article| article.passage).collect();
    let passages = passages.join(
        "
- ",
    );
    let question = format!("Passages:\n- {passages}\n\nAnswer:\n{}", turn.answer);
    let is_supported = random.random_bool(0.86);
    let verdict = json!({
        "supported": is_supported,
        "score": if is_supported { 0.94 } else { 0.41 },
        "reason": if is_supported {
            "Every statement is in the passages or in the tool's result."
        } else {
            "The amount is not in the passages."
        },
    });
    let exchange = Exchange::new(random, JUDGE, &question, verdict.to_string())?;
    let mut draft = Draft::new(random, "answer-judge", "0.3.0", "staging");
    let root = draft
        .span(random, "judge answer", INTERNAL, None, [Duration::ZERO; 2])
        .text("brokle.span.type", "evaluator")
        .text("input.value", turn.answer)
        .json("output.value", &verdict)
        .texts("brokle.trace.tags", &["evaluation", story.topic])
        .id();
    let (span, end) = exchange.add(random, &mut draft, Some(&root), Duration::from_millis(1));
    span.succeeded();
    draft.end(&root, end + Duration::from_millis(1)).succeeded();
    Some(draft)
}

/// The help centre's articles, embedded in batches.
fn index(random: &mut StdRng) -> Draft {
    const BATCH: usize = 4;
    let mut draft = Draft::new(random, "help-centre-indexer", "1.2.0", "production");
    let root = draft
        .span(random, "index help centre", INTERNAL, None, [Duration::ZERO; 2])
        .text("brokle.span.type", "workflow")
        .number("documents", ARTICLES.len() as u64)
        .texts("brokle.trace.tags", &["indexing"])
        .id();
    let mut now = Duration::from_millis(14);
    for batch in ARTICLES.chunks(BATCH) {
        let took = Duration::from_millis(90 * batch.len() as u64).mul_f64(load(random));
        let texts: Vec<&str> = batch.iter().map(|article| article.passage).collect();
        let count = texts.iter().map(|text| tokens(text)).sum();
        let name = format!("embeddings {EMBEDDER}");
        let span = draft.span(random, &name, CLIENT, Some(&root), [now, now + took]);
        let span = span
            .text("gen_ai.operation.name", "embeddings")
            .text("gen_ai.provider.name", "openai")
            .text("gen_ai.request.model", EMBEDDER)
            .number("gen_ai.usage.input_tokens", count)
            .number("gen_ai.embeddings.dimension.count", 1_536)
            .json("input.value", &json!(texts));
        span.succeeded();
        now += took + Duration::from_millis(9);
    }
    draft.end(&root, now).succeeded();
    draft
}
