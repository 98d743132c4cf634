//! Invoices worked out by hand: tokens as the provider reports them, what each bucket must hold, at which
//! price in USD per million, and the sum. They hold for the day on which the table's prices were looked up.

use rust_decimal_macros::dec;

use super::*;

struct Invoice {
    title: &'static str,
    provider: &'static str,
    model: &'static str,
    mode: Mode,
    usage: TokenUsage,
    /// Bucket, tokens, USD per million of them.
    lines: &'static [(&'static str, u64, Decimal)],
    total: Decimal,
}

use rust_decimal::Decimal;

/// 22 November 2026.
const DAY_NS: i64 = 1_795_305_600_000_000_000;

const NONE: TokenUsage = TokenUsage {
    input: 0,
    output: 0,
    cache_read: 0,
    cache_write: 0,
    cache_write_1h: 0,
    audio_input: 0,
    image_input: 0,
    reasoning: 0,
    audio_output: 0,
    image_output: 0,
};

const INVOICES: &[Invoice] = &[
    Invoice {
        title: "OpenAI, plain",
        provider: "openai",
        model: "gpt-4o-mini",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 1000,
            output: 500,
            ..NONE
        },
        lines: &[("input", 1000, dec!(0.15)), ("output", 500, dec!(0.6))],
        total: dec!(0.00045),
    },
    Invoice {
        title: "OpenAI, cached input",
        provider: "openai",
        model: "gpt-4o-2024-08-06",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 2006,
            output: 300,
            cache_read: 1920,
            ..NONE
        },
        lines: &[
            ("input", 86, dec!(2.5)),
            ("cache_read", 1920, dec!(1.25)),
            ("output", 300, dec!(10)),
        ],
        total: dec!(0.005615),
    },
    Invoice {
        title: "OpenAI, reasoning is output and not on top of it",
        provider: "openai",
        model: "o3",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 75,
            output: 1186,
            reasoning: 1024,
            ..NONE
        },
        lines: &[
            ("input", 75, dec!(2)),
            ("output", 162, dec!(8)),
            ("reasoning", 1024, dec!(8)),
        ],
        total: dec!(0.009638),
    },
    Invoice {
        title: "OpenAI, audio in and out",
        provider: "openai",
        model: "gpt-audio",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 120,
            output: 350,
            audio_input: 100,
            audio_output: 290,
            ..NONE
        },
        lines: &[
            ("input", 20, dec!(2.5)),
            ("audio_input", 100, dec!(32)),
            ("output", 60, dec!(10)),
            ("audio_output", 290, dec!(64)),
        ],
        total: dec!(0.02241),
    },
    Invoice {
        title: "OpenAI, realtime with cache, audio and an image",
        provider: "openai",
        model: "gpt-realtime",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 5000,
            output: 800,
            cache_read: 2000,
            audio_input: 1500,
            image_input: 400,
            audio_output: 700,
            ..NONE
        },
        lines: &[
            ("input", 1100, dec!(4)),
            ("cache_read", 2000, dec!(0.4)),
            ("audio_input", 1500, dec!(32)),
            ("image_input", 400, dec!(5)),
            ("output", 100, dec!(16)),
            ("audio_output", 700, dec!(64)),
        ],
        total: dec!(0.1016),
    },
    Invoice {
        title: "OpenAI, pictures drawn",
        provider: "openai",
        model: "gpt-image-1",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 350,
            output: 4160,
            image_input: 300,
            image_output: 4160,
            ..NONE
        },
        lines: &[
            ("input", 50, dec!(5)),
            ("image_input", 300, dec!(10)),
            ("image_output", 4160, dec!(40)),
        ],
        total: dec!(0.16965),
    },
    Invoice {
        title: "OpenAI, a batch",
        provider: "openai",
        model: "gpt-4o",
        mode: Mode::Batch,
        usage: TokenUsage {
            input: 100_000,
            output: 20_000,
            ..NONE
        },
        lines: &[("input", 100_000, dec!(1.25)), ("output", 20_000, dec!(5))],
        total: dec!(0.225),
    },
    Invoice {
        title: "OpenAI, flex",
        provider: "openai",
        model: "gpt-5",
        mode: Mode::Flex,
        usage: TokenUsage {
            input: 8000,
            output: 2000,
            cache_read: 6000,
            reasoning: 1500,
            ..NONE
        },
        lines: &[
            ("input", 2000, dec!(0.625)),
            ("cache_read", 6000, dec!(0.0625)),
            ("output", 500, dec!(5)),
            ("reasoning", 1500, dec!(5)),
        ],
        total: dec!(0.011625),
    },
    Invoice {
        title: "OpenAI, priority",
        provider: "openai",
        model: "gpt-5-mini",
        mode: Mode::Priority,
        usage: TokenUsage {
            input: 4000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 4000, dec!(0.45)), ("output", 1000, dec!(3.6))],
        total: dec!(0.0054),
    },
    Invoice {
        title: "OpenAI, at the threshold of long context",
        provider: "openai",
        model: "gpt-5.5",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 272_000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 272_000, dec!(5)), ("output", 1000, dec!(30))],
        total: dec!(1.39),
    },
    Invoice {
        title: "OpenAI, one token above it: the whole call moves",
        provider: "openai",
        model: "gpt-5.5",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 272_001,
            output: 1000,
            cache_read: 200_000,
            ..NONE
        },
        lines: &[
            ("input", 72_001, dec!(10)),
            ("cache_read", 200_000, dec!(1)),
            ("output", 1000, dec!(45)),
        ],
        total: dec!(0.96501),
    },
    Invoice {
        title: "OpenAI, long context in a batch",
        provider: "openai",
        model: "gpt-5.5",
        mode: Mode::Batch,
        usage: TokenUsage {
            input: 300_000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 300_000, dec!(5)), ("output", 1000, dec!(22.5))],
        total: dec!(1.5225),
    },
    Invoice {
        title: "OpenAI, embeddings",
        provider: "openai",
        model: "text-embedding-3-small",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 123_457,
            ..NONE
        },
        lines: &[("input", 123_457, dec!(0.02))],
        total: dec!(0.00246914),
    },
    Invoice {
        title: "OpenAI, fine-tuned",
        provider: "openai",
        model: "ft:gpt-4o-mini-2024-07-18:acme::abc123",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 5000,
            output: 700,
            ..NONE
        },
        lines: &[("input", 5000, dec!(0.3)), ("output", 700, dec!(1.2))],
        total: dec!(0.00234),
    },
    Invoice {
        title: "Anthropic, plain",
        provider: "anthropic",
        model: "claude-haiku-4-5",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 4000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 4000, dec!(1)), ("output", 1000, dec!(5))],
        total: dec!(0.009),
    },
    Invoice {
        title: "Anthropic, cache read and written for five minutes",
        provider: "anthropic",
        model: "claude-sonnet-4-5-20250929",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 10_000,
            output: 1000,
            cache_read: 6000,
            cache_write: 1000,
            ..NONE
        },
        lines: &[
            ("input", 3000, dec!(3)),
            ("cache_read", 6000, dec!(0.3)),
            ("cache_write", 1000, dec!(3.75)),
            ("output", 1000, dec!(15)),
        ],
        total: dec!(0.02955),
    },
    Invoice {
        title: "Anthropic, cache written for five minutes and for an hour",
        provider: "anthropic",
        model: "claude-opus-4-6",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 21_000,
            output: 800,
            cache_read: 15_000,
            cache_write: 5000,
            cache_write_1h: 2000,
            ..NONE
        },
        lines: &[
            ("input", 1000, dec!(5)),
            ("cache_read", 15_000, dec!(0.5)),
            ("cache_write", 3000, dec!(6.25)),
            ("cache_write_1h", 2000, dec!(10)),
            ("output", 800, dec!(25)),
        ],
        total: dec!(0.07125),
    },
    Invoice {
        title: "Anthropic, a batch with cache",
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        mode: Mode::Batch,
        usage: TokenUsage {
            input: 50_000,
            output: 4000,
            cache_read: 40_000,
            cache_write: 8000,
            cache_write_1h: 8000,
            ..NONE
        },
        lines: &[
            ("input", 2000, dec!(1.5)),
            ("cache_read", 40_000, dec!(0.15)),
            ("cache_write_1h", 8000, dec!(3)),
            ("output", 4000, dec!(7.5)),
        ],
        total: dec!(0.063),
    },
    Invoice {
        title: "Gemini, at 200,000",
        provider: "google",
        model: "gemini-2.5-pro",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 200_000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 200_000, dec!(1.25)), ("output", 1000, dec!(10))],
        total: dec!(0.26),
    },
    Invoice {
        title: "Gemini, above 200,000 with thoughts",
        provider: "gcp.gemini",
        model: "models/gemini-2.5-pro",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 250_000,
            output: 9000,
            cache_read: 100_000,
            reasoning: 7000,
            ..NONE
        },
        lines: &[
            ("input", 150_000, dec!(2.5)),
            ("cache_read", 100_000, dec!(0.25)),
            ("output", 2000, dec!(15)),
            ("reasoning", 7000, dec!(15)),
        ],
        total: dec!(0.535),
    },
    Invoice {
        title: "Gemini, audio put in",
        provider: "gcp.gemini",
        model: "gemini-2.5-flash",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 3000,
            output: 200,
            audio_input: 1920,
            ..NONE
        },
        lines: &[
            ("input", 1080, dec!(0.3)),
            ("audio_input", 1920, dec!(1)),
            ("output", 200, dec!(2.5)),
        ],
        total: dec!(0.002744),
    },
    Invoice {
        title: "Gemini, a batch above 200,000",
        provider: "gcp.gemini",
        model: "gemini-2.5-pro",
        mode: Mode::Batch,
        usage: TokenUsage {
            input: 300_000,
            output: 2000,
            ..NONE
        },
        lines: &[("input", 300_000, dec!(1.25)), ("output", 2000, dec!(7.5))],
        total: dec!(0.39),
    },
    Invoice {
        title: "Vertex AI, Claude above 200,000",
        provider: "gcp.vertex_ai",
        model: "claude-sonnet-4-5@20250929",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 210_000,
            output: 500,
            cache_write: 10_000,
            ..NONE
        },
        lines: &[
            ("input", 200_000, dec!(6)),
            ("cache_write", 10_000, dec!(7.5)),
            ("output", 500, dec!(22.5)),
        ],
        total: dec!(1.28625),
    },
    Invoice {
        title: "Bedrock, Claude in a region at a premium",
        provider: "aws.bedrock",
        model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 12_000,
            output: 900,
            cache_read: 10_000,
            ..NONE
        },
        lines: &[
            ("input", 2000, dec!(3.3)),
            ("cache_read", 10_000, dec!(0.33)),
            ("output", 900, dec!(16.5)),
        ],
        total: dec!(0.02475),
    },
    Invoice {
        title: "Bedrock, by the profile's ARN, in a batch",
        provider: "amazon-bedrock",
        model: "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        mode: Mode::Batch,
        usage: TokenUsage {
            input: 10_000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 10_000, dec!(0.55)), ("output", 1000, dec!(2.75))],
        total: dec!(0.00825),
    },
    Invoice {
        title: "Bedrock, Nova with cache, flex",
        provider: "aws.bedrock",
        model: "amazon.nova-pro-v1:0",
        mode: Mode::Flex,
        usage: TokenUsage {
            input: 9000,
            output: 400,
            cache_read: 8000,
            ..NONE
        },
        lines: &[
            ("input", 1000, dec!(0.4)),
            ("cache_read", 8000, dec!(0.1)),
            ("output", 400, dec!(1.6)),
        ],
        total: dec!(0.00184),
    },
    Invoice {
        title: "Azure, a deployment that answers with the model's name",
        provider: "az.ai.openai",
        model: "gpt-4o-2024-05-13",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 1000,
            output: 1000,
            ..NONE
        },
        lines: &[("input", 1000, dec!(5)), ("output", 1000, dec!(15))],
        total: dec!(0.02),
    },
    Invoice {
        title: "DeepSeek, cache hit",
        provider: "deepseek",
        model: "deepseek-chat",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 9000,
            output: 600,
            cache_read: 8192,
            ..NONE
        },
        lines: &[
            ("input", 808, dec!(0.28)),
            ("cache_read", 8192, dec!(0.028)),
            ("output", 600, dec!(0.42)),
        ],
        total: dec!(0.000707616),
    },
    Invoice {
        title: "Mistral",
        provider: "mistral",
        model: "mistral-large-latest",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 7000,
            output: 900,
            ..NONE
        },
        lines: &[("input", 7000, dec!(0.5)), ("output", 900, dec!(1.5))],
        total: dec!(0.00485),
    },
    Invoice {
        title: "xAI, above 200,000",
        provider: "xai",
        model: "grok-4.20",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 200_001,
            output: 10,
            ..NONE
        },
        lines: &[("input", 200_001, dec!(2.5)), ("output", 10, dec!(5))],
        total: dec!(0.5000525),
    },
    Invoice {
        title: "Groq",
        provider: "groq",
        model: "openai/gpt-oss-120b",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 3333,
            output: 777,
            cache_read: 333,
            ..NONE
        },
        lines: &[
            ("input", 3000, dec!(0.15)),
            ("cache_read", 333, dec!(0.075)),
            ("output", 777, dec!(0.6)),
        ],
        total: dec!(0.000941175),
    },
    Invoice {
        title: "Qwen, whose thoughts have a price of their own",
        provider: "dashscope",
        model: "qwen3-32b",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 1000,
            output: 3000,
            reasoning: 2500,
            ..NONE
        },
        lines: &[
            ("input", 1000, dec!(0.7)),
            ("output", 500, dec!(2.8)),
            ("reasoning", 2500, dec!(8.4)),
        ],
        total: dec!(0.0231),
    },
    Invoice {
        title: "Perplexity, with a fee for the call",
        provider: "perplexity",
        model: "sonar-small-online",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 500,
            output: 1000,
            ..NONE
        },
        lines: &[("output", 1000, dec!(0.28)), ("request", 1, dec!(5000))],
        total: dec!(0.00528),
    },
    Invoice {
        title: "Cohere",
        provider: "cohere",
        model: "command-a-03-2025",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 1234,
            output: 567,
            ..NONE
        },
        lines: &[("input", 1234, dec!(2.5)), ("output", 567, dec!(10))],
        total: dec!(0.008755),
    },
    Invoice {
        title: "OpenRouter, by its own list",
        provider: "openrouter",
        model: "anthropic/claude-opus-4.5",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 2000,
            output: 100,
            cache_read: 1000,
            ..NONE
        },
        lines: &[
            ("input", 1000, dec!(5)),
            ("cache_read", 1000, dec!(0.5)),
            ("output", 100, dec!(25)),
        ],
        total: dec!(0.008),
    },
    Invoice {
        title: "OpenRouter, a free model",
        provider: "openrouter",
        model: "google/gemma-4-31b-it:free",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 2000,
            output: 100,
            ..NONE
        },
        lines: &[],
        total: dec!(0),
    },
    Invoice {
        title: "Together",
        provider: "together.chat",
        model: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        mode: Mode::Standard,
        usage: TokenUsage {
            input: 2000,
            output: 100,
            ..NONE
        },
        lines: &[("input", 2000, dec!(1.04)), ("output", 100, dec!(1.04))],
        total: dec!(0.002184),
    },
    Invoice {
        title: "Fireworks, priority",
        provider: "fireworks",
        model: "accounts/fireworks/models/kimi-k3",
        mode: Mode::Priority,
        usage: TokenUsage {
            input: 10_000,
            output: 100,
            cache_read: 4000,
            ..NONE
        },
        lines: &[
            ("input", 6000, dec!(3.75)),
            ("cache_read", 4000, dec!(0.375)),
            ("output", 100, dec!(18.75)),
        ],
        total: dec!(0.025875),
    },
];

