use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_decimal_macros::dec;

use super::*;
use crate::usage::Counting;

const NOW_NS: i64 = 1_795_305_600_000_000_000;

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

/// What a million tokens of input cost now, and of output.
fn prices(book: &PriceBook, provider: &str, model: &str) -> Option<(Decimal, Decimal)> {
    let step = book.find(provider, model)?.at(NOW_NS)?.step(Mode::Standard, 1);
    Some((step.usd(Priced::Input), step.usd(Priced::Output)))
}

#[test]
fn the_embedded_table_prices_thousands_of_models() {
    let book = book();
    assert!(book.len() > 8000, "{}", book.len());
    let cost = book.price(
        "openai",
        "gpt-4o-mini",
        &usage(1_000_000, 1_000_000),
        Mode::Standard,
        NOW_NS,
    );
    let cost = cost.unwrap();
    assert_eq!(
        (cost.part(Priced::Input), cost.part(Priced::Output), cost.total),
        (dec!(0.15), dec!(0.6), dec!(0.75))
    );
    assert!(
        cost.price_version.starts_with("litellm "),
        "{}",
        cost.price_version
    );
}

#[test]
fn every_row_of_the_embedded_table_is_found_under_its_own_name() {
    let book = book();
    for (provider, models) in &book.providers {
        for model in models.keys() {
            let found = book.look_up(provider, model).unwrap();
            assert_eq!((found.provider, found.model), (&**provider, &**model));
        }
    }
}

