//! The plan: which legs go into which batch.
//!
//! Each phase is planned on its own. Lanes are split by window. In a window each lane goes either to the batches of
//! the `many` instance (many paths of few legs) or to those of the `few` instance (few paths of many legs). All batch
//! circuits cost the same rows, so the choice that needs the fewest batches is taken; among equals, one that opens
//! the fewest paths. A lane is laid down as whole paths one after the other, so two batches share a leaf only where a
//! cut falls into its lane, which then goes on at the start of the next batch. All batches but the last of a window
//! and instance have all paths in use.
//!
//! The plan depends on the legs alone, in their order: two machines plan a block alike.

use std::cmp::Reverse;
use std::ops::Range;

use enfold_state::executor::Execution;
use enfold_state::leaf::LeafIndex;
use serde::{Deserialize, Serialize};

use crate::lanes::{Lane, Lanes};
use crate::profile::{BatchId, BatchShape, Profile};

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

    /// Figures of the plan.
    pub fn report(&self, profile: &Profile) -> PlanReport {
        PlanReport {
            debit: self.debit.report(profile, [BatchId::DebitMany, BatchId::DebitFew]),
            credit: self.credit.report(profile, [BatchId::CreditMany, BatchId::CreditFew]),
        }
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
            let few = choose_few(shapes, &lengths);
            for (batch, shape, wanted) in [(instances[0], shapes[0], false), (instances[1], shapes[1], true)]
            {
                let chosen = lanes.iter().zip(&few).filter(|&(_, &few)| few == wanted).map(|(lane, _)| lane);
                let paths: Vec<_> = chosen.flat_map(|lane| split(lane, shape.legs)).collect();
                batches.extend(paths.chunks(shape.paths).map(|paths| PlannedBatch {
                    batch,
                    window: window(&lanes[0]),
                    paths: paths.to_vec(),
                }));
            }
        }
        Self { order: lanes.order, batches }
    }

    fn report(&self, profile: &Profile, instances: [BatchId; 2]) -> PhaseReport {
        let mut report = PhaseReport::default();
        let shapes = instances.map(|batch| profile.shape(batch));
        let mut paths: Vec<_> = self.batches.iter().flat_map(|b| b.paths.iter()).collect();
        for batch in &self.batches {
            let shape = profile.shape(batch.batch);
            let few = batch.batch == instances[1];
            *(if few { &mut report.few_batches } else { &mut report.many_batches }) += 1;
            report.paths += batch.paths.len();
            report.path_slots += shape.paths;
            report.leg_slots += shape.capacity();
        }
        report.legs = self.order.len();
        // A leaf's paths may lie in two batches; by leaf, windows come in order too.
        paths.sort_by_key(|path| path.index);
        for window in
            paths.chunk_by(|a, b| a.index.0 >> profile.window_depth == b.index.0 >> profile.window_depth)
        {
            report.windows += 1;
            let mut cost = 0;
            for lane in window.chunk_by(|a, b| a.index == b.index) {
                let length = lane.iter().map(|path| path.legs.len()).sum();
                report.lanes += 1;
                report.longest_lane = report.longest_lane.max(length);
                cost += relaxed_cost(shapes, length);
            }
            report.lower_bound += cost.div_ceil(shapes[0].paths * shapes[1].paths);
        }
        report
    }
}

/// The paths of a lane, each with at most `legs` legs.
fn split(lane: &Lane, legs: usize) -> impl Iterator<Item = PlannedPath> {
    let (index, end) = (lane.index, lane.legs.end);
    let starts = lane.legs.clone().step_by(legs);
    starts.map(move |start| PlannedPath { index, legs: start..end.min(start + legs) })
}

/// The share of a batch that a lane takes in the instance that suits it better, in units of one
/// `shapes[0].paths * shapes[1].paths`-th. No plan needs less than the sum of it.
fn relaxed_cost(shapes: [BatchShape; 2], length: usize) -> usize {
    let [many, few] = shapes;
    (length.div_ceil(many.legs) * few.paths).min(length.div_ceil(few.legs) * many.paths)
}

