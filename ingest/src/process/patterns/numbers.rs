//! What is made of digits: cards, accounts, phones, social security numbers, addresses of IP.
//!
//! A run of digits is looked at once, with its separators and neighbours, by whatever could be made of it.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use brokle_model::telemetry_settings::BuiltInPattern;

use super::{Found, Text, is_word};

/// All that is looked for here.
pub(super) const PATTERNS: [BuiltInPattern; 5] = [
    BuiltInPattern::Phone,
    BuiltInPattern::CreditCard,
    BuiltInPattern::Iban,
    BuiltInPattern::Ssn,
    BuiltInPattern::IpAddress,
];

/// Bytes looked at together for a digit.
const BLOCK_BYTES: usize = 32;
/// Groups of digits in one number.
const GROUPS_MAX: usize = 12;
const IPV6_BYTES_MAX: usize = 45;

pub(super) fn find_all(
    text: Text<'_>,
    has: impl Fn(BuiltInPattern) -> bool,
    has_any: bool,
    found: &mut Vec<Found>,
) {
    if !has_any {
        return;
    }
    if has(BuiltInPattern::IpAddress) {
        ipv6_addresses(text, found);
    }
    let mut at = 0;
    while let Some(digit) = next_digit(text.bytes, at) {
        at = look_at(text, digit, &has, found);
    }
}

/// The first digit at or behind `from`. Blocks without any are passed over quickly.
fn next_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mut offset = 0;
    for block in rest.chunks(BLOCK_BYTES) {
        // Without an early exit, so that the compiler compares a block at once.
        let has_digit = block
            .iter()
            .fold(false, |seen, byte| seen | (byte.wrapping_sub(b'0') < 10));
        if has_digit {
            let within = block.iter().position(u8::is_ascii_digit)?;
            return Some(from + offset + within);
        }
        offset += block.len();
    }
    None
}

/// Looks at what stands at a digit; returns where to go on.
fn look_at(
    text: Text<'_>,
    digit: usize,
    has: &impl Fn(BuiltInPattern) -> bool,
    found: &mut Vec<Found>,
) -> usize {
    let word_end = digit + word_length(text, digit);
    if !text.begins_word(digit) {
        if has(BuiltInPattern::Iban)
            && let Some(range) = iban(text, digit)
        {
            let end = range.end;
            found.push(Found {
                pattern: BuiltInPattern::Iban,
                range,
            });
            return end;
        }
        return word_end;
    }
    let groups = Groups::read(text, digit);
    let Some(number) = groups.number(text, has) else {
        return groups.end().max(digit + 1);
    };
    let end = number.range.end;
    found.push(number);
    end
}

fn word_length(text: Text<'_>, from: usize) -> usize {
    let rest = text.bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| is_word(**byte)).count().max(1)
}

/// Groups of digits with separators between them.
struct Groups {
    ranges: [(usize, usize); GROUPS_MAX],
    count: usize,
}

impl Groups {
    fn read(text: Text<'_>, start: usize) -> Self {
        let mut groups = Self {
            ranges: [(0, 0); GROUPS_MAX],
            count: 0,
        };
        let mut at = start;
        while groups.count < GROUPS_MAX {
            let rest = text.bytes.get(at..).unwrap_or_default();
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            // A group that goes on as a word is none.
            if digits == 0 || !text.ends_word(at + digits) {
                break;
            }
            groups.ranges[groups.count] = (at, at + digits);
            groups.count += 1;
            at += digits;
            let separators = text
                .bytes
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take(3)
                .take_while(|byte| b" -.()/".contains(byte))
                .count();
            if separators == 0 || separators == 3 {
                break;
            }
            at += separators;
        }
        groups
    }

    fn ranges(&self) -> &[(usize, usize)] {
        &self.ranges[..self.count]
    }

    fn end(&self) -> usize {
        self.ranges().first().map_or(0, |(_, end)| *end)
    }

