//! Batch, lift and fold proofs by themselves, as a prover keeps them between runs.
//!
//! Nobody but the prover of a block ever reads one. It is taken with no more trust than a block proof: in its one
//! encoding, verified under the circuit's own key, and with exactly the public inputs that its place has.

use super::layout::Layout;
use super::{VerifyError, read_canonical};
use crate::config::{CircuitData, CommonCircuitData, Proof};
use crate::public_inputs::BatchPublicInputs;

/// Length in bytes of every proof of a circuit that has `common` data.
pub fn inner_proof_len(circuit: &CircuitData) -> usize {
    proof_len(&circuit.common)
}

/// Length in bytes of every proof of circuits with these common data.
pub(crate) fn proof_len(common: &CommonCircuitData) -> usize {
    Layout::of(common).len()
}

/// Reads a batch, lift or fold proof and verifies that it says `expected`.
///
/// # Errors
/// If the bytes are not such a proof in its one form, say something else, or do not hold.
pub fn verify_inner(
    circuit: &CircuitData,
    expected: &BatchPublicInputs,
    bytes: &[u8],
) -> Result<Proof, VerifyError> {
    let layout = Layout::of(&circuit.common);
    let (expected_len, got) = (layout.len() as u64, bytes.len() as u64);
    if got != expected_len {
        return Err(VerifyError::FileLength { expected: expected_len, got });
    }
    let proof = read_canonical(&layout, &circuit.common, bytes)?;
    if proof.public_inputs != expected.elements() {
        return Err(VerifyError::Place);
    }
    // The circuit's verifier takes the proof away.
    circuit.verify(proof.clone()).map_err(|source| VerifyError::Invalid { source })?;
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;

    use super::*;
    use crate::config::F;
    use crate::recursion::toy::{FAMILY, HONEST, OTHER, step};

    /// The honest lift proof over batches 0 to 2, what it says, and its bytes.
    fn lift() -> (BatchPublicInputs, Vec<u8>) {
        let (first, last) = (step(&HONEST.states, 0), step(&HONEST.states, 2));
        let says = BatchPublicInputs { set: FAMILY.fold.set(), after: last.after, ..first };
        (says, HONEST.lifts[0].to_bytes())
    }

    #[test]
    fn an_honest_proof_is_taken_in_its_place_only() {
        let (says, bytes) = lift();
        let circuit = &FAMILY.lift.data;
        assert_eq!(bytes.len(), inner_proof_len(circuit));
        assert_eq!(verify_inner(circuit, &says, &bytes).unwrap(), HONEST.lifts[0]);
        for other in [
            BatchPublicInputs { set: says.ctx, ..says },
            BatchPublicInputs { ctx: says.set, ..says },
            BatchPublicInputs { before: says.after, ..says },
            BatchPublicInputs { after: says.before, ..says },
        ] {
            assert!(matches!(verify_inner(circuit, &other, &bytes), Err(VerifyError::Place)));
        }
        // The same bytes under another circuit's key.
        for foreign in [&OTHER.lift.data, &FAMILY.fold.data] {
            assert!(matches!(verify_inner(foreign, &says, &bytes), Err(VerifyError::Invalid { .. })));
        }
    }

    #[test]
    fn damaged_bytes_are_errors() {
        let (says, good) = lift();
        let refused = |bytes: &[u8]| verify_inner(&FAMILY.lift.data, &says, bytes).expect_err("accepted");
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
}
