//! Filter terms as conditions on a trace's entry row.
//!
//! What the entry itself says (status, name, environment, service) is compared on the row. What any
//! observation of the trace may say (model, user, tag, words in an input, ...) and what only all of them
//! together say (cost, tokens, errors, duration) is asked of the trace by a semi-join that is bounded to the
//! same stretch of time, give or take [`MARGIN_NS`].
//!
//! A trace without any matching row is not in such a set, so a condition that an absent value meets (cost
//! below a dollar, no user) is asked the other way round: not among those that fail it.

use brokle_model::telemetry::TRACE_ROW_TYPE;
use rust_decimal::Decimal;

use super::statement::Parameters;
use crate::filter::{
    Comparison, Condition, Filter, IdPattern, NumberField, Pattern, Status, Term, TextField,
};
use crate::plan::{TimeRange, to_nanos};

/// How long before the range and after it a trace's observations are consulted.
const MARGIN_NS: i64 = 3_600 * 1_000_000_000;

/// What the name of a trace is, as far as its entry row knows.
pub(super) const ENTRY_NAME: &str = "if(trace_name != '', trace_name, name)";
/// Whether an observation failed.
pub(super) const FAILED: &str = "(status_code = 2 OR lower(level) = 'error')";

/// Whether the whole filter is answered by the entry rows themselves, without asking their traces.
pub(crate) fn is_about_entries(filter: &Filter) -> bool {
    filter.terms.iter().all(|term| match &term.condition {
        Condition::Status(_) => true,
        Condition::Id(values) => !values.iter().any(|id| matches!(id, IdPattern::Observation(_))),
        Condition::Matches(field, _) => column(*field).is_some(),
        Condition::Text(_) | Condition::Compares(..) => false,
    })
}

/// Whether the whole filter is answered by what the roll-up of traces' names keeps apart.
pub(crate) fn is_about_names(filter: &Filter) -> bool {
    filter.terms.iter().all(|term| match &term.condition {
        Condition::Status(_) => true,
        Condition::Matches(field, _) => column(*field).is_some(),
        Condition::Id(_) | Condition::Text(_) | Condition::Compares(..) => false,
    })
}

/// Conditions, one per term but the one that is `answered` already. `range` is that of the entry rows.
pub(super) fn conditions(
    filter: &Filter,
    range: TimeRange,
    answered: Option<usize>,
    parameters: &mut Parameters,
) -> Vec<String> {
    let margin = Margin::around(range, parameters);
    let open = filter
        .terms
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != answered);
    open.map(|(_, term)| condition(term, &margin, parameters))
        .collect()
}

/// The term that a search for something rare starts from: one that holds for the traces of some rows and for no other.
/// Those that an index knows go first.
pub(super) fn leading_term(filter: &Filter) -> Option<usize> {
    let rank = |term: &Term| match &term.condition {
        _ if term.negated => None,
        Condition::Id(values) => {
            let is_row = |value: &IdPattern| matches!(value, IdPattern::Observation(_));
            values.iter().all(is_row).then_some(2)
        }
        Condition::Text(_) => Some(0),
        Condition::Matches(field, patterns) => {
            let is_said = |pattern: &Pattern| !pattern.text.is_empty();
            let rank = match field {
                TextField::User | TextField::Session => 1,
                _ => 3,
            };
            (column(*field).is_none() && patterns.iter().all(is_said)).then_some(rank)
        }
        Condition::Status(_) | Condition::Compares(..) => None,
    };
    let ranked = filter.terms.iter().enumerate();
    let ranked = ranked.filter_map(|(index, term)| rank(term).map(|rank| (rank, index)));
    ranked.min().map(|(_, index)| index)
}

