//! The permutation argument: `Z` and its partial products on the trace's rows.
//!
//! Per challenge `(beta, gamma)` each row has, for every chunk of routed wires, the quotient of
//! `prod (wire + beta k x + gamma)` by `prod (wire + beta sigma + gamma)`. `Z` starts at one and takes on all of a
//! row's quotients from one row to the next; the partial products are what it has after each chunk but the
//! last.

use std::sync::Arc;

use enfold_circuits::config::CircuitData;
use p3_field::{Field, PackedValue, PrimeCharacteristicRing};
use rayon::prelude::*;

use super::buffers::{Buffer, Buffers};
use super::commit::stride;
use super::domain::trace_of_row;
use super::error::{BadChallenge, EngineError};
use super::field::{G, LANES, P, to_kernel};

/// Rows of a task.
const TASK: usize = 1 << 9;

/// The challenges of the argument.
#[derive(Clone, Debug)]
pub(super) struct Challenges {
    pub(super) betas: Vec<G>,
    pub(super) gammas: Vec<G>,
    /// `beta k`, one list a challenge.
    pub(super) beta_ks: Vec<Vec<G>>,
}

impl Challenges {
    pub(super) fn new(data: &CircuitData, betas: Vec<G>, gammas: Vec<G>) -> Self {
        let ks = &data.common.k_is;
        let beta_ks = betas.iter().map(|&beta| ks.iter().map(|&k| beta * to_kernel(k)).collect()).collect();
        Self { betas, gammas, beta_ks }
    }
}

/// The argument's polynomials on the subgroup, in matrix order: first all `Z`, then each challenge's partial
/// products.
/// `routed` has the routed wires, in the trace's order.
///
/// # Errors
/// If a denominator is zero.
pub(super) fn polynomials(
    data: &CircuitData,
    routed: &[G],
    with: &Challenges,
    buffers: &Arc<Buffers>,
) -> Result<Buffer, EngineError> {
    let width = data.common.config.num_routed_wires;
    let chunk = data.common.quotient_degree_factor;
    let chunks = width.div_ceil(chunk);
    let count = with.betas.len();
    let per_row = count * chunks;
    let rows = data.common.degree();

    let mut quotients = buffers.take(rows * per_row);
    let products: Vec<Vec<G>> = quotients
        .par_chunks_mut(TASK * per_row)
        .enumerate()
        .map(|(task, quotients)| {
            let first = task * TASK;
            fill_quotients(data, routed, with, first, chunks, quotients).map(|()| {
                let mut products = vec![G::ONE; count];
                for row in quotients.chunks_exact(per_row) {
                    for (product, chunk) in products.iter_mut().zip(row.chunks_exact(chunks)) {
                        *product *= chunk.iter().copied().product::<G>();
                    }
                }
                products
            })
        })
        .collect::<Option<_>>()
        .ok_or(EngineError::Challenge(BadChallenge::Permutation))?;

    let mut start = vec![G::ONE; count];
    let starts: Vec<Vec<G>> = products
        .iter()
        .map(|products| {
            let here = start.clone();
            start.iter_mut().zip(products).for_each(|(z, &product)| *z *= product);
            here
        })
        .collect();

    let stride = stride(per_row);
    let mut out = buffers.take(rows * stride);
    let tasks = out.par_chunks_mut(TASK * stride).zip(quotients.par_chunks(TASK * per_row)).zip(starts);
    tasks.for_each(|((out, quotients), mut zs)| {
        for (out, quotients) in out.chunks_exact_mut(stride).zip(quotients.chunks_exact(per_row)) {
            let (out, padding) = out.split_at_mut(per_row);
            padding.fill(G::ZERO);
            let (firsts, partials) = out.split_at_mut(count);
            firsts.copy_from_slice(&zs);
            for (i, (z, quotients)) in zs.iter_mut().zip(quotients.chunks_exact(chunks)).enumerate() {
                for (k, &quotient) in quotients.iter().enumerate() {
                    *z *= quotient;
                    if k + 1 < chunks {
                        partials[i * (chunks - 1) + k] = *z;
                    }
                }
            }
        }
    });
    let bits = data.common.degree_bits();
    let mut ordered = buffers.take(out.len());
    ordered.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, cells)| {
        cells.copy_from_slice(&out[trace_of_row(row, bits) * stride..][..stride]);
    });
    Ok(ordered)
}

