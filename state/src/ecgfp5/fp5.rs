//! GF(p^5) = GF(p)\[z\] / (z^5 - 3), p the Goldilocks prime.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use p3_field::{Field, PackedField, PrimeCharacteristicRing};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{F, ONE, ORDER, ZERO, from_canonical, from_u32, to_u64};
use crate::hash::without_0x;

/// Elements of GF(p) in one of GF(p^5).
pub const DEGREE: usize = 5;

/// An element `c0 + c1 z + ... + c4 z^4` of GF(p^5), z^5 = 3. Text form: 80 hex digits, each
/// coefficient as 8 bytes, big-endian, canonical, c0 first; binary form: five canonical `u64`.
///
/// With vectors of GF(p) elements as coefficients it is as many elements side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fp5<T = F>(pub [T; DEGREE]);

/// Text or numbers were not five canonical elements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fp5Error {
    /// Not 80 hex digits (an optional `0x` in front is allowed).
    #[error("expected 80 hex digits, got {got:?}")]
    NotHex {
        /// The start of the text.
        got: String,
    },
    /// A coefficient is not below the field's order.
    #[error("expected coefficient {index} below 2^64 - 2^32 + 1, got {got:#018x}")]
    NotCanonical {
        /// Which coefficient.
        index: usize,
        /// Its integer.
        got: u64,
    },
}

/// z^p = ROOT z, ROOT = 3^((p - 1) / 5): the powers of ROOT, a fifth root of one.
const ROOT_POWERS: [F; DEGREE] = [
    ONE,
    F::new(1041288259238279555),
    F::new(15820824984080659046),
    F::new(211587555138949697),
    F::new(1373043270956696022),
];

fn triple<T: PrimeCharacteristicRing + Copy>(a: T) -> T {
    a.double() + a
}

impl Fp5 {
    /// 0.
    pub const ZERO: Self = Self([ZERO; DEGREE]);
    /// 1.
    pub const ONE: Self = Self::from_u32(1);

    /// The element of a 32-bit integer.
    pub const fn from_u32(integer: u32) -> Self {
        Self([from_u32(integer), ZERO, ZERO, ZERO, ZERO])
    }

    /// The element of a GF(p) element.
    pub const fn from_base(base: F) -> Self {
        Self([base, ZERO, ZERO, ZERO, ZERO])
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// `self / 2`.
    #[must_use]
    pub fn halve(self) -> Self {
        Self(self.0.map(|c| c.halve()))
    }

    /// Product with a GF(p) element.
    #[must_use]
    pub fn scale(self, factor: F) -> Self {
        Self(self.0.map(|c| c * factor))
    }

    /// Product with `factor z`.
    #[must_use]
    pub(super) fn scale_z(self, factor: F) -> Self {
        let [c0, c1, c2, c3, c4] = self.0;
        Self([triple(c4), c0, c1, c2, c3]).scale(factor)
    }

    /// `self^(2^count)`.
    #[must_use]
    fn square_times(self, count: usize) -> Self {
        (0..count).fold(self, |power, _| power.square())
    }

    /// `self^(p^times)`: the Frobenius map, `times` times.
    #[must_use]
    fn frobenius(self, times: usize) -> Self {
        let mut power = self;
        for (i, c) in power.0.iter_mut().enumerate().skip(1) {
            *c *= ROOT_POWERS[i * times % DEGREE];
        }
        power
    }

    /// `self^(p + p^2 + p^3 + p^4)`: the product of the other conjugates.
    fn conjugates(self) -> Self {
        let first = self.frobenius(1) * self.frobenius(2);
        first * first.frobenius(2)
    }

    /// The norm `self^(1 + p + p^2 + p^3 + p^4)`, an element of GF(p).
    pub fn norm(self) -> F {
        (self * self.conjugates()).0[0]
    }

    /// `1 / self`; `None` for 0. (Itoh and Tsujii: the conjugates' product over the norm.)
    pub fn inverse(self) -> Option<Self> {
        let conjugates = self.conjugates();
        let norm = (self * conjugates).0[0];
        Some(conjugates.scale(norm.try_inverse()?))
    }

    /// The Legendre symbol: 1 for a nonzero square, -1 for a non-square, 0 for 0.
    pub fn legendre(self) -> i8 {
        // The norm's exponent is odd and (p^5 - 1) / 2 is that exponent times (p - 1) / 2.
        match self.norm().exp_u64((ORDER - 1) / 2) {
            symbol if symbol == ONE => 1,
            symbol if symbol == ZERO => 0,
            _ => -1,
        }
    }

    /// A square root; `None` if there is none. Which of the two is fixed, but means nothing.
    /// Not constant-time.
    pub fn sqrt(self) -> Option<Self> {
        // With v = self^((p + 1) / 2) and d = v^(p + p^3), self d^2 is the norm, so that
        // sqrt(self) = sqrt(norm) / d = self d / sqrt(norm).
        let v = self.half_order_power();
        let d = v.frobenius(1) * v.frobenius(3);
        let product = self * d;
        let root = (product * d).0[0].try_sqrt()?;
        match root.try_inverse() {
            Some(inverse) => Some(product.scale(inverse)),
            None => Some(Self::ZERO),
        }
    }

    /// `self^((p + 1) / 2)`; the exponent is 2^31 (2^32 - 1) + 1.
    fn half_order_power(self) -> Self {
        let mut ones = self;
        for count in [1, 2, 4, 8, 16] {
            ones *= ones.square_times(count);
        }
        ones.square_times(31) * self
    }

    /// The five canonical integers.
    pub fn to_u64s(self) -> [u64; DEGREE] {
        self.0.map(to_u64)
    }

    /// `mask` all ones: `other`; `mask` zero: `self`. Without a branch.
    #[must_use]
    pub(super) fn select(self, other: Self, mask: u64) -> Self {
        let mut chosen = self;
        for (c, o) in chosen.0.iter_mut().zip(other.0) {
            *c = F::new((to_u64(*c) & !mask) | (to_u64(o) & mask));
        }
        chosen
    }
}

impl<T: PrimeCharacteristicRing + Copy> Fp5<T> {
    /// `2 self`.
    #[must_use]
    pub fn double(self) -> Self {
        Self(self.0.map(|c| c.double()))
    }