/// The traces for which a leading term may hold, as a SELECT.
pub(super) fn traces_of(term: &Term, range: TimeRange, parameters: &mut Parameters) -> Option<String> {
    let margin = Margin::around(range, parameters);
    let core = |row: &str| margin.traces("observations_core", row);
    Some(match &term.condition {
        Condition::Text(text) => {
            let name = contains(ENTRY_NAME, text, parameters);
            let named = core(&format!("(is_entry OR type = '{TRACE_ROW_TYPE}') AND {name}"));
            let row = text_within(text, parameters);
            format!("{named}\nUNION ALL\n{}", margin.traces("observations", &row))
        }
        Condition::Id(values) => {
            let spans = values.iter().filter_map(|value| match value {
                IdPattern::Observation(hex) => Some(format!("span_id = {}", parameters.id(hex))),
                IdPattern::Trace(_) | IdPattern::TracePrefix(_) => None,
            });
            core(&any_of(&spans.collect::<Vec<_>>()))
        }
        Condition::Matches(field, patterns) => core(&on_observation(*field, patterns, parameters)),
        Condition::Status(_) | Condition::Compares(..) => return None,
    })
}

/// Those of the conditions that can be checked again on a single entry row.
pub(super) fn entry_conditions(filter: &Filter, parameters: &mut Parameters) -> Vec<String> {
    let on_entry = |term: &&Term| match &term.condition {
        Condition::Status(_) => true,
        Condition::Matches(field, _) => column(*field).is_some(),
        _ => false,
    };
    let nowhere = Margin(String::new());
    filter
        .terms
        .iter()
        .filter(on_entry)
        .map(|term| condition(term, &nowhere, parameters))
        .collect()
}

/// The stretch of time in which the observations of the traces are looked for, as a condition.
struct Margin(String);

impl Margin {
    fn around(range: TimeRange, parameters: &mut Parameters) -> Self {
        let from = parameters.time(to_nanos(range.from).saturating_sub(MARGIN_NS));
        let to = parameters.time(to_nanos(range.to).saturating_add(MARGIN_NS));
        Self(format!(
            "project_id = {{project_id:String}} AND start_time >= {from} AND start_time < {to}"
        ))
    }

    /// The traces with a row for which `row` holds, as a SELECT.
    fn traces(&self, table: &str, row: &str) -> String {
        format!("SELECT trace_id FROM {table} WHERE {} AND {row}", self.0)
    }

    /// The same as a condition on an entry row.
    fn any(&self, table: &str, row: &str) -> String {
        format!("trace_id IN ({})", self.traces(table, row))
    }
}

fn condition(term: &Term, margin: &Margin, parameters: &mut Parameters) -> String {
    let positive = match &term.condition {
        Condition::Text(text) => full_text(text, margin, parameters),
        Condition::Status(values) => status(values),
        Condition::Id(values) => id(values, margin, parameters),
        Condition::Matches(field, patterns) => matches(*field, patterns, margin, parameters),
        Condition::Compares(field, comparison) => compares(*field, comparison, margin, parameters),
    };
    if term.negated {
        format!("NOT {positive}")
    } else {
        positive
    }
}

fn status(values: &[Status]) -> String {
    let codes: Vec<String> = values.iter().map(|status| status.code().to_string()).collect();
    format!("(status_code IN ({}))", codes.join(", "))
}

fn id(values: &[IdPattern], margin: &Margin, parameters: &mut Parameters) -> String {
    let each = values.iter().map(|value| match value {
        IdPattern::Trace(hex) => format!("trace_id = {}", parameters.id(hex)),
        IdPattern::TracePrefix(hex) => format!("startsWith(lower(hex(trace_id)), {})", parameters.text(hex)),
        IdPattern::Observation(hex) => {
            let row = format!("span_id = {}", parameters.id(hex));
            margin.any("observations_core", &row)
        }
    });
    any_of(&each.collect::<Vec<_>>())
}

/// The expression on the entry row that a field reads, if the entry alone decides it.
fn column(field: TextField) -> Option<&'static str> {
    match field {
        TextField::Name => Some(ENTRY_NAME),
        TextField::Environment => Some("environment"),
        TextField::Service => Some("service_name"),
        TextField::Model
        | TextField::Provider
        | TextField::User
        | TextField::Session
        | TextField::Tag
        | TextField::Type => None,
    }
}

