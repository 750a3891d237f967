//! Which of the allowed circuits a child is of.

use enfold_state::hash::Digest;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::config::{Builder, F};
use crate::constraint::{Constrain, define};
use crate::convert::from_digest;

/// Constrains `entry` to be one of the allowed: boolean choices that sum to one, and entry equal to the
/// chosen constant. Past the end there is nothing to choose, unlike with an index.
pub fn choose_constant(builder: &mut Builder, entry: HashOutTarget, allowed: &[Digest]) -> Vec<BoolTarget> {
    let choice: Vec<BoolTarget> =
        allowed.iter().map(|_| builder.new_bool("choice: flags are boolean")).collect();
    let sum = builder.add_many(choice.iter().map(|bit| bit.target));
    builder.require_one("choice: one key is chosen", sum);
    for (place, &element) in entry.elements.iter().enumerate() {
        let mut chosen = builder.zero();
        for (bit, digest) in choice.iter().zip(allowed) {
            let constant = from_digest(*digest).elements[place];
            chosen = define("choice: chosen entry", builder.mul_const_add(constant, bit.target, chosen));
        }
        builder.require_equal("choice: a child's key is the chosen one", chosen, element);
    }
    choice
}

/// Fills in the flags of a choice: all zero if `which` is past the end.
///
/// # Errors
/// If a target is filled twice with different values.
pub fn fill_choice(
    witness: &mut PartialWitness<F>,
    choice: &[BoolTarget],
    which: usize,
) -> anyhow::Result<()> {
    choice.iter().enumerate().try_for_each(|(i, &bit)| witness.set_bool_target(bit, i == which))
}
