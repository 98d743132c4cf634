//! Numbers in filters: durations with units, money, counts. All are decimals: a bound is what was written.

use rust_decimal::Decimal;

use super::ast::NumberField;

/// Reads `text` as a number of `field`'s kind, in the field's own unit.
pub(super) fn parse(field: NumberField, text: &str) -> Option<Decimal> {
    match field {
        NumberField::Duration => duration_ms(text),
        NumberField::Cost => plain(text).filter(|number| number.scale() <= 12),
        NumberField::Tokens | NumberField::Errors => count(text),
    }
}

/// Writes `number` so that [`parse`] reads it back.
pub(super) fn print(field: NumberField, number: Decimal) -> String {
    match field {
        NumberField::Duration => print_duration(number),
        NumberField::Cost | NumberField::Tokens | NumberField::Errors => number.normalize().to_string(),
    }
}

/// The greatest number taken; leaves room for the units and for ClickHouse's decimals.
const NUMBER_MAX: i64 = 1_000_000_000_000;

/// Digits and at most one point; signs and exponents are not numbers of ours.
fn plain(text: &str) -> Option<Decimal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: Decimal = if digits && !text.is_empty() {
        text.parse().ok()?
    } else {
        return None;
    };
    (number <= Decimal::from(NUMBER_MAX)).then(|| number.normalize())
}

fn count(text: &str) -> Option<Decimal> {
    let (digits, scale) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1_000),
        b'm' | b'M' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    let number = plain(digits)?.checked_mul(Decimal::from(scale))?.normalize();
    (number.scale() == 0 && number <= Decimal::from(NUMBER_MAX)).then_some(number)
}

/// Units in microseconds, longest names first, so that `ms` is not read as `m` or `s`.
const UNITS_US: [(&str, i64); 5] = [
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
];

fn duration_ms(text: &str) -> Option<Decimal> {
    let digits_end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let unit = if unit.is_empty() { "ms" } else { unit };
    let (_, unit_us) = UNITS_US
        .iter()
        .find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    let ms = plain(digits)?
        .checked_mul(Decimal::from(*unit_us))?
        .checked_div(Decimal::from(1_000))?
        .normalize();
    // Storage counts nanoseconds.
    (ms.scale() <= 6 && ms <= Decimal::from(NUMBER_MAX)).then_some(ms)
}

fn print_duration(ms: Decimal) -> String {
    let second = Decimal::from(1_000);
    if ms >= second && ms.scale() <= 3 {
        format!("{}s", (ms / second).normalize())
    } else {
        format!("{}ms", ms.normalize())
    }
}
