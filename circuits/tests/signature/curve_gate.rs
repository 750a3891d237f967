//! The curve gate on single rows: against native points, and one forgery for each constraint.

use std::array::from_fn;

use enfold_circuits::config::{Builder, D, EnfoldConfig, F};
use enfold_circuits::convert::from_native;
use enfold_circuits::gates::curve::{
    CurveGate, INTEGER_IN, INTEGER_OUT, KEY, POINT_IN, POINT_OUT, STEPS, choice, signs, slope,
};
use enfold_circuits::gates::row::{RowGate, constraint_names};
use enfold_state::ecgfp5::walk::{Affine, constants};
use enfold_state::ecgfp5::{Fp5, Point};
use enfold_state::field;
use p3_field::{Field as _, PrimeCharacteristicRing};
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::vars::EvaluationTargets;
use rand::Rng;
use rand::seq::SliceRandom;

use crate::support::{
    assert_every_wire_matters, broken, point, put, random_element, random_point, rng, vectors,
};

/// The integers that the digit wires may hold.
const QUARTERS: [i64; 4] = [-3, -1, 1, 3];

fn base(integer: i64) -> field::F {
    let magnitude = field::reduce(integer.unsigned_abs());
    if integer < 0 { -magnitude } else { magnitude }
}

/// What a row is given, and which slopes it lies about.
#[derive(Clone)]
pub struct Forge {
    pub start: Affine,
    pub key: Affine,
    pub integer: u64,
    pub e: [i64; STEPS],
    pub f: [i64; STEPS],
    /// Step, addition, and its slope.
    pub lie: Option<(usize, usize, Fp5)>,
}

impl Forge {
    fn random(rng: &mut impl Rng) -> Self {
        let mut quarters = || from_fn(|_| *QUARTERS.choose(rng).unwrap());
        let (e, f) = (quarters(), quarters());
        Self {
            start: random_point(rng),
            key: random_point(rng),
            integer: rng.gen_range(0..1 << 30),
            e,
            f,
            lie: None,
        }
    }

    /// Coordinates of `Q / s`: the cubic through the table's points. For digits the entry itself.
    fn addend(e: i64) -> Affine {
        let table = constants().table;
        let term = |i: usize| {
            let others = QUARTERS.iter().filter(|&&q| q != QUARTERS[i]);
            others.fold(field::ONE, |product, &q| product * base(e - q) * base(QUARTERS[i] - q).inverse())
        };
        let sum = |coordinate: [Fp5; 4]| {
            coordinate.iter().enumerate().fold(Fp5::ZERO, |sum, (i, c)| sum + c.scale(term(i)))
        };
        (sum(table.map(|p| p.0)), sum(table.map(|p| p.1)))
    }

    /// `(s, d)`, by the cubics that are the signs of -3, -1, 1, 3.
    fn signs(f: i64) -> (field::F, field::F) {
        let (sign, twelfth) = (base(13 * f - f * f * f), base(12).inverse());
        let s = sign * twelfth;
        (s, base(f) - s.double())
    }

    /// The row: all wires follow from the slopes, and the slopes from the points unless they are lies.
    pub fn row(&self) -> Vec<F> {
        let mut wires = vec![F::ZERO; CurveGate::WIRES];
        put(&mut wires, POINT_IN, self.start.0);
        put(&mut wires, POINT_IN + 5, self.start.1);
        put(&mut wires, KEY, self.key.0);
        put(&mut wires, KEY + 5, self.key.1);
        let mut p = self.start;
        let mut integer = field::reduce(self.integer);
        let half = base(2).inverse();
        for step in 0..STEPS {
            let (s, d) = Self::signs(self.f[step]);
            let q = Self::addend(self.e[step]);
            let q = (q.0, q.1.scale(s));
            let mut lines = (0..).map(|addition| (addition, self.lie));
            let mut add = |p: Affine, q: Affine| {
                let (addition, lie) = lines.next().unwrap();
                let slope_of_line = || (q.1 - p.1) * (q.0 - p.0).inverse().unwrap();
                let value = match lie {
                    Some((at, which, value)) if (at, which) == (step, addition) => value,
                    _ => slope_of_line(),
                };
                put(&mut wires, slope(step, addition), value);
                let x = value.square() - Fp5::from_u32(2) - p.0 - q.0;
                (x, value * (p.0 - x) - p.1)
            };
            // The gate takes y of the second sum from the line through P, of the third from the line
            // through B: the first operands here.
            let a = add(p, (self.key.0, self.key.1.scale(d)));
            let b = add(p, a);
            p = add(b, q);
            integer = integer.double() + (d + field::ONE) * half;
            wires[choice(step)] = from_native(base(self.e[step]));
            wires[signs(step)] = from_native(base(self.f[step]));
        }
        put(&mut wires, POINT_OUT, p.0);
        put(&mut wires, POINT_OUT + 5, p.1);
        wires[INTEGER_IN] = F::from_canonical_u64(self.integer);
        wires[INTEGER_OUT] = from_native(integer);
        wires
    }

