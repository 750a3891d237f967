//! Twin of [`enfold_state::keys::verify`]: a Schnorr signature over EcGFp5, and the signer's address.
//!
//! Given the signed record, the gadget proves that the prover knows a key K and a commitment R, both points
//! of the group that are not neutral, and an integer s with `s G + c K = R`, c being the challenge of R, K
//! and the record. It returns the address of K, which the caller compares with the leaf's.
//!
//! | rows | what |
//! |---|---|
//! | 22 | the walk, [`CurveGate`] |
//! | 1 | split of the challenge, the key's point, the encoding of R, [`SignatureGate`] |
//! | 3 | the challenge: hash of R (5), key (5), record (14) |
//! | 1 | the address: hash of the key (5) |
//!
//! Constants (the walk's start, 0, tags) are shared by all signatures of a circuit.
//!
//! # Why nothing else passes
//!
//! **The key.** Its point is the one in the group that w encodes, [`key`]. It is the same on every
//! row by copy constraints.
//!
//! **The challenge is exact.** The 132 digits are the bits of h1, then of h0, in 66 digits each. The walk's
//! rows count the digits of four runs as integers, from 0 each (5, 6, 5, 6 rows), and each integer is the
//! part of an element that [`split`] cuts its canonical form into. A run's integer is below 2^36 < p, so it
//! fixes the run's bits. A run of 36 digits equals a part of 36 bits; a run of 30 equals a part of 28, so
//! its first two digits, bits 65 and 64 of the half, represent 0. So there is one sequence of digits for
//! each (h0, h1).
//!
//! **The response needs no range.** Any signed digits sum up to some integer s, and the equation holds in a
//! group of order n: knowing any s means knowing s mod n. The transaction id leaves the signature out, so it
//! does not matter that s has several representations.
//!
//! **The sum.** If no addition of the walk has two points with the same x, each slope is the only one that
//! meets its constraint, and the walk ends at `F = T + c K + s G`, `T = 2^132 A0`. [`exit`] leaves
//! `R = F - T` as the only choice, and requires that it is not neutral. R enters the challenge as its
//! encoding, of which it has one.
//!
//! **Exceptional additions.** A slope is free only where a step adds a point to itself: `P = d K` or
//! `B = Q` (opposite points leave no slope at all, nor does `A = P`). P and B are sums
//! `u A0 + v G + w K` with integers that the digits so far give, and `0 < u <= 2^132`, so that such a step
//! is a relation `u A0 = v' G + w' K`. A0 is derived from a published string; nobody knows its logarithm.
//! For a K that somebody else chose, at random as key generation does, G, A0 and K are as good as random,
//! and a relation between them is a discrete logarithm. Only for a K made from A0 on purpose,
//! `K = (u A0 - v' G) / w'`, is there a free slope. Its maker then may pass a point of their own choice
//! for the sum and so "sign" with a key whose logarithm they do not know. But K is bound by the address: they
//! could only debit leaves of the address of this same K, which nobody else can have. So a free slope
//! helps nobody against a key that is not their own. An honest signature meets an exceptional addition
//! with a probability of about 2^-310, and then has no witness.

use std::array::from_fn;

use anyhow::{Context, Result, ensure};
use enfold_state::ecgfp5::walk::{WALK_STEPS, Walk, WalkInput, constants};
use enfold_state::ecgfp5::{Challenge, Fp5, Point, Scalar};
use enfold_state::hash::Tag;
use enfold_state::keys::{PublicKey, Signature};
use enfold_state::owner::L1Owner;
use enfold_state::transaction::Transaction;
use plonky2::field::extension::Extendable;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::hash::hash;
use crate::config::{Builder, F};
use crate::constraint::Constrain;
use crate::convert::{from_native_array, to_native, to_native_array};
use crate::gates::curve::{self, CurveGate};
use crate::gates::signature::{self, SignatureGate};
use crate::gates::{exit, key, split};

