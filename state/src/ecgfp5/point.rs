//! Group elements and their arithmetic.

use std::sync::LazyLock;

use super::challenge::{CHALLENGE_BITS, Challenge};
use super::fp5::Fp5;
use super::scalar::{SCALAR_WORDS, Scalar, window};
use crate::field::{F, from_u32};

/// The coefficient b of the curve is this times z.
const B_Z: F = from_u32(263);

/// The curve's coefficient `b = 263 z`.
pub const B: Fp5 = Fp5([from_u32(0), B_Z, from_u32(0), from_u32(0), from_u32(0)]);

pub(super) fn times_b(a: Fp5) -> Fp5 {
    a.scale_z(B_Z)
}

/// A group element, in fractional coordinates: the element P is kept as the point
/// `N - P = (x', y')`, `N = (0, 0)`, with `x' = x/z` and `x' / y' = u/t`. In these terms `x' = b / x_P`
/// and `u/t = 1 / w_P`, the neutral element is `x' = u = 0`, and addition has no exceptional case
/// (section 3 of the paper).
#[derive(Clone, Copy, Debug)]
pub struct Point {
    x: Fp5,
    z: Fp5,
    u: Fp5,
    t: Fp5,
}

/// A group element, as in [`Point`] with `z = t = 1`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normal {
    x: Fp5,
    u: Fp5,
}

impl Normal {
    /// `-self`.
    #[cfg(feature = "node")]
    pub(super) fn neg(self) -> Self {
        Self { u: -self.u, ..self }
    }
}

impl From<Normal> for Point {
    fn from(normal: Normal) -> Self {
        Self { x: normal.x, z: Fp5::ONE, u: normal.u, t: Fp5::ONE }
    }
}

/// A point of the curve in the coordinates `x = X / Z^2`, `w = y / x = W / Z`, in which repeated
/// doubling is cheap. `Z = 0` is the point at infinity.
struct Doubling {
    x: Fp5,
    w: Fp5,
    z: Fp5,
}

impl Doubling {
    /// One doubling: with `d = 2 X - W^2 + 2 Z^2`,
    /// `(X, W, Z) -> (d^4, 2 W^2 (W^2 - 2 Z^2) - d^2, 2 W Z d)`.
    fn double(self) -> Self {
        let (w2, z2) = (self.w.square(), self.z.square());
        let wz_twice = (self.w + self.z).square() - w2 - z2;
        let difference = w2 - z2.double();
        let d = self.x.double() - difference;
        let d2 = d.square();
        Self { x: d2.square(), w: w2.double() * difference - d2, z: wz_twice * d }
    }
}

impl Point {
    /// The neutral element.
    pub const NEUTRAL: Self = Self { x: Fp5::ZERO, z: Fp5::ONE, u: Fp5::ZERO, t: Fp5::ONE };

    /// The generator, `w = 4`.
    pub const GENERATOR: Self =
        Self { x: Fp5(F::new_array(GENERATOR_X)), z: Fp5::ONE, u: Fp5::ONE, t: Fp5::from_u32(4) };

    /// The element that `w` encodes; `None` if it encodes none. Not constant-time.
    pub fn decode(w: Fp5) -> Option<Self> {
        if w.is_zero() {
            return Some(Self::NEUTRAL);
        }
        // The two x of this w are the roots of x^2 - (w^2 - 2) x + b.
        let sum = w.square() - Fp5::from_u32(2);
        let root = (sum.square() - times_b(Fp5::from_u32(4))).sqrt()?;
        let (first, second) = ((sum + root).halve(), (sum - root).halve());
        // One of them is a square, the other is x' = b / x.
        let other = if first.legendre() == 1 { second } else { first };
        Some(Self { x: other, z: Fp5::ONE, u: Fp5::ONE, t: w })
    }

    /// The encoding `w`; 0 for the neutral element.
    pub fn encode(&self) -> Fp5 {
        // u = 0 for the neutral element alone, whose encoding is 0.
        self.u.inverse().map_or(Fp5::ZERO, |inverse| self.t * inverse)
    }

    /// The element with these affine coordinates; `None` if they are not of a point of the group. (The
    /// neutral element has none.)
    pub fn from_affine(x: Fp5, y: Fp5) -> Option<Self> {
        let two = Fp5::from_u32(2);
        let on_curve = y.square() == x * (x * (x + two) + B);
        (on_curve && x.legendre() == 1).then_some(Self { x: B, z: x, u: x, t: y })
    }

