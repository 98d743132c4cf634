//! `cargo fuzz run wal_damage`; see `brokle_fuzz::wal_damage`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brokle_fuzz::wal_damage::run(bytes));
