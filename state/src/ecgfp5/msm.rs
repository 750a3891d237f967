//! Multi-scalar multiplication: the sum of many multiples of group elements, by Pippenger's buckets.

use super::point::{Normal, Point};
use super::scalar::{SCALAR_WORDS, window};

/// Elements with factors of at most this many bits.
pub(crate) struct Terms {
    elements: Vec<Normal>,
    factors: Vec<[u64; SCALAR_WORDS]>,
    bits: usize,
}

/// Most bits of a factor, so that its signed digits fit 320 bits.
const MAX_BITS: usize = 300;

/// Products of a sum with a normal element, and of one with any.
const ADD_NORMAL: usize = 8;
const ADD: usize = 10;

impl Terms {
    /// The products of elements with factors, words least significant first.
    ///
    /// # Panics
    /// If there are not as many factors as elements, or one has more than 300 bits.
    pub(crate) fn new(elements: Vec<Normal>, factors: Vec<[u64; SCALAR_WORDS]>) -> Self {
        assert_eq!(elements.len(), factors.len(), "each element has a factor");
        let bits = |words: &[u64; SCALAR_WORDS]| {
            let top = words.iter().rposition(|&word| word != 0);
            top.map_or(0, |top| (64 * (top + 1)) - words[top].leading_zeros() as usize)
        };
        let bits = factors.iter().map(bits).max().unwrap_or_default();
        assert!(bits <= MAX_BITS, "a factor has up to {MAX_BITS} bits, got {bits}");
        Self { elements, factors, bits }
    }

    /// Places of the factors' signed digits, with room for a carry.
    fn places(&self, width: usize) -> usize {
        (self.bits + 1) / width + 1
    }
}

/// The sum of all terms. Not constant-time.
///
/// Factors are written in signed digits of some bits. From the highest place down, the sum so far is doubled and each
/// element thrown into the bucket of its digit; the buckets' sum, each times its digit, takes two additions per
/// bucket. Terms of shorter factors join in at their own highest place, so the doublings are shared by all.
pub(crate) fn sum_of_multiples(terms: &[Terms]) -> Point {
    let width = best_width(terms);
    let half = 1_u64 << (width - 1);
    // Half a digit is added at each place; the digits of that, less half a digit each, are signed ones of the factor.
    let shifted: Vec<(&Terms, Vec<[u64; SCALAR_WORDS]>)> = terms
        .iter()
        .map(|terms| {
            let mut halves = [0; SCALAR_WORDS];
            (0..terms.places(width)).for_each(|place| set_bit(&mut halves, (place + 1) * width - 1));
            (terms, terms.factors.iter().map(|factor| add(factor, &halves)).collect())
        })
        .collect();
    let places = terms.iter().map(|terms| terms.places(width)).max().unwrap_or_default();
    let mut buckets = vec![None; half as usize];
    let mut sum = Point::NEUTRAL;
    for place in (0..places).rev() {
        sum = sum.double_times(width);
        for (terms, shifted) in &shifted {
            if place >= terms.places(width) {
                continue;
            }
            for (element, factor) in terms.elements.iter().zip(shifted) {
                let digit = window(factor, place * width, width);
                if digit > half {
                    throw(&mut buckets[(digit - half - 1) as usize], *element);
                } else if digit < half {
                    throw(&mut buckets[(half - digit - 1) as usize], element.neg());
                }
            }
        }
        sum = sum.add(&empty(&mut buckets));
    }
    sum
}

fn throw(bucket: &mut Option<Point>, element: Normal) {
    *bucket = Some(match bucket {
        Some(sum) => sum.add_normal(&element),
        None => element.into(),
    });
}

/// The first bucket's sum, twice the second's, and so on; the buckets are empty then.
fn empty(buckets: &mut [Option<Point>]) -> Point {
    let (mut sum, mut total) = (Point::NEUTRAL, Point::NEUTRAL);
    for bucket in buckets.iter_mut().rev() {
        if let Some(bucket) = bucket.take() {
            sum = sum.add(&bucket);
        }
        total = total.add(&sum);
    }
    total
}

/// The digits' width that takes the fewest products.
fn best_width(terms: &[Terms]) -> usize {
    let cost = |&width: &usize| {
        let thrown: usize = terms.iter().map(|terms| terms.elements.len() * terms.places(width)).sum();
        let places = terms.iter().map(|terms| terms.places(width)).max().unwrap_or_default();
        thrown * ADD_NORMAL + (places << width) * ADD
    };
    (2..=14).min_by_key(cost).unwrap_or(2)
}

fn set_bit(words: &mut [u64; SCALAR_WORDS], at: usize) {
    words[at / 64] |= 1 << (at % 64);
}

/// The sum of two numbers, which fits.
pub(crate) fn add(a: &[u64; SCALAR_WORDS], b: &[u64; SCALAR_WORDS]) -> [u64; SCALAR_WORDS] {
    let mut carry = false;
    std::array::from_fn(|word| {
        let (sum, over) = a[word].overflowing_add(b[word]);
        let (sum, over_again) = sum.overflowing_add(u64::from(carry));
        carry = over || over_again;
        sum
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::point::normalize;
    use super::super::scalar::Scalar;
    use super::*;
    use crate::field::reduce;

    fn scalar(words: [u64; SCALAR_WORDS]) -> Scalar {
        // Up to 300 bits are below n.
        Scalar::from_words(words).expect("below n")
    }

    fn arb_terms(bits: usize, count: usize) -> impl Strategy<Value = Vec<(u64, [u64; SCALAR_WORDS])>> {
        let factor = any::<[u64; SCALAR_WORDS]>().prop_map(move |words| {
            std::array::from_fn(|i| match bits.saturating_sub(64 * i) {
                0 => 0,
                left => words[i] >> (64 - left.min(64)),
            })
        });
        let extreme =
            prop_oneof![Just([0; 5]), Just([1, 0, 0, 0, 0]), Just([u64::MAX, u64::MAX >> 1, 0, 0, 0])];
        prop::collection::vec((0..5_u64, prop_oneof![8 => factor, 1 => extreme]), 0..count)
    }

    fn terms(list: &[(u64, [u64; SCALAR_WORDS])]) -> Terms {
        let element = |&(k, _): &(u64, _)| Point::mul_generator(&Scalar::from_elements(&[reduce(k)]));
        let elements: Vec<_> = list.iter().map(element).collect();
        Terms::new(normalize(&elements), list.iter().map(|term| term.1).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        // Few different elements, so that equal and opposite ones meet in the buckets, and the neutral one among them.
        #[test]
        fn is_the_sum_one_by_one(long in arb_terms(300, 40), short in arb_terms(128, 90)) {
            let expected = long.iter().chain(&short).fold(Scalar::ZERO, |sum, &(k, factor)| {
                sum + Scalar::from_u64(k) * scalar(factor)
            });
            let sum = sum_of_multiples(&[terms(&long), terms(&short)]);
            prop_assert_eq!(sum, Point::mul_generator(&expected));
        }
    }

    #[test]
    fn every_width_gives_the_same() {
        for count in [0, 1, 2, 30, 400, 4000] {
            let list: Vec<_> = (0..count).map(|i: u64| (i % 7, [i, !i, i.pow(3), 0, 0])).collect();
            let expected =
                list.iter().fold(Scalar::ZERO, |sum, &(k, f)| sum + Scalar::from_u64(k) * scalar(f));
            assert_eq!(sum_of_multiples(&[terms(&list)]), Point::mul_generator(&expected));
        }
    }
}
