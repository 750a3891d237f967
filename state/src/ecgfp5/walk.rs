//! The joint walk that computes `s G + c K`, step for step as circuits check it.
//!
//! The walk takes 132 steps from a fixed start A0, most significant digits first. Step i (131 down to 0)
//! doubles the accumulator, adds `d_i K` and adds `a_i G + a_(i+132) G' + a_(i+264) G''`, in three
//! additions: `A = P + d_i K`, `B = A + P` (cheaper than a doubling and an addition), B and the rest. Here
//! `G' = 2^132 G`, `G'' = 2^264 G`, all digits are 1 or -1, `c` is the sum of `d_i 2^i` and `s` or `s + n`,
//! whichever is odd, is the sum of `a_i 2^i`. It ends at `T + c K + s G`, `T = 2^132 A0`: for a valid
//! signature at `T + R`. (396 signed digits give every odd number between -2^396 and 2^396; n is below 2^319.)
//!
//! All additions are the textbook's affine ones. No digit is 0, so no step adds the neutral element, and
//! one fails only if its two points have the same x, that is, if they are equal or opposite. Then
//! `u A0 = v G + w K` for integers that can be read off the digits so far, `0 < u <= 2^132`. A0 comes from a
//! published string, by hashing to its encoding, so nobody knows its discrete logarithm to the base G.
//!
//! - A signer knows k and so would know that logarithm. No valid signature of theirs has a walk that fails:
//!   nobody can stall a block with one, and a random one fails with a probability of about 2^-310.
//! - Against a key of somebody else, a prover would need a relation between A0, G and K. K is not theirs
//!   to choose, so the three points are as good as random, and a relation is a discrete logarithm again.
//! - A key can be made from A0, `K = (u A0 - v G) / w`, so that a step adds a point to itself and its slope
//!   is free. Nobody knows the secret of such a key, its leaves are its maker's own, and all that its
//!   maker gains is to debit them, which a signature of an ordinary key does more simply.
//!
//! **The start.** With the published string padded with zero bytes to 28 and cut into four chunks of 7
//! bytes, each read as a little-endian integer m0..m3, and for counter = 0, 1, ...: let
//! `H_j = hash(Tag::Point, [m0, m1, m2, m3, counter, j])`; the candidate encoding w is the four elements of
//! H_0 followed by the first of H_1. A0 is what the first candidate encodes that is not 0 and encodes a
//! group element.

use std::sync::LazyLock;

use p3_field::{PackedField, PrimeCharacteristicRing};

use super::challenge::{CHALLENGE_BITS, Challenge};
use super::fp5::Fp5;
use super::point::Point;
use super::scalar::{SCALAR_WORDS, Scalar, window};
use crate::field::{F, ZERO, from_u32, reduce};
use crate::hash::permutation::{LANES, Packed};
use crate::hash::{Tag, hash};

/// The string that the start is derived from.
pub const START_SEED: &str = "enfold EcGFp5 walk start v1";

/// Steps of a walk.
pub const WALK_STEPS: usize = CHALLENGE_BITS;

/// Steps of a row.
pub const ROW_STEPS: usize = 6;

/// Rows of a walk.
pub const WALK_ROWS: usize = WALK_STEPS / ROW_STEPS;

/// Slopes of a step from P: of `A = P + d K`, of `B = A + P`, of adding the generators to B.
pub const STEP_SLOPES: usize = 3;

/// Signed digits of a response.
pub const RESPONSE_DIGITS: usize = 3 * WALK_STEPS;

/// Affine coordinates `(x, y)` of a point that is not neutral.
pub type Affine<T = F> = (Fp5<T>, Fp5<T>);

/// The constants of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constants {
    /// A0, where all walks start.
    pub start: Affine,
    /// `T = 2^132 A0`, where a walk with digits of 0 would end.
    pub end: Affine,
    /// `G + u G' + v G''` for u, v = -1, -1; 1, -1; -1, 1; 1, 1: entry `b_u + 2 b_v`, see [`Step`].
    pub table: [Affine; 4],
}

