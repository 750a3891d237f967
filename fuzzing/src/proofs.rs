//! Proofs: a block's, and those that a prover keeps of its own; and a block's statement in JSON.

use std::sync::LazyLock;

use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_prover::plonk::Kernels;
use enfold_state::codec::Malformed;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{InnerCircuit, InnerKeys, VerifierKey, verify_block, verify_inner};

use crate::check_error;
use crate::world::{CHAIN, GOLDEN, GOLDEN_STATEMENT};

pub fn proof_seeds() -> Vec<Vec<u8>> {
    vec![GOLDEN.to_vec()]
}

/// A block proof is verified under all profiles: nothing but the golden proof holds.
pub fn proof(bytes: &[u8]) {
    for id in ProfileId::ALL {
        match verify_block(VerifierKey::pinned(id), bytes) {
            Ok(statement) => assert!(bytes == GOLDEN && statement == *GOLDEN_STATEMENT, "a forged proof"),
            Err(error) => check_error(&error),
        }
    }
}

pub fn statement_seeds() -> Vec<Vec<u8>> {
    vec![serde_json::to_vec_pretty(&*GOLDEN_STATEMENT).expect("a statement has a JSON form")]
}

/// A statement is read from JSON.
pub fn statement(bytes: &[u8]) {
    match serde_json::from_slice::<BlockStatement>(bytes) {
        Ok(statement) => {
            let again = serde_json::to_vec(&statement).expect("a statement has a JSON form");
            assert_eq!(serde_json::from_slice::<BlockStatement>(&again).expect("its own form"), statement);
        }
        Err(error) => check_error(&Malformed::new(error)),
    }
}

/// The circuits of the profile `test`, and a proof of the chain's first batch.
struct Kept {
    batch: BatchId,
    says: BatchPublicInputs,
    bytes: Vec<u8>,
}

static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let circuits = CircuitSet::build_with(Kernels::default(), ProfileId::Test).expect("the circuits fit");
    let witness = &CHAIN.prepared.witness.batches[0];
    let proof = circuits.prove_batch(witness).expect("the witness is right");
    let says = BatchPublicInputs::from_elements(&proof.public_inputs).expect("a batch proof's");
    Kept { batch: witness.batch, says, bytes: proof.to_bytes() }
});

pub fn kept_seeds() -> Vec<Vec<u8>> {
    vec![KEPT.bytes.clone()]
}

/// A kept proof is taken up only if it is the one that was kept.
pub fn kept(bytes: &[u8]) {
    let Kept { batch, says, bytes: seed } = &*KEPT;
    let key = InnerKeys::pinned(ProfileId::Test).of(InnerCircuit::Batch(*batch));
    match verify_inner(key, says, bytes) {
        Ok(_) => assert_eq!(bytes, seed, "a forged proof"),
        Err(error) => check_error(&error),
    }
}
