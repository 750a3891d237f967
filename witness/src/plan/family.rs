//! Which batches are small.
//!
//! A block is planned in batches of the first family. Each of them can be given up for batches of another family that hold
//! the same legs; where they follow one another in the place of the one, nothing else changes. A lift proof takes
//! batches of one family only, so a batch that is cheaper by itself may cost a lift proof more: what counts is the cost of all
//! proofs, [`Tree::cost`].
//!
//! The cheapest choice is found batch by batch. All that the rest of a block needs to know of the batches so far is the family
//! of the last one, how many more its lift proof takes, and whether the block proof has room for one more lift proof. A
//! lift proof that it has no room for is counted with its share of a fold proof; whole fold proofs decide in the end whether
//! anything is given up at all.

use std::collections::BTreeMap;

use enfold_state::kind::{FamilyId, KindId, PerKind};
use enfold_state::profile::{Profile, Tree};
use rayon::prelude::*;

use super::{Instances, KindPlan, PlannedBatch, PlannedPath, batches_of};
use crate::lanes::Lane;

const FIRST: FamilyId = FamilyId::FIRST;

/// What a batch can be given up for, itself among it: so many batches of one family.
pub(super) type Offer = (FamilyId, usize);

/// Gives batches up for those of other families where that makes a block's proofs cheaper.
pub(super) fn settle(profile: &Profile, plans: &mut PerKind<KindPlan>) {
    let kinds = KindId::in_order();
    let all: Vec<_> =
        kinds.iter().flat_map(|&kind| plans[kind].batches.iter().map(move |batch| (kind, batch))).collect();
    let offers: Vec<_> = all.par_iter().map(|&(kind, batch)| offers(profile, kind, batch)).collect();
    let counts: Vec<Vec<Offer>> = offers
        .iter()
        .map(|own| own.iter().map(|(family, batches)| (*family, batches.len())).collect())
        .collect();
    let mut taken = cheapest(&profile.tree, &counts).into_iter().zip(offers);
    for kind in kinds {
        let own = plans[kind].batches.len();
        let batches = taken.by_ref().take(own).flat_map(|(choice, mut offers)| offers.swap_remove(choice).1);
        plans[kind].batches = batches.collect();
    }
}

/// A batch, and those of other families that it can be given up for and that are cheaper, lift proofs apart.
fn offers(profile: &Profile, kind: KindId, batch: &PlannedBatch) -> Vec<(FamilyId, Vec<PlannedBatch>)> {
    let cost = |family, batches: usize| batches as u64 * profile.tree.batch_cost[family];
    let mut offers = vec![(FIRST, vec![batch.clone()])];
    let mut lanes = None;
    for family in FamilyId::ALL.into_iter().filter(|&family| family != FIRST) {
        let Some(instances) = Instances::of(kind, family) else { continue };
        let lanes = lanes.get_or_insert_with(|| lanes_of(&batch.paths));
        // A leaf has one path at the least.
        let paths = instances.shapes(profile).map(|shape| shape.paths()).into_iter().max().unwrap_or(1);
        if cost(family, lanes.len().div_ceil(paths)) < cost(FIRST, 1) {
            let batches = batches_of(profile, instances, lanes);
            if cost(family, batches.len()) < cost(FIRST, 1) {
                offers.push((family, batches));
            }
        }
    }
    offers
}

/// The lanes of which a batch has these paths.
fn lanes_of(paths: &[PlannedPath]) -> Vec<Lane> {
    let mut paths: Vec<_> = paths.iter().collect();
    paths.sort_by_key(|path| (path.index, path.legs.start));
    let lane = |paths: &[&PlannedPath]| {
        debug_assert!(paths.is_sorted_by(|a, b| a.legs.end == b.legs.start), "a lane without a gap");
        Lane { index: paths[0].index, legs: paths[0].legs.start..paths[paths.len() - 1].legs.end }
    };
    paths.chunk_by(|a, b| a.index == b.index).map(lane).collect()
}

/// What the batches so far leave to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// Lift proofs, as many as the block proof takes and one more at the most.
    lifts: usize,
    /// Of the last batch.
    family: FamilyId,
    /// Batches of that family that its lift proof still takes.
    room: usize,
}

/// The least cost of a state, and how it came to it: the state before and the offer's number.
type Steps = BTreeMap<State, (u64, Option<(State, usize)>)>;

/// The number of the offer that each batch takes.
pub(super) fn cheapest(tree: &Tree, offers: &[Vec<Offer>]) -> Vec<usize> {
    let start = State { lifts: 0, family: FIRST, room: 0 };
    let mut steps: Vec<Steps> = vec![BTreeMap::from([(start, (0, None))])];
    for own in offers {
        let mut next = Steps::new();
        for (&state, &(cost, _)) in &steps[steps.len() - 1] {
            for (number, &offer) in own.iter().enumerate() {
                let (after, more) = step(tree, state, offer);
                let cost = cost + more;
                if next.get(&after).is_none_or(|&(least, _)| cost < least) {
                    next.insert(after, (cost, Some((state, number))));
                }
            }
        }
        steps.push(next);
    }
    let best = steps[offers.len()].iter().min_by_key(|(_, (cost, _))| *cost);
    let mut at = best.map(|(&state, _)| state);
    let mut taken = Vec::with_capacity(offers.len());
    for states in steps[1..].iter().rev() {
        let before = at.and_then(|state| states[&state].1);
        at = before.map(|(state, number)| {
            taken.push(number);
            state
        });
    }
    taken.reverse();
    let families = |taken: &[usize]| -> Vec<FamilyId> {
        let offers = offers.iter().zip(taken).map(|(own, &number)| own[number]);
        offers.flat_map(|(family, batches)| std::iter::repeat_n(family, batches)).collect()
    };
    let none = vec![0; offers.len()];
    if tree.cost(families(&taken)) < tree.cost(families(&none)) { taken } else { none }
}

/// The state behind the batches of an offer, and what they cost; costs are multiplied by fold's arity less one.
fn step(tree: &Tree, before: State, (family, batches): Offer) -> (State, u64) {
    let arity = tree.lift_arity[family];
    let room = if before.family == family { before.room } else { 0 };
    let lifts = batches.saturating_sub(room).div_ceil(arity);
    let folded = (before.lifts + lifts).saturating_sub(tree.block_arity).min(lifts);
    let share = (tree.fold_arity - 1) as u64;
    let cost = share * batches as u64 * tree.batch_cost[family]
        + (share * lifts as u64 + folded as u64) * tree.recursion_cost;
    let after = State {
        lifts: (before.lifts + lifts).min(tree.block_arity + 1),
        family,
        room: room + lifts * arity - batches,
    };
    (after, cost)
}
