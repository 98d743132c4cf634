//! The filter language. What it reads, it prints so that it reads the same again; what it refuses, it refuses
//! at a place that exists.

use brokle_query::filter::Filter;

/// Takes any bytes.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Filter::parse(&text) {
        Ok(filter) => {
            let printed = filter.to_string();
            assert_eq!(
                Filter::parse(&printed).as_ref(),
                Ok(&filter),
                "printed as `{printed}`"
            );
        }
        Err(error) => {
            assert!(error.span.start <= error.span.end);
            // What is missing at the end is missing at the character behind it.
            assert!(
                error.span.end <= text.chars().count() + 1,
                "{error} is behind the end"
            );
            assert!(!error.to_string().is_empty());
        }
    }
}
