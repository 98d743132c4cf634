//! E-mail addresses around their `@`, and IPv6 addresses around their colons.

use std::net::Ipv6Addr;

use super::{Finding, Kind, is_word, trailing_run, word_at, word_before};

const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
const IPV6_BYTES_MAX: usize = 45;
/// Groups that an IPv6 address must spell out: fewer are more often a path in a program.
const IPV6_GROUPS_MIN: usize = 3;

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

const fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

const fn is_ipv6(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

pub(super) fn find_emails(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('@') {
        let mut start = trailing_run(&bytes[..at], LOCAL_BYTES_MAX, is_local);
        while start < at && !bytes[start].is_ascii_alphanumeric() && bytes[start] != b'_' {
            start += 1;
        }
        let after = &bytes[at + 1..];
        let run = after
            .iter()
            .take(DOMAIN_BYTES_MAX)
            .take_while(|&&byte| is_domain(byte))
            .count();
        let domain = text[at + 1..at + 1 + run].trim_end_matches(['.', '-']);
        if start < at && is_host(domain) {
            findings.push(Finding::of(Kind::Email, start, at + 1 + domain.len()));
        }
    }
}

/// Whether a name has labels, and ends in one of letters.
fn is_host(domain: &str) -> bool {
    let Some((host, top)) = domain.rsplit_once('.') else {
        return false;
    };
    let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) && host.split('.').all(is_label)
}

pub(super) fn email_open_from(text: &str) -> usize {
    let bytes_max = LOCAL_BYTES_MAX + 1 + DOMAIN_BYTES_MAX;
    trailing_run(text.as_bytes(), bytes_max, |byte| is_local(byte) || byte == b'@')
}

pub(super) fn find_ipv6(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut looked = 0;
    for (at, _) in text.match_indices(':') {
        if at < looked {
            continue;
        }
        let start = trailing_run(&bytes[..at], IPV6_BYTES_MAX, is_ipv6);
        let run = bytes[start..]
            .iter()
            .take(IPV6_BYTES_MAX + 1)
            .take_while(|&&byte| is_ipv6(byte))
            .count();
        looked = start + run;
        // A sentence may go on after it.
        let token = text[start..start + run].trim_end_matches(['.', ':']);
        let end = start + token.len();
        let alone = !word_before(bytes, start) && !word_at(bytes, start + run);
        if alone && is_public_ipv6(token) {
            findings.push(Finding::of(Kind::IpAddress, start, end));
        }
    }
}

fn is_public_ipv6(token: &str) -> bool {
    let groups = token.split(':').filter(|group| !group.is_empty()).count();
    groups >= IPV6_GROUPS_MIN
        && token
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

pub(super) fn ipv6_open_from(text: &str) -> usize {
    // A word's first letters may be hexadecimal too: its other letters are part of the run.
    trailing_run(text.as_bytes(), IPV6_BYTES_MAX + 1, |byte| {
        is_ipv6(byte) || is_word(byte)
    })
}