    /// The element with encoding `w != 0` and first coordinate `x`, which the caller has from decoding.
    pub(crate) fn from_decoded(w: Fp5, x: Fp5) -> Self {
        Self { x: B, z: x, u: Fp5::ONE, t: w }
    }

    /// The affine coordinates `(x, y)`; `None` for the neutral element.
    pub fn affine(&self) -> Option<(Fp5, Fp5)> {
        let mut inverses = [self.x, self.u];
        Fp5::batch_inverse(&mut inverses).ok()?;
        let x = times_b(self.z) * inverses[0];
        Some((x, x * self.t * inverses[1]))
    }

    /// Whether this is the neutral element.
    pub fn is_neutral(&self) -> bool {
        self.u.is_zero()
    }

    /// Sum. 10 products.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        let (xx, zz) = (self.x * other.x, self.z * other.z);
        let (uu, tt) = (self.u * other.u, self.t * other.t);
        let xz = (self.x + self.z) * (other.x + other.z) - xx - zz;
        let ut = (self.u + self.t) * (other.u + other.t) - uu - tt;
        sum(xx, times_b(zz), xz, uu, tt, ut)
    }

    /// Sum with a normal element. 8 products.
    pub(super) fn add_normal(&self, other: &Normal) -> Self {
        let (xx, uu) = (self.x * other.x, self.u * other.u);
        let xz = self.x + self.z * other.x;
        let ut = self.u + self.t * other.u;
        sum(xx, times_b(self.z), xz, uu, self.t, ut)
    }

    /// `2 self`.
    #[must_use]
    pub fn double(&self) -> Self {
        self.double_times(1)
    }

    /// `2^count self`.
    #[must_use]
    pub fn double_times(&self, count: usize) -> Self {
        if count == 0 {
            return *self;
        }
        // From x' = x/z and w' = t/u, over the common denominator Z = z u.
        let z = self.z * self.u;
        let mut point = Doubling { x: self.x * self.u * z, w: self.z * self.t, z };
        for _ in 0..count {
            point = point.double();
        }
        // Doubling N - P gives -2 P, whose fractional coordinates are those of N + (-2 P): b / x and -w.
        Self { x: times_b(point.z.square()), z: point.x, u: -point.z, t: point.w }
    }

    /// `-self`.
    #[must_use]
    pub fn neg(&self) -> Self {
        Self { u: -self.u, ..*self }
    }

    /// `scalar self`. Takes the same steps for every scalar.
    #[must_use]
    pub fn mul(&self, scalar: &Scalar) -> Self {
        let mut multiples = [Self::NEUTRAL; 16];
        for i in 1..16 {
            multiples[i] = multiples[i - 1].add(self);
        }
        let words = scalar.to_words();
        (0..SCALAR_WORDS * 16).rev().fold(Self::NEUTRAL, |product, digit| {
            let multiple = Self::look_up(&multiples, window(&words, 4 * digit, 4));
            product.double_times(4).add(&multiple)
        })
    }

    /// `multiples[index]`, by a scan of the whole table.
    fn look_up(multiples: &[Self; 16], index: u64) -> Self {
        multiples.iter().zip(0..).fold(Self::NEUTRAL, |chosen, (multiple, i)| {
            let mask = equal_mask(i, index);
            Self {
                x: chosen.x.select(multiple.x, mask),
                z: chosen.z.select(multiple.z, mask),
                u: chosen.u.select(multiple.u, mask),
                t: chosen.t.select(multiple.t, mask),
            }
        })
    }

    /// `scalar GENERATOR`. Takes the same steps for every scalar.
    pub fn mul_generator(scalar: &Scalar) -> Self {
        let words = scalar.to_words();
        GENERATOR_MULTIPLES.iter().enumerate().fold(Self::NEUTRAL, |sum, (place, multiples)| {
            sum.add_normal(&multiples.look_up(window(&words, PLACE_BITS * place, PLACE_BITS)))
        })
    }

    /// `response GENERATOR + challenge key`. Not constant-time: for verifying.
    pub fn mul_generator_add(response: &Scalar, challenge: &Challenge, key: &Self) -> Self {
        // Odd multiples of the key, 1 to 63.
        let twice = key.double();
        let mut multiples = [*key; 32];
        for i in 1..32 {
            multiples[i] = multiples[i - 1].add(&twice);
        }
        let product = (0..CHALLENGE_BITS / 6).rev().fold(Self::NEUTRAL, |product, place| {
            let digit = challenge.six_digits(place);
            let multiple = multiples[usize::from(digit.unsigned_abs() / 2)];
            let multiple = if digit < 0 { multiple.neg() } else { multiple };
            product.double_times(6).add(&multiple)
        });
        let words = response.to_words();
        GENERATOR_MULTIPLES.iter().enumerate().fold(product, |sum, (place, multiples)| {
            match window(&words, PLACE_BITS * place, PLACE_BITS) {
                0 => sum,
                digit => sum.add_normal(&multiples.entry(digit)),
            }
        })
    }
}

