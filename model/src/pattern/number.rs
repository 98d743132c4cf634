//! What is made of digits: cards, telephone numbers, social security numbers, IPv4 addresses, bank accounts.
//!
//! One pass finds the groups of digits and what separates them; each rule then looks at a few neighbouring groups.

use super::{Finding, Kind, Kinds, check, is_word, trailing_run, word_at};

/// What is found here.
pub(super) const KINDS: [Kind; 5] = [
    Kind::Phone,
    Kind::CreditCard,
    Kind::Iban,
    Kind::Ssn,
    Kind::IpAddress,
];

/// The longest of them, with their separators.
const SPAN_BYTES_MAX: usize = 48;
const IBAN_BYTES_MAX: usize = 44;
const GROUPS_MAX: usize = 8;

/// A run of digits.
#[derive(Debug, Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
    /// A word's character touches it, before or after.
    in_word: bool,
}

impl Group {
    const fn len(&self) -> usize {
        self.end - self.start
    }
}

pub(super) fn find(text: &str, kinds: Kinds, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut run: Vec<Group> = Vec::new();
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + offset;
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let end = start + length;
        if kinds.has(Kind::Iban) {
            findings.extend(iban(bytes, start));
        }
        let joined = run
            .last()
            .is_some_and(|last: &Group| is_separator(&bytes[last.end..start]));
        if !joined {
            look(bytes, &run, kinds, findings);
            run.clear();
        }
        let in_word = (start > 0 && is_word(bytes[start - 1])) || word_at(bytes, end);
        run.push(Group { start, end, in_word });
        at = end;
    }
    look(bytes, &run, kinds, findings);
}

/// Whether two groups may belong together.
fn is_separator(between: &[u8]) -> bool {
    (1..=2).contains(&between.len())
        && between
            .iter()
            .all(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'))
}

/// Tries every rule at every group of a run.
fn look(bytes: &[u8], run: &[Group], kinds: Kinds, findings: &mut Vec<Finding>) {
    let mut first = 0;
    while first < run.len() {
        let rest = &run[first..run.len().min(first + GROUPS_MAX)];
        let rules = [
            (Kind::CreditCard, card as fn(&[u8], &[Group]) -> Option<Match>),
            (Kind::Ssn, social_security),
            (Kind::IpAddress, ipv4),
            (Kind::Phone, phone),
        ];
        let found = rules
            .iter()
            .filter(|(kind, _)| kinds.has(*kind))
            .find_map(|(kind, rule)| rule(bytes, rest).map(|found| (*kind, found)));
        match found {
            Some((kind, Match { start, groups })) => {
                findings.push(Finding::of(kind, start, rest[groups - 1].end));
                first += groups;
            }
            None => first += 1,
        }
    }
}

/// Where a match begins, and how many groups it takes.
struct Match {
    start: usize,
    groups: usize,
}

fn is_clear(groups: &[Group]) -> bool {
    groups.iter().all(|group| !group.in_word)
}

fn between<'a>(bytes: &'a [u8], groups: &[Group], index: usize) -> &'a [u8] {
    &bytes[groups[index].end..groups[index + 1].start]
}

fn digits(bytes: &[u8], groups: &[Group]) -> Vec<u8> {
    groups
        .iter()
        .flat_map(|group| &bytes[group.start..group.end])
        .map(|byte| byte - b'0')
        .collect()
}

fn card(bytes: &[u8], run: &[Group]) -> Option<Match> {
    const LAYOUTS: [&[usize]; 5] = [
        &[4, 4, 4, 4],
        &[4, 6, 5],
        &[4, 6, 4],
        &[4, 4, 4, 4, 3],
        &[4, 4, 4, 1],
    ];
    let whole = (13..=19).contains(&run[0].len()).then_some(1);
    // The longest first: nineteen digits are not sixteen and three.
    let layout = LAYOUTS
        .iter()
        .filter(|layout| {
            layout.len() <= run.len()
                && layout
                    .iter()
                    .zip(run)
                    .all(|(&length, group)| group.len() == length)
                && (0..layout.len() - 1).all(|index| matches!(between(bytes, run, index), b" " | b"-"))
        })
        .map(|layout| layout.len())
        .filter(|&groups| is_card(bytes, &run[..groups]))
        .max();
    let groups = layout.or_else(|| whole.filter(|_| is_card(bytes, &run[..1])))?;
    Some(Match {
        start: run[0].start,
        groups,
    })
}