    /// The last point and the integer, by native arithmetic.
    pub fn expected(&self) -> (Affine, u64) {
        let table = constants().table.map(point);
        let (mut sum, mut integer, key) = (point(self.start), self.integer, point(self.key));
        let signed = |point: &Point, positive: bool| if positive { *point } else { point.neg() };
        for (&e, &f) in self.e.iter().zip(&self.f) {
            let digit = f == 3 || f == -1;
            let entry = QUARTERS.iter().position(|&q| q == e).unwrap();
            sum = sum.double().add(&signed(&key, digit)).add(&signed(&table[entry], f > 0));
            integer = 2 * integer + u64::from(digit);
        }
        (sum.affine().unwrap(), integer)
    }

    fn assert_holds(&self) {
        let wires = self.row();
        assert_eq!(broken::<CurveGate>(&wires), [""; 0]);
        let ((x, y), integer) = self.expected();
        let mut expected = wires.clone();
        put(&mut expected, POINT_OUT, x);
        put(&mut expected, POINT_OUT + 5, y);
        expected[INTEGER_OUT] = F::from_canonical_u64(integer);
        assert_eq!(wires, expected);
    }
}

#[test]
fn has_low_degree() {
    test_low_degree::<F, _, D>(CurveGate);
}

#[test]
fn evaluations_agree() {
    test_eval_fns::<F, EnfoldConfig, _, D>(CurveGate).unwrap();
}

#[test]
fn counts_are_right() {
    assert_eq!(constraint_names::<CurveGate>().len(), CurveGate::CONSTRAINTS);
    assert_eq!((CurveGate::WIRES, CurveGate::CONSTRAINTS), (134, 113));
}

/// What one evaluation of the constraints costs a recursive verifier, constants left out.
#[test]
fn rows_in_a_recursive_verifier() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let wires = builder.add_virtual_extension_targets(CurveGate::WIRES);
    let hash = builder.add_virtual_hash();
    let vars = EvaluationTargets { local_constants: &[], local_wires: &wires, public_inputs_hash: &hash };
    CurveGate.eval_unfiltered_circuit(&mut builder, vars);
    assert_eq!(builder.num_gates(), 179);
}

#[test]
fn rows_are_the_native_sums() {
    let mut rng = rng(1);
    for _ in 0..200 {
        Forge::random(&mut rng).assert_holds();
    }
    // Every choice of signs.
    for e in QUARTERS {
        for f in QUARTERS {
            Forge { e: [e; STEPS], f: [f; STEPS], ..Forge::random(&mut rng) }.assert_holds();
        }
    }
}

#[test]
fn rows_are_the_native_sums_for_all_vectors() {
    let mut rng = rng(2);
    let vectors = vectors();
    let mut rows = 0;
    for sum in &vectors.add {
        let [start, key] = [&sum.a, &sum.b].map(|k| Point::mul_generator(k).affine());
        // The neutral element has no coordinates, and equal or opposite points are exceptional.
        let (Some(start), Some(key)) = (start, key) else { continue };
        if start.0 == key.0 {
            continue;
        }
        let mut forge = Forge { start, key, ..Forge::random(&mut rng) };
        // The first addition is P + K.
        forge.f[0] = 3;
        forge.assert_holds();
        let slope = (key.1 - start.1) * (key.0 - start.0).inverse().unwrap();
        let mut expected = forge.row();
        put(&mut expected, self::slope(0, 0), slope);
        assert_eq!(forge.row(), expected);
        let x = slope.square() - Fp5::from_u32(2) - start.0 - key.0;
        assert_eq!((slope * (start.0 - x) - start.1) * x.inverse().unwrap(), sum.w);
        rows += 1;
    }
    for multiple in &vectors.mulgen {
        let Some(point) = Point::decode(multiple.w).unwrap().affine() else { continue };
        Forge { start: point, ..Forge::random(&mut rng) }.assert_holds();
        Forge { key: point, ..Forge::random(&mut rng) }.assert_holds();
        rows += 2;
    }
    assert!(rows > 60, "{rows} rows");
}

