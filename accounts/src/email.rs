//! E-mail addresses as identities: one person, one spelling. Whether mail arrives is for a mail to show, so
//! the check here is only for what cannot be one.

use std::fmt;

const LENGTH_MAX: usize = 254;
const LOCAL_PART_MAX: usize = 64;
const FORBIDDEN: &[char] = &['"', '(', ')', ',', ':', ';', '<', '>', '[', ']', '\\', '@'];

/// A normalised address: trimmed, lower-case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the e-mail address must look like `name@example.com`")]
pub(crate) struct InvalidEmail;

impl Email {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let email = text.trim().to_lowercase();
        let (local, domain) = email.rsplit_once('@').ok_or(InvalidEmail)?;
        if email.len() <= LENGTH_MAX && is_local_part(local) && is_domain(domain) {
            Ok(Self(email))
        } else {
            Err(InvalidEmail)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_local_part(local: &str) -> bool {
    let strange = |character: char| {
        character.is_whitespace() || character.is_control() || FORBIDDEN.contains(&character)
    };
    (1..=LOCAL_PART_MAX).contains(&local.len())
        && !local.contains(strange)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .chars()
            .all(|character| character.is_alphanumeric() || character == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        assert_eq!(
            Email::parse(" Ada.Lovelace+x@Example.COM ").unwrap().as_str(),
            "ada.lovelace+x@example.com"
        );
        assert!(Email::parse("jürgen@bücher.example").is_ok());
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.com", "x".repeat(65));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a b@example.com",
            "a@b@example.com",
            "ada@exa_mple.com",
            "ada@-example.com",
            "ada@example..com",
            ".ada@example.com",
            "a..da@example.com",
            "ada@example.com\n.evil",
            "\"ada\"@example.com",
            long.as_str(),
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }
}
