//! Arithmetic over which gate constraints are written once.
//!
//! plonky2 evaluates a gate's constraints in three settings: on packed base field elements (the prover),
//! on extension field elements (the verifier) and inside a circuit (the recursive verifier). [`Arith`]
//! has an implementation for each: [`BaseArith`], [`ExtensionArith`] and [`CircuitArith`]; and one for the elements
//! of the native code and of the engine's kernels, [`RingArith`].
//!
//! In a circuit every operation below, except those that fold away, takes one slot of an
//! `ArithmeticExtensionGate` (10 a row with 80 routed wires) or, for [`Arith::mul`] and
//! [`Arith::scale`], of a `MulExtensionGate` (13 a row). So the fused forms are as cheap as the plain ones.

use std::marker::PhantomData;

use enfold_state::field;
use enfold_state::hash::WIDTH;
use enfold_state::hash::permutation::partial_layer;
use p3_field::Algebra;
use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::ops::Square;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::plonk::circuit_builder::CircuitBuilder;

use super::poseidon2;
use crate::convert::to_native;

/// The base field of all circuits.
pub type F = GoldilocksField;

/// Arithmetic on values of one setting. Constants are base field elements.
pub trait Arith {
    /// A value.
    type V: Copy;

    /// The value of a constant.
    fn constant(&mut self, k: F) -> Self::V;

