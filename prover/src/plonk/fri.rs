//! The proof that all openings are right: one combined polynomial, folded and committed layer by layer.

use enfold_circuits::config::{D, F};
use enfold_circuits::hash::Poseidon2Hash;
use p3_dft::TwoAdicSubgroupDft;
use p3_field::{PackedValue, PrimeCharacteristicRing};
use p3_matrix::dense::RowMajorMatrix;
use plonky2::field::extension::FieldExtension;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::FriParams;
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use rayon::prelude::*;

use super::commit::{Commitment, stride};
use super::domain::{DFT, Domain, evaluate_extension, reverse_rows};
use super::field::{E, G, P, from_kernel, lanes_sum, powers, to_kernel};
use super::merkle::Tree;
use super::openings::Opening;
use super::phases::{Clock, ProofPhase};
use super::transcript::Transcript;

/// Rows of a task.
const TASK: usize = 1 << 9;

/// What is proven: polynomials, and their values at the two points.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) domain: &'a Domain,
    pub(super) params: &'a FriParams,
    /// Constants and sigmas, wires, permutation, quotient.
    pub(super) oracles: [&'a Commitment; 4],
    /// The opening point of all, and their values there.
    pub(super) here: (&'a Opening, Vec<E>),
    /// The opening point of the permutation oracle's first polynomials, and their values there.
    pub(super) next: (&'a Opening, Vec<E>),
}

/// A committed layer.
struct Layer {
    values: Vec<G>,
    arity_bits: usize,
    tree: Tree,
}

impl Claim<'_> {
    /// Proves the claim.
    pub(super) fn prove(
        &self,
        transcript: &mut Transcript,
        clock: &mut Clock,
    ) -> FriProof<F, Poseidon2Hash, D> {
        let alpha = transcript.extension_challenge();
        let mut coefficients = self.interpolate(&self.combine(alpha));
        let rate_bits = self.params.config.rate_bits;
        let mut shift = F::coset_shift();
        let mut layers = Vec::with_capacity(self.params.reduction_arity_bits.len());
        for &arity_bits in &self.params.reduction_arity_bits {
            let values = evaluate_extension(&coefficients, shift, rate_bits);
            let width = 2 << arity_bits;
            let tree = Tree::new(&values, width, width, self.params.config.cap_height, |leaf| leaf);
            transcript.observe_cap(&tree.cap());
            layers.push(Layer { values, arity_bits, tree });
            let beta = transcript.extension_challenge();
            coefficients = fold(&coefficients, beta, arity_bits);
            shift = shift.exp_power_of_2(arity_bits);
        }
        transcript.observe_extensions(&coefficients);
        clock.end(ProofPhase::Fri);
        let pow_witness = transcript.grind(self.params.config.proof_of_work_bits);
        clock.end(ProofPhase::Grinding);
        let indices = transcript.challenges(self.params.config.num_query_rounds);
        let lde_mask = self.params.lde_size() as u64 - 1;
        let query_round_proofs = indices
            .iter()
            .map(|index| self.query((index.to_canonical_u64() & lde_mask) as usize, &layers))
            .collect();
        let proof = FriProof {
            commit_phase_merkle_caps: layers.iter().map(|layer| layer.tree.cap()).collect(),
            query_round_proofs,
            final_poly: PolynomialCoeffs::new(coefficients),
            pow_witness,
        };
        clock.end(ProofPhase::Queries);
        proof
    }

    /// The combined polynomial on the first block: with `F` and `F'` the sums of the polynomials opened at
    /// `z` and `z'`, weighted by powers of alpha, and `c` the number of the latter,
    /// `alpha^c (F(X) - F(z)) / (X - z) + (F'(X) - F'(z')) / (X - z')`.
    fn combine(&self, alpha: E) -> Vec<[G; 2]> {
        let total: usize = self.oracles.iter().map(|oracle| oracle.width()).sum();
        let alphas = powers(E::ONE, alpha, total);
        let reduce = |values: &[E]| -> E { values.iter().zip(&alphas).map(|(&v, &a)| v * a).sum() };
        let (here, next) = (reduce(&self.here.1), reduce(&self.next.1));
        let next_count = self.next.1.len();
        let shift = alpha.exp_u64(next_count as u64);
        let mut start = 0;
        let weights = self.oracles.map(|oracle| {
            let weights = Weights::new(&alphas[start..start + oracle.width()]);
            start += oracle.width();
            weights
        });
        let next_weights = Weights::new(&alphas[..next_count]);
        let rows: Vec<usize> = (0..self.domain.rows()).collect();
        rows.par_chunks(TASK)
            .flat_map_iter(|rows| {
                rows.iter()
                    .map(|&r| {
                        let mut sum = E::ZERO;
                        let mut next_sum = E::ZERO;
                        for (i, oracle) in self.oracles.iter().enumerate() {
                            let row = P::pack_slice(oracle.row(r));
                            sum += weights[i].apply(row);
                            if i == 2 {
                                next_sum = next_weights.apply(row);
                            }
                        }
                        // The inverses are of `z - x`: the signs of both factors change.
                        let value = shift * (here - sum) * self.here.0.inverses[r]
                            + (next - next_sum) * self.next.0.inverses[r];
                        value.0.map(to_kernel)
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The coefficients of a polynomial given on the first block, `g H`.
    fn interpolate(&self, values: &[[G; 2]]) -> Vec<E> {
        let values = reverse_rows(values);
        let matrix = RowMajorMatrix::new(values.into_flattened(), 2);
        let scaled = DFT.idft_batch(matrix).values;
        let inverse_shift = F::coset_shift().inverse();
        scaled
            .as_chunks::<2>()
            .0
            .par_chunks(TASK)
            .enumerate()
            .flat_map_iter(|(task, rows)| {
                let mut scale = inverse_shift.exp_u64((task * TASK) as u64);
                rows.iter().map(move |row| {
                    let element =
                        <E as FieldExtension<D>>::from_basefield_array(row.map(|c| from_kernel(c) * scale));
                    scale *= inverse_shift;
                    element
                })
            })
            .collect()
    }

    fn query(&self, mut index: usize, layers: &[Layer]) -> FriQueryRound<F, Poseidon2Hash, D> {
        let evals_proofs = self.oracles.iter().map(|oracle| oracle.open(index)).collect();
        let steps = layers.iter().map(|layer| {
            index >>= layer.arity_bits;
            let width = 2 << layer.arity_bits;
            let evals = layer.values[index * width..(index + 1) * width].as_chunks::<2>().0;
            let evals = evals.iter().map(|pair| E::from_basefield_array(pair.map(from_kernel))).collect();
            FriQueryStep { evals, merkle_proof: layer.tree.prove(index) }
        });
        FriQueryRound { steps: steps.collect(), initial_trees_proof: FriInitialTreeProof { evals_proofs } }
    }
}

/// Weights of a row's elements, as two lists of base field elements, padded with zeros.
struct Weights([Vec<P>; 2]);

impl Weights {
    fn new(weights: &[E]) -> Self {
        Self(std::array::from_fn(|i| {
            let mut elements: Vec<G> = weights.iter().map(|weight| to_kernel(weight.0[i])).collect();
            elements.resize(stride(elements.len()), G::ZERO);
            P::pack_slice(&elements).to_vec()
        }))
    }

    #[inline(always)]
    fn apply(&self, row: &[P]) -> E {
        let dot = |weights: &[P]| {
            let mut sum = P::ZERO;
            for (&value, &weight) in row.iter().zip(weights) {
                sum += value * weight;
            }
            from_kernel(lanes_sum(sum))
        };
        E::from_basefield_array([dot(&self.0[0]), dot(&self.0[1])])
    }
}

/// `sum of beta^i P_i` where `P(X) = sum of X^i P_i(X^arity)`.
fn fold(coefficients: &[E], beta: E, arity_bits: usize) -> Vec<E> {
    coefficients
        .par_chunks_exact(1 << arity_bits)
        .with_min_len(TASK)
        .map(|chunk| chunk.iter().rev().fold(E::ZERO, |sum, &coefficient| sum * beta + coefficient))
        .collect()
}
