//! `BERT`'s tokens: words of lower-case letters without accents, in pieces that the vocabulary has.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

const WORD_CHARS_MAX: usize = 100;
const BEGIN: &str = "[CLS]";
const END: &str = "[SEP]";
const UNKNOWN: &str = "[UNK]";

/// A vocabulary.
#[derive(Debug)]
pub(super) struct WordPiece {
    ids: HashMap<String, u32>,
    begin: u32,
    end: u32,
    unknown: u32,
}

impl WordPiece {
    /// One token for each line. Nothing when it is not such a vocabulary.
    pub(super) fn new(lines: &str) -> Option<Self> {
        let ids: HashMap<String, u32> = lines.lines().map(str::to_owned).zip(0..).collect();
        Some(Self {
            begin: *ids.get(BEGIN)?,
            end: *ids.get(END)?,
            unknown: *ids.get(UNKNOWN)?,
            ids,
        })
    }

    /// The tokens of a text between their marks; nothing when there are more than `tokens_max`.
    pub(super) fn encode(&self, text: &str, tokens_max: usize) -> Option<Vec<u32>> {
        let mut tokens = vec![self.begin];
        for word in words(text) {
            self.pieces(&word, &mut tokens);
            if tokens.len() >= tokens_max {
                return None;
            }
        }
        tokens.push(self.end);
        Some(tokens)
    }

    /// The longest pieces from the left; one mark for a word that cannot be put together.
    fn pieces(&self, word: &str, tokens: &mut Vec<u32>) {
        let before = tokens.len();
        let mut rest = word;
        if word.chars().count() > WORD_CHARS_MAX {
            tokens.push(self.unknown);
            return;
        }
        while !rest.is_empty() {
            let ends = rest
                .char_indices()
                .map(|(at, character)| at + character.len_utf8());
            let ends: Vec<usize> = ends.collect();
            let inside = rest.len() < word.len();
            let found = ends.iter().rev().find_map(|&end| {
                let piece = &rest[..end];
                let id = if inside {
                    self.ids.get(&format!("##{piece}"))
                } else {
                    self.ids.get(piece)
                };
                id.map(|id| (*id, end))
            });
            let Some((id, end)) = found else {
                tokens.truncate(before);
                tokens.push(self.unknown);
                return;
            };
            tokens.push(id);
            rest = &rest[end..];
        }
    }
}

/// Lower case, without accents; every mark of punctuation and every ideograph is a word of its own.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let plain = text
        .chars()
        .filter(|character| !is_ignored(*character))
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|character| !is_combining_mark(*character));
    for character in plain {
        let alone = is_punctuation(character) || is_ideograph(character);
        if (alone || character.is_whitespace()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if alone {
            words.push(character.to_string());
        } else if !character.is_whitespace() {
            word.push(character);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn is_ignored(character: char) -> bool {
    character == '\u{FFFD}' || character.is_control() && !character.is_whitespace()
}

fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || matches!(
            character,
            '\u{A1}' | '\u{A7}' | '\u{AB}' | '\u{B6}' | '\u{B7}' | '\u{BB}' | '\u{BF}'
        )
        || matches!(character, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{3003}')
        || matches!(character, '\u{3008}'..='\u{3011}' | '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}')
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{2CEAF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> WordPiece {
        WordPiece::new("[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nnaive\n,\n!\n日\n").unwrap()
    }

    #[test]
    fn words_are_put_together_from_the_longest_pieces() {
        assert_eq!(
            vocabulary().encode("UNAFFABLE, naïve!", 20).unwrap(),
            [2, 4, 5, 6, 8, 7, 9, 3]
        );
    }

    #[test]
    fn what_the_vocabulary_lacks_is_one_mark_and_ideographs_stand_alone() {
        assert_eq!(vocabulary().encode("unx 日日", 20).unwrap(), [2, 1, 10, 10, 3]);
    }

    #[test]
    fn a_text_of_too_many_tokens_is_none() {
        assert_eq!(vocabulary().encode("naive naive naive", 4), None);
    }
}
