use proptest::prelude::*;

use super::*;

fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64, reasoning: u64) -> TokenUsage {
    TokenUsage {
        input,
        output,
        cache_read,
        cache_write,
        reasoning,
        ..TokenUsage::default()
    }
}

fn counts(usage: TokenUsage) -> Vec<(&'static str, u64)> {
    let buckets = usage.buckets();
    buckets
        .iter()
        .map(|(bucket, count)| (bucket.as_str(), count))
        .collect()
}

#[test]
fn inclusive_counts_split_into_disjoint_buckets() {
    let reported = usage(1000, 500, 800, 100, 300).reconcile(Counting::Inclusive, None);
    assert_eq!(reported, usage(1000, 500, 800, 100, 300));
    let expected = [
        ("input", 100),
        ("cache_read", 800),
        ("cache_write", 100),
        ("output", 200),
        ("reasoning", 300),
    ];
    assert_eq!(counts(reported), expected);
}

#[test]
fn audio_images_and_long_cache_writes_have_buckets_of_their_own() {
    let reported = TokenUsage {
        input: 1000,
        output: 500,
        cache_read: 200,
        cache_write: 300,
        cache_write_1h: 100,
        audio_input: 50,
        image_input: 30,
        reasoning: 90,
        audio_output: 60,
        image_output: 40,
    };
    let expected = [
        ("input", 420),
        ("cache_read", 200),
        ("cache_write", 200),
        ("cache_write_1h", 100),
        ("audio_input", 50),
        ("image_input", 30),
        ("output", 310),
        ("reasoning", 90),
        ("audio_output", 60),
        ("image_output", 40),
    ];
    assert_eq!(
        counts(reported.reconcile(Counting::Inclusive, Some(1500))),
        expected
    );
    let apart = TokenUsage {
        input: 420,
        output: 310,
        ..reported
    };
    assert_eq!(counts(apart.reconcile(Counting::Exclusive, None)), expected);
}

#[test]
fn counts_that_cannot_be_inclusive_are_taken_as_exclusive() {
    assert_eq!(
        usage(3, 20, 2000, 50, 0).reconcile(Counting::Inclusive, None),
        usage(2053, 20, 2000, 50, 0)
    );
    assert_eq!(
        usage(10, 5, 0, 0, 90).reconcile(Counting::Inclusive, None),
        usage(10, 95, 0, 0, 90)
    );
}

#[test]
fn a_total_that_only_adds_up_with_the_subsets_proves_exclusive_counting() {
    // Gemini counts its thoughts beside its candidates.
    assert_eq!(
        usage(100, 50, 0, 0, 30).reconcile(Counting::Inclusive, Some(180)),
        usage(100, 80, 0, 0, 30)
    );
    assert_eq!(
        usage(1000, 50, 400, 100, 0).reconcile(Counting::Inclusive, Some(1550)),
        usage(1500, 50, 400, 100, 0)
    );
    assert_eq!(
        usage(1000, 50, 400, 0, 30).reconcile(Counting::Inclusive, Some(1480)),
        usage(1400, 80, 400, 0, 30)
    );
    for agreeing in [Some(1050), Some(7), Some(99_999), None] {
        let reported = usage(1000, 50, 400, 0, 30);
        assert_eq!(reported.reconcile(Counting::Inclusive, agreeing), reported);
    }
}

#[test]
fn a_producer_known_to_count_exclusively_is_believed() {
    assert_eq!(
        usage(1000, 20, 800, 0, 5).reconcile(Counting::Exclusive, Some(1020)),
        usage(1800, 25, 800, 0, 5)
    );
}

#[test]
fn anthropics_own_usage_leaves_the_cache_out_and_the_thoughts_in() {
    assert_eq!(
        usage(1000, 200, 300, 100, 50).reconcile(Counting::ExclusiveInput, Some(1200)),
        usage(1400, 200, 300, 100, 50)
    );
}

#[test]
fn an_hours_writes_are_part_of_all_writes_even_when_only_they_are_named() {
    let reported = TokenUsage {
        input: 500,
        cache_write_1h: 200,
        ..TokenUsage::default()
    };
    let settled = reported.reconcile(Counting::Inclusive, None);
    assert_eq!(settled.cache_write, 200);
    assert_eq!(counts(settled), [("input", 300), ("cache_write_1h", 200)]);
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
    fn each_token_is_in_exactly_one_bucket(usage in any_usage(), exclusive: bool, total: Option<u64>) {
        let counting = if exclusive { Counting::Exclusive } else { Counting::Inclusive };
        for usage in [usage, usage.reconcile(counting, total)] {
            let buckets = usage.buckets();
            prop_assert_eq!(buckets.sum(), usage.total());
            let input: u64 = Bucket::ALL[..6].iter().map(|bucket| buckets.get(*bucket)).sum();
            prop_assert_eq!(input, usage.input);
        }
    }

    #[test]
    fn settling_twice_changes_nothing(usage in any_usage(), exclusive: bool) {
        let counting = if exclusive { Counting::Exclusive } else { Counting::Inclusive };
        let settled = usage.reconcile(counting, None);
        prop_assert_eq!(settled.reconcile(Counting::Inclusive, Some(settled.total())), settled);
    }
}
