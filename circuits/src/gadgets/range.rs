//! Range checks, packed into rows.
//!
//! A pool collects values and lays them out at the end: values of 62 bits three a row on
//! [`RangeGate`], values of 32 bits on what that and [`PathGate`] rows have room for, values of 30 bits on
//! [`PathGate`] rows. Every value that was given is on a row once `RangePool::finish` was called.

use enfold_state::leaf::TREE_DEPTH;
use plonky2::iop::target::{BoolTarget, Target};

use crate::config::Builder;
use crate::constraint::Constrain;
use crate::gates::path::PathGate;
use crate::gates::range::RangeGate;
use crate::rows::{Part, RowCount};

/// A value and the name of the requirement.
type Named = (&'static str, Target);

/// What slots in excess are required to hold.
const EXCESS: &str = "range: slots in excess";

/// Values that wait for a row.
#[derive(Debug, Default)]
#[must_use = "values are checked only when the pool is finished"]
pub struct RangePool {
    amounts: Vec<Named>,
    narrow: Vec<Named>,
    indices: Vec<Named>,
    /// Free 32-bit slots on rows that exist.
    narrow_slots: Vec<Target>,
    /// Free 30-bit slots on rows that exist.
    index_slots: Vec<Target>,
}

impl RangePool {
    /// Requires `value < 2^62`.
    pub fn amount(&mut self, name: &'static str, value: Target) {
        self.amounts.push((name, value));
    }

    /// Requires `value < 2^32`.
    pub fn narrow(&mut self, name: &'static str, value: Target) {
        self.narrow.push((name, value));
    }

    /// Requires `value < 2^30`, as leaf indices are.
    pub fn index(&mut self, name: &'static str, value: Target) {
        self.indices.push((name, value));
    }

    /// Requires `index` to be the sum of `2^i bits[i]`. The bits must be boolean by other means: being the
    /// swap bits of a climb. One row, whose room goes to the pool.
    pub fn path(&mut self, builder: &mut Builder, index: Target, bits: &[BoolTarget; TREE_DEPTH]) {
        let row = self.path_row(builder);
        builder.require("path: index", index, Target::wire(row, PathGate::INDEX));
        for (level, bit) in bits.iter().enumerate() {
            builder.require("path: bits of the index", bit.target, Target::wire(row, PathGate::bit(level)));
        }
    }

    fn path_row(&mut self, builder: &mut Builder) -> usize {
        let row = builder.add_gate(PathGate, vec![]);
        self.narrow_slots.push(Target::wire(row, PathGate::NARROW));
        let slots = (0..PathGate::INDICES).map(|slot| Target::wire(row, PathGate::index_value(slot)));
        self.index_slots.extend(slots);
        row
    }

    /// Lays out all values and counts the rows. Slots in excess hold zero.
    pub(crate) fn finish(mut self, builder: &mut Builder, rows: &mut RowCount) {
        rows.measure(Part::Ranges, builder, |builder| self.range_rows(builder));
        rows.measure(Part::Indices, builder, |builder| self.more_path_rows(builder));
        let zero = (EXCESS, builder.zero());
        let narrow = self.narrow.into_iter().chain(std::iter::repeat(zero));
        let indices = self.indices.into_iter().chain(std::iter::repeat(zero));
        for (slot, (name, value)) in self.narrow_slots.into_iter().zip(narrow) {
            builder.require(name, value, slot);
        }
        for (slot, (name, value)) in self.index_slots.into_iter().zip(indices) {
            builder.require(name, value, slot);
        }
    }

    /// Rows for the values of 62 bits, and for those of 32 bits that have no room yet.
    fn range_rows(&mut self, builder: &mut Builder) {
        let zero = (EXCESS, builder.zero());
        for values in std::mem::take(&mut self.amounts).chunks(RangeGate::WIDE) {
            let row = self.range_row(builder);
            for slot in 0..RangeGate::WIDE {
                let (name, value) = values.get(slot).copied().unwrap_or(zero);
                builder.require(name, value, Target::wire(row, RangeGate::value(slot)));
            }
        }
        while self.narrow_slots.len() < self.narrow.len() {
            let row = self.range_row(builder);
            for slot in 0..RangeGate::WIDE {
                builder.require(zero.0, zero.1, Target::wire(row, RangeGate::value(slot)));
            }
        }
    }

    /// Rows for the values of 30 bits that have no room yet.
    fn more_path_rows(&mut self, builder: &mut Builder) {
        let zero = builder.zero();
        while self.index_slots.len() < self.indices.len() {
            let row = self.path_row(builder);
            // A row for its values alone: no generator sets index and bits, which are zero.
            for column in 0..PathGate::NARROW {
                builder.require(EXCESS, zero, Target::wire(row, column));
            }
        }
    }

    fn range_row(&mut self, builder: &mut Builder) -> usize {
        let row = builder.add_gate(RangeGate, vec![]);
        let slots = (0..RangeGate::NARROW).map(|slot| RangeGate::value(RangeGate::WIDE + slot));
        self.narrow_slots.extend(slots.map(|column| Target::wire(row, column)));
        row
    }
}
