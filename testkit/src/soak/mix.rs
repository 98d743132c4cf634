//! What calls there are, how often, and what is to come of each.

use serde_json::{Value, json};

use super::hang_up::Moment;

mod kinds;

use kinds::{EMBEDDINGS, MESSAGES, RESPONSES};
pub(super) use kinds::{FAULTS, KINDS};

/// Different questions whose answers are kept.
const KEPT_QUESTIONS: u64 = 60;
/// Every so many calls, one is long.
const LONG_EVERY: u64 = 40;
const LONG_WORDS: u64 = 2_000;

/// How a caller behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Waits for a whole answer.
    Whole,
    /// Reads a stream to its end.
    Stream,
    /// The same, with pauses that fill every buffer in between.
    Slow,
    /// Goes away.
    HangUp(Moment),
}

/// Whose key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Somebody who may.
    Member,
    /// Somebody whose key was revoked.
    Revoked,
    /// Somebody of another organisation, with a small quota.
    Limited,
}

/// What is peculiar about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peculiar {
    Nothing,
    /// It offers tools.
    Tools,
    /// Its answer is kept and given again.
    Cached,
    /// It is not JSON.
    Broken,
}

/// One kind of call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// How many of a thousand or so.
    pub(super) share: u32,
    pub(super) path: &'static str,
    /// Taken in turn.
    models: &'static [&'static str],
    pub(super) way: Way,
    pub(super) who: Who,
    peculiar: Peculiar,
    /// The statuses that may come; any when there are none.
    pub(super) expected: &'static [u16],
}

/// The place of the kind that `chance`, from 0 to [`shares`], falls upon.
pub(super) fn pick(mut chance: u32) -> usize {
    for (place, kind) in KINDS.iter().enumerate() {
        if chance < kind.share {
            return place;
        }
        chance -= kind.share;
    }
    0
}

/// The sum of all shares.
pub(super) fn shares() -> u32 {
    KINDS.iter().map(|kind| kind.share).sum()
}

impl Kind {
    /// Whether the caller asks for a stream.
    pub(super) fn streams(&self) -> bool {
        !matches!(self.way, Way::Whole | Way::HangUp(Moment::Plain))
    }

    /// Whether the answer may be kept.
    pub(super) fn is_cached(&self) -> bool {
        self.peculiar == Peculiar::Cached
    }

    /// What ends a whole stream.
    pub(super) fn end_mark(&self) -> &'static str {
        match self.path {
            MESSAGES => "message_stop",
            RESPONSES => "response.completed",
            _ => "[DONE]",
        }
    }

    /// The body of call `number`.
    pub(super) fn body(&self, number: u64) -> String {
        if self.peculiar == Peculiar::Broken {
            return "{\"model\": \"steady/gpt-4o-mini\", \"messages\": [".to_owned();
        }
        let turn = usize::try_from(number).unwrap_or_default() % self.models.len();
        let text = if self.is_cached() {
            words(number % KEPT_QUESTIONS, 20)
        } else if number.is_multiple_of(LONG_EVERY) {
            words(number, LONG_WORDS)
        } else {
            words(number, 20 + number % 7 * 20)
        };
        let mut body = match self.path {
            EMBEDDINGS => json!({ "input": [text] }),
            RESPONSES => json!({ "input": text }),
            MESSAGES => json!({ "max_tokens": 300, "messages": [{ "role": "user", "content": text }] }),
            _ => {
                json!({ "messages": [{ "role": "system", "content": "Be short." }, { "role": "user", "content": text }] })
            }
        };
        body["model"] = json!(self.models[turn]);
        if self.streams() {
            body["stream"] = json!(true);
        }
        if self.peculiar == Peculiar::Tools {
            body["tools"] = tools();
        }
        body.to_string()
    }
}

fn tools() -> Value {
    let tool = |name: &str, wants: &str| {
        json!({ "type": "function", "function": { "name": name, "description": "Looks something up.",
            "parameters": { "type": "object", "properties": { wants: { "type": "string" } }, "required": [wants] } } })
    };
    json!([tool("look_up_order", "order"), tool("look_up_stock", "article")])
}

/// Words that differ from call to call.
fn words(number: u64, count: u64) -> String {
    const WORDS: [&str; 12] = [
        "order", "please", "the", "late", "refund", "when", "parcel", "is", "blue", "size", "account", "not",
    ];
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = format!("question {number}:");
    for _ in 0..count {
        mixed ^= mixed << 13;
        mixed ^= mixed >> 7;
        mixed ^= mixed << 17;
        text.push(' ');
        text.push_str(WORDS[usize::try_from(mixed % 12).unwrap_or_default()]);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_its_share_of_the_calls() {
        let mut counted = [0; KINDS.len()];
        for chance in 0..shares() {
            counted[pick(chance)] += 1;
        }
        assert_eq!(counted, KINDS.map(|kind| kind.share));
    }

    #[test]
    fn bodies_are_what_their_kind_says() {
        let kept: BTreeSet<String> = (0..200).map(|number| KINDS[15].body(number)).collect();
        assert_eq!(kept.len() as u64, KEPT_QUESTIONS);
        for kind in KINDS {
            let bodies: BTreeSet<String> = (1..50).map(|number| kind.body(number)).collect();
            let parsed: Vec<_> = bodies
                .iter()
                .map(|body| serde_json::from_str::<Value>(body))
                .collect();
            let is_broken = kind.peculiar == Peculiar::Broken;
            assert!(
                parsed.iter().all(|body| body.is_err() == is_broken),
                "{}",
                kind.name
            );
            assert!(is_broken || bodies.len() == 49, "{}", kind.name);
        }
    }
}