#[test]
fn models_are_found_under_every_spelling() {
    let book = book();
    let sonnet = prices(&book, "anthropic", "claude-sonnet-4-5");
    assert_eq!(sonnet, Some((dec!(3), dec!(15))));
    for (provider, model) in [
        ("anthropic", "Claude-Sonnet-4-5-20250929"),
        ("anthropic.messages", "claude-sonnet-4-5-20991231"),
        ("openrouter", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "anthropic/claude-sonnet-4.5:nitro"),
        ("litellm", "claude-sonnet-4-5"),
        ("", "anthropic/claude-sonnet-4-5"),
        ("vertex_ai", "claude-sonnet-4-5@20250929"),
        ("vertex_ai", "claude-sonnet-4-5@default"),
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ] {
        assert_eq!(prices(&book, provider, model), sonnet, "{provider} {model}");
    }
    let mini = prices(&book, "openai", "gpt-4o-mini");
    for (provider, model) in [
        ("azure", "gpt-4o-mini"),
        ("my-proxy", "gpt-4o-mini"),
        ("openai", "openai/gpt-4o-mini"),
        ("openai.responses", "gpt-4o-mini-2024-07-18"),
        ("mock", "GPT-4o-mini"),
    ] {
        assert_eq!(prices(&book, provider, model), mini, "{provider} {model}");
    }
    for (provider, model) in [
        ("google", "models/gemini-2.5-flash"),
        ("google.vertex", "publishers/google/models/gemini-2.5-flash"),
        ("amazon-bedrock", "ca.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("openai", "ft:gpt-4o-2024-08-06:acme:suffix:id"),
        ("groq", "groq/openai/gpt-oss-120b"),
        (
            "together_ai",
            "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        ),
    ] {
        assert!(book.find(provider, model).is_some(), "{provider} {model}");
    }
}

#[test]
fn an_unknown_price_is_none_and_not_zero() {
    let book = book();
    for (provider, model) in [
        ("openai", "gpt-99"),
        ("", ""),
        ("ollama", "gpt-4o"),
        ("groq", "claude-sonnet-4-5"),
        ("groq", "deepseek/deepseek-reasoner"),
        ("github_copilot", "gpt-4o"),
        ("some-coding-plan-cn", "gpt-4o"),
    ] {
        assert!(book.find(provider, model).is_none(), "{provider} {model}");
    }
}

#[test]
fn a_model_that_is_free_by_name_costs_nothing_and_not_what_the_paid_one_does() {
    let book = book();
    let free = book.price(
        "openrouter",
        "meta-llama/llama-9:free",
        &usage(1000, 10),
        Mode::Standard,
        NOW_NS,
    );
    let free = free.unwrap();
    assert_eq!(
        (free.total, &*free.price_version),
        (Decimal::ZERO, "free by name")
    );
}

#[test]
fn a_mode_without_prices_of_its_own_costs_what_a_plain_call_does() {
    let book = book();
    let cost = |mode| {
        book.price("openai", "gpt-audio", &usage(1000, 0), mode, NOW_NS)
            .unwrap()
            .total
    };
    assert_eq!(cost(Mode::Batch), cost(Mode::Standard));
    for (word, mode) in [
        ("batch", Mode::Batch),
        ("FLEX", Mode::Flex),
        (" priority ", Mode::Priority),
        ("fast", Mode::Fast),
        ("default", Mode::Standard),
        ("auto", Mode::Standard),
        ("", Mode::Standard),
    ] {
        assert_eq!(Mode::of_service_tier(word.as_bytes()), mode, "{word}");
    }
}

#[test]
fn what_a_step_leaves_out_is_its_modes_and_else_that_of_a_plain_call_of_its_size() {
    let line = "i4 o8 r1;>100 i6 r3;batch i2 o4;batch>100 i3";
    let table = format!("#brokle-prices 1\n#source t 1 d MIT\n@p\nm\t0\t\t{line}\n");
    let book = table::read(&table).unwrap();
    let entry = book.find("p", "m").unwrap().at(0).unwrap();
    let usd = |mode, input, priced| entry.step(mode, input).usd(priced);
    assert_eq!(usd(Mode::Standard, 101, Priced::Output), dec!(8));
    assert_eq!(usd(Mode::Batch, 100, Priced::CacheRead), dec!(1));
    assert_eq!(usd(Mode::Batch, 101, Priced::Input), dec!(3));
    assert_eq!(usd(Mode::Batch, 101, Priced::Output), dec!(4));
    assert_eq!(usd(Mode::Batch, 101, Priced::CacheRead), dec!(3));
    assert_eq!(usd(Mode::Batch, 101, Priced::Reasoning), dec!(4));
    assert_eq!(usd(Mode::Flex, 101, Priced::Input), dec!(6));
}

#[test]
fn a_call_off_peak_costs_what_that_hour_does() {
    let book = book();
    // 23 November 2026 is a Monday: the night's price ends at one o'clock.
    let cost = |time: &str| {
        let time: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
        let usage = TokenUsage {
            cache_read: 400_000,
            ..usage(1_000_000, 100_000)
        };
        let at_ns = time.timestamp_nanos_opt().unwrap();
        book.price("deepseek", "deepseek-v4-flash", &usage, Mode::Standard, at_ns)
            .unwrap()
            .total
    };
    // 0.6 x 0.15 + 0.4 x 0.003 + 0.1 x 0.6, and twice that by day.
    assert_eq!(cost("2026-11-23T00:59:59Z"), dec!(0.1512));
    assert_eq!(cost("2026-11-23T01:00:00Z"), dec!(0.3024));
    assert_eq!(cost("2026-11-22T01:00:00Z"), dec!(0.1512), "a Sunday");
}

#[test]
fn a_call_costs_what_was_asked_on_the_day_it_started() {
    let table = "#brokle-prices 1\n#source old 1 2026-01-01 MIT\n#source new 2 2026-06-01 MIT\n@openai\n\
        m\t0\t\ti2\nm\t1\t2026-06-01\ti1\n";
    let book = table::read(table).unwrap();
    let june = table::midnight("2026-06-01").unwrap();
    let at = |ns| {
        let cost = book
            .price("openai", "m", &usage(1_000_000, 0), Mode::Standard, ns)
            .unwrap();
        (cost.total, cost.price_version.to_string())
    };
    assert_eq!(at(june - 1), (dec!(2), "old 1 2026-01-01".to_owned()));
    assert_eq!(at(june), (dec!(1), "new 2 2026-06-01".to_owned()));
    assert_eq!(at(i64::MIN).0, dec!(2));
}

#[test]
fn the_embedded_table_keeps_what_was_asked_before() {
    let book = book();
    let price = book.find("mistral", "mistral-large-4").unwrap();
    let usd = |day: &str| {
        let entry = price.at(table::midnight(day).unwrap()).unwrap();
        (
            entry.step(Mode::Standard, 1).usd(Priced::Input),
            entry.version().to_string(),
        )
    };
    assert_eq!(
        usd("2026-11-21"),
        (dec!(0.68), "litellm 1.106.0 2026-10-18".to_owned())
    );
    assert_eq!(
        usd("2026-11-22"),
        (dec!(1.36), "litellm 1.109.1 2026-11-22".to_owned())
    );
}

#[test]
fn tables_that_make_no_sense_are_refused_by_line() {
    let refusal = |table: &str| table::read(table).err().map(|error| error.to_string());
    assert_eq!(refusal("{}").unwrap(), "this is no price table of version 1");
    for line in ["x", "m\t0\t\ti1", "m\t9\t\ti1", "#source a", "m\t0\tnever\ti1"] {
        let table = format!("#brokle-prices 1\n{line}\n");
        assert_eq!(
            refusal(&table).unwrap(),
            "line 2 of the price table cannot be read",
            "{line}"
        );
    }
    for prices in [
        "",
        "z1",
        "i-1",
        "i1000000",
        "i0.0000000001",
        "i",
        "i1;slow i1",
        "i1;>x i1",
    ] {
        let table = format!("#brokle-prices 1\n#source a 1 d MIT\n@p\nm\t0\t\t{prices}\n");
        assert_eq!(
            refusal(&table).unwrap(),
            "line 4 of the price table cannot be read",
            "{prices}"
        );
    }
}

#[test]
fn a_users_file_wins_over_the_embedded_table_from_its_day_on() {
    let mut book = book();
    let file = r#"
        name = "acme contract"
        [[price]]
        provider = "OpenAI"
        model = "GPT-4o-mini"
        valid_from = 2026-06-01
        input = 0.1
        output = "0.4"
        [[price.step]]
        mode = "batch"
        input = "0.05"
        [[price.step]]
        above = 1000
        input = 1
        [[price]]
        provider = "acme"
        model = "acme-1"
        request = 0.01
        [[alias]]
        provider = "azure"
        model = "our-deployment"
        price_of = "openai/gpt-4o"
    "#;
    let read = book.read_file(file).unwrap();
    assert_eq!(read.len(), 3);
    book.overlay(read);
    let june = table::midnight("2026-06-01").unwrap();
    let cost = |input, mode, ns| {
        book.price("openai", "gpt-4o-mini", &usage(input, 0), mode, ns)
            .unwrap()
    };
    assert_eq!(cost(1000, Mode::Standard, june - 1).total, dec!(0.00015));
    assert_eq!(cost(1000, Mode::Standard, june).total, dec!(0.0001));
    assert_eq!(&*cost(1000, Mode::Standard, june).price_version, "acme contract");
    assert_eq!(cost(1000, Mode::Batch, june).total, dec!(0.00005));
    assert_eq!(cost(1001, Mode::Standard, june).total, dec!(0.001001));
    assert_eq!(
        prices(&book, "azure", "our-deployment"),
        prices(&book, "openai", "gpt-4o")
    );
    let fee = book
        .price("acme", "acme-1", &usage(5, 5), Mode::Standard, june)
        .unwrap();
    assert_eq!(fee.parts().collect::<Vec<_>>(), [("request", dec!(0.01))]);
    assert!(book.find("openai", "gpt-4o").is_some());
}

#[test]
fn price_files_that_make_no_sense_are_refused_by_entry() {
    let book = book();
    let refusal = |file: &str| book.read_file(file).unwrap_err().to_string();
    let row = |rest: &str| refusal(&format!("[[price]]\nprovider = \"p\"\nmodel = \"m\"\n{rest}"));
    let cases = [
        ("", "it states no price"),
        (
            "input = -1",
            "`input` must be from 0 to 1000000 USD, with nine decimal places at most",
        ),
        (
            "input = 1e-12",
            "`input` must be from 0 to 1000000 USD, with nine decimal places at most",
        ),
        ("output = \"dear\"", "`dear` is no amount"),
        (
            "input = 1\nvalid_from = \"soon\"",
            "`valid_from` must be a day such as 2026-12-01, not `soon`",
        ),
        (
            "input = 1\n[[price.step]]\ninput = 2",
            "a step needs `mode`, `above`, or both",
        ),
        (
            "input = 1\n[[price.step]]\nmode = \"slow\"",
            "mode \"slow\" is none of standard, batch, flex, priority and fast",
        ),
        (
            "input = 1\n[[price.step]]\nabove = -1",
            "`above` must be a number of tokens",
        ),
        (
            "input = 1\n[[price.step]]\nabove = 5\nvalid_from = 2026-01-01",
            "a step has no `valid_from`",
        ),
        (
            "input = 1\n[[price.step]]\nabove = 5\n[[price.step]]\nabove = 5",
            "two steps are for mode `standard` above 5 tokens",
        ),
    ];
    for (rest, problem) in cases {
        assert_eq!(
            row(rest),
            format!("[[price]] number 1 (p m): {problem}"),
            "{rest}"
        );
    }
    assert!(row("inputs = 1").starts_with("[[price]] number 1 (p m): unknown field `inputs`"));
    assert!(refusal("prices = 1").contains("unknown field `prices`"));
    let twice = "[[price]]\nprovider = \"p\"\nmodel = \"m\"\ninput = 1\n".repeat(2);
    assert_eq!(
        refusal(&twice),
        "[[price]] number 2 (p m): this model has a price from that day on already"
    );
    assert_eq!(
        refusal("[[alias]]\nprovider = \"p\"\nmodel = \"m\"\nprice_of = \"openai/gpt-99\""),
        "[[alias]] number 1 (p m): `openai/gpt-99` has no price either"
    );
}

/// Rates whose prime factors tell them apart, for every bucket.
fn odd_book() -> PriceBook {
    let table = "#brokle-prices 1\n#source a 1 d MIT\n@p\n\
        m\t0\t\ti0.123456789 o7.5 r0.003625 w0.7 h1.1 t13 a17 b19 p23 q29 u0.000000000000031;\
        batch i0.061;>200000 i0.246913578 o11.25\n";
    table::read(table).unwrap()
}

prop_compose! {
    fn any_usage()(counts in prop::array::uniform10(prop_oneof![0..2000u64, any::<u64>(), 0..1u64 << 40])) -> TokenUsage {
        let [input, output, cache_read, cache_write, cache_write_1h, audio_input, image_input, reasoning,
            audio_output, image_output] = counts;
        TokenUsage { input, output, cache_read, cache_write, cache_write_1h, audio_input, image_input, reasoning,
            audio_output, image_output }
    }
}

proptest! {
    #[test]
    fn the_total_is_the_sum_of_the_buckets_and_each_token_is_priced_once(usage in any_usage(), exclusive: bool) {
        let counting = if exclusive { Counting::Exclusive } else { Counting::Inclusive };
        let usage = usage.reconcile(counting, None);
        let book = odd_book();
        let entry = book.find("p", "m").and_then(|price| price.at(0)).unwrap();
        for mode in Mode::ALL {
            let Some(cost) = entry.cost(&usage, mode) else { continue };
            prop_assert_eq!(cost.parts().map(|(_, part)| part).sum::<Decimal>(), cost.total);
            prop_assert!(cost.total.scale() <= COST_SCALE && !cost.total.is_sign_negative());
            let step = entry.step(mode, usage.input);
            for (bucket, tokens) in usage.buckets().iter() {
                let priced = Priced::ALL[bucket as usize];
                let exact = Decimal::from(tokens).checked_mul(step.usd(priced)).map(|usd| usd / dec!(1000000));
                if let Some(exact) = exact.filter(|exact| exact.scale() <= 24) {
                    prop_assert!((cost.part(priced) - exact).abs() <= dec!(0.0000000000005));
                }
            }
        }
    }

    #[test]
    fn no_name_and_no_count_breaks_pricing(provider in ".{0,40}", model in ".{0,60}", usage in any_usage(), ns: i64) {
        let book = odd_book();
        let cost = book.price(&provider, &model, &usage, Mode::Standard, ns);
        prop_assert!(cost.is_none_or(|cost| !cost.total.is_sign_negative()));
    }

    #[test]
    fn no_text_breaks_the_readers(text in ".{0,200}", rows in "[a-z\\t0-9.;> \\n@#-]{0,200}") {
        let book = PriceBook::default();
        prop_assert!(table::read(&text).is_err() || text.starts_with("#brokle"));
        let _ = table::read(&format!("#brokle-prices 1\n{rows}")).is_ok();
        let _ = book.read_file(&rows).is_ok();
    }
}