fn matches(field: TextField, patterns: &[Pattern], margin: &Margin, parameters: &mut Parameters) -> String {
    if let Some(column) = column(field) {
        return any_of(&pattern_list(column, patterns, parameters));
    }
    let (empty, present): (Vec<_>, Vec<_>) = patterns
        .iter()
        .cloned()
        .partition(|pattern| pattern.is_exact() && pattern.text.is_empty());
    let mut each = Vec::new();
    if !present.is_empty() {
        each.push(margin.any("observations_core", &on_observation(field, &present, parameters)));
    }
    if !empty.is_empty() {
        let anything = [Pattern {
            text: String::new(),
            open_start: true,
            open_end: true,
        }];
        let row = on_observation(field, &anything, parameters);
        each.push(format!("NOT {}", margin.any("observations_core", &row)));
    }
    any_of(&each)
}

fn on_observation(field: TextField, patterns: &[Pattern], parameters: &mut Parameters) -> String {
    match field {
        TextField::Provider => any_of(&pattern_list("provider", patterns, parameters)),
        TextField::User => any_of(&pattern_list("user_id", patterns, parameters)),
        TextField::Session => any_of(&pattern_list("session_id", patterns, parameters)),
        TextField::Type => any_of(&pattern_list("type", patterns, parameters)),
        TextField::Tag => {
            let tag = any_of(&pattern_list("tag", patterns, parameters));
            format!("arrayExists(tag -> {tag}, tags)")
        }
        _ => {
            let mut each = pattern_list("model", patterns, parameters);
            each.extend(pattern_list("model_requested", patterns, parameters));
            any_of(&each)
        }
    }
}

/// Conditions of which one must hold. Exact values come together in one list; open ones ignore case.
fn pattern_list(expression: &str, patterns: &[Pattern], parameters: &mut Parameters) -> Vec<String> {
    let mut each = Vec::new();
    let exact: Vec<&str> = patterns
        .iter()
        .filter(|pattern| pattern.is_exact())
        .map(|pattern| pattern.text.as_str())
        .collect();
    if let [text] = exact.as_slice() {
        each.push(format!("{expression} = {}", parameters.text(text)));
    } else if !exact.is_empty() {
        each.push(format!("has({}, {expression})", parameters.texts(exact)));
    }
    for pattern in patterns.iter().filter(|pattern| !pattern.is_exact()) {
        if pattern.is_presence() {
            each.push(format!("{expression} != ''"));
        } else {
            each.push(format!("{expression} ILIKE {}", parameters.text(&like(pattern))));
        }
    }
    each
}

fn like(pattern: &Pattern) -> String {
    let text = pattern
        .text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let open = |open: bool| if open { "%" } else { "" };
    format!("{}{text}{}", open(pattern.open_start), open(pattern.open_end))
}

/// A text anywhere in a value, in upper or lower case.
pub(super) fn contains(expression: &str, text: &str, parameters: &mut Parameters) -> String {
    let pattern = Pattern {
        text: text.to_owned(),
        open_start: true,
        open_end: true,
    };
    format!("{expression} ILIKE {}", parameters.text(&like(&pattern)))
}

/// Words anywhere in the name, or all of them in one input or one output. A phrase must also occur as it is.
fn full_text(text: &str, margin: &Margin, parameters: &mut Parameters) -> String {
    let name = contains(ENTRY_NAME, text, parameters);
    let row = text_within(text, parameters);
    any_of(&[name, margin.any("observations", &row)])
}

fn text_within(text: &str, parameters: &mut Parameters) -> String {
    let words = Words::of(text, parameters);
    let within = |column: &str| words.within(column);
    format!("({} OR {})", within("input"), within("output"))
}

/// All words of a text; a phrase must also occur as it is.
pub(super) struct Words {
    words: Option<String>,
    phrase: Option<String>,
}

