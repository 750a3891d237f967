//! Nothing but an honest proof file is accepted, and nothing makes the verifier panic.

use std::sync::LazyLock;

use enfold_state::field::{ONE, ORDER, from_canonical, reduce, to_u64};
use enfold_state::profile::ProfileId;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::recursion::toy::{FAMILY, HONEST, OTHER, opening};
use crate::statement::{BlockStatement, StatementField};
use crate::verify::{
    CircuitKey, HEADER_LEN, Header, VerifierKey, VerifyError, encode, read_header, verify_block,
};

static KEY: LazyLock<VerifierKey> = LazyLock::new(|| FAMILY.block.verifier_key(ProfileId::Test));
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| encode(ProfileId::Test, &HONEST.block));

/// Offset of public input `i` in the file: they are the last elements of the proof.
fn input_offset(i: usize) -> usize {
    FILE.len() - 8 * (BlockStatement::LEN - i)
}

fn limb(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn with_limb(at: usize, value: u64) -> Vec<u8> {
    let mut bytes = FILE.clone();
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    bytes
}

fn error(bytes: &[u8]) -> VerifyError {
    verify_block(&KEY, bytes).expect_err("accepted")
}

#[test]
fn an_honest_file_gives_its_statement() {
    let statement = verify_block(&KEY, &FILE).unwrap();
    assert_eq!(statement, opening(&HONEST.states).statement(ProfileId::Test));
    assert_eq!(FILE.len() as u64, KEY.file_len());
    let header = read_header(&FILE).unwrap();
    assert_eq!(header, Header { profile: ProfileId::Test, proof_len: KEY.proof_len() as u64 });
}

#[test]
fn every_public_input_plus_and_minus_one() {
    for i in 0..BlockStatement::LEN {
        let at = input_offset(i);
        let value = limb(&FILE, at);
        for changed in [reduce(value) + ONE, reduce(value) - ONE].map(to_u64) {
            let got = error(&with_limb(at, changed));
            let profile = i == StatementField::PROFILE.offset;
            match got {
                VerifyError::Invalid { .. } => {
                    assert!(i < StatementField::PROFILE.offset, "input {i}: {got}")
                }
                // Only profile and version have another number that is refused: the rest are in the middle of their ranges.
                VerifyError::Statement(_) => assert!(i >= StatementField::PROFILE.offset, "input {i}: {got}"),
                VerifyError::StatementProfile { .. } => assert!(profile, "input {i}: {got}"),
                _ => panic!("input {i}: {got}"),
            }
        }
    }
}

#[test]
fn flipped_bytes() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut bytes = FILE.clone();
    for _ in 0..2_000 {
        let at = rng.gen_range(0..bytes.len());
        let flip = rng.gen_range(1..=255u8);
        bytes[at] ^= flip;
        assert!(verify_block(&KEY, &bytes).is_err(), "byte {at} xor {flip:#04x}");
        bytes[at] ^= flip;
    }
    assert!(verify_block(&KEY, &bytes).is_ok());
}

#[test]
fn every_byte_of_the_header() {
    for at in 0..HEADER_LEN {
        for flip in [1, 2, 0x80, 0xff] {
            let mut bytes = FILE.clone();
            bytes[at] ^= flip;
            let got = error(&bytes);
            let expected = match at {
                0..8 => matches!(got, VerifyError::Magic { .. }),
                8..12 => matches!(got, VerifyError::Version { .. }),
                12..16 => matches!(got, VerifyError::UnknownProfile { .. } | VerifyError::Profile { .. }),
                _ => matches!(got, VerifyError::StatedLength { .. }),
            };
            assert!(expected, "byte {at}: {got}");
        }
    }
}

#[test]
fn every_length_but_the_right_one() {
    for len in 0..FILE.len() {
        let got = error(&FILE[..len]);
        match got {
            VerifyError::Header { got, .. } => assert!(got == len && len < HEADER_LEN),
            VerifyError::FileLength { got, .. } => assert!(got == len as u64 && len >= HEADER_LEN),
            _ => panic!("{len} bytes: {got}"),
        }
    }
    for extra in [1, 7, 8, 32, 4096] {
        let mut bytes = FILE.clone();
        bytes.resize(FILE.len() + extra, 0);
        assert!(matches!(error(&bytes), VerifyError::FileLength { .. }));
    }
}

