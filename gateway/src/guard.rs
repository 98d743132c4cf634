//! Guardrails: what texts on their way to a model, and back, must not hold.
//!
//! A call's [`Plan`] is the rules that apply to it; without any, nothing here is done and nothing is paid. On the way in,
//! the texts of the body are looked at before the cache and any provider: a refused request costs nothing, and a redacted
//! one is what is kept, sent and recorded. On the way out, a whole answer is looked at before it leaves, and a stream as
//! it goes ([`StreamGuard`]), both in the caller's own format, so that no provider's dialect needs a word here. Bodies are
//! edited in place; what no rule touches keeps every byte.
//!
//! What was found is told on the span and in the figures by name and count, and never as such. Deliberately absent: a
//! model that judges. A webhook can ask one.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use brokle_model::clock::SharedClock;
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::config::{ConfigError, GuardAction, GuardConfig, GuardStage, OnFailure};
use crate::dialect::door::Door;
use crate::dialect::openai::request::ChatRequest;
use crate::error::GatewayError;
use crate::metrics::Metrics;
use crate::record::{CallGuard, CallRecord, Failure};
use crate::route::Target;
use crate::settings::{Environment, GatewaySettings};
use crate::shared::Shared;
use crate::upstream::Client;
use crate::wildcard;

mod injection;
mod json;
mod place;
mod rule;
mod stream;
mod webhook;

use place::Form;
pub(crate) use place::Text;
use rule::{About, Rule};
pub(crate) use stream::StreamGuard;
use webhook::{Question, Said};

/// Decisions told on one span.
const DECISIONS_MAX: usize = 64;

/// All guardrails of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    rules: Vec<Arc<Rule>>,
}

/// The guardrails of one call.
#[derive(Debug)]
pub(crate) struct Plan {
    input: Vec<Arc<Rule>>,
    output: Vec<Arc<Rule>>,
    /// Tells apart answers that other rules would have made others.
    pub(crate) fingerprint: String,
}

/// What guardrails did for a call.
#[derive(Debug)]
pub(crate) struct GuardRecord {
    pub(crate) plan: Arc<Plan>,
    pub(crate) decisions: Vec<Decision>,
    /// Somebody else took something out of the answer: what the provider said is not recorded.
    withheld: bool,
}

/// One thing that a guardrail found, and what it did.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) guardrail: String,
    pub(crate) stage: &'static str,
    pub(crate) action: GuardAction,
    /// What was found, by name: `email`, a topic, `json_schema`.
    pub(crate) found: String,
    pub(crate) count: usize,
    pub(crate) score: Option<f64>,
    /// Since the call's start.
    pub(crate) at: Duration,
}

/// What a rule found, by name.
#[derive(Debug, Clone, PartialEq)]
struct Hit {
    found: String,
    count: usize,
    score: Option<f64>,
}

/// A guardrail refuses. Written for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guardrail `{guardrail}` refused the {what}: {found}")]
pub(crate) struct Blocked {
    guardrail: String,
    what: &'static str,
    found: String,
}

impl Blocked {
    pub(crate) const CODE: &'static str = "guardrail_blocked";

    fn new(guardrail: &str, stage: GuardStage, found: &str) -> Self {
        Self {
            guardrail: guardrail.to_owned(),
            what: if stage == GuardStage::Input {
                "request"
            } else {
                "answer"
            },
            found: found.to_owned(),
        }
    }

    /// For the span.
    pub(crate) fn record(&self) -> Failure {
        Failure {
            kind: Self::CODE,
            message: self.to_string(),
        }
    }

    fn by(rule: &Rule, stage: GuardStage, hits: &[Hit]) -> Self {
        let found: Vec<&str> = hits.iter().map(|hit| hit.found.as_str()).collect();
        Self::new(rule.name(), stage, &found.join(", "))
    }
}

impl Hit {
    fn new(found: &str) -> Self {
        Self {
            found: found.to_owned(),
            count: 1,
            score: None,
        }
    }

    fn count(hits: &mut Vec<Self>, found: &str) {
        match hits.iter_mut().find(|hit| hit.found == found) {
            Some(hit) => hit.count += 1,
            None => hits.push(Self::new(found)),
        }
    }
}

impl Guards {
    pub(crate) fn new(configs: &[GuardConfig], environment: Environment<'_>) -> Result<Self, ConfigError> {
        let rules: Result<Vec<_>, _> = configs
            .iter()
            .map(|config| Rule::new(config, environment).map(Arc::new))
            .collect();
        Ok(Self { rules: rules? })
    }

    /// These, and behind them an organisation's own, for its calls alone: it adds to what the installation wants, and
    /// takes nothing away.
    pub(crate) fn with(&self, configs: &[GuardConfig]) -> Result<Self, ConfigError> {
        let own = Self::new(configs, &|_| None)?;
        let rules = self.rules.iter().cloned().chain(own.rules);
        Ok(Self {
            rules: rules.collect(),
        })
    }

