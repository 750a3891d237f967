//! The plan: which legs go into which batch.
//!
//! Each phase is planned on its own. Lanes are split by window. In a window each lane goes to one of three places: to
//! single paths or to long paths of the `many` instance, or to the long paths of the `few` instance ([`choice`]). A lane
//! is laid down as whole paths one after the other, so two batches share a leaf only where a cut falls into its lane,
//! which then goes on in the next batch. Long paths that are left over take single legs.
//!
//! The plan depends on the legs alone, in their order: two machines plan a block alike.

mod choice;
mod report;

use std::ops::Range;

use enfold_state::executor::Execution;
use enfold_state::leaf::LeafIndex;
use serde::{Deserialize, Serialize};

use crate::lanes::{Lane, Lanes};
use crate::profile::{BatchId, BatchShape, Profile};

use choice::{Place, choose};

pub use report::{PhaseReport, PlanReport};

/// The batches of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Batches of the debit phase.
    pub debit: PhasePlan,
    /// Batches of the credit phase.
    pub credit: PhasePlan,
}

/// The batches of a phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhasePlan {
    /// Positions in the execution's list of debits or credits, lane after lane.
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
    /// Its legs, as a range of [`PhasePlan::order`]: at least one, at most as many as the circuit has.
    pub legs: Range<usize>,
}

impl Plan {
    /// Plans the batches of an execution.
    pub fn new(profile: &Profile, execution: &Execution) -> Self {
        let debits = Lanes::of_debits(&execution.debits);
        let credits = Lanes::of_credits(&execution.credits);
        Self {
            debit: PhasePlan::new(profile, [BatchId::DebitMany, BatchId::DebitFew], debits),
            credit: PhasePlan::new(profile, [BatchId::CreditMany, BatchId::CreditFew], credits),
        }
    }

    /// All batches with their phase's order of legs: debits first, then credits.
    pub fn batches(&self) -> impl Iterator<Item = (&PhasePlan, &PlannedBatch)> {
        [&self.debit, &self.credit]
            .into_iter()
            .flat_map(|phase| phase.batches.iter().map(move |b| (phase, b)))
    }
}

impl PhasePlan {
    /// Plans one phase. `instances` are the `many` and the `few` circuit.
    fn new(profile: &Profile, instances: [BatchId; 2], lanes: Lanes) -> Self {
        let shapes = instances.map(|batch| profile.shape(batch));
        let window = |lane: &Lane| lane.index.0 >> profile.window_depth;
        let mut batches = Vec::new();
        for lanes in lanes.lanes.chunk_by(|a, b| window(a) == window(b)) {
            let lengths: Vec<_> = lanes.iter().map(|lane| lane.legs.len()).collect();
            let places = choose(shapes, &lengths);
            let paths = |place: Place, legs: usize| {
                let there = lanes.iter().zip(&places).filter(move |&(_, &at)| at == place);
                there.flat_map(move |(lane, _)| split(lane, legs))
            };
            let [many, few] = shapes;
            let (long, single) = (paths(Place::Long, many.legs), paths(Place::Single, 1));
            for (batch, paths) in [
                (instances[0], pack(many, long, single)),
                (instances[1], pack(few, paths(Place::Few, few.legs), std::iter::empty())),
            ] {
                let window = window(&lanes[0]);
                batches.extend(paths.into_iter().map(|paths| PlannedBatch { batch, window, paths }));
            }
        }
        Self { order: lanes.order, batches }
    }
}

/// The paths of each batch: long paths take what has many legs, then what has one; single paths take the rest.
fn pack(
    shape: BatchShape,
    long: impl Iterator<Item = PlannedPath>,
    single: impl Iterator<Item = PlannedPath>,
) -> Vec<Vec<PlannedPath>> {
    let (mut long, mut single) = (long.peekable(), single.peekable());
    let mut batches = Vec::new();
    while long.peek().is_some() || single.peek().is_some() {
        let mut paths = Vec::with_capacity(shape.paths());
        paths.extend(long.by_ref().take(shape.lanes));
        paths.extend(single.by_ref().take(shape.paths() - paths.len()));
        batches.push(paths);
    }
    batches
}

/// The paths of a lane, each with at most `legs` legs.
fn split(lane: &Lane, legs: usize) -> impl Iterator<Item = PlannedPath> {
    let (index, end) = (lane.index, lane.legs.end);
    let starts = lane.legs.clone().step_by(legs);
    starts.map(move |start| PlannedPath { index, legs: start..end.min(start + legs) })
}

#[cfg(test)]
mod tests;
