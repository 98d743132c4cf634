use proptest::prelude::*;
use rust_decimal_macros::dec;

use super::*;

fn book() -> PriceBook {
    PriceBook::embedded().unwrap()
}

fn usage(input: u64, output: u64) -> TokenUsage {
    TokenUsage {
        input,
        output,
        ..TokenUsage::default()
    }
}

#[test]
fn the_embedded_table_prices_well_known_models() {
    let book = book();
    assert!(book.len() > 1000, "{}", book.len());
    let cost = book
        .price("openai", "gpt-4o-mini", &usage(1_000_000, 1_000_000))
        .unwrap();
    assert_eq!(
        (cost.input, cost.output, cost.total),
        (dec!(0.15), dec!(0.6), dec!(0.75))
    );
    assert!(
        cost.price_version.starts_with("litellm "),
        "{}",
        cost.price_version
    );
}

#[test]
fn each_bucket_is_priced_once() {
    let tokens = TokenUsage {
        input: 10_000,
        output: 1000,
        cache_read: 6000,
        cache_write: 1000,
        reasoning: 400,
    };
    let cost = book().price("anthropic", "claude-sonnet-4-5", &tokens).unwrap();
    assert_eq!(cost.input, dec!(0.009), "3000 tokens at 3 USD");
    assert_eq!(cost.cache_read, dec!(0.0018), "6000 tokens at 0.30 USD");
    assert_eq!(cost.cache_write, dec!(0.00375), "1000 tokens at 3.75 USD");
    assert_eq!(cost.output, dec!(0.009), "600 tokens at 15 USD");
    assert_eq!(cost.reasoning, dec!(0.006), "400 tokens at the price of output");
    assert_eq!(cost.total, dec!(0.02955));
    assert_eq!(cost.buckets().count(), 5);
}

#[test]
fn a_long_prompt_moves_the_whole_call_to_its_tier() {
    let book = book();
    let at = book
        .price("gcp.gemini", "gemini-2.5-pro", &usage(200_000, 1000))
        .unwrap();
    assert_eq!((at.input, at.output), (dec!(0.25), dec!(0.01)));
    let above = book
        .price("gcp.gemini", "gemini-2.5-pro", &usage(200_001, 1000))
        .unwrap();
    assert_eq!((above.input, above.output), (dec!(0.5000025), dec!(0.015)));
}

#[test]
fn models_are_found_under_every_spelling() {
    let book = book();
    let sonnet = book.find("anthropic", "claude-sonnet-4-5").unwrap();
    for (provider, model) in [
        ("anthropic", "Claude-Sonnet-4-5-20250929"),
        ("anthropic.messages", "claude-sonnet-4-5-20991231"),
        ("openrouter", "anthropic/claude-sonnet-4.5"),
        ("litellm", "claude-sonnet-4-5"),
        ("", "anthropic/claude-sonnet-4-5"),
    ] {
        assert_eq!(
            book.find(provider, model).map(|price| price.rates),
            Some(sonnet.rates),
            "{provider} {model}"
        );
    }
    let mini = book.find("openai", "gpt-4o-mini").unwrap();
    for (provider, model) in [
        ("azure", "gpt-4o-mini"),
        ("my-proxy", "gpt-4o-mini"),
        ("openai", "openai/gpt-4o-mini"),
        ("mock", "GPT-4o-mini"),
    ] {
        assert_eq!(
            book.find(provider, model).map(|price| price.rates),
            Some(mini.rates),
            "{provider} {model}"
        );
    }
    assert!(book.find("google", "models/gemini-2.5-flash").is_some());
    assert!(
        book.find("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
            .is_some()
    );
    assert!(
        book.find("amazon-bedrock", "ca.anthropic.claude-sonnet-4-5-20250929-v1:0")
            .is_some()
    );
}

#[test]
fn an_unknown_price_is_none_and_not_zero() {
    let book = book();
    for (provider, model) in [
        ("openai", "gpt-99"),
        ("", ""),
        ("ollama", "gpt-4o"),
        ("groq", "claude-sonnet-4-5"),
    ] {
        assert!(book.find(provider, model).is_none(), "{provider} {model}");
    }
}

#[test]
fn a_users_rows_win_over_the_embedded_ones() {
    let mut book = book();
    let rows = r#"{"sources":[{"name":"ours","version":"1","date":"2026-11-22"}],
        "prices":[{"provider":"openai","model":"gpt-4o-mini","input":"1","output":"2","source":0}]}"#;
    book.overlay(PriceBook::from_json(rows).unwrap());
    let cost = book.price("openai", "gpt-4o-mini", &usage(1_000_000, 0)).unwrap();
    assert_eq!((cost.total, &*cost.price_version), (dec!(1), "ours 1 2026-11-22"));
    assert!(book.find("openai", "gpt-4o").is_some());
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    let row = |row: &str| {
        let json = format!(r#"{{"sources":[{{"name":"a","version":"1","date":"d"}}],"prices":[{row}]}}"#);
        PriceBook::from_json(&json).err().map(|error| error.to_string())
    };
    assert_eq!(
        row(r#"{"provider":"p","model":"m","input":"1","source":0}"#),
        None
    );
    let unlisted = row(r#"{"provider":"p","model":"m","input":"1","source":3}"#).unwrap();
    assert_eq!(
        unlisted,
        "the price of `m` names source 3, which the table does not list"
    );
    let negative = row(r#"{"provider":"p","model":"m","input":"-1","source":0}"#).unwrap();
    assert_eq!(negative, "the price of `m` is out of range");
    assert!(row("{}").unwrap().starts_with("the price table cannot be read"));
}

proptest! {
    #[test]
    fn the_total_is_the_sum_of_the_buckets(input in 0..1u64 << 50, output in 0..1u64 << 50, read in 0..1u64 << 50) {
        let tokens = TokenUsage { input, output, cache_read: read, ..TokenUsage::default() };
        let tokens = tokens.reconcile(crate::usage::Counting::Inclusive);
        let cost = book_of_one().price("p", "m", &tokens).unwrap();
        prop_assert_eq!(cost.buckets().map(|(_, part)| part).sum::<Decimal>(), cost.total);
        prop_assert!(cost.total.scale() <= COST_SCALE);
    }

    #[test]
    fn no_name_and_no_count_breaks_pricing(provider in ".{0,40}", model in ".{0,60}", count: u64) {
        let book = book_of_one();
        let tokens = TokenUsage { input: count, output: count, cache_read: count, cache_write: count, reasoning: count };
        prop_assert!(book.price(&provider, &model, &tokens).is_none_or(|cost| !cost.total.is_sign_negative()));
        prop_assert!(book.price("p", "m", &tokens).is_none_or(|cost| !cost.total.is_sign_negative()));
    }
}

fn book_of_one() -> PriceBook {
    PriceBook::from_json(
        r#"{"sources":[{"name":"a","version":"1","date":"d"}],
            "prices":[{"provider":"p","model":"m","input":"0.123456789","output":"7.5","cache_read":"0.003625","source":0}]}"#,
    )
    .unwrap()
}
