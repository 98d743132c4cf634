//! Every kept input, and changed copies of it, through every target: none panics, and none holds more memory
//! than its target allows.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use brokle_fuzz::mutate::{Chance, mutate};
use brokle_fuzz::{TARGETS, Target};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Changed copies for each target, shared out among its inputs.
const COPIES: usize = 4_000;
/// All kept inputs together.
const CORPUS_BYTES_MAX: usize = 1 << 20;

fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    let files = std::fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let mut inputs: Vec<_> = files
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                std::fs::read(file.path()).unwrap(),
            )
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} has no kept input", folder.display());
    inputs
}

fn run(target: &Target, name: &str, input: &[u8]) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let outcome = std::panic::catch_unwind(|| (target.run)(input));
    let taken = MEMORY.peak_usage().saturating_sub(before);
    assert!(
        outcome.is_ok(),
        "{}: {name} is a finding: {}",
        target.name,
        input.escape_ascii()
    );
    let allowed = target.memory_bytes + target.memory_per_byte * input.len();
    assert!(
        taken <= allowed,
        "{}: {name} took {taken} bytes, {allowed} are allowed",
        target.name
    );
}

/// The allocator counts for the whole process, so only one target runs at a time.
fn run_all(name: &str) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = kept(target);
    // What is made once for all stays.
    (target.run)(&inputs[0].1);
    for (number, (name, input)) in inputs.iter().enumerate() {
        run(target, name, input);
        let other = &inputs[(number + 1) % inputs.len()].1;
        let mut chance = Chance::new(number as u64);
        for copy in 0..COPIES / inputs.len() {
            run(
                target,
                &format!("copy {copy} of {name}"),
                &mutate(input, other, &mut chance),
            );
        }
    }
}

#[test]
fn no_protobuf_is_read_otherwise_than_by_the_generated_types() {
    run_all("otlp_protobuf");
}

#[test]
fn no_json_becomes_another_message_than_it_is() {
    run_all("otlp_json");
}

#[test]
fn no_damage_makes_the_log_invent_or_repeat_a_request() {
    run_all("wal_damage");
}

#[test]
fn no_cut_changes_the_frames_of_a_stream() {
    run_all("sse");
}

#[test]
fn no_filter_is_printed_as_another() {
    run_all("filter");
}

#[test]
fn no_compressed_body_grows_beyond_its_limit() {
    run_all("inflate");
}

#[test]
fn the_corpus_stays_small_and_has_no_folder_without_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut folders: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut names = TARGETS.map(|target| target.name);
    names.sort_unstable();
    assert_eq!(folders, names);
    let bytes: usize = TARGETS.iter().flat_map(kept).map(|(_, input)| input.len()).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes");
}