/// Parts of 32 bits of a response.
const RESPONSE_PARTS: usize = 10;

/// Rows of a signature, constants aside.
pub const ROWS: usize = curve::ROWS + 1 + 3 + 1;

/// A signature and its key.
#[derive(Clone, Copy, Debug)]
pub struct SignatureTargets {
    /// The encoded key w.
    pub key: [Target; 5],
    /// The signer's owner on L1, in the parts that the address hashes. Free here: the address binds them.
    pub owner: [Target; 3],
    /// The encoded commitment R.
    pub commitment: [Target; 5],
    /// The response in parts of 32 bits, least significant first. Nothing constrains these: they tell the
    /// walk's generator which digits to take.
    response: [Target; RESPONSE_PARTS],
}

impl SignatureTargets {
    /// Free targets, to be constrained by [`verify`].
    pub fn new(builder: &mut Builder) -> Self {
        Self {
            key: builder.add_virtual_target_arr(),
            owner: builder.add_virtual_target_arr(),
            commitment: builder.add_virtual_target_arr(),
            response: builder.add_virtual_target_arr(),
        }
    }

    /// Sets a native signature, its key and the signer's owner.
    ///
    /// # Errors
    /// If one of the targets was set to another value before.
    pub fn set(
        &self,
        witness: &mut impl WitnessWrite<F>,
        key: &PublicKey,
        owner: L1Owner,
        signature: &Signature,
    ) -> Result<()> {
        witness.set_target_arr(&self.key, &from_native_array(key.encoding().0))?;
        witness.set_target_arr(&self.owner, &from_native_array(owner.elements()))?;
        witness.set_target_arr(&self.commitment, &from_native_array(signature.r.0))?;
        let words = signature.s.to_words();
        let part = |i: usize| F::from_canonical_u64(words[i / 2] >> (32 * (i % 2)) & 0xffff_ffff);
        let parts: [F; RESPONSE_PARTS] = from_fn(part);
        witness.set_target_arr(&self.response, &parts)
    }
}

/// Signatures that one generator fills in, side by side: as many as the widest vectors hold.
const GROUP: usize = 8;

/// The signatures of a circuit whose rows wait for their generator.
#[derive(Debug, Default)]
pub struct Signatures(Vec<SchnorrFill>);

impl Signatures {
    /// Adds the generators.
    pub fn finish(self, builder: &mut Builder) {
        for group in self.0.chunks(GROUP) {
            builder.add_simple_generator(SchnorrGenerator { group: group.to_vec() });
        }
    }
}

/// Twin of [`enfold_state::keys::verify`]: constrains the signature to be valid for the record (see
/// [`Transaction::elements`]). Returns the address of its key. [`ROWS`] rows, which
/// [`Signatures::finish`] has filled in.
pub fn verify(
    builder: &mut Builder,
    signatures: &mut Signatures,
    signature: &SignatureTargets,
    record: [Target; Transaction::LEN],
) -> HashOutTarget {
    let SignatureTargets { key, owner, commitment, response } = *signature;
    let address = hash(builder, Tag::Address, &key.into_iter().chain(owner).collect::<Vec<_>>());
    let hashed: Vec<_> = commitment.into_iter().chain(key).chain(record).collect();
    let [h0, h1, ..] = hash(builder, Tag::Challenge, &hashed).elements;

    let signature_row = builder.add_gate(SignatureGate, vec![]);
    let rows: [usize; curve::ROWS] = from_fn(|_| builder.add_gate(CurveGate, vec![]));

    builder.require_all("signature: encoded key", key, wires::<5>(signature_row, signature::KEY.w));
    builder.require_all("signature: commitment", commitment, wires::<5>(signature_row, signature::EXIT.w));
    for (element, columns) in [h0, h1].into_iter().zip(signature::SPLIT) {
        let place = Target::wire(signature_row, columns.element);
        builder.require("signature: challenge", element, place);
    }
    walk(builder, signature_row, rows);

    signatures.0.push(SchnorrFill { key, challenge: [h0, h1], response, signature_row, first_row: rows[0] });
    address
}

