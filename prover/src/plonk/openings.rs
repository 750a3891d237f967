//! Polynomials at points outside the domain.

use enfold_circuits::config::{D, F};
use p3_field::{PackedValue, PrimeCharacteristicRing};
use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::types::Field;
use rayon::prelude::*;

use super::commit::{Commitment, stride};
use super::domain::{Domain, shift};
use super::field::{E, G, LANES, P, from_kernel, to_kernel};

/// Rows of a task.
const TASK: usize = 1 << 9;

/// A point, with what interpolation from the first block needs.
#[derive(Debug)]
pub(super) struct Opening {
    /// `1 / (z - x)` for the block's points x.
    pub(super) inverses: Vec<E>,
    /// The weights of the block's values in the value at z.
    weights: Vec<[G; 2]>,
}

impl Opening {
    /// `None` if `z` is one of the block's points.
    pub(super) fn new(z: E, domain: &Domain) -> Option<Self> {
        let base = <E as FieldExtension<D>>::from_basefield;
        let shift_power = from_kernel(shift().exp_power_of_2(domain.degree_bits));
        let zerofier = z.exp_power_of_2(domain.degree_bits) - base(shift_power);
        if zerofier.is_zero() {
            return None;
        }
        // f(z) = (z^n - g^n) / (n g^n) sum f(x) x / (z - x), over the x of g H.
        let scale = zerofier * base((F::from_canonical_usize(domain.rows()) * shift_power).inverse());
        let inverses: Vec<E> = domain
            .points
            .par_chunks(TASK)
            .flat_map_iter(|points| {
                let differences: Vec<E> = points.iter().map(|&x| z - base(from_kernel(x))).collect();
                E::batch_multiplicative_inverse(&differences)
            })
            .collect();
        let weights = inverses.par_iter().zip(&domain.points).with_min_len(TASK).map(|(&inverse, &x)| {
            let weight = <E as FieldExtension<D>>::scalar_mul(&(scale * inverse), from_kernel(x));
            weight.0.map(to_kernel)
        });
        Some(Self { weights: weights.collect(), inverses })
    }

    /// The values of an oracle's polynomials.
    pub(super) fn values(&self, oracle: &Commitment) -> Vec<E> {
        let width = oracle.width();
        let stride = stride(width);
        let packs = stride / LANES;
        let tasks = self.weights.par_chunks(TASK).enumerate().map(|(task, weights)| {
            let mut sums = vec![[P::ZERO; 2]; packs];
            for (i, weight) in weights.iter().enumerate() {
                let row = P::pack_slice(oracle.row(task * TASK + i));
                for (sums, &value) in sums.iter_mut().zip(row) {
                    sums[0] += value * weight[0];
                    sums[1] += value * weight[1];
                }
            }
            sums
        });
        let sums = tasks.reduce(
            || vec![[P::ZERO; 2]; packs],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| {
                    a[0] += b[0];
                    a[1] += b[1];
                });
                a
            },
        );
        let element = |column: usize| {
            let [a, b] = sums[column / LANES].map(|sum| from_kernel(sum.as_slice()[column % LANES]));
            <E as FieldExtension<D>>::from_basefield_array([a, b])
        };
        (0..width).map(element).collect()
    }
}

/// The generator of the trace's subgroup, in the extension.
pub(super) fn extension_generator(bits: usize) -> E {
    <F as Extendable<D>>::Extension::primitive_root_of_unity(bits)
}
