//! Not a measurement but a search: every byte of the golden proof with each of two changes, one proof file
//! at a time. None may verify. `--test` tries one byte in a hundred.

use enfold_state::profile::ProfileId;
use enfold_verifier::verify::{VerifierKey, verify_block};
use rayon::prelude::*;

const GOLDEN: &[u8] = include_bytes!("../../fixtures/golden/test.proof");

/// The changes: the lowest bit, and all bits.
const FLIPS: [u8; 2] = [0x01, 0xff];

#[allow(clippy::print_stdout, reason = "a program that reports")]
fn main() {
    let key = VerifierKey::pinned(ProfileId::Test);
    verify_block(key, GOLDEN).expect("the golden proof verifies");
    let step = if std::env::args().any(|argument| argument == "--test") { 100 } else { 1 };
    let places: Vec<usize> = (0..GOLDEN.len()).step_by(step).collect();
    let accepted: Vec<usize> = places
        .par_iter()
        .copied()
        .filter(|&place| {
            FLIPS.iter().any(|flip| {
                let mut bytes = GOLDEN.to_vec();
                bytes[place] ^= flip;
                verify_block(key, &bytes).is_ok()
            })
        })
        .collect();
    assert!(accepted.is_empty(), "accepted with a change at {accepted:?}");
    println!("{} of {} bytes changed in {} ways: none accepted", places.len(), GOLDEN.len(), FLIPS.len());
}
