//! What each pattern finds, and what it must leave alone.

use super::*;

/// What is found in `text`, as `pattern:text`.
fn found_in(text: &str) -> Vec<String> {
    let patterns = Patterns::new(&BuiltInPattern::ALL);
    let mut found = Vec::new();
    patterns.find_all(Text::plain(text), &mut found);
    found
        .into_iter()
        .map(|found| format!("{}:{}", found.pattern.as_str(), &text[found.range]))
        .collect()
}

#[test]
fn each_pattern_finds_what_it_is_for() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----";
    for (text, expected) in [
        (
            "write to ada.lovelace+notes@mail.example.co.uk.",
            "email:ada.lovelace+notes@mail.example.co.uk",
        ),
        ("(ada@example.com)", "email:ada@example.com"),
        ("call +49 30 1234567 now", "phone:+49 30 1234567"),
        ("call (212) 555-0187", "phone:(212) 555-0187"),
        ("212-555-0187", "phone:212-555-0187"),
        ("1-212-555-0187", "phone:1-212-555-0187"),
        ("card 4111 1111 1111 1111 ok", "credit_card:4111 1111 1111 1111"),
        ("card 4111-1111-1111-1111", "credit_card:4111-1111-1111-1111"),
        ("5555555555554444", "credit_card:5555555555554444"),
        ("378282246310005.", "credit_card:378282246310005"),
        (
            "to DE89 3704 0044 0532 0130 00!",
            "iban:DE89 3704 0044 0532 0130 00",
        ),
        ("GB82WEST12345698765432", "iban:GB82WEST12345698765432"),
        ("ssn 536-90-4399", "ssn:536-90-4399"),
        ("from 192.168.0.17:80", "ip_address:192.168.0.17"),
        (
            "at 2001:db8::8a2e:370:7334.",
            "ip_address:2001:db8::8a2e:370:7334",
        ),
        (
            "key sk-proj-abcDEF0123456789abcdef,",
            "api_key:sk-proj-abcDEF0123456789abcdef",
        ),
        (
            "ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "api_key:ghp_0123456789abcdefghijABCDEFGHIJ012345",
        ),
        (
            "Authorization: Bearer abcdef0123456789abcdef",
            "api_key:abcdef0123456789abcdef",
        ),
        (jwt, &format!("jwt:{jwt}")),
        (key, &format!("private_key:{key}")),
        ("id AKIAIOSFODNN7EXAMPLE", "aws_key:AKIAIOSFODNN7EXAMPLE"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_key:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
    ] {
        assert_eq!(found_in(text), [expected], "{text}");
    }
}

#[test]
fn what_only_looks_alike_is_left_alone() {
    for text in [
        "",
        "@",
        "a@b",
        "a@b.c1",
        "@example.com",
        "2026-11-30 13:45:17",
        "2026-11-30T13:45:17.123456Z",
        "took 12:34:56",
        "1763812800123456789",
        "550e8400-e29b-41d4-a716-446655440000",
        "4111 1111 1111 1112",
        "9999999999999999",
        "DE89 3704 0044 0532 0130 01",
        "000-12-3456 and 666-12-3456 and 123-00-4567",
        "version 1.2.3 and 256.1.1.1",
        "std::vec and a::b and ::",
        "aa:bb:cc:dd:ee:ff",
        "risk-averse-and-otherwise-uninteresting",
        "sk-short1",
        "eyJ.a.b",
        "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
        "AKIAshort",
        "XAKIAIOSFODNN7EXAMPLE",
        "The Bearer of bad news is not to blame",
        "span 0af7651916cd43dd8448eb211c80319c",
        "1,234,567.89 tokens in 3 of 17 runs",
    ] {
        assert_eq!(found_in(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn several_are_found_in_order_and_none_overlap() {
    let text = "ada@example.com, 10.0.0.1, 4111111111111111, AKIAIOSFODNN7EXAMPLE and bob@example.com";
    let kinds: Vec<String> = found_in(text)
        .into_iter()
        .map(|found| found.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["email", "ip_address", "credit_card", "aws_key", "email"]);
}

#[test]
fn escapes_of_json_do_not_hide_the_start_of_a_word() {
    let patterns = Patterns::new(&BuiltInPattern::ALL);
    for text in [
        r"the key\nAKIAIOSFODNN7EXAMPLE",
        r"number\t4111111111111111",
        r"number\r\n536-90-4399",
        r#"\"ada@example.com\""#,
        r"account\nDE89370400440532013000",
    ] {
        let mut found = Vec::new();
        patterns.find_all(Text::json(text), &mut found);
        assert_eq!(found.len(), 1, "{text}");
    }
}

#[test]
fn patterns_that_are_not_asked_for_are_not_looked_for() {
    let patterns = Patterns::new(&[BuiltInPattern::Email]);
    let mut found = Vec::new();
    patterns.find_all(Text::plain("10.0.0.1 AKIAIOSFODNN7EXAMPLE a@b.org"), &mut found);
    let kinds: Vec<_> = found.iter().map(|found| found.pattern).collect();
    assert_eq!(kinds, [BuiltInPattern::Email]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_searched_without_a_fault(text in "[ -~é@:.+\\-0-9A-Z]{0,200}") {
        let patterns = Patterns::new(&BuiltInPattern::ALL);
        let mut found = Vec::new();
        for subject in [Text::plain(&text), Text::json(&text)] {
            patterns.find_all(subject, &mut found);
            for each in &found {
                proptest::prop_assert!(text.get(each.range.clone()).is_some_and(|part| !part.is_empty()));
            }
        }
    }
}
