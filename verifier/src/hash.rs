//! Poseidon2 as plonky2's hash: the permutation of [`enfold_state::hash`], natively and in circuits.

use std::fmt::Debug;

use enfold_state::field::ZERO;
use enfold_state::hash::{RATE, WIDTH, node, permute};
use plonky2::field::extension::Extendable;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, NUM_HASH_OUT_ELTS};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::config::{AlgebraicHasher, Hasher};

use crate::constraint::Constrain;
use crate::convert::{from_digest, from_native, to_digest, to_native};
use crate::field::F;
use crate::gates::poseidon2::Poseidon2Gate;

/// A state of the permutation: of elements natively, of targets in a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poseidon2Permutation<T> {
    state: [T; WIDTH],
}

impl<T> AsRef<[T]> for Poseidon2Permutation<T> {
    fn as_ref(&self) -> &[T] {
        &self.state
    }
}

/// What a permutation's state can consist of.
pub trait Permutable: Copy + Debug + Default + Eq + Send + Sync {
    /// The permutation.
    ///
    /// # Panics
    /// On targets: in a circuit, [`AlgebraicHasher::permute_swapped`] adds the gate.
    fn permute(state: [Self; WIDTH]) -> [Self; WIDTH];
}

impl Permutable for F {
    fn permute(state: [Self; WIDTH]) -> [Self; WIDTH] {
        let mut native = state.map(to_native);
        permute(&mut native);
        native.map(from_native)
    }
}

impl Permutable for Target {
    fn permute(_state: [Self; WIDTH]) -> [Self; WIDTH] {
        panic!("targets are permuted by a gate: permute_swapped")
    }
}

impl<T: Permutable> PlonkyPermutation<T> for Poseidon2Permutation<T> {
    const RATE: usize = RATE;
    const WIDTH: usize = WIDTH;

    fn new<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut permutation = Self::default();
        permutation.set_from_iter(elements, 0);
        permutation
    }

    fn set_elt(&mut self, element: T, index: usize) {
        self.state[index] = element;
    }

    fn set_from_iter<I: IntoIterator<Item = T>>(&mut self, elements: I, start: usize) {
        self.state[start..].iter_mut().zip(elements).for_each(|(cell, element)| *cell = element);
    }

    fn set_from_slice(&mut self, elements: &[T], start: usize) {
        self.state[start..start + elements.len()].copy_from_slice(elements);
    }

    fn permute(&mut self) {
        self.state = T::permute(self.state);
    }

    fn squeeze(&self) -> &[T] {
        &self.state[..RATE]
    }
}

/// The hash of Merkle trees, Fiat-Shamir and public inputs: an overwrite-mode sponge from the zero state;
/// its compression is [`enfold_state::hash::node`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poseidon2Hash;

impl Hasher<F> for Poseidon2Hash {
    const HASH_SIZE: usize = 8 * NUM_HASH_OUT_ELTS;
    type Hash = HashOut<F>;
    type Permutation = Poseidon2Permutation<F>;

    fn hash_no_pad(input: &[F]) -> HashOut<F> {
        let mut state = [ZERO; WIDTH];
        for block in input.chunks(RATE) {
            state.iter_mut().zip(block).for_each(|(cell, &element)| *cell = to_native(element));
            permute(&mut state);
        }
        HashOut { elements: std::array::from_fn(|i| from_native(state[i])) }
    }

    fn hash_or_noop(input: &[F]) -> HashOut<F> {
        if input.len() > NUM_HASH_OUT_ELTS {
            return Self::hash_no_pad(input);
        }
        HashOut { elements: std::array::from_fn(|i| input.get(i).copied().unwrap_or(F::ZERO)) }
    }

    fn two_to_one(left: HashOut<F>, right: HashOut<F>) -> HashOut<F> {
        from_digest(node(to_digest(left), to_digest(right)))
    }
}

impl AlgebraicHasher<F> for Poseidon2Hash {
    type AlgebraicPermutation = Poseidon2Permutation<Target>;

    fn permute_swapped<const D: usize>(
        inputs: Self::AlgebraicPermutation,
        swap: BoolTarget,
        builder: &mut CircuitBuilder<F, D>,
    ) -> Self::AlgebraicPermutation
    where
        F: Extendable<D>,
    {
        let row = builder.add_gate(Poseidon2Gate, vec![]);
        builder.require("permutation: swap", swap.target, Target::wire(row, Poseidon2Gate::SWAP));
        for (i, &input) in inputs.state.iter().enumerate() {
            builder.require("permutation: input", input, Target::wire(row, Poseidon2Gate::input(i)));
        }
        Poseidon2Permutation::new((0..WIDTH).map(|i| Target::wire(row, Poseidon2Gate::output(i))))
    }
}
