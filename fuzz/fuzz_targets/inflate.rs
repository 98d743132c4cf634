//! `cargo fuzz run inflate`; see `brokle_fuzz::inflate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brokle_fuzz::inflate::run(bytes));
