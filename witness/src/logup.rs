//! The LogUp argument, natively: the sum over messages of `1 / (gamma - f(m))` in GF(p^2), with
//! `f(m) = sum alpha^i m_i`. Emitted messages count plus, consumed ones minus; over a block the sum is zero if the
//! two multisets are equal, and otherwise only with negligible probability over the seed.

use enfold_state::chain::{Quadratic, logup_challenges, quadratic_mul};
use enfold_state::field::{F, ONE, ZERO, reduce};
use enfold_state::hash::Digest;
use enfold_state::hash::permutation::{LANES, Packed};
use enfold_state::message::Message;
use p3_field::{Field, PackedField, PackedValue};

/// The challenges of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenges {
    /// Base of the fingerprint.
    pub alpha: Quadratic,
    /// Point at which the sum is taken.
    pub gamma: Quadratic,
}

impl Challenges {
    /// The challenges that a seed gives.
    pub fn new(seed: Digest) -> Self {
        let (alpha, gamma) = logup_challenges(seed);
        Self { alpha, gamma }
    }

    /// `gamma - f(m)`.
    pub fn denominator(&self, message: [F; Message::LEN]) -> Quadratic {
        let fingerprint = message.iter().rev().fold([ZERO; 2], |sum, &element| {
            let shifted = quadratic_mul(sum, self.alpha);
            [shifted[0] + element, shifted[1]]
        });
        subtract(self.gamma, fingerprint)
    }
}

/// The sum of the messages' terms `1 / (gamma - f(m))`; `None` if a message has none.
///
/// Terms are added as fractions, each with one more product, in all lanes of the target's vectors at once. So one
/// inversion is enough, and it fails if one of the denominators is zero.
pub fn sum(challenges: &Challenges, messages: &[Message]) -> Option<Quadratic> {
    let mut powers = [[ONE, ZERO]; Message::LEN];
    for i in 1..powers.len() {
        powers[i] = quadratic_mul(powers[i - 1], challenges.alpha);
    }
    let fingerprint =
        Fingerprint { powers: [0, 1].map(|i| powers.map(|power| power[i])), gamma: challenges.gamma };
    let groups = messages.chunks_exact(LANES);
    let mut total = Fraction::<F>::ZERO;
    for message in groups.remainder() {
        total = total.add_inverse(fingerprint.denominator(message.elements()));
    }
    let mut packed = Fraction::<Packed>::ZERO;
    for group in groups {
        let messages: [_; LANES] = std::array::from_fn(|lane| group[lane].elements());
        let elements = std::array::from_fn(|i| Packed::from_fn(|lane| messages[lane][i]));
        packed = packed.add_inverse(fingerprint.denominator(elements));
    }
    for lane in 0..LANES {
        total = total.add(packed.lane(lane));
    }
    Some(quadratic_mul(total.numerator, inverse(total.denominator)?))
}

/// What denominators are made from.
struct Fingerprint {
    /// The powers of alpha by their two coefficients.
    powers: [[F; Message::LEN]; 2],
    gamma: Quadratic,
}

impl Fingerprint {
    /// [`Challenges::denominator`], by powers.
    #[inline(always)]
    fn denominator<T: PackedField<Scalar = F>>(&self, message: [T; Message::LEN]) -> Quadratic<T> {
        [0, 1].map(|i| T::from(self.gamma[i]) - T::mixed_dot_product(&message, &self.powers[i]))
    }
}

/// A fraction in GF(p^2).
#[derive(Clone, Copy)]
struct Fraction<T> {
    numerator: Quadratic<T>,
    denominator: Quadratic<T>,
}

impl<T: PackedField<Scalar = F>> Fraction<T> {
    const ZERO: Self = Self { numerator: [T::ZERO; 2], denominator: [T::ONE, T::ZERO] };

    /// `self + 1 / d`.
    #[inline(always)]
    fn add_inverse(self, d: Quadratic<T>) -> Self {
        let numerator = quadratic_mul(self.numerator, d);
        let numerator = [numerator[0] + self.denominator[0], numerator[1] + self.denominator[1]];
        Self { numerator, denominator: quadratic_mul(self.denominator, d) }
    }

    /// One of the fractions side by side.
    fn lane(&self, lane: usize) -> Fraction<F> {
        let of = |element: Quadratic<T>| element.map(|coefficient| coefficient.as_slice()[lane]);
        Fraction { numerator: of(self.numerator), denominator: of(self.denominator) }
    }
}

impl Fraction<F> {
    fn add(self, other: Self) -> Self {
        let [a, b] = [(self, other), (other, self)].map(|(x, y)| quadratic_mul(x.numerator, y.denominator));
        Self { numerator: add(a, b), denominator: quadratic_mul(self.denominator, other.denominator) }
    }
}