    /// The rules that apply to a call; nothing when none does.
    fn plan(&self, call: &CallRecord, model: &str, targets: &[Target]) -> Option<Arc<Plan>> {
        let applying: Vec<&Arc<Rule>> = self
            .rules
            .iter()
            .filter(|rule| applies(&rule.config, call, model, targets))
            .collect();
        if applying.is_empty() {
            return None;
        }
        let at = |stage| {
            let rules = applying.iter().filter(|rule| rule.is_at(stage));
            rules.map(|rule| Arc::clone(rule)).collect()
        };
        let mut hash = Sha256::new();
        for rule in &applying {
            hash.update(serde_json::to_vec(&rule.config).unwrap_or_default());
        }
        Some(Arc::new(Plan {
            input: at(GuardStage::Input),
            output: at(GuardStage::Output),
            fingerprint: format!("{:x?}", &hash.finalize()[..8]),
        }))
    }
}

fn applies(config: &GuardConfig, call: &CallRecord, model: &str, targets: &[Target]) -> bool {
    let listed = |list: &[String], id: &str| list.is_empty() || list.iter().any(|entry| entry == id);
    let route = call.route.as_deref().unwrap_or_default();
    let in_full = targets
        .iter()
        .map(|target| format!("{}/{}", target.provider.name, target.model));
    let names: Vec<String> = in_full
        .chain(targets.iter().map(|target| target.model.clone()))
        .chain([model.to_owned()])
        .collect();
    let is_named = |pattern: &String| names.iter().any(|name| wildcard::matches(pattern, name));
    listed(&config.projects, &call.project.to_string())
        && listed(&config.keys, &call.key.to_string())
        && (config.models.is_empty() || config.models.iter().any(is_named))
        && (config.routes.is_empty()
            || config
                .routes
                .iter()
                .any(|pattern| wildcard::matches(pattern, route)))
}

impl GuardRecord {
    /// The same guardrails for another record of the call, which has found nothing yet.
    pub(crate) fn beside(&self) -> Self {
        Self {
            plan: Arc::clone(&self.plan),
            decisions: Vec::new(),
            withheld: false,
        }
    }

    /// A recorded text, or JSON that holds texts, without what guardrails take out of answers.
    pub(crate) fn hide(&self, recorded: String) -> Option<String> {
        if self.withheld {
            return None;
        }
        let hiding = self.plan.output.iter().filter(|rule| rule.hides());
        Some(hiding.fold(recorded, |text, rule| {
            rule.redact_as(Form::Json, &text, &mut Vec::new()).unwrap_or(text)
        }))
    }

    /// The first words of what was recorded, without what guardrails take out of answers, nor the beginning of it.
    pub(crate) fn hide_preview(&self, shortened: &str) -> Option<String> {
        let whole = shortened.strip_suffix('…');
        let mut text = whole.unwrap_or(shortened);
        for rule in self
            .plan
            .output
            .iter()
            .filter(|rule| rule.hides() && whole.is_some())
        {
            let settled = rule.scanner.settled(text, &rule.scanner.find(text));
            text = &text[..settled];
        }
        let hidden = self.hide(text.to_owned())?;
        Some(if whole.is_some() { hidden + "…" } else { hidden })
    }

    fn note(&mut self, rule: &Rule, (stage, action): (GuardStage, GuardAction), hits: &[Hit], at: Duration) {
        for hit in hits {
            let stage = stage.as_str();
            let is_same = |known: &&mut Decision| {
                known.guardrail == rule.name()
                    && known.stage == stage
                    && known.found == hit.found
                    && known.action == action
            };
            if let Some(known) = self.decisions.iter_mut().find(is_same) {
                known.count += hit.count;
            } else if self.decisions.len() < DECISIONS_MAX {
                self.decisions.push(Decision {
                    guardrail: rule.name().to_owned(),
                    stage,
                    action,
                    found: hit.found.clone(),
                    count: hit.count,
                    score: hit.score,
                    at,
                });
            }
        }
    }

    /// The gravest of what was done.
    pub(crate) fn outcome(&self) -> &'static str {
        let gravest = self.decisions.iter().map(|decision| decision.action).max();
        gravest.map_or("pass", GuardAction::as_str)
    }
}