    /// `a + b`.
    fn add(&mut self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub(&mut self, a: Self::V, b: Self::V) -> Self::V;

    /// `a b`.
    fn mul(&mut self, a: Self::V, b: Self::V) -> Self::V;

    /// `a b + c`.
    fn mul_add(&mut self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a b - c`.
    fn mul_sub(&mut self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `k a`.
    fn scale(&mut self, k: F, a: Self::V) -> Self::V;

    /// `k a + c`.
    fn scale_add(&mut self, k: F, a: Self::V, c: Self::V) -> Self::V;

    /// `a^2`.
    fn square(&mut self, a: Self::V) -> Self::V {
        self.mul(a, a)
    }

    /// `3 a`.
    fn triple(&mut self, a: Self::V) -> Self::V {
        self.scale(F::from_canonical_u64(3), a)
    }

    /// `a + k`.
    fn add_constant(&mut self, a: Self::V, k: F) -> Self::V {
        let k = self.constant(k);
        self.add(a, k)
    }

    /// `a^2 - a`, which is zero for 0 and 1 alone.
    fn boolean(&mut self, a: Self::V) -> Self::V {
        self.mul_sub(a, a, a)
    }

    /// The linear layer of Poseidon2's partial rounds.
    fn partial_layer(&mut self, state: &mut [Self::V; WIDTH])
    where
        Self: Sized,
    {
        poseidon2::partial_layer(self, state);
    }

    /// `sum of a_i k^i`, by Horner; zero for no values.
    #[inline(always)]
    fn reduce(&mut self, values: impl DoubleEndedIterator<Item = Self::V>, k: F) -> Self::V {
        let mut values = values.rev();
        let Some(mut sum) = values.next() else { return self.constant(F::ZERO) };
        for value in values {
            sum = self.scale_add(k, sum, value);
        }
        sum
    }
}

/// Arithmetic on plonky2's base field elements, packed or single.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaseArith<P>(PhantomData<P>);

impl<P: PackedField<Scalar = F>> Arith for BaseArith<P> {
    type V = P;

    #[inline(always)]
    fn constant(&mut self, k: F) -> P {
        P::from(k)
    }

    #[inline(always)]
    fn add(&mut self, a: P, b: P) -> P {
        a + b
    }

    #[inline(always)]
    fn sub(&mut self, a: P, b: P) -> P {
        a - b
    }

    #[inline(always)]
    fn mul(&mut self, a: P, b: P) -> P {
        a * b
    }

    #[inline(always)]
    fn mul_add(&mut self, a: P, b: P, c: P) -> P {
        a * b + c
    }

    #[inline(always)]
    fn mul_sub(&mut self, a: P, b: P, c: P) -> P {
        a * b - c
    }

    #[inline(always)]
    fn scale(&mut self, k: F, a: P) -> P {
        a * k
    }

    #[inline(always)]
    fn scale_add(&mut self, k: F, a: P, c: P) -> P {
        a * k + c
    }

    #[inline(always)]
    fn square(&mut self, a: P) -> P {
        a.square()
    }

    #[inline(always)]
    fn triple(&mut self, a: P) -> P {
        a + a + a
    }
}

/// Arithmetic on native elements, single (witness generation) or packed (the engine).
#[derive(Clone, Copy, Debug, Default)]
pub struct RingArith<T>(PhantomData<T>);

impl<T: Algebra<field::F> + Copy> Arith for RingArith<T> {
    type V = T;

    #[inline(always)]
    fn constant(&mut self, k: F) -> T {
        T::from(to_native(k))
    }

    #[inline(always)]
    fn add(&mut self, a: T, b: T) -> T {
        a + b
    }

    #[inline(always)]
    fn sub(&mut self, a: T, b: T) -> T {
        a - b
    }

    #[inline(always)]
    fn mul(&mut self, a: T, b: T) -> T {
        a * b
    }

    #[inline(always)]
    fn mul_add(&mut self, a: T, b: T, c: T) -> T {
        a * b + c
    }

    #[inline(always)]
    fn mul_sub(&mut self, a: T, b: T, c: T) -> T {
        a * b - c
    }

    #[inline(always)]
    fn scale(&mut self, k: F, a: T) -> T {
        a * to_native(k)
    }

    #[inline(always)]
    fn scale_add(&mut self, k: F, a: T, c: T) -> T {
        a * to_native(k) + c
    }

    #[inline(always)]
    fn square(&mut self, a: T) -> T {
        a.square()
    }

    #[inline(always)]
    fn triple(&mut self, a: T) -> T {
        a + a + a
    }

    #[inline(always)]
    fn partial_layer(&mut self, state: &mut [T; WIDTH]) {
        *state = partial_layer(*state);
    }
}

/// Arithmetic on extension field elements (the verifier).
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtensionArith<const D: usize>;

impl<const D: usize> Arith for ExtensionArith<D>
where
    F: Extendable<D>,
{
    type V = <F as Extendable<D>>::Extension;

    fn constant(&mut self, k: F) -> Self::V {
        Self::V::from_basefield(k)
    }

    fn add(&mut self, a: Self::V, b: Self::V) -> Self::V {
        a + b
    }

    fn sub(&mut self, a: Self::V, b: Self::V) -> Self::V {
        a - b
    }

    fn mul(&mut self, a: Self::V, b: Self::V) -> Self::V {
        a * b
    }

    fn mul_add(&mut self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        a * b + c
    }

    fn mul_sub(&mut self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        a * b - c
    }

    fn scale(&mut self, k: F, a: Self::V) -> Self::V {
        a.scalar_mul(k)
    }

    fn scale_add(&mut self, k: F, a: Self::V, c: Self::V) -> Self::V {
        a.scalar_mul(k) + c
    }

    fn square(&mut self, a: Self::V) -> Self::V {
        a.square()
    }
}

/// Arithmetic inside a circuit (the recursive verifier).
///
/// A slot of an arithmetic gate is shared only by operations with the same pair of gate constants, so all
/// operations here use `(1, 1)` or `(1, -1)` and bring other constants in as (deduplicated) targets.
#[derive(Debug)]
pub struct CircuitArith<'b, const D: usize>
where
    F: Extendable<D>,
{
    /// Where the operations go.
    pub builder: &'b mut CircuitBuilder<F, D>,
}

impl<const D: usize> Arith for CircuitArith<'_, D>
where
    F: Extendable<D>,
{
    type V = ExtensionTarget<D>;

    fn constant(&mut self, k: F) -> Self::V {
        self.builder.constant_extension(<F as Extendable<D>>::Extension::from_basefield(k))
    }

    fn add(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.builder.add_extension(a, b)
    }

    fn sub(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.builder.sub_extension(a, b)
    }

    fn mul(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.builder.mul_extension(a, b)
    }

    fn mul_add(&mut self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.builder.mul_add_extension(a, b, c)
    }

    fn mul_sub(&mut self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.builder.mul_sub_extension(a, b, c)
    }

    fn scale(&mut self, k: F, a: Self::V) -> Self::V {
        if k == F::ONE {
            return a;
        }
        let k = self.constant(k);
        self.builder.mul_extension(k, a)
    }

    fn scale_add(&mut self, k: F, a: Self::V, c: Self::V) -> Self::V {
        if k == F::NEG_ONE {
            return self.builder.sub_extension(c, a);
        }
        let k = self.constant(k);
        self.builder.mul_add_extension(k, a, c)
    }
}
