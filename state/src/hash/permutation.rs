//! The Poseidon2 permutation (<https://eprint.iacr.org/2023/323>), on one state and on as many side by side as the
//! target's vectors hold.
//!
//! Rounds, matrices and constants are those of `p3-goldilocks`, width 12: a linear layer, 4 full rounds, 22 partial
//! rounds, 4 full rounds. The crate has the permutation too, and the tests compare the two; proving spends more time
//! on this than on anything else, so the operations here are put in an order that suits the processor:
//!
//! - Full rounds take the S-boxes of four elements at a time: enough that no multiplication waits for
//!   another, few enough that all stays in registers.
//! - Partial rounds give the sum as the second operand, which is the one that field additions bring to its canonical
//!   form: that is then done once a round, and not for each element.
//! - States and constants are aligned to cache lines.
//!
//! `cargo bench -p enfold-benches --bench native permutation` times both.

use std::sync::LazyLock;

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};
use p3_goldilocks::{
    GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_FINAL, GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_INITIAL,
    GOLDILOCKS_POSEIDON2_RC_12_INTERNAL,
};

use super::WIDTH;
use crate::field::F;

/// A vector of field elements.
pub type Packed = <F as Field>::Packing;

/// Permutations that run side by side in a thread.
pub const LANES: usize = <Packed as PackedValue>::WIDTH;

/// [`LANES`] states: element `i` of all of them is a vector.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct PackedState(pub [Packed; WIDTH]);

impl PackedState {
    /// All elements zero.
    pub const ZERO: Self = Self([Packed::ZERO; WIDTH]);
}

/// Full rounds at each end.
const HALF_FULL_ROUNDS: usize = 4;
/// Partial rounds between them.
const PARTIAL_ROUNDS: usize = 22;
/// S-boxes that are computed together; divides [`WIDTH`].
const GROUP: usize = 4;

/// The round constants, for states of elements or of vectors.
#[repr(align(64))]
struct Constants<T> {
    first: [[T; WIDTH]; HALF_FULL_ROUNDS],
    partial: [T; PARTIAL_ROUNDS],
    last: [[T; WIDTH]; HALF_FULL_ROUNDS],
}

static SINGLE: Constants<F> = Constants {
    first: GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_INITIAL,
    partial: GOLDILOCKS_POSEIDON2_RC_12_INTERNAL,
    last: GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_FINAL,
};

static PACKED: LazyLock<Constants<Packed>> = LazyLock::new(|| Constants {
    first: SINGLE.first.map(|round| round.map(Packed::from)),
    partial: SINGLE.partial.map(Packed::from),
    last: SINGLE.last.map(|round| round.map(Packed::from)),
});

/// The permutation, in place.
pub fn permute(state: &mut [F; WIDTH]) {
    SINGLE.permute(state);
}

/// The permutation of all states, in place.
pub fn permute_packed(state: &mut PackedState) {
    PACKED.permute(&mut state.0);
}

impl<T: PrimeCharacteristicRing + Copy> Constants<T> {
    #[inline(always)]
    fn permute(&self, state: &mut [T; WIDTH]) {
        external_layer(state);
        self.first.iter().for_each(|constants| full_round(state, constants));
        self.partial.iter().for_each(|&constant| partial_round(state, constant));
        self.last.iter().for_each(|constants| full_round(state, constants));
    }
}

#[inline(always)]
fn full_round<T: PrimeCharacteristicRing + Copy>(state: &mut [T; WIDTH], constants: &[T; WIDTH]) {
    let groups = state.as_chunks_mut::<GROUP>().0.iter_mut();
    for (group, constants) in groups.zip(constants.as_chunks::<GROUP>().0) {
        for (x, &constant) in group.iter_mut().zip(constants) {
            *x += constant;
        }
        *group = sboxes(*group);
    }
    external_layer(state);
}

#[inline(always)]
fn partial_round<T: PrimeCharacteristicRing + Copy>(state: &mut [T; WIDTH], constant: T) {
    [state[0]] = sboxes([state[0] + constant]);
    *state = partial_layer(*state);
}

