//! Guardrails over a stream: frames wait until their texts are decided, and then go on, in their order. A frame that no
//! finding touches keeps every byte; none is ever made up, joined or cut.
//!
//! What waits is what may still become a finding: usually the last word. Rules that can only judge an answer as a whole
//! (a schema, a webhook) make all of it wait. A text counts by itself: what a model says
//! in two choices, or once in its answer and once in its reasoning, is never joined.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::json;
use super::place::{Form, Speaker, Text};
use super::rule::Rule;
use super::{Blocked, Hit, Plan};
use crate::config::{GuardAction, GuardStage};
use crate::dialect::door::Door;
use crate::sse;

mod frame;
mod track;

use frame::{Read, Spoken};
use track::Track;

/// Frames that may wait. More of them would be an attack on memory, and go through as they are decided by force.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// The guardrails of one stream.
pub(crate) struct StreamGuard {
    plan: Arc<Plan>,
    door: Door,
    slots: Vec<Slot>,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Nothing goes on before the end.
    holds_all: bool,
    /// Everything is decided.
    over: bool,
    /// Bytes of text so far, and the rules that were told of as exceeded.
    length: usize,
    exceeded: Vec<usize>,
    found: Vec<(usize, Hit)>,
}

/// One text that grows through the stream.
struct Slot {
    key: String,
    group: u64,
    form: Form,
    track: Track,
    edits: Vec<Edit>,
    length: usize,
    settled: usize,
    closed: bool,
}

/// A placeholder for a stretch of a text.
struct Edit {
    start: usize,
    end: usize,
    with: String,
}

/// A frame, and which stretches of which texts it carries.
struct Waiting {
    frame: Bytes,
    parts: Vec<Part>,
    /// Edits that are known already.
    edits: Vec<(std::ops::Range<usize>, String)>,
}

struct Part {
    slot: usize,
    start: usize,
    text: String,
    at: std::ops::Range<usize>,
}

impl StreamGuard {
    /// Nothing when no guardrail looks at answers.
    pub(crate) fn new(plan: &Arc<Plan>, door: Door) -> Option<Self> {
        (!plan.output.is_empty()).then(|| Self {
            plan: Arc::clone(plan),
            door,
            slots: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            holds_all: plan.output.iter().any(|rule| rule.needs_all()),
            over: false,
            length: 0,
            exceeded: Vec::new(),
            found: Vec::new(),
        })
    }

    /// Takes the frames of `held`, and puts back those that may go on.
    pub(crate) fn pass(&mut self, held: &mut VecDeque<Bytes>) -> Result<(), Blocked> {
        let frames = std::mem::take(held);
        for frame in frames {
            self.take(frame, held)?;
        }
        self.release(held);
        Ok(())
    }

    /// The stream is over: what is left is decided, but for what must be asked. Puts everything into `held` unless
    /// somebody must be asked first.
    pub(crate) fn finish(&mut self, held: &mut VecDeque<Bytes>) -> Result<(), Blocked> {
        self.pass(held)?;
        for index in 0..self.slots.len() {
            self.close(index)?;
        }
        if !self.holds_all {
            self.over = true;
            self.release(held);
        }
        Ok(())
    }

    /// Everything that was said has been judged, and may go on as `texts` have it, in the order of [`said`].
    pub(crate) fn let_go(&mut self, texts: Vec<Text>, held: &mut VecDeque<Bytes>) -> Result<(), Blocked> {
        let slots = self.slots_in_order();
        for (slot, text) in slots.into_iter().zip(texts).filter(|(_, text)| text.changed) {
            // A response tells its texts again as a whole, where this would not reach.
            if self.door == Door::Responses {
                return Err(Blocked::new(
                    "webhook",
                    GuardStage::Output,
                    "a redaction that cannot be streamed",
                ));
            }
            let slot = &mut self.slots[slot];
            slot.edits.clear();
            slot.add(Edit {
                start: 0,
                end: slot.length,
                with: text.text,
            });
        }
        self.over = true;
        self.release(held);
        Ok(())
    }

    /// The texts that wait, in the order in which they begin.
    fn slots_in_order(&self) -> Vec<usize> {
        let mut slots: Vec<usize> = Vec::new();
        for part in self.waiting.iter().flat_map(|waiting| &waiting.parts) {
            if !slots.contains(&part.slot) {
                slots.push(part.slot);
            }
        }
        slots
    }

