//! Selection between two digests, three a row ([`SelectGate`]).

use plonky2::iop::target::Target;

use super::hash::DigestTarget;
use crate::config::Builder;
use crate::constraint::Constrain;
use crate::gates::select::{SelectGate, SelectGenerator};

/// Selections of a circuit, packed into rows.
#[derive(Debug, Default)]
pub struct Selects {
    /// The row with free slots and the first free one.
    open: Option<(usize, usize)>,
    rows: usize,
}

impl Selects {
    /// `on` if the flag is 1, `off` if it is 0. The caller sees to it that the flag is boolean.
    pub fn select(
        &mut self,
        builder: &mut Builder,
        flag: Target,
        on: DigestTarget,
        off: DigestTarget,
    ) -> DigestTarget {
        let (row, slot) = self.open.take().unwrap_or_else(|| {
            self.rows += 1;
            (builder.add_gate(SelectGate, vec![]), 0)
        });
        self.open = (slot + 1 < SelectGate::SLOTS).then_some((row, slot + 1));
        let wire = |column| Target::wire(row, column);
        builder.require("selection: flag", flag, wire(SelectGate::flag(slot)));
        builder.require_all("selection: off", off, SelectGate::off(slot).map(wire));
        builder.require_all("selection: on", on, SelectGate::on(slot).map(wire));
        builder.add_simple_generator(SelectGenerator { row, slot });
        let start = SelectGate::result(slot).start;
        std::array::from_fn(|i| Target::wire(row, start + i))
    }

    /// Fills the last row up. Slots in excess hold zeros. Returns the number of rows.
    pub fn finish(self, builder: &mut Builder) -> usize {
        if let Some((row, first)) = self.open {
            let zero = builder.zero();
            for column in SelectGate::flag(first)..SelectGate::result(SelectGate::SLOTS - 1).end {
                builder.require("selection: slots in excess", zero, Target::wire(row, column));
            }
        }
        self.rows
    }
}
