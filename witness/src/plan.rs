//! The plan: which legs go into which batch.
//!
//! Each kind is planned on its own. Lanes are split by window. In a window each lane goes to one of three places: to
//! single paths or to long paths of the `wide` instance, or to the long paths of the `deep` instance (`plan::choice`); one lane
//! may have both sorts of the `wide` instance. A lane is laid down as whole paths, in the order of its legs, so two batches
//! share a leaf only where a cut falls into its lane, which then continues in the next batch. Long paths that are left over
//! take single legs. In the end batches are given up for smaller ones where a block's proofs are cheaper for it (`plan::family`).
//!
//! The plan depends on the profile and the legs alone, in their order: two machines plan a block alike.

mod bound;
mod choice;
mod family;
mod report;

use std::ops::{Index, Range};

use enfold_state::executor::Execution;
use enfold_state::kind::{FamilyId, KindId, PerKind};
use enfold_state::leaf::LeafIndex;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::lanes::{Lane, Lanes};
use crate::paths::{Registered, Visitor, visit};
use enfold_state::profile::{BatchId, BatchShape, Profile};

use choice::{Place, choose};

pub use report::{KindReport, PlanReport};

/// The batches of a block, kind by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plan(PerKind<KindPlan>);

/// The batches of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindPlan {
    /// Positions in the execution's list of the kind's legs, lane after lane.
    pub order: Vec<usize>,
    /// The batches, in the order in which they are chained.
    pub batches: Vec<PlannedBatch>,
}

/// The live paths of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBatch {
    /// Which circuit.
    pub batch: BatchId,
    /// Window number: leaf index divided by `2^window_depth`.
    pub window: u32,
    /// At least one, at most as many as the circuit has.
    pub paths: Vec<PlannedPath>,
}

/// A live path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPath {
    /// The leaf.
    pub index: LeafIndex,
    /// Its legs, as a range of [`KindPlan::order`]: at least one, at most as many as the circuit has.
    pub legs: Range<usize>,
}

impl Plan {
    /// Plans the batches of an execution.
    pub fn new(profile: &Profile, execution: &Execution) -> Self {
        let mut plans = PerKind::from_fn(|kind| (kind, KindPlan::default()));
        plans.values_mut().par_iter_mut().for_each(|(kind, plan)| {
            let lanes = visit(*kind, LanesOf { execution });
            let instances =
                Instances::of(*kind, FamilyId::FIRST).expect("a kind has circuits of the first family");
            *plan = KindPlan::new(profile, instances, lanes);
        });
        let mut plans = plans.map(|_, (_, plan)| plan);
        family::settle(profile, &mut plans);
        Self(plans)
    }

    /// All batches with their kind's order of legs, in the order of the kinds' phases.
    pub fn batches(&self) -> impl Iterator<Item = (&KindPlan, &PlannedBatch)> {
        let plans = KindId::in_order().into_iter().map(|kind| &self.0[kind]);
        plans.flat_map(|plan| plan.batches.iter().map(move |batch| (plan, batch)))
    }
}

impl Index<KindId> for Plan {
    type Output = KindPlan;

    fn index(&self, kind: KindId) -> &KindPlan {
        &self.0[kind]
    }
}

/// The lanes of an execution's legs of a kind.
struct LanesOf<'a> {
    execution: &'a Execution,
}

impl Visitor for LanesOf<'_> {
    type Output = Lanes;

    fn visit<K: Registered>(self) -> Self::Output {
        Lanes::of(K::leaves(self.execution))
    }
}

/// The circuits that a kind has of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instances {
    wide: BatchId,
    /// None if the family has one circuit of the kind.
    deep: Option<BatchId>,
}

impl Instances {
    /// None if the kind has no circuit of the family.
    fn of(kind: KindId, family: FamilyId) -> Option<Self> {
        let mut circuits = kind.of_family(family);
        Some(Self { wide: circuits.next()?, deep: circuits.next_back() })
    }

    /// The shapes of `wide` and `deep`. A circuit that is not there has no path.
    fn shapes(self, profile: &Profile) -> [BatchShape; 2] {
        let deep = self.deep.map_or(BatchShape::singles(0), |deep| profile.shape(deep));
        [profile.shape(self.wide), deep]
    }
}

