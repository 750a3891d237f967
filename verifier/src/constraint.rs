//! Constraints of circuits by name.
//!
//! Every requirement that a gadget or a circuit adds to a builder goes through [`Constrain`] and has a name, and so
//! has every value that [`define`] marks as the result of an arithmetic operation. Names cost nothing: what is built is
//! what plonky2's own methods build. The test that removes constraints one by one enumerates them
//! (`crate::removal`, with the feature `removal`); without that feature there is no way to leave one out.

use enfold_state::hash::DIGEST_LEN;
use plonky2::field::extension::Extendable;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::circuit_builder::CircuitBuilder;

use crate::field::F;

/// Requirements on targets, by name. Copy constraints have no direction; what tells a `place` from its `value` is that
/// no generator fills it. Only the removal test cares: a place that is disconnected is the prover's to fill.
pub trait Constrain {
    /// Requires what is in `place` to be `value`.
    fn require(&mut self, name: &'static str, value: Target, place: Target);

    /// Requires two values to be equal.
    fn require_equal(&mut self, name: &'static str, value: Target, other: Target);

    /// Requires a constant zero.
    fn require_zero(&mut self, name: &'static str, value: Target);

    /// Requires a constant one.
    fn require_one(&mut self, name: &'static str, value: Target);

    /// Requires 0 or 1.
    fn require_bool(&mut self, name: &'static str, value: Target);

    /// A new target that is 0 or 1.
    fn new_bool(&mut self, name: &'static str) -> BoolTarget;

    /// [`Constrain::require`] for one after the other.
    fn require_all(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = Target>,
        places: impl IntoIterator<Item = Target>,
    ) {
        values.into_iter().zip(places).for_each(|(value, place)| self.require(name, value, place));
    }

    /// [`Constrain::require_equal`] for all elements.
    fn require_equal_hashes(&mut self, name: &'static str, value: HashOutTarget, other: HashOutTarget) {
        let (values, others): ([_; DIGEST_LEN], [_; DIGEST_LEN]) = (value.elements, other.elements);
        values.into_iter().zip(others).for_each(|(value, other)| self.require_equal(name, value, other));
    }
}

impl<const D: usize> Constrain for CircuitBuilder<F, D>
where
    F: Extendable<D>,
{
    fn require(&mut self, name: &'static str, value: Target, place: Target) {
        #[cfg(feature = "removal")]
        if crate::removal::leaves_out(name, value, place, true) {
            return;
        }
        let _ = name;
        self.connect(value, place);
    }

    fn require_equal(&mut self, name: &'static str, value: Target, other: Target) {
        #[cfg(feature = "removal")]
        if crate::removal::leaves_out(name, value, other, false) {
            return;
        }
        let _ = name;
        self.connect(value, other);
    }

    fn require_zero(&mut self, name: &'static str, value: Target) {
        let zero = self.zero();
        self.require_equal(name, value, zero);
    }

    fn require_one(&mut self, name: &'static str, value: Target) {
        let one = self.one();
        self.require_equal(name, value, one);
    }

    fn require_bool(&mut self, name: &'static str, value: Target) {
        let rest = self.mul_sub(value, value, value);
        self.require_zero(name, rest);
    }

    fn new_bool(&mut self, name: &'static str) -> BoolTarget {
        let value = self.add_virtual_target();
        self.require_bool(name, value);
        BoolTarget::new_unsafe(value)
    }
}

/// Names the operation of an arithmetic row whose result is `target`, and gives it back.
#[inline]
pub fn define(name: &'static str, target: Target) -> Target {
    #[cfg(feature = "removal")]
    crate::removal::defines(name, target);
    let _ = name;
    target
}

/// Lays out a part of a circuit in which rows of one kind count as `name`: the requirements inside that have no
/// name of their own, those of a permutation's inputs, take this one.
#[inline]
pub fn named<R>(name: &'static str, lay: impl FnOnce() -> R) -> R {
    #[cfg(feature = "removal")]
    let _scope = crate::removal::Scope::new(name);
    let _ = name;
    lay()
}
