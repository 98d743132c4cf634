//! Names that people give to themselves, organisations, projects and keys.

const CHARS_MAX: usize = 100;

/// A trimmed text of 1 to 100 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// A text that cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name must have 1 to {CHARS_MAX} characters, on one line")]
pub(crate) struct InvalidName;

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let fits = (1..=CHARS_MAX).contains(&text.chars().count());
        if fits && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(Name::parse("  Zoë & Co ").unwrap().as_str(), "Zoë & Co");
        assert!(Name::parse(&"ö".repeat(100)).is_ok());
        for text in ["", "   ", "two\nlines", "bell\u{7}", &"x".repeat(101)] {
            assert_eq!(Name::parse(text), Err(InvalidName), "{text:?}");
        }
    }
}