#[test]
fn stated_lengths_that_no_proof_has() {
    let len = KEY.proof_len() as u64;
    // The last one is the right length once it is cut to 32 bits.
    for stated in [0, len - 1, len + 1, 10 << 30, u64::MAX, u64::MAX - HEADER_LEN as u64, len + (1 << 32)] {
        let got = error(&with_limb(16, stated));
        assert!(matches!(got, VerifyError::StatedLength { got, .. } if got == stated), "{got}");
    }
}

#[test]
fn limbs_that_are_not_canonical() {
    // x + p fits 64 bits for these: chain id, block number, time, counts, profile, version.
    for i in [0, 1, 2, 15, 16, 29, 30] {
        let at = input_offset(i);
        let value = limb(&FILE, at) + ORDER;
        let got = error(&with_limb(at, value));
        assert!(matches!(got, VerifyError::NotCanonical { got, .. } if got == value), "{got}");
    }
    // The same all over the proof, for elements that are given a small value first.
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut elements = 0;
    while elements < 500 {
        let at = HEADER_LEN + rng.gen_range(0..KEY.proof_len() - 8);
        let value = ORDER + rng.gen_range(0..u64::from(u32::MAX));
        let got = error(&with_limb(at, value));
        elements += usize::from(matches!(got, VerifyError::NotCanonical { .. }));
    }
}

#[test]
fn inner_lengths() {
    let count_at = input_offset(0) - 8;
    assert_eq!(limb(&FILE, count_at), BlockStatement::LEN as u64);
    for count in [0, 30, 32, 1 << 32, u64::MAX] {
        let got = error(&with_limb(count_at, count));
        assert!(matches!(got, VerifyError::InnerLength { expected: 31, got, .. } if got == count), "{got}");
    }
    // Two paths of a query swap a sibling: the total stays the same, and so does the file's length.
    let paths = KEY.circuit().layout().path_lengths();
    let mut bytes = FILE.clone();
    bytes[HEADER_LEN + paths[0]] -= 1;
    bytes[HEADER_LEN + paths[1]] += 1;
    assert!(matches!(error(&bytes), VerifyError::InnerLength { at, .. } if at == paths[0]));
    assert!(paths.iter().all(|&at| FILE[HEADER_LEN + at] < 32), "these are lengths of paths");
}

#[test]
fn another_key_or_profile() {
    let other = OTHER.block.verifier_key(ProfileId::Test);
    assert_eq!(other.proof_len(), KEY.proof_len());
    assert_ne!(other.digest(), KEY.digest());
    assert!(matches!(verify_block(&other, &FILE), Err(VerifyError::Invalid { .. })));

    let standard = FAMILY.block.verifier_key(ProfileId::Standard);
    assert!(matches!(verify_block(&standard, &FILE), Err(VerifyError::Profile { .. })));
    // The header is not part of the proof; relabelled, the statement still names its profile.
    let mut bytes = FILE.clone();
    bytes[12] = ProfileId::Standard as u8;
    assert!(matches!(verify_block(&standard, &bytes), Err(VerifyError::StatementProfile { .. })));
}

#[test]
fn nothing_and_noise() {
    assert!(matches!(error(&[]), VerifyError::Header { got: 0, .. }));
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..200 {
        let mut bytes = FILE[..HEADER_LEN].to_vec();
        bytes.extend((0..KEY.proof_len()).map(|_| rng.r#gen::<u8>()));
        error(&bytes);
        // Canonical noise gets as far as the proof's own checks.
        for limb in bytes[HEADER_LEN..].as_chunks_mut::<8>().0 {
            if from_canonical(u64::from_le_bytes(*limb)).is_none() {
                *limb = [0; 8];
            }
        }
        error(&bytes);
    }
    let mut zeros = FILE[..HEADER_LEN].to_vec();
    zeros.resize(FILE.len(), 0);
    error(&zeros);
}

#[test]
fn a_key_survives_storage_and_its_digest_binds_all_of_it() {
    let bytes = KEY.to_bytes();
    let read = VerifierKey::from_trusted(ProfileId::Test, &bytes);
    assert_eq!(read.to_bytes(), bytes);
    assert_eq!(read.digest(), KEY.digest());
    assert!(verify_block(&read, &FILE).is_ok());
    // Same commitments, fewer queries: another key.
    let mut data = FAMILY.block.data.verifier_data();
    data.common.config.fri_config.num_query_rounds -= 1;
    data.common.fri_params.config.num_query_rounds -= 1;
    let weaker = VerifierKey::new(ProfileId::Test, CircuitKey::new(data));
    assert_ne!(weaker.digest(), KEY.digest());
}
