//! `cargo fuzz run sse`; see `brokle_fuzz::sse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brokle_fuzz::sse::run(bytes));