fn is_card(bytes: &[u8], groups: &[Group]) -> bool {
    let digits = digits(bytes, groups);
    is_clear(groups) && check::is_card_issuer(&digits) && check::luhn(&digits)
}

fn social_security(bytes: &[u8], run: &[Group]) -> Option<Match> {
    let [area, group, serial, ..] = run else {
        return None;
    };
    let form = area.len() == 3 && group.len() == 2 && serial.len() == 4;
    if !form || !is_clear(&run[..3]) || between(bytes, run, 0) != b"-" || between(bytes, run, 1) != b"-" {
        return None;
    }
    let text = |group: &Group| &bytes[group.start..group.end];
    let issued = !matches!(text(area), b"000" | b"666") && text(area)[0] != b'9';
    let used = text(group) != b"00" && text(serial) != b"0000";
    let alone = area.start == 0 || bytes[area.start - 1] != b'-';
    (issued && used && alone).then_some(Match {
        start: area.start,
        groups: 3,
    })
}

fn ipv4(bytes: &[u8], run: &[Group]) -> Option<Match> {
    let four = run.get(..4)?;
    let dotted = (0..3).all(|index| between(bytes, run, index) == b".");
    let goes_on = run.len() > 4 && between(bytes, run, 3) == b".";
    let begins = four[0].start == 0 || bytes[four[0].start - 1] != b'.';
    if !dotted || goes_on || !begins || !is_clear(four) {
        return None;
    }
    let text = std::str::from_utf8(&bytes[four[0].start..four[3].end]).ok()?;
    let address: std::net::Ipv4Addr = text.parse().ok()?;
    let own = address.is_loopback() || address.is_broadcast() || address.octets()[0] == 0;
    (!own).then_some(Match {
        start: four[0].start,
        groups: 4,
    })
}

fn phone(bytes: &[u8], run: &[Group]) -> Option<Match> {
    let first = run[0];
    let before = first.start.checked_sub(1).map(|at| bytes[at]);
    match before {
        Some(b'+') => international(bytes, run),
        Some(b'#' | b'$' | b'.' | b'-' | b'/' | b',' | b':') => None,
        _ => north_american(bytes, run).or_else(|| national(bytes, run)),
    }
}

/// `+` and eight to fifteen digits.
fn international(bytes: &[u8], run: &[Group]) -> Option<Match> {
    let plus = run[0].start - 1;
    if bytes[run[0].start] == b'0' || (plus > 0 && is_word(bytes[plus - 1])) {
        return None;
    }
    let mut total = 0;
    let mut groups = 0;
    for group in run {
        if total + group.len() > 15 || group.in_word {
            break;
        }
        total += group.len();
        groups += 1;
    }
    (total >= 8).then_some(Match { start: plus, groups })
}

/// `415-555-0132`, `(415) 555-0132`, and either with `1` before it. Spaces alone are not enough: three numbers in a
/// row are not a telephone's.
fn north_american(bytes: &[u8], run: &[Group]) -> Option<Match> {
    let skip = usize::from(run[0].len() == 1 && bytes[run[0].start] == b'1');
    let three = run.get(skip..skip + 3)?;
    let [area, exchange, line] = three else {
        return None;
    };
    let from_two = |group: &Group| group.len() == 3 && bytes[group.start] >= b'2';
    if !from_two(area) || !from_two(exchange) || line.len() != 4 || !is_clear(&run[..skip + 3]) {
        return None;
    }
    let (one, two) = (between(bytes, three, 0), between(bytes, three, 1));
    let bracketed = matches!(one, b") " | b")" | b")-") && area.start > 0 && bytes[area.start - 1] == b'(';
    let plain = matches!(one, b"-" | b".") && two == one;
    if !(plain || bracketed && matches!(two, b"-" | b"." | b" ")) {
        return None;
    }
    let opened = usize::from(bracketed && skip == 0);
    Some(Match {
        start: run[0].start - opened,
        groups: skip + 3,
    })
}

