//! Which of some ops a message has.

use enfold_state::message::Op;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use crate::config::{Builder, F};
use crate::constraint::{Constrain, define};
use crate::fill::Fill;

/// One of some ops: a bit for each but the first. Where there is one op there is no bit.
#[derive(Clone, Debug)]
pub struct OpTargets {
    first: Op,
    bits: Vec<(Op, Target)>,
}

impl OpTargets {
    /// Free bits.
    ///
    /// # Panics
    /// If there is no op.
    pub fn new(builder: &mut Builder, mut ops: impl Iterator<Item = Op>) -> Self {
        let first = ops.next().expect("a choice has an op");
        Self { first, bits: ops.map(|op| (op, builder.add_virtual_target())).collect() }
    }

    /// The first op: that of no bit.
    pub const fn first(&self) -> Op {
        self.first
    }

    /// The bits, in the order of the ops.
    pub fn bits(&self) -> impl Iterator<Item = Target> {
        self.bits.iter().map(|&(_, bit)| bit)
    }

    /// Requires the bits to be boolean, and one of them at most to be 1.
    pub fn require(&self, builder: &mut Builder, name: &'static str) {
        self.bits().for_each(|bit| builder.require_bool(name, bit));
        if let [(_, first), rest @ ..] = &self.bits[..]
            && !rest.is_empty()
        {
            let sum = rest
                .iter()
                .fold(*first, |sum, &(_, bit)| define("op: sum of the bits", builder.add(sum, bit)));
            builder.require_bool(name, sum);
        }
    }

    /// What holds the first op's number, with the chosen one's in its place.
    pub fn choose(&self, builder: &mut Builder, name: &'static str, with_first: Target) -> Target {
        self.bits.iter().fold(with_first, |number, &(op, bit)| {
            let one = builder.one();
            let more = F::from_canonical_u8(op as u8) - F::from_canonical_u8(self.first as u8);
            define(name, builder.arithmetic(F::ONE, more, number, one, bit))
        })
    }

    /// Sets the bits.
    pub(crate) fn fill(&self, fill: &mut Fill, op: Op) {
        self.bits.iter().for_each(|&(own, bit)| fill.flag(bit, own == op));
    }
}
