//! Values cut to a size, with a mark. Text is cut between characters; a JSON document stays one, with its longest
//! strings cut.

use super::json;

/// What follows the text that is kept.
const MARK: &str = "…[truncated]";
/// Strings of JSON are not cut below this: what is still too long is then no longer kept as a document.
const STRING_BYTES_MIN: usize = 32;
/// The member of the object that stands for a document without long strings.
const HEAD: &str = "brokle.truncated";

/// The text in at most `bytes_max` bytes; `None` when it has no more.
pub(super) fn cut(text: &str, bytes_max: usize) -> Option<String> {
    if text.len() <= bytes_max {
        return None;
    }
    if json::begins_like_one(text)
        && let Ok(document) = serde_json::from_str::<serde_json::Value>(text)
    {
        return Some(cut_document(document, text, bytes_max));
    }
    Some(cut_text(text, bytes_max))
}

fn cut_text(text: &str, bytes_max: usize) -> String {
    let kept = text.floor_char_boundary(bytes_max.saturating_sub(MARK.len()));
    format!("{}{MARK}", &text[..kept])
}

/// Cuts strings shorter and shorter until the document fits.
fn cut_document(mut document: serde_json::Value, text: &str, bytes_max: usize) -> String {
    let mut string_bytes_max = bytes_max / 2;
    while string_bytes_max >= STRING_BYTES_MIN {
        cut_strings(&mut document, string_bytes_max);
        let written = document.to_string();
        if written.len() <= bytes_max {
            return written;
        }
        string_bytes_max /= 2;
    }
    // Quotes and backslashes take twice their room, once more in a string.
    let mut kept = bytes_max / 2;
    loop {
        let head = serde_json::json!({ HEAD: cut_text(text, kept.max(MARK.len())) }).to_string();
        if head.len() <= bytes_max || kept <= MARK.len() {
            return head;
        }
        kept /= 2;
    }
}

fn cut_strings(value: &mut serde_json::Value, bytes_max: usize) {
    match value {
        serde_json::Value::String(text) if text.len() > bytes_max => *text = cut_text(text, bytes_max),
        serde_json::Value::Array(values) => {
            for value in values {
                cut_strings(value, bytes_max);
            }
        }
        serde_json::Value::Object(members) => {
            for (_, value) in members {
                cut_strings(value, bytes_max);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_marked() {
        assert_eq!(cut("short", 256), None);
        let text = "ä".repeat(300);
        for bytes_max in 256..260 {
            let cut = cut(&text, bytes_max).unwrap();
            assert!(cut.len() <= bytes_max && cut.ends_with(MARK), "{cut}");
            assert!(cut.strip_suffix(MARK).unwrap().chars().all(|char| char == 'ä'));
        }
    }

    #[test]
    fn a_document_stays_one() {
        let long = "words and more words, \"quoted\" ".repeat(500);
        let message =
            serde_json::json!([{"role": "user", "content": long}, {"role": "assistant", "content": "yes"}]);
        let cut_message = cut(&message.to_string(), 2000).unwrap();
        assert!(cut_message.len() <= 2000);
        let read: serde_json::Value = serde_json::from_str(&cut_message).unwrap();
        assert_eq!(read[0]["role"], "user");
        assert_eq!(read[1]["content"], "yes");
        assert!(read[0]["content"].as_str().unwrap().ends_with(MARK));
        let numbers = serde_json::json!((0..2000).collect::<Vec<u32>>()).to_string();
        let cut_numbers = cut(&numbers, 256).unwrap();
        assert!(cut_numbers.len() <= 256, "{cut_numbers}");
        let read: serde_json::Value = serde_json::from_str(&cut_numbers).unwrap();
        assert!(read[HEAD].as_str().unwrap().starts_with("[0,1,2"));
    }
}
