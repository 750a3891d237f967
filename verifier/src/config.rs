//! The field, the hashes and the types of plonky2 that all circuits and proofs use.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::plonk::config::GenericConfig;

pub use crate::field::{D, F};
use crate::hash::Poseidon2Hash;

/// plonky2 over Goldilocks with Poseidon2 everywhere: Merkle trees, Fiat-Shamir and public inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnfoldConfig;

impl GenericConfig<D> for EnfoldConfig {
    type F = F;
    type FE = QuadraticExtension<F>;
    type Hasher = Poseidon2Hash;
    type InnerHasher = Poseidon2Hash;
}

/// A circuit builder.
pub type Builder = plonky2::plonk::circuit_builder::CircuitBuilder<F, D>;
/// A built circuit.
pub type CircuitData = plonky2::plonk::circuit_data::CircuitData<F, EnfoldConfig, D>;
/// What circuits of one shape have in common.
pub type CommonCircuitData = plonky2::plonk::circuit_data::CommonCircuitData<F, D>;
/// What a verifier needs of one circuit besides [`CommonCircuitData`].
pub type VerifierOnlyCircuitData = plonky2::plonk::circuit_data::VerifierOnlyCircuitData<EnfoldConfig, D>;
/// Both parts of a key: what depends on the circuit, and what all circuits of a shape share.
pub type VerifierCircuitData = plonky2::plonk::circuit_data::VerifierCircuitData<F, EnfoldConfig, D>;
/// A proof with its public inputs.
pub type Proof = plonky2::plonk::proof::ProofWithPublicInputs<F, EnfoldConfig, D>;