impl Words {
    pub(super) fn of(text: &str, parameters: &mut Parameters) -> Self {
        // The index folds ASCII only.
        let folded = text.to_ascii_lowercase();
        let words = words(&folded);
        let is_phrase = text.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric());
        Self {
            words: (!words.is_empty()).then(|| parameters.texts(words)),
            phrase: is_phrase.then(|| parameters.text(&text.to_lowercase())),
        }
    }

    /// Whether a column with a text index has them.
    pub(super) fn within(&self, column: &str) -> String {
        let words = self.words.as_ref();
        let found = words.map(|words| format!("hasAllTokens(lower({column}), {words})"));
        let phrase = self.phrase.as_ref();
        let phrase = phrase.map(|phrase| format!("positionUTF8(lowerUTF8({column}), {phrase}) > 0"));
        let both: Vec<String> = found.into_iter().chain(phrase).collect();
        if both.is_empty() {
            "true".to_owned()
        } else {
            both.join(" AND ")
        }
    }
}

/// Cuts as the text index does: at every ASCII character that is neither letter nor digit.
fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect()
}

/// A number of the whole trace: which rows carry it, how rows of one observation are told apart from each
/// other, and how they add up.
struct Aggregate {
    rows: &'static str,
    of_observation: Option<&'static str>,
    of_trace: &'static str,
}

const fn aggregate(field: NumberField) -> Aggregate {
    match field {
        NumberField::Cost => Aggregate {
            rows: "counts_usage",
            of_observation: Some("argMax(total_cost, version)"),
            of_trace: "toDecimal128(sum(value), 12)",
        },
        NumberField::Tokens => Aggregate {
            rows: "counts_usage",
            of_observation: Some("argMax(input_tokens + output_tokens, version)"),
            of_trace: "toDecimal128(sum(value), 12)",
        },
        NumberField::Errors => Aggregate {
            rows: FAILED,
            of_observation: None,
            of_trace: "toDecimal128(uniqExact(span_id), 12)",
        },
        NumberField::Duration => Aggregate {
            rows: "type != 'trace'",
            of_observation: None,
            of_trace: "toDecimal128(toUnixTimestamp64Nano(max(end_time)) - toUnixTimestamp64Nano(min(start_time)), 12) / 1000000",
        },
    }
}

fn compares(
    field: NumberField,
    comparison: &Comparison,
    margin: &Margin,
    parameters: &mut Parameters,
) -> String {
    let Aggregate {
        rows,
        of_observation,
        of_trace,
    } = aggregate(field);
    let where_ = &margin.0;
    let holds = comparison_sql(of_trace, comparison, parameters);
    let holds_for_none = field != NumberField::Duration && comparison.holds(Decimal::ZERO);
    let (not, having) = if holds_for_none {
        ("NOT ", format!("NOT ({holds})"))
    } else {
        ("", holds)
    };
    let source = match of_observation {
        Some(value) => format!(
            "(SELECT trace_id, {value} AS value FROM observations_core WHERE {where_} AND {rows} GROUP BY trace_id, span_id)"
        ),
        None => format!("observations_core WHERE {where_} AND {rows}"),
    };
    format!("{not}trace_id IN (SELECT trace_id FROM {source} GROUP BY trace_id HAVING {having})")
}

fn comparison_sql(expression: &str, comparison: &Comparison, parameters: &mut Parameters) -> String {
    let mut bound =
        |operator: &str, value: &Decimal| format!("{expression} {operator} {}", parameters.decimal(*value));
    match comparison {
        Comparison::OneOf(values) => {
            any_of(&values.iter().map(|value| bound("=", value)).collect::<Vec<_>>())
        }
        Comparison::Greater(value) => bound(">", value),
        Comparison::AtLeast(value) => bound(">=", value),
        Comparison::Less(value) => bound("<", value),
        Comparison::AtMost(value) => bound("<=", value),
    }
}

fn any_of(each: &[String]) -> String {
    format!("({})", each.join(" OR "))
}
