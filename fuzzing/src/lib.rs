//! Fuzz targets: everything that is read from a file, as plain functions.
//!
//! A [`Target`] takes any bytes and panics where a property fails, so it serves cargo-fuzz (`fuzz/`) and a bounded test on
//! stable (`tests/bounded.rs`, which mutates the target's own seeds). Properties, besides that nothing panics:
//!
//! - what is accepted has one encoding: encoding it gives the same bytes (binary), or a text that reads back to the
//!   same value and encodes to itself (JSON);
//! - a proof, receipt or data file that is accepted is the seed's own;
//! - an error is one line, of a length that the input has no say in ([`MAX_ERROR`]);
//! - memory: at most [`memory_bound`] above what was in use. This one only the bounded test checks.

mod files;
pub mod mutate;
mod proofs;
mod records;
mod world;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Longest error message, in bytes.
pub const MAX_ERROR: usize = 1024;

/// Bytes that reading an input of `len` bytes may take at its worst moment. serde reserves up to 1 MiB for a list,
/// whatever length it claims to have, and records have lists in lists.
pub const fn memory_bound(len: usize) -> usize {
    (4 << 20) + 64 * len
}

/// Something that reads a file.
#[derive(Clone, Copy)]
pub struct Target {
    /// Name, as of the target in `fuzz/`.
    pub name: &'static str,
    /// Valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads an input and checks the properties.
    pub run: fn(&[u8]),
    /// Runs of the bounded test.
    pub runs: u32,
    /// Bytes of memory that a run may take whatever the input is, beyond [`memory_bound`].
    pub extra_memory: usize,
}

/// All targets.
pub const TARGETS: [Target; 14] = [
    Target {
        name: "genesis",
        seeds: records::genesis_seeds,
        run: records::genesis,
        runs: 3000,
        extra_memory: 0,
    },
    Target { name: "block", seeds: records::block_seeds, run: records::block, runs: 3000, extra_memory: 0 },
    Target {
        name: "transaction",
        seeds: records::transaction_seeds,
        run: records::transaction,
        runs: 3000,
        extra_memory: 0,
    },
    Target { name: "data", seeds: records::data_seeds, run: records::data, runs: 3000, extra_memory: 0 },
    Target {
        name: "receipt",
        seeds: records::receipt_seeds,
        run: records::receipt,
        runs: 3000,
        extra_memory: 0,
    },
    Target {
        name: "account_proof",
        seeds: records::account_proof_seeds,
        run: records::account_proof,
        runs: 3000,
        extra_memory: 0,
    },
    Target {
        name: "contract_proof",
        seeds: records::contract_proof_seeds,
        run: records::contract_proof,
        runs: 3000,
        extra_memory: 0,
    },
    Target {
        name: "journal",
        seeds: records::journal_seeds,
        run: records::journal,
        runs: 3000,
        extra_memory: 0,
    },
    Target {
        name: "proof",
        seeds: proofs::proof_seeds,
        run: proofs::proof,
        runs: 1000,
        extra_memory: 1 << 20,
    },
    Target {
        name: "statement",
        seeds: proofs::statement_seeds,
        run: proofs::statement,
        runs: 3000,
        extra_memory: 0,
    },
    Target {
        name: "kept_proof",
        seeds: proofs::kept_seeds,
        run: proofs::kept,
        runs: 500,
        extra_memory: 1 << 20,
    },
    Target {
        name: "circuit_cache",
        seeds: files::cache_seeds,
        run: files::cache,
        runs: 100,
        extra_memory: 64 << 20,
    },
    Target {
        name: "calibration",
        seeds: files::calibration_seeds,
        run: files::calibration,
        runs: 2000,
        extra_memory: 0,
    },
    Target { name: "key", seeds: files::key_seeds, run: files::key, runs: 2000, extra_memory: 0 },
];

/// The target with this name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|target| target.name == name).expect("a target's name")
}

/// Runs a reader on valid inputs and on as many mutations of them: for what is inside of a program, which a [`Target`]
/// cannot reach.
///
/// # Panics
/// If `run` does.
pub fn bounded(seeds: &[&[u8]], runs: u32, mut run: impl FnMut(&[u8])) {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    seeds.iter().for_each(|seed| run(seed));
    for _ in 0..runs {
        let [base, other] = [0, 1].map(|_| seeds[rng.gen_range(0..seeds.len())]);
        run(&mutate::mutate(&mut rng, base, other));
    }
}

/// Checks an error's message.
///
/// # Panics
/// If it is longer than [`MAX_ERROR`] or not one line.
pub fn check_error(error: &dyn std::error::Error) {
    let message = error.to_string();
    assert!(message.len() <= MAX_ERROR, "an error of {} bytes: {message}", message.len());
    assert!(!message.chars().any(char::is_control), "a control character in an error: {message:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// cargo-fuzz has a target for each, and no other.
    #[test]
    fn fuzz_has_all_targets() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for target in TARGETS {
            let name = target.name;
            let text = std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
            assert!(text.contains(&format!("target(\"{name}\")")), "{name}");
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.join("fuzz_targets")).unwrap().count(), TARGETS.len());
    }

    #[test]
    #[should_panic(expected = "a control character")]
    fn errors_of_two_lines_are_found() {
        check_error(&std::io::Error::other("two\nlines"));
    }

    #[test]
    #[should_panic(expected = "an error of")]
    fn long_errors_are_found() {
        check_error(&std::io::Error::other("x".repeat(MAX_ERROR + 1)));
    }
}
