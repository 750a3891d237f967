//! The signature gate on single rows: split, key and exit, and one forgery for each constraint.

use enfold_circuits::config::{Builder, D, EnfoldConfig, F};
use enfold_circuits::gates::row::{RowGate, constraint_names};
use enfold_circuits::gates::signature::{EXIT, KEY, SPLIT, SignatureGate};
use enfold_circuits::gates::split;
use enfold_state::ecgfp5::point::B;
use enfold_state::ecgfp5::walk::{Affine, constants};
use enfold_state::ecgfp5::{Fp5, Point};
use enfold_state::field::ORDER;
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::vars::EvaluationTargets;
use rand::Rng;

use crate::support::{
    assert_every_wire_matters, broken, point, put, put_split, random_element, random_point, rng,
    signature_row, vectors,
};

fn encode(point: Affine) -> Fp5 {
    point.1 * point.0.inverse().unwrap()
}

/// A row that holds, for a key, an R and random challenge elements.
fn row_for(key: Affine, r: Affine, rng: &mut impl Rng) -> Vec<F> {
    let challenge = [rng.gen_range(0..ORDER), rng.gen_range(0..ORDER)];
    let last = point(r).add(&point(constants().end)).affine().unwrap();
    signature_row(encode(key), key, challenge, last, encode(r))
}

fn random_row(rng: &mut impl Rng) -> Vec<F> {
    let (key, r) = (random_point(rng), random_point(rng));
    row_for(key, r, rng)
}

fn broken_by(wires: &[F]) -> Vec<&'static str> {
    broken::<SignatureGate>(wires)
}

#[test]
fn has_low_degree() {
    test_low_degree::<F, _, D>(SignatureGate);
}

#[test]
fn evaluations_agree() {
    test_eval_fns::<F, EnfoldConfig, _, D>(SignatureGate).unwrap();
}

#[test]
fn counts_are_right() {
    assert_eq!(constraint_names::<SignatureGate>().len(), SignatureGate::CONSTRAINTS);
    assert_eq!((SignatureGate::WIRES, SignatureGate::CONSTRAINTS), (117, 104));
}

/// What one evaluation of the constraints costs a recursive verifier, constants left out.
#[test]
fn rows_in_a_recursive_verifier() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let wires = builder.add_virtual_extension_targets(SignatureGate::WIRES);
    let hash = builder.add_virtual_hash();
    let vars = EvaluationTargets { local_constants: &[], local_wires: &wires, public_inputs_hash: &hash };
    SignatureGate.eval_unfiltered_circuit(&mut builder, vars);
    assert_eq!(builder.num_gates(), 54);
}

#[test]
fn rows_hold_and_every_wire_matters() {
    let mut rng = rng(1);
    for _ in 0..200 {
        assert_eq!(broken_by(&random_row(&mut rng)), [""; 0]);
    }
    for _ in 0..4 {
        let row = random_row(&mut rng);
        assert_every_wire_matters::<SignatureGate>(&row, &mut rng);
    }
}

#[test]
fn all_vectors_are_keys_and_commitments() {
    let mut rng = rng(2);
    for multiple in vectors().mulgen {
        let native = Point::mul_generator(&multiple.k);
        assert_eq!(native.encode(), multiple.w);
        let Some(affine) = native.affine() else { continue };
        assert_eq!(encode(affine), multiple.w);
        let row = row_for(affine, random_point(&mut rng), &mut rng);
        assert_eq!(broken_by(&row), [""; 0]);
        let row = row_for(random_point(&mut rng), affine, &mut rng);
        assert_eq!(broken_by(&row), [""; 0]);
    }
}

/// What native decoding refuses has no x at all that meets the equation, so no row either.
#[test]
fn invalid_encodings_are_no_keys() {
    let mut rng = rng(3);
    for w in vectors().invalid_w {
        assert!(Point::decode(w).is_none());
        for _ in 0..20 {
            let t = random_element(&mut rng);
            let x = t.square();
            let mut row = random_row(&mut rng);
            put_key(&mut row, w, x, w * x, t);
            assert_eq!(broken_by(&row), ["key: w^2 x = x^2 + 2 x + b"]);
        }
        // The roots are (w^2 - 2 +- sqrt(d)) / 2, and d is not a square.
        let sum = w.square() - Fp5::from_u32(2);
        assert_eq!((sum.square() - B.double().double()).legendre(), -1);
    }
}

#[test]
fn extreme_elements_are_cut() {
    let mut rng = rng(4);
    for integer in [0, 1, (1 << 32) - 1, 1 << 32, (1 << 36) - 1, 1 << 36, ORDER - 2, ORDER - 1] {
        let mut row = random_row(&mut rng);
        put_split(&mut row, SPLIT[0], integer);
        put_split(&mut row, SPLIT[1], ORDER - 1 - integer);
        assert_eq!(broken_by(&row), [""; 0], "{integer}");
    }
}

