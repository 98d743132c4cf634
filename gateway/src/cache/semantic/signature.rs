//! What two questions must share beside their meaning, because a vector tells it apart too weakly: numbers, negations,
//! opposites, names and what is quoted, in their order, and the script.
//!
//! Too strict is a miss and costs a call; too lax is a wrong answer. So it is strict.

use sha2::{Digest as _, Sha256};

/// Words that turn a question round, or tell two of a kind apart.
const TELLING: [&str; 82] = [
    "no",
    "not",
    "none",
    "never",
    "without",
    "cannot",
    "nor",
    "neither",
    "except",
    "unless",
    "exclude",
    "excluding",
    "dont",
    "doesnt",
    "didnt",
    "isnt",
    "arent",
    "wasnt",
    "werent",
    "wont",
    "cant",
    "shouldnt",
    "wouldnt",
    "couldnt",
    "before",
    "after",
    "more",
    "less",
    "most",
    "least",
    "fewer",
    "min",
    "max",
    "minimum",
    "maximum",
    "above",
    "below",
    "over",
    "under",
    "first",
    "last",
    "next",
    "previous",
    "increase",
    "decrease",
    "add",
    "remove",
    "enable",
    "disable",
    "open",
    "close",
    "start",
    "stop",
    "allow",
    "deny",
    "buy",
    "sell",
    "send",
    "receive",
    "encrypt",
    "decrypt",
    "import",
    "export",
    "install",
    "uninstall",
    "who",
    "when",
    "where",
    "why",
    "how",
    "today",
    "tomorrow",
    "yesterday",
    "north",
    "south",
    "east",
    "west",
    "left",
    "right",
    "male",
    "female",
    "best",
];
const NUMBER_WORDS: [&str; 27] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "twenty", "thirty", "forty", "fifty", "hundred", "thousand",
    "million", "billion", "half", "double", "once",
];
const QUOTES: [(char, char); 5] = [('"', '"'), ('`', '`'), ('“', '”'), ('«', '»'), ('‘', '’')];

/// A text's signature. Texts of different ones never stand in for each other.
pub(super) fn of(text: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    for mark in marks(text) {
        hash.update((mark.len() as u64).to_le_bytes());
        hash.update(mark.as_bytes());
    }
    let digest = hash.finalize();
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    short
}

fn marks(text: &str) -> Vec<String> {
    let (plain, mut marks) = without_quotes(text);
    let mut starts_sentence = true;
    for word in plain.split_whitespace() {
        let bare: String = word
            .chars()
            .filter(|character| character.is_alphanumeric())
            .collect();
        let lower = bare.to_lowercase();
        let has_digit = bare.chars().any(char::is_numeric);
        let capital = bare.chars().any(char::is_uppercase);
        // Within a word, or on a word within a sentence, a capital makes a name. `I` is none.
        let named =
            capital && lower != "i" && (!starts_sentence || bare.chars().skip(1).any(char::is_uppercase));
        if has_digit {
            marks.push(
                word.trim_matches(|character: char| ",;:!?()".contains(character))
                    .trim_end_matches('.')
                    .to_lowercase(),
            );
        } else if named || TELLING.contains(&lower.as_str()) || NUMBER_WORDS.contains(&lower.as_str()) {
            marks.push(lower);
        } else if word
            .chars()
            .any(|character| "=<>/\\{}[]|&$#@%+*^~_".contains(character))
        {
            // Paths, operators and other code.
            marks.push(word.to_owned());
        }
        starts_sentence = word.ends_with(['.', '!', '?', ':']);
    }
    marks.push(script(text).to_owned());
    marks
}

/// Words that carry a question and not its matter.
const CARRYING: [&str; 48] = [
    "a", "an", "the", "is", "are", "was", "were", "be", "do", "does", "did", "can", "could", "would", "will",
    "should", "i", "me", "my", "we", "us", "you", "your", "it", "its", "this", "that", "please", "tell",
    "give", "show", "what", "which", "of", "in", "on", "at", "for", "to", "from", "into", "with", "by",
    "and", "or", "about", "some", "explain",
];

