//! Circuits without the commitment to their constants.
//!
//! plonky2's builder gives a circuit together with that commitment, and spends most of its time on hashing its leaves
//! one after another, at a rate that must not be above the quotient's. Here it works with a hash that hashes nothing
//! in trees, at a rate that it can work with; what it leaves is put in order for the rate that is wanted, and
//! committed to by others.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};
use plonky2::plonk::circuit_data::{self, ProverOnlyCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, Hasher};

use crate::config::{Builder, CircuitData, CommonCircuitData, D, EnfoldConfig, F};
use crate::hash::{Poseidon2Hash, Poseidon2Permutation};

/// plonky2 with trees that are not hashed. Circuits, whose hashes are the inner hasher's, are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BareConfig;

impl GenericConfig<D> for BareConfig {
    type F = F;
    type FE = QuadraticExtension<F>;
    type Hasher = Unhashed;
    type InnerHasher = Poseidon2Hash;
}

/// Gives every leaf and every node the digest zero. Only the circuit's digest is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unhashed;

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

/// plonky2's data for the prover, with a tree that is not hashed.
pub type BareProverData = ProverOnlyCircuitData<F, BareConfig, D>;

/// A circuit without the commitment to its constants.
#[derive(Debug)]
pub struct Bare {
    /// What the verifier knows of every circuit of this shape.
    pub common: CommonCircuitData,
    /// What the prover knows. The leaves are those of the circuit's rate, the digests zeros.
    pub prover: BareProverData,
}

impl Bare {
    /// Builds a circuit, at whatever rate.
    ///
    /// # Panics
    /// If the builder has a domain separator, or if FRI's foldings do not fit the circuit's rate and degree.
    pub fn build(mut builder: Builder) -> Self {
        let wanted = builder.config.clone();
        let quotient_bits = wanted.max_quotient_degree_factor.next_power_of_two().ilog2() as usize;
        let rate_bits = &mut builder.config.fri_config.rate_bits;
        *rate_bits = quotient_bits.max(*rate_bits);
        let circuit_data::CircuitData { prover_only: mut prover, verifier_only, mut common } =
            builder.build::<BareConfig>();
        let (degree_bits, fri) = (common.degree_bits(), &wanted.fri_config);
        let unhashed = MerkleCap(vec![HashOut::ZERO; 1 << fri.cap_height]);
        let without_separator = circuit_digest(&unhashed, degree_bits);
        assert_eq!(verifier_only.circuit_digest, without_separator, "circuits have no domain separator");

        common.fri_params = fri.fri_params(degree_bits, wanted.zero_knowledge);
        assert!(
            common.fri_params.total_arities() + fri.cap_height <= degree_bits + fri.rate_bits,
            "FRI folds below its caps"
        );
        // In the order of leaves, bit-reversed, the points of a higher rate come first.
        let commitment = &mut prover.constants_sigmas_commitment;
        commitment.merkle_tree.leaves.truncate(1 << (degree_bits + fri.rate_bits));
        commitment.rate_bits = fri.rate_bits;
        common.config = wanted;
        Self { common, prover }
    }

    /// The circuit with plonky2's own tree.
    pub fn hashed(mut self) -> CircuitData {
        let leaves = std::mem::take(&mut self.prover.constants_sigmas_commitment.merkle_tree.leaves);
        let cap_height = self.common.config.fri_config.cap_height;
        self.with_tree(MerkleTree::new(leaves, cap_height))
    }

    /// The circuit with this tree over its constants.
    pub fn with_tree(self, merkle_tree: MerkleTree<F, Poseidon2Hash>) -> CircuitData {
        let Self { common, prover: bare } = self;
        let cap = merkle_tree.cap.clone();
        let circuit_digest = circuit_digest(&cap, common.degree_bits());
        let commitment = bare.constants_sigmas_commitment;
        let prover_only = ProverOnlyCircuitData::<F, EnfoldConfig, D> {
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
        CircuitData { prover_only, verifier_only, common }
    }
}
