//! The curve against the designer's vectors and against the group's laws.

use enfold_state::codec::{from_body, to_body};
use enfold_state::ecgfp5::{Challenge, Fp5, Fp5Error, Point, Scalar, ScalarError};
use enfold_state::field::{F, ORDER, reduce, to_u64};
use num_bigint::BigUint;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    n: String,
    generator_w: Fp5,
    mulgen: Vec<Multiple>,
    add: Vec<Sum>,
    invalid_w: Vec<Fp5>,
}

/// `w` encodes `k G`.
#[derive(Deserialize)]
struct Multiple {
    k: Scalar,
    w: Fp5,
}

/// `w` encodes `a G + b G`.
#[derive(Deserialize)]
struct Sum {
    a: Scalar,
    b: Scalar,
    w: Fp5,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../fixtures/ecgfp5.json")).expect("the fixture is readable")
}

fn arb_fp5() -> impl Strategy<Value = Fp5> {
    any::<[u64; 5]>().prop_map(|words| Fp5(words.map(reduce)))
}

fn arb_scalar() -> impl Strategy<Value = Scalar> {
    any::<[u64; 7]>().prop_map(|words| Scalar::from_elements(&words.map(reduce)))
}

fn arb_point() -> impl Strategy<Value = Point> {
    arb_scalar().prop_map(|k| Point::mul_generator(&k))
}

fn integer(scalar: &Scalar) -> BigUint {
    BigUint::from_bytes_be(&scalar.to_bytes())
}

fn order() -> BigUint {
    BigUint::parse_bytes(vectors().n.as_bytes(), 16).expect("hex")
}

/// The sum of two different points by the textbook's chord, of equal points by its tangent.
fn affine_sum((x1, y1): (Fp5, Fp5), (x2, y2): (Fp5, Fp5)) -> (Fp5, Fp5) {
    let two = Fp5::from_u32(2);
    let slope = if x1 == x2 {
        let b = Fp5([0, 263, 0, 0, 0].map(reduce));
        (x1.square() * Fp5::from_u32(3) + x1.double().double() + b) * y1.double().inverse().expect("y1 != 0")
    } else {
        (y2 - y1) * (x2 - x1).inverse().expect("x1 != x2")
    };
    let x = slope.square() - two - x1 - x2;
    (x, slope * (x1 - x) - y1)
}

#[test]
fn vectors_of_multiples() {
    let vectors = vectors();
    assert_eq!(vectors.generator_w, Point::GENERATOR.encode());
    assert!(vectors.mulgen.len() >= 32);
    for Multiple { k, w } in vectors.mulgen {
        assert_eq!(Point::mul_generator(&k).encode(), w, "table, k = {k}");
        assert_eq!(Point::GENERATOR.mul(&k).encode(), w, "any point, k = {k}");
        let decoded = Point::decode(w).expect("encodes an element");
        assert_eq!(decoded, Point::mul_generator(&k));
        assert_eq!(decoded.encode(), w);
    }
}

#[test]
fn vectors_of_sums() {
    let vectors = vectors();
    assert!(vectors.add.len() >= 12);
    for Sum { a, b, w } in vectors.add {
        let (left, right) = (Point::mul_generator(&a), Point::mul_generator(&b));
        assert_eq!(left.add(&right).encode(), w);
        assert_eq!(Point::mul_generator(&(a + b)).encode(), w);
    }
}

#[test]
fn vectors_that_do_not_decode() {
    let vectors = vectors();
    assert!(vectors.invalid_w.len() >= 10);
    for w in vectors.invalid_w {
        assert_eq!(Point::decode(w), None, "{w}");
    }
}

#[test]
fn order_is_the_order() {
    assert_eq!(integer(&-Scalar::ONE) + 1u8, order());
    assert_eq!(Point::mul_generator(&-Scalar::ONE), Point::GENERATOR.neg());
    assert!(Point::mul_generator(&Scalar::ZERO).is_neutral());
    assert!(Point::GENERATOR.mul(&Scalar::ZERO).is_neutral());
}

