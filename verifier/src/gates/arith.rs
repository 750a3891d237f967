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
use std::sync::LazyLock;

use enfold_state::field;
use enfold_state::hash::WIDTH;
use enfold_state::hash::permutation::partial_layer;
use p3_field::{Algebra, PrimeCharacteristicRing};
use p3_goldilocks::MATRIX_DIAG_12_GOLDILOCKS;
use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::ops::Square;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::plonk::circuit_builder::CircuitBuilder;

use crate::convert::{from_native, to_native};
use crate::field::F;

/// Poseidon2's internal matrix is the matrix of ones plus this diagonal.
static DIAGONAL: LazyLock<[F; WIDTH]> = LazyLock::new(|| MATRIX_DIAG_12_GOLDILOCKS.map(from_native));

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

    /// `sum of x_i y_i + c`; in a circuit one operation a term.
    #[inline(always)]
    fn dot_add<const N: usize>(&mut self, x: [Self::V; N], y: [Self::V; N], c: Self::V) -> Self::V {
        x.into_iter().zip(y).fold(c, |sum, (x, y)| self.mul_add(x, y, sum))
    }

    /// `sum of x_i y_i - c`; there is a term, and in a circuit each is one operation.
    #[inline(always)]
    fn dot_sub<const N: usize>(&mut self, x: [Self::V; N], y: [Self::V; N], c: Self::V) -> Self::V {
        let first = self.mul_sub(x[0], y[0], c);
        x.into_iter().zip(y).skip(1).fold(first, |sum, (x, y)| self.mul_add(x, y, sum))
    }

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

    /// The linear layer of Poseidon2's partial rounds; here by multiplications, where they cost no more than additions.
    #[inline(always)]
    fn partial_layer(&mut self, state: &mut [Self::V; WIDTH]) {
        let mut sum = state[0];
        for &x in &state[1..] {
            sum = self.add(sum, x);
        }
        for (x, &d) in state.iter_mut().zip(&*DIAGONAL) {
            *x = self.scale_add(d, *x, sum);
        }
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
        if k == F::TWO { a + a + c } else { a * to_native(k) + c }
    }

    #[inline(always)]
    fn dot_add<const N: usize>(&mut self, x: [T; N], y: [T; N], c: T) -> T {
        T::dot_product(&x, &y) + c
    }

    #[inline(always)]
    fn dot_sub<const N: usize>(&mut self, x: [T; N], y: [T; N], c: T) -> T {
        T::dot_product(&x, &y) - c
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

    /// By blocks, which do not wait for each other as the steps of Horner's rule do.
    #[inline(always)]
    fn reduce(&mut self, mut values: impl DoubleEndedIterator<Item = T>, k: F) -> T {
        let k = to_native(k);
        let powers = [field::F::ONE, k, k * k, k * k * k];
        let step = k * powers[3];
        let (mut sum, mut scale) = (T::ZERO, field::F::ONE);
        while let Some(first) = values.next() {
            let [second, third, fourth] = std::array::from_fn(|_| values.next().unwrap_or(T::ZERO));
            sum += T::mixed_dot_product(&[first, second, third, fourth], &powers) * scale;
            scale *= step;
        }
        sum
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

#[cfg(test)]
mod tests {
    use enfold_state::field::ORDER;
    use p3_field::PackedValue;
    use proptest::prelude::*;

    use super::*;
    use crate::convert::{from_native, to_native_array};

    type Packed = <field::F as p3_field::Field>::Packing;

    fn arb_element() -> impl Strategy<Value = F> {
        prop_oneof![any::<u64>(), prop::sample::select(vec![0, 1, 2, ORDER - 1, ORDER, u64::MAX])]
            .prop_map(F::from_noncanonical_u64)
    }

    /// One result of each operation that [`RingArith`] has another way to.
    fn results<A: Arith>(a: &mut A, x: [A::V; 5], y: [A::V; 5], k: F) -> Vec<A::V> {
        let [c, ..] = y;
        let mut results =
            vec![a.dot_add(x, y, c), a.dot_sub(x, y, c), a.dot_add([x[0], x[1], x[2]], [c; 3], c)];
        results.extend([F::TWO, k].map(|k| a.scale_add(k, x[0], c)));
        results.extend([a.square(c), a.triple(c)]);
        let mut state = std::array::from_fn(|i| if i < 5 { x[i] } else { y[i % 5] });
        a.partial_layer(&mut state);
        results.extend(state);
        let values = x.into_iter().chain(y);
        results.extend(
            (1..=10).map(|count| a.reduce(values.clone().take(count).collect::<Vec<_>>().into_iter(), k)),
        );
        results
    }

    proptest! {
        #[test]
        fn native_arithmetic_is_plonky2s(
            x in prop::array::uniform5(arb_element()),
            y in prop::array::uniform5(arb_element()),
            k in arb_element(),
        ) {
            let expected = results(&mut BaseArith::<F>::default(), x, y, k);
            let [x, y] = [x, y].map(to_native_array);
            let single = results(&mut RingArith::<field::F>::default(), x, y, k);
            let packed = results(&mut RingArith::<Packed>::default(), x.map(Packed::from), y.map(Packed::from), k);
            for ((expected, single), packed) in expected.into_iter().zip(single).zip(packed) {
                prop_assert_eq!(from_native(single), expected);
                prop_assert!(packed.as_slice().iter().all(|&lane| lane == single));
            }
        }
    }
}