/// The linear layer of partial rounds: the matrix of ones plus the diagonal -2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, 1/4,
/// -1/4, 1/8.
#[inline(always)]
pub fn partial_layer<T: PrimeCharacteristicRing + Copy>(state: [T; WIDTH]) -> [T; WIDTH] {
    let [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11] = state;
    // The sum of the others does not wait for the S-box.
    let others = x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11;
    let sum = x0 + others;
    [
        sum - double(x0),
        x1 + sum,
        double(x2) + sum,
        x3.halve() + sum,
        double(x4) + x4 + sum,
        double(double(x5)) + sum,
        sum - x6.halve(),
        sum - (double(x7) + x7),
        sum - double(double(x8)),
        x9.halve().halve() + sum,
        sum - x10.halve().halve(),
        x11.halve().halve().halve() + sum,
    ]
}

/// `x^7` of each.
#[inline(always)]
fn sboxes<T: PrimeCharacteristicRing + Copy, const N: usize>(x: [T; N]) -> [T; N] {
    let square = x.map(|x| x.square());
    let cube: [T; N] = std::array::from_fn(|i| square[i] * x[i]);
    let fourth = square.map(|square| square.square());
    std::array::from_fn(|i| cube[i] * fourth[i])
}

/// The linear layer of full rounds: blocks of the 4 x 4 matrix, twice on the diagonal.
#[inline(always)]
fn external_layer<T: PrimeCharacteristicRing + Copy>(state: &mut [T; WIDTH]) {
    for block in state.as_chunks_mut::<4>().0 {
        *block = mul_four(*block);
    }
    let sums: [T; 4] = std::array::from_fn(|i| state[i] + state[i + 4] + state[i + 8]);
    for (i, x) in state.iter_mut().enumerate() {
        *x += sums[i % 4];
    }
}

/// The matrix with rows `2 3 1 1`, `1 2 3 1`, `1 1 2 3`, `3 1 1 2`.
#[inline(always)]
fn mul_four<T: PrimeCharacteristicRing + Copy>([x0, x1, x2, x3]: [T; 4]) -> [T; 4] {
    let (sum_01, sum_23) = (x0 + x1, x2 + x3);
    let sum = sum_01 + sum_23;
    let (sum_1, sum_3) = (sum + x1, sum + x3);
    [sum_1 + sum_01, sum_1 + double(x2), sum_3 + sum_23, sum_3 + double(x0)]
}

#[inline(always)]
fn double<T: PrimeCharacteristicRing + Copy>(x: T) -> T {
    x + x
}

#[cfg(test)]
mod tests {
    use p3_goldilocks::default_goldilocks_poseidon2_12;
    use p3_symmetric::Permutation;
    use proptest::prelude::*;

    use super::*;
    use crate::field::ORDER;

    /// Any integer, those at the edges more often: an element is stored as any integer that represents it.
    fn arb_element() -> impl Strategy<Value = F> {
        let edges = [0, 1, (1 << 32) - 1, 1 << 32, ORDER - 1, ORDER, u64::MAX];
        prop_oneof![any::<u64>(), prop::sample::select(edges.to_vec())].prop_map(F::new)
    }

    proptest! {
        #[test]
        fn permutations_are_those_of_p3(states in prop::array::uniform8(prop::array::uniform12(arb_element()))) {
            let reference = default_goldilocks_poseidon2_12();
            let mut packed = PackedState(std::array::from_fn(|i| Packed::from_fn(|lane| states[lane % 8][i])));
            permute_packed(&mut packed);
            for (lane, state) in states.into_iter().enumerate().take(LANES) {
                let expected = reference.permute(state);
                let mut single = state;
                permute(&mut single);
                prop_assert_eq!(single, expected);
                prop_assert_eq!(packed.0.map(|element| element.as_slice()[lane]), expected);
            }
        }
    }
}
