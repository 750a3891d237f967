//! Children, one after the other.

use plonky2::hash::hash_types::{HashOutTarget, NUM_HASH_OUT_ELTS};
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::SlotWitness;
use crate::config::{Builder, F};
use crate::public_inputs::BatchPublicInputsTarget;

/// A chain of children.
#[derive(Debug)]
pub struct Chain {
    /// Live flags of slots 1, 2, ... Each is constrained boolean; slot 0 has none, it is always live.
    live: Vec<BoolTarget>,
    /// Context of all children.
    pub ctx: HashOutTarget,
    /// Where slot 0 starts.
    pub before: HashOutTarget,
    /// Where the last live slot ends.
    pub after: HashOutTarget,
}

impl Chain {
    /// Fills in the live flags.
    ///
    /// # Errors
    /// If a target is filled twice with different values.
    pub fn fill(&self, witness: &mut PartialWitness<F>, slots: &[SlotWitness<'_>]) -> anyhow::Result<()> {
        self.live
            .iter()
            .zip(&slots[1..])
            .try_for_each(|(flag, slot)| witness.set_target(flag.target, slot.live))
    }
}

/// Constrains the slots as the [module](super) says.
pub fn chain(builder: &mut Builder, slots: &[BatchPublicInputsTarget]) -> Chain {
    let first = slots[0];
    let mut last_live = builder._true();
    let mut end = first.after;
    let mut live = Vec::new();
    for slot in &slots[1..] {
        let flag = builder.add_virtual_bool_target_safe();
        // flag (1 - last flag) = 0
        let increase = builder.mul_sub(flag.target, last_live.target, flag.target);
        builder.assert_zero(increase);

        builder.connect_hashes(slot.ctx, first.ctx);
        equal_unless(builder, flag, slot.set, first.set);
        equal_unless(builder, flag, slot.after, first.after);
        let start = select(builder, flag, end, first.before);
        builder.connect_hashes(slot.before, start);

        end = select(builder, flag, slot.after, end);
        last_live = flag;
        live.push(flag);
    }
    Chain { live, ctx: first.ctx, before: first.before, after: end }
}

/// `flag ? a : b`. `flag` must be constrained boolean.
pub fn select(builder: &mut Builder, flag: BoolTarget, a: HashOutTarget, b: HashOutTarget) -> HashOutTarget {
    HashOutTarget {
        elements: std::array::from_fn::<_, NUM_HASH_OUT_ELTS, _>(|i| {
            builder.select(flag, a.elements[i], b.elements[i])
        }),
    }
}

/// `flag or a = b`: `flag (a - b) = a - b`, element by element. `flag` must be constrained boolean.
fn equal_unless(builder: &mut Builder, flag: BoolTarget, a: HashOutTarget, b: HashOutTarget) {
    for (a, b) in a.elements.into_iter().zip(b.elements) {
        let difference = builder.sub(a, b);
        let rest = builder.mul_sub(flag.target, difference, difference);
        builder.assert_zero(rest);
    }
}