/// The quotients of some rows; `None` if a denominator is zero.
fn fill_quotients(
    data: &CircuitData,
    routed: &[G],
    with: &Challenges,
    first: usize,
    chunks: usize,
    out: &mut [G],
) -> Option<()> {
    let width = data.common.config.num_routed_wires;
    let chunk = data.common.quotient_degree_factor;
    let per_row = with.betas.len() * chunks;
    let rows = out.len() / per_row;
    let (sigmas, subgroup) = (&data.prover_only.sigmas, &data.prover_only.subgroup);

    let packs = rows.div_ceil(LANES);
    let mut numerators = Vec::with_capacity(packs * per_row);
    let mut denominators = Vec::with_capacity(packs * per_row);
    let mut wires = vec![P::ZERO; width];
    let mut shuffled = vec![P::ZERO; width];
    for pack in 0..packs {
        // Past the last row of a small trace, the last row once more.
        let row = |lane: usize| first + (pack * LANES + lane).min(rows - 1);
        for j in 0..width {
            wires[j] = P::from_fn(|lane| routed[row(lane) * width + j]);
            shuffled[j] = P::from_fn(|lane| to_kernel(sigmas[row(lane)][j]));
        }
        let x = P::from_fn(|lane| to_kernel(subgroup[row(lane)]));
        for ((&beta, &gamma), beta_ks) in with.betas.iter().zip(&with.gammas).zip(&with.beta_ks) {
            for ((wires, shuffled), beta_ks) in
                wires.chunks(chunk).zip(shuffled.chunks(chunk)).zip(beta_ks.chunks(chunk))
            {
                let (numerator, denominator) = products(wires, shuffled, beta_ks, x, beta, gamma);
                numerators.push(numerator);
                denominators.push(denominator);
            }
        }
    }
    invert_all(&mut denominators)?;
    for (i, (&numerator, &inverse)) in numerators.iter().zip(&denominators).enumerate() {
        let (pack, place) = (i / per_row, i % per_row);
        let quotient = numerator * inverse;
        for (lane, &value) in quotient.as_slice().iter().enumerate().take(rows - pack * LANES) {
            out[(pack * LANES + lane) * per_row + place] = value;
        }
    }
    Some(())
}

/// A chunk's numerator and denominator.
#[inline(always)]
pub(super) fn products(wires: &[P], sigmas: &[P], beta_ks: &[G], x: P, beta: G, gamma: G) -> (P, P) {
    let (beta, gamma) = (P::from(beta), P::from(gamma));
    let mut numerator = P::ONE;
    let mut denominator = P::ONE;
    for ((&wire, &sigma), &beta_k) in wires.iter().zip(sigmas).zip(beta_ks) {
        let shifted = wire + gamma;
        numerator *= x * beta_k + shifted;
        denominator *= sigma * beta + shifted;
    }
    (numerator, denominator)
}

/// Inverts all; `None` if one is zero.
fn invert_all(values: &mut [P]) -> Option<()> {
    let mut product = P::ONE;
    let before: Vec<P> = values
        .iter()
        .map(|&value| {
            let before = product;
            product *= value;
            before
        })
        .collect();
    let mut inverse = P::ZERO;
    for (inverse, product) in inverse.as_slice_mut().iter_mut().zip(product.as_slice()) {
        *inverse = product.try_inverse()?;
    }
    for (value, before) in values.iter_mut().zip(before).rev() {
        let old = *value;
        *value = inverse * before;
        inverse *= old;
    }
    Some(())
}