/// h + p fits 64 bits for h < 2^32 - 1, and all digits are in range.
#[test]
fn the_other_integer_of_an_element_is_refused() {
    let mut rng = rng(5);
    for element in [0, 1, 1 << 31, (1 << 32) - 2] {
        for columns in SPLIT {
            let mut row = random_row(&mut rng);
            put_split(&mut row, columns, element + ORDER);
            assert_eq!(row[columns.element], F::from_canonical_u64(element));
            for inverse in [F::ZERO, F::ONE, F::from_noncanonical_u64(rng.r#gen())] {
                row[columns.inverse()] = inverse;
                assert_eq!(broken_by(&row), ["canonical: high is not the largest, or low is 0"]);
            }
        }
    }
}

#[test]
fn the_largest_high_part_cannot_be_denied() {
    // With low = 0 only the first of the two constraints can see a wrong inverse.
    let mut row = random_row(&mut rng(6));
    put_split(&mut row, SPLIT[0], 12345 << 32);
    row[SPLIT[0].inverse()] = F::ZERO;
    assert_eq!(broken_by(&row), ["is_max is 0 or high is the largest"]);
}

#[test]
fn digits_out_of_range_are_refused() {
    let mut rng = rng(7);
    for columns in SPLIT {
        // 4 in one place for 1 in the next, in the lower part and in the upper.
        for place in [3, 20] {
            let mut row = random_row(&mut rng);
            put_split(&mut row, columns, 0x5555_5555_5555_5555);
            row[columns.private + place] += F::from_canonical_u64(4);
            row[columns.private + place + 1] -= F::ONE;
            assert_eq!(broken_by(&row), ["digit is 0, 1, 2 or 3"]);
        }
        // At the highest place of the lower part: lo = 2^36 and more for 1 in hi.
        let mut row = random_row(&mut rng);
        put_split(&mut row, columns, 0x5555_5555_5555_5555);
        row[columns.private + split::LO_BITS / 2 - 1] += F::from_canonical_u64(4);
        row[columns.private + split::LO_BITS / 2] -= F::ONE;
        row[columns.lo] += F::from_canonical_u64(1 << split::LO_BITS);
        row[columns.hi] -= F::ONE;
        assert_eq!(broken_by(&row), ["digit is 0, 1, 2 or 3"]);
    }
}

/// The walk has two digits more for `hi` than it has bits: 2^28, 2^29 or both on top. All else as it
/// would then follow, with the element that this would be.
#[test]
fn the_digits_in_excess_are_zero() {
    for columns in SPLIT {
        for excess in 1..4 {
            let mut row = random_row(&mut rng(17));
            put_split(&mut row, columns, 5);
            let top = columns.inverse() - 1;
            row[top] = F::from_canonical_u64(4 * excess);
            row[columns.hi] = F::from_canonical_u64(excess << split::HI_BITS);
            // 2^64 is 2^32 - 1.
            row[columns.element] = F::from_canonical_u64(5 + excess * u64::from(u32::MAX));
            let high = F::from_canonical_u64((excess << 32) - u64::from(u32::MAX));
            row[columns.inverse()] = high.inverse();
            assert_eq!(broken_by(&row), ["digit is 0, 1, 2 or 3"], "{excess}");
        }
    }
}

#[test]
fn false_parts_break_their_own_constraint() {
    let mut rng = rng(8);
    for columns in SPLIT {
        let cases = [
            (columns.lo, "lo is the sum of its digits"),
            (columns.hi, "hi is the sum of its digits"),
            (columns.element, "element is lo + 2^36 hi"),
        ];
        for (column, name) in cases {
            let mut row = random_row(&mut rng);
            row[column] += F::ONE;
            assert_eq!(broken_by(&row), [name]);
        }
    }
}

fn put_key(row: &mut [F], w: Fp5, x: Fp5, y: Fp5, t: Fp5) {
    put(row, KEY.w, w);
    put(row, KEY.x, x);
    put(row, KEY.y, y);
    put(row, KEY.t, t);
}

#[test]
fn a_point_of_another_key_is_refused() {
    let mut rng = rng(9);
    let (mut row, other) = (random_row(&mut rng), random_point(&mut rng));
    put(&mut row, KEY.w, encode(other));
    assert_eq!(broken_by(&row), ["key: y = w x", "key: w^2 x = x^2 + 2 x + b"]);
    // y from the second equation, for any w and any square x.
    let (w, t) = (random_element(&mut rng), random_element(&mut rng));
    let x = t.square();
    let y = (x.square() + x.double() + B) * w.inverse().unwrap();
    put_key(&mut row, w, x, y, t);
    assert_eq!(broken_by(&row), ["key: y = w x"]);
}

#[test]
fn the_opposite_point_is_refused() {
    let mut rng = rng(10);
    let (mut row, (x, y)) = (random_row(&mut rng), random_point(&mut rng));
    put_key(&mut row, encode((x, y)), x, -y, x.sqrt().unwrap());
    assert_eq!(broken_by(&row), ["key: y = w x", "key: w^2 x = x^2 + 2 x + b"]);
}

/// x off the curve, and x = 0.
#[test]
fn a_key_off_the_curve_is_refused() {
    let mut rng = rng(11);
    let mut row = random_row(&mut rng);
    for t in [Fp5::ZERO, random_element(&mut rng)] {
        let (w, x) = (random_element(&mut rng), t.square());
        put_key(&mut row, w, x, w * x, t);
        assert_eq!(broken_by(&row), ["key: w^2 x = x^2 + 2 x + b"]);
    }
    // The neutral element's encoding: x^2 + 2 x + b has no root.
    assert_eq!((Fp5::ONE - B).legendre(), -1);
    let t = random_element(&mut rng);
    put_key(&mut row, Fp5::ZERO, t.square(), Fp5::ZERO, t);
    assert_eq!(broken_by(&row), ["key: w^2 x = x^2 + 2 x + b"]);
}

/// The root of the key's equation that is not in the group.
#[test]
fn the_other_root_is_refused() {
    let mut rng = rng(12);
    for _ in 0..20 {
        let (x, y) = random_point(&mut rng);
        let w = encode((x, y));
        let other = B * x.inverse().unwrap();
        for t in [x.sqrt().unwrap(), random_element(&mut rng), Fp5::ZERO] {
            let mut row = random_row(&mut rng);
            put_key(&mut row, w, other, w * other, t);
            assert_eq!(broken_by(&row), ["key: x is a square"]);
        }
        assert!(other.sqrt().is_none());
    }
}

#[test]
fn another_commitment_is_refused() {
    let mut rng = rng(13);
    let mut row = random_row(&mut rng);
    for w in [encode(random_point(&mut rng)), Fp5::ZERO] {
        put(&mut row, EXIT.w, w);
        assert_eq!(broken_by(&row), ["exit: w x_R = y_R"]);
    }
    // -R.
    let r = random_point(&mut rng);
    let mut row = row_for(random_point(&mut rng), r, &mut rng);
    put(&mut row, EXIT.w, -encode(r));
    assert_eq!(broken_by(&row), ["exit: w x_R = y_R"]);
}

/// `x_R`, `y_R` and so w for a slope, as the gate computes them.
fn commitment_of(last: Affine, slope: Fp5) -> Fp5 {
    let (x_end, y_end) = constants().end;
    let x = slope.square() - Fp5::from_u32(2) - last.0 - x_end;
    (slope * (x - x_end) + y_end) * x.inverse().unwrap()
}

#[test]
fn a_line_past_the_last_point_is_refused() {
    let mut rng = rng(14);
    let last = random_point(&mut rng);
    let key = random_point(&mut rng);
    let slope = random_element(&mut rng);
    let mut row = signature_row(encode(key), key, [1, 2], last, commitment_of(last, slope));
    put(&mut row, EXIT.slope, slope);
    assert_eq!(broken_by(&row), ["exit: slope from T to -F"]);
}

/// At F = -T any slope would do, and at F = T the difference is the neutral element.
#[test]
fn a_walk_that_ends_at_its_fixed_end_is_refused() {
    let mut rng = rng(15);
    let (x, y) = constants().end;
    let slope = random_element(&mut rng);
    let key = random_point(&mut rng);
    let row = signature_row(encode(key), key, [1, 2], random_point(&mut rng), Fp5::ZERO);
    for (last, names) in [
        ((x, -y), vec!["exit: x_F is not x_T"]),
        ((x, y), vec!["exit: x_F is not x_T", "exit: slope from T to -F"]),
    ] {
        for inverse in [Fp5::ZERO, Fp5::ONE, random_element(&mut rng)] {
            let mut row = row.clone();
            put(&mut row, EXIT.point, last.0);
            put(&mut row, EXIT.point + 5, last.1);
            put(&mut row, EXIT.w, commitment_of(last, slope));
            put(&mut row, EXIT.slope, slope);
            put(&mut row, EXIT.inverse, inverse);
            assert_eq!(broken_by(&row), names);
        }
        assert!(enfold_circuits::gates::exit::fill(last).is_err());
    }
}

/// R = T is an ordinary case: the line touches the curve there.
#[test]
fn the_fixed_end_is_a_commitment() {
    let mut rng = rng(16);
    let row = row_for(random_point(&mut rng), constants().end, &mut rng);
    assert_eq!(broken_by(&row), [""; 0]);
}
