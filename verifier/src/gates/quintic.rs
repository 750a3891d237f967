//! GF(p^5) = GF(p)\[z\] / (z^5 - 3) over [`Arith`]; the native twin is `enfold_state::ecgfp5::Fp5`.
//!
//! In a product, coefficients whose indices sum to five or more come back times three. Every
//! multiplication here has one factor that is used more than once (a slope, say), so three times that
//! factor is computed once, in a [`Factor`].

use plonky2::field::types::Field;

use super::arith::Arith;
use crate::field::F;

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
        self.product(y, c, |x, y, c| a.dot_add(x, y, c))
    }

    /// `self y - c`.
    #[inline(always)]
    pub fn mul_sub<A: Arith<V = V>>(&self, a: &mut A, y: Quintic<V>, c: Quintic<V>) -> Quintic<V> {
        self.product(y, c, |x, y, c| a.dot_sub(x, y, c))
    }

    /// The product of `self` and `y`: each coefficient's terms are joined with `c` by `dot`.
    #[inline(always)]
    fn product(
        &self,
        y: Quintic<V>,
        c: Quintic<V>,
        mut dot: impl FnMut([V; DEGREE], [V; DEGREE], V) -> V,
    ) -> Quintic<V> {
        let ([x0, x1, x2, x3, x4], [_, t1, t2, t3, t4]) = (self.value, self.tripled);
        let ([y0, y1, y2, y3, y4], [c0, c1, c2, c3, c4]) = (y, c);
        [
            dot([x0, t1, t2, t3, t4], [y0, y4, y3, y2, y1], c0),
            dot([x0, x1, t2, t3, t4], [y1, y0, y4, y3, y2], c1),
            dot([x0, x1, x2, t3, t4], [y2, y1, y0, y4, y3], c2),
            dot([x0, x1, x2, x3, t4], [y3, y2, y1, y0, y4], c3),
            dot([x0, x1, x2, x3, x4], [y4, y3, y2, y1, y0], c4),
        ]
    }

    /// `self^2 - c`, in 15 products.
    #[inline(always)]
    pub fn square_sub<A: Arith<V = V>>(&self, a: &mut A, c: Quintic<V>) -> Quintic<V> {
        let ([x0, x1, x2, x3, x4], [.., t3, t4]) = (self.value, self.tripled);
        let (d0, d1, d2, d3) = (a.add(x0, x0), a.add(x1, x1), a.add(x2, x2), a.add(x3, x3));
        let [c0, c1, c2, c3, c4] = c;
        [
            a.dot_sub([x0, d1, d2], [x0, t4, t3], c0),
            a.dot_sub([d0, d2, x3], [x1, t4, t3], c1),
            a.dot_sub([d0, x1, d3], [x2, x1, t4], c2),
            a.dot_sub([d0, d1, x4], [x3, x2, t4], c3),
            a.dot_sub([d0, d1, x2], [x4, x3, x2], c4),
        ]
    }
}

/// `x + y`.
#[inline(always)]
pub fn add<A: Arith>(a: &mut A, mut x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    for (x, y) in x.iter_mut().zip(y) {
        *x = a.add(*x, y);
    }
    x
}

/// `x - y`.
#[inline(always)]
pub fn sub<A: Arith>(a: &mut A, mut x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    for (x, y) in x.iter_mut().zip(y) {
        *x = a.sub(*x, y);
    }
    x
}

/// `k x + y`, `k` in the base field.
#[inline(always)]
pub fn scale_add<A: Arith>(a: &mut A, k: A::V, mut x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    for (x, y) in x.iter_mut().zip(y) {
        *x = a.mul_add(k, *x, y);
    }
    x
}

/// `k x - y`, `k` in the base field.
#[inline(always)]
pub fn scale_sub<A: Arith>(a: &mut A, k: A::V, mut x: Quintic<A::V>, y: Quintic<A::V>) -> Quintic<A::V> {
    for (x, y) in x.iter_mut().zip(y) {
        *x = a.mul_sub(k, *x, y);
    }
    x
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
