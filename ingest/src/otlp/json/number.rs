//! Numbers as protobuf's JSON mapping has them: 64-bit integers as text or number, exponents included,
//! without a detour through floating point.

/// The length of the JSON number at the start of `text`, if there is one.
pub(super) fn literal_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        text[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut end = usize::from(text.first() == Some(&b'-'));
    let whole = digits(end);
    if whole == 0 || (whole > 1 && text[end] == b'0') {
        return None;
    }
    end += whole;
    if text.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        end += 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end);
        if exponent == 0 {
            return None;
        }
        end += exponent;
    }
    Some(end)
}

/// The integer that a whole text of JSON's number form stands for; none if it has a fractional part or
/// needs more than 128 bits.
pub(super) fn integer(text: &str) -> Option<i128> {
    if let Ok(value) = text.parse::<i64>() {
        // Rust takes a leading plus and JSON does not.
        return (!text.starts_with('+')).then_some(i128::from(value));
    }
    if literal_length(text.as_bytes())? != text.len() {
        return None;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut digits: i128 = whole.parse().ok()?;
    let negative = whole.starts_with('-');
    for digit in fraction.bytes().map(|byte| i128::from(byte - b'0')) {
        digits = digits
            .checked_mul(10)?
            .checked_add(if negative { -digit } else { digit })?;
    }
    if digits == 0 {
        return Some(0);
    }
    scaled(
        digits,
        exponent
            .parse::<i32>()
            .ok()?
            .checked_sub(i32::try_from(fraction.len()).ok()?)?,
    )
}

fn scaled(digits: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        digits.checked_mul(power)
    } else {
        (digits % power == 0).then_some(digits / power)
    }
}

/// The double that a text stands for: a JSON number, or one of the three words for what JSON cannot say.
pub(super) fn double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if literal_length(text.as_bytes()) == Some(text.len()) => {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_in_every_notation() {
        let cases = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("9223372036854775807", Some(i128::from(i64::MAX))),
            ("-9223372036854775808", Some(i128::from(i64::MIN))),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("1.5e18", Some(1_500_000_000_000_000_000)),
            ("1544712660300000000E0", Some(1_544_712_660_300_000_000)),
            ("-1.20e+2", Some(-120)),
            ("100e-2", Some(1)),
            ("-0.5e1", Some(-5)),
            ("1.0", Some(1)),
            ("0e999999", Some(0)),
            ("1.5", None),
            ("15e-1", None),
            ("1e999999", None),
            ("1e99999999999", None),
            ("+1", None),
            ("1.", None),
            ("", None),
            ("NaN", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn doubles_know_three_words() {
        assert_eq!(double("1.5"), Some(1.5));
        assert_eq!(double("-2e-3"), Some(-0.002));
        assert!(double("NaN").is_some_and(f64::is_nan));
        assert_eq!(double("-Infinity"), Some(f64::NEG_INFINITY));
        for text in ["inf", "nan", "1e999", ".5", "0x1", ""] {
            assert_eq!(double(text), None, "{text}");
        }
    }
}
