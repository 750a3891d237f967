//! Circuit set-up with the engine's kernels.
//!
//! plonky2's builder gives a circuit together with the commitment to its constants, on which it spends most of the
//! time: it extends the polynomials and hashes one leaf after another. Here the builder is told to do neither. It
//! works for a blow-up of one and with a hash that hashes nothing, so what it leaves is the circuit and its
//! polynomials, and the kernels commit to them. Common data and key are those that plonky2 gives; tests compare
//! them.

use std::sync::Arc;

use enfold_circuits::backend::{Backend, Built, Prover, Stock};
use enfold_circuits::config::{Builder, CircuitData, CommonCircuitData, D, EnfoldConfig, F, Proof};
use enfold_circuits::hash::{Poseidon2Hash, Poseidon2Permutation};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitConfig, ProverOnlyCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, Hasher};
use plonky2::util::timing::TimingTree;

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
    fn build(&self, mut builder: Builder) -> Built {
        if builder.config.zero_knowledge {
            return Stock.build(builder);
        }
        let fri_config = builder.config.fri_config.clone();
        builder.config.fri_config = FriConfig {
            rate_bits: 0,
            cap_height: 0,
            reduction_strategy: FriReductionStrategy::Fixed(Vec::new()),
            ..fri_config.clone()
        };
        let bare = builder.build::<BareConfig>();
        let degree_bits = bare.common.degree_bits();
        let no_separator = circuit_digest(&MerkleCap(vec![HashOut::ZERO]), degree_bits);
        assert_eq!(bare.verifier_only.circuit_digest, no_separator, "circuits have no domain separator");

        let hiding = bare.common.config.zero_knowledge;
        let common = CommonCircuitData {
            fri_params: fri_config.fri_params(degree_bits, hiding),
            config: CircuitConfig { fri_config, ..bare.common.config },
            ..bare.common
        };
        let prepared = self.prepare(&common, &bare.prover_only);
        let prover = bare.prover_only;
        let (commitment, prepared) = match prepared {
            Ok(prepared) => {
                let tree = MerkleTree { leaves: Vec::new(), digests: Vec::new(), cap: prepared.cap() };
                let commitment = PolynomialBatch {
                    polynomials: prover.constants_sigmas_commitment.polynomials,
                    merkle_tree: tree,
                    degree_log: degree_bits,
                    rate_bits: common.config.fri_config.rate_bits,
                    blinding: false,
                };
                (commitment, Some(prepared))
            }
            // Circuits that the engine does not provide for are plonky2's to prove.
            Err(_) => (stock_commitment(prover.constants_sigmas_commitment.polynomials, &common), None),
        };
        let cap = commitment.merkle_tree.cap.clone();
        let circuit_digest = circuit_digest(&cap, degree_bits);
        let prover_only = ProverOnlyCircuitData {
            generators: prover.generators,
            generator_indices_by_watches: prover.generator_indices_by_watches,
            constants_sigmas_commitment: commitment,
            sigmas: prover.sigmas,
            subgroup: prover.subgroup,
            public_inputs: prover.public_inputs,
            representative_map: prover.representative_map,
            fft_root_table: None,
            circuit_digest,
            lookup_rows: prover.lookup_rows,
            lut_to_lookups: prover.lut_to_lookups,
        };
        let verifier_only = VerifierOnlyCircuitData { constants_sigmas_cap: cap, circuit_digest };
        let data = CircuitData { prover_only, verifier_only, common };
        match prepared {
            Some(prepared) => Built { data, prover: Box::new(KernelProver(prepared)) },
            None => Built { data, prover: Box::new(Stock) },
        }
    }
}

fn stock_commitment(
    polynomials: Vec<plonky2::field::polynomial::PolynomialCoeffs<F>>,
    common: &CommonCircuitData,
) -> PolynomialBatch<F, EnfoldConfig, D> {
    let fri = &common.config.fri_config;
    let mut timing = TimingTree::default();
    PolynomialBatch::from_coeffs(polynomials, fri.rate_bits, false, fri.cap_height, &mut timing, None)
}

/// Proves the statements of one circuit.
#[derive(Debug)]
struct KernelProver(Arc<Prepared>);

impl Prover for KernelProver {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        Ok(Engine::with(data, self.0.clone()).prove(inputs)?)
    }
}