    /// All texts that wait, each joined, as they would go on.
    pub(super) fn said(&self) -> Vec<Text> {
        let slots = self.slots_in_order();
        let text = |slot: usize| {
            let parts = self.waiting.iter().flat_map(|waiting| &waiting.parts);
            let own = parts.filter(|part| part.slot == slot);
            own.map(|part| self.slots[slot].edited(part).unwrap_or_else(|| part.text.clone()))
                .collect()
        };
        slots
            .into_iter()
            .map(|slot| Text {
                text: text(slot),
                at: 0..0,
                form: self.slots[slot].form,
                speaker: Speaker::Assistant,
                message: 0,
                changed: false,
            })
            .collect()
    }

    pub(super) const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Whether the answer as a whole is still to be judged.
    pub(crate) const fn waits_for_verdict(&self) -> bool {
        self.holds_all && !self.over
    }

    /// What was found since this was last asked.
    pub(super) fn take_found(&mut self) -> Vec<(usize, Hit)> {
        std::mem::take(&mut self.found)
    }

    fn take(&mut self, frame: Bytes, held: &mut VecDeque<Bytes>) -> Result<(), Blocked> {
        if frame.starts_with(b":") {
            // A comment says nothing, and keeps connections awake.
            held.push_back(frame);
            return Ok(());
        }
        let frame = frame::on_one_line(frame);
        let read = frame::read(self.door, &frame);
        for group in &read.closes {
            self.close_group(*group, None)?;
        }
        let mut waiting = Waiting {
            parts: Vec::new(),
            edits: Vec::new(),
            frame,
        };
        self.listen(read, &mut waiting)?;
        self.waiting_bytes += waiting.frame.len();
        self.waiting.push_back(waiting);
        if self.waiting_bytes > WAITING_BYTES_MAX {
            return Err(Blocked::new("", GuardStage::Output, "too_long_to_hold"));
        }
        self.release(held);
        Ok(())
    }

    fn listen(&mut self, read: Read, waiting: &mut Waiting) -> Result<(), Blocked> {
        for spoken in read.spoken {
            match spoken {
                Spoken::Piece {
                    key,
                    group,
                    form,
                    text,
                    at,
                } => {
                    let slot = self.slot(&key, group, form)?;
                    let start = self.slots[slot].length;
                    self.push(slot, &text)?;
                    waiting.parts.push(Part {
                        slot,
                        start,
                        text,
                        at,
                    });
                }
                Spoken::Whole { form, text, at } => {
                    if let Some(hidden) = self.hide(&text, form)? {
                        waiting.edits.push((at, json::quoted(&hidden)));
                    }
                }
            }
        }
        Ok(())
    }

    /// A text that was told in pieces before is told again as a whole: what was taken out of the pieces is taken out of
    /// it as well.
    fn hide(&self, text: &str, form: Form) -> Result<Option<String>, Blocked> {
        let mut hidden: Option<String> = None;
        for rule in &self.plan.output {
            let mut hits = Vec::new();
            let now = hidden.as_deref().unwrap_or(text);
            let found = rule.redact_as(form, now, &mut hits);
            match rule.action() {
                GuardAction::Block if found.is_some() => {
                    return Err(Blocked::by(rule, GuardStage::Output, &hits));
                }
                GuardAction::Redact if form != Form::Sealed => hidden = found.or(hidden),
                _ => {}
            }
        }
        Ok(hidden)
    }

    fn slot(&mut self, key: &str, group: u64, form: Form) -> Result<usize, Blocked> {
        let known = self.slots.iter().position(|slot| slot.key == key && !slot.closed);
        if let Some(index) = known {
            return Ok(index);
        }
        // A text that another follows does not go on, but for tool calls, which may come in turns.
        self.close_group(group, Some(form))?;
        self.slots.push(Slot {
            key: key.to_owned(),
            group,
            form,
            track: Track::new(form, self.plan.output.len()),
            edits: Vec::new(),
            length: 0,
            settled: 0,
            closed: false,
        });
        Ok(self.slots.len() - 1)
    }

