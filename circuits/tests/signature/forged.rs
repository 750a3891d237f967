//! Signatures under somebody else's key that would be valid if the gadget's rows were connected a little less: each
//! lie is told on all rows of the gadget, and one requirement alone refuses it.

use std::array::from_fn;
use std::sync::LazyLock;

use enfold_circuits::check::Checker;
use enfold_circuits::config::F;
use enfold_circuits::gates::curve::{self, ROWS, STEPS};
use enfold_circuits::gates::row::RowGate;
use enfold_circuits::gates::signature::SignatureGate;
use enfold_circuits::gates::split;
use enfold_circuits::removal::{self, Opened};
use enfold_state::ecgfp5::walk::{Affine, Walk, constants};
use enfold_state::ecgfp5::{Challenge, Fp5, Point, Scalar};
use enfold_state::field::reduce;
use enfold_state::keys::{self, PublicKey, SecretKey, Signature};
use enfold_state::owner::L1Owner;
use enfold_state::transaction::Transaction;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::Target;

use crate::curve_gate::Forge;
use crate::gadget::{Case, One, random_transaction};
use crate::record;
use crate::support::{point, random_point, rng, signature_row};

static ONE: LazyLock<One> = LazyLock::new(One::new);

static OPENED: LazyLock<Opened<'static>> = LazyLock::new(|| {
    let (one, names) = removal::opened(One::new);
    Opened::new(&Box::leak(Box::new(one)).data, names)
});

/// The runs of digits, in the walk's order: rows, and the element and part that they stand for.
const RUNS: [(usize, usize, usize); 4] = [(5, 1, 1), (6, 1, 0), (5, 0, 1), (6, 0, 0)];

/// A signature that is not one, under the victim's key, and the gadget's rows.
struct Lie {
    victim: PublicKey,
    transaction: Transaction,
    /// What is claimed; its response is not used.
    signature: Signature,
    signature_row: Vec<F>,
    curve_rows: Vec<Vec<F>>,
}

/// The digit wires of a step.
fn quarter(wire: F) -> i64 {
    let integer = wire.to_canonical_u64();
    if integer < 4 { integer as i64 } else { -((-wire).to_canonical_u64() as i64) }
}

/// The walk's rows, and where it ends; `start` says where each row starts, given where the one before ended, and
/// `key` is the key that the rows add. The digits' integers count as they should.
fn walk(
    s: &Scalar,
    challenge: &Challenge,
    key: Affine,
    start: impl Fn(usize, Affine) -> Affine,
) -> (Vec<Vec<F>>, Affine) {
    let digits = Walk::new(key, s, challenge).unwrap();
    let (mut at, mut integer, mut firsts) = (constants().start, 0, RUNS.iter().map(|run| run.0));
    let mut left = firsts.next().unwrap();
    let rows = (0..ROWS).map(|i| {
        if left == 0 {
            (left, integer) = (firsts.next().unwrap(), 0);
        }
        left -= 1;
        let wires = curve::fill(&digits.rows[i]);
        let digit = |column: usize| quarter(wires[column - curve::slope(0, 0)]);
        let forge = Forge {
            start: start(i, at),
            key,
            integer,
            e: from_fn(|step| digit(curve::choice(step))),
            f: from_fn(|step| digit(curve::signs(step))),
            lie: None,
        };
        let (exit, count) = forge.expected();
        (at, integer) = (exit, count);
        forge.row()
    });
    (rows.collect(), at)
}

fn plain(_: usize, at: Affine) -> Affine {
    at
}

/// `1 / 2^count`.
fn halved(count: usize) -> Scalar {
    // (n - 1) / 2 + 1, n being odd.
    let words = (-Scalar::ONE).to_words();
    let half = from_fn(|i| words[i] >> 1 | words.get(i + 1).map_or(0, |next| next << 63));
    let half = Scalar::from_words(half).unwrap() + Scalar::ONE;
    (0..count).fold(Scalar::ONE, |product, _| product * half)
}

