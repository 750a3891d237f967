//! The Poseidon2 permutation (<https://eprint.iacr.org/2023/323>) of [`enfold_state::hash`] on one row.
//!
//! | columns | what |
//! |---|---|
//! | 0..12 | input (routed) |
//! | 12..24 | output (routed) |
//! | 24 | swap: exchanges inputs 0..4 with inputs 4..8 before the permutation (routed, boolean) |
//! | 25..29 | delta: `swap (input[i + 4] - input[i])` |
//! | 29..65 | S-box inputs of the first full rounds 1 to 3 (round 0's are linear in the input) |
//! | 65..87 | S-box inputs of the partial rounds |
//! | 87..135 | S-box inputs of the last full rounds |
//!
//! S-box inputs include the round constant. Rounds, matrices and constants are those of `p3-goldilocks`:
//! a linear layer, 4 full rounds, 22 partial rounds, 4 full rounds.

use std::array::from_fn;
use std::ops::Range;
use std::sync::LazyLock;

use anyhow::{Result, ensure};
use enfold_state::hash::WIDTH;
use p3_goldilocks::{
    GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_FINAL, GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_INITIAL,
    GOLDILOCKS_POSEIDON2_RC_12_INTERNAL,
};
use plonky2::field::types::Field;

use super::arith::{Arith, RingArith};
use super::row::{Constraints, Row, RowFiller, RowGate};
use crate::convert::{from_native, from_native_array, to_native, to_native_array};
use crate::field::F;

/// Full rounds at each end.
const HALF_FULL_ROUNDS: usize = 4;
/// Partial rounds between them.
const PARTIAL_ROUNDS: usize = 22;

/// The round constants.
struct Constants {
    first: [[F; WIDTH]; HALF_FULL_ROUNDS],
    partial: [F; PARTIAL_ROUNDS],
    last: [[F; WIDTH]; HALF_FULL_ROUNDS],
}

static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| Constants {
    first: GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_INITIAL.map(|round| round.map(from_native)),
    partial: GOLDILOCKS_POSEIDON2_RC_12_INTERNAL.map(from_native),
    last: GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_FINAL.map(|round| round.map(from_native)),
});

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poseidon2Gate;

impl Poseidon2Gate {
    /// Column of the swap bit.
    pub const SWAP: usize = 2 * WIDTH;

    /// S-boxes of the permutation.
    pub const SBOXES: usize = 2 * HALF_FULL_ROUNDS * WIDTH + PARTIAL_ROUNDS;

    const DELTA: usize = Self::SWAP + 1;
    const FIRST: usize = Self::DELTA + 4;
    const PARTIAL: usize = Self::FIRST + WIDTH * (HALF_FULL_ROUNDS - 1);
    const LAST: usize = Self::PARTIAL + PARTIAL_ROUNDS;
    const END: usize = Self::LAST + WIDTH * HALF_FULL_ROUNDS;

    /// Column of an input, below 12.
    pub const fn input(index: usize) -> usize {
        assert!(index < WIDTH);
        index
    }

    /// Column of an output, below 12.
    pub const fn output(index: usize) -> usize {
        assert!(index < WIDTH);
        WIDTH + index
    }

    /// Columns of S-box inputs: of all but the first [`WIDTH`], in the order of the rounds.
    pub const COMMITTED: Range<usize> = Self::FIRST..Self::END;

    /// Gives the constraints of the swap, and the inputs of the first [`WIDTH`] S-boxes.
    #[inline(always)]
    pub fn first_inputs<A: Arith>(
        a: &mut A,
        row: &impl Row<A::V>,
        out: &mut impl Constraints<A::V>,
    ) -> [A::V; WIDTH] {
        let swap = row.wire(Self::SWAP);
        out.zero("swap is boolean", a.boolean(swap));
        let mut state: [A::V; WIDTH] = row.wires(Self::input(0));
        for i in 0..4 {
            let delta = row.wire(Self::DELTA + i);
            let difference = a.sub(state[i + 4], state[i]);
            out.zero("delta is the swapped difference", a.mul_sub(swap, difference, delta));
            state[i] = a.add(state[i], delta);
            state[i + 4] = a.sub(state[i + 4], delta);
        }
        first_layer(a, &mut state);
        state
    }

    /// The constraints with other S-boxes, numbered in the order of the rounds.
    #[inline(always)]
    pub fn constraints_by<A: Arith>(
        a: &mut A,
        row: &impl Row<A::V>,
        out: &mut impl Constraints<A::V>,
        sbox: impl FnMut(&mut A, usize, A::V) -> A::V,
    ) {
        let mut state = Self::first_inputs(a, row, out);
        let commit = |a: &mut A, column, x| {
            let wire = row.wire(column);
            out.zero("S-box input", a.sub(x, wire));
            wire
        };
        rounds(a, &mut state, commit, sbox);
        for (i, &x) in state.iter().enumerate() {
            out.zero("output", a.sub(x, row.wire(Self::output(i))));
        }
    }
}