/// The matter of a question: its words, and their order. Two questions of the same words in another order (euros into
/// dollars, dollars into euros) are near for any vector, and not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    words: u64,
    sequence: u64,
}

impl Order {
    pub(super) fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words = lower.split(|character: char| !character.is_alphanumeric());
        let mut matter: Vec<&str> = words
            .filter(|word| !word.is_empty() && !CARRYING.contains(word))
            .collect();
        let sequence = hashed(&matter);
        matter.sort_unstable();
        Self {
            words: hashed(&matter),
            sequence,
        }
    }

    /// Whether one may stand in for the other.
    pub(super) const fn allows(&self, other: &Self) -> bool {
        self.words != other.words || self.sequence == other.sequence
    }
}

fn hashed(words: &[&str]) -> u64 {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

/// The text without what is quoted, and that.
fn without_quotes(text: &str) -> (String, Vec<String>) {
    let mut plain = String::with_capacity(text.len());
    let mut quoted = Vec::new();
    let mut rest = text;
    while let Some((at, open)) = rest
        .char_indices()
        .find(|(_, character)| QUOTES.iter().any(|(open, _)| open == character))
    {
        let inside = &rest[at + open.len_utf8()..];
        let close = QUOTES
            .iter()
            .find(|(known, _)| *known == open)
            .map_or(open, |(_, close)| *close);
        let Some(end) = inside.find(close) else { break };
        plain.push_str(&rest[..at]);
        plain.push(' ');
        quoted.push(format!("\"{}", &inside[..end]));
        rest = &inside[end + close.len_utf8()..];
    }
    plain.push_str(rest);
    (plain, quoted)
}

/// The writing that most letters are in. Languages of one script are told apart by the vector.
fn script(text: &str) -> &'static str {
    let mut counts = [0_usize; 5];
    for character in text.chars().filter(|character| character.is_alphabetic()) {
        let index = match character as u32 {
            0..=0x24F => 0,
            0x370..=0x52F => 1,
            0x590..=0x8FF => 2,
            0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF => 3,
            _ => 4,
        };
        counts[index] += 1;
    }
    let most = counts
        .iter()
        .enumerate()
        .max_by_key(|(index, count)| (**count, usize::MAX - index));
    ["latin", "greek-cyrillic", "semitic", "east-asian", "other"][most.map_or(4, |(index, _)| index)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(of(one), of(other), "{:?} {:?}", marks(one), marks(other));
    }

    #[track_caller]
    fn differ(one: &str, other: &str) {
        assert_ne!(of(one), of(other), "{:?}", marks(one));
    }

    #[test]
    fn rewording_leaves_it() {
        same(
            "What is the capital of France?",
            "Tell me the capital city of France",
        );
        same(
            "Summarise the report please",
            "please give a summary of the report",
        );
        same("it costs 25 euros.", "the price: 25 euros");
    }

    #[test]
    fn numbers_negations_opposites_names_and_code_change_it() {
        differ("Convert 10 miles", "Convert 100 miles");
        differ("two eggs", "three eggs");
        differ("Is it safe", "Is it not safe");
        differ("what happens before lunch", "what happens after lunch");
        differ("the capital of France", "the capital of Spain");
        differ("a flight from Paris to London", "a flight from London to Paris");
        assert!(!Order::of("euros into dollars").allows(&Order::of("dollars into euros")));
        assert!(
            Order::of("the capital of France").allows(&Order::of("please tell me France's capital city"))
        );
        differ("explain `foo()`", "explain `bar()`");
        differ("what does a+b mean", "what does a-b mean, a*b");
        differ("hello there", "привет всем");
        differ("in Python 3", "in Python 2");
    }
}