impl Lie {
    /// The victim has signed nothing; the forger claims `commitment`, and shows rows that walk by `challenge` with
    /// some response from a start that may be moved, and end wherever they do.
    fn new(seed: u64) -> (Self, Scalar, Challenge) {
        let mut rng = rng(seed);
        let victim = SecretKey::random(&mut rng).public_key();
        let transaction = random_transaction(&mut rng);
        let commitment = point(random_point(&mut rng)).encode();
        let s = Scalar::from_u64(0xdead_beef + seed);
        let signature = Signature { r: commitment, s };
        assert!(keys::verify(&victim, &transaction.elements(), &signature).is_err());
        let truth = keys::challenge(commitment, &victim, &transaction.elements());
        let lie = Self { victim, transaction, signature, signature_row: Vec::new(), curve_rows: Vec::new() };
        (lie, s, truth)
    }

    /// The same with a commitment that fits a challenge of the forger's choice.
    fn chosen(seed: u64) -> (Self, Scalar, Challenge, [u64; 2]) {
        let (mut lie, s, _) = Self::new(seed);
        let chosen = Challenge::new(reduce(0x1234_5678_9abc_def0), reduce(0x0fed_cba9_8765_4321));
        lie.signature.r = Point::mul_generator_add(&s, &chosen, &lie.victim.point()).encode();
        let truth = keys::challenge(lie.signature.r, &lie.victim, &lie.transaction.elements()).halves();
        assert!(keys::verify(&lie.victim, &lie.transaction.elements(), &lie.signature).is_err());
        (lie, s, chosen, truth)
    }

    fn row(&self, challenge: [u64; 2], last: Affine, r: Fp5) -> Vec<F> {
        signature_row(self.victim.encoding(), self.victim.affine(), challenge, last, r)
    }

    /// What the walk must add up to besides, so that it ends where the commitment says.
    fn missing(&self, s: &Scalar, challenge: &Challenge) -> Point {
        let sum = Point::mul_generator_add(s, challenge, &self.victim.point());
        Point::decode(self.signature.r).unwrap().add(&sum.neg())
    }

    /// Requires that the circuit refuses, and that the requirement of this name alone does.
    fn told(self, name: &str) {
        let (one, opened) = (&*ONE, &*OPENED);
        let Self { victim: key, transaction, signature, signature_row, curve_rows } = self;
        let mut inputs = one.inputs(&Case { key, owner: L1Owner::NONE, transaction, signature });
        let honest = one.inputs(&Case::random(&mut rng(99)));
        let checker = Checker::new(&one.data);
        let rows =
            |gate: &str| (0..checker.num_rows()).filter(|&row| checker.gate_name(row) == gate).collect();
        let at: [Vec<usize>; 2] = [rows(SignatureGate::NAME), rows("Curve")];
        for (row, wires) in at.iter().flatten().zip([&signature_row].into_iter().chain(&curve_rows)) {
            let wires = wires.iter().enumerate();
            inputs.target_values.extend(wires.map(|(column, &value)| (Target::wire(*row, column), value)));
        }
        assert!(!opened.broken_in(&one.data, &inputs).is_empty(), "a signature was forged");
        let broken = opened.broken(&opened.complete(&[], &inputs));
        assert!(broken.iter().eq([name]), "{name}: {broken:?}");
        record::tell("signature", opened, &one.data, &honest, &inputs);
    }
}

/// The walk counts a challenge that was chosen before the commitment.
#[test]
fn challenge_of_the_forgers_choice() {
    let (mut lie, s, chosen, _) = Lie::chosen(1);
    let (rows, last) = walk(&s, &chosen, lie.victim.affine(), plain);
    lie.signature_row = lie.row(chosen.halves(), last, lie.signature.r);
    lie.curve_rows = rows;
    lie.told("signature: challenge");
}

#[test]
fn runs_that_count_to_another_challenge() {
    let (mut lie, s, chosen, truth) = Lie::chosen(2);
    let (rows, last) = walk(&s, &chosen, lie.victim.affine(), plain);
    lie.signature_row = lie.row(truth, last, lie.signature.r);
    lie.curve_rows = rows;
    lie.told("walk: each run counts to its part");
}

