//! `cargo fuzz run otlp_protobuf`; see `brokle_fuzz::otlp_protobuf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brokle_fuzz::otlp_protobuf::run(bytes));