#[test]
fn every_wire_matters() {
    let mut rng = rng(3);
    for _ in 0..4 {
        let row = Forge::random(&mut rng).row();
        assert_every_wire_matters::<CurveGate>(&row, &mut rng);
    }
}

/// One wrong slope, and everything after it as it follows: only that slope's constraint notices.
#[test]
fn a_false_slope_breaks_its_own_constraint() {
    let names = ["slope from P to d K", "slope from A to P", "slope from B to Q"];
    let mut rng = rng(4);
    for step in 0..STEPS {
        for (addition, name) in names.into_iter().enumerate() {
            let lie = Some((step, addition, random_element(&mut rng)));
            let forged = Forge { lie, ..Forge::random(&mut rng) };
            assert_eq!(broken::<CurveGate>(&forged.row()), [name], "step {step}");
        }
    }
}

#[test]
fn a_false_exit_breaks_its_own_constraint() {
    let mut rng = rng(5);
    for column in 0..5 {
        let mut row = Forge::random(&mut rng).row();
        row[POINT_OUT + column] += F::ONE;
        assert_eq!(broken::<CurveGate>(&row), ["x after the last step"]);
        let mut row = Forge::random(&mut rng).row();
        row[POINT_OUT + 5 + column] += F::ONE;
        assert_eq!(broken::<CurveGate>(&row), ["y after the last step"]);
    }
}

#[test]
fn a_false_integer_breaks_its_own_constraint() {
    let mut rng = rng(6);
    for column in [INTEGER_IN, INTEGER_OUT] {
        let mut row = Forge::random(&mut rng).row();
        row[column] += F::ONE;
        assert_eq!(broken::<CurveGate>(&row), ["challenge integer"]);
    }
}

/// A digit out of range, with the points and the integer that the cubics give for it.
#[test]
fn digits_out_of_range_break_their_own_constraint() {
    let mut rng = rng(7);
    for digit in [-5, -4, -2, 0, 2, 4, 5, 7, 1 << 20] {
        for step in 0..STEPS {
            let mut forged = Forge::random(&mut rng);
            forged.e[step] = digit;
            assert_eq!(broken::<CurveGate>(&forged.row()), ["response digits are -3, -1, 1 or 3"]);
            let mut forged = Forge::random(&mut rng);
            forged.f[step] = digit;
            assert_eq!(broken::<CurveGate>(&forged.row()), ["sign and challenge digit are -3, -1, 1 or 3"]);
        }
    }
}

/// What the module says of additions of points with one x.
#[test]
fn equal_points_leave_a_slope_free_and_opposite_points_leave_none() {
    let mut rng = rng(8);
    let random = Forge { f: [3, 1, -1, 3, -3, 1], ..Forge::random(&mut rng) };
    let opposite = |(x, y): Affine| (x, -y);
    let mut lies = |addition: usize, forge: &Forge| {
        let lie = Some((0, addition, random_element(&mut rng)));
        broken::<CurveGate>(&Forge { lie, ..forge.clone() }.row())
    };

    // The first digit is 1: A = P + K.
    let equal = Forge { key: random.start, ..random.clone() };
    assert_eq!(lies(0, &equal), [""; 0]);
    let none = Forge { key: opposite(random.start), ..random.clone() };
    assert_eq!(lies(0, &none), ["slope from P to d K"]);

    // A = -P if K = -2 P. There is no way to A = P.
    let key = point(random.start).double().neg().affine().unwrap();
    assert_eq!(lies(1, &Forge { key, ..random.clone() }), ["slope from A to P"]);

    // B = 2 P + K is the entry that is added, or opposite.
    let entry = Forge::addend(random.e[0]);
    let key_for = |sum: Affine| {
        let key = point(sum).add(&point(random.start).double().neg());
        Forge { key: key.affine().unwrap(), ..random.clone() }
    };
    assert_eq!(lies(2, &key_for(entry)), [""; 0]);
    assert_eq!(lies(2, &key_for(opposite(entry))), ["slope from B to Q"]);
}