/// The sum of two elements, given `x1 x2`, `b z1 z2`, `x1 z2 + x2 z1`, `u1 u2`, `t1 t2` and
/// `u1 t2 + u2 t1`: with a = 2 and denominators of 1,
/// `x = b ((x1 + x2) (1 + a u1 u2) + 2 u1 u2 (x1 x2 + b)) / ((x1 x2 + b) (1 - a u1 u2) - 2 b u1 u2 (x1 + x2))`,
/// `u = -(u1 + u2) (x1 x2 - b) / ((x1 x2 + b) (1 + a u1 u2) + 2 b u1 u2 (x1 + x2))`.
fn sum(xx: Fp5, bzz: Fp5, xz: Fp5, uu: Fp5, tt: Fp5, ut: Fp5) -> Point {
    let q = xx + bzz;
    let uu2 = uu.double();
    let left = tt * q;
    let right = uu2 * (times_b(xz) + q);
    let numerator = (tt + uu2) * (xz + q) - left;
    Point { x: times_b(numerator), z: left - right, u: ut * (bzz - xx), t: left + right }
}

/// All ones if the numbers are equal, else zero. Both are below 2^63.
const fn equal_mask(a: u64, b: u64) -> u64 {
    (((a ^ b).wrapping_sub(1) as i64) >> 63) as u64
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.u * other.t == other.u * self.t
    }
}

impl Eq for Point {}

/// Bits of a place in the table of the generator's multiples.
const PLACE_BITS: usize = 5;

/// Places that cover a scalar.
const PLACES: usize = SCALAR_WORDS * 64 / PLACE_BITS;

/// The multiples 1 to 31 of `32^place GENERATOR`. (0 needs no entry.)
struct Multiples([Normal; 31]);

impl Multiples {
    /// `digit` of them, `0 < digit < 32`.
    fn entry(&self, digit: u64) -> Normal {
        self.0[digit as usize - 1]
    }

    /// `digit` of them, `digit < 32`, by a scan of the whole table.
    fn look_up(&self, digit: u64) -> Normal {
        let neutral = Normal { x: Fp5::ZERO, u: Fp5::ZERO };
        self.0.iter().zip(1..).fold(neutral, |chosen, (multiple, i)| {
            let mask = equal_mask(i, digit);
            Normal { x: chosen.x.select(multiple.x, mask), u: chosen.u.select(multiple.u, mask) }
        })
    }
}

static GENERATOR_MULTIPLES: LazyLock<Vec<Multiples>> = LazyLock::new(|| {
    let mut base = Point::GENERATOR;
    let mut points = Vec::with_capacity(PLACES * 31);
    for _ in 0..PLACES {
        let mut multiple = base;
        for _ in 0..31 {
            points.push(multiple);
            multiple = multiple.add(&base);
        }
        base = multiple;
    }
    let normal = normalize(&points);
    normal.as_chunks::<31>().0.iter().map(|multiples| Multiples(*multiples)).collect()
});

/// The same elements, with denominators of 1.
pub(crate) fn normalize(points: &[Point]) -> Vec<Normal> {
    let mut inverses: Vec<_> = points.iter().flat_map(|point| [point.z, point.t]).collect();
    // z and t are nonzero for every element of the group: this is what makes addition complete.
    let inverted = Fp5::batch_inverse(&mut inverses);
    assert_eq!(inverted, Ok(()), "denominators are nonzero");
    let normal = |(point, [z, t]): (&Point, &[Fp5; 2])| Normal { x: point.x * *z, u: point.u * *t };
    points.iter().zip(inverses.as_chunks::<2>().0).map(normal).collect()
}

/// `x' = b / x` of the generator.
const GENERATOR_X: [u64; 5] = [
    12883135586176881569,
    4356519642755055268,
    5248930565894896907,
    2165973894480315022,
    2448410071095648785,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_is_the_decoding_of_4() {
        let decoded = Point::decode(Fp5::from_u32(4)).expect("encodes an element");
        assert_eq!(decoded.x.to_u64s(), GENERATOR_X);
        assert_eq!((decoded.z, decoded.u, decoded.t), (Fp5::ONE, Fp5::ONE, Fp5::from_u32(4)));
    }
}
