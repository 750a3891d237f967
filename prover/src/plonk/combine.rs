//! Linear combinations of packed values, several of the same values at a time.
//!
//! A product of field elements is brought back to 64 bits before the next one is added, which is half of its work. Here
//! weights are cut into limbs of 22 bits and values into halves: sums of their products fit 64 bits, and a combination is reduced
//! once. This is plain arithmetic on arrays as long as a vector, which the compiler turns into vectors.

use p3_field::{Algebra, PackedValue, PrimeField64};

use super::field::{G, LANES, P};

/// Limbs of a weight.
const LIMBS: usize = 3;
/// Bits of a limb.
const LIMB_BITS: usize = 22;
/// Values whose products with limbs can be added up: half a value times a limb is below `2^54`.
const TERMS: usize = 1 << 10;
/// Combinations whose sums fit the vector registers together.
const GROUP: usize = 3;
/// Half a value.
const HALF: u64 = u32::MAX as u64;

/// What a half's products with a limb count, the low half's first. `2^64` is `2^32 - 1`.
const SHIFTS: [G; 2 * LIMBS] = G::new_array([1, 1 << 22, 1 << 44, 1 << 32, 1 << 54, (1 << 44) - (1 << 12)]);

/// A weight's limbs, the least first.
type Limbs = [u64; LIMBS];
/// Elements of a packed value.
type Lanes = [u64; LANES];
/// Sums of the products of a value's low and high half with each limb.
type Sums = [[Lanes; LIMBS]; 2];

/// The weights of combinations of one list of values.
#[derive(Clone, Debug, Default)]
pub(super) struct Weights(Vec<Vec<Limbs>>);

impl Weights {
    /// A list for each combination.
    pub(super) fn new<'a>(lists: impl IntoIterator<Item = &'a [G]>) -> Self {
        let limbs = |weight: &G| {
            let weight = weight.as_canonical_u64();
            std::array::from_fn(|i| weight >> (i * LIMB_BITS) & ((1 << LIMB_BITS) - 1))
        };
        Self(lists.into_iter().map(|list| list.iter().map(limbs).collect()).collect())
    }

    /// Adds the combinations of these values with the first weights, as many.
    #[inline(always)]
    pub(super) fn add(&self, values: &[P], to: &mut [P]) {
        for (lists, to) in self.0.chunks(GROUP).zip(to.chunks_mut(GROUP)) {
            match (lists, to) {
                ([a, b, c], [x, y, z]) => add(values, [a, b, c], [x, y, z]),
                ([a, b], [x, y]) => add(values, [a, b], [x, y]),
                (lists, to) => {
                    lists.iter().zip(to).for_each(|(list, to)| add(values, [list], [to]));
                }
            }
        }
    }
}

#[inline(always)]
fn add<const N: usize>(values: &[P], weights: [&[Limbs]; N], to: [&mut P; N]) {
    let mut to = to;
    let mut start = 0;
    for values in values.chunks(TERMS) {
        let weights = weights.map(|weights| &weights[start..start + values.len()]);
        let sums = products(values, weights);
        to.iter_mut().zip(sums).for_each(|(to, sums)| **to += reduce(sums));
        start += values.len();
    }
}

/// The sums of at most [`TERMS`] products, one for each list of weights.
#[inline(always)]
fn products<const N: usize>(values: &[P], weights: [&[Limbs]; N]) -> [Sums; N] {
    let mut sums = [[[[0; LANES]; LIMBS]; 2]; N];
    for (i, value) in values.iter().enumerate() {
        let value: Lanes = std::array::from_fn(|lane| value.as_slice()[lane].as_canonical_u64());
        let halves = [value.map(|value| value & HALF), value.map(|value| value >> 32)];
        for (sums, weights) in sums.iter_mut().zip(&weights) {
            for (sums, half) in sums.iter_mut().zip(&halves) {
                for (sum, limb) in sums.iter_mut().zip(&weights[i]) {
                    sum.iter_mut().zip(half).for_each(|(sum, half)| *sum += half * (limb & HALF));
                }
            }
        }
    }
    sums
}

#[inline(always)]
fn reduce(sums: Sums) -> P {
    let packed = |i: usize| P::from_fn(|lane| G::new(sums[i / LIMBS][i % LIMBS][lane]));
    P::mixed_dot_product(&std::array::from_fn(packed), &SHIFTS)
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;
    use rand::{RngCore, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Elements at the edges, those that are not canonical among them, and many terms.
    #[test]
    fn combinations_are_sums_of_products() {
        let mut rng = ChaCha8Rng::seed_from_u64(10);
        let edges = [0, 1, HALF, HALF + 1, G::ORDER_U64 - 1, G::ORDER_U64, u64::MAX];
        let mut element = || match rng.next_u32() as usize % (2 * edges.len()) {
            edge if edge < edges.len() => G::new(edges[edge]),
            _ => G::new(rng.next_u64()),
        };
        for length in [0, 1, 7, TERMS, TERMS + 1, 2 * TERMS + 5] {
            for count in 0..2 * GROUP {
                let values: Vec<P> = (0..length).map(|_| P::from_fn(|_| element())).collect();
                let lists: Vec<Vec<G>> =
                    (0..count).map(|_| (0..length + 3).map(|_| element()).collect()).collect();
                let before = P::from_fn(|_| element());
                let mut sums = vec![before; count];
                Weights::new(lists.iter().map(Vec::as_slice)).add(&values, &mut sums);
                for (sum, list) in sums.into_iter().zip(&lists) {
                    let products = values.iter().zip(list).map(|(&value, &weight)| value * weight);
                    assert_eq!(sum, before + products.sum::<P>(), "{length} values, {count} combinations");
                }
            }
        }
        // The largest sums that there can be.
        let (values, weights) = ([P::from(G::new(G::ORDER_U64 - 1)); TERMS], vec![G::NEG_ONE; TERMS]);
        let mut sum = [P::ZERO];
        Weights::new([&*weights]).add(&values, &mut sum);
        assert_eq!(sum[0], P::from_usize(TERMS));
    }
}
