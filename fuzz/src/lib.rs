//! Everything in Brokle that reads bytes of strangers, as functions that take any bytes: they may refuse them,
//! but never panic, never take memory out of proportion and, where there is a second opinion, never read
//! something else than it does. [`TARGETS`] lists them.
//!
//! `cargo fuzz` looks for new inputs (`README.md`); `tests/corpus.rs` runs the kept ones, and changed copies of
//! them, with the ordinary toolchain and in every test run.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target reports what it finds by a panic"
)]

pub mod filter;
pub mod inflate;
mod memory_disk;
pub mod mutate;
pub mod otlp_json;
pub mod otlp_protobuf;
#[path = "../../ingest/tests/it/otlp/rebuild.rs"]
mod rebuild;
pub mod sse;
pub mod wal_damage;

/// One function that takes any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, as of the program in `fuzz_targets` and of the folder in `corpus`.
    pub name: &'static str,
    /// Takes the bytes; a panic is a finding.
    pub run: fn(&[u8]),
    /// The most memory that it may hold at once, whatever the bytes...
    pub memory_bytes: usize,
    /// ...and for each of them.
    pub memory_per_byte: usize,
}

const MIB: usize = 1 << 20;

/// All of them.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "otlp_protobuf",
        run: otlp_protobuf::run,
        memory_bytes: 4 * MIB,
        memory_per_byte: 512,
    },
    Target {
        name: "otlp_json",
        run: otlp_json::run,
        // What was read goes on to the target above.
        memory_bytes: 4 * MIB,
        memory_per_byte: 512,
    },
    Target {
        name: "wal_damage",
        run: wal_damage::run,
        memory_bytes: 24 * MIB,
        memory_per_byte: 64,
    },
    Target {
        name: "sse",
        run: sse::run,
        memory_bytes: MIB,
        memory_per_byte: 64,
    },
    Target {
        name: "filter",
        run: filter::run,
        memory_bytes: MIB,
        memory_per_byte: 64,
    },
    Target {
        name: "inflate",
        run: inflate::run,
        // Twice what a body may inflate to, for the second opinion too, and zstd's window.
        memory_bytes: 4 * inflate::BODY_BYTES_MAX + 20 * MIB,
        memory_per_byte: 4,
    },
];