    /// The number that begins with the first group. Longer forms are tried first.
    fn number(&self, text: Text<'_>, has: &impl Fn(BuiltInPattern) -> bool) -> Option<Found> {
        type Form = fn(Text<'_>, &[(usize, usize)]) -> Option<Range<usize>>;
        let forms: [(BuiltInPattern, Form); 4] = [
            (BuiltInPattern::IpAddress, ipv4),
            (BuiltInPattern::CreditCard, card),
            (BuiltInPattern::Ssn, ssn),
            (BuiltInPattern::Phone, phone),
        ];
        forms
            .into_iter()
            .filter(|(pattern, _)| has(*pattern))
            .find_map(|(pattern, form)| {
                let range = (1..=self.count)
                    .rev()
                    .find_map(|count| form(text, &self.ranges()[..count]))?;
                Some(Found { pattern, range })
            })
    }
}

/// What separates the groups, when it is one character and always the same.
fn separator(text: Text<'_>, groups: &[(usize, usize)]) -> Option<u8> {
    let mut separators = groups.windows(2).map(|pair| match pair {
        [(_, end), (start, _)] if end + 1 == *start => Some(text.at(*end)),
        _ => None,
    });
    let first = separators.next()??;
    separators
        .all(|separator| separator == Some(first))
        .then_some(first)
}

fn digits<'a>(text: Text<'a>, groups: &'a [(usize, usize)]) -> impl Iterator<Item = u8> + 'a {
    groups
        .iter()
        .flat_map(move |(start, end)| text.bytes[*start..*end].iter().map(|byte| byte - b'0'))
}

fn span(groups: &[(usize, usize)]) -> Option<Range<usize>> {
    Some(groups.first()?.0..groups.last()?.1)
}

fn ipv4(text: Text<'_>, groups: &[(usize, usize)]) -> Option<Range<usize>> {
    let range = span(groups)?;
    if groups.len() != 4 || separator(text, groups) != Some(b'.') {
        return None;
    }
    let address = std::str::from_utf8(&text.bytes[range.clone()]).ok()?;
    address.parse::<Ipv4Addr>().ok().map(|_| range)
}

fn card(text: Text<'_>, groups: &[(usize, usize)]) -> Option<Range<usize>> {
    let is_grouped = groups.len() == 1 || matches!(separator(text, groups), Some(b' ' | b'-'));
    let count: usize = groups.iter().map(|(start, end)| end - start).sum();
    if !is_grouped || !(13..=19).contains(&count) {
        return None;
    }
    let mut number = [0; 19];
    for (place, digit) in number.iter_mut().zip(digits(text, groups)) {
        *place = digit;
    }
    let number = &number[..count];
    let prefix = number
        .iter()
        .take(6)
        .fold(0_u32, |prefix, digit| prefix * 10 + u32::from(*digit));
    (is_issued(prefix, count) && passes_luhn(number)).then(|| span(groups))?
}

/// Whether cards with these six first digits and this length exist.
fn is_issued(prefix: u32, count: usize) -> bool {
    match prefix {
        // Visa.
        400_000..=499_999 => matches!(count, 13 | 16 | 19),
        // Mastercard, Discover, RuPay.
        510_000..=559_999 | 222_100..=272_099 | 601_100..=601_199 | 644_000..=649_999 | 650_000..=659_999 => {
            matches!(count, 16 | 19)
        }
        // American Express.
        340_000..=349_999 | 370_000..=379_999 => count == 15,
        // Diners Club.
        300_000..=305_999 | 360_000..=369_999 | 380_000..=399_999 => (14..=19).contains(&count),
        // JCB, UnionPay, Maestro.
        352_800..=358_999 | 620_000..=629_999 | 500_000..=509_999 | 676_000..=676_999 => count >= 16,
        _ => false,
    }
}

fn passes_luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let doubled = u32::from(*digit) << (index % 2);
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn lengths(groups: &[(usize, usize)]) -> ([usize; 4], usize) {
    let mut lengths = [0; 4];
    for (place, (start, end)) in lengths.iter_mut().zip(groups) {
        *place = end - start;
    }
    (lengths, groups.len())
}

fn value(text: Text<'_>, group: (usize, usize)) -> u32 {
    digits(text, &[group]).fold(0, |value, digit| value * 10 + u32::from(digit))
}

fn ssn(text: Text<'_>, groups: &[(usize, usize)]) -> Option<Range<usize>> {
    if lengths(groups) != ([3, 2, 4, 0], 3) || !matches!(separator(text, groups), Some(b'-' | b' ')) {
        return None;
    }
    let [area, group, serial] = [groups[0], groups[1], groups[2]].map(|group| value(text, group));
    let is_given = !matches!(area, 0 | 666 | 900..) && group > 0 && serial > 0;
    is_given.then(|| span(groups))?
}

fn phone(text: Text<'_>, groups: &[(usize, usize)]) -> Option<Range<usize>> {
    let range = span(groups)?;
    let count: usize = groups.iter().map(|(start, end)| end - start).sum();
    let before = range.start.checked_sub(1).map_or(0, |before| text.at(before));
    if before == b'+' {
        return (8..=15).contains(&count).then_some(range.start - 1..range.end);
    }
    // North America: the last ten digits as three, three and four.
    let (lengths, parts) = lengths(groups);
    let skipped = match (lengths, parts) {
        ([3, 3, 4, 0], 3) => 0,
        ([1, 3, 3, 4], 4) if value(text, groups[0]) == 1 => 1,
        _ => return None,
    };
    let (area, exchange) = (value(text, groups[skipped]), value(text, groups[skipped + 1]));
    let start = if before == b'(' {
        range.start - 1
    } else {
        range.start
    };
    (area >= 200 && exchange >= 200).then_some(start..range.end)
}

/// The account number whose check digits begin at `digit`.
fn iban(text: Text<'_>, digit: usize) -> Option<Range<usize>> {
    let start = digit.checked_sub(2)?;
    let country = &text.bytes[start..digit];
    if !country.iter().all(u8::is_ascii_uppercase)
        || !text.begins_word(start)
        || !text.at(digit + 1).is_ascii_digit()
    {
        return None;
    }
    let length = iban_length(country)?;
    let (mut end, mut seen, mut remainder) = (start, 0, 0_u32);
    let mut head = [0_u8; 4];
    while seen < length {
        let byte = text.at(end);
        end += 1;
        if byte == b' ' && seen % 4 == 0 && seen > 0 {
            continue;
        }
        if !byte.is_ascii_digit() && !byte.is_ascii_uppercase() {
            return None;
        }
        match head.get_mut(seen) {
            // Country and check digits are counted last.
            Some(place) => *place = byte,
            None => remainder = append(remainder, byte),
        }
        seen += 1;
    }
    let remainder = head.into_iter().fold(remainder, append);
    (remainder == 1 && text.ends_word(end)).then_some(start..end)
}

/// The remainder, by 97, of the number that a character is written behind.
fn append(remainder: u32, byte: u8) -> u32 {
    if byte.is_ascii_digit() {
        (remainder * 10 + u32::from(byte - b'0')) % 97
    } else {
        (remainder * 100 + u32::from(byte - b'A') + 10) % 97
    }
}

fn iban_length(country: &[u8]) -> Option<usize> {
    const LENGTHS: &[(&[u8], usize)] = &[
        (b"NO", 15),
        (b"BE", 16),
        (b"DKFOFIGLNL", 18),
        (b"MKSI", 19),
        (b"ATBAEEKZLTLUXK", 20),
        (b"CHHRLILV", 21),
        (b"BGBHCRDEGBGEIEMERSVA", 22),
        (b"AEGIILIQTL", 23),
        (b"ADCZESMDPKROSASESKTNVG", 24),
        (b"LYPTST", 25),
        (b"ISTR", 26),
        (b"BIDJFRGRITMCMRSM", 27),
        (b"ALAZBYCYDOGTHULBPLSV", 28),
        (b"BRPSQAUA", 29),
        (b"JOKWMU", 30),
        (b"MTSC", 31),
        (b"LC", 32),
        (b"RU", 33),
    ];
    LENGTHS
        .iter()
        .find(|(countries, _)| countries.chunks(2).any(|known| known == country))
        .map(|(_, length)| *length)
}

fn ipv6_addresses(text: Text<'_>, found: &mut Vec<Found>) {
    let bytes = text.bytes;
    let mut from = 0;
    for colon in memchr::memchr_iter(b':', bytes) {
        let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        let is_near = colon
            .checked_sub(1)
            .is_some_and(|before| bytes[before].is_ascii_hexdigit())
            || text.at(colon + 1) == b':';
        if colon < from || !is_near {
            continue;
        }
        let before = bytes[from..colon]
            .iter()
            .rev()
            .take(4)
            .take_while(|byte| byte.is_ascii_hexdigit());
        let start = colon - before.count();
        let after = bytes[colon..]
            .iter()
            .take(IPV6_BYTES_MAX)
            .take_while(|byte| is_part(**byte) || **byte == b'.');
        let mut end = colon + after.count();
        from = end;
        while end > colon + 1 && matches!(bytes[end - 1], b'.' | b':') && !bytes[..end].ends_with(b"::") {
            end -= 1;
        }
        let address = &bytes[start..end];
        let is_whole =
            text.begins_word(start) && text.ends_word(end) && address.iter().any(u8::is_ascii_digit);
        let parsed = std::str::from_utf8(address)
            .ok()
            .and_then(|text| text.parse::<Ipv6Addr>().ok());
        if is_whole && parsed.is_some() {
            found.push(Found {
                pattern: BuiltInPattern::IpAddress,
                range: start..end,
            });
        }
    }
}