    /// Closes the texts of a group; of those that may come in turns, only all or none.
    fn close_group(&mut self, group: u64, before: Option<Form>) -> Result<(), Blocked> {
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let stays = before.is_some() && slot.form == Form::Json;
            if slot.group == group && !slot.closed && !stays {
                self.close(index)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, index: usize, piece: &str) -> Result<(), Blocked> {
        let slot = &mut self.slots[index];
        slot.length += piece.len();
        self.length += piece.len();
        self.measure()?;
        let slot = &mut self.slots[index];
        let found = slot.track.push(&self.plan.output, piece);
        slot.settled = slot.track.settled();
        self.learn(index, found)
    }

    /// Tells, once, of each rule whose bound the answer exceeds.
    fn measure(&mut self) -> Result<(), Blocked> {
        for (index, rule) in self.plan.output.iter().enumerate() {
            let exceeds = rule.config.bytes_max.is_some_and(|max| self.length > max);
            if exceeds && !self.exceeded.contains(&index) {
                self.exceeded.push(index);
                let hit = Hit::new("bytes_max");
                self.found.push((index, hit.clone()));
                if rule.action() == GuardAction::Block {
                    return Err(Blocked::by(rule, GuardStage::Output, &[hit]));
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, index: usize) -> Result<(), Blocked> {
        let slot = &mut self.slots[index];
        if slot.closed {
            return Ok(());
        }
        slot.closed = true;
        let found = slot.track.finish(&self.plan.output);
        slot.settled = slot.length;
        self.learn(index, found)
    }

    fn learn(&mut self, index: usize, found: Vec<track::Found>) -> Result<(), Blocked> {
        for found in found {
            let rule: &Rule = &self.plan.output[found.rule];
            let hit = Hit::new(rule.scanner.name(found.pattern));
            if rule.action() == GuardAction::Block {
                let blocked = Blocked::by(rule, GuardStage::Output, std::slice::from_ref(&hit));
                self.found.push((found.rule, hit));
                return Err(blocked);
            }
            self.found.push((found.rule, hit));
            let slot = &mut self.slots[index];
            if rule.action() == GuardAction::Redact && slot.form != Form::Sealed {
                let placeholder = rule.placeholder(found.pattern);
                let with = if found.is_bare {
                    json::quoted(placeholder)
                } else {
                    placeholder.to_owned()
                };
                slot.add(Edit {
                    start: found.start,
                    end: found.end,
                    with,
                });
            }
        }
        Ok(())
    }

    /// Lets those frames go on whose texts are decided.
    fn release(&mut self, held: &mut VecDeque<Bytes>) {
        if self.holds_all && !self.over {
            return;
        }
        while let Some(front) = self.waiting.front() {
            let decided = |part: &Part| self.slots[part.slot].settled >= part.start + part.text.len();
            if !self.over && !front.parts.iter().all(decided) {
                return;
            }
            if let Some(front) = self.waiting.pop_front() {
                self.waiting_bytes -= front.frame.len();
                held.push_back(self.edited(front));
            }
        }
    }

    fn edited(&self, waiting: Waiting) -> Bytes {
        let mut edits = waiting.edits;
        for part in &waiting.parts {
            if let Some(text) = self.slots[part.slot].edited(part) {
                edits.push((part.at.clone(), json::quoted(&text)));
            }
        }
        if edits.is_empty() {
            return waiting.frame;
        }
        edits.sort_by_key(|(at, _)| at.start);
        match std::str::from_utf8(&waiting.frame) {
            Ok(frame) => Bytes::from(json::splice(frame, &edits)),
            Err(_) => waiting.frame,
        }
    }
}

impl Slot {
    /// Adds an edit; of two that overlap, one takes both places.
    fn add(&mut self, mut edit: Edit) {
        while let Some(at) = self
            .edits
            .iter()
            .position(|known| known.start < edit.end && edit.start < known.end)
        {
            let known = self.edits.remove(at);
            if known.start <= edit.start {
                edit.with = known.with;
            }
            edit.start = edit.start.min(known.start);
            edit.end = edit.end.max(known.end);
        }
        let at = self.edits.partition_point(|known| known.start < edit.start);
        self.edits.insert(at, edit);
    }

    /// What is left of a stretch; nothing when no edit touches it.
    fn edited(&self, part: &Part) -> Option<String> {
        let (start, end) = (part.start, part.start + part.text.len());
        let mut out = String::new();
        let mut from = start;
        let touching = self
            .edits
            .iter()
            .filter(|edit| edit.start < end && start < edit.end);
        let mut touched = false;
        for edit in touching {
            touched = true;
            if edit.start >= start {
                out.push_str(&part.text[from - start..edit.start - start]);
                out.push_str(&edit.with);
            }
            from = edit.end.min(end);
        }
        out.push_str(&part.text[from - start..]);
        touched.then_some(out)
    }
}

impl std::fmt::Debug for StreamGuard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StreamGuard")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// The bytes of a frame's data when it stands on one line.
fn data_range(frame: &[u8]) -> Option<std::ops::Range<usize>> {
    let mut at = if frame.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut found = None;
    while at < frame.len() {
        let end = memchr::memchr2(b'\n', b'\r', &frame[at..]).map_or(frame.len(), |offset| at + offset);
        if let Some(rest) = frame[at..end].strip_prefix(b"data:") {
            if found.is_some() {
                return None;
            }
            let start = end - rest.len();
            found = Some(start + usize::from(rest.first() == Some(&b' '))..end);
        }
        at = end + 1;
    }
    found
}

#[cfg(test)]
mod tests;
