//! An inner proof is taken in its place only, and nothing but its bytes.

use plonky2::field::types::Field;

use crate::config::{CircuitData, F};
use crate::public_inputs::BatchPublicInputs;
use crate::recursion::toy::{FAMILY, HONEST, OTHER, step};
use crate::verify::{CircuitKey, VerifyError, verify_inner};

fn key(circuit: &CircuitData) -> CircuitKey {
    CircuitKey::new(circuit.verifier_data())
}

/// The honest lift proof over batches 0 to 2, what it says, and its bytes.
fn lift() -> (BatchPublicInputs, Vec<u8>) {
    let (first, last) = (step(&HONEST.states, 0), step(&HONEST.states, 2));
    let says = BatchPublicInputs { set: FAMILY.fold.set(), after: last.after, ..first };
    (says, HONEST.lifts[0].to_bytes())
}

#[test]
fn an_honest_proof_is_taken_in_its_place_only() {
    let (says, bytes) = lift();
    let circuit = key(&FAMILY.lift.data);
    assert_eq!(bytes.len(), circuit.proof_len());
    assert_eq!(verify_inner(&circuit, &says, &bytes).unwrap(), HONEST.lifts[0]);
    for other in [
        BatchPublicInputs { set: says.ctx, ..says },
        BatchPublicInputs { ctx: says.set, ..says },
        BatchPublicInputs { before: says.after, ..says },
        BatchPublicInputs { after: says.before, ..says },
    ] {
        assert!(matches!(verify_inner(&circuit, &other, &bytes), Err(VerifyError::Place)));
    }
    // The same bytes under another circuit's key.
    for foreign in [&OTHER.lift.data, &FAMILY.fold.data] {
        assert!(matches!(verify_inner(&key(foreign), &says, &bytes), Err(VerifyError::Invalid { .. })));
    }
}

#[test]
fn damaged_bytes_are_errors() {
    let (says, good) = lift();
    let key = key(&FAMILY.lift.data);
    let refused = |bytes: &[u8]| verify_inner(&key, &says, bytes).expect_err("accepted");
    for len in [0, 1, 8, good.len() - 1] {
        assert!(matches!(refused(&good[..len]), VerifyError::FileLength { .. }));
    }
    assert!(matches!(refused(&[&good[..], &[0]].concat()), VerifyError::FileLength { .. }));
    for part in 0..200 {
        let mut bytes = good.clone();
        bytes[part * good.len() / 200] ^= 1 << (part % 8);
        refused(&bytes);
    }
    let mut bytes = good.clone();
    let last = bytes.len() - 8 * BatchPublicInputs::LEN;
    bytes[last..last + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(refused(&bytes), VerifyError::NotCanonical { .. }));
    // A claim that nobody proved, in an encoding that is its own.
    let mut proof = HONEST.lifts[0].clone();
    proof.public_inputs[4] += F::ONE;
    assert!(matches!(refused(&proof.to_bytes()), VerifyError::Place));
    refused(&vec![0; good.len()]);
}
