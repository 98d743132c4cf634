//! `cargo fuzz run filter`; see `brokle_fuzz::filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brokle_fuzz::filter::run(bytes));
