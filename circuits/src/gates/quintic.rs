//! GF(p^5) = GF(p)\[z\] / (z^5 - 3) over [`Arith`]; the native twin is `enfold_state::ecgfp5::Fp5`.
//!
//! In a product, coefficients whose indices sum to five or more come back times three. Every
//! multiplication here has one factor that is used more than once (a slope, say), so three times that
//! factor is computed once, in a [`Factor`].

use plonky2::field::types::Field;

use super::arith::{Arith, F};

/// Coefficients of an element.
pub const DEGREE: usize = 5;

/// An element: coefficients of 1, z, ..., z^4.
pub type Quintic<V> = [V; DEGREE];

/// An element that is multiplied by others.
#[derive(Clone, Copy, Debug)]
pub struct Factor<V> {
    value: Quintic<V>,
    /// Three times the value; the first coefficient is never needed and not multiplied.
    tripled: Quintic<V>,
}

impl<V: Copy> Factor<V> {
    /// Prepares an element.
    #[inline(always)]
    pub fn new<A: Arith<V = V>>(a: &mut A, value: Quintic<V>) -> Self {
        let mut tripled = value;
        for coefficient in &mut tripled[1..] {
            *coefficient = a.triple(*coefficient);
        }
        Self { value, tripled }
    }

    /// The sum of two factors.
    #[inline(always)]
    pub fn add<A: Arith<V = V>>(a: &mut A, x: &Self, y: &Self) -> Self {
        let mut tripled = x.tripled;
        for (sum, other) in tripled.iter_mut().zip(y.tripled).skip(1) {
            *sum = a.add(*sum, other);
        }
        Self { value: add(a, x.value, y.value), tripled }
    }

    /// `self y + c`.
    #[inline(always)]
    pub fn mul_add<A: Arith<V = V>>(&self, a: &mut A, y: Quintic<V>, c: Quintic<V>) -> Quintic<V> {
        self.product(a, y, c, |a, x, y, c| a.mul_add(x, y, c))
    }

    /// `self y - c`.
    #[inline(always)]
    pub fn mul_sub<A: Arith<V = V>>(&self, a: &mut A, y: Quintic<V>, c: Quintic<V>) -> Quintic<V> {
        self.product(a, y, c, |a, x, y, c| a.mul_sub(x, y, c))
    }

    /// The product of `self` and `y`, each coefficient's first term being joined with `c` by `first`.
    #[inline(always)]
    fn product<A: Arith<V = V>>(
        &self,
        a: &mut A,
        y: Quintic<V>,
        c: Quintic<V>,
        first: impl Fn(&mut A, V, V, V) -> V,
    ) -> Quintic<V> {
        let mut result = c;
        for k in 0..DEGREE {
            let mut sum = first(a, self.value[0], y[k], c[k]);
            for i in 1..=k {
                sum = a.mul_add(self.value[i], y[k - i], sum);
            }
            for i in k + 1..DEGREE {
                sum = a.mul_add(self.tripled[i], y[k + DEGREE - i], sum);
            }
            result[k] = sum;
        }
        result
    }

    /// `self^2 - c`, in 15 products.
    #[inline(always)]
    pub fn square_sub<A: Arith<V = V>>(&self, a: &mut A, c: Quintic<V>) -> Quintic<V> {
        let ([x0, x1, x2, x3, x4], [.., t3, t4]) = (self.value, self.tripled);
        let [d0, d1, d2, d3] = [x0, x1, x2, x3].map(|x| a.add(x, x));
        let terms = [
            [(x0, x0), (d1, t4), (d2, t3)],
            [(d0, x1), (d2, t4), (x3, t3)],
            [(d0, x2), (x1, x1), (d3, t4)],
            [(d0, x3), (d1, x2), (x4, t4)],
            [(d0, x4), (d1, x3), (x2, x2)],
        ];
        let mut result = c;
        for (coefficient, [first, second, third]) in result.iter_mut().zip(terms) {
            let sum = a.mul_sub(first.0, first.1, *coefficient);
            let sum = a.mul_add(second.0, second.1, sum);
            *coefficient = a.mul_add(third.0, third.1, sum);
        }
        result
    }
}

/// `x + y`.
#[inline(always)]
pub fn add<A: Arith>(a: &mut A, x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    std::array::from_fn(|i| a.add(x[i], y[i]))
}

/// `x - y`.
#[inline(always)]
pub fn sub<A: Arith>(a: &mut A, x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    std::array::from_fn(|i| a.sub(x[i], y[i]))
}

/// `k x + y`, `k` in the base field.
#[inline(always)]
pub fn scale_add<A: Arith>(a: &mut A, k: A::V, x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    std::array::from_fn(|i| a.mul_add(k, x[i], y[i]))
}

/// `k x - y`, `k` in the base field.
#[inline(always)]
pub fn scale_sub<A: Arith>(a: &mut A, k: A::V, x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    std::array::from_fn(|i| a.mul_sub(k, x[i], y[i]))
}

/// `x + k`, `k` a constant of the base field.
#[inline(always)]
pub fn add_base<A: Arith>(a: &mut A, mut x: Quintic<A::V>, k: F) -> Quintic<A::V> {
    x[0] = a.add_constant(x[0], k);
    x
}

/// A constant element.
#[inline(always)]
pub fn constant<A: Arith>(a: &mut A, k: Quintic<F>) -> Quintic<A::V> {
    k.map(|k| a.constant(k))
}

/// The curve's coefficient b = 263 z.
pub fn curve_b() -> Quintic<F> {
    [F::ZERO, F::from_canonical_u64(263), F::ZERO, F::ZERO, F::ZERO]
}