/// Looks at a request. Returns it as it may go on.
pub(crate) async fn input(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &mut CallRecord,
    request: ChatRequest,
    targets: &[Target],
) -> Result<ChatRequest, GatewayError> {
    if settings.guards.rules.is_empty() {
        return Ok(request);
    }
    let Some(plan) = settings.guards.plan(call, &request.model, targets) else {
        return Ok(request);
    };
    call.guard = Some(GuardRecord {
        plan: Arc::clone(&plan),
        decisions: Vec::new(),
        withheld: false,
    });
    let body = std::str::from_utf8(&request.body).unwrap_or_default();
    if plan.input.is_empty() || body.is_empty() {
        return Ok(request);
    }
    let mut texts = place::request(request.door, body);
    let about = About {
        stage: GuardStage::Input,
        messages: texts.messages,
        schema: None,
    };
    let asker = Asker::new(shared);
    let judged = asker.judge(call, &plan.input, &mut texts.all, &about).await;
    let Some(edited) = edited(body, &texts.all) else {
        judged?;
        return Ok(request);
    };
    let edited = Bytes::from(edited);
    let parsed = ChatRequest::parse(request.door, edited.clone());
    if let Some(record) = &mut call.request {
        record.body = edited;
        record.messages_at = parsed.as_ref().map_or(0..0, |parsed| parsed.messages_at.clone());
    }
    judged?;
    Ok(parsed?)
}

/// What a request weighs: its texts, and what in it is not text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Weighed {
    pub(crate) texts: Vec<String>,
    pub(crate) messages: u64,
    pub(crate) pictures: u64,
    /// Once decoded.
    pub(crate) sound_bytes: u64,
}

/// Weighs a request, for counting its tokens.
pub(crate) fn weigh(door: Door, body: &[u8]) -> Weighed {
    std::str::from_utf8(body).map_or_else(|_| Weighed::default(), |body| place::weigh(door, body))
}

/// Looks at a whole answer, in the caller's format. Returns it as it may go on.
pub(crate) async fn output(shared: &Shared, call: &mut CallRecord, body: Bytes) -> Result<Bytes, Blocked> {
    let Some(plan) = call.guard.as_ref().map(|guard| Arc::clone(&guard.plan)) else {
        return Ok(body);
    };
    let text = std::str::from_utf8(&body).unwrap_or_default();
    if plan.output.is_empty() || text.is_empty() {
        return Ok(body);
    }
    let mut texts = place::answer(call.door, text);
    let asker = Asker::new(shared);
    asker.judge_answer(call, &plan.output, &mut texts).await?;
    Ok(edited(text, &texts).map_or(body, Bytes::from))
}

/// The body with those texts in it that have changed; nothing when none has.
fn edited(body: &str, texts: &[Text]) -> Option<String> {
    let changed: Vec<_> = texts
        .iter()
        .filter(|text| text.changed)
        .map(|text| (text.at.clone(), json::quoted(&text.text)))
        .collect();
    (!changed.is_empty()).then(|| json::splice(body, &changed))
}

/// An opinion of a streamed answer, on its way. It has the call, and gives it back.
pub(crate) type Judging = Pin<Box<dyn Future<Output = (CallGuard, Result<Vec<Text>, Blocked>)> + Send>>;

