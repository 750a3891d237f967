//! Which of the allowed circuits a child is of.

use enfold_state::hash::Digest;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::config::{Builder, F};
use crate::constraint::{Constrain, define};
use crate::convert::from_digest;

/// What the constraints of a choice are called.
struct Names {
    boolean: &'static str,
    one: &'static str,
    chosen: &'static str,
    key: &'static str,
}

/// Constrains `entry` to be one of `count` entries: boolean choices that sum to one, and entry equal to the chosen one.
/// Past the end there is nothing to choose, unlike with an index. `add` adds an element of one of the entries to a sum, if its
/// bit is set: given are the bit, the entry's number, the element's place and the sum.
fn choose(
    builder: &mut Builder,
    entry: HashOutTarget,
    count: usize,
    names: &Names,
    add: impl Fn(&mut Builder, BoolTarget, usize, usize, Target) -> Target,
) -> Vec<BoolTarget> {
    let choice: Vec<BoolTarget> = (0..count).map(|_| builder.new_bool(names.boolean)).collect();
    let sum = builder.add_many(choice.iter().map(|bit| bit.target));
    builder.require_one(names.one, sum);
    for (place, &element) in entry.elements.iter().enumerate() {
        let mut chosen = builder.zero();
        for (number, &bit) in choice.iter().enumerate() {
            chosen = define(names.chosen, add(builder, bit, number, place, chosen));
        }
        builder.require_equal(names.key, chosen, element);
    }
    choice
}

/// Constrains `entry` to be one of the allowed constants, which the flags choose.
pub fn choose_constant(builder: &mut Builder, entry: HashOutTarget, allowed: &[Digest]) -> Vec<BoolTarget> {
    const NAMES: Names = Names {
        boolean: "choice: flags are boolean",
        one: "choice: one key is chosen",
        chosen: "choice: chosen entry",
        key: "choice: a child's key is the chosen one",
    };
    choose(builder, entry, allowed.len(), &NAMES, |builder, bit, number, place, sum| {
        builder.mul_const_add(from_digest(allowed[number]).elements[place], bit.target, sum)
    })
}

/// Constrains `entry` to be one of a list of entries that are wires themselves, which the flags choose.
pub fn choose_listed(builder: &mut Builder, entry: HashOutTarget, list: &[HashOutTarget]) -> Vec<BoolTarget> {
    const NAMES: Names = Names {
        boolean: "fold: choices are boolean",
        one: "fold: one key is chosen",
        chosen: "fold: chosen entry",
        key: "fold: a child's key is the chosen one of the list",
    };
    choose(builder, entry, list.len(), &NAMES, |builder, bit, number, place, sum| {
        builder.mul_add(bit.target, list[number].elements[place], sum)
    })
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