/// The constants of the walk, computed once.
pub fn constants() -> &'static Constants {
    static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
        let affine = |point: Point| point.affine().expect("not neutral, as the tests pin");
        let start = derive(START_SEED);
        let g1 = Point::GENERATOR.double_times(WALK_STEPS);
        let g2 = g1.double_times(WALK_STEPS);
        let entry = |u: &Point, v: &Point| affine(Point::GENERATOR.add(u).add(v));
        Constants {
            start: affine(start),
            end: affine(start.double_times(WALK_STEPS)),
            table: [
                entry(&g1.neg(), &g2.neg()),
                entry(&g1, &g2.neg()),
                entry(&g1.neg(), &g2),
                entry(&g1, &g2),
            ],
        }
    });
    &CONSTANTS
}

/// The start A0.
pub fn start() -> Point {
    derive(START_SEED)
}

/// `T = 2^132 A0`.
pub fn end() -> Point {
    start().double_times(WALK_STEPS)
}

/// The group element of a string of up to 28 bytes, as the module's documentation says.
fn derive(seed: &str) -> Point {
    assert!(seed.len() <= 28, "a seed has up to 28 bytes");
    let mut record = [ZERO; 6];
    for (element, chunk) in record.iter_mut().zip(seed.as_bytes().chunks(7)) {
        *element = reduce(chunk.iter().rev().fold(0, |integer, &byte| integer << 8 | u64::from(byte)));
    }
    let candidates = (0..).map(|counter| {
        record[4] = from_u32(counter);
        let mut half = |j: u32| {
            record[5] = from_u32(j);
            hash(Tag::Point, &record).0
        };
        let ([w0, w1, w2, w3], [w4, ..]) = (half(0), half(1));
        Fp5([w0, w1, w2, w3, w4])
    });
    let mut points = candidates.filter(|w| !w.is_zero()).filter_map(Point::decode);
    points.next().expect("every other candidate is a point")
}

/// The 396 signed digits of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseDigits {
    /// The odd one of s and s + n.
    odd: [u64; SCALAR_WORDS],
}

impl ResponseDigits {
    /// The digits of `s`.
    pub fn new(s: &Scalar) -> Self {
        Self { odd: s.odd_words() }
    }

    /// Whether digit `index < 396` is 1 and not -1. With S the odd one of s and s + n, it is bit `index`
    /// of `(S + 2^396 - 1) / 2 = 2^395 + (S - 1) / 2`.
    pub fn is_positive(&self, index: usize) -> bool {
        index == RESPONSE_DIGITS - 1 || window(&self.odd, index + 1, 1) == 1
    }

    /// The three bits of step `index < 132`, see [`Step`].
    pub fn bits(&self, index: usize) -> [bool; 3] {
        let positive = self.is_positive(index);
        let same = |other: usize| positive == self.is_positive(other);
        [positive, same(index + WALK_STEPS), same(index + 2 * WALK_STEPS)]
    }
}

/// One step: doubling, `+-K`, `+-(G +- G' +- G'')`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whether K is added and not subtracted.
    pub key: bool,
    /// `[b_s, b_u, b_v]`: what is added is `sigma (G + u G' + v G'')`, and sigma, u, v are 1 where the bit
    /// is set and -1 where not: sigma times entry `b_u + 2 b_v` of [`Constants::table`].
    pub table: [bool; 3],
    /// Slopes of `A = P + d K`, of `B = A + P`, of adding the generators to B.
    pub slopes: [Fp5; STEP_SLOPES],
}

/// Six steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The accumulator before the row.
    pub entry: Affine,
    /// The accumulator after the row.
    pub exit: Affine,
    /// The steps, in the order of the walk.
    pub steps: [Step; ROW_STEPS],
}

/// A walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The rows, in order; the exit of one is the entry of the next.
    pub rows: [Row; WALK_ROWS],
}