#[test]
fn every_invoice_comes_out_as_worked_by_hand() {
    let book = PriceBook::embedded().unwrap();
    assert!(INVOICES.len() >= 25);
    for invoice in INVOICES {
        let title = invoice.title;
        let price = book.find(invoice.provider, invoice.model).expect(title);
        let cost = price
            .at(DAY_NS)
            .expect(title)
            .cost(&invoice.usage, invoice.mode)
            .expect(title);
        let worked: Vec<(&str, Decimal)> = invoice
            .lines
            .iter()
            .map(|(bucket, tokens, usd)| {
                (
                    *bucket,
                    (Decimal::from(*tokens) * usd / dec!(1000000)).normalize(),
                )
            })
            .collect();
        assert_eq!(cost.parts().collect::<Vec<_>>(), worked, "{title}");
        assert_eq!(
            worked.iter().map(|(_, usd)| usd).sum::<Decimal>(),
            invoice.total,
            "{title}: the sum of its lines"
        );
        assert_eq!(cost.total, invoice.total, "{title}");
        let billed: u64 = invoice
            .lines
            .iter()
            .filter(|line| line.0 != "request")
            .map(|line| line.1)
            .sum();
        let free: u64 = if invoice.lines.is_empty() {
            invoice.usage.total()
        } else {
            0
        };
        let unpriced = price
            .at(DAY_NS)
            .map_or(0, |entry| unpriced_tokens(entry, invoice));
        assert_eq!(
            billed + free.max(unpriced),
            invoice.usage.total(),
            "{title}: each token once"
        );
    }
}

/// Tokens whose price is zero, which no line of an invoice shows.
fn unpriced_tokens(entry: Quote<'_>, invoice: &Invoice) -> u64 {
    let step = entry.step(invoice.mode, invoice.usage.input);
    let buckets = invoice.usage.buckets();
    let zero = |bucket: crate::usage::Bucket| step.usd(Priced::ALL[bucket as usize]).is_zero();
    buckets
        .iter()
        .filter(|(bucket, _)| zero(*bucket))
        .map(|(_, count)| count)
        .sum()
}