#[test]
fn neutral_element() {
    let (neutral, generator) = (Point::NEUTRAL, Point::GENERATOR);
    assert!(neutral.is_neutral() && !generator.is_neutral());
    assert_eq!(neutral.encode(), Fp5::ZERO);
    assert_eq!(Point::decode(Fp5::ZERO), Some(neutral));
    assert_eq!(neutral.affine(), None);
    assert_eq!(generator.add(&neutral), generator);
    assert_eq!(neutral.add(&generator), generator);
    assert_eq!(generator.add(&generator.neg()), neutral);
    assert_eq!(neutral.double_times(3), neutral);
    assert_eq!(neutral.double_times(3).add(&generator), generator);
    assert_eq!(neutral.neg(), neutral);
    assert_eq!(neutral.mul(&Scalar::from_u64(99)), neutral);
}

#[test]
fn points_outside_the_group_are_refused() {
    let (x, y) = Point::GENERATOR.affine().expect("not neutral");
    assert_eq!(Point::from_affine(x, y), Some(Point::GENERATOR));
    assert_eq!(Point::from_affine(x, y + Fp5::ONE), None);
    assert_eq!(Point::from_affine(Fp5::ZERO, Fp5::ZERO), None, "the point N of order 2");
    // G + N is on the curve, with x' = b / x and the other sign of w, but not in the group.
    let b = Fp5([0, 263, 0, 0, 0].map(reduce));
    let other = b * x.inverse().expect("not 0");
    let other_y = -other * Point::GENERATOR.encode();
    assert_eq!(other_y.square(), other * (other.square() + other.double() + b));
    assert_eq!(Point::from_affine(other, other_y), None);
}

#[test]
fn zero_in_the_field() {
    assert_eq!(Fp5::ZERO.inverse(), None);
    assert_eq!(Fp5::ZERO.sqrt(), Some(Fp5::ZERO));
    assert_eq!(Fp5::ZERO.legendre(), 0);
    assert_eq!(Fp5::<F>::batch_inverse(&mut []), Ok(()));
    let mut elements = [Fp5::from_u32(2), Fp5::ZERO, Fp5::ZERO];
    assert_eq!(Fp5::batch_inverse(&mut elements), Err(1));
    assert_eq!(elements, [Fp5::from_u32(2), Fp5::ZERO, Fp5::ZERO]);
}

#[test]
fn p_is_zero_in_every_coefficient() {
    // An element below 2^32 - 1 has two representations; arithmetic takes both for the same element.
    let p = Fp5([F::new(ORDER); 5]);
    assert_eq!(p, Fp5::ZERO);
    assert!(p.is_zero());
    assert_eq!(p.inverse(), None);
    assert_eq!(p.to_u64s(), [0; 5]);
}

/// The product of two elements by the definition: convolution, then z^5 = 3.
fn product_by_definition(a: [u64; 5], b: [u64; 5]) -> Fp5 {
    let mut coefficients = [reduce(0); 5];
    for (i, a) in a.into_iter().enumerate() {
        for (j, b) in b.into_iter().enumerate() {
            let wrapped = if i + j < 5 { reduce(1) } else { reduce(3) };
            coefficients[(i + j) % 5] += reduce(a) * reduce(b) * wrapped;
        }
    }
    Fp5(coefficients)
}