/// Two points of an addition had the same x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected points with different x in step {step} (0 to 131), addition {slope} (0 to 2), got equal x")]
pub struct ExceptionalCase {
    /// The step, in the order of the walk.
    pub step: usize,
    /// Which slope of the step.
    pub slope: usize,
}

/// What a walk is walked for.
#[derive(Clone, Copy, Debug)]
pub struct WalkInput {
    /// The key, affine.
    pub key: Affine,
    /// The response.
    pub response: Scalar,
    /// The challenge.
    pub challenge: Challenge,
}

impl Walk {
    /// The walk for a key (affine), a response and a challenge.
    ///
    /// # Errors
    /// If two points of an addition have the same x.
    pub fn new(key: Affine, response: &Scalar, challenge: &Challenge) -> Result<Self, ExceptionalCase> {
        Self::from_start(constants().start, &WalkInput { key, response: *response, challenge: *challenge })
    }

    /// Many walks, as many side by side as the target's vectors hold.
    pub fn many(inputs: &[WalkInput]) -> Vec<Result<Self, ExceptionalCase>> {
        let start = constants().start;
        let side_by_side = |inputs: &[WalkInput]| match walk::<Packed>(start, inputs) {
            Ok(walks) => walks.into_iter().map(Ok).collect(),
            // Some of them fail; those that do not are walked to their end.
            Err(_) => inputs.iter().map(|input| Self::from_start(start, input)).collect::<Vec<_>>(),
        };
        inputs.chunks(LANES).flat_map(side_by_side).collect()
    }

    /// Where the walk ends: `T + c K + s G`.
    pub fn end(&self) -> Affine {
        self.rows[WALK_ROWS - 1].exit
    }

    fn from_start(start: Affine, input: &WalkInput) -> Result<Self, ExceptionalCase> {
        let mut walks = walk::<F>(start, std::slice::from_ref(input))?;
        Ok(walks.pop().expect("one input, one walk"))
    }
}

/// The walks of at least one input and as many as a vector holds, at most. Fails if one of them does.
fn walk<T: PackedField<Scalar = F>>(
    start: Affine,
    inputs: &[WalkInput],
) -> Result<Vec<Walk>, ExceptionalCase> {
    let digits: Vec<_> = inputs.iter().map(|input| ResponseDigits::new(&input.response)).collect();
    let mut points = Vec::with_capacity(T::WIDTH);
    let mut pack = |point: &dyn Fn(usize) -> Affine| -> Affine<T> {
        points.clear();
        // Lanes without an input repeat the last one.
        points.extend((0..T::WIDTH).map(|lane| point(lane.min(inputs.len() - 1))));
        (Fp5::pack(|lane| points[lane].0), Fp5::pack(|lane| points[lane].1))
    };
    let key_at = |at: usize, index: usize| signed(inputs[at].key, inputs[at].challenge.bit(index));
    let entry_at = |at: usize, index: usize| {
        let [sign, u, v] = digits[at].bits(index);
        signed(constants().table[usize::from(u) + 2 * usize::from(v)], sign)
    };

    let (x, y) = pack(&|_| start);
    let mut point = Jacobian { x, y, z: Fp5::pack(|_| Fp5::ONE) };
    let mut operations = Vec::with_capacity(WALK_STEPS * STEP_SLOPES);
    for index in (0..WALK_STEPS).rev() {
        let (operation, before) = point.add(pack(&|at| key_at(at, index)));
        operations.push(operation);
        operations.push(point.add_same_z(&before));
        let (operation, _) = point.add(pack(&|at| entry_at(at, index)));
        operations.push(operation);
    }
    let mut inverses: Vec<Fp5<T>> = operations.iter().map(|operation| operation.after.z).collect();
    Fp5::batch_inverse(&mut inverses)
        .map_err(|at| ExceptionalCase { step: at / STEP_SLOPES, slope: at % STEP_SLOPES })?;
    let slopes: Vec<Fp5<T>> =
        operations.iter().zip(&inverses).map(|(operation, &inverse)| operation.numerator * inverse).collect();
    let exits: [Affine<T>; WALK_ROWS] = std::array::from_fn(|row| {
        let last = (row + 1) * ROW_STEPS * STEP_SLOPES - 1;
        operations[last].after.affine(inverses[last])
    });

    let of_input = |(lane, input): (usize, &WalkInput)| {
        let mut entry = start;
        let rows = std::array::from_fn(|row| {
            let steps = std::array::from_fn(|step| {
                let place = row * ROW_STEPS + step;
                let index = WALK_STEPS - 1 - place;
                Step {
                    key: input.challenge.bit(index),
                    table: digits[lane].bits(index),
                    slopes: std::array::from_fn(|i| slopes[place * STEP_SLOPES + i].lane(lane)),
                }
            });
            let (x, y) = &exits[row];
            let exit = (x.lane(lane), y.lane(lane));
            Row { entry: std::mem::replace(&mut entry, exit), exit, steps }
        });
        Walk { rows }
    };
    Ok(inputs.iter().enumerate().map(of_input).collect())
}