/// `x^7`.
#[inline(always)]
pub fn sbox<A: Arith>(a: &mut A, x: A::V) -> A::V {
    let square = a.square(x);
    let cube = a.mul(square, x);
    let fourth = a.square(square);
    a.mul(cube, fourth)
}

/// The matrix with rows `2 3 1 1`, `1 2 3 1`, `1 1 2 3`, `3 1 1 2`.
#[inline(always)]
fn mul_four<A: Arith>(a: &mut A, [x0, x1, x2, x3]: [A::V; 4]) -> [A::V; 4] {
    let (sum_01, sum_23) = (a.add(x0, x1), a.add(x2, x3));
    let sum = a.add(sum_01, sum_23);
    let (sum_1, sum_3) = (a.add(sum, x1), a.add(sum, x3));
    let y0 = a.add(sum_1, sum_01);
    let y1 = a.scale_add(F::TWO, x2, sum_1);
    let y2 = a.add(sum_3, sum_23);
    let y3 = a.scale_add(F::TWO, x0, sum_3);
    [y0, y1, y2, y3]
}

/// The linear layer of full rounds: blocks of the 4 x 4 matrix, twice on the diagonal.
#[inline(always)]
fn external_layer<A: Arith>(a: &mut A, state: &mut [A::V; WIDTH]) {
    for block in state.as_chunks_mut::<4>().0 {
        *block = mul_four(a, *block);
    }
    let sums: [A::V; 4] = from_fn(|i| {
        let sum = a.add(state[i], state[i + 4]);
        a.add(sum, state[i + 8])
    });
    for (i, x) in state.iter_mut().enumerate() {
        *x = a.add(*x, sums[i % 4]);
    }
}

/// From the permutation's input to the inputs of the first S-boxes.
#[inline(always)]
fn first_layer<A: Arith>(a: &mut A, state: &mut [A::V; WIDTH]) {
    external_layer(a, state);
    for (x, &add) in state.iter_mut().zip(&CONSTANTS.first[0]) {
        *x = a.add_constant(*x, add);
    }
}

/// The permutation from the inputs of the first S-boxes to its output. `commit` is shown every other S-box input, in the
/// order of their columns, and gives the value to continue with: the column's. `sbox` gets the S-box' number besides.
#[inline(always)]
fn rounds<A: Arith>(
    a: &mut A,
    state: &mut [A::V; WIDTH],
    mut commit: impl FnMut(&mut A, usize, A::V) -> A::V,
    mut sbox: impl FnMut(&mut A, usize, A::V) -> A::V,
) {
    let constants = &*CONSTANTS;
    let mut number = WIDTH;
    let mut next = |a: &mut A, x, add| {
        let x = a.add_constant(x, add);
        let x = commit(a, Poseidon2Gate::FIRST + number - WIDTH, x);
        number += 1;
        (number - 1, x)
    };
    for (i, x) in state.iter_mut().enumerate() {
        *x = sbox(a, i, *x);
    }
    external_layer(a, state);
    for add in &constants.first[1..] {
        for (x, &add) in state.iter_mut().zip(add) {
            let (number, input) = next(a, *x, add);
            *x = sbox(a, number, input);
        }
        external_layer(a, state);
    }
    for &add in &constants.partial {
        let (number, input) = next(a, state[0], add);
        state[0] = sbox(a, number, input);
        a.partial_layer(state);
    }
    for add in &constants.last {
        for (x, &add) in state.iter_mut().zip(add) {
            let (number, input) = next(a, *x, add);
            *x = sbox(a, number, input);
        }
        external_layer(a, state);
    }
}

impl RowGate for Poseidon2Gate {
    const NAME: &'static str = "Poseidon2";
    const WIRES: usize = Self::END;
    const DEGREE: usize = 7;
    const CONSTRAINTS: usize = 1 + 4 + (Self::END - Self::FIRST) + WIDTH;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        Self::constraints_by(a, row, out, |a, _, x| sbox(a, x));
    }

    fn inputs() -> Vec<usize> {
        (0..WIDTH).chain([Self::SWAP]).collect()
    }

    fn fill(row: &mut RowFiller<'_, '_>) -> Result<()> {
        let swap = row.get(Self::SWAP);
        ensure!(swap == F::ZERO || swap == F::ONE, "Poseidon2 swap: expected 0 or 1, got {swap}");
        let mut state = to_native_array(row.get_array(Self::input(0)));
        let swap = to_native(swap);
        for i in 0..4 {
            let delta = swap * (state[i + 4] - state[i]);
            row.set(Self::DELTA + i, from_native(delta))?;
            state[i] += delta;
            state[i + 4] -= delta;
        }
        let mut sbox_inputs = [F::ZERO; Self::END - Self::FIRST];
        let commit = |_: &mut _, column, x| {
            sbox_inputs[column - Self::FIRST] = from_native(x);
            x
        };
        let arith = &mut RingArith::<enfold_state::field::F>::default();
        first_layer(arith, &mut state);
        rounds(arith, &mut state, commit, |a, _, x| sbox(a, x));
        row.set_all(Self::FIRST, &sbox_inputs)?;
        row.set_all(Self::output(0), &from_native_array(state))
    }
}

crate::impl_gate!(Poseidon2Gate);