impl KindPlan {
    /// Plans one kind in circuits of one family.
    fn new(profile: &Profile, instances: Instances, lanes: Lanes) -> Self {
        Self { batches: batches_of(profile, instances, &lanes.lanes), order: lanes.order }
    }
}

/// The batches of lanes, which are in the order of their leaves.
fn batches_of(profile: &Profile, instances: Instances, lanes: &[Lane]) -> Vec<PlannedBatch> {
    let shapes = instances.shapes(profile);
    let window = |lane: &Lane| lane.index.0 >> profile.window_depth;
    let mut batches = Vec::new();
    for lanes in lanes.chunk_by(|a, b| window(a) == window(b)) {
        let lengths: Vec<_> = lanes.iter().map(|lane| lane.legs.len()).collect();
        let places = choose(shapes, &lengths);
        let [wide, deep] = shapes;
        let (mut long, mut single, mut in_deep) = (Vec::new(), Vec::new(), Vec::new());
        let mut divided = None;
        for (lane, &place) in lanes.iter().zip(&places) {
            match place {
                Place::Single => single.extend(split(lane, 1)),
                Place::Long => long.extend(split(lane, wide.legs)),
                Place::Deep => in_deep.extend(split(lane, deep.legs)),
                Place::Divided { long } => divided = Some((lane, long)),
            }
        }
        let mut rest = Vec::new();
        if let Some((lane, paths)) = divided {
            let cut = lane.legs.start + paths * wide.legs;
            long.extend(split(&Lane { index: lane.index, legs: lane.legs.start..cut }, wide.legs));
            rest.extend(split(&Lane { index: lane.index, legs: cut..lane.legs.end }, 1));
        }
        let mut packed = pack(wide, long, single, rest);
        if let Some((lane, _)) = divided {
            in_order(&mut packed, lane);
        }
        let window = window(&lanes[0]);
        let mut add = |batch, packed: Vec<Vec<PlannedPath>>| {
            batches.extend(packed.into_iter().map(|paths| PlannedBatch { batch, window, paths }));
        };
        add(instances.wide, packed);
        if let Some(batch) = instances.deep {
            add(batch, pack(deep, in_deep, Vec::new(), Vec::new()));
        }
    }
    batches
}

/// The paths of each batch: long paths take what has many legs, then what has one; single paths take the rest. `last` are
/// single paths that are kept for the last batches, where the lane that they belong to has its long paths.
fn pack(
    shape: BatchShape,
    long: Vec<PlannedPath>,
    single: Vec<PlannedPath>,
    last: Vec<PlannedPath>,
) -> Vec<Vec<PlannedPath>> {
    let all = long.len() + single.len() + last.len();
    if all == 0 {
        return Vec::new();
    }
    let by_long = if long.is_empty() { 0 } else { long.len().div_ceil(shape.long) };
    let count = by_long.max(all.div_ceil(shape.paths()));
    let (mut long, mut single, mut last) = (long.into_iter(), single.into_iter(), last.into_iter());
    let mut batches = Vec::with_capacity(count);
    for number in 1..=count {
        let mut paths = Vec::with_capacity(shape.paths());
        paths.extend(long.by_ref().take(shape.long));
        // Batches behind this one hold as many of the last as they have single paths.
        let kept = last.len().saturating_sub((count - number) * shape.singles);
        paths.extend(single.by_ref().take(shape.paths() - paths.len() - kept));
        paths.extend(last.by_ref().take(kept));
        batches.push(paths);
    }
    batches
}

/// Gives the legs of a lane to its paths anew, each as many as before, in the order of the batches.
fn in_order(batches: &mut [Vec<PlannedPath>], lane: &Lane) {
    let mut next = lane.legs.start;
    for path in batches.iter_mut().flatten().filter(|path| path.index == lane.index) {
        path.legs = next..next + path.legs.len();
        next = path.legs.end;
    }
}

/// The paths of a lane, each with at most `legs` legs.
fn split(lane: &Lane, legs: usize) -> impl Iterator<Item = PlannedPath> {
    let (index, end) = (lane.index, lane.legs.end);
    let starts = lane.legs.clone().step_by(legs);
    starts.map(move |start| PlannedPath { index, legs: start..end.min(start + legs) })
}

#[cfg(test)]
mod tests;
