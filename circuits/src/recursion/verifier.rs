//! Verifying a proof in a circuit.

use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::config::{Builder, CommonCircuitData, D, EnfoldConfig};

/// plonky2's recursive verifier. It counts as two requirements: that the proof verifies, and that it does so under
/// this key.
pub(crate) fn verify_proof(
    builder: &mut Builder,
    names: [&'static str; 2],
    proof: &ProofWithPublicInputsTarget<D>,
    key: &VerifierCircuitTarget,
    common: &CommonCircuitData,
) {
    #[cfg(feature = "removal")]
    let (proof, key) = &crate::removal::twins(builder, names, proof, key, common);
    let _ = names;
    builder.verify_proof::<EnfoldConfig>(proof, key, common);
}
