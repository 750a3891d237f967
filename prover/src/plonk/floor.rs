//! The least time that a proof can take: its permutations, butterflies and multiplications, each at the pace of
//! the bare kernel.

use std::hint::black_box;
use std::time::Instant;

use enfold_state::hash::permutation::{PackedState, permute_packed};
use enfold_state::hash::{DIGEST_LEN, RATE};
use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;

use super::Engine;
use super::field::{G, LANES, P};

/// Times that a kernel is timed; the best one counts.
const TRIES: usize = 5;
/// Packed operations of a task.
const OPERATIONS: usize = 1 << 12;
/// Packed values that multiplications and butterflies work on; they fit the innermost cache.
const VALUES: usize = 64;

/// What a proof computes at the least. Witness, openings of paths and all movement of data are left out, and so
/// are the multiplications of gates that plonky2 evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Poseidon2 permutations.
    pub permutations: u64,
    /// Butterflies of transforms: a multiplication, a sum and a difference.
    pub butterflies: u64,
    /// Other multiplications: the quotient, openings and the combined polynomial.
    pub multiplications: u64,
}

/// Seconds that [`Work`] takes at the bare kernels' pace on all threads of the pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Of all permutations.
    pub permutations: f64,
    /// Of all butterflies.
    pub butterflies: f64,
    /// Of all multiplications.
    pub multiplications: f64,
}

impl Floor {
    /// The sum.
    pub fn total(&self) -> f64 {
        self.permutations + self.butterflies + self.multiplications
    }
}

impl Work {
    /// Times the kernels.
    pub fn floor(&self) -> Floor {
        let permute = || {
            let mut state = PackedState(std::array::from_fn(|i| P::from(G::from_usize(i))));
            (0..OPERATIONS / 16).for_each(|_| permute_packed(&mut state));
            let _ = black_box(state);
            OPERATIONS / 16
        };
        let multiply = || {
            let factor = P::from(black_box(G::from_u64(0x1234_5678_9abc_def1)));
            let mut values = [P::from(black_box(G::from_u64(3))); VALUES];
            for _ in 0..OPERATIONS / VALUES {
                values.iter_mut().for_each(|value| *value *= factor);
                black_box(&mut values);
            }
            OPERATIONS
        };
        let butterfly = || {
            let twiddle = P::from(black_box(G::from_u64(0x1234_5678_9abc_def1)));
            let mut low = [P::from(black_box(G::from_u64(3))); VALUES];
            let mut high = low;
            for _ in 0..OPERATIONS / VALUES {
                for (low, high) in low.iter_mut().zip(&mut high) {
                    let product = *high * twiddle;
                    (*low, *high) = (*low + product, *low - product);
                }
                black_box((&mut low, &mut high));
            }
            OPERATIONS
        };
        Floor {
            permutations: self.permutations as f64 / pace(permute),
            butterflies: self.butterflies as f64 / pace(butterfly),
            multiplications: self.multiplications as f64 / pace(multiply),
        }
    }
}

/// Operations a second on all threads. A task gives its number of packed operations.
fn pace(task: impl Fn() -> usize + Sync) -> f64 {
    let tasks = 64 * rayon::current_num_threads();
    let paces = (0..TRIES).map(|_| {
        let start = Instant::now();
        let packed: usize = (0..tasks).into_par_iter().map(|_| task()).sum();
        (packed * LANES) as f64 / start.elapsed().as_secs_f64()
    });
    paces.fold(0.0, f64::max)
}

/// Permutations of a tree.
fn tree(leaves: usize, width: usize, cap_height: usize) -> usize {
    let absorbed = if width > DIGEST_LEN { width.div_ceil(RATE) } else { 0 };
    leaves * absorbed + leaves - (1 << cap_height)
}

impl Engine<'_> {
    /// What a proof computes at the least.
    pub fn work(&self) -> Work {
        let common = &self.data.common;
        let config = &common.config;
        let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
        let (rows, bits, count) = (common.degree(), common.degree_bits(), config.num_challenges);
        let zs = count * (1 + common.num_partial_products);
        let quotients = count * common.quotient_degree_factor;
        let committed = [config.num_wires, zs, quotients];
        let columns = common.sigmas_range().end + committed.iter().sum::<usize>();

        let mut permutations: usize =
            committed.iter().map(|&width| tree(rows << rate_bits, width, cap_height)).sum();
        permutations += 1 << config.fri_config.proof_of_work_bits;
        let transform = rows / 2 * bits;
        // Wires and permutation go to the quotient's blocks too, where these are more than are committed.
        let blocks = common.quotient_degree_factor;
        let committed_blocks = 1_usize << rate_bits;
        let evaluated = (config.num_wires + zs) * (1 + committed_blocks.max(blocks));
        let mut butterflies = (evaluated + quotients * (1 + committed_blocks)) * transform + 2 * transform;
        let mut layer_bits = bits;
        for &arity_bits in &common.fri_params.reduction_arity_bits {
            permutations += tree(1 << (layer_bits + rate_bits - arity_bits), 2 << arity_bits, cap_height);
            butterflies += layer_bits << (layer_bits + rate_bits);
            layer_bits -= arity_bits;
        }

        let gates = &self.prepared.gates;
        let extended: usize = gates.classes().iter().map(|class| class.places.len()).sum();
        butterflies += extended * count * transform * blocks;

        let routed = config.num_routed_wires;
        let chunks = common.num_partial_products + 1;
        let argument = count * (4 * routed + 2 * chunks);
        let terms = count * (1 + chunks);
        let multiplications = rows
            * (gates.multiplications(blocks, count)
                + blocks * (argument + count * (terms + 1))
                + count * (4 * routed + 4 * chunks)
                + 4 * (columns + zs));
        Work {
            permutations: permutations as u64,
            butterflies: butterflies as u64,
            multiplications: multiplications as u64,
        }
    }
}