/// The point, or its negative.
fn signed((x, y): Affine, positive: bool) -> Affine {
    (x, if positive { y } else { -y })
}

/// A point as `x = X / Z^2`, `y = Y / Z^3`.
#[derive(Clone, Copy)]
struct Jacobian<T> {
    x: Fp5<T>,
    y: Fp5<T>,
    z: Fp5<T>,
}

/// An operation's result, and its slope times the result's Z. (The slope's denominator divides that Z,
/// so an exceptional case shows as Z = 0, there and in all that follows.)
struct Operation<T> {
    after: Jacobian<T>,
    numerator: Fp5<T>,
}

impl<T: PrimeCharacteristicRing + Copy> Jacobian<T> {
    /// Adds a point. With the slope `r / Z'`, `Z' = Z h`: `x' = slope^2 - 2 - x1 - x2`,
    /// `y' = slope (x1 - x') - y1`. The second value is the point from before, with Z'.
    fn add(&mut self, (x2, y2): Affine<T>) -> (Operation<T>, Self) {
        let zz = self.z.square();
        let other = Self { x: x2 * zz, y: y2 * (zz * self.z), z: self.z };
        let h = other.x - self.x;
        let hh = h.square();
        let before = Self { x: self.x * hh, y: self.y * (hh * h), z: self.z * h };
        let numerator = other.y - self.y;
        let x = numerator.square() - before.z.square().double() - before.x - other.x * hh;
        let y = numerator * (before.x - x) - before.y;
        *self = Self { x, y, z: before.z };
        (Operation { after: *self, numerator }, before)
    }

    /// Adds a point with the same Z.
    fn add_same_z(&mut self, other: &Self) -> Operation<T> {
        let h = other.x - self.x;
        let hh = h.square();
        let (first, z) = (self.x * hh, self.z * h);
        let numerator = other.y - self.y;
        let x = numerator.square() - z.square().double() - first - other.x * hh;
        let y = numerator * (first - x) - self.y * (hh * h);
        *self = Self { x, y, z };
        Operation { after: *self, numerator }
    }

