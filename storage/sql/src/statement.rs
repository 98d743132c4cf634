//! Statements as constants, and the values bound to them. A statement's text is known at compile time;
//! whatever a caller sends travels beside it as a [`Value`].

use chrono::{DateTime, Utc};

/// Declares constant SQL and the list `ALL` of what was declared.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* const $name: &str = $text;)+

        /// Every statement of this file, for the test that prepares them.
        pub(crate) const ALL: &[&str] = &[$($name),+];
    };
}

pub(crate) use statements;

/// A value in the place of a `$n`.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text, or NULL.
    Text(Option<String>),
    /// A time, or NULL.
    Time(Option<DateTime<Utc>>),
    /// A number.
    Integer(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<DateTime<Utc>> for Value {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Time(Some(time))
    }
}

impl From<Option<DateTime<Utc>>> for Value {
    fn from(time: Option<DateTime<Utc>>) -> Self {
        Self::Time(time)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

/// A constant text with its values.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
}

impl Statement {
    /// Starts a statement.
    pub fn new(text: &'static str) -> Self {
        Self {
            text,
            values: Vec::new(),
        }
    }

    /// Binds the next `$n`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}
