//! Children, one after the other.

use plonky2::hash::hash_types::{HashOutTarget, NUM_HASH_OUT_ELTS};
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::SlotWitness;
use crate::config::{Builder, F};
use crate::constraint::{Constrain, define};
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
        let flag = builder.new_bool("chain: live flag is boolean");
        // flag (1 - last flag) = 0
        let increase = builder.mul_sub(flag.target, last_live.target, flag.target);
        let increase = define("chain: what a live flag rises by", increase);
        builder.require_zero("chain: live flags never rise", increase);

        builder.require_equal_hashes("chain: children have one context", first.ctx, slot.ctx);
        equal_unless(builder, "chain: a dead slot has slot 0's set", flag, slot.set, first.set);
        equal_unless(builder, "chain: a dead slot ends where slot 0 ends", flag, slot.after, first.after);
        let start = select(builder, flag, end, first.before);
        builder.require_equal_hashes("chain: a child starts where the one before ended", start, slot.before);

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
            let (a, b) = (a.elements[i], b.elements[i]);
            let rest = define("selection: flag b - b", builder.mul_sub(flag.target, b, b));
            define("selection: flag a - (flag b - b)", builder.mul_sub(flag.target, a, rest))
        }),
    }
}

/// `flag or a = b`: `flag (a - b) = a - b`, element by element. `flag` must be constrained boolean.
fn equal_unless(
    builder: &mut Builder,
    name: &'static str,
    flag: BoolTarget,
    a: HashOutTarget,
    b: HashOutTarget,
) {
    for (a, b) in a.elements.into_iter().zip(b.elements) {
        let difference = define("chain: difference from slot 0", builder.sub(a, b));
        let rest = builder.mul_sub(flag.target, difference, difference);
        let rest = define("chain: difference of a dead slot from slot 0", rest);
        builder.require_zero(name, rest);
    }
}
