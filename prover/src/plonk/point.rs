//! The values at one packed point, and those of a gate's constraints there.

use enfold_circuits::config::F;
use enfold_circuits::gates::row::{Constraints, Row};
use plonky2::hash::hash_types::HashOut;

use super::field::P;

/// What constraints are about: the values at one packed point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    /// All wires.
    pub(super) wires: &'a [P],
    /// Selectors, then the gates' constants.
    pub(super) constants: &'a [P],
    /// Hash of the public inputs.
    pub(super) public_inputs_hash: &'a HashOut<F>,
}

impl Row<P> for Point<'_> {
    #[inline(always)]
    fn wire(&self, column: usize) -> P {
        self.wires[column]
    }

    #[inline(always)]
    fn constant(&self, index: usize) -> P {
        self.constants[index]
    }
}

/// The values of a gate's constraints, in their order.
#[derive(Debug)]
pub(super) struct Values<'a>(std::slice::IterMut<'a, P>);

impl<'a> Values<'a> {
    /// Those that have room.
    pub(super) fn new(values: &'a mut [P]) -> Self {
        Self(values.iter_mut())
    }

    /// The next constraint's value.
    #[inline(always)]
    pub(super) fn push(&mut self, value: P) {
        if let Some(place) = self.0.next() {
            *place = value;
        }
    }
}

impl Constraints<P> for Values<'_> {
    #[inline(always)]
    fn zero(&mut self, _name: &'static str, value: P) {
        self.push(value);
    }
}