    fn affine(&self, z_inverse: Fp5<T>) -> Affine<T> {
        let square = z_inverse.square();
        (self.x * square, self.y * square * z_inverse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::field::from_canonical;

    fn arb_scalar() -> impl Strategy<Value = Scalar> {
        any::<[u64; 7]>().prop_map(|words| Scalar::from_elements(&words.map(reduce)))
    }

    fn arb_challenge() -> impl Strategy<Value = Challenge> {
        any::<[u64; 2]>().prop_map(|[h0, h1]| Challenge::new(reduce(h0), reduce(h1)))
    }

    /// The third point of the line through two points, reflected.
    fn chord((x1, y1): Affine, x2: Fp5, slope: Fp5) -> Affine {
        let x = slope.square() - Fp5::from_u32(2) - x1 - x2;
        (x, slope * (x1 - x) - y1)
    }

    /// Checks a walk by affine arithmetic alone, each slope as one product.
    fn check(walk: &Walk, start: Affine, key: Affine) {
        let table = constants().table;
        let mut point = start;
        for row in &walk.rows {
            assert_eq!(row.entry, point);
            for step in &row.steps {
                let [plus_key, plus_point, plus_table] = step.slopes;
                let before = point;
                let addend = signed(key, step.key);
                assert_eq!(plus_key * (addend.0 - point.0), addend.1 - point.1);
                point = chord(point, addend.0, plus_key);

                assert_eq!(plus_point * (before.0 - point.0), before.1 - point.1);
                point = chord(point, before.0, plus_point);

                let [sign, u, v] = step.table;
                let addend = signed(table[usize::from(u) + 2 * usize::from(v)], sign);
                assert_eq!(plus_table * (addend.0 - point.0), addend.1 - point.1);
                point = chord(point, addend.0, plus_table);
            }
            assert_eq!(row.exit, point);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn walks_end_at_the_sum(k in arb_scalar(), s in arb_scalar(), c in arb_challenge()) {
            let key = Point::mul_generator(&k);
            let affine = key.affine().expect("not neutral");
            let walk = Walk::new(affine, &s, &c).expect("no exceptional case");
            check(&walk, constants().start, affine);
            let sum = Point::mul_generator(&s).add(&key.mul(&c.scalar())).add(&end());
            prop_assert_eq!(walk.end(), sum.affine().expect("not neutral"));
            for (place, step) in walk.rows.iter().flat_map(|row| &row.steps).enumerate() {
                prop_assert_eq!(step.key, c.bit(WALK_STEPS - 1 - place));
            }
        }

        #[test]
        fn digits_add_up_to_the_response(s in arb_scalar()) {
            prop_assert_eq!(value(&ResponseDigits::new(&s)), s);
        }
    }

    /// The digits' sum, from the three bits of each step.
    fn value(digits: &ResponseDigits) -> Scalar {
        let sign = |bit: bool| if bit { Scalar::ONE } else { -Scalar::ONE };
        let power = |count: usize| (0..count).fold(Scalar::ONE, |power, _| power + power);
        (0..WALK_STEPS).rev().fold(Scalar::ZERO, |sum, index| {
            let [b_s, b_u, b_v] = digits.bits(index).map(sign);
            sum + sum + b_s * (Scalar::ONE + b_u * power(WALK_STEPS) + b_v * power(2 * WALK_STEPS))
        })
    }

    #[test]
    fn digits_of_extreme_responses() {
        for s in [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from_u64(2), -Scalar::from_u64(2)] {
            assert_eq!(value(&ResponseDigits::new(&s)), s);
        }
    }

    #[test]
    fn extreme_responses_and_challenges_walk() {
        let top = from_canonical(crate::field::ORDER - 1).expect("canonical");
        let key = Point::GENERATOR;
        let affine = key.affine().expect("not neutral");
        for s in [Scalar::ZERO, Scalar::ONE, -Scalar::ONE] {
            for c in [Challenge::new(ZERO, ZERO), Challenge::new(top, top), Challenge::new(top, ZERO)] {
                let walk = Walk::new(affine, &s, &c).expect("no exceptional case");
                check(&walk, constants().start, affine);
                let sum = Point::mul_generator(&s).add(&key.mul(&c.scalar())).add(&end());
                assert_eq!(walk.end(), sum.affine().expect("not neutral"));
            }
        }
    }

    #[test]
    fn exceptional_cases_are_reported() {
        let key = Point::mul_generator(&Scalar::from_u64(5));
        let affine = |point: &Point| point.affine().expect("not neutral");
        // E = 0: every step subtracts K. 1 / 2 mod n is (n + 1) / 2.
        let c = Challenge::new(ZERO, ZERO);
        let half = Scalar::from_words(halved_order()).expect("below n") + Scalar::ONE;
        let s = Scalar::from_u64(1);
        let input = |key: &Point| WalkInput { key: affine(key), response: s, challenge: c };
        let walk = |start: &Point| Walk::from_start(affine(start), &input(&key));

        // A0 = K: the first step would add -K to K. A0 = -K: to itself.
        for key in [key, key.neg()] {
            assert_eq!(walk(&key), Err(ExceptionalCase { step: 0, slope: 0 }));
        }
        // 2 A0 = K: it would add A0 to A0 - K = -A0.
        assert_eq!(walk(&key.mul(&half)), Err(ExceptionalCase { step: 0, slope: 1 }));
        // 2 A0 - K is the table's entry, or its negative.
        let [_, u, v] = ResponseDigits::new(&s).bits(WALK_STEPS - 1);
        let (x, y) = constants().table[usize::from(u) + 2 * usize::from(v)];
        let entry = Point::from_affine(x, y).expect("in the group");
        for entry in [entry, entry.neg()] {
            assert_eq!(walk(&entry.add(&key).mul(&half)), Err(ExceptionalCase { step: 0, slope: 2 }));
        }
        // Four times A0, less 3 K and twice the entry's: the second step.
        let sign = if ResponseDigits::new(&s).bits(WALK_STEPS - 1)[0] { Scalar::ONE } else { -Scalar::ONE };
        let first = entry.mul(&sign).double();
        let start = key.double().add(&key).add(&first.neg()).mul(&(half * half));
        assert_eq!(walk(&start), Err(ExceptionalCase { step: 1, slope: 1 }));
        assert!(walk(&start.add(&key)).is_ok());
    }

    #[test]
    fn walks_side_by_side_are_walks() {
        let input = |n: u64| {
            let key = Point::mul_generator(&Scalar::from_u64(n)).affine().expect("not neutral");
            let response = -Scalar::from_u64(n * n);
            WalkInput { key, response, challenge: Challenge::new(reduce(n << 40), reduce(u64::MAX - n)) }
        };
        for count in [0, 1, LANES - 1, LANES, LANES + 1, 3 * LANES + 2] {
            let mut inputs: Vec<_> = (1..=count as u64).map(input).collect();
            let single = |input: &WalkInput| Walk::new(input.key, &input.response, &input.challenge);
            let expected: Vec<_> = inputs.iter().map(single).collect();
            assert!(expected.iter().all(Result::is_ok));
            assert_eq!(Walk::many(&inputs), expected);
            // The first step adds the key to itself, or to its opposite.
            let Some(last) = inputs.last_mut() else { continue };
            last.key = constants().start;
            let walks = Walk::many(&inputs);
            assert_eq!(walks[count - 1], Err(ExceptionalCase { step: 0, slope: 0 }));
            assert_eq!(walks[..count - 1], expected[..count - 1], "others are not affected");
        }
    }

    /// (n - 1) / 2.
    fn halved_order() -> [u64; SCALAR_WORDS] {
        let top = (-Scalar::ONE).to_words();
        std::array::from_fn(|i| window(&top, 64 * i + 1, 64))
    }

    #[test]
    fn constants_are_what_they_are_said_to_be() {
        let constants = constants();
        assert_eq!(start().affine(), Some(constants.start));
        assert_eq!(end().affine(), Some(constants.end));
        let power = |count: usize| (0..count).fold(Scalar::ONE, |power, _| power + power);
        for (i, (x, y)) in constants.table.into_iter().enumerate() {
            let sign = |bit: usize| if bit == 1 { Scalar::ONE } else { -Scalar::ONE };
            let k = Scalar::ONE + sign(i & 1) * power(132) + sign(i >> 1) * power(264);
            assert_eq!(Point::from_affine(x, y), Some(Point::mul_generator(&k)));
        }
    }

    #[test]
    fn start_is_pinned() {
        // A change to it changes every circuit that checks signatures.
        let w = "8fe148142ed60c7162df4133fb532d6ce297fdf1d5fc2e58c4b6ecc6bd46eacf68a489276683a016";
        assert_eq!(start().encode().to_string(), w);
    }
}