/// Sum in GF(p^2).
pub fn add(a: Quadratic, b: Quadratic) -> Quadratic {
    [a[0] + b[0], a[1] + b[1]]
}

/// Difference in GF(p^2).
pub fn subtract(a: Quadratic, b: Quadratic) -> Quadratic {
    [a[0] - b[0], a[1] - b[1]]
}

/// The inverse in GF(p^2): the conjugate over the norm `a^2 - 7 b^2`; `None` for zero.
pub fn inverse(a: Quadratic) -> Option<Quadratic> {
    // The norm is zero only for zero, since 7 is no square.
    let norm = (a[0] * a[0] - reduce(7) * a[1] * a[1]).try_inverse()?;
    Some([a[0] * norm, -a[1] * norm])
}

/// The inverses of all elements, for the price of one inversion and three products each; `None` if one is zero.
pub fn batch_inverse(elements: &[Quadratic]) -> Option<Vec<Quadratic>> {
    let mut product = [ONE, ZERO];
    let mut inverses = Vec::with_capacity(elements.len());
    for &element in elements {
        inverses.push(product);
        product = quadratic_mul(product, element);
    }
    let mut rest = inverse(product)?;
    for (slot, &element) in inverses.iter_mut().zip(elements).rev() {
        *slot = quadratic_mul(*slot, rest);
        rest = quadratic_mul(rest, element);
    }
    Some(inverses)
}

#[cfg(test)]
mod tests {
    use enfold_state::field::from_u32;
    use enfold_state::hash::{Tag, hash};
    use enfold_state::leaf::LeafIndex;
    use enfold_state::message::Op;
    use enfold_state::nonce::NonceKey;

    use super::*;

    fn elements(count: u32) -> Vec<Quadratic> {
        (0..count)
            .map(|i| hash(Tag::LogUp, &[from_u32(i), ZERO, ZERO, ZERO]).0)
            .map(|d| [d[0], d[1]])
            .collect()
    }

    #[test]
    fn inverses_invert() {
        let elements = elements(20);
        let inverses = batch_inverse(&elements).unwrap();
        for (&element, &found) in elements.iter().zip(&inverses) {
            assert_eq!(quadratic_mul(element, found), [ONE, ZERO]);
            assert_eq!(inverse(element), Some(found));
        }
        assert_eq!(batch_inverse(&[]), Some(vec![]));
    }

    #[test]
    fn zero_has_no_inverse() {
        let mut elements = elements(3);
        elements[1] = [ZERO; 2];
        assert_eq!(batch_inverse(&elements), None);
        assert_eq!(inverse([ZERO; 2]), None);
    }

    fn message(i: u32) -> Message {
        Message {
            op: Op::Transfer,
            asset: i,
            from: LeafIndex(i),
            nonce_key: NonceKey::First,
            to: LeafIndex(i + 1),
            amount: u64::from(i) << 20 | 1,
            memo: 3,
            to_address: hash(Tag::LogUp, &[from_u32(i), ZERO, ZERO, ZERO]),
        }
    }

    #[test]
    fn sums_are_those_of_the_inverses() {
        let challenges = Challenges::new(hash(Tag::Seed, &[ONE; 14]));
        for count in [0, 1, LANES - 1, LANES, LANES + 1, 5 * LANES + 3] {
            let messages: Vec<_> = (0..count as u32).map(message).collect();
            let denominators: Vec<_> =
                messages.iter().map(|message| challenges.denominator(message.elements())).collect();
            let expected = batch_inverse(&denominators).unwrap().into_iter().fold([ZERO; 2], add);
            assert_eq!(sum(&challenges, &messages), Some(expected), "{count} messages");
        }
    }

    #[test]
    fn a_message_at_gamma_has_no_sum() {
        let mut challenges = Challenges::new(hash(Tag::Seed, &[ONE; 14]));
        let messages: Vec<_> = (0..2 * LANES as u32 + 1).map(message).collect();
        for place in [0, LANES, 2 * LANES] {
            challenges.gamma = [ZERO; 2];
            let fingerprint = challenges.denominator(messages[place].elements());
            challenges.gamma = subtract([ZERO; 2], fingerprint);
            assert_eq!(challenges.denominator(messages[place].elements()), [ZERO; 2]);
            assert_eq!(sum(&challenges, &messages), None);
        }
    }

    #[test]
    fn fingerprint_is_the_power_sum() {
        let challenges = Challenges::new(hash(Tag::Seed, &[ONE; 14]));
        let message = std::array::from_fn(|i| from_u32(3 * i as u32 + 1));
        let (mut power, mut sum) = ([ONE, ZERO], [ZERO; 2]);
        for element in message {
            sum = add(sum, [power[0] * element, power[1] * element]);
            power = quadratic_mul(power, challenges.alpha);
        }
        assert_eq!(challenges.denominator(message), subtract(challenges.gamma, sum));
    }
}
