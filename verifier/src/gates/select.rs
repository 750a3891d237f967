//! Selection between two digests by a flag, three times on one row.
//!
//! | columns of slot i, from 13 i | what |
//! |---|---|
//! | 0 | flag |
//! | 1..5 | `off`, taken when the flag is 0 |
//! | 5..9 | `on`, taken when the flag is 1 |
//! | 9..13 | result |
//!
//! All columns are routed. The gate computes `off + flag (on - off)` and does **not** constrain the flag
//! to be boolean: every user's flag is constrained elsewhere.

use std::ops::Range;

use anyhow::Result;
use enfold_state::hash::DIGEST_LEN;
use plonky2::field::extension::Extendable;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::arith::Arith;
use super::row::{Constraints, Row, RowGate};
use crate::field::F;

/// Columns of a slot.
const SLOT: usize = 1 + 3 * DIGEST_LEN;

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectGate;

impl SelectGate {
    /// Selections on a row.
    pub const SLOTS: usize = 3;

    /// The column of a slot's flag.
    pub const fn flag(slot: usize) -> usize {
        assert!(slot < Self::SLOTS);
        slot * SLOT
    }

    /// The columns of a slot's digest that is taken when the flag is 0.
    pub const fn off(slot: usize) -> Range<usize> {
        let start = Self::flag(slot) + 1;
        start..start + DIGEST_LEN
    }

    /// The columns of a slot's digest that is taken when the flag is 1.
    pub const fn on(slot: usize) -> Range<usize> {
        let start = Self::off(slot).end;
        start..start + DIGEST_LEN
    }

    /// The columns of a slot's result.
    pub const fn result(slot: usize) -> Range<usize> {
        let start = Self::on(slot).end;
        start..start + DIGEST_LEN
    }
}

impl RowGate for SelectGate {
    const NAME: &'static str = "Select";
    const WIRES: usize = Self::SLOTS * SLOT;
    const DEGREE: usize = 2;
    const CONSTRAINTS: usize = Self::SLOTS * DIGEST_LEN;
    /// A row's slots may depend on one another, so each is filled by its own [`SelectGenerator`].
    const FILLS: bool = false;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        for slot in 0..Self::SLOTS {
            let flag = row.wire(Self::flag(slot));
            for ((off, on), result) in Self::off(slot).zip(Self::on(slot)).zip(Self::result(slot)) {
                let (off, on, result) = (row.wire(off), row.wire(on), row.wire(result));
                let step = a.sub(on, off);
                let change = a.sub(result, off);
                out.zero("result is off + flag (on - off)", a.mul_sub(flag, step, change));
            }
        }
    }
}

crate::impl_gate!(SelectGate);

/// Fills the result of one slot of a [`SelectGate`] row.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectGenerator {
    /// The row.
    pub row: usize,
    /// The slot, below [`SelectGate::SLOTS`].
    pub slot: usize,
}

impl<const D: usize> SimpleGenerator<F, D> for SelectGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "SelectGenerator".to_owned()
    }

    fn dependencies(&self) -> Vec<Target> {
        (SelectGate::flag(self.slot)..SelectGate::on(self.slot).end)
            .map(|column| Target::wire(self.row, column))
            .collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let get = |column| witness.get_target(Target::wire(self.row, column));
        let (slot, flag) = (self.slot, get(SelectGate::flag(self.slot)));
        let sides = SelectGate::off(slot).zip(SelectGate::on(slot));
        sides.zip(SelectGate::result(slot)).try_for_each(|((off, on), result)| {
            let (off, on) = (get(off), get(on));
            out.set_target(Target::wire(self.row, result), off + flag * (on - off))
        })
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        dst.write_usize(self.slot)
    }

    fn deserialize(src: &mut Buffer, _common: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()?, slot: src.read_usize()? })
    }
}
