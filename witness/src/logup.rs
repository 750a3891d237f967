//! The LogUp argument, natively: the sum over messages of `1 / (gamma - f(m))` in GF(p^2), with
//! `f(m) = sum alpha^i m_i`. Emitted messages count plus, consumed ones minus; over a block the sum is zero if the
//! two multisets are equal, and otherwise only with negligible probability over the seed.

use enfold_state::chain::{Quadratic, logup_challenges, quadratic_mul};
use enfold_state::field::{F, ONE, ZERO, reduce};
use enfold_state::hash::Digest;
use enfold_state::message::Message;
use p3_field::Field;

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
