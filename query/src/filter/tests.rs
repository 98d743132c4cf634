use proptest::prelude::*;

use super::*;

/// Parses, and shows the canonical spelling or the refusal.
fn outcome(text: &str) -> String {
    match Filter::parse(text) {
        Ok(filter) => filter.to_string(),
        Err(error) => format!("! {:?} {error}", error.span),
    }
}

#[test]
fn every_form_has_one_canonical_spelling() {
    let cases = [
        ("", ""),
        ("   ", ""),
        ("status:ERROR", "status:error"),
        ("status:error,unset", "status:error,unset"),
        ("  name:checkout   refund ", "name:checkout refund"),
        ("Name:\"my agent\"", "name:\"my agent\""),
        ("name:\"plain\"", "name:plain"),
        ("name:\"a,b\",c", "name:\"a,b\",c"),
        ("name:check*", "name:check*"),
        ("name:*out", "name:*out"),
        ("name:*eck*", "name:*eck*"),
        ("name:*\"two words\"*", "name:*\"two words\"*"),
        ("name:\"literal*\"", "name:\"literal*\""),
        ("name:mid*dle", "name:\"mid*dle\""),
        ("user:*", "user:*"),
        ("-user:*", "-user:*"),
        ("user:**", "user:*"),
        ("user:\"\"", "user:\"\""),
        ("-model:gpt-4o,claude*", "-model:gpt-4o,claude*"),
        (
            "tag:\"say \\\"hi\\\" \\\\ bye\"",
            "tag:\"say \\\"hi\\\" \\\\ bye\"",
        ),
        ("duration:>1.5s", "duration:>1.5s"),
        ("duration:>=200ms", "duration:>=200ms"),
        ("duration:<2m", "duration:<120s"),
        ("duration:<=1h", "duration:<=3600s"),
        ("duration:500", "duration:500ms"),
        ("duration:250us", "duration:0.25ms"),
        ("cost:>0.010", "cost:>0.01"),
        ("cost:.5,1", "cost:0.5,1"),
        ("tokens:>10k", "tokens:>10000"),
        ("tokens:<1.5M", "tokens:<1500000"),
        ("errors:0", "errors:0"),
        (
            "id:4BF92F3577B34DA6A3CE929D0E0E4736",
            "id:4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ("id:00f067aa0ba902b7", "id:00f067aa0ba902b7"),
        ("id:4bf9*", "id:4bf9*"),
        ("refund -policy", "refund -policy"),
        ("\"exact phrase\"", "\"exact phrase\""),
        ("\"http://x\"", "\"http://x\""),
        ("\"-5\"", "\"-5\""),
        ("--x", "-\"-x\""),
        ("naïve 東京", "naïve 東京"),
    ];
    for (text, canonical) in cases {
        assert_eq!(outcome(text), canonical, "{text}");
        assert_eq!(outcome(canonical), canonical, "{canonical}");
    }
}

#[test]
fn refusals_say_where_and_what_to_write_instead() {
    let refusals = [
        "staus:error",
        "status:ok latency:>5",
        "http://example.org",
        "naïve foo:1",
        "status:",
        "status:broken",
        "status:err*",
        "name:",
        "name:a,",
        "name:\"open",
        "name:a\"b\"",
        "name:\"a\"b",
        "name:\"a\\n\"",
        "name:>5",
        "-",
        "ok - ok",
        "duration:fast",
        "duration:>1.5x",
        "duration:>1s,2s",
        "cost:-1",
        "cost:1e3",
        "tokens:1.5",
        "errors:*",
        "id:xyz",
        "id:abc",
        "refun*",
        "!!!",
        "a\"b",
        "a b c d e f",
    ];
    let report: Vec<String> = refusals
        .iter()
        .map(|text| format!("{text}\n    {}", outcome(text)))
        .collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn sizes_are_bounded() {
    let problem = |text: String| Filter::parse(&text).map_err(|error| error.problem);
    assert_eq!(
        problem("x".repeat(FILTER_CHARS_MAX + 1)),
        Err(FilterProblem::TooLong)
    );
    assert_eq!(
        problem("status:ok ".repeat(TERMS_MAX + 1)),
        Err(FilterProblem::TooManyTerms)
    );
    let values = vec!["a"; VALUES_MAX + 1].join(",");
    assert_eq!(
        problem(format!("name:{values}")),
        Err(FilterProblem::TooManyValues)
    );
}

#[test]
fn a_position_counts_characters_not_bytes() {
    let error = Filter::parse("東京 foo:1").unwrap_err();
    assert_eq!(error.span, 3..6);
}

fn pattern() -> impl Strategy<Value = Pattern> {
    (any::<String>(), any::<bool>(), any::<bool>()).prop_map(|(text, open_start, open_end)| {
        let presence = text.is_empty() && (open_start || open_end);
        Pattern {
            text,
            open_start: open_start || presence,
            open_end: open_end || presence,
        }
    })
}

fn text_field() -> impl Strategy<Value = TextField> {
    let fields = FIELDS.into_iter().filter_map(|(_, field)| match field {
        Field::Text(field) => Some(field),
        _ => None,
    });
    prop::sample::select(fields.collect::<Vec<_>>())
}

fn number(scale_max: u32) -> impl Strategy<Value = rust_decimal::Decimal> {
    (0_i64..1_000_000_000, 0..=scale_max)
        .prop_map(|(digits, scale)| rust_decimal::Decimal::new(digits, scale))
}

fn comparison(scale_max: u32) -> impl Strategy<Value = Comparison> {
    prop_oneof![
        prop::collection::vec(number(scale_max), 1..4).prop_map(Comparison::OneOf),
        number(scale_max).prop_map(Comparison::Greater),
        number(scale_max).prop_map(Comparison::AtLeast),
        number(scale_max).prop_map(Comparison::Less),
        number(scale_max).prop_map(Comparison::AtMost),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let hex = |digits: &'static str| proptest::string::string_regex(digits).unwrap();
    prop_oneof![
        any::<String>()
            .prop_filter("has a letter or digit", |text| text
                .chars()
                .any(char::is_alphanumeric))
            .prop_map(Condition::Text),
        prop::collection::vec(prop::sample::select(Status::ALL.to_vec()), 1..4).prop_map(Condition::Status),
        prop::collection::vec(
            prop_oneof![
                hex("[0-9a-f]{32}").prop_map(IdPattern::Trace),
                hex("[0-9a-f]{16}").prop_map(IdPattern::Observation),
                hex("[0-9a-f]{1,31}").prop_map(IdPattern::TracePrefix),
            ],
            1..3
        )
        .prop_map(Condition::Id),
        (text_field(), prop::collection::vec(pattern(), 1..4))
            .prop_map(|(field, values)| Condition::Matches(field, values)),
        comparison(6).prop_map(|comparison| Condition::Compares(NumberField::Duration, comparison)),
        comparison(12).prop_map(|comparison| Condition::Compares(NumberField::Cost, comparison)),
        comparison(0).prop_map(|comparison| Condition::Compares(NumberField::Tokens, comparison)),
        comparison(0).prop_map(|comparison| Condition::Compares(NumberField::Errors, comparison)),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let term = (any::<bool>(), condition()).prop_map(|(negated, condition)| Term { negated, condition });
    prop::collection::vec(term, 0..5).prop_map(|terms| Filter { terms })
}

proptest! {
    #[test]
    fn what_is_printed_parses_back_to_the_same_filter(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.chars().count() <= FILTER_CHARS_MAX);
        prop_assert_eq!(Filter::parse(&text).map_err(|error| error.to_string()), Ok(filter));
    }

    #[test]
    fn no_text_makes_the_parser_panic_or_point_outside(text in any::<String>()) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(error.span.start <= text.chars().count());
            prop_assert!(error.span.start < error.span.end);
        }
    }

    #[test]
    fn texts_made_of_the_languages_own_signs_do_not_panic(text in "[-:\"*,<>= \\\\a1.]{0,24}|(name|cost|id|status):[-:\"*,<>= \\\\a1.]{0,16}") {
        if let Ok(filter) = Filter::parse(&text) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }
    }
}