/// The runs count from what makes up for the difference to the true challenge, at their first row or at a later one.
fn miscounted(seed: u64, skipped: usize) -> Lie {
    let (mut lie, s, chosen, truth) = Lie::chosen(seed);
    let (mut rows, last) = walk(&s, &chosen, lie.victim.affine(), plain);
    let mut rest = rows.iter_mut();
    for (count, element, part) in RUNS {
        let run: Vec<_> = rest.by_ref().take(count).collect();
        let counted = run[count - 1][curve::INTEGER_OUT];
        let wanted = F::from_canonical_u64(split::parts(truth[element])[part]);
        let steps = (count - skipped) * STEPS;
        let mut offset = (wanted - counted) * F::from_canonical_u64(1 << steps).inverse();
        for row in run.into_iter().skip(skipped) {
            row[curve::INTEGER_IN] += offset;
            offset *= F::from_canonical_u64(1 << STEPS);
            row[curve::INTEGER_OUT] += offset;
        }
    }
    lie.signature_row = lie.row(truth, last, lie.signature.r);
    lie.curve_rows = rows;
    lie
}

#[test]
fn runs_that_do_not_count_from_zero() {
    miscounted(3, 0).told("walk: each run of digits counts from 0");
}

#[test]
fn runs_that_do_not_count_on() {
    for skipped in [1, 4] {
        miscounted(4, skipped).told("walk: digits count on from row to row");
    }
}

/// The encoding on the row is that of where the walk ends, whatever commitment was hashed.
#[test]
fn commitment_other_than_hashed() {
    let (mut lie, s, truth) = Lie::new(5);
    let (rows, last) = walk(&s, &truth, lie.victim.affine(), plain);
    let end = point(last).add(&point(constants().end).neg());
    lie.signature_row = lie.row(truth.halves(), last, end.encode());
    lie.curve_rows = rows;
    lie.told("signature: commitment");
}

/// The row that encodes takes another point than the walk's last.
#[test]
fn end_of_another_walk() {
    let (mut lie, s, truth) = Lie::new(6);
    let (rows, _) = walk(&s, &truth, lie.victim.affine(), plain);
    let last = Point::decode(lie.signature.r).unwrap().add(&point(constants().end)).affine().unwrap();
    lie.signature_row = lie.row(truth.halves(), last, lie.signature.r);
    lie.curve_rows = rows;
    lie.told("walk: end");
}

/// The walk jumps in front of a row, so that it ends where the commitment says.
fn jump(seed: u64, at: usize) -> Lie {
    let (mut lie, s, truth) = Lie::new(seed);
    let jump = lie.missing(&s, &truth).mul(&halved((ROWS - at) * STEPS));
    let start = |row: usize, from: Affine| {
        if row == at { point(from).add(&jump).affine().unwrap() } else { from }
    };
    let (rows, last) = walk(&s, &truth, lie.victim.affine(), start);
    lie.signature_row = lie.row(truth.halves(), last, lie.signature.r);
    lie.curve_rows = rows;
    lie
}

#[test]
fn walk_from_another_start() {
    jump(7, 0).told("walk: starts at its fixed start");
}

#[test]
fn walk_that_jumps() {
    for at in [1, 11, 21] {
        jump(8, at).told("walk: each row starts where the one before ends");
    }
}

/// The forger's key, `k G`, and a commitment and response that it makes for the victim's challenge.
fn with_own_key(seed: u64) -> (Lie, Affine, Vec<Vec<F>>, Affine, Challenge) {
    let (mut lie, r, _) = Lie::new(seed);
    let k = Scalar::from_u64(0x5eed + seed);
    let own = Point::mul_generator(&k).affine().unwrap();
    lie.signature.r = Point::mul_generator(&r).encode();
    let truth = keys::challenge(lie.signature.r, &lie.victim, &lie.transaction.elements());
    let s = r - truth.scalar() * k;
    let (rows, last) = walk(&s, &truth, own, plain);
    (lie, own, rows, last, truth)
}

#[test]
fn walk_by_another_key() {
    let (mut lie, _, rows, last, truth) = with_own_key(9);
    lie.signature_row = lie.row(truth.halves(), last, lie.signature.r);
    lie.curve_rows = rows;
    lie.told("walk: key");
}

/// The rows decode the forger's key; the victim's is hashed to the address and into the challenge.
#[test]
fn key_other_than_hashed() {
    let (mut lie, own, rows, last, truth) = with_own_key(10);
    lie.signature_row = signature_row(point(own).encode(), own, truth.halves(), last, lie.signature.r);
    lie.curve_rows = rows;
    lie.told("signature: encoded key");
}
