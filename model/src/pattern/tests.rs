use proptest::prelude::*;

use super::window::Window;
use super::*;

const ALL: window::Counts<'static> = &|_, _| true;

fn scanner() -> Scanner {
    Scanner::new(Kind::ALL, Vec::new())
}

/// What is found, as words.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let scanner = scanner();
    scanner
        .find(text)
        .iter()
        .map(|finding| {
            let Pattern::Kind(kind) = finding.pattern else {
                panic!("no custom expression was given");
            };
            (kind.as_str(), text[finding.start..finding.end].to_owned())
        })
        .collect()
}

#[track_caller]
fn finds(kind: Kind, text: &str, what: &[&str]) {
    let expected: Vec<_> = what.iter().map(|&one| (kind.as_str(), one.to_owned())).collect();
    assert_eq!(found(text), expected, "in {text:?}");
}

#[track_caller]
fn finds_nothing(text: &str) {
    assert_eq!(found(text), [], "in {text:?}");
}

#[test]
fn addresses_of_mail_are_found_within_punctuation() {
    finds(
        Kind::Email,
        "write to <jane.doe+x@mail.example.co.uk>.",
        &["jane.doe+x@mail.example.co.uk"],
    );
    finds(
        Kind::Email,
        "a_b@example.com, c@d.io!",
        &["a_b@example.com", "c@d.io"],
    );
    finds(Kind::Email, "größe: bob@example.org…", &["bob@example.org"]);
    finds_nothing("@mention, user@localhost, a@b, x@1.2, pkg@1.2.3, a@.com, a@b..com");
}

#[test]
fn telephones_are_found_when_written_as_such() {
    for number in [
        "+1 415 555 0132",
        "+49 (30) 1234-5678",
        "+442079460958",
        "(415) 555-0132",
        "415-555-0132",
        "415.555.0132",
        "1-415-555-0132",
        "020 7946 0958",
        "0171 1234567",
    ] {
        finds(Kind::Phone, &format!("call {number}, please"), &[number]);
    }
    finds_nothing(
        "order 4155550132, 2024-01-15, 01-02-2024 10:30, 3.14159, 200 300 4000, $415-555-0132, #020 7946 0958",
    );
}

#[test]
fn cards_are_found_by_issuer_grouping_and_check_digit() {
    for number in [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "3782 822463 10005",
        "5555555555554444",
        "6011111111111117",
    ] {
        finds(Kind::CreditCard, &format!("card {number}."), &[number]);
    }
    finds_nothing("4111111111111112 and 1234567812345670 and id4111111111111111 and 41111111111111110000");
}

#[test]
fn bank_accounts_are_found_by_country_and_check_digits() {
    finds(
        Kind::Iban,
        "IBAN DE89 3704 0044 0532 0130 00 thanks",
        &["DE89 3704 0044 0532 0130 00"],
    );
    finds(Kind::Iban, "GB29NWBK60161331926819", &["GB29NWBK60161331926819"]);
    finds_nothing("DE88 3704 0044 0532 0130 00, XX89370400440532013000, DE89370400440532013000X");
}

#[test]
fn social_security_numbers_are_found_when_they_can_be_issued() {
    finds(Kind::Ssn, "ssn 123-45-6789", &["123-45-6789"]);
    finds_nothing("000-12-3456 666-12-3456 912-12-3456 123-00-4567 123-45-0000 2123-45-6789");
}

#[test]
fn addresses_of_machines_are_found_unless_they_are_this_one() {
    finds(
        Kind::IpAddress,
        "from 203.0.113.7:443 to 8.8.8.8.",
        &["203.0.113.7", "8.8.8.8"],
    );
    finds(Kind::IpAddress, "at [2001:db8::1:2]", &["2001:db8::1:2"]);
    finds_nothing("127.0.0.1 0.0.0.0 ::1 1.2.3 1.2.3.4.5 256.1.1.1 std::fmt a::b 10:30:45");
}

