//! What a filter says, after parsing. Every value here is already checked against its field.

use rust_decimal::Decimal;

/// Terms that must all hold. The empty filter holds for every trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In the order in which they were written.
    pub terms: Vec<Term>,
}

/// One condition, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether a trace must *not* meet the condition.
    pub negated: bool,
    /// The condition.
    pub condition: Condition,
}

/// What a term demands of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The words occur in the trace's name, or in an input or output.
    Text(String),
    /// The trace's status is one of these.
    Status(Vec<Status>),
    /// The trace, or an observation in it, has one of these ids.
    Id(Vec<IdPattern>),
    /// The field matches one of these.
    Matches(TextField, Vec<Pattern>),
    /// The field's number compares like this.
    Compares(NumberField, Comparison),
}

/// How a trace ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing was said.
    Unset,
    /// It succeeded.
    Ok,
    /// It failed.
    Error,
}

impl Status {
    /// Every status, by its OTLP code.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// The word in the API and in filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }

    /// The number in OTLP and in storage.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unset => 0,
            Self::Ok => 1,
            Self::Error => 2,
        }
    }

    /// The status with OTLP's `code`; one that OTLP does not define counts as unset.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }
}

/// Text to match, open at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The fixed part.
    pub text: String,
    /// Whether anything may come before it (`*text`).
    pub open_start: bool,
    /// Whether anything may come after it (`text*`).
    pub open_end: bool,
}

impl Pattern {
    /// Matches `text` and nothing else.
    pub fn exact(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            open_start: false,
            open_end: false,
        }
    }

    /// Whether the pattern matches one text only.
    pub const fn is_exact(&self) -> bool {
        !self.open_start && !self.open_end
    }

    /// Whether the pattern is `*`: anything, but not nothing.
    pub fn is_presence(&self) -> bool {
        self.text.is_empty() && !self.is_exact()
    }
}

/// An id, or the beginning of one, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdPattern {
    /// A whole trace id: 32 digits.
    Trace(String),
    /// A whole observation id: 16 digits.
    Observation(String),
    /// The first digits of a trace id (`id:4bf92f*`).
    TracePrefix(String),
}

/// How a number compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// One of these.
    OneOf(Vec<Decimal>),
    /// `>`
    Greater(Decimal),
    /// `>=`
    AtLeast(Decimal),
    /// `<`
    Less(Decimal),
    /// `<=`
    AtMost(Decimal),
}

impl Comparison {
    /// Whether `number` compares so. Decides what a trace without any priced call answers, for example.
    pub fn holds(&self, number: Decimal) -> bool {
        match self {
            Self::OneOf(values) => values.contains(&number),
            Self::Greater(bound) => number > *bound,
            Self::AtLeast(bound) => number >= *bound,
            Self::Less(bound) => number < *bound,
            Self::AtMost(bound) => number <= *bound,
        }
    }
}

/// Fields that hold text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextField {
    /// The trace's name.
    Name,
    /// The deployment environment of the trace's entry.
    Environment,
    /// The service of the trace's entry.
    Service,
    /// A model asked for or answered by, in any observation.
    Model,
    /// A provider of any observation.
    Provider,
    /// The user, on any observation.
    User,
    /// The session, on any observation.
    Session,
    /// A tag, on any observation.
    Tag,
    /// The type of any observation.
    Type,
}

/// Fields that hold numbers, over the whole trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberField {
    /// From the first start to the last end, in milliseconds.
    Duration,
    /// US dollars.
    Cost,
    /// Input and output tokens.
    Tokens,
    /// Observations that failed.
    Errors,
}

/// Any field, by the kind of value it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `ok`, `error`, `unset`.
    Status,
    /// Hex ids.
    Id,
    /// Text with wildcards.
    Text(TextField),
    /// Numbers with comparisons.
    Number(NumberField),
}

/// Every field by the name under which it is written, in the order in which they are listed.
pub const FIELDS: [(&str, Field); 15] = [
    ("status", Field::Status),
    ("name", Field::Text(TextField::Name)),
    ("environment", Field::Text(TextField::Environment)),
    ("model", Field::Text(TextField::Model)),
    ("provider", Field::Text(TextField::Provider)),
    ("user", Field::Text(TextField::User)),
    ("session", Field::Text(TextField::Session)),
    ("tag", Field::Text(TextField::Tag)),
    ("type", Field::Text(TextField::Type)),
    ("service", Field::Text(TextField::Service)),
    ("duration", Field::Number(NumberField::Duration)),
    ("cost", Field::Number(NumberField::Cost)),
    ("tokens", Field::Number(NumberField::Tokens)),
    ("errors", Field::Number(NumberField::Errors)),
    ("id", Field::Id),
];

impl Field {
    /// The field written as `name`, in any case of letters.
    pub fn find(name: &str) -> Option<Self> {
        FIELDS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, field)| *field)
    }

    /// The name under which the field is written.
    pub fn name(self) -> &'static str {
        FIELDS
            .iter()
            .find(|(_, field)| *field == self)
            .map_or("", |(name, _)| name)
    }
}