/// A leading zero, and nine to eleven digits in two to five groups; more after `00`. Not a date.
fn national(bytes: &[u8], run: &[Group]) -> Option<Match> {
    let first = run[0];
    if bytes[first.start] != b'0' || !(2..=5).contains(&first.len()) || first.in_word {
        return None;
    }
    // A group of a longer number, or zeros only.
    let goes_before = first.start >= 2
        && is_separator(&bytes[first.start - 1..first.start])
        && bytes[first.start - 2].is_ascii_digit();
    if goes_before || bytes[first.start..].starts_with(b"000") {
        return None;
    }
    let abroad = bytes[first.start..].starts_with(b"00");
    let total_max = if abroad { 15 } else { 11 };
    let mut total = first.len();
    let mut groups = 1;
    while let Some(next) = run.get(groups).filter(|_| groups < 5) {
        let separated = matches!(between(bytes, run, groups - 1), b" " | b"-" | b"/");
        if !separated || next.in_word || total + next.len() > total_max {
            break;
        }
        total += next.len();
        groups += 1;
    }
    let is_date = first.len() == 2 && run.len() > 2 && run[1].len() == 2 && matches!(run[2].len(), 2 | 4);
    let joined_on = run
        .get(groups)
        .is_some_and(|_| between(bytes, run, groups - 1) == b".");
    (total >= 9 && groups >= 2 && !is_date && !joined_on).then_some(Match {
        start: first.start,
        groups,
    })
}

/// A bank account whose two check digits are at `at`.
fn iban(bytes: &[u8], at: usize) -> Option<Finding> {
    let start = at.checked_sub(2)?;
    let country = [bytes[start], bytes[start + 1]];
    let alone = start == 0 || !is_word(bytes[start - 1]);
    if !alone || !country.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let length = check::iban_length(country)?;
    let mut compact = Vec::with_capacity(length);
    let mut end = start;
    while compact.len() < length {
        let byte = *bytes.get(end)?;
        end += 1;
        match byte {
            b' ' if bytes[end - 2] != b' ' => {}
            b'0'..=b'9' | b'A'..=b'Z' => compact.push(byte),
            _ => return None,
        }
    }
    (!word_at(bytes, end) && check::iban(&compact)).then(|| Finding::of(Kind::Iban, start, end))
}

pub(super) fn open_from(text: &str, kinds: Kinds) -> usize {
    let bytes = text.as_bytes();
    let run = trailing_run(bytes, SPAN_BYTES_MAX, |byte| {
        byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/' | b'+')
    });
    let numbers = bytes[run..]
        .iter()
        .position(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'('))
        .map_or(bytes.len(), |offset| run + offset);
    // A letter that may follow makes a number part of a word.
    let mut open = numbers;
    if kinds.has(Kind::Iban) {
        let least = bytes.len().saturating_sub(IBAN_BYTES_MAX);
        let begun = (least..bytes.len()).find(|&start| may_begin_iban(bytes, start));
        open = open.min(begun.unwrap_or(open));
    }
    open
}

fn may_begin_iban(bytes: &[u8], start: usize) -> bool {
    (start == 0 || !is_word(bytes[start - 1]))
        && bytes[start..]
            .iter()
            .enumerate()
            .all(|(place, byte)| match place {
                0 | 1 => byte.is_ascii_uppercase(),
                2 | 3 => byte.is_ascii_digit(),
                _ => byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ',
            })
}