#[test]
fn credentials_are_found_by_prefix_and_form() {
    for key in [
        "sk-proj-4fKx92hLmQpZ7vTn8RwYb3Cd",
        "sk-ant-api03-abcdEFGH1234ijklMNOP5678",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "xoxb-123456789012-abcdefghijkl",
        "bk_proj_01ABCDEFGHJKMNPQRSTVWXYZ00_0123456789abcdef0123456789abcdef",
        "SG.abcdefghijklmnop1234.ABCDEFGHIJKLMNOP1234",
    ] {
        finds(Kind::ApiKey, &format!("key=\"{key}\"."), &[key]);
    }
    finds_nothing(
        "sk-learn-and-scikit-learn-pipelines, task-0123456789abcdef0123, AKIA and ghp_short, mysk-4fKx92hLmQpZ7vTn8RwYb3Cd",
    );
}

#[test]
fn tokens_and_private_keys_are_found_whole() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    finds(Kind::Jwt, &format!("Bearer {token}\n"), &[token]);
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nabc\n-----END RSA PRIVATE KEY-----";
    finds(Kind::PrivateKey, &format!("a\n{pem}\nb"), &[pem]);
    finds(Kind::PrivateKey, &format!("{}\n", &pem[..45]), &[&pem[..45]]);
    finds_nothing("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE----- eyJhbGciOi.x.y");
}

#[test]
fn a_redacted_text_names_what_was_there() {
    let text = "Jane <jane@example.com>, 4111 1111 1111 1111";
    assert_eq!(scanner().redact(text).unwrap(), "Jane <[EMAIL]>, [CREDIT_CARD]");
    assert_eq!(scanner().redact("nothing here"), None);
}

#[test]
fn only_the_kinds_asked_for_are_found() {
    let only = Scanner::new([Kind::Ssn], Vec::new());
    assert_eq!(only.redact("a@b.io 123-45-6789").unwrap(), "a@b.io [SSN]");
    assert!(Scanner::default().is_empty());
}

#[test]
fn words_are_whole_and_of_any_case() {
    let words = Custom::words("topics", &["Falcon", "project  blue", "größe"]).unwrap();
    let scanner = Scanner::new([], vec![words]);
    let text = "FALCON falcons Project\nBlue GRÖSSE Größe";
    assert_eq!(
        scanner.redact(text).unwrap(),
        "[TOPICS] falcons [TOPICS] GRÖSSE [TOPICS]"
    );
    assert_eq!(scanner.name(Pattern::Custom(0)), "topics");
}

#[test]
fn expressions_that_cannot_serve_are_refused_with_the_reason() {
    assert!(matches!(
        Custom::regex("a", "("),
        Err(PatternError::Expression { .. })
    ));
    assert!(matches!(Custom::regex("a", "x*"), Err(PatternError::Empty(_))));
    assert!(matches!(Custom::regex("A b", "x"), Err(PatternError::Name(_))));
    let huge = Custom::regex("a", r"\w{1000}{1000}");
    assert!(matches!(huge, Err(PatternError::Expression { .. })), "{huge:?}");
    assert!(matches!(
        Custom::words("a", &[" "]),
        Err(PatternError::NoWords(_))
    ));
}

/// Feeds a text piece by piece, and puts the findings where they were said to be.
fn redact_in_pieces(scanner: &Scanner, pieces: &[&str]) -> (String, usize) {
    let mut window = Window::default();
    let whole = pieces.concat();
    let mut findings = Vec::new();
    let mut held_max = 0;
    for piece in pieces {
        findings.extend(window.push(scanner, piece, ALL));
        held_max = held_max.max(window.len() - window.settled());
    }
    findings.extend(window.finish(scanner, ALL));
    (scanner.replace(&whole, &findings), held_max)
}