/// Connects the walk's rows with each other and with the signature's row.
fn walk(builder: &mut Builder, signature_row: usize, rows: [usize; curve::ROWS]) {
    let wire = |row: usize, column: usize| Target::wire(row, column);
    let (x, y) = constants().start;
    let mut point: [Target; 10] = {
        let coordinates = [x, y].map(|c| from_native_array(c.0).map(|c| builder.constant(c)));
        from_fn(|i| coordinates[i / 5][i % 5])
    };
    let key: [Target; 10] = wires(signature_row, signature::KEY.x);
    let mut starts_at = "walk: starts at its fixed start";
    for row in rows {
        builder.require_all(starts_at, point, wires::<10>(row, curve::POINT_IN));
        starts_at = "walk: each row starts where the one before ends";
        builder.require_all("walk: key", key, wires::<10>(row, curve::KEY));
        point = wires(row, curve::POINT_OUT);
    }
    builder.require_all("walk: end", point, wires::<10>(signature_row, signature::EXIT.point));

    let mut rows = rows.into_iter();
    for columns in signature::SPLIT.into_iter().rev() {
        for (part, digits) in [(columns.hi, HI_DIGITS), (columns.lo, split::LO_BITS)] {
            let mut integer = builder.zero();
            let mut counts_from = "walk: each run of digits counts from 0";
            for row in rows.by_ref().take(digits / curve::STEPS) {
                builder.require(counts_from, integer, wire(row, curve::INTEGER_IN));
                counts_from = "walk: digits count on from row to row";
                integer = wire(row, curve::INTEGER_OUT);
            }
            builder.require("walk: each run counts to its part", integer, wire(signature_row, part));
        }
    }
}

/// Digits of the walk that represent the upper part of a challenge element; there are two more than bits.
const HI_DIGITS: usize = split::HI_BITS + 2;

const _: () = assert!(
    HI_DIGITS.is_multiple_of(curve::STEPS)
        && split::LO_BITS.is_multiple_of(curve::STEPS)
        && 2 * (HI_DIGITS + split::LO_BITS) == WALK_STEPS
        && signature::KEY.y == signature::KEY.x + 5
);

/// Consecutive wires of a row.
fn wires<const N: usize>(row: usize, first: usize) -> [Target; N] {
    from_fn(|i| Target::wire(row, first + i))
}

/// What the rows of one signature are filled from, and where they are.
#[derive(Clone, Copy, Debug, Default)]
struct SchnorrFill {
    key: [Target; 5],
    challenge: [Target; 2],
    response: [Target; RESPONSE_PARTS],
    signature_row: usize,
    first_row: usize,
}

impl SchnorrFill {
    fn targets(&self) -> impl Iterator<Item = Target> {
        self.key.into_iter().chain(self.challenge).chain(self.response)
    }

    fn input(&self, witness: &PartitionWitness<F>) -> Result<WalkInput> {
        let w = Fp5(to_native_array(self.key.map(|target| witness.get_target(target))));
        let key = Point::decode(w).and_then(|point| point.affine()).context("the key encodes no point")?;
        let [h0, h1] = self.challenge.map(|target| to_native(witness.get_target(target)));
        Ok(WalkInput { key, response: self.response(witness)?, challenge: Challenge::new(h0, h1) })
    }

    fn response(&self, witness: &PartitionWitness<F>) -> Result<Scalar> {
        let parts = self.response.map(|part| witness.get_target(part).to_canonical_u64());
        ensure!(
            parts.iter().all(|part| part >> 32 == 0),
            "response: expected parts of 32 bits, got {parts:?}"
        );
        Ok(Scalar::from_words(from_fn(|i| parts[2 * i] | parts[2 * i + 1] << 32))?)
    }

