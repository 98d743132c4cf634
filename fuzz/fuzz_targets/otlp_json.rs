//! `cargo fuzz run otlp_json`; see `brokle_fuzz::otlp_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brokle_fuzz::otlp_json::run(bytes));
