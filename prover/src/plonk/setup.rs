//! Circuit set-up with the engine's kernels.
//!
//! plonky2's builder gives a circuit together with the commitment to its constants, and spends most of its time on
//! hashing that commitment's leaves one after another. Here it works with a hash that hashes nothing in trees, and
//! what it leaves is hashed by the kernels. Common data and key are those that plonky2 gives; tests compare them.

use std::sync::Arc;

use enfold_circuits::backend::{Backend, Built, Prover, Stock};
use enfold_circuits::config::{Builder, CircuitData, D, F, Proof};
use enfold_circuits::hash::{Poseidon2Hash, Poseidon2Permutation};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{self, ProverOnlyCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, Hasher};

use super::prepared::Prepared;
use super::{Engine, Kernels};

/// plonky2 with trees that are not hashed. Circuits, whose hashes are the inner hasher's, are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BareConfig;

impl GenericConfig<D> for BareConfig {
    type F = F;
    type FE = QuadraticExtension<F>;
    type Hasher = Unhashed;
    type InnerHasher = Poseidon2Hash;
}

/// Gives every leaf and every node the digest zero. Only the circuit's digest is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unhashed;

impl Hasher<F> for Unhashed {
    const HASH_SIZE: usize = Poseidon2Hash::HASH_SIZE;
    type Hash = HashOut<F>;
    type Permutation = Poseidon2Permutation<F>;

    fn hash_no_pad(input: &[F]) -> HashOut<F> {
        Poseidon2Hash::hash_no_pad(input)
    }

    fn hash_or_noop(_inputs: &[F]) -> HashOut<F> {
        HashOut::ZERO
    }

    fn two_to_one(_left: HashOut<F>, _right: HashOut<F>) -> HashOut<F> {
        HashOut::ZERO
    }
}

/// A circuit's digest, as plonky2 computes it where no domain separator is set.
fn circuit_digest(cap: &MerkleCap<F, Poseidon2Hash>, degree_bits: usize) -> HashOut<F> {
    let mut parts = cap.flatten();
    parts.extend(Poseidon2Hash::hash_pad(&[]).elements);
    parts.push(F::from_canonical_usize(degree_bits));
    Poseidon2Hash::hash_no_pad(&parts)
}

impl Backend for Kernels {
    /// # Panics
    /// If the builder has a domain separator; enfold's circuits have none.
    fn build(&self, builder: Builder) -> Built {
        let circuit_data::CircuitData { prover_only: bare, verifier_only, common } =
            builder.build::<BareConfig>();
        let (degree_bits, fri) = (common.degree_bits(), &common.config.fri_config);
        let unhashed = MerkleCap(vec![HashOut::ZERO; 1 << fri.cap_height]);
        let without_separator = circuit_digest(&unhashed, degree_bits);
        assert_eq!(verifier_only.circuit_digest, without_separator, "circuits have no domain separator");

        // Circuits that the engine does not provide for are plonky2's to prove, with all that plonky2 needs.
        let prepared = self.prepare(&common, &bare).ok();
        let commitment = bare.constants_sigmas_commitment;
        let merkle_tree = match &prepared {
            Some(prepared) => MerkleTree { leaves: Vec::new(), digests: Vec::new(), cap: prepared.cap() },
            None => MerkleTree::new(commitment.merkle_tree.leaves, fri.cap_height),
        };
        let cap = merkle_tree.cap.clone();
        let circuit_digest = circuit_digest(&cap, degree_bits);
        let prover_only = ProverOnlyCircuitData {
            generators: bare.generators,
            generator_indices_by_watches: bare.generator_indices_by_watches,
            constants_sigmas_commitment: PolynomialBatch {
                polynomials: commitment.polynomials,
                merkle_tree,
                degree_log: commitment.degree_log,
                rate_bits: commitment.rate_bits,
                blinding: commitment.blinding,
            },
            sigmas: bare.sigmas,
            subgroup: bare.subgroup,
            public_inputs: bare.public_inputs,
            representative_map: bare.representative_map,
            fft_root_table: bare.fft_root_table,
            circuit_digest,
            lookup_rows: bare.lookup_rows,
            lut_to_lookups: bare.lut_to_lookups,
        };
        let verifier_only = VerifierOnlyCircuitData { constants_sigmas_cap: cap, circuit_digest };
        let data = CircuitData { prover_only, verifier_only, common };
        match prepared {
            Some(prepared) => Built { data, prover: Box::new(KernelProver(prepared)) },
            None => Built { data, prover: Box::new(Stock) },
        }
    }
}

/// Proves the statements of one circuit.
#[derive(Debug)]
struct KernelProver(Arc<Prepared>);

impl Prover for KernelProver {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        Ok(Engine::with(data, self.0.clone()).prove(inputs)?)
    }
}