    fn fill(&self, input: &WalkInput, walk: &Walk, out: &mut GeneratedValues<F>) -> Result<()> {
        let (x, y) = input.key;
        let [slope, inverse] = exit::fill(walk.end())?;
        let halves = input.challenge.halves();

        let row = self.signature_row;
        set_element(out, row, signature::KEY.x, x)?;
        set_element(out, row, signature::KEY.y, y)?;
        set_element(out, row, signature::KEY.t, key::fill(x)?)?;
        set_element(out, row, signature::EXIT.slope, slope)?;
        set_element(out, row, signature::EXIT.inverse, inverse)?;
        for (half, columns) in halves.into_iter().zip(signature::SPLIT) {
            // The parts are set by the walk's rows.
            set_wires(out, row, columns.private, &split::fill(half))?;
        }

        let mut integers = integers(halves);
        for (row, walked) in (self.first_row..).zip(&walk.rows) {
            let (x, y) = walked.exit;
            set_element(out, row, curve::POINT_OUT, x)?;
            set_element(out, row, curve::POINT_OUT + 5, y)?;
            out.set_target(Target::wire(row, curve::INTEGER_OUT), integers.next().context("a row more")?)?;
            set_wires(out, row, curve::slope(0, 0), &curve::fill(walked))?;
        }
        Ok(())
    }
}

/// Fills the walks' rows and the signatures' rows. A signature that is not valid is walked as well: the
/// wires then contradict the commitment, and the constraint `exit: w x_R = y_R` fails.
#[derive(Clone, Debug, Default)]
pub struct SchnorrGenerator {
    group: Vec<SchnorrFill>,
}

/// Sets consecutive wires of a row.
fn set_wires(out: &mut GeneratedValues<F>, row: usize, first: usize, values: &[F]) -> Result<()> {
    let wires = (first..).map(|column| Target::wire(row, column));
    wires.zip(values).try_for_each(|(wire, &value)| out.set_target(wire, value))
}

fn set_element(out: &mut GeneratedValues<F>, row: usize, first: usize, value: Fp5) -> Result<()> {
    set_wires(out, row, first, &from_native_array(value.0))
}

impl<const D: usize> SimpleGenerator<F, D> for SchnorrGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "SchnorrGenerator".to_owned()
    }

    fn dependencies(&self) -> Vec<Target> {
        self.group.iter().flat_map(SchnorrFill::targets).collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let inputs = self.group.iter().map(|fill| fill.input(witness)).collect::<Result<Vec<_>>>()?;
        for ((fill, input), walk) in self.group.iter().zip(&inputs).zip(Walk::many(&inputs)) {
            fill.fill(input, &walk?, out)?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.group.len())?;
        self.group.iter().try_for_each(|fill| {
            fill.targets().try_for_each(|target| dst.write_target(target))?;
            dst.write_usize(fill.signature_row)?;
            dst.write_usize(fill.first_row)
        })
    }

    fn deserialize(src: &mut Buffer, _common: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let count = src.read_usize()?;
        let read = |_| {
            let mut fill = SchnorrFill::default();
            let targets = fill.key.iter_mut().chain(&mut fill.challenge);
            for target in targets.chain(&mut fill.response) {
                *target = src.read_target()?;
            }
            fill.signature_row = src.read_usize()?;
            fill.first_row = src.read_usize()?;
            Ok(fill)
        };
        Ok(Self { group: (0..count).map(read).collect::<IoResult<_>>()? })
    }
}

/// The integers after each row of the walk, for the canonical integers of h0 and h1.
fn integers([h0, h1]: [u64; 2]) -> impl Iterator<Item = F> {
    [h1, h0].into_iter().flat_map(|element| {
        let [lo, hi] = split::parts(element);
        [(hi, HI_DIGITS), (lo, split::LO_BITS)].into_iter().flat_map(|(part, digits)| {
            let shifts = (0..digits).step_by(curve::STEPS).rev();
            shifts.map(move |shift| F::from_canonical_u64(part >> shift))
        })
    })
}