proptest! {
    #[test]
    fn field_product(a: [u64; 5], b: [u64; 5]) {
        let (left, right) = (Fp5(a.map(reduce)), Fp5(b.map(reduce)));
        prop_assert_eq!(left * right, product_by_definition(a, b));
        prop_assert_eq!(left.square(), product_by_definition(a, a));
    }

    #[test]
    fn field_laws(a in arb_fp5(), b in arb_fp5(), c in arb_fp5()) {
        prop_assert_eq!((a + b) * c, a * c + b * c);
        prop_assert_eq!(a * b, b * a);
        prop_assert_eq!((a * b) * c, a * (b * c));
        prop_assert_eq!(a - b + b, a);
        prop_assert_eq!(a + (-a), Fp5::ZERO);
        prop_assert_eq!(a.double().halve(), a);
        prop_assert_eq!(a.scale(b.0[0]), a * Fp5::from_base(b.0[0]));
        prop_assert_eq!(Fp5::from_base((a * b).norm()), Fp5::from_base(a.norm() * b.norm()));
    }

    #[test]
    fn inverses(a in arb_fp5(), b in arb_fp5(), c in arb_fp5()) {
        let mut elements = [a, b, c];
        prop_assume!(!elements.iter().any(Fp5::is_zero));
        Fp5::batch_inverse(&mut elements).expect("none is 0");
        for (element, inverse) in [a, b, c].into_iter().zip(elements) {
            prop_assert_eq!(element * inverse, Fp5::ONE);
            prop_assert_eq!(element.inverse(), Some(inverse));
        }
    }

    #[test]
    fn square_roots(a in arb_fp5()) {
        prop_assume!(!a.is_zero());
        let square = a.square();
        prop_assert_eq!(square.legendre(), 1);
        let root = square.sqrt().expect("a square");
        prop_assert!(root == a || root == -a);
        // 7 generates the multiplicative group of GF(p), and p^5 - 1 is an odd multiple of p - 1.
        let other = square.scale(reduce(7));
        prop_assert_eq!(other.legendre(), -1);
        prop_assert_eq!(other.sqrt(), None);
        prop_assert_eq!(a.sqrt().is_some(), a.legendre() == 1);
    }

    #[test]
    fn field_text_and_numbers(a in arb_fp5()) {
        prop_assert_eq!(a.to_string().parse(), Ok(a));
        prop_assert_eq!(Fp5::try_from(a.to_u64s()), Ok(a));
        let bytes = to_body(&a).expect("serialises");
        prop_assert_eq!(bytes.len(), 40);
        prop_assert_eq!(from_body::<Fp5>(&bytes).expect("reads back"), a);
    }

    #[test]
    fn scalars_against_integers(a in arb_scalar(), b in arb_scalar()) {
        let n = order();
        let (ia, ib) = (integer(&a), integer(&b));
        prop_assert_eq!(integer(&(a + b)), (&ia + &ib) % &n);
        prop_assert_eq!(integer(&(a - b)), (&ia + &n - &ib) % &n);
        prop_assert_eq!(integer(&(a * b)), (&ia * &ib) % &n);
        prop_assert_eq!(integer(&-a), (&n - &ia) % &n);
        let odd = BigUint::from_slice(
            &a.odd_words().iter().flat_map(|w| [*w as u32, (w >> 32) as u32]).collect::<Vec<_>>(),
        );
        prop_assert!(odd.bit(0));
        prop_assert_eq!(odd.clone() % &n, ia.clone());
        prop_assert!(odd == ia.clone() || odd == ia + n);
        prop_assert_eq!(Scalar::from_bytes(&a.to_bytes()), Ok(a));
        prop_assert_eq!(Scalar::from_words(a.to_words()), Ok(a));
        prop_assert_eq!(a.to_string().parse(), Ok(a));
    }

    #[test]
    fn scalars_from_elements(elements: [u64; 8]) {
        let elements = elements.map(reduce);
        let expected = elements.iter().fold(BigUint::ZERO, |sum, e| sum * ORDER + to_u64(*e)) % order();
        prop_assert_eq!(integer(&Scalar::from_elements(&elements)), expected);
    }

    #[test]
    fn challenges_against_integers(h0: u64, h1: u64) {
        let challenge = Challenge::new(reduce(h0), reduce(h1));
        let [h0, h1] = challenge.halves();
        prop_assert!(h0 < ORDER && h1 < ORDER);
        let e: BigUint = BigUint::from(h0) + (BigUint::from(h1) << 66);
        for i in 0..132 {
            prop_assert_eq!(challenge.bit(i), e.bit(i as u64));
        }
        for i in [64, 65, 130, 131] {
            prop_assert!(!challenge.bit(i), "bit {i}");
        }
        let n = order();
        let c = (BigUint::from(2u8) * e + 1u8 + &n - (BigUint::from(1u8) << 132)) % n;
        prop_assert_eq!(integer(&challenge.scalar()), c);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn group_laws(a in arb_point(), b in arb_point(), c in arb_point()) {
        prop_assert_eq!(a.add(&b), b.add(&a));
        prop_assert_eq!(a.add(&b).add(&c), a.add(&b.add(&c)));
        prop_assert_eq!(a.add(&Point::NEUTRAL), a);
        prop_assert!(a.add(&a.neg()).is_neutral());
        prop_assert_eq!(a.add(&a), a.double());
        prop_assert_eq!(a.double().double().double(), a.double_times(3));
        prop_assert_eq!(a.double_times(0), a);
        prop_assert!(a != b || a.encode() == b.encode());
    }

    #[test]
    fn addition_is_the_chord_and_tangent_law(a in arb_point(), b in arb_point()) {
        prop_assume!(!a.is_neutral() && !b.is_neutral() && !a.add(&b).is_neutral());
        let affine = |point: &Point| point.affine().expect("not neutral");
        prop_assert_eq!(affine(&a.add(&b)), affine_sum(affine(&a), affine(&b)));
        prop_assert_eq!(affine(&a.double()), affine_sum(affine(&a), affine(&a)));
        let (x, y) = affine(&a);
        prop_assert_eq!(affine(&a.neg()), (x, -y));
    }

    #[test]
    fn encodings(a in arb_point()) {
        let w = a.encode();
        prop_assert_eq!(Point::decode(w), Some(a));
        prop_assert_eq!(Point::decode(-w), Some(a.neg()));
        let (x, y) = a.affine().expect("not neutral");
        prop_assert_eq!(w * x, y);
        prop_assert_eq!(x.legendre(), 1);
        prop_assert_eq!(Point::from_affine(x, y), Some(a));
    }

    #[test]
    fn decoding_is_all_or_nothing(w in arb_fp5()) {
        if let Some(point) = Point::decode(w) {
            prop_assert_eq!(point.encode(), w);
            prop_assert!(point.mul(&-Scalar::ONE) == point.neg(), "of order n");
        }
    }

    #[test]
    fn multiples(a in arb_scalar(), b in arb_scalar(), c: [u64; 2]) {
        let (left, right) = (Point::mul_generator(&a), Point::mul_generator(&b));
        prop_assert_eq!(left.add(&right), Point::mul_generator(&(a + b)));
        prop_assert_eq!(Point::GENERATOR.mul(&a), left);
        prop_assert_eq!(left.mul(&b), Point::mul_generator(&(a * b)));
        let challenge = Challenge::new(reduce(c[0]), reduce(c[1]));
        let joint = Point::mul_generator_add(&a, &challenge, &right);
        prop_assert_eq!(joint, left.add(&right.mul(&challenge.scalar())));
    }
}

#[test]
fn text_that_is_no_element() {
    let zeros = "0".repeat(80);
    assert_eq!(zeros.parse(), Ok(Fp5::ZERO));
    assert_eq!(format!("0x{zeros}").parse(), Ok(Fp5::ZERO));
    for text in ["", "0x", &zeros[1..], &format!("{zeros}00"), &zeros.replacen('0', "g", 1), &"é".repeat(40)]
    {
        assert!(matches!(text.parse::<Fp5>(), Err(Fp5Error::NotHex { .. })), "{text}");
        assert_eq!(text.parse::<Scalar>(), Err(ScalarError::NotHex { got: text.len() }));
    }
    for index in 0..5 {
        let mut words = [0; 5];
        words[index] = ORDER;
        let error = Fp5Error::NotCanonical { index, got: ORDER };
        assert_eq!(Fp5::try_from(words), Err(error.clone()));
        let text: String = words.iter().map(|word| format!("{word:016x}")).collect();
        assert_eq!(text.parse::<Fp5>(), Err(error));
        let bytes = to_body(&words).expect("serialises");
        assert!(from_body::<Fp5>(&bytes).is_err());
        words[index] = ORDER - 1;
        assert!(Fp5::try_from(words).is_ok());
    }
}

#[test]
fn integers_that_are_no_scalars() {
    let n = order().to_u64_digits();
    let n: [u64; 5] = n.try_into().expect("five words");
    let mut above = n;
    above[0] += 1;
    for words in [n, above, [u64::MAX; 5]] {
        assert_eq!(Scalar::from_words(words), Err(ScalarError::NotReduced));
        let bytes = to_body(&words).expect("serialises");
        assert!(from_body::<Scalar>(&bytes).is_err());
        let text: String = words.iter().rev().map(|word| format!("{word:016x}")).collect();
        assert_eq!(text.parse::<Scalar>(), Err(ScalarError::NotReduced));
    }
    let mut below = n;
    below[0] -= 1;
    assert_eq!(Scalar::from_words(below), Ok(-Scalar::ONE));
}