    /// `self^2`.
    #[must_use]
    pub fn square(self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let (d0, d1, d2, d3) = (a0.double(), a1.double(), a2.double(), a3.double());
        let (t3, t4) = (triple(a3), triple(a4));
        Self([
            T::dot_product(&[a0, d1, d2], &[a0, t4, t3]),
            T::dot_product(&[d0, d2, a3], &[a1, t4, t3]),
            T::dot_product(&[d0, a1, d3], &[a2, a1, t4]),
            T::dot_product(&[d0, d1, a4], &[a3, a2, t4]),
            T::dot_product(&[d0, d1, a2], &[a4, a3, a2]),
        ])
    }
}

impl<T: PackedField<Scalar = F>> Fp5<T> {
    /// Elements side by side; `lane` gives each.
    pub(super) fn pack(lane: impl Fn(usize) -> Fp5) -> Self {
        Self(std::array::from_fn(|i| T::from_fn(|at| lane(at).0[i])))
    }

    /// One of the elements.
    pub(super) fn lane(&self, at: usize) -> Fp5 {
        Fp5(self.0.map(|c| c.as_slice()[at]))
    }

    /// Inverts all elements in place, with one inversion and three products each. On an element that
    /// is 0, gives its index and changes nothing.
    ///
    /// # Errors
    /// The index of the first 0.
    pub fn batch_inverse(elements: &mut [Self]) -> Result<(), usize> {
        let mut products = Vec::with_capacity(elements.len());
        let mut product = Self(std::array::from_fn(|i| if i == 0 { T::ONE } else { T::ZERO }));
        for element in elements.iter() {
            products.push(product);
            product *= *element;
        }
        let lanes = || 0..T::WIDTH;
        let inverses: Option<Vec<Fp5>> = lanes().map(|at| product.lane(at).inverse()).collect();
        let Some(inverses) = inverses else {
            let zero = |element: &Self| lanes().any(|at| element.lane(at).is_zero());
            return Err(elements.iter().position(zero).unwrap_or_default());
        };
        let mut inverse = Self::pack(|at| inverses[at]);
        for (element, before) in elements.iter_mut().zip(products).rev() {
            let value = *element;
            *element = inverse * before;
            inverse *= value;
        }
        Ok(())
    }
}

impl<T: PrimeCharacteristicRing + Copy> Add for Fp5<T> {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl<T: PrimeCharacteristicRing + Copy> AddAssign for Fp5<T> {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }
}

impl<T: PrimeCharacteristicRing + Copy> Sub for Fp5<T> {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl<T: PrimeCharacteristicRing + Copy> SubAssign for Fp5<T> {
    fn sub_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a -= b);
    }
}

impl<T: PrimeCharacteristicRing + Copy> Neg for Fp5<T> {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.map(|c| -c))
    }
}

impl<T: PrimeCharacteristicRing + Copy> Mul for Fp5<T> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let a = &self.0;
        let [b0, b1, b2, b3, b4] = other.0;
        // A product of coefficients whose indices sum to 5 or more comes back three times.
        let (t1, t2, t3, t4) = (triple(b1), triple(b2), triple(b3), triple(b4));
        Self([
            T::dot_product(a, &[b0, t4, t3, t2, t1]),
            T::dot_product(a, &[b1, b0, t4, t3, t2]),
            T::dot_product(a, &[b2, b1, b0, t4, t3]),
            T::dot_product(a, &[b3, b2, b1, b0, t4]),
            T::dot_product(a, &[b4, b3, b2, b1, b0]),
        ])
    }
}

impl<T: PrimeCharacteristicRing + Copy> MulAssign for Fp5<T> {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl TryFrom<[u64; DEGREE]> for Fp5 {
    type Error = Fp5Error;

    fn try_from(integers: [u64; DEGREE]) -> Result<Self, Fp5Error> {
        let mut elements = [ZERO; DEGREE];
        for (index, (element, got)) in elements.iter_mut().zip(integers).enumerate() {
            *element = from_canonical(got).ok_or(Fp5Error::NotCanonical { index, got })?;
        }
        Ok(Self(elements))
    }
}

impl From<Fp5> for [u64; DEGREE] {
    fn from(element: Fp5) -> Self {
        element.to_u64s()
    }
}

impl fmt::Display for Fp5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_u64s().iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

/// Five words of 8 big-endian bytes each, in hex, with or without `0x`.
pub(super) fn words_from_hex(text: &str) -> Option<[u64; DEGREE]> {
    let mut bytes = [0; 8 * DEGREE];
    hex::decode_to_slice(without_0x(text), &mut bytes).ok()?;
    let mut words = [0; DEGREE];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_be_bytes(*chunk);
    }
    Some(words)
}

/// As much of a text as an error message shows.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(96).collect()
}

impl FromStr for Fp5 {
    type Err = Fp5Error;

    fn from_str(text: &str) -> Result<Self, Fp5Error> {
        let words = words_from_hex(text).ok_or_else(|| Fp5Error::NotHex { got: excerpt(text) })?;
        Self::try_from(words)
    }
}

impl Serialize for Fp5 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.to_u64s().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Fp5 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            Self::try_from(<[u64; DEGREE]>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
        }
    }
}