/// What judging needs beside the texts. Cheap to make, and owned, so that a stream can wait for it.
#[derive(Clone)]
pub(crate) struct Asker {
    client: Client,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Asker {
    pub(crate) fn new(shared: &Shared) -> Self {
        Self {
            client: shared.client.clone(),
            clock: Arc::clone(&shared.clock),
            metrics: Arc::clone(&shared.metrics),
        }
    }

    /// Judges an answer that was streamed, by the rules that want all of it.
    pub(crate) fn judge_stream(&self, mut call: CallGuard, guard: &StreamGuard) -> Judging {
        let asker = self.clone();
        let plan = Arc::clone(guard.plan());
        let mut texts = guard.said();
        Box::pin(async move {
            let schema = requested_schema(&call);
            let about = About {
                stage: GuardStage::Output,
                messages: 0,
                schema: schema.as_ref(),
            };
            let judged = asker
                .judge_whole(&mut call, &plan.output, &mut texts, &about)
                .await;
            (call, judged.map(|()| texts))
        })
    }

    /// What was not looked at while it was streamed.
    async fn judge_whole(
        &self,
        call: &mut CallRecord,
        rules: &[Arc<Rule>],
        texts: &mut [Text],
        about: &About<'_>,
    ) -> Result<(), Blocked> {
        for rule in rules {
            let hits = rule.examine_whole(texts, about);
            if !hits.is_empty() {
                self.tell(call, rule, (about.stage, rule.action()), &hits);
                if rule.action() == GuardAction::Block {
                    return Err(Blocked::by(rule, about.stage, &hits));
                }
            }
        }
        for rule in rules {
            self.ask(call, rule, texts, about.stage).await?;
        }
        Ok(())
    }

    async fn judge_answer(
        &self,
        call: &mut CallRecord,
        rules: &[Arc<Rule>],
        texts: &mut [Text],
    ) -> Result<(), Blocked> {
        let wanted = rules.iter().any(|rule| rule.config.json_schema.is_some());
        let schema = wanted.then(|| requested_schema(call)).flatten();
        let about = About {
            stage: GuardStage::Output,
            messages: 0,
            schema: schema.as_ref(),
        };
        self.judge(call, rules, texts, &about).await
    }

    /// Lets every rule look, and then asks the webhooks about what is left.
    async fn judge(
        &self,
        call: &mut CallRecord,
        rules: &[Arc<Rule>],
        texts: &mut [Text],
        about: &About<'_>,
    ) -> Result<(), Blocked> {
        let mut refused = None;
        for rule in rules {
            let hits = rule.examine(texts, about);
            if !hits.is_empty() {
                self.tell(call, rule, (about.stage, rule.action()), &hits);
                if rule.action() == GuardAction::Block {
                    refused.get_or_insert_with(|| Blocked::by(rule, about.stage, &hits));
                }
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        for rule in rules {
            self.ask(call, rule, texts, about.stage).await?;
        }
        Ok(())
    }

    /// Asks a rule's webhook, and does what it says.
    async fn ask(
        &self,
        call: &mut CallRecord,
        rule: &Rule,
        texts: &mut [Text],
        stage: GuardStage,
    ) -> Result<(), Blocked> {
        let Some(webhook) = &rule.webhook else {
            return Ok(());
        };
        let opinion = {
            let question = question(call, rule, texts, stage);
            webhook
                .ask(&self.client, &question, self.clock.now().timestamp())
                .await
        };
        let hit = [Hit::new("webhook")];
        let Some(opinion) = opinion else {
            let hit = [Hit::new("webhook_failed")];
            let closed = webhook.on_failure == OnFailure::Closed;
            let action = if closed {
                GuardAction::Block
            } else {
                GuardAction::Flag
            };
            self.tell(call, rule, (stage, action), &hit);
            return if closed {
                Err(Blocked::by(rule, stage, &hit))
            } else {
                Ok(())
            };
        };
        let Some(action) = opinion.action.action() else {
            return Ok(());
        };
        self.tell(call, rule, (stage, action), &hit);
        match action {
            GuardAction::Flag => {}
            GuardAction::Redact => {
                withhold(call, stage);
                for (text, redacted) in texts.iter_mut().zip(opinion.texts) {
                    text.replace(redacted);
                }
            }
            GuardAction::Block => {
                withhold(call, stage);
                return Err(Blocked::by(rule, stage, &hit));
            }
        }
        Ok(())
    }

    fn tell(
        &self,
        call: &mut CallRecord,
        rule: &Rule,
        (stage, action): (GuardStage, GuardAction),
        hits: &[Hit],
    ) {
        let at = call.started.elapsed();
        self.metrics
            .guardrail(rule.name(), stage.as_str(), action.as_str());
        if let Some(guard) = &mut call.guard {
            guard.note(rule, (stage, action), hits, at);
        }
    }

    /// Tells what a stream's guard has found since.
    pub(crate) fn tell_found(&self, call: &mut CallRecord, guard: &mut StreamGuard) {
        let found = guard.take_found();
        let Some(plan) = call.guard.as_ref().map(|guard| Arc::clone(&guard.plan)) else {
            return;
        };
        for (rule, hit) in found {
            let rule = &plan.output[rule];
            self.tell(call, rule, (GuardStage::Output, rule.action()), &[hit]);
        }
    }
}

fn withhold(call: &mut CallRecord, stage: GuardStage) {
    if let Some(guard) = call.guard.as_mut().filter(|_| stage == GuardStage::Output) {
        guard.withheld = true;
    }
}

fn question<'a>(call: &'a CallRecord, rule: &'a Rule, texts: &'a [Text], stage: GuardStage) -> Question<'a> {
    Question {
        guardrail: rule.name(),
        stage: stage.as_str(),
        project: call.project.to_string(),
        key: call.key.to_string(),
        trace_id: call.trace.trace.to_string(),
        model: call.request.as_ref().map_or("", |request| request.model.as_str()),
        route: call.route.as_deref(),
        endpoint: call.door.path(),
        texts: texts
            .iter()
            .map(|text| Said {
                role: text.speaker.as_str(),
                text: &text.text,
            })
            .collect(),
    }
}

/// The schema that a request asks its answer to fit.
fn requested_schema(call: &CallRecord) -> Option<Value> {
    let body: Value = serde_json::from_slice(&call.request.as_ref()?.body).ok()?;
    let pointers: &[&str] = match call.door {
        Door::Responses => &["/text/format/schema"],
        Door::Messages => &["/output_config/format/schema", "/output_format/schema"],
        Door::Chat | Door::Other(_) => &["/response_format/json_schema/schema"],
    };
    pointers.iter().find_map(|pointer| body.pointer(pointer)).cloned()
}