#[test]
fn prose_is_settled_word_by_word() {
    let customs = vec![
        Custom::words("topics", &["falcon", "project blue"]).unwrap(),
        Custom::regex("ticket", r"TICKET-\d+").unwrap(),
    ];
    let scanner = Scanner::new(Kind::ALL, customs);
    let text = "The quick brown fox jumps over the lazy dog, and then it rests beneath a tree. ";
    let pieces: Vec<&str> = text.split_inclusive(' ').collect();
    let (out, _) = redact_in_pieces(&scanner, &pieces);
    assert_eq!(out, text);
    let mut window = Window::default();
    for piece in pieces {
        window.push(&scanner, piece, ALL);
        assert_eq!(window.len() - window.settled(), 0, "after {piece:?}");
    }
}

#[test]
fn a_text_in_pieces_is_redacted_like_a_whole_one() {
    let scanner = Scanner::new(Kind::ALL, vec![Custom::regex("ticket", r"TICKET-\d+").unwrap()]);
    let text = "Hi jane@example.com, pay DE89 3704 0044 0532 0130 00 or 4111 1111 1111 1111; TICKET-99, \
                +1 (415) 555-0132, sk-proj-4fKx92hLmQpZ7vTn8RwYb3Cd at 203.0.113.7. \
                -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- é done";
    let expected = scanner.redact(text).unwrap();
    for size in 1..12 {
        let chars: Vec<String> = text
            .chars()
            .collect::<Vec<_>>()
            .chunks(size)
            .map(|chunk| chunk.iter().collect())
            .collect();
        let pieces: Vec<&str> = chars.iter().map(String::as_str).collect();
        assert_eq!(
            redact_in_pieces(&scanner, &pieces).0,
            expected,
            "in pieces of {size}"
        );
    }
}

#[test]
fn what_is_held_is_bounded_whatever_comes() {
    let scanner = scanner();
    for unit in [
        "a",
        "1",
        "1 ",
        "A1",
        "eyJ",
        "sk-",
        "a@",
        "(",
        "-----BEGIN ",
        "1.",
        "::",
        "ab:",
        "日",
    ] {
        let text = unit.repeat(40_000 / unit.len());
        let mut window = Window::default();
        let mut held = 0;
        for piece in text.as_bytes().chunks(97 - 97 % unit.len()) {
            window.push(&scanner, std::str::from_utf8(piece).unwrap(), ALL);
            held = held.max(window.len() - window.settled());
        }
        assert!(held <= 17 << 10, "{held} bytes of {unit:?} were held");
    }
}

fn fragments() -> impl Strategy<Value = Vec<String>> {
    let fragment = prop_oneof![
        prop::sample::select(vec![
            "jane@example.com",
            "@",
            ".",
            " ",
            "-",
            "+",
            "(",
            ")",
            "4111 1111 1111 1111",
            "4111",
            "1111",
            "415-555-0132",
            "DE89 3704 0044 0532 0130 00",
            "DE",
            "89",
            "AB",
            "123-45-6789",
            "10.20.30.40",
            "2001:db8::1:2",
            "::",
            "sk-",
            "abc123abc123abc1",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJzdWIiOiIxMjM0In0",
            "-----BEGIN ",
            "PRIVATE KEY-----",
            "-----END ",
            "020 7946 0958",
            "é",
            "日本",
            "word",
            "TICKET-",
            "falcon",
            "\n",
            "/",
            "_",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9 .@:+-]{1,6}",
    ];
    prop::collection::vec(fragment, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_and_the_cuts_pieces_and_whole_agree(fragments in fragments(), cut in 1_usize..9) {
        let scanner = Scanner::new(Kind::ALL, vec![
            Custom::words("topics", &["falcon", "word word"]).unwrap(),
            Custom::regex("ticket", r"TICKET-\d+").unwrap(),
        ]);
        let text = fragments.concat();
        let chars: Vec<char> = text.chars().collect();
        let pieces: Vec<String> = chars.chunks(cut).map(|chunk| chunk.iter().collect()).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let whole = scanner.redact(&text).unwrap_or_else(|| text.clone());
        prop_assert_eq!(redact_in_pieces(&scanner, &pieces).0, whole);
    }
}