/// For each lane of a window whether it goes to the `few` instance.
///
/// For each number of `few` batches that can pay, their paths are given to the lanes that save the most `many` paths
/// for a `few` path, first come first served. Of the numbers that need the fewest batches in all, the one that opens
/// the fewest paths is taken, and the least of those. This is the greedy answer to a knapsack problem: not always the
/// optimum, but never worse than `many` alone.
fn choose_few(shapes: [BatchShape; 2], lengths: &[usize]) -> Vec<bool> {
    let [many, few] = shapes;
    let cost = |lane: usize| (lengths[lane].div_ceil(many.legs), lengths[lane].div_ceil(few.legs));
    let mut by_saving: Vec<usize> = (0..lengths.len()).collect();
    // Order by saved / spent, compared exactly: both are scaled to a common denominator per pair.
    by_saving.sort_by(|&a, &b| {
        let ((saved_a, spent_a), (saved_b, spent_b)) = (cost(a), cost(b));
        (saved_b * spent_a)
            .cmp(&(saved_a * spent_b))
            .then(Reverse(saved_a).cmp(&Reverse(saved_b)))
            .then(a.cmp(&b))
    });
    let total: usize = (0..lengths.len()).map(|lane| cost(lane).0).sum();
    let worth: usize = by_saving
        .iter()
        .map(|&lane| cost(lane))
        .take_while(|&(saved, spent)| saved * few.paths > spent * many.paths)
        .map(|(_, spent)| spent)
        .sum();

    // Savings of the first lanes of `by_saving`, so that each number of batches starts where they fit.
    let mut prefix = vec![(0, 0)];
    for &lane in &by_saving {
        let ((saved, spent), (all_saved, all_spent)) = (cost(lane), prefix[prefix.len() - 1]);
        prefix.push((all_saved + saved, all_spent + spent));
    }
    let fill = |batches: usize, chosen: &mut dyn FnMut(usize)| {
        let capacity = batches * few.paths;
        let whole = prefix.partition_point(|&(_, spent)| spent <= capacity) - 1;
        let (mut all_saved, mut all_spent) = prefix[whole];
        by_saving[..whole].iter().for_each(|&lane| chosen(lane));
        for &lane in &by_saving[whole..] {
            if all_spent == capacity {
                break;
            }
            let (saved, spent) = cost(lane);
            if all_spent + spent <= capacity {
                chosen(lane);
                (all_saved, all_spent) = (all_saved + saved, all_spent + spent);
            }
        }
        let many_paths = total - all_saved;
        (all_spent.div_ceil(few.paths) + many_paths.div_ceil(many.paths), many_paths + all_spent)
    };
    let best = (0..=worth.div_ceil(few.paths) + 1)
        .min_by_key(|&batches| (fill(batches, &mut |_| ()), batches))
        .unwrap_or_default();
    let mut choice = vec![false; lengths.len()];
    fill(best, &mut |lane| choice[lane] = true);
    choice
}

/// Figures of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReport {
    /// Of the debit phase.
    pub debit: PhaseReport,
    /// Of the credit phase.
    pub credit: PhaseReport,
}

impl PlanReport {
    /// Batches of both phases.
    pub fn batches(&self) -> usize {
        self.debit.batches() + self.credit.batches()
    }

    /// Fewest batches that any plan of the same lanes could need, by the bound of [`PhaseReport::lower_bound`].
    pub fn lower_bound(&self) -> usize {
        self.debit.lower_bound + self.credit.lower_bound
    }
}

/// Figures of a phase's plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseReport {
    /// Legs planned.
    pub legs: usize,
    /// Lanes: leaves that have legs.
    pub lanes: usize,
    /// Legs of the longest lane.
    pub longest_lane: usize,
    /// Windows that have lanes.
    pub windows: usize,
    /// Batches of the `many` instance.
    pub many_batches: usize,
    /// Batches of the `few` instance.
    pub few_batches: usize,
    /// Fewest batches that any plan could need, were each lane free to take a fraction of a batch of the instance that
    /// suits it better; rounded up in each window.
    pub lower_bound: usize,
    /// Live paths.
    pub paths: usize,
    /// Paths of all batches, padding included.
    pub path_slots: usize,
    /// Legs of all batches, padding included.
    pub leg_slots: usize,
}

impl PhaseReport {
    /// Batches of both instances.
    pub fn batches(&self) -> usize {
        self.many_batches + self.few_batches
    }

    /// Share of the paths that are live, 0 to 1; 1 if there is no batch.
    pub fn fill(&self) -> f64 {
        if self.path_slots == 0 { 1.0 } else { self.paths as f64 / self.path_slots as f64 }
    }
}

#[cfg(test)]
mod tests;
